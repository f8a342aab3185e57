"""Alarms that nobody acknowledges are told to somebody else, as the protocol says."""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from session_monitor.session import WATCH, EscalateAlarm
from session_monitor.watch.alarms import steps_of
from session_monitor.watch.state import Session, Watch


def due(session: Session, now: datetime) -> bool:
    """Whether somebody is to be told; what is due counts as asked for from now on."""
    found = False
    for unseen in session.unseen.values():
        steps = steps_of(session, unseen.priority)
        while unseen.asked < len(steps):
            if now <= unseen.since + timedelta(seconds=steps[unseen.asked].after_s):
                break
            unseen.asked += 1
            found = True
    return found


def commands(watch: Watch, session_id: UUID) -> list[EscalateAlarm]:
    session = watch.sessions[session_id]
    found: list[EscalateAlarm] = []
    for alarm_id, unseen in session.unseen.items():
        steps = steps_of(session, unseen.priority)
        for n in range(unseen.told, unseen.asked):
            step = steps[n]
            found.append(
                EscalateAlarm(
                    id=uuid5(alarm_id, f"escalate {n}"),
                    at=unseen.since + timedelta(seconds=step.after_s),
                    by=WATCH,
                    role="service",
                    session_id=session_id,
                    alarm_id=alarm_id,
                    priority=unseen.priority,
                    to=step.to,
                )
            )
        unseen.told = unseen.asked
    return found
