"""The simulated patients' bodies: baseline, the drug's course, noise and rare events. Pure and seeded.

The curves and rates are those of the clinical reference, part C3: calibrated on published event rates where
there are any, assumptions elsewhere. They are for demonstration and tests, never for estimating real risk.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from kap.events.session import Route

Kind = Literal[
    "probe_off",
    "hypertension",
    "desaturation",
    "vomiting",
    "panic",
    "vasovagal",
    "late_rise",
    "crisis",
    "tachycardia",
    "bradycardia",
    "slow_breathing",
    "fast_breathing",
    "apnoea",
    "laryngospasm",
    "oversedation",
    "leads_off",
    "one_limb",
    "cuff_lost",
    "link_lost",
    "clock_skew",
    "other_patient",
]


@dataclass(frozen=True)
class Curve:
    """A route's course: minutes of onset, peak and offset; amplitudes as (mean, sd) at the peak."""

    on: float
    peak: float
    off: float
    systolic: tuple[float, float]  # mm[Hg]
    diastolic: tuple[float, float]  # mm[Hg]
    rate: tuple[float, float]  # /min
    spo2: float  # %
    dissociation: tuple[float, float]  # 0–10


CURVES: dict[Route, Curve] = {
    "intramuscular": Curve(4, 18, 75, (16, 11), (11, 8.5), (6, 9), -1.0, (7, 2)),
    "sublingual": Curve(15, 42, 110, (9, 10), (6, 8), (4, 8), -0.5, (4, 2.5)),
    "intranasal": Curve(7, 25, 90, (9, 11), (6, 8), (4, 8), -0.5, (4, 2.5)),
    "spravato": Curve(10, 40, 120, (8, 14), (5, 9.5), (3, 8), -0.5, (4, 2.5)),
}

# What each provokes, for whoever asks for it by hand: with the numbers of the default protocols.
PROVOKES: dict[Kind, str] = {
    "probe_off": "SpO2 and pulse gone: low after 10 s, medium after 30 s once dosed",
    "hypertension": "over 180/110: asks for a second reading, high when that confirms it 5 min later",
    "desaturation": "SpO2 to 88: falling, under baseline, under 93 for 30 s, under 90 for 10 s",
    "vomiting": "pulse +15; the nurse scores nausea 5",
    "panic": "pulse +20, pressure +15, breathing +6",
    "vasovagal": "systolic under 90, slow pulse",
    "late_rise": "systolic to 176 in 20 min, when the peak is over: 40 over baseline, still rising",
    "crisis": "over 200/120 once, chest pain and severe headache: high at once",
    "tachycardia": "pulse 126: over what is expected, medium after 5 min; then 138: high",
    "bradycardia": "pulse 46: low, then 38: high",
    "slow_breathing": "breathing 7: high",
    "fast_breathing": "breathing 28: high",
    "apnoea": "no breath: high after 20 s",
    "laryngospasm": "SpO2 to 76 and no breath, stridor: high at once",
    "oversedation": "MOAA/S 3, 2, 1, as the nurse scores it: low, medium, high",
    "leads_off": "breathing gone: low after 10 s, medium after 30 s; the pulse stands in for the heart rate",
    "one_limb": "SpO2 goes while the cuff measures",
    "cuff_lost": "no blood pressure: the next check overdue after 5 and 10 min, the cuff after 45",
    "link_lost": "nothing from the monitor: no data after 15 s",
    "clock_skew": "the monitor's clock a minute off",
    "other_patient": "the monitor names another patient's number",
}

CUFF_EVERY_MIN = 5.0
PEAKS: dict[Kind, tuple[float, float]] = {"hypertension": (192, 116), "crisis": (212, 126)}  # mmHg

