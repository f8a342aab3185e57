"""The simulated patients' bodies: baseline, the drug's course, noise and rare events. Pure and seeded.

The curves and rates are those of the clinical reference, part C3: calibrated on published event rates where
there are any, assumptions elsewhere. They are for demonstration and tests, never for estimating real risk.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

from kap.events.session import Route

Kind = Literal["probe_off", "hypertension", "desaturation", "vomiting", "panic", "vasovagal"]


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
}


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
    happens = {event.kind: event.strength(minute) for event in body.events if event.strength(minute) > 0}
    rate = body.heart_rate + body.rise_rate * g
    rate += 15 * happens.get("vomiting", 0) + 20 * happens.get("panic", 0) - 30 * happens.get("vasovagal", 0)
    breaths = body.respiratory_rate + 6 * happens.get("panic", 0) - 3 * happens.get("desaturation", 0)
    breaths -= 2 * g if body.route == "intramuscular" and minute < 12 else 0
    saturation = body.spo2 + CURVES[body.route].spo2 * g - 9.5 * happens.get("desaturation", 0)
    slow = math.sin(minute * 1.7) * 1.2 + math.sin(minute * 0.61) * 1.5  # a body is never still
    shown = {
        "heart_rate": rate + slow + random.gauss(0, 0.8),
        "respiratory_rate": breaths + math.sin(minute * 0.9) + random.gauss(0, 0.4),
    }
    if "probe_off" not in happens:
        shown["spo2"] = min(100.0, saturation + math.sin(minute * 0.37) * 0.4 + random.gauss(0, 0.25))
        shown["pulse_rate"] = shown["heart_rate"] + random.gauss(0, 0.6)
    return {name: float(max(0, round(value))) for name, value in shown.items()}


def cuff(body: Body, minute: float, random: Random) -> dict[str, float]:
    """A blood pressure, mm[Hg], with a cuff's noise."""
    g = effect(body.route, minute)
    extra = sum(
        {"hypertension": 45, "panic": 15, "vasovagal": -35}.get(event.kind, 0) * event.strength(minute)
        for event in body.events
    )
    systolic = body.systolic + body.rise_systolic * g + extra + random.gauss(0, 3)
    diastolic = body.diastolic + body.rise_diastolic * g + extra * 0.6 + random.gauss(0, 2.5)
    diastolic = min(diastolic, systolic - 15)
    return {
        "systolic": float(round(systolic)),
        "diastolic": float(round(diastolic)),
        "mean_arterial": float(round(diastolic + (systolic - diastolic) / 3)),
    }


def observation(body: Body, minute: float, random: Random) -> dict[str, int]:
    """MOAA/S 5–3, dissociation and nausea 0–10 as a nurse would score them."""
    g = effect(body.route, minute)
    depth = max(0, min(10, round(body.dissociation * g + random.gauss(0, 0.4))))
    nausea = 5 if any(e.kind == "vomiting" and e.at_min <= minute < e.at_min + 15 for e in body.events) else 0
    return {"moaas": 5 if depth <= 3 else 4, "dissociation": depth, "nausea": nausea, "pain": 0}
