"""The watch: alarms, folded from the recorded log and from nothing else.

`fold` takes in what the log holds, `tick` lets time pass, `take` gives the commands that put alarms on
record. No I/O and no clock here, so the same log gives the same alarms, live or years later:

- Everything runs on `observed_at`, never on when something arrived.
- A fact may overtake a reading on its way to the disk. So facts that change what is watched wait until a
  reading names them, or a second has passed (`pending`): each session then sees its facts and readings in
  the one order that a replay sees, decision 6's.
- An alarm's id is made of session, rule and onset, and the log says which ids it holds.
- Nothing is asked for while catching up. What began and ended meanwhile is then recorded `late`; what still
  holds is raised with its true onset.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID, uuid5

from kap.events import Recorded, Unknown, corrected
from kap.events.fact import EntryCorrected
from kap.events.session import (
    AlarmCleared,
    AlarmRaised,
    Band,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    Limits,
    LimitsChanged,
    Priority,
    SessionAborted,
    SessionOpened,
)
from kap.events.vitals import Sample, VitalRecorded
from pydantic import Field

from session_monitor.session import WATCH, ClearAlarm, RaiseAlarm

SETTLE = timedelta(seconds=1)  # readings recorded before a fact have reached the log by then
GRACE = timedelta(seconds=1)  # a reading may be on its way for so long before its absence is an alarm
SKEWED, IN_STEP = timedelta(seconds=2), timedelta(seconds=1.5)  # of the device's clock and ours
CUFF_HOLDS = timedelta(minutes=15)  # a cuff pressure says something for so long [D]
UNEXPLAINED = timedelta(seconds=5)  # an alarm on record whose condition this watch does not find
KEPT = timedelta(hours=24)  # after its end, for readings that come late
MOST_ENDED = 1000
MOST_FACTS = 2000  # a session: attachments, limits, corrections
MOST_IDS = 20_000  # a session: alarms; beyond, the decider alone refuses the second of two

RANK: dict[Priority, int] = {"high": 3, "medium": 2, "low": 1}
NAMES = {
    "spo2": "SpO2",
    "systolic": "Systolic",
    "diastolic": "Diastolic",
    "heart_rate": "HR",
    "pulse_rate": "PR",
    "respiratory_rate": "RR",
}
CUFF = ("systolic", "diastolic")
NO_DATA, CLOCK_SKEWED = "no_data", "clock_skewed"

Watched = Annotated[
    SessionOpened
    | LimitsChanged
    | DeviceAttached
    | DeviceDetached
    | Discharged
    | SessionAborted
    | EntryCorrected,
    Field(discriminator="type"),
]


@dataclass(slots=True)
class Entry:
    """A fact that changes what is watched, and when it was recorded."""

    position: int
    time: datetime
    event: Watched


@dataclass(slots=True)
class Alarm:
    """A condition, from its onset until the log holds its end. `late`: its readings were backfilled."""

    alarm_id: UUID
    rule: str
    priority: Priority
    kind: Literal["physiological", "technical"]
    text: str
    onset: datetime
    signal: str | None = None
    value: float | None = None
    limit: float | None = None
    device_id: str | None = None
    late: bool = False
    ended: datetime | None = None
    raised: bool = False  # the log holds it
    cleared: bool = False  # and its end
    asked_raise: bool = False
    asked_clear: bool = False


@dataclass(slots=True)
class Track:
    """One signal's latest value, and the conditions that hold on it: rule → alarm."""

    at: datetime
    value: float
    signal: str
    late: bool
    open: dict[str, UUID] = field(default_factory=dict)
    past: dict[str, UUID] = field(default_factory=dict)  # in backfilled readings older than the latest


@dataclass(slots=True)
class Device:
    """An attached device: when it was last heard, and the conditions that hold on it."""

    heard: datetime
    not_before: datetime | None = None  # a shorter limit cannot have been passed before it was set
    silent: UUID | None = None
    skewed: UUID | None = None


