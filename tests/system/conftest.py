"""Running `kap up`s, all gone after the test."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.running import UP, Up, belonging, eventually


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(**options: Any) -> Up:
        data = tmp_path / "data"
        started.append(Up(data, [*UP, str(data), json.dumps(options)]))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()
    eventually(lambda: not belonging(tmp_path))
