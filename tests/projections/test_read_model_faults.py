"""Read models on real servers, under load: nothing is lost or doubled, and readers notice no rebuild."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from kap import service
from kap.envelope import EVENTS, VITALS
from kap.events.session import NoteRecorded
from kap.log import JetStreamLog
from kap_local import postgres
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.ports import free_port
from kap_local.testing import until
from nats.aio.client import Client
from projections import queries
from projections.read_model import Keeper, unready
from projections.read_models import MODELS
from projections.rebuild import rebuild

from tests.projections.history import kept
from tests.projections.live import opened, reading, sealed, stamp

SESSIONS = [UUID(int=n) for n in range(1, 9)]


class Postgres:
    """One that can be killed and started again on the same folder and port."""

    def __init__(self, guard: Guard, folder: Path) -> None:
        self.guard = guard
        self.log = folder / "postgres.log"
        self.cluster = postgres.prepare(folder, free_port(), guard)
        self.start()

    def start(self) -> None:
        command, environment = self.cluster.command, postgres.environment()
        self.process = self.guard.start(command, log=self.log, environment=environment)

    async def answers(self) -> bool:
        if self.process.poll() is not None:  # the one before it was still letting go
            self.guard.ended(self.process)
            self.start()
        return await self.cluster.answers()

    def kill(self) -> None:
        self.guard.stop(self.process, signal.SIGKILL)


@pytest.fixture
def mortal(guard: Guard, tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(guard, tmp_path)
    until(server.answers, "Postgres", server.log)
    yield server
    guard.stop(server.process, signal.SIGINT)


@asynccontextmanager
async def load(log: JetStreamLog) -> AsyncIterator[dict[str, int]]:
    """Readings and notes as fast as they are recorded; yields how many of each were."""
    for session in SESSIONS:
        await log.append(f"session.{session}", [opened(session)], 0)
    recorded = {VITALS: 0, EVENTS: len(SESSIONS)}

    over = asyncio.Event()  # not a cancellation, which Python 3.11's wait_for may forget

    async def measure() -> None:
        second = 0
        while not over.is_set():
            second += 1
            await log.record([reading(s, second + n / 10) for n in range(5) for s in SESSIONS], after=0)
            recorded[VITALS] += 5 * len(SESSIONS)
            await asyncio.sleep(0.01)

    async def note() -> None:
        expected, noted = 0, 0
        session = uuid4()
        while not over.is_set():
            event = NoteRecorded(**stamp(), session_id=session, text=sealed("text"))
            try:
                expected = await log.append(f"session.{session}", [event], expected)
            except TimeoutError:  # outcome unknown: the log says what it was
                history = await log.load(f"session.{session}")
                recorded[EVENTS] += len(history) - noted
                noted, expected = len(history), history[-1].position if history else 0
                continue
            noted += 1
            recorded[EVENTS] += 1
            await asyncio.sleep(0.005)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(measure())
        tasks.create_task(note())
        try:
            yield recorded
        finally:
            over.set()


async def whole(log: JetStreamLog, keepers: list[Keeper]) -> None:
    """Wait until each has written the last event of its stream (all of EVENTS is the session's here)."""
    async with asyncio.timeout(60):
        for keeper in keepers:
            if keeper.model.kind in ("sessions", "timeline", "vitals"):
                last = (await log.head(keeper.model.stream)).last
                while keeper.position < last:
                    assert keeper.state != "stopped", keeper.why
                    await asyncio.sleep(0.02)


async def test_postgres_killed_under_load_loses_and_doubles_nothing(client: Client, mortal: Postgres) -> None:
    log = JetStreamLog(client, "main", "operator")
    url = mortal.cluster.url
    async with kept(log, url) as keepers:
        async with load(log) as recorded:
            for _ in range(3):
                await asyncio.sleep(0.7)
                before = recorded[VITALS]
                await asyncio.to_thread(mortal.kill)
                async with asyncio.timeout(10):
                    while not any(keeper.state == "waiting" for keeper in keepers):
                        await asyncio.sleep(0.01)
                assert "waiting" in str(next(k for k in keepers if k.state == "waiting").unready)
                mortal.start()
                await asyncio.to_thread(until, mortal.answers, "Postgres", mortal.log)
                assert recorded[VITALS] > before
        await whole(log, keepers)

    for kind in ("sessions", "timeline", "vitals", "alarms"):
        result = await rebuild(log, url, MODELS[kind], compare=True)
        assert result.differences == 0
    counts = await fetch(url, {VITALS: queries.READING, EVENTS: queries.FACT})
    assert counts == {stream: (await log.head(stream)).last for stream in (VITALS, EVENTS)}
    minutes = f"select sum(spo2_n) from {queries.MINUTE}"
    assert await value(url, minutes) == counts[VITALS]


async def test_a_rebuild_under_load_is_not_noticed(client: Client, database: str) -> None:
    """Readers go on reading and never go back in time; the owner goes on where the rebuild ended."""
    log = JetStreamLog(client, "main", "operator")
    seen: list[int] = []

    async def look() -> None:
        db = await queries.pool(database)
        while True:
            counts = [await db.fetchval(f"select count(*) from {t}") for t in (queries.READING, queries.FACT)]
            seen.append(sum(counts))
            assert await queries.vitals(db, SESSIONS[0], points=50)
            await asyncio.sleep(0.005)

    async with kept(log, database) as keepers, load(log) as recorded:
        async with asyncio.timeout(10):
            while min(keeper.position for keeper in keepers[:3]) < 200:
                await asyncio.sleep(0.01)
        reader = asyncio.create_task(look())
        for kind in ("vitals", "timeline", "sessions"):
            for compare in (True, False):
                progress: list[tuple[int, int]] = []
                result = await rebuild(log, database, MODELS[kind], compare=compare, progress=_into(progress))
                assert result.differences == (0 if compare else None)
                assert result.events == progress[-1][0]
        assert not reader.done(), reader
        reader.cancel()
        assert seen == sorted(seen)
        assert len(seen) > 20
        before = recorded[VITALS]
        async with asyncio.timeout(20):
            while keepers[2].position <= before:
                await asyncio.sleep(0.02)

    for kind in ("sessions", "timeline", "vitals"):
        assert (await rebuild(log, database, MODELS[kind], compare=True)).differences == 0
    counts = await fetch(database, {VITALS: queries.READING, EVENTS: queries.FACT})
    assert counts == {stream: (await log.head(stream)).last for stream in (VITALS, EVENTS)}


async def test_the_read_models_run_with_the_rights_of_their_own_user(
    client: Client, nats_server: NatsServer, database: str
) -> None:
    log = JetStreamLog(client, "main", "operator")
    await log.append(f"session.{SESSIONS[0]}", [opened(SESSIONS[0])], 0)
    await log.record([reading(SESSIONS[0])], after=1)
    own = await nats.connect(nats_server.url("read-models"), **service.nats_options("read-models"))
    try:
        async with kept(JetStreamLog(own, "main", "read-models"), database) as keepers:
            async with asyncio.timeout(20):
                while unready(keepers):
                    await asyncio.sleep(0.05)
            await whole(log, keepers)
    finally:
        await own.close()


def _into(progress: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda done, total: progress.append((done, total))


async def fetch(url: str, tables: dict[str, str]) -> dict[str, int]:
    return {name: await value(url, f"select count(*) from {table}") for name, table in tables.items()}


async def value(url: str, sql: str) -> Any:
    db = await queries.pool(url)
    try:
        return await db.fetchval(sql)
    finally:
        await db.close()
