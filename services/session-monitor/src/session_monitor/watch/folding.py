"""What the log says: facts in their order, readings between them."""

from datetime import datetime
from uuid import UUID

from kap.events import Anything, Recorded, Unknown, corrected
from kap.events.fact import EntryCorrected
from kap.events.session import (
    AdverseEventRecorded,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmRaised,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    Dosed,
    Limits,
    LimitsChanged,
    ObservationRecorded,
    PreDoseChecked,
    SessionAborted,
    SessionOpened,
)
from kap.events.vitals import VitalCorrected, VitalRecorded

from session_monitor.watch import declared
from session_monitor.watch.alarms import acknowledged, cleared, end_all, escalated, raised
from session_monitor.watch.checks import advance, done
from session_monitor.watch.corrections import correct, go_back
from session_monitor.watch.devices import new_silence, unwatch
from session_monitor.watch.limits import judge_again
from session_monitor.watch.observations import judge_seen, seen
from session_monitor.watch.readings import read
from session_monitor.watch.state import KEPT, MOST_FACTS, Device, Entry, Session, Watch

BASELINE = ("systolic", "diastolic", "heart_rate", "spo2", "respiratory_rate")


def fold(watch: Watch, recorded: Recorded) -> None:
    event = recorded.event
    match event:
        case VitalRecorded() | VitalCorrected():
            if recorded.after > watch.after:
                watch.after = recorded.after
            session = watch.sessions.get(event.session_id)
            if session is None:
                watch.strays += 1
                return
            if session.pending:
                settle(watch, session)
            if isinstance(event, VitalRecorded):
                read(watch, session, event)
            else:
                correct(watch, session, event, recorded.time)
        case SessionOpened():
            if event.session_id not in watch.sessions:
                session = watch.sessions[event.session_id] = Session(event.session_id)
                session.rules = event.rules.alarms if event.rules is not None else None
                session.expected = event.expected
                declared.opened(session, event, recorded.time)
                apply(watch, session, Entry(recorded.position, recorded.time, event))
        case LimitsChanged() | DeviceAttached() | DeviceDetached() | Discharged() | SessionAborted():
            later(watch, event.session_id, Entry(recorded.position, recorded.time, event))
        case PreDoseChecked() | Dosed() | ObservationRecorded() | AdverseEventRecorded():
            known = watch.sessions.get(event.session_id)
            if known is not None and known.rules is not None:
                later(watch, event.session_id, Entry(recorded.position, recorded.time, event))
        case EntryCorrected(of="session", of_id=session_id):
            later(watch, uuid_of(session_id), Entry(recorded.position, recorded.time, event))
        case AlarmRaised():
            raised(watch, event, recorded.time)
        case AlarmCleared():
            cleared(watch, event)
        case AlarmAcknowledged():
            acknowledged(watch, event)
        case AlarmEscalated():
            escalated(watch, event)
        case Unknown():
            unknown(watch, event)


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def later(watch: Watch, session_id: UUID | None, entry: Entry) -> None:
    session = watch.sessions.get(session_id) if session_id else None
    if session is None:
        watch.strays += 1
    elif isinstance(entry.event, EntryCorrected) and not concerns(session, entry.event):
        return
    elif entry.position <= watch.after and not session.pending:
        apply(watch, session, entry)
    else:
        session.pending.append(entry)


def concerns(session: Session, correction: EntryCorrected) -> bool:
    """Whether an entry is corrected that the watch goes by."""
    for entry in (*session.facts, *session.pending):
        event = entry.event
        if event.id == correction.event_id:
            return True
        if isinstance(event, EntryCorrected) and event.replacement is not None:
            if event.replacement.get("id") == str(correction.event_id):
                return True
    return False


def settle(watch: Watch, session: Session, recorded_by: datetime | None = None) -> None:
    """Apply the facts that a reading has named, or that were recorded by then."""
    while session.pending:
        entry = session.pending[0]
        if entry.position > watch.after and (recorded_by is None or entry.time > recorded_by):
            return
        apply(watch, session, session.pending.pop(0))


def apply(watch: Watch, session: Session, entry: Entry) -> None:
    """Fold the session's facts again, corrections included, and let what changed take effect."""
    if len(session.facts) >= MOST_FACTS and not isinstance(entry.event, Discharged | SessionAborted):
        session.incomplete = True
        return
    session.facts.append(entry)
    facts = corrected([Recorded(e.position, e.event, e.time) for e in session.facts])
    limits, attached, ended = context(session, facts)
    at, time = entry.event.at, entry.time
    declared.fact(watch, session, entry)
    if session.rules is not None and session.past_until is None:
        advance(watch, session, time)
    for name in [name for name in session.devices if name not in attached]:
        unwatch(watch, session, name, time)
    if limits != session.limits:
        new_silence(watch, session, limits, time)
        session.limits = limits
        if ended is None:
            judge_again(watch, session, at)
    for name in attached:
        if name not in session.devices:
            session.devices[name] = Device(heard=max(time, at))
    if ended is not None:
        session.forget_after = time + KEPT
        if session.ended is None:
            end_all(watch, session, ended)
    elif session.ended is not None:  # its end was a wrong entry
        session.forget_after = None
        session.ended = None
        go_back(watch, session, at)
        judge_again(watch, session, at)
    session.ended = ended
    if session.rules is not None and ended is None:
        _course(session, facts)
        judge_seen(watch, session, seen(session, facts), at)
        done(watch, session, at)


def _course(session: Session, facts: list[Anything]) -> None:
    """The baseline, the last dose and the last MOAA/S, as they count now."""
    session.baseline, session.dosed_at, session.observed_at = {}, None, None
    for event in facts:
        match event:
            case PreDoseChecked():
                values = {signal: getattr(event, signal) for signal in BASELINE}
                session.baseline = {signal: float(v) for signal, v in values.items() if v is not None}
            case Dosed():
                session.dosed_at = event.at if session.dosed_at is None else max(session.dosed_at, event.at)
            case ObservationRecorded() if event.moaas is not None:
                session.observed_at = max(event.at, session.observed_at or event.at)


def context(session: Session, facts: list[Anything]) -> tuple[Limits, list[str], datetime | None]:
    limits, attached, ended = session.limits, dict[str, None](), None
    for event in facts:
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


def unknown(watch: Watch, event: Unknown) -> None:
    watch.unknown += 1
    key = uuid_of(event.aggregate_id) if event.aggregate == "session" else None
    if key in watch.sessions:
        watch.sessions[key].incomplete = True
