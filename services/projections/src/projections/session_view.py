"""One session as staff see it: a pure fold of its facts, for the live board and the read model alike.

Names stay out: `label`, `name` and the names of staff are filled in where a session is shown.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from kap.events import Anything, Recorded, Unknown, corrected
from kap.events.fact import Fact, Frozen
from kap.events.session import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmPauseBroken,
    AlarmPaused,
    AlarmRaised,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    Dose,
    Dosed,
    ExpectedCourse,
    HelpAnswered,
    HelpCalled,
    Limits,
    LimitsChanged,
    ObservationRecorded,
    PreDoseChecked,
    Priority,
    ProtocolRef,
    ResponsibleChanged,
    Route,
    SessionAborted,
    SessionOpened,
)
from pydantic import AwareDatetime, Field

MOST_SEEN = 100  # observations of one kind whose times a session keeps


class Alarm(Frozen):
    """An alarm whose condition still holds, or that is latched: it ended, and nobody has acknowledged it.

    `value` and `limit` are in the unit of `signal`. `escalated_to` was told of it.
    """

    alarm_id: UUID
    rule: str
    priority: Priority
    kind: Literal["physiological", "technical"]
    text: str
    signal: str | None
    value: float | None
    limit: float | None
    device_id: str | None
    onset: AwareDatetime
    raised_at: AwareDatetime
    late: bool
    state: Literal["active", "acknowledged", "paused", "latched"] = "active"
    paused_until: AwareDatetime | None = None
    paused_for: str | None = None
    acknowledged_by: str | None = None
    acknowledged_by_name: str | None = None
    acknowledged_at: AwareDatetime | None = None
    escalated: bool = False
    escalated_to: str | None = None
    latching: bool = False
    cleared_at: AwareDatetime | None = None


A = TypeVar("A", bound=Alarm)


class Given(Frozen):
    event_id: UUID
    at: AwareDatetime
    by: str
    dose: Dose
    additional: bool


class Help(Frozen):
    """The last call for the nurse, and who goes there."""

    call_id: UUID
    at: AwareDatetime
    by: str
    by_name: str | None = None
    answered_at: AwareDatetime | None = None
    answered_by: str | None = None
    answered_by_name: str | None = None


class Session(Frozen):
    """`alarms` are the open ones; `incomplete` says that the record holds what this version cannot read.

    `moaas_at` and `dissociation_at`: when they were observed, in that order, the latest `MOST_SEEN`.
    """

    session_id: UUID
    course_id: UUID
    patient_id: UUID
    label: str | None = None
    number: str
    name: str | None = None
    room: str
    route: Route
    weight_kg: float | None
    protocol: ProtocolRef
    limits: Limits
    expected: ExpectedCourse
    state: Literal["open", "discharged", "aborted"] = "open"
    opened_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    responsible: str | None = None
    responsible_name: str | None = None
    devices: list[str] = Field(default=[])
    pre_dose: PreDoseChecked | None = None
    doses: list[Given] = Field(default=[])
    moaas_at: list[AwareDatetime] = Field(default=[])
    dissociation_at: list[AwareDatetime] = Field(default=[])
    alarms: list[Alarm] = Field(default=[])
    help: Help | None = None
    incomplete: bool = False
    record_position: int = 0


def fold(history: Sequence[Recorded]) -> Session | None:
    """The session after all of its facts, corrections included; None before it was opened."""
    session = gather(corrected(list(history)))
    return session and session.model_copy(update={"record_position": history[-1].position})


def gather(events: Iterable[Anything]) -> Session | None:
    session: Session | None = None
    for event in events:
        session = evolve(session, event)
    return session


def evolve(session: Session | None, event: Anything) -> Session | None:
    """The session after one more event. A correction changes the past: it needs `fold` instead."""
    if isinstance(event, SessionOpened):
        return session or _opened(event)
    if session is None:
        return None
    match event:
        case DeviceAttached(device_id=device):
            return _with(session, devices=[*(d for d in session.devices if d != device), device])
        case DeviceDetached(device_id=device):
            return _with(session, devices=[d for d in session.devices if d != device])
        case ResponsibleChanged():
            return _with(session, responsible=event.responsible)
        case LimitsChanged():
            return _with(session, limits=event.limits)
        case PreDoseChecked():
            return _with(session, pre_dose=event)
        case Dosed():
            given = Given(
                event_id=event.id, at=event.at, by=event.by, dose=event.dose, additional=event.additional
            )
            return _with(session, doses=sorted([*session.doses, given], key=lambda dose: dose.at))
        case ObservationRecorded():
            seen: dict[str, list[datetime]] = {}
            if event.moaas is not None:
                seen["moaas_at"] = _seen(session.moaas_at, event.at)
            if event.dissociation is not None:
                seen["dissociation_at"] = _seen(session.dissociation_at, event.at)
            return _with(session, **seen)
        case HelpCalled():
            return _with(session, help=Help(call_id=event.id, at=event.at, by=event.by))
        case HelpAnswered() if session.help is not None and session.help.call_id == event.call_id:
            answer = {"answered_at": event.at, "answered_by": event.by}
            return _with(session, help=session.help.model_copy(update=answer))
        case Discharged():
            return _ended(session, "discharged", event.at)
        case SessionAborted():
            return _ended(session, "aborted", event.at)
        case AlarmRaised():
            if any(alarm.alarm_id == event.alarm_id for alarm in session.alarms):
                return session
            return _with(session, alarms=[*session.alarms, raised(event)])
        case AlarmEscalated() | AlarmAcknowledged() | AlarmPaused() | AlarmPauseBroken():
            alarms = [moved(a, event) if a.alarm_id == event.alarm_id else a for a in session.alarms]
            return _with(session, alarms=[a for a in alarms if not over(a)])
        case AlarmCleared():
            alarms = [moved(a, event) if a.alarm_id == event.alarm_id else a for a in session.alarms]
            return _with(session, alarms=[a for a in alarms if not over(a)])
        case Unknown():
            return _with(session, incomplete=True)
        case _:
            return session


ALARM_FACTS: tuple[type[Fact], ...] = (
    AlarmRaised,
    AlarmEscalated,
    AlarmAcknowledged,
    AlarmPaused,
    AlarmPauseBroken,
    AlarmCleared,
)


def _with(session: Session, **changes: object) -> Session:
    return session.model_copy(update=changes)


def _seen(times: list[datetime], at: datetime) -> list[datetime]:
    return sorted([*times, at])[-MOST_SEEN:]


def _ended(session: Session, state: str, at: datetime) -> Session:
    return _with(session, state=state, ended_at=at, devices=[])


def _opened(event: SessionOpened) -> Session:
    return Session(
        session_id=event.session_id,
        course_id=event.course_id,
        patient_id=event.patient_id,
        number=event.patient_number,
        room=event.room,
        route=event.route,
        weight_kg=event.weight_kg,
        protocol=event.protocol,
        limits=event.limits,
        expected=event.expected,
        opened_at=event.at,
    )


def raised(event: AlarmRaised) -> Alarm:
    return Alarm(
        alarm_id=event.alarm_id,
        rule=event.rule,
        priority=event.priority,
        kind=event.kind,
        text=event.text,
        signal=event.signal,
        value=event.value,
        limit=event.limit,
        device_id=event.device_id,
        onset=event.onset,
        raised_at=event.at,
        late=event.late,
        latching=event.latching,
    )


def over(alarm: Alarm) -> bool:
    """Whether nothing is left to show: the condition ended, and a latching one was acknowledged."""
    return alarm.cleared_at is not None and alarm.state != "latched"


def moved(
    alarm: A, event: AlarmEscalated | AlarmAcknowledged | AlarmPaused | AlarmPauseBroken | AlarmCleared
) -> A:
    """The alarm after one more of its facts."""
    match event:
        case AlarmEscalated():  # worse than what was acknowledged, or told to another: it sounds again
            again = {
                "state": "latched" if alarm.state == "latched" else "active",
                "paused_until": None,
                "acknowledged_by": None,
                "acknowledged_at": None,
            }
            told = {"escalated": True, "escalated_to": event.to}
            return alarm.model_copy(update={"priority": event.priority, **told, **again})
        case AlarmAcknowledged():
            seen = {"acknowledged_by": event.by, "acknowledged_at": event.at}
            return alarm.model_copy(update={"state": "acknowledged", "paused_until": None, **seen})
        case AlarmPaused():
            paused = {"paused_until": event.until, "paused_for": event.cause}
            return alarm.model_copy(update={"state": "paused", **paused})
        case AlarmPauseBroken():
            sounds = {"state": "active", "paused_until": None}
            return alarm.model_copy(update=sounds) if alarm.state == "paused" else alarm
        case AlarmCleared():
            latched = alarm.latching and not alarm.late and alarm.acknowledged_by is None
            ended: dict[str, object] = {"cleared_at": event.at}
            if latched:
                ended |= {"state": "latched", "paused_until": None}
            return alarm.model_copy(update=ended)
