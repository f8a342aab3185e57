from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from integration import task
from integration.task import AnswerTask, OpenTask, decide
from kap.decider import Refused, fold
from kap.events.fact import Fact
from kap.events.integration import TaskAnswered, TaskOpened

from tests.strategies import NURSE, THERAPIST, sealed

T, P, C = (UUID(int=n) for n in range(1, 4))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
asked: dict[str, Any] = {"patient_id": P, "kind": "c-ssrs", "assigned_to": THERAPIST, "due": NOON}

said: dict[str, Any] = {"id": C, "at": NOON, "by": NURSE, "role": "nurse", "task_id": T}
open_task = OpenTask(**said, **asked, text=sealed())
answer = AnswerTask(**said, answer="negative", text=sealed())

fact: dict[str, Any] = {"id": uuid4(), "at": NOON, "by": NURSE, "task_id": T}
opened = TaskOpened(**fact, **asked)
answered = TaskAnswered(**fact, answer="negative")


def test_a_task_is_opened() -> None:
    then = [TaskOpened(**fact | {"id": open_task.fact_id()}, **asked, text=sealed())]

    assert decide(fold(task, []), open_task) == then


@pytest.mark.parametrize("given", [[opened], [opened, answered]])
def test_a_task_is_opened_once(given: list[Fact]) -> None:
    with pytest.raises(Refused, match="opened before"):
        decide(fold(task, given), open_task)


def test_a_task_is_answered() -> None:
    then = [TaskAnswered(**fact | {"id": answer.fact_id()}, answer="negative", text=sealed())]

    assert decide(fold(task, [opened]), answer) == then


def test_only_a_task_that_waits_is_answered() -> None:
    with pytest.raises(Refused, match="no such task"):
        decide(fold(task, []), answer)
    with pytest.raises(Refused, match="already answered"):
        decide(fold(task, [opened, answered]), answer)
