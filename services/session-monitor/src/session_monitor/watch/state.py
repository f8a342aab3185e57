"""What the watch keeps: sessions, their signals and devices, and the alarms found."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from kap.events.alarm_rules import AlarmRules
from kap.events.fact import EntryCorrected
from kap.events.session import (
    AdverseEventRecorded,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    Dosed,
    ExpectedCourse,
    Limits,
    LimitsChanged,
    ObservationRecorded,
    PreDoseChecked,
    Priority,
    SessionAborted,
    SessionOpened,
)
from kap.events.vitals import VitalRecorded
from pydantic import ConfigDict, Field

SETTLE = timedelta(seconds=1)  # readings recorded before a fact have reached the log by then
GRACE = timedelta(seconds=1)  # a reading may be on its way for so long before its absence is an alarm
SKEWED, IN_STEP = timedelta(seconds=2), timedelta(seconds=1.5)  # of the device's clock and ours
OFF_FOR = timedelta(seconds=5)  # so long it has to be off before that is an alarm [D]
DECLARED = timedelta(minutes=1)  # an opening recorded so much later begins a past that is declared
QUIET = timedelta(seconds=30)  # a declared past of which nothing more came for so long has ended
TOLD_FOR = timedelta(minutes=5)  # and none is told for longer, as an alarm may be waiting [D]
CUFF_HOLDS = timedelta(minutes=15)  # a cuff pressure says something for so long [D]
UNEXPLAINED = timedelta(seconds=5)  # an alarm on record whose condition this watch does not find
KEPT = timedelta(hours=24)  # after its end, for readings that come late
MOST_ENDED = 1000
MOST_FACTS = 2000  # a session: attachments, limits, corrections
APART = timedelta(microseconds=1)  # the onsets of one condition's alarms that began at one moment
MOST_IDS = 20_000  # a session: alarms; beyond, the decider alone refuses the second of two

NAMES = {
    "spo2": "SpO2",
    "systolic": "Systolic",
    "diastolic": "Diastolic",
    "heart_rate": "HR",
    "pulse_rate": "PR",
    "respiratory_rate": "RR",
}
CUFF = ("systolic", "diastolic")
NO_DATA, CLOCK_SKEWED = "no_data", "clock_skewed"
OTHER_PATIENT = "patient_number_differs"  # raised beside the watch (patient_numbers.py): no log tells it

Watched = Annotated[
    SessionOpened
    | LimitsChanged
    | DeviceAttached
    | DeviceDetached
    | Discharged
    | SessionAborted
    | PreDoseChecked
    | Dosed
    | ObservationRecorded
    | AdverseEventRecorded
    | EntryCorrected,
    Field(discriminator="type"),
]


@dataclass(slots=True)
class Entry:
    """A fact that changes what is watched, and when it was recorded."""

    position: int
    time: datetime
    event: Watched


@dataclass(slots=True)
class Alarm:
    """A condition, from its onset until the log holds its end. `late`: its readings were backfilled."""

    alarm_id: UUID
    rule: str
    priority: Priority
    kind: Literal["physiological", "technical"]
    text: str
    onset: datetime
    signal: str | None = None
    value: float | None = None
    limit: float | None = None
    device_id: str | None = None
    late: bool = False
    latching: bool = False
    ended: datetime | None = None
    raised: bool = False  # the log holds it
    cleared: bool = False  # and its end
    asked_raise: bool = False
    asked_clear: bool = False


@dataclass(slots=True)
class Pending:
    """A limit is passed that alarms after a delay, or once confirmed. `asked`: the alarm that asks."""

    since: datetime
    over: bool = False  # the delay, or the wait for a second reading
    asked: UUID | None = None
    told: datetime | None = None  # when it was known, and a second reading could be asked for


@dataclass(slots=True)
class Condition:
    """What a rule of the protocol found, since when; its alarm once the delay is over."""

    since: datetime
    alarm: UUID | None = None
    well_at: datetime | None = None  # when its alarm is over, if it stays well


@dataclass(slots=True)
class Probe:
    """A device's signal: when it last came, how often it comes, and its last gap."""

    seen: datetime
    every: timedelta = timedelta()
    gone_from: datetime | None = None
    gone_to: datetime | None = None


