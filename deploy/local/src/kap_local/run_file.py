"""`run.json`: where everything answers while `kap up` runs."""

import json
from pathlib import Path
from typing import Any

from kap_local.data_folder import alive, write_secret
from kap_local.failure import Failure


def path(folder: Path) -> Path:
    return folder / "run.json"


def write(folder: Path, run: dict[str, Any]) -> None:
    write_secret(path(folder), json.dumps(run, indent=2) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """What runs on this data folder."""
    try:
        run: dict[str, Any] = json.loads(path(folder).read_text())
    except FileNotFoundError:
        raise Failure(f"KAP does not run on {folder}: start it with `kap up --data {folder}`.") from None
    if not alive(str(run.get("supervisor"))):
        raise Failure(f"KAP ended without a clean stop on {folder}: start it again with `kap up`.")
    return run


def remove(folder: Path) -> None:
    path(folder).unlink(missing_ok=True)
