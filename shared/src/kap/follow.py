"""Reading on for ever: batches of a stream from a position, over one wildcard filter.

A follower survives reconnects, a restarted server and a deleted consumer: it makes its consumer anew at
its own position, which lives with the reader's data and never in the consumer.

A reader that runs once has its consumer's name to itself, and takes it from whoever had it. Of one that may
run several times at once, each takes a free one of `places` numbered names: permissions must name each, and
know no wildcard for the end of a name. The server frees the place of one that is gone.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol
from uuid import uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError, Error

from kap import envelope, metrics
from kap.events import Recorded
from kap.tasks import ended


def header_lines(raw: bytes) -> dict[str, str]:
    """A message's headers. nats-py looks at each character of each name: a third of a reader's time."""
    found: dict[str, str] = {}
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        name = name.strip()
        if colon and name.isascii() and " " not in name and "\t" not in name:
            found[name] = value.strip()
    return found


Client._parse_header_lines = staticmethod(header_lines)  # type: ignore[method-assign]

BATCH = 500
PULL = 1000  # messages asked for at a time; at most twice as many are on their way
IDLE_S = 1.0
FIRST_PAUSE_S = 0.05
SILENT_S = 3.0  # heartbeats come each second: three missing means the consumer is gone
EXPIRES_S = 30
INACTIVE_S = 15  # after which the server removes the consumer of a reader that is gone
TAKEN = 10148  # a consumer of this name is there, with another configuration
NS = 1_000_000_000
PLACES = 8  # for a reader that may run several times at once: so many gateways serve one clinic

log = logging.getLogger("kap.follow")


def numbered(name: str, places: int = PLACES) -> list[str]:
    """The consumers' names of a reader that may run so many times at once."""
    return [f"{name}-{n}" for n in range(1, places + 1)]


class LogLostTail(Exception):
    """The log ends before what was read from it, or is another log: carrying on would be wrong."""


@dataclass(frozen=True)
class Head:
    """`epoch`: when the stream was created; `last`: its last sequence."""

    epoch: str
    last: int


class Follows(Protocol):
    """What a reader of a log relies on; the log of the tests keeps it too."""

    name: str
    position: int
    pending: int | None
    epoch: str | None

    @property
    def caught_up(self) -> bool: ...
    @property
    def lag_s(self) -> float: ...
    def batches(self) -> AsyncGenerator[list[Recorded], None]: ...


