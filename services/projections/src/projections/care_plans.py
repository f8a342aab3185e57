"""One row a care plan, one a task, and each course's baseline: what is due, how the measures go."""

from typing import Literal
from uuid import UUID

from kap.events import Anything
from kap.events.fact import Frozen
from kap.events.intake import Assessed, CourseOpened
from kap.events.integration import (
    CarePlanClosed,
    CarePlanned,
    Integrated,
    MeasureRecorded,
    TaskAnswered,
    TaskOpened,
    VisitMissed,
)
from pydantic import AwareDatetime, Field

from projections.folded import Folded
from projections.read_model import Apply, ReadModel, together


class CarePlan(Frozen):
    """Visit n is due at the n-th of `visits_due`; it is over when it was held or missed."""

    care_plan_id: UUID
    session_id: UUID
    course_id: UUID
    patient_id: UUID
    state: Literal["open", "closed"] = "open"
    planned_at: AwareDatetime
    visits_due: list[AwareDatetime]
    held: list[Integrated] = Field(default=[])
    missed: list[VisitMissed] = Field(default=[])
    measures: list[MeasureRecorded] = Field(default=[])
    closed: CarePlanClosed | None = None
    record_position: int = 0


class Task(Frozen):
    task_id: UUID
    patient_id: UUID
    state: Literal["open", "answered"] = "open"
    opened: TaskOpened
    answered: TaskAnswered | None = None
    record_position: int = 0


class Baseline(Frozen):
    """Every assessment of a course: its measures stand at the start of the patient's line."""

    course_id: UUID
    patient_id: UUID
    assessed: list[Assessed] = Field(default=[])
    record_position: int = 0


def _plan_key(event: Anything) -> UUID | None:
    if isinstance(event, CarePlanned | Integrated | VisitMissed | MeasureRecorded | CarePlanClosed):
        return event.care_plan_id
    return None


def _task_key(event: Anything) -> UUID | None:
    return event.task_id if isinstance(event, TaskOpened | TaskAnswered) else None


def _baseline_key(event: Anything) -> UUID | None:
    return event.course_id if isinstance(event, CourseOpened | Assessed) else None


def evolve_plan(plan: CarePlan | None, event: Anything) -> CarePlan | None:
    if isinstance(event, CarePlanned):
        return plan or CarePlan(
            care_plan_id=event.care_plan_id,
            session_id=event.session_id,
            course_id=event.course_id,
            patient_id=event.patient_id,
            planned_at=event.at,
            visits_due=event.visits_due,
        )
    if plan is None:
        return None
    match event:
        case Integrated():
            return plan.model_copy(update={"held": [*plan.held, event]})
        case VisitMissed():
            return plan.model_copy(update={"missed": [*plan.missed, event]})
        case MeasureRecorded():
            return plan.model_copy(update={"measures": [*plan.measures, event]})
        case CarePlanClosed():
            return plan.model_copy(update={"closed": event, "state": "closed"})
        case _:
            return plan


def evolve_task(task: Task | None, event: Anything) -> Task | None:
    match event:
        case TaskOpened():
            return task or Task(task_id=event.task_id, patient_id=event.patient_id, opened=event)
        case TaskAnswered() if task is not None:
            return task.model_copy(update={"answered": event, "state": "answered"})
        case _:
            return task


def evolve_baseline(baseline: Baseline | None, event: Anything) -> Baseline | None:
    match event:
        case CourseOpened():
            return baseline or Baseline(course_id=event.course_id, patient_id=event.patient_id)
        case Assessed() if baseline is not None:
            return baseline.model_copy(update={"assessed": [*baseline.assessed, event]})
        case _:
            return baseline


plan = Folded(
    "care_plan",
    CarePlan,
    _plan_key,
    evolve_plan,
    {
        "state": ("text not null", lambda p: p.state),
        "patient_id": ("uuid not null", lambda p: p.patient_id),
        "course_id": ("uuid not null", lambda p: p.course_id),
    },
)

task = Folded(
    "task",
    Task,
    _task_key,
    evolve_task,
    {
        "state": ("text not null", lambda t: t.state),
        "patient_id": ("uuid not null", lambda t: t.patient_id),
    },
)

baseline = Folded(
    "baseline",
    Baseline,
    _baseline_key,
    evolve_baseline,
    {"patient_id": ("uuid not null", lambda b: b.patient_id)},
)

TABLES = f"""{plan.tables}{task.tables}{baseline.tables}
create index on care_plan (patient_id);
create index on care_plan (course_id);
create index on care_plan (id) where state = 'open';
create index on task (patient_id);
create index on task (id) where state = 'open';
create index on baseline (patient_id);
"""


def begin() -> Apply:
    return together(plan.apply, task.apply, baseline.apply)


care_plans = ReadModel(
    "care_plans-1", "kap.events.>", TABLES, begin, frozenset({"course", "care_plan", "task"})
)
