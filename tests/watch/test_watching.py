"""The watch at work over the log in memory: when it asks, that it insists, and that it stops."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from kap import snapshot
from kap.decider import Cache, Unavailable
from kap.events.fact import Fact
from kap.events.session import AlarmCleared, AlarmRaised
from kap.events.vitals import VitalRecorded
from kap.follow import LogLostTail
from kap.testing import MemoryLog
from session_monitor.watching import SAVED, Saved, Watching

from tests.watch.test_watch import NORMAL, Log, S

OF = f"session.{S}"


class Away(MemoryLog):
    """A log that does not take the first appends, and one that outlives a cancellation."""

    refuses = 0
    slow = False

    async def append(
        self, aggregate: str, events: Sequence[Fact], expected: int, command: UUID | None = None
    ) -> int:
        if self.refuses:
            self.refuses -= 1
            raise Unavailable("The log does not answer.")
        if self.slow:
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                pass  # as nats-py may, in Python 3.11
        return await super().append(aggregate, events, expected, command)


async def opened(log: MemoryLog) -> Log:
    written = Log()
    event = written.opened(NORMAL).event
    assert isinstance(event, Fact)
    await log.append(OF, [event], 0)
    return written


async def read(log: MemoryLog, written: Log, observed: float, **values: Any) -> None:
    event = written.reading(observed, **values).event
    assert isinstance(event, VitalRecorded)
    await log.record([event], 1)


@asynccontextmanager
async def at_work(log: MemoryLog, path: Path | None = None) -> AsyncIterator[Watching]:
    watching = Watching(log, Cache(), path)
    task = asyncio.create_task(watching.run())
    try:
        yield watching
    finally:
        task.cancel()
        async with asyncio.timeout(3):
            await asyncio.gather(task, return_exceptions=True)
        watching.save()


def alarms(log: MemoryLog, kind: type[AlarmRaised] | type[AlarmCleared] = AlarmRaised) -> list[Any]:
    return [r.event for r in log.events if isinstance(r.event, kind)]


async def until(
    log: MemoryLog, count: int, kind: type[AlarmRaised] | type[AlarmCleared] = AlarmRaised
) -> None:
    async with asyncio.timeout(3):
        while len(alarms(log, kind)) < count:
            await asyncio.sleep(0.005)
    assert len(alarms(log, kind)) == count


async def test_an_alarm_comes_and_goes() -> None:
    log = MemoryLog()
    written = await opened(log)
    async with at_work(log):
        await read(log, written, 1, spo2=85)
        await until(log, 1)
        await read(log, written, 2, spo2=97)
        await until(log, 1, AlarmCleared)
    [alarm] = alarms(log)
    assert (alarm.rule, alarm.late, alarm.by) == ("spo2.low.high", False, "service:session-monitor")


async def test_what_is_over_when_it_starts_is_late_and_what_holds_is_not() -> None:
    log = MemoryLog()
    written = await opened(log)
    for second, value in enumerate([85, 97, 88], start=1):
        await read(log, written, second, spo2=value)
    async with at_work(log):
        await until(log, 2)
    assert [(alarm.value, alarm.late) for alarm in alarms(log)] == [(85, True), (88, False)]


async def test_an_alarm_is_not_given_up_because_the_log_is_away() -> None:
    log = Away()
    written = await opened(log)
    log.refuses = 3
    async with at_work(log):
        await read(log, written, 1, spo2=85)
        await until(log, 1)
    assert log.refuses == 0


async def test_it_stops_whatever_swallows_the_cancellation() -> None:
    log = Away()
    written = await opened(log)
    log.slow = True
    async with at_work(log):
        await read(log, written, 1, spo2=85)
        await asyncio.sleep(0.1)  # in the middle of an append; leaving takes less than three seconds
    await until(log, 1)


async def test_it_goes_on_from_its_snapshot(tmp_path: Path) -> None:
    log, path = MemoryLog(), tmp_path / "watch.json"
    written = await opened(log)
    async with at_work(log, path):
        await read(log, written, 1, spo2=85)
        await until(log, 1)
    await read(log, written, 2, spo2=97)
    async with at_work(log, path) as watching:
        assert watching.folded == {"EVENTS": 2, "VITALS": 1} or watching.folded == {"EVENTS": 1, "VITALS": 1}
        await until(log, 1, AlarmCleared)
    await until(log, 1)


async def test_a_snapshot_of_another_log_is_not_carried_on(tmp_path: Path) -> None:
    log, path = MemoryLog(), tmp_path / "watch.json"
    await opened(log)
    saved = Saved(events=1, events_epoch="another", vitals=0, vitals_epoch=log.epoch)
    snapshot.save(path, SAVED, saved)
    with pytest.raises(LogLostTail):
        await Watching(log, Cache(), path).run()
