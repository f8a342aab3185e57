"""Who may do what on NATS: one user a service, and only the subjects it needs.

    python deploy/nats/permissions.py > authorization.conf

prints the part of the server's configuration that production includes; passwords come from the server's
environment (KAP_NATS_PASSWORD_INTAKE …). `kap up` uses the same table. What is not written here is forbidden.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from kap.follow import numbered

LOGS = ("EVENTS", "VITALS")
BUCKETS = ("STAFF", "LOGINS", "KEYS")

# Each reader of the log follows with an ephemeral pull consumer of its own name (`log.follow(name=…)`).
# NATS has no prefix wildcard within a token, so each name stands here: a new follower is a new line.
FOLLOWERS: dict[str, tuple[str, ...]] = {
    "session-monitor": (
        "session-monitor-watch-events",
        "session-monitor-watch-vitals",
        "session-monitor-ingest-events",
        "session-monitor-ingest-vitals",
    ),
    "gateway": (  # several of one clinic at once: each takes a free one of the numbered names
        *numbered("gateway-board-events"),
        *numbered("gateway-board-vitals"),
        *numbered("gateway-staff-events"),
    ),
    "read-models": tuple(
        f"read-models-{name}{suffix}"
        for name in (
            "sessions",
            "timeline",
            "vitals",
            "courses",
            "care_plans",
            "alarms",
        )
        for suffix in ("", "-rebuild")
    ),
}

# Durable consumers, declared in deploy/streams.py: who reads them may not make or change them.
DURABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "integration": (("EVENTS", "integration-care-plans-1"), ("EVENTS", "integration-aborted-1")),
}


def inbox(user: str) -> str:
    """Answers come here; a user hears its own and nobody else's."""
    return f"_INBOX_{user}.>"


def reads() -> list[str]:
    """Load an aggregate's history and ask how long the log is."""
    return [
        subject
        for stream in LOGS
        for subject in (
            f"$JS.API.STREAM.INFO.{stream}",
            f"$JS.API.DIRECT.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}.>",
        )
    ]


def follows(user: str) -> list[str]:
    return [
        subject
        for name in FOLLOWERS[user]
        for stream in LOGS
        for subject in (
            f"$JS.API.CONSUMER.CREATE.{stream}.{name}",
            f"$JS.API.CONSUMER.CREATE.{stream}.{name}.>",
            f"$JS.API.CONSUMER.INFO.{stream}.{name}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}",
            f"$JS.API.CONSUMER.DELETE.{stream}.{name}",
            # Nobody acknowledges, but else the server would note each message's reply as one we may answer.
            f"$JS.ACK.{stream}.{name}.>",
        )
    ]


def works_off(user: str) -> list[str]:
    return [
        subject
        for stream, name in DURABLES[user]
        for subject in (
            f"$JS.API.CONSUMER.INFO.{stream}.{name}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}",
            f"$JS.ACK.{stream}.{name}.>",
        )
    ]


def keeps(bucket: str) -> list[str]:
    """Read, write, list, erase. A KV purge leaves the old value on disk; MSG.DELETE erases it."""
    stream = f"KV_{bucket}"
    return [
        f"$KV.{bucket}.>",
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}.>",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.STREAM.MSG.DELETE.{stream}",
        f"$JS.API.STREAM.PURGE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.FC.{stream}.>",
    ]


def facts(clinic: str, *aggregates: str) -> list[str]:
    return [f"kap.events.{clinic}.{aggregate}.>" for aggregate in aggregates]


ANSWERS = {"max": 1, "expires": "30s"}  # reply once to a request that came in


def table(clinic: str = "main") -> dict[str, dict[str, Any]]:
    """Each user's permissions, as the server's configuration has them."""
    return {
        "operator": {  # deploy/streams.py, rebuild, bench, backup: all but pretending to be the server
            "publish": {"allow": [">"], "deny": ["kap.live.events.>", "kap.live.vitals.>"]},
            "subscribe": {"allow": [">"]},
        },
        "intake": {
            "publish": {"allow": [*facts(clinic, "patient", "clinic", "course"), *reads()]},
            "subscribe": {"allow": [inbox("intake"), f"kap.commands.{clinic}.intake"]},
            "allow_responses": ANSWERS,
        },
        "session-monitor": {
            "publish": {
                "allow": [
                    *facts(clinic, "session"),
                    f"kap.vitals.{clinic}.*",
                    f"kap.live.devices.{clinic}",
                    *reads(),
                    *follows("session-monitor"),
                    # By rule, as noting each of ten thousand requests a second would cost the server.
                    "_INBOX.>",
                    inbox("device-gateway"),
                ]
            },
            "subscribe": {
                "allow": [
                    inbox("session-monitor"),
                    f"kap.commands.{clinic}.session",
                    f"kap.ingest.{clinic}.vitals",
                ]
            },
            "allow_responses": ANSWERS,
        },
        "integration": {
            "publish": {"allow": [*facts(clinic, "care_plan", "task"), *reads(), *works_off("integration")]},
            "subscribe": {"allow": [inbox("integration"), f"kap.commands.{clinic}.integration"]},
            "allow_responses": ANSWERS,
        },
        "read-models": {
            "publish": {"allow": [*reads(), *follows("read-models")]},
            "subscribe": {"allow": [inbox("read-models")]},
        },
        "gateway": {  # the staff's: HTTP and the feed
            "publish": {
                "allow": [
                    f"kap.commands.{clinic}.*",
                    *reads(),
                    *follows("gateway"),
                    *(subject for bucket in BUCKETS for subject in keeps(bucket)),
                ]
            },
            "subscribe": {"allow": [inbox("gateway"), f"kap.live.devices.{clinic}"]},
        },
        "device-gateway": {  # bedside gateways outside: they hand in readings and hear the answers
            "publish": {"allow": [f"kap.ingest.{clinic}.vitals"]},
            "subscribe": {"allow": [inbox("device-gateway"), "_INBOX.>"]},
        },
        "subscriber": {  # anyone outside: what was stored, and nothing else
            "publish": {"deny": [">"]},
            "subscribe": {"allow": ["kap.live.>"]},
        },
    }


USERS = tuple(table())


def authorization(passwords: Mapping[str, str], clinic: str = "main") -> str:
    """The `authorization` block; NATS reads JSON as configuration."""
    users = [
        {"user": user, "password": passwords[user], "permissions": permissions}
        for user, permissions in table(clinic).items()
    ]
    return f"authorization: {json.dumps({'users': users}, indent=2)}\n"


def main() -> None:
    variables = {user: f"KAP_NATS_PASSWORD_{user.upper().replace('-', '_')}" for user in USERS}
    text = authorization(variables, os.environ.get("KAP_CLINIC", "main"))
    for variable in variables.values():
        text = text.replace(
            f'"password": "{variable}"', f'"password": ${variable}'
        )  # read from the environment
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