@dataclass(slots=True)
class Session:
    session_id: UUID
    facts: list[Entry] = field(default_factory=list)
    pending: list[Entry] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    devices: dict[str, Device] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    ecg_at: datetime | None = None
    ended: datetime | None = None
    forget_after: datetime | None = None
    alarms: dict[UUID, Alarm] = field(default_factory=dict)
    onsets: dict[str, datetime] = field(default_factory=dict)  # of each rule's last condition
    on_record: dict[UUID, bool] = field(default_factory=dict)  # alarm id → its end too
    unexplained: dict[UUID, datetime] = field(default_factory=dict)
    incomplete: bool = False


@dataclass(slots=True)
class Watch:
    sessions: dict[UUID, Session] = field(default_factory=dict)
    after: int = 0  # the latest position of EVENTS that a reading has named
    unknown: int = 0  # events of a type this version does not know
    strays: int = 0  # readings and corrections of sessions that are not watched (any more)
    news: set[UUID] = field(default_factory=set)


Action = RaiseAlarm | ClearAlarm


def resumed(watch: Watch) -> Watch:
    """A watch from disk: what it had asked for may never have been recorded, so it asks again."""
    for session in watch.sessions.values():
        for alarm in session.alarms.values():
            alarm.asked_raise = alarm.asked_clear = False
    watch.news = set(watch.sessions)
    return watch


# ---- what the log says


def fold(watch: Watch, recorded: Recorded) -> None:
    event = recorded.event
    match event:
        case VitalRecorded():
            _reading(watch, event, recorded.after)
        case SessionOpened():
            if event.session_id not in watch.sessions:
                session = watch.sessions[event.session_id] = Session(event.session_id)
                _apply(watch, session, Entry(recorded.position, recorded.time, event))
        case LimitsChanged() | DeviceAttached() | DeviceDetached() | Discharged() | SessionAborted():
            _later(watch, event.session_id, Entry(recorded.position, recorded.time, event))
        case EntryCorrected(of="session", of_id=session_id):
            _later(watch, _uuid(session_id), Entry(recorded.position, recorded.time, event))
        case AlarmRaised():
            _raised(watch, event, recorded.time)
        case AlarmCleared():
            _cleared(watch, event)
        case Unknown():
            _unknown(watch, event)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _later(watch: Watch, session_id: UUID | None, entry: Entry) -> None:
    session = watch.sessions.get(session_id) if session_id else None
    if session is None:
        watch.strays += 1
    elif isinstance(entry.event, EntryCorrected) and not _concerns(session, entry.event):
        return
    elif entry.position <= watch.after and not session.pending:
        _apply(watch, session, entry)
    else:
        session.pending.append(entry)


def _concerns(session: Session, correction: EntryCorrected) -> bool:
    """Whether an entry is corrected that the watch goes by."""
    for entry in (*session.facts, *session.pending):
        event = entry.event
        if event.id == correction.event_id:
            return True
        if isinstance(event, EntryCorrected) and event.replacement is not None:
            if event.replacement.get("id") == str(correction.event_id):
                return True
    return False


def _settle(watch: Watch, session: Session, recorded_by: datetime | None = None) -> None:
    """Apply the facts that a reading has named, or that were recorded by then."""
    while session.pending:
        entry = session.pending[0]
        if entry.position > watch.after and (recorded_by is None or entry.time > recorded_by):
            return
        _apply(watch, session, session.pending.pop(0))


