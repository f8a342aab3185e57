"""The watch's rules with their edges, and that the same log gives the same alarms, however it is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as forall
from hypothesis import strategies as st
from kap import protocol
from kap.decider import fold
from kap.events import Recorded, Unknown
from kap.events.fact import EntryCorrected, Fact
from kap.events.rules import SessionRules
from kap.events.session import (
    AlarmCleared,
    AlarmRaised,
    Band,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    ExpectedCourse,
    Limits,
    LimitsChanged,
    ProtocolRef,
    SessionOpened,
)
from kap.events.vitals import Sample, Vital, VitalCorrected, VitalRecorded
from pydantic import TypeAdapter
from session_monitor import session as decider
from session_monitor import watch
from session_monitor.session import ClearAlarm, RaiseAlarm
from session_monitor.watch import Action, Watch

S = UUID(int=1)
NURSE = "staff:00000000-0000-0000-0000-00000000000a"
SEALED = "sealed:v1:00000000-0000-0000-0000-000000000009:reason:" + "A" * 40
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

IM = next(p for p in protocol.defaults() if p.name == "intramuscular")
RULES = SessionRules(gates=IM.gates, dose=IM.dose, discharge=IM.discharge, alarms=IM.alarms)
NORMAL = Limits(
    spo2=[Band(low=93, priority="medium"), Band(low=90, priority="high")],
    systolic=[Band(high=159, priority="low"), Band(low=90, high=179, priority="high")],
    heart_rate=[Band(low=50, high=120, priority="medium")],
    respiratory_rate=[Band(low=9, high=24, priority="high")],
    no_data_after_s=15,
)
WIDE = Limits(spo2=[Band(low=80, priority="high")], no_data_after_s=30)


def moment(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass
class Log:
    """Writes the events of one session as the log would hold them."""

    events: list[Recorded] = field(default_factory=list)
    vitals: list[Recorded] = field(default_factory=list)

    def fact(
        self, kind: type[Fact], at: float, /, *, recorded: float | None = None, **fields: Any
    ) -> Recorded:
        position = len(self.events) + 1
        event = kind(id=UUID(int=position), at=moment(at), by=NURSE, session_id=S, **fields)  # type: ignore[call-arg]
        return self.put(event, at if recorded is None else recorded)

    def put(self, event: Any, recorded: float) -> Recorded:
        item = Recorded(len(self.events) + 1, event, moment(recorded))
        self.events.append(item)
        return item

    def opened(self, limits: Limits = NORMAL, at: float = -10) -> Recorded:
        return self.fact(
            SessionOpened,
            at,
            course_id=UUID(int=2),
            patient_id=UUID(int=3),
            patient_number="0417",
            room="2",
            route="intramuscular",
            protocol=ProtocolRef(name="intramuscular", version=1, digest="0" * 64),
            limits=limits,
            expected=ExpectedCourse(onset_min=3, peak_min=20, offset_min=60, minimum_stay_min=120),
        )

    def reading(
        self,
        observed: float,
        *,
        device: str | None = "M1",
        received: float | None = None,
        after: int | None = None,
        backfilled: bool = False,
        skew: float = 0,
        quality: Literal["ok", "questionable"] = "ok",
        **values: float,
    ) -> Recorded:
        received = observed if received is None else received
        event = VitalRecorded(
            id=UUID(int=1 << 64 | len(self.vitals)),
            session_id=S,
            device_id=device,
            source="monitor" if device else "manual",
            device_time=moment(observed + skew),
            observed_at=moment(observed),
            received_at=moment(received),
            backfilled=backfilled,
            signals={name: Sample(value=v, quality=quality) for name, v in values.items()},  # type: ignore[misc]
        )
        return self._observed(event, received, after)

    def correction(
        self,
        of: Recorded,
        at: float,
        *,
        recorded: float | None = None,
        after: int | None = None,
        **values: float,
    ) -> Recorded:
        """Withdraws a reading by hand; with values they stand in its place."""
        wrong = of.event
        assert isinstance(wrong, VitalRecorded)
        recorded = at if recorded is None else recorded
        instead = {
            "id": UUID(int=1 << 65 | len(self.vitals)),
            "received_at": moment(recorded),
            "signals": {name: Sample(value=v) for name, v in values.items()},
        }
        event = VitalCorrected(
            id=UUID(int=1 << 66 | len(self.vitals)),
            session_id=S,
            reading_id=wrong.id,
            at=moment(at),
            by=NURSE,
            reason=SEALED,
            replacement=wrong.model_copy(update=instead) if values else None,
        )
        return self._observed(event, recorded, after)

    def _observed(self, event: Vital, recorded: float, after: int | None) -> Recorded:
        after = len(self.events) if after is None else after
        item = Recorded(len(self.vitals) + 1, event, moment(recorded), after=after)
        self.vitals.append(item)
        return item


@dataclass
class Found:
    """What the watch asked for, alarm by alarm."""

    raised: dict[UUID, RaiseAlarm] = field(default_factory=dict)
    cleared: dict[UUID, ClearAlarm] = field(default_factory=dict)

    def take(self, actions: Iterable[Action]) -> "Found":
        for action in actions:
            if isinstance(action, RaiseAlarm):
                assert action.alarm_id not in self.raised
                self.raised[action.alarm_id] = action
            elif isinstance(action, ClearAlarm):
                assert action.alarm_id not in self.cleared
                self.cleared[action.alarm_id] = action
        return self

    @property
    def lines(self) -> list[tuple[str, float, float | None]]:
        """(rule, onset, end) in seconds after noon."""
        return [
            (
                alarm.rule,
                (alarm.onset - NOON).total_seconds(),
                (self.cleared[id].at - NOON).total_seconds() if id in self.cleared else None,
            )
            for id, alarm in self.raised.items()
        ]


def live(*items: Recorded | float) -> Found:
    """Fold what comes, record at once what is found; a number is a tick at that second."""
    state, found = Watch(), Found()
    for item in items:
        if isinstance(item, Recorded):
            watch.fold(state, item)
        else:
            watch.tick(state, moment(item))
        found.take(watch.take(state))
    return found


def in_session(limits: Limits = NORMAL, *devices: str) -> tuple[Log, list[Recorded]]:
    log = Log()
    return log, [log.opened(limits), *(log.fact(DeviceAttached, 0, device_id=d) for d in devices)]


# ---- values outside their limits


@pytest.mark.parametrize(
    ("values", "rule", "text"),
    [
        ({"spo2": 92}, "spo2.low.medium", "SpO2 92 < 93"),
        ({"spo2": 89}, "spo2.low.high", "SpO2 89 < 90"),
        ({"systolic": 160}, "systolic.high.low", "Systolic 160 > 159"),
        ({"systolic": 180}, "systolic.high.high", "Systolic 180 > 179"),
        ({"systolic": 89}, "systolic.low.high", "Systolic 89 < 90"),
        ({"heart_rate": 121}, "heart_rate.high.medium", "HR 121 > 120"),
        ({"pulse_rate": 49}, "heart_rate.low.medium", "PR 49 < 50"),
        ({"respiratory_rate": 8}, "respiratory_rate.low.high", "RR 8 < 9"),
        ({"spo2": 92.9}, "spo2.low.medium", "SpO2 92.9 < 93"),
    ],
)
def test_outside_a_band_raises_it_and_inside_again_clears(
    values: dict[str, Any], rule: str, text: str
) -> None:
    log, start = in_session()
    inside: dict[str, Any] = {"spo2": 97, "systolic": 120, "heart_rate": 70, "pulse_rate": 70}
    inside["respiratory_rate"] = 14
    found = live(
        *start,
        log.reading(1, **values),
        log.reading(2, **values),
        log.reading(3, **{name: inside[name] for name in values}),
    )
    assert found.lines == [(rule, 1, 3)]
    [alarm] = found.raised.values()
    assert (alarm.text, alarm.kind, alarm.late) == (text, "physiological", False)
    assert alarm.priority == rule.split(".")[-1]


@pytest.mark.parametrize(
    "values",
    [
        {"spo2": 93},
        {"systolic": 90},
        {"systolic": 159},
        {"heart_rate": 50},
        {"heart_rate": 120},
        {"respiratory_rate": 9},
        {"respiratory_rate": 24},
        {"diastolic": 300},
        {"temperature": 45},
    ],
)
def test_the_limits_themselves_are_inside(values: dict[str, Any]) -> None:
    log, start = in_session()
    assert live(*start, log.reading(1, **values)).lines == []


def test_worse_is_an_alarm_of_its_own_and_better_goes_back() -> None:
    log, start = in_session()
    found = live(*start, *(log.reading(n, spo2=v) for n, v in enumerate([91, 88, 91, 95], start=1)))
    assert found.lines == [("spo2.low.medium", 1, 4), ("spo2.low.high", 2, 3)]


def test_straight_to_the_worst_raises_the_worst_alone() -> None:
    log, start = in_session()
    found = live(*start, log.reading(1, spo2=80), log.reading(2, spo2=92), log.reading(3, spo2=99))
    assert found.lines == [("spo2.low.high", 1, 2), ("spo2.low.medium", 2, 3)]


def test_the_pulse_stands_in_when_no_ecg_is_fresh() -> None:
    log, start = in_session()
    found = live(
        *start,
        log.reading(1, heart_rate=80, pulse_rate=130),
        log.reading(2, pulse_rate=130),
        log.reading(17, pulse_rate=130),
        log.reading(18, heart_rate=80),
    )
    assert found.lines == [("heart_rate.high.medium", 17, 18)]


def test_a_doubtful_value_may_alarm_and_never_reassures() -> None:
    log, start = in_session()
    found = live(
        *start,
        log.reading(1, spo2=85, quality="questionable"),
        log.reading(2, spo2=98, quality="questionable"),
        log.reading(3, spo2=98),
    )
    assert found.lines == [("spo2.low.high", 1, 3)]


def test_an_older_reading_changes_nothing() -> None:
    log, start = in_session()
    found = live(*start, log.reading(5, spo2=97), log.reading(4, spo2=80), log.reading(6, spo2=97))
    assert found.lines == []
    log, start = in_session()
    assert live(*start, log.reading(5, spo2=80), log.reading(4, spo2=97)).lines == [
        ("spo2.low.high", 5, None)
    ]


def test_a_time_in_the_future_never_moves_a_clock() -> None:
    log, start = in_session()
    found = live(*start, log.reading(500, received=1, spo2=80), log.reading(2, spo2=97))
    assert found.lines == [("spo2.low.high", 1, 2)]


def test_twice_at_one_moment_are_two_alarms() -> None:
    log, start = in_session()
    found = live(*start, log.reading(1, spo2=80), log.reading(1, spo2=97), log.reading(1, spo2=80))
    assert len(found.raised) == 2 and len(found.cleared) == 1


def test_the_end_of_the_session_ends_its_alarms() -> None:
    log, start = in_session(NORMAL, "M1")
    found = live(
        *start,
        log.reading(1, spo2=80),
        log.fact(Discharged, 5, course_id=UUID(int=2), patient_id=UUID(int=3)),
        7,
        100,
    )
    assert found.lines == [("spo2.low.high", 1, 5)]


# ---- changed and corrected facts


def test_other_limits_count_for_the_value_that_stands() -> None:
    log, start = in_session(WIDE)
    found = live(
        *start,
        log.reading(1, spo2=88),
        log.fact(LimitsChanged, 5, limits=NORMAL, reason=SEALED),
        5.5,
        6.1,
        log.fact(LimitsChanged, 8, limits=WIDE, reason=SEALED),
        9.1,
    )
    assert found.lines == [("spo2.low.high", 5, 8)]


def test_other_limits_raise_nothing_on_a_value_long_gone() -> None:
    log, start = in_session(WIDE)
    narrower = log.fact(LimitsChanged, 60, limits=NORMAL, reason=SEALED)
    assert live(*start, log.reading(1, after=1, spo2=88), narrower, 62).lines == []


def test_withdrawn_limits_never_were() -> None:
    log, start = in_session(NORMAL)
    widened = log.fact(LimitsChanged, 2, limits=WIDE, reason=SEALED)
    assert isinstance(widened.event, LimitsChanged)
    correction = log.put(
        EntryCorrected(
            id=UUID(int=99),
            at=moment(6),
            by=NURSE,
            of="session",
            of_id=str(S),
            event_id=widened.event.id,
            reason=SEALED,
        ),
        6,
    )
    found = live(*start, widened, log.reading(5, after=2, spo2=88), correction, log.reading(7, spo2=88))
    assert found.lines == [("spo2.low.high", 6, None)]


def test_a_withdrawn_discharge_takes_the_watch_up_again() -> None:
    log, start = in_session(NORMAL, "M1")
    end = log.fact(Discharged, 5, course_id=UUID(int=2), patient_id=UUID(int=3))
    correction = log.put(
        EntryCorrected(
            id=UUID(int=99), at=moment(8), by=NURSE, of="session", of_id=str(S), event_id=UUID(int=3),
            reason=SEALED,
        ),
        8,
    )  # fmt: skip
    found = live(*start, log.reading(4, after=2, spo2=80), end, 6.5, correction, 9.5, 30)
    assert found.lines == [("spo2.low.high", 4, 5), ("spo2.low.high", 8, None), ("no_data", 23, None)]


# ---- devices


def test_a_silent_device_is_an_alarm_from_the_moment_its_time_ran_out() -> None:
    log, start = in_session(NORMAL, "M1")
    found = live(*start, log.reading(10, spo2=97), 25.9, 26.5, log.reading(40, spo2=97))
    assert found.lines == [("no_data", 25, 40)]
    [alarm] = found.raised.values()
    assert (alarm.kind, alarm.device_id, alarm.text) == ("technical", "M1", "No data")


def test_a_device_that_never_speaks_is_an_alarm() -> None:
    _, start = in_session(NORMAL, "M1", "M2")
    assert live(*start, 17).lines == [("no_data", 15, None), ("no_data", 15, None)]


def test_a_silence_that_no_tick_saw_is_on_record_late() -> None:
    log, start = in_session(NORMAL, "M1")
    found = live(*start, log.reading(1, spo2=97), log.reading(60, spo2=97))
    assert found.lines == [("no_data", 16, 60)]
    assert [alarm.late for alarm in found.raised.values()] == [True]


def test_exactly_in_time_is_in_time() -> None:
    log, start = in_session(NORMAL, "M1")
    assert live(*start, log.reading(1, spo2=97), 16.9, log.reading(16, spo2=97)).lines == []


def test_a_detached_device_may_be_silent() -> None:
    log, start = in_session(NORMAL, "M1")
    found = live(*start, log.reading(1, spo2=97), log.fact(DeviceDetached, 3, device_id="M1"), 4.5, 60)
    assert found.lines == []


def test_a_manual_reading_is_no_device() -> None:
    log, start = in_session(NORMAL, "M1")
    assert live(*start, log.reading(14, device=None, spo2=97), 17).lines == [("no_data", 15, None)]


def test_a_device_clock_that_is_off_is_an_alarm() -> None:
    log, start = in_session(NORMAL, "M1")
    found = live(
        *start,
        log.reading(1, spo2=97, skew=2),
        *(log.reading(n, spo2=97, skew=-2.1) for n in range(2, 8)),
        log.reading(8, spo2=97, skew=1.9),
        log.reading(9, spo2=97, skew=1.5),
    )
    assert found.lines == [("clock_skewed", 7, 9)]


def test_messages_that_waited_are_no_clock_that_is_off() -> None:
    log, start = in_session(NORMAL, "M1")
    waited = (log.reading(12 + n / 100, spo2=97, skew=n - 10) for n in range(11))
    on_time = (log.reading(n, spo2=97) for n in range(13, 30))
    assert live(*start, log.reading(1, spo2=97), *waited, *on_time).lines == []


# ---- the past


def test_backfilled_readings_give_late_alarms() -> None:
    log, start = in_session()
    found = live(
        *start,
        log.reading(100, spo2=97),
        *(
            log.reading(n, received=101, backfilled=True, spo2=v)
            for n, v in enumerate([95, 88, 87, 95, 85], start=50)
        ),
        log.reading(102, spo2=97),
    )
    assert found.lines == [("spo2.low.high", 51, 53), ("spo2.low.high", 54, 102)]
    assert all(alarm.late for alarm in found.raised.values())


def test_a_backfill_is_no_silence() -> None:
    log, start = in_session(NORMAL, "M1")
    found = live(
        *start,
        *(log.reading(n - 7200, received=n, backfilled=True, spo2=97) for n in range(1, 15)),
        log.reading(20, spo2=97),
    )
    assert found.lines == []


def test_a_past_that_reaches_into_the_present_sounds() -> None:
    log, start = in_session()
    found = live(
        *start,
        log.reading(50, received=99, backfilled=True, spo2=85),
        log.reading(100, spo2=85),
        log.reading(101, spo2=97),
    )
    assert found.lines == [("spo2.low.high", 50, 100), ("spo2.low.high", 100, 101)]
    assert [alarm.late for alarm in found.raised.values()] == [True, False]


def test_a_reading_after_the_end_is_on_record_late() -> None:
    log, start = in_session()
    end = log.fact(Discharged, 5, course_id=UUID(int=2), patient_id=UUID(int=3))
    found = live(*start, end, 7, log.reading(4, received=8, backfilled=True, spo2=80))
    assert found.lines == [("spo2.low.high", 4, 5)]
    assert [alarm.late for alarm in found.raised.values()] == [True]


def test_what_began_and_ended_while_away_never_sounds_and_what_holds_does() -> None:
    log, start = in_session()
    state = Watch()
    for item in (*start, log.reading(1, spo2=80), log.reading(2, spo2=97), log.reading(3, spo2=85)):
        watch.fold(state, item)  # nothing is taken while catching up
    found = Found().take(watch.take(state))
    assert found.lines == [("spo2.low.high", 1, 2), ("spo2.low.high", 3, None)]
    assert [alarm.late for alarm in found.raised.values()] == [True, False]


def test_an_alarm_on_record_that_nothing_explains_is_cleared() -> None:
    log, start = in_session()
    raised = log.fact(
        AlarmRaised, 1, alarm_id=UUID(int=7), rule="spo2.low.high", priority="high", kind="physiological",
        text="SpO2 80 < 90", onset=moment(1),
    )  # fmt: skip
    assert live(*start, raised, 5.9).cleared == {}
    assert set(live(*start, raised, 6.1).cleared) == {UUID(int=7)}


def another_patient(log: Log, at: float, device: str = "M1") -> Recorded:
    return log.fact(
        AlarmRaised, at, alarm_id=UUID(int=8), rule="patient_number_differs", priority="medium",
        kind="technical", text="Monitor shows another patient number", device_id=device, onset=moment(at),
    )  # fmt: skip


@pytest.mark.parametrize("rules", [None, RULES])
def test_a_monitor_that_names_another_patient_alarms_for_as_long_as_it_is_attached(
    rules: SessionRules | None,
) -> None:
    """Nothing in the log explains it: it is raised beside the watch, which once cleared it after 5 s."""
    log, start = in_session(NORMAL, "M1")
    start[0] = replace(start[0], event=start[0].event.model_copy(update={"rules": rules}))
    raised = another_patient(log, 1)
    readings = [log.reading(n, spo2=97) for n in range(2, 20)]
    ids = [a.alarm_id for a in live(*start, raised, *readings, 20).cleared.values()]
    assert UUID(int=8) not in ids
    detached = log.fact(DeviceDetached, 21, device_id="M1")
    assert UUID(int=8) in live(*start, raised, *readings, detached, 24).cleared


def test_it_is_over_when_the_device_is_attached_no_more() -> None:
    log, start = in_session(NORMAL, "M1")
    assert set(live(*start, another_patient(log, 1, "M2"), 6.1).cleared) == {UUID(int=8)}
    attaching = [log.fact(DeviceAttached, 1, device_id="M2"), another_patient(log, 1, "M2")]
    assert UUID(int=8) not in live(*start, *attaching, 6.1, 12).cleared
    state = Watch()
    for item in (*start, *attaching):
        watch.fold(state, item)
    watch.tick(state, moment(6.1))
    watch.fold(state, log.fact(AlarmCleared, 7, alarm_id=UUID(int=8), late=False))
    assert UUID(int=8) not in state.sessions[S].alarms


def test_an_unknown_event_stops_nothing() -> None:
    log, start = in_session()
    unknown = log.put(Unknown(type="LightDimmed", aggregate="session", aggregate_id=str(S)), 1)
    state = Watch()
    for item in (*start, unknown, log.reading(2, spo2=80)):
        watch.fold(state, item)
    assert (state.unknown, state.sessions[S].incomplete) == (1, True)
    assert Found().take(watch.take(state)).lines == [("spo2.low.high", 2, None)]


def test_sessions_that_ended_are_forgotten_in_the_end() -> None:
    log, start = in_session()
    end = log.fact(Discharged, 5, course_id=UUID(int=2), patient_id=UUID(int=3))
    state = Watch()
    for item in (*start, end):
        watch.fold(state, item)
    watch.tick(state, moment(10))
    watch.tick(state, moment(5 + 24 * 3600 - 1))
    assert S in state.sessions
    watch.tick(state, moment(5 + 24 * 3600 + 1))
    assert S not in state.sessions
    watch.fold(state, log.reading(4, spo2=80))
    assert state.strays == 1


# ---- the same log gives the same alarms

STEP = st.tuples(
    st.floats(0.05, 8),  # seconds since the step before
    st.sampled_from(
        ["reading"] * 8
        + ["backfill", "older", "limits", "attach", "detach", "withdraw", "end", "retype", "untype"]
    ),
    st.sampled_from([97, 97, 92, 91, 88, 79]),
    st.sampled_from(["M1", "M2", None]),
    st.floats(0, 0.6),  # from the stamp to the watch
    st.floats(0, 0.15),  # from an event's time to who folds it
    st.sampled_from([NORMAL, WIDE]),
)


@dataclass
class Arrival:
    time: float
    item: Recorded


def script(steps: Sequence[Any]) -> tuple[Log, list[Arrival], float]:
    """A log, and when each of its events reaches the watch while it is live."""
    log, arrivals, now = Log(), [], 0.0

    def fact(item: Recorded, delay: float) -> None:
        arrivals.append(Arrival((item.time - NOON).total_seconds() + delay, item))

    fact(log.opened(), 0)
    stamps: list[int] = [1]
    changed: list[UUID] = []
    typed: list[Recorded] = []
    for gap, kind, value, device, latency, lag, limits in steps:
        now += gap
        # the recorder has folded what is older than `lag`, and never less than before
        folded = [e.position for e in log.events if (e.time - NOON).total_seconds() <= now - lag]
        stamps.append(max(stamps[-1], *folded, 0))
        if kind in ("reading", "backfill", "older"):
            observed = now - {"reading": lag / 2, "backfill": 30 * gap, "older": 2 * lag}[kind]
            item = log.reading(
                observed, device=device, received=now, after=stamps[-1], spo2=value,
                backfilled=kind == "backfill",
            )  # fmt: skip
            arrivals.append(Arrival(now + latency, item))
            if device is None:
                typed.append(item)
            continue
        at = now - lag  # who acts says when
        if kind in ("retype", "untype"):
            if typed:
                instead = {"spo2": float(value)} if kind == "retype" else {}
                item = log.correction(typed.pop(), at, recorded=now, after=stamps[-1], **instead)
                arrivals.append(Arrival(now + latency, item))
            continue
        if kind == "limits":
            item = log.fact(LimitsChanged, at, recorded=now, limits=limits, reason=SEALED)
            changed.append(UUID(int=item.position))
        elif kind == "attach":
            item = log.fact(DeviceAttached, at, recorded=now, device_id=device or "M1")
        elif kind == "detach":
            item = log.fact(DeviceDetached, at, recorded=now, device_id=device or "M1")
        elif kind == "end":
            item = log.fact(Discharged, at, recorded=now, course_id=UUID(int=2), patient_id=UUID(int=3))
            changed.append(UUID(int=item.position))
        elif changed:
            id = UUID(int=1 << 100 | len(log.events))
            item = log.put(
                EntryCorrected(
                    id=id, at=moment(at), by=NURSE, of="session", of_id=str(S), event_id=changed.pop(),
                    reason=SEALED,
                ),
                now,
            )  # fmt: skip
        else:
            continue
        fact(item, latency)
    return log, arrivals, now + 2


def in_merge_order(log: Log) -> list[Recorded]:
    """Each reading after the facts that it names: decision 6."""
    order: list[Recorded] = []
    facts = list(log.events)
    for reading in log.vitals:
        while facts and facts[0].position <= reading.after:
            order.append(facts.pop(0))
        order.append(reading)
    return order + facts


def delivered(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Each stream in its own order, and no reading before the facts that it names."""
    order: list[Arrival] = []
    facts = [a for a in arrivals if not isinstance(a.item.event, Vital)]
    readings = [a for a in arrivals if isinstance(a.item.event, Vital)]
    now, reached = 0.0, 0
    while facts or readings:
        ready = bool(readings) and readings[0].item.after <= reached
        if ready and (not facts or readings[0].time <= facts[0].time):
            arrival = readings.pop(0)
        else:
            arrival = facts.pop(0)
            reached = arrival.item.position
        now = max(now, arrival.time)
        order.append(Arrival(now, arrival.item))
    return order


