"""What the clinic has: its rooms, and the protocols that it adopted with what they ask of a patient."""

from dataclasses import dataclass, field
from uuid import UUID

from kap.events import Anything, substitute
from kap.events.fact import EntryCorrected, Frozen
from kap.events.intake import ProtocolAdopted, RoomDefined
from kap.events.rules import Eligibility
from pydantic import AwareDatetime


class Protocol(Frozen):
    """`eligibility` None: adopted before protocols had rules. `signed_off_by` None: as it came with KAP."""

    name: str
    version: int
    digest: str
    adopted_at: AwareDatetime
    signed_off_by: str | None = None
    signed_off_by_name: str | None = None
    title: str
    route: str
    eligibility: Eligibility | None = None


class Room(Frozen):
    room: str
    title: str


@dataclass
class Clinic:
    """Entries by their event, so that a corrected one can be taken out; of each name the last counts."""

    entries: dict[UUID, Protocol | Room] = field(default_factory=dict)

    def fold(self, event: Anything) -> None:
        match event:
            case ProtocolAdopted() | RoomDefined():
                self.entries[event.id] = _entry(event)
            case EntryCorrected(of="clinic") if event.event_id in self.entries:
                stands = substitute(event)
                entries: dict[UUID, Protocol | Room] = {}
                for event_id, entry in self.entries.items():
                    if event_id != event.event_id:
                        entries[event_id] = entry
                    elif isinstance(stands, ProtocolAdopted | RoomDefined):
                        entries[stands.id] = _entry(stands)
                self.entries = entries

    @property
    def protocols(self) -> list[Protocol]:
        return list({e.name: e for e in self.entries.values() if isinstance(e, Protocol)}.values())

    @property
    def rooms(self) -> list[Room]:
        return list({e.room: e for e in self.entries.values() if isinstance(e, Room)}.values())


def _entry(event: ProtocolAdopted | RoomDefined) -> Protocol | Room:
    if isinstance(event, RoomDefined):
        return Room(room=event.room, title=event.title)
    content = event.content
    return Protocol(
        name=event.protocol,
        version=event.version,
        digest=event.digest,
        adopted_at=event.at,
        signed_off_by=event.signed_off_by,
        title=str(content.get("title") or event.protocol),
        route=str(content.get("route")),
        eligibility=event.eligibility,
    )
