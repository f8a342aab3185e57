"""The streams are what deploy/streams.py says, and each user may do its own work and no more."""

from typing import Any

import pytest
from kap_local import deploy_files
from nats.aio.client import Client

streams = deploy_files.streams()


async def config(client: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await streams.request(client, f"STREAM.INFO.{name}"))["config"]
    return found


@pytest.mark.parametrize("wanted", streams.STREAMS, ids=lambda wanted: wanted["name"])
async def test_the_server_has_what_is_declared(client: Client, wanted: dict[str, Any]) -> None:
    there = await config(client, wanted["name"])
    assert {name: there.get(name, False) for name in wanted} == dict(wanted)


async def test_declaring_again_changes_nothing(client: Client) -> None:
    before = [await config(client, wanted["name"]) for wanted in streams.STREAMS]
    assert set((await streams.declare(client)).values()) == {"as declared"}
    assert [await config(client, wanted["name"]) for wanted in streams.STREAMS] == before
