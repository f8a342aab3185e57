"""A follower goes on whatever happens to its consumer, its connection or its server; so does a writer."""

import asyncio
import signal
from pathlib import Path
from uuid import uuid4

import nats
import pytest
from kap import service
from kap.decider import Unavailable
from kap.envelope import VITALS
from kap.events.vitals import VitalRecorded
from kap.follow import Follower
from kap.log import JetStreamLog
from kap.tasks import ended
from kap_local import deploy_files, nats_server
from kap_local.guard import Guard
from kap_local.ports import free_port
from kap_local.testing import until
from nats.aio.client import Client
from prometheus_client import REGISTRY

from tests.log.test_contract import reading, take


async def test_a_deleted_consumer_is_made_anew(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    log, session = JetStreamLog(client, "main", "tests"), uuid4()
    await log.record([reading(session, n) for n in range(10)], after=0)
    follower = log.follow(VITALS, "kap.vitals.>", after=0, name="operator-contract")
    batches = follower.batches()
    await take(batches, 10)
    await client.request("$JS.API.CONSUMER.DELETE.VITALS.operator-contract", b"")
    await log.record([reading(session, n) for n in range(10, 20)], after=0)
    assert [r.position for r in await take(batches, 10)] == list(range(11, 21))
    await batches.aclose()
    [said] = [record for record in caplog.records if record.name == "kap.follow"]
    assert said.getMessage() == "the log is not read; trying again"
    assert vars(said)["follower"] == "operator-contract" and "Consumer Deleted" in vars(said)["reason"]


async def test_readers_that_share_a_name_leave_each_other_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each keeps the place it has, also when its own consumer is lost; a place nobody reads at is freed."""
    monkeypatch.setattr("kap.follow.INACTIVE_S", 1)
    log, session = JetStreamLog(client, "main", "tests"), uuid4()
    await log.record([reading(session, 0)], after=0)

    def follow() -> Follower:
        return log.follow(VITALS, "kap.vitals.>", after=0, name="operator-shared", places=2)

    def restarts() -> float:
        return REGISTRY.get_sample_value("kap_follower_restarts_total", {"follower": "operator-shared"}) or 0

    one, two, third = follow(), follow(), follow()
    ones, twos, thirds = one.batches(), two.batches(), third.batches()
    await take(ones, 1)
    await take(twos, 1)
    assert (one.consumer, two.consumer) == ("operator-shared-1", "operator-shared-2")
    assert await anext(thirds) == [] and third.pending is None  # and says so, until there is a place
    made = restarts()

    await client.request("$JS.API.CONSUMER.DELETE.VITALS.operator-shared-2", b"")
    await log.record([reading(session, 1)], after=0)
    assert [r.position for r in await take(twos, 1)] == [2] and two.consumer == "operator-shared-2"
    assert [r.position for r in await take(ones, 1)] == [2]
    assert restarts() == made + 1

    await ones.aclose()
    assert [r.position for r in await take(thirds, 2)] == [1, 2] and third.consumer == "operator-shared-1"
    await twos.aclose()
    await thirds.aclose()


async def test_nothing_is_lost_or_doubled_when_the_server_is_killed(guard: Guard, tmp_path: Path) -> None:
    """kill -9 of nats-server in the middle of recording and following."""
    server = nats_server.prepare(tmp_path, free_port(), free_port(), accounts=False)

    async def listening() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        except OSError:
            return False
        writer.close()
        return True

    process = guard.start(server.command, log=tmp_path / "nats.log")
    await asyncio.to_thread(until, listening, "nats-server", tmp_path / "nats.log")
    client = await nats.connect(server.url(), **service.nats_options("operator"))
    await deploy_files.streams().declare(client)
    log, session = JetStreamLog(client, "main", "tests"), uuid4()
    follower = log.follow(VITALS, "kap.vitals.>", after=0, name="operator-contract")
    acknowledged: set[str] = set()
    stop = asyncio.Event()

    async def write() -> None:
        n = 0
        while not stop.is_set():
            batch = [reading(session, n * 5 + m) for m in range(5)]
            n += 1
            while True:
                try:
                    await log.record(batch, after=0)
                    break
                except (Unavailable, nats.errors.Error):
                    await asyncio.sleep(0.1)
            acknowledged.update(str(r.id) for r in batch)

    writers = [asyncio.create_task(write()) for _ in range(4)]
    seen: list[str] = []

    async def read() -> None:
        async for batch in follower.batches():
            seen.extend(str(r.event.id) for r in batch if isinstance(r.event, VitalRecorded))

    reader = asyncio.create_task(read())
    for _ in range(2):
        await asyncio.sleep(0.7)
        guard.stop(process, signal.SIGKILL)
        await asyncio.sleep(0.3)
        process = guard.start(server.command, log=tmp_path / "nats.log")
    await asyncio.sleep(2)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*writers), 30)
    async with asyncio.timeout(20):
        while len(seen) < (await log.head(VITALS)).last:
            await asyncio.sleep(0.1)
    await ended(reader)
    assert len(seen) == len(set(seen))
    assert acknowledged <= set(seen)
    assert len(acknowledged) > 100
    await client.close()
    guard.stop(process, signal.SIGTERM)


async def test_a_full_queue_is_refused_by_name(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kap.log.QUEUE", 20)
    log, session = JetStreamLog(client, "main", "tests"), uuid4()
    results = await asyncio.gather(
        *(log.record([reading(session, n * 10 + m) for m in range(10)], after=0) for n in range(5)),
        return_exceptions=True,
    )
    assert [type(r) for r in results] == [type(None)] * 2 + [Unavailable] * 3
