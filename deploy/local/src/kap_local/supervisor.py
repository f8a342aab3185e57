"""Keeps processes running: starts them, starts again what dies, and stops them in the reverse order."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kap_local import logs
from kap_local.failure import Failure
from kap_local.guard import Guard
from kap_local.logs import Log

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before a dead process is started again
HEALTHY = 60.0  # seconds after which a death is a new story and the pause starts over
LOOK = 0.05  # seconds between two looks at a process
DEATHS_AT_START = 3  # then it is not going to start
START = 90.0  # seconds until everything must have answered
GRACE = 10.0  # seconds to end when asked


@dataclass(frozen=True)
class Process:
    """What to run, how to tell that it answers, and how to ask it to end."""

    name: str
    command: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    end: signal.Signals = signal.SIGTERM


def pause_before(deaths: int) -> float:
    """0.5, 1, 2, 4, 8, 10, 10 … seconds."""
    return min(FIRST_PAUSE * 2.0 ** (deaths - 1), LONGEST_PAUSE)


def how_it_ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code, once it has one."""
    while (code := process.poll()) is None:  # noqa: ASYNC110
        await asyncio.sleep(LOOK)  # the end of a process sets no event
    return code


class Supervisor:
    def __init__(
        self, guard: Guard, log_folder: Path, say: Callable[[str], None], changed: Callable[[], None]
    ) -> None:
        self.guard, self.log_folder, self.say, self.changed = guard, log_folder, say, changed
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.deaths: dict[str, int] = {}
        self.logs: dict[str, Log] = {}
        self.stages: list[list[Process]] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.running.items()}

    async def start(self, *processes: Process) -> None:
        """Start them together and return when all answer."""
        self.stages.append(list(processes))
        for process in processes:
            self.logs[process.name] = Log(self.log_folder / f"{process.name}.log")
            self.deaths[process.name] = 0
            self.tasks[process.name] = asyncio.create_task(self._keep(process))
        await asyncio.gather(*(self._answers(process) for process in processes))

    async def _answers(self, process: Process) -> None:
        end = time.monotonic() + START
        while not await process.ready():
            task = self.tasks[process.name]
            if task.done():
                task.result()
            why = self.logs[process.name].last_line()
            if self.deaths[process.name] >= DEATHS_AT_START:
                raise Failure(f"{process.name} does not start: {why}")
            if time.monotonic() > end:
                raise Failure(f"{process.name} does not answer after {START:.0f} s: {why}")
            await asyncio.sleep(LOOK)

    async def _keep(self, process: Process) -> None:
        while True:
            started = time.monotonic()
            running = self.guard.start(
                process.command,
                environment=process.environment,
                log=self.log_folder / f"{process.name}.log",
            )
            self.running[process.name] = running
            self.changed()
            code = await ended(running)
            self.guard.ended(running)
            if time.monotonic() - started > HEALTHY:
                self.deaths[process.name] = 0
            self.deaths[process.name] += 1
            pause = pause_before(self.deaths[process.name])
            self.say(f"{process.name} {how_it_ended(code)}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)

    async def watch(self) -> None:
        """Show warnings and replace a killed watchdog, until something of ours fails."""
        for log in self.logs.values():
            log.skip()
        while not any(task.done() for task in self.tasks.values()):
            self.guard.check()
            logs.tell(self.logs, self.say)
            await asyncio.sleep(0.5)
        for task in self.tasks.values():
            if task.done():
                task.result()

    async def stop(self) -> None:
        """The last stage first; each is asked to end, and ended when it does not."""
        while self.stages:
            stage = self.stages.pop()
            for process in stage:
                self.tasks.pop(process.name).cancel()
            asked = [(process, self.running.get(process.name)) for process in stage]
            await asyncio.gather(*(self._end(process, running) for process, running in asked if running))

    async def _end(self, process: Process, running: subprocess.Popen[bytes]) -> None:
        if running.poll() is None:
            running.send_signal(process.end)
            running.send_signal(signal.SIGCONT)  # a stopped process hears nothing else
        try:
            await asyncio.wait_for(ended(running), GRACE)
        except TimeoutError:
            self.say(f"{process.name} did not end within {GRACE:.0f} s and was killed")
            os.killpg(running.pid, signal.SIGKILL)  # it leads a group of its own
            running.wait()
        self.guard.ended(running)
        self.running.pop(process.name, None)