def _apply(watch: Watch, session: Session, entry: Entry) -> None:
    """Fold the session's facts again, corrections included, and let what changed take effect."""
    if len(session.facts) >= MOST_FACTS and not isinstance(entry.event, Discharged | SessionAborted):
        session.incomplete = True
        return
    session.facts.append(entry)
    limits, attached, ended = _context(session)
    at, time = entry.event.at, entry.time
    for name in [name for name in session.devices if name not in attached]:
        _unwatch(watch, session, name, time)
    if limits != session.limits:
        _new_silence(watch, session, limits, time)
        session.limits = limits
        if ended is None:
            _judge_again(watch, session, at)
    for name in attached:
        if name not in session.devices:
            session.devices[name] = Device(heard=max(time, at))
    if ended is not None:
        session.forget_after = time + KEPT
        if session.ended is None:
            _end_all(watch, session, ended)
    elif session.ended is not None:  # its end was a wrong entry
        session.forget_after = None
        session.ended = None
        _judge_again(watch, session, at)
    session.ended = ended


def _context(session: Session) -> tuple[Limits, list[str], datetime | None]:
    limits, attached, ended = session.limits, dict[str, None](), None
    for event in corrected([Recorded(e.position, e.event, e.time) for e in session.facts]):
        match event:
            case SessionOpened() | LimitsChanged():
                limits = event.limits
            case DeviceAttached():
                attached[event.device_id] = None
            case DeviceDetached():
                attached.pop(event.device_id, None)
            case Discharged() | SessionAborted():
                attached, ended = {}, event.at
    return limits, list(attached), ended


def _unknown(watch: Watch, event: Unknown) -> None:
    watch.unknown += 1
    key = _uuid(event.aggregate_id) if event.aggregate == "session" else None
    if key in watch.sessions:
        watch.sessions[key].incomplete = True


# ---- readings


def _reading(watch: Watch, reading: VitalRecorded, after: int) -> None:
    if after > watch.after:
        watch.after = after
    session = watch.sessions.get(reading.session_id)
    if session is None:
        watch.strays += 1
        return
    if session.pending:
        _settle(watch, session)
    at = min(reading.observed_at, reading.received_at)  # a time in the future never moves a clock
    if reading.device_id is not None and reading.device_id in session.devices:
        _heard(watch, session, reading.device_id, reading, at)
    signals = reading.signals
    for signal, sample in signals.items():
        if signal == "pulse_rate":
            fresh = timedelta(seconds=session.limits.no_data_after_s)
            if "heart_rate" not in signals and not (session.ecg_at and at - session.ecg_at <= fresh):
                _value(watch, session, "heart_rate", "pulse_rate", sample, at, reading.backfilled)
            continue
        if signal == "heart_rate":
            session.ecg_at = max(at, session.ecg_at or at)
        if signal in NAMES:
            _value(watch, session, signal, signal, sample, at, reading.backfilled)


def _value(
    watch: Watch, session: Session, rule: str, signal: str, sample: Sample, at: datetime, late: bool
) -> None:
    track = session.tracks.get(rule)
    if session.ended is not None or (track is not None and at < track.at):
        if late or session.ended is not None:
            _past(watch, session, rule, signal, sample.value, at)
        return  # overtaken by a newer value: it changes nothing
    broken = _broken(rule, getattr(session.limits, rule), sample.value)
    if sample.quality == "questionable" and not broken:
        return  # a doubtful value may alarm but never reassure
    if track is None:
        track = session.tracks[rule] = Track(at, sample.value, signal, late)
    else:
        track.at, track.value, track.signal, track.late = at, sample.value, signal, late
    if broken or track.open or track.past:
        _judge(watch, session, track, broken, at)


@dataclass(frozen=True, slots=True)
class _Broken:
    rule: str
    priority: Priority
    limit: float
    sign: Literal["<", ">"]


def _broken(signal: str, bands: list[Band], value: float) -> list[_Broken]:
    """The bands that the value is outside of, the worst first."""
    found: list[_Broken] = []
    for band in bands:
        if band.low is not None and value < band.low:
            found.append(_Broken(f"{signal}.low.{band.priority}", band.priority, band.low, "<"))
        elif band.high is not None and value > band.high:
            found.append(_Broken(f"{signal}.high.{band.priority}", band.priority, band.high, ">"))
    if len(found) > 1:
        found.sort(key=lambda broken: -RANK[broken.priority])
    return found


