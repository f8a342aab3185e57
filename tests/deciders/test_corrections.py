"""A wrong entry is corrected, not changed: in every aggregate, by its author or a prescriber."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from intake import clinic, course, patient
from integration import care_plan, task
from kap import protocol
from kap.decider import Cache, CorrectEntry, Decider, Refused, current, transact
from kap.events import corrected
from kap.events.fact import Aggregate, EntryCorrected, Fact
from kap.events.intake import (
    ConsentGiven,
    CourseOpened,
    PatientChanged,
    PatientRegistered,
    PersonForgotten,
    RoomDefined,
)
from kap.events.integration import CarePlanned, Integrated, TaskAnswered, TaskOpened
from kap.events.session import Dose, Dosed, ProtocolRef, SessionOpened
from kap.testing import MemoryLog
from session_monitor import session

from tests.strategies import ADMIN, NURSE, PRESCRIBER, THERAPIST, sealed

ID, OTHER = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IM = protocol.defaults()[0]


@dataclass(frozen=True)
class Case:
    """A record with its opening entry and another one of the nurse's, and what would stand in its place."""

    decider: Decider[Any, Any]
    of: Aggregate
    of_id: str
    opening: Fact
    entry: Fact
    replacement: dict[str, Any]


def by(actor: str = NURSE) -> dict[str, Any]:
    return {"id": uuid4(), "at": NOON, "by": actor}


dose = Dose(drug="ketamine", route="intramuscular", milligrams=500)
right_dose = dose.model_copy(update={"milligrams": 50})

CASES = [
    Case(
        patient,
        "patient",
        str(ID),
        PatientRegistered(
            **by(), patient_id=ID, name=sealed("name"), number="0417", birth_year=1985, sex_at_birth="female"
        ),
        PatientChanged(**by(), patient_id=ID, contact=sealed("contact")),
        {"contact": sealed("replacement.contact")},
    ),
    Case(
        clinic,
        "clinic",
        "main",
        RoomDefined(**by(), clinic="main", room="1"),
        RoomDefined(**by(), clinic="main", room="2"),
        {"room": "3", "title": "Garden"},
    ),
    Case(
        course,
        "course",
        str(ID),
        CourseOpened(**by(), course_id=ID, patient_id=OTHER, indication="trd"),
        ConsentGiven(**by(), course_id=ID, document="old"),
        {"document": "new"},
    ),
    Case(
        session,
        "session",
        str(ID),
        SessionOpened(
            **by(),
            session_id=ID,
            course_id=OTHER,
            patient_id=OTHER,
            patient_number="0417",
            room="1",
            route="intramuscular",
            protocol=ProtocolRef(name=IM.name, version=1, digest=IM.digest()),
            limits=IM.limits,
            expected=IM.expected,
        ),
        Dosed(**by(), session_id=ID, dose=dose),
        {"dose": right_dose.model_dump(mode="json")},
    ),
    Case(
        care_plan,
        "care_plan",
        str(ID),
        CarePlanned(
            **by("service:integration"),
            care_plan_id=ID,
            session_id=OTHER,
            course_id=OTHER,
            patient_id=OTHER,
            visits_due=[NOON],
        ),
        Integrated(**by(), care_plan_id=ID, visit=1, themes=sealed("themes")),
        {"visit": 2, "themes": sealed("replacement.themes")},
    ),
    Case(
        task,
        "task",
        str(ID),
        TaskOpened(**by(), task_id=ID, patient_id=OTHER, kind="c-ssrs"),
        TaskAnswered(**by(), task_id=ID, answer="negative"),
        {"answer": "positive"},
    ),
]

every_aggregate = pytest.mark.parametrize("case", CASES, ids=[case.of for case in CASES])


def correct(case: Case, **fields: Any) -> CorrectEntry:
    said: dict[str, Any] = {
        "id": uuid4(),
        "at": NOON,
        "by": NURSE,
        "role": "nurse",
        "of": case.of,
        "of_id": case.of_id,
    }
    return CorrectEntry(**said | {"event_id": case.entry.id, "reason": sealed("reason")} | fields)


async def recorded(case: Case) -> MemoryLog:
    log = MemoryLog()
    await log.append(f"{case.of}.{case.of_id}", [case.opening], 0)
    await log.append(f"{case.of}.{case.of_id}", [case.entry], 1)
    return log


@every_aggregate
async def test_the_author_withdraws_an_entry(case: Case) -> None:
    log, cache = await recorded(case), Cache()
    as_before = await current(log, case.decider, f"{case.of}.{case.of_id}", cache)

    await transact(log, case.decider, correct(case), cache)

    history = await log.load(f"{case.of}.{case.of_id}")
    assert [type(item.event) for item in history] == [type(case.opening), type(case.entry), EntryCorrected]
    assert corrected(history) == [case.opening]
    state = (await current(log, case.decider, f"{case.of}.{case.of_id}", cache)).state
    assert state == case.decider.evolve(case.decider.initial(), case.opening)
    assert as_before.state == case.decider.evolve(state, case.entry)


