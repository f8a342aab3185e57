"""The log of the tests. It keeps the same contract as JetStream: see tests/log."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from kap import envelope
from kap.decider import Conflict
from kap.envelope import EVENTS, VITALS
from kap.events import Recorded, encode
from kap.events.fact import Fact
from kap.events.vitals import Vital
from kap.follow import BATCH, IDLE_S, Head, LogLostTail


class MemoryLog:
    def __init__(self, clinic: str = "main", service: str = "tests") -> None:
        self.clinic = clinic
        self.service = service
        self.streams: dict[str, list[tuple[str, Recorded]]] = defaultdict(list)
        self.changed = asyncio.Event()
        self.epoch = datetime.now(UTC).isoformat()

    @property
    def events(self) -> list[Recorded]:
        return [recorded for _, recorded in self.streams[EVENTS]]

    async def load(self, aggregate: str, after: int = 0) -> list[Recorded]:
        start = f"kap.events.{self.clinic}.{aggregate}."
        return [r for subject, r in self.streams[EVENTS] if subject.startswith(start) and r.position > after]

    async def append(
        self, aggregate: str, events: Sequence[Fact], expected: int, command: UUID | None = None
    ) -> int:
        history = await self.load(aggregate)
        if (history[-1].position if history else 0) != expected:
            raise Conflict(aggregate)
        for event in events:
            self._store(EVENTS, event, command, 0)
        return len(self.streams[EVENTS])

    async def record(self, readings: Sequence[Vital], after: int) -> None:
        stored = {r.event.id for _, r in self.streams[VITALS] if isinstance(r.event, Vital)}
        for reading in readings:
            if reading.id not in stored:
                stored.add(reading.id)
                self._store(VITALS, reading, None, after)

    async def head(self, stream: str) -> Head:
        return Head(self.epoch, len(self.streams[stream]))

    def follow(
        self,
        stream: str,
        subject: str,
        *,
        after: int,
        name: str,
        places: int = 1,
        epoch: str | None = None,
    ) -> "MemoryFollower":
        return MemoryFollower(self, stream, subject, after, name, epoch)

    async def close(self) -> None:
        pass

    def _store(self, stream: str, event: Fact | Vital, command: UUID | None, after: int) -> None:
        subject = envelope.subject(self.clinic, event)
        headers = (
            envelope.reading_headers(event, self.service, after)
            if isinstance(event, Vital)
            else envelope.headers(event, self.service, command=command)
        )
        position = len(self.streams[stream]) + 1
        item = envelope.recorded(position, subject, headers, encode(event), datetime.now(UTC))
        self.streams[stream].append((subject, item))
        self.changed.set()
        self.changed = asyncio.Event()


class MemoryFollower:
    def __init__(
        self, log: MemoryLog, stream: str, subject: str, after: int, name: str, epoch: str | None
    ) -> None:
        self.log, self.stream, self.subject, self.name = log, stream, subject, name
        self.position = after
        self.epoch = epoch
        self.pending: int | None = None
        self.last_read: datetime | None = None

    @property
    def lag_s(self) -> float:
        return 0.0

    @property
    def caught_up(self) -> bool:
        return self.pending == 0

    def __aiter__(self) -> AsyncIterator[list[Recorded]]:
        return self.batches()

    async def batches(self) -> AsyncGenerator[list[Recorded], None]:
        head = await self.log.head(self.stream)
        if self.epoch not in (None, head.epoch) or head.last < self.position:
            raise LogLostTail(f"{self.stream} is not the log that {self.name} has read")
        self.epoch = head.epoch
        while True:
            changed = self.log.changed
            fresh = [
                r
                for s, r in self.log.streams[self.stream][self.position :]
                if matches(self.subject, s) and r.position > self.position
            ]
            batch = fresh[:BATCH]
            self.pending = len(fresh) - len(batch)
            if batch:
                self.position = batch[-1].position
                self.last_read = batch[-1].time
                yield batch
                continue
            try:
                async with asyncio.timeout(IDLE_S):
                    await changed.wait()
            except TimeoutError:
                yield []


def matches(pattern: str, subject: str) -> bool:
    """NATS wildcards: `*` is one token, `>` all that follow."""
    wanted, given = pattern.split("."), subject.split(".")
    for n, token in enumerate(wanted):
        if token == ">":
            return len(given) > n
        if n >= len(given) or token not in ("*", given[n]):
            return False
    return len(wanted) == len(given)
