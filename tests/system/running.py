"""A running `kap up`, seen from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

UP = (sys.executable, str(Path(__file__).with_name("stand_in_up.py")), "up")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def eventually(true: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def belonging(folder: Path) -> set[int]:
    """Every process that has the folder in its command line or environment."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                told = (
                    Path(f"/proc/{entry}/cmdline").read_bytes() + Path(f"/proc/{entry}/environ").read_bytes()
                )
            except OSError:
                continue
            if os.fsencode(folder) in told:
                found.add(int(entry))
    return found


class Up:
    """A running stand-in of kap up."""

    def __init__(self, data: Path, command: Sequence[str]) -> None:
        self.data = data
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self) -> dict[str, Any]:
        """What its run.json says; nothing while there is none of its own."""
        try:
            found: dict[str, Any] = json.loads((self.data / "run.json").read_text())
        except FileNotFoundError:
            return {}
        return found if found["supervisor"] == self.process.pid else {}

    def ready(self) -> "Up":
        eventually(lambda: self.run() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, f"it ended: {self.said()}"
        return self

    def said(self) -> str:
        return self.process.communicate(timeout=30)[0]
