"""One dosing session: what may happen next, given what has happened so far."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from kap import bounds
from kap.decider import Command, CorrectEntry, Refused
from kap.events import Anything
from kap.events.fact import Actor, Code, DeviceId, Fact, Personal, Room
from kap.events.rules import SessionRules
from kap.events.session import (
    AdverseEventRecorded,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmPauseBroken,
    AlarmPaused,
    AlarmRaised,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    DischargeSigned,
    Dose,
    DoseChecked,
    Dosed,
    Drug,
    GateOverridden,
    HelpAnswered,
    HelpCalled,
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
from kap.events.vitals import Sample, Signal
from pydantic import AwareDatetime, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from session_monitor import discharge as leaving
from session_monitor import dose as dosing
from session_monitor import gates
from session_monitor.discharge import Answers, Latest
from session_monitor.readings import believed
from session_monitor.standing import AdoptedProtocol, CourseStanding, expected_for

WATCH = "service:session-monitor"

# two entries of one dose are told from two doses by this; a booster says `additional`
SAME_DOSE_WITHIN = timedelta(minutes=10)
RANK: dict[Priority, int] = {"high": 3, "medium": 2, "low": 1}
NOTES_UNTIL = timedelta(hours=24)
PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(minutes=10)
CLOCKS_AGREE = timedelta(minutes=1)  # two browsers' clocks

SIGNERS = ("nurse", "prescriber")
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
    responsible: Actor | None = None  # from the first moment on; None: nobody yet
    course: SkipJsonSchema[CourseStanding | None] = None
    patient_number: SkipJsonSchema[str | None] = None
    protocol: SkipJsonSchema[AdoptedProtocol | None] = None
    ask_pregnancy: SkipJsonSchema[bool] = True
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
    """mm[Hg], /min, %, hours. None: not answered."""

    type: Literal["CheckPreDose"] = "CheckPreDose"
    systolic: int = Field(ge=40, le=300)
    diastolic: int = Field(ge=20, le=200)
    heart_rate: int = Field(ge=20, le=300)
    spo2: int = Field(ge=50, le=100)
    respiratory_rate: int | None = Field(default=None, ge=0, le=80)
    fasting: bool
    ride_arranged: bool
    suicidal_ideation_new: bool | None = None
    hours_fasted: float | None = Field(default=None, ge=0, le=72)
    hours_without_fluids: float | None = Field(default=None, ge=0, le=72)
    intoxicated: bool | None = None
    pregnancy_excluded: bool | None = None
    urinary_symptoms: bool | None = None
    drugs_changed: bool | None = None


class OverrideGate(_OfSession):
    type: Literal["OverrideGate"] = "OverrideGate"
    gate: Code
    reason: Personal


class CheckDose(_OfSession):
    type: Literal["CheckDose"] = "CheckDose"
    dose: Dose


class GiveDose(_OfSession):
    """The edge adds how the course stands now: consent may have been withdrawn since the session opened.

    `checked_by` is the gateway's: who gave their own password for this dose, never a name that was sent.
    """

    type: Literal["GiveDose"] = "GiveDose"
    dose: Dose
    additional: bool = False
    confirmed: bool = False
    checked_by: Actor | None = None
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
    cause: Code | None = None


class RecordAdverseEvent(_OfSession):
    type: Literal["RecordAdverseEvent"] = "RecordAdverseEvent"
    category: Code
    severity: Literal["minimal", "minor", "moderate", "sentinel"]
    text: Personal | None = None


class RecordIntervention(_OfSession):
    type: Literal["RecordIntervention"] = "RecordIntervention"
    kind: Code
    text: Personal | None = None


class CallHelp(_OfSession):
    type: Literal["CallHelp"] = "CallHelp"


class AnswerHelp(_OfSession):
    type: Literal["AnswerHelp"] = "AnswerHelp"
    call_id: UUID


class SignDischarge(_OfSession):
    """Who does not discharge finds the patient fit to leave."""

    type: Literal["SignDischarge"] = "SignDischarge"


class Discharge(_OfSession, Answers):
    """The edge adds the latest value of each signal."""

    type: Literal["Discharge"] = "Discharge"
    escort: Personal | None = None
    vitals: SkipJsonSchema[dict[str, Latest]] = Field(default={})


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
    latching: bool = False


class ClearAlarm(_OfSession):
    type: Literal["ClearAlarm"] = "ClearAlarm"
    alarm_id: UUID
    late: bool = False


class EscalateAlarm(_OfSession):
    type: Literal["EscalateAlarm"] = "EscalateAlarm"
    alarm_id: UUID
    priority: Priority
    to: Code | None = None


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
    | CallHelp
    | AnswerHelp
    | SignDischarge
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
    latching: bool = False  # and not late: that one never sounded
    told: frozenset[str] = frozenset()
    paused_until: datetime | None = None

    @property
    def latched(self) -> bool:
        """Its condition ended, and nobody has acknowledged it."""
        return self.cleared and self.latching and self.acknowledged_by is None


@dataclass(frozen=True)
class Session:
    """`overridden` holds until what it answers changes: a new check, a new dose."""

    opened: SessionOpened
    devices: frozenset[str] = frozenset()
    checks: tuple[PreDoseChecked, ...] = ()
    overridden: frozenset[str] = frozenset()
    checked: tuple[DoseChecked, ...] = ()
    doses: tuple[Dosed, ...] = ()
    observed: Mapping[str, Latest] = field(default_factory=dict)  # score → when it was seen last
    signed: Mapping[str, datetime] = field(default_factory=dict)  # role → when
    call: HelpCalled | None = None  # the last one
    answered: HelpAnswered | None = None  # who goes to that call
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
        case Session() as session, PreDoseChecked() as check:
            kept = session.overridden - set(gates.GATES)  # what was overridden was the check before
            return replace(session, checks=(*session.checks, check), overridden=kept)
        case Session() as session, GateOverridden(gate=gate):
            return replace(session, overridden=session.overridden | {gate})
        case Session() as session, DoseChecked() as checked:
            return replace(session, checked=(*session.checked, checked))
        case Session() as session, Dosed() as dosed:
            kept = session.overridden & set(gates.GATES)
            doses = (*session.doses, dosed)
            return replace(session, doses=doses, overridden=kept, checked=(), signed={})
        case Session() as session, ObservationRecorded() as observation:
            return replace(session, observed={**session.observed, **_scores(session, observation)})
        case Session() as session, HelpCalled() as call:
            return replace(session, call=call, answered=None)
        case Session(call=HelpCalled(id=id)) as session, HelpAnswered(call_id=call_id) as answered:
            return replace(session, answered=answered) if call_id == id else session
        case Session() as session, DischargeSigned(role=role, at=at):
            return replace(session, signed={**session.signed, role: at})
        case Session() as session, AlarmRaised() as raised:
            latching = raised.latching and not raised.late
            alarmed = _alarm(session, raised.alarm_id, Alarm(raised.priority, latching=latching))
            return alarmed if raised.kind == "technical" else _unwell(alarmed, raised.onset)
        case Session() as session, AdverseEventRecorded(at=at):
            return _unwell(session, at)
        case Session(alarms=alarms) as session, AlarmEscalated(alarm_id=id, priority=priority, to=to) if (
            id in alarms
        ):
            told = alarms[id].told | ({to} if to is not None else set())
            return _alarm(session, id, replace(alarms[id], priority=priority, told=told))
        case Session(alarms=alarms) as session, AlarmAcknowledged(alarm_id=id, by=by) if id in alarms:
            return _alarm(session, id, replace(alarms[id], acknowledged_by=by))
        case Session(alarms=alarms) as session, AlarmPaused(alarm_id=id, until=until) if id in alarms:
            return _alarm(session, id, replace(alarms[id], paused_until=until))
        case Session(alarms=alarms) as session, AlarmPauseBroken(alarm_id=id) if id in alarms:
            return _alarm(session, id, replace(alarms[id], paused_until=None))
        case Session(alarms=alarms) as session, AlarmCleared(alarm_id=id) if id in alarms:
            return _alarm(session, id, replace(alarms[id], cleared=True))
        case Session() as session, Discharged(at=at) | SessionAborted(at=at):
            return replace(session, ended=at, devices=frozenset())  # ending detaches by itself
    return state


def _scores(session: Session, observation: ObservationRecorded) -> dict[str, Latest]:
    """What was observed, where nothing later was."""
    found: dict[str, Latest] = {}
    for name in ("moaas", "dissociation"):
        value, known = getattr(observation, name), session.observed.get(name)
        if value is not None and (known is None or known.at <= observation.at):
            found[name] = Latest(value=value, at=observation.at)
    return found


def _unwell(session: Session, at: datetime) -> Session:
    """Whoever had signed by then found fit to leave somebody who was not unwell yet."""
    return replace(session, signed={role: then for role, then in session.signed.items() if then >= at})


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
            return change_limits(running(state, command), command)
        case CheckPreDose():
            running(state, command)
            believed(measured(command))
            return entry(PreDoseChecked, command)
        case OverrideGate():
            return override(running(state, command), command)
        case CheckDose():
            return check_dose(running(state, command), command)
        case GiveDose():
            return give_dose(running(state, command), command)
        case RecordObservation():
            running(state, command)
            return entry(ObservationRecorded, command)
        case RecordNote():
            return note(opened(state), command)
        case AcknowledgeAlarm():
            return acknowledge(opened(state), command)
        case PauseAlarm():
            return pause(running(state, command), command)
        case RecordAdverseEvent():
            running(state, command)
            return entry(AdverseEventRecorded, command)
        case RecordIntervention():
            running(state, command)
            return entry(InterventionRecorded, command)
        case CallHelp():
            return call_help(running(state, command), command)
        case AnswerHelp():
            return answer_help(running(state, command), command)
        case SignDischarge():
            return sign_discharge(running(state, command), command)
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


def sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def opened(state: State) -> Session:
    if isinstance(state, NotOpened):
        raise Refused("There is no such session.")
    return state


def running(state: State, command: Command) -> Session:
    session = opened(state)
    if session.ended is not None:
        raise Refused("The session has ended.")
    since_opening(session, command.at)
    return session


def since_opening(session: Session, at: datetime) -> None:
    if at < session.opened.at - CLOCKS_AGREE:
        raise Refused("The time given is before the session opened.")


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
    opened = [
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
            expected=expected_for(command.protocol, course),
            rules=_rules(command.protocol.rules, command.ask_pregnancy),
        )
    ]
    if command.responsible is None:
        return opened
    taken = command.stamp | {"id": command.fact_id(1), "session_id": command.session_id}
    return [*opened, ResponsibleChanged(**taken, responsible=command.responsible)]


def _rules(rules: SessionRules | None, ask_pregnancy: bool) -> SessionRules | None:
    return rules and rules.model_copy(update={"ask_pregnancy": ask_pregnancy})


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


MEASURED: tuple[Signal, ...] = ("systolic", "diastolic", "heart_rate", "spo2", "respiratory_rate")


def measured(check: CheckPreDose | PreDoseChecked) -> dict[Signal, Sample]:
    """A baseline as a reading: one typed here is believed no sooner than one typed as vitals."""
    values = {name: getattr(check, name) for name in MEASURED}
    return {name: Sample(value=value) for name, value in values.items() if value is not None}


def override(session: Session, command: OverrideGate) -> Sequence[Fact]:
    if command.role != "prescriber":
        raise Refused("Only a prescriber may override a gate.")
    rules, gate = session.opened.rules, command.gate
    if rules is not None:
        known = [*gates.GATES, dosing.AMOUNT, *(leaving.GATE + point for point in leaving.POINTS)]
        if gate not in known:
            raise Refused(f"There is no gate {gate}; there are {', '.join(known)}.")
        if gate in rules.gates.final:
            raise Refused(f"Nobody may override the gate {gate}.")
    return entry(GateOverridden, command)


def change_limits(session: Session, command: ChangeLimits) -> Sequence[Fact]:
    keep_bounds(command.limits)
    return entry(LimitsChanged, command)


def keep_bounds(limits: Limits) -> None:
    if wide := dict(bounds.of_limits(limits)):
        raise Refused(" ".join(wide.values()), wide)


def check_dose(session: Session, command: CheckDose) -> Sequence[Fact]:
    fits(session, command.dose)
    if wrong := dict(_problems(session, command.dose)):
        raise Refused(next(iter(wrong.values())), wrong)
    return entry(DoseChecked, command, role=command.role if command.role in SIGNERS else None)


def _problems(session: Session, dose: Dose) -> Iterator[dosing.Problem]:
    rules = session.opened.rules
    if rules is not None:
        given = [dosed.dose for dosed in session.doses]
        yield from dosing.problems(rules.dose, dose, session.opened.weight_kg, given, session.overridden)


def revise(state: State, entry: Fact, instead: Fact) -> Fact:
    """A corrected dose, beside the session's others, and corrected limits keep the bounds of new ones.

    Whoever checked a dose checked that one: of another amount nobody has.
    """
    if isinstance(state, Session) and not isinstance(instead, SessionOpened):
        since_opening(state, instead.at)
    match state, instead:
        case Session() as session, Dosed(dose=dose):
            others = tuple(dosed for dosed in session.doses if dosed.id != entry.id)
            fits(session, dose)
            # the amount was allowed when it was given, by an override that a dose ends
            allowed = replace(session, doses=others, overridden=session.overridden | {dosing.AMOUNT})
            if wrong := dict(_problems(allowed, dose)):
                raise Refused(next(iter(wrong.values())), wrong)
            if isinstance(entry, Dosed) and dose.milligrams != entry.dose.milligrams:
                return instead.model_copy(update={"checked_by": None})
        case _, LimitsChanged(limits=limits):
            keep_bounds(limits)
        case _, PreDoseChecked() as check:
            believed(measured(check))
    return instead


def fits(session: Session, dose: Dose) -> None:
    route = session.opened.route
    if dose.route != route:
        raise Refused(f"This session is {route}; the dose is {dose.route}.")
    if dose.drug != DRUGS[route]:
        raise Refused(f"A session with the route {route} gives {DRUGS[route]}; the dose is {dose.drug}.")


def give_dose(session: Session, command: GiveDose) -> Sequence[Fact]:
    stands(command.course)
    fits(session, command.dose)
    if not session.checks:
        missing = "The session has no pre-dose check."
        raise Refused(missing, {"check": missing} | dict(_problems(session, command.dose)))
    rules = session.opened.rules
    within = SAME_DOSE_WITHIN if rules is None else timedelta(minutes=rules.dose.same_dose_within_min)
    if not command.additional:
        for other in session.doses:
            if other.dose.drug == command.dose.drug and abs(command.at - other.at) <= within:
                raise Refused(_given(other, command))
    if rules is not None:
        _allowed(session, rules, command)
    return entry(Dosed, command)


def _allowed(session: Session, rules: SessionRules, command: GiveDose) -> None:
    """Everything that is in the way at once, so that nobody has to try their way through it."""
    held = _day(session, rules, command)
    wrong = dict(_problems(session, command.dose))
    if wrong.keys().isdisjoint({dosing.NEVER, dosing.TOTAL}):
        wrong |= dosing.disagreements(
            rules.dose,
            command.dose,
            session.opened.weight_kg,
            [dosed.dose for dosed in session.doses],
            by=command.by,
            confirmed=command.confirmed,
            checked_by=command.checked_by,
            signed=session.checked,
        )
    points = {gate: sentence(why) for gate, why in held.items()} | wrong
    if held:
        raise Refused(f"The dose is held: {'; '.join(held.values())}.", points)
    if wrong:
        raise Refused(next(iter(wrong.values())), points)


def _day(session: Session, rules: SessionRules, command: GiveDose) -> dict[str, str]:
    """The day's gates that hold, and for the first dose that they were looked at lately."""
    held = gates.held(rules.gates, rules.ask_pregnancy, session.checks, session.overridden)
    if not session.doses and (old := gates.stale(rules.gates, session.checks, command.at)):
        held["check"] = old
    return held


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


