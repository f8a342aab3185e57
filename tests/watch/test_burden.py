"""Simulated sessions of each route: the order of the clinical reference's alarm burden table, rates printed.

The physiology's rare events stack on top of the natural tails that the table is about, and it draws a mixture
where the table drew one population: so the order is held exactly and the shares within the bounds stated.
"""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from kap import protocol
from kap.events import Recorded
from kap.events.rules import SessionRules
from kap.events.session import (
    Dose,
    Dosed,
    PreDoseChecked,
    ProtocolRef,
    Route,
    SessionOpened,
)
from kap.events.vitals import Sample, VitalRecorded
from kap_local import physiology
from session_monitor import watch
from session_monitor.session import RaiseAlarm

from tests.watch.test_watch import NOON, NURSE

SESSIONS = 300
EVERY_S = 30  # of the monitor: slow enough to run thousands of hours, fast enough for every rule's delay
CUFF_MIN = 5
PROTOCOLS = {p.route: p for p in protocol.defaults()}


def course(route: Route, n: int) -> tuple[set[str], bool]:
    """The rules that alarmed, and whether a factory limit of 160/90 would have."""
    random = Random(f"{route} {n}")
    body = physiology.draw(random, route)
    own = PROTOCOLS[route]
    session, state, found = UUID(int=n + 1), watch.Watch(), set[str]()
    rules = SessionRules(gates=own.gates, dose=own.dose, discharge=own.discharge, alarms=own.alarms)

    def put(position: int, event: object, at: datetime, after: int = 0) -> None:
        watch.fold(state, Recorded(position, event, at, after=after))  # type: ignore[arg-type]

    def stamp(position: int, minute: float) -> dict[str, object]:
        return {
            "id": UUID(int=position),
            "at": NOON + timedelta(minutes=minute),
            "by": NURSE,
            "session_id": session,
        }

    opened = SessionOpened(
        **stamp(1, -10),  # type: ignore[arg-type]
        course_id=UUID(int=2),
        patient_id=UUID(int=3),
        patient_number="0417",
        room="2",
        route=route,
        protocol=ProtocolRef(name=own.name, version=own.version, digest=own.digest()),
        limits=own.limits,
        expected=own.expected,
        rules=rules,
    )
    check = PreDoseChecked(
        **stamp(2, -5),  # type: ignore[arg-type]
        systolic=round(body.systolic),
        diastolic=round(body.diastolic),
        heart_rate=round(body.heart_rate),
        spo2=round(body.spo2),
        fasting=True,
        ride_arranged=True,
    )
    drug = own.drug
    dose = Dosed(**stamp(3, 0), dose=Dose(drug=drug, route=route, milligrams=56))  # type: ignore[arg-type]
    for position, event in enumerate((opened, check, dose), start=1):
        put(position, event, event.at)
    factory = False
    for step in range(120 * 60 // EVERY_S):
        minute = step * EVERY_S / 60
        at = NOON + timedelta(minutes=minute)
        values = physiology.monitor(body, minute, random)
        if minute and minute % CUFF_MIN == 0:
            values |= physiology.cuff(body, minute, random)
            factory = factory or values["systolic"] > 160 or values["diastolic"] > 90
        reading = VitalRecorded(
            id=UUID(int=step), session_id=session, source="gateway", device_time=at, observed_at=at,
            received_at=at, signals={k: Sample(value=v) for k, v in values.items()},  # type: ignore[misc]
        )  # fmt: skip
        put(step + 1, reading, at, after=3)
        found |= {a.rule for a in watch.take(state) if isinstance(a, RaiseAlarm)}
    return found, factory


RULES = {
    "180/110 confirmed": {"systolic.high.high", "diastolic.high.high"},
    "40/25 over baseline": {"systolic-change", "diastolic-change"},
    "160/100": {
        "systolic.high.low", "diastolic.high.low", "systolic.high.high.repeat", "diastolic.high.high.repeat",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def shares() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for route in PROTOCOLS:
        sessions = [course(route, n) for n in range(SESSIONS)]
        found[route] = {
            name: sum(bool(rules & raised) for raised, _ in sessions) / SESSIONS
            for name, rules in RULES.items()
        }
        found[route]["factory 160/90"] = sum(factory for _, factory in sessions) / SESSIONS
        every = {rule for raised, _ in sessions for rule in raised}
        print(f"\n{route}: share of {SESSIONS} sessions with an alarm of the rule")
        for name, share in found[route].items():
            print(f"  {share:6.1%}  {name}")
        for rule in sorted(every):
            print(f"  {sum(rule in raised for raised, _ in sessions) / SESSIONS:6.1%}  · {rule}")
    return found


def test_each_step_of_the_burden_is_rarer_than_the_next(shares: dict[str, dict[str, float]]) -> None:
    for share in shares.values():
        high, change, low, factory = (share[name] for name in (*RULES, "factory 160/90"))
        assert high <= change <= low <= factory


def test_a_factory_limit_alarms_more_than_twice_as_often(shares: dict[str, dict[str, float]]) -> None:
    for share in shares.values():
        assert share["factory 160/90"] >= 1.5 * share["160/100"]


def test_the_intramuscular_route_burdens_most(shares: dict[str, dict[str, float]]) -> None:
    for name in ("160/100", "factory 160/90", "40/25 over baseline"):
        assert max(shares, key=lambda route: shares[route][name]) == "intramuscular"


def test_the_shares_are_of_the_tables_order(shares: dict[str, dict[str, float]]) -> None:
    for share in shares.values():
        assert share["180/110 confirmed"] <= 0.04
        assert share["40/25 over baseline"] <= 0.25
        assert share["160/100"] <= 0.35
