"""One dosing session: what may happen next, given what has happened so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from kap.decider import Command, CorrectEntry, Refused
from kap.events import Anything
from kap.events.fact import Actor, Code, DeviceId, Fact, Personal, Room
from kap.events.session import (
    AdverseEventRecorded,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmPaused,
    AlarmRaised,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    Dose,
    DoseChecked,
    Dosed,
    Drug,
    GateOverridden,
    InterventionRecorded,
    Limits,
    LimitsChanged,
    NoteRecorded,
    ObservationRecorded,
    PreDoseChecked,
    Priority,
    ResponsibleChanged,
    Route,
    SessionAborted,
    SessionOpened,
)
from kap.events.vitals import Signal
from pydantic import AwareDatetime, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from session_monitor.standing import AdoptedProtocol, CourseStanding

WATCH = "service:session-monitor"

# two entries of one dose are told from two doses by this; a booster says `additional`
SAME_DOSE_WITHIN = timedelta(minutes=10)
NOTES_UNTIL = timedelta(hours=24)
PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(minutes=10)
CLOCKS_AGREE = timedelta(minutes=1)  # two browsers' clocks

DRUGS: dict[Route, Drug] = {
    "intramuscular": "ketamine",
    "sublingual": "ketamine",
    "intranasal": "ketamine",
    "spravato": "esketamine",
}


class _OfSession(Command):
    session_id: UUID


class OpenSession(_OfSession):
    """The edge adds what the log says of course, patient, protocol and room, whatever a sender put there."""

    type: Literal["OpenSession"] = "OpenSession"
    course_id: UUID
    room: Room
    course: SkipJsonSchema[CourseStanding | None] = None
    patient_number: SkipJsonSchema[str | None] = None
    protocol: SkipJsonSchema[AdoptedProtocol | None] = None
    room_in_use: SkipJsonSchema[bool] = False
    course_in_room: SkipJsonSchema[Room | None] = None


class AttachDevice(_OfSession):
    """The edge adds the room of another open session that the device is attached to."""

    type: Literal["AttachDevice"] = "AttachDevice"
    device_id: DeviceId
    attached_in: SkipJsonSchema[Room | None] = None


class DetachDevice(_OfSession):
    type: Literal["DetachDevice"] = "DetachDevice"
    device_id: DeviceId


class ChangeResponsible(_OfSession):
    type: Literal["ChangeResponsible"] = "ChangeResponsible"
    responsible: Actor


class ChangeLimits(_OfSession):
    type: Literal["ChangeLimits"] = "ChangeLimits"
    limits: Limits
    reason: Personal


class CheckPreDose(_OfSession):
    """mm[Hg], /min, %."""

    type: Literal["CheckPreDose"] = "CheckPreDose"
    systolic: int = Field(ge=40, le=300)
    diastolic: int = Field(ge=20, le=200)
    heart_rate: int = Field(ge=20, le=300)
    spo2: int = Field(ge=50, le=100)
    respiratory_rate: int | None = Field(default=None, ge=0, le=80)
    fasting: bool
    ride_arranged: bool
    suicidal_ideation_new: bool | None = None


class OverrideGate(_OfSession):
    type: Literal["OverrideGate"] = "OverrideGate"
    gate: Code
    reason: Personal


class CheckDose(_OfSession):
    type: Literal["CheckDose"] = "CheckDose"
    dose: Dose


class GiveDose(_OfSession):
    """The edge adds how the course stands now: consent may have been withdrawn since the session opened."""

    type: Literal["GiveDose"] = "GiveDose"
    dose: Dose
    additional: bool = False
    course: SkipJsonSchema[CourseStanding | None] = None


class RecordObservation(_OfSession):
    """MOAA/S 0–5 (5 awake); dissociation, nausea, pain 0–10; symptoms by code."""

    type: Literal["RecordObservation"] = "RecordObservation"
    moaas: int | None = Field(default=None, ge=0, le=5)
    dissociation: int | None = Field(default=None, ge=0, le=10)
    nausea: int | None = Field(default=None, ge=0, le=10)
    pain: int | None = Field(default=None, ge=0, le=10)
    symptoms: list[Code] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _something(self) -> "RecordObservation":
        if not self.symptoms and {self.moaas, self.dissociation, self.nausea, self.pain} == {None}:
            raise ValueError("an observation holds at least one value")
        return self


class RecordNote(_OfSession):
    type: Literal["RecordNote"] = "RecordNote"
    text: Personal


class RecordVitals(_OfSession):
    """A manual reading. Nobody decides it: it goes to VITALS, not through `decide`."""

    type: Literal["RecordVitals"] = "RecordVitals"
    signals: dict[Signal, float] = Field(min_length=1)


class AcknowledgeAlarm(_OfSession):
    type: Literal["AcknowledgeAlarm"] = "AcknowledgeAlarm"
    alarm_id: UUID


class PauseAlarm(_OfSession):
    """Silence one alarm until then: two minutes when it is not said, ten at most."""

    type: Literal["PauseAlarm"] = "PauseAlarm"
    alarm_id: UUID
    until: AwareDatetime | None = None


class RecordAdverseEvent(_OfSession):
    type: Literal["RecordAdverseEvent"] = "RecordAdverseEvent"
    category: Code
    severity: Literal["minimal", "minor", "moderate", "sentinel"]
    text: Personal | None = None


class RecordIntervention(_OfSession):
    type: Literal["RecordIntervention"] = "RecordIntervention"
    kind: Code
    text: Personal | None = None


class Discharge(_OfSession):
    type: Literal["Discharge"] = "Discharge"
    instructions_given: bool
    escort: Personal | None = None


class AbortSession(_OfSession):
    type: Literal["AbortSession"] = "AbortSession"
    reason: Personal


class RaiseAlarm(_OfSession):
    """The watch alone raises, clears and escalates; repeating it adds nothing."""

    type: Literal["RaiseAlarm"] = "RaiseAlarm"
    alarm_id: UUID
    rule: Code
    priority: Priority
    kind: Literal["physiological", "technical"]
    text: str = Field(max_length=80)
    signal: Code | None = None
    value: float | None = None
    limit: float | None = None
    device_id: DeviceId | None = None
    onset: AwareDatetime
    late: bool = False


class ClearAlarm(_OfSession):
    type: Literal["ClearAlarm"] = "ClearAlarm"
    alarm_id: UUID
    late: bool = False


class EscalateAlarm(_OfSession):
    type: Literal["EscalateAlarm"] = "EscalateAlarm"
    alarm_id: UUID
    priority: Priority


WatchCommand = RaiseAlarm | ClearAlarm | EscalateAlarm
StaffCommand = (
    OpenSession
    | AttachDevice
    | DetachDevice
    | ChangeResponsible
    | ChangeLimits
    | CheckPreDose
    | OverrideGate
    | CheckDose
    | GiveDose
    | RecordObservation
    | RecordNote
    | AcknowledgeAlarm
    | PauseAlarm
    | RecordAdverseEvent
    | RecordIntervention
    | Discharge
    | AbortSession
)
SessionCommand = StaffCommand | WatchCommand
Wire = Annotated[StaffCommand | RecordVitals | CorrectEntry, Field(discriminator="type")]


@dataclass(frozen=True)
class NotOpened:
    pass


@dataclass(frozen=True)
class Alarm:
    priority: Priority
    acknowledged_by: str | None = None
    cleared: bool = False


@dataclass(frozen=True)
class Session:
    opened: SessionOpened
    devices: frozenset[str] = frozenset()
    pre_dose: bool = False
    doses: tuple[Dosed, ...] = ()
    alarms: Mapping[UUID, Alarm] = field(default_factory=dict)
    ended: datetime | None = None


State = NotOpened | Session


def stream(command: SessionCommand) -> str:
    return f"session.{command.session_id}"


def initial() -> State:
    return NotOpened()


def evolve(state: State, event: Anything) -> State:
    match state, event:
        case _, SessionOpened() as opened:
            return Session(opened)
        case Session() as session, DeviceAttached(device_id=device):
            return replace(session, devices=session.devices | {device})
        case Session() as session, DeviceDetached(device_id=device):
            return replace(session, devices=session.devices - {device})
        case Session() as session, PreDoseChecked():
            return replace(session, pre_dose=True)
        case Session() as session, Dosed() as dosed:
            return replace(session, doses=(*session.doses, dosed))
        case Session() as session, AlarmRaised() as raised:
            return _alarm(session, raised.alarm_id, Alarm(raised.priority))
        case Session(alarms=alarms) as session, AlarmEscalated(alarm_id=id, priority=priority) if (
            id in alarms
        ):
            return _alarm(session, id, replace(alarms[id], priority=priority))
        case Session(alarms=alarms) as session, AlarmAcknowledged(alarm_id=id, by=by) if id in alarms:
            return _alarm(session, id, replace(alarms[id], acknowledged_by=by))
        case Session(alarms=alarms) as session, AlarmCleared(alarm_id=id) if id in alarms:
            return _alarm(session, id, replace(alarms[id], cleared=True))
        case Session() as session, Discharged(at=at) | SessionAborted(at=at):
            return replace(session, ended=at, devices=frozenset())  # ending detaches by itself
    return state


def _alarm(session: Session, id: UUID, alarm: Alarm) -> Session:
    return replace(session, alarms={**session.alarms, id: alarm})


def decide(state: State, command: SessionCommand) -> Sequence[Fact]:
    match command:
        case OpenSession():
            return open_session(state, command)
        case AttachDevice():
            return attach(running(state, command), command)
        case DetachDevice():
            return detach(running(state, command), command)
        case ChangeResponsible():
            running(state, command)
            return entry(ResponsibleChanged, command)
        case ChangeLimits():
            running(state, command)
            return entry(LimitsChanged, command)
        case CheckPreDose():
            running(state, command)
            return entry(PreDoseChecked, command)
        case OverrideGate():
            return override(running(state, command), command)
        case CheckDose():
            fits(running(state, command), command.dose)
            return entry(DoseChecked, command)
        case GiveDose():
            return give_dose(running(state, command), command)
        case RecordObservation():
            running(state, command)
            return entry(ObservationRecorded, command)
        case RecordNote():
            return note(opened(state), command)
        case AcknowledgeAlarm():
            return acknowledge(running(state, command), command)
        case PauseAlarm():
            return pause(running(state, command), command)
        case RecordAdverseEvent():
            running(state, command)
            return entry(AdverseEventRecorded, command)
        case RecordIntervention():
            running(state, command)
            return entry(InterventionRecorded, command)
        case Discharge():
            return discharge(running(state, command), command)
        case AbortSession():
            running(state, command)
            return entry(SessionAborted, command)
        case RaiseAlarm():
            return raise_alarm(by_the_watch(state, command), command)
        case ClearAlarm():
            return clear_alarm(by_the_watch(state, command), command)
        case EscalateAlarm():
            return escalate(by_the_watch(state, command), command)


F = TypeVar("F", bound=Fact)


def entry(kind: type[F], command: Command, **more: object) -> list[Fact]:
    """The command as its event: their fields have the same names."""
    return [kind.model_validate(command.model_dump(exclude={"type", "role"}) | command.stamp | more)]


def opened(state: State) -> Session:
    if isinstance(state, NotOpened):
        raise Refused("There is no such session.")
    return state


def running(state: State, command: Command) -> Session:
    session = opened(state)
    if session.ended is not None:
        raise Refused("The session has ended.")
    if command.at < session.opened.at - CLOCKS_AGREE:
        raise Refused("The time given is before the session opened.")
    return session


def by_the_watch(state: State, command: WatchCommand) -> Session:
    """Also after the session's end: what the watch found out late is on record, and nothing stays open."""
    if command.by != WATCH:
        raise Refused("Only the watch itself raises, clears and escalates alarms.")
    return opened(state)


