"""JetStream as the log: EVENTS takes decisions one by one, VITALS takes readings by the batch.

`append` is conditional on the aggregate's last sequence; `record` gathers readings while the batch
before is on its way to disk; `load` reads one aggregate; `follow` (kap.follow) reads on for ever.
Every spelling and figure behind this file is in docs/nats.md.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from kap import envelope, metrics, wire
from kap.decider import Conflict, Unavailable
from kap.envelope import EVENTS, VITALS
from kap.events import Recorded, encode, will_read
from kap.events.fact import Fact
from kap.events.vitals import Vital
from kap.follow import Follower, Head
from kap.wire import Message

WRONG_LAST_SEQUENCE = 10071
REPEATED_IN_BATCH = 10201
BATCH = 500  # readings; the server takes at most 1000 messages in a batch
SINGLY = 8  # so few are on disk sooner one by one: 0.3 ms each, while any batch takes 3 ms (docs/nats.md)
QUEUE = 20_000  # readings that may wait for their batch
TIMEOUT_S = 2.0
RECORD_FOR_S = 10.0


class JetStreamLog:
    """The log of one clinic as one service writes and reads it."""

    def __init__(self, nats: Client, clinic: str, service: str) -> None:
        self.nats = nats
        self.clinic = clinic
        self.service = service
        self._replies = _Replies(nats)
        self._recorder = _Recorder(self)

    async def load(self, aggregate: str, after: int = 0) -> list[Recorded]:
        """The aggregate's events past `after`. A lagging replica may answer: `append` then refuses."""
        subject = f"kap.events.{self.clinic}.{aggregate}.*"
        found: list[Recorded] = []
        while True:
            query = {"seq": after + 1, "next_by_subj": subject, "batch": 1000}
            more = 0
            async for message in self._replies.ask(f"$JS.API.DIRECT.GET.{EVENTS}", query):
                head = message.headers or {}
                found.append(
                    envelope.recorded(
                        int(head["Nats-Sequence"]),
                        head["Nats-Subject"],
                        head,
                        message.data,
                        datetime.fromisoformat(head["Nats-Time-Stamp"]),
                    )
                )
                more = int(head.get("Nats-Num-Pending", 0))
            if not found or not more:
                return found
            after = found[-1].position

    async def append(
        self, aggregate: str, events: Sequence[Fact], expected: int, command: UUID | None = None
    ) -> int:
        """All of the events or none, and only while the aggregate still ends at `expected` (0: is new).

        Answers with the position of the last. Raises `Conflict`; `TimeoutError` when the outcome is unknown;
        `Unavailable` when the log refuses.
        """
        started = time.perf_counter()
        guard = (
            f"Nats-Expected-Last-Subject-Sequence: {expected}\r\n"
            f"Nats-Expected-Last-Subject-Sequence-Subject: kap.events.{self.clinic}.{aggregate}.*\r\n"
        )
        messages = [
            Message(
                envelope.subject(self.clinic, event),
                wire.header_block(envelope.headers(event, self.service, command=command)),
                encode(event),
            )
            for event in events
        ]
        messages[0] = messages[0].with_headers(guard)
        position = await self._all_or_none(messages)
        metrics.APPEND.observe(time.perf_counter() - started)
        for event in events:
            metrics.APPENDED.labels(type(event).__name__).inc()
        return position

    async def record(self, readings: Sequence[Vital], after: int) -> None:
        """Returns when all of these readings are on disk. Repeats must have been dropped before.

        `after` is the position of EVENTS that the caller had folded (decision 6).
        Raises `Unavailable`; what was recorded then is not known, and a repeat is harmless.
        """
        await self._recorder.record(readings, after)

    async def head(self, stream: str) -> Head:
        """Where the stream ends and since when it exists. Raises `Unavailable`."""
        answer = await self._api(f"STREAM.INFO.{stream}")
        return Head(epoch=str(answer["created"]), last=int(answer["state"]["last_seq"]))

    def follow(
        self,
        stream: str,
        subject: str,
        *,
        after: int,
        name: str,
        places: int = 1,
        epoch: str | None = None,
    ) -> Follower:
        """Batches of what the stream holds and will hold past `after`; see `kap.follow`."""
        return Follower(self.nats, stream, subject, after=after, name=name, places=places, epoch=epoch)

    async def close(self) -> None:
        await self._recorder.close()

    async def _api(self, call: str, body: bytes = b"") -> dict[str, Any]:
        try:
            reply = await self.nats.request(f"$JS.API.{call}", body, timeout=TIMEOUT_S)
        except (NoRespondersError, TimeoutError) as error:
            raise Unavailable("The log does not answer.") from error
        answer: dict[str, Any] = json.loads(reply.data)
        if "error" in answer:
            raise Unavailable(f"The log refused: {answer['error'].get('description')}")
        return answer

    async def _all_or_none(self, messages: Sequence[Message]) -> int:
        """The position of the last. One message goes plainly: a batch of one costs 3.8 ms against 0.4."""
        if len(messages) > 1:
            id = uuid4().hex
            messages = [
                message.with_headers(f"Nats-Batch-Id: {id}\r\nNats-Batch-Sequence: {n}\r\n")
                for n, message in enumerate(messages, start=1)
            ]
            messages[-1] = messages[-1].with_headers("Nats-Batch-Commit: 1\r\n")
        [reply] = await self._replies.to(messages[:-1], messages[-1:])
        return _stored(reply)

    async def _one_by_one(self, messages: Sequence[Message]) -> None:
        """Each with an answer of its own, so many on their way at a time; on an error some may be stored."""
        for start in range(0, len(messages), SINGLY):
            for reply in await self._replies.to([], messages[start : start + SINGLY]):
                _stored(reply)


