"""What KAP itself does: readings in, decisions, the way to a viewer's screen, rows, deliveries."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import nats
from kap.ids import uuid7
from nats.aio.client import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from kap_local.bench import child, devices, viewers
from kap_local.clinic_client import Staff, sign_in_all
from kap_local.simulation import Clock, Played, Treatment, person

SESSIONS, DEVICES = 40, 5
ALARM_S = 10.0  # to wait for one
LOAD = 4000.0  # readings a second while deliveries are counted


@dataclass
class Clinic:
    """A running KAP with `SESSIONS` sessions open, each with `DEVICES` devices attached.

    A device's requests are judged one after the other: a bench of few devices would measure that alone.
    """

    run: dict[str, Any]
    staff: dict[str, Staff]
    nats: Client  # the operator's: commands go straight to their owners
    gateway: Client
    sessions: list[UUID] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)


async def admit(run: dict[str, Any], say: Callable[[str], None]) -> Clinic:
    staff = await sign_in_all(run["http"], run["users"])
    clinic = Clinic(
        run,
        staff,
        await nats.connect(run["nats"], inbox_prefix="_INBOX_operator"),
        await nats.connect(run["gateway"], inbox_prefix="_INBOX_device-gateway"),
    )
    nurse, now = staff["nurse"], datetime.now(UTC)
    for n in range(SESSIONS):
        treatment = Treatment(
            who=person(1, n),
            room=f"B{n}",
            dosed_at=now,
            staff=staff,
            devices=clinic.gateway,
            clinic=run["clinic"],
            mllp=("", 0),
            clock=Clock(now),
            random=Random(n),
            played=Played(),
        )
        await treatment.prepare()
        session = {"session_id": str(treatment.session_id)}
        course = str(treatment.course_id)
        await nurse.send("session", "OpenSession", now, **session, course_id=course, room=treatment.room)
        clinic.sessions.append(treatment.session_id)
        if n % 10 == 9:
            say(f"  {n + 1} of {SESSIONS} sessions open")
    now = datetime.now(UTC)
    for k in range(DEVICES):
        for n, session_id in enumerate(clinic.sessions):
            device = f"BENCH-{n}-{k}"
            await nurse.send("session", "AttachDevice", now, session_id=str(session_id), device_id=device)
            clinic.devices.append(device)
    say(f"  {len(clinic.devices)} devices attached")
    return clinic


async def close(clinic: Clinic) -> None:
    await clinic.nats.close()
    await clinic.gateway.close()
    for one in clinic.staff.values():
        await one.close()


def task(clinic: Clinic, seconds: float, **more: Any) -> devices.Task:
    return devices.Task(clinic.run["gateway"], clinic.run["clinic"], clinic.devices, seconds, **more)


async def ingest(clinic: Clinic, seconds: float) -> dict[str, float]:
    """Readings a second acknowledged as on disk: 40 devices, 100 a request, as fast as they are answered."""
    result = await child.hand_in(replace(task(clinic, seconds, size=100), devices=clinic.devices[:SESSIONS]))
    return {"per_s": result.per_s} | quantiles(result.requests_ms)


@asynccontextmanager
async def on_the_ward(clinic: Clinic, seconds: float) -> AsyncIterator[None]:
    """Meanwhile each device sends every other second: silent, each would soon have an alarm for it."""
    sending = asyncio.create_task(child.hand_in(task(clinic, seconds, rate=len(clinic.devices) / 2)))
    yield
    await sending


async def end_to_end(clinic: Clinic, rate: int, seconds: float) -> dict[str, Any]:
    """Milliseconds from a reading's sending to its arrival at a viewer; `lost`: recorded and never seen.

    Up to 1,000 requests a second: beyond that rate each carries several readings. `overloaded`: the sender or
    the viewer may have been what was measured.
    """
    sending = task(clinic, seconds, rate=rate, size=max(1, rate // 1000))
    async with child.watching(await viewing(clinic, 1, latency=True)) as viewer:
        sent = await child.hand_in(sending)
        seen = await child.seen(viewer, sent.recorded)
    return quantiles([1000 * took for took in seen.took_s]) | {
        "lost": sent.recorded - seen.readings,
        "refused": sent.refused,
        "per_s": round(sent.per_s, 1),
        "overloaded": sent.overloaded or seen.cpu > devices.BUSY,
    }


async def deliveries(clinic: Clinic, count: int, seconds: float) -> dict[str, float]:
    """Readings and frames delivered a second, over all viewers, under a steady load of readings."""
    async with child.watching(await viewing(clinic, count)) as viewers:
        await child.hand_in(task(clinic, seconds, rate=LOAD, size=20))
        seen = await child.seen(viewers)
    if seen.closed:
        raise RuntimeError(f"{seen.closed} viewers were cut off")
    return {"readings": seen.readings / seen.seconds, "frames": seen.frames / seen.seconds}


async def viewing(clinic: Clinic, count: int, *, latency: bool = False) -> viewers.Task:
    nurse, url = clinic.staff["nurse"], urlsplit(clinic.run["feed"])
    tickets = [(await feed_ticket(nurse))["ticket"] for _ in range(count)]
    return viewers.Task(url.port or 0, url.path, clinic.run["http"], tickets, latency)


async def alarms(clinic: Clinic) -> dict[str, float]:
    """Milliseconds from the sending of a value that alarms at once to its alarm at a viewer, one by one."""
    view = await viewing(clinic, 1)
    took: list[float] = []
    url, subject = f"ws://127.0.0.1:{view.port}{view.path}", f"kap.ingest.{clinic.run['clinic']}.vitals"
    origin, protocol = Origin(view.origin), Subprotocol("kap.feed.1")
    async with connect(url, subprotocols=[protocol], origin=origin, max_size=None, compression=None) as feed:
        await feed.send(json.dumps({"type": "hello", "ticket": view.tickets[0]}))
        for session_id, device in zip(clinic.sessions, clinic.devices, strict=False):  # the first of each
            now = datetime.now(UTC).isoformat()
            readings = [{"device_time": now, "signals": {"spo2": 79}}]
            body = json.dumps({"device_id": device, "sent_at": now, "readings": readings}).encode()
            started = time.perf_counter()
            async with asyncio.timeout(ALARM_S), asyncio.TaskGroup() as both:
                both.create_task(clinic.gateway.request(subject, body, timeout=ALARM_S))
                both.create_task(alarmed(feed, session_id))
            took.append(1000 * (time.perf_counter() - started))
    return quantiles(took)


async def alarmed(feed: ClientConnection, session_id: UUID) -> None:
    """Returns when an alarm of the session has come."""
    while True:
        frame = json.loads(await feed.recv())
        if frame["type"] == "heartbeat":
            await feed.send('{"type":"alive"}')
        for alarm in frame.get("alarms", ()):
            if alarm["type"] == "AlarmRaised" and alarm["session_id"] == str(session_id):
                return


def quantiles(ms: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99."""
    ordered = sorted(ms)
    if not ordered:
        return {}
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(ordered[int((len(ordered) - 1) * q)], 2) for name, q in at.items()}


