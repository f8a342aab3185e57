"""What to put on record."""

from uuid import UUID, uuid5

from kap.events.session import Priority

from session_monitor.session import WATCH, ClearAlarm, EscalateAlarm, RaiseAlarm
from session_monitor.watch import escalation
from session_monitor.watch.state import Alarm, Watch

Action = RaiseAlarm | ClearAlarm | EscalateAlarm


def resumed(watch: Watch) -> Watch:
    """A watch from disk: what it had asked for may never have been recorded, so it asks again."""
    for session in watch.sessions.values():
        for alarm in session.alarms.values():
            alarm.asked_raise = alarm.asked_clear = False
        for unseen in session.unseen.values():
            unseen.told = unseen.asked = 0
    watch.news = set(watch.sessions)
    return watch


def take(watch: Watch) -> list[Action]:
    """The commands that bring the log up to what was found, each once."""
    actions: list[Action] = []
    for session_id in sorted(watch.news):
        session = watch.sessions[session_id]
        for alarm in session.alarms.values():
            over = alarm.ended is not None
            waits = session.past_until is not None and not (over or alarm.late)
            if not alarm.raised and not alarm.asked_raise and not waits:
                alarm.asked_raise = True
                actions.append(raise_command(session_id, alarm, late=alarm.late or over))
            if over and not alarm.cleared and not alarm.asked_clear:
                alarm.asked_clear = True
                actions.append(clear_command(session_id, alarm))
        actions += escalation.commands(watch, session_id)
    watch.news.clear()
    return actions


def raise_command(session_id: UUID, alarm: Alarm, *, late: bool) -> RaiseAlarm:
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
        latching=alarm.latching and not late,
    )


def clear_command(session_id: UUID, alarm: Alarm) -> ClearAlarm:
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
