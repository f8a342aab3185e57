"""One patient: registered once, changed, forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from kap.decider import Command as _Command
from kap.decider import Refused
from kap.events import Anything
from kap.events.fact import Fact, Personal
from kap.events.intake import PatientChanged, PatientRegistered, PersonForgotten
from pydantic import Field


class RegisterPatient(_Command):
    type: Literal["RegisterPatient"] = "RegisterPatient"
    patient_id: UUID
    name: Personal
    number: str = Field(pattern=r"^[0-9]{4,8}$")
    birth_year: int = Field(ge=1900, le=2100)
    sex_at_birth: Literal["female", "male", "intersex", "unknown"]
    contact: Personal | None = None


class ChangePatient(_Command):
    type: Literal["ChangePatient"] = "ChangePatient"
    patient_id: UUID
    name: Personal | None = None
    contact: Personal | None = None


class ForgetPerson(_Command):
    type: Literal["ForgetPerson"] = "ForgetPerson"
    patient_id: UUID
    ground: Literal["request", "retention_ended", "registered_in_error"]


Command = Annotated[RegisterPatient | ChangePatient | ForgetPerson, Field(discriminator="type")]


@dataclass(frozen=True)
class NotRegistered:
    pass


@dataclass(frozen=True)
class Registered:
    forgotten: bool = False
    birth_year: int | None = None


State = NotRegistered | Registered


def stream(command: Command) -> str:
    return f"patient.{command.patient_id}"


def initial() -> State:
    return NotRegistered()


def evolve(state: State, event: Anything) -> State:
    match event:
        case PatientRegistered(birth_year=birth_year):
            return Registered(birth_year=birth_year)
        case PersonForgotten():
            return Registered(forgotten=True)
    return state


def decide(state: State, command: Command) -> Sequence[Fact]:
    match command:
        case RegisterPatient():
            return register(state, command)
        case ChangePatient():
            return change(registered(state), command)
        case ForgetPerson():
            return forget(registered(state), command)


def register(state: State, command: RegisterPatient) -> Sequence[Fact]:
    if isinstance(state, Registered):
        raise Refused("This patient is already registered.")
    if command.birth_year > command.at.year:
        said = f"The year of birth, {command.birth_year}, is in the future."
        raise Refused(said, {"birth_year": said})
    return [
        PatientRegistered(
            **command.stamp,
            patient_id=command.patient_id,
            name=command.name,
            number=command.number,
            birth_year=command.birth_year,
            sex_at_birth=command.sex_at_birth,
            contact=command.contact,
        )
    ]


def change(patient: Registered, command: ChangePatient) -> Sequence[Fact]:
    if patient.forgotten:
        raise Refused("This person was forgotten; nothing about them can be recorded any more.")
    if command.name is None and command.contact is None:
        raise Refused("There is nothing to change: give a name or a contact.")
    return [
        PatientChanged(
            **command.stamp, patient_id=command.patient_id, name=command.name, contact=command.contact
        )
    ]


def forget(patient: Registered, command: ForgetPerson) -> Sequence[Fact]:
    if command.role != "admin":
        raise Refused("Only an administrator may have a person forgotten.")
    if patient.forgotten:
        return []
    return [PersonForgotten(**command.stamp, patient_id=command.patient_id, ground=command.ground)]


def registered(state: State) -> Registered:
    if isinstance(state, NotRegistered):
        raise Refused("This patient is not registered.")
    return state


def revise(state: State, entry: Fact, instead: Fact) -> Fact:
    """Its entries' own fields say all that can be wrong with their values."""
    return instead
