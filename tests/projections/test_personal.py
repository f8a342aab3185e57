"""Sealing: what was sealed opens, for its own patient; what was altered, moved or forgotten does not."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kap import personal
from kap.events import CATALOGUE
from kap.events.fact import Personal
from kap.events.session import NoteRecorded
from projections import sealing
from pydantic import TypeAdapter, ValidationError

KEY = personal.new_key()
PATIENT, COMMAND = UUID(int=1), UUID(int=2)
NOTE = "Invented: feels as if carried by the sea."

texts = st.text(st.characters(codec="utf-8"), max_size=200)
paths = st.sampled_from(sorted(personal.PERSONAL_PATHS))


@given(text=texts, patient_id=st.uuids(), command_id=st.uuids(), path=paths)
def test_what_is_sealed_opens_and_is_a_personal_value(
    text: str, patient_id: UUID, command_id: UUID, path: str
) -> None:
    token = personal.seal(text, KEY, patient_id, command_id, path)
    assert TypeAdapter(Personal).validate_python(token) == token
    assert personal.open(token, KEY, patient_id) == text


@given(text=texts, at=st.integers(min_value=0), to=st.characters(codec="ascii"))
def test_a_token_altered_anywhere_does_not_open(text: str, at: int, to: str) -> None:
    token = personal.seal(text, KEY, PATIENT, COMMAND, "text")
    at %= len(token)
    altered = token[:at] + to + token[at + 1 :]
    if altered != token:
        with pytest.raises(personal.Unreadable):
            personal.open(altered, KEY, PATIENT)


def test_a_token_does_not_open_for_another_patient_field_command_or_key() -> None:
    token = personal.seal(NOTE, KEY, PATIENT, COMMAND, "text")
    with pytest.raises(personal.Unreadable):
        personal.open(token, KEY, uuid4())
    with pytest.raises(personal.Unreadable):
        personal.open(token.replace(":text:", ":name:"), KEY, PATIENT)
    with pytest.raises(personal.Unreadable):
        personal.open(token.replace(str(COMMAND), str(uuid4())), KEY, PATIENT)
    with pytest.raises(personal.Unreadable):
        personal.open(token, personal.new_key(), PATIENT)


def test_the_same_text_is_never_sealed_to_the_same_token() -> None:
    assert len({personal.seal(NOTE, KEY, PATIENT, COMMAND, "text") for _ in range(50)}) == 50


def test_the_longest_text_fits_its_field_and_a_longer_one_is_refused() -> None:
    longest = "é" * (personal.TEXT_BYTES // 2)
    path = max(personal.PERSONAL_PATHS, key=len)
    TypeAdapter(Personal).validate_python(
        personal.seal(longest, KEY, PATIENT, COMMAND, f"replacement.{path}")
    )
    with pytest.raises(ValueError):
        personal.seal(longest + "x", KEY, PATIENT, COMMAND, path)


def test_a_patients_key_opens_only_with_the_clinics_key_and_for_that_patient() -> None:
    clinic = personal.new_key()
    wrapped = personal.wrap(KEY, clinic, PATIENT)
    assert personal.unwrap(wrapped, clinic, PATIENT) == KEY
    for key, patient in ((personal.new_key(), PATIENT), (clinic, uuid4())):
        with pytest.raises(personal.Unreadable):
            personal.unwrap(wrapped, key, patient)


def test_personal_fields_are_found_in_the_catalogue() -> None:
    assert {
        "name",
        "contact",
        "findings.note",
        "goals",
        "reason",
        "text",
        "escort",
    } <= personal.PERSONAL_PATHS
    assert "note" in personal.PERSONAL_FIELDS
    for event in CATALOGUE.values():  # found by introspection, compared with what the schema says
        schema = event.model_json_schema()
        for name, part in schema["properties"].items():
            kinds = [part, *part.get("anyOf", [])]
            if any(kind.get("personal") for kind in kinds):
                assert name in personal.PERSONAL_PATHS


def test_an_unsealed_text_is_no_event() -> None:
    with pytest.raises(ValidationError):
        NoteRecorded(id=uuid4(), at="2026-01-01T00:00Z", by=f"staff:{uuid4()}", session_id=uuid4(), text=NOTE)  # type: ignore[arg-type]


# ---- commands in


def seal(command: dict[str, Any]) -> dict[str, Any]:
    return sealing.seal(command, KEY, PATIENT, COMMAND)


def test_every_personal_value_of_a_command_is_sealed_wherever_it_stands() -> None:
    sealed = seal(
        {
            "type": "Assess",
            "goals": NOTE,
            "verdict": "eligible",
            "findings": [{"rule": "trd", "standing": "note", "note": NOTE}],
            "replacement": {"text": NOTE, "protocol": {"name": "intramuscular"}},
        }
    )
    assert NOTE not in str(sealed)
    assert sealed["verdict"] == "eligible" and sealed["findings"][0]["rule"] == "trd"
    assert sealed["replacement"]["protocol"] == {"name": "intramuscular"}  # a protocol's name is nobody's
    assert ":findings.note:" in sealed["findings"][0]["note"]
    assert personal.open(sealed["replacement"]["text"], KEY, PATIENT) == NOTE


def test_what_is_sealed_already_or_too_long_is_refused() -> None:
    token = personal.seal(NOTE, KEY, PATIENT, COMMAND, "text")
    assert [p["field"] for p in sealing.problems({"text": token, "deep": [{"kind": "sealed:"}]})] == [
        "text",
        "deep.kind",
    ]
    assert sealing.problems({"text": "x" * (personal.TEXT_BYTES + 1)})[0]["field"] == "text"
    assert sealing.problems({"text": NOTE, "dose": {"lot": "B-7"}}) == []


# ---- views out


def test_a_view_is_opened_with_the_keys_of_those_it_belongs_to() -> None:
    other, session, key = uuid4(), uuid4(), personal.new_key()
    mine = personal.seal("mine", KEY, PATIENT, COMMAND, "text")
    theirs = personal.seal("theirs", key, other, COMMAND, "text")
    view = [
        {"session_id": str(session), "data": {"text": mine}},
        {"patient_id": other, "text": theirs, "moved": mine},
        {"text": mine},
    ]
    owner = {session: PATIENT}.get
    assert sealing.sealed_for(view, owner) == {PATIENT, other}
    opened = sealing.open_view(view, owner, {PATIENT: KEY, other: key})
    assert opened[0]["data"]["text"] == "mine"
    assert opened[1] == {"patient_id": other, "text": "theirs", "moved": sealing.UNREADABLE}
    assert opened[2]["text"] == sealing.UNREADABLE
    assert sealing.open_view(view[0], owner, {PATIENT: None})["data"]["text"] == sealing.ERASED
    assert sealing.without_personal(view)[1] == {"patient_id": other, "text": None, "moved": None}
