"""`kap rebuild`: a read model made anew from the log, beside the one in use, which it then replaces."""

import asyncio
import gc
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import nats
import typer
from kap import service, settings
from kap.decider import Unavailable
from kap.log import JetStreamLog
from nats.errors import Error as NatsError
from projections.read_model import CannotApply, ReadModel, away
from projections.read_models import MODELS
from projections.rebuild import CannotRebuild, Rebuilt, rebuild
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kap_local import run_file
from kap_local.failure import Failure

NAMES = ", ".join(MODELS)


async def run(nats_url: str, database_url: str, models: list[ReadModel], compare: bool) -> list[Rebuilt]:
    # Readings hold no cycles: looking for some took a third of the time
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        client = await nats.connect(nats_url, **service.nats_options("operator"))
    except (OSError, NatsError) as error:
        raise Failure(f"NATS does not answer: {error}") from None
    log = JetStreamLog(client, settings.clinic(), "rebuild")
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    results = []
    try:
        with Progress(*columns, console=Console(stderr=True)) as shown:
            for model in models:
                results.append(await one(log, database_url, model, compare, shown))
    finally:
        await client.close()
    return results


async def one(
    log: JetStreamLog, database_url: str, model: ReadModel, compare: bool, shown: Progress
) -> Rebuilt:
    task = shown.add_task(model.name, total=None, rate="")

    def progress(done: int, total: int) -> None:
        elapsed = shown.tasks[task].elapsed or 0
        rate = f"{done / elapsed:,.0f}/s" if elapsed > 0.1 else ""
        shown.update(task, completed=done, total=total, rate=rate)

    try:
        return await rebuild(log, database_url, model, compare=compare, progress=progress)
    except (CannotRebuild, CannotApply, Unavailable) as error:
        raise Failure(str(error)) from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if away(error):
            raise Failure(f"Postgres does not answer: {error or type(error).__name__}") from None
        raise


def report(result: Rebuilt) -> dict[str, Any]:
    rate = round(result.events / result.seconds) if result.seconds else 0
    return asdict(result) | {"seconds": round(result.seconds, 3), "events_per_s": rate}


def line(result: Rebuilt) -> str:
    one = report(result)
    text = f"{result.name}: {result.events:,} events, {result.rows:,} rows in {result.seconds:.1f} s"
    if result.differences is not None:
        text += f"; {result.differences:,} rows differed from the one before"
    return f"{text} ({one['events_per_s']:,} events/s), up to {result.position}"


def rebuild_command(
    name: Annotated[str, typer.Argument(help=f"{NAMES}, or all.")],
    data: Annotated[Path, typer.Option(help="The data folder of the running KAP.")] = Path("data"),
    nats_url: Annotated[str | None, typer.Option(help="Read this NATS instead, as its operator.")] = None,
    database_url: Annotated[str | None, typer.Option(help="Write to this Postgres instead.")] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Count the rows that differ from the one in use; exit 1 if any.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array of the results.")] = False,
) -> None:
    """Rebuild a read model from the first event while the one in use goes on; then take its place."""
    if name != "all" and name not in MODELS:
        raise Failure(f"There is no read model {name!r}: it is one of {NAMES}, or all.")
    if nats_url is None or database_url is None:
        there = run_file.read(data)
        nats_url, database_url = nats_url or there["nats"], database_url or there["postgres"]
    models = list(MODELS.values()) if name == "all" else [MODELS[name]]
    results = asyncio.run(run(str(nats_url), str(database_url), models, compare))
    if as_json:
        typer.echo(json.dumps([report(result) for result in results], indent=2))
    else:
        for result in results:
            typer.echo(line(result))
    if any(result.differences for result in results):
        raise typer.Exit(1)
