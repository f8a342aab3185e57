from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from intake import clinic
from intake.clinic import AdoptProtocol, DefineRoom, decide
from kap import protocol
from kap.decider import Refused, fold
from kap.events.intake import ProtocolAdopted, RoomDefined
from kap.protocol import Protocol
from pydantic import ValidationError

from tests.strategies import ADMIN, NURSE, PRESCRIBER

C = UUID(int=2)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IM = next(p for p in protocol.defaults() if p.name == "intramuscular")
NEXT = IM.model_copy(update={"version": IM.version + 1, "title": "Changed"})


def said(by: str = NURSE, role: str = "nurse") -> dict[str, Any]:
    return {"id": C, "at": NOON, "by": by, "role": role}


def fact(by: str = NURSE) -> dict[str, Any]:
    return {"id": uuid4(), "at": NOON, "by": by, "clinic": "main"}


def adopting(content: Protocol, by: str = PRESCRIBER, role: str = "prescriber") -> AdoptProtocol:
    return AdoptProtocol(**said(by, role), protocol=content.name, version=content.version, content=content)


def adopted(content: Protocol) -> ProtocolAdopted:
    return ProtocolAdopted(
        **fact(PRESCRIBER),
        protocol=content.name,
        version=content.version,
        digest=content.digest(),
        content=content.content(),
        signed_off_by=PRESCRIBER,
    )


def test_adopting_puts_the_whole_protocol_and_its_digest_on_record() -> None:
    given: list[ProtocolAdopted] = []
    when = adopting(IM)
    then = [adopted(IM).model_copy(update={"id": when.fact_id()})]

    assert decide(fold(clinic, given), when) == then
    assert Protocol.model_validate(then[0].content) == IM


def test_what_nobody_signed_says_so() -> None:
    [event] = decide(fold(clinic, []), adopting(IM, "service:intake", "service"))
    assert isinstance(event, ProtocolAdopted)
    assert event.signed_off_by is None


def test_a_prescriber_signs_off_what_is_in_use_already_and_once() -> None:
    by_kap = adopted(IM).model_copy(update={"signed_off_by": None})
    [event] = decide(fold(clinic, [by_kap]), adopting(IM))
    assert isinstance(event, ProtocolAdopted)
    assert (event.digest, event.signed_off_by) == (IM.digest(), PRESCRIBER)
    assert decide(fold(clinic, [by_kap, event]), adopting(IM)) == []
    assert decide(fold(clinic, [by_kap]), adopting(IM, ADMIN, "admin")) == []


def test_the_next_version_is_adopted() -> None:
    [event] = decide(fold(clinic, [adopted(IM)]), adopting(NEXT))
    assert isinstance(event, ProtocolAdopted)
    assert (event.version, event.digest) == (NEXT.version, NEXT.digest())


def test_adopting_the_same_again_changes_nothing() -> None:
    assert decide(fold(clinic, [adopted(IM)]), adopting(IM)) == []


@pytest.mark.parametrize("version", [1, NEXT.version])
def test_a_changed_protocol_needs_a_higher_number(version: int) -> None:
    changed = IM.model_copy(update={"version": version, "title": "Changed again"})
    with pytest.raises(Refused, match=f"Version {NEXT.version} of intramuscular is in use"):
        decide(fold(clinic, [adopted(IM), adopted(NEXT)]), adopting(changed))


def test_the_protocol_is_the_one_that_is_named() -> None:
    when = adopting(IM).model_copy(update={"protocol": "sublingual"})
    with pytest.raises(Refused, match=f"calls itself intramuscular version {IM.version}"):
        decide(fold(clinic, []), when)


def test_a_word_that_protocols_do_not_know_is_not_adopted_in_silence() -> None:
    content = IM.content() | {"limitz": {}}
    with pytest.raises(ValidationError, match="limitz"):
        AdoptProtocol.model_validate(said() | {"protocol": "intramuscular", "version": 1, "content": content})


def test_a_room_is_defined_and_named_anew() -> None:
    when = DefineRoom(**said(), room="3", title="Garden")
    then = [RoomDefined(**fact() | {"id": when.fact_id()}, room="3", title="Garden")]
    before = RoomDefined(**fact(), room="3", title="Room 3")

    assert decide(fold(clinic, []), when) == then
    assert decide(fold(clinic, [before]), when) == then


def test_defining_the_same_room_again_changes_nothing() -> None:
    given = [RoomDefined(**fact(), room="3", title="Garden")]
    assert decide(fold(clinic, given), DefineRoom(**said(), room="3", title="Garden")) == []
