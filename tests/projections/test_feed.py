"""The live feed as a browser sees it: real sockets, a board that follows a log."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from kap.events.intake import PatientChanged, PersonForgotten
from kap.events.session import AlarmAcknowledged
from kap.log import JetStreamLog
from kap.testing import MemoryLog
from projections import feed as feed_module
from projections import recent
from projections.board import Board, Change
from projections.feed import Feed, Viewer, origins
from projections.session_view import Session
from pydantic_core import to_json
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.projections.live import (
    NURSE,
    append,
    opened,
    raised,
    reading,
    sealed,
    stamp,
    typed,
    withdrawn,
)

S, T = UUID(int=1), UUID(int=2)


async def redeem(ticket: str) -> Viewer | None:
    """Any ticket that starts with a role is good, in these tests."""
    role, _, staff_id = ticket.partition(":")
    return Viewer(role, staff_id) if role in ("nurse", "wall") else None


def named(session: Session, view: str) -> dict[str, Any]:
    return session.model_dump(mode="json") | {"label": "MK 0417" if view == "staff" else None}


class Place:
    """A log, a board that follows it, and the feed of that board."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.board = Board()
        self.feed = Feed(self.board, redeem=redeem, present=named)
        self.board.on_change = self.feed.publish
        self.address = ""

    async def settled(self) -> None:
        """Everything in the log has been folded and sent."""
        events, vitals = len(self.log.streams["EVENTS"]), len(self.log.streams["VITALS"])
        async with asyncio.timeout(10):
            while self.feed.positions != (events, vitals):
                await asyncio.sleep(0.005)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    await append(place.log, opened(S), opened(T))
    following = asyncio.create_task(place.board.run(cast(JetStreamLog, place.log)))
    await asyncio.wait_for(place.board.ready.wait(), 5)
    listener = socket.create_server(("127.0.0.1", 0))
    async with place.feed.serve(listener, origins(None, "127.0.0.1", 8080)):
        place.address = f"ws://127.0.0.1:{listener.getsockname()[1]}/feed"
        yield place
    following.cancel()
    await asyncio.wait([following])


class Page:
    """What the dashboard does: keep the board by snapshot and changes."""

    def __init__(self, connection: ClientConnection) -> None:
        self.socket = connection
        self.snapshots = 0
        self.frames: list[dict[str, Any]] = []
        self.readings: list[int] = []  # the values sent, one after the other
        self.sessions: dict[str, Any] = {}
        self.alarms: list[str] = []
        self.at: dict[str, Any] = {}
        self.resync: str | None = None

    async def read(self, kind: str | None = None) -> dict[str, Any]:
        while True:
            frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
            self.take(frame)
            if frame["type"] == "heartbeat":
                with suppress(ConnectionClosed):  # what came before the end is still to be read
                    await self.socket.send('{"type":"alive"}')
            if kind is None or frame["type"] == kind:
                return frame

    def take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "snapshot":
                self.snapshots += 1
                self.sessions = {s["session_id"]: s for s in frame["sessions"]}
            case "changes":
                if self.at:
                    assert frame["epoch"] == self.at["epoch"]
                    assert (frame["events"], frame["vitals"]) >= (self.at["events"], self.at["vitals"])
                values = [r["signals"]["spo2"]["value"] for r in frame["readings"] if "spo2" in r["signals"]]
                self.readings += map(int, values)
                self.sessions |= {s["session_id"]: s for s in frame["sessions"]}
                self.alarms += [alarm["id"] for alarm in frame["alarms"]]
            case "resync":
                self.resync = frame["reason"]
        if frame["type"] in ("snapshot", "changes"):
            self.at = {name: frame[name] for name in ("epoch", "events", "vitals")}

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not done():
                await self.read()


def dial(place: Place, path: str = "/feed", **options: Any) -> connect:
    address = place.address.replace("/feed", path)
    return connect(address, subprotocols=[Subprotocol("kap.feed.1")], compression=None, **options)


@asynccontextmanager
async def page(
    place: Place, ticket: str = "nurse:1", since: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Page]:
    async with dial(place, **options) as connection:
        await connection.send(
            json.dumps({"type": "hello", "ticket": ticket} | ({"since": since} if since else {}))
        )
        yield Page(connection)


