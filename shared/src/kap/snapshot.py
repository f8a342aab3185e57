"""A state on disk, so that a restart does not read the log from its start. Losing it costs only time."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


def save(path: Path, kind: TypeAdapter[T], state: T) -> None:
    """Replaces the file whole, or not at all."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(kind.dump_json(state))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path | None, kind: TypeAdapter[T]) -> T | None:
    """None when there is none, or when another version wrote it: then the log is read from its start."""
    if path is None or not path.is_file():
        return None
    try:
        return kind.validate_json(path.read_bytes())
    except ValidationError:
        return None