@every_aggregate
async def test_the_author_puts_another_entry_in_its_place(case: Case) -> None:
    log, cache = await recorded(case), Cache()
    await current(log, case.decider, f"{case.of}.{case.of_id}", cache)
    command = correct(case, replacement=case.replacement)

    await transact(log, case.decider, command, cache)

    [_, instead] = corrected(await log.load(f"{case.of}.{case.of_id}"))
    expected = case.entry.model_dump(mode="json") | case.replacement | {"id": str(command.fact_id(1))}
    assert isinstance(instead, type(case.entry))
    assert instead.model_dump(mode="json") == expected
    state = (await current(log, case.decider, f"{case.of}.{case.of_id}", cache)).state
    opened = case.decider.evolve(case.decider.initial(), case.opening)
    assert state == case.decider.evolve(opened, instead)


@every_aggregate
async def test_a_prescriber_may_and_is_then_the_author(case: Case) -> None:
    log = await recorded(case)
    command = correct(case, by=PRESCRIBER, role="prescriber", replacement=case.replacement)

    await transact(log, case.decider, command)

    [_, instead] = corrected(await log.load(f"{case.of}.{case.of_id}"))
    assert isinstance(instead, Fact)
    assert instead.by == PRESCRIBER


@every_aggregate
@pytest.mark.parametrize("by, role", [(THERAPIST, "nurse"), (THERAPIST, "therapist"), (ADMIN, "admin")])
async def test_a_stranger_may_not(case: Case, by: str, role: str) -> None:
    log = await recorded(case)
    with pytest.raises(Refused, match="Only the person who made an entry, or a prescriber"):
        await transact(log, case.decider, correct(case, by=by, role=role))
    assert len(log.events) == 2


@every_aggregate
async def test_a_correction_is_made_once_however_often_it_is_sent(case: Case) -> None:
    log, command = await recorded(case), correct(case)
    first = await transact(log, case.decider, command)
    assert await transact(log, case.decider, command) == first
    assert len(log.events) == 3


@every_aggregate
async def test_what_was_corrected_or_never_there_cannot_be_corrected(case: Case) -> None:
    log = await recorded(case)
    with pytest.raises(Refused, match="no such entry"):
        await transact(log, case.decider, correct(case, event_id=uuid4()))
    await transact(log, case.decider, correct(case))
    with pytest.raises(Refused, match="was corrected before"):
        await transact(log, case.decider, correct(case))


@every_aggregate
async def test_the_entry_that_opened_the_record_stays(case: Case) -> None:
    log = await recorded(case)
    command = correct(case, event_id=case.opening.id, by=PRESCRIBER, role="prescriber")
    with pytest.raises(Refused, match=r"cannot be withdrawn|made by the system"):
        await transact(log, case.decider, command)


@every_aggregate
async def test_what_stands_instead_must_be_whole_and_of_the_same_record(case: Case) -> None:
    log = await recorded(case)
    wrong = {name: ["never"] for name in case.replacement}
    with pytest.raises(Refused, match="not complete"):
        await transact(log, case.decider, correct(case, replacement=wrong))
    elsewhere = case.replacement | {f"{case.of}_id": str(uuid4()), "clinic": "other", "type": "Discharged"}
    await transact(log, case.decider, correct(case, replacement=elsewhere))
    [_, instead] = corrected(await log.load(f"{case.of}.{case.of_id}"))
    assert isinstance(instead, type(case.entry))
    assert instead.aggregate_id == case.of_id


async def test_a_replacement_is_corrected_like_any_entry() -> None:
    case = CASES[2]
    log, first = await recorded(case), correct(case, replacement={"document": "new"})
    await transact(log, case.decider, first)
    second = correct(case, event_id=first.fact_id(1), replacement={"document": "newer"})
    await transact(log, case.decider, second)
    [_, instead] = corrected(await log.load(f"{case.of}.{case.of_id}"))
    assert isinstance(instead, ConsentGiven)
    assert instead.document == "newer"


async def test_a_forgotten_person_stays_forgotten() -> None:
    case = CASES[0]
    log = await recorded(case)
    forgotten = PersonForgotten(**by(ADMIN), patient_id=ID, ground="request")
    await log.append(f"patient.{ID}", [forgotten], 2)
    with pytest.raises(Refused, match="stays forgotten"):
        await transact(log, patient, correct(case, event_id=forgotten.id, by=PRESCRIBER, role="prescriber"))


async def test_two_corrections_of_one_entry_at_once_make_one() -> None:
    case = CASES[1]
    log = await recorded(case)
    both = [transact(log, case.decider, correct(case)) for _ in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Outcome", "Refused"]