def live(session_id: UUID, n: int) -> Any:
    """The n-th reading of now; its value says which it is."""
    return reading(session_id, n / 1000, start=datetime.now(UTC), spo2=n)


async def test_a_snapshot_then_changes(place: Place) -> None:
    await place.log.record([live(S, 1)], 2)
    await place.settled()
    async with page(place) as viewer:
        snapshot = await viewer.read()
        assert snapshot["type"] == "snapshot"
        assert (snapshot["events"], snapshot["vitals"]) == (2, 1)
        session = viewer.sessions[str(S)]
        assert session["latest"]["spo2"]["value"] == 1
        assert set(session["latest"]["spo2"]) == {
            "value",
            "quality",
            "channel",
            "source",
            "device_id",
            "entered_by",
            "observed_at",
        }
        assert [value for _, value in session["trend"]["spo2"]] == [1]
        assert session["label"] == "MK 0417"
        assert viewer.socket.subprotocol == "kap.feed.1"

        sent = live(S, 2)
        await place.log.record([sent], 2)
        change = await viewer.read("changes")
        assert change["readings"] == [json.loads(sent.model_dump_json())]
        assert (change["events"], change["vitals"], change["sessions"], change["alarms"]) == (2, 2, [], [])

        alarm = raised(S)
        await append(place.log, alarm)
        change = await viewer.read("changes")
        assert change["alarms"] == [json.loads(alarm.model_dump_json())]
        assert change["sessions"][0]["alarms"][0]["alarm_id"] == str(alarm.alarm_id)
        assert "latest" not in change["sessions"][0]


async def test_a_withdrawn_reading_is_followed_by_the_vitals_that_stand(place: Place) -> None:
    slip = typed(S, 0, datetime.now(UTC), spo2=70)
    async with page(place) as viewer:
        await viewer.read()
        await place.log.record([live(S, 1), slip], 2)
        await viewer.until(lambda: viewer.readings == [1, 70])
        await place.log.record([withdrawn(slip)], 2)
        change = await viewer.read("changes")
        [stands] = change["corrected"]
        assert (stands["session_id"], stands["reading_ids"]) == (str(S), [str(slip.id)])
        assert stands["latest"]["spo2"]["value"] == 1
        assert [value for _, value in stands["trend"]["spo2"]] == [1]
    async with page(place, since=viewer.at | {"vitals": 2}) as again:
        assert (await again.read("changes"))["corrected"] == [stands]


async def test_a_slow_viewer_gets_the_vitals_as_they_stand_when_it_is_sent_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_buffers(monkeypatch)
    slip = typed(S, 0, datetime.now(UTC), systolic=212)
    seen = 0

    async def correct() -> None:
        nonlocal seen
        if place.feed.slow and not seen:
            seen = 1
            await place.log.record([slip, withdrawn(slip, typed(S, 0, datetime.now(UTC), systolic=121))], 2)

    async with page(place, max_queue=1) as slow:
        await slow.read()
        await overwhelm(place, lambda: bool(seen), correct)
        await place.settled()
        last = len(place.log.streams["VITALS"])
        await slow.until(lambda: slow.at["vitals"] == last)
        [stands] = [one for frame in slow.frames for one in frame.get("corrected", [])]
        now = json.loads(to_json(place.board.entries[S].latest_json()))
        assert stands["latest"] == now and now["systolic"]["value"] == 121
        read = [reading for frame in slow.frames for reading in frame.get("readings", [])]
        assert not [reading for reading in read if reading["source"] == "manual"], "that would be an entry"


async def test_the_wall_sees_no_names(place: Place) -> None:
    async with page(place, "wall:1") as wall, page(place, "nurse:1") as nurse:
        await wall.read()
        await nurse.read()
        await append(place.log, raised(S))
        await wall.read("changes")
        await nurse.read("changes")
        assert wall.sessions[str(S)]["label"] is wall.sessions[str(T)]["label"] is None
        assert nurse.sessions[str(S)]["label"] == nurse.sessions[str(T)]["label"] == "MK 0417"


