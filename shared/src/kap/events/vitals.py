"""Observations: what a monitor, a gateway or a person measured. Nobody decides them.

One that somebody typed wrong is corrected beside it, so that whoever reads readings reads that too, in order.

These names and fields are kept for as long as the clinic keeps records: add, never change.
"""

from hashlib import sha1
from typing import Literal, get_args
from uuid import UUID

from pydantic import AwareDatetime, Field
from pydantic.dataclasses import dataclass

from kap.events.fact import Actor, DeviceId, Frozen, Personal

Signal = Literal[
    "heart_rate",  # from the ECG, /min
    "pulse_rate",  # from the oximeter or the cuff, /min
    "spo2",  # %
    "respiratory_rate",  # /min
    "systolic",  # mm[Hg]
    "diastolic",  # mm[Hg]
    "mean_arterial",  # mm[Hg]
    "temperature",  # Cel
    "etco2",  # mm[Hg]
]
SIGNALS: tuple[Signal, ...] = get_args(Signal)

# What a monitor can measure on a living person: the widest adult ranges that makers state (cuff 25–290
# mm[Hg], oximeter 1–100 %, ECG rate up to 300 /min with 0 for asystole, respiration 0–150 /min with 0 for
# apnoea, capnograph 0–150 mm[Hg]), and body temperatures a person can have. Outside is a technical fault.
POSSIBLE: dict[Signal, tuple[float, float]] = {
    "heart_rate": (0, 350),  # /min
    "pulse_rate": (15, 350),  # /min
    "spo2": (1, 100),  # %
    "respiratory_rate": (0, 150),  # /min
    "systolic": (20, 300),  # mm[Hg]
    "diastolic": (10, 250),  # mm[Hg]
    "mean_arterial": (10, 280),  # mm[Hg]
    "temperature": (25, 45),  # Cel
    "etco2": (0, 150),  # mm[Hg]
}


# A dataclass, unlike every other part of an event: a reading has several, and half its parsing was theirs.
@dataclass(
    frozen=True,
    slots=True,
    config={"json_schema_serialization_defaults_required": True, "allow_inf_nan": False},
)
class Sample:
    """A value in its signal's unit (see `Signal`); `channel` is the sender's own code."""

    value: float
    channel: str = Field(default="", max_length=32)
    quality: Literal["ok", "questionable"] = "ok"


class VitalRecorded(Frozen):
    """One device's (or person's) values at one moment.

    `device_time` is the sender's own clock, `received_at` ours, `observed_at` ours too, worked out
    from both so that the sender's skew cannot shift it (decision 11).
    """

    type: Literal["VitalRecorded"] = "VitalRecorded"
    id: UUID
    session_id: UUID
    device_id: DeviceId | None = None
    source: Literal["monitor", "gateway", "manual"]
    entered_by: Actor | None = None
    device_time: AwareDatetime
    observed_at: AwareDatetime
    received_at: AwareDatetime
    sent_id: str | None = Field(default=None, max_length=64)
    backfilled: bool = False
    signals: dict[Signal, Sample]


MOST_TYPED = 500  # readings by hand of a session that are kept in mind: an older one is corrected no more


class VitalCorrected(Frozen):
    """A reading that somebody typed is withdrawn; `replacement` stands in its place.

    What is corrected was typed, or stands in the place of what was. Of two corrections of one reading the
    first counts. The original stays in the log and on the screen, struck through.
    """

    type: Literal["VitalCorrected"] = "VitalCorrected"
    id: UUID
    session_id: UUID
    reading_id: UUID
    at: AwareDatetime
    by: Actor
    reason: Personal
    replacement: VitalRecorded | None = None


Vital = VitalRecorded | VitalCorrected

_READING = UUID("6a1c2c1e-6d0b-5c55-9f0e-8b8f6a4a2d10").bytes


def reading_id(session_id: UUID, source: str, device_time: str, signals: dict[Signal, Sample]) -> UUID:
    """The id that makes a repeat harmless: of session, device (or person), device time and the values.

    A version 5 UUID (RFC 9562), written out because `uuid5` takes twice as long and this is the hot path.
    """
    pairs = ",".join([f"{name}={signals[name].value:g}" for name in sorted(signals)])
    digest = sha1(_READING + f"{session_id}|{source}|{device_time}|{pairs}".encode(), usedforsecurity=False)
    return UUID(bytes=digest.digest()[:16], version=5)