def _judge(
    watch: Watch, session: Session, track: Track, broken: list[_Broken], at: datetime, *, fresh: bool = True
) -> None:
    """Clear what is inside again; raise the worst of what is outside, if it is not raised already."""
    rules = {b.rule for b in broken}
    for conditions in (track.open, track.past) if not track.late else (track.open,):
        for rule in [rule for rule in conditions if rule not in rules]:
            _end(watch, session, conditions.pop(rule), at)
    if not broken or not fresh:
        return
    worst = broken[0]
    known = track.open.get(worst.rule)
    if known is not None:
        alarm = session.alarms[known]
        if track.late or not alarm.late or alarm.onset >= at:
            return
        _end(watch, session, known, at)  # the past reaches into the present: now it has to sound
    track.open[worst.rule] = _begin_value(watch, session, track, worst, at, late=track.late)


def _past(watch: Watch, session: Session, rule: str, signal: str, value: float, at: datetime) -> None:
    """A reading of the past: its alarms are on record, and never sound."""
    track = session.tracks.get(rule)
    if track is None:
        track = session.tracks[rule] = Track(at, value, signal, True)
    broken = _broken(rule, getattr(session.limits, rule), value)
    rules = {b.rule for b in broken}
    for name in [name for name in track.past if name not in rules]:
        _end(watch, session, track.past.pop(name), at)
    if not broken or broken[0].rule in track.past:
        return
    worst = broken[0]
    known = track.open.get(worst.rule)
    if known is not None and session.alarms[known].onset <= at:
        return  # that condition was seen already
    then = Track(at, value, signal, True)
    track.past[worst.rule] = _begin_value(watch, session, then, worst, at, late=True)
    if session.ended is not None:
        _end(watch, session, track.past[worst.rule], max(at, session.ended))


def _judge_again(watch: Watch, session: Session, at: datetime) -> None:
    """Other limits for the values that stand. A value too old to mean anything raises nothing."""
    for rule, track in session.tracks.items():
        holds = CUFF_HOLDS if rule in CUFF else timedelta(seconds=session.limits.no_data_after_s)
        broken = _broken(rule, getattr(session.limits, rule), track.value)
        since = max(at, track.at)
        _judge(watch, session, track, broken, since, fresh=since - track.at <= holds)


# ---- devices


def _heard(watch: Watch, session: Session, name: str, reading: VitalRecorded, at: datetime) -> None:
    device = session.devices[name]
    # a backfill says nothing of when it was measured about whether the device is there: it is there now
    heard = reading.received_at if reading.backfilled else at
    if heard <= device.heard:
        return
    _silence(watch, session, name, heard)
    if device.silent is not None:
        _end(watch, session, device.silent, heard)
        device.silent = None
    device.heard, device.not_before = heard, None
    if reading.backfilled:
        return
    skew = abs(reading.device_time - reading.observed_at)
    if skew > SKEWED and device.skewed is None:
        device.skewed = _begin(
            watch,
            session,
            rule=CLOCK_SKEWED,
            of=f"{CLOCK_SKEWED}.{name}",
            priority="low",
            kind="technical",
            text=f"The device's clock is {skew.total_seconds():.0f} s off",
            onset=at,
            device_id=name,
        )
    elif skew <= IN_STEP and device.skewed is not None:
        _end(watch, session, device.skewed, at)
        device.skewed = None


def _deadline(session: Session, device: Device) -> datetime:
    due = device.heard + timedelta(seconds=session.limits.no_data_after_s)
    return max(due, device.not_before) if device.not_before is not None else due


def _silence(watch: Watch, session: Session, name: str, until: datetime) -> None:
    """Raise "no data" if the device's time ran out before `until`."""
    device = session.devices[name]
    if device.silent is not None:
        return
    onset = _deadline(session, device)
    if until > onset:
        limits = session.limits
        device.silent = _begin(
            watch,
            session,
            rule=NO_DATA,
            of=f"{NO_DATA}.{name}",
            priority=limits.no_data_priority,
            kind="technical",
            text=f"No data for {limits.no_data_after_s:g} s",
            onset=onset,
            limit=limits.no_data_after_s,
            device_id=name,
        )


