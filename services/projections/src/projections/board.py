"""The live board, in memory: every open session with its latest values, and nothing from Postgres.

A pure fold of both streams in the order of decision 6; `run` reads them and hands each change on.
Its snapshot on disk is a cache: losing it costs only the time to read the log again.
"""

import asyncio
import logging
import time
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

from kap import snapshot
from kap.decider import Unavailable
from kap.envelope import EVENTS, VITALS, recorded
from kap.events import Recorded, Unknown, encode
from kap.events.fact import EntryCorrected, Fact, Frozen
from kap.events.intake import PersonForgotten
from kap.events.vitals import MOST_TYPED, VitalCorrected, VitalRecorded
from kap.follow import PLACES, Follower, Head, Merged, merge
from kap.log import JetStreamLog
from prometheus_client import Counter, Gauge
from pydantic import ConfigDict, TypeAdapter

from projections.clinic import Clinic
from projections.directory import Directory, Facts, Person
from projections.session_view import ALARM_FACTS, Session, evolve, fold

KEPT_AFTER_END = timedelta(minutes=30)
TREND_MS = 15 * 60 * 1000
TREND_STEP_MS = 5000  # one point in five seconds: 180 in fifteen minutes
CHUNK = 250  # events folded before anyone else gets a turn
SAVE_EVERY_S = 10.0
LOAD_TRIES = 5
FORMAT = 5  # another number makes every older snapshot be ignored

SESSIONS = Gauge("kap_board_sessions", "Sessions on the live board.")
LAG = Gauge("kap_board_lag_seconds", "How far the live board is behind the log.", ["stream"])
UNKNOWN = Counter("kap_board_unknown_total", "Events that the live board could not read.")
OFF_BOARD = Counter("kap_board_readings_off_board_total", "Readings of sessions that are not on the board.")
SAVED = Gauge("kap_board_snapshot_timestamp_seconds", "When the board was last saved to its snapshot file.")

log = logging.getLogger("kap.board")

Reading = tuple[float, Recorded]  # observed_at in seconds, and the reading
Trend = dict[str, dict[int, tuple[int, float]]]  # signal → step → ms, value


class Entry:
    """One session on the board: its facts folded, its readings, a short trend.

    What a device measured (the newest of each signal) and what somebody typed are kept apart, so that a
    reading by hand can be taken away again.
    """

    __slots__ = ("measured", "session", "trend", "typed")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.measured: dict[str, Reading] = {}
        self.trend: Trend = {}
        self.typed: dict[UUID, Reading] = {}

    def observe(self, item: Recorded, reading: VitalRecorded) -> None:
        """Take a reading in. A late one never replaces a newer."""
        at = reading.observed_at.timestamp()
        entry = (at, item)
        if reading.source == "manual":
            self.typed[reading.id] = entry
            if len(self.typed) > MOST_TYPED:
                del self.typed[next(iter(self.typed))]
            return
        for signal in reading.signals:
            newest = self.measured.get(signal)
            if newest is None or newest[0] <= at:
                self.measured[signal] = entry
        _add_to(self.trend, at, reading)

    def correct(self, item: Recorded, correction: VitalCorrected) -> bool:
        """Whether that was a reading that counted until now."""
        if self.typed.pop(correction.reading_id, None) is None:
            return False
        if (instead := correction.replacement) is not None:
            self.observe(replace(item, event=instead, body=encode(instead)), instead)
        return True

    @property
    def latest(self) -> dict[str, Reading]:
        """The newest reading of each signal, measured or typed."""
        found = dict(self.measured)
        for reading in self.typed.values():
            for signal in _reading(reading).signals:
                newest = found.get(signal)
                if newest is None or newest[0] <= reading[0]:
                    found[signal] = reading
        return found

    def latest_json(self) -> dict[str, Any]:
        return {signal: _latest(signal, item) for signal, (_, item) in self.latest.items()}

    def trend_json(self) -> dict[str, list[tuple[int, float]]]:
        trend = self.trend
        if self.typed:
            trend = {signal: dict(points) for signal, points in trend.items()}
            for reading in self.typed.values():
                _add_to(trend, reading[0], _reading(reading))
        return {signal: sorted(points.values()) for signal, points in trend.items()}


def _reading(reading: Reading) -> VitalRecorded:
    event = reading[1].event
    assert isinstance(event, VitalRecorded)
    return event


def _add_to(trend: Trend, at: float, reading: VitalRecorded) -> None:
    ms = int(at * 1000)
    step = ms // TREND_STEP_MS
    for signal, sample in reading.signals.items():
        points = trend.get(signal)
        if points is None:
            points = trend[signal] = {}
        point = points.get(step)
        if point is None:
            points[step] = (ms, sample.value)
            _prune(points)
        elif point[0] <= ms:
            points[step] = (ms, sample.value)


