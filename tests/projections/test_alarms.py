"""An alarm with its whole life."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from kap.events.session import AlarmAcknowledged, AlarmCleared, AlarmEscalated, AlarmPauseBroken, AlarmPaused
from kap.testing import MemoryLog
from projections import queries
from projections.read_models import MODELS

from tests.projections.history import SESSION, apply, corrected, put
from tests.projections.live import NURSE, START, WATCH, opened, raised, stamp

ALARM, LATE = UUID(int=201), UUID(int=202)


async def test_an_alarm_from_its_onset_to_its_end(database: str) -> None:
    log = MemoryLog()
    seen = AlarmAcknowledged(**stamp(START + timedelta(seconds=20)), session_id=SESSION, alarm_id=ALARM)

    async def now(state: Any = "open") -> list[dict[str, Any]]:
        await apply(log, database, MODELS["sessions"], MODELS["alarms"], MODELS["courses"])
        db = await queries.pool(database)
        try:
            return await queries.alarms(db, state)
        finally:
            await db.close()

    put(log, opened(SESSION, room="5"), raised(SESSION, ALARM), raised(SESSION, ALARM))
    (alarm,) = await now()
    assert (alarm["alarm_id"], alarm["room"], alarm["session_id"]) == (str(ALARM), "5", str(SESSION))
    assert (alarm["state"], alarm["priority"], alarm["late"]) == ("active", "high", False)

    put(log, seen)
    (alarm,) = await now()
    assert (alarm["state"], alarm["acknowledged_by"]) == ("acknowledged", NURSE)

    put(log, corrected(seen))  # the wrong one was acknowledged: it asks again
    (alarm,) = await now()
    assert (alarm["state"], alarm["acknowledged_by"]) == ("active", None)

    until = START + timedelta(minutes=2)
    put(log, AlarmPaused(**stamp(), session_id=SESSION, alarm_id=ALARM, until=until))
    (alarm,) = await now()
    assert (alarm["state"], alarm["paused_until"]) == ("paused", "2026-11-22T09:02:00Z")
    put(log, AlarmPauseBroken(**stamp(by=WATCH), session_id=SESSION, alarm_id=ALARM, broken_by=LATE))
    (alarm,) = await now()
    assert (alarm["state"], alarm["paused_until"]) == ("active", None)
    put(log, AlarmPaused(**stamp(), session_id=SESSION, alarm_id=ALARM, until=until))
    put(log, AlarmEscalated(**stamp(by=WATCH), session_id=SESSION, alarm_id=ALARM, priority="high"))
    (alarm,) = await now()
    assert (alarm["state"], alarm["escalated"], alarm["paused_until"]) == ("active", True, None)

    ends = AlarmCleared(**stamp(START + timedelta(minutes=3), WATCH), session_id=SESSION, alarm_id=ALARM)
    late = raised(SESSION, LATE, START + timedelta(minutes=1)).model_copy(update={"late": True})
    over = AlarmCleared(**stamp(by=WATCH), session_id=SESSION, alarm_id=LATE, late=True)
    put(log, ends, late, over)
    assert await now() == []
    ended = await now("all")
    assert [(a["alarm_id"], a["late"]) for a in ended] == [(str(LATE), True), (str(ALARM), False)]
    assert ended[1]["cleared_at"] == "2026-11-22T09:03:00Z"