# Per session: probability by route (the second for every route but intramuscular), and its window in minutes.
RARE: dict[Kind, tuple[float, float, tuple[float, float]]] = {
    "probe_off": (0.2, 0.2, (5, 100)),
    "hypertension": (0.01, 0.005, (10, 40)),
    "desaturation": (0.02, 0.01, (5, 40)),
    "vomiting": (0.06, 0.04, (20, 60)),
    "panic": (0.05, 0.02, (10, 40)),
    "vasovagal": (0.01, 0.0, (0, 5)),
}
LASTS_MIN: dict[Kind, float] = {
    "probe_off": 1.2,
    "hypertension": 18,
    "desaturation": 3.5,
    "vomiting": 2,
    "panic": 8,
    "vasovagal": 2,
    "late_rise": 20,
    "crisis": 12,
    "tachycardia": 12,
    "bradycardia": 4,
    "slow_breathing": 3,
    "fast_breathing": 3,
    "apnoea": 1,
    "laryngospasm": 2,
    "oversedation": 8,
    "leads_off": 1.2,
    "one_limb": 0.6,
    "cuff_lost": 60,
    "link_lost": 1,
    "clock_skew": 3,
    "other_patient": 3,
}
# Somebody looks then, in minutes after the event began; the cuff measures in the middle of what is MEASURED.
LOOKED_AT_MIN: dict[Kind, tuple[float, ...]] = {
    "crisis": (3, 12.5),
    "laryngospasm": (0.5, 2.5),
    "oversedation": (1, 1.5, 3, 8.5),
}
MEASURED: tuple[Kind, ...] = ("hypertension", "vasovagal", "crisis", "one_limb")
CLOCK_OFF = timedelta(minutes=1)
OTHER_NUMBER = "9999"


@dataclass(frozen=True)
class Event:
    """Something that happens to a patient, in minutes after the dose."""

    kind: Kind
    at_min: float

    def strength(self, minute: float) -> float:
        """0 outside, rising to 1 within the first quarter and falling in the last."""
        part = (minute - self.at_min) / LASTS_MIN[self.kind]
        if not 0 <= part <= 1:
            return 0.0
        return min(1.0, part * 4, (1 - part) * 4)

    def after(self, minute: float) -> float:
        """How much of it is over, 0 to 1; negative before, over 1 after it."""
        return (minute - self.at_min) / LASTS_MIN[self.kind]


@dataclass(frozen=True)
class Body:
    """One patient in one session. Baselines in mm[Hg], /min, % and Cel; amplitudes at the drug's peak."""

    route: Route
    age: int
    weight_kg: float
    systolic: float
    diastolic: float
    heart_rate: float
    respiratory_rate: float
    spo2: float
    temperature: float
    rise_systolic: float
    rise_diastolic: float
    rise_rate: float
    dissociation: float
    events: tuple[Event, ...]


def draw(random: Random, route: Route, force: tuple[Event, ...] = ()) -> Body:
    """A patient who passed the pre-dose gate: at most 140/90."""
    curve = CURVES[route]
    age = random.randint(22, 71)
    hypertensive = random.random() < 0.3
    while True:
        systolic, diastolic = random.gauss(122, 12), random.gauss(75, 8)
        if 95 <= systolic <= 140 and 55 <= diastolic <= 90:
            break
    stronger = (1.3 if hypertensive else 0.87) * (1 + 0.01 * max(0, age - 45))
    shared, own = random.gauss(0, 1), random.gauss(0, 1)
    rise_systolic = (curve.systolic[0] + curve.systolic[1] * shared) * stronger
    rise_diastolic = (curve.diastolic[0] + curve.diastolic[1] * (0.7 * shared + 0.714 * own)) * stronger
    depth = curve.dissociation[0] + curve.dissociation[1] * (0.3 * shared + 0.954 * random.gauss(0, 1))
    intramuscular = route == "intramuscular"
    events = list(force)
    for kind, (common, other, (first, last)) in RARE.items():
        if random.random() < (common if intramuscular else other):
            events.append(Event(kind, random.uniform(first, last)))
    return Body(
        route=route,
        age=age,
        weight_kg=round(random.uniform(52, 98), 1),
        systolic=systolic,
        diastolic=diastolic,
        heart_rate=min(95.0, max(52.0, random.gauss(72, 10))),
        respiratory_rate=min(18.0, max(11.0, random.gauss(14, 2))),
        spo2=min(99.5, max(95.5, random.gauss(97.5, 1))),
        temperature=random.gauss(36.7, 0.3),
        rise_systolic=rise_systolic,
        rise_diastolic=rise_diastolic,
        rise_rate=random.gauss(*curve.rate),
        dissociation=min(10.0, max(0.0, depth)),
        events=tuple(events),
    )


