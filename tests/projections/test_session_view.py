"""One session's facts, folded as staff see them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from kap.events import Recorded, Unknown, decode, encode
from kap.events.fact import EntryCorrected, Fact
from kap.events.session import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmPauseBroken,
    AlarmPaused,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    HelpAnswered,
    HelpCalled,
    Limits,
    LimitsChanged,
    ObservationRecorded,
    PreDoseChecked,
    ResponsibleChanged,
    SessionAborted,
)
from projections.session_view import Session, fold

from tests.projections.live import NURSE, START, WATCH, dosed, opened, raised, sealed, stamp

S = UUID(int=1)
OTHER = "staff:00000000-0000-0000-0000-0000000000bb"


def after(*facts: Fact | Unknown) -> Session:
    history = [Recorded(n, fact, datetime.now(UTC)) for n, fact in enumerate(facts, start=11)]
    session = fold(history)
    assert session is not None
    return session


def test_a_session_says_what_its_opening_said() -> None:
    session = after(opened(S, weight_kg=81.5))
    assert (session.number, session.room, session.state, session.weight_kg) == ("0417", "3", "open", 81.5)
    assert (session.label, session.name, session.responsible_name) == (None, None, None)
    assert session.record_position == 11
    assert Session.model_validate_json(session.model_dump_json()) == session


def test_nothing_opened_is_no_session() -> None:
    assert fold([]) is None
    assert fold([Recorded(1, dosed(S), START)]) is None


def test_when_staff_observed_what_and_not_what_was_wrong() -> None:
    def looked(minute: float, **scores: Any) -> ObservationRecorded:
        return ObservationRecorded(**stamp(START + timedelta(minutes=minute)), session_id=S, **scores)

    first, wrong = looked(15, moaas=4, dissociation=6), looked(20, moaas=5)
    facts = [opened(S), wrong, first, looked(25, nausea=2)]
    assert after(*facts).moaas_at == [first.at, wrong.at]
    assert after(*facts).dissociation_at == [first.at]
    correction = EntryCorrected(
        **stamp(), of="session", of_id=str(S), event_id=wrong.id, reason=sealed("reason")
    )
    assert after(*facts, correction).moaas_at == [first.at]


def test_devices_come_and_go() -> None:
    attach = [DeviceAttached(**stamp(), session_id=S, device_id=d) for d in ("a", "b", "a")]
    detach = DeviceDetached(**stamp(), session_id=S, device_id="b")
    assert after(opened(S), *attach).devices == ["b", "a"]
    assert after(opened(S), *attach, detach).devices == ["a"]


def test_the_record_before_and_of_the_dose() -> None:
    check = PreDoseChecked(
        **stamp(),
        session_id=S,
        systolic=128,
        diastolic=79,
        heart_rate=70,
        spo2=98,
        fasting=True,
        ride_arranged=True,
    )
    limits = Limits(no_data_after_s=30)
    session = after(
        opened(S),
        check,
        ResponsibleChanged(**stamp(), session_id=S, responsible=OTHER),
        LimitsChanged(**stamp(), session_id=S, limits=limits, reason=sealed("reason")),
        dosed(S, 30, START + timedelta(minutes=9)),
        dosed(S, 50, START + timedelta(minutes=2)),
    )
    assert session.pre_dose == check
    assert session.responsible == OTHER
    assert session.limits == limits
    assert [given.dose.milligrams for given in session.doses] == [50, 30]  # by when, not by when written


def test_a_call_for_help_stands_until_it_is_answered_and_says_by_whom() -> None:
    call = HelpCalled(**stamp(START), session_id=S)
    standing = after(opened(S), call).help
    assert standing is not None
    assert (standing.call_id, standing.by, standing.answered_by) == (call.id, call.by, None)
    answer = HelpAnswered(**stamp(START + timedelta(seconds=7)), session_id=S, call_id=call.id)
    answered = after(opened(S), call, answer).help
    assert answered is not None
    assert (answered.answered_by, answered.answered_at) == (answer.by, answer.at)
    again = HelpCalled(**stamp(START + timedelta(minutes=9)), session_id=S)
    late = after(opened(S), call, again, answer).help  # an answer to the call before
    assert late is not None
    assert (late.call_id, late.answered_by) == (again.id, None)


def test_an_ended_session_has_no_devices() -> None:
    attach = DeviceAttached(**stamp(), session_id=S, device_id="a")
    end = START + timedelta(hours=2)
    left = Discharged(**stamp(end), session_id=S, course_id=uuid4(), patient_id=uuid4())
    session = after(opened(S), attach, left)
    assert (session.state, session.ended_at, session.devices) == ("discharged", end, [])
    aborted = SessionAborted(**stamp(end), session_id=S, reason=sealed("reason"))
    assert after(opened(S), aborted).state == "aborted"


def test_an_alarm_is_open_until_its_condition_ends() -> None:
    alarm, other = raised(S), raised(S)
    acknowledged = AlarmAcknowledged(
        **stamp(START + timedelta(seconds=9)), session_id=S, alarm_id=alarm.alarm_id
    )
    session = after(opened(S), alarm, other, alarm, acknowledged)
    first, second = session.alarms
    assert (first.state, first.acknowledged_by, first.acknowledged_at) == (
        "acknowledged",
        NURSE,
        acknowledged.at,
    )
    assert (second.state, second.acknowledged_by) == ("active", None)
    cleared = AlarmCleared(**stamp(by=WATCH), session_id=S, alarm_id=alarm.alarm_id)
    assert [a.alarm_id for a in after(opened(S), alarm, other, cleared).alarms] == [other.alarm_id]


def test_a_worse_alarm_asks_for_attention_again() -> None:
    alarm = raised(S)
    until = START + timedelta(minutes=2)
    paused = AlarmPaused(**stamp(), session_id=S, alarm_id=alarm.alarm_id, until=until)
    (shown,) = after(opened(S), alarm, paused).alarms
    assert (shown.state, shown.paused_until) == ("paused", until)
    worse = AlarmEscalated(**stamp(by=WATCH), session_id=S, alarm_id=alarm.alarm_id, priority="high")
    (shown,) = after(opened(S), alarm, paused, worse).alarms
    assert (shown.state, shown.paused_until, shown.escalated) == ("active", None, True)


def test_an_entry_that_cannot_be_read_marks_the_record_incomplete() -> None:
    unknown = Unknown(type="SomethingNew", aggregate="session", aggregate_id=str(S))
    session = after(opened(S), unknown, dosed(S))
    assert session.incomplete
    assert len(session.doses) == 1


def corrected(entry: Fact, replacement: Fact | None) -> EntryCorrected:
    return EntryCorrected(
        **stamp(),
        of="session",
        of_id=str(S),
        event_id=entry.id,
        reason=sealed("reason"),
        replacement=None if replacement is None else replacement.model_dump(mode="json"),
    )


def test_a_wrong_dose_is_gone_and_its_replacement_counts() -> None:
    wrong, right = dosed(S, 500), dosed(S, 50)
    session = after(opened(S), wrong, corrected(wrong, right))
    assert [(given.event_id, given.dose.milligrams) for given in session.doses] == [(right.id, 50)]
    assert session.record_position == 13
    assert after(opened(S), wrong, corrected(wrong, None)).doses == []


def test_a_withdrawn_discharge_leaves_the_session_open() -> None:
    attach = DeviceAttached(**stamp(), session_id=S, device_id="a")
    left = Discharged(**stamp(), session_id=S, course_id=uuid4(), patient_id=uuid4())
    session = after(opened(S), attach, left, corrected(left, None))
    assert (session.state, session.ended_at, session.devices) == ("open", None, ["a"])


def test_stored_facts_fold_as_written_ones() -> None:
    facts = [opened(S), raised(S), dosed(S)]
    stored = [decode(encode(fact)) for fact in facts]
    assert all(isinstance(fact, Fact) for fact in stored)
    assert after(*[fact for fact in stored if isinstance(fact, Fact)]) == after(*facts)


def test_a_latching_alarm_stays_until_it_is_acknowledged() -> None:
    alarm = raised(S).model_copy(update={"latching": True})
    over = AlarmCleared(**stamp(by=WATCH), session_id=S, alarm_id=alarm.alarm_id)
    told = AlarmEscalated(
        **stamp(by=WATCH), session_id=S, alarm_id=alarm.alarm_id, priority=alarm.priority, to="charge-nurse"
    )
    seen = AlarmAcknowledged(**stamp(), session_id=S, alarm_id=alarm.alarm_id)
    [latched] = after(opened(S), alarm, over).alarms
    assert (latched.state, latched.cleared_at) == ("latched", over.at)
    [escalated] = after(opened(S), alarm, over, told).alarms
    assert (escalated.state, escalated.escalated_to) == ("latched", "charge-nurse")
    assert after(opened(S), alarm, over, told, seen).alarms == []
    assert after(opened(S), alarm, seen, over).alarms == []
    late = alarm.model_copy(update={"late": True})
    assert after(opened(S), late, over).alarms == []


def test_a_broken_pause_is_over() -> None:
    first = raised(S)
    paused = AlarmPaused(**stamp(), session_id=S, alarm_id=first.alarm_id, until=START + timedelta(hours=9))
    broken = AlarmPauseBroken(**stamp(), session_id=S, alarm_id=first.alarm_id, broken_by=UUID(int=9))
    assert after(opened(S), first, paused).alarms[0].state == "paused"
    [alarm] = after(opened(S), first, paused, broken).alarms
    assert (alarm.state, alarm.paused_until) == ("active", None)
    seen = AlarmAcknowledged(**stamp(), session_id=S, alarm_id=first.alarm_id)
    assert after(opened(S), first, paused, seen, broken).alarms[0].state == "acknowledged"
