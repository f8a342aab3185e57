"""Who belongs to whom: corrections count, the forgotten stay forgotten, and a question waits for its fact."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from kap.events import Recorded
from kap.events.fact import EntryCorrected, Fact
from kap.events.intake import CourseOpened, PatientChanged, PatientRegistered, PersonForgotten
from projections.directory import Directory, Facts

from tests.strategies import NURSE, sealed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATIENT, COURSE = UUID(int=1), UUID(int=2)


def stamp() -> dict[str, Any]:
    return {"id": uuid4(), "at": NOW, "by": NURSE}


def registered(name: str = "name") -> PatientRegistered:
    return PatientRegistered(
        **stamp(),
        patient_id=PATIENT,
        name=sealed(name),
        number="0417",
        birth_year=1980,
        sex_at_birth="female",
    )


def changed(name: str) -> PatientChanged:
    return PatientChanged(**stamp(), patient_id=PATIENT, name=sealed(name))


def corrected(fact: Fact, replacement: Fact | None) -> EntryCorrected:
    body = None if replacement is None else replacement.model_dump(mode="json")
    return EntryCorrected(
        **stamp(),
        of="patient",
        of_id=str(PATIENT),
        event_id=fact.id,
        reason=sealed("reason"),
        replacement=body,
    )


def at(position: int, fact: Fact) -> Recorded:
    return Recorded(position, fact, NOW)


def folded(*history: Fact) -> Facts:
    facts = Facts()
    for position, fact in enumerate(history, start=1):
        facts.fold(at(position, fact))
    return facts


def test_the_last_name_counts_and_a_corrected_one_does_not() -> None:
    first, wrong, right = registered("first"), changed("wrong"), changed("right")
    assert folded(first, wrong).people[PATIENT].name == sealed("wrong")
    assert folded(first, wrong, corrected(wrong, None)).people[PATIENT].name == sealed("first")
    again = folded(first, wrong, changed("later"), corrected(wrong, right), corrected(right, None))
    assert again.people[PATIENT].name == sealed("later")
    renumbered = first.model_copy(update={"id": uuid4(), "number": "0418"})
    assert folded(first, corrected(first, renumbered)).people[PATIENT].number == "0418"


@given(st.lists(st.sampled_from(["registered", "changed", "course"]), max_size=6), st.data())
def test_once_forgotten_nobody_comes_back_and_a_repeat_changes_nothing(kinds: list[str], data: Any) -> None:
    make: dict[str, Callable[[], Fact]] = {
        "registered": registered,
        "changed": lambda: changed("more"),
        "course": lambda: CourseOpened(
            **stamp(), course_id=COURSE, patient_id=PATIENT, indication="depression"
        ),
    }
    history: list[Fact] = [make[kind]() for kind in kinds]
    history.insert(
        data.draw(st.integers(0, len(history))),
        PersonForgotten(**stamp(), patient_id=PATIENT, ground="request"),
    )
    items = [at(n, fact) for n, fact in enumerate(history, start=1)]
    once, twice = Facts(), Facts()
    for item in items:
        once.fold(item)
    for item in [*items, *items]:
        twice.fold(item)
    assert once == twice and once.people[PATIENT].forgotten


async def test_a_question_waits_for_the_fact_that_answers_it_but_not_for_ever() -> None:
    directory = Directory()
    asked = asyncio.create_task(directory.find(COURSE, 5))
    await asyncio.sleep(0)
    directory.fold(at(1, registered()))
    directory.fold(
        at(2, CourseOpened(**stamp(), course_id=COURSE, patient_id=PATIENT, indication="depression"))
    )
    assert await asked == PATIENT
    assert await directory.find(PATIENT) == PATIENT
    assert await directory.find(uuid4(), 0.01) is None


def test_what_is_restored_is_announced_like_what_is_folded() -> None:
    heard: list[UUID] = []
    directory = Directory(heard.append)
    directory.facts = folded(registered())
    directory.fold(at(2, changed("more")))
    assert heard == [PATIENT, PATIENT]