def effect(route: Route, minute: float) -> float:
    """The drug's effect, 0 to 1: a smooth rise to the peak, then falling to about 0.1 at the offset."""
    curve = CURVES[route]
    if minute <= curve.on * 0.4:
        return 0.0
    if minute < curve.peak:
        x = (minute - curve.on * 0.4) / (curve.peak - curve.on * 0.4)
        return x * x * (3 - 2 * x)
    return math.exp(-math.log(10) * (minute - curve.peak) / (curve.off - curve.peak))


def monitor(body: Body, minute: float, random: Random) -> dict[str, float]:
    """What the monitor shows at `minute` after the dose; a signal is absent while its probe is off."""
    g = effect(body.route, minute)
    happens = happening(body, minute)
    rate = body.heart_rate + body.rise_rate * g
    rate += 15 * happens.get("vomiting", 0) + 20 * happens.get("panic", 0)
    rate = min(rate, _to(rate, min(44, rate - 30), happens.get("vasovagal", 0)))
    breaths = body.respiratory_rate + 6 * happens.get("panic", 0) - 3 * happens.get("desaturation", 0)
    breaths -= 2 * g if body.route == "intramuscular" and minute < 12 else 0
    saturation = body.spo2 + CURVES[body.route].spo2 * g - 9.5 * happens.get("desaturation", 0)
    halves = {event.kind: event.after(minute) >= 0.6 for event in body.events}
    rate = _to(rate, 138 if halves.get("tachycardia") else 126, happens.get("tachycardia", 0))
    rate = _to(rate, 38 if halves.get("bradycardia") else 46, happens.get("bradycardia", 0))
    breaths = _to(breaths, 7, happens.get("slow_breathing", 0))
    breaths = _to(breaths, 28, happens.get("fast_breathing", 0))
    saturation = _to(saturation, 76, happens.get("laryngospasm", 0))
    slow = math.sin(minute * 1.7) * 1.2 + math.sin(minute * 0.61) * 1.5  # a body is never still
    shown = {
        "heart_rate": rate + slow + random.gauss(0, 0.8),
        "respiratory_rate": breaths + math.sin(minute * 0.9) + random.gauss(0, 0.4),
    }
    if "apnoea" in happens or "laryngospasm" in happens:
        shown["respiratory_rate"] = 0
    if "probe_off" not in happens and "one_limb" not in happens:
        shown["spo2"] = min(100.0, saturation + math.sin(minute * 0.37) * 0.4 + random.gauss(0, 0.25))
        shown["pulse_rate"] = shown["heart_rate"] + random.gauss(0, 0.6)
    if "leads_off" in happens:
        del shown["heart_rate"], shown["respiratory_rate"]
    return {name: float(max(0, round(value))) for name, value in shown.items()}


def happening(body: Body, minute: float) -> dict[Kind, float]:
    """What happens at `minute` after the dose, and how strongly, 0 to 1."""
    strengths = {event.kind: event.strength(minute) for event in body.events}
    return {kind: strength for kind, strength in strengths.items() if strength > 0}


def _to(value: float, target: float, strength: float) -> float:
    return value + (target - value) * strength