def _prune(points: dict[int, tuple[int, float]]) -> None:
    """Points of fifteen minutes before the newest go; the newest decides, not the clock."""
    oldest = max(points) - TREND_MS // TREND_STEP_MS
    if min(points) <= oldest:
        for step in [step for step in points if step <= oldest]:
            del points[step]


def _latest(signal: str, item: Recorded) -> dict[str, Any]:
    reading = item.event
    assert isinstance(reading, VitalRecorded)
    sample = reading.signals[signal]  # type: ignore[index]
    return {
        "value": sample.value,
        "quality": sample.quality,
        "channel": sample.channel,
        "source": reading.source,
        "device_id": reading.device_id,
        "entered_by": reading.entered_by,
        "observed_at": reading.observed_at,
    }


def body(item: Recorded) -> bytes:
    """The event's JSON as it was recorded."""
    if item.body:
        return item.body
    assert not isinstance(item.event, Unknown)
    return encode(item.event)


@dataclass
class Change:
    """What a stretch of the log changed, as the feed sends it on."""

    events: int = 0
    vitals: int = 0
    readings: list[bytes] = field(default_factory=list)
    corrected: dict[UUID, list[UUID]] = field(default_factory=dict)  # session → readings that count no more
    sessions: dict[UUID, None] = field(default_factory=dict)  # in the order of their last change
    alarms: list[bytes] = field(default_factory=list)
    oldest: float = float("inf")  # when the first of these reached us, in seconds
    forgotten: bool = False

    def __bool__(self) -> bool:
        return bool(self.readings or self.corrected or self.sessions or self.alarms or self.forgotten)

    def add(self, later: "Change") -> None:
        self.events, self.vitals = later.events, later.vitals
        self.readings += later.readings
        self.alarms += later.alarms
        for session_id, readings in later.corrected.items():
            self.corrected.setdefault(session_id, []).extend(readings)
        for session_id in later.sessions:
            self.sessions.pop(session_id, None)
            self.sessions[session_id] = None
        self.oldest = min(self.oldest, later.oldest)
        self.forgotten = self.forgotten or later.forgotten


class _SavedReading(Frozen):
    position: int
    body: str


class _SavedEntry(Frozen):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    session: Session
    readings: list[_SavedReading]
    trend: dict[str, bytes]


class Saved(Frozen):
    """The board on disk. Names in it are sealed, as they are in the log."""

    format: int
    clinic: str
    epochs: dict[str, str]
    events: int
    vitals: int
    sessions: list[_SavedEntry]
    directory: Facts | None = None


_SAVED: TypeAdapter[Saved] = TypeAdapter(Saved)


