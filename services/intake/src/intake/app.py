"""Commands in, events out; a new clinic finds its protocols and rooms there."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid5

from faststream.asgi import AsgiFastStream
from kap import protocol, service, settings
from kap.decider import Cache, CorrectEntry, Outcome, Refused, Store, current, transact
from kap.log import JetStreamLog
from kap.protocol import Protocol
from pydantic import Field

from intake import clinic, course, patient
from intake.clinic import AdoptProtocol, Clinic, DefineRoom
from intake.course import Assess, OpenCourse, PlanVisit
from intake.patient import ChangePatient, ForgetPerson, NotRegistered, Registered, RegisterPatient

Command = Annotated[
    patient.Command | clinic.Command | course.Command | CorrectEntry, Field(discriminator="type")
]

log = logging.getLogger("kap.intake")

ROOMS = [str(n) for n in range(1, 9)]
_FURNISHING = UUID("4a0c0a51-5a6c-5c6e-8f55-0f5a3ad1c9d2")


@dataclass
class Intake:
    """The service over its log: any `Store`, so that the tests can give it one in memory."""

    store: Store
    clinic: str
    protocols: list[Protocol] = field(default_factory=protocol.defaults)  # what a new clinic adopts
    cache: Cache = field(default_factory=Cache)

    async def act(self, command: Command) -> Outcome:
        command = await self.informed(command)
        match command:
            case RegisterPatient() | ChangePatient() | ForgetPerson() | CorrectEntry(of="patient"):
                return await transact(self.store, patient, command, self.cache)
            case AdoptProtocol() | DefineRoom() | CorrectEntry(of="clinic"):
                return await transact(self.store, clinic, command, self.cache)
            case CorrectEntry() if command.of != "course":
                raise Refused("This entry is not one of a patient's, the clinic's or a course's.")
            case _:
                return await transact(self.store, course, command, self.cache)

    async def informed(self, command: Command) -> Command:
        """The command with what other records say; what the sender wrote there does not count."""
        match command:
            case OpenCourse():
                return command.model_copy(update={"patient": await self.standing(command.patient_id)})
            case Assess():
                adopted = (await self.own_clinic()).protocols
                routes = {name: protocol.route for name, protocol in adopted.items()}
                named = adopted.get(command.protocol)
                rules = {
                    "eligibility": named.eligibility if named else None,
                    "birth_year": await self.birth_year(command.course_id),
                }
                return command.model_copy(update={"protocols": routes, **rules})
            case PlanVisit():
                return command.model_copy(update={"rooms": list((await self.own_clinic()).rooms)})
            case AdoptProtocol() | DefineRoom():
                return command.model_copy(update={"clinic": self.clinic})
        return command

    async def standing(self, patient_id: UUID) -> str:
        match (await current(self.store, patient, f"patient.{patient_id}", self.cache)).state:
            case NotRegistered():
                return "unknown"
            case Registered(forgotten=forgotten):
                return "forgotten" if forgotten else "registered"

    async def birth_year(self, course_id: UUID) -> int | None:
        """Of the patient of this course."""
        match (await current(self.store, course, f"course.{course_id}", self.cache)).state:
            case course.Open(patient_id=UUID() as patient_id):
                state = (await current(self.store, patient, f"patient.{patient_id}", self.cache)).state
                return state.birth_year if isinstance(state, Registered) else None
        return None

    async def own_clinic(self) -> Clinic:
        return (await current(self.store, clinic, f"clinic.{self.clinic}", self.cache)).state

    async def furnish(self, at: datetime) -> None:
        """Adopt each protocol that the clinic has none of, and define rooms where there are none.

        A newer version of one that is in use waits for a prescriber, who adopts it by signing it off.

        The ids are made of what is adopted, so doing it again, or two at once, records it once.
        """
        there = await self.own_clinic()
        for default in self.protocols:
            if (adopted := there.protocols.get(default.name)) is not None:
                if adopted.digest != default.digest():
                    told = {"protocol": default.name, "version": default.version, "in_use": adopted.version}
                    log.info(
                        "another version of a protocol is in use; adopting is a prescriber's", extra=told
                    )
                continue
            await self.act(
                AdoptProtocol(
                    id=uuid5(_FURNISHING, f"{self.clinic} {default.digest()}"),
                    at=at,
                    by="service:intake",
                    role="service",
                    protocol=default.name,
                    version=default.version,
                    content=default,
                )
            )
        if not set(there.rooms) <= set(ROOMS):
            return
        for room in ROOMS:
            await self.act(
                DefineRoom(
                    id=uuid5(_FURNISHING, f"{self.clinic} room {room}"),
                    at=at,
                    by="service:intake",
                    role="service",
                    room=room,
                    title=f"Room {room}",
                )
            )


def build() -> AsgiFastStream:
    name = settings.clinic()
    try:
        protocols = [kept.protocol for kept in protocol.of_clinic(settings.folder("KAP_PROTOCOLS"))]
    except protocol.ProtocolError as error:
        raise settings.SettingError(f"KAP_PROTOCOLS holds what is no protocol.\n{error}") from error
    nats = service.broker("intake")

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        intake = Intake(JetStreamLog(await nats.connect(), name, "intake"), name, protocols)
        await intake.furnish(datetime.now(UTC))

        @nats.subscriber(f"kap.commands.{name}.intake", queue="intake", max_workers=32)
        async def handle(command: Command, dry_run: service.DryRun) -> service.Answer:
            return await service.answer(command, intake.act, dry_run)

        yield

    return service.app("intake", nats, lifespan)
