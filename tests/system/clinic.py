"""A whole running KAP with its staff, its bedside monitors, a viewer of its feed, and its logs."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import nats
from kap.events import Recorded
from kap.follow import Source
from kap.log import JetStreamLog
from kap.tasks import ended
from kap_local.bedside_monitor import END, START, message
from kap_local.clinic_client import Staff
from kap_local.guard import Guard
from kap_local.simulation import Clock, Person, Played, Treatment, person
from nats.aio.client import Client
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from tests.system.running import belonging, eventually

KAP = str(Path(sys.executable).with_name("kap"))
READY_S = 90.0
STOPPED_S = 30.0

T = TypeVar("T")
Json = dict[str, Any]


async def until(holds: Callable[[], T], what: str, seconds: float = 10) -> T:
    """What `holds()` gives once it is true."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)
    return found


@dataclass
class Kap:
    """A `kap up` of its own."""

    data: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def run(self) -> Json:
        """What run.json says now: process numbers change."""
        found: Json = json.loads((self.data / "run.json").read_text())
        return found

    def service_log(self, name: str) -> str:
        return (self.data / "log" / f"{name}.log").read_text()

    def command(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run([KAP, *arguments], capture_output=True, text=True, timeout=timeout)

    @asynccontextmanager
    async def staff(self) -> AsyncIterator[dict[str, Staff]]:
        """One signed-in person a role."""
        run = self.run
        staff = {user["role"]: Staff(run["http"]) for user in run["users"]}
        try:
            for user in run["users"]:
                await staff[user["role"]].sign_in(user["username"], user["password"])
            yield staff
        finally:
            for one in staff.values():
                await one.close()

    @asynccontextmanager
    async def nats(self, user: Literal["nats", "gateway", "subscriber"] = "nats") -> AsyncIterator[Client]:
        """Connected as the operator, as a device gateway, or as a subscriber."""
        inbox = {
            "nats": "_INBOX_operator",
            "gateway": "_INBOX_device-gateway",
            "subscriber": "_INBOX_subscriber",
        }
        client = await nats.connect(self.run[user], inbox_prefix=inbox[user], max_reconnect_attempts=-1)
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def logs(self) -> AsyncIterator[JetStreamLog]:
        async with self.nats() as client:
            log = JetStreamLog(client, self.run["clinic"], "tests")
            yield log
            await log.close()


@contextmanager
def running_kap(guard: Guard, folder: Path, command: Literal["up", "demo"] = "up") -> Iterator[Kap]:
    """`kap up` on free ports; at the end all of it stops when asked, and nothing is left."""
    data, log = folder / "data", folder / "up.log"
    ports = [word for name in ("http", "feed", "mllp", "nats") for word in (f"--{name}-port", "0")]
    process = guard.start([KAP, command, "--data", str(data), *ports], log=log)
    try:
        end = time.monotonic() + READY_S
        while not (data / "run.json").exists():
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield Kap(data, process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOPPED_S) == 0 and "did not end within" not in log.read_text(), log.read_text()
    finally:
        guard.stop(process, signal.SIGKILL)
        eventually(lambda: not belonging(data))


# ---- the logs


async def everything(log: JetStreamLog, stream: Source) -> list[Recorded]:
    """All that the stream holds now."""
    end = (await log.head(stream)).last
    found: list[Recorded] = []
    follower = log.follow(stream, f"kap.{stream.lower()}.>", after=0, name=f"tests-{uuid4().hex}")
    async with asyncio.timeout(30), aclosing(follower.batches()) as batches:
        while not found or found[-1].position < end:
            found += await anext(batches)
            if not end:
                break
    return found


def in_order(events: list[Recorded], vitals: list[Recorded]) -> Iterator[tuple[Source, Recorded]]:
    """Both streams as every replay reads them: before each reading the facts that it names (decision 6)."""
    facts = iter(events)
    fact = next(facts, None)
    for reading in vitals:
        while fact is not None and fact.position <= reading.after:
            yield "EVENTS", fact
            fact = next(facts, None)
        yield "VITALS", reading
    while fact is not None:
        yield "EVENTS", fact
        fact = next(facts, None)


# ---- patients


@dataclass(frozen=True)
class Bed:
    """A session in a room, its course and its patient, with a monitor attached."""

    who: Person
    room: str
    device: str
    patient_id: str
    course_id: str
    session_id: str


def treatment(kap: Kap, staff: dict[str, Staff], devices: Client, who: Person, room: str) -> Treatment:
    now = datetime.now(UTC)
    mllp = urlsplit(kap.run["mllp"])
    return Treatment(
        who=who,
        room=room,
        dosed_at=now + timedelta(minutes=15),
        staff=staff,
        devices=devices,
        clinic=kap.run["clinic"],
        mllp=(str(mllp.hostname), mllp.port or 0),
        clock=Clock(now),
        random=Random(room),
        played=Played(),
    )


# A check that holds nothing back, and a dose that no second person has to see.
PRE_DOSE: Json = {
    "systolic": 124, "diastolic": 78, "heart_rate": 70, "spo2": 98, "fasting": True, "ride_arranged": True,
    "hours_fasted": 6, "hours_without_fluids": 3, "intoxicated": False, "pregnancy_excluded": True,
    "urinary_symptoms": False, "drugs_changed": False, "suicidal_ideation_new": False,
}  # fmt: skip
DOSE: Json = {"drug": "ketamine", "route": "sublingual", "milligrams": 200, "lot": "T-1"}

LEAVING = (
    "stay", "aldrete", "awake", "dissociation", "oriented", "gait", "nausea", "blood_pressure", "spo2",
    "suicidality", "ride", "instructions", "alarms", "signatures",
)  # fmt: skip


async def leave(prescriber: Staff, session_id: str, **fields: Any) -> None:
    """Home, hours too early: the prescriber takes each point of the gate upon themselves."""
    session = {"session_id": session_id}
    for point in LEAVING:
        gate = {"gate": f"discharge.{point}", "reason": "A test has no hours."}
        await prescriber.send("session", "OverrideGate", datetime.now(UTC), **session, **gate)
    await prescriber.send(
        "session", "Discharge", datetime.now(UTC), **session, instructions_given=True, **fields
    )


async def admit(
    kap: Kap, staff: dict[str, Staff], devices: Client, room: str, who: Person | None = None
) -> Bed:
    """A patient on the way that all take, up to the monitor attached in the room."""
    who = who or person(1, int(room), "sublingual")
    way = treatment(kap, staff, devices, who, room)
    await way.prepare()
    session = {"session_id": str(way.session_id)}
    now = datetime.now(UTC)
    nurse = staff["nurse"]
    await nurse.send("session", "OpenSession", now, **session, course_id=str(way.course_id), room=room)
    await nurse.send("session", "AttachDevice", now, **session, device_id=way.device)
    return Bed(who, room, way.device, str(way.patient_id), str(way.course_id), str(way.session_id))


# ---- monitors


def to_ms(at: datetime) -> datetime:
    """As exact as HL7's times are sent."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class Line:
    """One MLLP connection, made when it is needed."""

    def __init__(self, kap: Kap, device: str, number: str = "") -> None:
        mllp = urlsplit(kap.run["mllp"])
        self.host, self.port = str(mllp.hostname), mllp.port
        self.device, self.number = device, number
        self.sent = 0
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def message(
        self, at: datetime, values: dict[str, float], cuff: tuple[datetime, dict[str, float]] | None = None
    ) -> bytes:
        self.sent += 1
        return message(self.device, self.number, f"{self.device[-6:]}{self.sent:08d}", at, values, cuff)

    async def tell(self, body: bytes, seconds: float = 5) -> tuple[str, str]:
        """The answer's code and text. Raises `OSError`, `TimeoutError` or `EOFError` when there is none."""
        try:
            async with asyncio.timeout(seconds):
                if self.streams is None:
                    self.streams = await asyncio.open_connection(self.host, self.port)
                reader, writer = self.streams
                writer.write(START + body + END)
                await writer.drain()
                answer = (await reader.readuntil(END)).decode()
        except BaseException:
            await self.close()
            raise
        fields = next(line.split("|") for line in answer.split("\r") if line.startswith("MSA|"))
        return fields[1], (fields[3] if len(fields) > 3 else "")

    async def say(self, values: dict[str, float]) -> datetime:
        """Send values of now, which must be taken; their time."""
        at = to_ms(datetime.now(UTC))
        code, text = await self.tell(self.message(at, values))
        assert (code, text) == ("AA", ""), (code, text)
        return at

    async def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            with contextlib.suppress(OSError):
                await self.streams[1].wait_closed()
            self.streams = None


# ---- a viewer


def shown(reading: Json, signal: str) -> Json:
    """A reading's value as the snapshot has it."""
    sample = reading["signals"][signal]
    kept = ("source", "device_id", "entered_by", "observed_at")
    return {key: sample[key] for key in ("value", "quality", "channel")} | {key: reading[key] for key in kept}


@dataclass
class Viewer:
    """The feed as the page reads it: joins, answers, goes on where a cut was, keeps what it is told."""

    who: Staff
    events: int = 0
    vitals: int = 0
    epoch: str | None = None
    sessions: dict[str, Json] = field(default_factory=dict)
    latest: dict[str, dict[str, Json]] = field(default_factory=dict)
    trend: dict[str, Json] = field(default_factory=dict)  # of the last snapshot
    whole_at: tuple[int, int] = (0, 0)  # where that snapshot stood
    readings: list[tuple[float, Json]] = field(default_factory=list)  # with their arrival
    alarms: list[tuple[float, Json]] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)  # "snapshot" or "resumed"
    beats: list[Json] = field(default_factory=list)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["Viewer"]:
        """Whole, from the first snapshot until the block ends."""
        task = asyncio.create_task(self._stay())
        try:
            await until(lambda: task.done() or self.joined, "the feed's first snapshot", 20)
            yield self
            assert not task.done(), task.exception()
        finally:
            await ended(task)

    async def _stay(self) -> None:
        while True:
            with contextlib.suppress(
                OSError, TimeoutError, InvalidHandshake, ConnectionClosed, httpx.HTTPError
            ):
                await self._join()
            await asyncio.sleep(0.2)

    async def _join(self) -> None:
        reply = await self.who.http.post("/api/feed-ticket", timeout=5)
        if reply.status_code == 503:
            return
        assert reply.status_code == 200, reply.text
        place = reply.json()
        async with connect(
            place["url"], subprotocols=[Subprotocol("kap.feed.1")], compression=None, open_timeout=5
        ) as socket:
            hello: Json = {"type": "hello", "ticket": place["ticket"]}
            if self.epoch is not None:
                hello["since"] = {"epoch": self.epoch, "events": self.events, "vitals": self.vitals}
            await socket.send(json.dumps(hello))
            await self._read(socket)

    async def _read(self, socket: ClientConnection) -> None:
        first = True
        while True:
            async with asyncio.timeout(5):  # a heartbeat comes each second
                frame: Json = json.loads(await socket.recv())
            match frame["type"]:
                case "snapshot":
                    self._whole(frame)
                    self.joined.append("snapshot")
                case "changes":
                    if first:
                        self.joined.append("resumed")
                    self._changed(frame)
                case "heartbeat":
                    self.beats.append(frame)
                    self.events, self.vitals = frame["events"], frame["vitals"]
                    await socket.send('{"type":"alive"}')
                case "resync":
                    self.epoch = None
                case other:
                    raise AssertionError(f"a frame of type {other}")
            first = False

    def _whole(self, frame: Json) -> None:
        self.epoch, self.events, self.vitals = frame["epoch"], frame["events"], frame["vitals"]
        self.whole_at = (self.events, self.vitals)
        self.sessions, self.latest, self.trend = {}, {}, {}
        for session in frame["sessions"]:
            key = session["session_id"]
            self.latest[key] = session.pop("latest")
            self.trend[key] = session.pop("trend")
            self.sessions[key] = session

    def _changed(self, frame: Json) -> None:
        assert frame["epoch"] == self.epoch
        assert frame["events"] >= self.events and frame["vitals"] >= self.vitals, "the feed went back in time"
        self.events, self.vitals = frame["events"], frame["vitals"]
        now = time.monotonic()
        self.sessions |= {session["session_id"]: session for session in frame["sessions"]}
        self.alarms += [(now, alarm) for alarm in frame["alarms"]]
        for reading in frame["readings"]:
            self.readings.append((now, reading))
            latest = self.latest.setdefault(reading["session_id"], {})
            for name in reading["signals"]:
                known = latest.get(name)
                if known is None or instant(known["observed_at"]) <= instant(reading["observed_at"]):
                    latest[name] = shown(reading, name)

    def live(self, session_id: str) -> set[str]:
        """The times of the readings that came from now, not from a past that was declared."""
        return {
            reading["observed_at"]
            for _, reading in self.readings
            if reading["session_id"] == session_id and not reading["backfilled"]
        }

    async def value(self, session_id: str, signal: str, value: float, seconds: float) -> None:
        """Returns when this value came as a reading."""

        def there() -> bool:
            return any(
                reading["session_id"] == session_id
                and reading["signals"].get(signal, {}).get("value") == value
                for _, reading in self.readings
            )

        await until(there, f"{signal} {value:g} on the feed", seconds)

    async def alarm(self, session_id: str, kind: str, seconds: float = 5, **fields: Any) -> Json:
        """The alarm fact of this kind, once it came."""

        def there() -> Json | None:
            for _, alarm in self.alarms:
                wanted = {"session_id": session_id, "type": kind} | fields
                if all(alarm.get(key) == value for key, value in wanted.items()):
                    return alarm
            return None

        found = await until(there, f"{kind} {fields} on the feed", seconds)
        assert found is not None
        return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
