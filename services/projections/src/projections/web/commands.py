"""Commands in: who may, sealed, to their owner, and its answer."""

import asyncio
import json
import logging
import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from kap.decider import Refused, Unavailable
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from prometheus_client import Counter, Histogram

from projections import sealing
from projections.gateway import Gateway, Viewer
from projections.permissions import AGGREGATES, CALLED, COMMANDS, Owner, Permission
from projections.web.answers import Declined, Here, Invalid, SignedIn, json_body
from projections.web.dose_check import second_person

routes = APIRouter(prefix="/api/commands", tags=["commands"])

log = logging.getLogger("kap.commands")

SENT = Counter("kap_gateway_commands_total", "Commands by owner and outcome.", ["owner", "outcome"])
TOOK = Histogram(
    "kap_gateway_command_seconds",
    "From a command's arrival over HTTP to its answer.",
    ["owner"],
    buckets=(0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3),
)

ANSWER_WITHIN_S = 3.0
ERASED_WITHIN_S = 3.0
CALLED_OWNER = {
    "intake": "Intake",
    "session": "The session monitor",
    "integration": "Integration",
}


@routes.post(
    "/{owner}",
    summary="Send a command: {type, id, at, …}; the field names are its event's",
    responses={
        200: {"description": '{"recorded": events, "position": of the last}'},
        403: {"description": "This role may not"},
        408: {"description": "It did not arrive whole in time; the same command may be sent again"},
        409: {
            "description": '{"refused": "the reason, for the clinician", "points": {name: sentence}}; '
            "points where there are several reasons, by the names of their gates"
        },
        422: {"description": '{"invalid": [{field, message}]}'},
        503: {"description": "The owner does not answer; the same command may be sent again"},
    },
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}
    },
)
async def command(
    owner: Owner,
    request: Request,
    viewer: SignedIn,
    gateway: Here,
    dry_run: Annotated[
        bool, Query(description="Check and decide on what is recorded now, and record nothing.")
    ] = False,
) -> JSONResponse:
    started = time.perf_counter()
    outcome = "error"
    try:
        status, answer = await _command(owner, await json_body(request), viewer, gateway, dry_run)
        outcome = str(status)
        return JSONResponse(answer, status)
    except Invalid:
        outcome = "422"
        raise
    except Declined as error:
        outcome = str(error.status)
        raise
    except Refused:
        outcome = "409"
        raise
    except Unavailable:
        outcome = "503"
        raise
    finally:
        SENT.labels(owner, f"dry run: {outcome}" if dry_run else outcome).inc()
        TOOK.labels(owner).observe(time.perf_counter() - started)


async def _command(
    owner: Owner, body: dict[str, Any], viewer: Viewer, gateway: Gateway, dry_run: bool
) -> tuple[int, dict[str, Any]]:
    permission = _permission(owner, body)
    if viewer.role not in permission.roles:
        raise Declined(403, f"{CALLED[viewer.role]} cannot do this.")
    if problems := [*_own_fields(owner, body), *sealing.problems(body)]:
        raise Invalid(problems)
    # by and role are whose sign-in it is, whatever was sent
    body |= {"id": str(UUID(body["id"])), "by": f"staff:{viewer.staff_id}", "role": viewer.role}
    _stays_with_its_person(body, permission, gateway)
    _names_one_patient(body, gateway)
    if body["type"] == "ForgetPerson":
        _not_while_treated(body, gateway)
    if body["type"] == "GiveDose":
        await second_person(body, viewer, gateway, dry_run)
    sealed = await gateway.people.seal(body, permission.belongs, dry_run)
    status, answer = await send(gateway, owner, sealed, dry_run)
    if status == 200 and body["type"] == "ForgetPerson" and not dry_run:
        await _forgotten(gateway, UUID(body["patient_id"]))
    return status, answer


def _not_while_treated(body: dict[str, Any], gateway: Gateway) -> None:
    """Nothing could be written of a forgotten person any more, not even why their session was stopped."""
    for session in gateway.board.sessions:
        if session.state == "open" and str(session.patient_id) == str(body.get("patient_id")).lower():
            raise Refused(f"This person's session in room {session.room} is open. End it first.")


