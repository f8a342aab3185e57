"""The streams of KAP, declared: the only place that does (a second declaration would overwrite the first).

    KAP_NATS_URL=nats://operator:…@host:4222 python deploy/streams.py

Running it again changes nothing. What differs from here is brought up to date; a limit is never made smaller,
and what the server cannot change is refused with the reason.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import nats
from kap import settings
from nats.aio.client import Client

KIB, MIB = 1024, 1024 * 1024
SECOND = 1_000_000_000  # the server counts in nanoseconds

# What the server would fill in is written out, so that the comparison with what is there is whole.
LOG: dict[str, Any] = {
    "storage": "file",
    "retention": "limits",
    "discard": "new",  # a full disk refuses an append; it never drops a record
    "max_age": 0,
    "max_bytes": -1,
    "max_msgs": -1,
    "max_msgs_per_subject": -1,
    "max_msg_size": 256 * KIB,
    "duplicate_window": 120 * SECOND,
    "allow_direct": True,  # loads one aggregate's history in a request
    "allow_atomic": True,  # several events of one decision: all or none
    "allow_rollup_hdrs": False,
    "deny_delete": True,
    "deny_purge": True,
}

BUCKET: dict[str, Any] = {
    "storage": "file",
    "retention": "limits",
    "discard": "new",
    "max_age": 0,
    "max_msgs": -1,
    "max_msgs_per_subject": 1,  # history 1: an overwritten value is gone
    "max_msg_size": 64 * KIB,
    "duplicate_window": 120 * SECOND,
    "allow_direct": True,
    "allow_atomic": False,
    "allow_rollup_hdrs": True,  # a KV purge
    "deny_delete": False,  # forgetting a person erases their key: MSG.DELETE
    "deny_purge": False,
}


def log(name: str, kind: str, description: str) -> dict[str, Any]:
    # Subscribers hear what was stored, not what somebody tried to store.
    republish = {"src": f"kap.{kind}.>", "dest": f"kap.live.{kind}.>"}
    return LOG | {
        "name": name,
        "description": description,
        "subjects": [f"kap.{kind}.>"],
        "republish": republish,
    }


def bucket(name: str, description: str, **settings: Any) -> dict[str, Any]:
    return (
        BUCKET | {"name": f"KV_{name}", "description": description, "subjects": [f"$KV.{name}.>"]} | settings
    )


STREAMS: Sequence[Mapping[str, Any]] = (
    log("EVENTS", "events", "Facts that somebody decided, appended under optimistic concurrency"),
    log("VITALS", "vitals", "Observations that nobody decides, group-committed"),
    bucket("STAFF", "Who may sign in, and as what", max_bytes=16 * MIB),
    # A sign-in carries its own time to live: 12 h for people, none for a wall screen; a feed's ticket 30 s.
    bucket("LOGINS", "Who is signed in", max_bytes=16 * MIB, allow_msg_ttl=True),
    bucket("KEYS", "The patients' keys, wrapped by the clinic's", max_bytes=256 * MIB),
)

# Durable readers that acknowledge. A name ends in a number: to change anything, declare the next (trap 12).
CONSUMERS: Sequence[Mapping[str, Any]] = tuple(
    {
        "stream": "EVENTS",
        "durable_name": name,
        "description": description,
        "filter_subject": f"kap.events.*.session.*.{event}",
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": 10 * SECOND,
        "max_ack_pending": 100,
        "max_deliver": -1,
        "replay_policy": "instant",
    }
    for name, event, description in (
        ("integration-care-plans-1", "discharged", "integration: a care plan follows each discharge"),
        ("integration-aborted-1", "session_aborted", "integration: Spravato's REMS form follows, too"),
    )
)

LIMITS = ("max_age", "max_bytes", "max_msgs", "max_msgs_per_subject", "max_msg_size", "duplicate_window")
FOR_EVER = (
    "storage",
    "retention",
    "deny_delete",
    "deny_purge",
)  # the server changes these in one direction or never


class Differs(Exception):
    """The stream that is there cannot become the one declared here."""


def limit(value: int) -> float:
    return float("inf") if value <= 0 else value


def changes(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What must change, refused when it would shrink a limit or cannot be changed."""
    different = {name: value for name, value in wanted.items() if there.get(name, False) != value}
    for name, value in different.items():
        was = there.get(name)
        if name in FOR_EVER:
            raise Differs(f"{wanted['name']} has {name} {was!r}, not {value!r}: that cannot be changed")
        if name in LIMITS and limit(value) < limit(was or 0):
            raise Differs(f"{wanted['name']} has {name} {was}: it would shrink to {value}")
        if name == "num_replicas" and value < (was or 1):
            raise Differs(f"{wanted['name']} has {was} replicas: they would shrink to {value} (KAP_REPLICAS)")
    return different


