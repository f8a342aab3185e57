"""The published language: what is written once can be read for ever."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap import envelope
from kap.events import CATALOGUE, NotAnEvent, Recorded, Unknown, corrected, decode, encode, snake
from kap.events.fact import Aggregate, EntryCorrected, Fact
from kap.events.intake import RoomDefined
from kap.events.vitals import Vital
from kap.personal import PERSONAL_PATHS
from pydantic import BaseModel

from tests.strategies import NURSE, instances, sealed

HERE = Path(__file__).parent
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COMMAND = UUID(int=77)
Schema = dict[str, object]
EVENTS = list(CATALOGUE.values())
every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


@every_event
@forall(st.data())
@settings(max_examples=30, deadline=None)
def test_every_event_round_trips(event: type[Fact | Vital], data: st.DataObject) -> None:
    written = data.draw(instances(event))
    assert decode(encode(written)) == written


@every_event
@forall(st.data())
@settings(max_examples=10, deadline=None)
def test_every_event_comes_back_from_its_message(event: type[Fact | Vital], data: st.DataObject) -> None:
    written = data.draw(instances(event))
    subject = envelope.subject("main", written)
    if isinstance(written, Vital):
        headers = envelope.reading_headers(written, "tests", 41)
    else:
        headers = envelope.headers(written, "tests", command=COMMAND)

    read = envelope.recorded(7, subject, headers, encode(written), NOON)

    assert (read.event, read.position) == (written, 7)
    assert (read.command, read.after) == ((None, 41) if isinstance(written, Vital) else (COMMAND, 0))
    assert read.time > NOON  # when it was recorded, which its envelope says, not when it was stored
    assert headers["ce-id"] == headers["Nats-Msg-Id"] == str(written.id)
    assert all(value.isascii() and " " not in value for value in headers.values())
    assert not any("sealed:" in value for value in [subject, *headers.values()])


# ---- names are for ever


def ce_types() -> set[str]:
    facts = [model for model in EVENTS if issubclass(model, Fact) and model is not EntryCorrected]
    aggregates = {model.aggregate for model in facts}
    assert aggregates == set(get_args(Aggregate))
    names = {f"kap.{aggregate}.entry_corrected.v1" for aggregate in aggregates}
    names |= {f"kap.{model.aggregate}.{snake(model.__name__)}.v1" for model in facts}
    return names | {f"kap.vitals.{snake(model.__name__)}.v1" for model in EVENTS if issubclass(model, Vital)}


def fields() -> set[str]:
    """`Dosed.dose.milligrams required`, for every field of every event."""
    found: set[str] = set()
    for model in EVENTS:
        schema = model.model_json_schema()
        _fields(model.__name__, schema, schema.get("$defs", {}), found)
    return found


def _fields(path: str, schema: Schema, defs: dict[str, Schema], found: set[str]) -> None:
    match schema:
        case {"$ref": str(ref)}:
            return _fields(path, defs[ref.rpartition("/")[2]], defs, found)
        case {"properties": dict(properties)}:
            required = schema.get("required", [])
            assert isinstance(required, list)
            for name, part in properties.items():
                found.add(f"{path}.{name} {'required' if name in required else 'optional'}")
                _fields(f"{path}.{name}", part, defs, found)
        case {"anyOf": list(parts)}:
            for part in parts:
                _fields(path, part, defs, found)
        case {"items": dict(part)} | {"additionalProperties": dict(part)}:
            _fields(path, part, defs, found)


@pytest.mark.parametrize("file, found", [("ce-types.txt", ce_types), ("fields.txt", fields)])
def test_what_was_published_stays_and_what_is_new_is_written_down(file: str, found: object) -> None:
    assert callable(found)
    published = set((HERE / file).read_text().splitlines())
    now: set[str] = found()
    assert not published - now, "a stored name is for ever: add, never change, rename or remove"
    assert not now - published, f"add these lines to tests/catalogue/{file}; it only ever grows"


def test_no_stored_event_gets_a_new_required_field() -> None:
    """A field that is required was there from its event's first day; what comes later is optional."""
    lines = (HERE / "fields.txt").read_text().splitlines()
    names = [line.split()[0] for line in lines]
    assert len(names) == len(set(names)), "a field is listed both as required and as optional"


def test_snake_names() -> None:
    assert snake("DeviceAttached") == "device_attached"
    assert snake("Dosed") == "dosed"
    assert envelope.subject("main", room("3")) == "kap.events.main.clinic.main.room_defined"


# ---- persons


# Written by the watch alone, never sent by staff, so never sealed: an alarm's own words.
PLAIN_TEXT = {("AlarmRaised", "text")}


def test_a_personal_field_is_personal_everywhere_or_nowhere() -> None:
    """The staff gateway seals by a field's path; a plain field there would come out sealed."""
    plain: dict[str, set[str]] = defaultdict(set)
    for model in EVENTS:
        schema = model.model_json_schema()
        _plain(model.__name__, "", schema, schema.get("$defs", {}), plain)
    exceptions = {(event, path) for event, path in PLAIN_TEXT}
    clashes = {(event, path) for path in PERSONAL_PATHS for event in plain[path]}
    assert clashes == exceptions