def cuff(body: Body, minute: float, random: Random) -> dict[str, float]:
    """A blood pressure, mm[Hg], with a cuff's noise."""
    g = effect(body.route, minute)
    happens = happening(body, minute)
    extra = sum(
        {"hypertension": 45, "panic": 15, "vasovagal": -35}.get(kind, 0) * strength
        for kind, strength in happens.items()
    )
    systolic = body.systolic + body.rise_systolic * g + extra + random.gauss(0, 3)
    diastolic = body.diastolic + body.rise_diastolic * g + extra * 0.6 + random.gauss(0, 2.5)
    for kind, (high, low) in PEAKS.items():
        if strength := happens.get(kind):
            systolic = max(systolic, _to(systolic, high, strength))
            diastolic = max(diastolic, _to(diastolic, low, strength))
    for event in body.events:
        if event.kind == "late_rise" and 0 <= event.after(minute) <= 1:
            systolic = min(178.0, max(systolic, _to(body.systolic + 10, 176, event.after(minute))))
    systolic = min(systolic, _to(systolic, 84, happens.get("vasovagal", 0)))
    diastolic = min(diastolic, systolic - 15)
    return {
        "systolic": float(round(systolic)),
        "diastolic": float(round(diastolic)),
        "mean_arterial": float(round(diastolic + (systolic - diastolic) / 3)),
    }


def observation(body: Body, minute: float, random: Random) -> dict[str, Any]:
    """MOAA/S 5–0, dissociation and nausea 0–10 and symptoms as a nurse would score them."""
    g = effect(body.route, minute)
    depth = max(0, min(10, round(body.dissociation * g + random.gauss(0, 0.4))))
    nausea = 5 if any(e.kind == "vomiting" and e.at_min <= minute < e.at_min + 15 for e in body.events) else 0
    scores: dict[str, Any] = {
        "moaas": 5 if depth <= 3 else 4,
        "dissociation": depth,
        "nausea": nausea,
        "pain": 0,
    }
    happens = happening(body, minute)
    if strength := happens.get("oversedation"):
        scores["moaas"] = min(scores["moaas"], 5 - round(4 * strength))
    symptoms = [code for kind, codes in SYMPTOMS.items() if kind in happens for code in codes]
    return scores | ({"symptoms": symptoms} if symptoms else {})


SYMPTOMS: dict[Kind, tuple[str, ...]] = {
    "crisis": ("chest_pain", "severe_headache"),
    "laryngospasm": ("stridor",),
}


@dataclass(frozen=True)
class Shown:
    """What a bedside monitor sends at one moment. Its clock may be off, the patient's number another's."""

    values: dict[str, float]
    cuff: tuple[datetime, dict[str, float]] | None  # the last one, and when it measured
    measured: bool  # just now
    skew: timedelta
    number: str | None  # another patient's


@dataclass
class Bedside:
    """A patient's bedside monitor, moment by moment: its cuff measures every few minutes, and when asked."""

    body: Body
    dosed_at: datetime
    next_cuff: datetime
    random: Random
    last: tuple[datetime, dict[str, float]] | None = None

    def at(self, now: datetime) -> Shown | None:
        """None while its link is lost."""
        minute = (now - self.dosed_at).total_seconds() / 60
        happens = happening(self.body, minute)
        values = monitor(self.body, minute, self.random)
        measured = now >= self.next_cuff and "cuff_lost" not in happens
        if measured:
            self.last = (now, cuff(self.body, minute, self.random))
            self.next_cuff = self._next(now)
        if "link_lost" in happens:
            return None
        return Shown(
            values,
            self.last,
            measured,
            CLOCK_OFF if "clock_skew" in happens else timedelta(),
            OTHER_NUMBER if "other_patient" in happens else None,
        )

    def _next(self, now: datetime) -> datetime:
        """Five minutes later, or in the middle of an event that somebody measures."""
        middles = [
            self.dosed_at + timedelta(minutes=event.at_min + LASTS_MIN[event.kind] / 2)
            for event in self.body.events
            if event.kind in MEASURED
        ]
        usual = now + timedelta(minutes=CUFF_EVERY_MIN)
        return min((at for at in middles if now < at < usual), default=usual)
