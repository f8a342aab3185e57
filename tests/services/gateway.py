"""The staff gateway on a port of its own, with its board, for the tests."""

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nats
from kap.log import JetStreamLog
from kap.tasks import ended
from kap_local.nats_server import NatsServer
from projections import keys, staff
from projections.board import Board
from projections.gateway import Gateway, Settings
from projections.permissions import ROLES

NUMBERS = count(10_000)
PASSWORD = "correct horse battery"


@dataclass
class Running:
    gateway: Gateway
    url: str
    folder: Path
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def visitor(self) -> httpx.AsyncClient:
        """Nobody yet: a browser without a cookie."""
        http = httpx.AsyncClient(base_url=self.url, headers={"Origin": self.url}, trust_env=False, timeout=15)
        self.clients.append(http)
        return http

    async def signed_in(self, role: str) -> httpx.AsyncClient:
        http = self.visitor()
        reply = await http.post("/api/login", json={"username": role, "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        return http


def settings(folder: Path) -> Settings:
    """One user a role, each named like it; the clinic's key is made once a folder."""
    key = folder / "clinic.key"
    if not key.exists():
        key.write_text(base64.b64encode(os.urandom(32)).decode())
        users = [{"username": r, "password": PASSWORD, "role": r, "name": f"Invented {r}"} for r in ROLES]
        (folder / "first-users.json").write_text(json.dumps(users))
    return Settings(
        clinic="main",
        clinic_key=keys.clinic_key(key),
        key_backup=folder / "keys.backup",
        first_users=folder / "first-users.json",
    )


@contextlib.asynccontextmanager
async def running(server: NatsServer, folder: Path, **changes: Any) -> AsyncIterator[Running]:
    client = await nats.connect(server.url("gateway"), inbox_prefix="_INBOX_gateway")
    board = Board("main")
    gateway = Gateway(client, board, replace(settings(folder), **changes))
    following = asyncio.create_task(board.run(JetStreamLog(client, "main", "gateway"), folder / "board"))
    try:
        async with gateway.running(), staff.listening(staff.http_app(gateway), "127.0.0.1", 0) as port:
            await board.ready.wait()
            running = Running(gateway, f"http://127.0.0.1:{port}", folder)
            try:
                yield running
            finally:
                await asyncio.gather(*(http.aclose() for http in running.clients))
    finally:
        await ended(following)
        await client.close()


async def send(
    http: httpx.AsyncClient, owner: str, kind: str, *, dry_run: Any = False, **fields: Any
) -> httpx.Response:
    body = {"type": kind, "id": str(uuid4()), "at": datetime.now(UTC).isoformat()} | fields
    return await http.post(f"/api/commands/{owner}", json=body, params={"dry_run": True} if dry_run else {})


async def register(http: httpx.AsyncClient, name: str, number: str = "", **fields: Any) -> str:
    """A new patient, by id; with a number that nobody has when none is said."""
    patient_id = str(uuid4())
    person = {
        "name": name,
        "number": number or f"{next(NUMBERS):05d}",
        "birth_year": 1984,
        "sex_at_birth": "female",
    } | fields
    reply = await send(http, "intake", "RegisterPatient", patient_id=patient_id, **person)
    assert reply.status_code == 200, reply.text
    return patient_id


async def until(holds: Any, what: str, seconds: float = 5) -> Any:
    """What `holds()` gives once it is true."""
    async with asyncio.timeout(seconds):
        while not (found := await holds() if asyncio.iscoroutinefunction(holds) else holds()):
            await asyncio.sleep(0.02)
    assert found, what
    return found
