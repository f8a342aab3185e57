"""What a message says of a device, whatever the protocol: what HL7 and ingest hand to the recorder."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal

from kap.decider import Refused
from kap.events.vitals import Sample, Signal

from session_monitor.codes import possible

FaultKind = Literal[
    "no value",
    "impossible value",
    "not a number",
    "unit",
    "code and name differ",
    "time not readable",
    "time in the future",
    "demo or test",
    "patient number differs",
    "clock skew",
    "no message time",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something technical to look at. `about` is a signal or a code; `text` never holds a person's data."""

    kind: FaultKind
    about: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """A device's values at one moment of its own clock."""

    device_time: datetime
    signals: dict[Signal, Sample]
    sent_id: str | None = None


@dataclass(frozen=True, slots=True)
class FromDevice:
    """`sent_at` is the message's own time, from the same clock as the device times; None when it has none."""

    device_id: str
    name: str
    source: Literal["monitor", "gateway"]
    sent_at: datetime | None
    observations: list[Observation]
    sent_id: str | None = None
    backfilled: bool = False
    demo: bool = False
    patient_numbers: frozenset[str] = frozenset()
    faults: list[Fault] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)  # code, name


def device_id(*parts: str) -> str:
    """The parts joined with '-', reduced to the characters an id may have; at most 64 of them."""
    joined = "-".join(cleaned for part in parts if (cleaned := re.sub(r"[^A-Za-z0-9_-]", "", part)))
    if len(joined) <= 64:
        return joined
    return joined[:47] + "-" + sha256(joined.encode()).hexdigest()[:16]


def printable(text: str, length: int) -> str:
    """At most `length` printable ASCII characters of it: fit for a log line, an id or a screen."""
    return "".join(c for c in text if " " <= c <= "~")[:length].strip()


def plausible(signals: dict[Signal, Sample], faults: list[Fault]) -> dict[Signal, Sample]:
    """The values a living person can have. What is left out is a fault."""
    kept = {}
    for signal, sample in signals.items():
        if possible(signal, sample.value):
            kept[signal] = sample
        else:
            faults.append(Fault("impossible value", signal, f"{signal} {sample.value:g} is not possible"))
    if "systolic" in kept and "diastolic" in kept and kept["systolic"].value < kept["diastolic"].value:
        text = f"{kept.pop('systolic').value:g}/{kept.pop('diastolic').value:g} is not possible"
        faults.append(Fault("impossible value", "systolic", text))
    return kept


def believed(signals: dict[Signal, Sample]) -> None:
    """Raises `Refused` where somebody typed what no living person can have, each at its own field."""
    faults: list[Fault] = []
    if plausible(signals, faults) != signals:
        said = [(fault.about, f"This cannot be right: {fault.text}.") for fault in faults]
        raise Refused(said[0][1], dict(said))
