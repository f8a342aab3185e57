"""The staff gateway over HTTP: who gets in, who may do what, and what an answer looks like."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
import pytest_asyncio
from kap.settings import SettingError
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.testing import sent
from nats.aio.msg import Msg
from projections.permissions import COMMANDS, ROLES
from projections.sign_ins import Attempts, Ticket

from tests.conftest import fresh_streams
from tests.services import gateway as gw
from tests.services import process

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    guard: Guard, nats_server: NatsServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[gw.Running]:
    folder = tmp_path_factory.mktemp("gateway")
    await fresh_streams(nats_server.url())
    async with (
        process.running(guard, nats_server, folder, "intake"),
        gw.running(nats_server, folder) as running,
    ):
        yield running


@contextlib.asynccontextmanager
async def answering(
    server: NatsServer, owner: str, user: str, answer: dict[str, Any]
) -> AsyncIterator[list[Any]]:
    """An owner that gives one answer to all, to see what the gateway makes of it; the commands it got."""
    client = await nats.connect(server.url(user), inbox_prefix=f"_INBOX_{user}")
    got: list[Any] = []

    async def reply(message: Msg) -> None:
        got.append(json.loads(message.data))
        await message.respond(json.dumps(answer).encode())

    await client.subscribe(f"kap.commands.main.{owner}", cb=reply)
    await sent(client)
    yield got
    await client.close()


# ---- signing in


async def test_signing_in_gives_a_cookie_that_no_script_reads_and_no_other_site_sends(
    running: gw.Running,
) -> None:
    async with running.visitor() as http:
        assert (await http.get("/api/me")).status_code == 401
        reply = await http.post("/api/login", json={"username": "Nurse", "password": gw.PASSWORD})
        me = reply.json()
        assert (me["username"], me["name"], me["role"]) == ("nurse", "Invented nurse", "nurse")
        assert me["timezone"] == "UTC"  # the clinic's, for whatever is printed
        ends = datetime.fromisoformat(me["expires"]) - datetime.now(UTC)
        assert timedelta(hours=11, minutes=59) < ends <= timedelta(hours=12)
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("kap=") and "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert "Path=/" in cookie and "Secure" not in cookie
        assert (await http.get("/api/me")).json() == me
        assert me["staff_id"] in [s["staff_id"] for s in (await http.get("/api/staff")).json()]
        stolen = http.cookies["kap"]
        assert (await http.post("/api/logout")).status_code == 200
        http.cookies.set("kap", stolen)
        assert (await http.get("/api/me")).status_code == 401


async def test_behind_https_the_cookie_is_of_this_host_alone(
    nats_server: NatsServer, running: gw.Running
) -> None:
    async with gw.running(
        nats_server, running.folder, public_url="https://kap.example.org", key_backup=None
    ) as public:
        async with public.visitor() as http:
            login = {"username": "nurse", "password": gw.PASSWORD}
            assert (await http.post("/api/login", json=login)).status_code == 403  # not the public origin
            http.headers["Origin"] = "https://kap.example.org"
            reply = await http.post("/api/login", json=login)
            cookie = reply.headers["set-cookie"]
            assert cookie.startswith("__Host-kap=") and "Secure" in cookie and "Path=/" in cookie
            assert "Domain" not in cookie
            policy = reply.headers["content-security-policy"]
            assert "connect-src 'self' wss://kap.example.org;" in policy


async def test_a_wrong_password_and_an_unknown_user_are_told_the_same(running: gw.Running) -> None:
    async with running.visitor() as http:
        wrong = await http.post("/api/login", json={"username": "therapist", "password": "no"})
        unknown = await http.post("/api/login", json={"username": "nobody", "password": "no"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json() == {"refused": "User name or password is wrong."}
    assert "set-cookie" not in wrong.headers


async def test_too_many_wrong_passwords_are_told_to_wait(running: gw.Running) -> None:
    async with running.visitor() as http:
        tries = [
            (await http.post("/api/login", json={"username": "auditor", "password": "no"})).status_code
            for _ in range(10)
        ]
        assert tries == [401] * 8 + [429] * 2
        right = await http.post("/api/login", json={"username": "auditor", "password": gw.PASSWORD})
        assert right.status_code == 429 and int(right.headers["retry-after"]) <= 60
        assert "Try again in" in right.json()["refused"]
    running.gateway.attempts = Attempts()  # the window's end


async def test_a_disabled_user_is_out(running: gw.Running) -> None:
    http = await running.signed_in("therapist")
    users = running.gateway.users
    found = users.named("therapist")
    assert found is not None
    user_id, user = found
    stored = user.model_copy(update={"disabled": True}).model_dump_json().encode()
    await users.bucket.put(str(user_id), stored)
    await users.refresh()
    assert (await http.get("/api/me")).status_code == 401
    async with running.visitor() as other:
        login = {"username": "therapist", "password": gw.PASSWORD}
        assert (await other.post("/api/login", json=login)).status_code == 401
    await users.bucket.put(str(user_id), user.model_dump_json().encode())
    await users.refresh()
    assert (await http.get("/api/me")).status_code == 200


async def test_a_window_of_who_was_signed_in_before_sends_nothing_in_anothers_name(
    running: gw.Running,
) -> None:
    """Two windows of one browser share its cookie: the older one still shows the nurse."""
    http = await running.signed_in("prescriber")
    prescriber = (await http.get("/api/me")).json()["staff_id"]
    nurse = (await (await running.signed_in("nurse")).get("/api/me")).json()["staff_id"]
    assert (await http.get("/api/me", headers={"kap-staff": prescriber})).status_code == 200
    for ask in (
        http.get("/api/me", headers={"kap-staff": nurse}),
        http.post("/api/commands/session", json={}, headers={"kap-staff": nurse}),
        http.post("/api/feed-ticket", headers={"kap-staff": nurse}),
    ):
        reply = await ask
        assert reply.status_code == 401
        assert "somebody else has signed in" in reply.json()["refused"]


async def test_an_older_windows_sign_out_ends_its_own_sign_in_and_not_the_newer_one(
    running: gw.Running,
) -> None:
    http = await running.signed_in("nurse")
    nurse, older = (await http.get("/api/me")).json()["staff_id"], http.cookies["kap"]
    login = {"username": "prescriber", "password": gw.PASSWORD}
    assert (await http.post("/api/login", json=login)).status_code == 200
    async with running.visitor() as thief:
        thief.cookies.set("kap", older)  # no browser has it any more
        assert (await thief.get("/api/me")).status_code == 401
    assert (await http.post("/api/logout", headers={"kap-staff": nurse})).json() == {"somebody_else": True}
    me = (await http.get("/api/me")).json()
    assert me["username"] == "prescriber"
    assert (await http.post("/api/logout", headers={"kap-staff": me["staff_id"]})).status_code == 200
    assert (await http.get("/api/me")).status_code == 401


async def test_the_first_users_file_is_gone_and_no_password_is_stored(
    running: gw.Running, nats_server: NatsServer
) -> None:
    assert not (running.folder / "first-users.json").exists()
    assert on_disk(nats_server.folder / "store", gw.PASSWORD) == []


# ---- where a request may come from


async def test_another_sites_page_changes_nothing(running: gw.Running) -> None:
    http = await running.signed_in("nurse")
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": running.url.replace("127.0.0.1", "localhost")},
        {"Origin": f"{running.url}.evil.example"},
    ):
        for path in ("/api/commands/session", "/api/logout", "/api/feed-ticket", "/api/login"):
            reply = await http.post(path, json={}, headers=headers)
            assert reply.status_code == 403 and "refused" in reply.json()
    del http.headers["Origin"]
    assert (await http.post("/api/feed-ticket", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await http.post("/api/feed-ticket")).status_code == 200  # no browser, so no cookie to abuse
    assert (await http.get("/api/me")).status_code == 200


async def test_every_answer_carries_the_security_headers(running: gw.Running) -> None:
    http = await running.signed_in("nurse")
    for path in ("/", "/api/me", "/api/none", "/none.js", "/sessions/x", "/api/openapi.json"):
        reply = await http.get(path)
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "connect-src 'self' ws://127.0.0.1:8081;" in policy and "frame-ancestors 'none'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert path.startswith("/api/") == (reply.headers.get("cache-control") == "no-store") or path in (
            "/",
            "/sessions/x",
        )
    strange = await http.get("/api/me", headers={"Host": "x; script-src *"})
    assert strange.status_code == 400 and "script-src *" not in strange.headers["content-security-policy"]


async def test_the_page_is_served_for_its_places_and_its_files_for_ever(
    nats_server: NatsServer, running: gw.Running, tmp_path: Path
) -> None:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<p>the page</p>")
    (dist / "assets" / "main-1a2b.js").write_text("1")
    (dist / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    async with gw.running(nats_server, running.folder, dashboard=dist, key_backup=None) as built:
        async with built.visitor() as http:
            for place in ("/", "/sign-in", f"/sessions/{uuid4()}"):
                reply = await http.get(place)
                assert reply.text == "<p>the page</p>" and reply.headers["cache-control"] == "no-store"
            script = await http.get("/assets/main-1a2b.js")
            assert "immutable" in script.headers["cache-control"]
            assert (await http.get("/icon.svg")).status_code == 200
            for outside in ("/assets/../../secret.txt", "/%2e%2e/secret.txt", "/assets/none.js", "/api/none"):
                assert (await http.get(outside)).status_code == 404
    async with gw.running(nats_server, running.folder, dashboard=tmp_path / "no", key_backup=None) as bare:
        async with bare.visitor() as http:
            reply = await http.get("/")
            assert reply.status_code == 503 and "make setup" in reply.text


# ---- the feed's ticket


async def test_a_ticket_opens_one_feed_once(running: gw.Running) -> None:
    http = await running.signed_in("wall")
    reply = (await http.post("/api/feed-ticket")).json()
    assert reply["url"] == "ws://127.0.0.1:8081/feed"
    asked = await asyncio.gather(*(running.gateway.redeem(reply["ticket"]) for _ in range(8)))
    [viewer] = [viewer for viewer in asked if viewer is not None]
    assert viewer.role == "wall"
    assert await running.gateway.redeem(reply["ticket"]) is None
    assert await running.gateway.redeem("made up") is None


async def test_a_ticket_ends_after_its_time_or_with_its_sign_in(running: gw.Running) -> None:
    http = await running.signed_in("nurse")
    sign_ins = running.gateway.sign_ins
    secret = (await http.post("/api/feed-ticket")).json()["ticket"]
    tickets = {k: e for k, e in (await sign_ins.bucket.all()).items() if k.startswith("ticket.")}
    key, entry = max(tickets.items(), key=lambda ticket: ticket[1].revision)
    old = Ticket.model_validate_json(entry.value).model_copy(
        update={"expires": datetime.now(UTC) - timedelta(milliseconds=1)}
    )
    await sign_ins.bucket.put(key, old.model_dump_json().encode())
    assert await running.gateway.redeem(secret) is None
    secret = (await http.post("/api/feed-ticket")).json()["ticket"]
    await http.post("/api/logout")
    assert await running.gateway.redeem(secret) is None


# ---- who may send what


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_sends_its_commands_and_no_other(
    running: gw.Running, nats_server: NatsServer, role: str
) -> None:
    http = await running.signed_in(role)
    answer = {"refused": "answered by the test"}
    async with (
        answering(nats_server, "session", "session-monitor", answer) as session,
        answering(nats_server, "integration", "integration", answer) as integration,
    ):
        for owner, table in COMMANDS.items():
            for kind, permission in table.items():
                of = {"of": {"intake": "course", "session": "session", "integration": "task"}[owner]}
                reply = await gw.send(http, owner, kind, **of, by="staff:someone-else", role="prescriber")
                may = role in permission.roles
                assert (reply.status_code != 403) == may, (kind, reply.text)
                assert reply.status_code in ((409, 422) if may else (403,)), (kind, reply.text)
    who = (await http.get("/api/me")).json()["staff_id"]
    assert all(c["role"] == role and c["by"] == f"staff:{who}" for c in session + integration)


async def test_a_wall_reads_the_board_and_no_person(running: gw.Running) -> None:
    http = await running.signed_in("wall")
    assert (await http.get("/api/me")).json()["expires"] is None  # a screen in the corridor never times out
    for path in ("/api/clinic", "/api/patients?search=a", "/api/courses", "/api/worklist", "/api/staff"):
        assert (await http.get(path)).status_code == 403
    assert (await http.get("/api/sessions")).status_code == 200
    async with running.visitor() as nobody:
        for path in ("/api/sessions", "/api/alarms", "/api/devices", f"/api/sessions/{uuid4()}/timeline"):
            assert (await nobody.get(path)).status_code == 401
        assert (await nobody.post("/api/commands/session", json={})).status_code == 401


# ---- what a command is answered


async def test_the_owners_answer_is_told_as_http_says_it(
    running: gw.Running, nats_server: NatsServer
) -> None:
    http = await running.signed_in("nurse")
    for answer, status, told in (
        ({"recorded": 1, "position": 7}, 200, {"recorded": 1, "position": 7}),
        ({"refused": "Not now."}, 409, {"refused": "Not now."}),
        (
            {"invalid": [{"field": "dose", "message": "m"}]},
            422,
            {"invalid": [{"field": "dose", "message": "m"}]},
        ),
        ({"unavailable": "Busy."}, 503, {"refused": "Busy."}),
    ):
        async with answering(nats_server, "session", "session-monitor", answer):
            reply = await gw.send(http, "session", "GiveDose", session_id=str(uuid4()))
        assert (reply.status_code, reply.json()) == (status, told)


async def test_an_owner_that_is_not_there_or_silent_is_503(
    running: gw.Running,
    nats_server: NatsServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    http = await running.signed_in("nurse")
    reply = await gw.send(http, "session", "GiveDose", session_id=str(uuid4()))
    assert reply.status_code == 503 and "not running" in reply.json()["refused"]
    client = await nats.connect(nats_server.url("session-monitor"), inbox_prefix="_INBOX_session-monitor")
    await client.subscribe("kap.commands.main.session")
    await sent(client)
    reply = await gw.send(http, "session", "GiveDose", session_id=str(uuid4()))
    assert reply.status_code == 503 and "sending the same again is safe" in reply.json()["refused"]
    said = [record for record in caplog.records if record.name == "kap.commands"]
    assert [record.getMessage() for record in said] == [
        "nobody is there for a command",
        "a command was not answered",
    ]
    assert {vars(record)["owner"] for record in said} == {"session"}
    await client.close()


async def test_a_command_that_is_none_is_told_which_field(running: gw.Running) -> None:
    http = await running.signed_in("nurse")

    async def fields(**body: Any) -> list[str]:
        reply = await http.post("/api/commands/intake", json=body)
        assert reply.status_code == 422, reply.text
        return [problem["field"] for problem in reply.json()["invalid"]]

    good = {"id": str(uuid4()), "at": "2026-01-01T00:00:00Z"}
    assert await fields(type="Nonsense", **good) == ["type"]
    assert await fields(type="GiveDose", **good) == ["type"]  # another owner's
    assert await fields(type="OpenCourse", at="x", id="not-a-uuid") == ["id"]
    assert await fields(type="CorrectEntry", of="session", **good) == ["of"]
    assert await fields(type="OpenCourse", indication="sealed:v1:x", **good) == ["indication"]
    assert "birth_year" in await fields(
        type="RegisterPatient", patient_id=str(uuid4()), name="Ada Invented", number="0417",
        birth_year=17, sex_at_birth="female", **good,
    )  # fmt: skip


async def test_limits_on_what_is_sent(running: gw.Running) -> None:
    http = await running.signed_in("nurse")
    large = await http.post(
        "/api/commands/session",
        content=b'{"x":"' + b"x" * 70_000 + b'"}',
        headers={"Content-Type": "application/json"},
    )
    assert large.status_code == 413
    json_type = {"Content-Type": "application/json"}
    text = await http.post("/api/commands/session", content=b"{}", headers={"Content-Type": "text/plain"})
    assert text.status_code == 415
    for body in (b"", b"[]", b"{", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 10_000, b"\xff"):
        reply = await http.post("/api/commands/session", content=body, headers=json_type)
        assert reply.status_code == 422, body
    long = await gw.send(http, "intake", "RegisterPatient", patient_id=str(uuid4()), name="x" * 12_001)
    assert long.status_code == 422 and long.json()["invalid"][0]["field"] == "name"
    password = await http.post("/api/login", json={"username": "x", "password": "x" * 300})
    assert password.status_code == 422


async def test_openapi_tells_of_every_route(running: gw.Running) -> None:
    async with running.visitor() as http:
        told = (await http.get("/api/openapi.json")).json()["paths"]
        assert (await http.get("/docs")).status_code != 200 or "swagger" not in (await http.get("/docs")).text
        assert (await http.get("/healthz")).text == "ok\n"
        assert (await http.get("/readyz")).text == "ready\n"
    assert {
        "/api/login", "/api/me", "/api/feed-ticket", "/api/sessions", "/api/sessions/{session_id}",
        "/api/sessions/{session_id}/timeline", "/api/sessions/{session_id}/vitals", "/api/courses",
        "/api/courses/{course_id}", "/api/patients/{patient_id}/outcomes", "/api/worklist", "/api/alarms",
        "/api/devices", "/api/commands/{owner}",
    } <= told.keys()  # fmt: skip


# ---- people


async def test_a_name_is_found_by_its_beginnings_and_stored_only_sealed(
    running: gw.Running, nats_server: NatsServer
) -> None:
    http = await running.signed_in("nurse")
    patient_id = await gw.register(
        http, "Zoë Quillfeather-Ivanović", "7311", contact="+00 555 0100 ring twice"
    )
    people = running.gateway.people
    await gw.until(lambda: people.label(UUID(patient_id)) == "ZQ 7311", "the label")
    for search in ("zoe", "quill z", "7311", "IVANOVIC", "ivan"):
        reply = (await http.get("/api/patients", params={"search": search})).json()
        if search.lower().startswith("ivan"):  # the beginning of a word, and a hyphen joins
            assert reply["patients"] == []
        else:
            assert [p["name"] for p in reply["patients"]] == ["Zoë Quillfeather-Ivanović"]
            assert [p["birth_year"] for p in reply["patients"]] == [1984]
    one = (await http.get(f"/api/patients/{patient_id}")).json()
    assert (one["number"], one["birth_year"], one["sex_at_birth"]) == ("7311", 1984, "female")
    assert one["contact"] == "+00 555 0100 ring twice"
    changed = await gw.send(http, "intake", "ChangePatient", patient_id=patient_id, name="Zoë Marlowe")
    assert changed.status_code == 200
    await gw.until(lambda: people.label(UUID(patient_id)) == "ZM 7311", "the new label")
    store = nats_server.folder / "store"
    assert on_disk(store, "Quillfeather") == on_disk(store, "Marlowe") == on_disk(store, "ring twice") == []
    assert on_disk(store, patient_id) != []


async def test_a_text_about_nobody_known_is_refused(running: gw.Running) -> None:
    http = await running.signed_in("nurse")
    reply = await gw.send(http, "session", "RecordNote", session_id=str(uuid4()), text="Invented.")
    assert reply.status_code == 409 and reply.json() == {"refused": "There is no such session."}
    reply = await gw.send(http, "intake", "ChangePatient", patient_id=str(uuid4()), name="Nobody")
    assert reply.json() == {"refused": "There is no such patient."}


async def test_a_command_right_after_another_finds_what_that_one_made(running: gw.Running) -> None:
    http = await running.signed_in("prescriber")
    for n in range(5):
        patient_id, course_id = await gw.register(http, f"Swift {n}", f"80{n:02}"), str(uuid4())
        course = {"patient_id": patient_id, "course_id": course_id}
        assert (
            await gw.send(http, "intake", "OpenCourse", **course, indication="depression")
        ).status_code == 200
        reply = await gw.send(
            http, "intake", "RecordPreparation", course_id=course_id, text="Spoke of the sea.", topics=[]
        )
        assert "no such" not in reply.text, reply.text


async def test_a_correction_stays_with_its_person(running: gw.Running) -> None:
    http = await running.signed_in("nurse")
    patient_id, other = (
        await gw.register(http, "First Person", "9001"),
        await gw.register(http, "Other Person", "9002"),
    )
    reply = await gw.send(
        http, "intake", "CorrectEntry", of="patient", of_id=patient_id, event_id=str(uuid4()),
        reason="Wrong person", replacement={"patient_id": other},
    )  # fmt: skip
    assert reply.status_code == 409 and "another person" in reply.json()["refused"]


def on_disk(folder: Path, text: str) -> list[str]:
    """The files under a folder that hold this text."""
    wanted = text.encode()
    return [str(f) for f in folder.rglob("*") if f.is_file() and wanted in f.read_bytes()]


# ---- settings


async def test_another_clinics_key_is_refused_at_start(nats_server: NatsServer, running: gw.Running) -> None:
    http = await running.signed_in("nurse")
    await gw.register(http, "Some Patient", "6001")
    with pytest.raises(SettingError, match="KAP_CLINIC_KEY_FILE holds another key"):
        async with gw.running(nats_server, running.folder, clinic_key=bytes(32), key_backup=None):
            pass


async def test_a_number_names_one_patient(running: gw.Running) -> None:
    nurse, admin = await running.signed_in("nurse"), await running.signed_in("admin")
    first = await gw.register(nurse, "Odalys Fenwright", "7301")
    other = {"name": "Ignatius Morrow", "birth_year": 1980, "sex_at_birth": "male"}

    async def register(number: str) -> Any:
        fields = other | {"patient_id": str(uuid4()), "number": number}
        return await gw.send(nurse, "intake", "RegisterPatient", **fields)

    await gw.until(lambda: running.gateway.people.found(UUID(first)), "the first patient")
    await gw.until(lambda: running.gateway.people.name(UUID(first)), "their name")
    taken = await register("7301")
    assert (taken.status_code, taken.json()) == (
        409,
        {"refused": "The number 7301 is that of another patient: OF 7301."},
    )
    second = await register("7302")
    assert second.status_code == 200
    person = running.gateway.directory.facts.people
    mine = next(i for i, p in person.items() if p.number == "7302")
    [entry] = person[mine].entries
    correcting = {"of": "patient", "of_id": str(mine), "event_id": str(entry), "reason": "Typed wrong."}
    swapped = await gw.send(
        nurse, "intake", "CorrectEntry", **correcting, replacement=other | {"number": "7301"}
    )
    assert swapped.status_code == 409 and "number 7301" in swapped.json()["refused"]
    gone = await gw.send(admin, "intake", "ForgetPerson", patient_id=first, ground="request")
    assert gone.status_code == 200
    await gw.until(lambda: running.gateway.directory.holder("7301") is None, "forgotten")
    assert (await register("7301")).status_code == 200


async def test_a_prescriber_signs_a_protocol_off_and_the_page_says_who(running: gw.Running) -> None:
    async def kap(*arguments: str, by: str = "prescriber") -> subprocess.CompletedProcess[str]:
        who = {"KAP_USERNAME": by, "KAP_PASSWORD": gw.PASSWORD}
        return await asyncio.to_thread(
            subprocess.run,
            [str(Path(sys.executable).with_name("kap")), "protocol", *arguments, "--http", running.url],
            env=os.environ | who, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    before = await kap("show", "spravato", "--username", "prescriber")
    assert "nobody has signed it off." in before.stdout
    assert "403" in (await kap("adopt", "spravato", by="nurse")).stderr
    adopted = await kap("adopt", "spravato")
    assert adopted.returncode == 0 and " is adopted: " in adopted.stdout
    assert (await kap("adopt", "spravato")).stdout.endswith(" is in use.\n")

    async def shown() -> str:
        page = (await kap("show", "spravato", "--username", "prescriber")).stdout
        return page if "signed off by Invented prescriber." in page else ""

    await gw.until(shown, "who signed it off", 20)
