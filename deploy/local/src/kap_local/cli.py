"""The `kap` command. A command's module is loaded when the command is used, so that each starts quickly."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from kap import settings
from typer.core import TyperGroup

from kap_local.failure import Failure

# One line a command: its name, the module, the function (whose docstring and options are the help).
COMMANDS = {
    "up": "kap_local.up:up",
    "demo": "kap_local.demo:demo",
    "simulate": "kap_local.simulate:simulate",
    "bench": "kap_local.bench.command:bench",
    "tail": "kap_local.tail:tail",
    "rebuild": "kap_local.rebuild:rebuild_command",
    "protocol": "kap_local.protocol:protocol",
    "score": "kap_local.score:score",
    "forget": "kap_local.forget:forget",
    "alarms": "kap_local.alarms:alarms",
}


class Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        module, _, function = COMMANDS[name].partition(":")
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        one.command(name)(getattr(importlib.import_module(module), function))
        return typer.main.get_command(one)


kap = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@kap.callback()
def _() -> None:
    """KAP watches over ketamine-assisted psychotherapy."""
    try:
        settings.check_names()
    except settings.SettingError as error:
        raise Failure(str(error)) from None


def failing_in_a_sentence(run: Callable[[], object]) -> None:
    """Errors are one sentence; KAP_TRACE=1 shows where an unexpected one comes from."""
    try:
        run()
    except Failure as error:
        print(f"kap: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("KAP_TRACE"):
            raise
        print(f"kap: unexpected {type(error).__name__}: {error} (KAP_TRACE=1 shows where)", file=sys.stderr)
        sys.exit(70)


def main() -> None:
    failing_in_a_sentence(kap)


if __name__ == "__main__":
    main()
