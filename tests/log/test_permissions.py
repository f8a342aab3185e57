"""Each user of NATS may do its own work under its own name, and nothing else."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import pytest
from kap_local import deploy_files, nats_server
from kap_local.nats_server import NatsServer
from kap_local.testing import sent
from nats.aio.client import Client
from nats.aio.msg import Msg

permissions = deploy_files.permissions()

SERVICES = ("intake", "session-monitor", "integration", "gateway", "read-models")
OUTSIDE = ("subscriber", "device-gateway")
FACTS = {
    "intake": ("kap.events.main.patient.1.x", "kap.events.main.clinic.1.x", "kap.events.main.course.1.x"),
    "session-monitor": ("kap.events.main.session.1.x", "kap.vitals.main.1"),
    "integration": ("kap.events.main.care_plan.1.x", "kap.events.main.task.1.x"),
    "gateway": (),
    "read-models": (),
    "subscriber": (),
    "device-gateway": (),
}


class User:
    """A connection under one user's credentials, and what the server forbade it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.forbidden: list[str] = []
        self.client: Client

    async def connect(self, server: NatsServer, inbox: str | None = None) -> "User":
        async def heard(error: Exception) -> None:
            self.forbidden.append(str(error).lower())

        self.client = await nats.connect(
            server.url(self.name), error_cb=heard, inbox_prefix=inbox or f"_INBOX_{self.name}"
        )
        return self

    async def _allowed(self) -> bool:
        await sent(self.client)  # the refusal comes before the answer
        forbidden, self.forbidden[:] = list(self.forbidden), []
        return not any("permissions violation" in why for why in forbidden)

    async def may_publish(self, subject: str) -> bool:
        await self.client.publish(subject, b"{}")
        return await self._allowed()

    async def may_subscribe(self, subject: str) -> bool:
        subscription = await self.client.subscribe(subject)
        allowed = await self._allowed()
        if allowed:
            await subscription.unsubscribe()
        return allowed

    async def api(self, call: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        reply = await self.client.request(f"$JS.API.{call}", json.dumps(body).encode() if body else b"")
        answer: dict[str, Any] = json.loads(reply.data)
        return answer


@pytest.fixture
async def users(nats_url: str, nats_server: NatsServer) -> AsyncIterator[dict[str, User]]:
    everyone = {name: await User(name).connect(nats_server) for name in permissions.USERS}
    yield everyone
    for user in everyone.values():
        await user.client.close()


async def test_each_records_its_own_aggregates_and_no_others(users: dict[str, User]) -> None:
    for name, own in FACTS.items():
        for owner, subjects in FACTS.items():
            for subject in subjects:
                assert await users[name].may_publish(subject) == (owner == name), f"{name}: {subject}"
        if own:
            foreign = own[0].replace(".main.", ".elsewhere.")
            assert not await users[name].may_publish(foreign), f"{name}: another clinic"


FOLLOWERS = [(user, name) for user, names in permissions.FOLLOWERS.items() for name in names]


@pytest.mark.parametrize("user", permissions.FOLLOWERS)
async def test_each_follower_works_under_its_own_user(users: dict[str, User], user: str) -> None:
    for follower in permissions.FOLLOWERS[user]:
        await works(users, user, follower)


async def works(users: dict[str, User], user: str, follower: str) -> None:
    stream, subject, filtered = (
        ("VITALS", "kap.vitals.main.1", "kap.vitals.>")
        if "vitals" in follower
        else ("EVENTS", "kap.events.main.session.1.x", "kap.events.*.session.>")
    )
    await users["session-monitor"].client.request(subject, b"{}")
    me = users[user]
    config = {"name": follower, "ack_policy": "none", "mem_storage": True, "inactive_threshold": 60 * 10**9}
    made = await me.api(
        f"CONSUMER.CREATE.{stream}.{follower}.{filtered}",
        {"stream_name": stream, "config": config | {"filter_subject": filtered}, "action": "create"},
    )
    assert made.get("name") == follower
    inbox = me.client.new_inbox()
    arriving = await me.client.subscribe(inbox)
    await me.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{follower}", b'{"batch": 1}', reply=inbox)
    message = await arriving.next_msg(timeout=2)
    assert (message.subject, message.data) == (subject, b"{}")
    assert (await me.api(f"CONSUMER.INFO.{stream}.{follower}"))["name"] == follower
    assert (await me.api(f"CONSUMER.DELETE.{stream}.{follower}"))["success"]
    assert me.forbidden == []


@pytest.mark.parametrize("name", SERVICES)
async def test_a_service_reads_the_log_and_follows_under_no_other_name(
    users: dict[str, User], name: str
) -> None:
    me = users[name]
    for stream in ("EVENTS", "VITALS"):
        assert (await me.api(f"STREAM.INFO.{stream}"))["config"]["name"] == stream
        missing = await me.client.request(f"$JS.API.DIRECT.GET.{stream}", b'{"seq": 1}')
        assert (missing.headers or {})["Status"] == "404"
        for other in ("somebody", *(follower for user, follower in FOLLOWERS if user != name)):
            assert not await me.may_publish(f"$JS.API.CONSUMER.CREATE.{stream}.{other}")
            assert not await me.may_publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{other}")
            assert not await me.may_publish(f"$JS.API.CONSUMER.DELETE.{stream}.{other}")
        assert not await me.may_publish(f"$JS.API.CONSUMER.CREATE.{stream}")
        assert not await me.may_publish(f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{name}")


@pytest.mark.parametrize("name", SERVICES + OUTSIDE)
async def test_nobody_deletes_or_rewrites_the_log(users: dict[str, User], name: str) -> None:
    for stream in ("EVENTS", "VITALS"):
        for call in ("STREAM.DELETE", "STREAM.PURGE", "STREAM.MSG.DELETE", "STREAM.UPDATE", "STREAM.RESTORE"):
            assert not await users[name].may_publish(f"$JS.API.{call}.{stream}"), call
    assert not await users[name].may_publish("$JS.API.STREAM.CREATE.MINE")


@pytest.mark.parametrize("name", permissions.USERS)
async def test_only_the_server_publishes_what_was_stored(users: dict[str, User], name: str) -> None:
    assert not await users[name].may_publish("kap.live.events.main.session.1.x")
    assert not await users[name].may_publish("kap.live.vitals.main.1")
    assert await users[name].may_publish("kap.live.devices.main") == (name in ("session-monitor", "operator"))


async def test_a_subscriber_hears_what_was_stored_and_can_do_nothing_else(users: dict[str, User]) -> None:
    outsider, monitor = users["subscriber"], users["session-monitor"].client
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    await outsider.client.subscribe("kap.live.>", cb=hear)
    await sent(outsider.client)
    subject = "kap.events.main.session.1.opened"
    conditional = {
        "Nats-Expected-Last-Subject-Sequence": "0",
        "Nats-Expected-Last-Subject-Sequence-Subject": "kap.events.main.session.1.*",
    }
    for body in (b"stored", b"refused"):
        await monitor.request(subject, body, headers=conditional)
    await monitor.request("kap.vitals.main.1", b"reading")
    await sent(outsider.client)
    await asyncio.sleep(0.1)
    assert [(message.subject, message.data) for message in heard] == [
        ("kap.live.events.main.session.1.opened", b"stored"),
        ("kap.live.vitals.main.1", b"reading"),
    ]
    assert heard[0].headers is not None and heard[0].headers["Nats-Sequence"] == "1"
    for subject in ("kap.events.>", "kap.vitals.>", "kap.commands.>", "_INBOX.>", "_INBOX_gateway.>", ">"):
        assert not await outsider.may_subscribe(subject), subject
    for subject in (
        "kap.events.main.session.1.x",
        "kap.ingest.main.vitals",
        "kap.commands.main.session",
        "$JS.API.CONSUMER.CREATE.EVENTS.mine",
        "$JS.API.STREAM.INFO.EVENTS",
        "$JS.API.DIRECT.GET.EVENTS",
        "$JS.API.INFO",
        "anything",
    ):
        assert not await outsider.may_publish(subject), subject


@pytest.mark.parametrize("inbox", ("_INBOX", "_INBOX_device-gateway"))
async def test_a_device_gateway_hands_in_readings_and_hears_the_answer(
    users: dict[str, User], nats_server: NatsServer, inbox: str
) -> None:
    async def answer(message: Msg) -> None:
        await message.respond(b"recorded")

    await users["session-monitor"].client.subscribe("kap.ingest.main.vitals", cb=answer)
    await sent(users["session-monitor"].client)
    device = await User("device-gateway").connect(nats_server, inbox)
    try:
        assert (await device.client.request("kap.ingest.main.vitals", b"{}")).data == b"recorded"
        assert not await device.may_publish("kap.commands.main.session")
        assert not await device.may_publish("$JS.API.STREAM.INFO.EVENTS")
        assert not await device.may_subscribe("kap.live.>")
        assert not await device.may_subscribe("kap.ingest.>")
    finally:
        await device.client.close()


@pytest.mark.parametrize(
    ("owner", "token"),
    (("intake", "intake"), ("session-monitor", "session"), ("integration", "integration")),
)
async def test_the_gateway_commands_and_each_owner_answers_once(
    users: dict[str, User], owner: str, token: str
) -> None:
    replied: list[str] = []

    async def answer(message: Msg) -> None:
        replied.append(message.reply)
        await message.respond(b"{}")

    await users[owner].client.subscribe(f"kap.commands.main.{token}", queue=owner, cb=answer)
    await sent(users[owner].client)
    assert (await users["gateway"].client.request(f"kap.commands.main.{token}", b"{}")).data == b"{}"
    assert not await users[owner].may_publish(replied[0])  # not twice
    assert not await users[owner].may_publish("_INBOX_gateway.guessed")
    for other in SERVICES:
        if other != owner:
            assert not await users[other].may_subscribe(f"kap.commands.main.{token}")
        if other != "gateway":
            assert not await users[other].may_publish(f"kap.commands.main.{token}")


@pytest.mark.parametrize("bucket", permissions.BUCKETS)
async def test_the_gateway_keeps_users_sign_ins_and_keys(users: dict[str, User], bucket: str) -> None:
    store = await users["gateway"].client.jetstream().key_value(bucket)
    key = uuid4().hex
    revision = await store.put(key, b"one")
    assert (await store.get(key)).value == b"one"
    await store.update(key, b"two", last=revision)
    assert await store.keys() == [key]
    last = (await store.get(key)).revision or 0
    erased = await users["gateway"].api(f"STREAM.MSG.DELETE.KV_{bucket}", {"seq": last, "no_erase": False})
    assert erased["success"]
    await store.put(key, b"three")
    await store.purge(key)
    assert users["gateway"].forbidden == []
    for name in (*SERVICES, *OUTSIDE):
        if name != "gateway":
            assert not await users[name].may_publish(f"$KV.{bucket}.{key}")
            assert not await users[name].may_publish(f"$JS.API.DIRECT.GET.KV_{bucket}.$KV.{bucket}.{key}")
            assert not await users[name].may_subscribe(f"$KV.{bucket}.>")


async def test_readings_are_stored_in_atomic_batches(users: dict[str, User]) -> None:
    client = users["session-monitor"].client
    batch = {"Nats-Batch-Id": uuid4().hex}
    await client.publish("kap.vitals.main.1", b"1", headers=batch | {"Nats-Batch-Sequence": "1"})
    last = batch | {"Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}
    reply = await client.request("kap.vitals.main.1", b"2", headers=last)
    assert json.loads(reply.data)["count"] == 2
    assert users["session-monitor"].forbidden == []


def test_the_configuration_for_production_is_one_that_the_server_accepts(tmp_path: Path) -> None:
    folder = deploy_files.DEPLOY / "nats"
    printed = subprocess.run([sys.executable, folder / "permissions.py"], capture_output=True, check=True)
    (tmp_path / "authorization.conf").write_bytes(printed.stdout)
    shutil.copy(folder / "nats-server.conf", tmp_path)
    secrets = {
        f"KAP_NATS_PASSWORD_{user.upper().replace('-', '_')}": f"secret-of-{user}"
        for user in permissions.USERS
    }
    checked = subprocess.run(
        [nats_server.binary(), "-t", "-c", tmp_path / "nats-server.conf"],
        env=secrets | {"KAP_SERVER_NAME": "kap-1", "KAP_ROUTES": "[nats://kap-2:6222, nats://kap-3:6222]"},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert b"secret" not in printed.stdout


def test_each_user_is_documented() -> None:
    told = (deploy_files.DEPLOY / "nats" / "README.md").read_text()
    assert [user for user in permissions.USERS if f"| `{user}`" not in told] == []
