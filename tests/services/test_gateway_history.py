"""What staff read: live from the board, history from Postgres, names opened; a wall sees no names."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.testing import sent
from nats.aio.client import Client
from prometheus_client import REGISTRY
from pydantic_core import to_json

from tests.assessment import nothing_but
from tests.services import gateway as gw
from tests.services import process
from tests.services.test_forget import read_models_running

NAME, NOTE = "Perpetua Wintergreen", "Invented: the heron again."
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@dataclass
class Scene:
    """One patient in one open session, made by real commands."""

    running: gw.Running
    patient_id: str
    course_id: str
    session_id: str

    async def staff(self, *roles: str) -> list[Any]:
        return [await self.running.signed_in(role) for role in roles]


async def recorded(http: Any, owner: str, kind: str, **fields: Any) -> int:
    reply = await gw.send(http, owner, kind, **fields)
    assert reply.status_code == 200, (kind, reply.text)
    position: int = reply.json()["position"]
    return position


@contextlib.asynccontextmanager
async def scene(guard: Guard, server: NatsServer, folder: Path, database: str) -> AsyncIterator[Scene]:
    async with (
        process.running(guard, server, folder, "intake"),
        process.running(guard, server, folder, "session-monitor", {"KAP_MLLP_PORT": "0"}),
        gw.running(server, folder, database=database) as running,
    ):
        nurse, prescriber = await running.signed_in("nurse"), await running.signed_in("prescriber")
        patient = {"patient_id": await gw.register(nurse, NAME, "0417")}
        course, session = {"course_id": str(uuid4())}, {"session_id": str(uuid4())}
        await recorded(nurse, "intake", "OpenCourse", **patient, **course, indication="depression")
        await recorded(
            prescriber, "intake", "Assess", **course, verdict="eligible", weight_kg=70,
            findings=[{"rule": "trd", "standing": "note", "note": NOTE}], goals=NOTE,
            absent=nothing_but("intramuscular", "trd"),
            route="intramuscular", protocol="intramuscular",
        )  # fmt: skip
        await recorded(nurse, "intake", "GiveConsent", **course, document="consent-2026-1")
        await recorded(
            nurse, "intake", "Prepare", **course, intentions=NOTE, education=True, safety_plan=NOTE,
            ride=NOTE, fasting_explained=True,
        )  # fmt: skip
        await recorded(nurse, "session", "OpenSession", **session, **course, room="3")
        yield Scene(running, patient["patient_id"], course["course_id"], session["session_id"])


async def test_the_timeline_shows_texts_and_who_wrote_them_and_a_wall_neither(
    guard: Guard, nats_server: NatsServer, client: Client, database: str, tmp_path: Path
) -> None:
    async with (
        scene(guard, nats_server, tmp_path, database) as one,
        read_models_running(nats_server, database),
    ):
        session_id = one.session_id
        nurse, wall = await one.staff("nurse", "wall")
        await recorded(nurse, "session", "RecordNote", session_id=session_id, text=NOTE)
        await recorded(nurse, "session", "RecordVitals", session_id=session_id, signals={"spo2": 97})

        async def timeline() -> Any:
            reply = await nurse.get(f"/api/sessions/{session_id}/timeline")
            return reply.json() if reply.status_code == 200 and len(reply.json()) == 3 else None

        items = await gw.until(timeline, "the timeline", 15)
        assert [item["type"] for item in items] == ["SessionOpened", "NoteRecorded", "VitalRecorded"]
        assert (items[2]["data"], items[2]["by_name"]) == ({"signals": {"spo2": 97.0}}, "Invented nurse")
        note = items[1]
        assert note["data"]["text"] == NOTE and note["by_name"] == "Invented nurse"
        assert note["event_id"] and note["correction"] is None
        first = await nurse.get(f"/api/sessions/{session_id}/timeline")
        assert int(first.headers["KAP-Position"]) >= items[1]["position"]
        fixed = await recorded(
            nurse, "session", "CorrectEntry", of="session", of_id=session_id, event_id=note["event_id"],
            reason="Wrong bird.", replacement={"text": "Invented: the crane."},
        )  # fmt: skip

        async def caught_up() -> Any:
            reply = await nurse.get(f"/api/sessions/{session_id}/timeline")
            return reply if int(reply.headers["KAP-Position"]) >= fixed else None

        whole = await gw.until(caught_up, "the correction", 15)
        correction = whole.json()[1]["correction"]
        assert (correction["reason"], correction["by_name"]) == ("Wrong bird.", "Invented nurse")
        assert correction["replacement"]["text"] == "Invented: the crane."
        assert correction["replacement"]["by_name"] == "Invented nurse"
        assert (await nurse.get(f"/api/sessions/{session_id}/tasks")).json() == []
        assert (await wall.get(f"/api/sessions/{session_id}/tasks")).status_code == 403
        seen = await wall.get(f"/api/sessions/{session_id}/timeline")
        assert seen.json()[1]["data"]["text"] is None and "Invented: the" not in seen.text

        async def series() -> Any:
            reply = await nurse.get(f"/api/sessions/{session_id}/vitals", params={"points": 100})
            return reply.json() if reply.status_code == 200 and reply.json()["signals"] else None

        assert (await gw.until(series, "the vitals", 15))["signals"]["spo2"]["mean"] == [97.0]
        for http, label, name in ((nurse, "PW 0417", NAME), (wall, None, None)):
            [shown] = (await http.get("/api/sessions", params={"state": "all"})).json()
            assert (shown["label"], shown["name"], shown["number"]) == (label, name, "0417")
        mine = (await nurse.get("/api/courses", params={"patient_id": one.patient_id})).json()
        assert [course["course_id"] for course in mine] == [one.course_id]
        assert (await nurse.get("/api/courses", params={"patient_id": str(uuid4())})).json() == []
        assert (await nurse.get("/api/alarms?state=all&since=2026-01-01T00:00:00Z")).json() == []
        unknown = await nurse.get(f"/api/sessions/{uuid4()}/timeline")
        assert unknown.status_code == 404 and unknown.json() == {"refused": "There is no such session."}
        for wrong in ("points=0", "from=yesterday", "from=2026-01-01T00:00:00"):
            reply = await nurse.get(f"/api/sessions/{session_id}/vitals?{wrong}")
            assert reply.status_code == 422 and reply.json()["invalid"][0]["field"] in ("points", "from")


async def test_with_postgres_down_everything_live_works_and_history_says_so(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    async with scene(guard, nats_server, tmp_path, NOWHERE) as one:
        session_id = one.session_id
        nurse, prescriber, wall = await one.staff("nurse", "prescriber", "wall")
        await recorded(nurse, "session", "RecordVitals", session_id=session_id, signals={"spo2": 70})

        async def sessions() -> Any:
            return (await nurse.get("/api/sessions")).json()

        [shown] = await gw.until(sessions, "the session")
        assert (shown["label"], shown["name"]) == ("PW 0417", NAME)
        clinic = (await nurse.get("/api/clinic")).json()
        assert [room["room"] for room in clinic["rooms"]] == [str(n) for n in range(1, 9)]
        asked = {p["name"]: p["eligibility"]["rules"] for p in clinic["protocols"]}
        assert asked["intramuscular"]["vasc.avm"]["standing"] == "hard_stop"
        seen = (await wall.get(f"/api/sessions/{session_id}")).json()
        assert (seen["label"], seen["name"], seen["room"]) == (None, None, "3")

        async def alarms() -> Any:
            return (await nurse.get("/api/alarms")).json()

        [alarm] = await gw.until(alarms, "the alarm", 20)
        assert (alarm["signal"], alarm["value"], alarm["state"]) == ("spo2", 70, "active")
        assert (alarm["room"], alarm["session_id"]) == ("3", session_id)
        await recorded(
            nurse, "session", "AcknowledgeAlarm", session_id=session_id, alarm_id=alarm["alarm_id"]
        )

        async def acknowledged() -> Any:
            return [a for a in await alarms() if a["state"] == "acknowledged"]

        [alarm] = await gw.until(acknowledged, "the acknowledgement")
        assert alarm["acknowledged_by_name"] == "Invented nurse"
        which = {"session_id": session_id, "alarm_id": alarm["alarm_id"]}
        late = await gw.send(prescriber, "session", "AcknowledgeAlarm", **which)
        assert (late.status_code, late.json()) == (
            409,
            {"refused": "This alarm was acknowledged by Invented nurse."},
        )
        assert await gw.register(nurse, "Ansgar Holloway", "0418")
        for path in (
            f"/api/sessions/{session_id}/timeline", f"/api/sessions/{session_id}/vitals", "/api/courses",
            f"/api/sessions/{session_id}/tasks",
            f"/api/courses/{uuid4()}", f"/api/patients/{one.patient_id}/outcomes", "/api/worklist",
            "/api/sessions?state=all", "/api/alarms?state=all",
        ):  # fmt: skip
            reply = await nurse.get(path)
            assert reply.status_code == 503, path
            assert reply.json()["refused"].startswith("History is not available right now")


async def test_devices_are_what_the_session_monitor_says_now(
    nats_server: NatsServer, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.gateway.DEVICES_KNOWN_FOR_S", 0.5)
    async with gw.running(nats_server, tmp_path) as running:
        nurse = await running.signed_in("nurse")
        silent = await nurse.get("/api/devices")
        assert silent.status_code == 503 and "session monitor is silent" in silent.json()["refused"]
        monitor = await nats.connect(
            nats_server.url("session-monitor"), inbox_prefix="_INBOX_session-monitor"
        )
        said = [{"device_id": "monitor-1", "name": None, "session_id": None, "last_seen": None}]
        await monitor.publish("kap.live.devices.main", to_json(said))
        await sent(monitor)

        async def devices() -> Any:
            reply = await nurse.get("/api/devices")
            return reply.json() if reply.status_code == 200 else None

        assert await gw.until(devices, "the devices") == said
        await asyncio.sleep(0.6)
        assert (await nurse.get("/api/devices")).status_code == 503
        await monitor.close()


def sent_to(owner: str, outcome: str) -> float:
    """How many commands went through this process's gateway with this outcome."""
    counted = {"owner": owner, "outcome": outcome}
    return REGISTRY.get_sample_value("kap_gateway_commands_total", counted) or 0


