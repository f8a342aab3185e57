"""Which session a device's observation belongs to."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st
from kap.events import Recorded
from kap.events.fact import EntryCorrected, Fact
from kap.events.session import (
    DeviceAttached,
    DeviceDetached,
    Discharged,
    ExpectedCourse,
    Limits,
    ProtocolRef,
    SessionAborted,
    SessionOpened,
)
from session_monitor.attachments import Attachments

A, B, COURSE, PATIENT = (UUID(int=n) for n in range(1, 5))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BY = "staff:0199a1b2-0000-7000-8000-000000000001"
SEALED = f"sealed:v1:{UUID(int=7)}:reason:{'A' * 40}"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def opened(session: UUID = A, minutes: float = 0, number: str = "4711") -> SessionOpened:
    return SessionOpened(
        id=uuid4(),
        at=at(minutes),
        by=BY,
        session_id=session,
        course_id=COURSE,
        patient_id=PATIENT,
        patient_number=number,
        room="R1",
        route="intramuscular",
        protocol=ProtocolRef(name="im", version=1, digest="0" * 64),
        limits=Limits(),
        expected=ExpectedCourse(onset_min=5, peak_min=20, offset_min=60, minimum_stay_min=120),
    )


def attached(session: UUID = A, minutes: float = 1, device: str = "M1") -> DeviceAttached:
    return DeviceAttached(id=uuid4(), at=at(minutes), by=BY, session_id=session, device_id=device)


def detached(session: UUID = A, minutes: float = 9, device: str = "M1") -> DeviceDetached:
    return DeviceDetached(id=uuid4(), at=at(minutes), by=BY, session_id=session, device_id=device)


def discharged(session: UUID = A, minutes: float = 8) -> Discharged:
    return Discharged(
        id=uuid4(), at=at(minutes), by=BY, session_id=session, course_id=COURSE, patient_id=PATIENT
    )


def aborted(session: UUID = A, minutes: float = 8) -> SessionAborted:
    return SessionAborted(id=uuid4(), at=at(minutes), by=BY, session_id=session, reason=SEALED)


def correction(of: Fact, replacement: Fact | None = None) -> EntryCorrected:
    return EntryCorrected(
        id=uuid4(),
        at=at(30),
        by=BY,
        of="session",
        of_id=str(A),
        event_id=of.id,
        reason=SEALED,
        replacement=None if replacement is None else replacement.model_dump(mode="json"),
    )


def recorded(position: int, event: Fact) -> Recorded:
    return Recorded(position, event, NOON)


def given_facts(*facts: Fact) -> Attachments:
    attachments = Attachments()
    for position, fact in enumerate(facts, start=1):
        attachments.fold(recorded(position, fact))
    return attachments


def test_a_device_belongs_to_its_session_from_attachment_to_detachment() -> None:
    attachments = given_facts(opened(), attached(), detached())
    assert [attachments.session_at("M1", at(m)) for m in (0.9, 1, 8.9, 9)] == [None, A, A, None]
    assert attachments.session_at("M2", at(2)) is None
    assert attachments.position == 3


def test_nothing_belongs_to_a_session_that_has_ended() -> None:
    for end in (discharged(), aborted()):
        attachments = given_facts(opened(), attached(), end)
        assert [attachments.session_at("M1", at(m)) for m in (7.9, 8)] == [A, None]
        assert attachments.open_at(A, at(7.9)) and not attachments.open_at(A, at(8))


def test_attached_before_the_opening_counts_from_the_opening() -> None:
    attachments = given_facts(opened(minutes=5), attached(minutes=1))
    assert [attachments.session_at("M1", at(m)) for m in (4, 5)] == [None, A]


def test_a_device_that_moves_on_is_on_the_new_patient_only() -> None:
    attachments = given_facts(opened(), attached(), opened(B, 2), attached(B, 5), detached(B, 7))
    assert [attachments.session_at("M1", at(m)) for m in (4.9, 5, 6.9, 7, 20)] == [A, B, B, None, None]


def test_attached_again() -> None:
    attachments = given_facts(opened(), attached(), detached(minutes=3), attached(minutes=6))
    assert [attachments.session_at("M1", at(m)) for m in (2, 4, 7)] == [A, None, A]


def test_a_withdrawn_attachment_never_was() -> None:
    wrong = attached(minutes=2)
    attachments = given_facts(opened(), wrong, correction(wrong))
    assert attachments.session_at("M1", at(3)) is None
    assert not attachments.attached("M1")


def test_a_corrected_attachment_counts_as_corrected() -> None:
    wrong = attached(minutes=2)
    attachments = given_facts(opened(), wrong, correction(wrong, attached(minutes=4, device="M2")))
    assert attachments.session_at("M1", at(5)) is None
    assert [attachments.session_at("M2", at(m)) for m in (3, 5)] == [None, A]


def test_a_withdrawn_end_opens_the_session_again() -> None:
    end = aborted()
    attachments = given_facts(opened(), attached(), end, correction(end))
    assert attachments.session_at("M1", at(20)) == A


def test_the_patients_number() -> None:
    assert given_facts(opened(number="0815")).patient_number(A) == "0815"
    assert Attachments().patient_number(A) == ""


steps = st.lists(
    st.tuples(st.sampled_from(["attach", "detach", "end"]), st.sampled_from([A, B]), st.integers(1, 50)),
    max_size=12,
)


@given(steps, st.integers(0, 60))
def test_asking_between_does_not_change_the_answer(moves: list[tuple[str, UUID, int]], minute: int) -> None:
    facts: list[Fact] = [opened(A), opened(B)]
    for kind, session, minutes in moves:
        match kind:
            case "attach":
                facts.append(attached(session, minutes))
            case "detach":
                facts.append(detached(session, minutes))
            case _:
                facts.append(discharged(session, minutes))
    asked = Attachments()
    for position, fact in enumerate(facts, start=1):
        asked.fold(recorded(position, fact))
        asked.session_at("M1", at(minute))
    assert asked.session_at("M1", at(minute)) == given_facts(*facts).session_at("M1", at(minute))
