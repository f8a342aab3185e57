"""The watch at work: follows both streams, lets time pass, and puts on record what was found."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from kap import metrics as shared
from kap import snapshot
from kap.decider import Cache, Refused, Store, Unavailable, transact
from kap.envelope import EVENTS, VITALS
from kap.follow import Follows, merge
from kap.tasks import ended
from nats.errors import Error as NatsError
from pydantic import TypeAdapter

from session_monitor import session, watch
from session_monitor.metrics import ALARM_DELAY, ALARMS_OPEN, ALARMS_RAISED, ALARMS_REFUSED, WATCH_LAG
from session_monitor.session import RaiseAlarm
from session_monitor.watch import Action, Watch

TICK_S = 0.25
SAVE_S = 10.0
BEHIND_S = 0.5  # no time passes for the watch while it is further behind the log
NOT_READY_S = 5.0
RECORDERS = 32  # alarms of different sessions are recorded at the same time, those of one in order
WAITING = 1000  # actions waiting for one recorder; beyond, the watch waits, and its lag shows it

log = logging.getLogger("kap.watch")


class Log(Store, Protocol):
    def follow(
        self, stream: str, subject: str, *, after: int, name: str, epoch: str | None = None
    ) -> Follows: ...


@dataclass
class Saved:
    """The watch where it stood in both streams."""

    events: int = 0
    events_epoch: str | None = None
    vitals: int = 0
    vitals_epoch: str | None = None
    watch: Watch = field(default_factory=Watch)


SAVED = TypeAdapter(Saved)


class Watching:
    def __init__(self, store: Log, cache: Cache, path: Path | None) -> None:
        self.store = store
        self.cache = cache
        self.path = path
        saved = snapshot.load(path, SAVED) or Saved()
        self.watch = watch.resumed(saved.watch)
        self.folded = {EVENTS: saved.events, VITALS: saved.vitals}
        self.events = store.follow(
            EVENTS,
            "kap.events.*.session.>",
            after=saved.events,
            name="session-monitor-watch-events",
            epoch=saved.events_epoch,
        )
        self.vitals = store.follow(
            VITALS,
            "kap.vitals.>",
            after=saved.vitals,
            name="session-monitor-watch-vitals",
            epoch=saved.vitals_epoch,
        )
        self.started = False  # has been at the end of the log
        self.queues: list[asyncio.Queue[Action]] = [asyncio.Queue(WAITING) for _ in range(RECORDERS)]
        self._asking = asyncio.Lock()
        self._current_at = time.monotonic()

    async def run(self) -> None:
        """Until cancelled. Raises `LogLostTail` when the snapshot is of another log."""
        works = [self._follow(), self._pass_time(), *(self._record(queue) for queue in self.queues)]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await ended(*tasks)

    @property
    def current(self) -> bool:
        """Whether what is folded is what the log holds, or nearly."""
        if not self.started:
            return (
                self.events.caught_up
                and self.vitals.caught_up
                and self.folded == {EVENTS: self.events.position, VITALS: self.vitals.position}
            )
        return all(f.pending is not None and f.lag_s < BEHIND_S for f in (self.events, self.vitals))

    def behind(self) -> str | None:
        """Why the service is not ready."""
        if not self.started:
            return "the watch is reading the log"
        if time.monotonic() - self._current_at > NOT_READY_S:
            return "the watch is behind the log"
        return None

    async def _follow(self) -> None:
        async for batch in merge(self.events, self.vitals):
            unknown = self.watch.unknown
            for source, item in batch:
                watch.fold(self.watch, item)
                self.folded[source] = item.position
            if self.watch.unknown > unknown:
                shared.UNKNOWN.labels("session-monitor-watch").inc(self.watch.unknown - unknown)
            await self._act()

    async def _act(self) -> None:
        """Ask for nothing while behind: what ended meanwhile must not sound (decision 6)."""
        if not self.current:
            return
        self.started = True
        self._current_at = time.monotonic()
        async with self._asking:  # an alarm's end must not overtake its beginning
            if self.watch.news:
                for action in watch.take(self.watch):
                    await self.queues[action.session_id.int % RECORDERS].put(action)

    async def _pass_time(self) -> None:
        saved = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            if self.current and self.started:
                watch.tick(self.watch, datetime.now(UTC))
            await self._act()
            for priority, count in watch.open_alarms(self.watch).items():
                ALARMS_OPEN.labels(priority).set(count)
            WATCH_LAG.set(max(self.events.lag_s, self.vitals.lag_s))
            if time.monotonic() - saved > SAVE_S:
                self.save()
                saved = time.monotonic()

    def save(self) -> None:
        if self.path is None or not self.started:
            return
        saved = Saved(
            self.folded[EVENTS], self.events.epoch, self.folded[VITALS], self.vitals.epoch, self.watch
        )
        try:
            snapshot.save(self.path, SAVED, saved)
        except OSError as error:  # costs only time at the next start
            log.warning("the watch's state was not saved", extra={"reason": str(error)})

    async def _record(self, queue: asyncio.Queue[Action]) -> None:
        while True:
            await self._put_on_record(await queue.get())

    async def _put_on_record(self, action: Action) -> None:
        """Tries until the log takes it: an alarm is never given up because the log is away."""
        pause = 0.1
        ids = {"session": str(action.session_id), "alarm": str(action.alarm_id), "command": action.type}
        while True:
            try:
                outcome = await transact(self.store, session, action, self.cache)
            except Refused as error:
                ALARMS_REFUSED.inc()
                log.error("an alarm is not on record", extra=ids | {"reason": str(error)})
                return
            except (Unavailable, TimeoutError, NatsError) as error:
                log.warning("an alarm waits for the log", extra=ids | {"reason": str(error)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)
                continue
            if outcome.recorded and isinstance(action, RaiseAlarm):
                ALARMS_RAISED.labels(action.priority, action.kind).inc()
                if not action.late:
                    ALARM_DELAY.observe((datetime.now(UTC) - action.onset).total_seconds())
            return
