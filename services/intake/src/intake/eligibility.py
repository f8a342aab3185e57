"""Who may be treated: an assessment's findings as the protocol's rules see them, and what stops a verdict."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from kap.decider import Refused
from kap.events.intake import Finding
from kap.events.rules import Ages, Eligibility, EligibilityRule, Standing

STRICTNESS: Mapping[Standing, int] = {"note": 0, "clearance": 1, "hard_stop": 2}
DRUG = "drug."  # an interacting drug of this class is a finding of this name
AGE_WORDS = {
    "age.min": "under {ages.minimum} years nobody is treated",
    "age.young": "up to {ages.young_to} years suicidality is asked about more often",
    "age.old": "from {ages.old_from} years on blood pressure rises more",
}


def found(
    rules: Eligibility, findings: Sequence[Finding], drugs: Sequence[str], birth_year: int, at: datetime
) -> list[Finding]:
    """The findings, each at least as strict as its rule, with the interacting drugs and what the age says."""
    unknown = [drug for drug in drugs if drug not in rules.interacting_drugs]
    if unknown:
        known = ", ".join(rules.interacting_drugs)
        raise Refused(f"The protocol knows no class of drugs {unknown[0]}; it knows {known}.")
    said = {finding.rule: finding for finding in findings}
    for drug in drugs:
        said.setdefault(DRUG + drug, Finding(rule=DRUG + drug, standing="note"))
    for rule, standing in of_age(rules.ages, birth_year, at).items():
        said[rule] = _stricter(said.get(rule) or Finding(rule=rule, standing=standing), standing)
    return [
        _stricter(finding, _standing(rules, finding)).model_copy(
            update={"asks": words(rules, finding.rule, birth_year, at)}
        )
        for finding in said.values()
    ]


def of_age(ages: Ages, birth_year: int, at: datetime) -> dict[str, Standing]:
    """What the age says. A birth year leaves two ages: where only one is too young, a prescriber decides."""
    oldest = at.year - birth_year
    youngest = oldest - 1
    result: dict[str, Standing] = {}
    if youngest < ages.minimum:
        result["age.min"] = "hard_stop" if oldest < ages.minimum else "clearance"
    if youngest <= ages.young_to:
        result["age.young"] = "note"
    if oldest >= ages.old_from:
        result["age.old"] = "note"
    return result


def stops(findings: Sequence[Finding]) -> dict[str, str]:
    """Why the patient cannot be eligible: each hard stop with its words."""
    return {f.rule: f.asks or f.rule for f in findings if f.standing == "hard_stop"}


def unasked(rules: Eligibility, findings: Sequence[Finding], absent: Sequence[str]) -> dict[str, str]:
    """The rules and the classes of drugs that nobody answered, with their words: missing is not normal."""
    every = rules.rules | {DRUG + drug: rule for drug, rule in rules.interacting_drugs.items()}
    answered = {finding.rule for finding in findings} | set(absent)
    return {name: rule.asks for name, rule in every.items() if name not in answered}


def words(rules: Eligibility, rule: str, birth_year: int, at: datetime) -> str:
    """What a rule asks; a finding of the clinic's own has no words but its name."""
    if rule in AGE_WORDS:
        oldest = at.year - birth_year
        return f"{oldest - 1} or {oldest} years old: {AGE_WORDS[rule].format(ages=rules.ages)}"
    known = _rule(rules, rule)
    return known.asks if known else "the assessment's own"


def _rule(rules: Eligibility, rule: str) -> EligibilityRule | None:
    if rule.startswith(DRUG):
        return rules.interacting_drugs.get(rule.removeprefix(DRUG))
    return rules.rules.get(rule)


def _standing(rules: Eligibility, finding: Finding) -> Standing:
    known = _rule(rules, finding.rule)
    return known.standing if known else finding.standing


def _stricter(finding: Finding, standing: Standing) -> Finding:
    if STRICTNESS[finding.standing] >= STRICTNESS[standing]:
        return finding
    return finding.model_copy(update={"standing": standing})