async def test_joining_while_much_is_written_leaves_no_gap_and_repeats_nothing(place: Place) -> None:
    total = 3000

    async def write() -> None:
        for n in range(0, total, 10):
            await place.log.record([live(S, n + i) for i in range(10)], 2)
            await asyncio.sleep(0.001)

    async def join_and_read(delay: float) -> tuple[int, list[int]]:
        await asyncio.sleep(delay)
        async with page(place) as viewer:
            snapshot = await viewer.read()
            await viewer.until(lambda: viewer.at["vitals"] == total)
            return snapshot["vitals"], viewer.readings

    writing = asyncio.create_task(write())
    for start, values in await asyncio.gather(*(join_and_read(n * 0.02) for n in range(15))):
        assert values == list(range(start, total))
    await writing


async def test_a_viewer_that_comes_back_gets_exactly_what_it_missed(place: Place) -> None:
    async with page(place) as viewer:
        await viewer.read()
        await place.log.record([live(S, 0)], 2)
        await viewer.until(lambda: len(viewer.readings) == 1)
    for n in range(1, 20):
        await place.log.record([live(S, n)], 2)
        await place.settled()
    alarm = raised(T)
    await append(place.log, alarm)
    await place.settled()
    async with page(place, since=viewer.at) as again:
        again.at = viewer.at
        await place.log.record([live(S, 20)], 3)
        await again.until(lambda: bool(again.readings) and again.readings[-1] == 20)
        assert again.snapshots == 0
        assert again.readings == list(range(1, 21))
        assert again.alarms == [str(alarm.id)]
    async with page(place, since=again.at) as nothing_missed:
        assert (await nothing_missed.read())["type"] == "heartbeat"


@pytest.mark.parametrize(
    "wrong", [{"epoch": "another log"}, {"events": 0, "vitals": 0}, {"vitals": 10**6}, {"vitals": "7"}]
)
async def test_what_cannot_be_continued_whole_begins_anew(place: Place, wrong: dict[str, Any]) -> None:
    async with page(place) as viewer:
        await viewer.read()
    async with page(place, since=viewer.at | wrong) as again:
        assert (await again.read())["type"] == "snapshot"


async def test_the_ring_is_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "FRAMES", 5)
    async with page(place) as viewer:
        await viewer.read()
    for n in range(10):
        await place.log.record([live(S, n)], 2)
        await place.settled()
    assert len(place.feed.recent.frames) == 5
    async with page(place, since=viewer.at) as again:
        assert (await again.read())["type"] == "snapshot"
    late = viewer.at | {"vitals": 6}
    async with page(place, since=late) as again:
        await again.until(lambda: len(again.readings) == 4)
        assert again.readings == [6, 7, 8, 9] and again.snapshots == 0


async def test_a_fact_that_changes_nothing_on_the_board_breaks_no_recovery(place: Place) -> None:
    async with page(place) as viewer:
        await viewer.read()
    await append(place.log, PatientChanged(**stamp(), patient_id=uuid4(), name=sealed()))
    await place.settled()
    await place.log.record([live(S, 1)], 3)
    await place.settled()
    async with page(place, since=viewer.at) as again:
        assert (await again.read())["type"] == "changes"
    async with page(place, since=viewer.at | {"events": 3}) as again:
        assert (await again.read())["type"] == "changes"


