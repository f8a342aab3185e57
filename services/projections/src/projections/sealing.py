"""Commands sealed on their way in, views opened on their way out. Pure: the keys are given.

Personal values are found by their names in the catalogue (`kap.personal`), so no command is forgotten here.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from kap import personal

Problem = dict[str, str]
JsonObject = dict[str, Any]

ERASED = "[erased]"  # the person was forgotten
UNREADABLE = "[unreadable]"  # altered, or its key is missing


def is_personal(path: str) -> bool:
    """A correction's replacement is an event: its fields stand one deeper."""
    return path.removeprefix("replacement.") in personal.PERSONAL_PATHS


def problems(command: JsonObject) -> list[Problem]:
    """What the gateway refuses before anything is sealed."""
    found: list[Problem] = []

    def check(path: str, text: str) -> str:
        if text.startswith(personal.MARK):
            found.append({"field": path, "message": "This value is sealed; only KAP itself seals."})
        elif is_personal(path) and len(text.encode()) > personal.TEXT_BYTES:
            found.append(
                {"field": path, "message": f"This text is too long: at most {personal.TEXT_BYTES:,} bytes."}
            )
        return text

    _walk(command, "", check)
    return found


def holds_personal(command: JsonObject) -> bool:
    found = False

    def check(path: str, text: str) -> str:
        nonlocal found
        found = found or is_personal(path)
        return text

    _walk(command, "", check)
    return found


def seal(command: JsonObject, key: bytes, patient_id: UUID, command_id: UUID) -> JsonObject:
    """The command with every Personal value sealed."""

    def sealed(path: str, text: str) -> str:
        return personal.seal(text, key, patient_id, command_id, path) if is_personal(path) else text

    result: JsonObject = _walk(command, "", sealed)
    return result


def _walk(value: Any, path: str, change: Callable[[str, str], str]) -> Any:
    match value:
        case str():
            return change(path, value)
        case dict():
            return {
                name: _walk(part, f"{path}.{name}" if path else str(name), change)
                for name, part in value.items()
            }
        case list():
            return [_walk(part, path, change) for part in value]
    return value


# ---- the way out

Owner = Callable[[UUID], UUID | None]

_RECORDS = ("patient_id", "session_id", "care_plan_id", "task_id", "course_id")


def sealed_for(view: Any, owner: Owner, patient_id: UUID | None = None) -> set[UUID]:
    """Whose keys this view needs."""
    needed: set[UUID] = set()

    def note(patient: UUID | None, token: str) -> str:
        if patient is not None:
            needed.add(patient)
        return token

    _view(view, patient_id, owner, note)
    return needed


def open_view(
    view: Any, owner: Owner, keys: Mapping[UUID, bytes | None], patient_id: UUID | None = None
) -> Any:
    """The view with every sealed value opened. A key of None: the person is forgotten; no key: unreadable."""

    def opened(patient: UUID | None, token: str) -> str:
        if patient is None or patient not in keys:
            return UNREADABLE
        key = keys[patient]
        if key is None:
            return ERASED
        try:
            return personal.open(token, key, patient)
        except personal.Unreadable:
            return UNREADABLE

    return _view(view, patient_id, owner, opened)


def without_personal(view: Any) -> Any:
    """The view as a wall screen may have it: no name, no free text."""
    return _view(view, None, lambda record: None, lambda patient, token: None)


def _view(
    value: Any, patient: UUID | None, owner: Owner, change: Callable[[UUID | None, str], str | None]
) -> Any:
    """Each object says by its ids whose it is; what says nothing belongs to whom it stands in."""
    match value:
        case str():
            return change(patient, value) if value.startswith(personal.PREFIX) else value
        case dict():
            whose = _whose(value, owner) or patient
            return {name: _view(part, whose, owner, change) for name, part in value.items()}
        case list():
            return [_view(part, patient, owner, change) for part in value]
    return value


def _whose(value: JsonObject, owner: Owner) -> UUID | None:
    for name in _RECORDS:
        record = value.get(name)
        if isinstance(record, str):
            try:
                record = UUID(record)
            except ValueError:
                continue
        if isinstance(record, UUID):
            return record if name == "patient_id" else owner(record)
    return None
