from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from intake import course
from intake.course import (
    Assess,
    ClearFinding,
    CloseCourse,
    Command,
    GiveConsent,
    OpenCourse,
    PlanVisit,
    Prepare,
    RecordPreparation,
    WithdrawConsent,
    decide,
)
from kap.decider import Refused, fold
from kap.events.fact import Fact
from kap.events.intake import (
    Assessed,
    ConsentGiven,
    ConsentWithdrawn,
    CourseClosed,
    CourseOpened,
    Finding,
    FindingCleared,
    Measure,
    PreparationRecorded,
    Prepared,
    VisitPlanned,
)

from tests.strategies import NURSE, PRESCRIBER, sealed

COURSE, P, C = (UUID(int=n) for n in range(1, 4))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Verdict = Literal["eligible", "deferred", "ineligible"]
Standing = Literal["hard_stop", "clearance", "note"]

assessment: dict[str, Any] = {
    "measures": [Measure(instrument="phq-9", total=17)],
    "weight_kg": 71.5,
    "goals": sealed("goals"),
    "route": "intramuscular",
    "protocol": "intramuscular",
}
ready: dict[str, Any] = {
    "intentions": sealed("intentions"),
    "education": True,
    "safety_plan": sealed("safety_plan"),
    "ride": sealed("ride"),
    "fasting_explained": True,
}


def said(by: str = NURSE, role: str = "nurse") -> dict[str, Any]:
    return {"id": C, "at": NOON, "by": by, "role": role, "course_id": COURSE}


def fact(command: Command | None = None, by: str = NURSE) -> dict[str, Any]:
    return {"id": command.fact_id() if command else uuid4(), "at": NOON, "by": by, "course_id": COURSE}


def assessed(verdict: Verdict = "eligible", **findings: Standing) -> Assessed:
    return Assessed(**fact(), verdict=verdict, findings=found(findings), **assessment)


def assess(verdict: Verdict = "eligible", **findings: Standing) -> Assess:
    protocols = {"intramuscular": "intramuscular", "spravato": "spravato"}
    return Assess(**said(), verdict=verdict, findings=found(findings), **assessment, protocols=protocols)


def found(findings: dict[str, Standing]) -> list[Finding]:
    return [Finding(rule=rule, standing=standing) for rule, standing in findings.items()]


opened = CourseOpened(**fact(), patient_id=P, indication="trd")
consented = ConsentGiven(**fact(), document="ketamine-2026")
withdrawn = ConsentWithdrawn(**fact())
closed = CourseClosed(**fact(), outcome="completed")
open_course = OpenCourse(**said(), patient_id=P, indication="trd", patient="registered")
prepare = Prepare(**said(), **ready)


# ---- opening and closing


def test_a_course_is_opened_for_a_registered_patient() -> None:
    then = [CourseOpened(**fact(open_course), patient_id=P, indication="trd")]

    assert decide(fold(course, []), open_course) == then


