"""What a session needs to know of its course, patient and clinic: small folds over their own events."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

from kap.events import Anything
from kap.events.fact import Code, Frozen
from kap.events.intake import (
    Assessed,
    ConsentGiven,
    ConsentWithdrawn,
    CourseClosed,
    CourseOpened,
    PatientRegistered,
    PersonForgotten,
    Prepared,
    ProtocolAdopted,
)
from kap.events.rules import SessionRules
from kap.events.session import ExpectedCourse, Limits, ProtocolRef, Route


class CourseStanding(Frozen):
    """A course of treatment as far as a session depends on it. Weight in kg."""

    patient_id: UUID
    verdict: Literal["eligible", "deferred", "ineligible"] | None = None
    route: Route | None = None
    protocol: Code | None = None
    weight_kg: float | None = None
    prepared: bool = False
    consent: Literal["none", "given", "withdrawn"] = "none"
    closed: bool = False


class AdoptedProtocol(Frozen):
    """The clinic's protocol as a session starts with it; no rules in one of before protocols had gates."""

    ref: ProtocolRef
    limits: Limits
    expected: ExpectedCourse
    rules: SessionRules | None = None


def course_standing(events: Iterable[Anything]) -> CourseStanding | None:
    """None when the course was never opened. The latest assessment is the one that counts."""
    standing: CourseStanding | None = None
    for event in events:
        if isinstance(event, CourseOpened):
            standing = CourseStanding(patient_id=event.patient_id)
        if standing is not None:
            standing = standing.model_copy(update=_change(event))
    return standing


def _change(event: Anything) -> dict[str, object]:
    match event:
        case Assessed():
            return {
                "verdict": event.verdict,
                "route": event.route,
                "protocol": event.protocol,
                "weight_kg": event.weight_kg,
                "prepared": False,  # for what was found before: a new assessment wants a new preparation
            }
        case Prepared():
            return {"prepared": True}
        case ConsentGiven():
            return {"consent": "given"}
        case ConsentWithdrawn():
            return {"consent": "withdrawn"}
        case CourseClosed():
            return {"closed": True}
    return {}


def patient_number(events: Iterable[Anything]) -> str | None:
    """The clinic's own number of the patient; None for one who is unknown or forgotten."""
    number: str | None = None
    for event in events:
        match event:
            case PatientRegistered():
                number = event.number
            case PersonForgotten():
                number = None
    return number


def may_be_pregnant(events: Iterable[Anything], to_age: int, at: datetime) -> bool:
    """Whether pregnancy is asked about: not of whom the record calls male or older. Unknown is not no."""
    for event in events:
        if isinstance(event, PatientRegistered):
            youngest = at.year - event.birth_year - 1
            return event.sex_at_birth != "male" and youngest <= to_age
    return True


def adopted(events: Iterable[Anything], name: str) -> AdoptedProtocol | None:
    """The protocol of that name that the clinic adopted last."""
    found: ProtocolAdopted | None = None
    for event in events:
        if isinstance(event, ProtocolAdopted) and event.protocol == name:
            found = event
    if found is None:
        return None
    return AdoptedProtocol(
        ref=ProtocolRef(name=found.protocol, version=found.version, digest=found.digest),
        limits=Limits.model_validate(found.content["limits"]),
        expected=ExpectedCourse.model_validate(found.content["expected"]),
        rules=SessionRules.model_validate(found.content) if "gates" in found.content else None,
    )
