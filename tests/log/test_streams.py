"""The streams are what deploy/streams.py says, and declaring them again harms nothing."""

import os
import subprocess
import sys
from typing import Any

import pytest
from kap_local import deploy_files
from nats.aio.client import Client

streams = deploy_files.streams()
SCRIPT = deploy_files.DEPLOY / "streams.py"


async def config(client: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await streams.request(client, f"STREAM.INFO.{name}"))["config"]
    return found


@pytest.mark.parametrize("wanted", streams.STREAMS, ids=lambda wanted: wanted["name"])
async def test_the_server_has_what_is_declared(client: Client, wanted: dict[str, Any]) -> None:
    there = await config(client, wanted["name"])
    assert {name: there.get(name, False) for name in wanted} == dict(wanted)


async def test_the_log_keeps_everything(client: Client) -> None:
    for name in ("EVENTS", "VITALS"):
        there = await config(client, name)
        assert (there["storage"], there["discard"], there["max_age"]) == ("file", "new", 0)
        assert (there["max_bytes"], there["max_msgs"], there["max_msgs_per_subject"]) == (-1, -1, -1)
        assert (
            there["deny_delete"] and there["deny_purge"] and there["allow_atomic"] and there["allow_direct"]
        )
        assert there["republish"] == {
            "src": f"kap.{name.lower()}.>",
            "dest": f"kap.live.{name.lower()}.>",
        }
        assert "persist_mode" not in there or there["persist_mode"] == "default"


async def test_declaring_again_changes_nothing(client: Client) -> None:
    before = [await config(client, wanted["name"]) for wanted in streams.STREAMS]
    assert set((await streams.declare(client)).values()) == {"as declared"}
    assert [await config(client, wanted["name"]) for wanted in streams.STREAMS] == before


async def test_what_was_recorded_outlives_a_declaration(client: Client) -> None:
    await client.request("kap.events.main.session.1.x", b"{}")
    await streams.declare(client)
    assert (await streams.request(client, "STREAM.INFO.EVENTS"))["state"]["messages"] == 1


async def test_a_difference_is_brought_up_to_date_and_the_rest_left(client: Client) -> None:
    there = await config(client, "EVENTS")
    await streams.request(
        client, "STREAM.UPDATE.EVENTS", there | {"description": "old", "metadata": {"by": "us"}}
    )
    assert (await streams.declare(client))["EVENTS"] == "changed description"
    after = await config(client, "EVENTS")
    assert after["description"] == there["description"]
    assert after["metadata"]["by"] == "us"


@pytest.mark.parametrize(
    ("there", "reason"),
    (
        ({"max_bytes": 64 * 1024 * 1024}, "shrink"),
        ({"max_bytes": -1}, "shrink"),
        ({"max_msg_size": 1024 * 1024}, "shrink"),
        ({"deny_delete": True}, "cannot be changed"),
        ({"storage": "memory"}, "cannot be changed"),
        ({"num_replicas": 3}, "replicas"),
    ),
)
def test_nothing_is_made_smaller(there: dict[str, Any], reason: str) -> None:
    wanted = next(one for one in streams.STREAMS if one["name"] == "KV_LOGINS") | {"num_replicas": 1}
    with pytest.raises(streams.Differs, match=reason):
        streams.changes({**wanted, **there}, wanted)


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAP_")}
    return subprocess.run(
        [sys.executable, SCRIPT], env=environment | settings, capture_output=True, text=True, timeout=60
    )


def test_it_runs_by_itself(nats_url: str) -> None:
    done = run(KAP_NATS_URL=nats_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "EVENTS: as declared" in done.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    (
        ({}, "KAP_NATS_URL is not set"),
        ({"KAP_NATS_URL": "nats://127.0.0.1:1"}, "does not answer at KAP_NATS_URL"),
        ({"KAP_NATS_URL": "nats://127.0.0.1:1", "KAP_REPLICAS": "2"}, "KAP_REPLICAS is '2'"),
    ),
)
def test_a_wrong_setting_is_named(settings: dict[str, str], said: str) -> None:
    done = run(**settings)
    assert done.returncode in (1, 2)
    assert said in done.stderr and "Traceback" not in done.stderr
