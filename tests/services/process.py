"""A service as in production: a process of its own, its own NATS user, settings in the environment."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.ports import free_port
from nats.aio.client import Client

READY_WITHIN_S = 20


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    http: str
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


def settings(nats: NatsServer, user: str, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "KAP_NATS_URL": nats.url(user),
        "KAP_NATS_MONITOR_URL": nats.monitor,
        "KAP_PORT": str(port),
        "KAP_TIMEZONE": "UTC",
    }


def start(
    guard: Guard, nats: NatsServer, folder: Path, name: str, more: Mapping[str, str] | None = None
) -> Running:
    """`python -m <name>`; whoever starts it so ends it."""
    port, log = free_port(), folder / f"{name}-{uuid4().hex[:6]}.log"
    environment = settings(nats, name, port) | dict(more or {})
    module = name.replace("-", "_")
    process = guard.start([sys.executable, "-m", module], environment=environment, log=log)
    return Running(process, f"http://127.0.0.1:{port}", log)


@asynccontextmanager
async def running(
    guard: Guard, nats: NatsServer, folder: Path, name: str, more: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """`python -m <name>` until the block ends, then stopped in order, which must succeed."""
    service = start(guard, nats, folder, name, more)
    try:
        await ready(service)
        yield service
        service.process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(service.process.wait, 15)
        assert status in (0, -signal.SIGTERM), service.log.read_text()
        assert not [line for line in service.lines() if line["level"] == "critical"], service.log.read_text()
    finally:
        guard.stop(service.process, signal.SIGKILL)


async def ready(service: Running) -> None:
    end = time.monotonic() + READY_WITHIN_S
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                if (await http.get(f"{service.http}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            assert service.process.poll() is None, service.log.read_text()
            assert time.monotonic() < end, service.log.read_text()
            await asyncio.sleep(0.05)


async def command(client: Client, owner: str, **fields: Any) -> dict[str, Any]:
    """Send a command as the staff gateway does; what the service answers."""
    body = {"id": str(uuid4()), "at": "2026-01-01T12:00:00Z"} | fields
    reply = await client.request(f"kap.commands.main.{owner}", json.dumps(body).encode(), timeout=10)
    answer: dict[str, Any] = json.loads(reply.data)
    return answer
