"""The hard bounds: what no protocol and no change of limits may widen, with where each comes from.

[D] is a bound proposed by KAP, to be signed off like every default; unlike them it is code, so that a slip in
a clinic's file cannot take it away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kap.events.session import Band, Limits, Route

ROUTES: tuple[Route, ...] = ("intramuscular", "sublingual", "intranasal", "spravato")


@dataclass(frozen=True)
class Bound:
    """`field` of a protocol is at least or at most `value`, or among (holds) all of `values`."""

    field: str
    kind: Literal["at least", "at most", "among", "holding"]
    value: float = 0
    values: tuple[object, ...] = ()
    source: str = "[D]"
    routes: tuple[Route, ...] = ROUTES

    @property
    def words(self) -> str:
        match self.kind:
            case "at least" | "at most":
                return f"{self.kind} {self.value:g}"
            case "among":
                return f"among {', '.join(_word(v) for v in self.values)}"
            case "holding":
                return f"a list that holds {', '.join(_word(v) for v in self.values)}"

    def keeps(self, value: Any) -> bool:
        match self.kind:
            case "at least":
                return value is not None and value >= self.value
            case "at most":
                return value is not None and value <= self.value
            case "among":
                return bool(set(value) <= set(self.values))
            case "holding":
                return bool(set(value) >= set(self.values))


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


_ED = "emergency protocols: PMC7081852, table 1"

PROTOCOL: tuple[Bound, ...] = (
    Bound("expected.minimum_stay_min", "at least", 120, source="Spravato REMS 386", routes=("spravato",)),
    Bound("expected.minimum_stay_min", "at least", 60, source="60 min after the last dose: html.scirp.org"),
    Bound("eligibility.ages.minimum", "at least", 18, source="not an approved population under 18"),
    Bound("gates.food_hours", "at least", 2, source="spravato.com, faq"),
    Bound("gates.fluid_hours", "at least", 0.5, source="spravato.com, faq"),
    Bound("gates.systolic_to", "at most", 160, source="[D]; clinics hold over 140"),
    Bound("gates.diastolic_to", "at most", 100, source="[D]; clinics hold over 90"),
    Bound("gates.spo2_from", "at least", 92, source="[D]; Phase 3 trials excluded under 93"),
    Bound("gates.recheck_after_min", "at least", 5, source="[D] two readings 5 minutes apart"),
    Bound("gates.rechecks", "at most", 2, source="[D]"),
    Bound("gates.check_valid_min", "at most", 120),
    Bound("gates.pregnancy_to_age", "at least", 50),
    Bound("gates.asked", "holding", values=("ride", "intoxication", "pregnancy", "suicidality")),
    Bound("gates.final", "holding", values=("intoxication",), source="general knowledge"),
    Bound("dose.never.from_mg_per_kg", "at most", 4, source="anaesthetic from 6.5 mg/kg: inpharmd.com",
          routes=("intramuscular",)),
    Bound("dose.total.from_mg_per_kg", "at most", 4, source="anaesthetic from 6.5 mg/kg: inpharmd.com",
          routes=("intramuscular",)),
    Bound("dose.never.over_mg", "at most", 400, source="[D]; lozenges of 100–400 mg", routes=("sublingual",)),
    Bound("dose.total.over_mg", "at most", 400, source="[D]; lozenges of 100–400 mg", routes=("sublingual",)),
    Bound("dose.never.over_mg", "at most", 150, source="[D]; 50 mg studied", routes=("intranasal",)),
    Bound("dose.total.over_mg", "at most", 150, source="[D]; 50 mg studied", routes=("intranasal",)),
    Bound("dose.allowed_mg", "among", values=(56, 84), source="Spravato label", routes=("spravato",)),
    Bound("dose.overridable_mg", "among", values=(28,), source="EU label, from 65 y", routes=("spravato",)),
    Bound("dose.never.over_mg", "at most", 84, source="Spravato label", routes=("spravato",)),
    Bound("dose.total.over_mg", "at most", 84, source="Spravato label", routes=("spravato",)),
    Bound("dose.concentrations_mg_per_ml", "among", values=(10, 50, 100),
          source="the vials there are: inpharmd.com", routes=("intramuscular", "intranasal")),
    Bound("dose.agree_within_ml", "at most", 0.05, source="[D] under a tenth of the usual volume"),
    Bound("dose.agree_within_mg_per_kg", "at most", 0.1),
    Bound("dose.same_dose_within_min", "at least", 5, source="5 minutes between devices: general knowledge"),
    Bound("discharge.aldrete_from", "at least", 9, source="modified Aldrete: wjgnet.com, 21(12), table 2"),
    Bound("discharge.moaas_from", "at least", 5, source="[D]; 5 is awake"),
    Bound("discharge.dissociation_to", "at most", 2, source="[D]"),
    Bound("discharge.pressure_within_percent", "at most", 20, source="MPADSS: clinmedjournals.org, table 4"),
    Bound("discharge.systolic_to", "at most", 160, source="[D]"),
    Bound("discharge.diastolic_to", "at most", 100, source="[D]"),
    Bound("discharge.spo2_from", "at least", 92, source="modified Aldrete: over 92 % on air"),
    Bound("discharge.spo2_under_baseline_to", "at most", 4),
    Bound("discharge.vitals_valid_min", "at most", 30),
    Bound("discharge.observation_valid_min", "at most", 60),
    Bound("discharge.signatures", "holding", values=("nurse",)),
)  # fmt: skip


@dataclass(frozen=True)
class Outermost:
    """A limit of high priority stands at least so far in: `low` at or over, `high` at or under."""

    low: float | None
    high: float | None
    source: str


LIMITS: dict[str, Outermost] = {
    "spo2": Outermost(85, None, "the lowest limit that a monitor was seen to ship with (Comen NC5)"),
    "systolic": Outermost(80, 200, "low: GE V100, page 59; high: an academic clinic acts over 200"),
    "diastolic": Outermost(None, 120, "an academic clinic acts over 120; GE V100, page 59"),
    "heart_rate": Outermost(40, 150, f"low: NEWS2's outermost band; high: {_ED}"),
    "respiratory_rate": Outermost(8, 30, f"low: NEWS2's outermost band; high: {_ED}"),
}
LONGEST_SILENCE_S = 60  # [D]
LONGEST_DELAY_S = 30  # of a limit of priority high: easymanua.ls, Philips MX800, page 167


def of_protocol(protocol: Any, route: Route) -> Iterator[str]:
    """Each field that is wider than its hard bound, as `field should …, and is …`."""
    for bound in PROTOCOL:
        if route not in bound.routes:
            continue
        value = protocol
        for name in bound.field.split("."):
            value = getattr(value, name)
        if not bound.keeps(value):
            shown = ", ".join(_word(v) for v in value) if isinstance(value, list) else value
            is_ = "missing" if shown is None or shown == "" else shown
            yield f"{bound.field} should be {bound.words} (hard bound: {bound.source}), and is {is_}"


# How a clinician calls what a limit is of, and its unit.
CALLED = {
    "spo2": ("SpO₂", "%"),
    "systolic": ("Systolic pressure", "mmHg"),
    "diastolic": ("Diastolic pressure", "mmHg"),
    "heart_rate": ("Heart rate", "/min"),
    "respiratory_rate": ("Respiratory rate", "/min"),
}


def of_limits(limits: Limits) -> Iterator[tuple[str, str]]:
    """Each field of limits that is wider than its hard bound, with a sentence for the clinician."""
    for signal, outermost in LIMITS.items():
        bands: list[Band] = [band for band in getattr(limits, signal) if band.priority == "high"]
        low = max((band.low for band in bands if band.low is not None), default=None)
        high = min((band.high for band in bands if band.high is not None), default=None)
        name, unit = CALLED[signal]
        if outermost.low is not None and (low is None or low < outermost.low):
            now = "" if low is None else f", not only under {low:g} {unit}"
            must = f"must alarm with high priority under {outermost.low:g} {unit} or earlier{now}"
            yield f"{signal}.low", f"{name} {must} (hard bound: {outermost.source})."
        if outermost.high is not None and (high is None or high > outermost.high):
            now = "" if high is None else f", not only over {high:g} {unit}"
            must = f"must alarm with high priority over {outermost.high:g} {unit} or earlier{now}"
            yield f"{signal}.high", f"{name} {must} (hard bound: {outermost.source})."
    if limits.no_data_after_s > LONGEST_SILENCE_S:
        longest = f"{LONGEST_SILENCE_S} s at the latest, not after {limits.no_data_after_s:g} s"
        yield "no_data_after_s", f"A silent monitor must alarm after {longest} (hard bound: [D])."
