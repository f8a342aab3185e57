"""What can happen in one dosing session.

These names and fields are kept for as long as the clinic keeps records: add, never change.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kap.events.fact import Actor, Aggregate, Code, DeviceId, Fact, Frozen, Personal, Room
from kap.events.rules import SessionRules, Signer

Route = Literal["intramuscular", "sublingual", "intranasal", "spravato"]
Drug = Literal["ketamine", "esketamine"]
Priority = Literal["high", "medium", "low"]


class ProtocolRef(Frozen):
    name: Code
    version: int = Field(ge=1)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


class Band(Frozen):
    """An alarm limit: outside `low`…`high` (both still inside) the priority named here is raised."""

    low: float | None = None
    high: float | None = None
    priority: Priority = "medium"


class Limits(Frozen):
    """What the watch compares with. Pressures mm[Hg], rates /min, saturation %; times in seconds."""

    spo2: list[Band] = Field(default=[], max_length=6)
    systolic: list[Band] = Field(default=[], max_length=6)
    diastolic: list[Band] = Field(default=[], max_length=6)
    heart_rate: list[Band] = Field(default=[], max_length=6)
    respiratory_rate: list[Band] = Field(default=[], max_length=6)
    no_data_after_s: float = Field(default=15, ge=5, le=600)
    no_data_priority: Priority = "medium"


class ExpectedCourse(Frozen):
    """The route's expected course, minutes after the dose, and the scheduled checks.

    At `checks_min` a blood pressure is due, at the others the level of sedation and of dissociation.
    """

    onset_min: float = Field(gt=0)
    peak_min: float = Field(gt=0)
    offset_min: float = Field(gt=0)
    minimum_stay_min: float = Field(gt=0)
    checks_min: list[float] = Field(default=[], max_length=40)
    moaas_min: list[float] = Field(default=[], max_length=40)
    dissociation_min: list[float] = Field(default=[], max_length=40)


class _Session(Fact):
    aggregate: ClassVar[Aggregate] = "session"
    session_id: UUID


class SessionOpened(_Session):
    """Limits, expected course and rules travel in the event, so that no later reader asks another service."""

    kept = frozenset(
        {
            "course_id",
            "patient_id",
            "patient_number",
            "route",
            "weight_kg",
            "protocol",
            "limits",
            "expected",
            "rules",
        }
    )
    type: Literal["SessionOpened"] = "SessionOpened"
    course_id: UUID
    patient_id: UUID
    patient_number: str = Field(pattern=r"^[0-9]{4,8}$")
    room: Room
    route: Route
    weight_kg: float | None = Field(default=None, gt=20, lt=400)
    protocol: ProtocolRef
    limits: Limits
    expected: ExpectedCourse
    rules: SessionRules | None = None  # None: opened before protocols had gates


class DeviceAttached(_Session):
    kept = frozenset({"device_id"})
    type: Literal["DeviceAttached"] = "DeviceAttached"
    device_id: DeviceId


class DeviceDetached(_Session):
    kept = frozenset({"device_id"})
    type: Literal["DeviceDetached"] = "DeviceDetached"
    device_id: DeviceId


class ResponsibleChanged(_Session):
    type: Literal["ResponsibleChanged"] = "ResponsibleChanged"
    responsible: Actor


class LimitsChanged(_Session):
    type: Literal["LimitsChanged"] = "LimitsChanged"
    limits: Limits
    reason: Personal


class PreDoseChecked(_Session):
    """Baseline before the dose, and the day's answers; mm[Hg], /min, %, hours. None was not answered."""

    type: Literal["PreDoseChecked"] = "PreDoseChecked"
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


class GateOverridden(_Session):
    kept = frozenset({"gate"})
    type: Literal["GateOverridden"] = "GateOverridden"
    gate: Code
    reason: Personal


class Dose(Frozen):
    """One administration, in mg; concentration in mg/mL and volume in mL where drawn up.

    `mg_per_kg` is what the prescription says, where it says so: it must agree with the patient's weight.
    """

    drug: Drug
    route: Route
    milligrams: float = Field(gt=0, le=2000)
    mg_per_kg: float | None = Field(default=None, gt=0, le=30)
    concentration_mg_per_ml: float | None = Field(default=None, gt=0, le=200)
    volume_ml: float | None = Field(default=None, gt=0, le=20)
    lot: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,24}$")
    site: Code | None = None


class DoseChecked(_Session):
    """The second person's check of a dose; `by` is that person, `role` theirs."""

    kept = frozenset({"dose", "role"})
    type: Literal["DoseChecked"] = "DoseChecked"
    dose: Dose
    role: Signer | None = None


class Dosed(_Session):
    """`checked_by` gave their own password for this dose; `confirmed`: meant, though the protocol warns."""

    kept = frozenset({"checked_by", "confirmed"})
    type: Literal["Dosed"] = "Dosed"
    dose: Dose
    additional: bool = False
    checked_by: Actor | None = None
    confirmed: bool = False