def stands(course: CourseStanding | None) -> CourseStanding:
    if course is None:
        raise Refused("There is no such course of treatment.")
    if course.closed:
        raise Refused("The course of treatment is closed.")
    if course.verdict is None:
        raise Refused("The patient has not been assessed for this course.")
    if course.verdict != "eligible":
        raise Refused(f"The assessment found the patient {course.verdict}, not eligible.")
    if course.consent == "none":
        raise Refused("There is no consent on record.")
    if course.consent == "withdrawn":
        raise Refused("The patient has withdrawn consent.")
    if not course.prepared:
        raise Refused("The preparation is not on record.")
    return course


def open_session(state: State, command: OpenSession) -> Sequence[Fact]:
    if isinstance(state, Session):
        raise Refused("This session was opened before.")
    course = stands(command.course)
    if command.course_in_room is not None:
        raise Refused(f"This patient has a session open in room {command.course_in_room}.")
    if command.room_in_use:
        raise Refused(f"Room {command.room} is in use by another session.")
    if command.protocol is None or course.route is None:
        raise Refused(f"The clinic has not adopted the protocol {course.protocol}.")
    if command.patient_number is None:
        raise Refused("The patient's record is not there, or was erased.")
    return [
        SessionOpened(
            **command.stamp,
            session_id=command.session_id,
            course_id=command.course_id,
            patient_id=course.patient_id,
            patient_number=command.patient_number,
            room=command.room,
            route=course.route,
            weight_kg=course.weight_kg,
            protocol=command.protocol.ref,
            limits=command.protocol.limits,
            expected=command.protocol.expected,
        )
    ]


