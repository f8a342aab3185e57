"""Each event that `kap simulate --event` plays provokes the alarms that it is there for, on any patient."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from kap.events import Recorded
from kap.events.session import ObservationRecorded, PreDoseChecked
from kap_local import physiology
from kap_local.physiology import LASTS_MIN, LOOKED_AT_MIN, OTHER_NUMBER, PROVOKES, Bedside, Event, Kind
from kap_local.simulate import provoked
from kap_local.simulation import WELL_TODAY
from kap_local.slips import SLIPS
from session_monitor import gates

from tests.watch.test_rules import checked, dosed, ruled
from tests.watch.test_watch import NOON, NURSE, RULES, S, live, moment

AT_MIN = 16.0  # after the dose
ALARMS: dict[Kind, set[str]] = {
    "probe_off": {"probe-off.spo2.low", "probe-off.spo2.medium"},
    "hypertension": {"systolic.high.high.repeat", "systolic.high.high", "diastolic.high.high"},
    "desaturation": {"spo2-falling", "spo2-change", "spo2.low.medium", "spo2.low.high"},
    "vasovagal": {"systolic.low.high", "heart_rate.low.low"},
    "late_rise": {"systolic-change", "systolic-rising"},
    "crisis": {
        "systolic.high.high",
        "diastolic.high.high",
        "symptom.chest_pain",
        "symptom.severe_headache",
    },
    "tachycardia": {"heart-rate-expected", "heart_rate.high.medium", "heart_rate.high.high"},
    "bradycardia": {"heart_rate.low.low", "heart_rate.low.high"},
    "slow_breathing": {"respiratory_rate.low.high"},
    "fast_breathing": {"respiratory_rate.high.high"},
    "apnoea": {"apnoea"},
    "laryngospasm": {"apnoea", "spo2.low.high", "symptom.stridor"},
    "oversedation": {"sedation.low", "sedation.medium", "sedation.high"},
    "leads_off": {"probe-off.respiratory_rate.low", "probe-off.respiratory_rate.medium"},
    "one_limb": {"one-limb"},
    "cuff_lost": {"check-overdue.low", "check-overdue.medium", "cuff-overdue"},
    "link_lost": {"no_data"},
    "clock_skew": {"clock_skewed"},
}


def test_every_event_says_what_it_provokes() -> None:
    alarming = ALARMS.keys() | {"vomiting", "panic", "other_patient"}
    assert PROVOKES.keys() == LASTS_MIN.keys() == alarming


@pytest.mark.parametrize("kind", ALARMS)
@pytest.mark.parametrize("patient", [1, 2])
def test_an_event_provokes_its_alarms(kind: Kind, patient: int) -> None:
    event = Event(kind, AT_MIN)
    body = physiology.draw(Random(f"patient {patient}"), "intramuscular", (event,))
    log, start = ruled("M1")
    items: list[Recorded | float] = [*start, checked(log), dosed(log)]
    from_s, to_s = int((AT_MIN - 2) * 60), int((AT_MIN + LASTS_MIN[kind] + 1) * 60)
    shows = Bedside(body, NOON, moment(from_s), Random("noise"))
    looks = {int((AT_MIN + m) * 60): AT_MIN + m for m in LOOKED_AT_MIN.get(kind, ())}
    for second in range(from_s, to_s):
        if shown := shows.at(moment(second)):
            values: dict[str, Any] = shown.values | (shown.cuff[1] if shown.cuff and shown.measured else {})
            items.append(log.reading(second, skew=shown.skew.total_seconds(), **values))
        if second in looks:
            scores = physiology.observation(body, looks[second], Random("nurse"))
            items.append(log.fact(ObservationRecorded, second, **scores))
        items.append(float(second + 1))
    found = {alarm.rule for alarm in live(*items).raised.values()}
    assert ALARMS[kind] <= found


def test_each_gate_is_held_by_a_slip_or_by_what_the_body_does() -> None:
    check = {"systolic": 124, "diastolic": 78, "heart_rate": 70, "spo2": 98} | WELL_TODAY
    held: set[str] = set()
    for slip in SLIPS.values():
        if slip.step == "checked":
            answers = PreDoseChecked(id=S, at=NOON, by=NURSE, session_id=S, **(check | slip.wrong))
            [(gate, why)] = gates.held(RULES.gates, True, [answers], ()).items()
            assert slip.told in why and slip.gate in (None, gate)
            held.add(gate)
    assert held == set(gates.GATES)
    assert not PROVOKES.keys() & SLIPS.keys()
    assert len(provoked().rows) == len(PROVOKES) + len(SLIPS)


def test_another_patients_number_is_shown_for_a_while() -> None:
    event = Event("other_patient", AT_MIN)
    body = physiology.draw(Random("anybody"), "intramuscular", (event,))
    shows = Bedside(body, NOON, NOON, Random("noise"))
    numbers = [shows.at(NOON + timedelta(minutes=minute)) for minute in (15, 17, 20)]
    assert [shown.number for shown in numbers if shown] == [None, OTHER_NUMBER, None]