def call_help(session: Session, command: CallHelp) -> Sequence[Fact]:
    """A call that nobody has answered yet is still the same call."""
    if session.call is not None and session.answered is None:
        return []
    return entry(HelpCalled, command)


def answer_help(session: Session, command: AnswerHelp) -> Sequence[Fact]:
    if session.call is None or session.call.id != command.call_id:
        raise Refused("This call is over; there is no such call in this session any more.")
    if session.answered is not None:
        if session.answered.by == command.by:
            return []
        raise Refused(f"This call was answered by {session.answered.by}.")
    return entry(HelpAnswered, command)


def sign_discharge(session: Session, command: SignDischarge) -> Sequence[Fact]:
    if command.role not in SIGNERS:
        raise Refused("Only a nurse or a prescriber signs a discharge.")
    return entry(DischargeSigned, command, role=command.role)


def discharge(session: Session, command: Discharge) -> Sequence[Fact]:
    whose = {"course_id": session.opened.course_id, "patient_id": session.opened.patient_id}
    rules, doses = session.opened.rules, session.doses
    if rules is None or not doses:  # nothing was given: nothing has to wear off
        return entry(Discharged, command, **whose)
    valid = timedelta(minutes=rules.discharge.observation_valid_min)
    not_met = leaving.not_met(
        rules.discharge,
        command,
        command.at,
        stay_min=session.opened.expected.minimum_stay_min,
        dosed_at=max(dosed.at for dosed in doses),
        baseline=session.checks[-1] if session.checks else None,
        vitals=command.vitals,
        observed=session.observed,
        open_alarms=sum(not alarm.cleared for alarm in session.alarms.values()),
        latched_alarms=sum(alarm.latched for alarm in session.alarms.values()),
        signed={command.role} | {role for role, at in session.signed.items() if command.at - at <= valid},
    )
    held = {point: why for point, why in not_met.items() if leaving.GATE + point not in session.overridden}
    if held:
        points = {point: sentence(why) for point, why in held.items()}
        raise Refused(f"Not ready to leave: {'; '.join(held.values())}.", points)
    return entry(Discharged, command, **whose, not_met=list(not_met))


