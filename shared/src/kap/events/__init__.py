"""The published language: every event any service may write or read, and nothing else.

`encode` gives an event's body, `decode` reads one; a type that this reader does not know becomes
`Unknown` and stops nobody (decision 16). `Recorded` is an event with its place in the log.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, get_args
from uuid import UUID

from pydantic import Field, TypeAdapter

from kap.events.fact import EntryCorrected, Fact
from kap.events.fact import Unknown as Unknown
from kap.events.intake import IntakeEvent
from kap.events.integration import IntegrationEvent
from kap.events.session import SessionEvent
from kap.events.vitals import Vital, VitalCorrected, VitalRecorded

AnyFact = Annotated[
    IntakeEvent | SessionEvent | IntegrationEvent | EntryCorrected, Field(discriminator="type")
]
Event = Annotated[AnyFact | VitalRecorded | VitalCorrected, Field(discriminator="type")]
Anything = Fact | Vital | Unknown


def _members(annotation: object) -> list[type[Fact | Vital]]:
    found: list[type[Fact | Vital]] = []
    for part in get_args(annotation) or ():
        if isinstance(part, type) and issubclass(part, Fact | Vital):
            found.append(part)
        else:
            found += _members(part)
    return found


CATALOGUE: dict[str, type[Fact | Vital]] = {m.__name__: m for m in _members(Event)}

_validators = {name: TypeAdapter(model) for name, model in CATALOGUE.items()}


class NotAnEvent(ValueError):
    """The body is of a known type, or of none, and does not say what that type must say."""


# What this process wrote and will read back: the same bytes are the same event, without 12 µs of parsing.
WRITTEN = 5000
_written: dict[bytes, Vital] = {}


def encode(event: Fact | Vital) -> bytes:
    return event.__pydantic_serializer__.to_json(event)


def will_read(body: bytes, event: Vital) -> None:
    """`decode(body)` will be asked for by this process too."""
    if len(_written) >= WRITTEN:
        del _written[next(iter(_written))]
    _written[body] = event


def decode(body: bytes) -> Anything:
    """The event in `body`; `Unknown` for a type that is not in the catalogue; else `NotAnEvent`."""
    if _written and (known := _written.pop(body, None)) is not None:
        return known
    try:
        name = body_type(body)
        if name in _validators:
            return _validators[name].validate_json(body)
        return Unknown(type=name, body=json.loads(body))
    except ValueError as error:
        raise NotAnEvent(str(error)) from error


def body_type(body: bytes) -> str:
    """The event type that a body names."""
    if body.startswith(b'{"type":"VitalRecorded"'):  # the hot path
        return "VitalRecorded"
    data = json.loads(body)
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise NotAnEvent("an event is a JSON object with a 'type'")
    return str(data["type"])


@cache
def snake(name: str) -> str:
    """DeviceAttached → device_attached."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event where it stands: its stream's sequence, when it was recorded, the command that caused it.

    `after` is for a reading alone: the position of EVENTS that its recorder had folded (decision 6).
    """

    position: int
    event: Anything
    time: datetime
    command: UUID | None = None
    after: int = 0
    body: bytes = b""  # as stored, so that nobody needs to encode it again


def substitute(correction: EntryCorrected) -> Fact | None:
    """What stands in the withdrawn entry's place; nothing, too, where a hand wrote no event into the log."""
    if correction.replacement is None:
        return None
    try:
        event = decode(json.dumps(correction.replacement).encode())
    except NotAnEvent:
        return None
    return event if isinstance(event, Fact) else None


def corrected(history: list[Recorded]) -> list[Anything]:
    """The events as they count: a withdrawn one is gone, its replacement stands in its place."""
    replaced: dict[UUID, Anything | None] = {}
    for item in history:
        if isinstance(item.event, EntryCorrected):
            body = item.event.replacement
            replaced[item.event.event_id] = None if body is None else decode(json.dumps(body).encode())
    result: list[Anything] = []
    for item in history:
        event: Anything | None = item.event
        if isinstance(event, EntryCorrected):
            continue
        seen: set[UUID] = set()
        while isinstance(event, Fact) and event.id in replaced and event.id not in seen:
            seen.add(event.id)
            event = replaced[event.id]
        if event is not None:
            result.append(event)
    return result
