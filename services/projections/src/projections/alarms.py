"""One row an alarm, with its whole life: the late ones too, and those that are over."""

from uuid import UUID

from kap.events import Anything
from kap.events.session import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmPaused,
    AlarmRaised,
)

from projections import session_view
from projections.folded import Folded
from projections.read_model import ReadModel


class Alarm(session_view.Alarm):
    session_id: UUID
    record_position: int = 0


def _key(event: Anything) -> UUID | None:
    if isinstance(event, AlarmRaised | AlarmEscalated | AlarmAcknowledged | AlarmPaused | AlarmCleared):
        return event.alarm_id
    return None


def evolve(alarm: Alarm | None, event: Anything) -> Alarm | None:
    match event:
        case AlarmRaised():
            known = session_view.raised(event).model_dump()
            return alarm or Alarm(**known, session_id=event.session_id)
        case AlarmEscalated() | AlarmAcknowledged() | AlarmPaused() | AlarmCleared() if alarm is not None:
            return session_view.moved(alarm, event)
        case _:
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
