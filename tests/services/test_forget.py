"""Forgetting a person: unreadable in the log, the read models, the indexes and the key backup, for good."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import nats
import pytest
from kap.log import JetStreamLog
from kap.tasks import ended
from kap_local.clinic_client import login
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from nats.aio.client import Client
from projections import keys, read_models, sealing
from projections.bucket import Bucket
from projections.read_model import keep

from tests.assessment import nothing_but
from tests.services import gateway as gw
from tests.services import process

NAME, CONTACT, INTENTION = "Perpetua Wintergreen", "call after dusk", "To meet the heron."


def on_disk(folder: Path, text: str) -> list[str]:
    wanted = text.encode()
    return [str(f) for f in folder.rglob("*") if f.is_file() and wanted in f.read_bytes()]


@contextlib.asynccontextmanager
async def read_models_running(server: NatsServer, database: str) -> AsyncIterator[None]:
    client = await nats.connect(server.url("read-models"), inbox_prefix="_INBOX_read-models")
    log = JetStreamLog(client, "main", "read-models")
    keeping = asyncio.create_task(keep(read_models.keepers(log, database)))
    try:
        yield
    finally:
        await ended(keeping)
        await client.close()


async def everything_in(database: str) -> str:
    """Each row of each table, as text."""
    connection = await asyncpg.connect(database)
    try:
        tables = await connection.fetch(
            "select table_schema s, table_name t from information_schema.tables "
            "where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"
        )
        rows = [
            row[0]
            for table in tables
            for row in await connection.fetch(f'select t::text from "{table["s"]}"."{table["t"]}" t')
        ]
    finally:
        await connection.close()
    return "\n".join(rows)


async def stored_key(client: Client, patient_id: str) -> str:
    entry = await Bucket(client, "KEYS").get(patient_id)
    assert entry is not None
    return entry.value.decode()


async def course_of(http: Any, patient_id: str) -> str:
    course_id = str(uuid4())
    assert (
        await gw.send(
            http, "intake", "OpenCourse", patient_id=patient_id, course_id=course_id, indication="depression"
        )
    ).status_code == 200
    reply = await gw.send(
        http, "intake", "Assess", course_id=course_id, verdict="eligible", weight_kg=70, goals=INTENTION,
        findings=[{"rule": "trd", "standing": "note", "note": INTENTION}],
        absent=nothing_but("intramuscular", "trd"),
        route="intramuscular", protocol="intramuscular",
    )  # fmt: skip
    assert reply.status_code == 200, reply.text
    return course_id


async def test_a_forgotten_person_is_unreadable_everywhere_and_all_else_goes_on(
    guard: Guard, nats_server: NatsServer, client: Client, database: str, tmp_path: Path
) -> None:
    store, backup = nats_server.folder / "store", tmp_path / "keys.backup"
    async with (
        process.running(guard, nats_server, tmp_path, "intake"),
        read_models_running(nats_server, database),
        gw.running(nats_server, tmp_path, database=database) as running,
    ):
        nurse, prescriber = await running.signed_in("nurse"), await running.signed_in("prescriber")
        admin = await running.signed_in("admin")
        patient_id = await gw.register(nurse, NAME, "0417", contact=CONTACT)
        other_id = await gw.register(nurse, "Ansgar Holloway", "0418")
        course_id = await course_of(prescriber, patient_id)
        await course_of(prescriber, other_id)

        async def course(http: Any = nurse) -> Any:
            reply = await http.get(f"/api/courses/{course_id}")
            return reply.json() if reply.status_code == 200 else None

        async def shown() -> Any:
            one = await course()
            return one if one and one["assessed"] and one["name"] else None

        one = await gw.until(shown, "the course with its patient")
        assert (one["name"], one["assessed"]["goals"]) == (NAME, INTENTION)
        assert one["assessed"]["findings"][0]["note"] == INTENTION and one["contact"] == CONTACT
        wrapped = await stored_key(client, patient_id)
        await gw.until(lambda: backup.exists() and wrapped in backup.read_text(), "the key backup")
        assert backup.stat().st_mode & 0o777 == 0o600
        assert on_disk(store, wrapped) != []

        assert (
            await gw.send(nurse, "intake", "ForgetPerson", patient_id=patient_id, ground="request")
        ).status_code == 403
        reply = await gw.send(admin, "intake", "ForgetPerson", patient_id=patient_id, ground="request")
        assert reply.status_code == 200, reply.text

        # the key is gone when that is answered
        assert on_disk(store, wrapped) == on_disk(tmp_path, wrapped) == []
        written = json.loads(backup.read_text())
        assert written["forgotten"] == [patient_id] and list(written["keys"]) == [other_id]

        # nobody is shown anything of the person
        person = (await nurse.get(f"/api/patients/{patient_id}")).json()
        assert person == {
            "patient_id": patient_id, "number": "0417", "name": sealing.ERASED, "forgotten": True,
            "birth_year": None, "sex_at_birth": None, "contact": None,
        }  # fmt: skip
        assert (await nurse.get("/api/patients?search=perpetua")).json()["patients"] == []
        assert running.gateway.people.label(UUID(patient_id)) == "0417"

        async def erased() -> bool:
            one = await course()
            return bool(one["forgotten"])

        await gw.until(erased, "the read model")
        one = await course()
        assert one["assessed"]["goals"] == one["assessed"]["findings"][0]["note"] == sealing.ERASED
        assert NAME not in str(one) and CONTACT not in str(one)

        # nothing personal can be recorded any more, and nobody else notices
        reply = await gw.send(nurse, "intake", "ChangePatient", patient_id=patient_id, name="Again")
        assert reply.status_code == 409 and "forgotten" in reply.json()["refused"]
        reply = await gw.send(
            nurse, "intake", "RegisterPatient", patient_id=patient_id, name="Again", number="0417",
            birth_year=1990, sex_at_birth="female",
        )  # fmt: skip
        assert reply.status_code == 409
        courses = (await nurse.get("/api/courses")).json()
        assert {c["name"] for c in courses if c["patient_id"] == other_id} == {"Ansgar Holloway"}
        again = await gw.send(admin, "intake", "ForgetPerson", patient_id=patient_id, ground="request")
        assert again.status_code == 200

        # no text of anybody was ever stored as it was written
        rows = await everything_in(database)
        assert patient_id in rows and "sealed:v1:" in rows
        for text in (NAME, CONTACT, INTENTION, "Perpetua", "Ansgar", "Holloway"):
            assert text not in rows
            assert on_disk(store, text) == on_disk(tmp_path, text) == []


async def test_forgetting_is_finished_after_a_stop_between_the_event_and_the_erasing(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    store = nats_server.folder / "store"
    async with process.running(guard, nats_server, tmp_path, "intake"):
        async with gw.running(nats_server, tmp_path) as running:
            nurse = await running.signed_in("nurse")
            patient_id = await gw.register(nurse, NAME)
            wrapped = await stored_key(client, patient_id)
            await gw.until(lambda: running.gateway.people.name(UUID(patient_id)) == NAME, "the name")
            await running.gateway.board.save(tmp_path / "board")
        assert NAME not in (tmp_path / "board").read_text()
        reply = await process.command(
            client, "intake", type="ForgetPerson", patient_id=patient_id, ground="request",
            by=f"staff:{uuid4()}", role="admin",
        )  # fmt: skip
        assert reply["recorded"] == 1 and on_disk(store, wrapped) != []
        async with gw.running(nats_server, tmp_path) as running:
            await gw.until(lambda: running.gateway.people.settled, "the erasing")
            await gw.until(lambda: on_disk(store, wrapped) == [], "the erasing on disk")
            assert running.gateway.people.name(UUID(patient_id)) is None
            await gw.until(
                lambda: json.loads((tmp_path / "keys.backup").read_text())["forgotten"] == [patient_id],
                "the key backup",
            )
            assert on_disk(tmp_path, wrapped) == []


async def test_a_gateway_hears_of_a_forgetting_that_another_answered(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    async with (
        process.running(guard, nats_server, tmp_path, "intake"),
        gw.running(nats_server, tmp_path) as one,
        gw.running(
            nats_server,
            other_folder,
            clinic_key=keys.clinic_key(tmp_path / "clinic.key"),
            first_users=None,
        ) as other,
    ):
        patient_id = await gw.register(await one.signed_in("nurse"), NAME)
        name = other.gateway.people.name
        await gw.until(lambda: name(UUID(patient_id)) == NAME, "the name at the other gateway")
        admin = await one.signed_in("admin")
        await gw.send(admin, "intake", "ForgetPerson", patient_id=patient_id, ground="request")
        await gw.until(lambda: name(UUID(patient_id)) is None, "the forgetting at the other gateway")
        await gw.until(
            lambda: patient_id in json.loads((other_folder / "keys.backup").read_text())["forgotten"],
            "the other gateway's backup",
        )
        people = other.gateway.people
        with pytest.raises(keys.Forgotten):
            await people.keys.key(UUID(patient_id))


async def test_a_restored_backup_brings_keys_back_and_nobody_who_was_forgotten(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    bucket = Bucket(client, "KEYS")
    old = tmp_path / "old.backup"
    async with process.running(guard, nats_server, tmp_path, "intake"):
        async with gw.running(nats_server, tmp_path) as running:
            nurse, admin = await running.signed_in("nurse"), await running.signed_in("admin")
            gone, stays = await gw.register(nurse, NAME), await gw.register(nurse, "Ansgar Holloway", "0418")
            backup = tmp_path / "keys.backup"
            await gw.until(lambda: backup.exists() and stays in backup.read_text(), "the backup")
            old.write_bytes(backup.read_bytes())
            await gw.send(admin, "intake", "ForgetPerson", patient_id=gone, ground="request")
        for revision in [entry.revision for entry in (await bucket.all()).values()]:
            await bucket.erase_revision(revision)  # the bucket was lost

        assert await keys.restore(bucket, backup) == (1, 1)
        assert (await stored_key(client, gone), (await stored_key(client, stays))[:7]) == (
            "forgotten",
            "wrapped",
        )

        # a backup from before the forgetting: the log remembers
        await bucket.erase(gone)
        await keys.restore(bucket, old)
        wrapped = await stored_key(client, gone)
        assert wrapped.startswith("wrapped:")
        async with gw.running(nats_server, tmp_path) as running:
            await gw.until(lambda: running.gateway.people.settled, "the forgetting")
            assert await stored_key(client, gone) == "forgotten"
            assert on_disk(nats_server.folder / "store", wrapped) == []
            await gw.until(
                lambda: running.gateway.people.name(UUID(stays)) == "Ansgar Holloway", "the other name"
            )


async def test_a_lost_key_is_told_apart_from_a_forgotten_person(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    async with (
        process.running(guard, nats_server, tmp_path, "intake"),
        gw.running(nats_server, tmp_path) as running,
    ):
        nurse = await running.signed_in("nurse")
        patient_id = await gw.register(nurse, NAME)
        await gw.until(lambda: running.gateway.people.name(UUID(patient_id)), "the name")
        await Bucket(client, "KEYS").erase(patient_id)
        running.gateway.keys._cache.clear()
        reply = await gw.send(nurse, "intake", "ChangePatient", patient_id=patient_id, name="New")
        assert reply.status_code == 409 and "Restore the key backup" in reply.json()["refused"]


async def test_kap_forget_asks_an_administrator_for_the_number(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    async with (
        process.running(guard, nats_server, tmp_path, "intake"),
        gw.running(nats_server, tmp_path) as running,
    ):
        patient_id = await gw.register(await running.signed_in("nurse"), NAME, "5519")

        async def kap(
            *options: str, role: str = "admin", typed: str = ""
        ) -> subprocess.CompletedProcess[str]:
            environment = {"KAP_USERNAME": role, "KAP_PASSWORD": gw.PASSWORD, "PATH": "/usr/bin:/bin"}
            command = [str(Path(sys.executable).with_name("kap")), "forget", "--http", running.url, *options]
            return await asyncio.to_thread(
                subprocess.run,
                command,
                input=typed,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
            )

        by_nurse = await kap("5519", "--yes", role="nurse")
        assert by_nurse.returncode == 1 and "Only an administrator" in by_nurse.stderr
        nobody = await kap("5520", "--yes")
        assert nobody.returncode == 1 and "No patient has the number 5520" in nobody.stderr
        wrong = await kap("5519", typed="5518\n")
        assert wrong.returncode == 1 and "Nobody was forgotten" in wrong.stderr
        assert not running.gateway.directory.forgotten
        done = await kap("5519", typed="5519\n")
        assert done.returncode == 0 and "Patient 5519 is forgotten" in done.stdout, done.stderr
        assert "Perpetua" not in done.stdout
        assert running.gateway.directory.forgotten == [UUID(patient_id)]
        again = await kap(patient_id, "--json")
        assert json.loads(again.stdout) == {"patient_id": patient_id, "number": "5519", "before": True}


def test_a_command_asks_only_for_what_it_was_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(text: str, **how: object) -> str:
        asked.append(text)
        return "typed"

    monkeypatch.setattr("typer.prompt", ask)
    monkeypatch.setenv("KAP_USERNAME", "admin")
    monkeypatch.delenv("KAP_PASSWORD", raising=False)
    assert (login(None), login("other")) == (("admin", "typed"), ("other", "typed"))
    assert asked == ["Password", "Password"]
    monkeypatch.delenv("KAP_USERNAME")
    assert login(None, "Administrator's user name") == ("typed", "typed")
    assert asked[2:] == ["Administrator's user name", "Password"]