class Board:
    def __init__(
        self,
        clinic: str = "main",
        *,
        directory: Directory | None = None,
        on_change: Callable[[Change], None] | None = None,
    ) -> None:
        self.clinic = clinic
        self.directory = directory or Directory()
        self.on_change = on_change
        self.entries: dict[UUID, Entry] = {}
        self.events = 0
        self.vitals = 0
        self.epochs: dict[str, str] = {}
        self.ready = asyncio.Event()  # set once the board has caught up with the log
        self.followers: dict[str, Follower] = {}

    @property
    def epoch(self) -> str:
        """Which log the positions belong to."""
        return "/".join(self.epochs.get(stream, "") for stream in (EVENTS, VITALS))

    @property
    def sessions(self) -> list[Session]:
        return [entry.session for entry in self.entries.values()]

    def lag_s(self) -> dict[str, float | None]:
        """How old the last event read is while there are more to read, by stream; None: nobody knows."""
        return {
            stream: None if follower.pending is None else follower.lag_s
            for stream, follower in self.followers.items()
        }

    # ---- the fold

    def apply(self, batch: Merged, histories: Mapping[int, Sequence[Recorded]] | None = None) -> Change:
        """Fold a stretch of the log; what was folded before changes nothing.

        `histories` holds, by the position of each correction in the batch, the facts of its session.
        """
        change = Change()
        for stream, item in batch:
            if stream == EVENTS:
                if item.position > self.events:
                    self._fact(item, change, (histories or {}).get(item.position))
                    self.events = item.position
            elif item.position > self.vitals:
                self._reading(item, change)
                self.vitals = item.position
        change.events, change.vitals = self.events, self.vitals
        return change

    def _fact(self, item: Recorded, change: Change, history: Sequence[Recorded] | None) -> None:
        patient = self.directory.fold(item)
        if patient is not None:  # another name to show
            change.sessions |= {s.session_id: None for s in self.sessions if s.patient_id == patient}
            change.forgotten = change.forgotten or isinstance(item.event, PersonForgotten)
        session_id = _session_of(item)
        if session_id is None:
            return
        if isinstance(item.event, Unknown):
            UNKNOWN.inc()
        entry = self.entries.get(session_id)
        before = entry.session if entry is not None else None
        if isinstance(item.event, EntryCorrected):
            session = _refold(before, item, history)
        else:
            session = evolve(before, item.event)
        if session is None:
            return  # it left the board, or its opening could not be read
        session = session.model_copy(update={"record_position": item.position})
        if entry is None:
            self.entries[session_id] = Entry(session)
        else:
            entry.session = session
        change.sessions[session_id] = None
        if isinstance(item.event, ALARM_FACTS):
            change.alarms.append(body(item))
        change.oldest = min(change.oldest, item.time.timestamp())

    def _reading(self, item: Recorded, change: Change) -> None:
        reading = item.event
        if isinstance(reading, VitalRecorded):
            entry = self.entries.get(reading.session_id)
            if entry is None:
                OFF_BOARD.inc()
                return
            entry.observe(item, reading)
            change.readings.append(body(item))
            if not reading.backfilled:
                change.oldest = min(change.oldest, reading.received_at.timestamp())
            return
        if isinstance(reading, VitalCorrected):
            entry = self.entries.get(reading.session_id)
            if entry is not None and entry.correct(item, reading):
                change.corrected.setdefault(reading.session_id, []).append(reading.reading_id)
            return
        UNKNOWN.inc()
        session_id = _session_of(item)
        entry = self.entries.get(session_id) if session_id else None
        if entry is not None:
            entry.session = entry.session.model_copy(update={"incomplete": True})
            change.sessions[entry.session.session_id] = None

    def prune(self, now: datetime) -> None:
        """Sessions leave the board half an hour after their end."""
        for session in self.sessions:
            if session.ended_at is not None and now - session.ended_at >= KEPT_AFTER_END:
                del self.entries[session.session_id]
        SESSIONS.set(len(self.entries))

    # ---- following the log

    async def run(
        self,
        source: JetStreamLog,
        snapshot_file: Path | None = None,
        name: str = "gateway-board",
        *,
        readings: bool = True,
    ) -> None:
        """Follow the log for ever: both streams, or the facts alone.

        Raises `LogLostTail` when the log is not the one that was read.
        """
        self._restore(snapshot_file)
        saved = (self.events, self.vitals)
        positions = {EVENTS: self.events} | ({VITALS: self.vitals} if readings else {})
        heads = {stream: await source.head(stream) for stream in positions}
        self.followers = {
            stream: source.follow(
                stream,
                f"kap.{stream.lower()}.>",
                after=after,
                name=f"{name}-{stream.lower()}",
                places=PLACES,
                epoch=self.epochs.get(stream),
            )
            for stream, after in positions.items()
        }
        self.epochs = {stream: head.epoch for stream, head in heads.items()}
        keeper = asyncio.create_task(self._keep(snapshot_file, heads, saved))
        try:
            events = self.followers[EVENTS]
            merged = merge(events, self.followers[VITALS]) if readings else _facts(events)
            async for batch in merged:
                for part in _chunks(batch):
                    change = self.apply(part, await self._histories(source, part))
                    if self.on_change is not None:
                        self.on_change(change)
                    await asyncio.sleep(0)
                if keeper.done():
                    keeper.result()
        finally:
            keeper.cancel()
            self.ready.clear()
            self.followers = {}

    def _caught_up(self, heads: Mapping[str, Head]) -> bool:
        """The followers have found their log, and all that it held when we started is folded."""
        found = all(follower.pending is not None for follower in self.followers.values())
        folded = {EVENTS: self.events, VITALS: self.vitals}
        return found and all(folded[stream] >= head.last for stream, head in heads.items())

    async def _histories(self, source: JetStreamLog, batch: Merged) -> dict[int, Sequence[Recorded]]:
        found: dict[int, Sequence[Recorded]] = {}
        for stream, item in batch:
            if stream == EVENTS and isinstance(item.event, EntryCorrected) and item.event.of == "session":
                history = await _load(source, f"session.{item.event.of_id}")
                if history is not None:
                    found[item.position] = [fact for fact in history if fact.position <= item.position]
        return found

    async def _keep(self, file: Path | None, heads: Mapping[str, Head], saved: tuple[int, int]) -> None:
        """Each second: let ended sessions go, say how far behind we are; now and then save the board."""
        while not self._caught_up(heads):  # noqa: ASYNC110 - the fold is not slowed to tell us
            await asyncio.sleep(0.02)
        self.prune(datetime.now(UTC))
        self.ready.set()
        log.info("board ready", extra={"events": self.events, "vitals": self.vitals})
        due = time.monotonic()  # at once: much may have been read to get here
        while True:
            await asyncio.sleep(1)
            self.prune(datetime.now(UTC))
            for stream, lag in self.lag_s().items():
                LAG.labels(stream).set(float("inf") if lag is None else lag)
            if file is not None and time.monotonic() >= due and saved != (self.events, self.vitals):
                started = time.monotonic()
                saved = (self.events, self.vitals)
                await self.save(file)
                # saving may take a twentieth of our time, no more
                due = time.monotonic() + max(SAVE_EVERY_S, 20 * (time.monotonic() - started))

    # ---- the snapshot on disk

    async def save(self, file: Path) -> None:
        """Copy what changes, then encode and write in a thread: the board goes on meanwhile."""
        copies = [
            (
                entry.session,
                [*entry.measured.values(), *entry.typed.values()],
                {s: dict(p) for s, p in entry.trend.items()},
            )
            for entry in self.entries.values()
        ]
        facts = self.directory.facts
        people = {i: Person(dict(person.entries), person.forgotten) for i, person in facts.people.items()}
        clinic = Clinic(dict(facts.clinic.entries))
        directory = Facts(facts.position, people, dict(facts.owners), clinic)
        head = {"format": FORMAT, "clinic": self.clinic, "epochs": self.epochs}
        positions = {"events": self.events, "vitals": self.vitals}

        def write() -> None:
            sessions = [
                _SavedEntry(
                    session=session,
                    readings=[
                        _SavedReading(position=position, body=text.decode())
                        for position, text in sorted({(i.position, body(i)) for _, i in readings})
                    ],
                    trend={
                        signal: array("d", chain.from_iterable(points.values())).tobytes()
                        for signal, points in trend.items()
                    },
                )
                for session, readings, trend in copies
            ]
            state = Saved(**head, **positions, sessions=sessions, directory=directory)  # type: ignore[arg-type]
            snapshot.save(file, _SAVED, state)

        try:
            await asyncio.to_thread(write)
            SAVED.set_to_current_time()
        except OSError:
            log.exception("the board could not be saved")

    def _restore(self, file: Path | None) -> None:
        saved = snapshot.load(file, _SAVED)
        if saved is None or saved.format != FORMAT or saved.clinic != self.clinic:
            return
        if saved.directory is not None:
            self.directory.facts = saved.directory
        self.events, self.vitals, self.epochs = saved.events, saved.vitals, dict(saved.epochs)
        for kept in saved.sessions:
            entry = self.entries[kept.session.session_id] = Entry(kept.session)
            subject = f"kap.vitals.{self.clinic}.{kept.session.session_id}"
            for reading in kept.readings:
                item = recorded(reading.position, subject, None, reading.body.encode(), datetime.now(UTC))
                if isinstance(item.event, VitalRecorded):
                    entry.observe(item, item.event)
            entry.trend = {signal: _points(data) for signal, data in kept.trend.items()}
        log.info("board restored", extra={"events": self.events, "vitals": self.vitals})


