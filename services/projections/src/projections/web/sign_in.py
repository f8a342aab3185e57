"""Signing in and out, who is signed in, and the ticket that opens the feed."""

import math
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from prometheus_client import Counter

from projections.gateway import Gateway
from projections.permissions import COMMANDS
from projections.sign_ins import SIGN_IN_FOR
from projections.users import Busy, User, public
from projections.web.answers import (
    Declined,
    Here,
    Invalid,
    SignedIn,
    cookie_name,
    json_body,
    may_read,
    not_meant,
    secure,
)
from projections.web.security import feed_url

routes = APIRouter(prefix="/api", tags=["sign-in"])

SIGN_INS = Counter("kap_sign_ins_total", "Attempts to sign in.", ["outcome"])

# A wall screen keeps its cookie for as long as browsers keep any.
_FOR_EVER_S = 400 * 24 * 3600


async def authenticated(
    request: Request, gateway: Gateway, body: dict[str, Any], *, wrong: int = 401
) -> tuple[UUID, User]:
    """Whose user name and password were sent; else refused, with status `wrong` for a wrong password."""
    username, password = body.get("username"), body.get("password")
    if not isinstance(username, str) or not isinstance(password, str) or len(username) > 64:
        raise Invalid([{"field": "username", "message": "Give a user name and a password."}])
    if len(password) > 256:
        raise Invalid([{"field": "password", "message": "A password has at most 256 characters."}])
    address = request.client.host if request.client else ""
    if (wait := gateway.attempts.wait_s(username, address)) > 0:
        SIGN_INS.labels("too_many").inc()
        seconds = math.ceil(wait)
        raise Declined(
            429, f"Too many wrong passwords. Try again in {seconds} seconds.", {"Retry-After": str(seconds)}
        )
    gateway.attempts.failed(username, address)  # counted before it is checked: many at once are many
    try:
        found = await gateway.users.check(username, password)
    except Busy:
        SIGN_INS.labels("busy").inc()
        raise Declined(
            429, "Too many people are signing in. Try again in a moment.", {"Retry-After": "2"}
        ) from None
    if found is None:
        SIGN_INS.labels("wrong").inc()
        raise Declined(wrong, "User name or password is wrong.")
    gateway.attempts.succeeded(username, address)
    SIGN_INS.labels("right").inc()
    return found


@routes.post("/login", summary="Sign in: {username, password}; sets the cookie")
async def sign_in(request: Request, response: Response, gateway: Here) -> dict[str, Any]:
    staff_id, user = await authenticated(request, gateway, await json_body(request))
    wall = user.role == "wall"
    secret, opened = await gateway.sign_ins.open(staff_id, wall=wall)
    name = cookie_name(gateway)
    if before := request.cookies.get(name):  # this browser has it no more: it is over, in its windows too
        await gateway.sign_ins.close(before)
    response.set_cookie(
        name,
        secret,
        max_age=_FOR_EVER_S if wall else int(SIGN_IN_FOR.total_seconds()),
        path="/",
        secure=secure(gateway),
        httponly=True,
        samesite="strict",
    )
    return _me(gateway, staff_id, user, opened.expires)


def _me(gateway: Gateway, staff_id: UUID, user: User, expires: datetime | None) -> dict[str, Any]:
    """`may`: the commands that the role may send, by owner, so that a page offers no other."""
    who = {"staff_id": str(staff_id), "username": user.username, "name": user.name, "role": user.role}
    may = {
        owner: [name for name, p in named.items() if user.role in p.roles]
        for owner, named in COMMANDS.items()
    }
    until = expires and expires.isoformat()
    return who | {"may": may, "timezone": gateway.settings.timezone, "expires": until}


@routes.post("/logout", summary="Sign out: the cookie opens nothing any more; another's stays")
async def sign_out(request: Request, response: Response, gateway: Here) -> dict[str, bool]:
    name = cookie_name(gateway)
    if secret := request.cookies.get(name):
        found = await gateway.sign_ins.who(secret)
        if found is not None and not_meant(request, found.staff_id):
            # an older window: whom it shows was signed out when somebody else signed in, who stays
            return {"somebody_else": True}
        await gateway.sign_ins.close(secret)
    response.delete_cookie(name, path="/", secure=secure(gateway), httponly=True, samesite="strict")
    return {"somebody_else": False}


@routes.get("/me", summary="Who is signed in, what they may send, and the clinic's time zone")
async def me(gateway: Here, viewer: SignedIn) -> dict[str, Any]:
    return _me(gateway, viewer.staff_id, viewer.user, viewer.expires)


@routes.get("/staff", summary="Everybody who may sign in", dependencies=[may_read("staff")])
async def staff(gateway: Here) -> list[dict[str, str]]:
    return [public(i, u) for i, u in gateway.users.by_id.items() if not u.disabled]


@routes.post(
    "/feed-ticket", summary="A ticket for the feed: once, within 30 s", dependencies=[may_read("feed")]
)
async def feed_ticket(request: Request, viewer: SignedIn, gateway: Here) -> dict[str, Any]:
    ticket = await gateway.sign_ins.ticket(viewer.staff_id, viewer.login)
    return {"ticket": ticket, "url": _feed(gateway, request)}


def _feed(gateway: Gateway, request: Request) -> str:
    return feed_url(gateway.settings, request.headers["host"])