async def request(client: Client, subject: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    message = await client.request(
        f"$JS.API.{subject}", json.dumps(body).encode() if body else b"", timeout=10
    )
    reply: dict[str, Any] = json.loads(message.data)
    return reply


async def declare_one(client: Client, wanted: Mapping[str, Any]) -> str:
    name = wanted["name"]
    answer = await request(client, f"STREAM.INFO.{name}")
    if answer.get("error", {}).get("code") == 404:
        done, answer = "created", await request(client, f"STREAM.CREATE.{name}", wanted)
    elif "config" in answer:
        there = answer["config"]
        different = changes(there, wanted)
        if not different:
            return "as declared"
        done = "changed " + ", ".join(sorted(different))
        answer = await request(client, f"STREAM.UPDATE.{name}", there | different)
    if error := answer.get("error"):
        raise Differs(f"{name}: {error.get('description', error)}")
    if left := changes(answer["config"], wanted):  # an older server ignores what it does not know
        raise Differs(f"{name}: the server did not take {', '.join(sorted(left))}")
    return done


async def declare_consumer(client: Client, declared: Mapping[str, Any]) -> str:
    stream, name = declared["stream"], declared["durable_name"]
    wanted = {key: value for key, value in declared.items() if key != "stream"}
    answer = await request(client, f"CONSUMER.INFO.{stream}.{name}")
    done = "as declared"
    if answer.get("error", {}).get("code") == 404:
        body = {"stream_name": stream, "config": wanted, "action": "create"}
        subject = f"CONSUMER.CREATE.{stream}.{name}.{wanted['filter_subject']}"
        done, answer = "created", await request(client, subject, body)
    if error := answer.get("error"):
        raise Differs(f"{name}: {error.get('description', error)}")
    there = answer["config"]
    if different := [key for key, value in wanted.items() if there.get(key) != value]:
        raise Differs(f"{name} has another {', '.join(different)}: declare it under the next number")
    return done


async def declare(client: Client, replicas: int = 1) -> dict[str, str]:
    """Make the streams and their durable consumers what this file says; what was done to each, by name."""
    done = {
        wanted["name"]: await declare_one(client, {**wanted, "num_replicas": replicas}) for wanted in STREAMS
    }
    for wanted in CONSUMERS:
        done[wanted["durable_name"]] = await declare_consumer(client, wanted)
    return done


class Unreachable(Exception):
    """NATS does not answer, or does not let us in."""


async def connect(url: str) -> Client:
    """Connect now or say why not; the client's own way is to go on trying in silence."""
    said: list[Exception] = []

    async def hear(error: Exception) -> None:
        said.append(error)

    try:
        return await nats.connect(
            url,
            connect_timeout=5,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,
            error_cb=hear,
        )
    except (OSError, TimeoutError, nats.errors.Error) as error:
        raise Unreachable(str(said[-1] if said else error) or repr(error)) from error


async def main() -> int:
    try:
        settings.check_names()
    except settings.SettingError as error:
        print(error, file=sys.stderr)
        return 2
    url = os.environ.get("KAP_NATS_URL")
    if not url:
        print(
            "KAP_NATS_URL is not set: it should be the address of NATS, with the operator's password",
            file=sys.stderr,
        )
        return 2
    replicas = os.environ.get("KAP_REPLICAS", "1")
    if replicas not in ("1", "3", "5"):
        print(f"KAP_REPLICAS is {replicas!r}: it should be 1, 3 or 5", file=sys.stderr)
        return 2
    try:
        client = await connect(url)
    except Unreachable as error:
        print(f"NATS does not answer at KAP_NATS_URL: {error}", file=sys.stderr)
        return 1
    try:
        for name, done in (await declare(client, int(replicas))).items():
            print(f"{name}: {done}")
    except (Differs, nats.errors.Error) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        await client.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