def _permission(owner: Owner, body: dict[str, Any]) -> Permission:
    permission = COMMANDS[owner].get(body["type"]) if isinstance(body.get("type"), str) else None
    if permission is None:
        raise Invalid([{"field": "type", "message": f"should be one of {', '.join(COMMANDS[owner])}"}])
    return permission


def _own_fields(owner: Owner, body: dict[str, Any]) -> list[dict[str, str]]:
    """What the gateway itself reads; all else is for the owner to check."""
    problems = []
    try:
        UUID(body["id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        problems.append(
            {"field": "id", "message": "should be a UUID, the same when the command is sent again"}
        )
    if not isinstance(body.get("at"), str):
        problems.append({"field": "at", "message": "should be a time with its zone"})
    if body["type"] == "CorrectEntry" and body.get("of") not in AGGREGATES[owner]:
        problems.append({"field": "of", "message": f"should be one of {', '.join(AGGREGATES[owner])}"})
    return problems


def _stays_with_its_person(body: dict[str, Any], permission: Permission, gateway: Gateway) -> None:
    """Its texts are sealed with one person's key: on another they could not be read."""
    replacement = body.get("replacement")
    if body["type"] != "CorrectEntry" or not isinstance(replacement, dict):
        return
    if "patient_id" in replacement:
        try:
            owner = gateway.directory.owner(UUID(body["of_id"]))
            same = owner is None or owner == UUID(replacement["patient_id"])
        except (KeyError, ValueError, TypeError, AttributeError):
            return  # for the owner to refuse
        if not same:
            raise Refused("An entry cannot be moved to another person. Withdraw it and record it anew.")


def _names_one_patient(body: dict[str, Any], gateway: Gateway) -> None:
    """A clinic's number names one patient. A forgotten person's number is free again."""
    match body:
        case {"type": "RegisterPatient", "patient_id": str(patient), "number": str(number)}:
            pass
        case {"type": "CorrectEntry", "of_id": str(patient), "replacement": {"number": str(number)}}:
            pass
        case _:
            return
    holder = gateway.directory.holder(number)
    if holder is not None and str(holder) != patient.lower():
        raise Refused(f"The number {number} is that of another patient: {gateway.people.label(holder)}.")


async def send(
    gateway: Gateway, owner: Owner, command: dict[str, Any], dry_run: bool = False
) -> tuple[int, dict[str, Any]]:
    """The owner's answer as HTTP says it."""
    who = CALLED_OWNER[owner]
    asked = {"owner": owner, "type": command["type"], "command": command["id"]}
    try:
        reply = await gateway.nats.request(
            f"kap.commands.{gateway.settings.clinic}.{owner}",
            json.dumps(command).encode(),
            timeout=ANSWER_WITHIN_S,
            headers={"content-type": "application/json"} | ({"kap-dry-run": "1"} if dry_run else {}),
        )
    except NoRespondersError:
        log.warning("nobody is there for a command", extra=asked)
        raise Declined(503, f"{who} is not running. Nothing was recorded; try again.") from None
    except (TimeoutError, NatsError) as error:
        log.warning("a command was not answered", extra=asked | {"reason": type(error).__name__})
        raise Declined(
            503, f"{who} did not answer in time. It may be recorded or not; sending the same again is safe."
        ) from None
    answer = json.loads(reply.data)
    match answer:
        case {"recorded": int(recorded), "position": int(position)}:
            return 200, {"recorded": recorded, "position": position}
        case {"refused": str(reason), "points": dict(points)}:
            named = {point: gateway.named(sentence) for point, sentence in points.items()}
            return 409, {"refused": gateway.named(reason), "points": named}
        case {"refused": str(reason)}:
            return 409, {"refused": gateway.named(reason)}
        case {"invalid": list(problems)}:
            return 422, {"invalid": problems}
        case {"unavailable": str(reason)}:
            return 503, {"refused": reason}
    return 503, {"refused": f"{who} gave an answer that KAP does not know."}


async def _forgotten(gateway: Gateway, patient_id: UUID) -> None:
    """Answer only when the key is gone; if that fails, the directory goes on trying, also after a restart."""
    try:
        async with asyncio.timeout(ERASED_WITHIN_S):
            await gateway.people.forget(patient_id)
    except (Unavailable, TimeoutError, OSError):
        raise Declined(
            503,
            "It is recorded, but the key is not erased yet. KAP goes on trying; send the same again to see.",
        ) from None
