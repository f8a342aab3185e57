"""What the staff gateway holds apart from HTTP: users, sign-ins, people, the live board, devices, history.

What a signed-in person sees passes `show` or `present`: there names come in and, for a wall screen, stay out.
"""

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from kap.decider import Unavailable
from kap.events import corrected
from kap.log import JetStreamLog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from projections import feed, queries, sealing
from projections.board import Board, Change
from projections.bucket import Bucket
from projections.directory import Directory
from projections.keys import KeyRing
from projections.people import People
from projections.recent import View
from projections.session_detail import Details, details
from projections.session_view import Session
from projections.sign_ins import Attempts, SignIns
from projections.users import User, Users

log = logging.getLogger("kap.gateway")

ACTOR = re.compile(r"staff:[0-9a-f-]{36}")
DEVICES_KNOWN_FOR_S = 5.0  # session-monitor says them each second
NAMES = (
    ("by", "by_name"),
    ("responsible", "responsible_name"),
    ("acknowledged_by", "acknowledged_by_name"),
    ("entered_by", "entered_by_name"),
    ("signed_off_by", "signed_off_by_name"),
    ("answered_by", "answered_by_name"),
    ("checked_by", "checked_by_name"),
)


@dataclass(frozen=True)
class Settings:
    """`database` None: no history. `public_url` None: reached as the request says.

    `timezone` is the clinic's: what the page says is in it.
    """

    clinic: str
    clinic_key: bytes
    key_backup: Path | None = None
    first_users: Path | None = None
    database: str | None = None
    public_url: str | None = None
    public_feed_url: str | None = None
    feed_port: int = 8081
    dashboard: Path | None = None
    timezone: str = "UTC"


@dataclass(frozen=True)
class Viewer:
    """Who is signed in; `login` is the key of the sign-in, `expires` its end: None for a wall."""

    staff_id: UUID
    user: User
    login: str
    expires: datetime | None = None

    @property
    def role(self) -> str:
        return self.user.role

    @property
    def wall(self) -> bool:
        return self.user.role == "wall"