async def test_a_name_that_opens_late_reaches_who_was_away(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with page(place) as viewer:
        await viewer.read()
    at = place.board.events, place.board.vitals
    place.feed.publish(Change(*at, sessions={S: None}))  # no position moves
    async with page(place, since=viewer.at) as again:
        change = await again.read()
        assert [s["session_id"] for s in change["sessions"]] == [str(S)]
        assert (change["events"], change["vitals"]) == at
    monkeypatch.setattr(recent, "FRAMES", 3)
    for n in range(3):
        await place.log.record([live(S, n)], 2)
        await place.settled()
    async with page(place, since=viewer.at) as again:
        assert (await again.read())["type"] == "snapshot"


async def test_a_forgotten_person_is_in_no_frame_kept(place: Place) -> None:
    patient = UUID(int=9)
    await append(place.log, opened(UUID(int=3), patient_id=patient))
    async with page(place) as viewer:
        await viewer.read()
        await append(place.log, PersonForgotten(**stamp(), patient_id=patient, ground="request"))
        change = await viewer.read("changes")
        assert [s["session_id"] for s in change["sessions"]] == [str(UUID(int=3))]
    assert not place.feed.recent.frames
    async with page(place, since=viewer.at) as again:
        assert (await again.read())["type"] == "heartbeat"  # nothing missed since


async def test_what_waits_for_a_slow_viewer_is_not_sent_after_a_forgetting(place: Place) -> None:
    async with page(place) as viewer:
        await viewer.read()
        (there,) = place.feed.places["staff"]
        there.slow = feed_module._Slow(place.feed.positions, since=time.monotonic(), sessions=[b'"a name"'])
        place.feed.slow.add(there)
        await append(place.log, PersonForgotten(**stamp(), patient_id=uuid4(), ground="request"))
        assert (await viewer.read())["type"] == "resync"
        await asyncio.wait_for(viewer.socket.wait_closed(), 5)
        assert viewer.socket.close_code == 4008


async def test_a_bad_ticket_is_turned_away(place: Place) -> None:
    async def hear(message: str) -> int | None:
        async with dial(place) as stranger:
            await stranger.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(stranger.recv(), 5)
            return closed.value.rcvd.code if closed.value.rcvd else None

    for hello in (
        '{"type":"hello","ticket":"stolen"}',
        '{"type":"hello"}',
        '{"type":"hello","ticket":7}',
        '{"type":"alive"}',
        "[]",
        "{",
    ):
        assert await hear(hello) == 4401
    assert not place.feed.places["staff"]


async def test_who_says_nothing_is_turned_away(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "HELLO_S", 0.1)
    async with dial(place) as stranger:
        await asyncio.wait_for(stranger.wait_closed(), 5)
        assert stranger.close_code == 4401


async def test_only_our_own_pages_may_connect(place: Place) -> None:
    with pytest.raises(InvalidStatus):
        await connect(place.address)  # without the subprotocol
    with pytest.raises(InvalidStatus) as refused:
        await dial(place, origin=Origin("http://elsewhere.example"))
    assert refused.value.response.status_code == 403
    async with page(place, origin=Origin("http://localhost:8080")) as viewer:
        assert (await viewer.read())["type"] == "snapshot"
    with pytest.raises(InvalidStatus) as refused:
        await dial(place, "/other")
    assert refused.value.response.status_code == 404
    assert "https://kap.clinic.example" in origins("https://kap.clinic.example/board/", "10.0.0.4", 8080)
    assert "http://10.0.0.4:8080" in origins(None, "10.0.0.4", 8080)


async def test_a_heartbeat_each_second(place: Place) -> None:
    await place.log.record([live(S, 1)], 2)
    async with page(place) as viewer:
        first = await viewer.read("heartbeat")
        second = await viewer.read("heartbeat")
        assert first["epoch"] == place.board.epoch and (first["events"], first["vitals"]) == (2, 1)
        assert set(first["lag_ms"]) == {"events", "vitals", "delivery"}
        times = [datetime.fromisoformat(frame["server_time"]) for frame in (first, second)]
        assert 0.8 < (times[1] - times[0]).total_seconds() < 1.5


async def test_a_viewer_without_a_sign_of_life_is_closed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "ALIVE_S", 2.5)
    async with page(place) as silent, page(place) as living:
        for _ in range(4):
            await living.read("heartbeat")
        await asyncio.wait_for(silent.socket.wait_closed(), 5)
        assert silent.socket.close_code == 4012
        await living.read("heartbeat")


async def test_a_viewer_that_sends_anything_else_is_closed(place: Place) -> None:
    for messages in (['{"type":"order"}'], ["x" * 2000], ['{"type":"alive"}'] * 40):
        async with page(place) as viewer:
            await viewer.read()
            with pytest.raises(ConnectionClosed):
                for message in messages:
                    await viewer.socket.send(message)
                await asyncio.wait_for(viewer.socket.wait_closed(), 5)
                await viewer.socket.send("{}")
            assert viewer.socket.close_code == 1008


async def test_more_viewers_than_fit_are_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "VIEWERS", 1)
    async with page(place) as viewer:
        await viewer.read()
        async with dial(place) as stranger:
            await asyncio.wait_for(stranger.wait_closed(), 5)
            assert stranger.close_code == 1013


async def test_signing_out_ends_the_feed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stands(viewer: Viewer) -> bool:
        return viewer.staff_id != "1"

    monkeypatch.setattr(feed_module, "CHECK_S", 0.5)
    place.feed.stands = stands
    async with page(place, "nurse:1") as out, page(place, "nurse:2") as stays:
        await out.read()
        await stays.read()
        await asyncio.wait_for(out.socket.wait_closed(), 5)
        assert out.socket.close_code == 4401
        await stays.read("heartbeat")


