"""What can happen after a session: the care plan, its visits and measures, the tasks given to people.

These names and fields are kept for as long as the clinic keeps records: add, never change.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kap.events.fact import Actor, Aggregate, Code, Fact, Personal
from kap.events.intake import Measure


class _CarePlan(Fact):
    aggregate: ClassVar[Aggregate] = "care_plan"
    care_plan_id: UUID


class CarePlanned(_CarePlan):
    """Follows a discharge by itself; the id is made of the session's, so there is one for each."""

    type: Literal["CarePlanned"] = "CarePlanned"
    session_id: UUID
    course_id: UUID
    patient_id: UUID
    visits_due: list[AwareDatetime] = Field(max_length=20)


class Integrated(_CarePlan):
    """An integration visit took place. `visit` counts from 1."""

    type: Literal["Integrated"] = "Integrated"
    visit: int = Field(ge=1, le=100)
    themes: Personal
    insights: Personal | None = None
    practices: Personal | None = None
    measures: list[Measure] = Field(default=[], max_length=20)


class MeasureRecorded(_CarePlan):
    type: Literal["MeasureRecorded"] = "MeasureRecorded"
    measure: Measure


class VisitMissed(_CarePlan):
    type: Literal["VisitMissed"] = "VisitMissed"
    visit: int = Field(ge=1, le=100)
    reason: Personal | None = None


class CarePlanClosed(_CarePlan):
    type: Literal["CarePlanClosed"] = "CarePlanClosed"
    outcome: Literal["completed", "stopped", "lost_to_follow_up"]


class _Task(Fact):
    aggregate: ClassVar[Aggregate] = "task"
    task_id: UUID


class TaskOpened(_Task):
    """`session_id`: the session that asks for it, where one does."""

    type: Literal["TaskOpened"] = "TaskOpened"
    patient_id: UUID
    session_id: UUID | None = None
    kind: Code
    assigned_to: Actor | None = None
    due: AwareDatetime | None = None
    text: Personal | None = None


class TaskAnswered(_Task):
    type: Literal["TaskAnswered"] = "TaskAnswered"
    answer: Code
    text: Personal | None = None


IntegrationEvent = Annotated[
    CarePlanned | Integrated | MeasureRecorded | VisitMissed | CarePlanClosed | TaskOpened | TaskAnswered,
    Field(discriminator="type"),
]