def sounding(session: Session, id: UUID) -> Alarm:
    alarm = session.alarms.get(id)
    if alarm is None:
        raise Refused("There is no such alarm in this session.")
    if alarm.cleared:
        raise Refused("This alarm has cleared by itself.")
    return alarm


def acknowledge(session: Session, command: AcknowledgeAlarm) -> Sequence[Fact]:
    """Also after the session's end: what latched by then is still on the screens, and reminds."""
    since_opening(session, command.at)
    alarm = session.alarms.get(command.alarm_id)
    if alarm is None or not (alarm.cleared and alarm.latching):
        alarm = sounding(session, command.alarm_id)
    if alarm.acknowledged_by is not None:
        raise Refused(f"This alarm was acknowledged by {alarm.acknowledged_by}.")
    return entry(AlarmAcknowledged, command)


def pause(session: Session, command: PauseAlarm) -> Sequence[Fact]:
    alarm = sounding(session, command.alarm_id)
    if alarm.acknowledged_by is not None:  # it is silent already; a pause would end, and it would sound again
        raise Refused(f"This alarm was acknowledged by {alarm.acknowledged_by}.")
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
    late = command.late or session.ended is not None
    broken = [] if late else _paused(session, command)
    return [
        *entry(AlarmRaised, command, late=late),
        *(
            AlarmPauseBroken(
                **{**command.stamp, "id": command.fact_id(n)},
                session_id=command.session_id,
                alarm_id=id,
                broken_by=command.alarm_id,
            )
            for n, id in enumerate(broken, start=1)
        ),
    ]


def _paused(session: Session, command: RaiseAlarm) -> list[UUID]:
    """The alarms whose sound is paused though this one is as bad or worse."""
    return [
        id
        for id, alarm in session.alarms.items()
        if alarm.paused_until is not None
        and alarm.paused_until > command.at
        and alarm.acknowledged_by is None
        and not alarm.cleared
        and RANK[command.priority] >= RANK[alarm.priority]
    ]


def clear_alarm(session: Session, command: ClearAlarm) -> Sequence[Fact]:
    alarm = session.alarms.get(command.alarm_id)
    return [] if alarm is None or alarm.cleared else entry(AlarmCleared, command)


def escalate(session: Session, command: EscalateAlarm) -> Sequence[Fact]:
    alarm = session.alarms.get(command.alarm_id)
    if alarm is None or alarm.acknowledged_by or (alarm.cleared and not alarm.latching):
        return []
    if alarm.priority == command.priority and (command.to is None or command.to in alarm.told):
        return []
    if session.ended is not None:
        return []
    return entry(AlarmEscalated, command)
