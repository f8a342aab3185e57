"""The staff's side of the HTTP API, as the simulator and the command line use it."""

import asyncio
import math
import os
import time
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import typer
from kap.ids import uuid7

from kap_local.failure import Failure

Owner = Literal["intake", "session", "integration"]
# Broken off on the way, or nobody there to take it: not a word about what was asked. Sent again as it is.
AGAIN = frozenset({408, 503})


class Staff:
    """One signed-in person. While KAP is away, each request is tried again for `patience_s`."""

    def __init__(self, http: str, patience_s: float = 3) -> None:
        self.patience_s = patience_s
        self.http = httpx.AsyncClient(
            base_url=http, headers={"Origin": http}, timeout=15, trust_env=False, limits=httpx.Limits()
        )
        self.id = ""
        self.username = self.password = ""
        self.checking = asyncio.Lock()  # one password at a time, as a person types

    async def sign_in(self, username: str, password: str) -> None:
        try:
            reply = await self.http.post("/api/login", json={"username": username, "password": password})
        except httpx.HTTPError as error:
            raise Failure(f"KAP does not answer at {self.http.base_url}. Is `kap up` running?") from error
        if reply.status_code != 200:
            raise Failure(f"{username} could not sign in: {said(reply)}")
        self.id = str(reply.json()["staff_id"])
        self.username, self.password = username, password

    async def send(self, owner: Owner, type: str, at: datetime, **fields: Any) -> dict[str, Any]:
        """A command; what is refused is a `Failure` with the server's own sentence."""
        body = {"type": type, "id": str(uuid7()), "at": at.astimezone(UTC).isoformat(), **fields}
        reply = await self._patiently("POST", f"/api/commands/{owner}", json=body)
        if reply.status_code != 200:
            raise Failure(f"{type} was answered {reply.status_code}: {said(reply)}")
        answer: dict[str, Any] = reply.json()
        return answer

    async def checked_by(self, other: "Staff", session_id: str, dose: dict[str, Any]) -> str:
        """The token for which a second person gave their own password: they checked this dose."""
        body = {"username": other.username, "password": other.password} | {
            "session_id": session_id,
            "dose": dose,
        }
        async with other.checking:
            reply = await self._patiently("POST", "/api/dose-check", json=body)
        if reply.status_code != 200:
            raise Failure(f"The check of a dose was answered {reply.status_code}: {said(reply)}")
        return str(reply.json()["token"])

    async def _patiently(self, method: str, path: str, **what: Any) -> httpx.Response:
        """A command keeps its id: what was recorded is not recorded twice."""
        end = math.inf  # a slow answer is not yet a KAP that is away: patience begins with the first failure
        while True:
            try:
                reply = await self.http.request(method, path, **what)
                if reply.status_code not in AGAIN or time.monotonic() > end:
                    return reply
            except httpx.TransportError as error:
                if time.monotonic() > end:
                    raise Failure(f"KAP does not answer at {self.http.base_url} any more.") from error
            end = min(end, time.monotonic() + self.patience_s)
            await asyncio.sleep(0.5)

    async def get(self, path: str, **query: Any) -> Any:
        reply = await self._patiently("GET", path, params=query)
        if reply.status_code != 200:
            raise Failure(f"{path} was answered {reply.status_code}: {said(reply)}")
        return reply.json()

    async def close(self) -> None:
        await self.http.aclose()


def said(reply: httpx.Response) -> str:
    """The server's words, or the first of its answer when it is not one of ours."""
    try:
        body = reply.json()
    except ValueError:
        return reply.text[:200]
    if isinstance(body, dict) and "refused" in body:
        return str(body["refused"])
    if isinstance(body, dict) and "invalid" in body:
        return "; ".join(f"{i['field']}: {i['message']}" for i in body["invalid"])
    return str(body)[:200]


async def sign_in_all(http: str, users: list[dict[str, str]], patience_s: float = 3) -> dict[str, Staff]:
    """One `Staff` a role. Raises `Failure` when a role the simulator needs is missing."""
    staff: dict[str, Staff] = {}
    for user in users:
        if user["role"] in ("nurse", "therapist", "prescriber"):
            staff[user["role"]] = Staff(http, patience_s)
            await staff[user["role"]].sign_in(user["username"], user["password"])
    missing = {"nurse", "therapist", "prescriber"} - staff.keys()
    if missing:
        raise Failure(f"No sign-in is known for: {', '.join(sorted(missing))}. Give them with --users FILE.")
    return staff


def login(username: str | None, who: str = "User name") -> tuple[str, str]:
    """User name and password: from the option, KAP_USERNAME and KAP_PASSWORD, or asked for."""
    username = username or os.environ.get("KAP_USERNAME") or typer.prompt(who)
    return username, os.environ.get("KAP_PASSWORD") or typer.prompt("Password", hide_input=True)
