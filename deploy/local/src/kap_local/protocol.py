"""`kap protocol`: check a clinic's protocol file, show one as a page to read and sign, adopt it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from kap import protocol as protocols
from kap import settings

from kap_local import protocol_page, run_file
from kap_local.clinic_client import Staff, login
from kap_local.failure import Failure

Action = Literal["list", "check", "show", "adopt"]


def of_clinic() -> list[protocols.Kept]:
    try:
        return protocols.of_clinic(settings.folder("KAP_PROTOCOLS"))
    except (settings.SettingError, protocols.ProtocolError) as error:
        raise Failure(str(error)) from error


def found(which: str) -> Path | Traversable:
    """A file, or by its name a protocol of the clinic's folder or of those that come with KAP."""
    path = Path(which)
    if path.is_file() or path.suffix:
        return path
    kept = of_clinic()
    for one in kept:
        if one.protocol.name == which:
            return one.file
    names = ", ".join(one.protocol.name for one in kept)
    raise Failure(f"There is no file {which}, and no protocol of that name: {names}.")


def protocol(
    action: Annotated[Action, typer.Argument(metavar="list|check|show|adopt", help="What to do with it.")],
    which: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A protocol by its name, or a YAML file.")
    ] = "",
    html: Annotated[
        Path | None, typer.Option("--html", help="show: write a page to print and sign to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="list, check: print JSON.")] = False,
    data: Annotated[Path, typer.Option(help="The data folder of the running KAP.")] = Path("data"),
    http: Annotated[str | None, typer.Option(help="The address of KAP, instead of --data.")] = None,
    username: Annotated[
        str | None,
        typer.Option(help="adopt: a prescriber's, who thereby signs it off; show: says who signed it off."),
    ] = None,
) -> None:
    """Check a protocol file, show a protocol with every number and its source, or adopt it.

    check names file, line, field and what it should be, and ends with exit code 1 when something is wrong.
    A clinic keeps its own in the folder that KAP_PROTOCOLS names: one with the name of a default counts in
    its place.
    """
    if action == "list":
        return _list(as_json)
    if not which:
        raise Failure(f"kap protocol {action} needs the name of a protocol, or a file.")
    file = found(which)
    try:
        read = protocols.load(file)
    except protocols.ProtocolError as error:
        if as_json:
            print(json.dumps({"valid": False, "problems": str(error).splitlines()}, ensure_ascii=False))
            raise typer.Exit(1) from error
        raise Failure("\n".join(str(error).splitlines())) from error
    if action == "adopt":
        return _adopt(read, http or run_file.read(data)["http"], login(username))
    page = protocol_page.page(read, protocols.text_of(file))
    if action == "show" and username is not None:
        address = http or run_file.read(data)["http"]
        page = replace(page, signed_off=_signed_off(read, address, login(username)))
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


def _list(as_json: bool) -> None:
    rows = [
        {
            "name": one.protocol.name,
            "version": one.protocol.version,
            "route": one.protocol.route,
            "from": str(one.file) if one.own else "KAP",
            "digest": one.protocol.digest(),
        }
        for one in of_clinic()
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        source = "comes with KAP" if row["from"] == "KAP" else f"the clinic's own: {row['from']}"
        print(f"{row['name']} version {row['version']}, route {row['route']}: {source}")


def _adopt(read: protocols.Protocol, address: str, login: tuple[str, str]) -> None:
    said = {"protocol": read.name, "version": read.version, "content": read.content()}

    async def send(staff: Staff) -> dict[str, Any]:
        return await staff.send("intake", "AdoptProtocol", datetime.now(UTC), **said)

    recorded = asyncio.run(_as(address, login, send))["recorded"]
    what = f"{read.name} version {read.version}"
    print(f"{what} is adopted: sessions opened from now on use it." if recorded else f"{what} is in use.")


def _signed_off(read: protocols.Protocol, address: str, login: tuple[str, str]) -> str:
    """Who signed this very content off, as the running KAP says."""

    async def ask(staff: Staff) -> Any:
        return await staff.get("/api/clinic")

    for adopted in asyncio.run(_as(address, login, ask))["protocols"]:
        if (adopted["name"], adopted["digest"]) == (read.name, read.digest()):
            when = adopted["adopted_at"][:10]
            by = adopted["signed_off_by_name"]
            return f"In use since {when}; " + (f"signed off by {by}." if by else "nobody has signed it off.")
    return "This version is not in use."


async def _as(address: str, login: tuple[str, str], act: Callable[[Staff], Awaitable[Any]]) -> Any:
    staff = Staff(address)
    try:
        await staff.sign_in(*login)
        return await act(staff)
    finally:
        await staff.close()
