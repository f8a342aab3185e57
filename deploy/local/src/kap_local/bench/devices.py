"""Devices in a process of their own, so that what is measured is not the measuring: they hand readings in.

    python -m kap_local.bench.devices < JSON (the fields of `Task`)

`ready` is printed once connected; a line on standard input is the sign to begin; at the end one JSON object
(the fields of `HandedIn`).
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import nats
import uvloop
from nats.aio.client import Client

LATE_S = 0.05  # behind its own schedule by more than this at the 99th percentile: the sender is too slow
BUSY = 0.9  # of a core


@dataclass(frozen=True)
class Task:
    """`rate`: readings a second, sent whether or not those before are answered; None: as fast as answered,
    one request a device at a time. `size`: readings a request, `spread_us` apart.
    """

    nats: str
    clinic: str
    devices: Sequence[str]
    seconds: float
    rate: float | None = None
    size: int = 1
    spread_us: int = 37


@dataclass
class HandedIn:
    """`recorded`: acknowledged as on disk. `cpu`: of a core. `late_ms`: behind the schedule, p99."""

    recorded: int = 0
    refused: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    late_ms: float = 0.0
    requests_ms: list[float] = field(default_factory=list)  # of each request, until it was answered

    @property
    def per_s(self) -> float:
        return self.recorded / self.seconds if self.seconds else 0.0

    @property
    def overloaded(self) -> bool:
        """Whether these devices, not KAP, may have been what was measured."""
        return self.cpu > BUSY or self.late_ms > 1000 * LATE_S


def request(device: str, size: int, spread_us: int) -> bytes:
    """The body of one request: each reading says when it was sent."""
    now = datetime.now(UTC)
    sent = f"{now.timestamp():.6f}"
    readings = ",".join(
        f'{{"device_time":"{(now - timedelta(microseconds=n * spread_us)).isoformat()}","sent_id":"{sent}",'
        f'"signals":{{"spo2":{96 + n % 3},"pulse_rate":{70 + n % 20},"respiratory_rate":14}}}}'
        for n in reversed(range(size))
    )
    return f'{{"device_id":"{device}","sent_at":"{now.isoformat()}","readings":[{readings}]}}'.encode()


async def hand_in(client: Client, task: Task, device: str, result: HandedIn) -> None:
    started = time.perf_counter()
    subject = f"kap.ingest.{task.clinic}.vitals"
    reply = await client.request(subject, request(device, task.size, task.spread_us), timeout=20)
    result.requests_ms.append(1000 * (time.perf_counter() - started))
    recorded = reply.data.count(b'"status":"recorded"')
    result.recorded += recorded
    result.refused += task.size - recorded


async def run(client: Client, task: Task) -> HandedIn:
    result = HandedIn()
    cpu, started = time.process_time(), time.perf_counter()
    if task.rate is None:
        await as_answered(client, task, result)
    else:
        await at_rate(client, task, task.rate, result)
    result.seconds = time.perf_counter() - started
    result.cpu = (time.process_time() - cpu) / result.seconds
    return result


async def as_answered(client: Client, task: Task, result: HandedIn) -> None:
    end = time.perf_counter() + task.seconds

    async def device(name: str) -> None:
        while time.perf_counter() < end:
            await hand_in(client, task, name, result)

    await asyncio.gather(*(device(name) for name in task.devices))


async def at_rate(client: Client, task: Task, rate: float, result: HandedIn) -> None:
    late: list[float] = []
    started = time.perf_counter()
    async with asyncio.TaskGroup() as requests:
        for n in count():
            due = started + n * task.size / rate
            if due > started + task.seconds:
                break
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            late.append(time.perf_counter() - due)
            requests.create_task(hand_in(client, task, task.devices[n % len(task.devices)], result))
    result.late_ms = 1000 * sorted(late)[int((len(late) - 1) * 0.99)]


async def main() -> None:
    task = Task(**json.loads(sys.stdin.readline()))
    client = await nats.connect(task.nats, inbox_prefix="_INBOX_device-gateway")
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    result = await run(client, task)
    await client.close()
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    uvloop.run(main())
