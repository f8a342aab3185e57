"""The five service processes of `kap up`, and the settings that each is given."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What the caller's environment may not decide for a service: we do.
OURS = (
    "KAP_NATS_",
    "KAP_DATABASE_URL",
    "KAP_PORT",
    "KAP_HTTP_PORT",
    "KAP_FEED_PORT",
    "KAP_MLLP_PORT",
    "KAP_CLINIC_KEY_FILE",
    "KAP_KEY_BACKUP_FILE",
    "KAP_SNAPSHOT_FILE",
    "KAP_FIRST_USERS_FILE",
)


@dataclass(frozen=True)
class Place:
    """Where everything is, for this run."""

    data: Path
    clinic: str
    bind: str
    timezone: str
    http_port: int
    feed_port: int
    mllp_port: int
    nats_url: Callable[[str], str]  # by user
    nats_monitor: str
    database: str
    clinic_key: Path
    first_users: Path


@dataclass(frozen=True)
class Service:
    name: str  # also its NATS user
    command: Sequence[str]
    settings: Callable[[Place], Mapping[str, str]]


def common(service: Service, place: Place, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "KAP_CLINIC": place.clinic,
        "KAP_BIND": place.bind,
        "KAP_TIMEZONE": place.timezone,
        "KAP_NATS_URL": place.nats_url(service.name),
        "KAP_NATS_MONITOR_URL": place.nats_monitor,
        "KAP_PORT": str(port),
        "KAP_SNAPSHOT_FILE": str(place.data / "state" / f"{service.name}.snapshot"),
        **service.settings(place),
    }


def python(*arguments: str) -> Sequence[str]:
    return (sys.executable, "-m", *arguments)


def nothing_more(_: Place) -> Mapping[str, str]:
    return {}


def monitoring(place: Place) -> Mapping[str, str]:
    return {"KAP_MLLP_PORT": str(place.mllp_port)}


def rows(place: Place) -> Mapping[str, str]:
    return {"KAP_DATABASE_URL": place.database}


def staff(place: Place) -> Mapping[str, str]:
    """The staff's gateway alone holds the clinic's key."""
    return {
        "KAP_DATABASE_URL": place.database,
        "KAP_HTTP_PORT": str(place.http_port),
        "KAP_FEED_PORT": str(place.feed_port),
        "KAP_CLINIC_KEY_FILE": str(place.clinic_key),
        "KAP_KEY_BACKUP_FILE": str(place.data / "keys.backup"),
        "KAP_FIRST_USERS_FILE": str(place.first_users),
    }


SERVICES: Sequence[Service] = (
    Service("intake", python("intake"), nothing_more),
    Service("session-monitor", python("session_monitor"), monitoring),
    Service("integration", python("integration"), nothing_more),
    Service("gateway", python("projections", "--only", "feed,http"), staff),
    Service("read-models", python("projections", "--only", "read-models"), rows),
)