def attach(session: Session, command: AttachDevice) -> Sequence[Fact]:
    if command.device_id in session.devices:
        return []
    if command.attached_in is not None:
        raise Refused(
            f"The device {command.device_id} is attached to the session in room {command.attached_in}."
        )
    return entry(DeviceAttached, command)


def detach(session: Session, command: DetachDevice) -> Sequence[Fact]:
    if command.device_id not in session.devices:
        raise Refused(f"The device {command.device_id} is not attached to this session.")
    return entry(DeviceDetached, command)


def override(session: Session, command: OverrideGate) -> Sequence[Fact]:
    if command.role != "prescriber":
        raise Refused("Only a prescriber may override a gate.")
    return entry(GateOverridden, command)


def fits(session: Session, dose: Dose) -> None:
    route = session.opened.route
    if dose.route != route:
        raise Refused(f"This session is {route}; the dose is {dose.route}.")
    if dose.drug != DRUGS[route]:
        raise Refused(f"A session with the route {route} gives {DRUGS[route]}; the dose is {dose.drug}.")


def give_dose(session: Session, command: GiveDose) -> Sequence[Fact]:
    stands(command.course)
    if not session.pre_dose:
        raise Refused("The session has no pre-dose check.")
    fits(session, command.dose)
    if not command.additional:
        for other in session.doses:
            if other.dose.drug == command.dose.drug and abs(command.at - other.at) <= SAME_DOSE_WITHIN:
                raise Refused(_given(other, command))
    return entry(Dosed, command)


