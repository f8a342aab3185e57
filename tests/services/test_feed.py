"""The staff gateway as in production: its feed beside its HTTP, on a real log, stopped in every way."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import nats
import pytest
from kap.events.fact import Fact
from kap.log import JetStreamLog
from kap.tasks import ended
from kap_local import nats_server as servers
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.ports import free_port
from nats.aio.client import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.conftest import fresh_streams
from tests.projections.live import opened, raised, reading
from tests.services import gateway as gw
from tests.services import process


@dataclass
class Place:
    """The gateway's process, started as often as a test wants, on the same ports and in the same folder."""

    guard: Guard
    server: NatsServer
    folder: Path
    http_port: int
    feed_port: int

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def start(self, parts: str) -> process.Running:
        gw.settings(self.folder)
        settings = {
            "KAP_HTTP_PORT": str(self.http_port),
            "KAP_FEED_PORT": str(self.feed_port),
            "KAP_CLINIC_KEY_FILE": str(self.folder / "clinic.key"),
            "KAP_SNAPSHOT_FILE": str(self.folder / f"{parts}.snapshot"),
        }
        if "http" in parts:
            settings["KAP_FIRST_USERS_FILE"] = str(self.folder / "first-users.json")
        port, log = free_port(), self.folder / f"{parts}-{uuid4().hex[:6]}.log"
        started = self.guard.start(
            [sys.executable, "-m", "projections", "--only", parts],
            environment=process.settings(self.server, "gateway", port) | settings,
            log=log,
        )
        return process.Running(started, f"http://127.0.0.1:{port}", log)

    def beside(self) -> "Place":
        """A second gateway of the same clinic, with its own ports and snapshot."""
        folder = self.folder / "beside"
        folder.mkdir()
        gw.settings(folder)
        (folder / "clinic.key").write_text((self.folder / "clinic.key").read_text())
        return replace(self, folder=folder, http_port=free_port(), feed_port=free_port())

    @contextmanager
    def running(self, parts: str = "feed,http") -> Iterator[process.Running]:
        service = self.start(parts)
        try:
            yield service
        finally:
            self.guard.stop(service.process, signal.SIGKILL)

    async def ticket(self, role: str = "nurse") -> dict[str, str]:
        async with httpx.AsyncClient(base_url=self.http, trust_env=False, timeout=15) as http:
            answer = await http.post("/api/login", json={"username": role, "password": gw.PASSWORD})
            assert answer.status_code == 200, answer.text
            ticket: dict[str, str] = (await http.post("/api/feed-ticket")).json()
            return ticket

    @asynccontextmanager
    async def page(self, role: str = "nurse", since: Any = None) -> AsyncIterator[ClientConnection]:
        ticket = await self.ticket(role)
        async with connect(
            ticket["url"],
            origin=Origin(self.http),
            subprotocols=[Subprotocol("kap.feed.1")],
            compression=None,
            max_size=None,
            proxy=None,
        ) as connection:
            hello = {"type": "hello", "ticket": ticket["ticket"]} | ({"since": since} if since else {})
            await connection.send(json.dumps(hello))
            yield connection