@pytest.mark.parametrize(
    "patient, reason", [("unknown", "This patient is not registered"), ("forgotten", "was forgotten")]
)
def test_no_course_for_a_patient_who_is_unknown_or_forgotten(patient: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        decide(fold(course, []), open_course.model_copy(update={"patient": patient}))


@pytest.mark.parametrize("given", [[opened], [opened, closed]])
def test_a_course_is_opened_once(given: list[Fact]) -> None:
    with pytest.raises(Refused, match="opened before"):
        decide(fold(course, given), open_course)


def test_a_course_ends() -> None:
    when = CloseCourse(**said(), outcome="stopped", reason=sealed("reason"))
    then = [CourseClosed(**fact(when), outcome="stopped", reason=sealed("reason"))]

    assert decide(fold(course, [opened]), when) == then


inside: list[Command] = [
    assess(),
    ClearFinding(**said(PRESCRIBER, "prescriber"), rule="preg", reason=sealed("reason")),
    GiveConsent(**said(), document="ketamine-2026"),
    WithdrawConsent(**said()),
    RecordPreparation(**said(), text=sealed()),
    prepare,
    PlanVisit(**said(), visit="dosing", planned_for=NOON),
    CloseCourse(**said(), outcome="completed"),
]


@pytest.mark.parametrize("when", inside, ids=lambda command: command.type)
def test_nothing_is_recorded_before_the_opening_or_after_the_close(when: Command) -> None:
    with pytest.raises(Refused, match="has not been opened"):
        decide(fold(course, []), when)
    with pytest.raises(Refused, match="is closed"):
        decide(fold(course, [opened, closed]), when)


# ---- assessment


@pytest.mark.parametrize("verdict", ["eligible", "deferred", "ineligible"])
def test_the_assessment_is_recorded(verdict: Verdict) -> None:
    when = assess(verdict, osa="clearance")
    then = [
        Assessed(
            **fact(when), verdict=verdict, findings=[Finding(rule="osa", standing="clearance")], **assessment
        )
    ]

    assert decide(fold(course, [opened]), when) == then


def test_a_hard_stop_is_never_eligible() -> None:
    with pytest.raises(Refused, match=r"cannot be eligible with a hard stop: preg\."):
        decide(fold(course, [opened]), assess("eligible", preg="hard_stop", osa="note"))
    assert decide(fold(course, [opened]), assess("ineligible", preg="hard_stop"))


def test_a_finding_is_listed_once() -> None:
    twice = [Finding(rule="osa", standing="note"), Finding(rule="osa", standing="clearance")]
    with pytest.raises(Refused, match="osa is listed twice"):
        decide(fold(course, [opened]), assess().model_copy(update={"findings": twice}))


@pytest.mark.parametrize(
    "measure, reason",
    [
        (Measure(instrument="phq-9", total=28), "PHQ-9 is 28; it should be 0 to 27"),
        (Measure(instrument="gad-7", items=[0] * 8), "GAD-7 has 7 answers, not 8"),
    ],
)
def test_an_impossible_measure_is_refused(measure: Measure, reason: str) -> None:
    measures = [*assessment["measures"], measure]
    with pytest.raises(Refused, match=reason):
        decide(fold(course, [opened]), assess().model_copy(update={"measures": measures}))


def test_the_protocol_must_be_the_clinics_own() -> None:
    when = assess().model_copy(update={"protocol": "intravenous"})
    with pytest.raises(Refused, match="has not adopted a protocol named intravenous"):
        decide(fold(course, [opened]), when)


def test_the_protocol_must_be_the_routes() -> None:
    when = assess().model_copy(update={"protocol": "spravato"})
    with pytest.raises(Refused, match="spravato is for the route spravato, not intramuscular"):
        decide(fold(course, [opened]), when)


# ---- findings


def clear(role: str = "prescriber") -> ClearFinding:
    return ClearFinding(**said(PRESCRIBER, role), rule="osa", reason=sealed("reason"))


def test_a_prescriber_clears_a_finding() -> None:
    when = clear()
    then = [FindingCleared(**fact(when, PRESCRIBER), rule="osa", reason=sealed("reason"))]

    assert decide(fold(course, [opened, assessed(osa="clearance")]), when) == then


@pytest.mark.parametrize("role", ["nurse", "therapist", "admin"])
def test_nobody_else_does(role: str) -> None:
    with pytest.raises(Refused, match="Only a prescriber"):
        decide(fold(course, [opened, assessed(osa="clearance")]), clear(role))


@pytest.mark.parametrize(
    "given, reason",
    [
        ([opened], "no finding osa"),
        ([opened, assessed(preg="clearance")], "no finding osa"),
        ([opened, assessed("ineligible", osa="hard_stop")], "a hard stop; nobody can clear it"),
        ([opened, assessed(osa="note")], "a note; it needs no clearance"),
    ],
)
def test_only_what_waits_for_clearance_is_cleared(given: list[Fact], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        decide(fold(course, given), clear())


def test_clearing_again_changes_nothing() -> None:
    given = [opened, assessed(osa="clearance"), FindingCleared(**fact(), rule="osa", reason=sealed())]
    assert decide(fold(course, given), clear()) == []


# ---- consent


def test_consent_is_given_and_withdrawn_and_given_again() -> None:
    give, withdraw = GiveConsent(**said(), document="ketamine-2026"), WithdrawConsent(**said())
    given = [ConsentGiven(**fact(give), document="ketamine-2026")]

    assert decide(fold(course, [opened]), give) == given
    assert decide(fold(course, [opened, consented]), withdraw) == [ConsentWithdrawn(**fact(withdraw))]
    assert decide(fold(course, [opened, consented, withdrawn]), give) == given


def test_the_same_consent_again_changes_nothing_and_another_document_counts() -> None:
    assert decide(fold(course, [opened, consented]), GiveConsent(**said(), document="ketamine-2026")) == []
    assert len(decide(fold(course, [opened, consented]), GiveConsent(**said(), document="video-1"))) == 1


@pytest.mark.parametrize("given", [[opened], [opened, consented, withdrawn]])
def test_what_was_not_given_is_not_withdrawn(given: list[Fact]) -> None:
    with pytest.raises(Refused, match="no consent to withdraw"):
        decide(fold(course, given), WithdrawConsent(**said()))


# ---- preparation


def test_preparation_is_noted() -> None:
    when = RecordPreparation(**said(), text=sealed(), topics=["set-and-setting"])
    then = [PreparationRecorded(**fact(when), text=sealed(), topics=["set-and-setting"])]

    assert decide(fold(course, [opened]), when) == then


def test_an_eligible_patient_who_consented_is_prepared() -> None:
    then = [Prepared(**fact(prepare), **ready)]

    assert decide(fold(course, [opened, assessed(), consented]), prepare) == then


def test_a_cleared_finding_and_a_note_are_no_obstacle() -> None:
    cleared = FindingCleared(**fact(), rule="osa", reason=sealed())
    given = [opened, assessed(osa="clearance", trd="note"), cleared, consented]

    assert len(decide(fold(course, given), prepare)) == 1


@pytest.mark.parametrize(
    "given, reason",
    [
        ([opened, consented], "has not been assessed"),
        ([opened, consented, assessed("deferred")], "found the patient deferred"),
        ([opened, consented, assessed(), assessed("ineligible")], "found the patient ineligible"),
        ([opened, consented, assessed(osa="clearance", lact="clearance")], "not yet cleared: osa, lact"),
        ([opened, assessed()], "consent does not stand"),
        ([opened, assessed(), consented, withdrawn], "consent does not stand"),
    ],
)
def test_nobody_is_prepared_who_is_not_eligible_cleared_and_willing(given: list[Fact], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        decide(fold(course, given), prepare)


def test_a_new_assessment_needs_its_own_clearance() -> None:
    cleared = FindingCleared(**fact(), rule="osa", reason=sealed())
    given = [opened, consented, assessed(osa="clearance"), cleared, assessed(osa="clearance")]
    with pytest.raises(Refused, match="not yet cleared: osa"):
        decide(fold(course, given), prepare)


@pytest.mark.parametrize("missing, reason", [("education", "education"), ("fasting_explained", "Fasting")])
def test_nobody_is_prepared_without_education_or_fasting_explained(missing: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        decide(fold(course, [opened, assessed(), consented]), prepare.model_copy(update={missing: False}))


# ---- visits


@pytest.mark.parametrize("room", [None, "3"])
def test_a_visit_is_planned(room: str | None) -> None:
    when = PlanVisit(**said(), visit="dosing", planned_for=NOON, room=room, rooms=["3"])
    then = [VisitPlanned(**fact(when), visit="dosing", planned_for=NOON, room=room)]

    assert decide(fold(course, [opened]), when) == then


def test_only_in_a_room_that_there_is() -> None:
    with pytest.raises(Refused, match="no room 9"):
        decide(
            fold(course, [opened]),
            PlanVisit(**said(), visit="dosing", planned_for=NOON, room="9", rooms=["3"]),
        )
