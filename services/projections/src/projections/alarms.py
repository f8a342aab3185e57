"""One row an alarm, with its whole life: the late ones too, and those that are over."""

from uuid import UUID

from kap.events import Anything
from kap.events.session import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmPauseBroken,
    AlarmPaused,
    AlarmRaised,
)

from projections import session_view
from projections.folded import Folded
from projections.read_model import ReadModel


class Alarm(session_view.Alarm):
    session_id: UUID
    record_position: int = 0


Moved = AlarmEscalated | AlarmAcknowledged | AlarmPaused | AlarmPauseBroken | AlarmCleared


def _key(event: Anything) -> UUID | None:
    return event.alarm_id if isinstance(event, AlarmRaised | Moved) else None


def evolve(alarm: Alarm | None, event: Anything) -> Alarm | None:
    if isinstance(event, AlarmRaised):
        return alarm or Alarm(**session_view.raised(event).model_dump(), session_id=event.session_id)
    if isinstance(event, Moved) and alarm is not None:
        return session_view.moved(alarm, event)
    return alarm


alarm = Folded(
    "alarm",
    Alarm,
    _key,
    evolve,
    {
        "session_id": ("uuid not null", lambda a: a.session_id),
        "onset": ("timestamptz not null", lambda a: a.onset),
        "cleared_at": ("timestamptz", lambda a: a.cleared_at),
    },
)

TABLES = f"""{alarm.tables}
create index on alarm (session_id);
create index on alarm (onset) where cleared_at is null;
create index on alarm (onset);
"""

alarms = ReadModel("alarms-1", "kap.events.*.session.>", TABLES, lambda: alarm.apply, frozenset({"session"}))
