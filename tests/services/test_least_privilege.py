"""Every service does all of its work under its own name on NATS: each command, each reaction, each follower.

What each name may not do is proved in tests/log/test_permissions.py. Here a whole KAP runs as `kap up` starts
it, and its nats-server's log is read: it names whatever was forbidden.
"""

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest
from kap.events.vitals import VitalRecorded
from kap.protocol import defaults
from kap_local import deploy_files
from kap_local.clinic_client import Staff
from kap_local.guard import Guard
from kap_local.testing import sent
from nats.aio.msg import Msg
from projections.permissions import AGGREGATES, COMMANDS, Owner

from tests.assessment import nothing_but
from tests.system.clinic import (
    DOSE,
    PRE_DOSE,
    Json,
    Kap,
    Line,
    Viewer,
    admit,
    everything,
    leave,
    running_kap,
    until,
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def kap(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kap]:
    with running_kap(guard, tmp_path_factory.mktemp("privilege")) as kap:
        yield kap


class Desk:
    """Sends commands, and remembers which were recorded."""

    def __init__(self, staff: dict[str, Staff]) -> None:
        self.staff = staff
        self.recorded: set[tuple[str, str]] = set()
        self.corrected: set[str] = set()

    async def send(self, owner: Owner, kind: str, role: str = "prescriber", /, **fields: Any) -> None:
        answer = await self.staff[role].send(owner, kind, datetime.now(UTC), **fields)
        assert answer["recorded"] >= 1, f"{kind}: {answer}"
        self.recorded.add((owner, kind))

    async def correct(self, owner: Owner, of: str, of_id: str, event_id: str, **replacement: Any) -> None:
        fields = {"of": of, "of_id": of_id, "event_id": event_id, "reason": "A slip."}
        await self.send(owner, "CorrectEntry", **fields, replacement=replacement)
        self.corrected.add(of)


async def entry(kap: Kap, of_id: str, kind: str, **fields: Any) -> str:
    """The id of the newest fact of this kind about a thing."""
    async with kap.logs() as log:
        bodies = [json.loads(item.body) for item in await everything(log, "EVENTS")]
    wanted = {"type": kind} | fields
    found = [body["id"] for body in bodies if of_id in body.values() and body | wanted == body]
    return str(found[-1])


async def in_intake(desk: Desk, kap: Kap, patient_id: str, course_id: str) -> None:
    course = {"course_id": course_id}
    finding = {"rule": "cardiology", "standing": "clearance"}
    await desk.send("intake", "DefineRoom", "admin", room="P1", title="The quiet room")
    protocol = next(p for p in defaults() if p.name == "sublingual")
    version = {"version": protocol.version + 1}
    newer = protocol.content() | version | {"title": "Sublingual, as this clinic does it"}
    await desk.send("intake", "AdoptProtocol", protocol="sublingual", **version, content=newer)
    await desk.send(
        "intake", "RegisterPatient", patient_id=patient_id, name="Perpetua Wintergreen", number="0417",
        birth_year=1984, sex_at_birth="female",
    )  # fmt: skip
    await desk.send("intake", "ChangePatient", patient_id=patient_id, contact="after dusk")
    await desk.send("intake", "OpenCourse", **course, patient_id=patient_id, indication="depression")
    await desk.send(
        "intake", "Assess", **course, verdict="eligible", findings=[finding], measures=[], weight_kg=70,
        absent=nothing_but("sublingual"),
        route="sublingual", protocol="sublingual",
    )  # fmt: skip
    await desk.send("intake", "ClearFinding", **course, rule="cardiology", reason="A letter came.")
    await desk.send("intake", "GiveConsent", **course, document="consent-2026-1")
    await desk.send("intake", "WithdrawConsent", **course, reason="To think it over.")
    await desk.send("intake", "GiveConsent", **course, document="consent-2026-1")
    await desk.send("intake", "RecordPreparation", **course, text="Spoke.", topics=["set-and-setting"])
    await desk.send(
        "intake", "Prepare", **course, intentions="To rest.", education=True, safety_plan="The sister.",
        ride="The sister.", fasting_explained=True,
    )  # fmt: skip
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await desk.send("intake", "PlanVisit", **course, visit="dosing", planned_for=soon, room="P1")
    spoke = await entry(kap, course_id, "PreparationRecorded")
    await desk.correct("intake", "course", course_id, spoke, text="Spoke twice.", topics=[])
    changed = await entry(kap, patient_id, "PatientChanged")
    await desk.correct("intake", "patient", patient_id, changed, contact="before dawn")
    room = await entry(kap, "main", "RoomDefined", room="P1")
    await desk.correct("intake", "clinic", "main", room, room="P1", title="The room by the garden")


async def in_session(desk: Desk, kap: Kap, session_id: str, course_id: str) -> None:
    """Also raises an alarm, by a monitor of its own."""
    session = {"session_id": session_id}
    device = "PRIVILEGE-1"
    await desk.send("session", "OpenSession", **session, course_id=course_id, room="P1")
    await desk.send("session", "AttachDevice", **session, device_id=device)
    await desk.send("session", "ChangeResponsible", **session, responsible=f"staff:{desk.staff['nurse'].id}")
    await desk.send("session", "CheckPreDose", **session, **PRE_DOSE)
    await desk.send("session", "OverrideGate", **session, gate="food", reason="Tea with milk.")
    await desk.send("session", "CheckDose", "nurse", **session, dose=DOSE)
    await desk.send("session", "GiveDose", **session, dose=DOSE)
    await desk.send("session", "RecordObservation", **session, moaas=5, dissociation=1)
    await desk.send("session", "RecordNote", **session, text="All is quiet.")
    await desk.send("session", "RecordVitals", **session, signals={"systolic": 128, "diastolic": 80})
    limits: Any = next(p for p in defaults() if p.name == "sublingual").content()["limits"]
    limits["spo2"] = [{"low": 95, "priority": "medium"}, {"low": 90, "priority": "high"}]
    await desk.send("session", "ChangeLimits", **session, limits=limits, reason="Lungs.")
    line = Line(kap, device)
    async with Viewer(desk.staff["nurse"]).watching() as viewer:
        await line.say({"spo2": 79})
        raised = await viewer.alarm(session_id, "AlarmRaised", 10, signal="spo2")
        await desk.send("session", "PauseAlarm", **session, alarm_id=raised["alarm_id"])
        await desk.send("session", "AcknowledgeAlarm", **session, alarm_id=raised["alarm_id"])
        await line.say({"spo2": 98})
        await viewer.alarm(session_id, "AlarmCleared", 20, alarm_id=raised["alarm_id"])
    await line.close()
    await desk.send("session", "RecordAdverseEvent", **session, category="nausea", severity="minor")
    await desk.send("session", "RecordIntervention", **session, kind="ondansetron")
    seen = await entry(kap, session_id, "ObservationRecorded")
    await desk.correct("session", "session", session_id, seen, moaas=5, dissociation=2)
    await desk.send("session", "CallHelp", **session)
    call = await entry(kap, session_id, "HelpCalled")
    await desk.send("session", "AnswerHelp", "nurse", **session, call_id=call)
    await desk.send("session", "DetachDevice", **session, device_id=device)
    await desk.send("session", "SignDischarge", "nurse", **session)
    await leave(desk.staff["prescriber"], session_id)
    desk.recorded.add(("session", "Discharge"))


async def in_integration(desk: Desk, kap: Kap, patient_id: str, course_id: str) -> None:
    """On the plan that the discharge caused."""
    plans: list[Json] = []
    async with asyncio.timeout(10):
        while not plans:
            plans = (await desk.staff["nurse"].get(f"/api/courses/{course_id}"))["care_plans"]
    plan = {"care_plan_id": plans[0]["care_plan_id"]}
    task = {"task_id": str(uuid4())}
    measure = {"instrument": "phq-9", "total": 8}
    await desk.send(
        "integration", "RecordIntegration", **plan, visit=1, themes="The sea.", measures=[measure]
    )
    await desk.send("integration", "RecordMeasure", **plan, measure=measure)
    await desk.send("integration", "MissVisit", **plan, visit=2, reason="Snow.")
    await desk.send("integration", "OpenTask", **task, patient_id=patient_id, kind="call", text="Ask.")
    await desk.send("integration", "AnswerTask", **task, answer="done", text="All well.")
    held = await entry(kap, plan["care_plan_id"], "Integrated")
    replacement = {"visit": 1, "themes": "The lake.", "measures": [measure]}
    await desk.correct("integration", "care_plan", plan["care_plan_id"], held, **replacement)
    answered = await entry(kap, task["task_id"], "TaskAnswered")
    await desk.correct("integration", "task", task["task_id"], answered, answer="not-reached")
    await desk.send("integration", "CloseCarePlan", **plan, outcome="completed")


def forbidden(kap: Kap) -> list[str]:
    return [line for line in kap.service_log("nats").splitlines() if "Violation" in line]


def followers(kap: Kap) -> dict[str, float]:
    """Where each follower of each service stands."""
    found: dict[str, float] = {}
    for name in ("session-monitor", "gateway", "read-models"):
        with urlopen(f"{kap.run['services'][name]}/metrics", timeout=5) as answer:
            lines = re.findall(r'kap_follower_position\{follower="(.+)"\} (.+)', answer.read().decode())
        found |= {follower: float(position) for follower, position in lines}
    return found


async def test_each_service_works_under_its_own_name(kap: Kap) -> None:
    patient_id, course_id, session_id = (str(uuid4()) for _ in range(3))
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    async with kap.staff() as staff, kap.nats("subscriber") as outside, kap.nats("gateway") as devices:
        await outside.subscribe("kap.live.>", cb=hear)
        await sent(outside)
        desk = Desk(staff)
        await in_intake(desk, kap, patient_id, course_id)
        await in_session(desk, kap, session_id, course_id)
        await in_integration(desk, kap, patient_id, course_id)
        await desk.send("intake", "CloseCourse", course_id=course_id, outcome="completed")
        await desk.send("intake", "ForgetPerson", "admin", patient_id=patient_id, ground="request")
        bed = await admit(kap, staff, devices, "1")
        body = {
            "device_id": bed.device,
            "sent_at": (now := datetime.now(UTC).isoformat()),
            "readings": [{"device_time": now, "signals": {"spo2": 97}}],
        }
        reply = json.loads((await devices.request("kap.ingest.main.vitals", json.dumps(body).encode())).data)
        assert [answer["status"] for answer in reply["answers"]] == ["recorded"]
        await desk.send("session", "AbortSession", session_id=bed.session_id, reason="The fire alarm rang.")
        assert desk.recorded == {(owner, kind) for owner, kinds in COMMANDS.items() for kind in kinds}
        assert desk.corrected == {of for aggregates in AGGREGATES.values() for of in aggregates}

        async with kap.logs() as log:
            events, vitals = await everything(log, "EVENTS"), await everything(log, "VITALS")
            sources = {i.event.source for i in vitals if isinstance(i.event, VitalRecorded)}
            assert sources == {"monitor", "manual", "gateway"}

        # a restarted monitor reads the last readings again, by a follower that it has only then
        before = kap.run["pids"]["session-monitor"]
        os.kill(before, signal.SIGKILL)
        await until(lambda: kap.run["pids"]["session-monitor"] != before, "session-monitor again", 15)
        late = {"gateway-staff-events"}  # only where feed and HTTP are apart; see test_feed.py
        wanted = {
            re.sub(r"-\d+$", "", name)  # the place among several gateways
            for names in deploy_files.permissions().FOLLOWERS.values()
            for name in names
            if not name.endswith("-rebuild")
        } - late
        heads = {"events": events[-1].position, "vitals": vitals[-1].position}

        def all_there() -> bool:
            try:
                at = followers(kap)
            except OSError:
                return False  # not listening yet
            return at.keys() >= wanted and all(at[name] > 0 for name in wanted)

        await until(all_there, "every follower reading", 20)
        at = followers(kap)
        assert at["gateway-board-events"] >= heads["events"]
        for name in ("gateway-board", "session-monitor-watch", "session-monitor-ingest"):
            assert at[f"{name}-vitals"] == heads["vitals"], name
        assert at["read-models-vitals"] == heads["vitals"]

        # whoever subscribes outside heard all of it, in order, and nothing else
        stored = [m for m in heard if not m.subject.startswith("kap.live.devices.")]
        positions = [
            int((m.headers or {})["Nats-Sequence"])
            for m in stored
            if m.subject.startswith("kap.live.events.")
        ]
        first = events[-1].position - len(positions) + 1
        assert positions == list(range(first, events[-1].position + 1)) and len(positions) > 40
        assert len([m for m in stored if m.subject.startswith("kap.live.vitals.")]) == len(vitals)

        assert forbidden(kap) == []
        await outside.publish("kap.events.main.session.1.x", b"{}")  # and the log would have said so
        await until(lambda: forbidden(kap), "the server's word on what is forbidden")
