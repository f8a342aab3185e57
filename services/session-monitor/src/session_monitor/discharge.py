"""The discharge gate: which of its points are not met, each in words with its numbers.

What is missing or stale is not met, never normal.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from kap.events.fact import Frozen
from kap.events.rules import DischargeRules
from kap.events.session import Aldrete, PreDoseChecked
from kap.scores import aldrete
from pydantic import AwareDatetime

GATE = "discharge."
AHEAD = timedelta(minutes=1)  # two clocks

POINTS = (
    "stay",
    "aldrete",
    "awake",
    "dissociation",
    "oriented",
    "gait",
    "nausea",
    "blood_pressure",
    "spo2",
    "suicidality",
    "ride",
    "instructions",
    "alarms",
    "signatures",
)


class Latest(Frozen):
    """A value and when it was observed."""

    value: float
    at: AwareDatetime


class Answers(Frozen):
    """What whoever discharges has seen and asked; None was not answered."""

    instructions_given: bool
    oriented: bool | None = None
    steady_gait: bool | None = None
    nausea_tolerable: bool | None = None
    ride_present: bool | None = None
    suicidal_ideation_new: bool | None = None
    aldrete: Aldrete | None = None


def not_met(
    rules: DischargeRules,
    answers: Answers,
    at: datetime,
    *,
    stay_min: float,
    dosed_at: datetime,
    baseline: PreDoseChecked | None,
    vitals: Mapping[str, Latest],
    observed: Mapping[str, Latest],
    open_alarms: int,
    latched_alarms: int,
    signed: Collection[str],
) -> dict[str, str]:
    """The points that are not met, in words. `dosed_at` is of the last dose; `signed` are roles."""
    known = {name: v for name, v in vitals.items() if _fresh(v, at, rules.vitals_valid_min)}
    seen = {name: v for name, v in observed.items() if _fresh(v, at, rules.observation_valid_min)}
    stay = (at - dosed_at).total_seconds() / 60
    found = {
        "stay": None
        if stay >= stay_min
        else f"{int(stay)} of {stay_min:g} min have passed since the last dose",
        "aldrete": _aldrete(rules, answers.aldrete),
        "awake": _at_least("MOAA/S", seen.get("moaas"), rules.moaas_from, rules),
        "dissociation": _at_most("dissociation", seen.get("dissociation"), rules.dissociation_to, rules),
        "oriented": _yes(answers.oriented, "the patient is not oriented", "orientation was not asked"),
        "gait": _yes(answers.steady_gait, "the gait is not steady", "the gait was not looked at"),
        "nausea": _yes(answers.nausea_tolerable, "the nausea is not tolerable", "nausea was not asked about"),
        "blood_pressure": _pressure(rules, baseline, known.get("systolic"), known.get("diastolic")),
        "spo2": _saturation(rules, baseline, known.get("spo2")),
        "suicidality": _yes(
            None if answers.suicidal_ideation_new is None else not answers.suicidal_ideation_new,
            "there are new suicidal thoughts",
            "the C-SSRS since the last visit is missing",
        ),
        "ride": _yes(answers.ride_present, "the ride is not there", "nobody said whether the ride is there"),
        "instructions": _yes(answers.instructions_given, "the instructions were not given", ""),
        "alarms": _alarms(open_alarms, latched_alarms),
        "signatures": _signatures(rules, signed),
    }
    return {point: why for point, why in found.items() if why is not None}


def _fresh(latest: Latest, at: datetime, valid_min: float) -> bool:
    return -AHEAD <= at - latest.at <= timedelta(minutes=valid_min)


def _yes(answer: bool | None, no: str, unasked: str) -> str | None:
    return None if answer else unasked if answer is None else no


def _aldrete(rules: DischargeRules, parts: Aldrete | None) -> str | None:
    if parts is None:
        return "the Aldrete score is missing"
    score = aldrete.score(aldrete.Judgements(**parts.model_dump()))
    if score.total is None:
        return f"the Aldrete score lacks {', '.join(score.missing)}"
    if score.total >= rules.aldrete_from:
        return None
    return f"the Aldrete score is {score.total}, at least {rules.aldrete_from} is needed"


def _unseen(what: str, rules: DischargeRules) -> str:
    return f"{what} was not recorded in the last {rules.observation_valid_min:g} min"


def _at_least(what: str, latest: Latest | None, needed: int, rules: DischargeRules) -> str | None:
    if latest is None:
        return _unseen(what, rules)
    return None if latest.value >= needed else f"{what} is {latest.value:g}, at least {needed} is needed"


def _at_most(what: str, latest: Latest | None, allowed: int, rules: DischargeRules) -> str | None:
    if latest is None:
        return _unseen(what, rules)
    return None if latest.value <= allowed else f"{what} is {latest.value:g}, at most {allowed} is allowed"


def _pressure(
    rules: DischargeRules,
    baseline: PreDoseChecked | None,
    systolic: Latest | None,
    diastolic: Latest | None,
) -> str | None:
    if systolic is None or diastolic is None:
        return f"there is no blood pressure of the last {rules.vitals_valid_min:g} min"
    if systolic.value <= rules.systolic_to and diastolic.value <= rules.diastolic_to:
        return None
    now = f"blood pressure is {systolic.value:g}/{diastolic.value:g}"
    bound = f"at most {rules.systolic_to}/{rules.diastolic_to}"
    if baseline is None:
        return f"{now}, {bound} is allowed"
    share = rules.pressure_within_percent / 100
    if all(
        abs(value.value - before) <= share * before
        for value, before in ((systolic, baseline.systolic), (diastolic, baseline.diastolic))
    ):
        return None
    return (
        f"{now}, {bound} or within {rules.pressure_within_percent:g} % of the baseline "
        f"{baseline.systolic}/{baseline.diastolic} is allowed"
    )


def _saturation(rules: DischargeRules, baseline: PreDoseChecked | None, spo2: Latest | None) -> str | None:
    if spo2 is None:
        return f"there is no SpO2 of the last {rules.vitals_valid_min:g} min"
    needed = rules.spo2_from
    if baseline is not None:
        needed = max(baseline.spo2 - rules.spo2_under_baseline_to, min(rules.spo2_from, baseline.spo2))
    if spo2.value >= needed:
        return None
    return f"SpO2 is {spo2.value:g} %, at least {needed} % is needed"


def _alarms(open: int, latched: int) -> str | None:
    """A latched alarm ended by itself; it counts until somebody has said that they saw it."""
    said = [f"{open} alarm{'s are' if open > 1 else ' is'} open"] if open else []
    if latched:
        said.append(f"{latched} alarm{'s' if latched > 1 else ''} ended and nobody acknowledged it")
    return " and ".join(said) or None


def _signatures(rules: DischargeRules, signed: Collection[str]) -> str | None:
    missing = [role for role in rules.signatures if role not in signed]
    return f"the signature of a {' and a '.join(missing)} is missing" if missing else None
