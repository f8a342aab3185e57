"""One course of treatment: from opening through assessment, consent and preparation to its close."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal
from uuid import UUID

from kap import measures
from kap.decider import Command as _Command
from kap.decider import Refused
from kap.events import Anything
from kap.events.fact import Code, Fact, Personal, Room
from kap.events.intake import (
    Assessed,
    ConsentGiven,
    ConsentWithdrawn,
    CourseClosed,
    CourseOpened,
    Finding,
    FindingCleared,
    Measure,
    PreparationRecorded,
    Prepared,
    VisitPlanned,
)
from kap.events.rules import Eligibility, Standing
from kap.events.session import Route
from pydantic import AwareDatetime, Field
from pydantic.json_schema import SkipJsonSchema

from intake import eligibility


class _CourseCommand(_Command):
    course_id: UUID


class OpenCourse(_CourseCommand):
    """`patient` is what the patient's own record says; the service puts it in."""

    type: Literal["OpenCourse"] = "OpenCourse"
    patient_id: UUID
    indication: Code
    patient: Literal["unknown", "registered", "forgotten"] = "unknown"


class Assess(_CourseCommand):
    """`drugs` are the classes of interacting drugs that the patient takes.

    `absent` are the protocol's rules that were asked about and do not apply, and `drug.<class>` of the drugs
    that the patient does not take: what stands nowhere was not asked, and nobody is eligible then.
    `protocols` are those that the clinic has adopted, with their routes; the service puts them in, and the
    protocol's rules of eligibility and the patient's birth year.
    """

    type: Literal["Assess"] = "Assess"
    verdict: Literal["eligible", "deferred", "ineligible"]
    findings: list[Finding] = Field(default=[], max_length=60)
    measures: list[Measure] = Field(default=[], max_length=20)
    weight_kg: float = Field(gt=20, lt=400)
    goals: Personal | None = None
    route: Route
    protocol: Code
    drugs: list[Code] = Field(default=[], max_length=30)
    absent: list[Code] = Field(default=[], max_length=100)
    protocols: dict[str, str] = Field(default={})
    eligibility: SkipJsonSchema[Eligibility | None] = None
    birth_year: SkipJsonSchema[int | None] = None


class ClearFinding(_CourseCommand):
    type: Literal["ClearFinding"] = "ClearFinding"
    rule: Code
    reason: Personal


class GiveConsent(_CourseCommand):
    type: Literal["GiveConsent"] = "GiveConsent"
    document: Code


class WithdrawConsent(_CourseCommand):
    type: Literal["WithdrawConsent"] = "WithdrawConsent"
    reason: Personal | None = None


class RecordPreparation(_CourseCommand):
    type: Literal["RecordPreparation"] = "RecordPreparation"
    text: Personal
    topics: list[Code] = Field(default=[], max_length=20)


class Prepare(_CourseCommand):
    type: Literal["Prepare"] = "Prepare"
    intentions: Personal
    education: bool
    safety_plan: Personal
    ride: Personal
    fasting_explained: bool


class PlanVisit(_CourseCommand):
    """`rooms` are those that the clinic has; the service puts them in."""

    type: Literal["PlanVisit"] = "PlanVisit"
    visit: Literal["assessment", "preparation", "dosing", "integration"]
    planned_for: AwareDatetime
    room: Room | None = None
    rooms: list[str] = Field(default=[])


class CloseCourse(_CourseCommand):
    type: Literal["CloseCourse"] = "CloseCourse"
    outcome: Literal["completed", "stopped", "ineligible", "lost_to_follow_up"]
    reason: Personal | None = None


Command = Annotated[
    OpenCourse
    | Assess
    | ClearFinding
    | GiveConsent
    | WithdrawConsent
    | RecordPreparation
    | Prepare
    | PlanVisit
    | CloseCourse,
    Field(discriminator="type"),
]


@dataclass(frozen=True)
class NotOpened:
    pass


@dataclass(frozen=True)
class Open:
    patient_id: UUID | None = None
    verdict: Literal["eligible", "deferred", "ineligible"] | None = None
    findings: Mapping[str, str] = field(default_factory=dict)  # rule → standing, of the last assessment
    cleared: frozenset[str] = frozenset()
    consent: str | None = None  # the document agreed to, while the consent stands