def quiet(items: Iterable[Recorded], end: float) -> Found:
    """A replay: everything is folded before anything is said."""
    state = Watch()
    for item in items:
        watch.fold(state, item)
    watch.tick(state, moment(end))
    return Found().take(watch.take(state))


@settings(max_examples=400, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=40))
def test_live_and_replay_find_the_same(steps: Sequence[Any]) -> None:
    log, arrivals, end = script(steps)
    state, found, ticked = Watch(), Found(), 0.0
    for arrival in delivered(arrivals):
        while ticked < arrival.time:
            watch.tick(state, moment(ticked))
            found.take(watch.take(state))
            ticked += 0.25
        watch.fold(state, arrival.item)
        found.take(watch.take(state))
    watch.tick(state, moment(end))
    found.take(watch.take(state))
    assert sorted(found.lines, key=str) == sorted(quiet(in_merge_order(log), end).lines, key=str)


@settings(max_examples=200, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_facts_may_overtake_readings_by_any_distance(steps: Sequence[Any], chance: Any) -> None:
    log, _, end = script(steps)
    facts, readings, order, reached = list(log.events), list(log.vitals), [], 0
    while facts or readings:
        if facts and (not readings or readings[0].after > reached or chance.random() < 0.5):
            reached = facts[0].position
            order.append(facts.pop(0))
        else:
            order.append(readings.pop(0))
    assert quiet(order, end).lines == quiet(in_merge_order(log), end).lines


class Ward:
    """A live watch with its recorder: what it asks for is decided and comes back from the log."""

    adapter = TypeAdapter(Watch)

    def __init__(self) -> None:
        self.state = Watch()
        self.seen: list[Recorded] = []  # everything delivered, alarm facts too
        self.record: dict[UUID, list[Fact]] = {}
        self.saved: tuple[bytes, int] = (self.adapter.dump_json(self.state), 0)

    def fold(self, item: Recorded) -> None:
        self.seen.append(item)
        watch.fold(self.state, item)

    def act(self, *, die_after: int | None = None) -> None:
        """Record what the watch asks for; a process that dies has saved more than it recorded."""
        actions = watch.take(self.state)
        if die_after is not None:
            self.save()
        for action in actions[:die_after]:
            alarm = self.record.setdefault(action.alarm_id, [])
            facts = decider.decide(fold(decider, [OPENED, *alarm]), action)
            for fact in facts:
                alarm.append(fact)
                self.fold(Recorded(1_000_000 + len(self.seen), fact, moment(0)))

    def save(self) -> None:
        self.saved = (self.adapter.dump_json(self.state), len(self.seen))

    def restart(self) -> None:
        body, seen = self.saved
        self.state = watch.resumed(self.adapter.validate_json(body))
        for item in self.seen[seen:]:  # catching up: nothing is asked for
            watch.fold(self.state, item)


OPENED = Log().opened().event
CHAOS = st.sampled_from(["", "", "", "save", "restart", "die"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@forall(st.lists(st.tuples(STEP, CHAOS), min_size=1, max_size=40))
def test_restarts_raise_nothing_twice_and_miss_nothing(steps: Sequence[Any]) -> None:
    log, arrivals, end = script([step for step, _ in steps])
    chaos = [what for _, what in steps] + [""] * 2
    ward, ticked = Ward(), 0.0
    for n, arrival in enumerate(delivered(arrivals)):
        while ticked < arrival.time:
            watch.tick(ward.state, moment(ticked))
            ward.act()
            ticked += 0.25
        ward.fold(arrival.item)
        if chaos[n] == "save":
            ward.save()
        if chaos[n] == "die":
            ward.act(die_after=1)
        if chaos[n] in ("restart", "die"):
            ward.restart()
        ward.act()
    watch.tick(ward.state, moment(end))
    ward.act()
    expected = quiet(in_merge_order(log), end)
    assert set(ward.record) == set(expected.raised)
    for id, facts in ward.record.items():
        [raised] = [f for f in facts if isinstance(f, AlarmRaised)]
        ended = [f.at for f in facts if isinstance(f, AlarmCleared)]
        assert raised.onset == expected.raised[id].onset
        assert ended == ([expected.cleared[id].at] if id in expected.cleared else [])


def test_a_watch_survives_its_snapshot() -> None:
    log, start = in_session(NORMAL, "M1")
    state = Watch()
    for item in (*start, log.reading(1, spo2=80), log.fact(LimitsChanged, 2, limits=WIDE, reason=SEALED)):
        watch.fold(state, item)
    assert Ward.adapter.validate_json(Ward.adapter.dump_json(state)) == state
