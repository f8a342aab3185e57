"""The timeline shows every entry; a corrected one stays, with what corrected it."""

from datetime import timedelta

from kap.events.session import NoteRecorded, ResponsibleChanged
from kap.testing import MemoryLog
from projections import queries
from projections.read_models import MODELS

from tests.projections.history import COURSE, SESSION, apply, corrected, put, treatment
from tests.projections.live import NURSE, START, dosed, opened, sealed, stamp

timeline = MODELS["timeline"]


async def test_entries_stand_in_the_order_in_which_they_happened(database: str) -> None:
    log = MemoryLog()
    late_entry = NoteRecorded(**stamp(START + timedelta(minutes=1)), session_id=SESSION, text=sealed("text"))
    put(log, opened(SESSION), dosed(SESSION, 50, START + timedelta(minutes=5)), late_entry)
    await apply(log, database, timeline)
    db = await queries.pool(database)
    items = await queries.timeline(db, SESSION)
    assert [item["type"] for item in items] == ["SessionOpened", "NoteRecorded", "Dosed"]
    assert [item["position"] for item in items] == [1, 3, 2]
    note = items[1]
    assert note == {
        "event_id": str(late_entry.id),
        "position": 3,
        "type": "NoteRecorded",
        "at": "2026-11-22T09:01:00+00:00",
        "recorded_at": log.events[2].time.isoformat(),
        "by": NURSE,
        "by_name": None,
        "data": {"session_id": str(SESSION), "text": sealed("text")},
        "withdrawn": False,
        "correction": None,
        "earlier": [],
    }
    await db.close()


async def test_a_corrected_entry_stays_with_what_corrected_it(database: str) -> None:
    log = MemoryLog()
    wrong, half, right = dosed(SESSION, 500), dosed(SESSION, 25), dosed(SESSION, 50)
    put(log, opened(SESSION), wrong, corrected(wrong, half))
    await apply(log, database, timeline)
    put(log, corrected(half, right))
    await apply(log, database, timeline)
    db = await queries.pool(database)

    _, item = await queries.timeline(db, SESSION)
    assert item["withdrawn"] and item["data"]["dose"]["milligrams"] == 500
    assert item["correction"]["replacement"]["dose"]["milligrams"] == 50
    assert item["correction"]["by"] == NURSE and item["correction"]["reason"] == sealed("reason")
    assert [c["replacement"]["dose"]["milligrams"] for c in item["earlier"]] == [25]

    put(log, corrected(right))
    await apply(log, database, timeline)
    _, item = await queries.timeline(db, SESSION)
    assert item["correction"]["replacement"] is None
    assert len(item["earlier"]) == 2
    await db.close()


async def test_there_is_room_for_the_names_of_who_checked_and_who_corrected(database: str) -> None:
    log = MemoryLog()
    wrong, right = (dosed(SESSION, amount).model_copy(update={"checked_by": NURSE}) for amount in (500, 50))
    put(log, opened(SESSION), wrong, corrected(wrong, right))
    await apply(log, database, timeline)
    db = await queries.pool(database)
    _, item = await queries.timeline(db, SESSION)
    room = {"checked_by_name": None}
    assert item["data"].items() >= room.items()
    assert item["correction"]["replacement"].items() >= (room | {"by_name": None}).items()
    await db.close()


async def test_every_record_has_a_timeline_of_its_own(database: str) -> None:
    log = MemoryLog()
    put(log, *treatment(), ResponsibleChanged(**stamp(), session_id=SESSION, responsible=NURSE))
    await apply(log, database, timeline)
    db = await queries.pool(database)
    course = [item["type"] for item in await queries.timeline(db, COURSE, "course")]
    assert course[:3] == ["CourseOpened", "Assessed", "ConsentGiven"]
    assert await queries.timeline(db, COURSE) == []
    await db.close()
