"""A thousand simulated sessions a route: the clinical reference's alarm burden table (C3), rates printed.

What a share is held to, and why it is not the table's figure itself:
- Not less than the table's, within the interval of a thousand sessions: the table has one peak a session and
  one population; here a cuff with its noise measures every five minutes, and a third of the patients are
  hypertensive. Both only add. (`180/110` here wants a second reading, which takes some away: not held.)
- Not more than the published rates (C1, C2) allow at the upper end of their 95 % intervals, plus the events
  that the simulator injects.
- In the table's order, and the factory limit twice as often as 160/100 within the interval (the table: three
  to five times).
"""

import math
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
    ObservationRecorded,
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

SESSIONS = 1000
WHOLE = 100  # of them with every signal, for the rules that are not of the pressure
EVERY_S = 30  # of the monitor: slow enough to run hundreds of hours, fast enough for every rule's delay
CUFF_MIN = 5
PROTOCOLS = {p.route: p for p in protocol.defaults()}
DIGESTS = {route: p.digest() for route, p in PROTOCOLS.items()}
WATCHED_BY = {
    route: SessionRules(gates=p.gates, dose=p.dose, discharge=p.discharge, alarms=p.alarms)
    for route, p in PROTOCOLS.items()
}


def course(route: Route, n: int, *, whole: bool = False) -> tuple[set[str], bool]:
    """The rules that alarmed, by the cuff alone or all, and whether a factory limit of 160/90 would have."""
    random = Random(f"{route} {n}")
    body = physiology.draw(random, route)
    own = PROTOCOLS[route]
    session, state, found = UUID(int=n + 1), watch.Watch(), set[str]()

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
        protocol=ProtocolRef(name=own.name, version=own.version, digest=DIGESTS[route]),
        limits=own.limits,
        expected=own.expected,
        rules=WATCHED_BY[route],
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
    factory, facts, nurse = False, 3, Random(f"nurse {route} {n}")
    for step in range(120 * 60 // EVERY_S):
        minute = step * EVERY_S / 60
        at = NOON + timedelta(minutes=minute)
        if minute in own.expected.moaas_min:
            facts += 1
            scores = physiology.observation(body, minute, nurse)
            put(facts, ObservationRecorded(**stamp(facts, minute), **scores), at)  # type: ignore[arg-type]
        values = physiology.monitor(body, minute, random) if whole else {}
        if minute and minute % CUFF_MIN == 0:
            values |= physiology.cuff(body, minute, random)
            factory = factory or values["systolic"] > 160 or values["diastolic"] > 90
        if not values:
            continue
        reading = VitalRecorded(
            id=UUID(int=step), session_id=session, source="gateway", device_time=at, observed_at=at,
            received_at=at, signals={k: Sample(value=v) for k, v in values.items()},  # type: ignore[misc]
        )  # fmt: skip
        put(step + 1, reading, at, after=facts)
        found |= {a.rule for a in watch.take(state) if isinstance(a, RaiseAlarm)}
    return found, factory


RULES = {
    "180/110 confirmed": {"systolic.high.high", "diastolic.high.high"},
    "40/25 over baseline": {"systolic-change", "diastolic-change"},
    "160/100": {
        "systolic.high.low", "diastolic.high.low", "systolic.high.high.repeat", "diastolic.high.high.repeat",
    },
}  # fmt: skip


# The table's rows for the four routes, in RULES' order and then the factory limit's; shares of sessions.
TABLE: dict[Route, tuple[float, float, float, float]] = {
    "intramuscular": (0.011, 0.056, 0.116, 0.338),
    "sublingual": (0.002, 0.010, 0.037, 0.180),
    "intranasal": (0.002, 0.010, 0.041, 0.182),
    "spravato": (0.004, 0.025, 0.059, 0.187),
}
ROWS = (*RULES, "factory 160/90")


def interval(share: float, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z = 1.96
    middle, half = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


# One patient's sessions are alike: in C3, 8.6 % of the patients have one of them at least when each session
# is on its own, 6.7 % with the likeness it assumes. So more sessions stand behind a patients' share.
ALIKE = 8.6 / 6.7


def a_session(patients: float, sessions: int = 8) -> float:
    """The share of sessions, when so many patients have it in one of theirs at least."""
    return 1.0 - float((1 - patients * ALIKE) ** (1 / sessions))


# Published, at the upper end: "severe hypertension" in 23 of 2,342 infusions with the pressures that the
# intramuscular curve has (C1, Yale); of the patients of the Spravato trials, in 8 sessions each, 3 % reached
# 180 systolic and 4 % 110 diastolic, of the older ones 17 % 40 over baseline and 14 % 25 diastolic (A3.3);
# elevated pressure of any kind in 49.2 % of 448 sessions, intramuscular and sublingual (C2).
SEVERE = interval(23 / 2342, 2342)[1]
ELEVATED = interval(0.492, 448)[1]
MOST: dict[Route, dict[str, float]] = {
    route: {
        "180/110 confirmed": SEVERE if route == "intramuscular" else a_session(0.03 + 0.04),
        # of the intramuscular route nothing is published but what the table assumes
        "40/25 over baseline": 1.0 if route == "intramuscular" else a_session(0.17 + 0.14),
        "160/100": ELEVATED,
        "factory 160/90": ELEVATED,
    }
    for route in TABLE
}


def injected(route: Route) -> float:
    """The share of sessions in which the simulator raises the pressure on purpose."""
    common, other, _ = physiology.RARE["hypertension"]
    return common if route == "intramuscular" else other


@pytest.fixture(scope="module")
def shares() -> dict[Route, dict[str, float]]:
    found: dict[Route, dict[str, float]] = {}
    for route in TABLE:
        sessions = [course(route, n) for n in range(SESSIONS)]
        found[route] = {
            name: sum(bool(rules & raised) for raised, _ in sessions) / SESSIONS
            for name, rules in RULES.items()
        }
        found[route]["factory 160/90"] = sum(factory for _, factory in sessions) / SESSIONS
        print(f"\n{route}: share of {SESSIONS} sessions with an alarm of the rule, and the table's")
        for name, table in zip(ROWS, TABLE[route], strict=True):
            print(f"  {found[route][name]:6.1%} {table:6.1%}  {name}")
    return found


def test_each_step_of_the_burden_is_rarer_than_the_next(shares: dict[Route, dict[str, float]]) -> None:
    for share in shares.values():
        high, change, low, factory = (share[name] for name in ROWS)
        assert high <= change <= low <= factory


def test_a_factory_limit_alarms_twice_as_often_and_more(shares: dict[Route, dict[str, float]]) -> None:
    for share in shares.values():
        factory, low = (interval(share[name], SESSIONS) for name in ("factory 160/90", "160/100"))
        assert factory[1] >= 2 * low[0]
        assert factory[0] > low[1]


def test_the_intramuscular_route_burdens_most(shares: dict[Route, dict[str, float]]) -> None:
    for name in ("160/100", "factory 160/90", "40/25 over baseline"):
        assert max(shares, key=lambda route: shares[route][name]) == "intramuscular"


def test_no_share_is_under_the_tables(shares: dict[Route, dict[str, float]]) -> None:
    for route, rows in TABLE.items():
        for name, table in zip(ROWS[1:], rows[1:], strict=True):
            assert interval(shares[route][name], SESSIONS)[1] >= table, (route, name)


def test_no_share_is_over_what_is_published(shares: dict[Route, dict[str, float]]) -> None:
    for route, most in MOST.items():
        for name, published in most.items():
            assert interval(shares[route][name], SESSIONS)[0] <= published + injected(route), (route, name)


def test_a_low_saturation_is_as_rare_as_published() -> None:
    """Under 93 % twice in a row in fewer than 3 % of 2,009 patients (C2), and the injected ones."""
    low = 0
    for route in TABLE:
        sessions = [course(route, n, whole=True)[0] for n in range(WHOLE)]
        assert not any(rule.startswith("check-overdue") for raised in sessions for rule in raised)
        low += sum(bool(raised & {"spo2.low.medium", "spo2.low.high"}) for raised in sessions)
        print(f"\n{route}: share of {WHOLE} whole sessions")
        for rule in sorted({rule for raised in sessions for rule in raised}):
            print(f"  {sum(rule in raised for raised in sessions) / WHOLE:6.1%}  {rule}")
    most = 0.03 + physiology.RARE["desaturation"][0]
    assert interval(low / (WHOLE * len(TABLE)), WHOLE * len(TABLE))[0] <= most