async def frame(connection: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            found: dict[str, Any] = json.loads(await connection.recv())
            if found["type"] == kind:
                return found


@pytest.fixture
def place(guard: Guard, nats_server: NatsServer, nats_url: str, tmp_path: Path) -> Place:
    return Place(guard, nats_server, tmp_path, free_port(), free_port())


@pytest.fixture
async def log(client: Client) -> JetStreamLog:
    return JetStreamLog(client, "main", "tests")


async def append(log: JetStreamLog, *facts: Fact) -> None:
    for fact in facts:
        aggregate = f"session.{fact.aggregate_id}"
        history = await log.load(aggregate)
        await log.append(aggregate, [fact], history[-1].position if history else 0)


@asynccontextmanager
async def monitoring(client: Client) -> AsyncIterator[None]:
    """What session-monitor says each second."""

    async def say() -> None:
        while True:
            await client.publish("kap.live.devices.main", b"[]")
            await asyncio.sleep(1)

    saying = asyncio.create_task(say())
    yield
    await ended(saying)


async def beats_until(page: ClientConnection, *, events: float | None, vitals: float | None) -> None:
    """Until a heartbeat says these lags: each hop goes silent at a beat of its own."""
    async with asyncio.timeout(15):
        while True:
            lag = (await frame(page, "heartbeat"))["lag_ms"]
            if (lag["events"], lag["vitals"]) == (events, vitals):
                return
            await page.send('{"type":"alive"}')


async def hears(page: ClientConnection, count: int) -> list[str]:
    """The ids of the next so many readings, in their order; the page lives meanwhile."""
    heard: list[str] = []
    async with asyncio.timeout(60):
        while len(heard) < count:
            match json.loads(await page.recv()):
                case {"type": "changes", "readings": readings}:
                    heard += [reading["id"] for reading in readings]
                case {"type": "heartbeat"}:
                    await page.send('{"type":"alive"}')
    return heard


def live(session_id: UUID, n: int) -> Any:
    return reading(session_id, n / 1000, start=datetime.now(UTC), spo2=n)


async def test_what_is_recorded_is_on_the_page_at_once(place: Place, log: JetStreamLog) -> None:
    session_id = uuid4()
    await append(log, opened(session_id, datetime.now(UTC)))
    with place.running() as service:
        await process.ready(service)
        async with place.page() as nurse, place.page("wall") as wall:
            snapshot = await frame(nurse, "snapshot")
            await frame(wall, "snapshot")
            assert [s["session_id"] for s in snapshot["sessions"]] == [str(session_id)]
            sent = live(session_id, 97)
            await log.record([sent], 1)
            for page in (nurse, wall):
                change = await frame(page, "changes")
                assert [r["id"] for r in change["readings"]] == [str(sent.id)]
            alarm = raised(session_id, at=datetime.now(UTC))
            await append(log, alarm)
            change = await frame(wall, "changes")
            assert [a["alarm_id"] for a in change["alarms"]] == [str(alarm.alarm_id)]
            assert (await frame(nurse, "heartbeat"))["lag_ms"]["events"] == 0
        async with httpx.AsyncClient(trust_env=False) as http:
            metrics = (await http.get(f"{service.http}/metrics")).text
        assert "kap_feed_delivery_latency_seconds_count" in metrics
        assert 'kap_feed_viewers{view="staff"}' in metrics
        service.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(service.process.wait, 15) in (0, -signal.SIGTERM)


async def test_a_ticket_opens_one_feed(place: Place) -> None:
    with place.running() as service:
        await process.ready(service)
        ticket = await place.ticket()
        for expected in (None, 4401):
            async with connect(
                ticket["url"], subprotocols=[Subprotocol("kap.feed.1")], proxy=None
            ) as connection:
                await connection.send(json.dumps({"type": "hello", "ticket": ticket["ticket"]}))
                if expected is None:
                    await frame(connection, "snapshot")
                else:
                    with pytest.raises(ConnectionClosed) as closed:
                        await frame(connection, "snapshot")
                    assert closed.value.rcvd and closed.value.rcvd.code == expected


async def test_killed_it_comes_back_with_everything(place: Place, log: JetStreamLog) -> None:
    session_id = uuid4()
    await append(log, opened(session_id, datetime.now(UTC)))
    with place.running() as service:
        await process.ready(service)
        await log.record([live(session_id, n) for n in range(20)], 1)
        async with asyncio.timeout(30):
            while not (place.folder / "feed,http.snapshot").exists():
                await asyncio.sleep(0.2)
        await log.record([live(session_id, 20)], 1)
    with place.running() as service:
        await process.ready(service)
        assert any(line["message"] == "board restored" for line in service.lines())
        async with place.page() as page:
            snapshot = await frame(page, "snapshot")
            assert snapshot["vitals"] == 21
            assert snapshot["sessions"][0]["latest"]["spo2"]["value"] == 20
            assert snapshot["sessions"][0]["trend"]["spo2"][-1][1] == 20


async def test_with_the_log_or_session_monitor_silent_the_page_hears_that_nobody_knows(
    guard: Guard, tmp_path: Path
) -> None:
    server = servers.prepare(tmp_path / "nats", free_port(), free_port(), accounts=True)
    started = guard.start(server.command, log=tmp_path / "nats.log")
    async with httpx.AsyncClient(trust_env=False) as http:
        while not await server.answers(http):
            await asyncio.sleep(0.02)
    await fresh_streams(server.url())
    client = await nats.connect(server.url())
    log, session_id = JetStreamLog(client, "main", "tests"), uuid4()
    await append(log, opened(session_id, datetime.now(UTC)))
    place = Place(guard, server, tmp_path, free_port(), free_port())
    with place.running("feed,http") as service:
        await process.ready(service)
        async with place.page() as page:
            await frame(page, "snapshot")
            started.send_signal(signal.SIGSTOP)
            await beats_until(page, events=None, vitals=None)
            started.send_signal(signal.SIGCONT)
            await log.record([live(session_id, 1)], 1)
            assert len((await frame(page, "changes"))["readings"]) == 1
            async with monitoring(client):
                await beats_until(page, events=0, vitals=0)
            # its own service stopped, the log is whole, but what the monitors send is not in it
            await beats_until(page, events=0, vitals=None)
            async with monitoring(client):
                await beats_until(page, events=0, vitals=0)
    await client.close()
    guard.stop(started, signal.SIGKILL)


async def test_feed_and_http_apart_share_sign_ins_and_tickets(place: Place, log: JetStreamLog) -> None:
    session_id = uuid4()
    await append(log, opened(session_id, datetime.now(UTC)))
    with place.running("http") as http:
        await process.ready(http)
        with place.running("feed") as feed:
            await process.ready(feed)
            async with place.page() as page:
                snapshot = await frame(page, "snapshot")
                assert [s["session_id"] for s in snapshot["sessions"]] == [str(session_id)]


async def stopped(service: process.Running) -> None:
    """By SIGTERM, in order, with nothing to complain about."""
    service.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(service.process.wait, 15) in (0, -signal.SIGTERM)
    assert not [line for line in service.lines() if line["level"] in ("error", "critical")], service.lines()


async def test_two_gateways_live_beside_each_other(place: Place, log: JetStreamLog) -> None:
    """A minute's readings and facts come to the pages of both, and neither begins anew for the other."""
    session_id = uuid4()
    await append(log, opened(session_id, datetime.now(UTC)))
    with place.running() as one:
        await process.ready(one)
        beside = place.beside()
        with beside.running() as two:
            await process.ready(two)
            async with place.page() as first, beside.page() as second:
                for page in (first, second):  # what is recorded before a page has joined is in its snapshot
                    await frame(page, "snapshot")
                sent = [live(session_id, n) for n in range(60)]
                listening = [asyncio.create_task(hears(page, len(sent))) for page in (first, second)]
                for n, item in enumerate(sent):
                    await log.record([item], 1)
                    if n % 10 == 0:
                        await append(log, raised(session_id, at=datetime.now(UTC)))
                    await asyncio.sleep(0.02)
                for heard in await asyncio.gather(*listening):
                    assert heard == [str(item.id) for item in sent]
            async with httpx.AsyncClient(trust_env=False) as http:
                for service in (one, two):
                    metrics = (await http.get(f"{service.http}/metrics")).text
                    assert 'kap_follower_position{follower="gateway-board-vitals"} 60.0' in metrics
                    assert "kap_follower_restarts_total{" not in metrics
            await stopped(two)
        await stopped(one)


async def test_stopped_in_order_it_says_nothing(place: Place, log: JetStreamLog) -> None:
    """Also when a page keeps it waiting: what reads the log ends before its connection does."""
    with place.running() as service:
        await process.ready(service)
        _, page = await asyncio.open_connection("127.0.0.1", place.http_port)
        page.write(b"POST /api/login HTTP/1.1\r\nHost: kap\r\nContent-Length: 100\r\n\r\n{")
        await page.drain()
        await asyncio.sleep(0.1)
        await stopped(service)
        page.close()


async def test_another_log_than_the_one_that_was_read_stops_it(place: Place, log: JetStreamLog) -> None:
    snapshot = place.folder / "feed,http.snapshot"
    with place.running() as service:
        await process.ready(service)
        await append(log, opened(uuid4()))
        async with asyncio.timeout(30):
            while not snapshot.exists():
                await asyncio.sleep(0.2)
    await fresh_streams(place.server.url())
    with place.running() as service:
        await asyncio.to_thread(service.process.wait, 30)
        assert any("another log" in line.get("error", "") for line in service.lines())


def test_parts_that_are_none_are_named() -> None:
    command = [sys.executable, "-m", "projections", "--only", "feed,screen"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert refused.returncode == 2 and "'screen' is none of feed, read-models, http" in refused.stderr
