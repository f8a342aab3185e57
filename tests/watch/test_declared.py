"""A past that is declared never sounds, what holds when it ends does, and nothing of now is silenced by it.

Times in seconds after noon, when everything of the past begins to be recorded; the past itself is before.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap.events import Recorded
from kap.events.session import (
    DeviceAttached,
    Discharged,
    Dose,
    Dosed,
    ObservationRecorded,
    PreDoseChecked,
    ProtocolRef,
    SessionOpened,
)
from pydantic import TypeAdapter
from session_monitor import watch
from session_monitor.session import ClearAlarm, RaiseAlarm
from session_monitor.watch import Watch

from tests.watch.test_watch import IM, NOON, RULES, Found, Log, in_merge_order, live, moment, quiet

DAY = 24 * 3600.0
WATCH = TypeAdapter(Watch)


def opened(log: Log, at: float, recorded: float) -> Recorded:
    return log.fact(
        SessionOpened,
        at,
        recorded=recorded,
        course_id=UUID(int=2),
        patient_id=UUID(int=3),
        patient_number="0417",
        room="2",
        route="intramuscular",
        protocol=ProtocolRef(name="intramuscular", version=3, digest="0" * 64),
        limits=IM.limits,
        expected=IM.expected,
        rules=RULES,
    )


def past(dose: float = -DAY) -> tuple[Log, list[Recorded]]:
    """A session declared from its past: opened, a monitor attached, dosed, all recorded within a second."""
    log = Log()
    return log, [
        opened(log, dose - 900, 0),
        log.fact(DeviceAttached, dose - 600, recorded=0.1, device_id="M1"),
        dosed(log, dose, 0.2),
    ]


def now() -> tuple[Log, list[Recorded]]:
    """The same as it happens, without a dose."""
    log = Log()
    return log, [opened(log, -900, -900), log.fact(DeviceAttached, -600, device_id="M1")]


def dosed(log: Log, at: float, recorded: float) -> Recorded:
    return log.fact(
        Dosed, at, recorded=recorded, dose=Dose(drug="ketamine", route="intramuscular", milligrams=50)
    )


def seen(log: Log, at: float, recorded: float, **fields: Any) -> Recorded:
    return log.fact(ObservationRecorded, at, recorded=recorded, **fields)


def told(log: Log, at: float, received: float, **values: Any) -> Recorded:
    return log.reading(at, received=received, backfilled=True, **values)


def ended(log: Log, at: float, recorded: float) -> Recorded:
    return log.fact(Discharged, at, recorded=recorded, course_id=UUID(int=2), patient_id=UUID(int=3))


def sounding(found: Found) -> list[tuple[str, float]]:
    return [(a.rule, (a.onset - NOON).total_seconds()) for a in found.raised.values() if not a.late]


# ---- the past does not sound


def test_no_check_is_overdue_because_the_past_is_still_being_told() -> None:
    log, start = past()
    cuffs = [told(log, 300 * n - DAY, 3 + n / 100, systolic=120, heart_rate=70) for n in range(1, 25)]
    found = live(*start, 1.5, 2, 2.9, *cuffs, 4, ended(log, 7500 - DAY, 5), 6.5, 60)
    assert found.lines == []


def test_a_check_that_was_late_then_is_on_record_late() -> None:
    log, start = past()
    early = [told(log, n - DAY, 2, heart_rate=70) for n in range(0, 1200, 60)]
    done = told(log, 1201 - DAY, 2, systolic=120, heart_rate=70)
    found = live(*start, 1.5, *early, 2.5, done, 3, ended(log, 1300 - DAY, 3), 5)
    assert found.lines == [
        ("check-overdue.low", 600 - DAY, 900 - DAY),
        ("check-overdue.medium", 900 - DAY, 1201 - DAY),
    ]
    assert sounding(found) == []


def test_what_was_seen_and_was_over_is_on_record_late() -> None:
    log, start = past()
    found = live(
        *start,
        1.5,
        seen(log, 600 - DAY, 2, moaas=1, symptoms=["chest_pain"]),
        3.5,
        seen(log, 900 - DAY, 4, moaas=5),
        5.5,
        ended(log, 7500 - DAY, 6),
        8,
    )
    assert found.lines == [
        ("symptom.chest_pain", 600 - DAY, 900 - DAY),
        ("sedation.high", 600 - DAY, 900 - DAY),
    ]
    assert sounding(found) == []


def test_a_monitor_that_is_told_of_is_not_silent_while_the_rest_is_told() -> None:
    log, start = past()
    steps = [told(log, 300 - DAY, 2, systolic=120), seen(log, 310 - DAY, 25, moaas=5)]
    found = live(*start, 1.5, steps[0], 20, steps[1], 27, ended(log, 320 - DAY, 45), 47)
    assert found.lines == []


def test_no_breath_in_the_past_is_late() -> None:
    log, start = now()
    breaths = [told(log, n - 400, 1, respiratory_rate=0 if n < 30 else 14) for n in range(40)]
    found = live(*start, *breaths, 2)
    assert ("apnoea", -380, -370) in found.lines and ("apnoea", -380) not in sounding(found)


def test_a_second_reading_is_looked_for_in_the_past_too() -> None:
    log, start = past()
    first, then = told(log, 300 - DAY, 2, systolic=185), told(log, 600 - DAY, 2, systolic=150)
    between = [told(log, n - DAY, 2, heart_rate=70) for n in (310, 500)]
    found = live(*start, 1.5, first, 1.9, *between, then, 3)
    assert "systolic.high.high" not in [line[0] for line in found.lines]
    log, start = past()
    again = told(log, 600 - DAY, 2, systolic=186)
    found = live(*start, 1.5, told(log, 300 - DAY, 2, systolic=185), again, 3)
    assert ("systolic.high.high", 600 - DAY, None) in found.lines and sounding(found) == []


# ---- what holds when it ends sounds


def test_what_holds_when_the_present_is_reached_sounds_with_its_true_onset() -> None:
    log, start = past(-1200)
    before = [told(log, n - 1200, 2, heart_rate=70) for n in range(0, 1190, 60)]
    found = live(*start, 1.5, *before, 2.5)
    assert sounding(found) == []
    log, start = past(-1200)
    before = [told(log, n - 1200, 2, heart_rate=70) for n in range(0, 1190, 60)]
    found = live(*start, 1.5, *before, 2.5, log.reading(3, heart_rate=70), 3.2)
    assert sounding(found) == [("check-overdue.medium", -300)]


@pytest.mark.parametrize("seconds", [29, 32])
def test_a_past_that_nobody_tells_more_of_has_ended(seconds: float) -> None:
    """A session that was entered when it was over an hour old, and then nobody came: it is not silent."""
    _, start = past(-1200)
    found = live(*start, 1.5, 0.2 + seconds)
    assert sounding(found) == ([] if seconds < 30 else [("check-overdue.medium", -300)])


@pytest.mark.parametrize(("until", "sounds"), [(280, False), (310, True)])
def test_a_past_that_takes_long_to_tell_has_ended_after_five_minutes(until: int, sounds: bool) -> None:
    """Somebody types a paper chart in, about a patient who has pain in the chest now."""
    log, start = past(-1200)
    pain = seen(log, -600, 2, symptoms=["chest_pain"])
    chart = [seen(log, n - 600, n, pain=2) for n in range(20, until, 20)]
    assert (("symptom.chest_pain", -600) in sounding(live(*start, pain, *chart, until))) == sounds


def test_an_entry_of_now_ends_the_past() -> None:
    log, start = past(-1200)
    pain = seen(log, -600, 2, symptoms=["chest_pain"])
    found = live(*start, pain, 3.5)
    assert sounding(found) == []
    log, start = past(-1200)
    pain, note = seen(log, -600, 2, symptoms=["chest_pain"]), seen(log, 4, 4.5, pain=2)
    found = live(*start, pain, 3.5, note, 5.6)
    assert sounding(found) == [("symptom.chest_pain", -600), ("check-overdue.medium", -300)]


def test_a_device_that_says_nothing_after_the_past_is_silent() -> None:
    log, start = past(-1200)
    found = live(*start, 1.5, told(log, -10, 2, systolic=120), 31.9, 33.1, 47.9, 48.1)
    assert ("no_data", 47) in sounding(found)


def test_a_change_that_reaches_into_the_present_sounds() -> None:
    log, start = past(-1200)
    answers = {"systolic": 120, "diastolic": 75, "heart_rate": 70, "spo2": 98}
    start.append(log.fact(PreDoseChecked, -1300, recorded=0.3, **answers, fasting=True, ride_arranged=True))
    before = [told(log, n - 1200, 2, spo2=98 if n < 600 else 94) for n in range(0, 1200, 5)]
    reached = [log.reading(3, spo2=94), log.reading(4, spo2=94), log.reading(5, spo2=98)]
    found = live(*start, 1.5, *before, *reached, 17)
    lines = [(line, found.raised[id].late) for line, id in zip(found.lines, found.raised, strict=True)]
    assert (("spo2-change", -570, 3), True) in lines and (("spo2-change", 3, 15), False) in lines


# ---- nothing of now is silenced


def test_a_dose_entered_late_is_overdue_all_the_same() -> None:
    log, start = now()
    found = live(
        *start, 0.1, dosed(log, -290, 10), 12, *(log.reading(n, heart_rate=70) for n in range(13, 320))
    )
    assert sounding(found)[-1] == ("check-overdue.low", 310)
    log, start = now()
    found = live(*start, dosed(log, -1200, 10), 12)
    assert ("check-overdue.medium", -300) in sounding(found)


def test_a_symptom_entered_late_sounds_at_once() -> None:
    log, start = now()
    found = live(*start, seen(log, -300, 10, symptoms=["chest_pain"]), 11.5)
    assert ("symptom.chest_pain", -300) in sounding(found)


def test_a_high_pressure_that_came_late_sounds_when_nobody_measures_again() -> None:
    """A gateway's buffer after an outage: the second reading can be taken from when the first is known."""
    log, start = now()
    high = told(log, -500, 10, systolic=185, heart_rate=70)
    found = live(*start, high, *(log.reading(n, heart_rate=70) for n in range(11, 440)))
    assert ("systolic.high.high", 430) in sounding(found)