def _unwatch(watch: Watch, session: Session, name: str, time: datetime) -> None:
    _silence(watch, session, name, time)
    device = session.devices.pop(name)
    for alarm in (device.silent, device.skewed):
        if alarm is not None:
            _end(watch, session, alarm, time)


def _new_silence(watch: Watch, session: Session, limits: Limits, time: datetime) -> None:
    """Another time allowed for silence: what the old one found is settled first."""
    if limits.no_data_after_s == session.limits.no_data_after_s:
        return
    for name, device in session.devices.items():
        _silence(watch, session, name, time)
        device.not_before = time
        if device.silent is not None and device.heard + timedelta(seconds=limits.no_data_after_s) > time:
            _end(watch, session, device.silent, time)
            device.silent = None


# ---- alarms


def _begin_value(
    watch: Watch, session: Session, track: Track, broken: _Broken, at: datetime, *, late: bool
) -> UUID:
    return _begin(
        watch,
        session,
        rule=broken.rule,
        of=broken.rule,
        priority=broken.priority,
        kind="physiological",
        text=f"{NAMES[track.signal]} {track.value:g} {broken.sign} {broken.limit:g}",
        onset=at,
        signal=track.signal,
        value=track.value,
        limit=broken.limit,
        late=late,
    )


def _begin(
    watch: Watch,
    session: Session,
    *,
    rule: str,
    of: str,
    priority: Priority,
    kind: Literal["physiological", "technical"],
    text: str,
    onset: datetime,
    signal: str | None = None,
    value: float | None = None,
    limit: float | None = None,
    device_id: str | None = None,
    late: bool = False,
) -> UUID:
    """A condition begins. `of` tells apart what one rule finds on several devices."""
    last = session.onsets.get(of)
    if last is not None and last == onset:  # twice at one moment: the second needs an id of its own
        onset += timedelta(microseconds=1)
    session.onsets[of] = onset
    id = uuid5(session.session_id, f"{of}|{onset.astimezone(UTC).isoformat()}")
    known = session.on_record.get(id)
    session.unexplained.pop(id, None)
    session.alarms[id] = Alarm(
        alarm_id=id,
        rule=rule,
        priority=priority,
        kind=kind,
        text=text,
        onset=onset,
        signal=signal,
        value=value,
        limit=limit,
        device_id=device_id,
        late=late,
        raised=known is not None,
        cleared=bool(known),
    )
    watch.news.add(session.session_id)
    return id


def _end(watch: Watch, session: Session, id: UUID, at: datetime) -> None:
    alarm = session.alarms.get(id)
    if alarm is None or alarm.ended is not None:
        return
    alarm.ended = max(at, alarm.onset)
    if alarm.cleared:
        del session.alarms[id]
    watch.news.add(session.session_id)


def _end_all(watch: Watch, session: Session, at: datetime) -> None:
    for track in session.tracks.values():
        for conditions in (track.open, track.past):
            for id in conditions.values():
                _end(watch, session, id, at)
            conditions.clear()


def _raised(watch: Watch, event: AlarmRaised, time: datetime) -> None:
    session = watch.sessions.get(event.session_id)
    if session is None:
        watch.strays += 1
        return
    if len(session.on_record) >= MOST_IDS:
        session.incomplete = True
    else:
        session.on_record.setdefault(event.alarm_id, False)
    alarm = session.alarms.get(event.alarm_id)
    if alarm is not None:
        alarm.raised = True
        watch.news.add(session.session_id)
        return
    fields = event.model_dump(include=set(Alarm.__slots__) & set(type(event).model_fields))
    session.alarms[event.alarm_id] = Alarm(**fields, raised=True)
    if event.rule in (NO_DATA, CLOCK_SKEWED) or event.rule.split(".")[0] in NAMES:
        session.unexplained[event.alarm_id] = time


