"""`kap bench`: starts servers of its own, measures hop by hop, prints a table or JSON."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import nats
import typer
import uvloop
from kap.log import JetStreamLog
from projections.read_models import MODELS
from projections.rebuild import rebuild
from rich.console import Console

from kap_local.bench import hops, peer, raw, saves
from kap_local.bench.table import goals, goals_table, table
from kap_local.failure import Failure

RATES = (500, 2000, 10_000)
VIEWERS = (100, 500)
START_S = 120

console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    console.print(text, markup=False)


@contextmanager
def running(folder: Path) -> Iterator[dict[str, Any]]:
    """A `kap up` of the bench's own, on free ports."""
    ports = [f"--{name}-port=0" for name in ("http", "feed", "mllp", "nats")]
    command = [sys.executable, "-m", "kap_local.cli", "up", "--data", str(folder), *ports]
    with open(folder.parent / "up.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + START_S
        while not (folder / "run.json").exists():
            if process.poll() is not None or time.monotonic() > end:
                raise Failure(f"KAP did not start: {(folder.parent / 'up.log').read_text()[-600:]}")
            time.sleep(0.1)
        run: dict[str, Any] = json.loads((folder / "run.json").read_text())
        yield run
    finally:
        process.terminate()
        process.wait(30)


async def measure(run: dict[str, Any], seconds: float) -> dict[str, Any]:
    result: dict[str, Any] = {"e2e_ms": {}, "feed_per_s": {}, "frames_per_s": {}, "raw": {"feed": {}}}
    clinic = await hops.admit(run, say)
    try:
        say("commands")
        async with hops.on_the_ward(clinic, 2 * seconds):
            _, result["command_ms"] = await hops.commands(clinic, seconds, 1)
            result["commands_per_s"], _ = await hops.commands(clinic, seconds, 32)
        for rate in RATES:
            say(f"end to end at {rate} readings/s")
            result["e2e_ms"][str(rate)] = await hops.end_to_end(clinic, rate, seconds)
        say("ingest: as many as are taken")
        taken = await hops.ingest(clinic, seconds)
        result["ingest_per_s"], result["ingest_request_ms"] = taken.pop("per_s"), taken
        result["raw"]["ingest"] = await raw.ingest(clinic.nats, seconds)
        for viewers in VIEWERS:
            say(f"feed to {viewers} viewers")
            carried = await hops.deliveries(clinic, viewers, seconds)
            result["feed_per_s"][str(viewers)] = carried["readings"]
            result["frames_per_s"][str(viewers)] = carried["frames"]
            result["raw"]["feed"][str(viewers)] = await raw.feed(viewers, seconds)
        say("alarms")
        async with hops.on_the_ward(clinic, seconds):
            result["alarm_ms"] = await hops.alarms(clinic)
        say("read model rebuilt from the log")
        result["project_per_s"] = await project(run)
        result["raw"]["project"] = await raw.project(run["postgres"], seconds)
        result["memory_mb"] = hops.memory_mb(run)
    finally:
        await hops.close(clinic)
    say("saves, and the peer's")
    result |= await asyncio.to_thread(saves.measure, seconds)
    result["peer"] = await asyncio.to_thread(peer.measure, run["postgres"], seconds)
    return result


async def project(run: dict[str, Any]) -> float:
    """Readings a second from the log into Postgres, as `kap rebuild vitals` does it."""
    client = await nats.connect(run["nats"], inbox_prefix="_INBOX_operator")
    try:
        log = JetStreamLog(client, run["clinic"], "bench")
        rebuilt = await rebuild(log, run["postgres"], MODELS["vitals"])
    finally:
        await client.close()
    return rebuilt.events / rebuilt.seconds


def bench(
    seconds: Annotated[float, typer.Option(min=1, help="How long each hop is measured.")] = 8,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure KAP on this machine, beside the raw limit of each hop and a peer, in one run."""
    with tempfile.TemporaryDirectory(prefix="kap-bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        with running(data) as run:
            result = uvloop.run(measure(run, seconds))
    found = goals(result)
    if json_:
        print(json.dumps(result | {"goals": [goal.as_json() for goal in found]}, indent=2))
    else:
        Console().print(table(result), goals_table(found))
