"""Intake as a process under its own NATS user, on a real log."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from intake import clinic
from kap import protocol
from kap.decider import fold
from kap.events import corrected
from kap.events.intake import RoomDefined
from kap.log import JetStreamLog
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from nats.aio.client import Client

from tests.assessment import nothing_but
from tests.services.process import command, running
from tests.strategies import ADMIN, NURSE, PRESCRIBER, sealed

BY_NURSE = {"by": NURSE, "role": "nurse"}
BY_PRESCRIBER = {"by": PRESCRIBER, "role": "prescriber"}
ASSESSMENT = {
    "verdict": "eligible",
    "findings": [{"rule": "osa", "standing": "clearance", "note": sealed("findings.note")}],
    "measures": [{"instrument": "phq-9", "total": 17}],
    "weight_kg": 71.5,
    "route": "intramuscular",
    "protocol": "intramuscular",
    "absent": nothing_but("intramuscular", "osa"),
}
READY = {
    "intentions": sealed("intentions"),
    "education": True,
    "safety_plan": sealed("safety_plan"),
    "ride": sealed("ride"),
    "fasting_explained": True,
}


def person() -> dict[str, Any]:
    return {"name": sealed("name"), "number": "0417", "birth_year": 1985, "sex_at_birth": "female"}


async def test_a_patient_comes_from_registration_to_prepared(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    patient_id, course_id = str(uuid4()), str(uuid4())
    course = {"course_id": course_id}
    async with running(guard, nats_server, tmp_path, "intake"):

        async def send(type: str, **fields: Any) -> dict[str, Any]:
            return await command(client, "intake", type=type, **BY_NURSE | fields)

        assert (await send("RegisterPatient", patient_id=patient_id, **person()))["recorded"] == 1
        opening = {**course, "patient_id": patient_id, "indication": "trd"}
        assert (await send("OpenCourse", **opening))["recorded"] == 1
        assert await send("Prepare", **course, **READY) == {"refused": "The patient has not been assessed."}
        assert (await send("Assess", **course, **ASSESSMENT))["recorded"] == 1
        assert await send("Prepare", **course, **READY) == {
            "refused": "A prescriber has not yet cleared: osa."
        }
        clearing = {**course, "rule": "osa", "reason": sealed("reason")}
        assert await send("ClearFinding", **clearing) == {"refused": "Only a prescriber may clear a finding."}
        assert (await send("ClearFinding", **clearing, **BY_PRESCRIBER))["recorded"] == 1
        assert await send("Prepare", **course, **READY) == {
            "refused": "The patient's consent does not stand."
        }
        assert (await send("GiveConsent", **course, document="ketamine-2026"))["recorded"] == 1
        assert (await send("Prepare", **course, **READY))["recorded"] == 1
        planned = {**course, "visit": "dosing", "planned_for": "2026-02-01T09:00:00+01:00"}
        assert (await send("PlanVisit", **planned, room="3"))["recorded"] == 1
        assert await send("PlanVisit", **planned, room="99") == {"refused": "The clinic has no room 99."}
        assert (await send("CloseCourse", **course, outcome="completed"))["recorded"] == 1

    history = await JetStreamLog(client, "main", "tests").load(f"course.{course_id}")
    assert [type(item.event).__name__ for item in history] == [
        "CourseOpened",
        "Assessed",
        "FindingCleared",
        "ConsentGiven",
        "Prepared",
        "VisitPlanned",
        "CourseClosed",
    ]


async def test_what_other_records_say_is_looked_up_and_not_believed(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    patient_id, course_id = str(uuid4()), str(uuid4())
    async with running(guard, nats_server, tmp_path, "intake"):

        async def send(type: str, **fields: Any) -> dict[str, Any]:
            return await command(client, "intake", type=type, **BY_NURSE | fields)

        opening = {"course_id": course_id, "patient_id": patient_id, "indication": "trd"}
        lie = {"patient": "registered", "protocols": {"mine": "intramuscular"}, "rooms": ["99"]}
        assert await send("OpenCourse", **opening, **lie) == {"refused": "This patient is not registered."}
        await send("RegisterPatient", patient_id=patient_id, **person())
        assert (await send("OpenCourse", **opening))["recorded"] == 1
        assessed = {"course_id": course_id, **ASSESSMENT, "protocol": "mine", **lie}
        assert "has not adopted a protocol named mine" in (await send("Assess", **assessed))["refused"]
        elsewhere = await send("DefineRoom", room="A1", clinic="other")
        assert elsewhere["recorded"] == 1

        await send("ForgetPerson", patient_id=patient_id, ground="request", by=ADMIN, role="admin")
        again = opening | {"course_id": str(uuid4())}
        assert "was forgotten" in (await send("OpenCourse", **again))["refused"]

    log = JetStreamLog(client, "main", "tests")
    rooms = fold(clinic, corrected(await log.load("clinic.main"))).rooms
    assert "A1" in rooms
    assert await log.load("clinic.other") == []


async def test_a_new_clinic_finds_four_protocols_and_eight_rooms_and_each_start_adds_nothing(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    async with (
        running(guard, nats_server, tmp_path, "intake"),
        running(guard, nats_server, tmp_path, "intake"),
    ):
        first = await log.load("clinic.main")
        title = {"type": "DefineRoom", "room": "3", "title": "Garden"}
        assert (await command(client, "intake", **title, **BY_NURSE))["recorded"] == 1
    async with running(guard, nats_server, tmp_path, "intake"):
        again = await log.load("clinic.main")

    found = fold(clinic, corrected(again))
    assert {name: adopted.digest for name, adopted in found.protocols.items()} == {
        default.name: default.digest() for default in protocol.defaults()
    }
    assert sorted(found.rooms) == list("12345678")
    assert found.rooms["3"] == "Garden"
    assert len(first) == 4 + 8
    assert len(again) == len(first) + 1


async def test_a_new_clinic_adopts_its_own_protocols_in_place_of_the_defaults(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "protocols"
    folder.mkdir()
    text = (files("kap") / "protocols" / "sublingual.yaml").read_text()
    own = re.sub(r"^version: \d+", "version: 41", text, count=1, flags=re.M).replace(
        "title: ", "title: Our ", 1
    )
    (folder / "ours.yaml").write_text(own)
    async with running(guard, nats_server, tmp_path, "intake", {"KAP_PROTOCOLS": str(folder)}):
        pass
    (folder / "ours.yaml").write_text(own.replace("version: 41", "version: 42"))
    async with running(guard, nats_server, tmp_path, "intake", {"KAP_PROTOCOLS": str(folder)}) as later:
        said = [line for line in later.lines() if line.get("protocol") == "sublingual"]
    assert [(line["version"], line["in_use"]) for line in said] == [(42, 41)]
    log = JetStreamLog(client, "main", "tests")
    found = fold(clinic, corrected(await log.load("clinic.main"))).protocols
    assert {name: adopted.version for name, adopted in found.items()} == {
        default.name: default.version for default in protocol.defaults()
    } | {"sublingual": 41}


async def test_a_command_sent_again_gets_its_first_answer_also_after_a_restart(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    once = {"type": "RegisterPatient", "id": str(uuid4()), "patient_id": str(uuid4()), **person(), **BY_NURSE}
    async with running(guard, nats_server, tmp_path, "intake"):
        first = await command(client, "intake", **once)
        assert await command(client, "intake", **once) == first
    async with running(guard, nats_server, tmp_path, "intake"):
        assert await command(client, "intake", **once) == first
        other = await command(client, "intake", **once | {"id": str(uuid4())})
    assert first["recorded"] == 1
    assert other == {"refused": "This patient is already registered."}


async def test_what_is_not_a_command_is_answered_field_by_field_and_never_repeated_back(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    async with running(guard, nats_server, tmp_path, "intake") as service:
        plain = {"type": "RegisterPatient", "patient_id": str(uuid4()), **person(), "name": "Test Patient"}
        answer = await command(client, "intake", **plain, **BY_NURSE)
        assert [problem["field"] for problem in answer["invalid"]] == ["name"]
        missing = await command(client, "intake", type="OpenCourse", course_id="x", **BY_NURSE)
        assert {p["field"] for p in missing["invalid"]} == {"course_id", "patient_id", "indication"}
        unknown = await command(client, "intake", type="Teleport", **BY_NURSE)
        assert unknown["invalid"]
        for body in (b"", b"not json", b"[]", b"{}", b"\xff\xfe"):
            reply = await client.request("kap.commands.main.intake", body, timeout=5)
            assert b"invalid" in reply.data, body
        future = await command(
            client, "intake", type="DefineRoom", room="1", at="2999-01-01T00:00:00Z", **BY_NURSE
        )
        assert future == {"refused": "The time given is in the future."}
        assert "Test Patient" not in service.log.read_text()
        assert "Test Patient" not in str(answer)


async def test_an_entry_is_corrected_by_its_author_alone(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    async with running(guard, nats_server, tmp_path, "intake"):
        assert (await command(client, "intake", type="DefineRoom", room="A9", **BY_NURSE))["recorded"] == 1
        entry = (await log.load("clinic.main"))[-1].event
        assert isinstance(entry, RoomDefined)
        correction = {
            "type": "CorrectEntry",
            "of": "clinic",
            "of_id": "main",
            "event_id": str(entry.id),
            "reason": sealed("reason"),
        }
        stranger = await command(client, "intake", **correction, by=ADMIN, role="nurse")
        assert "Only the person who made an entry" in stranger["refused"]
        assert (await command(client, "intake", **correction, **BY_NURSE))["recorded"] == 1
        session = await command(client, "intake", **correction | {"of": "session"}, **BY_NURSE)
        assert "not one of" in session["refused"]
    assert "A9" not in fold(clinic, corrected(await log.load("clinic.main"))).rooms


async def test_it_says_how_it_is(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    async with running(guard, nats_server, tmp_path, "intake") as service:
        await command(client, "intake", type="DefineRoom", room="A1", **BY_NURSE)
        async with httpx.AsyncClient(trust_env=False, base_url=service.http) as http:
            assert (await http.get("/healthz")).status_code == 200
            metrics = (await http.get("/metrics")).text
            docs = (await http.get("/docs")).json()
    assert 'kap_commands_total{outcome="recorded",type="DefineRoom"} 1.0' in metrics
    assert "kap_log_synced 1.0" in metrics
    assert docs["asyncapi"].startswith("3.")
    assert "RegisterPatient" in str(docs)
    assert not [line for line in service.lines() if line["level"] in ("error", "critical")]
