"""Vitals in: monitors by MLLP and gateways by NATS, into readings of sessions.

    async with vitals_in(log, nc, clinic, zone, mllp_port, bind) as vitals:
        ...

Its owner follows `kap.events.*.session.>` from the start: `vitals.fold(item)` for each fact, and
`vitals.folded()` when the end was reached for the first time.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, tzinfo
from itertools import count
from uuid import UUID, uuid4

from kap.decider import Unavailable
from kap.envelope import VITALS
from kap.events import Recorded
from kap.tasks import ended
from nats.aio.client import Client
from nats.errors import Error as NatsError

from session_monitor import hl7, mllp
from session_monitor.attachments import Attachments
from session_monitor.devices import Devices, FaultSeen
from session_monitor.ingest import Ingest, ingesting
from session_monitor.metrics import FRAMES
from session_monitor.mllp import Frame
from session_monitor.readings import FromDevice, printable
from session_monitor.recording import Answer, Log, Recorder

TAIL = 100_000  # readings read again at the start, to know repeats
START_S = 8.0  # a message waits this long for the start to be over, then it is to be sent again
DEVICES_BYTES = 900_000  # of one message on NATS, which takes a MiB

log = logging.getLogger("kap.vitals")


class Vitals:
    """What the rest of the service needs of vitals in."""

    def __init__(self, records: Log, nats: Client, clinic: str, zone: tzinfo) -> None:
        self.clinic = clinic
        self.zone = zone
        self.mllp_port = 0
        self.attachments = Attachments()
        self.devices = Devices()
        self.recorder = Recorder(records, clinic, self.attachments, self.devices)
        self.ready = asyncio.Event()  # the facts are folded, and the readings recorded last are known
        self.ingest = Ingest(self.recorder, zone, self.started)
        self._folded = asyncio.Event()
        self._records = records
        self._nats = nats
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._run = uuid4().hex[:8]
        self._answers = count(1)

    # ---- the facts that say which session a device belongs to

    @property
    def position(self) -> int:
        """The position in EVENTS of the last fact folded."""
        return self.attachments.position

    def fold(self, item: Recorded) -> None:
        """Each fact of each session, in order, from the log's start."""
        self.attachments.fold(item)
        for position, done in self._waiting:
            if position <= self.position and not done.done():
                done.set_result(None)

    def folded(self) -> None:
        """The facts on record at the start are folded."""
        self._folded.set()

    async def started(self) -> None:
        """Returns when messages can be judged. Raises `Unavailable` when that takes too long."""
        if not self.ready.is_set():
            try:
                async with asyncio.timeout(START_S):
                    await self.ready.wait()
            except TimeoutError as error:
                raise Unavailable("KAP is starting. Send this again.") from error

    async def wait_for(self, position: int, timeout_s: float = 5.0) -> None:
        """Returns when the fact at this position is folded. Raises `TimeoutError`."""
        if self.position >= position:
            return
        waiting = (position, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout_s):
                await waiting[1]
        finally:
            self._waiting.remove(waiting)

    def session_of(self, device_id: str, at: datetime) -> UUID | None:
        """The open session that the device was attached to at this time."""
        return self.attachments.session_at(device_id, at)

    def faults(self, device_id: str) -> list[FaultSeen]:
        """The technical faults that hold for the device now: what technical alarms are raised from."""
        return self.devices.faults(device_id)

    # ---- HL7

    async def frame(self, frame: Frame) -> bytes:
        """The answer to one MLLP frame, given when what it says is on disk."""
        received_at = datetime.now(UTC)
        header: hl7.Header | None = None
        error = "207"
        code: hl7.Answer
        try:
            if frame.problem is not None:
                header = hl7.peek(frame.data)
                code, text = _PROBLEMS[frame.problem]
            else:
                message = hl7.read(frame.data, self.zone, received_at)
                header = message.header
                await self.started()
                said = [(device, await self.recorder.take(device, received_at)) for device in message.devices]
                code, text = "AA", _summary(said)
        except hl7.Unreadable as unreadable:
            header, error = unreadable.header, unreadable.code
            code, text = "AR", str(unreadable)
            log.warning("HL7 message cannot be read", extra={"reason": text, "sent_id": _sent_id(header)})
        except (Unavailable, TimeoutError) as unavailable:
            code, text = "AE", str(unavailable) or "The log does not answer. Send this again."
            log.warning("HL7 message not recorded", extra={"reason": text, "sent_id": _sent_id(header)})
        except Exception:
            code, text = "AE", "a fault of KAP's own; it is in the log"
            log.exception("HL7 message failed", extra={"sent_id": _sent_id(header)})
        FRAMES.labels(code).inc()
        own_id = f"{self._run}{next(self._answers):08d}"
        return hl7.answer(header, code, text, own_id=own_id, now=datetime.now(UTC), error=error)

    # ---- starting, and telling of the devices

    async def recall(self) -> None:
        """Know what VITALS holds last, so that a repeat is known after a restart; then judge messages."""
        while True:
            try:
                head = await self._records.head(VITALS)
                self.recorder.head = max(0, head.last - TAIL)
                await self.recorder.recall(self.recorder.head)
                break
            except (Unavailable, TimeoutError, NatsError) as error:
                log.warning("the readings recorded last are not known yet", extra={"reason": str(error)})
            except Exception:
                log.exception("the readings recorded last cannot be known")
            await asyncio.sleep(1)
        await self._folded.wait()
        self.ready.set()
        log.info("vitals in is ready", extra={"readings_known": self.recorder.known})

    async def tell(self) -> None:
        """Once a second: what was seen of each device, and how far VITALS has come."""
        while True:
            started = asyncio.get_running_loop().time()
            try:
                head = await self._records.head(VITALS)
                await self._nats.publish(f"kap.live.devices.{self.clinic}", self._devices())
                self.recorder.head = max(self.recorder.head, head.last)
            except (Unavailable, TimeoutError, NatsError) as error:
                log.warning("devices were not told of", extra={"reason": str(error)})
            except Exception:
                log.exception("devices cannot be told of")
            await asyncio.sleep(max(0.1, started + 1 - asyncio.get_running_loop().time()))

    def _devices(self) -> bytes:
        shown = self.devices.shown(self.attachments, datetime.now(UTC))
        body = json.dumps(shown, separators=(",", ":")).encode()
        while len(body) > DEVICES_BYTES:
            log.warning("not all devices fit into one message", extra={"devices": len(shown)})
            shown = shown[: len(shown) * 3 // 4]
            body = json.dumps(shown, separators=(",", ":")).encode()
        return body


_PROBLEMS: dict[mllp.Problem, tuple[hl7.Answer, str]] = {
    "too long": ("AR", f"the frame is longer than {mllp.FRAME_BYTES} bytes"),
    "silence": ("AE", "the frame was not ended in time"),
    "unfinished": ("AE", "a new frame began before this one was ended"),
}


def _sent_id(header: hl7.Header | None) -> str | None:
    return printable(header.control_id, 64) if header else None


def _summary(said: list[tuple[FromDevice, list[Answer]]]) -> str:
    """Why something was not stored; empty when all of it was."""
    reasons = dict.fromkeys(
        f"not stored: {answer.reason}"
        for _, answers in said
        for answer in answers
        if answer.status != "recorded"
    )
    faults = dict.fromkeys(f.text for device, _ in said for f in device.faults)
    if not any(answers for _, answers in said):
        reasons["not stored: no value that is charted"] = None
    return "; ".join([*reasons, *faults])


@asynccontextmanager
async def vitals_in(
    records: Log, nats: Client, clinic: str, zone: tzinfo, mllp_port: int, bind: str
) -> AsyncIterator[Vitals]:
    """Listens and subscribes while entered. Raises `OSError` when the port is taken."""
    vitals = Vitals(records, nats, clinic, zone)
    tasks = [asyncio.create_task(vitals.recall()), asyncio.create_task(vitals.tell())]
    try:
        async with (
            mllp.listening(bind, mllp_port, vitals.frame) as server,
            ingesting(nats, clinic, vitals.ingest),
        ):
            vitals.mllp_port = server.port
            yield vitals
    finally:
        await ended(*tasks)
