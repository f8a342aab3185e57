"""The read model of sessions says what the board says, also after a correction."""

from uuid import UUID

from kap.events.intake import PatientRegistered, PersonForgotten
from kap.events.session import DeviceAttached, Discharged, NoteRecorded
from kap.testing import MemoryLog
from projections import queries
from projections.read_models import MODELS
from projections.session_view import Session, fold

from tests.projections.history import PATIENT, SESSION, apply, corrected, put, treatment
from tests.projections.live import dosed, opened, sealed, stamp

sessions, courses = MODELS["sessions"], MODELS["courses"]
OTHER = UUID(int=2)


async def test_a_session_is_the_fold_of_its_facts(database: str) -> None:
    log = MemoryLog()
    put(log, *treatment(), opened(OTHER, room="7"))
    put(log, DeviceAttached(**stamp(), session_id=OTHER, device_id="monitor-1"))
    await apply(log, database, sessions, courses)
    db = await queries.pool(database)

    seen = await queries.session(db, SESSION)
    assert seen is not None
    folded = fold(await log.load(f"session.{SESSION}"))
    assert Session.model_validate(seen | {"name": None}) == folded
    assert [dose["dose"]["milligrams"] for dose in seen["doses"]] == [50]
    assert (seen["state"], seen["alarms"], seen["name"]) == ("discharged", [], sealed())

    other = await queries.session(db, OTHER)
    assert other is not None and other["devices"] == ["monitor-1"] and other["name"] is None
    assert [s["session_id"] for s in await queries.sessions(db, "open")] == [str(OTHER)]
    assert len(await queries.sessions(db, "all")) == 2
    assert await queries.session(db, UUID(int=9)) is None
    await db.close()


async def test_a_correction_reaches_back_also_a_second_one(database: str) -> None:
    log = MemoryLog()
    wrong, half = dosed(SESSION, 500), dosed(SESSION, 25)
    put(log, opened(SESSION), wrong, NoteRecorded(**stamp(), session_id=SESSION, text=sealed("text")))
    await apply(log, database, sessions, courses)
    put(log, corrected(wrong, half))
    await apply(log, database, sessions, courses)
    put(log, corrected(half, dosed(SESSION, 50)))
    await apply(log, database, sessions, courses)
    db = await queries.pool(database)
    seen = await queries.session(db, SESSION)
    assert seen is not None
    assert [dose["dose"]["milligrams"] for dose in seen["doses"]] == [50]
    assert seen["record_position"] == 5
    assert Session.model_validate(seen) == fold(await log.load(f"session.{SESSION}"))
    await db.close()


async def test_a_withdrawn_discharge_opens_the_session_again(database: str) -> None:
    log = MemoryLog()
    leaves = Discharged(**stamp(), session_id=SESSION, course_id=UUID(int=3), patient_id=PATIENT)
    put(log, opened(SESSION), leaves)
    await apply(log, database, sessions, courses)
    put(log, corrected(leaves))
    await apply(log, database, sessions, courses)
    db = await queries.pool(database)
    assert [s["state"] for s in await queries.sessions(db)] == ["open"]
    await db.close()


async def test_a_forgotten_person_has_no_name(database: str) -> None:
    log = MemoryLog()
    registered = treatment()[0]
    assert isinstance(registered, PatientRegistered)
    put(log, *treatment(), PersonForgotten(**stamp(), patient_id=PATIENT, ground="request"))
    await apply(log, database, sessions, courses)
    db = await queries.pool(database)
    seen = await queries.session(db, SESSION)
    assert seen is not None and seen["name"] is None and seen["number"] == "0417"
    await db.close()
