"""A reading by hand that is withdrawn or replaced: what it raised, what it hid, what it had done."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap.events import Recorded
from kap.events.session import AlarmCleared, AlarmRaised, Discharged
from kap.events.vitals import VitalCorrected
from session_monitor import watch
from session_monitor.app import latest
from session_monitor.watch import Watch

from tests.watch.test_rules import Recorder, checked, dosed, ruled
from tests.watch.test_rules import wrong as withdrawn
from tests.watch.test_watch import NOON, NORMAL, Found, S, in_session, live, moment


def after(*items: Recorded) -> Watch:
    state = Watch()
    for item in items:
        watch.fold(state, item)
    return state


def test_what_it_raised_is_over_and_goes_on_record() -> None:
    log, start = in_session()
    typed = log.reading(10, device=None, systolic=212, diastolic=110)
    found = live(*start, typed, log.correction(typed, 40))
    assert found.lines == [("systolic.high.high", 10, 40)]
    assert [alarm.late for alarm in found.raised.values()] == [False]


def test_nothing_is_left_of_the_only_value() -> None:
    log, start = in_session()
    typed = log.reading(10, device=None, systolic=121, diastolic=75)
    state = after(*start, typed, log.correction(typed, 40))
    assert latest(state, S) == {}


def test_the_value_before_it_counts_again_with_its_own_time() -> None:
    log, start = in_session()
    typed = log.reading(60, device=None, systolic=121)
    state = after(*start, log.reading(10, systolic=128), typed, log.correction(typed, 90))
    systolic = latest(state, S)["systolic"]
    assert (systolic.value, systolic.at) == (128, moment(10))


def test_of_several_by_hand_the_newest_that_stands_counts() -> None:
    log, start = in_session()
    first = log.reading(10, device=None, systolic=118)
    second, third = log.reading(20, device=None, systolic=119), log.reading(30, device=None, systolic=210)
    items = [*start, first, second, third, log.correction(second, 40), log.correction(third, 50)]
    assert latest(after(*items), S)["systolic"].value == 118


def test_what_it_hid_alarms_again() -> None:
    """The pressure of another patient, typed here, had ended a true alarm."""
    log, start = in_session()
    typed = log.reading(60, device=None, systolic=120)
    found = live(*start, log.reading(10, systolic=184), typed, log.correction(typed, 90))
    assert found.lines == [("systolic.high.high", 10, 60), ("systolic.high.high", 90, None)]
    again = list(found.raised.values())[-1]
    assert (again.text, again.late) == ("Systolic 184 > 179", False)


def test_what_a_device_measured_meanwhile_and_came_late_counts_again() -> None:
    log, start = in_session()
    typed = log.reading(60, device=None, systolic=120)
    cuff = log.reading(55, received=61, systolic=186)
    found = live(*start, typed, cuff, log.correction(typed, 90))
    assert found.lines == [("systolic.high.high", 90, None)]


def test_a_value_long_gone_raises_nothing() -> None:
    log, start = in_session()
    typed = log.reading(1000, device=None, systolic=120)
    found = live(*start, log.reading(10, systolic=184), typed, log.correction(typed, 1001))
    assert found.lines == [("systolic.high.high", 10, 1000)]


def test_a_newer_value_is_left_alone() -> None:
    log, start = in_session()
    typed = log.reading(10, device=None, spo2=88)
    found = live(*start, typed, log.reading(11, spo2=85), log.correction(typed, 12))
    assert found.lines == [("spo2.low.high", 10, 12), ("spo2.low.high", 12, None)]  # now it tells the 85
    assert (
        latest(after(*start, typed, log.reading(13, spo2=97), log.correction(typed, 14)), S)["spo2"].value
        == 97
    )


def test_a_replacement_counts_from_when_it_was_measured() -> None:
    log, start = in_session()
    typed = log.reading(10, device=None, systolic=112)
    found = live(*start, typed, log.correction(typed, 40, systolic=212))
    assert found.lines == [("systolic.high.high", 10, None)]
    log, start = in_session()
    typed = log.reading(10, device=None, systolic=212)
    found = live(*start, typed, log.correction(typed, 40, systolic=190))
    first, second = found.raised.values()
    assert (first.text, second.text) == ("Systolic 212 > 179", "Systolic 190 > 179")
    assert [end for _, _, end in found.lines] == [40, None]


def test_the_first_of_two_corrections_counts_and_a_replacement_can_be_corrected() -> None:
    log, start = in_session()
    typed = log.reading(10, device=None, systolic=112)
    first, second = log.correction(typed, 40, systolic=121), log.correction(typed, 41, systolic=212)
    assert latest(after(*start, typed, first, second), S)["systolic"].value == 121
    assert isinstance(first.event, VitalCorrected) and first.event.replacement is not None
    replaced = Recorded(first.position, first.event.replacement, first.time)
    third = log.correction(replaced, 50, systolic=125)
    assert latest(after(*start, typed, first, second, third), S)["systolic"].value == 125


def test_a_device_is_never_corrected() -> None:
    log, start = in_session()
    cuff = log.reading(10, systolic=212)
    assert latest(after(*start, cuff, log.correction(cuff, 40)), S)["systolic"].value == 212


# ---- by a protocol's rules


def test_a_check_that_only_it_had_done_is_open_again() -> None:
    log, start = ruled()
    start += [checked(log), dosed(log)]
    typed = log.reading(300, device=None, systolic=120, diastolic=75)
    pulse = [log.reading(n, pulse_rate=70, spo2=98) for n in range(290, 640, 10)]
    before = [r for r in pulse if r.time <= moment(300)]
    withdrawn = log.correction(typed, 620)
    found = live(*start, *before, typed, *pulse[len(before) :], withdrawn, 630, 640)
    assert [line[:2] for line in found.lines] == [("check-overdue.low", 600)]
    assert [alarm.late for alarm in found.raised.values()] == [False]


def test_what_was_asked_of_it_is_not_asked_any_more() -> None:
    log, start = ruled()
    start.append(checked(log))
    typed = log.reading(10, device=None, systolic=184)
    found = live(*start, typed, log.correction(typed, 40), 600)
    assert all(end == 40 for _, _, end in found.lines) and found.lines
    assert {line[0] for line in found.lines} >= {"systolic.high.high.repeat", "systolic-change"}


def test_a_rate_of_no_breath_that_was_a_slip() -> None:
    log, start = ruled()
    typed = log.reading(10, device=None, respiratory_rate=0)
    found = live(*start, log.reading(5, respiratory_rate=14), typed, log.correction(typed, 20))
    assert found.lines and all(end == 20 for _, _, end in found.lines)


def test_a_fall_from_a_value_that_never_was_is_no_fall() -> None:
    log, start = ruled()
    typed = log.reading(10, device=None, spo2=100)
    wrong = log.correction(typed, 12)
    found = live(*start, *(log.reading(n, spo2=96) for n in range(10)), typed, wrong)
    assert found.lines == []
    later = live(
        *start, log.reading(9, spo2=96), typed, wrong, *(log.reading(n, spo2=95.5) for n in range(13, 40))
    )
    assert later.lines == []


def recorded(*items: Recorded) -> list[str]:
    """What sounds in the end, when what is found is put on record at once, as the service does."""
    ward = Recorder(items[0])
    for item in items[1:]:
        watch.fold(ward.state, item)
        ward.act((item.time - NOON).total_seconds())
    over = {fact.alarm_id for fact in ward.facts if isinstance(fact, AlarmCleared)}
    return [
        f.text for f in ward.facts if isinstance(f, AlarmRaised) and f.alarm_id not in over and not f.late
    ]


def test_a_correction_that_is_corrected_alarms_each_time() -> None:
    """The alarm that ended with the first correction is on record: none of the others may be taken for it."""
    log, start = in_session()
    first = log.reading(10, device=None, systolic=212)
    items, wrong = [*start, first], first
    for seconds, value in ((40, 190), (50, 185), (60, 214)):
        fix = log.correction(wrong, seconds, systolic=value)
        items.append(fix)
        assert recorded(*items) == [f"Systolic {value} > 179"]
        assert isinstance(fix.event, VitalCorrected) and fix.event.replacement is not None
        wrong = Recorded(fix.position, fix.event.replacement, fix.time)


def test_a_check_is_overdue_again_each_time_that_what_did_it_is_withdrawn() -> None:
    log, start = ruled()
    items = [*start, checked(log), dosed(log)]
    for seconds in (2000, 2100, 2300):
        items.append(log.reading(seconds, device=None, systolic=120, diastolic=75))
        assert recorded(*items) == []
        items.append(log.correction(items[-1], seconds + 20))
        items.append(log.reading(seconds + 30, spo2=98))
        assert recorded(*items) == ["The check at 5 min is overdue: blood pressure"]


def test_what_was_withdrawn_after_the_end_stays_so_when_the_end_is_withdrawn() -> None:
    log, start = in_session()
    typed = log.reading(10, device=None, systolic=212)
    left = log.fact(Discharged, 20, course_id=UUID(int=2), patient_id=UUID(int=3))
    items = [*start, log.reading(5, systolic=128), typed, left, log.correction(typed, 30)]
    reopened = withdrawn(log, left, 40)
    state = after(*items, reopened, log.reading(41, spo2=97))
    assert latest(state, S)["systolic"].value == 128
    assert recorded(*items, reopened) == []


def test_an_alarm_that_newer_values_keep_tells_them_and_not_what_was_withdrawn() -> None:
    log, start = ruled()
    typed = log.reading(10, device=None, spo2=79)
    low = [log.reading(n, spo2=88) for n in range(11, 15)]
    items = [*start, checked(log), typed, *low, log.correction(typed, 15)]
    assert recorded(*items[:-1])[0] == "SpO2 79 < 90"
    assert [text for text in recorded(*items) if "<" in text] == ["SpO2 88 < 90"]


def test_a_first_value_that_was_withdrawn_is_no_baseline() -> None:
    log, start = ruled()
    typed = log.reading(5, device=None, systolic=100)
    items = [*start, typed, log.reading(10, systolic=120), log.correction(typed, 12)]
    assert live(*items, log.reading(20, systolic=140)).lines == []


# ---- whatever happens around it

STEP = st.tuples(
    st.floats(0.1, 2),
    st.sampled_from(["measured", "measured", "typed", "withdrawn"]),
    st.sampled_from([97, 92, 91, 88, 79]),
    st.floats(0, 3),  # so much older than it comes
)


def worst(items: Sequence[Recorded]) -> str | None:
    """The worst limit whose alarm holds in the end."""
    found = Found()
    state = Watch()
    for item in items:
        watch.fold(state, item)
        found.take(watch.take(state))
    held = {rule for rule, _, end in found.lines if end is None}
    return next((rule for rule in ("spo2.low.high", "spo2.low.medium") if rule in held), None)


@settings(max_examples=400, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=25))
def test_what_holds_is_what_would_hold_without_what_was_withdrawn(steps: Sequence[Any]) -> None:
    log, start = in_session()
    typed: list[Recorded] = []
    gone: list[Recorded] = []
    now = 0.0
    for gap, kind, value, age in steps:
        if now + gap > NORMAL.no_data_after_s:
            break  # a value too old to mean anything raises nothing
        now += gap
        if kind == "measured":
            log.reading(now - age, received=now, spo2=value)
        elif kind == "typed":
            typed.append(log.reading(now - age, device=None, received=now, spo2=value))
        elif typed:
            wrong = typed.pop(0)
            gone += [wrong, log.correction(wrong, now)]
    without = [item for item in log.vitals if item not in gone]
    assert worst([*start, *log.vitals]) == worst([*start, *without])


@settings(max_examples=300, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=20), st.sampled_from([97, 92, 88, 79]))
def test_by_rules_too_what_sounds_in_the_end_is_what_would_sound_without(
    steps: Sequence[Any], steady: int
) -> None:
    """On record each time, as the service does it: no alarm of before may be taken for one of now."""
    log, start = ruled()
    start.append(checked(log))
    typed: list[Recorded] = []
    gone: list[Recorded] = []
    now = 0.0
    for gap, kind, value, age in steps:
        now += gap
        if kind == "measured":
            log.reading(now, spo2=value)
        elif kind == "typed":
            typed.append(log.reading(now - age, device=None, received=now, spo2=value))
        elif typed:
            wrong = typed.pop(0)
            gone += [wrong, log.correction(wrong, now)]
    for wrong in typed:
        gone += [wrong, log.correction(wrong, now + 0.5)]
    for second in range(150):  # a fall is looked for over 120 s
        log.reading(now + 1 + second, spo2=steady)
    without = [item for item in log.vitals if item not in gone]
    # a lesser alarm than the limit's may stand beside it, as it came first
    worst_of = [
        min((text.partition(" < ")[2] for text in recorded(*start, *items) if " < " in text), default="none")
        for items in (log.vitals, without)
    ]
    assert worst_of[0] == worst_of[1]