async def test_a_form_learns_what_it_needs_and_what_would_be_refused_before_anything_is_recorded(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    async with scene(guard, nats_server, tmp_path, NOWHERE) as one:
        nurse, prescriber, wall = await one.staff("nurse", "prescriber", "wall")
        of = {"session_id": one.session_id}

        async def trying(http: Any, kind: str, **fields: Any) -> Any:
            return await gw.send(http, "session", kind, dry_run=True, **of, **fields)

        async def detail(http: Any = nurse) -> Any:
            return (await http.get(f"/api/sessions/{one.session_id}")).json()

        head = (await client.jetstream().stream_info("EVENTS")).state.last_seq
        check = {
            "systolic": 150, "diastolic": 95, "heart_rate": 80, "spo2": 97, "fasting": True,
            "hours_fasted": 6, "hours_without_fluids": 3, "ride_arranged": True, "intoxicated": False,
            "pregnancy_excluded": True, "urinary_symptoms": False, "suicidal_ideation_new": False,
            "drugs_changed": False,
        }  # fmt: skip
        dose = {
            "drug": "ketamine", "route": "intramuscular", "milligrams": 70, "mg_per_kg": 1.0,
            "concentration_mg_per_ml": 50, "volume_ml": 1.4, "lot": "L-1", "site": "deltoid-left",
        }  # fmt: skip
        rehearsed = await trying(nurse, "CheckPreDose", **check)
        assert (rehearsed.status_code, rehearsed.json()["recorded"]) == (200, 0)
        assert (await trying(nurse, "RecordVitals", signals={"spo2": 97})).json()["recorded"] == 0
        assert (await trying(nurse, "RecordVitals", signals={"spo2": 170})).status_code == 422
        assert (await trying(wall, "CheckPreDose", **check)).status_code == 403
        new = {"name": NAME, "number": "0999", "birth_year": 1984, "sex_at_birth": "female"}
        unborn = str(uuid4())
        tried = await gw.send(nurse, "intake", "RegisterPatient", dry_run=True, patient_id=unborn, **new)
        assert tried.json()["recorded"] == 0 and UUID(unborn) not in await one.running.gateway.keys.stored()
        refusals = [sent_to("session", outcome) for outcome in ("409", "dry run: 409")]
        missing = await trying(nurse, "GiveDose", dose=dose)
        assert missing.status_code == 409 and list(missing.json()["points"]) == ["check"]
        # what a form only asked is no refusal that an operator should wonder about
        assert [sent_to("session", o) for o in ("409", "dry run: 409")] == [refusals[0], refusals[1] + 1]
        assert (await client.jetstream().stream_info("EVENTS")).state.last_seq == head

        await recorded(nurse, "session", "CheckPreDose", **of, **check)
        held = await trying(nurse, "GiveDose", dose=dose)
        assert held.status_code == 409 and "blood pressure was 150/95" in held.json()["refused"]
        assert list(held.json()["points"]) == ["blood_pressure", "dose.second_check"]
        await recorded(prescriber, "session", "OverrideGate", **of, gate="blood_pressure", reason=NOTE)
        secret = await nurse.post(
            "/api/dose-check",
            json={"username": "prescriber", "password": gw.PASSWORD, "dose": dose} | of,
        )
        token = secret.json()["token"]
        giving = {"id": str(uuid4()), "dose": dose, "check_token": token}
        for _ in range(2):  # a dry run leaves the second person's token unused, and remembers nothing
            assert (await trying(nurse, "GiveDose", **giving)).json()["recorded"] == 0
        shown = await detail()
        assert shown["rules"]["dose"]["second_check"] is True and shown["pre_dose"]["systolic"] == 150
        [override] = shown["overridden"]
        assert (override["gate"], override["reason"], override["by_name"]) == (
            "blood_pressure",
            NOTE,
            "Invented prescriber",
        )
        assert (await detail(wall))["overridden"][0]["reason"] is None
        assert (await gw.send(nurse, "session", "GiveDose", **of, **giving)).json()["recorded"] == 1

        await recorded(nurse, "session", "RecordObservation", **of, moaas=4, nausea=1)
        await recorded(prescriber, "session", "SignDischarge", **of)
        leaving = await trying(nurse, "Discharge", instructions_given=True, oriented=True)
        points = leaving.json()["points"]
        assert points["awake"] == "MOAA/S is 4, at least 5 is needed." and "oriented" not in points
        shown = await detail()
        assert shown["observations"]["nausea"]["value"] == 1
        assert shown["observations"]["moaas"]["by_name"] == "Invented nurse"
        assert list(shown["signed"]) == ["prescriber"] and shown["state"] == "open"
