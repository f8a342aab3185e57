"""What follows one discharge: the integration visits that are due, held or missed, and the measures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID, uuid5

from kap import measures
from kap.decider import Command as _Command
from kap.decider import Refused
from kap.events import Anything
from kap.events.fact import Fact, Personal
from kap.events.intake import Measure
from kap.events.integration import (
    CarePlanClosed,
    CarePlanned,
    Integrated,
    MeasureRecorded,
    VisitMissed,
)
from kap.events.session import Discharged
from pydantic import AwareDatetime, Field

# [D] proposed default, to be signed off by the clinic
DUE_AFTER = (timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=14))

_PLANS = UUID("0c0f5a0e-2f0b-5d53-9b53-5a2f5b9d1c11")


class _CarePlanCommand(_Command):
    care_plan_id: UUID


class PlanCare(_CarePlanCommand):
    """What a discharge causes; see `after`. Nobody sends it: it is not on the wire."""

    type: Literal["PlanCare"] = "PlanCare"
    session_id: UUID
    course_id: UUID
    patient_id: UUID
    discharged_at: AwareDatetime


class RecordIntegration(_CarePlanCommand):
    type: Literal["RecordIntegration"] = "RecordIntegration"
    visit: int = Field(ge=1, le=100)
    themes: Personal
    insights: Personal | None = None
    practices: Personal | None = None
    measures: list[Measure] = Field(default=[], max_length=20)


class RecordMeasure(_CarePlanCommand):
    type: Literal["RecordMeasure"] = "RecordMeasure"
    measure: Measure


class MissVisit(_CarePlanCommand):
    type: Literal["MissVisit"] = "MissVisit"
    visit: int = Field(ge=1, le=100)
    reason: Personal | None = None


class CloseCarePlan(_CarePlanCommand):
    type: Literal["CloseCarePlan"] = "CloseCarePlan"
    outcome: Literal["completed", "stopped", "lost_to_follow_up"]


Command = PlanCare | RecordIntegration | RecordMeasure | MissVisit | CloseCarePlan
OnTheWire = Annotated[
    RecordIntegration | RecordMeasure | MissVisit | CloseCarePlan, Field(discriminator="type")
]


def after(discharged: Discharged) -> PlanCare:
    """The plan that follows a discharge: its ids are made of the session's, so there is one for each."""
    plan = uuid5(_PLANS, str(discharged.session_id))
    return PlanCare(
        id=uuid5(plan, "PlanCare"),
        at=discharged.at,
        by="service:integration",
        role="service",
        care_plan_id=plan,
        session_id=discharged.session_id,
        course_id=discharged.course_id,
        patient_id=discharged.patient_id,
        discharged_at=discharged.at,
    )


@dataclass(frozen=True)
class NotPlanned:
    pass


@dataclass(frozen=True)
class Planned:
    held: frozenset[int] = frozenset()
    missed: frozenset[int] = frozenset()
    closed: bool = False


State = NotPlanned | Planned


def stream(command: Command) -> str:
    return f"care_plan.{command.care_plan_id}"


def initial() -> State:
    return NotPlanned()


def evolve(state: State, event: Anything) -> State:
    match state, event:
        case _, CarePlanned():
            return Planned()
        case Planned() as plan, Integrated(visit=visit):
            return replace(plan, held=plan.held | {visit})
        case Planned() as plan, VisitMissed(visit=visit):
            return replace(plan, missed=plan.missed | {visit})
        case Planned() as plan, CarePlanClosed():
            return replace(plan, closed=True)
    return state


def decide(state: State, command: Command) -> Sequence[Fact]:
    match command:
        case PlanCare():
            return plan_care(state, command)
        case RecordIntegration():
            return record_integration(open_plan(state), command)
        case RecordMeasure():
            return record_measure(open_plan(state), command)
        case MissVisit():
            return miss_visit(open_plan(state), command)
        case CloseCarePlan():
            return close(open_plan(state), command)


def plan_care(state: State, command: PlanCare) -> Sequence[Fact]:
    if isinstance(state, Planned):
        return []
    return [
        CarePlanned(
            **command.stamp,
            care_plan_id=command.care_plan_id,
            session_id=command.session_id,
            course_id=command.course_id,
            patient_id=command.patient_id,
            visits_due=[command.discharged_at + due for due in DUE_AFTER],
        )
    ]


def record_integration(plan: Planned, command: RecordIntegration) -> Sequence[Fact]:
    if command.visit in plan.held:
        raise Refused(f"Integration visit {command.visit} is already on record.")
    for measure in command.measures:
        measures.check(measure)
    return [
        Integrated(
            **command.stamp,
            care_plan_id=command.care_plan_id,
            visit=command.visit,
            themes=command.themes,
            insights=command.insights,
            practices=command.practices,
            measures=command.measures,
        )
    ]


def record_measure(plan: Planned, command: RecordMeasure) -> Sequence[Fact]:
    measures.check(command.measure)
    return [MeasureRecorded(**command.stamp, care_plan_id=command.care_plan_id, measure=command.measure)]


def miss_visit(plan: Planned, command: MissVisit) -> Sequence[Fact]:
    if command.visit in plan.held:
        raise Refused(f"Integration visit {command.visit} took place; it cannot be missed.")
    if command.visit in plan.missed:
        return []
    return [
        VisitMissed(
            **command.stamp, care_plan_id=command.care_plan_id, visit=command.visit, reason=command.reason
        )
    ]


def close(plan: Planned, command: CloseCarePlan) -> Sequence[Fact]:
    return [CarePlanClosed(**command.stamp, care_plan_id=command.care_plan_id, outcome=command.outcome)]


def open_plan(state: State) -> Planned:
    if isinstance(state, NotPlanned):
        raise Refused("There is no such care plan: one follows each discharge by itself.")
    if state.closed:
        raise Refused("This care plan is closed.")
    return state


def revise(state: State, entry: Fact, instead: Fact) -> Fact:
    match instead:
        case Integrated(measures=taken):
            for measure in taken:
                measures.check(measure)
        case MeasureRecorded(measure=measure):
            measures.check(measure)
    return instead