def _given(other: Dosed, command: GiveDose) -> str:
    seconds = (command.at - other.at).total_seconds()
    minutes, rest = divmod(int(abs(seconds)), 60)
    when = f"{minutes} min {rest} s {'earlier' if seconds >= 0 else 'later'}"
    return (
        f"{other.dose.milligrams:g} mg {other.dose.drug} were given by {other.by} {when}. "
        "If this is another dose, say that it is additional."
    )


def note(session: Session, command: RecordNote) -> Sequence[Fact]:
    if session.ended is not None and command.at > session.ended + NOTES_UNTIL:
        raise Refused("The session ended more than 24 hours ago.")
    return entry(NoteRecorded, command)


def discharge(session: Session, command: Discharge) -> Sequence[Fact]:
    return entry(
        Discharged, command, course_id=session.opened.course_id, patient_id=session.opened.patient_id
    )


def sounding(session: Session, id: UUID) -> Alarm:
    alarm = session.alarms.get(id)
    if alarm is None:
        raise Refused("There is no such alarm in this session.")
    if alarm.cleared:
        raise Refused("This alarm has cleared by itself.")
    return alarm


def acknowledge(session: Session, command: AcknowledgeAlarm) -> Sequence[Fact]:
    alarm = sounding(session, command.alarm_id)
    if alarm.acknowledged_by is not None:
        raise Refused(f"This alarm was acknowledged by {alarm.acknowledged_by}.")
    return entry(AlarmAcknowledged, command)


def pause(session: Session, command: PauseAlarm) -> Sequence[Fact]:
    sounding(session, command.alarm_id)
    until = command.until or command.at + PAUSE
    if until <= command.at:
        raise Refused("The pause would be over before it begins.")
    if until > command.at + LONGEST_PAUSE:
        raise Refused("An alarm can be paused for 10 minutes at most.")
    return entry(AlarmPaused, command, until=until)


def raise_alarm(session: Session, command: RaiseAlarm) -> Sequence[Fact]:
    if command.alarm_id in session.alarms:
        return []
    # its session ended while the command was on its way: on record, but it must not sound
    return entry(AlarmRaised, command, late=command.late or session.ended is not None)


def clear_alarm(session: Session, command: ClearAlarm) -> Sequence[Fact]:
    alarm = session.alarms.get(command.alarm_id)
    return [] if alarm is None or alarm.cleared else entry(AlarmCleared, command)


def escalate(session: Session, command: EscalateAlarm) -> Sequence[Fact]:
    alarm = session.alarms.get(command.alarm_id)
    if alarm is None or alarm.cleared or alarm.acknowledged_by or alarm.priority == command.priority:
        return []
    return entry(AlarmEscalated, command)
