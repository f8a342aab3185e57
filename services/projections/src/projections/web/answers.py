"""What every route shares: who asks, what a refusal looks like, how a body is read."""

import asyncio
from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from kap.decider import Refused, Unavailable
from pydantic_core import from_json
from starlette.exceptions import HTTPException

from projections.gateway import Gateway, Viewer
from projections.permissions import CALLED, READS
from projections.sign_ins import login

BODY_BYTES = 64 * 1024
BODY_WITHIN_S = 10.0
HISTORY = "History is not available right now. The live board goes on."
SIGN_IN = "Your sign-in has ended."
SOMEBODY_ELSE = "Your sign-in has ended: somebody else has signed in in another window of this browser."
# Whom a page shows as signed in. Windows of one browser share their cookie: without this, what one person
# enters in an older window would be recorded in the name of whoever signed in last.
MEANT = "kap-staff"


class Declined(Exception):
    """An answer other than 200, with a sentence for the person who asked."""

    def __init__(self, status: int, refused: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(refused)
        self.status = status
        self.headers = headers


class Invalid(Exception):
    """Fields that are wrong: 422."""

    def __init__(self, problems: list[dict[str, str]]) -> None:
        super().__init__("invalid")
        self.problems = problems


async def gateway_of(request: Request) -> Gateway:  # not async, it would hop to a thread
    return cast(Gateway, request.app.state.gateway)


Here = Annotated[Gateway, Depends(gateway_of)]


def cookie_name(gateway: Gateway) -> str:
    return "__Host-kap" if secure(gateway) else "kap"


def secure(gateway: Gateway) -> bool:
    return (gateway.settings.public_url or "").startswith("https://")


def not_meant(request: Request, staff_id: UUID) -> bool:
    """Whether the page shows somebody else as signed in than who is."""
    return request.headers.get(MEANT, str(staff_id)) != str(staff_id)


async def viewer(request: Request, gateway: Here) -> Viewer:
    """Who is signed in; 401 when nobody is."""
    secret = request.cookies.get(cookie_name(gateway))
    found = await gateway.sign_ins.who(secret) if secret else None
    user = gateway.users.by_id.get(found.staff_id) if found is not None else None
    if secret is None or found is None or user is None or user.disabled:
        raise Declined(401, SIGN_IN)
    if not_meant(request, found.staff_id):
        raise Declined(401, SOMEBODY_ELSE)
    return Viewer(found.staff_id, user, login(secret), found.expires)


SignedIn = Annotated[Viewer, Depends(viewer)]


def may_read(what: str) -> Any:
    """A route's dependency: 403 for a role that may not read this."""

    async def check(viewer: SignedIn) -> Viewer:
        if viewer.role not in READS[what]:
            raise Declined(403, f"{CALLED[viewer.role]} cannot see this.")
        return viewer

    return Depends(check)


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object sent, read no further than it may be long."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Declined(415, "Send JSON (Content-Type: application/json).")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise Declined(413, f"This is too long: at most {BODY_BYTES // 1024} KiB.")
    except TimeoutError:
        raise Declined(408, "The request did not arrive whole in time. Try again.") from None
    try:
        value = from_json(bytes(body), allow_inf_nan=False)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Invalid([{"field": "body", "message": "Send one JSON object."}])
    return value


def answers_to_errors(app: FastAPI) -> None:
    """Each error as `{"refused": …}` or `{"invalid": […]}`."""

    @app.exception_handler(Declined)
    async def _(request: Request, error: Declined) -> JSONResponse:
        return JSONResponse({"refused": str(error)}, error.status, error.headers)

    @app.exception_handler(Invalid)
    async def _(request: Request, error: Invalid) -> JSONResponse:
        return JSONResponse({"invalid": error.problems}, 422)

    @app.exception_handler(Refused)
    async def _(request: Request, error: Refused) -> JSONResponse:
        return JSONResponse({"refused": str(error)}, 409)

    @app.exception_handler(Unavailable)
    async def _(request: Request, error: Unavailable) -> JSONResponse:
        return JSONResponse({"refused": f"{error} Try again."}, 503)

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [
            {"field": ".".join(map(str, detail["loc"][1:])) or "query", "message": str(detail["msg"])}
            for detail in error.errors()
        ]
        return JSONResponse({"invalid": problems}, 422)

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> JSONResponse:
        known = {404: "There is nothing here.", 405: "This cannot be done here."}
        refused = known.get(error.status_code, str(error.detail))
        return JSONResponse({"refused": refused}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(
            {"refused": "KAP could not do this because of a fault of its own. It is in the log."}, 500
        )


# Postgres is down, restarting, overloaded, or the read model is not built yet.
NO_HISTORY = (
    *(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError),
    asyncpg.InternalClientError,  # a connection cut in the middle of an answer
)
