"""From what a device says to what is on record: when, whose, new or not. The log is in memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from kap.decider import Refused, Unavailable
from kap.envelope import VITALS
from kap.events.vitals import Sample, Signal, Vital, VitalRecorded
from kap.testing import MemoryLog
from session_monitor.attachments import Attachments
from session_monitor.devices import CODES_SHOWN, DEVICES_SHOWN, Devices
from session_monitor.readings import Fault, FromDevice, Observation
from session_monitor.recording import Answer, Recorder

from tests.services.test_attachments import BY, A, at, attached, discharged, given_facts, opened


class Log(MemoryLog):
    """In memory, and sometimes not there: before storing, or after it without saying so."""

    weather = "fair"

    async def record(self, readings: Sequence[Vital], after: int) -> None:
        weather, self.weather = self.weather, "fair"
        if weather == "away":
            raise Unavailable("The log does not answer.")
        await super().record(readings, after)
        if weather == "lost answer":
            raise Unavailable("The log does not answer.")

    def readings(self) -> list[VitalRecorded]:
        return [r.event for _, r in self.streams[VITALS] if isinstance(r.event, VitalRecorded)]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def recorder(log: Log) -> Recorder:
    return recorder_on(log, given_facts(opened(), attached()))


def recorder_on(log: Log, attachments: Attachments) -> Recorder:
    return Recorder(log, "main", attachments, Devices())


def said(
    *observations: tuple[datetime, dict[Signal, float]],
    sent_at: datetime | None = None,
    sent_id: str = "M1",
    numbers: frozenset[str] = frozenset(),
) -> FromDevice:
    return FromDevice(
        device_id="M1",
        name="Monitor",
        source="monitor",
        sent_at=sent_at,
        observations=[
            Observation(time, {s: Sample(value=v) for s, v in values.items()}, sent_id)
            for time, values in observations
        ],
        sent_id=sent_id,
        patient_numbers=numbers,
    )


def statuses(answers: list[Answer]) -> list[str]:
    return [a.status for a in answers]


async def test_three_times(recorder: Recorder, log: Log) -> None:
    skewed = at(5) + timedelta(minutes=40)  # the device's clock is 40 minutes ahead
    cuff = skewed - timedelta(minutes=3)
    await recorder.take(said((cuff, {"systolic": 120}), (skewed, {"spo2": 97}), sent_at=skewed), at(5))
    systolic, spo2 = log.readings()
    assert (systolic.device_time, systolic.observed_at, systolic.received_at) == (cuff, at(2), at(5))
    assert (spo2.device_time, spo2.observed_at) == (skewed, at(5))
    assert [f.fault.kind for f in recorder.devices.faults("M1")] == ["clock skew"]
    seen = recorder.devices.get("M1")
    assert seen is not None and seen.skew_s == 2400


async def test_a_time_in_the_future_counts_as_now(recorder: Recorder, log: Log) -> None:
    await recorder.take(said((at(60), {"spo2": 97}), sent_at=at(5)), at(5))
    assert log.readings()[0].observed_at == at(5)
    assert [f.fault.kind for f in recorder.devices.faults("M1")] == ["time in the future"]


async def test_a_reading_belongs_to_the_session_by_its_time(recorder: Recorder, log: Log) -> None:
    early, late = at(0.5), at(2)  # attached at minute 1
    answers = await recorder.take(said((early, {"systolic": 120}), (late, {"spo2": 97}), sent_at=late), late)
    assert statuses(answers) == ["unattached", "recorded"]
    assert [(r.session_id, set(r.signals)) for r in log.readings()] == [(A, {"spo2"})]
    shown = recorder.devices.shown(recorder.attachments, at(3))
    assert set(shown[0]["signals"]) == {"systolic", "spo2"}
    assert shown[0]["session_id"] == str(A)


async def test_nothing_is_recorded_after_the_end(log: Log) -> None:
    recorder = recorder_on(log, given_facts(opened(), attached(), discharged(minutes=8)))
    answers = await recorder.take(said((at(9), {"spo2": 97}), sent_at=at(9)), at(9))
    assert statuses(answers) == ["unattached"]
    assert not log.readings()


async def test_a_reading_names_the_facts_that_were_folded(recorder: Recorder, log: Log) -> None:
    await recorder.take(said((at(2), {"spo2": 97}), sent_at=at(2)), at(2))
    assert [item.after for _, item in log.streams[VITALS]] == [2]


async def test_a_repeated_cuff_value_is_recorded_once(recorder: Recorder, log: Log) -> None:
    cuff: dict[Signal, float] = {"systolic": 120, "diastolic": 80}
    first = await recorder.take(said((at(2), cuff | {"spo2": 97}), sent_at=at(2)), at(2))
    again = await recorder.take(said((at(2), cuff), (at(2.1), {"spo2": 97}), sent_at=at(2.1)), at(2.1))
    assert statuses(first) == ["recorded"]
    assert statuses(again) == ["repeated", "recorded"]
    assert [set(r.signals) for r in log.readings()] == [{"systolic", "diastolic", "spo2"}, {"spo2"}]


async def test_an_old_message_sent_again_after_newer_ones_adds_nothing(recorder: Recorder, log: Log) -> None:
    """Some of its signals have newer values by then: what is left is still on record."""
    first = said((at(5), {"heart_rate": 71, "spo2": 97}), sent_at=at(5))
    await recorder.take(first, at(5))
    await recorder.take(said((at(6), {"heart_rate": 72}), sent_at=at(6)), at(6))
    assert statuses(await recorder.take(first, at(9))) == ["repeated"]
    assert len(log.readings()) == 2
    recalled = recorder_on(log, recorder.attachments)
    await recalled.recall(0)
    assert statuses(await recalled.take(first, at(12))) == ["repeated"]
    assert len(log.readings()) == 2


async def test_a_new_value_at_a_known_time_is_recorded(recorder: Recorder, log: Log) -> None:
    await recorder.take(said((at(2), {"systolic": 120}), sent_at=at(2)), at(2))
    answers = await recorder.take(said((at(2), {"systolic": 121}), sent_at=at(2)), at(2))
    assert statuses(answers) == ["recorded"]


async def test_a_repeat_is_known_after_a_restart(recorder: Recorder, log: Log) -> None:
    message = said((at(2), {"systolic": 120}), (at(3), {"spo2": 97}), sent_at=at(3))
    await recorder.take(message, at(3))
    restarted = recorder_on(log, recorder.attachments)
    await restarted.recall(0)
    assert statuses(await restarted.take(message, at(3.2))) == ["repeated", "repeated"]
    only_the_cuff = said((at(2), {"systolic": 120}), sent_at=at(4))
    assert statuses(await restarted.take(only_the_cuff, at(4))) == ["repeated"]
    assert len(log.readings()) == 2


async def test_the_same_reading_twice_at_once_is_recorded_once(recorder: Recorder, log: Log) -> None:
    message = said((at(2), {"spo2": 97}), sent_at=at(2))
    answers = await asyncio.gather(*(recorder.take(message, at(2)) for _ in range(5)))
    assert sorted(a.status for (a,) in answers) == ["recorded"] + ["repeated"] * 4
    assert len({a.id for (a,) in answers}) == 1
    assert len(log.readings()) == 1


async def test_demo_never_enters_a_session(recorder: Recorder, log: Log) -> None:
    message = replace(said((at(2), {"spo2": 97}), sent_at=at(2)), demo=True)
    assert statuses(await recorder.take(message, at(2))) == ["refused"]
    assert not log.readings()
    assert [f.fault.kind for f in recorder.devices.faults("M1")] == ["demo or test"]
    assert not recorder.devices.shown(recorder.attachments, at(2))[0]["signals"]


async def test_another_patients_number_is_shown_and_the_reading_kept(recorder: Recorder, log: Log) -> None:
    await recorder.take(said((at(2), {"spo2": 97}), sent_at=at(2), numbers=frozenset({"9999"})), at(2))
    assert len(log.readings()) == 1
    assert [f.fault.kind for f in recorder.devices.faults("M1")] == ["patient number differs"]
    await recorder.take(said((at(3), {"spo2": 97}), sent_at=at(3), numbers=frozenset({"4711"})), at(3))
    assert not recorder.devices.faults("M1")


async def test_sent_again_after_an_outage_it_was_still_observed_then(recorder: Recorder, log: Log) -> None:
    message = said((at(2), {"spo2": 97}), sent_at=at(2))
    log.weather = "away"
    with pytest.raises(Unavailable):
        await recorder.take(message, at(2))
    assert statuses(await recorder.take(message, at(7))) == ["recorded"]
    assert log.readings()[0].observed_at == at(2)


async def test_an_outcome_that_was_not_known_is_looked_up(recorder: Recorder, log: Log) -> None:
    message = said((at(2), {"spo2": 97}), sent_at=at(2))
    log.weather = "lost answer"
    with pytest.raises(Unavailable):
        await recorder.take(message, at(2))
    assert statuses(await recorder.take(message, at(7))) == ["repeated"]
    assert len(log.readings()) == 1


async def test_a_fault_of_a_signal_lasts_until_it_has_a_value(recorder: Recorder) -> None:
    off = replace(said(sent_at=at(2)), faults=[Fault("no value", "spo2", "spo2: no value was sent")])
    await recorder.take(off, at(2))
    await recorder.take(said((at(3), {"heart_rate": 60}), sent_at=at(3)), at(3))
    assert [(f.fault.about, f.first) for f in recorder.devices.faults("M1")] == [("spo2", at(2))]
    await recorder.take(said((at(4), {"spo2": 97}), sent_at=at(4)), at(4))
    assert not recorder.devices.faults("M1")


async def test_what_is_shown_is_bounded(recorder: Recorder) -> None:
    for n in range(DEVICES_SHOWN + 10):
        await recorder.take(replace(said(sent_at=at(2)), device_id=f"D{n}"), at(2))
    many = [(str(n), f"CODE_{n}") for n in range(200)]
    await recorder.take(replace(said(sent_at=at(2)), device_id="last", unknown=many), at(2))
    shown = recorder.devices.shown(recorder.attachments, at(2))
    assert len(shown) == DEVICES_SHOWN
    assert shown[0]["device_id"] == "last"
    assert len(shown[0]["unknown_codes"]) == CODES_SHOWN


async def test_a_manual_reading(recorder: Recorder, log: Log) -> None:
    signals: dict[Signal, Sample] = {"systolic": Sample(value=128), "diastolic": Sample(value=82)}
    first = await recorder.record_manual(A, signals, at(3), BY)
    again = await recorder.record_manual(A, signals, at(3), BY)
    assert (first.status, again.status, first.id) == ("recorded", "repeated", again.id)
    (reading,) = log.readings()
    assert (reading.source, reading.entered_by, reading.device_id) == ("manual", BY, None)
    assert reading.observed_at == reading.device_time == at(3)


@pytest.mark.parametrize(
    ("session", "signals", "minute", "why"),
    [
        (UUID(int=99), {"spo2": 97.0}, 3, "was not open"),
        (A, {"spo2": 97.0}, -3, "was not open"),
        (A, {"temperature": 384.5}, 3, "384.5 is not possible"),
        (A, {}, 3, "has no value"),
    ],
)
async def test_a_manual_reading_is_refused(
    recorder: Recorder, session: UUID, signals: dict[Signal, float], minute: float, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        await recorder.record_manual(
            session, {s: Sample(value=v) for s, v in signals.items()}, at(minute), BY
        )


async def test_a_device_of_no_clock_is_taken_at_its_arrival(recorder: Recorder, log: Log) -> None:
    far = datetime(1, 1, 1, tzinfo=UTC)
    answers = await recorder.take(said((at(2), {"spo2": 97}), sent_at=None), at(2))
    assert statuses(answers) == ["recorded"]
    answers = await recorder.take(said((far, {"spo2": 97}), sent_at=datetime.max.replace(tzinfo=UTC)), at(2))
    assert statuses(answers) == ["unattached"]
