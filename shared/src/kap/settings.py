"""Settings come from `KAP_*` environment variables; a wrong or missing one is refused by name."""

import difflib
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TABLE = frozenset(  # in the README, too
    """
    KAP_ALLOW_UNSYNCED KAP_BIND KAP_CLINIC KAP_CLINIC_KEY_FILE KAP_DASHBOARD KAP_DATABASE_URL KAP_FEED_PORT
    KAP_FIRST_USERS_FILE KAP_HTTP_PORT KAP_KEY_BACKUP_FILE KAP_MLLP_PORT KAP_NATS_MONITOR_URL KAP_NATS_URL
    KAP_PORT KAP_PROTOCOLS KAP_PUBLIC_FEED_URL KAP_PUBLIC_URL KAP_REPLICAS KAP_SNAPSHOT_FILE KAP_TIMEZONE
    """.split()
)
KNOWN = TABLE | {"KAP_USERNAME", "KAP_PASSWORD", "KAP_TRACE", "KAP_SCREENS", "KAP_PYTHON"}
OF_NATS = ("KAP_NATS_PASSWORD_", "KAP_SERVER_NAME", "KAP_ROUTES")  # deploy/nats/nats-server.conf reads these


class SettingError(Exception):
    """A setting is missing or wrong. The message names it and says what it should be."""


def check_names() -> None:
    """Refuse a `KAP_*` variable that nothing reads: it is one that was misspelt, and meant to count."""
    for name in sorted(os.environ):
        if name.startswith("KAP_") and name not in KNOWN and not name.startswith(OF_NATS):
            near = difflib.get_close_matches(name, KNOWN, 1)
            raise SettingError(f"{name} is no setting of KAP{f': is {near[0]} meant?' if near else ''}")


def text(name: str, default: str | None = None, *, should_be: str = "set") -> str:
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise SettingError(f"{name} is not set; it should be {should_be}")
    return value


def clinic() -> str:
    value = text("KAP_CLINIC", "main")
    if not value.replace("-", "").isalnum() or value.lower() != value or len(value) > 32:
        raise SettingError(f"KAP_CLINIC is {value!r}; it should be up to 32 of a–z, 0–9 and -")
    return value


def url(name: str, *schemes: str, default: str | None = None) -> str:
    should_be = f"like {schemes[0]}://host:port"
    value = text(name, default, should_be=should_be)
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise SettingError(f"{name} should be {should_be}")  # what it is may hold a password
    return value


def port(name: str, default: int | None = None) -> int:
    should_be = "a port number from 0 to 65535"
    value = text(name, None if default is None else str(default), should_be=should_be)
    if not value.isdigit() or int(value) > 65535:
        raise SettingError(f"{name} is {value!r}; it should be {should_be}")
    return int(value)


def listenable(name: str, host: str, port: int) -> None:
    """Refuse an address that nobody can listen on, before anything starts."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise SettingError(f"KAP_BIND is {host!r}; it should be an address of this machine") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise SettingError(f"{name} is {port}, where KAP cannot listen: {error.strerror}") from error


def bind() -> str:
    return text("KAP_BIND", "127.0.0.1")


def path(name: str, *, must_exist: bool = False) -> Path | None:
    value = os.environ.get(name, "").strip()
    if not value:
        return None
    if must_exist and not Path(value).is_file():
        raise SettingError(f"{name} names {value!r}, which is not a file")
    if not must_exist and not Path(value).absolute().parent.is_dir():
        raise SettingError(f"{name} is {value!r}, in a folder that does not exist")
    return Path(value)


def folder(name: str) -> Path | None:
    value = os.environ.get(name, "").strip()
    if not value:
        return None
    if not Path(value).is_dir():
        raise SettingError(f"{name} names {value!r}, which is not a folder")
    return Path(value)


def zone() -> ZoneInfo:
    """The clinic's: of device times that come without one, and of what is shown and printed."""
    should_be = "a zone like Europe/Vienna"
    value = text("KAP_TIMEZONE", should_be=should_be)
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingError(f"KAP_TIMEZONE is {value!r}; it should be {should_be}") from error


def flag(name: str) -> bool:
    value = text(name, "no").lower()
    if value not in ("yes", "no"):
        raise SettingError(f"{name} is {value!r}; it should be yes or no")
    return value == "yes"
