"""The second person's check of a dose: their own password, this dose, one minute, once."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from kap_local.nats_server import NatsServer
from kap_local.testing import sent
from nats.aio.client import Client
from nats.aio.msg import Msg
from projections import sign_ins

from tests.services import gateway as gw
from tests.services.gateway import PASSWORD, Running

DOSE = {"drug": "ketamine", "route": "intramuscular", "milligrams": 50, "lot": "T-1"}


class Owner:
    """Stands where the session monitor does, and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def answer(self, message: Msg) -> None:
        self.asked.append(json.loads(message.data))
        await message.respond(b'{"recorded": 1, "position": 7}')


@pytest.fixture
async def owner(client: Client) -> Owner:
    owner = Owner()
    await client.subscribe("kap.commands.main.session", cb=owner.answer)
    await sent(client)
    return owner


@pytest.fixture
async def running(
    nats_server: NatsServer, client: Client, owner: Owner, tmp_path: Path
) -> AsyncIterator[Running]:
    async with gw.running(nats_server, tmp_path) as running:
        yield running


async def check(http: httpx.AsyncClient, session: str, **changes: Any) -> httpx.Response:
    body = {"username": "prescriber", "password": PASSWORD, "session_id": session, "dose": DOSE}
    return await http.post("/api/dose-check", json=body | changes)


async def give(http: httpx.AsyncClient, session: str, **fields: Any) -> httpx.Response:
    return await gw.send(http, "session", "GiveDose", **{"session_id": session, "dose": DOSE} | fields)


async def token(http: httpx.AsyncClient, session_id: str) -> str:
    reply = await check(http, session_id)
    assert reply.status_code == 200, reply.text
    assert reply.json()["expires_in_s"] == 60 and reply.json()["name"] == "Invented prescriber"
    return str(reply.json()["token"])


async def test_who_gave_their_password_is_who_checked(running: Running, owner: Owner) -> None:
    nurse, session = await running.signed_in("nurse"), str(uuid4())
    secret = await token(nurse, session)
    command = str(uuid4())
    assert (await give(nurse, session, check_token=secret, id=command)).status_code == 200
    prescriber = (await (await running.signed_in("prescriber")).get("/api/me")).json()["staff_id"]
    assert owner.asked[-1]["checked_by"] == f"staff:{prescriber}"
    assert "check_token" not in owner.asked[-1]

    # the same command again is the same; another one is not
    assert (await give(nurse, session, check_token=secret, id=command)).status_code == 200
    again = await give(nurse, session, check_token=secret)
    assert (again.status_code, "used before" in again.json()["refused"]) == (409, True)


async def test_of_two_that_use_it_at_once_one_does(running: Running, owner: Owner) -> None:
    nurse, session = await running.signed_in("nurse"), str(uuid4())
    secret = await token(nurse, session)
    replies = await asyncio.gather(*(give(nurse, session, check_token=secret) for _ in range(5)))
    assert sorted(r.status_code for r in replies) == [200, 409, 409, 409, 409]


async def test_a_typed_name_counts_for_nothing(running: Running, owner: Owner) -> None:
    nurse, session = await running.signed_in("nurse"), str(uuid4())
    assert (await give(nurse, session, checked_by=f"staff:{uuid4()}")).status_code == 200
    assert "checked_by" not in owner.asked[-1]
    made_up = await give(nurse, session, check_token="A" * 43)
    assert made_up.status_code == 409
    assert (await give(nurse, session, check_token=1)).status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"dose": DOSE | {"milligrams": 500}},
        {"dose": DOSE | {"lot": "T-2"}},
        {"session_id": str(UUID(int=9))},
    ],
    ids=["ten times as much", "another lot", "another session"],
)
async def test_what_is_given_is_what_was_checked(
    running: Running, owner: Owner, change: dict[str, Any]
) -> None:
    nurse, session = await running.signed_in("nurse"), str(uuid4())
    reply = await give(nurse, session, check_token=await token(nurse, session), **change)
    assert reply.status_code == 409
    assert reply.json()["refused"].startswith("The second person checked another dose.")
    assert owner.asked == []


async def test_a_check_is_for_who_asked_for_it(running: Running, owner: Owner) -> None:
    nurse, session = await running.signed_in("nurse"), str(uuid4())
    secret = await token(nurse, session)
    prescriber = await running.signed_in("prescriber")
    reply = await give(prescriber, session, check_token=secret)
    assert (reply.status_code, "somebody else gives" in reply.json()["refused"]) == (409, True)


async def test_nobody_checks_their_own_dose(running: Running) -> None:
    nurse = await running.signed_in("nurse")
    reply = await check(nurse, str(uuid4()), username="nurse")
    assert reply.status_code == 409
    assert reply.json() == {"refused": "The second person is somebody else than who gives the dose."}


@pytest.mark.parametrize("role", ["therapist", "admin", "wall", "auditor"])
async def test_who_may_not_give_may_not_check(running: Running, role: str) -> None:
    nurse = await running.signed_in("nurse")
    assert (await check(nurse, str(uuid4()), username=role)).status_code == 403
    assert (await check(await running.signed_in(role), str(uuid4()))).status_code == 403


async def test_a_wrong_password_checks_nothing_and_signs_nobody_out(running: Running) -> None:
    nurse = await running.signed_in("nurse")
    assert (await check(nurse, str(uuid4()), password="wrong one")).status_code == 403
    assert (await nurse.get("/api/me")).status_code == 200
    assert (await check(running.visitor(), str(uuid4()))).status_code == 401
    for _ in range(10):
        last = await check(nurse, str(uuid4()), password="wrong one")
    assert last.status_code == 429 and "Too many wrong passwords" in last.json()["refused"]


async def test_a_minute_later_it_is_too_late(
    running: Running, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, session = await running.signed_in("nurse"), str(uuid4())
    monkeypatch.setattr(sign_ins, "DOSE_CHECK_FOR", timedelta(seconds=1))
    secret = (await check(nurse, session)).json()["token"]
    await asyncio.sleep(1.1)
    late = await give(nurse, session, check_token=secret)
    assert (late.status_code, "older than a minute" in late.json()["refused"]) == (409, True)


@pytest.mark.parametrize(
    "change, field",
    [({"dose": None}, "dose"), ({"dose": DOSE | {"milligrams": -1}}, "dose.milligrams"),
     ({"session_id": "two"}, "session_id"), ({"username": 1}, "username")],
)  # fmt: skip
async def test_a_field_that_is_wrong_is_named(running: Running, change: dict[str, Any], field: str) -> None:
    nurse = await running.signed_in("nurse")
    reply = await check(nurse, str(uuid4()), **change)
    assert reply.status_code == 422
    assert reply.json()["invalid"][0]["field"] == field