def test_a_live_value_sounds_whatever_is_still_told_of_the_past() -> None:
    log, start = past(-1200)
    low = log.reading(3, spo2=79, heart_rate=70)
    found = live(*start, told(log, -1000, 2, systolic=120), low, told(log, -900, 4, systolic=121))
    assert ("spo2.low.high", 3) in sounding(found)


# ---- the same log gives the same alarms

STEP = st.tuples(
    st.floats(1, 400),  # seconds of the past since the step before
    st.floats(0.01, 4),  # seconds until it is recorded
    st.sampled_from(["told"] * 4 + ["cuff"] * 3 + ["dose", "seen", "silence"]),
    st.sampled_from([98, 98, 94, 89, 79]),
    st.sampled_from([120, 120, 165, 185, 205]),
    st.sampled_from([5, 5, 3, 1]),
)


def script(steps: Sequence[Any], reaches: bool) -> tuple[Log, list[tuple[float, Recorded]], float]:
    """A declared past as it is recorded, and with `reaches` a live monitor after it."""
    log = Log()
    at, recorded = -DAY, 0.0
    items = [
        (0.0, opened(log, at - 900, 0)),
        (0.1, log.fact(DeviceAttached, at - 600, recorded=0.1, device_id="M1")),
    ]
    for gap, takes, kind, spo2, systolic, moaas in steps:
        at, recorded = at + gap, recorded + takes + (40 if kind == "silence" else 0)
        match kind:
            case "told":
                item = told(log, at, recorded, spo2=spo2, heart_rate=70)
            case "cuff":
                item = told(log, at, recorded, systolic=systolic, spo2=spo2, heart_rate=70)
            case "dose":
                item = dosed(log, at, recorded)
            case _:
                item = seen(log, at, recorded, moaas=moaas)
        items.append((recorded, item))
    for _ in range(20 if reaches else 0):
        recorded += 1
        items.append((recorded, log.reading(recorded, spo2=94, heart_rate=70)))
    return log, items, recorded + 2


