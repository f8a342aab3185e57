"""An alarm from its onset to its end, and what the log says of it."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid5

from kap.events.alarm_rules import Escalation
from kap.events.session import AlarmAcknowledged, AlarmCleared, AlarmEscalated, AlarmRaised, Priority

from session_monitor.watch.state import (
    APART,
    CLOCK_SKEWED,
    MOST_IDS,
    NAMES,
    NO_DATA,
    OTHER_PATIENT,
    Alarm,
    Broken,
    Session,
    Track,
    Unseen,
    Watch,
)


def alarm_id(session: Session, of: str, onset: datetime) -> UUID:
    return uuid5(session.session_id, f"{of}|{onset.astimezone(UTC).isoformat()}")


def begin_value(
    watch: Watch, session: Session, track: Track, broken: Broken, at: datetime, *, late: bool
) -> UUID:
    return begin(
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


def begin(
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
    # Again at one moment, as when what ended it is withdrawn: each time it is another alarm.
    while (id := alarm_id(session, of, onset)) in session.begun:
        onset += APART
    if len(session.begun) < MOST_IDS:
        session.begun.add(id)
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
        latching=session.rules is not None and priority in session.rules.latching,
        raised=known is not None,
        cleared=bool(known),
    )
    watch.news.add(session.session_id)
    return id


def end(watch: Watch, session: Session, id: UUID, at: datetime) -> None:
    alarm = session.alarms.get(id)
    if alarm is None or alarm.ended is not None:
        return
    alarm.ended = max(at, alarm.onset)
    if alarm.cleared:
        del session.alarms[id]
    watch.news.add(session.session_id)


def end_all(watch: Watch, session: Session, at: datetime) -> None:
    for track in session.tracks.values():
        track.well_at.clear()
        for conditions in (track.open, track.past):
            for id in conditions.values():
                end(watch, session, id, at)
            conditions.clear()
        for waiting in (track.pending, track.past_pending):
            for pending in waiting.values():
                if pending.asked is not None:
                    end(watch, session, pending.asked, at)
            waiting.clear()
    for condition in session.conditions.values():
        if condition.alarm is not None:
            end(watch, session, condition.alarm, at)
    session.conditions.clear()
    session.unseen.clear()


def raised(watch: Watch, event: AlarmRaised, time: datetime) -> None:
    session = watch.sessions.get(event.session_id)
    if session is None:
        watch.strays += 1
        return
    if len(session.on_record) >= MOST_IDS:
        session.incomplete = True
    else:
        session.on_record.setdefault(event.alarm_id, False)
    if session.rules is not None and session.ended is None and not event.late:
        session.unseen.setdefault(event.alarm_id, Unseen(time, event.priority))
    alarm = session.alarms.get(event.alarm_id)
    if alarm is not None:
        alarm.raised = True
        watch.news.add(session.session_id)
        return
    fields = event.model_dump(include=set(Alarm.__slots__) & set(type(event).model_fields))
    alarm = session.alarms[event.alarm_id] = Alarm(**fields, raised=True)
    if of_its_device(session, alarm):
        return
    if (
        session.rules is not None
        or event.rule in (NO_DATA, CLOCK_SKEWED, OTHER_PATIENT)
        or event.rule.split(".")[0] in NAMES
    ):
        session.unexplained[event.alarm_id] = time


def of_its_device(session: Session, alarm: Alarm) -> bool:
    """Whether it is raised beside the watch, and its device is attached: then it ends there, or with that."""
    device = session.devices.get(alarm.device_id or "")
    if alarm.rule != OTHER_PATIENT or device is None:
        return False
    device.other_patient = alarm.alarm_id
    return True


def cleared(watch: Watch, event: AlarmCleared) -> None:
    session = watch.sessions.get(event.session_id)
    if session is None:
        watch.strays += 1
        return
    if event.alarm_id in session.on_record:
        session.on_record[event.alarm_id] = True
    session.unexplained.pop(event.alarm_id, None)
    for device in session.devices.values():
        if device.other_patient == event.alarm_id:
            device.other_patient = None
    alarm = session.alarms.get(event.alarm_id)
    if alarm is None or not alarm.latching:
        session.unseen.pop(event.alarm_id, None)
    if alarm is not None:
        alarm.raised = alarm.cleared = True
        if alarm.ended is not None or not holds(session, event.alarm_id):
            del session.alarms[event.alarm_id]


def holds(session: Session, id: UUID) -> bool:
    """Whether a condition of this watch's own goes by this alarm."""
    if any(id == condition.alarm for condition in session.conditions.values()):
        return True
    for track in session.tracks.values():
        if any(id == pending.asked for pending in track.pending.values()):
            return True
        if id in track.open.values() or id in track.past.values():
            return True
    return any(id in (d.silent, d.skewed, d.other_patient) for d in session.devices.values())


def acknowledged(watch: Watch, event: AlarmAcknowledged) -> None:
    session = watch.sessions.get(event.session_id)
    if session is not None:
        session.unseen.pop(event.alarm_id, None)


def escalated(watch: Watch, event: AlarmEscalated) -> None:
    session = watch.sessions.get(event.session_id)
    unseen = session.unseen.get(event.alarm_id) if session is not None else None
    if session is None or unseen is None or session.rules is None:
        return
    steps = steps_of(session, unseen.priority)
    told = next((n for n, step in enumerate(steps, start=1) if step.to == event.to), 0)
    unseen.told = max(unseen.told, told)
    unseen.asked = max(unseen.asked, unseen.told)


def steps_of(session: Session, priority: Priority) -> list[Escalation]:
    """Whom to tell of an alarm that nobody acknowledges, the first first."""
    if session.rules is None:
        return []
    steps = [step for step in session.rules.escalation if step.priority == priority]
    return sorted(steps, key=lambda step: step.after_s)
