"""Commands and vitals in, events out; the watch beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from faststream.asgi import AsgiFastStream
from kap import service, settings
from kap.decider import Cache, CorrectEntry, Outcome, Refused, Store, Unavailable, current, transact
from kap.envelope import EVENTS
from kap.events import Anything, Unknown, corrected, substitute
from kap.events.fact import EntryCorrected, Fact
from kap.log import JetStreamLog

from session_monitor import session
from session_monitor.by_hand import FOLDED_WITHIN_S, ByHand
from session_monitor.discharge import Latest
from session_monitor.patient_numbers import PatientNumbers
from session_monitor.rooms import Rooms
from session_monitor.session import (
    AbortSession,
    AttachDevice,
    DetachDevice,
    Discharge,
    GiveDose,
    NotOpened,
    OpenSession,
    RecordVitals,
    SessionCommand,
    StaffCommand,
    Wire,
)
from session_monitor.standing import (
    CourseStanding,
    adopted,
    course_standing,
    may_be_pregnant,
    patient_number,
)
from session_monitor.vitals import Vitals, vitals_in
from session_monitor.watch import Watch
from session_monitor.watch.state import Typed
from session_monitor.watching import Watching

STARTED_WITHIN_S = 4.0


@dataclass
class Monitor:
    """The commands' edge: adds what the log says elsewhere, and answers once devices go by the outcome."""

    store: Store
    clinic: str
    vitals: Vitals
    rooms: Rooms
    latest: Callable[[UUID], dict[str, Latest]]  # each signal's latest value in a session
    by_hand: ByHand
    cache: Cache = field(default_factory=Cache)
    # Rooms and devices are given to one session at a time: who comes second sees what the first was given.
    giving: asyncio.Lock = field(default_factory=asyncio.Lock)
    given: int = 0  # the position of the last fact about rooms and devices

    async def act(self, command: Wire) -> Outcome:
        match command:
            case RecordVitals():
                return await self.by_hand.record(command)
            case OpenSession() | AttachDevice():
                async with self.giving:
                    await self.up_to_date()
                    return await self.settled(await self.informed(command))
            case DetachDevice() | Discharge() | AbortSession():
                return await self.settled(await self.informed(command))
            case CorrectEntry():
                if command.of != "session":
                    raise Refused("This entry is not one of a session's.")
                if not await self.is_fact(command) and (reading := self.by_hand.found(command)) is not None:
                    return await self.by_hand.correct(command, reading)
                return await self.settled(command)
            case _:
                return await transact(self.store, session, await self.informed(command), self.cache)

    async def informed(self, command: StaffCommand) -> StaffCommand:
        """The command with what other records say; what the sender wrote there does not count."""
        match command:
            case OpenSession():
                course = course_standing(await self.history(f"course.{command.course_id}"))
                return command.model_copy(update={"course": course, **await self.around(command, course)})
            case AttachDevice(device_id=device, session_id=id):
                return command.model_copy(update={"attached_in": self.rooms.room_of_device(device, id)})
            case GiveDose(session_id=id):
                state = (await current(self.store, session, f"session.{id}", self.cache)).state
                course = None
                if not isinstance(state, NotOpened):
                    course = course_standing(await self.history(f"course.{state.opened.course_id}"))
                return command.model_copy(update={"course": course})
            case Discharge(session_id=id):
                return command.model_copy(update={"vitals": self.latest(id)})
        return command

    async def around(self, command: OpenSession, course: CourseStanding | None) -> dict[str, object]:
        """What clinic, patient and rooms say about a session that is to be opened."""
        id = command.session_id
        found: dict[str, object] = {
            "room_in_use": self.rooms.in_use(command.room, by_other_than=id),
            "course_in_room": self.rooms.room_of_course(command.course_id, other_than=id),
            "protocol": None,
            "patient_number": None,
            "ask_pregnancy": True,
        }
        if course is not None:
            patient = await self.history(f"patient.{course.patient_id}")
            found["patient_number"] = patient_number(patient)
            if course.protocol is not None:
                protocol = adopted(await self.history(f"clinic.{self.clinic}"), course.protocol)
                found["protocol"] = protocol
                if protocol is not None and protocol.rules is not None:
                    to_age = protocol.rules.gates.pregnancy_to_age
                    found["ask_pregnancy"] = may_be_pregnant(patient, to_age, command.at)
        return found

    async def is_fact(self, command: CorrectEntry) -> bool:
        """Whether one of the session's facts is meant: the log alone decides about it, without the watch."""
        for item in await self.store.load(f"session.{command.of_id}"):
            fact = substitute(item.event) if isinstance(item.event, EntryCorrected) else item.event
            if isinstance(fact, Fact) and fact.id == command.event_id:
                return True
        return False

    async def history(self, aggregate: str) -> list[Anything]:
        events = corrected(await self.store.load(aggregate))
        if any(isinstance(event, Unknown) for event in events):
            raise Refused(
                "A record that this depends on holds an entry that this version of KAP cannot read."
            )
        return events

    async def up_to_date(self) -> None:
        try:
            async with asyncio.timeout(STARTED_WITHIN_S):
                await self.rooms.known.wait()
            await self.vitals.wait_for(self.given, FOLDED_WITHIN_S)
        except TimeoutError as error:
            raise Unavailable("Rooms and devices are not known for certain now. Try again.") from error

    async def settled(self, command: SessionCommand | CorrectEntry) -> Outcome:
        """Answered once it is folded: a reading that comes after the answer goes where it should."""
        outcome = await transact(self.store, session, command, self.cache)
        self.given = max(self.given, outcome.position)
        with suppress(TimeoutError):  # it is on record all the same, and will be folded
            await self.vitals.wait_for(outcome.position, FOLDED_WITHIN_S)
        return outcome


