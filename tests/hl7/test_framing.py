"""MLLP over real sockets: every frame gets one answer, in order; what is no frame is survived."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from session_monitor import mllp
from session_monitor.metrics import CONNECTIONS, GARBAGE, TURNED_AWAY
from session_monitor.mllp import FRAME_BYTES, Frame, Framer, listening

START, END = b"\x0b", b"\x1c\r"


async def echo(frame: Frame) -> bytes:
    return (frame.problem or "whole").encode() + b":" + frame.data[:50]


@asynccontextmanager
async def connected(
    handle: Callable[[Frame], Awaitable[bytes]] = echo,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with listening("127.0.0.1", 0, handle) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(20):
        found = await reader.readuntil(END)
    return found.removeprefix(START).removesuffix(END)


def test_a_frame_may_come_in_any_pieces() -> None:
    data = b"noise" + START + b"one" + END + b"\r\n" + START + b"two" + END
    for size in range(1, len(data)):
        framer = Framer()
        frames = [f for n in range(0, len(data), size) for f in framer.feed(data[n : n + size])]
        assert frames == [Frame(b"one"), Frame(b"two")]


def test_an_end_without_its_carriage_return_is_an_end() -> None:
    assert Framer().feed(START + b"one\x1c" + START + b"two\x1c") == [Frame(b"one"), Frame(b"two")]


def test_a_frame_that_begins_inside_another_ends_it() -> None:
    assert Framer().feed(START + b"one" + START + b"two" + END) == [
        Frame(b"one", "unfinished"),
        Frame(b"two"),
    ]


async def test_many_messages_in_one_packet_are_answered_in_order() -> None:
    async def slower_first(frame: Frame) -> bytes:
        await asyncio.sleep(0.05 if frame.data == b"0" else 0)
        return frame.data

    async with connected(slower_first) as (reader, writer):
        writer.write(b"".join(START + str(n).encode() + END for n in range(50)))
        assert [await answer(reader) for _ in range(50)] == [str(n).encode() for n in range(50)]


async def test_garbage_before_a_frame_is_counted_and_survived() -> None:
    before = GARBAGE._value.get()
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n" + START + b"one" + END)
        assert await answer(reader) == b"whole:one"
    assert GARBAGE._value.get() - before == len("GET / HTTP/1.1")


async def test_a_frame_of_a_mebibyte_is_taken() -> None:
    async with connected() as (reader, writer):
        writer.write(START + b"x" * FRAME_BYTES + END)
        assert (await answer(reader)).startswith(b"whole:")


async def test_a_longer_frame_is_answered_once_and_the_next_one_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected() as (reader, writer):
        writer.write(START + b"MSH" + b"x" * (3 * FRAME_BYTES) + END)
        assert (await answer(reader)).startswith(b"too long:MSH")
        writer.write(START + b"next" + END)
        assert await answer(reader) == b"whole:next"
    assert "MLLP frame is not whole" in caplog.text


async def test_silence_inside_a_frame_is_answered_and_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mllp, "SILENCE_S", 0.2)
    async with connected() as (reader, writer):
        writer.write(START + b"half a mes")
        assert await answer(reader) == b"silence:half a mes"
        writer.write(b"sage" + END + START + b"next" + END)
        assert await answer(reader) == b"whole:next"


async def test_a_trickle_is_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mllp, "FRAME_S", 0.3)
    async with connected() as (reader, writer):
        writer.write(START)

        async def trickle() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        task = asyncio.create_task(trickle())
        assert (await answer(reader)).startswith(b"silence:x")
        task.cancel()


async def test_a_sender_that_leaves_inside_a_frame_is_answered() -> None:
    async with connected() as (reader, writer):
        writer.write(START + b"half")
        writer.write_eof()
        assert await answer(reader) == b"silence:half"
        assert await reader.read() == b""


async def test_who_sends_no_frames_at_all_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mllp, "GARBAGE_BYTES", 1000)
    async with connected() as (reader, writer):
        writer.write(b"x" * 2000)
        async with asyncio.timeout(5):
            assert await reader.read() == b""


async def test_too_many_connections_are_turned_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mllp, "CONNECTIONS_MAX", 2)
    before = TURNED_AWAY._value.get()
    async with listening("127.0.0.1", 0, echo) as server:
        pairs = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
        async with asyncio.timeout(5):
            assert await pairs[2][0].read() == b""
        for reader, writer in pairs[:2]:
            writer.write(START + b"one" + END)
            assert await answer(reader) == b"whole:one"
        assert CONNECTIONS._value.get() == 2
        for _, writer in pairs:
            writer.close()
    assert TURNED_AWAY._value.get() - before == 1
    assert "too many are open" in caplog.text


async def test_a_fault_of_our_own_closes_the_connection_visibly(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(frame: Frame) -> bytes:
        raise RuntimeError("invented")

    with caplog.at_level(logging.INFO):
        async with connected(broken) as (reader, writer):
            writer.write(START + b"one" + END)
            async with asyncio.timeout(5):
                assert await reader.read() == b""
    assert "MLLP connection failed" in caplog.text
