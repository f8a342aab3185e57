"""What follows a session: visits due and held, tasks, and the patient's measures in a line."""

from datetime import timedelta
from uuid import UUID

from kap.events.integration import CarePlanClosed, TaskAnswered, VisitMissed
from kap.testing import MemoryLog
from projections import queries

from tests.projections.history import (
    COURSE,
    PATIENT,
    PLAN,
    SESSION,
    TASK,
    apply,
    assessed,
    corrected,
    put,
    treatment,
)
from tests.projections.live import START, stamp


async def test_the_measures_of_a_patient_in_the_order_of_time(database: str) -> None:
    log = MemoryLog()
    facts = treatment()
    put(log, *facts)
    await apply(log, database)
    db = await queries.pool(database)
    line = await queries.outcomes(db, PATIENT)
    assert line is not None
    assert [(m["instrument"], m["total"], m["source"], m["visit"]) for m in line["measures"]] == [
        ("phq-9", 18, "assessment", None),
        ("phq-9", 9, "integration", 1),
        ("gad-7", 6, "measure", None),
    ]
    assert [session["session_id"] for session in line["sessions"]] == [str(SESSION)]
    assert line["sessions"][0]["doses"][0]["dose"]["milligrams"] == 50
    assert await queries.outcomes(db, UUID(int=9)) is None

    put(log, corrected(facts[2], assessed(total=21)))
    await apply(log, database)
    line = await queries.outcomes(db, PATIENT)
    assert line is not None and line["measures"][0]["total"] == 21
    await db.close()


async def test_the_worklist_holds_what_is_due_until_it_is_done(database: str) -> None:
    log = MemoryLog()
    facts = treatment()
    before_session = [fact for fact in facts[:7]]
    put(log, *before_session)
    await apply(log, database)
    db = await queries.pool(database)
    (planned,) = await queries.worklist(db)
    assert (planned["kind"], planned["visit"], planned["room"]) == ("visit", "dosing", "3")
    assert (planned["course_id"], planned["number"]) == (str(COURSE), "0417")

    put(log, *facts[7:])
    await apply(log, database)
    due, task = await queries.worklist(db)
    assert (due["kind"], due["visit"], due["care_plan_id"]) == ("integration", 2, str(PLAN))
    assert due["due"] == (START + timedelta(days=7)).isoformat().replace("+00:00", "Z")
    assert (task["kind"], task["task_id"], task["due"]) == ("task", str(TASK), None)

    missed = VisitMissed(**stamp(), care_plan_id=PLAN, visit=2)
    put(log, TaskAnswered(**stamp(), task_id=TASK, answer="done"), missed)
    await apply(log, database)
    assert await queries.worklist(db) == []
    put(log, corrected(missed))
    await apply(log, database)
    assert [item["visit"] for item in await queries.worklist(db)] == [2]
    put(log, CarePlanClosed(**stamp(), care_plan_id=PLAN, outcome="completed"))
    await apply(log, database)
    assert await queries.worklist(db) == []
    await db.close()