async def feed_ticket(staff: Staff) -> dict[str, str]:
    reply = await staff.http.post("/api/feed-ticket")
    ticket: dict[str, str] = reply.json()
    return ticket


async def commands(clinic: Clinic, seconds: float, callers: int) -> tuple[float, dict[str, float]]:
    """Decisions a second and their milliseconds, asked of session-monitor by `callers` at a time."""
    took: list[float] = []
    nurse = clinic.staff["nurse"].id
    end = time.perf_counter() + seconds

    async def caller(n: int) -> None:
        k = 0
        while time.perf_counter() < end:
            session_id = clinic.sessions[(n + k * callers) % SESSIONS]
            k += 1
            body = {
                "type": "RecordObservation",
                "id": str(uuid7()),
                "at": datetime.now(UTC).isoformat(),
                "by": f"staff:{nurse}",
                "role": "nurse",
                "session_id": str(session_id),
                "moaas": 5,
            }
            started = time.perf_counter()
            subject = f"kap.commands.{clinic.run['clinic']}.session"
            reply = await clinic.nats.request(subject, json.dumps(body).encode(), timeout=10)
            took.append(1000 * (time.perf_counter() - started))
            answer = json.loads(reply.data)
            if answer.get("recorded") != 1:
                raise RuntimeError(f"a command was answered {answer}")

    started = time.perf_counter()
    await asyncio.gather(*(caller(n) for n in range(callers)))
    return len(took) / (time.perf_counter() - started), quantiles(took)


def memory_mb(run: dict[str, Any]) -> dict[str, float]:
    """Resident memory of each process and its children."""
    return {name: round(resident(pid) / 1024, 1) for name, pid in run["pids"].items()}


def resident(pid: int) -> int:
    """KiB."""
    total = 0
    try:
        with open(f"/proc/{pid}/status") as status:
            total += next((int(line.split()[1]) for line in status if line.startswith("VmRSS")), 0)
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            total += sum(resident(int(child)) for child in children.read().split())
    except FileNotFoundError:
        return total
    return total