class Gateway:
    def __init__(self, nats: Client, board: Board, settings: Settings) -> None:
        self.nats = nats
        self.log = JetStreamLog(nats, settings.clinic, "gateway")
        self.board = board
        self.settings = settings
        self.users = Users(Bucket(nats, "STAFF"))
        self.sign_ins = SignIns(Bucket(nats, "LOGINS"))
        self.attempts = Attempts()
        self.keys = KeyRing(Bucket(nats, "KEYS"), settings.clinic_key, settings.key_backup)
        self.people = People(board.directory, self.keys, settings.clinic)
        self.people.on_name = self._renamed
        self.database: asyncpg.Pool[asyncpg.Record] | None = None
        self._devices: tuple[float, bytes] | None = None
        self._started = time.monotonic()

    @property
    def directory(self) -> Directory:
        return self.board.directory

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Needs NATS. Postgres may come and go: connections are made when a query asks for one."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.users.running(self.settings.first_users))
            await stack.enter_async_context(self.keys.running())
            await stack.enter_async_context(self.people.running())
            devices = await self.nats.subscribe(
                f"kap.live.devices.{self.settings.clinic}", cb=self._on_devices, pending_msgs_limit=10
            )
            stack.push_async_callback(self._stop_listening, devices)
            if self.settings.database is not None:
                self.database = await queries.pool(self.settings.database)
                stack.callback(self.database.terminate)
            yield

    async def details(self, session_id: UUID) -> Details:
        """What the forms of a session need, from its own facts. Raises `Unavailable`."""
        try:
            return details(corrected(await self.log.load(f"session.{session_id}")))
        except TimeoutError as error:
            raise Unavailable("The log does not answer.") from error

    # ---- what is shown

    def present(self, session: Session, view: View) -> dict[str, Any]:
        """A session as the feed and HTTP show it."""
        shown: dict[str, Any] = self._name_staff(session.model_dump(mode="json"))
        if view == "staff":
            patient_id = session.patient_id
            found = self.people.found(patient_id)
            shown |= {"label": self.people.label(patient_id), "name": found and found.name}
        return shown

    async def show(self, view: Any, viewer: Viewer, patient_id: UUID | None = None) -> Any:
        """A view from the read models: sealed values opened, the names of staff and patients filled in."""
        if viewer.wall:
            return self._name_staff(sealing.without_personal(view))
        return self._name_all(await self.people.open(view, patient_id))

    def _name_all(self, value: Any) -> Any:
        """Also the patient's, where a view leaves room for a label."""
        named = self._name_staff(value)
        for item in named if isinstance(named, list) else [named]:
            if isinstance(item, dict) and item.get("patient_id"):
                patient_id = UUID(str(item["patient_id"]))
                if "label" in item:
                    item["label"] = self.people.label(patient_id)
                if "name" in item and item["name"] is None:
                    found = self.people.found(patient_id)
                    item["name"] = found and found.name
        return named

    def _name_staff(self, value: Any) -> Any:
        """Every `by_name` and the like that is still empty."""
        if isinstance(value, list):
            return [self._name_staff(part) for part in value]
        if not isinstance(value, dict):
            return value
        named = {name: self._name_staff(part) for name, part in value.items()}
        for actor, name in NAMES:
            if name in named and named[name] is None:
                named[name] = self.users.name(named.get(actor))
        return named

    def named(self, sentence: str) -> str:
        """A service's own words, with the names of the staff it speaks of: it knows them by id alone."""
        return ACTOR.sub(lambda found: self.users.name(found[0]) or "somebody", sentence)

    def _renamed(self, patient_id: UUID) -> None:
        """A name was opened after its fact was on the board: the viewers get the session again."""
        if self.board.on_change is None:
            return
        shown = {s.session_id: None for s in self.board.sessions if s.patient_id == patient_id}
        if shown:
            self.board.on_change(Change(events=self.board.events, vitals=self.board.vitals, sessions=shown))

    # ---- the feed's door

    async def redeem(self, ticket: str) -> feed.Viewer | None:
        """Whom a feed's ticket was made out to; nobody is let in when NATS does not answer."""
        try:
            found = await self.sign_ins.redeem(ticket)
        except Unavailable:
            log.warning("a ticket could not be looked up")
            return None
        user = self.users.by_id.get(found.staff_id) if found is not None else None
        if found is None or user is None or user.disabled:
            return None
        return feed.Viewer(role=user.role, staff_id=str(found.staff_id), login=found.login)

    async def stands(self, viewer: feed.Viewer) -> bool:
        """Whether a feed may go on: still signed in, same role. Nobody is sent away while NATS is silent."""
        user = self.users.by_id.get(UUID(viewer.staff_id))
        if user is None or user.disabled or user.role != viewer.role:
            return False
        try:
            return await self.sign_ins.stands(viewer.login) is not None
        except Unavailable:
            return True

    # ---- devices

    async def _stop_listening(self, devices: Subscription) -> None:
        if not self.nats.is_closed:  # else it ended with its connection
            await devices.unsubscribe()

    async def _on_devices(self, message: Msg) -> None:
        self._devices = (time.monotonic(), message.data)

    def hears_monitors(self) -> bool:
        """Whether session-monitor was heard within the last seconds; a gateway just started waits for it."""
        heard = self._devices[0] if self._devices is not None else self._started
        return time.monotonic() - heard <= DEVICES_KNOWN_FOR_S

    def devices(self) -> list[dict[str, Any]] | None:
        """As session-monitor said within the last seconds; None when it is silent."""
        if self._devices is None or time.monotonic() - self._devices[0] > DEVICES_KNOWN_FOR_S:
            return None
        devices: list[dict[str, Any]] = json.loads(self._devices[1])
        return devices

    async def ready(self) -> str | None:
        """Why the gateway cannot serve yet; None when it can. Postgres is not needed for that."""
        if not self.board.ready.is_set():
            return "the board is catching up with the log"
        try:
            async with asyncio.timeout(2):
                await self.users.bucket.get("ready")
        except (Unavailable, TimeoutError):
            return "NATS does not answer"
        return None
