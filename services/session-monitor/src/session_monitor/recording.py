"""What devices say becomes readings of sessions: when it was, whose it is, whether it is new, and on disk.

Every device's messages go through here one after the other, so that what is on record is known when the
next one is looked at. Different devices do not wait for each other.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol, get_args
from uuid import UUID
from weakref import WeakValueDictionary

from kap.decider import Refused, Unavailable
from kap.envelope import VITALS
from kap.events.vitals import Sample, Signal, Vital, VitalCorrected, VitalRecorded, reading_id
from kap.follow import Follows, Head

from session_monitor.attachments import Attachments
from session_monitor.devices import Devices
from session_monitor.metrics import READINGS
from session_monitor.readings import Fault, FromDevice, Observation, believed

Status = Literal["recorded", "repeated", "unattached", "refused"]

IDS = 100_000  # of the readings recorded last; and so many of their devices' times
DEVICES = 5_000  # whose last values are known
UNANSWERED = 10_000  # messages to be sent again whose first arrival is known
SKEW_S = 2.0
RECALL_S = 30.0
_STATUSES: tuple[Status, ...] = get_args(Status)
_COUNTERS = {(source, s): READINGS.labels(source, s) for source in ("monitor", "gateway") for s in _STATUSES}
NUMBER_DIFFERS = "the monitor names another patient than the one of this session"
DEMO = "demo or test data"


class Log(Protocol):
    """What is needed of the log."""

    async def record(self, readings: Sequence[Vital], after: int) -> None: ...
    async def head(self, stream: str) -> Head: ...
    def follow(
        self, stream: str, subject: str, *, after: int, name: str, epoch: str | None = None
    ) -> Follows: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one observation; `id` is the reading's when it belongs to a session."""

    status: Status
    id: UUID | None = None
    reason: str = ""


