"""What can happen before and around the dosing sessions: the patient, the clinic, the course of treatment.

These names and fields are kept for as long as the clinic keeps records: add, never change.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from kap.events.fact import Actor, Aggregate, Code, Fact, Frozen, Personal, Room
from kap.events.rules import Eligibility
from kap.events.session import Route


class _Patient(Fact):
    aggregate: ClassVar[Aggregate] = "patient"
    patient_id: UUID


class PatientRegistered(_Patient):
    """`number` is the clinic's own opaque number, made up for KAP; never a health-record number."""

    type: Literal["PatientRegistered"] = "PatientRegistered"
    name: Personal
    number: str = Field(pattern=r"^[0-9]{4,8}$")
    birth_year: int = Field(ge=1900, le=2100)
    sex_at_birth: Literal["female", "male", "intersex", "unknown"]
    contact: Personal | None = None


class PatientChanged(_Patient):
    type: Literal["PatientChanged"] = "PatientChanged"
    name: Personal | None = None
    contact: Personal | None = None


class PersonForgotten(_Patient):
    """The person's key is erased: name and free text are unreadable from here on, everywhere."""

    type: Literal["PersonForgotten"] = "PersonForgotten"
    ground: Literal["request", "retention_ended", "registered_in_error"]


class _Clinic(Fact):
    aggregate: ClassVar[Aggregate] = "clinic"
    clinic: str = Field(pattern=r"^[a-z0-9-]{1,32}$")

    @property
    def aggregate_id(self) -> str:
        return self.clinic


class ProtocolAdopted(_Clinic):
    """The whole protocol and its digest, so that a session's limits can be read for ever."""

    kept = frozenset({"protocol", "version", "digest", "content", "signed_off_by"})
    type: Literal["ProtocolAdopted"] = "ProtocolAdopted"
    protocol: Code
    version: int = Field(ge=1)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    content: dict[str, JsonValue]
    signed_off_by: Actor | None = None

    @property
    def eligibility(self) -> Eligibility | None:
        """Whom the protocol is for. None: adopted before protocols said that."""
        rules = self.content.get("eligibility")
        return None if rules is None else Eligibility.model_validate(rules)


class RoomDefined(_Clinic):
    type: Literal["RoomDefined"] = "RoomDefined"
    room: Room
    title: str = Field(default="", max_length=40)


class _Course(Fact):
    aggregate: ClassVar[Aggregate] = "course"
    course_id: UUID


class CourseOpened(_Course):
    kept = frozenset({"patient_id"})
    type: Literal["CourseOpened"] = "CourseOpened"
    patient_id: UUID
    indication: Code


class Finding(Frozen):
    """An eligibility rule that applies to this patient (clinical.md A1.1); `asks` is the protocol's."""

    rule: Code
    standing: Literal["hard_stop", "clearance", "note"]
    note: Personal | None = None
    asks: str | None = Field(default=None, max_length=200)


class Measure(Frozen):
    """A questionnaire's result: `total` in its own points, `items` in its own order."""

    instrument: Code
    total: int | None = Field(default=None, ge=0, le=200)
    items: list[int] | None = Field(default=None, max_length=40)


class Assessed(_Course):
    """The comprehensive assessment. Weight in kg. `absent`: what was asked about and is not there."""

    kept = frozenset({"verdict", "absent", "route", "protocol"})  # another verdict is another assessment
    type: Literal["Assessed"] = "Assessed"
    verdict: Literal["eligible", "deferred", "ineligible"]
    findings: list[Finding] = Field(default=[], max_length=60)
    absent: list[Code] = Field(default=[], max_length=100)
    measures: list[Measure] = Field(default=[], max_length=20)
    weight_kg: float = Field(gt=20, lt=400)
    goals: Personal | None = None
    route: Route
    protocol: Code


class FindingCleared(_Course):
    kept = frozenset({"rule"})
    type: Literal["FindingCleared"] = "FindingCleared"
    rule: Code
    reason: Personal


class ConsentGiven(_Course):
    type: Literal["ConsentGiven"] = "ConsentGiven"
    document: Code


class ConsentWithdrawn(_Course):
    type: Literal["ConsentWithdrawn"] = "ConsentWithdrawn"
    reason: Personal | None = None


class PreparationRecorded(_Course):
    type: Literal["PreparationRecorded"] = "PreparationRecorded"
    text: Personal
    topics: list[Code] = Field(default=[], max_length=20)


class Prepared(_Course):
    """The patient is ready for a first session: intentions, education, safety plan, ride, fasting."""

    type: Literal["Prepared"] = "Prepared"
    intentions: Personal
    education: bool
    safety_plan: Personal
    ride: Personal
    fasting_explained: bool


class VisitPlanned(_Course):
    type: Literal["VisitPlanned"] = "VisitPlanned"
    visit: Literal["assessment", "preparation", "dosing", "integration"]
    planned_for: AwareDatetime
    room: Room | None = None


class CourseClosed(_Course):
    type: Literal["CourseClosed"] = "CourseClosed"
    outcome: Literal["completed", "stopped", "ineligible", "lost_to_follow_up"]
    reason: Personal | None = None


IntakeEvent = Annotated[
    PatientRegistered
    | PatientChanged
    | PersonForgotten
    | ProtocolAdopted
    | RoomDefined
    | CourseOpened
    | Assessed
    | FindingCleared
    | ConsentGiven
    | ConsentWithdrawn
    | PreparationRecorded
    | Prepared
    | VisitPlanned
    | CourseClosed,
    Field(discriminator="type"),
]
