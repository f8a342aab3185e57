"""Who works here, in the bucket STAFF: a rebuild forgets nobody, and sign-in works with Postgres down."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid5

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from kap import service
from kap.decider import Unavailable
from kap.settings import SettingError
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from projections.bucket import Bucket
from projections.permissions import Role

log = logging.getLogger("kap.users")

REFRESH_S = 2.0
HASHING = 2  # at a time: each takes 64 MiB and a core
WAITING = 20  # sign-ins that may wait for their turn; more are told to come back

_hasher = PasswordHasher()
# What an unknown user's password is compared with, so that the answer takes as long as a known one's.
_NOBODY = _hasher.hash("nobody has this password")
_USERS = UUID("5e0c7b86-7d55-5c36-9a54-53a6c9f0a9f2")


class Busy(Exception):
    """Too many sign-ins at once."""


class User(BaseModel):
    """`hash` is argon2id's; nothing here ever leaves the gateway but id, username, name and role."""

    username: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=120)
    role: Role
    hash: str
    disabled: bool = False


class NewUser(BaseModel):
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=8, max_length=256)
    role: Role
    name: str = Field(min_length=1, max_length=120)


class Users:
    """Known in memory, read anew every two seconds: a disabled user is out within that time."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.by_id: dict[UUID, User] = {}
        self._hashing = asyncio.Semaphore(HASHING)
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def running(self, first: Path | None = None) -> AsyncIterator[None]:
        await self.refresh()
        if first is not None:
            await self._take_first(first)
        async with service.in_background(self._keep_up(), "the reading of who may sign in"):
            yield

    async def refresh(self) -> None:
        self.by_id = {
            UUID(key): User.model_validate_json(entry.value)
            for key, entry in (await self.bucket.all()).items()
        }

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            with contextlib.suppress(Unavailable):  # says itself so when a sign-in is looked up
                await self.refresh()

    def named(self, username: str) -> tuple[UUID, User] | None:
        wanted = username.casefold()
        return next(((i, u) for i, u in self.by_id.items() if u.username.casefold() == wanted), None)

    def name(self, actor: str | None) -> str | None:
        """The name of `staff:<uuid>`."""
        if actor is None or not actor.startswith("staff:"):
            return None
        user = self.by_id.get(UUID(actor.removeprefix("staff:")))
        return user.name if user else None

    async def add(self, new: NewUser) -> UUID | None:
        """None when the name is taken. The id is made of the name: two gateways cannot both add it."""
        if self.named(new.username):
            return None
        user_id = uuid5(_USERS, new.username.casefold())
        hashed = await asyncio.to_thread(_hasher.hash, new.password)
        user = User(username=new.username, name=new.name, role=new.role, hash=hashed)
        if await self.bucket.put(str(user_id), user.model_dump_json().encode(), expected=0) is None:
            return None
        self.by_id[user_id] = user
        return user_id

    async def _take_first(self, path: Path) -> None:
        """The users of a new data folder; the file with their passwords is deleted then."""
        try:
            users = TypeAdapter(list[NewUser]).validate_json(await asyncio.to_thread(path.read_bytes))
        except FileNotFoundError:
            return  # stored at an earlier start
        except ValidationError as error:
            wrong = ", ".join(".".join(map(str, detail["loc"])) or "file" for detail in error.errors())
            raise SettingError(
                "KAP_FIRST_USERS_FILE should hold a JSON list of {username, password (8 characters or more), "
                f"role, name}}; wrong: {wrong}"
            ) from None
        for user in users:
            await self.add(user)
        await asyncio.to_thread(path.unlink)
        log.info("first users stored", extra={"count": len(users)})

    async def check(self, username: str, password: str) -> tuple[UUID, User] | None:
        """Whose username and password these are; a wrong one takes as long as a right one. Raises `Busy`."""
        if self._waiting >= WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._hashing:
                found = self.named(username)
                right = await asyncio.to_thread(_verify, found[1].hash if found else _NOBODY, password)
        finally:
            self._waiting -= 1
        return found if found and right and not found[1].disabled else None


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def public(user_id: UUID, user: User) -> dict[str, str]:
    return {"staff_id": str(user_id), "name": user.name, "role": user.role}
