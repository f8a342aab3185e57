"""The clinic itself: the protocols that it has adopted and its rooms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from kap.decider import Command as _Command
from kap.decider import Refused
from kap.events import Anything
from kap.events.fact import Code, Fact, Room
from kap.events.intake import ProtocolAdopted, RoomDefined
from kap.events.rules import Eligibility
from kap.protocol import Protocol, strictly
from pydantic import BeforeValidator, Field

ClinicName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$", description="The service puts in its own.")]


class AdoptProtocol(_Command):
    type: Literal["AdoptProtocol"] = "AdoptProtocol"
    clinic: ClinicName = "main"
    protocol: Code
    version: int = Field(ge=1)
    content: Annotated[Protocol, BeforeValidator(strictly)]


class DefineRoom(_Command):
    type: Literal["DefineRoom"] = "DefineRoom"
    clinic: ClinicName = "main"
    room: Room
    title: str = Field(default="", max_length=40)


Command = Annotated[AdoptProtocol | DefineRoom, Field(discriminator="type")]


@dataclass(frozen=True)
class Adopted:
    version: int
    digest: str
    route: str
    eligibility: Eligibility | None = None  # None: of before protocols had rules
    signed_off: bool = False


@dataclass(frozen=True)
class Clinic:
    protocols: Mapping[str, Adopted] = field(default_factory=dict)  # the newest of each name
    rooms: Mapping[str, str] = field(default_factory=dict)


State = Clinic


def stream(command: Command) -> str:
    return f"clinic.{command.clinic}"


def initial() -> State:
    return Clinic()


def evolve(state: State, event: Anything) -> State:
    match event:
        case ProtocolAdopted(protocol=name, version=version, digest=digest, content=content):
            signed = event.signed_off_by is not None
            adopted = Adopted(version, digest, str(content.get("route")), event.eligibility, signed)
            return replace(state, protocols={**state.protocols, name: adopted})
        case RoomDefined(room=room, title=title):
            return replace(state, rooms={**state.rooms, room: title})
    return state


def decide(state: State, command: Command) -> Sequence[Fact]:
    match command:
        case AdoptProtocol():
            return adopt(state, command)
        case DefineRoom():
            return define_room(state, command)


def adopt(clinic: Clinic, command: AdoptProtocol) -> Sequence[Fact]:
    protocol, digest = command.content, command.content.digest()
    if (protocol.name, protocol.version) != (command.protocol, command.version):
        raise Refused(
            f"The protocol calls itself {protocol.name} version {protocol.version}, "
            f"the request {command.protocol} version {command.version}."
        )
    adopted = clinic.protocols.get(command.protocol)
    signs_off = command.role == "prescriber"
    if adopted is not None and adopted.digest == digest:
        if adopted.signed_off or not signs_off:
            return []
    elif adopted is not None and command.version <= adopted.version:
        raise Refused(
            f"Version {adopted.version} of {command.protocol} is in use. "
            f"Give the changed protocol a higher number than that."
        )
    return [
        ProtocolAdopted(
            **command.stamp,
            clinic=command.clinic,
            protocol=command.protocol,
            version=command.version,
            digest=digest,
            content=protocol.content(),
            signed_off_by=command.by if signs_off else None,
        )
    ]


def define_room(clinic: Clinic, command: DefineRoom) -> Sequence[Fact]:
    if clinic.rooms.get(command.room) == command.title:
        return []
    return [RoomDefined(**command.stamp, clinic=command.clinic, room=command.room, title=command.title)]


def revise(state: State, entry: Fact, instead: Fact) -> Fact:
    """Its entries' own fields say all that can be wrong with their values."""
    return instead
