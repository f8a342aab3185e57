"""Real servers, started once a run; clean streams and a fresh database for each test that asks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import nats
import pytest
from kap_local import deploy_files, ports, testing
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.postgres import Postgres, database_url
from nats.aio.client import Client
from xdist.scheduler import LoadScopeScheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Each worker takes a file at a time. The browser's stay together: they share what they start."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda test: "browser" if "/browser/" in test else test.partition("::")[0]
    return scheduler


@pytest.fixture(scope="session")
def guard() -> Iterator[Guard]:
    """Starts processes that end with the test run, also when it is killed."""
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture(scope="session")
def nats_server(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """Synced, with the users of production: `.url("intake")`, `.url()` for the operator, `.monitor`."""
    with testing.running_nats(guard, tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with testing.running_postgres(guard, tmp_path_factory.mktemp("postgres")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    return postgres_server.url


@pytest.fixture
def nats_url(nats_server: NatsServer) -> str:
    """The operator's address, after every stream was made anew."""
    asyncio.run(fresh_streams(nats_server.url()))
    return nats_server.url()


async def fresh_streams(url: str) -> None:
    streams = deploy_files.streams()
    client = await nats.connect(url)
    try:
        # one by one: NATS removes the folder of the streams after the answer that the last of them is gone
        for wanted in streams.STREAMS:
            await streams.request(client, f"STREAM.DELETE.{wanted['name']}")
            await streams.declare_one(client, wanted)
        await streams.declare(client)
    finally:
        await client.close()


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    client = await nats.connect(nats_url)
    yield client
    await client.close()


@pytest.fixture
def database(postgres_url: str) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    name = f"test_{uuid4().hex}"
    asyncio.run(execute(postgres_url, f"create database {name}"))
    yield database_url(postgres_url, name)
    asyncio.run(execute(postgres_url, f"drop database {name} with (force)"))


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
