"""Many viewers in a process of their own: they count what arrives, as cheaply as can be, and say so.

    python -m kap_local.bench.viewers < JSON (the fields of `Task`)

`ready` is printed when all have joined. A line on standard input begins the count; a number ends it, as soon
as so many readings have come or no more do; then one JSON object (the fields of `Seen`).
"""

import asyncio
import base64
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import cast

import uvloop

READING = b'"type":"VitalRecorded"'
SENT = re.compile(rb'"sent_id":"([0-9.]+)"')
LONGEST = len(b'"sent_id":"1700000000.000000"')
SETTLE_S = 3.0  # to wait for readings on their way when the sending has ended


@dataclass(frozen=True)
class Task:
    """One viewer a ticket; one with an empty ticket says no hello. `latency`: look at when each was sent."""

    port: int
    path: str
    origin: str
    tickets: Sequence[str]
    latency: bool = False


@dataclass
class Seen:
    """Over all viewers. `took_s`: from each reading's sending to its arrival. `cpu`: of a core."""

    frames: int = 0
    readings: int = 0
    closed: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    took_s: list[float] = field(default_factory=list)


class Totals:
    frames = 0
    readings = 0
    joined = 0
    closed = 0
    latency = False
    took_s: list[float] = []  # noqa: RUF012 - one process, one count


class Viewer(asyncio.Protocol):
    """Just enough of RFC 6455 to count frames: a library would measure itself."""

    def __init__(self, path: str, host: str, origin: str, ticket: str) -> None:
        self.path, self.host, self.origin, self.ticket = path, host, origin, ticket
        self.head = b""  # bytes of a frame's header that have not all arrived
        self.skip = 0  # bytes left of the frame being read
        self.tail = b""
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        key = base64.b64encode(os.urandom(16)).decode()
        protocol = "Sec-WebSocket-Protocol: kap.feed.1\r\n" if self.ticket else ""
        self.transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nOrigin: {self.origin}\r\n{protocol}"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.open:
            self.head += data
            at = self.head.find(b"\r\n\r\n")
            if at < 0:
                return
            if b" 101 " not in self.head[:20]:
                raise SystemExit(self.head[:200].decode())
            data, self.head, self.open = self.head[at + 4 :], b"", True
            Totals.joined += 1
            if self.ticket:
                self.say(json.dumps({"type": "hello", "ticket": self.ticket}).encode())
        if Totals.latency:
            self.look(data)
        else:
            Totals.readings += (self.tail + data).count(READING)
            self.tail = data[1 - len(READING) :]
        data, self.head = self.head + data if self.head else data, b""
        at, end = 0, len(data)
        while at < end:
            if self.skip:
                step = min(self.skip, end - at)
                self.skip -= step
                at += step
                continue
            size = data[at + 1] & 127 if end - at > 1 else -1
            extra = {126: 2, 127: 8}.get(size, 0)
            if size < 0 or end - at < 2 + extra:
                self.head = data[at:]
                return
            if extra:
                size = int.from_bytes(data[at + 2 : at + 2 + extra], "big")
            if data[at] & 15 == 9:  # a ping; nobody looks at what the pong says
                self.say(b"", 10)
            else:
                Totals.frames += 1
            at += 2 + extra
            self.skip = size

    def look(self, data: bytes) -> None:
        """When each reading was sent that is whole in what has come."""
        arrived, text, end = time.time(), self.tail + data, 0
        for found in SENT.finditer(text):
            Totals.took_s.append(arrived - float(found[1]))
            end = found.end()
        Totals.readings = len(Totals.took_s)
        self.tail = text[max(end, len(text) - LONGEST) :]

    def say(self, text: bytes, opcode: int = 1) -> None:
        self.transport.write(bytes((128 | opcode, 128 | len(text), 0, 0, 0, 0)) + text)  # masked with zeros

    def connection_lost(self, error: Exception | None) -> None:
        Totals.closed += 1


async def main() -> None:
    task = Task(**json.loads(sys.stdin.readline()))
    Totals.latency = task.latency
    loop = asyncio.get_running_loop()
    viewers = []
    for ticket in task.tickets:
        make = partial(Viewer, task.path, f"127.0.0.1:{task.port}", task.origin, ticket)
        _, viewer = await loop.create_connection(make, "127.0.0.1", task.port)
        viewers.append(viewer)
    while Totals.joined < len(viewers):  # noqa: ASYNC110 - this process does nothing else
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # snapshots
    print("ready", flush=True)
    alive = asyncio.create_task(say_alive(viewers))
    await asyncio.to_thread(sys.stdin.readline)
    Totals.frames = Totals.readings = 0
    cpu, started = time.process_time(), time.perf_counter()
    expected = int(await asyncio.to_thread(sys.stdin.readline))
    end = time.perf_counter() + SETTLE_S
    while Totals.readings < expected and time.perf_counter() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - started
    busy = (time.process_time() - cpu) / seconds
    alive.cancel()
    result = Seen(Totals.frames, Totals.readings, Totals.closed, seconds, busy, Totals.took_s)
    print(json.dumps(asdict(result)))


async def say_alive(viewers: Sequence[Viewer]) -> None:
    while True:
        for viewer in viewers:
            if viewer.ticket and not viewer.transport.is_closing():
                viewer.say(b'{"type":"alive"}')
        await asyncio.sleep(1)


if __name__ == "__main__":
    uvloop.run(main())