@dataclass(slots=True)
class Unseen:
    """An alarm on record that nobody acknowledged; `told` of the protocol's steps were taken."""

    since: datetime
    priority: Priority
    told: int = 0
    asked: int = 0


@dataclass(slots=True)
class Typed:
    """A reading that somebody typed; `correction`: what withdrew it."""

    reading: VitalRecorded
    correction: UUID | None = None

    @property
    def at(self) -> datetime:
        return min(self.reading.observed_at, self.reading.received_at)


@dataclass(slots=True)
class Value:
    """A signal's value; `typed`: the reading by hand that it is of."""

    at: datetime
    value: float
    signal: str
    late: bool
    told: datetime | None = None  # when it was known: later than `at` when it was backfilled
    typed: UUID | None = None


@dataclass(slots=True)
class Track(Value):
    """One signal's latest value, and the conditions that hold on it: rule → alarm."""

    measured: Value | None = None  # while the value is typed: what a device measured last
    well_at: dict[str, datetime] = field(
        default_factory=dict
    )  # rule → when its alarm is over, if it stays well
    open: dict[str, UUID] = field(default_factory=dict)
    past: dict[str, UUID] = field(default_factory=dict)  # in backfilled readings older than the latest
    pending: dict[str, Pending] = field(default_factory=dict)
    past_pending: dict[str, Pending] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broken:
    rule: str
    priority: Priority
    limit: float
    sign: Literal["<", ">"]


@dataclass(slots=True)
class Device:
    """An attached device: when it was last heard, and the conditions that hold on it."""

    heard: datetime
    not_before: datetime | None = None  # a shorter limit cannot have been passed before it was set
    silent: UUID | None = None
    off_from: datetime | None = None  # since when its clock is off
    skewed: UUID | None = None
    other_patient: UUID | None = None


@dataclass(slots=True)
class Session:
    # What another version saved is not taken for ours with some of it missing: the log is read again.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    session_id: UUID
    facts: list[Entry] = field(default_factory=list)
    pending: list[Entry] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    devices: dict[str, Device] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    typed: dict[UUID, Typed] = field(default_factory=dict)  # readings by hand, in the order of their coming
    ecg_at: datetime | None = None
    past_until: datetime | None = None  # while a past is declared: when it ends, if nothing more of it comes
    ended: datetime | None = None
    forget_after: datetime | None = None
    alarms: dict[UUID, Alarm] = field(default_factory=dict)
    begun: set[UUID] = field(default_factory=set)  # the alarms that began here, whatever the log says of them
    on_record: dict[UUID, bool] = field(default_factory=dict)  # alarm id → its end too
    unexplained: dict[UUID, datetime] = field(default_factory=dict)
    incomplete: bool = False
    # by the protocol's alarm rules; a session that began without any has none of this
    rules: AlarmRules | None = None
    expected: ExpectedCourse | None = None
    baseline: dict[str, float] = field(default_factory=dict)  # the pre-dose check
    # the first readings before a dose, each with the reading by hand that it is of
    first: dict[str, tuple[float, UUID | None]] = field(default_factory=dict)
    dosed_at: datetime | None = None  # the last dose
    measured_at: datetime | None = None  # the latest blood pressure
    cuffed_at: datetime | None = None  # the latest that a device measured
    observed_at: datetime | None = None  # the latest MOAA/S
    conditions: dict[str, Condition] = field(default_factory=dict)
    highest: dict[str, list[tuple[datetime, float]]] = field(default_factory=dict)  # rule → of each while
    probes: dict[str, Probe] = field(default_factory=dict)
    due: datetime | None = None  # when time alone may begin or end an alarm
    unseen: dict[UUID, Unseen] = field(default_factory=dict)


@dataclass(slots=True)
class Watch:
    sessions: dict[UUID, Session] = field(default_factory=dict)
    after: int = 0  # the latest position of EVENTS that a reading has named
    unknown: int = 0  # events of a type this version does not know
    strays: int = 0  # readings and corrections of sessions that are not watched (any more)
    news: set[UUID] = field(default_factory=set)
