"""What KAP itself does: readings in, decisions, the way to a viewer's screen, rows, deliveries."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import nats
from kap.ids import uuid7
from nats.aio.client import Client
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from kap_local.bench.raw import watch
from kap_local.clinic_client import Staff, sign_in_all
from kap_local.simulation import Clock, Played, Treatment, person

SESSIONS = 40
SENT = re.compile(r'"sent_id":"([0-9.]+)"')
SETTLE_S = 3.0  # to wait for readings on their way when the sending has ended


@dataclass
class Bed:
    """One open session and the device attached to it."""

    session_id: UUID
    device: str


@dataclass
class Clinic:
    """A running KAP with `SESSIONS` sessions open, each with its device."""

    run: dict[str, Any]
    staff: dict[str, Staff]
    nats: Client  # the operator's: commands go straight to their owners
    devices: Client
    beds: list[Bed] = field(default_factory=list)


async def admit(run: dict[str, Any], say: Callable[[str], None]) -> Clinic:
    staff = await sign_in_all(run["http"], run["users"])
    clinic = Clinic(
        run,
        staff,
        await nats.connect(run["nats"], inbox_prefix="_INBOX_operator"),
        await nats.connect(run["gateway"], inbox_prefix="_INBOX_device-gateway"),
    )
    now = datetime.now(UTC)
    for n in range(SESSIONS):
        treatment = Treatment(
            who=person(1, n),
            room=f"B{n}",
            dosed_at=now,
            staff=staff,
            devices=clinic.devices,
            clinic=run["clinic"],
            mllp=("", 0),
            clock=Clock(now),
            random=Random(n),
            played=Played(),
        )
        await treatment.prepare()
        session = {"session_id": str(treatment.session_id)}
        nurse = staff["nurse"]
        course = str(treatment.course_id)
        await nurse.send("session", "OpenSession", now, **session, course_id=course, room=treatment.room)
        await nurse.send("session", "AttachDevice", now, **session, device_id=f"BENCH-{n}")
        clinic.beds.append(Bed(treatment.session_id, f"BENCH-{n}"))
        if n % 10 == 9:
            say(f"  {n + 1} of {SESSIONS} sessions open")
    return clinic


async def close(clinic: Clinic) -> None:
    await clinic.nats.close()
    await clinic.devices.close()
    for one in clinic.staff.values():
        await one.close()


async def hand_in(clinic: Clinic, bed: Bed, count: int, *, spread_us: int = 1000) -> int:
    """One request of `count` readings; each says when it was sent. How many were recorded; none when busy."""
    now = datetime.now(UTC)
    sent = f"{now.timestamp():.6f}"
    readings = ",".join(
        f'{{"device_time":"{(now - timedelta(microseconds=n * spread_us)).isoformat()}","sent_id":"{sent}",'
        f'"signals":{{"spo2":{96 + n % 3},"pulse_rate":{70 + n % 20},"respiratory_rate":14}}}}'
        for n in reversed(range(count))
    )
    body = f'{{"device_id":"{bed.device}","sent_at":"{now.isoformat()}","readings":[{readings}]}}'
    subject = f"kap.ingest.{clinic.run['clinic']}.vitals"
    reply = await clinic.devices.request(subject, body.encode(), timeout=20)
    if b'"unavailable"' in reply.data:
        return 0
    return reply.data.count(b'"status":"recorded"') + reply.data.count(b'"status": "recorded"')


async def ingest(clinic: Clinic, seconds: float, in_flight: int = 40, count: int = 100) -> float:
    """Readings a second that were acknowledged as on disk, from many devices, `count` a request."""
    recorded = 0
    end = time.perf_counter() + seconds

    async def device(n: int) -> None:
        nonlocal recorded
        while time.perf_counter() < end:
            done = await hand_in(clinic, clinic.beds[n % len(clinic.beds)], count, spread_us=37)
            recorded += done  # not in one statement: that would read the sum before it waits

    started = time.perf_counter()
    await asyncio.gather(*(device(n) for n in range(in_flight)))
    return recorded / (time.perf_counter() - started)


async def end_to_end(clinic: Clinic, rate: int, seconds: float) -> dict[str, float]:
    """Milliseconds from a reading's sending to its arrival at a viewer; `lost`: recorded and never seen.

    Up to 1,000 requests a second: beyond that rate each carries several readings.
    """
    count = max(1, rate // 1000)
    latencies: list[float] = []
    tasks: set[asyncio.Task[int]] = set()
    recorded = 0
    ticket = await feed_ticket(clinic.staff["nurse"])
    origin = clinic.run["http"]
    protocol, origin = Subprotocol("kap.feed.1"), Origin(clinic.run["http"])
    async with connect(
        ticket["url"], subprotocols=[protocol], origin=origin, max_size=None, compression=None
    ) as feed:
        await feed.send(json.dumps({"type": "hello", "ticket": ticket["ticket"]}))
        await feed.recv()

        async def view() -> None:
            async for frame in feed:
                assert isinstance(frame, str)
                arrived = time.time()
                latencies.extend(arrived - float(sent) for sent in SENT.findall(frame))
                if '"heartbeat"' in frame[:20]:
                    await feed.send('{"type":"alive"}')

        def add(task: asyncio.Task[int]) -> None:
            nonlocal recorded
            tasks.discard(task)
            recorded += task.result()

        viewing = asyncio.create_task(view())
        step = count / rate
        started = time.perf_counter()
        sent = 0
        while (passed := time.perf_counter() - started) < seconds:
            while sent * step <= passed:
                task = asyncio.create_task(hand_in(clinic, clinic.beds[sent % len(clinic.beds)], count))
                tasks.add(task)
                task.add_done_callback(add)
                sent += 1
            await asyncio.sleep(max(0.0005, sent * step - (time.perf_counter() - started)))

        await asyncio.gather(*tasks)
        end = time.perf_counter() + SETTLE_S
        while len(latencies) < recorded and time.perf_counter() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        viewing.cancel()
        await asyncio.gather(viewing, return_exceptions=True)
    return quantiles(latencies) | {"lost": recorded - len(latencies), "per_s": recorded / seconds}


def quantiles(seconds: list[float]) -> dict[str, float]:
    """p50, p95, p99 in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(1000 * ordered[int((len(ordered) - 1) * q)], 2) for name, q in at.items()}


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
            bed = clinic.beds[(n + k * callers) % len(clinic.beds)]
            k += 1
            body = {
                "type": "RecordObservation",
                "id": str(uuid7()),
                "at": datetime.now(UTC).isoformat(),
                "by": f"staff:{nurse}",
                "role": "nurse",
                "session_id": str(bed.session_id),
                "moaas": 5,
            }
            started = time.perf_counter()
            subject = f"kap.commands.{clinic.run['clinic']}.session"
            reply = await clinic.nats.request(subject, json.dumps(body).encode(), timeout=10)
            took.append(time.perf_counter() - started)
            answer = json.loads(reply.data)
            if answer.get("recorded") != 1:
                raise RuntimeError(f"a command was answered {answer}")

    started = time.perf_counter()
    await asyncio.gather(*(caller(n) for n in range(callers)))
    return len(took) / (time.perf_counter() - started), quantiles(took)


async def deliveries(clinic: Clinic, viewers: int, seconds: float) -> dict[str, float]:
    """Readings and frames delivered a second, over all viewers, under a steady load of readings."""
    nurse = clinic.staff["nurse"]
    tickets = [(await feed_ticket(nurse))["ticket"] for _ in range(viewers)]
    url = urlsplit(clinic.run["feed"])
    watching = asyncio.create_task(watch(url.port or 0, url.path, seconds, clinic.run["http"], tickets))
    rate = 4000.0

    async def device(n: int) -> None:
        while not watching.done():
            await hand_in(clinic, clinic.beds[n % len(clinic.beds)], 20, spread_us=37)
            await asyncio.sleep(20 * 20 / rate)

    async def sending() -> None:
        await asyncio.gather(*(device(n) for n in range(20)))

    await sending()
    counted = await watching
    if counted["closed"]:
        raise RuntimeError(f"{counted['closed']:.0f} viewers were cut off")
    return {name: counted[name] / counted["seconds"] for name in ("readings", "frames")}


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
