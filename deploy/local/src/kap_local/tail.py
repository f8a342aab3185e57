"""`kap tail`: what is being recorded, as any subscriber outside sees it."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

import nats
import typer
from nats.aio.msg import Msg

from kap_local import run_file
from kap_local.failure import Failure

RECORDED = ("kap.live.events.>", "kap.live.vitals.>")
SHOWN = 160  # characters of the body a line


def entry(message: Msg) -> dict[str, Any]:
    headers = message.headers or {}
    try:
        data: Any = json.loads(message.data)
    except ValueError:
        data = message.data.decode(errors="replace")
    return {
        "subject": message.subject,
        "sequence": int(headers["Nats-Sequence"]) if "Nats-Sequence" in headers else None,
        "type": headers.get("ce-type"),
        "time": unquote(headers["ce-time"]) if "ce-time" in headers else None,
        "data": data,
    }


def line(one: dict[str, Any]) -> str:
    data = one["data"]
    what = data.get("type") if isinstance(data, dict) else None
    body = json.dumps(
        {k: v for k, v in data.items() if k not in ("type", "id")} if isinstance(data, dict) else data,
        ensure_ascii=False,
    )
    body = body if len(body) <= SHOWN else body[: SHOWN - 1] + "…"
    return (
        f"{one['sequence'] or '–':>8}  {(one['time'] or '')[11:23]:<12}  {what or one['subject']:<22}  {body}"
    )


async def follow(url: str, subjects: Sequence[str], as_json: bool) -> None:
    async def failed(error: Exception) -> None:
        print(f"kap: {error}", file=sys.stderr)

    client = await nats.connect(url, max_reconnect_attempts=-1, error_cb=failed)

    async def show(message: Msg) -> None:
        one = entry(message)
        print(json.dumps(one, ensure_ascii=False) if as_json else line(one), flush=True)

    for subject in subjects:
        await client.subscribe(subject, cb=show)
    await asyncio.Event().wait()


def tail(
    data: Annotated[Path, typer.Option(help="The data folder of the running KAP.")] = Path("data"),
    nats_url: Annotated[str | None, typer.Option(help="Listen to this NATS instead.")] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(help="What to listen to, within kap.live.; facts and readings if not said."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print events and readings as they are recorded, until Ctrl-C."""
    url = nats_url or run_file.read(data)["subscriber"]
    for one in subject or ():
        if not one.startswith("kap.live."):
            raise Failure(f"--subject {one} is not within kap.live.: only what was recorded can be heard.")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow(url, subject or RECORDED, as_json))
