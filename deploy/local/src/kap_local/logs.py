"""The logs of what we started: bounded files, and their warnings on the console."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

BOUND = 20 * 1024 * 1024  # bytes a file; one older file is kept
LINES = 10  # shown at most a look, so that a storm does not bury the console
WORTH_SHOWING = re.compile(r"\[(WRN|ERR|FTL)\]|\b(WARNING|ERROR|FATAL|PANIC|CRITICAL):")
NOTICE = "notice"  # the level of what is said to whoever looks at the console
WORTH_READING = {NOTICE, "warning", "warn", "error", "critical", "fatal"}


def shown(line: str) -> str | None:
    """What the console shows of a line: its message when it is a notice, warns or worse."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line if WORTH_SHOWING.search(line) else None
    if not isinstance(entry, dict) or str(entry.get("level")).lower() not in WORTH_READING:
        return None
    return str(entry.get("message") or entry.get("event") or line)


class Log:
    """One process's file; the process appends to it, so we may cut it at any time."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.skip()

    def skip(self) -> None:
        """What was said up to now is not shown: the refusals of a start are part of it."""
        self.read_to = self.file.stat().st_size if self.file.exists() else 0

    def warnings(self) -> list[str]:
        """New lines worth showing since the last look."""
        if not self.file.exists():
            return []
        with open(self.file, "rb") as log:
            log.seek(self.read_to)
            new = log.read(1024 * 1024)
        whole = new.rpartition(b"\n")[0]
        self.read_to += len(whole) + 1 if whole else (len(new) if len(new) == 1024 * 1024 else 0)
        return [text for line in whole.decode(errors="replace").splitlines() if (text := shown(line))]

    def rotate(self) -> None:
        """Copy and cut: what is written in between is lost, which a log at its bound may do."""
        if self.file.exists() and self.file.stat().st_size > BOUND:
            shutil.copyfile(self.file, self.file.with_suffix(".log.1"))
            os.truncate(self.file, 0)
            self.read_to = 0

    def last_line(self) -> str:
        """Why it ended, as far as it said so."""
        if not self.file.exists():
            return ""
        with open(self.file, "rb") as log:
            log.seek(max(0, self.file.stat().st_size - 8192))
            lines = log.read().decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else ""
        return shown(last) or last


def tell(logs: dict[str, Log], say: Callable[[str], None]) -> None:
    for name, log in logs.items():
        warnings = log.warnings()
        for text in warnings[:LINES]:
            say(f"{name}: {text[:500]}")
        if len(warnings) > LINES:
            say(f"{name}: {len(warnings) - LINES} more warnings in {log.file}")
        log.rotate()
