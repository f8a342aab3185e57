"""What was seen of each device: for /api/devices, the only place where unattached readings appear."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from kap.events.vitals import Sample, Signal

from session_monitor.attachments import Attachments
from session_monitor.metrics import DEVICES, DEVICES_DROPPED
from session_monitor.readings import Fault, FaultKind, FromDevice

DEVICES_SHOWN = 500
CODES_SHOWN = 50
FAULTS_SHOWN = 50
# A fault of a signal ends when the signal has a value again, one of the message when a message is without it.
_OF_A_SIGNAL: frozenset[FaultKind] = frozenset(
    {"no value", "impossible value", "not a number", "unit", "time not readable", "time in the future"}
)


@dataclass(slots=True)
class FaultSeen:
    """`first` and `last` are our times; `count` is how often it was seen without a break."""

    fault: Fault
    first: datetime
    last: datetime
    count: int = 1


@dataclass(slots=True)
class CodeSeen:
    name: str
    last: datetime
    count: int = 1


@dataclass(slots=True)
class DeviceSeen:
    device_id: str
    name: str
    last_seen: datetime
    skew_s: float | None = None
    signals: dict[Signal, tuple[datetime, datetime, Sample]] = field(default_factory=dict)
    faults: dict[tuple[FaultKind, str], FaultSeen] = field(default_factory=dict)
    unknown: dict[tuple[str, str], CodeSeen] = field(default_factory=dict)


class Devices:
    """The devices heard last, at most 500. Lost at a restart and made again by the next messages."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, DeviceSeen] = OrderedDict()
        self._heard = 0

    def get(self, device_id: str) -> DeviceSeen | None:
        return self._seen.get(device_id)

    def ids(self) -> list[str]:
        return list(self._seen)

    def faults(self, device_id: str) -> list[FaultSeen]:
        """The faults that hold now: what a technical alarm is raised from."""
        seen = self._seen.get(device_id)
        return list(seen.faults.values()) if seen else []

    def saw(
        self, message: FromDevice, received_at: datetime, skew_s: float | None, faults: Iterable[Fault]
    ) -> DeviceSeen:
        """`faults` are those that the recorder found, beside the message's own."""
        seen = self._seen.get(message.device_id)
        if seen is None:
            seen = self._seen[message.device_id] = DeviceSeen(message.device_id, message.name, received_at)
            self._heard += 1
            DEVICES.set(self._heard)
            if len(self._seen) > DEVICES_SHOWN:
                self._seen.popitem(last=False)
                DEVICES_DROPPED.inc()
        self._seen.move_to_end(message.device_id)
        seen.name = message.name or seen.name
        seen.last_seen = received_at
        seen.skew_s = skew_s
        now = {(f.kind, f.about): f for f in (*message.faults, *faults)}
        valued = {signal for o in message.observations for signal in o.signals}
        for key in [k for k in seen.faults if k not in now and (k[0] not in _OF_A_SIGNAL or k[1] in valued)]:
            del seen.faults[key]
        for key, fault in now.items():
            known = seen.faults.get(key)
            if known is not None:
                known.fault, known.last, known.count = fault, received_at, known.count + 1
            elif len(seen.faults) < FAULTS_SHOWN:
                seen.faults[key] = FaultSeen(fault, received_at, received_at)
        for code in message.unknown:
            code_seen = seen.unknown.get(code)
            if code_seen is not None:
                code_seen.last, code_seen.count = received_at, code_seen.count + 1
            elif len(seen.unknown) < CODES_SHOWN:
                seen.unknown[code] = CodeSeen(code[1], received_at)
        return seen

    def shown(self, attachments: Attachments, now: datetime) -> list[dict[str, Any]]:
        """The objects of /api/devices, the one heard last first."""
        return [
            {
                "device_id": d.device_id,
                "name": d.name,
                "session_id": _text(attachments.session_at(d.device_id, now)),
                "last_seen": d.last_seen.isoformat(),
                "skew_s": d.skew_s,
                "signals": {
                    signal: {
                        "value": sample.value,
                        "channel": sample.channel,
                        "quality": sample.quality,
                        "device_time": device_time.isoformat(),
                        "observed_at": observed_at.isoformat(),
                    }
                    for signal, (device_time, observed_at, sample) in d.signals.items()
                },
                "faults": [
                    {
                        "kind": f.fault.kind,
                        "about": f.fault.about,
                        "text": f.fault.text,
                        "first": f.first.isoformat(),
                        "last": f.last.isoformat(),
                        "count": f.count,
                    }
                    for f in d.faults.values()
                ],
                "unknown_codes": [
                    {"code": code, "name": c.name, "last": c.last.isoformat(), "count": c.count}
                    for (code, _), c in d.unknown.items()
                ],
            }
            for d in reversed(self._seen.values())
        ]


def _text(session_id: UUID | None) -> str | None:
    return str(session_id) if session_id else None