@dataclass(frozen=True)
class Closed:
    pass


State = NotOpened | Open | Closed


def stream(command: Command) -> str:
    return f"course.{command.course_id}"


def initial() -> State:
    return NotOpened()


def evolve(state: State, event: Anything) -> State:
    match state, event:
        case _, CourseOpened(patient_id=patient_id):
            return Open(patient_id)
        case Open() as course, Assessed(verdict=verdict, findings=findings):
            standing = {finding.rule: finding.standing for finding in findings}
            return replace(course, verdict=verdict, findings=standing, cleared=frozenset())
        case Open() as course, FindingCleared(rule=rule):
            return replace(course, cleared=course.cleared | {rule})
        case Open() as course, ConsentGiven(document=document):
            return replace(course, consent=document)
        case Open() as course, ConsentWithdrawn():
            return replace(course, consent=None)
        case Open(), CourseClosed():
            return Closed()
    return state


def decide(state: State, command: Command) -> Sequence[Fact]:
    match command:
        case OpenCourse():
            return open_course(state, command)
        case Assess():
            return assess(opened(state), command)
        case ClearFinding():
            return clear_finding(opened(state), command)
        case GiveConsent():
            return give_consent(opened(state), command)
        case WithdrawConsent():
            return withdraw_consent(opened(state), command)
        case RecordPreparation():
            return record_preparation(opened(state), command)
        case Prepare():
            return prepare(opened(state), command)
        case PlanVisit():
            return plan_visit(opened(state), command)
        case CloseCourse():
            return close(opened(state), command)


def open_course(state: State, command: OpenCourse) -> Sequence[Fact]:
    if not isinstance(state, NotOpened):
        raise Refused("This course of treatment was opened before.")
    if command.patient == "unknown":
        raise Refused("This patient is not registered.")
    if command.patient == "forgotten":
        raise Refused("This person was forgotten; no course of treatment can be opened for them.")
    return [
        CourseOpened(
            **command.stamp,
            course_id=command.course_id,
            patient_id=command.patient_id,
            indication=command.indication,
        )
    ]


def assess(course: Open, command: Assess) -> Sequence[Fact]:
    rules = [finding.rule for finding in command.findings]
    twice = sorted({rule for rule in rules if rules.count(rule) > 1})
    if twice:
        raise Refused(f"The finding {twice[0]} is listed twice.")
    for measure in command.measures:
        measures.check(measure)
    if command.protocol not in command.protocols:
        raise Refused(f"The clinic has not adopted a protocol named {command.protocol}.")
    route = command.protocols[command.protocol]
    if route != command.route:
        raise Refused(f"The protocol {command.protocol} is for the route {route}, not {command.route}.")
    findings, stops = found(command)
    if command.verdict == "eligible" and stops:
        named = "; ".join(f"{rule} ({said})" if said != rule else rule for rule, said in stops.items())
        points = {rule: f"A hard stop: {words}." for rule, words in stops.items()}
        raise Refused(f"The patient cannot be eligible with a hard stop: {named}.", points)
    if command.verdict == "eligible" and command.eligibility is not None:
        unasked = eligibility.unasked(command.eligibility, findings, command.absent)
        if unasked:
            points = {rule: f"This was not asked: {words}." for rule, words in unasked.items()}
            not_asked = f"Not asked: {', '.join(unasked)}"
            raise Refused(f"Nobody is eligible before everything was asked: defer it. {not_asked}.", points)
    return [
        Assessed(
            **command.stamp,
            course_id=command.course_id,
            verdict=command.verdict,
            findings=findings,
            absent=command.absent,
            measures=command.measures,
            weight_kg=command.weight_kg,
            goals=command.goals,
            route=command.route,
            protocol=command.protocol,
        )
    ]