class Follower:
    """`async for batch in follower` gives up to 500 `Recorded` at a time; none, each second, when idle."""

    def __init__(
        self,
        nats: Client,
        stream: str,
        subject: str,
        *,
        after: int,
        name: str,
        places: int = 1,
        epoch: str | None = None,
    ) -> None:
        self.nats = nats
        self.stream = stream
        self.subject = subject
        self.name = name
        self.consumers = [name] if places == 1 else numbered(name, places)
        self.consumer = self.consumers[0]  # the one of these that is ours
        self._mark = {"kap-follower": uuid4().hex}  # tells our consumer from another's of that name
        self.position = after
        self.epoch = epoch
        self.pending: int | None = None  # events this follower has still to read; None: not known yet
        self.last_read: datetime | None = None
        self._queue: deque[Msg] = deque()
        self._arrived = asyncio.Event()
        self._asked = 0
        self._expected = 1  # the consumer's next own sequence: a gap means messages were lost on the way
        self._heard = 0.0

    @property
    def caught_up(self) -> bool:
        return self.pending == 0

    @property
    def lag_s(self) -> float:
        """How long ago the event read last was stored, while there are more to read; else 0."""
        if not self.pending or self.last_read is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - self.last_read).total_seconds())

    def __aiter__(self) -> AsyncIterator[list[Recorded]]:
        return self.batches()

    async def batches(self) -> AsyncGenerator[list[Recorded], None]:
        """Raises `LogLostTail`. Everything else is waited out, with a growing pause, and counted."""
        pause = FIRST_PAUSE_S
        while True:
            inbox = self.nats.new_inbox()
            subscription: Subscription | None = None
            try:
                self._queue.clear()
                subscription = await self.nats.subscribe(inbox, cb=self._deliver)
                await self._create()
                pause = FIRST_PAUSE_S
                async for batch in self._read(inbox):
                    yield batch
            except (Error, TimeoutError, OSError, _Gone) as error:
                if isinstance(error, ConnectionClosedError):
                    raise
                if pause == FIRST_PAUSE_S:  # once each time, not for each try
                    why = {"follower": self.name, "reason": str(error) or type(error).__name__}
                    log.warning("the log is not read; trying again", extra=why)
                metrics.FOLLOWER_RESTARTS.labels(self.name).inc()
                self.pending = None
                metrics.follower(self)
            finally:
                if subscription is not None and not self.nats.is_closed:
                    await subscription.unsubscribe()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)
            yield []

    async def _read(self, inbox: str) -> AsyncIterator[list[Recorded]]:
        self._asked, self._expected, self._heard = 0, 1, time.monotonic()
        while True:
            if self._asked <= PULL // 2:
                await self._pull(inbox)
            if not self._queue:
                self._arrived.clear()
                try:
                    async with asyncio.timeout(IDLE_S):  # wait_for may forget a cancellation in 3.11
                        await self._arrived.wait()
                except TimeoutError:
                    if time.monotonic() - self._heard > SILENT_S:
                        raise _Gone("no heartbeat") from None
                    metrics.follower(self)
                    yield []
                    continue
            batch: list[Recorded] = []
            while self._queue and len(batch) < BATCH:
                message = self._queue.popleft()
                if message.reply:
                    batch.append(self._take(message))
                else:
                    self._status(message)
            metrics.follower(self)
            yield batch

    async def _deliver(self, message: Msg) -> None:
        self._heard = time.monotonic()
        self._queue.append(message)
        self._arrived.set()

    def _take(self, message: Msg) -> Recorded:
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<own seq>.<time>.<pending>; v2 has two more
        tokens = message.reply.split(".")
        at = 5 if len(tokens) == 9 else 7
        sequence, mine = int(tokens[at]), int(tokens[at + 1])
        if mine != self._expected:
            raise _Gone(f"expected message {self._expected}, got {mine}")
        self._expected += 1
        self._asked -= 1
        self.position = sequence
        self.pending = int(tokens[at + 3])
        self.last_read = datetime.fromtimestamp(int(tokens[at + 2]) / NS, UTC)
        return envelope.recorded(sequence, message.subject, message.headers, message.data, self.last_read)

    def _status(self, message: Msg) -> None:
        head = message.headers or {}
        status = head.get("Status")
        if status == "100":
            if self.pending is None:
                self.pending = 0  # idle from the first: nothing to read
        elif status in ("404", "408") or (status == "409" and "Completed" in head.get("Description", "")):
            self._asked -= int(head.get("Nats-Pending-Messages") or 0)
            if status != "409" and self.pending is None:
                self.pending = 0
        else:
            raise _Gone(f"{status} {head.get('Description')}")

    async def _pull(self, inbox: str) -> None:
        self._asked += PULL
        ask = {"batch": PULL, "expires": EXPIRES_S * NS, "idle_heartbeat": int(IDLE_S * NS)}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.consumer}"
        await self.nats.publish(subject, json.dumps(ask).encode(), reply=inbox)

    async def _create(self) -> None:
        info = await self._api(f"STREAM.INFO.{self.stream}", {})
        created, last = str(info["created"]), int(info["state"]["last_seq"])
        if self.epoch is not None and created != self.epoch:
            raise LogLostTail(
                f"{self.stream} was created {created}, not {self.epoch}: this is another log than the one "
                f"that {self.name} has read. Rebuild {self.name}, or bring the right log back."
            )
        if last < self.position:
            raise LogLostTail(
                f"{self.stream} ends at {last}, but {self.name} has read up to {self.position}: the log has "
                "lost its tail. Restore it, or rebuild everything that was read from it."
            )
        self.epoch = created
        for name in dict.fromkeys([self.consumer, *self.consumers]):
            if await self._take_name(name):
                self.consumer = name
                return
        raise _Gone("there is no place for one more reader of this name")

    async def _take_name(self, name: str) -> bool:
        """Make the consumer, unless its name is another's."""
        if len(self.consumers) == 1 or await self._ours(name):
            await self._api(f"CONSUMER.DELETE.{self.stream}.{name}", {}, missing=True)
        config = {
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self.position + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "filter_subject": self.subject,
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": INACTIVE_S * NS,
            "metadata": self._mark,
        }
        body = {"stream_name": self.stream, "config": config, "action": "create"}
        try:
            answer = await self._api(f"CONSUMER.CREATE.{self.stream}.{name}.{self.subject}", body)
        except _Gone as error:
            if error.code == TAKEN:
                return False
            raise
        self.pending = int(answer["num_pending"])
        return True

    async def _ours(self, name: str) -> bool:
        """Whether it is there from before: we may have lost the connection, or a message."""
        answer = await self._api(f"CONSUMER.INFO.{self.stream}.{name}", {}, missing=True)
        metadata = answer.get("config", {}).get("metadata", {})
        return bool(self._mark.items() <= metadata.items())

    async def _api(self, call: str, body: dict[str, Any], *, missing: bool = False) -> dict[str, Any]:
        reply = await self.nats.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=2)
        answer: dict[str, Any] = json.loads(reply.data)
        error = answer.get("error")
        if error and not missing:
            raise _Gone(str(error.get("description")), int(error.get("err_code", 0)))
        return answer


