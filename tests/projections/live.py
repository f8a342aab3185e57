"""Facts and readings of an invented session, for the tests of board and feed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from kap.events.fact import Fact
from kap.events.session import AlarmRaised, Dose, Dosed, ExpectedCourse, Limits, ProtocolRef, SessionOpened
from kap.events.vitals import Sample, VitalCorrected, VitalRecorded, reading_id
from kap.testing import MemoryLog

NURSE = "staff:00000000-0000-0000-0000-0000000000aa"
WATCH = "service:session-monitor"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def sealed(field: str = "name") -> str:
    return f"sealed:v1:{UUID(int=7)}:{field}:{'A' * 40}"


def stamp(at: datetime = START, by: str = NURSE) -> dict[str, Any]:
    return {"id": uuid4(), "at": at, "by": by}


def opened(session_id: UUID, at: datetime = START, **changes: Any) -> SessionOpened:
    fields: dict[str, Any] = {
        "course_id": uuid5(session_id, "course"),
        "patient_id": uuid5(session_id, "patient"),
        "patient_number": "0417",
        "room": "3",
        "route": "intramuscular",
        "protocol": ProtocolRef(name="default", version=1, digest="0" * 64),
        "limits": Limits(),
        "expected": ExpectedCourse(onset_min=4, peak_min=20, offset_min=60, minimum_stay_min=120),
    }
    return SessionOpened(**stamp(at), session_id=session_id, **(fields | changes))


def dosed(session_id: UUID, milligrams: float = 50, at: datetime = START) -> Dosed:
    dose = Dose(drug="ketamine", route="intramuscular", milligrams=milligrams)
    return Dosed(**stamp(at), session_id=session_id, dose=dose)


def raised(session_id: UUID, alarm_id: UUID | None = None, at: datetime = START) -> AlarmRaised:
    return AlarmRaised(
        **stamp(at, WATCH),
        session_id=session_id,
        alarm_id=alarm_id or uuid4(),
        rule="spo2_low",
        priority="high",
        kind="physiological",
        text="SpO₂ low",
        signal="spo2",
        value=84,
        limit=90,
        onset=at,
    )


def reading(session_id: UUID, seconds: float = 0, start: datetime = START, **values: float) -> VitalRecorded:
    at = start + timedelta(seconds=seconds)
    signals: Any = {signal: Sample(value=value) for signal, value in (values or {"spo2": 97.0}).items()}
    return VitalRecorded(
        id=reading_id(session_id, "monitor-1", at.isoformat(), signals),
        session_id=session_id,
        device_id="monitor-1",
        source="monitor",
        device_time=at,
        observed_at=at,
        received_at=at,
        signals=signals,
    )


def typed(session_id: UUID, seconds: float = 0, start: datetime = START, **values: float) -> VitalRecorded:
    """A reading by hand."""
    by_hand = {"id": uuid4(), "source": "manual", "device_id": None, "entered_by": NURSE}
    return reading(session_id, seconds, start, **values).model_copy(update=by_hand)


def withdrawn(wrong: VitalRecorded, instead: VitalRecorded | None = None) -> VitalCorrected:
    return VitalCorrected(
        **stamp(START + timedelta(hours=1)),
        session_id=wrong.session_id,
        reading_id=wrong.id,
        reason=sealed("reason"),
        replacement=instead,
    )


async def append(log: MemoryLog, *facts: Fact) -> int:
    """Put facts into a log of the tests, whoever's they are."""
    position = 0
    for fact in facts:
        aggregate = f"{getattr(fact, 'of', None) or fact.aggregate}.{fact.aggregate_id}"
        history = await log.load(aggregate)
        position = await log.append(aggregate, [fact], history[-1].position if history else 0)
    return position
