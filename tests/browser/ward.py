"""Eight rooms on a running KAP, their patients in different phases, each monitor in the test's hands."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import nats
from kap.events.alarm_rules import Symptoms
from kap.events.session import Route
from kap.protocol import defaults
from kap.tasks import ended
from kap_local import physiology
from kap_local.bedside_monitor import BedsideMonitor
from kap_local.clinic_client import Staff, sign_in_all
from kap_local.simulation import ATTACHED_MIN, CHUNK, OPENED_MIN, Clock, Played, Treatment, person

from tests.system.running import Up

# room → minutes since the dose, and its route
ROOMS: dict[str, tuple[float, Route]] = {
    "1": (17, "intramuscular"),
    "2": (-6, "sublingual"),
    "3": (38, "spravato"),
    "4": (66, "intranasal"),
    "5": (7, "intramuscular"),
    "6": (112, "sublingual"),
    "7": (24, "intranasal"),
    "8": (88, "spravato"),
}
EVERY_S = 5  # of the past
CUFF_EVERY_S = 300
# what raises no alarm under the default limits, so that every alarm is one that a test made
CALM: dict[str, tuple[float, float]] = {
    "spo2": (95, 99),
    "pulse_rate": (58, 112),
    "heart_rate": (58, 112),
    "respiratory_rate": (11, 20),
    "systolic": (98, 152),
    "diastolic": (56, 94),
    "mean_arterial": (60, 115),
}


def calm(values: dict[str, float]) -> dict[str, float]:
    return {name: min(CALM[name][1], max(CALM[name][0], value)) for name, value in values.items()}


@dataclass
class Bed(Treatment):
    """One patient: a past as the simulator plays it, and a monitor that says what the test wants it to."""

    says: dict[str, float | None] = field(default_factory=dict)  # in place of the body's own; None: no value
    silent: bool = False
    every_s: int = EVERY_S

    def __post_init__(self) -> None:
        super().__post_init__()
        self.who = replace(self.who, body=replace(self.who.body, events=()))
        self.bedside = BedsideMonitor(*self.mllp, self.device, self.who.number)
        self.line = asyncio.Lock()  # one message at a time
        self.cuff: tuple[datetime, dict[str, float]] | None = None

    async def free_number(self) -> None:
        await super().free_number()
        self.bedside.number = self.who.number  # what the monitor is told is whom it names

    @property
    def id(self) -> str:
        return str(self.session_id)

    @property
    def path(self) -> str:
        return f"/sessions/{self.session_id}"

    def steps(self) -> list[tuple[float, Callable[[datetime], Awaitable[None]]]]:
        """Nobody goes home."""
        return super().steps()[:-1]

    def minute(self, at: datetime) -> float:
        return (at - self.dosed_at).total_seconds() / 60

    async def admit(self) -> None:
        await self.prepare()
        opened, attached = self.at(OPENED_MIN), self.at(ATTACHED_MIN)
        await self.act("OpenSession", opened, course_id=str(self.course_id), room=self.room)
        await self.act("ChangeResponsible", opened, responsible=f"staff:{self.staff['nurse'].id}")
        await self.act("AttachDevice", attached, device_id=self.device)
        for minute, step in self.steps():
            if self.at(minute) < datetime.now(UTC):
                await step(self.at(minute))
        await self.past(attached, datetime.now(UTC) - timedelta(seconds=2))
        await self.send_now()

    async def act(self, type: str, at: datetime | None = None, role: str = "nurse", **fields: Any) -> None:
        """A command of this session, as the staff send it."""
        await self.send(role, "session", type, at or datetime.now(UTC), session_id=self.id, **fields)

    async def past(self, since: datetime, until: datetime) -> None:
        readings: list[dict[str, Any]] = []
        for second in range(0, int((until - since).total_seconds()), self.every_s):
            at = since + timedelta(seconds=second)
            values = physiology.monitor(self.who.body, self.minute(at), self.noise)
            if second % CUFF_EVERY_S == 0:
                pressure = calm(physiology.cuff(self.who.body, self.minute(at), self.noise))
                self.cuff = (at, pressure)
                values |= pressure
            readings.append({"device_time": at.isoformat(), "signals": calm(values)})
        for start in range(0, len(readings), CHUNK):
            await self.ingest(readings[start : start + CHUNK])

    async def send_now(self) -> str:
        async with self.line:
            now = datetime.now(UTC)
            own = calm(physiology.monitor(self.who.body, self.minute(now), self.noise))
            values = {name: value for name, value in (own | self.says).items() if value is not None}
            return await self.bedside.send(now, values, self.cuff)

    async def show(self, **values: float | None) -> None:
        """What the monitor measures from this very moment on."""
        self.says |= values
        assert await self.send_now() == "AA"

    def well(self) -> None:
        self.says.clear()
        self.silent = False

    async def run(self) -> None:
        """A message each second, as bedside monitors send them."""
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            if not self.silent:
                await self.send_now()
            await asyncio.sleep(max(0.05, 1 - (loop.time() - started)))


@dataclass
class Ward:
    up: Up
    staff: dict[str, Staff]
    beds: dict[str, Bed]
    users: dict[str, dict[str, str]]  # by role

    @property
    def http(self) -> str:
        return str(self.up.run()["http"])

    async def settle(self) -> None:
        """Every bed is well, and what latched while it was not is answered: each test finds a calm ward."""
        for bed in self.beds.values():
            bed.well()
        own, nurse = {bed.id for bed in self.beds.values()}, self.staff["nurse"]
        async with asyncio.timeout(20):
            while unanswered := [
                alarm
                for alarm in await nurse.get("/api/alarms")
                if alarm["session_id"] in own and alarm["state"] != "acknowledged"
            ]:
                for alarm in unanswered:
                    if alarm["state"] == "latched":
                        named = {"session_id": alarm["session_id"], "alarm_id": alarm["alarm_id"]}
                        await nurse.send("session", "AcknowledgeAlarm", datetime.now(UTC), **named)
                await asyncio.sleep(0.2)

    def pid(self, process: str) -> int:
        return int(self.up.run()["pids"][process])

    @contextmanager
    def stopped(self, process: str) -> Iterator[None]:
        """SIGSTOP: it neither answers nor closes anything, as a machine that hangs."""
        pid = self.pid(process)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


# of sublingual sessions alone, so that nothing stays behind in the others
STAYS = {"latching": ["medium"], "escalation": [{"priority": "medium", "after_s": 15, "to": "charge-nurse"}]}


async def alarms_at_once(prescriber: Staff) -> None:
    """Adopt the default protocols without delays and without rules beside the limits: no test waits."""
    for own in defaults():
        rules = {
            name: rule.model_dump(mode="json")
            for name, rule in own.alarms.rules.items()
            if isinstance(rule, Symptoms)
        }
        stays = STAYS if own.name == "sublingual" else {"latching": [], "escalation": []}
        plain = {"rules": rules, "clear_after_s": 0, **stays}
        content = own.content() | {
            "version": own.version + 1,
            "alarms": own.alarms.model_dump(mode="json") | plain,
        }
        named = {"protocol": own.name, "version": own.version + 1}
        await prescriber.send("intake", "AdoptProtocol", datetime.now(UTC), **named, content=content)


@asynccontextmanager
async def admitted(
    up: Up, rooms: dict[str, tuple[float, Route]] = ROOMS, every_s: int = EVERY_S
) -> AsyncIterator[Ward]:
    """All rooms in use, the monitors sending."""
    run = up.run()
    mllp = urlsplit(run["mllp"])
    staff = await sign_in_all(run["http"], run["users"])
    await alarms_at_once(staff["prescriber"])
    devices = await nats.connect(run["gateway"], inbox_prefix="_INBOX_device-gateway")
    now = datetime.now(UTC)

    def bed(n: int, room: str, minute: float, route: Route) -> Bed:
        return Bed(
            who=person(41, n, route),
            room=room,
            dosed_at=now - timedelta(minutes=minute),
            staff=staff,
            devices=devices,
            clinic=run["clinic"],
            mllp=(mllp.hostname or "127.0.0.1", mllp.port or 2575),
            clock=Clock(now),
            random=Random(f"ward/{n}"),
            played=Played(),
            every_s=every_s,
        )

    beds = {room: bed(n, room, *where) for n, (room, where) in enumerate(rooms.items())}
    try:
        await asyncio.gather(*(one.admit() for one in beds.values()))
        running = [asyncio.create_task(one.run()) for one in beds.values()]
        try:
            yield Ward(up, staff, beds, {user["role"]: user for user in run["users"]})
        finally:
            await ended(*running)
    finally:
        for one in beds.values():
            await one.bedside.close()
        for person_ in staff.values():
            await person_.close()
        await devices.close()
