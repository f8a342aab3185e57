"""The live feed: a snapshot on joining, then every change after it, without gap or repeat.

One frame is encoded for all viewers of the same view and handed to `websockets.broadcast`, which never
waits: so each viewer's unsent bytes are looked at before every frame, and one that cannot keep up gets
the latest reading a signal instead of each, but every alarm and every session. What cannot be continued
whole ends in `resync`. Joining, publishing and catching up never await in between: that is what makes
the positions in the frames true.
"""

import asyncio
import json
import logging
import socket
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Container,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from kap import service
from kap.events import Recorded
from kap.events.vitals import VitalRecorded
from prometheus_client import Counter, Gauge, Histogram
from pydantic_core import to_json
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from projections.board import Board, Change, Entry, body
from projections.recent import Frame, Positions, Present, Recent, View, reached
from projections.session_view import Session

SUBPROTOCOL = Subprotocol("kap.feed.1")
GATHER_LEAST_S, GATHER_S, GATHER_MOST_S = 0.004, 0.02, 0.2
VIEWERS = 600
HELLO_S = 5.0
ALIVE_S = 10.0
CHECK_S, CHECKS = 10.0, 100  # how often a sign-in is looked at again, and how many in a second
MESSAGES = 30  # that a viewer may send in ALIVE_S; it should send ten
MESSAGE_BYTES = 1024
UNSENT_BYTES = 256 * 2**20  # for all viewers together
UNSENT_LEAST, UNSENT_MOST = 128 * 2**10, 2 * 2**20  # for one
UNSENT_LOW = 32 * 2**10  # where a slow viewer is sent what it missed
BACKLOG_BYTES = 2**20  # of sessions and alarms that wait for a slow viewer
SLOW_S = 30.0
SNAPSHOT_S = 1.0  # how long one encoded snapshot serves further viewers, with what came after it

BAD_TICKET, RESYNC, NOT_ALIVE, POLICY, TRY_LATER = 4401, 4008, 4012, 1008, 1013

VIEWING = Gauge("kap_feed_viewers", "Viewers of the live feed.", ["view"])
TURNED_AWAY = Counter("kap_feed_turned_away_total", "Viewers that were not let in.", ["reason"])
LATENCY = Histogram(
    "kap_feed_delivery_latency_seconds",
    "From the arrival of a frame's oldest reading or fact to the frame's sending.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10),
)
FRAMES = Counter("kap_feed_frames_total", "Frames of changes sent, each to all viewers.")
DELIVERED = Counter("kap_feed_deliveries_total", "Readings sent, counted for each viewer.")
CONFLATED = Counter("kap_feed_conflated_total", "Readings left out for viewers that could not keep up.")
RESYNCS = Counter("kap_feed_resync_total", "Viewers sent away to join anew.", ["reason"])
RESUMED = Counter("kap_feed_joined_total", "Viewers that joined, by how.", ["how"])

log = logging.getLogger("kap.feed")
_connections = logging.getLogger("kap.feed.connections")
_connections.setLevel(logging.WARNING)  # else a line for each that comes and goes


@dataclass(frozen=True)
class Viewer:
    """Who a ticket was made out to, and the sign-in that it was made in."""

    role: str
    staff_id: str
    login: str = ""

    @property
    def view(self) -> View:
        return "wall" if self.role == "wall" else "staff"


Redeem = Callable[[str], Awaitable[Viewer | None]]
Stands = Callable[[Viewer], Awaitable[bool]]
Hears = Callable[[], bool]  # whether session-monitor, which takes the readings in, is heard from


async def _always(viewer: Viewer) -> bool:
    return True


def _heard() -> bool:
    return True


def unnamed(session: Session, view: View) -> dict[str, Any]:
    """A session without anybody's name."""
    return session.model_dump(mode="json")


@dataclass(eq=False)
class _Place:
    """One viewer's place in the feed."""

    connection: ServerConnection
    who: Viewer
    heard: float
    checked: float = 0.0
    messages: int = 0
    slow: "_Slow | None" = None

    @property
    def view(self) -> View:
        return self.who.view

    @property
    def unsent(self) -> int:
        return self.connection.transport.get_write_buffer_size()


@dataclass
class _Slow:
    """What a viewer that cannot keep up has missed since `at`."""

    at: Positions
    since: float
    sessions: list[bytes] = field(default_factory=list)
    alarms: list[bytes] = field(default_factory=list)
    corrected: dict[UUID, list[UUID]] = field(default_factory=dict)
    size: int = 0
    readings: int = 0