def played(items: Sequence[tuple[float, Recorded]], end: float, restarts: Collection[int] = ()) -> Found:
    """As it is recorded, with a restart after some items: what was asked for before is asked again."""
    state, found, ticked = Watch(), Found(), 0.0

    def take() -> None:
        for action in watch.take(state):
            if isinstance(action, RaiseAlarm):
                found.raised.setdefault(action.alarm_id, action)
            elif isinstance(action, ClearAlarm):
                found.cleared.setdefault(action.alarm_id, action)

    for n, (recorded, item) in enumerate(items):
        while ticked < recorded:
            watch.tick(state, moment(ticked))
            take()
            ticked += 0.7
        watch.fold(state, item)
        if n in restarts:
            state = watch.resumed(WATCH.validate_json(WATCH.dump_json(state)))
        take()
    watch.tick(state, moment(end))
    take()
    return found


@settings(max_examples=60, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=16), st.booleans(), st.sets(st.integers(0, 16), max_size=3))
def test_a_declared_past_gives_the_same_live_in_a_replay_and_after_restarts(
    steps: Sequence[Any], reaches: bool, restarts: set[int]
) -> None:
    log, items, end = script(steps, reaches)
    expected = sorted(quiet(in_merge_order(log), end).lines, key=str)
    assert sorted(played(items, end).lines, key=str) == expected
    assert sorted(played(items, end, restarts).lines, key=str) == expected


@settings(max_examples=60, deadline=None)
@forall(st.lists(STEP, min_size=1, max_size=20))
def test_nothing_sounds_while_the_past_is_told(steps: Sequence[Any]) -> None:
    _, items, end = script([step for step in steps if step[2] != "silence"], reaches=False)
    assert sounding(played(items, end)) == []
