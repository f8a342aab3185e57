"""How an event travels: its subject and its CloudEvents 1.0 headers (NATS binding, binary mode)."""

import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from uuid import UUID

from kap.events import Recorded, Unknown, body_type, decode, snake
from kap.events.fact import Fact
from kap.events.vitals import Vital, VitalRecorded

EVENTS = "EVENTS"
VITALS = "VITALS"

# CloudEvents (HTTP binding 3.1.3.2; NATS shares it): all outside U+0021–007E, and " and %, is percent-encoded
_SAFE = "!#$&'()*+,/:;<=>?@[]^`{|}\\~-._"
_PLAIN = re.compile(r"[!#$&-~]*")


def subject(clinic: str, event: Fact | Vital) -> str:
    if isinstance(event, Vital):
        return f"kap.vitals.{clinic}.{event.session_id}"
    return f"kap.events.{clinic}.{aggregate(event)}.{snake(type(event).__name__)}"


def aggregate(event: Fact) -> str:
    """`session.0199…`: the aggregate's kind and id, as the two tokens of the subject."""
    kind = getattr(event, "of", None) or event.aggregate
    return f"{kind}.{event.aggregate_id}"


def headers(event: Fact, service: str, *, command: UUID | None) -> dict[str, str]:
    """The headers of a fact; `command` caused it."""
    kind, target = aggregate(event).split(".")
    result = _common(event.id, f"{kind}.{snake(type(event).__name__)}", service, target, event.by)
    if command is not None:
        result["ce-correlationid"] = result["ce-causationid"] = str(command)
    return {name: header(value) for name, value in result.items()}


def reading_headers(reading: Vital, service: str, after: int) -> dict[str, str]:
    """The headers of a reading, or of its correction; `after` is how far its recorder had folded EVENTS.

    No value here needs encoding: ids, names and actors are of plain characters by their types.
    """
    if isinstance(reading, VitalRecorded):  # the hot path
        kind, actor = "vitals.vital_recorded", reading.entered_by or f"device:{reading.device_id}"
    else:
        kind, actor = "vitals.vital_corrected", reading.by
    result = _common(reading.id, kind, service, str(reading.session_id), actor)
    result["kap-events-seq"] = str(after)
    return result


def _common(id: UUID, kind: str, service: str, target: str, actor: str) -> dict[str, str]:
    told = str(id)
    return {
        "Nats-Msg-Id": told,
        "Content-Type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": told,
        "ce-type": f"kap.{kind}.v1",
        "ce-source": f"/kap/{service}",
        "ce-subject": target,
        "ce-time": datetime.now(UTC).isoformat(),
        "ce-actor": actor,
    }


def header(value: str) -> str:
    """A CloudEvents attribute as the value of a header."""
    return value if _PLAIN.fullmatch(value) else quote(value, safe=_SAFE)


def recorded(
    position: int, subject: str, headers: dict[str, str] | None, body: bytes, stored: datetime
) -> Recorded:
    """A stored message as an event. A body that is no event of a known type is `Unknown`, never an error."""
    head = headers or {}
    time = head.get("ce-time")
    command = head.get("ce-causationid")
    try:
        event = decode(body)
    except ValueError:
        event = Unknown(type=f"unreadable {_named(body)}")
    if isinstance(event, Unknown):
        tokens = subject.split(".")
        if len(tokens) == 6:
            event = event.model_copy(update={"aggregate": tokens[3], "aggregate_id": tokens[4]})
        elif len(tokens) == 4:
            event = event.model_copy(update={"aggregate": "session", "aggregate_id": tokens[3]})
    return Recorded(
        position=position,
        event=event,
        time=_time(time) or stored,
        command=_uuid(command),
        after=int(head.get("kap-events-seq") or 0),
        body=body,
    )


def _named(body: bytes) -> str:
    try:
        return body_type(body)
    except ValueError:
        return "body"


def _time(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(unquote(value) if "%" in value else value) if value else None
    except ValueError:
        return None


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
