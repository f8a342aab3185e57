"""Which session a device belonged to at a time: a pure fold of the sessions' facts.

A reading belongs to the session that its device was attached to at its observation time, and only while that
session is open (decision 12). Corrections count: a withdrawn attachment never was.
"""

from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from kap.events import Recorded, substitute
from kap.events.fact import EntryCorrected
from kap.events.session import DeviceAttached, DeviceDetached, Discharged, SessionAborted, SessionOpened

Kept = SessionOpened | DeviceAttached | DeviceDetached | Discharged | SessionAborted
SESSIONS = 20_000  # the ones opened last are known; a reading of an older one is unattached


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start`, and before `end` when it has one; `position` is of the fact that began it."""

    session_id: UUID
    position: int
    start: datetime
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass
class _Session:
    """The facts kept of one session, in order, and what they come to."""

    facts: list[tuple[int, Kept]] = field(default_factory=list)
    patient_number: str = ""
    span: Interval | None = None
    devices: dict[str, list[Interval]] = field(default_factory=dict)


class Attachments:
    """Feed it every fact of every session, in the log's order, from the log's start."""

    def __init__(self) -> None:
        self.position = 0
        self.forgotten = 0  # sessions beyond the bound
        self._sessions: OrderedDict[UUID, _Session] = OrderedDict()
        self._of_device: dict[str, set[UUID]] = defaultdict(set)
        self._intervals: dict[str, list[Interval]] = {}  # of devices asked for since they last changed

    def fold(self, item: Recorded) -> None:
        self.position = max(self.position, item.position)
        event = item.event
        if isinstance(event, EntryCorrected):
            self._correct(event)
        elif isinstance(event, Kept):
            session = self._sessions.get(event.session_id)
            if session is None:
                session = self._sessions[event.session_id] = _Session()
                self._bound()
            session.facts.append((item.position, event))
            self._refold(event.session_id, session)

    def session_at(self, device_id: str, at: datetime) -> UUID | None:
        """The session that the device's observation of this time belongs to.

        Attaching a device elsewhere ends what was before: it can be on one patient only.
        """
        if device_id not in self._of_device:
            return None
        intervals = self._intervals.get(device_id)
        if intervals is None:
            intervals = self._intervals[device_id] = self._disjoint(device_id)
        n = bisect_right(intervals, at, key=lambda i: i.start)
        return intervals[n - 1].session_id if n and intervals[n - 1].holds(at) else None

    def _disjoint(self, device_id: str) -> list[Interval]:
        """When the device was attached to an open session, in order of time and without overlap."""
        found: list[Interval] = []
        for session_id in self._of_device[device_id]:
            session = self._sessions[session_id]
            if (span := session.span) is not None:
                for i in session.devices[device_id]:
                    start, end = max(i.start, span.start), _earlier(i.end, span.end)
                    if end is None or start < end:
                        found.append(replace(i, start=start, end=end))
        found.sort(key=lambda i: (i.start, i.position))
        for n, after in enumerate(found[1:]):
            found[n] = replace(found[n], end=_earlier(found[n].end, after.start))
        return found

    def open_at(self, session_id: UUID, at: datetime) -> bool:
        session = self._sessions.get(session_id)
        return session is not None and session.span is not None and session.span.holds(at)

    def patient_number(self, session_id: UUID) -> str:
        session = self._sessions.get(session_id)
        return session.patient_number if session is not None else ""

    def attached(self, device_id: str) -> bool:
        """Whether the device was ever attached to a session that is still known."""
        return bool(self._of_device.get(device_id))

    def _correct(self, event: EntryCorrected) -> None:
        try:
            session_id = UUID(event.of_id)
        except ValueError:
            return
        session = self._sessions.get(session_id)
        if session is None or all(fact.id != event.event_id for _, fact in session.facts):
            return
        instead = substitute(event)
        session.facts = [
            (position, fact)
            for position, old in session.facts
            for fact in ([old] if old.id != event.event_id else [instead])
            if isinstance(fact, Kept)
        ]
        self._refold(session_id, session)

    def _refold(self, session_id: UUID, session: _Session) -> None:
        self._forget(session_id, session)
        opened = next(((n, f) for n, f in session.facts if isinstance(f, SessionOpened)), None)
        ends = [f.at for _, f in session.facts if isinstance(f, Discharged | SessionAborted)]
        session.patient_number, session.span = "", None
        if opened is not None:
            session.patient_number = opened[1].patient_number
            session.span = Interval(session_id, opened[0], opened[1].at, min(ends, default=None))
        session.devices = _intervals(session_id, session.facts)
        for device in session.devices:
            self._of_device[device].add(session_id)
            self._intervals.pop(device, None)

    def _forget(self, session_id: UUID, session: _Session) -> None:
        for device in session.devices:
            self._intervals.pop(device, None)
            self._of_device[device].discard(session_id)
            if not self._of_device[device]:
                del self._of_device[device]

    def _bound(self) -> None:
        while len(self._sessions) > SESSIONS:
            oldest, session = self._sessions.popitem(last=False)
            self._forget(oldest, session)
            self.forgotten += 1


def _intervals(session_id: UUID, facts: Iterable[tuple[int, Kept]]) -> dict[str, list[Interval]]:
    found: dict[str, list[Interval]] = {}
    for position, fact in facts:
        if isinstance(fact, DeviceAttached):
            spans = found.setdefault(fact.device_id, [])
            if not spans or spans[-1].end is not None:
                spans.append(Interval(session_id, position, fact.at))
        elif isinstance(fact, DeviceDetached):
            spans = found.setdefault(fact.device_id, [])
            if spans and spans[-1].end is None:
                spans[-1] = replace(spans[-1], end=fact.at)
    return found


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((t for t in (one, other) if t is not None), default=None)
