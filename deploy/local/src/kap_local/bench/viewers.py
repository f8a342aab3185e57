"""Many viewers in a process of their own: they count what arrives, as cheaply as can be, and say so.

    python -m kap_local.bench.viewers PORT PATH SECONDS ORIGIN < tickets

One ticket a line on standard input, an empty line for a viewer that says no hello. `ready` is printed when
all have joined, at the end one JSON object {frames, readings, seconds, viewers, closed}.
"""

import asyncio
import base64
import json
import os
import sys
import time
from functools import partial
from typing import cast

import uvloop

READING = b'"type":"VitalRecorded"'


class Totals:
    frames = 0
    readings = 0
    joined = 0
    closed = 0


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

    def say(self, text: bytes, opcode: int = 1) -> None:
        self.transport.write(bytes((128 | opcode, 128 | len(text), 0, 0, 0, 0)) + text)  # masked with zeros

    def connection_lost(self, error: Exception | None) -> None:
        Totals.closed += 1


async def main(port: int, path: str, seconds: float, origin: str, tickets: list[str]) -> None:
    loop = asyncio.get_running_loop()
    viewers = []
    for ticket in tickets:
        _, viewer = await loop.create_connection(
            partial(Viewer, path, f"127.0.0.1:{port}", origin, ticket), "127.0.0.1", port
        )
        viewers.append(viewer)
    while Totals.joined < len(tickets):  # noqa: ASYNC110 - this process does nothing else
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # snapshots
    print("ready", flush=True)
    Totals.frames = Totals.readings = 0
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        for viewer in viewers:
            if viewer.ticket and not viewer.transport.is_closing():
                viewer.say(b'{"type":"alive"}')
        await asyncio.sleep(min(1.0, seconds - passed))
    print(
        json.dumps(
            {
                "frames": Totals.frames,
                "readings": Totals.readings,
                "seconds": time.perf_counter() - started,
                "viewers": len(viewers),
                "closed": Totals.closed,
            }
        )
    )


if __name__ == "__main__":
    uvloop.run(
        main(
            int(sys.argv[1]),
            sys.argv[2],
            float(sys.argv[3]),
            sys.argv[4],
            [line.strip() for line in sys.stdin],
        )
    )