class ObservationRecorded(_Session):
    """MOAA/S 0–5 (5 awake); dissociation, nausea, pain 0–10; symptoms by code."""

    type: Literal["ObservationRecorded"] = "ObservationRecorded"
    moaas: int | None = Field(default=None, ge=0, le=5)
    dissociation: int | None = Field(default=None, ge=0, le=10)
    nausea: int | None = Field(default=None, ge=0, le=10)
    pain: int | None = Field(default=None, ge=0, le=10)
    symptoms: list[Code] = Field(default=[], max_length=20)


class NoteRecorded(_Session):
    type: Literal["NoteRecorded"] = "NoteRecorded"
    text: Personal


class AlarmRaised(_Session):
    """`alarm_id` is made of session, rule and onset, so raising it twice is raising it once.

    `late`: the condition began and ended while the watch was away, or its readings were backfilled;
    it is on record and never sounds.
    """

    type: Literal["AlarmRaised"] = "AlarmRaised"
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
    latching: bool = False  # stays after its condition ended, until somebody acknowledges it


class AlarmEscalated(_Session):
    """Nobody acknowledged it in time: `to` names whom the protocol then has told."""

    type: Literal["AlarmEscalated"] = "AlarmEscalated"
    alarm_id: UUID
    priority: Priority
    to: Code | None = None


class AlarmAcknowledged(_Session):
    kept = frozenset({"alarm_id"})
    type: Literal["AlarmAcknowledged"] = "AlarmAcknowledged"
    alarm_id: UUID


class AlarmPaused(_Session):
    """`cause`: why its sound may wait, e.g. `patient-moving`."""

    kept = frozenset({"alarm_id", "until"})
    type: Literal["AlarmPaused"] = "AlarmPaused"
    alarm_id: UUID
    until: AwareDatetime
    cause: Code | None = None


class AlarmPauseBroken(_Session):
    """A new alarm as bad or worse ended the pause of this one's sound."""

    type: Literal["AlarmPauseBroken"] = "AlarmPauseBroken"
    alarm_id: UUID
    broken_by: UUID


class AlarmCleared(_Session):
    """The condition has ended; `at` is when."""

    type: Literal["AlarmCleared"] = "AlarmCleared"
    alarm_id: UUID
    late: bool = False


class AdverseEventRecorded(_Session):
    type: Literal["AdverseEventRecorded"] = "AdverseEventRecorded"
    category: Code
    severity: Literal["minimal", "minor", "moderate", "sentinel"]
    text: Personal | None = None


class InterventionRecorded(_Session):
    type: Literal["InterventionRecorded"] = "InterventionRecorded"
    kind: Code
    text: Personal | None = None


class HelpCalled(_Session):
    """Somebody in the room wants the nurse to come: a person's call, never an alarm's."""

    type: Literal["HelpCalled"] = "HelpCalled"


class HelpAnswered(_Session):
    """Who answers goes there. `call_id` is the id of the call's `HelpCalled`."""

    type: Literal["HelpAnswered"] = "HelpAnswered"
    call_id: UUID


class DischargeSigned(_Session):
    """Somebody beside who discharges found the patient fit to leave."""

    kept = frozenset({"role"})
    type: Literal["DischargeSigned"] = "DischargeSigned"
    role: Signer


class Aldrete(Frozen):
    """The parts of the modified Aldrete score as judged, 0–2 points each (kap.scores.aldrete)."""

    activity: int | None = Field(default=None, ge=0, le=2)
    respiration: int | None = Field(default=None, ge=0, le=2)
    circulation: int | None = Field(default=None, ge=0, le=2)
    consciousness: int | None = Field(default=None, ge=0, le=2)
    spo2: int | None = Field(default=None, ge=0, le=2)


class Discharged(_Session):
    """The nurse's answers at the end; None was not answered. `not_met` are the points overridden."""

    kept = frozenset({"course_id", "patient_id", "not_met"})
    type: Literal["Discharged"] = "Discharged"
    course_id: UUID
    patient_id: UUID
    instructions_given: bool = True
    escort: Personal | None = None
    oriented: bool | None = None
    steady_gait: bool | None = None
    nausea_tolerable: bool | None = None
    ride_present: bool | None = None
    suicidal_ideation_new: bool | None = None
    aldrete: Aldrete | None = None
    not_met: list[Code] = Field(default=[], max_length=20)


class SessionAborted(_Session):
    type: Literal["SessionAborted"] = "SessionAborted"
    reason: Personal


SessionEvent = Annotated[
    SessionOpened
    | DeviceAttached
    | DeviceDetached
    | ResponsibleChanged
    | LimitsChanged
    | PreDoseChecked
    | GateOverridden
    | DoseChecked
    | Dosed
    | ObservationRecorded
    | NoteRecorded
    | AlarmRaised
    | AlarmEscalated
    | AlarmAcknowledged
    | AlarmPaused
    | AlarmPauseBroken
    | AlarmCleared
    | AdverseEventRecorded
    | InterventionRecorded
    | HelpCalled
    | HelpAnswered
    | DischargeSigned
    | Discharged
    | SessionAborted,
    Field(discriminator="type"),
]
