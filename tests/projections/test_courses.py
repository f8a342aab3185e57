"""A course as its facts stand, with what is needed of its patient; names stay sealed."""

from uuid import UUID

from kap.events.intake import ConsentWithdrawn, CourseClosed, FindingCleared, PatientChanged, PersonForgotten
from kap.testing import MemoryLog
from projections import queries
from projections.read_models import MODELS

from tests.projections.history import COURSE, PATIENT, SESSION, apply, assessed, corrected, put, treatment
from tests.projections.live import sealed, stamp


async def test_a_course_shows_what_stands(database: str) -> None:
    log = MemoryLog()
    put(log, *treatment())
    put(log, FindingCleared(**stamp(), course_id=COURSE, rule="hypertension", reason=sealed("reason")))
    put(log, PatientChanged(**stamp(), patient_id=PATIENT, contact=sealed("contact")))
    await apply(log, database)
    db = await queries.pool(database)
    (listed,) = await queries.courses(db)
    assert (listed["number"], listed["name"], listed["birth_year"]) == ("0417", sealed(), 1980)
    assert listed["state"] == "open" and listed["assessed"]["verdict"] == "eligible"
    assert [cleared["rule"] for cleared in listed["cleared"]] == ["hypertension"]
    assert listed["consent"]["document"] == "consent-2" and listed["prepared"]["education"]
    assert "contact" not in listed

    whole = await queries.course(db, COURSE)
    assert whole is not None and whole["contact"] == sealed("contact")
    assert [session["session_id"] for session in whole["sessions"]] == [str(SESSION)]
    assert len(whole["care_plans"]) == 1
    assert await queries.course(db, UUID(int=9)) is None

    put(log, ConsentWithdrawn(**stamp(), course_id=COURSE), assessed())
    put(log, CourseClosed(**stamp(), course_id=COURSE, outcome="stopped"))
    put(log, PersonForgotten(**stamp(), patient_id=PATIENT, ground="request"))
    await apply(log, database)
    (listed,) = await queries.courses(db)
    assert (listed["consent"], listed["cleared"], listed["state"]) == (None, [], "closed")
    assert (listed["name"], listed["forgotten"], listed["number"]) == (None, True, "0417")
    await db.close()


async def test_a_corrected_assessment_counts_in_its_place(database: str) -> None:
    log = MemoryLog()
    facts = treatment()
    first = facts[2]
    put(log, *facts)
    put(log, FindingCleared(**stamp(), course_id=COURSE, rule="hypertension", reason=sealed("reason")))
    await apply(log, database, MODELS["courses"])
    put(log, corrected(first, assessed(weight_kg=82)))
    await apply(log, database, MODELS["courses"])
    db = await queries.pool(database)
    row = await db.fetchrow(f"select document from {queries.COURSE}")
    assert row is not None and '"weight_kg":82.0' in row["document"]
    assert '"rule":"hypertension"' in row["document"].split('"cleared":')[1]  # cleared after it, still
    await db.close()
