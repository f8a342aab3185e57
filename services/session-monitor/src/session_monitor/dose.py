"""A dose, checked: its numbers agree, its amount is allowed, and everybody who has to agree has."""

from collections.abc import Collection, Iterator, Sequence

from kap.events.rules import Cap, DoseRules
from kap.events.session import Dose, DoseChecked

Problem = tuple[str, str]  # what is wrong, by the name of its point, and a sentence that says so

AMOUNT = "dose.amount"  # the gate that a prescriber overrides for an amount that is allowed only so
CHECK = "dose.second_check"
WEIGHT = "dose.weight"
NEVER, TOTAL = "dose.never", "dose.total"  # nobody's agreement lets these pass
TEN_FOLD = 0.1  # a ratio of ten, give or take so much of it
EXACT = 1e-9


def problems(
    rules: DoseRules,
    dose: Dose,
    weight_kg: float | None,
    given: Sequence[Dose],
    overridden: Collection[str] = (),
) -> Iterator[Problem]:
    """Why this dose may not be given whoever agrees, the gravest first. `given`: the session's doses."""
    over = _passed(rules.never, dose.milligrams, weight_kg)
    if over:
        yield NEVER, f"{over}: this is never given{_slip(rules, dose)}."
    total = dose.milligrams + _sum(given)
    if (given or not over) and (most := _passed(rules.total, total, weight_kg)):
        yield TOTAL, f"{most}{_with(given)}: this is the most for one session."
    yield from _agrees(rules, dose, weight_kg)
    yield from _allowed(rules, dose, overridden)
    if weight_kg is None and _needs_weight(rules, dose):
        yield WEIGHT, "The patient's weight is not on record, so the mg/kg cannot be checked."
    yield from _complete(rules, dose)


def disagreements(
    rules: DoseRules,
    dose: Dose,
    weight_kg: float | None,
    given: Sequence[Dose],
    *,
    by: str,
    confirmed: bool,
    checked_by: str | None,
    signed: Sequence[DoseChecked],
) -> Iterator[Problem]:
    """Who has to agree to this dose and has not."""
    total = dose.milligrams + _sum(given)
    if rules.second_sign_off and (over := _passed(rules.second_sign_off, total, weight_kg)):
        if not any(s.role == "prescriber" and s.by != by and s.dose == dose for s in signed):
            needed = "a second person, a prescriber, has to sign this dose off"
            yield "dose.second_sign_off", f"{over}{_with(given)}: {needed}."
    if not confirmed and (over := _passed(rules.warn, total, weight_kg)):
        yield "dose.warn", f"{over}{_with(given)}: the protocol warns here, confirm that it is meant."
    if rules.second_check and checked_by is None:
        yield CHECK, "A second person has to check this dose, with their own password."
    if checked_by is not None and checked_by == by:
        yield CHECK, "The second person is somebody else than who gives the dose."


def _complete(rules: DoseRules, dose: Dose) -> Iterator[Problem]:
    there = (dose.concentration_mg_per_ml is not None, dose.volume_ml is not None)
    if there != (True, True) and (rules.drawn_up or any(there)):
        said = "The dose is drawn up: say the vial's concentration in mg/mL and the volume in mL."
        yield "dose.drawn_up", said
    if rules.lot_required and dose.lot is None:
        yield "dose.lot", "The lot number is missing."
    if rules.site_required and dose.site is None:
        yield "dose.site", "The injection site is missing."


def _agrees(rules: DoseRules, dose: Dose, weight_kg: float | None) -> Iterator[Problem]:
    mg = dose.milligrams
    if dose.mg_per_kg is not None and weight_kg is not None:
        per_kg = mg / weight_kg
        if abs(per_kg - dose.mg_per_kg) > rules.agree_within_mg_per_kg + EXACT:
            said = f"{mg:g} mg at {weight_kg:g} kg are {per_kg:.2f} mg/kg"
            yield "dose.mg_per_kg", f"{said}, {_not(per_kg, dose.mg_per_kg, 'mg/kg')}."
    concentration, volume = dose.concentration_mg_per_ml, dose.volume_ml
    if concentration is None or volume is None:
        return
    if rules.concentrations_mg_per_ml and concentration not in rules.concentrations_mg_per_ml:
        known = ", ".join(f"{c:g}" for c in rules.concentrations_mg_per_ml)
        said = f"There is no vial of {concentration:g} mg/mL: the protocol knows {known} mg/mL."
        yield "dose.concentration", said
    drawn = concentration * volume
    if abs(drawn - mg) > concentration * rules.agree_within_ml + EXACT:
        said = f"{volume:g} mL of {concentration:g} mg/mL are {drawn:g} mg"
        yield "dose.volume", f"{said}, {_not(drawn, mg, 'mg')}."


def _not(found: float, entered: float, unit: str) -> str:
    ratio = found / entered
    for times, name in ((10.0, "ten times"), (0.1, "a tenth of")):
        if abs(ratio / times - 1) <= TEN_FOLD:
            return f"{name} the {entered:g} {unit} entered: look at the decimal point"
    return f"not the {entered:g} {unit} entered"


def _allowed(rules: DoseRules, dose: Dose, overridden: Collection[str]) -> Iterator[Problem]:
    mg = dose.milligrams
    if not rules.allowed_mg or mg in rules.allowed_mg:
        return
    if mg in rules.overridable_mg:
        if AMOUNT not in overridden:
            only = f"only when a prescriber overrides the gate {AMOUNT}, with a reason"
            yield AMOUNT, f"{mg:g} mg are given {only}."
        return
    allowed = " or ".join(f"{a:g}" for a in rules.allowed_mg)
    yield "dose.allowed", f"{mg:g} mg is not a dose of this protocol: {allowed} mg."


def _passed(cap: Cap, mg: float, weight_kg: float | None) -> str | None:
    """How the amount passes the cap, in words."""
    if cap.over_mg is not None and mg > cap.over_mg + EXACT:
        return f"{mg:g} mg is over {cap.over_mg:g} mg"
    if weight_kg is None or (cap.over_mg_per_kg is None and cap.from_mg_per_kg is None):
        return None
    per_kg = mg / weight_kg
    said = f"{mg:g} mg at {weight_kg:g} kg is {per_kg:.2f} mg/kg"
    if cap.from_mg_per_kg is not None and per_kg >= cap.from_mg_per_kg - EXACT:
        return f"{said}, and {cap.from_mg_per_kg:g} mg/kg or more"
    if cap.over_mg_per_kg is not None and per_kg > cap.over_mg_per_kg + EXACT:
        return f"{said}, over {cap.over_mg_per_kg:g} mg/kg"
    return None


def _needs_weight(rules: DoseRules, dose: Dose) -> bool:
    """Whether anything here is checked by mg/kg."""
    caps = [rules.warn, rules.second_sign_off or Cap(), rules.never, rules.total]
    by_weight = any(cap.over_mg_per_kg or cap.from_mg_per_kg for cap in caps)
    return by_weight or dose.mg_per_kg is not None


def _sum(given: Sequence[Dose]) -> float:
    return sum(dose.milligrams for dose in given)


def _with(given: Sequence[Dose]) -> str:
    return f" with the {_sum(given):g} mg given before" if given else ""


def _slip(rules: DoseRules, dose: Dose) -> str:
    """Whether a tenth of it would be a usual dose."""
    tenth, usual = dose.milligrams / 10, rules.typical
    low, high = usual.from_mg, usual.to_mg
    if low is not None and high is not None and low <= tenth <= high:
        return f" ({tenth:g} mg would be usual: look at the decimal point)"
    return ""
