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
from pydantic import Field

MOST_CHECKS = 40  # that an expected course holds


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
    findings: list[Code] = Field(default=[])  # the rules that the last assessment found to apply


class AdoptedProtocol(Frozen):
    """The clinic's protocol as a session starts with it; no rules in one of before protocols had gates."""

    ref: ProtocolRef
    limits: Limits
    expected: ExpectedCourse
    rules: SessionRules | None = None
    longer_stay_min: dict[Code, float] = Field(default={})  # by the finding that asks for it


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
                "findings": [finding.rule for finding in event.findings],
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
        longer_stay_min=_longer_stays(found),
    )


def _longer_stays(adopted: ProtocolAdopted) -> dict[Code, float]:
    rules = adopted.eligibility.rules if adopted.eligibility is not None else {}
    return {name: rule.longer_stay_min for name, rule in rules.items() if rule.longer_stay_min is not None}


def expected_for(protocol: AdoptedProtocol, course: CourseStanding) -> ExpectedCourse:
    """The protocol's expected course; what was found may lengthen the stay, and the checks with it.

    A check that is added wants MOAA/S when the last one does.
    """
    expected = protocol.expected
    longer = max((protocol.longer_stay_min.get(rule, 0) for rule in course.findings), default=0)
    if not longer:
        return expected
    stay = expected.minimum_stay_min + longer
    checks = list(expected.checks_min)
    moaas = list(expected.moaas_min)
    step = checks[-1] - checks[-2] if len(checks) > 1 else stay
    while checks and checks[-1] < stay and len(checks) < MOST_CHECKS:
        if moaas and moaas[-1] == checks[-1]:
            moaas.append(min(checks[-1] + step, stay))
        checks.append(min(checks[-1] + step, stay))
    longer_course = {"minimum_stay_min": stay, "checks_min": checks, "moaas_min": moaas}
    return expected.model_copy(update=longer_course)
