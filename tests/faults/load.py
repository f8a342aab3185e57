"""A load on a running KAP that knows what was acknowledged: monitors, a device gateway, staff.

Each sender sends the same again until it is acknowledged, as senders should. What was acknowledged must be in
the log exactly once, whatever was killed meanwhile.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import httpx
from kap.events import Recorded
from kap.events.vitals import VitalRecorded
from kap.ids import uuid7
from kap.tasks import ended
from kap_local.clinic_client import AGAIN, Staff
from nats.aio.client import Client
from nats.errors import Error as NatsError

from tests.system.clinic import Bed, Kap, Line, to_ms

MONITOR_S = 0.2  # five messages a second
GATEWAY_S, READINGS = 0.3, 10
COMMAND_S = 0.05
END_S = 40.0

Owner = Literal["intake", "session", "integration"]
Values = dict[str, float]


@dataclass
class Load:
    """`monitors` send HL7, `gateways` send by kap.ingest, and each owner gets commands over HTTP."""

    kap: Kap
    staff: dict[str, Staff]
    devices: Client
    monitors: list[Bed]
    gateways: list[Bed]
    monitored: dict[tuple[str, datetime], Values] = field(default_factory=dict)  # acknowledged by AA
    ingested: set[UUID] = field(default_factory=set)
    commanded: dict[str, int] = field(default_factory=dict)  # command id → position of its event
    repeats: Counter[str] = field(default_factory=Counter)  # sent again, by sender and why
    last: dict[str, float] = field(default_factory=dict)  # sender → when it was acknowledged last
    count: Counter[str] = field(default_factory=Counter)  # sender → acknowledgements
    problems: list[str] = field(default_factory=list)
    stopping: bool = False

    @property
    def senders(self) -> list[str]:
        return [
            *(f"monitor {bed.room}" for bed in self.monitors),
            *(f"gateway {bed.room}" for bed in self.gateways),
            *("intake", "session", "integration"),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        """Until the block ends; then each sender goes on until its last is acknowledged."""
        self.stopping = False
        tasks = [
            *(asyncio.create_task(self._monitor(bed)) for bed in self.monitors),
            *(asyncio.create_task(self._gateway(bed)) for bed in self.gateways),
            *(asyncio.create_task(self._staff(owner)) for owner in ("intake", "session", "integration")),
        ]
        try:
            await self.goes_on(self.senders, 20, "at first")
            yield self
            self.stopping = True
            done, late = await asyncio.wait(tasks, timeout=END_S)
            assert not late, f"never acknowledged: {late}"
            for task in done:
                task.result()
        finally:
            await ended(*tasks)
        assert not self.problems, self.problems[:3]

    async def goes_on(self, senders: list[str], seconds: float, when: str, times: int = 3) -> None:
        """Each of these senders is acknowledged so many times more."""
        wanted = {sender: self.count[sender] + times for sender in senders}

        def missing() -> list[str]:
            return [sender for sender in senders if self.count[sender] < wanted[sender]]

        end = time.monotonic() + seconds
        while waiting := missing():
            assert time.monotonic() < end, f"{when}, not acknowledged within {seconds:g} s: {waiting}"
            assert not self.problems, self.problems[:3]
            await asyncio.sleep(0.02)

    def _acknowledged(self, sender: str) -> None:
        self.last[sender] = time.monotonic()
        self.count[sender] += 1

    # ---- the senders

    async def _monitor(self, bed: Bed) -> None:
        sender, line = f"monitor {bed.room}", Line(self.kap, bed.device, bed.who.number)
        try:
            n = 0
            while not self.stopping:
                n += 1
                at = to_ms(datetime.now(UTC))
                low = bed is self.monitors[0] and n % 20 < 4  # so that the watch has something to raise
                values: Values = {
                    "heart_rate": 60 + n % 40,
                    "respiratory_rate": 14,
                    "spo2": 79 if low else 97,
                }
                body = line.message(at, values)
                while True:
                    try:
                        code, text = await line.tell(body, 3)
                    except (OSError, TimeoutError, EOFError) as error:
                        code, text = type(error).__name__, ""
                    if code == "AA":
                        if text and "already on record" not in text:
                            self.problems.append(f"{sender}: AA {text}")
                        break
                    if code == "AR":
                        self.problems.append(f"{sender}: AR {text}")
                        return
                    self.repeats[f"{sender}: {code} {text}"] += 1
                    await asyncio.sleep(0.1)
                self.monitored[bed.device, at] = values
                self._acknowledged(sender)
                await asyncio.sleep(MONITOR_S)
        finally:
            await line.close()

    async def _gateway(self, bed: Bed) -> None:
        sender, device = f"gateway {bed.room}", f"GATEWAY-{bed.room}"
        n = 0
        while not self.stopping:
            n += 1
            now = datetime.now(UTC)
            readings = [
                {
                    "device_time": (now - timedelta(microseconds=k)).isoformat(),
                    "signals": {"temperature": 36 + (n + k) % 10 / 10},
                }
                for k in range(READINGS)
            ]
            body = json.dumps(
                {"device_id": device, "sent_at": now.isoformat(), "readings": readings}
            ).encode()
            while True:
                try:
                    subject = f"kap.ingest.{self.kap.run['clinic']}.vitals"
                    answer = json.loads((await self.devices.request(subject, body, timeout=3)).data)
                except (NatsError, TimeoutError, OSError) as error:
                    answer = {"unavailable": type(error).__name__}
                if "answers" in answer:
                    break
                if "unavailable" not in answer:
                    self.problems.append(f"{sender}: {answer}")
                    return
                self.repeats[f"{sender}: {answer['unavailable']}"] += 1
                await asyncio.sleep(0.1)
            for one in answer["answers"]:
                if one["status"] not in ("recorded", "repeated"):
                    self.problems.append(f"{sender}: {one}")
                else:
                    self.ingested.add(UUID(one["id"]))
            self._acknowledged(sender)
            await asyncio.sleep(GATEWAY_S)

    async def _staff(self, owner: Owner) -> None:
        nurse = self.staff["nurse"]
        n = 0
        while not self.stopping:
            bed = self.monitors[n % len(self.monitors)]
            n += 1
            body = {"id": str(uuid7()), "at": datetime.now(UTC).isoformat(), **_command(owner, bed, n)}
            while True:
                try:
                    reply = await nurse.http.post(f"/api/commands/{owner}", json=body)
                    status, answer = reply.status_code, reply.text
                except httpx.TransportError as error:
                    status, answer = 503, type(error).__name__
                if status == 200:
                    break
                if status not in AGAIN:
                    self.problems.append(f"{owner}: {status} {answer}")
                    return
                self.repeats[f"{owner}: {answer}"] += 1
                await asyncio.sleep(0.1)
            told = json.loads(answer)
            if told["recorded"] != 1:
                self.problems.append(f"{owner}: {told}")
            self.commanded[body["id"]] = told["position"]
            self._acknowledged(owner)
            await asyncio.sleep(COMMAND_S)

    # ---- what the log must hold of it

    def check(self, events: list[Recorded], vitals: list[Recorded]) -> None:
        """Every acknowledged reading and command is there, exactly once."""
        readings = [item.event for item in vitals if isinstance(item.event, VitalRecorded)]
        ids = Counter(reading.id for reading in readings)
        assert [i for i, n in ids.items() if n > 1] == [], "readings recorded twice"
        assert self.ingested - ids.keys() == set(), "acknowledged by kap.ingest and not in the log"
        found: dict[tuple[str, datetime], list[Values]] = {}
        for reading in readings:
            if reading.device_id is not None and reading.source == "monitor":
                values = {str(name): sample.value for name, sample in reading.signals.items()}
                found.setdefault((reading.device_id, reading.device_time), []).append(values)
        assert [k for k in self.monitored if k not in found] == [], "acknowledged by AA and not in the log"
        assert [k for k, v in self.monitored.items() if found[k] != [v]] == [], "not once, or not as sent"
        caused = Counter(str(item.command) for item in events if item.command is not None)
        positions = {str(item.command): item.position for item in events if item.command is not None}
        assert {i: caused[i] for i in self.commanded if caused[i] != 1} == {}, "commands not recorded once"
        assert {i: positions[i] for i in self.commanded} == self.commanded


def _command(owner: Owner, bed: Bed, n: int) -> dict[str, Any]:
    """One that records one event."""
    match owner:
        case "intake":
            text = {"text": "Spoke again.", "topics": []}
            return {"type": "RecordPreparation", "course_id": bed.course_id, **text}
        case "session":
            return {"type": "RecordObservation", "session_id": bed.session_id, "dissociation": n % 11}
        case "integration":
            task = {"task_id": str(uuid4()), "kind": "call"}
            return {"type": "OpenTask", "patient_id": bed.patient_id, **task}
