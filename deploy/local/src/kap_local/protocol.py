"""`kap protocol`: check a clinic's protocol file, and show one as a page to read and sign."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import typer
from kap import protocol as protocols

from kap_local import protocol_page
from kap_local.failure import Failure

Action = Literal["check", "show"]


def found(which: str) -> Path | Traversable:
    """A file, or one of the protocols that come with KAP by its name."""
    path = Path(which)
    if path.exists() or path.suffix:
        return path
    for default in protocols.defaults():
        if default.name == which:
            return files("kap") / "protocols" / f"{which}.yaml"
    names = ", ".join(default.name for default in protocols.defaults())
    raise Failure(f"There is no file {which}, and no protocol of that name comes with KAP: {names}.")


def protocol(
    action: Annotated[Action, typer.Argument(metavar="check|show", help="What to do with it.")],
    which: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A protocol of KAP's, or a YAML file.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="show: write a page to print and sign to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="check: print one JSON object.")] = False,
) -> None:
    """Check a protocol file, or show a protocol with every number and its source.

    check names file, line, field and what it should be, and ends with exit code 1 when something is wrong.
    """
    file = found(which)
    try:
        read = protocols.load(file)
    except protocols.ProtocolError as error:
        if as_json:
            print(json.dumps({"valid": False, "problems": str(error).splitlines()}, ensure_ascii=False))
            raise typer.Exit(1) from error
        raise Failure("\n".join(str(error).splitlines())) from error
    page = protocol_page.page(read, protocols.text_of(file))
    if action == "check":
        _say(read, protocol_page.unsourced(page), as_json)
    elif html is None:
        print(protocol_page.markdown(page))
    else:
        try:
            html.write_text(protocol_page.html(page), encoding="utf-8")
        except OSError as error:
            raise Failure(f"{html} cannot be written: {error.strerror}.") from error
        print(f"Written to {html}.")


def _say(read: protocols.Protocol, bare: list[protocol_page.Row], as_json: bool) -> None:
    """What was found; a number without a source is shown, not refused: a clinic may have its reasons."""
    warnings = [f"line {row.line}: {row.name} has no source beside it" for row in bare]
    if as_json:
        facts = {"name": read.name, "version": read.version, "digest": read.digest()}
        print(json.dumps({"valid": True, **facts, "warnings": warnings}, ensure_ascii=False))
        return
    print(f"{read.name} version {read.version} is a protocol of the route {read.route}.")
    print(f"digest {read.digest()}")
    for warning in warnings:
        print(f"note: {warning}")
