"""Who may be treated: every rule of every default protocol, and the edges of the ages."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from intake import clinic, course, eligibility
from intake.course import Assess, ClearFinding, Prepare
from kap import protocol
from kap.decider import Refused, fold
from kap.events.fact import Fact
from kap.events.intake import (
    Assessed,
    ConsentGiven,
    CourseOpened,
    Finding,
    FindingCleared,
    Prepared,
    ProtocolAdopted,
)
from kap.events.rules import Standing
from kap.events.session import ExpectedCourse
from kap.protocol import Protocol
from session_monitor import standing

from tests.assessment import nothing_but
from tests.strategies import PRESCRIBER, sealed

COURSE, PATIENT = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEFAULTS = {p.name: p for p in protocol.defaults()}
IM = DEFAULTS["intramuscular"]
RULES = [
    (name, rule, what.standing) for name, p in DEFAULTS.items() for rule, what in p.eligibility.rules.items()
]
DRUGS = [
    (name, drug, what.standing)
    for name, p in DEFAULTS.items()
    for drug, what in p.eligibility.interacting_drugs.items()
]
said: dict[str, Any] = {
    "id": UUID(int=9),
    "at": NOON,
    "by": PRESCRIBER,
    "role": "prescriber",
    "course_id": COURSE,
}
opened = CourseOpened(
    id=UUID(int=3), at=NOON, by=PRESCRIBER, course_id=COURSE, patient_id=PATIENT, indication="trd"
)


def assess(p: Protocol = IM, **changes: Any) -> Assess:
    """Everything was asked; what is no finding and no drug taken is absent."""
    found = [f.rule for f in changes.get("findings", [])]
    taken = [f"drug.{drug}" for drug in changes.get("drugs", [])]
    fields: dict[str, Any] = {
        "verdict": "eligible",
        "weight_kg": 70,
        "route": p.route,
        "protocol": p.name,
        "protocols": {p.name: p.route},
        "eligibility": p.eligibility,
        "birth_year": 1980,
        "absent": nothing_but(p.name, *found, *taken),
    }
    return Assess(**said, **fields | changes)


def recorded(command: Assess) -> dict[str, Standing]:
    [event] = course.decide(fold(course, [opened]), command)
    assert isinstance(event, Assessed)
    return {finding.rule: finding.standing for finding in event.findings}


def refused(*given: Fact, when: Any) -> str:
    with pytest.raises(Refused) as refusal:
        course.decide(fold(course, [opened, *given]), when)
    sentence = str(refusal.value)
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("name, rule, standing", RULES, ids=[f"{n}-{r}" for n, r, _ in RULES])
@pytest.mark.parametrize("called", ["note", "clearance", "hard_stop"])
def test_a_finding_is_at_least_as_strict_as_its_rule(
    name: str, rule: str, standing: Standing, called: Standing
) -> None:
    command = assess(DEFAULTS[name], verdict="deferred", findings=[Finding(rule=rule, standing=called)])
    strictest = max(standing, called, key=lambda s: eligibility.STRICTNESS[s])
    assert recorded(command) == {rule: strictest}
    if strictest == "hard_stop":
        eligible = command.model_copy(update={"verdict": "eligible"})
        asks = DEFAULTS[name].eligibility.rules[rule].asks
        assert refused(when=eligible) == (
            f"The patient cannot be eligible with a hard stop: {rule} ({asks})."
        )


@pytest.mark.parametrize("name, drug, standing", DRUGS, ids=[f"{n}-{d}" for n, d, _ in DRUGS])
def test_an_interacting_drug_is_a_finding_of_its_class(name: str, drug: str, standing: Standing) -> None:
    command = assess(DEFAULTS[name], verdict="deferred", drugs=[drug])
    assert recorded(command) == {f"drug.{drug}": standing}
    if standing == "hard_stop":
        eligible = command.model_copy(update={"verdict": "eligible"})
        assert DEFAULTS[name].eligibility.interacting_drugs[drug].asks in refused(when=eligible)


def test_a_class_of_drugs_that_nobody_knows_is_named() -> None:
    assert refused(when=assess(drugs=["maoi", "sugar"])).startswith(
        "The protocol knows no class of drugs sugar; it knows benzodiazepine, hypnotic"
    )


BORN: list[tuple[int, dict[str, str]]] = [
    (2009, {"age.min": "hard_stop", "age.young": "note"}),  # 16 or 17
    (2008, {"age.min": "clearance", "age.young": "note"}),  # 17 or 18
    (2007, {"age.young": "note"}),  # 18 or 19
    (2001, {"age.young": "note"}),  # 24 or 25
    (2000, {}),  # 25 or 26
    (1962, {}),  # 63 or 64
    (1961, {"age.old": "note"}),  # 64 or 65
    (1940, {"age.old": "note"}),
]


@pytest.mark.parametrize("birth_year, expected", BORN)
def test_the_age_says_what_follows(birth_year: int, expected: dict[str, str]) -> None:
    assert recorded(assess(verdict="deferred", birth_year=birth_year)) == expected


def test_a_child_is_not_treated_and_the_numbers_say_why() -> None:
    assert refused(when=assess(birth_year=2009)) == (
        "The patient cannot be eligible with a hard stop: age.min (16 or 17 years old: "
        "under 18 years nobody is treated)."
    )


def test_without_a_birth_year_there_is_no_verdict() -> None:
    assert refused(when=assess(birth_year=None)) == "The patient's birth year is not on record."


def test_several_hard_stops_are_all_named() -> None:
    findings = [Finding(rule="preg", standing="note"), Finding(rule="own", standing="hard_stop")]
    sentence = refused(when=assess(findings=findings, drugs=["theophylline"]))
    assert "preg (Pregnancy); own (the assessment's own); drug.theophylline (Theophylline" in sentence


def test_what_needs_clearance_waits_for_a_prescriber() -> None:
    findings = [Finding(rule="osa", standing="note"), Finding(rule="trd", standing="note")]
    [assessed] = course.decide(fold(course, [opened]), assess(findings=findings, drugs=["maoi"]))
    consent = ConsentGiven(id=UUID(int=5), at=NOON, by=PRESCRIBER, course_id=COURSE, document="c")
    ready = Prepare(
        **said,
        intentions=sealed("intentions"),
        education=True,
        safety_plan=sealed("safety_plan"),
        ride=sealed("ride"),
        fasting_explained=True,
    )
    waiting = "A prescriber has not yet cleared: osa, drug.maoi."
    assert refused(assessed, consent, when=ready) == waiting
    cleared: list[Fact] = []
    for rule in ("osa", "drug.maoi"):
        assert "not yet cleared" in refused(assessed, consent, *cleared, when=ready)
        command = ClearFinding(**said, rule=rule, reason=sealed("reason"))
        [event] = course.decide(fold(course, [opened, assessed, consent, *cleared]), command)
        assert isinstance(event, FindingCleared)
        cleared.append(event)
    [prepared] = course.decide(fold(course, [opened, assessed, consent, *cleared]), ready)
    assert isinstance(prepared, Prepared)


@pytest.mark.parametrize("name", DEFAULTS)
def test_nobody_is_eligible_while_a_rule_was_not_answered(name: str) -> None:
    p = DEFAULTS[name]
    every = nothing_but(name)
    assert every and recorded(assess(p)) == {}
    for missing in every:
        asked = [rule for rule in every if rule != missing]
        with pytest.raises(Refused) as refusal:
            course.decide(fold(course, [opened]), assess(p, absent=asked))
        asks = eligibility.words(p.eligibility, missing, 1980, NOON)
        assert str(refusal.value) == (
            f"Nobody is eligible before everything was asked: defer it. Not asked: {missing}."
        )
        assert refusal.value.points == {missing: f"This was not asked: {asks}."}
        for verdict in ("deferred", "ineligible"):
            assert recorded(assess(p, absent=asked, verdict=verdict)) == {}


def test_what_was_asked_is_on_record_and_every_finding_says_what_it_is() -> None:
    findings = [Finding(rule="osa", standing="note"), Finding(rule="own", standing="note")]
    command = assess(findings=findings, drugs=["maoi"], birth_year=1961)
    [event] = course.decide(fold(course, [opened]), command)
    assert isinstance(event, Assessed)
    assert event.absent == command.absent and "osa" not in event.absent
    assert {finding.rule: finding.asks for finding in event.findings} == {
        "osa": "Obstructive sleep apnoea",
        "own": "the assessment's own",
        "drug.maoi": "Monoamine oxidase inhibitors: blood pressure rises",
        "age.old": "64 or 65 years old: from 65 years on blood pressure rises more",
    }


def test_a_finding_is_not_there_and_absent() -> None:
    findings = [Finding(rule="osa", standing="note")]
    assert refused(when=assess(findings=findings, absent=nothing_but("intramuscular"))) == (
        "The finding osa is said to be there and to be absent."
    )


@pytest.mark.parametrize("name", DEFAULTS)
def test_moderate_hepatic_impairment_lengthens_the_stay_and_its_checks(name: str) -> None:
    p = DEFAULTS[name]
    adoption = ProtocolAdopted(
        id=UUID(int=4), at=NOON, by=PRESCRIBER, clinic="main", protocol=p.name, version=p.version,
        digest=p.digest(), content=p.content(),
    )  # fmt: skip
    adopted = standing.adopted([adoption], name)
    assert adopted is not None and adopted.longer_stay_min == {"liver.moderate": 60}

    def expected(*rules: str) -> ExpectedCourse:
        found = [Finding(rule=rule, standing="note") for rule in rules]
        [assessed] = course.decide(fold(course, [opened]), assess(p, findings=found))
        stands = standing.course_standing([opened, assessed])
        assert stands is not None
        return standing.expected_for(adopted, stands)

    assert expected() == expected("trd") == p.expected
    longer = expected("trd", "liver.moderate")
    assert longer.minimum_stay_min == p.expected.minimum_stay_min + 60
    assert longer.checks_min == [*p.expected.checks_min, 150, 180]
    goes_on = p.expected.moaas_min[-1] == p.expected.checks_min[-1]
    assert longer.moaas_min == [*p.expected.moaas_min, *([150, 180] if goes_on else [])]
    assert goes_on is (name != "intramuscular")


def test_a_protocol_without_rules_is_as_before() -> None:
    findings = [Finding(rule="osa", standing="note")]
    assert recorded(assess(eligibility=None, birth_year=None, findings=findings)) == {"osa": "note"}


def test_the_clinic_hands_on_the_rules_of_the_version_adopted_last() -> None:
    def adoption(content: dict[str, Any], version: int) -> ProtocolAdopted:
        fact: dict[str, Any] = {"id": UUID(int=version), "at": NOON, "by": PRESCRIBER, "clinic": "main"}
        return ProtocolAdopted(**fact, protocol=IM.name, version=version, digest="0" * 64, content=content)

    old = {name: part for name, part in IM.content().items() if name != "eligibility"}
    state = fold(clinic, [adoption(old, 1)])
    assert state.protocols[IM.name].eligibility is None
    state = fold(clinic, [adoption(old, 1), adoption(IM.content(), 2)])
    assert state.protocols[IM.name].eligibility == IM.eligibility


findings = st.lists(
    st.builds(
        Finding,
        rule=st.sampled_from([*IM.eligibility.rules, "own.rule"]),
        standing=st.sampled_from(["note", "clearance", "hard_stop"]),
    ),
    max_size=6,
    unique_by=lambda finding: finding.rule,
)


@forall(findings, st.sets(st.sampled_from(sorted(IM.eligibility.interacting_drugs))), st.integers(1930, 2020))
@settings(max_examples=200, deadline=None)
def test_nobody_is_eligible_with_a_hard_stop_and_no_finding_is_lost(
    said: list[Finding], drugs: set[str], birth_year: int
) -> None:
    command = assess(verdict="deferred", findings=said, drugs=sorted(drugs), birth_year=birth_year)
    standing = recorded(command)
    assert {f.rule for f in said} | {f"drug.{d}" for d in drugs} <= standing.keys()
    eligible = command.model_copy(update={"verdict": "eligible"})
    if "hard_stop" in standing.values():
        sentence = refused(when=eligible)
        assert all(rule in sentence for rule, s in standing.items() if s == "hard_stop")
    else:
        assert recorded(eligible) == standing