def _plain(
    event: str,
    path: str,
    schema: Schema,
    defs: dict[str, Schema],
    plain: dict[str, set[str]],
) -> None:
    match schema:
        case {"personal": True}:
            return
        case {"$ref": str(ref)}:
            return _plain(event, path, defs[ref.rpartition("/")[2]], defs, plain)
        case {"properties": dict(properties)}:
            for name, part in properties.items():
                _plain(event, f"{path}.{name}" if path else name, part, defs, plain)
        case {"anyOf": list(parts)}:
            for part in parts:
                _plain(event, path, part, defs, plain)
        case {"items": dict(part)} | {"additionalProperties": dict(part)}:
            _plain(event, path, part, defs, plain)
        case {"type": "string"}:
            plain[path].add(event)


@pytest.mark.parametrize("value", ["Test Patient", "", "sealed:", f"{sealed()} and more", f" {sealed()}"])
def test_a_name_that_is_not_sealed_is_no_event(value: str) -> None:
    body = {"type": "NoteRecorded", "id": str(COMMAND), "at": "2026-01-01T12:00:00Z", "by": NURSE}
    body |= {"session_id": str(COMMAND), "text": value}
    with pytest.raises(NotAnEvent):
        decode(json.dumps(body).encode())


# ---- the envelope


@pytest.mark.parametrize(
    "value, header",
    [
        ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),  # the example of the CloudEvents specification
        ("/kap/session-monitor", "/kap/session-monitor"),
        ('100 % "sure"', "100%20%25%20%22sure%22"),
        ("!#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~", "!#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"),
        ("a\tb\x7f", "a%09b%7F"),
    ],
)
def test_headers_are_encoded_as_cloudevents_says(value: str, header: str) -> None:
    assert envelope.header(value) == header


# ---- what is not known


def test_an_event_of_a_later_version_is_unknown_and_says_whose_it_is() -> None:
    body = b'{"type":"PatientTeleported","to":"Mars"}'
    read = envelope.recorded(3, "kap.events.main.session.s1.patient_teleported", {}, body, NOON)
    assert read.event == Unknown(
        type="PatientTeleported",
        aggregate="session",
        aggregate_id="s1",
        body={"type": "PatientTeleported", "to": "Mars"},
    )
    assert read.time == NOON


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"type":3}', b'{"type":"Dosed"}', b"null"])
def test_a_body_that_says_nothing_is_an_error_to_decode_and_unknown_in_the_log(body: bytes) -> None:
    with pytest.raises(NotAnEvent):
        decode(body)
    read = envelope.recorded(3, "kap.events.main.session.s1.dosed", None, body, NOON)
    assert isinstance(read.event, Unknown)
    assert (read.event.aggregate, read.event.aggregate_id) == ("session", "s1")


@forall(st.binary(max_size=60))
def test_no_body_stops_a_reader(body: bytes) -> None:
    head = {"ce-time": "soon", "ce-causationid": "x"}
    envelope.recorded(1, "kap.events.main.task.t1.task_opened", head, body, NOON)


def test_a_field_of_a_later_version_is_left_out() -> None:
    body = json.loads(encode(room("3"))) | {"floor": 2}
    assert decode(json.dumps(body).encode()) == room("3")


# ---- corrections


def room(name: str, n: int = 1, title: str = "") -> RoomDefined:
    return RoomDefined(id=UUID(int=n), at=NOON, by=NURSE, clinic="main", room=name, title=title)


def correction(n: int, target: int, replacement: BaseModel | None = None) -> EntryCorrected:
    return EntryCorrected(
        id=UUID(int=n),
        at=NOON,
        by=NURSE,
        of="clinic",
        of_id="main",
        event_id=UUID(int=target),
        reason=sealed("reason"),
        replacement=None if replacement is None else replacement.model_dump(mode="json"),
    )


def log(*events: Fact) -> list[Recorded]:
    return [Recorded(n, event, NOON) for n, event in enumerate(events, start=1)]


def test_a_withdrawn_event_does_not_count() -> None:
    assert corrected(log(room("1", 1), room("2", 2), correction(3, 1))) == [room("2", 2)]


def test_a_replacement_counts_where_the_original_stood() -> None:
    history = log(room("1", 1), room("2", 2), correction(3, 1, room("9", 4)))
    assert corrected(history) == [room("9", 4), room("2", 2)]


def test_a_replacement_can_be_replaced_and_withdrawn() -> None:
    history = log(room("1", 1), correction(2, 1, room("8", 3)), correction(4, 3, room("9", 5)))
    assert corrected(history) == [room("9", 5)]
    assert corrected([*history, *log(correction(6, 5))]) == []


def test_a_correction_of_something_else_changes_nothing() -> None:
    assert corrected(log(room("1", 1), correction(2, 99))) == [room("1", 1)]


def test_corrections_in_a_ring_end() -> None:
    ring = log(room("1", 1), correction(2, 1, room("2", 3)), correction(4, 3, room("1", 1)))
    assert len(corrected(ring)) <= 1