def _points(data: bytes) -> dict[int, tuple[int, float]]:
    numbers = array("d")
    numbers.frombytes(data)
    pairs = iter(numbers)
    return {int(ms) // TREND_STEP_MS: (int(ms), value) for ms, value in zip(pairs, pairs, strict=True)}


def _session_of(item: Recorded) -> UUID | None:
    """The session that an event is about, if it is about one."""
    match item.event:
        case EntryCorrected(of="session", of_id=session_id):
            pass
        case EntryCorrected():
            return None
        case Unknown(aggregate="session", aggregate_id=session_id):
            pass
        case Fact(aggregate="session") as fact:
            session_id = fact.aggregate_id
        case _:
            return None
    try:
        return UUID(session_id)
    except ValueError:
        return None


def _refold(session: Session | None, item: Recorded, history: Sequence[Recorded] | None) -> Session | None:
    """The session after a correction, from all of its facts; without them it is marked incomplete."""
    if history:
        try:
            return fold(history)
        except ValueError:
            log.warning("a correction could not be read", extra={"event": str(getattr(item.event, "id", ""))})
    return session and session.model_copy(update={"incomplete": True})


async def _load(source: JetStreamLog, aggregate: str) -> Sequence[Recorded] | None:
    for attempt in range(LOAD_TRIES):
        try:
            return await source.load(aggregate)
        except (Unavailable, TimeoutError):
            await asyncio.sleep(0.1 * 2**attempt)
    log.error("the facts of a corrected record could not be loaded", extra={"aggregate": aggregate})
    return None


async def _facts(events: Follower) -> AsyncIterator[Merged]:
    async for batch in events:
        yield [("EVENTS", item) for item in batch]


def _chunks(batch: Merged) -> Iterator[Merged]:
    yield from (batch[start : start + CHUNK] for start in range(0, len(batch), CHUNK))