def found(command: Assess) -> tuple[list[Finding], dict[str, str]]:
    """The findings by the protocol's rules, and those that stop a treatment with their words."""
    rules, born = command.eligibility, command.birth_year
    if rules is None:  # a protocol of before there were rules
        findings = [finding.model_copy(update={"asks": None}) for finding in command.findings]
        return findings, eligibility.stops(findings)
    if born is None:
        raise Refused("The patient's birth year is not on record.")
    findings = eligibility.found(rules, command.findings, command.drugs, born, command.at)
    both = [finding.rule for finding in findings if finding.rule in command.absent]
    if both:
        raise Refused(f"The finding {both[0]} is said to be there and to be absent.")
    return findings, eligibility.stops(findings)


def clear_finding(course: Open, command: ClearFinding) -> Sequence[Fact]:
    standing = course.findings.get(command.rule)
    if standing is None:
        raise Refused(f"The last assessment has no finding {command.rule}.")
    if standing == "hard_stop":
        raise Refused(f"The finding {command.rule} is a hard stop; nobody can clear it.")
    if standing == "note":
        raise Refused(f"The finding {command.rule} is a note; it needs no clearance.")
    if command.role != "prescriber":
        raise Refused("Only a prescriber may clear a finding.")
    if command.rule in course.cleared:
        return []
    return [
        FindingCleared(**command.stamp, course_id=command.course_id, rule=command.rule, reason=command.reason)
    ]


def give_consent(course: Open, command: GiveConsent) -> Sequence[Fact]:
    if course.consent == command.document:
        return []
    return [ConsentGiven(**command.stamp, course_id=command.course_id, document=command.document)]


def withdraw_consent(course: Open, command: WithdrawConsent) -> Sequence[Fact]:
    if course.consent is None:
        raise Refused("There is no consent to withdraw.")
    return [ConsentWithdrawn(**command.stamp, course_id=command.course_id, reason=command.reason)]


def record_preparation(course: Open, command: RecordPreparation) -> Sequence[Fact]:
    return [
        PreparationRecorded(
            **command.stamp, course_id=command.course_id, text=command.text, topics=command.topics
        )
    ]


def prepare(course: Open, command: Prepare) -> Sequence[Fact]:
    if course.verdict is None:
        raise Refused("The patient has not been assessed.")
    if course.verdict != "eligible":
        raise Refused(f"The last assessment found the patient {course.verdict}, not eligible.")
    waiting = [rule for rule, standing in course.findings.items() if standing == "clearance"]
    waiting = [rule for rule in waiting if rule not in course.cleared]
    if waiting:
        raise Refused(f"A prescriber has not yet cleared: {', '.join(waiting)}.")
    if course.consent is None:
        raise Refused("The patient's consent does not stand.")
    if not command.education:
        raise Refused("The patient has not had the education about the treatment yet.")
    if not command.fasting_explained:
        raise Refused("Fasting has not been explained to the patient yet.")
    return [
        Prepared(
            **command.stamp,
            course_id=command.course_id,
            intentions=command.intentions,
            education=command.education,
            safety_plan=command.safety_plan,
            ride=command.ride,
            fasting_explained=command.fasting_explained,
        )
    ]


def plan_visit(course: Open, command: PlanVisit) -> Sequence[Fact]:
    if command.room is not None and command.room not in command.rooms:
        raise Refused(f"The clinic has no room {command.room}.")
    return [
        VisitPlanned(
            **command.stamp,
            course_id=command.course_id,
            visit=command.visit,
            planned_for=command.planned_for,
            room=command.room,
        )
    ]


def close(course: Open, command: CloseCourse) -> Sequence[Fact]:
    return [
        CourseClosed(
            **command.stamp, course_id=command.course_id, outcome=command.outcome, reason=command.reason
        )
    ]


def opened(state: State) -> Open:
    if isinstance(state, NotOpened):
        raise Refused("This course of treatment has not been opened.")
    if isinstance(state, Closed):
        raise Refused("This course of treatment is closed.")
    return state


def revise(state: State, entry: Fact, instead: Fact) -> Fact:
    if isinstance(entry, Assessed) and isinstance(instead, Assessed):
        if _found(entry) != _found(instead):
            raise Refused("Other findings are another assessment: assess the patient again.")
        for measure in instead.measures:
            measures.check(measure)
    return instead


def _found(assessed: Assessed) -> dict[str, tuple[Standing, str | None]]:
    return {finding.rule: (finding.standing, finding.asks) for finding in assessed.findings}
