"""One row a session: the same fold as the live board's, so that both always say the same."""

from uuid import UUID

from kap.events import Anything
from kap.events.fact import Fact

from projections import session_view
from projections.folded import Folded
from projections.read_model import ReadModel
from projections.session_view import Session


def _key(event: Anything) -> UUID | None:
    if isinstance(event, Fact) and event.aggregate == "session":
        return UUID(event.aggregate_id)
    return None


session = Folded(
    "session",
    Session,
    _key,
    session_view.evolve,
    {
        "state": ("text not null", lambda s: s.state),
        "opened_at": ("timestamptz not null", lambda s: s.opened_at),
        "room": ("text not null", lambda s: s.room),
        "course_id": ("uuid not null", lambda s: s.course_id),
        "patient_id": ("uuid not null", lambda s: s.patient_id),
    },
)

TABLES = f"""{session.tables}
create index on session (state, opened_at);
create index on session (course_id);
create index on session (patient_id);
"""

sessions = ReadModel(
    "sessions-2", "kap.events.*.session.>", TABLES, lambda: session.apply, frozenset({"session"})
)
