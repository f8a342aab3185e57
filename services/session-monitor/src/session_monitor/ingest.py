"""`kap.ingest.<clinic>.vitals`: readings from other gateways, by NATS request, under the same rules.

    {"device_id": …, "sent_at": …, "backfilled": false, "readings": [{"device_time": …, "signals": {…}}]}

is answered after the durable acknowledgement with `{"answers": [{"id", "status", "reason"?}]}`, one for each
reading in order; with `{"invalid": [{"field", "message"}]}`, when nothing of it was recorded and sending it
again will not help; or with `{"unavailable": …}`, when it should be sent again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Annotated, Any, Literal

from kap.decider import Unavailable
from kap.events.fact import DeviceId
from kap.events.vitals import Sample, Signal
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from session_monitor.hl7 import NoTime, in_zone
from session_monitor.metrics import INGEST_BUSY, INGEST_INVALID, READINGS
from session_monitor.readings import Fault, FromDevice, Observation, plausible
from session_monitor.recording import Answer, Recorder

BUSY = 2000  # requests being worked on at a time
QUEUE = "session-monitor"

log = logging.getLogger("kap.ingest")


def _time(value: object) -> object:
    """Pydantic would read a number as a time in 1970; a device's time is text."""
    if not isinstance(value, str):
        raise ValueError("should be a time like 2026-01-02T15:04:05Z")
    return value


Time = Annotated[datetime, BeforeValidator(_time)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Value(BaseModel):
    """A value with what is known of its measuring; a number alone is the same with nothing known."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    value: Number
    channel: str = Field(default="", max_length=32)
    quality: Literal["ok", "questionable"] = "ok"


class Reading(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    device_time: Time
    signals: dict[Signal, Number | Value] = Field(min_length=1)
    sent_id: str | None = Field(default=None, max_length=64)


class Request(BaseModel):
    """Times without a zone take the zone of `sent_at`, else the clinic's (decision 11)."""

    model_config = ConfigDict(extra="forbid")

    device_id: DeviceId
    sent_at: Time
    backfilled: bool = False
    readings: list[Reading] = Field(min_length=1, max_length=500)


_requests = TypeAdapter(Request)


def invalid(error: ValidationError) -> dict[str, Any]:
    """Each wrong field by name, and what it should be; never the value."""
    return {
        "invalid": [
            {"field": _field(detail["loc"]), "message": str(detail["msg"])} for detail in error.errors()[:50]
        ]
    }


def _field(path: tuple[int | str, ...]) -> str:
    """readings.3.signals.spo2: without the parts that name pydantic's alternatives."""
    return ".".join(str(part) for part in path if part not in ("float", "Value", "[key]")) or "body"


class Ingest:
    def __init__(self, recorder: Recorder, zone: tzinfo, started: Callable[[], Awaitable[None]]) -> None:
        self.recorder = recorder
        self.zone = zone
        self.started = started
        self._tasks: set[asyncio.Task[None]] = set()

    async def message(self, message: Msg) -> None:
        """Work on the request beside the others; too many at a time are refused, not queued."""
        if len(self._tasks) >= BUSY:
            INGEST_BUSY.inc()
            await message.respond(b'{"unavailable":"Too many requests are waiting. Send this again."}')
            return
        task = asyncio.create_task(self._respond(message, datetime.now(UTC)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _respond(self, message: Msg, received_at: datetime) -> None:
        try:
            reply = await self.answer(message.data, received_at)
        except Exception:
            log.exception("ingest request failed")
            reply = {"unavailable": "KAP could not do this because of a fault of its own. It is in the log."}
        if message.reply:
            await message.respond(to_json(reply))

    async def answer(self, body: bytes, received_at: datetime) -> dict[str, Any]:
        try:
            request = _requests.validate_json(body)
        except ValidationError as error:
            INGEST_INVALID.inc()
            return invalid(error)
        field = "sent_at"
        try:
            sent_at = in_zone(request.sent_at, self.zone, received_at).astimezone(UTC)
            zone, times = request.sent_at.tzinfo or self.zone, []
            for n, reading in enumerate(request.readings):
                field = f"readings.{n}.device_time"
                times.append(in_zone(reading.device_time, zone, sent_at).astimezone(UTC))
        except (NoTime, OverflowError):
            return {"invalid": [{"field": field, "message": "There is no such time in UTC."}]}
        faults: list[Fault] = []
        observations: list[Observation] = []
        reasons: list[str] = []  # what was left out of each reading
        for reading, device_time in zip(request.readings, times, strict=True):
            sent: dict[Signal, Sample] = {
                signal: _sample(v) if isinstance(v, float) else Sample(**v.__dict__)
                for signal, v in reading.signals.items()
            }
            found: list[Fault] = []
            signals = plausible(sent, found)
            faults += found
            reasons.append("; ".join(f.text for f in found))
            if signals:
                observations.append(Observation(device_time, signals, reading.sent_id))
            else:
                observations.append(_NOTHING)
        device = FromDevice(
            device_id=request.device_id,
            name=request.device_id,
            source="gateway",
            sent_at=sent_at,
            observations=[o for o in observations if o is not _NOTHING],
            sent_id=request.readings[0].sent_id,
            backfilled=request.backfilled,
            faults=faults[:100],
        )
        try:
            await self.started()
            taken = iter(await self.recorder.take(device, received_at))
        except (Unavailable, TimeoutError) as error:
            return {"unavailable": str(error) or "The log does not answer. Send this again."}
        answers = []
        for observation, left_out in zip(observations, reasons, strict=True):
            if observation is _NOTHING:
                READINGS.labels("gateway", "refused").inc()
                answers.append(_json(Answer("refused", None, left_out)))
            else:
                answers.append(_json(next(taken), left_out))
        return {"answers": answers}

    async def close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)


_NOTHING = Observation(datetime.min.replace(tzinfo=UTC), {})


@lru_cache(4096)
def _sample(value: float) -> Sample:
    return Sample(value=value)


def _json(answer: Answer, left_out: str = "") -> dict[str, Any]:
    reason = f"{answer.reason}; {left_out}" if answer.reason and left_out else answer.reason or left_out
    found: dict[str, Any] = {"id": answer.id, "status": answer.status}
    return found | {"reason": reason} if reason else found


@asynccontextmanager
async def ingesting(nats: Client, clinic: str, ingest: Ingest) -> AsyncIterator[None]:
    """Subscribed while entered; what is being worked on is finished before it ends."""
    subscription = await nats.subscribe(
        f"kap.ingest.{clinic}.vitals",
        queue=QUEUE,
        cb=ingest.message,
        pending_msgs_limit=4096,
        pending_bytes_limit=64 * 1024 * 1024,
    )
    try:
        yield
    finally:
        if not nats.is_closed:  # else it ended with its connection
            await subscription.unsubscribe()
        await ingest.close()
