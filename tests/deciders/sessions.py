"""A session that began with a default protocol, for the tests of its gates, doses and discharge."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from kap import protocol
from kap.decider import Refused, fold
from kap.events.fact import Fact
from kap.events.rules import SessionRules
from kap.events.session import (
    Dose,
    Dosed,
    GateOverridden,
    PreDoseChecked,
    ProtocolRef,
    SessionOpened,
)
from session_monitor import session
from session_monitor.session import GiveDose, SessionCommand
from session_monitor.standing import CourseStanding

from tests.strategies import NURSE, PRESCRIBER, sealed

S, COURSE, PATIENT = (UUID(int=n) for n in range(1, 4))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEFAULTS = {p.name: p for p in protocol.defaults()}
IM = DEFAULTS["intramuscular"]
WEIGHT = 70.0
_ids = count(1000)

WELL: dict[str, Any] = {
    "systolic": 120,
    "diastolic": 80,
    "heart_rate": 70,
    "spo2": 98,
    "fasting": True,
    "hours_fasted": 6,
    "hours_without_fluids": 3,
    "ride_arranged": True,
    "intoxicated": False,
    "pregnancy_excluded": True,
    "urinary_symptoms": False,
    "suicidal_ideation_new": False,
    "drugs_changed": False,
}
DOSES: dict[str, Dose] = {
    "intramuscular": Dose(
        drug="ketamine",
        route="intramuscular",
        milligrams=70,
        mg_per_kg=1,
        concentration_mg_per_ml=50,
        volume_ml=1.4,
        lot="L-1",
        site="deltoid-left",
    ),
    "sublingual": Dose(drug="ketamine", route="sublingual", milligrams=200, lot="L-1"),
    "intranasal": Dose(
        drug="ketamine",
        route="intranasal",
        milligrams=50,
        concentration_mg_per_ml=100,
        volume_ml=0.5,
        lot="L-1",
    ),
    "spravato": Dose(drug="esketamine", route="spravato", milligrams=84, lot="L-1"),
}


def rules_of(name: str = "intramuscular", **changes: Any) -> SessionRules:
    return SessionRules.model_validate(DEFAULTS[name].content() | changes)


def stamp(minutes: float = 0, by: str = NURSE) -> dict[str, Any]:
    return {
        "id": UUID(int=next(_ids)),
        "at": NOON + timedelta(minutes=minutes),
        "by": by,
        "session_id": S,
    }


def said(minutes: float = 0, by: str = NURSE, role: str = "nurse") -> dict[str, Any]:
    return stamp(minutes, by) | {"role": role}


def opened(
    name: str = "intramuscular", weight_kg: float | None = WEIGHT, rules: SessionRules | None = None
) -> SessionOpened:
    p = DEFAULTS[name]
    return SessionOpened(
        **stamp(-10),
        course_id=COURSE,
        patient_id=PATIENT,
        patient_number="0417",
        room="2",
        route=p.route,
        weight_kg=weight_kg,
        protocol=ProtocolRef(name=p.name, version=p.version, digest=p.digest()),
        limits=p.limits,
        expected=p.expected,
        rules=rules or rules_of(name),
    )


def checked(minutes: float = 0, **changes: Any) -> PreDoseChecked:
    return PreDoseChecked(**stamp(minutes), **WELL | changes)


def overridden(gate: str, minutes: float = 1) -> GateOverridden:
    return GateOverridden(**stamp(minutes, PRESCRIBER), gate=gate, reason=sealed("reason"))


def dosed(minutes: float, dose: Dose) -> Dosed:
    return Dosed(**stamp(minutes), dose=dose)


def giving(name: str = "intramuscular", minutes: float = 2, **changes: Any) -> GiveDose:
    p = DEFAULTS[name]
    course = CourseStanding(
        patient_id=PATIENT,
        verdict="eligible",
        route=p.route,
        protocol=p.name,
        weight_kg=WEIGHT,
        prepared=True,
        consent="given",
    )
    fields: dict[str, Any] = {"dose": DOSES[name], "checked_by": PRESCRIBER, "course": course} | changes
    return GiveDose(**said(minutes), **fields)


def when(given: Sequence[Fact], command: SessionCommand) -> Sequence[Fact]:
    return session.decide(fold(session, given), command)


def refusal(given: Sequence[Fact], command: SessionCommand) -> Refused:
    with pytest.raises(Refused) as raised:
        when(given, command)
    for sentence in (str(raised.value), *raised.value.points.values()):
        assert sentence[0].isupper() or sentence[0].isdigit()
        assert sentence.endswith(".") and "\n" not in sentence
    return raised.value


def refused(given: Sequence[Fact], command: SessionCommand) -> str:
    return str(refusal(given, command))
