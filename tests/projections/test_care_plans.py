"""What follows a session: visits due and held, tasks, and the patient's measures in a line."""

from datetime import timedelta
from uuid import UUID, uuid4

from kap.events.integration import CarePlanClosed, TaskAnswered, TaskOpened, VisitMissed
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


async def test_a_task_of_a_session_is_on_the_worklist_with_it_and_stays_readable_when_answered(
    database: str,
) -> None:
    log, due = MemoryLog(), START + timedelta(days=7)
    asked = TaskOpened(
        **stamp(by="service:integration"),
        task_id=uuid4(),
        patient_id=PATIENT,
        session_id=SESSION,
        kind="rems-monitoring-form",
        due=due,
    )
    put(log, *treatment(), asked)
    await apply(log, database)
    db = await queries.pool(database)
    [item] = [item for item in await queries.worklist(db) if item.get("task") == asked.kind]
    assert (item["session_id"], item["task_id"]) == (str(SESSION), str(asked.task_id))
    assert item["due"] == due.isoformat().replace("+00:00", "Z")
    [task] = await queries.tasks(db, PATIENT, SESSION)  # not the other, which is nobody's session's
    assert (task["state"], task["opened"]["kind"], task["answered"]) == ("open", asked.kind, None)

    sent = TaskAnswered(**stamp(), task_id=asked.task_id, answer="sent")
    put(log, sent)
    await apply(log, database)
    assert not [item for item in await queries.worklist(db) if item.get("task") == asked.kind]
    [task] = await queries.tasks(db, PATIENT, SESSION)
    assert (task["answered"]["answer"], task["answered"]["by_name"]) == ("sent", None)
    put(log, corrected(sent))  # it was not
    await apply(log, database)
    [task] = await queries.tasks(db, PATIENT, SESSION)
    assert (task["state"], task["answered"]) == ("open", None)
    assert await queries.tasks(db, PATIENT, UUID(int=9)) == []
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
