"""One task given to a person: opened, answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from kap.decider import Command as _Command
from kap.decider import Refused
from kap.events import Anything
from kap.events.fact import Actor, Code, Fact, Personal
from kap.events.integration import TaskAnswered, TaskOpened
from pydantic import AwareDatetime, Field


class OpenTask(_Command):
    type: Literal["OpenTask"] = "OpenTask"
    task_id: UUID
    patient_id: UUID
    session_id: UUID | None = None
    kind: Code
    assigned_to: Actor | None = None
    due: AwareDatetime | None = None
    text: Personal | None = None


class AnswerTask(_Command):
    type: Literal["AnswerTask"] = "AnswerTask"
    task_id: UUID
    answer: Code
    text: Personal | None = None


Command = Annotated[OpenTask | AnswerTask, Field(discriminator="type")]


@dataclass(frozen=True)
class NotOpened:
    pass


@dataclass(frozen=True)
class Waiting:
    pass


@dataclass(frozen=True)
class Answered:
    pass


State = NotOpened | Waiting | Answered


def stream(command: Command) -> str:
    return f"task.{command.task_id}"


def initial() -> State:
    return NotOpened()


def evolve(state: State, event: Anything) -> State:
    match event:
        case TaskOpened():
            return Waiting()
        case TaskAnswered():
            return Answered()
    return state


def decide(state: State, command: Command) -> Sequence[Fact]:
    match command:
        case OpenTask():
            return open_task(state, command)
        case AnswerTask():
            return answer(state, command)


def open_task(state: State, command: OpenTask) -> Sequence[Fact]:
    if not isinstance(state, NotOpened):
        raise Refused("This task was opened before.")
    return [
        TaskOpened(
            **command.stamp,
            task_id=command.task_id,
            patient_id=command.patient_id,
            session_id=command.session_id,
            kind=command.kind,
            assigned_to=command.assigned_to,
            due=command.due,
            text=command.text,
        )
    ]


def answer(state: State, command: AnswerTask) -> Sequence[Fact]:
    if isinstance(state, NotOpened):
        raise Refused("There is no such task.")
    if isinstance(state, Answered):
        raise Refused("This task is already answered.")
    return [TaskAnswered(**command.stamp, task_id=command.task_id, answer=command.answer, text=command.text)]


def revise(state: State, entry: Fact, instead: Fact) -> Fact:
    """Its entries' own fields say all that can be wrong with their values."""
    return instead
