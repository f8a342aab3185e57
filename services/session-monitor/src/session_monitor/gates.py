"""The day's gates: what still holds the first dose back, each in words with its numbers."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from kap.events.rules import Gates, Question
from kap.events.session import PreDoseChecked

# Each question's answer as PreDoseChecked holds it, the answer that holds, what is said when it does, and
# what is said when there is no answer. Missing is not normal: what was not asked holds too.
QUESTIONS: dict[Question, tuple[str, bool, str, str]] = {
    "ride": ("ride_arranged", False, "no ride home is arranged", "nobody asked about the ride home"),
    "intoxication": (
        "intoxicated",
        True,
        "the patient is intoxicated",
        "nobody said whether the patient is intoxicated",
    ),
    "pregnancy": (
        "pregnancy_excluded",
        False,
        "pregnancy is not excluded",
        "nobody said whether pregnancy is excluded",
    ),
    "urinary_symptoms": (
        "urinary_symptoms",
        True,
        "the patient has urinary symptoms",
        "nobody asked about urinary symptoms",
    ),
    "suicidality": (
        "suicidal_ideation_new",
        True,
        "there are new suicidal thoughts since the last visit",
        "the C-SSRS since the last visit is missing",
    ),
    "drugs_changed": (
        "drugs_changed",
        True,
        "the patient's drugs have changed since the last visit",
        "nobody asked whether the patient's drugs have changed",
    ),
}
GATES = ("food", "fluids", *QUESTIONS, "blood_pressure", "spo2")


def held(
    gates: Gates, ask_pregnancy: bool, checks: Sequence[PreDoseChecked], overridden: Collection[str]
) -> dict[str, str]:
    """The gates that hold after these checks, in words; `checks` has one at least."""
    check = checks[-1]
    found: dict[str, str] = {}
    if not check.fasting or _under(check.hours_fasted, gates.food_hours):
        found["food"] = _hours("food", check.hours_fasted, gates.food_hours)
    if _under(check.hours_without_fluids, gates.fluid_hours):
        found["fluids"] = _hours("fluids", check.hours_without_fluids, gates.fluid_hours)
    for question in gates.asked:
        if question == "pregnancy" and not ask_pregnancy:
            continue
        field, holds, said, unasked = QUESTIONS[question]
        answer: bool | None = getattr(check, field)
        if answer is None or answer is holds:
            found[question] = unasked if answer is None else said
    pressure = _measured(
        gates,
        checks,
        lambda c: c.systolic <= gates.systolic_to and c.diastolic <= gates.diastolic_to,
        lambda c: f"blood pressure was {c.systolic}/{c.diastolic}",
        f"at most {gates.systolic_to}/{gates.diastolic_to}",
    )
    if pressure:
        found["blood_pressure"] = pressure
    saturation = _measured(
        gates,
        checks,
        lambda c: c.spo2 >= gates.spo2_from,
        lambda c: f"SpO2 was {c.spo2} %",
        f"at least {gates.spo2_from} %",
    )
    if saturation:
        found["spo2"] = saturation
    return {gate: why for gate, why in found.items() if gate not in overridden or gate in gates.final}


def stale(gates: Gates, checks: Sequence[PreDoseChecked], at: datetime) -> str | None:
    """A check of an earlier hour says nothing any more."""
    age = (at - checks[-1].at).total_seconds() / 60
    if age <= gates.check_valid_min:
        return None
    return f"the pre-dose check is {int(age)} min old and counts for {gates.check_valid_min:g} min"


def _under(hours: float | None, needed: float) -> bool:
    return hours is None or hours < needed


def _hours(what: str, hours: float | None, needed: float) -> str:
    if hours is None:
        return f"nobody said for how many hours the patient had no {what} ({needed:g} h are needed)"
    if hours < needed:
        return f"the patient had no {what} for {hours:g} h, and {needed:g} h are needed"
    return f"the patient is not fasting ({needed:g} h without {what} are needed)"


def _measured(
    gates: Gates,
    checks: Sequence[PreDoseChecked],
    good: Callable[[PreDoseChecked], bool],
    said: Callable[[PreDoseChecked], str],
    bound: str,
) -> str | None:
    """A value out of bounds holds until a recheck, not too early and not one too many, is good."""
    wait = timedelta(minutes=gates.recheck_after_min)
    bad: PreDoseChecked | None = None
    rechecks, early = 0, False
    for check in checks:
        early = bad is not None and check.at - bad.at < wait
        if bad is not None and not early:
            rechecks += 1
        if not good(check):
            bad = check
        elif bad is not None and not early and rechecks <= gates.rechecks:
            bad, rechecks = None, 0
    if bad is None:
        return None
    what = f"{said(bad)}, {bound} is allowed"
    if rechecks >= gates.rechecks:
        return f"{what}, and {gates.rechecks} rechecks are over: a prescriber may override it with a reason"
    again = f"measure again {gates.recheck_after_min:g} min after that"
    if early:
        return f"{what}, and the check after it came too early: {again}"
    return f"{what}: {again} (recheck {rechecks + 1} of {gates.rechecks})"
