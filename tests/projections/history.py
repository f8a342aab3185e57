"""A log with something in it for every read model, and read models that follow it into Postgres."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from kap.envelope import EVENTS
from kap.events import Recorded
from kap.events.fact import EntryCorrected, Fact
from kap.events.intake import (
    Assessed,
    ConsentGiven,
    CourseOpened,
    Finding,
    Measure,
    PatientRegistered,
    PreparationRecorded,
    Prepared,
    VisitPlanned,
)
from kap.events.integration import CarePlanned, Integrated, MeasureRecorded, TaskOpened
from kap.events.session import AlarmAcknowledged, AlarmCleared, Discharged, NoteRecorded
from kap.events.vitals import Vital, VitalRecorded
from kap.follow import Head
from kap.tasks import ended
from kap.testing import MemoryFollower, MemoryLog, matches
from projections.read_model import Keeper, Log, ReadModel, keep
from projections.read_models import MODELS

from tests.projections.live import START, WATCH, dosed, opened, raised, reading, sealed, stamp

PATIENT, COURSE, SESSION, PLAN, TASK = (UUID(int=n) for n in range(101, 106))


def put(log: MemoryLog, *events: Fact | Vital) -> None:
    """Into the log as they are: what the deciders would say of them is tested elsewhere."""
    for event in events:
        log._store(EVENTS if isinstance(event, Fact) else "VITALS", event, None, 0)


def registered() -> PatientRegistered:
    return PatientRegistered(
        **stamp(), patient_id=PATIENT, name=sealed(), number="0417", birth_year=1980, sex_at_birth="female"
    )


def assessed(total: int = 18, weight_kg: float = 70) -> Assessed:
    return Assessed(
        **stamp(),
        course_id=COURSE,
        verdict="eligible",
        findings=[Finding(rule="hypertension", standing="clearance")],
        measures=[Measure(instrument="phq-9", total=total)],
        weight_kg=weight_kg,
        route="intramuscular",
        protocol="intramuscular",
    )


def corrected(entry: Fact, replacement: Fact | None = None) -> EntryCorrected:
    return EntryCorrected(
        **stamp(START + timedelta(hours=4)),
        of=entry.aggregate,
        of_id=entry.aggregate_id,
        event_id=entry.id,
        reason=sealed("reason"),
        replacement=None if replacement is None else replacement.model_dump(mode="json"),
    )


def treatment() -> list[Fact]:
    """One patient from registration to the first integration visit, with a dose entered wrong."""
    at = START
    wrong = dosed(SESSION, 500, at)
    alarm = raised(SESSION, at=at)
    return [
        registered(),
        CourseOpened(**stamp(at), course_id=COURSE, patient_id=PATIENT, indication="depression"),
        assessed(),
        ConsentGiven(**stamp(at), course_id=COURSE, document="consent-2"),
        PreparationRecorded(**stamp(at), course_id=COURSE, text=sealed("text"), topics=["effects"]),
        Prepared(
            **stamp(at),
            course_id=COURSE,
            intentions=sealed("intentions"),
            education=True,
            safety_plan=sealed("safety_plan"),
            ride=sealed("ride"),
            fasting_explained=True,
        ),
        VisitPlanned(**stamp(at), course_id=COURSE, visit="dosing", planned_for=at, room="3"),
        opened(SESSION, at, course_id=COURSE, patient_id=PATIENT),
        wrong,
        corrected(wrong, dosed(SESSION, 50, at)),
        alarm,
        AlarmAcknowledged(**stamp(at), session_id=SESSION, alarm_id=alarm.alarm_id),
        NoteRecorded(**stamp(at), session_id=SESSION, text=sealed("text")),
        AlarmCleared(**stamp(at, WATCH), session_id=SESSION, alarm_id=alarm.alarm_id),
        Discharged(**stamp(at), session_id=SESSION, course_id=COURSE, patient_id=PATIENT),
        CarePlanned(
            **stamp(at, "service:integration"),
            care_plan_id=PLAN,
            session_id=SESSION,
            course_id=COURSE,
            patient_id=PATIENT,
            visits_due=[at + timedelta(days=1), at + timedelta(days=7)],
        ),
        Integrated(
            **stamp(at),
            care_plan_id=PLAN,
            visit=1,
            themes=sealed("themes"),
            measures=[Measure(instrument="phq-9", total=9)],
        ),
        MeasureRecorded(**stamp(at), care_plan_id=PLAN, measure=Measure(instrument="gad-7", total=6)),
        TaskOpened(**stamp(at), task_id=TASK, patient_id=PATIENT, kind="call"),
    ]


def readings(count: int, session_id: UUID = SESSION) -> list[VitalRecorded]:
    """One a second; every minute a cuff."""
    return [
        reading(session_id, second, spo2=97.0 - second % 3, heart_rate=70 + second / 7)
        if second % 60
        else reading(session_id, second, systolic=128, diastolic=82)
        for second in range(count)
    ]


class Stuttering:
    """A log that delivers everything twice, and some of it again with what comes next."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log

    async def head(self, stream: str) -> Head:
        return await self.log.head(stream)

    def follow(
        self, stream: str, subject: str, *, after: int, name: str, epoch: str | None = None
    ) -> "StutteringFollower":
        return StutteringFollower(self.log, stream, subject, after, name, epoch)


class StutteringFollower(MemoryFollower):
    async def batches(self) -> AsyncGenerator[list[Recorded], None]:
        tail: list[Recorded] = []
        async for batch in super().batches():
            yield tail + batch
            yield batch
            tail = batch[-3:]


@asynccontextmanager
async def kept(log: Log, database: str, *models: ReadModel) -> AsyncIterator[list[Keeper]]:
    """Keepers of these read models (all, when none is named), running."""
    keepers = [Keeper(log, database, model) for model in models or MODELS.values()]
    task = asyncio.create_task(keep(keepers))
    try:
        yield keepers
    finally:
        await ended(task)


async def caught_up(log: MemoryLog, keepers: Sequence[Keeper], seconds: float = 20) -> None:
    """Returns when every keeper has written the last event that is its own."""
    for keeper in keepers:
        stored = log.streams[keeper.model.stream]
        last = max((r.position for subject, r in stored if matches(keeper.model.subject, subject)), default=0)
        await reaches(keeper, last, seconds)


async def reaches(keeper: Keeper, position: int, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while keeper.position < position:
            assert keeper.state != "stopped", keeper.why
            await asyncio.sleep(0.005)


async def apply(log: MemoryLog, database: str, *models: ReadModel) -> None:
    """Bring these read models up to date and let go of them."""
    async with kept(log, database, *models) as keepers:
        await caught_up(log, keepers)


__all__ = ["START", "caught_up", "kept", "put", "readings", "treatment", "uuid4"]