class Feed:
    """`redeem` says whose a ticket is, `stands` whether a viewer's sign-in still does."""

    def __init__(
        self,
        board: Board,
        *,
        redeem: Redeem,
        present: Present = unnamed,
        stands: Stands = _always,
        hears: Hears = _heard,
    ) -> None:
        self.board = board
        self.redeem = redeem
        self.stands = stands
        self.hears = hears
        self.present = present
        self.places: dict[View, set[_Place]] = {"staff": set(), "wall": set()}
        self.slow: set[_Place] = set()
        self.connected = 0
        self.positions: Positions = (board.events, board.vitals)
        self.recent = Recent(self.positions)
        self._pending: Change | None = None
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._snapshots: dict[View, tuple[float, Positions, bytes]] = {}
        self._delivery_s: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- from the board to the viewers

    def publish(self, change: Change) -> None:
        """Called with each change as it is folded: at once when quiet, gathered under load."""
        if self._pending is None:
            self._pending = change
        else:
            self._pending.add(change)
        loop = asyncio.get_running_loop()
        if change.alarms or loop.time() >= self._next:
            self.flush()
        elif self._timer is None:
            self._timer = loop.call_at(self._next, self.flush)

    def flush(self) -> None:
        """Send what has gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        change, self._pending = self._pending, None
        if change is not None:
            before, self.positions = self.positions, (change.events, change.vitals)
            if not self.board.ready.is_set():
                self._forget_frames()
            elif change:
                loop = asyncio.get_running_loop()
                started = loop.time()
                self._send(before, change)
                took = loop.time() - started
                self._next = started + _gathered_s(took)
        self._catch_up()

    def _send(self, before: Positions, change: Change) -> None:
        entries = self.board.entries
        sessions = [entries[i].session for i in change.sessions if i in entries]
        frame = Frame(before, change, sessions, self.present, self._corrected(change.corrected))
        bound = self._unsent_bound()
        for view, places in self.places.items():
            quick = []
            for place in places:
                if place.slow is None and place.unsent > bound:
                    place.slow = _Slow(at=before, since=time.monotonic())
                    self.slow.add(place)
                if place.slow is None:
                    quick.append(place.connection)
                else:
                    self._keep_back(place, place.slow, frame, change)
            if quick:
                broadcast(quick, self._encode(frame, view), text=True)
                DELIVERED.inc(len(quick) * frame.count)
        FRAMES.inc()
        if change.forgotten:
            self._forget_frames()  # they may show a name that nobody may read any more
            for place in list(self.slow):
                self._resync(place, "forgotten")
        else:
            self.recent.add(frame)
        if change.oldest < float("inf"):
            delivery = max(0.0, time.time() - change.oldest)
            LATENCY.observe(delivery)
            self._delivery_s = max(self._delivery_s or 0.0, delivery)

    def _encode(self, frame: Frame, view: View) -> bytes:
        return self._changes(frame.after, frame.readings, frame.sessions(view), frame.alarms, frame.corrected)

    def _changes(
        self, at: Positions, readings: bytes, sessions: bytes, alarms: bytes, corrected: bytes
    ) -> bytes:
        head = self._head("changes", at)
        body = b'"readings":[%b],"sessions":[%b],"alarms":[%b],"corrected":[%b]}'
        return b"%b,%b" % (head, body % (readings, sessions, alarms, corrected))

    def _corrected(self, corrected: Mapping[UUID, Sequence[UUID]]) -> bytes:
        """The vitals as they stand now, whole, of sessions of which a reading by hand was withdrawn."""
        entries = self.board.entries
        return b",".join(
            to_json({"session_id": session_id, "reading_ids": readings, **_vitals(entries[session_id])})
            for session_id, readings in corrected.items()
            if session_id in entries
        )

    def _head(self, kind: str, at: Positions) -> bytes:
        """The beginning of a frame, its brace still open."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return (
            f'{{"type":"{kind}","epoch":{json.dumps(self.board.epoch)},"events":{at[0]},"vitals":{at[1]},'
            f'"server_time":"{now}"'
        ).encode()

    # ---- viewers that cannot keep up

    def _unsent_bound(self) -> int:
        count = len(self.places["staff"]) + len(self.places["wall"])
        return max(UNSENT_LEAST, min(UNSENT_MOST, UNSENT_BYTES // max(1, count)))

    def _keep_back(self, place: _Place, slow: _Slow, frame: Frame, change: Change) -> None:
        slow.readings += frame.count
        for session_id, readings in change.corrected.items():
            slow.corrected.setdefault(session_id, []).extend(readings)
        for kept, part in ((slow.sessions, frame.sessions(place.view)), (slow.alarms, frame.alarms)):
            if part:
                kept.append(part)
                slow.size += len(part)

    def _catch_up(self) -> None:
        """Send slow viewers what they missed, as far as they can take it; send away those who cannot."""
        for place in list(self.slow):
            slow = place.slow
            if slow is None:
                self.slow.discard(place)
            elif slow.size > BACKLOG_BYTES or time.monotonic() - slow.since > SLOW_S:
                self._resync(place, "slow")
            elif place.unsent < UNSENT_LOW:
                readings = self._latest_since(slow.at[1], slow.corrected)
                frame = self._changes(
                    self.positions,
                    b",".join(readings),
                    b",".join(slow.sessions),
                    b",".join(slow.alarms),
                    self._corrected(slow.corrected),
                )
                broadcast([place.connection], frame, text=True)
                CONFLATED.inc(max(0, slow.readings - len(readings)))
                DELIVERED.inc(len(readings))
                place.slow = None
                self.slow.discard(place)

    def _latest_since(self, vitals: int, corrected: Container[UUID]) -> list[bytes]:
        """The readings that hold the latest value of any signal, of those after a position.

        What stands in a corrected reading's place comes with the correction, and is no new entry.
        """
        found = {
            item.position: item
            for session_id, entry in self.board.entries.items()
            for _, item in entry.latest.values()
            if item.position > vitals and not (session_id in corrected and _by_hand(item))
        }
        return [body(found[position]) for position in sorted(found)]

    def _resync(self, place: _Place, reason: str) -> None:
        RESYNCS.labels(reason).inc()
        self._leave(place)
        broadcast([place.connection], to_json({"type": "resync", "reason": reason}), text=True)
        self._close(place, RESYNC, reason)

    # ---- joining

    def join(self, place: _Place, since: Any) -> None:
        """The snapshot, or exactly what was missed; then all that comes. Nothing here awaits."""
        self.flush()
        missed = self._missed(since)
        if missed is None:
            frames = self._snapshot(place.view)
        else:
            frames = [self._encode(frame, place.view) for frame in missed]
        RESUMED.labels("snapshot" if missed is None else "resumed").inc()
        for frame in frames:
            broadcast([place.connection], frame, text=True)
        self.places[place.view].add(place)
        VIEWING.labels(place.view).inc()

    def _missed(self, since: Any) -> list[Frame] | None:
        """The frames after the viewer's positions; None when they are not all here any more."""
        match since:
            case {"epoch": self.board.epoch, "events": int(events), "vitals": int(vitals)}:
                return self._since((events, vitals))
            case _:
                return None

    def _since(self, at: Positions) -> list[Frame] | None:
        return self.recent.after(at) if reached(self.positions, at) else None

    def _snapshot(self, view: View) -> list[bytes]:
        """The board as it stands: for many viewers at once one encoding, and the frames after it."""
        kept = self._snapshots.get(view)
        if kept is not None and time.monotonic() - kept[0] < SNAPSHOT_S:
            missed = self._since(kept[1])
            if missed is not None:
                return [kept[2], *(self._encode(frame, view) for frame in missed)]
        sessions = [
            {**self.present(entry.session, view), **_vitals(entry)} for entry in self.board.entries.values()
        ]
        frame = b'%b,"sessions":%b}' % (self._head("snapshot", self.positions), to_json(sessions))
        self._snapshots[view] = (time.monotonic(), self.positions, frame)
        return [frame]

    def _forget_frames(self) -> None:
        self.recent = Recent(self.positions)
        self._snapshots.clear()

    # ---- one connection

    async def _handle(self, connection: ServerConnection) -> None:
        if self.connected >= VIEWERS:
            TURNED_AWAY.labels("full").inc()
            log.warning("feed full", extra={"viewers": self.connected})
            await connection.close(TRY_LATER, "too many viewers")
            return
        self.connected += 1
        try:
            await self._view(connection)
        except ConnectionClosed:
            pass  # gone: nothing is owed to it
        finally:
            self.connected -= 1

    async def _view(self, connection: ServerConnection) -> None:
        if not self.board.ready.is_set():
            TURNED_AWAY.labels("not ready").inc()
            await connection.close(TRY_LATER, "the board is catching up with the log")
            return
        try:
            async with asyncio.timeout(HELLO_S):
                hello = _object(await connection.recv())
        except TimeoutError:
            hello = {}
        ticket = hello.get("ticket") if hello.get("type") == "hello" else None
        who = await self.redeem(ticket) if isinstance(ticket, str) and ticket else None
        if who is None:
            TURNED_AWAY.labels("ticket").inc()
            await connection.close(BAD_TICKET, "the ticket is not valid")
            return
        if not self.board.ready.is_set():
            await connection.close(TRY_LATER, "the board is catching up with the log")
            return
        place = _Place(connection, who, heard=(now := time.monotonic()), checked=now)
        self.join(place, hello.get("since"))
        try:
            async for message in connection:
                place.messages += 1
                if (
                    place.messages > MESSAGES
                    or len(message) > MESSAGE_BYTES
                    or _object(message).get("type") != "alive"
                ):
                    await connection.close(POLICY, "unexpected message")
                    return
                place.heard = time.monotonic()
        finally:
            self._leave(place)

    def _leave(self, place: _Place) -> None:
        if place in self.places[place.view]:
            self.places[place.view].remove(place)
            VIEWING.labels(place.view).dec()
        self.slow.discard(place)
        place.slow = None

    def _close(self, place: _Place, code: int, reason: str) -> None:
        self._leave(place)
        self._beside(place.connection.close(code, reason))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, places: list[_Place]) -> None:
        """Close the feeds of those who have signed out, or whose role has changed."""
        for place in places:
            if not await self.stands(place.who):
                self._close(place, BAD_TICKET, "signed out")

    def _all(self) -> list[_Place]:
        return [*self.places["staff"], *self.places["wall"]]

    # ---- every second

    async def beat(self) -> None:
        """A heartbeat each second; who is not heard from for ten seconds is closed."""
        window = before = time.monotonic()
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            if now - before > 3:  # we were stopped ourselves: what they sent meanwhile is still unread
                for place in self._all():
                    place.heard = now
            before = now
            if now - window >= ALIVE_S:
                window = now
                for place in self._all():
                    place.messages = 0
            for place in self._all():
                if now - place.heard > ALIVE_S:
                    self._close(place, NOT_ALIVE, "no sign of life")
            due = [place for place in self._all() if now - place.checked >= CHECK_S][:CHECKS]
            for place in due:
                place.checked = now
            self._beside(self._check(due))
            self.flush()
            quick = [place.connection for place in self._all() if place.slow is None]
            broadcast(quick, self._heartbeat(), text=True)

    def _heartbeat(self) -> bytes:
        """How far behind each hop is: the log's two followers, and the way from arrival to sending.

        Vitals are null also while session-monitor is silent: what the monitors send is then in no log.
        """
        delivery, self._delivery_s = self._delivery_s, None
        hops = {stream.lower(): s for stream, s in self.board.lag_s().items()} | {"delivery": delivery}
        if not self.hears():
            hops["vitals"] = None
        lag_ms = {hop: None if s is None else round(s * 1000, 1) for hop, s in hops.items()}
        return b'%b,"lag_ms":%b}' % (self._head("heartbeat", self.positions), to_json(lag_ms))

    @asynccontextmanager
    async def serve(self, listener: socket.socket, origins: Iterable[str]) -> AsyncIterator[Server]:
        """Answer on a socket that is bound, until the block ends."""
        server = serve(
            self._handle,
            sock=listener,
            subprotocols=[SUBPROTOCOL],
            compression=None,
            process_request=_Door(frozenset(origins)),
            max_size=16 * 2**10,
            max_queue=4,
            open_timeout=5,
            close_timeout=2,
            ping_interval=20,
            ping_timeout=20,
            server_header=None,
            logger=_connections,
        )
        async with server as listening, service.in_background(self.beat(), "the feed's heartbeat"):
            yield listening


def _vitals(entry: Entry) -> dict[str, Any]:
    return {"latest": entry.latest_json(), "trend": entry.trend_json()}


def _by_hand(item: Recorded) -> bool:
    return isinstance(item.event, VitalRecorded) and item.event.source == "manual"


def _gathered_s(took: float) -> float:
    """How long to gather after a frame that took this long to hand to all: 20 ms, or twice what it took."""
    return min(GATHER_MOST_S, max(2 * took, GATHER_LEAST_S, min(4 * took, GATHER_S)))


def _object(message: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(message)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class _Door:
    """Only /feed, and of pages only our own. Who names no origin is no browser, and needs a ticket too."""

    def __init__(self, origins: frozenset[str]) -> None:
        self.origins = origins

    def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path != "/feed":
            return connection.respond(HTTPStatus.NOT_FOUND, "The live feed is at /feed.\n")
        if not self.origins.issuperset(request.headers.get_all("Origin")):
            TURNED_AWAY.labels("origin").inc()
            log.warning("a page of another origin was refused: should KAP_PUBLIC_URL name it?")
            return connection.respond(HTTPStatus.FORBIDDEN, "This page may not read the live feed.\n")
        return None


def origins(public_url: str | None, bind: str, http_port: int) -> list[str]:
    """Where the dashboard may have come from."""
    hosts = dict.fromkeys([bind, "localhost", "127.0.0.1", "[::1]"])
    found = [f"http://{host}:{http_port}" for host in hosts]
    if public_url:
        parts = urlsplit(public_url)
        found.append(f"{parts.scheme}://{parts.netloc}")
    return found
