"""Every command may be sent again: the record stays as it is, and the answer is the first one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from intake import clinic, course, patient
from integration import care_plan, task
from kap import protocol
from kap.decider import Cache, Command, Decider, Outcome, Refused, fold, transact
from kap.events import corrected
from kap.events.intake import Finding
from kap.testing import MemoryLog

from tests.strategies import ADMIN, NURSE, PRESCRIBER, THERAPIST, likely

ID = UUID(int=1)
IM = protocol.defaults()[0]
likely_rules = st.lists(
    st.builds(
        Finding, rule=st.sampled_from(["osa", "preg"]), standing=st.sampled_from(["clearance", "note"])
    ),
    max_size=1,
)

# What Hypothesis would hardly hit by chance: the same record each time, and what the edge puts in.
LIKELY: dict[type[Command], dict[str, st.SearchStrategy[Any]]] = {
    patient.RegisterPatient: {},
    patient.ChangePatient: {},
    patient.ForgetPerson: {},
    clinic.AdoptProtocol: {
        "clinic": st.just("main"),
        "protocol": st.just(IM.name),
        "version": st.just(1),
        "content": st.just(IM),
    },
    clinic.DefineRoom: {"clinic": st.just("main"), "room": st.sampled_from("12")},
    course.OpenCourse: {"patient": st.just("registered")},
    course.Assess: {
        "verdict": st.sampled_from(["eligible", "deferred"]),
        "findings": likely_rules,
        "measures": st.just([]),
        "route": st.just(IM.route),
        "protocol": st.just(IM.name),
        "protocols": st.just({IM.name: IM.route}),
        "eligibility": st.sampled_from([None, IM.eligibility]),
        "birth_year": st.just(1980),
        "drugs": st.lists(st.sampled_from(["maoi", "antihypertensive", "made_up"]), max_size=2),
    },
    course.ClearFinding: {"rule": st.sampled_from(["osa", "preg"]), "role": st.just("prescriber")},
    course.GiveConsent: {"document": st.sampled_from("ab")},
    course.WithdrawConsent: {},
    course.RecordPreparation: {},
    course.Prepare: {"education": st.just(True), "fasting_explained": st.just(True)},
    course.PlanVisit: {"room": st.none()},
    course.CloseCourse: {},
    care_plan.PlanCare: {},
    care_plan.RecordIntegration: {"visit": st.integers(1, 3), "measures": st.just([])},
    care_plan.RecordMeasure: {},
    care_plan.MissVisit: {"visit": st.integers(1, 3)},
    care_plan.CloseCarePlan: {},
    task.OpenTask: {},
    task.AnswerTask: {},
}
DECIDERS: dict[str, Decider[Any, Any]] = {
    "patient": patient,
    "clinic": clinic,
    "course": course,
    "care_plan": care_plan,
    "task": task,
}


def commands(of: str) -> list[type[Command]]:
    return [model for model in LIKELY if model.__module__.endswith(f".{of}")]


def commands_like(model: type[Command], of: str) -> st.SearchStrategy[Command]:
    fixed: dict[str, st.SearchStrategy[Any]] = {
        "by": st.sampled_from([NURSE, THERAPIST, PRESCRIBER, ADMIN]),
        "dry_run": st.just(False),
        **LIKELY[model],
    }
    if of != "clinic":
        fixed[f"{of}_id"] = st.just(ID)
    return likely(model, **fixed)


def stories(of: str) -> st.SearchStrategy[list[Command]]:
    """The record is opened, then anything happens; at last every kind of command had a try."""
    opening, *others = commands(of)
    anything = st.lists(st.one_of([commands_like(model, of) for model in [opening, *others]]), max_size=12)
    return st.builds(lambda first, rest: [first, *rest], commands_like(opening, of), anything)


async def send(log: MemoryLog, of: str, command: Command, cache: Cache) -> Outcome | str:
    try:
        return await transact(log, DECIDERS[of], command, cache)
    except Refused as refused:
        return str(refused)


async def play(of: str, story: Sequence[Command]) -> None:
    log, cache = MemoryLog(), Cache()
    answers: dict[UUID, Outcome] = {}
    for command in story:
        before = len(log.events)
        tried = await send(log, of, command.model_copy(update={"dry_run": True}), cache)
        assert len(log.events) == before, "a dry run records nothing"
        answer = await send(log, of, command, cache)
        if isinstance(answer, str):
            assert tried == answer, "a dry run refuses as the command does"
        else:
            assert isinstance(tried, Outcome) and tried.recorded == 0
        count = len(log.events)
        if isinstance(answer, str):
            assert answer[0].isupper() and answer.endswith("."), "a refusal is a sentence"
        elif answer.recorded:
            answers.setdefault(command.id, answer)
            assert answer == answers[command.id]
        # at once again, as after a lost answer; and in another process, which remembers nothing
        assert await send(log, of, command, cache) == answer
        assert await send(log, of, command, Cache()) == answer
        assert len(log.events) == count
    count = len(log.events)
    for command in story:
        if command.id in answers:
            assert await send(log, of, command, cache) == answers[command.id]
    assert len(log.events) == count
    for aggregate, folded in cache.items():
        assert folded.state == fold(DECIDERS[of], corrected(await log.load(aggregate)))


@pytest.mark.parametrize("of", DECIDERS)
@forall(st.data())
@settings(max_examples=60, deadline=None)
def test_every_command_is_idempotent(of: str, data: st.DataObject) -> None:
    asyncio.run(play(of, data.draw(stories(of))))


@pytest.mark.parametrize("of", DECIDERS)
def test_every_command_takes_part(of: str) -> None:
    declared = {
        value
        for value in vars(DECIDERS[of]).values()
        if isinstance(value, type) and issubclass(value, Command) and "type" in value.model_fields
    }
    assert declared == set(commands(of))


def test_a_command_makes_the_same_events_again() -> None:
    said: dict[str, Any] = {
        "id": ID,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "by": "service:tests",
        "role": "service",
    }
    first, again = clinic.DefineRoom(**said, room="1"), clinic.DefineRoom(**said, room="1")
    assert clinic.decide(clinic.initial(), first) == clinic.decide(clinic.initial(), again)
    assert first.fact_id(0) != first.fact_id(1)
