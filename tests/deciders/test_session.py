"""Given what happened, when somebody asks for this, then that is recorded, or refused with a sentence."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap.decider import Cache, CorrectEntry, Refused, fold, transact
from kap.events import Recorded, Unknown, corrected, decode, encode
from kap.events.fact import Fact
from kap.events.intake import (
    Assessed,
    ConsentGiven,
    ConsentWithdrawn,
    CourseClosed,
    CourseOpened,
    PatientRegistered,
    PersonForgotten,
    Prepared,
    ProtocolAdopted,
)
from kap.events.session import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmPauseBroken,
    AlarmPaused,
    AlarmRaised,
    Band,
    DeviceAttached,
    DeviceDetached,
    Discharged,
    Dose,
    Dosed,
    ExpectedCourse,
    HelpAnswered,
    HelpCalled,
    Limits,
    NoteRecorded,
    PreDoseChecked,
    Priority,
    ProtocolRef,
    ResponsibleChanged,
    SessionAborted,
    SessionOpened,
)
from kap.testing import MemoryLog
from session_monitor import session, standing
from session_monitor.session import (
    WATCH,
    AbortSession,
    AcknowledgeAlarm,
    AnswerHelp,
    AttachDevice,
    CallHelp,
    CheckDose,
    CheckPreDose,
    ClearAlarm,
    DetachDevice,
    Discharge,
    EscalateAlarm,
    GiveDose,
    OpenSession,
    OverrideGate,
    PauseAlarm,
    RaiseAlarm,
    RecordNote,
    RecordObservation,
    SessionCommand,
    decide,
)
from session_monitor.standing import AdoptedProtocol, CourseStanding

S, COURSE, PATIENT, ALARM = (UUID(int=n) for n in range(1, 5))
NURSE = "staff:00000000-0000-0000-0000-00000000000a"
OTHER = "staff:00000000-0000-0000-0000-00000000000b"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SEALED = "sealed:v1:00000000-0000-0000-0000-000000000009:text:" + "A" * 40

limits = Limits(spo2=[Band(low=90, priority="high")])
expected = ExpectedCourse(onset_min=3, peak_min=20, offset_min=60, minimum_stay_min=120)
protocol = AdoptedProtocol(
    ref=ProtocolRef(name="intramuscular", version=1, digest="0" * 64), limits=limits, expected=expected
)
ready = CourseStanding(
    patient_id=PATIENT,
    verdict="eligible",
    route="intramuscular",
    protocol="intramuscular",
    weight_kg=70,
    prepared=True,
    consent="given",
)
dose = Dose(drug="ketamine", route="intramuscular", milligrams=50)

_count = iter(range(1000, 1_000_000))


def stamp(minutes: float = 0, by: str = NURSE, id: int | None = None) -> dict[str, Any]:
    at = NOON + timedelta(minutes=minutes)
    return {"id": UUID(int=id or next(_count)), "at": at, "by": by, "session_id": S}


def asked(minutes: float = 0, by: str = NURSE, role: str = "nurse") -> dict[str, Any]:
    return stamp(minutes, by) | {"role": role}


def opening(**changes: Any) -> OpenSession:
    fields: dict[str, Any] = {"course": ready, "patient_number": "0417", "protocol": protocol} | changes
    return OpenSession(**asked(), course_id=COURSE, room="2", **fields)


opened = SessionOpened(
    **stamp(),
    course_id=COURSE,
    patient_id=PATIENT,
    patient_number="0417",
    room="2",
    route="intramuscular",
    weight_kg=70,
    protocol=protocol.ref,
    limits=limits,
    expected=expected,
)
checked = PreDoseChecked(
    **stamp(5), systolic=120, diastolic=80, heart_rate=70, spo2=98, fasting=True, ride_arranged=True
)
dosed = Dosed(**stamp(10), dose=dose)
raised = AlarmRaised(
    **stamp(15, WATCH),
    alarm_id=ALARM,
    rule="spo2.low.high",
    priority="high",
    kind="physiological",
    text="SpO2 88 < 90",
    onset=NOON + timedelta(minutes=15),
)
discharged = Discharged(**stamp(130), course_id=COURSE, patient_id=PATIENT)


def when(given: Sequence[Fact], command: SessionCommand) -> Sequence[Fact]:
    return decide(fold(session, given), command)


def refused(given: Sequence[Fact], command: SessionCommand) -> str:
    with pytest.raises(Refused) as refusal:
        when(given, command)
    sentence = str(refusal.value)
    assert sentence[0].isupper() or sentence[0].isdigit()
    assert sentence.endswith(".")
    return sentence


def test_a_session_opens_with_what_its_course_and_protocol_say() -> None:
    command = opening()
    fields = opened.model_dump() | {"id": command.fact_id(), "at": command.at}
    assert when([], command) == [SessionOpened(**fields)]


def test_whoever_opens_a_session_may_answer_for_it_from_the_first_moment() -> None:
    command = opening(responsible=NURSE)
    [_, taken] = when([], command)
    fields = stamp(by=NURSE) | {"id": command.fact_id(1), "at": command.at}
    assert taken == ResponsibleChanged(**fields, responsible=NURSE)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"course": None}, "There is no such course"),
        ({"course": ready.model_copy(update={"closed": True})}, "closed"),
        ({"course": ready.model_copy(update={"verdict": None})}, "not been assessed"),
        ({"course": ready.model_copy(update={"verdict": "deferred"})}, "deferred, not eligible"),
        ({"course": ready.model_copy(update={"verdict": "ineligible"})}, "ineligible, not eligible"),
        ({"course": ready.model_copy(update={"consent": "none"})}, "no consent on record"),
        ({"course": ready.model_copy(update={"consent": "withdrawn"})}, "withdrawn consent"),
        ({"course": ready.model_copy(update={"prepared": False})}, "preparation is not on record"),
        ({"room_in_use": True}, "Room 2 is in use"),
        ({"course_in_room": "5"}, "open in room 5"),
        ({"protocol": None}, "has not adopted the protocol intramuscular"),
        ({"patient_number": None}, "record is not there"),
    ],
)
def test_a_session_does_not_open(changes: dict[str, Any], why: str) -> None:
    assert why in refused([], opening(**changes))


def test_a_session_opens_once() -> None:
    assert "opened before" in refused([opened], opening())


def test_nothing_happens_in_a_session_that_was_never_opened() -> None:
    assert refused([], GiveDose(**asked(), dose=dose, course=ready)) == "There is no such session."


def test_a_device_is_attached_once_and_detached() -> None:
    attach = AttachDevice(**asked(1), device_id="M1")
    [attached] = when([opened], attach)
    assert isinstance(attached, DeviceAttached) and attached.device_id == "M1"
    assert when([opened, attached], AttachDevice(**asked(2), device_id="M1")) == []
    [detached] = when([opened, attached], DetachDevice(**asked(3), device_id="M1"))
    assert isinstance(detached, DeviceDetached)
    assert "not attached" in refused([opened], DetachDevice(**asked(3), device_id="M1"))


def test_a_device_of_another_room_is_refused_by_its_room() -> None:
    command = AttachDevice(**asked(1), device_id="M1", attached_in="5")
    assert refused([opened], command) == "The device M1 is attached to the session in room 5."


def test_no_dose_before_the_pre_dose_check() -> None:
    command = GiveDose(**asked(10), dose=dose, course=ready)
    assert refused([opened], command) == "The session has no pre-dose check."
    [given] = when([opened, checked], command)
    assert given == Dosed(**command.stamp, session_id=S, dose=dose)


def test_a_withdrawn_pre_dose_check_is_none() -> None:
    log = MemoryLog()
    check = CheckPreDose(
        **asked(5), systolic=120, diastolic=80, heart_rate=70, spo2=98, fasting=True, ride_arranged=True
    )
    wrong = {**asked(6), "of": "session", "of_id": str(S), "event_id": check.fact_id(), "reason": SEALED}
    del wrong["session_id"]

    async def story() -> None:
        await transact(log, session, opening())
        await transact(log, session, check)
        await transact(log, session, CorrectEntry(**wrong))
        await transact(log, session, GiveDose(**asked(10), dose=dose, course=ready))

    with pytest.raises(Refused, match="no pre-dose check"):
        asyncio.run(story())


def test_consent_withdrawn_meanwhile_stops_the_dose() -> None:
    withdrawn = ready.model_copy(update={"consent": "withdrawn"})
    command = GiveDose(**asked(10), dose=dose, course=withdrawn)
    assert refused([opened, checked], command) == "The patient has withdrawn consent."
    assert "no such course" in refused([opened, checked], GiveDose(**asked(10), dose=dose))


@pytest.mark.parametrize(
    ("drug", "route", "why"),
    [
        ("ketamine", "intranasal", "This session is intramuscular; the dose is intranasal."),
        ("esketamine", "intramuscular", "gives ketamine; the dose is esketamine"),
    ],
)
def test_a_dose_must_fit_the_session(drug: Any, route: Any, why: str) -> None:
    other = Dose(drug=drug, route=route, milligrams=56)
    assert why in refused([opened, checked], GiveDose(**asked(10), dose=other, course=ready))
    assert why in refused([opened, checked], CheckDose(**asked(10), dose=other))


@pytest.mark.parametrize("minutes", [10, 10.5, 19.99, 20, 0.5])
def test_a_second_dose_within_ten_minutes_names_the_first(minutes: float) -> None:
    given = [opened, checked, dosed]
    again = GiveDose(**asked(minutes, OTHER), dose=dose, course=ready)
    sentence = refused(given, again)
    assert "50 mg ketamine" in sentence and NURSE in sentence
    [booster] = when(given, again.model_copy(update={"additional": True}))
    assert isinstance(booster, Dosed) and booster.additional


@pytest.mark.parametrize("minutes", [20.01, 30])
def test_a_later_dose_is_another(minutes: float) -> None:
    assert when([opened, checked, dosed], GiveDose(**asked(minutes), dose=dose, course=ready))


def test_a_withdrawn_dose_no_longer_counts() -> None:
    log = MemoryLog()
    first = GiveDose(**asked(10), dose=dose, course=ready)
    wrong = {**asked(11), "of": "session", "of_id": str(S), "event_id": first.fact_id(), "reason": SEALED}
    del wrong["session_id"]

    async def story() -> None:
        await transact(log, session, opening())
        await log.append(f"session.{S}", [checked], len(log.events))
        await transact(log, session, first)
        await transact(log, session, CorrectEntry(**wrong))
        await transact(log, session, GiveDose(**asked(12), dose=dose, course=ready))

    asyncio.run(story())
    doses = [e for e in corrected(log.events) if isinstance(e, Dosed)]
    assert [d.at for d in doses] == [NOON + timedelta(minutes=12)]


def test_a_time_before_the_session_is_refused() -> None:
    assert "before the session opened" in refused([opened], CheckDose(**asked(-2), dose=dose))


def test_only_a_prescriber_overrides_a_gate() -> None:
    command = OverrideGate(**asked(4), gate="blood_pressure", reason=SEALED)
    assert "Only a prescriber" in refused([opened], command)
    assert when([opened], command.model_copy(update={"role": "prescriber"}))


def test_an_observation_says_something() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        RecordObservation(**asked(20))
    assert when([opened], RecordObservation(**asked(20), moaas=4))


@pytest.mark.parametrize(
    "ending",
    [Discharge(**asked(130), instructions_given=True), AbortSession(**asked(130), reason=SEALED)],
)
def test_an_ended_session_takes_notes_and_acknowledgements_alone(ending: SessionCommand) -> None:
    [end] = when([opened, checked, dosed], ending)
    assert isinstance(end, Discharged | SessionAborted)
    over = [opened, checked, dosed, raised, end]
    for command in (
        GiveDose(**asked(131), dose=dose, course=ready),
        AttachDevice(**asked(131), device_id="M1"),
        PauseAlarm(**asked(131), alarm_id=ALARM),
        Discharge(**asked(131), instructions_given=True),
    ):
        assert refused(over, command) == "The session has ended."
    assert isinstance(when(over, RecordNote(**asked(140), text=SEALED))[0], NoteRecorded)
    assert "24 hours" in refused(over, RecordNote(**asked(130 + 25 * 60), text=SEALED))
    latched = [*over[:3], raised.model_copy(update={"latching": True}), end]
    cleared = AlarmCleared(**stamp(131, WATCH), alarm_id=ALARM)
    [seen] = when([*latched, cleared], AcknowledgeAlarm(**asked(132), alarm_id=ALARM))
    assert isinstance(seen, AlarmAcknowledged)


def test_a_call_for_help_is_one_call_until_somebody_answers_it() -> None:
    [call] = when([opened], CallHelp(**asked(20, OTHER)))
    assert isinstance(call, HelpCalled)
    assert when([opened, call], CallHelp(**asked(21, OTHER))) == []
    answer = AnswerHelp(**asked(21), call_id=call.id)
    [answered] = when([opened, call], answer)
    assert isinstance(answered, HelpAnswered)
    assert when([opened, call, answered], AnswerHelp(**asked(22), call_id=call.id)) == []
    late = refused([opened, call, answered], AnswerHelp(**asked(22, OTHER), call_id=call.id))
    assert late == f"This call was answered by {NURSE}."
    [again] = when([opened, call, answered], CallHelp(**asked(30, OTHER)))
    assert "this call is over" in refused([opened, call, answered, again], answer).lower()
    assert "no such call" in refused([opened], answer)


def test_a_discharge_names_course_and_patient() -> None:
    command = Discharge(**asked(130), instructions_given=False)
    assert when([opened], command) == [
        Discharged(
            **command.stamp, session_id=S, course_id=COURSE, patient_id=PATIENT, instructions_given=False
        )
    ]


def test_an_alarm_is_acknowledged_once_and_by_name() -> None:
    [acknowledged] = when([opened, raised], AcknowledgeAlarm(**asked(16), alarm_id=ALARM))
    assert isinstance(acknowledged, AlarmAcknowledged)
    again = AcknowledgeAlarm(**asked(17, OTHER), alarm_id=ALARM)
    assert refused([opened, raised, acknowledged], again) == f"This alarm was acknowledged by {NURSE}."
    assert "no such alarm" in refused([opened], again)
    cleared = AlarmCleared(**stamp(18, WATCH), alarm_id=ALARM)
    assert "cleared by itself" in refused([opened, raised, cleared], again)


@pytest.mark.parametrize(("until", "lasts"), [(None, 2), (17, 1), (26, 10)])
def test_an_alarm_is_paused(until: float | None, lasts: float) -> None:
    end = None if until is None else NOON + timedelta(minutes=until)
    why = "patient-moving"
    [paused] = when([opened, raised], PauseAlarm(**asked(16), alarm_id=ALARM, until=end, cause=why))
    assert isinstance(paused, AlarmPaused) and paused.cause == why
    assert paused.until - paused.at == timedelta(minutes=lasts)


@pytest.mark.parametrize("until", [26.1, 16, 15])
def test_an_alarm_is_not_paused_for_long_or_for_nothing(until: float) -> None:
    end = NOON + timedelta(minutes=until)
    refused([opened, raised], PauseAlarm(**asked(16), alarm_id=ALARM, until=end))


def test_an_acknowledged_alarm_is_not_paused_as_it_would_sound_again_when_the_pause_ends() -> None:
    seen = AlarmAcknowledged(**stamp(16, OTHER), alarm_id=ALARM)
    pause = PauseAlarm(**asked(17), alarm_id=ALARM)
    assert refused([opened, raised, seen], pause) == f"This alarm was acknowledged by {OTHER}."


def raising(minutes: float = 15, by: str = WATCH) -> RaiseAlarm:
    fields = raised.model_dump(exclude={"id", "at", "by", "type", "session_id", "late"})
    return RaiseAlarm(**asked(minutes, by, "service"), **fields)


@pytest.mark.parametrize(
    ("paused", "new", "at", "late", "breaks"),
    [
        ("medium", "high", 17, False, True),
        ("medium", "medium", 17, False, True),
        ("medium", "low", 17, False, False),
        ("medium", "high", 18, False, False),  # the pause is over by itself
        ("medium", "high", 17, True, False),  # what never sounds disturbs nobody
    ],
)
def test_a_new_alarm_as_bad_or_worse_breaks_a_pause(
    paused: Priority, new: Priority, at: float, late: bool, breaks: bool
) -> None:
    first = raised.model_copy(update={"priority": paused})
    [pause] = when([opened, first], PauseAlarm(**asked(16), alarm_id=ALARM))
    other = raising(at).model_copy(update={"alarm_id": UUID(int=99), "priority": new, "late": late})
    [alarm, *more] = when([opened, first, pause], other)
    assert isinstance(alarm, AlarmRaised)
    assert [(f.alarm_id, f.broken_by) for f in more if isinstance(f, AlarmPauseBroken)] == (
        [(ALARM, UUID(int=99))] if breaks else []
    )
    assert len({fact.id for fact in (alarm, *more)}) == 1 + len(more)
    another = raising(at).model_copy(update={"alarm_id": UUID(int=98), "priority": new})
    assert len(when([opened, first, pause, alarm, *more], another)) == 1 or not breaks


def test_raising_and_clearing_twice_is_once() -> None:
    [alarm] = when([opened], raising())
    assert isinstance(alarm, AlarmRaised) and not alarm.late
    assert when([opened, alarm], raising()) == []
    clear = ClearAlarm(**asked(16, WATCH, "service"), alarm_id=ALARM)
    [cleared] = when([opened, alarm], clear)
    assert isinstance(cleared, AlarmCleared)
    assert when([opened, alarm, cleared], clear) == []
    assert when([opened], clear) == []


def test_an_alarm_after_the_end_is_late_and_is_cleared() -> None:
    [alarm] = when([opened, discharged], raising(129))
    assert isinstance(alarm, AlarmRaised) and alarm.late
    assert when([opened, discharged, alarm], ClearAlarm(**asked(130, WATCH, "service"), alarm_id=ALARM))


def test_an_unheeded_alarm_escalates_once() -> None:
    command = EscalateAlarm(**asked(18, WATCH, "service"), alarm_id=ALARM, priority="high")
    medium = raised.model_copy(update={"priority": "medium"})
    [escalated] = when([opened, medium], command)
    assert when([opened, medium, escalated], command) == []
    heeded = AlarmAcknowledged(**stamp(17), alarm_id=ALARM)
    assert when([opened, medium, heeded], command) == []


def test_nobody_else_raises_alarms() -> None:
    assert "Only the watch" in refused([opened], raising(by=NURSE))


class FromTheFuture(MemoryLog):
    """Its records begin with an event that this version does not know."""

    async def load(self, aggregate: str, after: int = 0) -> list[Recorded]:
        history = await super().load(aggregate, after)
        return [replace(r, event=Unknown(type="SessionDreamt")) if r.position == 2 else r for r in history]


async def test_an_unreadable_entry_stops_staff_and_never_an_alarm() -> None:
    log, cache = FromTheFuture(), Cache()
    await log.append(f"session.{S}", [opened, NoteRecorded(**stamp(1), text=SEALED)], 0)
    observed = RecordObservation(**asked(2), moaas=5)
    with pytest.raises(Refused, match=r"cannot read .*SessionDreamt"):
        await transact(log, session, observed, cache)
    assert (await transact(log, session, raising(), cache)).recorded == 1
    with pytest.raises(Refused, match=r"cannot read .*SessionDreamt"):  # also when it is in the cache
        await transact(log, session, observed, cache)


# ---- what the edge reads elsewhere

course_facts: list[Any] = [
    CourseOpened(id=UUID(int=11), at=NOON, by=NURSE, course_id=COURSE, patient_id=PATIENT, indication="trd"),
    Assessed(
        id=UUID(int=12),
        at=NOON,
        by=NURSE,
        course_id=COURSE,
        verdict="eligible",
        weight_kg=70,
        route="intramuscular",
        protocol="intramuscular",
    ),
    ConsentGiven(id=UUID(int=13), at=NOON, by=NURSE, course_id=COURSE, document="consent-1"),
    Prepared(
        id=UUID(int=14),
        at=NOON,
        by=NURSE,
        course_id=COURSE,
        intentions=SEALED,
        education=True,
        safety_plan=SEALED,
        ride=SEALED,
        fasting_explained=True,
    ),
]


def test_a_course_stands_as_its_own_events_say() -> None:
    assert standing.course_standing([]) is None
    assert standing.course_standing(course_facts) == ready
    withdrawn = ConsentWithdrawn(id=UUID(int=15), at=NOON, by=NURSE, course_id=COURSE)
    closed = CourseClosed(id=UUID(int=16), at=NOON, by=NURSE, course_id=COURSE, outcome="stopped")
    after = standing.course_standing([*course_facts, withdrawn, closed])
    assert after == ready.model_copy(update={"consent": "withdrawn", "closed": True})


def test_a_new_assessment_wants_a_new_preparation() -> None:
    """A preparation answered what was found before; what is found now it cannot know."""
    again = course_facts[1].model_copy(update={"id": UUID(int=18)})
    after = standing.course_standing([*course_facts, again])
    assert after == ready.model_copy(update={"prepared": False})


def test_a_forgotten_patient_has_no_number() -> None:
    registered = PatientRegistered(
        id=UUID(int=17),
        at=NOON,
        by=NURSE,
        patient_id=PATIENT,
        name=SEALED,
        number="0417",
        birth_year=1980,
        sex_at_birth="female",
    )
    gone = PersonForgotten(id=UUID(int=18), at=NOON, by=NURSE, patient_id=PATIENT, ground="request")
    assert standing.patient_number([]) is None
    assert standing.patient_number([registered]) == "0417"
    assert standing.patient_number([registered, gone]) is None


def test_the_protocol_adopted_last_counts() -> None:
    def adoption(version: int, name: str = "intramuscular") -> ProtocolAdopted:
        content: dict[str, Any] = {
            "limits": limits.model_dump(mode="json"),
            "expected": expected.model_dump(mode="json"),
        }
        return ProtocolAdopted(
            id=UUID(int=20 + version),
            at=NOON,
            by=NURSE,
            clinic="main",
            protocol=name,
            version=version,
            digest=f"{version}" * 64,
            content=content,
        )

    facts = [adoption(1), adoption(2), adoption(3, "spravato")]
    found = standing.adopted(facts, "intramuscular")
    assert found is not None and found.ref.version == 2
    assert (found.limits, found.expected) == (limits, expected)
    assert standing.adopted(facts, "sublingual") is None


# ---- every command, in any order: a repeat changes nothing, and every event survives its journey

minutes = st.floats(0, 200, allow_nan=False)
stamps = st.tuples(minutes, st.sampled_from([NURSE, OTHER]), st.sampled_from(["nurse", "prescriber"]))
people = st.one_of(
    stamps.map(lambda s: opening().model_copy(update={"at": NOON + timedelta(minutes=s[0])})),
    stamps.map(lambda s: AttachDevice(**asked(*s), device_id="M1")),
    stamps.map(lambda s: DetachDevice(**asked(*s), device_id="M1")),
    stamps.map(
        lambda s: CheckPreDose(
            **asked(*s),
            systolic=120,
            diastolic=80,
            heart_rate=70,
            spo2=98,
            fasting=True,
            ride_arranged=True,
        )
    ),
    st.tuples(stamps, st.booleans()).map(
        lambda s: GiveDose(**asked(*s[0]), dose=dose, additional=s[1], course=ready)
    ),
    stamps.map(lambda s: RecordObservation(**asked(*s), nausea=2)),
    stamps.map(lambda s: RecordNote(**asked(*s), text=SEALED)),
    stamps.map(lambda s: AcknowledgeAlarm(**asked(*s), alarm_id=ALARM)),
    stamps.map(lambda s: PauseAlarm(**asked(*s), alarm_id=ALARM)),
    stamps.map(lambda s: Discharge(**asked(*s), instructions_given=True)),
    minutes.map(lambda m: raising(m)),
    minutes.map(lambda m: ClearAlarm(**asked(m, WATCH, "service"), alarm_id=ALARM)),
)


@settings(max_examples=150, deadline=None)
@forall(st.lists(st.tuples(people, st.booleans()), max_size=25))
def test_a_repeated_command_adds_nothing(story: list[tuple[Any, bool]]) -> None:
    async def run() -> None:
        log = MemoryLog()
        await transact(log, session, opening())
        for command, twice in story:
            try:
                first = await transact(log, session, command)
            except Refused:
                continue
            before = len(log.events)
            assert not twice or await transact(log, session, command) == first
            assert len(log.events) == before
        for recorded in log.events:
            assert isinstance(recorded.event, Fact)
            assert decode(encode(recorded.event)) == recorded.event
        ids = [r.event.id for r in log.events if isinstance(r.event, Fact)]
        assert len(ids) == len(set(ids))

    asyncio.run(run())
