"""MLLP: HL7 messages over TCP, each in a frame 0x0B … 0x1C 0x0D. Everything is bounded, every frame answered.

A connection's messages are answered one after the other, in order. What cannot be framed is answered too,
logged and survived; a connection that says nothing of use is closed, which its sender sees.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from kap.tasks import ended

from session_monitor.metrics import CONNECTIONS, GARBAGE, TURNED_AWAY

START, END, CR, LF = 0x0B, 0x1C, 0x0D, 0x0A
FRAME_BYTES = 1024 * 1024
SILENCE_S = 10.0  # inside a frame
FRAME_S = 60.0  # from a frame's first byte to its last
GARBAGE_BYTES = 1024 * 1024  # in a row, without any frame: not an MLLP sender
WRITE_S = 10.0
CONNECTIONS_MAX = 256
READ_BYTES = 64 * 1024

log = logging.getLogger("kap.mllp")

Problem = Literal["too long", "silence", "unfinished"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A message's bytes; `problem` when the frame is not whole: then they are what came of it, cut short."""

    data: bytes
    problem: Problem | None = None


@dataclass
class Framer:
    """Bytes in, frames out. Bytes outside of a frame are counted and skipped."""

    garbage: int = 0  # in a row
    _inside: bool = False
    _overlong: bool = False
    _data: bytearray = field(default_factory=bytearray)

    @property
    def inside(self) -> bool:
        return self._inside

    def feed(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        at = 0
        while at < len(data):
            if not self._inside:
                start = data.find(START, at)
                skipped = data[at : start if start >= 0 else len(data)]
                self._skip(skipped)
                if start < 0:
                    break
                self._inside, self.garbage = True, 0
                at = start + 1
                continue
            stop = min((n for n in (data.find(END, at), data.find(START, at)) if n >= 0), default=len(data))
            self._take(data[at:stop], frames)
            at = stop
            if stop == len(data):
                break
            if data[stop] == END:
                if not self._overlong:
                    frames.append(Frame(bytes(self._data)))
                self._reset()
            else:  # a frame begins before the last has ended
                if not self._overlong:
                    frames.append(Frame(bytes(self._data), "unfinished"))
                self._reset()
                self._inside = True
            at = stop + 1
        return frames

    def give_up(self) -> list[Frame]:
        """The frame will not be waited for any longer: what came of it, unless it was answered before."""
        frames = [] if self._overlong else [Frame(bytes(self._data), "silence")]
        self._reset()
        return frames

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        if self._overlong:
            return
        self._data += data[: FRAME_BYTES + 1 - len(self._data)]
        if len(self._data) > FRAME_BYTES:
            # Answered at once, skipped to its end
            frames.append(Frame(bytes(self._data[:4096]), "too long"))
            self._data.clear()
            self._overlong = True

    def _reset(self) -> None:
        self._inside = self._overlong = False
        self._data.clear()

    def _skip(self, data: bytes) -> None:
        stray = len(data) - data.count(CR) - data.count(LF)  # the 0x0D that ends a frame, or more of them
        if stray:
            self.garbage += stray
            GARBAGE.inc(stray)


Handle = Callable[[Frame], Awaitable[bytes]]


class Server:
    """Answers each frame with what `handle` gives for it."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.port = 0
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        where = {"peer": f"{peer[0]}:{peer[1]}" if peer else "unknown"}
        if len(self._open) >= CONNECTIONS_MAX:
            TURNED_AWAY.inc()
            log.warning("MLLP connection closed: too many are open", extra=where)
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        CONNECTIONS.set(len(self._open))
        log.info("MLLP connection opened", extra=where)
        why = "by the sender"
        try:
            _keep_alive(writer)
            why = await self._converse(reader, writer, where)
        except (OSError, TimeoutError) as error:
            why = str(error) or "it no longer takes answers"
        except asyncio.CancelledError:
            why = "the service ends"
        except Exception:
            why = "a fault of our own"
            log.exception("MLLP connection failed", extra=where)
        finally:
            self._open.discard(task)
            CONNECTIONS.set(len(self._open))
            log.info("MLLP connection closed", extra=where | {"why": why})
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: dict[str, str]
    ) -> str:
        framer = Framer()
        loop = asyncio.get_running_loop()
        began = 0.0
        warned = False
        while True:
            limit = min(SILENCE_S, max(0.0, began + FRAME_S - loop.time())) if framer.inside else None
            try:
                async with asyncio.timeout(limit):
                    data = await reader.read(READ_BYTES)
            except TimeoutError:
                await self._answer(writer, framer.give_up(), where)
                continue
            was_inside = framer.inside
            frames = framer.feed(data)
            await self._answer(writer, frames, where)
            if framer.inside and (frames or not was_inside):
                began = loop.time()
            if framer.garbage and not warned:
                warned = True
                log.warning("bytes outside of any MLLP frame", extra=where | {"bytes": framer.garbage})
            if framer.garbage > GARBAGE_BYTES:
                log.warning("MLLP connection closed: it sends no frames", extra=where)
                return "it sends no frames"
            if not data:
                if framer.inside:
                    await self._answer(writer, framer.give_up(), where)
                return "by the sender"

    async def _answer(self, writer: asyncio.StreamWriter, frames: list[Frame], where: dict[str, str]) -> None:
        for frame in frames:
            if frame.problem is not None:
                log.warning("MLLP frame is not whole", extra=where | {"problem": frame.problem})
            await _write(writer, await self.handle(frame))

    async def close(self) -> None:
        await ended(*self._open)


async def _write(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(bytes((START,)) + message + bytes((END, CR)))
    async with asyncio.timeout(WRITE_S):
        await writer.drain()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """A monitor that was unplugged is noticed within a minute, and its connection freed."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@asynccontextmanager
async def listening(bind: str, port: int, handle: Handle) -> AsyncIterator[Server]:
    """Listens while entered. Raises `OSError` when the port is taken."""
    server = Server(handle)
    listener = await asyncio.start_server(server.serve, bind, port, limit=READ_BYTES)
    server.port = listener.sockets[0].getsockname()[1]
    log.info("MLLP listens", extra={"port": server.port})
    try:
        yield server
    finally:
        listener.close()
        await server.close()