class _Gone(Exception):
    """The consumer is gone or lost something: make it anew at the position read last."""

    def __init__(self, why: str, code: int = 0) -> None:
        super().__init__(why)
        self.code = code


Source = Literal["EVENTS", "VITALS"]
Merged = list[tuple[Source, Recorded]]


async def merge(events: Follows, vitals: Follows) -> AsyncGenerator[Merged, None]:
    """Both streams in the order in which their readings name facts (decision 6).

    A reading waits for the facts up to the position it carries. While VITALS is still being caught up
    with, facts wait for the readings recorded before them; live, a fact is handed on when it comes.
    An empty list comes about each second when both are idle.
    """
    facts: deque[Recorded] = deque()
    readings: deque[Recorded] = deque()
    reached = events.position
    live = False
    news = asyncio.Event()
    pumps = [
        asyncio.create_task(_pump(events, facts, news)),
        asyncio.create_task(_pump(vitals, readings, news)),
    ]
    try:
        while True:
            out: Merged = []
            while True:
                if readings and (
                    readings[0].after <= reached or (facts and facts[0].position > readings[0].after)
                ):
                    out.append(("VITALS", readings.popleft()))
                elif facts and (live or readings or vitals.caught_up):
                    reached = facts[0].position
                    out.append(("EVENTS", facts.popleft()))
                else:
                    break
            live = live or (vitals.caught_up and events.caught_up and not readings and not facts)
            for pump in pumps:
                if pump.done():
                    await pump
            yield out
            if not news.is_set():
                try:
                    async with asyncio.timeout(IDLE_S):
                        await news.wait()
                except TimeoutError:
                    continue
            news.clear()
    finally:
        await ended(*pumps)


async def _pump(source: Follows, into: deque[Recorded], news: asyncio.Event) -> None:
    batches = source.batches()
    try:
        async for batch in batches:
            into.extend(batch)
            news.set()
            while len(into) > 4 * BATCH:  # noqa: ASYNC110 - the other stream is behind: read no further
                await asyncio.sleep(0.002)
    finally:
        await batches.aclose()
        news.set()