def latest(watched: Watch, session_id: UUID) -> dict[str, Latest]:
    """Each signal's latest value, as the watch has it from the log; a doubtful one does not count."""
    session = watched.sessions.get(session_id)
    tracks = session.tracks if session is not None else {}
    return {name: Latest(value=track.value, at=track.at) for name, track in tracks.items()}


def typed(watching: Watching, session_id: UUID, reading_id: UUID) -> Typed | None:
    """A reading by hand, as the watch has it from the log."""
    if watching.behind():
        raise Unavailable("What was entered is not known for certain now. Try again.")
    session = watching.watch.sessions.get(session_id)
    return session.typed.get(reading_id) if session is not None else None


async def follow_facts(store: JetStreamLog, rooms: Rooms, vitals: Vitals) -> None:
    """Every fact of every session, at once when it is there, to those who tell devices and rooms apart."""
    facts = store.follow(EVENTS, "kap.events.*.session.>", after=0, name="session-monitor-ingest-events")
    async for batch in facts:
        for item in batch:
            await rooms.fold(item)
            vitals.fold(item)
        if facts.caught_up:
            rooms.known.set()
            vitals.folded()


def build() -> AsgiFastStream:
    clinic = settings.clinic()
    zone = settings.zone()
    mllp_port = settings.port("KAP_MLLP_PORT", 2575)
    path = settings.path("KAP_SNAPSHOT_FILE")
    nats = service.broker("session-monitor")
    watching: list[Watching] = []
    starting: list[Vitals] = []

    async def ready() -> str | None:
        if not starting or not starting[0].ready.is_set() or not watching:
            return "the log is being read"
        return watching[0].behind()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        # What devices sent is to be recorded and answered before this ends.
        async with service.connection("session-monitor") as client:
            store = JetStreamLog(client, clinic, "session-monitor")
            async with vitals_in(store, client, clinic, zone, mllp_port, settings.bind()) as vitals:
                cache = Cache()
                watching.append(Watching(store, cache, path))
                watched = watching[0].watch
                monitor = Monitor(
                    store,
                    clinic,
                    vitals,
                    Rooms(store),
                    lambda id: latest(watched, id),
                    ByHand(vitals, partial(typed, watching[0])),
                    cache,
                )
                starting.append(vitals)

                @nats.subscriber(f"kap.commands.{clinic}.session", queue="session-monitor", max_workers=32)
                async def handle(command: Wire, dry_run: service.DryRun) -> service.Answer:
                    return await service.answer(command, monitor.act, dry_run)

                facts = follow_facts(store, monitor.rooms, vitals)
                numbers = PatientNumbers(store, cache, vitals)
                try:
                    async with (
                        service.in_background(facts, "who is attached to what"),
                        service.in_background(watching[0].run(), "the watch"),
                        service.in_background(numbers.run(), "the comparing of patient numbers"),
                    ):
                        yield
                finally:
                    watching[0].save()
            await store.close()

    return service.app("session-monitor", nats, lifespan, ready)
