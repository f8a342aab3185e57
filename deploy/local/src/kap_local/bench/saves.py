"""What a save is in KAP, like for like with the peer's: events of an aggregate into the log, no service.

On a server of its own, synced as in production, that nobody follows: nobody follows the peer's saves either.
"""

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import nats
from kap.events.fact import Fact
from kap.events.session import ObservationRecorded
from kap.ids import uuid7
from kap.log import JetStreamLog

from kap_local import deploy_files
from kap_local.guard import Guard
from kap_local.testing import running_nats

WRITERS = 16
STAFF = f"staff:{UUID(int=1)}"


def measure(seconds: float) -> dict[str, float]:
    """Events a second, each save against what stands before it: of one writer one by one and by ten, and of
    many writers one by one, each in an aggregate of its own.
    """
    guard = Guard()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="kap-bench-") as folder,
            running_nats(guard, Path(folder), accounts=False) as server,
        ):
            return asyncio.run(saves(server.url(), seconds))
    finally:
        guard.close()


async def saves(url: str, seconds: float) -> dict[str, float]:
    client = await nats.connect(url)
    try:
        await deploy_files.streams().declare(client)
        log = JetStreamLog(client, "main", "bench")
        result = {f"save_{n}": await save(log, n, seconds) for n in (1, 10)}
        many = await asyncio.gather(*(save(log, 1, seconds) for _ in range(WRITERS)))
        return result | {"save_1_of_many": sum(many)}
    finally:
        await client.close()


async def save(log: JetStreamLog, events: int, seconds: float) -> float:
    session, position, saved = uuid7(), 0, 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        batch = [observation(session) for _ in range(events)]
        position = await log.append(f"session.{session}", batch, position)
        saved += events
    return saved / (time.perf_counter() - started)


def observation(session: UUID) -> Fact:
    return ObservationRecorded(id=uuid7(), at=datetime.now(UTC), by=STAFF, session_id=session, moaas=5)
