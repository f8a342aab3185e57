"""A protocol's alarm rules with their edges, on synthetic courses; times in seconds after noon."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap.decider import fold as decided
from kap.events import Recorded
from kap.events.fact import EntryCorrected
from kap.events.rules import SessionRules
from kap.events.session import (
    AdverseEventRecorded,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmRaised,
    Band,
    DeviceAttached,
    Discharged,
    Dose,
    Dosed,
    ExpectedCourse,
    Limits,
    ObservationRecorded,
    PreDoseChecked,
    ProtocolRef,
    Route,
    SessionOpened,
)
from pydantic import TypeAdapter
from session_monitor import session as decider
from session_monitor import watch
from session_monitor.session import EscalateAlarm, RaiseAlarm
from session_monitor.watch import Watch

from tests.watch.test_watch import (
    IM,
    NOON,
    NURSE,
    RULES,
    SEALED,
    Found,
    Log,
    S,
    in_merge_order,
    live,
    moment,
    quiet,
)

RANK = {"low": 1, "medium": 2, "high": 3}


PRESSURE_ALONE = IM.expected.model_copy(update={"moaas_min": [], "dissociation_min": []})


def opened(
    log: Log,
    limits: Limits = IM.limits,
    rules: SessionRules | None = RULES,
    expected: ExpectedCourse = PRESSURE_ALONE,
) -> Recorded:
    route: Route = "intramuscular"
    return log.fact(
        SessionOpened,
        -600,
        course_id=UUID(int=2),
        patient_id=UUID(int=3),
        patient_number="0417",
        room="2",
        route=route,
        protocol=ProtocolRef(name="intramuscular", version=3, digest="0" * 64),
        limits=limits,
        expected=expected,
        rules=rules,
    )


def ruled(
    *devices: str, limits: Limits = IM.limits, expected: ExpectedCourse = PRESSURE_ALONE
) -> tuple[Log, list[Recorded]]:
    log = Log()
    return log, [
        opened(log, limits, expected=expected),
        *(log.fact(DeviceAttached, 0, device_id=d) for d in devices),
    ]


def checked(log: Log, at: float = -300) -> Recorded:
    return log.fact(
        PreDoseChecked,
        at,
        systolic=120,
        diastolic=75,
        heart_rate=70,
        spo2=98,
        fasting=True,
        ride_arranged=True,
    )


def dosed(log: Log, at: float = 0) -> Recorded:
    return log.fact(Dosed, at, dose=Dose(drug="ketamine", route="intramuscular", milligrams=50))


def rules_of(found: Found) -> list[tuple[str, float, float | None]]:
    return found.lines


# ---- delays


@pytest.mark.parametrize(
    ("value", "seconds", "lines"),
    [
        (92, 29, []),
        (92, 30, [("spo2.low.medium", 30)]),
        (89, 9, []),
        (89, 10, [("spo2.low.high", 10)]),
        (81, 9, []),
        (80, 0, [("spo2.low.high", 0)]),
    ],
)
def test_a_limit_alarms_after_its_delay_and_the_worst_at_once(
    value: float, seconds: int, lines: list[tuple[str, float]]
) -> None:
    log, start = ruled()
    found = live(*start, *(log.reading(n, spo2=value) for n in range(seconds + 1)))
    assert [(rule, onset) for rule, onset, _ in found.lines] == lines


def test_inside_for_a_moment_begins_the_delay_anew() -> None:
    log, start = ruled()
    values = [89] * 9 + [95] + [89] * 10
    assert live(*start, *(log.reading(n, spo2=v) for n, v in enumerate(values))).lines == []


def test_a_doubtful_value_does_not_begin_the_delay_anew() -> None:
    log, start = ruled()
    readings = [log.reading(n, spo2=89) for n in range(5)]
    readings.append(log.reading(5, quality="questionable", spo2=97))
    readings += [log.reading(n, spo2=89) for n in range(6, 11)]
    assert [line[:2] for line in live(*start, *readings).lines] == [("spo2.low.high", 10)]


def test_what_somebody_typed_waits_for_nothing() -> None:
    log, start = ruled()
    assert live(*start, log.reading(1, device=None, spo2=89)).lines == [("spo2.low.high", 1, None)]


def test_a_fast_pulse_alarms_after_five_minutes_and_a_very_fast_one_at_once() -> None:
    log, start = ruled()
    found = live(*start, *(log.reading(n, heart_rate=125) for n in range(0, 301, 5)))
    assert [line[:2] for line in found.lines] == [("heart_rate.high.medium", 300)]
    log, start = ruled()
    assert live(*start, log.reading(1, heart_rate=131)).lines == [("heart_rate.high.high", 1, None)]


# ---- over, once it is well for long enough


def test_a_rate_that_swings_about_its_limit_is_one_alarm() -> None:
    log, start = ruled()
    swinging = [log.reading(n, respiratory_rate=9 if n % 4 else 8) for n in range(60)]
    well = [log.reading(n, respiratory_rate=9) for n in range(60, 80)]
    found = live(*start, *swinging, *well)
    assert found.lines == [("respiratory_rate.low.high", 0, 67)]  # well from 57 on


def test_an_alarm_that_waits_for_its_end_holds_back_none_of_the_other_side() -> None:
    log, start = ruled()
    fast = [log.reading(n, heart_rate=140) for n in range(60)]
    slow = [log.reading(n, heart_rate=48) for n in range(60, 80)]
    lines = dict((rule, onset) for rule, onset, _ in live(*start, *fast, *slow).lines)
    only_slow = [(rule, onset) for rule, onset, _ in live(*start, *slow).lines]
    assert only_slow and all(lines[rule] == onset for rule, onset in only_slow)


def test_it_is_over_by_time_when_no_value_comes_any_more() -> None:
    log, start = ruled()
    low, well = log.reading(1, spo2=79), log.reading(2, spo2=97)
    assert live(*start, low, well, 12.9).lines == [("spo2.low.high", 1, None)]
    assert live(*start, low, well, 13.1).lines == [("spo2.low.high", 1, 12)]
    late = log.reading(40, spo2=97)  # and in a replay, which no clock ticks
    assert live(*start, low, well, late).lines == [("spo2.low.high", 1, 12)]


def test_the_end_of_a_session_ends_the_wait_and_its_withdrawal_takes_the_watch_up_again() -> None:
    log, start = ruled()
    low, well = log.reading(1, spo2=79), log.reading(2, spo2=97)
    end = log.fact(Discharged, 5, course_id=UUID(int=2), patient_id=UUID(int=3))
    assert isinstance(end.event, Discharged)
    wrong = {"of": "session", "of_id": str(S), "event_id": end.event.id, "reason": SEALED}
    withdrawn = EntryCorrected(id=UUID(int=99), at=moment(8), by=NURSE, **wrong)  # type: ignore[arg-type]
    state = Watch()
    for item in (*start, low, well, end):
        watch.fold(state, item)
    watch.tick(state, moment(7))
    watch.fold(state, log.put(withdrawn, 8))
    watch.tick(state, moment(40))
    session = state.sessions[S]
    assert session.ended is None and session.tracks["spo2"].well_at == {}
    assert session.due is None or session.due > moment(30)  # no time that is past is looked at for ever


def test_better_but_not_well_is_the_lesser_alarm_once_the_worse_is_over() -> None:
    log, start = ruled()
    worse = [log.reading(n, spo2=79) for n in range(3)]
    better = [log.reading(n, spo2=91) for n in range(3, 60)]
    lines = live(*start, *worse, *better).lines
    assert ("spo2.low.high", 0, 13) in lines
    assert [line[1:] for line in lines if line[0] == "spo2.low.medium"] == [
        (30, None)
    ]  # under 93 for so long


def test_what_a_cuff_or_somebody_measured_is_over_at_once() -> None:
    log, start = ruled()
    assert live(*start, log.reading(0, systolic=88), log.reading(300, systolic=120)).lines == [
        ("systolic.low.high", 0, 300)
    ]
    log, start = ruled()
    typed = [log.reading(1, device=None, spo2=88), log.reading(2, device=None, spo2=97)]
    assert all(end == 2 for _, _, end in live(*start, *typed).lines)


def test_a_change_that_swings_is_one_alarm() -> None:
    log, start = ruled()
    start.append(checked(log))
    values = [94] * 31 + [95, 94, 95, 94] + [96] * 30
    found = live(*start, *(log.reading(n, spo2=v) for n, v in enumerate(values)))
    assert [line for line in found.lines if line[0] == "spo2-change"] == [("spo2-change", 30, 45)]


# ---- confirmed by a second reading


def test_a_high_pressure_asks_for_a_second_reading_and_alarms_when_it_confirms() -> None:
    log, start = ruled()
    found = live(
        *start, log.reading(0, systolic=185), log.reading(284, systolic=186), log.reading(300, systolic=183)
    )
    assert found.lines == [
        ("systolic.high.high.repeat", 0, 300),
        ("systolic.high.low", 0, None),
        ("systolic.high.high", 300, None),
    ]
    asked = next(a for a in found.raised.values() if a.rule.endswith("repeat"))
    assert (asked.text, asked.priority) == ("Systolic 185 > 179: repeat BP", "low")


def test_a_second_reading_that_is_lower_confirms_nothing() -> None:
    log, start = ruled()
    found = live(*start, log.reading(0, systolic=185), log.reading(300, systolic=150))
    assert found.lines == [("systolic.high.high.repeat", 0, 300), ("systolic.high.low", 0, 300)]


def test_a_second_reading_that_does_not_come_is_taken_as_confirmed() -> None:
    log, start = ruled()
    found = live(*start, log.reading(0, systolic=185), 420, 422)
    assert ("systolic.high.high", 420, None) in found.lines
    log, start = ruled()  # nobody was there to see the time pass
    found = live(*start, log.reading(0, systolic=185), log.reading(500, systolic=120))
    assert ("systolic.high.high", 420, 500) in found.lines


@pytest.mark.parametrize("values", [{"systolic": 200}, {"diastolic": 120}])
def test_a_very_high_pressure_alarms_at_once(values: dict[str, Any]) -> None:
    log, start = ruled()
    assert "high" in [a.priority for a in live(*start, log.reading(0, **values)).raised.values()]


# ---- the course


def test_a_change_from_the_baseline_alarms() -> None:
    log, start = ruled()
    facts = [*start, checked(log), dosed(log)]
    found = live(
        *facts,
        log.reading(60, systolic=159),
        log.reading(1200, systolic=160),
        log.reading(1500, systolic=130),
    )
    assert ("systolic-change", 1200, 1500) in found.lines
    text = next(a.text for a in found.raised.values() if a.rule == "systolic-change")
    assert text == "Systolic 160, baseline 120: +40"


def test_without_a_check_the_first_reading_is_the_baseline() -> None:
    log, start = ruled()
    found = live(*start, log.reading(-60, systolic=100), log.reading(60, systolic=140))
    assert [line[0] for line in found.lines] == ["systolic-change"]


def test_what_is_expected_at_the_peak_is_not_expected_before_and_after() -> None:
    def at(minute: float) -> set[str]:
        log, start = ruled()
        found = live(*start, checked(log), dosed(log), log.reading(minute * 60, systolic=150))
        return {line[0] for line in found.lines if line[0].endswith("expected")}

    assert at(20) == set()  # 120 + 16 + 22 = 158
    assert at(2) == at(60) == {"systolic-expected"}  # 120 + 22 = 142


def test_rising_past_the_expected_peak_is_worse_than_before_it() -> None:
    log, start = ruled()
    dose = dosed(log)
    readings = [
        log.reading(m * 60, systolic=v) for m, v in [(15, 155), (19, 161), (25, 166), (30, 166), (35, 150)]
    ]
    found = live(*start, dose, *readings)
    assert ("systolic-rising", 1500, 2100) in found.lines


def test_a_falling_trend_alarms_inside_the_limits() -> None:
    log, start = ruled()
    values = [98] * 60 + [97] * 30 + [94] * 20
    found = live(*start, *(log.reading(n, spo2=v) for n, v in enumerate(values)))
    assert [line[:2] for line in found.lines] == [("spo2-falling", 100)]


def test_no_breath_for_20_seconds_is_an_apnoea_also_when_the_signal_goes() -> None:
    log, start = ruled("M1")
    readings = [log.reading(n, respiratory_rate=0, spo2=97) for n in range(1, 6)]
    readings += [log.reading(n, spo2=97) for n in range(6, 22)]
    found = live(*start, *readings, log.reading(22, respiratory_rate=12, spo2=97))
    assert ("apnoea", 21, 22) in found.lines


# ---- what staff saw


def test_a_symptom_is_high_whatever_the_numbers() -> None:
    log, start = ruled()
    chest_pain = log.fact(ObservationRecorded, 10, symptoms=["chest_pain", "dizziness"])
    numb = log.fact(ObservationRecorded, 20, pain=3)
    over = log.fact(ObservationRecorded, 30, moaas=5)
    found = live(*start, chest_pain, 12, numb, 22, over, 32)
    assert found.lines == [("symptom.chest_pain", 10, 30)]
    assert [(a.priority, a.text) for a in found.raised.values()] == [("high", "Chest pain")]


def test_a_sentinel_event_is_high_and_a_minor_one_is_none() -> None:
    log, start = ruled()
    minor = log.fact(AdverseEventRecorded, 5, category="vomiting", severity="minor")
    worst = log.fact(AdverseEventRecorded, 10, category="airway", severity="sentinel")
    found = live(*start, minor, worst, 12)
    assert found.lines == [("symptom.event.airway", 10, None)]


@pytest.mark.parametrize(
    ("moaas", "priority"), [(5, None), (4, None), (3, "low"), (2, "medium"), (1, "high"), (0, "high")]
)
def test_sedation_alarms_by_its_level(moaas: int, priority: str | None) -> None:
    log, start = ruled()
    found = live(*start, log.fact(ObservationRecorded, 10, moaas=moaas), 12)
    assert [line[0] for line in found.lines] == ([] if priority is None else [f"sedation.{priority}"])


def test_a_wrong_entry_is_no_symptom() -> None:
    log, start = ruled()
    wrong = log.fact(ObservationRecorded, 10, symptoms=["seizure"])
    correction = log.put(
        EntryCorrected(
            id=UUID(int=99), at=moment(20), by=NURSE, of="session", of_id=str(S), event_id=wrong.event.id,  # type: ignore[union-attr]
            reason=SEALED,
        ),
        20,
    )  # fmt: skip
    assert live(*start, wrong, 12, correction, 22).lines == [("symptom.seizure", 10, 20)]


# ---- technical


def monitor(log: Log, seconds: Iterable[int], **values: Any) -> list[Recorded]:
    return [log.reading(n, heart_rate=70, **values) for n in seconds]


def test_a_probe_off_is_low_and_after_a_dose_medium() -> None:
    log, start = ruled("M1")
    before = monitor(log, range(1, 6), spo2=97, pulse_rate=70) + monitor(log, range(6, 60))
    assert live(*start, *before).lines == [("probe-off.spo2.low", 15, None)]
    log, start = ruled("M1")
    after = monitor(log, range(1, 6), spo2=97, pulse_rate=70) + monitor(log, range(6, 60))
    back = log.reading(60, heart_rate=70, spo2=97, pulse_rate=70)
    found = live(*start, dosed(log), 1.5, *after, back)
    assert found.lines == [("probe-off.spo2.low", 15, 35), ("probe-off.spo2.medium", 35, 60)]


def test_a_gap_of_nine_seconds_is_no_probe_off() -> None:
    log, start = ruled("M1")
    readings = monitor(log, [1], spo2=97) + monitor(log, range(2, 11)) + monitor(log, [10], spo2=97)
    assert live(*start, *readings).lines == []


def test_a_signal_that_comes_seldom_is_not_off() -> None:
    log, start = ruled("M1")
    readings: list[Recorded] = []
    for n in range(1, 100):
        readings += monitor(log, [n], spo2=97) if n % 9 == 0 else monitor(log, [n])
    assert live(*start, *readings).lines == []


def test_a_cuff_on_the_probes_limb_is_told_and_never_hides_more_than_a_minute() -> None:
    log, start = ruled("M1")
    readings = monitor(log, range(1, 6), spo2=97, pulse_rate=70) + monitor(log, range(6, 30))
    cuff = log.reading(30, heart_rate=70, systolic=120)
    rest = monitor(log, range(31, 70))
    found = live(*start, dosed(log), 1.5, *readings, cuff, *rest)
    assert [line[:2] for line in found.lines] == [
        ("probe-off.spo2.low", 15), ("one-limb", 30), ("probe-off.spo2.medium", 65),
    ]  # fmt: skip


def test_a_desaturation_while_the_cuff_measures_is_still_one() -> None:
    log, start = ruled("M1")
    readings = monitor(log, range(1, 12), spo2=85, pulse_rate=70)
    found = live(*start, *readings, log.reading(12, heart_rate=70, systolic=120))
    assert [line[0] for line in found.lines] == ["spo2.low.high"]


# ---- checks


def test_a_check_that_is_not_done_is_low_and_then_medium() -> None:
    log, start = ruled()
    found = live(*start, dosed(log), 2, 601, 601.1, 901.5, log.reading(960, device=None, systolic=120))
    assert found.lines == [("check-overdue.low", 600, 900), ("check-overdue.medium", 900, 960)]
    assert found.raised and {a.kind for a in found.raised.values()} == {"technical"}


def test_a_pressure_shortly_before_does_a_check_and_an_earlier_one_does_not() -> None:
    log, start = ruled()
    found = live(*start, dosed(log), log.reading(180, systolic=120), log.reading(479, systolic=120), 900, 902)
    assert found.lines == [("check-overdue.low", 900, None)]
    log, start = ruled()
    assert live(*start, dosed(log), log.reading(179, systolic=120), 602).lines == [
        ("check-overdue.low", 600, None)
    ]


def pressures(log: Log, until: int) -> list[Recorded]:
    """A cuff that measures by itself, every 5 minutes."""
    return [log.reading(n, systolic=120) for n in range(300, until, 300)]


def seen(log: Log, at: float, **scores: int) -> Recorded:
    return log.fact(ObservationRecorded, at, **(scores or {"moaas": 5, "dissociation": 3}))


def wrong(log: Log, entry: Recorded, at: float) -> Recorded:
    id = entry.event.id  # type: ignore[union-attr]
    named: dict[str, Any] = {"of": "session", "of_id": str(S), "event_id": id, "reason": SEALED}
    return log.put(EntryCorrected(id=UUID(int=int(at) << 32), at=moment(at), by=NURSE, **named), at)


def in_time(*items: Recorded | float) -> list[Recorded | float]:
    """Facts before a reading of the same moment, so that it names them."""
    return sorted(items, key=lambda i: (i.time - NOON).total_seconds() if isinstance(i, Recorded) else i)


def test_a_pressure_alone_does_no_check_that_wants_moaas() -> None:
    log, start = ruled("M1", expected=IM.expected)
    nausea = seen(log, 301, nausea=2, pain=0)
    looked = seen(log, 950)
    found = live(*in_time(*start, dosed(log), nausea, *pressures(log, 960), 600.5, 602, 902, looked, 952))
    late = [line for line in found.lines if line[0].startswith("check-overdue")]
    assert late == [("check-overdue.low", 600, 900), ("check-overdue.medium", 900, 950)]
    overdue = {(a.text, a.signal) for a in found.raised.values() if a.rule.startswith("check-overdue")}
    assert overdue == {("The check at 5 min is overdue: MOAA/S", "moaas")}


def test_an_overdue_check_names_all_that_is_missing_and_only_what_the_protocol_wants() -> None:
    log, start = ruled(expected=IM.expected)
    found = live(*start, dosed(log), 2, 602)
    assert [a.text for a in found.raised.values()] == [
        "The check at 5 min is overdue: blood pressure, MOAA/S"
    ]
    log, start = ruled(expected=IM.expected)
    last = [seen(log, 3600, moaas=5), log.reading(3601, device=None, systolic=120)]
    found = live(*start, dosed(log), *last, 5702)
    texts = [a.text for a in found.raised.values() if a.onset >= moment(3602)]
    assert texts == ["The check at 90 min is overdue: blood pressure"]


def test_dissociation_alarms_nobody() -> None:
    log, start = ruled(expected=IM.expected)
    looks = [seen(log, 60 * minute, moaas=4) for minute in (5, 10, 15, 20, 30, 45, 60)]
    looks += [log.reading(item.time.timestamp() - NOON.timestamp(), systolic=120) for item in looks]
    assert live(*in_time(*start, dosed(log), *looks, 3602, 4000)).lines == []


def test_an_observation_that_was_wrong_does_no_check() -> None:
    log, start = ruled(expected=IM.expected)
    looked = seen(log, 300)
    pressure = log.reading(301, device=None, systolic=120)
    items: list[Recorded | float] = [*start, dosed(log), looked, pressure, 610]
    assert live(*items).lines == []
    assert live(*items, wrong(log, looked, 620), 622).lines == [("check-overdue.low", 600, None)]


def ticking(items: Sequence[Recorded], until: float, every: float) -> Found:
    """What is found live by a watch whose clock ticks between the items, too; times in seconds after noon."""
    state, found, ticked = Watch(), Found(), 0.0
    for item in items:
        at = (item.time - NOON).total_seconds()
        while ticked < at:
            watch.tick(state, moment(ticked))
            found.take(watch.take(state))
            ticked += every
        watch.fold(state, item)
        found.take(watch.take(state))
    watch.tick(state, moment(until))
    found.take(watch.take(state))
    return found


CHECK = st.tuples(st.floats(5, 200), st.sampled_from(["cuff", "seen", "numb", "wrong", "dose"]))


@settings(max_examples=60, deadline=None)
@forall(st.lists(CHECK, min_size=1, max_size=25))
def test_the_checks_are_found_the_same_live_and_in_a_replay(steps: Sequence[Any]) -> None:
    log, start = ruled(expected=IM.expected)
    items, now, looks = [*start, dosed(log)], 1.0, list[Recorded]()
    for gap, kind in steps:
        now += gap
        if kind == "cuff":
            items.append(log.reading(now, device=None, systolic=120))
        elif kind == "wrong" and looks:
            items.append(wrong(log, looks.pop(), now))
        elif kind == "dose":
            items.append(dosed(log, now))
        else:
            items.append(seen(log, now, **({"moaas": 5} if kind == "seen" else {"pain": 1})))
            looks += items[-1:]
    found = ticking(items, now + 2, every=2)
    assert sorted(found.lines, key=str) == sorted(quiet(in_merge_order(log), now + 2).lines, key=str)


def test_a_booster_restarts_the_clock() -> None:
    log, start = ruled()
    booster = log.fact(
        Dosed, 500, additional=True, dose=Dose(drug="ketamine", route="intramuscular", milligrams=25)
    )
    found = live(*start, dosed(log), 2, booster, 502, 1101, 1102)
    assert found.lines == [("check-overdue.low", 1100, None)]


def test_no_pressure_for_long_is_an_alarm_of_its_own() -> None:
    log, start = ruled()
    found = live(*start, dosed(log), 2, log.reading(7200, device=None, systolic=120), 7200 + 2702)
    assert ("cuff-overdue", 7200 + 2700, None) in found.lines


# ---- latched, acknowledged, escalated


class Recorder:
    """The watch with a decider behind it: what it asks for is recorded and comes back."""

    def __init__(self, *start: Recorded) -> None:
        self.state = Watch()
        self.facts: list[Any] = []
        self.told: list[tuple[float, str | None]] = []
        for item in start:
            watch.fold(self.state, item)
        self.opened = start[0].event

    def tick(self, seconds: float) -> None:
        watch.tick(self.state, moment(seconds))
        self.act(seconds)

    def act(self, seconds: float) -> None:
        for action in watch.take(self.state):
            for fact in decider.decide(decided(decider, [self.opened, *self.facts]), action):
                self.put(fact, seconds)
                if isinstance(action, EscalateAlarm):
                    self.told.append(((action.at - NOON).total_seconds(), action.to))

    def put(self, fact: Any, seconds: float) -> None:
        self.facts.append(fact)
        watch.fold(self.state, Recorded(1000 + len(self.facts), fact, moment(seconds)))

    def acknowledge(self, seconds: float) -> None:
        alarm = next(f for f in self.facts if isinstance(f, AlarmRaised))
        command = decider.AcknowledgeAlarm(
            id=UUID(int=5), at=moment(seconds), by=NURSE, role="nurse", session_id=S, alarm_id=alarm.alarm_id
        )
        for fact in decider.decide(decided(decider, [self.opened, *self.facts]), command):
            self.put(fact, seconds)


def test_nobody_acknowledges_and_others_are_told_each_once_also_after_a_restart() -> None:
    log, start = ruled()
    ward = Recorder(*start, log.reading(1, spo2=79))
    ward.act(1)
    ward.tick(60)
    assert ward.told == []
    ward.tick(62)
    adapter = TypeAdapter(Watch)
    ward.state = watch.resumed(adapter.validate_json(adapter.dump_json(ward.state)))
    for seconds in (63, 64, 182, 183, 400):
        ward.tick(seconds)
    assert ward.told == [(61, "charge-nurse"), (181, "prescriber")]


def test_an_acknowledged_alarm_is_told_to_nobody() -> None:
    log, start = ruled()
    ward = Recorder(*start, log.reading(1, spo2=79))
    ward.act(1)
    ward.acknowledge(30)
    ward.tick(500)
    assert ward.told == []


def test_a_high_alarm_that_ended_still_wants_its_acknowledgement() -> None:
    log, start = ruled()
    ward = Recorder(*start, log.reading(1, spo2=79))
    ward.act(1)
    watch.fold(ward.state, log.reading(2, spo2=97))
    ward.tick(14)
    assert [type(f) for f in ward.facts] == [AlarmRaised, AlarmCleared]
    ward.tick(62)
    assert ward.told == [(61, "charge-nurse")]
    ward.acknowledge(70)
    assert [type(f) for f in ward.facts[2:]] == [AlarmEscalated, AlarmAcknowledged]
    ward.tick(500)
    assert len(ward.told) == 1


# ---- properties

STEP = st.tuples(
    st.floats(0.5, 40),
    st.sampled_from(["spo2"] * 3 + ["systolic"] * 2 + ["dose", "check", "seen"]),
    st.sampled_from([97, 94, 92, 91, 89, 85, 79]),
    st.sampled_from([120, 150, 165, 182, 190, 205]),
)
NARROW = IM.limits
WIDE = NARROW.model_copy(
    update={
        "spo2": [Band(low=90, priority="medium"), Band(low=86, priority="high")],
        "systolic": [Band(high=170, priority="low"), Band(low=85, high=189, priority="high")],
    }
)


def course(steps: Sequence[Any], limits: Limits) -> tuple[Log, list[Recorded], float]:
    log, start = ruled("M1", limits=limits)
    items, now = list(start), 1.0
    for n, (gap, kind, spo2, systolic) in enumerate(steps):
        now += gap
        if kind == "spo2":
            items.append(log.reading(now, spo2=spo2, heart_rate=70))
        elif kind == "systolic":
            items.append(log.reading(now, systolic=systolic, device=None if n % 2 else "M1"))
        elif kind == "dose":
            items.append(dosed(log, now))
        elif kind == "check":
            items.append(checked(log, now))
        else:
            items.append(log.fact(ObservationRecorded, now, moaas=n % 6))
    return log, items, now


@settings(max_examples=150, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=40))
def test_the_rules_find_the_same_live_and_in_a_replay(steps: Sequence[Any]) -> None:
    log, items, end = course(steps, NARROW)
    found = ticking(items, end + 2, every=0.5)
    assert sorted(found.lines, key=str) == sorted(quiet(in_merge_order(log), end + 2).lines, key=str)


def worst_at(found: Found, signal: str, second: float) -> int:
    """The rank of the worst alarm of a limit of this signal that holds then."""
    ranks = [0]
    for id, alarm in found.raised.items():
        if alarm.rule.startswith(f"{signal}.") and not alarm.rule.endswith("repeat"):
            ended = found.cleared.get(id)
            if alarm.onset <= moment(second) and (ended is None or moment(second) < ended.at):
                ranks.append(RANK[alarm.priority])
    return max(ranks)


@settings(max_examples=100, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=30))
def test_wider_limits_never_add_an_alarm(steps: Sequence[Any]) -> None:
    _, narrow, end = course(steps, NARROW)
    _, wide, _ = course(steps, WIDE)
    more, fewer = live(*narrow, end + 2), live(*wide, end + 2)
    for item in narrow:
        second = (item.time - NOON).total_seconds()
        for signal in ("spo2", "systolic"):
            assert worst_at(fewer, signal, second) <= worst_at(more, signal, second)


@settings(max_examples=100, deadline=None)
@forall(st.lists(st.sampled_from([97, 95, 92, 89, 85, 79]), min_size=40, max_size=120))
def test_a_condition_that_lasted_is_never_silent(values: list[int]) -> None:
    log, start = ruled("M1")
    found = live(*start, *(log.reading(n, spo2=v, heart_rate=70) for n, v in enumerate(values)))
    for n in range(len(values)):
        if values[n] <= 80 or (n >= 10 and max(values[n - 10 : n + 1]) < 90):
            assert worst_at(found, "spo2", n) == RANK["high"]
        elif n >= 30 and max(values[n - 30 : n + 1]) < 93:
            assert worst_at(found, "spo2", n) >= RANK["medium"]


@settings(max_examples=60, deadline=None)
@forall(st.integers(0, 9), st.floats(100, 3000))
def test_nothing_of_the_patient_is_raised_on_stale_data(last: int, later: float) -> None:
    log, start = ruled("M1")
    readings = [log.reading(n, spo2=89, heart_rate=125, respiratory_rate=14) for n in range(last + 1)]
    found = live(*start, *readings, *(float(n) for n in range(last, int(later), 50)))
    assert {a.kind for a in found.raised.values()} <= {"technical"}


def test_a_session_without_rules_knows_only_its_limits() -> None:
    log = Log()
    items = [opened(log, rules=None), checked(log), dosed(log), log.fact(ObservationRecorded, 5, moaas=0)]
    found = live(*items, log.reading(10, spo2=89), log.reading(11, systolic=185), 5000)
    assert [line[:2] for line in found.lines] == [("spo2.low.high", 10), ("systolic.high.high", 11)]
    assert not any(a.latching for a in found.raised.values())


@settings(max_examples=60, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=25), st.sets(st.integers(0, 26)))
def test_a_restart_from_the_snapshot_at_any_point_changes_nothing(
    steps: Sequence[Any], restarts: set[int]
) -> None:
    """What was asked for is asked again, under the same ids: the decider adds nothing."""
    adapter = TypeAdapter(Watch)
    _, items, end = course(steps, NARROW)
    state, raised, cleared = Watch(), dict[UUID, Any](), dict[UUID, Any]()
    for n, item in enumerate(items):
        watch.fold(state, item)
        if n in restarts:
            state = watch.resumed(adapter.validate_json(adapter.dump_json(state)))
        for action in watch.take(state):
            kept = raised if isinstance(action, RaiseAlarm) else cleared
            kept.setdefault(action.alarm_id, action.at)
    watch.tick(state, moment(end + 2))
    for action in watch.take(state):
        (raised if isinstance(action, RaiseAlarm) else cleared).setdefault(action.alarm_id, action.at)
    found = live(*items, end + 2)
    assert raised == {id: alarm.at for id, alarm in found.raised.items()}
    assert cleared == {id: alarm.at for id, alarm in found.cleared.items()}
