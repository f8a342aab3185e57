"""The first sign-ins of a new data folder: made up once, handed to the staff gateway in a file it deletes."""

import json
import secrets
from pathlib import Path
from typing import TypedDict

from kap_local.data_folder import write_secret

NAMES = {
    "nurse": "First nurse",
    "therapist": "First therapist",
    "prescriber": "First prescriber",
    "admin": "First administrator",
    "wall": "Wall screen",
    "auditor": "First auditor",
}


class User(TypedDict):
    username: str
    password: str
    role: str
    name: str


def made_up() -> list[User]:
    # Read out and typed by hand: no letters that look like others.
    letters = "abcdefghjkmnpqrstuvwxyz23456789"

    def password() -> str:
        return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))

    return [
        {"username": role, "password": password(), "role": role, "name": name} for role, name in NAMES.items()
    ]


def prepare(file: Path, *, new: bool) -> list[User]:
    """The users to be made at this start: of a new folder, or left over from a start that failed."""
    if new:
        write_secret(file, json.dumps(made_up(), indent=2))
    users: list[User] = json.loads(file.read_text()) if file.exists() else []
    return users
