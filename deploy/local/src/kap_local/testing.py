"""Real servers for tests, on free ports in a folder of their own, gone with the test run however it ends."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from nats.aio.client import Client

from kap_local import nats_server, postgres
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.ports import free_port
from kap_local.postgres import Postgres

# A test's rows need not survive a power cut; everything else is as in production.
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def until(answers: Callable[[], Awaitable[bool]], what: str, log: Path, seconds: float = 30) -> None:
    async def wait() -> None:
        end = time.monotonic() + seconds
        while not await answers():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not answer within {seconds:.0f} s, see {log}")
            await asyncio.sleep(0.02)

    asyncio.run(wait())


async def sent(client: Client) -> None:
    """The server has all that was sent. Twice, as nats-py's PING overtakes what waits to be written."""
    await client.flush()
    await client.flush()


@contextmanager
def running_nats(guard: Guard, folder: Path, *, accounts: bool = True, port: int = 0) -> Iterator[NatsServer]:
    """A nats-server with the embedded configuration, with or without the users."""
    server = nats_server.prepare(folder, port or free_port(), free_port(), accounts=accounts)
    log = folder / "nats.log"
    process = guard.start(server.command, log=log)

    async def answers() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await server.answers(http)

    try:
        until(answers, "nats-server", log)
        yield server
    finally:
        guard.stop(process, signal.SIGTERM)


@contextmanager
def running_postgres(
    guard: Guard, folder: Path, *, durable: bool = False, port: int = 0, namespace: bool | None = None
) -> Iterator[Postgres]:
    """A Postgres with the embedded configuration; `durable` keeps fsync on."""
    settings = {} if durable else FORGETFUL
    cluster = postgres.prepare(folder, port or free_port(), guard, settings=settings, namespace=namespace)
    log = folder / "postgres.log"
    process = guard.start(cluster.command, log=log, environment=postgres.environment())
    try:
        until(cluster.answers, "Postgres", log)
        yield cluster
    finally:
        guard.stop(process, signal.SIGINT)
