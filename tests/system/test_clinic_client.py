"""What the simulator's staff do when KAP is away for a moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from kap_local.clinic_client import Staff
from kap_local.failure import Failure

PATIENCE_S = 0.1
REST = b"\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
ANSWER = b"HTTP/1.1 200 OK" + REST


@asynccontextmanager
async def gateway(cut: int, after_s: float = 0, says: bytes = b"") -> AsyncIterator[Staff]:
    """One that hangs up on the first `cut` requests, `after_s` after each came, having said so much."""
    left = cut

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        await reader.readuntil(b"\r\n\r\n")
        if left > 0:
            left -= 1
            await asyncio.sleep(after_s)
            writer.write(says)
        else:
            writer.write(ANSWER)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        staff = Staff(f"http://127.0.0.1:{port}", patience_s=PATIENCE_S)
        yield staff
        await staff.close()


async def test_a_slow_answer_that_breaks_off_is_asked_for_again() -> None:
    async with gateway(cut=1, after_s=3 * PATIENCE_S) as staff:
        assert await staff.get("/api/rooms") == {}


@pytest.mark.parametrize("status", (b"408 Request Timeout", b"503 Service Unavailable"))
async def test_what_kap_could_not_take_now_is_sent_again(status: bytes) -> None:
    async with gateway(cut=1, says=b"HTTP/1.1 " + status + REST) as staff:
        assert await staff.get("/api/rooms") == {}


async def test_patience_ends() -> None:
    async with gateway(cut=100) as staff:
        with pytest.raises(Failure, match=r"does not answer at http://127\.0\.0\.1:[0-9]+ any more"):
            await staff.get("/api/rooms")
