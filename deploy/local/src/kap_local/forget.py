"""`kap forget`: erase a patient's key, so that name and free text are unreadable everywhere, for good."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import nats
import typer
from kap import service, settings
from kap.envelope import EVENTS
from kap.log import JetStreamLog
from nats.errors import Error as NatsError

from kap_local import run_file
from kap_local.clinic_client import Staff, login
from kap_local.failure import Failure

Ground = Literal["request", "retention_ended", "registered_in_error"]


def named(patient: str) -> str:
    """The id or number as records write it."""
    try:
        return str(UUID(patient))
    except ValueError:
        if re.fullmatch(r"[0-9]{4,8}", patient):
            return patient
    raise Failure(f"{patient!r} is neither a patient's id nor a number of 4 to 8 digits.")


async def on_record(url: str, patient: str) -> bool:
    """Whether any patient's record names this id or number. Asked before anybody signs in."""
    wanted = f'"{patient}"'.encode()
    try:
        client = await nats.connect(url, **service.nats_options("operator"))
    except (OSError, NatsError) as error:
        raise Failure(f"NATS does not answer: {error}") from None
    try:
        log = JetStreamLog(client, settings.clinic(), "forget")
        follower = log.follow(EVENTS, "kap.events.*.patient.>", after=0, name=f"kap-forget-{uuid4().hex}")
        async for batch in follower:
            if any(wanted in item.body for item in batch):
                return True
            if follower.caught_up:
                break
        return False
    finally:
        await client.close()


async def find(staff: Staff, patient: str) -> dict[str, Any]:
    """By id, or by the clinic's number when it is one patient's alone."""
    if not patient.isdigit():
        found: dict[str, Any] = await staff.get(f"/api/patients/{patient}")
        return found
    matches = (await staff.get("/api/patients", search=patient))["patients"]
    exact = [match for match in matches if match["number"] == patient]
    if len(exact) != 1:
        raise Failure(
            f"No patient has the number {patient}."
            if not exact
            else f"{len(exact)} patients have the number {patient}: give the id of the one meant."
        )
    return await find(staff, exact[0]["patient_id"])


async def run(http: str, login: tuple[str, str], patient: str, ground: Ground, yes: bool) -> dict[str, Any]:
    staff = Staff(http)
    try:
        await staff.sign_in(*login)
        if (await staff.get("/api/me"))["role"] != "admin":
            raise Failure("Only an administrator may have a person forgotten.")
        person = await find(staff, patient)
        if not yes and not person["forgotten"]:
            confirm(person)
        # Also when forgotten before: the answer comes only once the key is gone.
        await staff.send(
            "intake", "ForgetPerson", datetime.now(UTC), patient_id=person["patient_id"], ground=ground
        )
        return {key: person[key] for key in ("patient_id", "number")} | {"before": person["forgotten"]}
    finally:
        await staff.close()


def confirm(person: dict[str, Any]) -> None:
    number = person["number"]
    typer.echo(
        f"Patient {number} ({person['patient_id']}) will be forgotten: name and every free text become\n"
        "unreadable in the log, the read models and the key backup. Nobody can undo this."
    )
    if (
        typer.prompt(f"Type the patient's number to go on ({number})", default="", show_default=False)
        != number
    ):
        raise Failure("That is not the patient's number. Nobody was forgotten.")


def forget(
    patient: Annotated[str, typer.Argument(help="The patient's id or number.")],
    data: Annotated[Path, typer.Option(help="The data folder of the running KAP.")] = Path("data"),
    http: Annotated[str | None, typer.Option(help="The address of KAP, instead of --data.")] = None,
    ground: Annotated[Ground, typer.Option(help="Why the person is forgotten.")] = "request",
    username: Annotated[str | None, typer.Option(help="An administrator's (or KAP_USERNAME).")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the number again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Forget a person: erase their key, so that nobody can read their name or free text again."""
    patient = named(patient)
    address = http or run_file.read(data)["http"]
    if http is None and not asyncio.run(on_record(run_file.read(data)["nats"], patient)):
        raise Failure(f"No patient has the {'number' if patient.isdigit() else 'id'} {patient}.")
    admin = login(username, "Administrator's user name")
    done = asyncio.run(run(address, admin, patient, ground, yes))
    if as_json:
        print(json.dumps(done))
    elif done["before"]:
        print(f"Patient {done['number']} was forgotten before; the key is gone.")
    else:
        print(f"Patient {done['number']} is forgotten. The key is erased, also in this KAP's key backup.")
        print("Copies of the key backup made elsewhere are yours to destroy.")
