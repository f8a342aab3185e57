"""What the clinic has: the last of each name counts, and a corrected entry is as if it had not been."""

from typing import Any
from uuid import uuid4

from kap import protocol
from kap.events.fact import EntryCorrected, Fact
from kap.events.intake import ProtocolAdopted, RoomDefined
from projections.clinic import Clinic

from tests.projections.live import START
from tests.strategies import NURSE, sealed

IM = next(p for p in protocol.defaults() if p.name == "intramuscular")


def stamp() -> dict[str, Any]:
    return {"id": uuid4(), "at": START, "by": NURSE, "clinic": "main"}


def adopted(version: int, **changes: Any) -> ProtocolAdopted:
    content = IM.content() | {"version": version} | changes
    return ProtocolAdopted(**stamp(), protocol=IM.name, version=version, digest="0" * 64, content=content)


def room(name: str, title: str) -> RoomDefined:
    return RoomDefined(**stamp(), room=name, title=title)


def after(*events: Fact) -> Clinic:
    clinic = Clinic()
    for event in events:
        clinic.fold(event)
    return clinic


def test_the_last_of_each_name_counts() -> None:
    clinic = after(adopted(1), room("1", "Quiet"), adopted(2, title="Newer"), room("1", "Corner"))
    [protocol] = clinic.protocols
    assert (protocol.version, protocol.title, protocol.route) == (2, "Newer", "intramuscular")
    assert protocol.eligibility == IM.eligibility
    assert [(r.room, r.title) for r in clinic.rooms] == [("1", "Corner")]


def test_a_protocol_of_before_there_were_rules_has_none() -> None:
    old = ProtocolAdopted(
        **stamp(), protocol="old", version=1, digest="0" * 64, content={"route": "intramuscular"}
    )
    [protocol] = after(old).protocols
    assert (protocol.title, protocol.eligibility) == ("old", None)


def test_a_corrected_entry_is_as_if_it_had_not_been() -> None:
    first, wrong = room("1", "Quiet"), room("1", "Wrong")
    other = room("1", "Corner")
    for replacement, title in ((None, "Quiet"), (other.model_dump(mode="json"), "Corner")):
        correction = EntryCorrected(
            **{key: value for key, value in stamp().items() if key != "clinic"},
            of="clinic",
            of_id="main",
            event_id=wrong.id,
            reason=sealed("reason"),
            replacement=replacement,
        )
        assert [r.title for r in after(first, wrong, correction).rooms] == [title]
