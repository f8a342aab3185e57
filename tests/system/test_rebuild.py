"""`kap rebuild`, as someone at the command line runs it."""

import asyncio
import json
import subprocess
import sys

from kap.log import JetStreamLog
from nats.aio.client import Client

from tests.projections.history import SESSION, kept, reaches
from tests.projections.live import opened, reading


def kap(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "kap_local.cli", *arguments], capture_output=True, text=True, timeout=60
    )


async def test_every_read_model_can_be_rebuilt_and_is_the_same(
    client: Client, nats_url: str, database: str
) -> None:
    log = JetStreamLog(client, "main", "operator")
    await log.append(f"session.{SESSION}", [opened(SESSION)], 0)
    await log.record([reading(SESSION, n) for n in range(1200)], after=1)
    async with kept(log, database) as keepers:
        for keeper in keepers:
            await reaches(keeper, 1200 if keeper.model.kind == "vitals" else 0)
        place = ("--nats-url", nats_url, "--database-url", database)
        done = await asyncio.to_thread(kap, "rebuild", "all", "--compare", "--json", *place)
        assert done.returncode == 0, done.stderr
        results = {result["name"]: result for result in json.loads(done.stdout)}
        assert len(results) == 6
        assert {result["differences"] for result in results.values()} == {0}
        assert (results["vitals-2"]["events"], results["vitals-2"]["position"]) == (1200, 1200)

        shown = await asyncio.to_thread(kap, "rebuild", "vitals", *place)
        assert "vitals-2: 1,200 events, 1,200 rows" in shown.stdout


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    done = kap("rebuild", "nothing")
    assert done.returncode == 1
    assert "it is one of sessions, timeline, vitals, courses, care_plans, alarms, or all" in done.stderr