class Recorder:
    def __init__(self, log: Log, clinic: str, attachments: Attachments, devices: Devices) -> None:
        self.log = log
        self.clinic = clinic
        self.head = 0  # VITALS up to here was stored before anything that is being recorded now
        self._doubt: int | None = None  # past here VITALS may hold readings whose recording failed
        self._settling = asyncio.Lock()
        self.attachments = attachments
        self.devices = devices
        self._ids: OrderedDict[UUID, None] = OrderedDict()
        self._last: OrderedDict[str, dict[Signal, tuple[datetime, float]]] = OrderedDict()
        self._at: OrderedDict[tuple[str, datetime], dict[Signal, float]] = OrderedDict()
        self._unanswered: OrderedDict[tuple[str, str, datetime | None], datetime] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def known(self) -> int:
        """How many readings are known by their id."""
        return len(self._ids)

    def remember(self, reading: VitalRecorded) -> None:
        """A reading is on record: by its id, by its device and time, and as its signals' last value."""
        self._ids[reading.id] = None
        if len(self._ids) > IDS:
            self._ids.popitem(last=False)
        if reading.device_id is None:
            return
        values = self._at.setdefault((reading.device_id, reading.device_time), {})
        values.update({signal: sample.value for signal, sample in reading.signals.items()})
        if len(self._at) > IDS:
            self._at.popitem(last=False)
        last = self._last.get(reading.device_id)
        if last is None:
            last = self._last[reading.device_id] = {}
            if len(self._last) > DEVICES:
                self._last.popitem(last=False)
        else:
            self._last.move_to_end(reading.device_id)
        for signal, sample in reading.signals.items():
            known = last.get(signal)
            if known is None or known[0] <= reading.device_time:
                last[signal] = (reading.device_time, sample.value)

    async def take(self, message: FromDevice, received_at: datetime) -> list[Answer]:
        """What became of each observation, once the new ones are on disk.

        Raises `Unavailable` when the log does not take them: then the message should be sent again.
        """
        lock = self._locks.get(message.device_id)
        if lock is None:
            lock = self._locks[message.device_id] = asyncio.Lock()
        async with lock:
            return await self._take(message, received_at)

    async def _take(self, message: FromDevice, received_at: datetime) -> list[Answer]:
        await self._settle()
        key = (message.device_id, message.sent_id or "", message.sent_at)
        # Sent again because we could not record it: it was observed when it came first, not now.
        first_arrival = self._unanswered.get(key, received_at)
        skew_s = None
        faults: list[Fault] = []
        if message.sent_at is not None:
            skew_s = round((message.sent_at - first_arrival).total_seconds(), 3)
            if abs(skew_s) > SKEW_S:
                faults.append(Fault("clock skew", "", f"its clock differs by {skew_s:+.0f} s"))
        now = message.sent_at or max((o.device_time for o in message.observations), default=first_arrival)
        answers: list[Answer] = []
        fresh: dict[UUID, VitalRecorded] = {}
        timed: list[tuple[datetime, Observation]] = []
        if message.demo:
            faults.append(Fault("demo or test", "", f"{DEMO}: not recorded"))
            answers = [Answer("refused", None, DEMO) for _ in message.observations]
        else:
            for observation in message.observations:
                if (observation.device_time - now).total_seconds() > SKEW_S:
                    about = next(iter(observation.signals), "")
                    faults.append(
                        Fault("time in the future", about, "the observation is later than its message")
                    )
                observed_at = observed(observation.device_time, now, first_arrival)
                timed.append((observed_at, observation))
                answers.append(self._answer(message, observation, observed_at, first_arrival, fresh, faults))
        self._show(message, received_at, skew_s, faults, timed)
        if fresh:
            try:
                await self._record(list(fresh.values()))
            except (Unavailable, TimeoutError):
                if message.sent_at is not None:
                    self._unanswered[key] = first_arrival
                if len(self._unanswered) > UNANSWERED:
                    self._unanswered.popitem(last=False)
                raise
        self._unanswered.pop(key, None)
        for status, count in Counter(answer.status for answer in answers).items():
            _COUNTERS[message.source, status].inc(count)
        return answers

    def _answer(
        self,
        message: FromDevice,
        observation: Observation,
        observed_at: datetime,
        received_at: datetime,
        fresh: dict[UUID, VitalRecorded],
        faults: list[Fault],
    ) -> Answer:
        device_time = observation.device_time
        session_id = self.attachments.session_at(message.device_id, observed_at)
        if session_id is None:
            return Answer("unattached", None, "the device was not attached to an open session then")
        if message.patient_numbers:
            number = self.attachments.patient_number(session_id)
            if number and number not in message.patient_numbers:
                if all(f.kind != "patient number differs" for f in faults):
                    faults.append(Fault("patient number differs", "", NUMBER_DIFFERS))
        # A monitor repeats its last cuff value for minutes, and whole messages whenever it likes
        last = self._last.get(message.device_id, {})
        then = self._at.get((message.device_id, device_time), {})
        signals = {
            signal: sample
            for signal, sample in observation.signals.items()
            if then.get(signal) != sample.value and last.get(signal) != (device_time, sample.value)
        }
        told = device_time.isoformat()
        id = reading_id(session_id, message.device_id, told, signals or observation.signals)
        if not signals or id in self._ids or id in fresh:
            return Answer("repeated", id, "already on record")
        fresh[id] = VitalRecorded(
            id=id,
            session_id=session_id,
            device_id=message.device_id,
            source=message.source,
            device_time=device_time,
            observed_at=observed_at,
            received_at=received_at,
            sent_id=observation.sent_id,
            backfilled=message.backfilled,
            signals=signals,
        )
        return Answer("recorded", id)

    def _show(
        self,
        message: FromDevice,
        received_at: datetime,
        skew_s: float | None,
        faults: list[Fault],
        timed: list[tuple[datetime, Observation]],
    ) -> None:
        seen = self.devices.saw(message, received_at, skew_s, faults)
        for observed_at, observation in timed:
            for signal, sample in observation.signals.items():
                known = seen.signals.get(signal)
                if known is None or known[0] <= observation.device_time:
                    seen.signals[signal] = (observation.device_time, observed_at, sample)

    async def _record(self, readings: list[VitalRecorded]) -> None:
        since = self.head
        try:
            await self.log.record(readings, self.attachments.position)
        except (Unavailable, TimeoutError):
            self._doubt = since if self._doubt is None else min(since, self._doubt)
            raise
        for reading in readings:
            self.remember(reading)

    async def _settle(self) -> None:
        """After an unknown outcome, see what the log holds: the server knows repeats for two minutes only."""
        if self._doubt is None and not self._settling.locked():
            return
        async with self._settling:
            if self._doubt is not None:
                since = self._doubt
                self._doubt = None
                try:
                    await self.recall(since)
                except BaseException:
                    self._doubt = since if self._doubt is None else min(since, self._doubt)
                    raise

    async def recall(self, since: int) -> None:
        """Remember what VITALS holds past `since`, up to its end now. Raises `Unavailable`."""
        end = (await self.log.head(VITALS)).last
        if end > since:
            follower = self.log.follow(
                VITALS, f"kap.vitals.{self.clinic}.*", after=since, name="session-monitor-ingest-vitals"
            )
            batches = follower.batches()
            try:
                async with asyncio.timeout(RECALL_S):
                    async for batch in batches:
                        for item in batch:
                            if isinstance(item.event, VitalRecorded):
                                self.remember(item.event)
                        if follower.position >= end or not batch:
                            break
            except TimeoutError as error:
                raise Unavailable("The log does not answer. Send this again.") from error
            finally:
                await batches.aclose()
        self.head = max(self.head, end)

    async def record_manual(
        self, session_id: UUID, signals: dict[Signal, Sample], at: datetime, by: str
    ) -> Answer:
        """What a person measured. Raises `Refused` with a sentence for the clinician, `Unavailable`."""
        at = at.astimezone(UTC)
        self.check_manual(session_id, signals, at)
        await self._settle()
        id = reading_id(session_id, by, at.isoformat(), signals)
        if id in self._ids:
            READINGS.labels("manual", "repeated").inc()
            return Answer("repeated", id, "already on record")
        reading = VitalRecorded(
            id=id,
            session_id=session_id,
            source="manual",
            entered_by=by,
            device_time=at,
            observed_at=at,
            received_at=datetime.now(UTC),
            signals=signals,
        )
        await self._record([reading])
        READINGS.labels("manual", "recorded").inc()
        return Answer("recorded", id)

    async def correct(self, correction: VitalCorrected) -> None:
        """Raises `Unavailable`: it may be on record all the same, and a repeat is harmless."""
        await self.log.record([correction], self.attachments.position)

    def check_manual(self, session_id: UUID, signals: dict[Signal, Sample], at: datetime) -> None:
        """Raises `Refused` where this reading would not be recorded."""
        if not signals:
            raise Refused("The reading has no value.")
        believed(signals)
        if not self.attachments.open_at(session_id, at):
            raise Refused("The session was not open at the time of this reading.")


def observed(device_time: datetime, message_time: datetime, received_at: datetime) -> datetime:
    """When it was by our clock (decision 11): the age by the device's own clock, taken off our arrival time.

    A time in the future never moves a clock: it counts as now.
    """
    age = message_time - device_time
    if age.total_seconds() <= 0:
        return received_at
    try:
        return received_at - age
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
