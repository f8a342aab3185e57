"""Devices and viewers, each in a process of its own: given a task, told to begin, asked what came of it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from kap_local.bench import devices, viewers


class Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def read(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the bench ended with {await self._process.wait()}")
        return line

    async def tell(self, word: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        await self._process.stdin.drain()


@asynccontextmanager
async def child(module: str, task: Any) -> AsyncIterator[Child]:
    """`python -m module` with its task, ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64 * 2**20,
    )
    one = Child(process)
    try:
        await one.tell(json.dumps(asdict(task)))
        await one.read()
        yield one
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def hand_in(task: devices.Task) -> devices.HandedIn:
    """What devices came to that did this task from begin to end."""
    async with child(devices.__name__, task) as process:
        await process.tell("begin")
        return devices.HandedIn(**json.loads(await process.read()))


@asynccontextmanager
async def watching(task: viewers.Task) -> AsyncIterator[Child]:
    """Viewers who have joined and begin to count; `seen` ends them."""
    async with child(viewers.__name__, task) as process:
        await process.tell("begin")
        yield process


async def seen(process: Child, readings: int = 0) -> viewers.Seen:
    """What the viewers saw, once so many readings came to them or no more come."""
    await process.tell(readings)
    return viewers.Seen(**json.loads(await process.read()))
