"""The sessions open now, their rooms and devices: what one session has to know of the others."""

import asyncio
from uuid import UUID

from kap.decider import Store, fold
from kap.events import Recorded, corrected
from kap.events.fact import EntryCorrected
from kap.events.session import DeviceAttached, DeviceDetached, Discharged, SessionAborted, SessionOpened

from session_monitor import session
from session_monitor.session import Session


class Rooms:
    """Feed it every fact of every session, in order, from the log's start."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.open: dict[UUID, Session] = {}
        self.known = asyncio.Event()  # all that was on record at the start is folded

    async def fold(self, item: Recorded) -> None:
        event = item.event
        match event:
            case SessionOpened() | DeviceAttached() | DeviceDetached() | Discharged() | SessionAborted():
                state = self.open.get(event.session_id, session.initial())
                self._keep(event.session_id, session.evolve(state, event))
            case EntryCorrected(of="session", of_id=id):
                # rare, and it may reach back to a session that is no longer kept here
                history = [i for i in await self.store.load(f"session.{id}") if i.position <= item.position]
                self._keep(UUID(id), fold(session, corrected(history)))

    def _keep(self, id: UUID, state: session.State) -> None:
        if isinstance(state, Session) and state.ended is None:
            self.open[id] = state
        else:
            self.open.pop(id, None)

    def in_use(self, room: str, by_other_than: UUID) -> bool:
        return any(s.opened.room == room for id, s in self.open.items() if id != by_other_than)

    def room_of_course(self, course_id: UUID, other_than: UUID) -> str | None:
        """The room of another open session of this course."""
        return next(
            (
                s.opened.room
                for id, s in self.open.items()
                if id != other_than and s.opened.course_id == course_id
            ),
            None,
        )

    def room_of_device(self, device_id: str, other_than: UUID) -> str | None:
        """The room of another open session that the device is attached to."""
        return next(
            (s.opened.room for id, s in self.open.items() if id != other_than and device_id in s.devices),
            None,
        )