def _stored(reply: Msg) -> int:
    """The position that the log's answer to an append names."""
    if (reply.headers or {}).get("Status") == "503":
        raise Unavailable("The log does not answer.")
    answer = json.loads(reply.data)
    if failure := answer.get("error"):
        if failure.get("err_code") == WRONG_LAST_SEQUENCE:
            raise Conflict(str(failure.get("description")))
        if failure.get("err_code") == REPEATED_IN_BATCH:
            raise Repeated(str(failure.get("description")))
        raise Unavailable(f"The log refused: {failure.get('description')}")
    return int(answer["seq"])


class Repeated(Exception):
    """A message of the batch is stored already, so the server took none of the batch."""


@dataclass
class _Waiting:
    messages: list[Message]
    done: asyncio.Future[None]


class _Recorder:
    """Group commit: while one atomic batch is in flight the next is gathered, up to 500 readings."""

    def __init__(self, log: JetStreamLog) -> None:
        self.log = log
        self.waiting: deque[_Waiting] = deque()
        self.count = 0
        self.worker: asyncio.Task[None] | None = None

    async def record(self, readings: Sequence[Vital], after: int) -> None:
        if not readings:
            return
        if self.count + len(readings) > QUEUE:
            metrics.RECORD_QUEUE_FULL.inc()
            raise Unavailable("Too many readings are waiting to be recorded. Send these again.")
        log, messages = self.log, []
        for r in readings:
            body = encode(r)
            will_read(body, r)
            head = wire.header_block(envelope.reading_headers(r, log.service, after))
            messages.append(Message(envelope.subject(log.clinic, r), head, body))
        done = asyncio.get_running_loop().create_future()
        for start in range(0, len(messages), BATCH):
            part = messages[start : start + BATCH]
            last = start + BATCH >= len(messages)
            mine = done if last else asyncio.get_running_loop().create_future()
            self.waiting.append(_Waiting(part, mine))
            self.count += len(part)
            if self.worker is None or self.worker.done():
                self.worker = asyncio.create_task(self._work())
            if not last:
                await mine
        await done

    async def _work(self) -> None:
        while self.waiting:
            batch = [self.waiting.popleft()]
            size = len(batch[0].messages)
            while self.waiting and size + len(self.waiting[0].messages) <= BATCH:
                batch.append(self.waiting.popleft())
                size += len(batch[-1].messages)
            started = time.perf_counter()
            try:
                await self._store([m for w in batch for m in w.messages])
            except Exception as error:  # each caller hears why; the next batch may do better
                for w in batch:
                    if not w.done.done():
                        w.done.set_exception(error)
            else:
                metrics.BATCH.observe(time.perf_counter() - started)
                metrics.BATCH_SIZE.observe(size)
                for w in batch:
                    if not w.done.done():
                        w.done.set_result(None)
            finally:
                self.count -= size

    async def _store(self, messages: list[Message]) -> None:
        """An unknown outcome is repeated identically: message ids make that harmless."""
        deadline = time.monotonic() + RECORD_FOR_S
        singly = len(messages) <= SINGLY
        while True:
            try:
                if singly:
                    await self.log._one_by_one(messages)
                else:
                    await self.log._all_or_none(messages)
                return
            except Repeated:
                # Stored whole by an attempt whose answer was lost, or some of it by an earlier process:
                # one by one the server answers "duplicate" for what it has and stores the rest.
                singly = True
            except TimeoutError as error:
                if time.monotonic() > deadline:
                    raise Unavailable("The log does not answer. Send this again.") from error

    async def close(self) -> None:
        if self.worker is not None:
            await self.worker


class _Replies:
    """Many answers to one question, over one standing subscription."""

    def __init__(self, nats: Client) -> None:
        self.nats = nats
        self.inbox = ""
        self.open: dict[str, asyncio.Queue[Msg]] = {}
        self.starting = asyncio.Lock()

    @asynccontextmanager
    async def _inbox(self) -> AsyncIterator[tuple[str, asyncio.Queue[Msg]]]:
        async with self.starting:
            if not self.inbox:
                inbox = self.nats.new_inbox()
                await self.nats.subscribe(f"{inbox}.*", cb=self._deliver)
                self.inbox = inbox
        token = uuid4().hex[:12]
        answers = self.open[token] = asyncio.Queue()
        try:
            yield f"{self.inbox}.{token}", answers
        finally:
            del self.open[token]

    async def to(self, silent: Sequence[Message], answered: Sequence[Message]) -> list[Msg]:
        """Publish all of these in one go; the answers to the latter. Raises `TimeoutError`."""
        async with self._inbox() as (inbox, answers):
            await wire.publish(self.nats, silent, answered, inbox)
            async with asyncio.timeout(TIMEOUT_S):
                return [await answers.get() for _ in answered]

    async def ask(self, subject: str, query: dict[str, Any]) -> AsyncIterator[Msg]:
        async with self._inbox() as (inbox, answers):
            await self.nats.publish(subject, json.dumps(query).encode(), reply=inbox)
            while True:
                async with asyncio.timeout(TIMEOUT_S):
                    message = await answers.get()
                status = (message.headers or {}).get("Status")
                if status in ("204", "404"):  # end of the batch; nothing there
                    return
                if status == "503":
                    raise Unavailable("The log does not answer.")
                if status is not None:
                    raise Unavailable(f"The log refused: {(message.headers or {}).get('Description')}")
                yield message

    async def _deliver(self, message: Msg) -> None:
        queue = self.open.get(message.subject.rsplit(".", 1)[-1])
        if queue is not None:
            queue.put_nowait(message)


__all__ = ["EVENTS", "VITALS", "Head", "JetStreamLog"]