def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "ALIVE_S", 120)  # who does not read hears no heartbeat to answer
    monkeypatch.setattr(feed_module, "UNSENT_LEAST", 64 * 2**10)
    monkeypatch.setattr(feed_module, "UNSENT_MOST", 64 * 2**10)


async def overwhelm(place: Place, until: Callable[[], bool], between: Callable[[], Awaitable[Any]]) -> int:
    """Write more readings than a viewer that does not read can take, with facts in between."""
    n = 0
    async with asyncio.timeout(60):
        while not until():
            await place.log.record([live((S, T)[n % 2], n := n + 1) for _ in range(300)], 2)
            if n % 1500 == 0:
                await between()
            await asyncio.sleep(0.005)
    await place.settled()
    return n


async def test_a_slow_viewer_gets_the_latest_of_each_signal_and_every_alarm(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_buffers(monkeypatch)
    alarms: list[str] = []

    async def alarm() -> None:
        fact = raised(S)
        alarms.extend([str(fact.id)])
        noticed = AlarmAcknowledged(**stamp(by=NURSE), session_id=S, alarm_id=fact.alarm_id)
        alarms.append(str(noticed.id))
        await append(place.log, fact, noticed)

    conflated = feed_module.CONFLATED._value.get()
    async with page(place, max_queue=1) as slow, page(place) as quick:
        await slow.read()
        reading_on = asyncio.create_task(quick.until(lambda: len(quick.readings) >= 10**9))
        last = await overwhelm(
            place, lambda: any(p.slow and p.slow.size > 30_000 for p in place.feed.slow), alarm
        )
        (stuck,) = place.feed.slow
        assert stuck.unsent < 2 * 2**20
        await slow.until(lambda: slow.at["vitals"] == last)
        assert slow.alarms == alarms
        assert len(slow.readings) < last
        assert slow.readings[-2:] == [last - 1, last]
        assert len(slow.sessions[str(S)]["alarms"]) == len(alarms) // 2
        assert feed_module.CONFLATED._value.get() > conflated
        assert not place.feed.slow
        await asyncio.sleep(0.1)
        assert quick.readings == list(range(1, last + 1))
        assert quick.alarms == alarms
        reading_on.cancel()
        # and goes on, reading by reading
        await place.log.record([live(S, 7)], 2)
        await slow.until(lambda: slow.readings[-1] == 7)


async def test_a_viewer_too_slow_for_its_alarms_is_sent_away(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_buffers(monkeypatch)
    monkeypatch.setattr(feed_module, "BACKLOG_BYTES", 10_000)

    async def alarm() -> None:
        await append(place.log, raised(S))

    async with page(place, max_queue=1) as slow:
        await slow.read()
        await overwhelm(place, lambda: not place.feed.places["staff"], alarm)
        assert not place.feed.slow
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await slow.read()
        # what was on its way still came; if the last frames could not, the connection broke instead
        assert slow.resync == "slow" or closed.value.rcvd is None
        if closed.value.rcvd is not None:
            assert closed.value.rcvd.code == 4008


async def test_a_hundred_viewers_get_everything(place: Place) -> None:
    total = 2000

    async def watch(ticket: str) -> Page:
        async with page(place, ticket) as viewer:
            await viewer.read()
            joined.release()
            await viewer.until(lambda: viewer.at["vitals"] == total and viewer.at["events"] == 12)
            return viewer

    joined = asyncio.Semaphore(0)
    viewers = [asyncio.create_task(watch(("nurse:1", "wall:1")[n % 10 == 0])) for n in range(100)]
    for _ in viewers:
        await joined.acquire()
    alarms = [raised((S, T)[n % 2]) for n in range(10)]
    for n in range(0, total, 20):
        await place.log.record([live(S, n + i) for i in range(20)], 2)
        if n % 200 == 0:
            await append(place.log, alarms[n // 200])
        await asyncio.sleep(0.002)
    for viewer in await asyncio.gather(*viewers):
        assert viewer.readings == list(range(total))
        assert viewer.alarms == [str(alarm.id) for alarm in alarms]
        assert viewer.snapshots == 1
