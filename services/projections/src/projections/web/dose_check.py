"""The second person's check of a dose: with their own password, for this dose alone, within a minute."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from kap.decider import Refused
from kap.events.session import Dose
from kap.wrong import wrong
from pydantic import ValidationError

from projections.gateway import Gateway, Viewer
from projections.permissions import CALLED, COMMANDS
from projections.sign_ins import DOSE_CHECK_FOR
from projections.web.answers import Declined, Here, Invalid, SignedIn, json_body
from projections.web.sign_in import authenticated

routes = APIRouter(prefix="/api", tags=["dose check"])


@routes.post(
    "/dose-check",
    summary="A second person checks a dose: {username, password, session_id, dose}; theirs, not the giver's",
    responses={
        200: {"description": "{token, expires_in_s, checked_by}: send the token as check_token of GiveDose"},
        403: {"description": "Wrong password, or this role may not"},
        409: {"description": "The second person is who gives the dose"},
        422: {"description": '{"invalid": [{field, message}]}'},
        429: {"description": "Too many wrong passwords"},
    },
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}
    },
)
async def dose_check(request: Request, viewer: SignedIn, gateway: Here) -> dict[str, Any]:
    if viewer.role not in COMMANDS["session"]["GiveDose"].roles:
        raise Declined(403, f"{CALLED[viewer.role]} cannot do this.")
    body = await json_body(request)
    session_id, dose = _session(body), _dose(body)
    # not 401: who is signed in here stays signed in
    staff_id, user = await authenticated(request, gateway, body, wrong=403)
    if staff_id == viewer.staff_id:
        raise Refused("The second person is somebody else than who gives the dose.")
    if user.role not in COMMANDS["session"]["CheckDose"].roles:
        raise Declined(403, f"{CALLED[user.role]} cannot check a dose.")
    token = await gateway.sign_ins.dose_check(staff_id, viewer.staff_id, session_id, dose)
    expires = int(DOSE_CHECK_FOR.total_seconds())
    return {"token": token, "expires_in_s": expires, "checked_by": f"staff:{staff_id}", "name": user.name}


async def second_person(command: dict[str, Any], viewer: Viewer, gateway: Gateway, dry_run: bool) -> None:
    """Put who checked the dose into the command; a name that was sent does not count."""
    command.pop("checked_by", None)
    token = command.pop("check_token", None)
    if token is None:
        return
    session_id, dose = _session(command), _dose(command)
    check = None
    if isinstance(token, str):
        check = await gateway.sign_ins.use_dose_check(token, UUID(command["id"]), dry_run)
    if check is None:
        raise Refused("The second person's check was used before or is older than a minute: check again.")
    if check.giver != viewer.staff_id:
        raise Refused("The second person checked a dose that somebody else gives.")
    if (check.session_id, check.dose) != (session_id, dose):
        raise Refused("The second person checked another dose. What is given must be what was checked.")
    user = gateway.users.by_id.get(check.checked_by)
    if user is None or user.disabled:
        raise Refused("Who checked the dose may not work here any more.")
    command["checked_by"] = f"staff:{check.checked_by}"


def _session(body: dict[str, Any]) -> UUID:
    try:
        return UUID(body["session_id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Invalid([{"field": "session_id", "message": "should be a UUID"}]) from None


def _dose(body: dict[str, Any]) -> Dose:
    try:
        return Dose.model_validate(body.get("dose"))
    except ValidationError as error:
        raise Invalid(
            [{"field": ".".join(["dose", *path]), "message": message} for path, message in wrong(error)]
        ) from None
