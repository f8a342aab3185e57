"""What every log promises. The same tests run on memory and on JetStream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from kap.decider import Conflict
from kap.envelope import EVENTS, VITALS
from kap.events import Recorded
from kap.events.session import DeviceAttached, DeviceDetached
from kap.events.vitals import Sample, VitalRecorded
from kap.follow import LogLostTail, merge
from kap.log import JetStreamLog
from kap.testing import MemoryLog
from nats.aio.client import Client

Log = MemoryLog | JetStreamLog
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "jetstream"])
def log(request: pytest.FixtureRequest) -> Log:
    if request.param == "memory":
        return MemoryLog()
    client: Client = request.getfixturevalue("client")
    return JetStreamLog(client, "main", "tests")


def attached(session: UUID, n: int) -> DeviceAttached:
    return DeviceAttached(id=uuid4(), at=NOON, by="service:tests", session_id=session, device_id=f"M{n}")


def detached(session: UUID, n: int) -> DeviceDetached:
    return DeviceDetached(id=uuid4(), at=NOON, by="service:tests", session_id=session, device_id=f"M{n}")


def reading(session: UUID, n: int) -> VitalRecorded:
    at = NOON + timedelta(seconds=n)
    return VitalRecorded(
        id=uuid4(),
        session_id=session,
        device_id="M1",
        source="monitor",
        device_time=at,
        observed_at=at,
        received_at=at,
        signals={"spo2": Sample(value=97)},
    )


async def take(batches: AsyncIterator[list[Recorded]], count: int) -> list[Recorded]:
    found: list[Recorded] = []
    async with asyncio.timeout(20):
        async for batch in batches:
            found += batch
            if len(found) >= count:
                return found
    raise AssertionError("the follower ended")


def of_id(recorded: Recorded) -> str:
    return str(getattr(recorded.event, "id", ""))


async def test_an_aggregate_that_nobody_wrote_is_empty(log: Log) -> None:
    assert await log.load(f"session.{uuid4()}") == []


async def test_events_come_back_in_order_with_the_command_that_caused_them(log: Log) -> None:
    session, command = uuid4(), uuid4()
    one, two, three = (attached(session, n) for n in range(3))
    position = await log.append(f"session.{session}", [one, two], 0, command)
    again = await log.append(f"session.{session}", [three], position)
    history = await log.load(f"session.{session}")
    assert [r.event for r in history] == [one, two, three]
    assert [r.command for r in history] == [command, command, None]
    assert history[-1].position == again
    assert [r.event for r in await log.load(f"session.{session}", position)] == [three]


async def test_a_long_history_comes_back_whole(log: Log) -> None:
    session, other = uuid4(), uuid4()
    position = 0
    for n in range(11):
        events = [attached(session, 100 * n + m) for m in range(100)]
        position = await log.append(f"session.{session}", events, position)
        await log.append(f"session.{other}", [attached(other, n)], 0 if n == 0 else await last(log, other))
    history = await log.load(f"session.{session}")
    assert [getattr(r.event, "device_id", "") for r in history] == [f"M{n}" for n in range(1100)]


async def last(log: Log, session: UUID) -> int:
    return (await log.load(f"session.{session}"))[-1].position


async def test_the_expected_sequence_covers_every_kind_of_event(log: Log) -> None:
    session = uuid4()
    await log.append(f"session.{session}", [attached(session, 1)], 0)
    with pytest.raises(Conflict):
        await log.append(f"session.{session}", [detached(session, 1)], 0)


async def test_only_one_of_many_racing_writers_wins(log: Log) -> None:
    session = uuid4()
    pairs = [[attached(session, n), detached(session, n)] for n in range(20)]
    results = await asyncio.gather(
        *(log.append(f"session.{session}", pair, 0) for pair in pairs), return_exceptions=True
    )
    assert [type(r) for r in results if not isinstance(r, int)] == [Conflict] * 19
    stored = [r.event for r in await log.load(f"session.{session}")]
    assert stored in pairs  # both events of the winner, nothing of the rest


async def test_readings_are_stored_once_each_in_order(log: Log) -> None:
    session = uuid4()
    readings = [reading(session, n) for n in range(1200)]
    await asyncio.gather(*(log.record(readings[n : n + 7], after=5) for n in range(0, 1200, 7)))
    follower = log.follow(VITALS, "kap.vitals.>", after=0, name="operator-contract")
    found = await take(follower.batches(), 1200)
    assert {of_id(r): r.event for r in found} == {str(r.id): r for r in readings} and len(found) == 1200
    assert {r.after for r in found} == {5}


async def test_a_repeated_batch_changes_nothing(log: Log) -> None:
    session = uuid4()
    readings = [reading(session, n) for n in range(30)]
    await log.record(readings, after=0)
    await log.record([*readings[10:], reading(session, 31)], after=0)
    assert (await log.head(VITALS)).last == 31


async def test_a_follower_sees_what_was_and_what_comes(log: Log) -> None:
    session = uuid4()
    one, two, three = (attached(session, n) for n in range(3))
    await log.append(f"session.{session}", [one, two], 0)
    follower = log.follow(EVENTS, "kap.events.*.session.>", after=1, name="operator-contract")
    batches = follower.batches()
    assert [r.event for r in await take(batches, 1)] == [two]
    await log.append(f"session.{session}", [three], 2)
    assert [r.event for r in await take(batches, 1)] == [three]
    assert follower.position == 3 and follower.caught_up
    await batches.aclose()


async def test_several_readers_follow_under_one_name(log: Log) -> None:
    session = uuid4()
    at = [attached(session, n) for n in range(2)]
    await log.append(f"session.{session}", [at[0]], 0)
    many = [
        log.follow(EVENTS, "kap.events.>", after=0, name="operator-contract", places=3).batches()
        for _ in range(3)
    ]
    assert [[r.event for r in await take(batches, 1)] for batches in many] == [[at[0]]] * 3
    await log.append(f"session.{session}", [at[1]], 1)
    assert [[r.event for r in await take(batches, 1)] for batches in many] == [[at[1]]] * 3
    for batches in many:
        await batches.aclose()


async def test_a_follower_ticks_while_nothing_happens(log: Log) -> None:
    batches = log.follow(EVENTS, "kap.events.>", after=0, name="operator-contract").batches()
    async with asyncio.timeout(5):
        while (await anext(batches)) != []:
            pass
    await batches.aclose()


async def test_a_log_that_lost_its_tail_is_refused(log: Log) -> None:
    session = uuid4()
    await log.append(f"session.{session}", [attached(session, 1)], 0)
    beyond = log.follow(EVENTS, "kap.events.>", after=2, name="operator-contract")
    with pytest.raises(LogLostTail, match="EVENTS"):
        await anext(beyond.batches())
    other = log.follow(
        EVENTS, "kap.events.>", after=1, name="operator-contract", epoch="2020-01-01T00:00:00Z"
    )
    with pytest.raises(LogLostTail, match="EVENTS"):
        await anext(other.batches())


async def test_a_reading_waits_for_the_facts_it_names(log: Log) -> None:
    """In catch-up, too: a session's last readings come before the fact that ended it."""
    session = uuid4()
    position = await log.append(f"session.{session}", [attached(session, 1)], 0)
    await log.record([reading(session, n) for n in range(700)], after=position)
    await log.append(f"session.{session}", [detached(session, 1)], position)
    await log.record([reading(session, 800)], after=2)
    merged = merge(
        log.follow(EVENTS, "kap.events.*.session.>", after=0, name="operator-contract"),
        log.follow(VITALS, "kap.vitals.>", after=0, name="operator-contract-2"),
    )
    order: list[tuple[str, int]] = []
    async with asyncio.timeout(20), contextlib.aclosing(merged):
        async for batch in merged:
            order += [(stream, r.position) for stream, r in batch]
            if len(order) == 703:
                break
    assert order[0] == (EVENTS, 1)
    assert order[1:701] == [(VITALS, n) for n in range(1, 701)]
    assert order[701:] == [(EVENTS, 2), (VITALS, 701)]
