"""Who is signed in, feed tickets and checks of a dose; in the bucket LOGINS, by the hash of each secret."""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kap.events.session import Dose
from pydantic import AwareDatetime, BaseModel

from projections.bucket import Bucket

SIGN_IN_FOR = timedelta(hours=12)
TICKET_FOR = timedelta(seconds=30)
DOSE_CHECK_FOR = timedelta(seconds=60)
_SECRET_BYTES = 32


class SignIn(BaseModel):
    """`expires` None: a wall screen, which never times out."""

    staff_id: UUID
    expires: AwareDatetime | None


class Ticket(BaseModel):
    """What a feed may show: to whom, and the sign-in (`login`) that must still stand."""

    staff_id: UUID
    login: str
    expires: AwareDatetime


class DoseCheck(BaseModel):
    """`checked_by` gave their password for this dose of this session, that `giver` is about to give."""

    checked_by: UUID
    giver: UUID
    session_id: UUID
    dose: Dose
    expires: AwareDatetime
    used_by: UUID | None = None  # the one command that it was used for


class SignIns:
    """Every method raises `Unavailable` when NATS does not answer."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    async def open(self, staff_id: UUID, *, wall: bool) -> tuple[str, SignIn]:
        """The secret that the browser keeps, and the sign-in; only the secret's hash is stored."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        opened = SignIn(staff_id=staff_id, expires=None if wall else datetime.now(UTC) + SIGN_IN_FOR)
        ttl_s = None if wall else int(SIGN_IN_FOR.total_seconds())
        await self.bucket.put(login(secret), opened.model_dump_json().encode(), ttl_s=ttl_s)
        return secret, opened

    async def who(self, secret: str) -> SignIn | None:
        return await self.stands(login(secret))

    async def stands(self, login: str) -> SignIn | None:
        """The sign-in of this key while it lasts: None after signing out or twelve hours."""
        entry = await self.bucket.get(login)
        if entry is None:
            return None
        found = SignIn.model_validate_json(entry.value)
        if found.expires is not None and found.expires <= datetime.now(UTC):
            return None
        return found

    async def close(self, secret: str) -> None:
        await self.bucket.erase(login(secret))

    async def ticket(self, staff_id: UUID, login: str) -> str:
        """Opens one feed within thirty seconds."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        ticket = Ticket(staff_id=staff_id, login=login, expires=datetime.now(UTC) + TICKET_FOR)
        await self.bucket.put(
            _ticket(secret), ticket.model_dump_json().encode(), ttl_s=int(TICKET_FOR.total_seconds())
        )
        return secret

    async def redeem(self, secret: str) -> Ticket | None:
        """The ticket, to the first who asks, while it and its sign-in last."""
        entry = await self.bucket.get(_ticket(secret))
        if entry is None or not await self.bucket.erase_revision(entry.revision):
            return None
        ticket = Ticket.model_validate_json(entry.value)
        if ticket.expires <= datetime.now(UTC) or await self.stands(ticket.login) is None:
            return None
        return ticket

    async def dose_check(self, checked_by: UUID, giver: UUID, session_id: UUID, dose: Dose) -> str:
        """For one command that gives this dose, within a minute."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        expires = datetime.now(UTC) + DOSE_CHECK_FOR
        check = DoseCheck(
            checked_by=checked_by, giver=giver, session_id=session_id, dose=dose, expires=expires
        )
        await self._keep_check(secret, check)
        return secret

    async def use_dose_check(self, secret: str, command_id: UUID, dry_run: bool = False) -> DoseCheck | None:
        """The check, for the first command that uses it, and for that one again when it is repeated.

        A dry run looks at it and leaves it unused.
        """
        entry = await self.bucket.get(_dose_check(secret))
        if entry is None:
            return None
        check = DoseCheck.model_validate_json(entry.value)
        if check.used_by is not None:
            return check if check.used_by == command_id else None
        if check.expires <= datetime.now(UTC):
            return None
        if dry_run:
            return check
        used = check.model_copy(update={"used_by": command_id})
        return used if await self._keep_check(secret, used, entry.revision) is not None else None

    async def _keep_check(self, secret: str, check: DoseCheck, expected: int = 0) -> int | None:
        ttl_s = int(SIGN_IN_FOR.total_seconds() if check.used_by else DOSE_CHECK_FOR.total_seconds())
        value = check.model_dump_json().encode()
        return await self.bucket.put(_dose_check(secret), value, expected=expected, ttl_s=ttl_s)


def login(secret: str) -> str:
    return f"login.{hashlib.sha256(secret.encode()).hexdigest()}"


def _ticket(secret: str) -> str:
    return f"ticket.{hashlib.sha256(secret.encode()).hexdigest()}"


def _dose_check(secret: str) -> str:
    return f"dose_check.{hashlib.sha256(secret.encode()).hexdigest()}"


@dataclass
class _Tries:
    since: float
    count: int


class Attempts:
    """At most `allowed` wrong passwords for one username from one address in `window_s` seconds."""

    def __init__(self, allowed: int = 8, window_s: float = 60, size: int = 10_000) -> None:
        self.allowed = allowed
        self.window_s = window_s
        self.size = size
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()

    def wait_s(self, username: str, address: str, now: float | None = None) -> float:
        """How long this pair must wait; 0 when it may try."""
        now = time.monotonic() if now is None else now
        tries = self._tries.get((username.casefold(), address))
        if tries is None or now - tries.since >= self.window_s or tries.count < self.allowed:
            return 0
        return self.window_s - (now - tries.since)

    def failed(self, username: str, address: str, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        key = (username.casefold(), address)
        tries = self._tries.get(key)
        if tries is None or now - tries.since >= self.window_s:
            self._tries[key] = tries = _Tries(now, 0)
        tries.count += 1
        self._tries.move_to_end(key)
        while len(self._tries) > self.size:
            self._tries.popitem(last=False)

    def succeeded(self, username: str, address: str) -> None:
        self._tries.pop((username.casefold(), address), None)