def _cleared(watch: Watch, event: AlarmCleared) -> None:
    session = watch.sessions.get(event.session_id)
    if session is None:
        watch.strays += 1
        return
    if event.alarm_id in session.on_record:
        session.on_record[event.alarm_id] = True
    session.unexplained.pop(event.alarm_id, None)
    alarm = session.alarms.get(event.alarm_id)
    if alarm is not None:
        alarm.raised = alarm.cleared = True
        if alarm.ended is not None or not _holds(session, event.alarm_id):
            del session.alarms[event.alarm_id]


def _holds(session: Session, id: UUID) -> bool:
    """Whether a condition of this watch's own goes by this alarm."""
    return any(
        id in conditions.values() for t in session.tracks.values() for conditions in (t.open, t.past)
    ) or any(id in (device.silent, device.skewed) for device in session.devices.values())


# ---- time


def tick(watch: Watch, now: datetime) -> None:
    """Let time pass. Only to be called once all is folded that the log holds."""
    over: list[Session] = []
    for session in watch.sessions.values():
        if session.pending:
            _settle(watch, session, now - SETTLE)
        for name, device in session.devices.items():
            if device.silent is None:
                _silence(watch, session, name, now - GRACE)
        if session.unexplained:
            for id, since in list(session.unexplained.items()):
                if now - since > UNEXPLAINED:
                    del session.unexplained[id]
                    _end(watch, session, id, now)
        if session.forget_after is not None:
            over.append(session)
    over.sort(key=lambda session: session.forget_after or now)
    for n, session in enumerate(over):
        if session.forget_after is not None and (session.forget_after < now or n < len(over) - MOST_ENDED):
            del watch.sessions[session.session_id]
            watch.news.discard(session.session_id)


# ---- what to record


def take(watch: Watch) -> list[Action]:
    """The commands that bring the log up to what was found, each once."""
    actions: list[Action] = []
    for session_id in sorted(watch.news):
        for alarm in watch.sessions[session_id].alarms.values():
            over = alarm.ended is not None
            if not alarm.raised and not alarm.asked_raise:
                alarm.asked_raise = True
                actions.append(_raise(session_id, alarm, late=alarm.late or over))
            if over and not alarm.cleared and not alarm.asked_clear:
                alarm.asked_clear = True
                actions.append(_clear(session_id, alarm))
    watch.news.clear()
    return actions


def _raise(session_id: UUID, alarm: Alarm, *, late: bool) -> RaiseAlarm:
    return RaiseAlarm(
        id=uuid5(alarm.alarm_id, "raise"),
        at=alarm.onset,
        by=WATCH,
        role="service",
        session_id=session_id,
        alarm_id=alarm.alarm_id,
        rule=alarm.rule,
        priority=alarm.priority,
        kind=alarm.kind,
        text=alarm.text,
        signal=alarm.signal,
        value=alarm.value,
        limit=alarm.limit,
        device_id=alarm.device_id,
        onset=alarm.onset,
        late=late,
    )


def _clear(session_id: UUID, alarm: Alarm) -> ClearAlarm:
    return ClearAlarm(
        id=uuid5(alarm.alarm_id, "clear"),
        at=alarm.ended or alarm.onset,
        by=WATCH,
        role="service",
        session_id=session_id,
        alarm_id=alarm.alarm_id,
        late=alarm.late,
    )


def open_alarms(watch: Watch) -> dict[Priority, int]:
    """How many alarms are on record and not over, by priority."""
    count: dict[Priority, int] = {"high": 0, "medium": 0, "low": 0}
    for session in watch.sessions.values():
        for alarm in session.alarms.values():
            if alarm.raised and not alarm.cleared:
                count[alarm.priority] += 1
    return count
