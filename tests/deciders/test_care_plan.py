from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from integration import care_plan
from integration.care_plan import (
    CloseCarePlan,
    Command,
    MissVisit,
    RecordIntegration,
    RecordMeasure,
    after,
    decide,
)
from kap.decider import Refused, fold
from kap.events.fact import Fact
from kap.events.intake import Measure
from kap.events.integration import (
    CarePlanClosed,
    CarePlanned,
    Integrated,
    MeasureRecorded,
    VisitMissed,
)
from kap.events.session import Discharged

from tests.strategies import NURSE, THERAPIST, sealed

SESSION, COURSE, P, C = (UUID(int=n) for n in range(1, 5))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PHQ9 = Measure(instrument="phq-9", total=6)
IMPOSSIBLE = Measure(instrument="phq-9", total=28)

discharged = Discharged(
    id=uuid4(), at=NOON, by=NURSE, session_id=SESSION, course_id=COURSE, patient_id=P, escort=sealed("escort")
)
PLAN = after(discharged).care_plan_id


def said() -> dict[str, Any]:
    return {"id": C, "at": NOON, "by": THERAPIST, "role": "therapist", "care_plan_id": PLAN}


def fact(command: Command | None = None) -> dict[str, Any]:
    id = command.fact_id() if command else uuid4()
    return {"id": id, "at": NOON, "by": THERAPIST, "care_plan_id": PLAN}


planned = CarePlanned(
    **fact() | {"by": "service:integration"},
    session_id=SESSION,
    course_id=COURSE,
    patient_id=P,
    visits_due=[NOON + timedelta(days=days) for days in (1, 3, 7, 14)],
)
held = Integrated(**fact(), visit=1, themes=sealed("themes"))
missed = VisitMissed(**fact(), visit=2)
closed = CarePlanClosed(**fact(), outcome="completed")


# ---- after a discharge


def test_a_care_plan_follows_a_discharge_with_visits_after_1_3_7_and_14_days() -> None:
    when = after(discharged)
    then = [planned.model_copy(update={"id": when.fact_id()})]

    assert decide(fold(care_plan, []), when) == then


def test_the_same_discharge_makes_the_same_command_and_another_session_another_plan() -> None:
    other = discharged.model_copy(update={"session_id": UUID(int=9)})

    assert after(discharged) == after(discharged)
    assert after(other).care_plan_id != PLAN
    assert after(other).id != after(discharged).id


@pytest.mark.parametrize("given", [[planned], [planned, closed]])
def test_a_second_discharge_of_the_session_plans_nothing_more(given: list[Fact]) -> None:
    again = after(discharged.model_copy(update={"id": uuid4(), "at": NOON + timedelta(hours=1)}))
    assert decide(fold(care_plan, given), again) == []


# ---- visits


def test_an_integration_visit_is_recorded() -> None:
    when = RecordIntegration(**said(), visit=1, themes=sealed("themes"), measures=[PHQ9])
    then = [Integrated(**fact(when), visit=1, themes=sealed("themes"), measures=[PHQ9])]

    assert decide(fold(care_plan, [planned]), when) == then


def test_each_visit_is_recorded_once() -> None:
    with pytest.raises(Refused, match="visit 1 is already on record"):
        decide(
            fold(care_plan, [planned, held]), RecordIntegration(**said(), visit=1, themes=sealed("themes"))
        )


def test_a_missed_visit_may_be_made_up_for() -> None:
    when = RecordIntegration(**said(), visit=2, themes=sealed("themes"))
    assert len(decide(fold(care_plan, [planned, missed]), when)) == 1


def test_a_missed_visit_is_recorded_once() -> None:
    when = MissVisit(**said(), visit=2, reason=sealed("reason"))
    then = [VisitMissed(**fact(when), visit=2, reason=sealed("reason"))]

    assert decide(fold(care_plan, [planned]), when) == then
    assert decide(fold(care_plan, [planned, missed]), when) == []


def test_a_visit_that_took_place_was_not_missed() -> None:
    with pytest.raises(Refused, match="visit 1 took place"):
        decide(fold(care_plan, [planned, held]), MissVisit(**said(), visit=1))


# ---- measures and the end


def test_a_measure_is_recorded() -> None:
    when = RecordMeasure(**said(), measure=PHQ9)
    assert decide(fold(care_plan, [planned]), when) == [MeasureRecorded(**fact(when), measure=PHQ9)]


@pytest.mark.parametrize(
    "when",
    [
        RecordMeasure(**said(), measure=IMPOSSIBLE),
        RecordIntegration(**said(), visit=1, themes=sealed("themes"), measures=[PHQ9, IMPOSSIBLE]),
    ],
    ids=lambda command: command.type,
)
def test_an_impossible_measure_is_refused(when: Command) -> None:
    with pytest.raises(Refused, match="PHQ-9 is 28; it should be 0 to 27"):
        decide(fold(care_plan, [planned]), when)


def test_a_care_plan_ends() -> None:
    when = CloseCarePlan(**said(), outcome="completed")
    assert decide(fold(care_plan, [planned]), when) == [CarePlanClosed(**fact(when), outcome="completed")]


@pytest.mark.parametrize(
    "when",
    [
        RecordIntegration(**said(), visit=1, themes=sealed("themes")),
        RecordMeasure(**said(), measure=PHQ9),
        MissVisit(**said(), visit=1),
        CloseCarePlan(**said(), outcome="stopped"),
    ],
    ids=lambda command: command.type,
)
def test_nothing_is_recorded_before_the_plan_or_after_its_end(when: Command) -> None:
    with pytest.raises(Refused, match="no such care plan"):
        decide(fold(care_plan, []), when)
    with pytest.raises(Refused, match="is closed"):
        decide(fold(care_plan, [planned, closed]), when)
