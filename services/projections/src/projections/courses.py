"""One row a course of treatment, and one a patient: names and free text stay sealed."""

from typing import Literal
from uuid import UUID

from kap.events import Anything
from kap.events.fact import Fact, Frozen
from kap.events.intake import (
    Assessed,
    ConsentGiven,
    ConsentWithdrawn,
    CourseClosed,
    CourseOpened,
    FindingCleared,
    PatientChanged,
    PatientRegistered,
    PersonForgotten,
    PreparationRecorded,
    Prepared,
    VisitPlanned,
)
from pydantic import AwareDatetime, Field

from projections.folded import Folded
from projections.read_model import Apply, ReadModel, together


class Patient(Frozen):
    patient_id: UUID
    number: str
    name: str | None
    contact: str | None
    birth_year: int
    sex_at_birth: Literal["female", "male", "intersex", "unknown"]
    registered_at: AwareDatetime
    forgotten: bool = False
    record_position: int = 0


class Course(Frozen):
    """The facts that stand: the last assessment and what was cleared since, the consent while it stands."""

    course_id: UUID
    patient_id: UUID
    indication: str
    state: Literal["open", "closed"] = "open"
    opened_at: AwareDatetime
    assessed: Assessed | None = None
    cleared: list[FindingCleared] = Field(default=[])
    consent: ConsentGiven | None = None
    consent_withdrawn: ConsentWithdrawn | None = None
    preparations: list[PreparationRecorded] = Field(default=[])
    prepared: Prepared | None = None
    visits: list[VisitPlanned] = Field(default=[])
    closed: CourseClosed | None = None
    record_position: int = 0


def _patient_key(event: Anything) -> UUID | None:
    return UUID(event.aggregate_id) if isinstance(event, Fact) and event.aggregate == "patient" else None


def _course_key(event: Anything) -> UUID | None:
    return UUID(event.aggregate_id) if isinstance(event, Fact) and event.aggregate == "course" else None


def evolve_patient(patient: Patient | None, event: Anything) -> Patient | None:
    if isinstance(event, PatientRegistered):
        return patient or Patient(
            patient_id=event.patient_id,
            number=event.number,
            name=event.name,
            contact=event.contact,
            birth_year=event.birth_year,
            sex_at_birth=event.sex_at_birth,
            registered_at=event.at,
        )
    if patient is None:
        return None
    match event:
        case PatientChanged() if not patient.forgotten:
            changes = {"name": event.name or patient.name, "contact": event.contact or patient.contact}
            return patient.model_copy(update=changes)
        case PersonForgotten():
            return patient.model_copy(update={"name": None, "contact": None, "forgotten": True})
        case _:
            return patient


def evolve_course(course: Course | None, event: Anything) -> Course | None:
    if isinstance(event, CourseOpened):
        return course or Course(
            course_id=event.course_id,
            patient_id=event.patient_id,
            indication=event.indication,
            opened_at=event.at,
        )
    if course is None:
        return None
    match event:
        case Assessed():
            return _with(course, assessed=event, cleared=[])
        case FindingCleared():
            return _with(course, cleared=[*course.cleared, event])
        case ConsentGiven():
            return _with(course, consent=event, consent_withdrawn=None)
        case ConsentWithdrawn():
            return _with(course, consent=None, consent_withdrawn=event)
        case PreparationRecorded():
            return _with(course, preparations=[*course.preparations, event])
        case Prepared():
            return _with(course, prepared=event)
        case VisitPlanned():
            return _with(course, visits=[*course.visits, event])
        case CourseClosed():
            return _with(course, closed=event, state="closed")
        case _:
            return course


def _with(course: Course, **changes: object) -> Course:
    return course.model_copy(update=changes)


patient = Folded("patient", Patient, _patient_key, evolve_patient, {"name": ("text", lambda p: p.name)})

course = Folded(
    "course",
    Course,
    _course_key,
    evolve_course,
    {
        "state": ("text not null", lambda c: c.state),
        "opened_at": ("timestamptz not null", lambda c: c.opened_at),
        "patient_id": ("uuid not null", lambda c: c.patient_id),
    },
)

TABLES = f"""{patient.tables}{course.tables}
create index on course (opened_at);
create index on course (patient_id);
"""


def begin() -> Apply:
    return together(patient.apply, course.apply)


courses = ReadModel("courses-1", "kap.events.>", TABLES, begin, frozenset({"patient", "course"}))
