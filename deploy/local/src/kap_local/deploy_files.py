"""The files of `deploy/` that production uses too, loaded from where they stand: there is one of each."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

from kap_local.failure import Failure

DEPLOY = Path(__file__).resolve().parents[3]


@cache
def load(name: str) -> Any:
    """`streams.py` or `nats/permissions.py` as a module."""
    path = DEPLOY / name
    spec = importlib.util.spec_from_file_location(f"deploy.{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise Failure(f"{path} is missing: the kap command runs from a checkout of the repository.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def streams() -> Any:
    return load("streams.py")


def permissions() -> Any:
    return load("nats/permissions.py")
