"""`kap demo`: everything, with six patients in their rooms and two who have gone home."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kap_local.data_folder import write_secret
from kap_local.simulate import USERS, play_demo
from kap_local.supervisor import Process
from kap_local.up import Options, say, serve


def demo(
    data: Annotated[
        Path | None, typer.Option(help="Keep the data here; without it they go when the demo ends.")
    ] = None,
    http_port: Annotated[int, typer.Option(help="The page and the HTTP API; 0 = any free port.")] = 8080,
    feed_port: Annotated[int, typer.Option(help="The live feed; 0 = any free port.")] = 8081,
    mllp_port: Annotated[int, typer.Option(help="HL7 from bedside monitors; 0 = any free port.")] = 2575,
    nats_port: Annotated[int, typer.Option(help="The embedded NATS; 0 = any free port.")] = 4222,
    seed: Annotated[int, typer.Option(help="The same seed gives the same patients.")] = 7,
) -> None:
    """Start everything with simulated patients; open the address it prints. Ctrl-C ends it."""
    with tempfile.TemporaryDirectory(prefix="kap-demo-", ignore_cleanup_errors=True) as temporary:
        folder = (data or Path(temporary)).resolve()

        def patients(run: dict[str, Any]) -> Sequence[Process]:
            if "users" in run:
                write_secret(folder / USERS, json.dumps(run["users"]))
            else:
                say(f"The sign-ins of this data folder stand in {folder / USERS}")
            command = [sys.executable, "-m", "kap_local.demo", str(folder), str(seed)]
            return [Process("patients", command, up, os.environ, end=signal.SIGTERM)]

        async def up() -> bool:
            return True

        options = Options(folder, http_port, feed_port, mllp_port, nats_port)
        asyncio.run(serve(options, then=patients))


if __name__ == "__main__":
    play_demo(Path(sys.argv[1]), int(sys.argv[2]))
