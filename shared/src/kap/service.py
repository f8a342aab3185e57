"""The same safe edges for every service: connection, commands, health, metrics, logs, start and stop.

Each setting here answers a failure seen: docs/nats.md tells which.
"""

import asyncio
import gc
import json
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import urlopen

import uvicorn
from fast_depends.exceptions import ValidationError as CallError
from faststream import ExceptionMiddleware
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.nats import NatsBroker
from faststream.params import Header
from faststream.security import BaseSecurity, SASLPlaintext
from faststream.specification import AsyncAPI
from nats import connect
from nats.aio.client import Client
from nats.errors import Error as NatsError
from prometheus_client import make_asgi_app
from pydantic import ValidationError

from kap import metrics, settings
from kap.decider import Command, Outcome, Refused, Unavailable
from kap.tasks import ended
from kap.wrong import wrong

Answer = dict[str, Any]
C = TypeVar("C", bound=Command)
Ready = Callable[[], Awaitable[str | None]]  # why the service is not ready; None when it is

FUTURE = timedelta(minutes=1)
log = logging.getLogger("kap")


class Unsynced(Exception):
    """The log would lose acknowledged events in a power cut."""


# ---- commands


# The header `kap-dry-run: 1`: whether the command could be done, without doing it.
DryRun = Annotated[bool, Header("kap-dry-run", default=False)]


async def answer(command: C, act: Callable[[C], Awaitable[Outcome]], dry_run: bool = False) -> Answer:
    """What the caller hears: recorded, refused with a sentence for the clinician, or unavailable."""
    command = command.model_copy(update={"dry_run": dry_run})  # whatever its sender wrote there
    kind = str(getattr(command, "type", "unknown"))
    started = time.perf_counter()
    try:
        if command.at > datetime.now(UTC) + FUTURE:
            raise Refused("The time given is in the future.")
        outcome = await act(command)
        reply: Answer = {"recorded": outcome.recorded, "position": outcome.position}
        result = "recorded" if outcome.recorded else "unchanged"
    except Refused as error:
        reply, result = {"refused": str(error)}, "refused"
        if error.points:
            reply["points"] = error.points
    except (Unavailable, TimeoutError, NatsError) as error:
        why = str(error) or "The log does not answer. Try again."
        reply, result = {"unavailable": why}, "unavailable"
        log.warning("command unavailable", extra={"command": str(command.id), "type": kind, "reason": why})
    if dry_run:
        result = f"dry run: {result}"
    metrics.COMMANDS.labels(kind, result).inc()
    metrics.COMMAND.labels(kind).observe(time.perf_counter() - started)
    return reply


def invalid(error: ValidationError | CallError) -> Answer:
    """Each wrong field by name, and what it should be; never the value, which may be a person's."""
    problems = []
    cause = error.original_error if isinstance(error, CallError) else error
    if not isinstance(cause, ValidationError):
        return {"invalid": [{"field": "body", "message": "A command is a JSON object with a 'type'."}]}
    for path, message in wrong(cause):
        # the first parts name the handler's parameter and the command's own type
        while path and (path[0] in ("command",) or path[0][:1].isupper()):
            path.pop(0)
        problems.append({"field": ".".join(path) or "type", "message": message})
    return {"invalid": problems}


_edge = ExceptionMiddleware()


@_edge.add_handler(CallError, publish=True)
async def _not_a_command(error: CallError) -> Answer:
    metrics.COMMANDS.labels("unknown", "invalid").inc()
    return invalid(error)


@_edge.add_handler(ValidationError, publish=True)
async def _not_an_event(error: ValidationError) -> Answer:
    """A command whose own fields are right but whose event would not be."""
    metrics.COMMANDS.labels("unknown", "invalid").inc()
    return invalid(error)


@_edge.add_handler(Exception, publish=True)
async def _failed(error: Exception) -> Answer:
    log.error("command failed", exc_info=error)
    return {"unavailable": "KAP could not do this because of a fault of its own. It is in the log."}


# ---- connections


def nats_options(name: str) -> dict[str, Any]:
    """How every service connects: for ever, noticing a dead server within ten seconds."""
    return {
        "name": name,
        "inbox_prefix": f"_INBOX_{name}",
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": 0.25,
        "ping_interval": 5,
        "max_outstanding_pings": 2,
    }


def nats_url() -> tuple[list[str], str | None, str | None]:
    """Servers, user and password of `KAP_NATS_URL` (several servers separated by commas)."""
    servers, user, password = [], None, None
    should_be = "like nats://user:password@host:4222"
    for part in settings.text("KAP_NATS_URL", should_be=should_be).split(","):
        url = urlsplit(part.strip())
        if url.scheme not in ("nats", "tls") or not url.hostname:
            raise settings.SettingError(f"KAP_NATS_URL should be {should_be}")
        user, password = url.username or user, url.password or password
        servers.append(urlunsplit((url.scheme, f"{url.hostname}:{url.port or 4222}", "", "", "")))
    return servers, unquote(user) if user else None, unquote(password) if password else None


def broker(name: str) -> NatsBroker:
    """The edge for commands and reactions; `name` is the service's, and its NATS user's."""
    servers, user, password = nats_url()
    security: BaseSecurity | None = None
    if user is not None:
        security = SASLPlaintext(username=user, password=password or "")
    return NatsBroker(
        servers,
        **nats_options(name),
        security=security,
        closed_cb=_closed,
        graceful_timeout=10,
        middlewares=[_edge],
        logger=logging.getLogger("kap.edge"),
        log_level=logging.DEBUG,
    )


@asynccontextmanager
async def connection(name: str) -> AsyncIterator[Client]:
    """For what runs beside the edge, whose own FastStream closes before the lifespan ends.

    When it is closed for good, its followers say so.
    """
    servers, user, password = nats_url()
    client = await connect(servers, user=user, password=password, **nats_options(name))
    try:
        yield client
    finally:
        await client.close()


async def _closed() -> None:
    # Nothing reconnects a closed connection: better to be restarted than to live on deaf (trap 5).
    if not _stopping.is_set():
        log.critical("the connection to NATS is closed for good; ending")
        signal_stop()


_stopping = asyncio.Event()


def signal_stop() -> None:
    """End this process in order, as SIGTERM would."""
    os.kill(os.getpid(), signal.SIGTERM)


@asynccontextmanager
async def in_background(work: Awaitable[None], what: str) -> AsyncIterator[None]:
    """Run it beside the rest. It should never end: if it does, so does the process, saying why."""

    async def run() -> None:
        try:
            await work
        except Exception as error:
            log.critical("%s stopped: %s; ending", what, error, exc_info=error)
        else:
            log.critical("%s came to an end; ending", what)
        signal_stop()

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        await ended(task)


async def reach_the_log(name: str) -> None:
    """Wait until the log answers, saying what is missing; refuse one that is not synced, or refuses us."""
    servers, user, password = nats_url()
    settings.flag("KAP_ALLOW_UNSYNCED")
    once = {"allow_reconnect": False, "max_reconnect_attempts": 1, "connect_timeout": 2}
    options = nats_options(name) | once | {"error_cb": _quiet}
    while True:
        why = f"KAP_NATS_URL: NATS does not answer at {', '.join(servers)}"
        try:
            async with asyncio.timeout(5):
                client = await connect(servers, user=user, password=password, **options)
            try:
                why = "KAP_NATS_MONITOR_URL: the monitoring address does not answer"
                return await check_synced(client)
            finally:
                await client.close()
        except Unavailable as error:
            why = str(error)
        except (NatsError, OSError, TimeoutError, ValueError) as error:
            if "authorization" in str(error).lower():
                raise settings.SettingError("KAP_NATS_URL: NATS refuses its user or password") from None
        log.warning("waiting: %s", why)
        await asyncio.sleep(1)


async def _quiet(error: Exception) -> None:
    """What goes wrong while waiting is said once a second, not for each server and reason."""


async def check_synced(nats: Client) -> None:
    """Refuse a log that acknowledges before it is on disk (decision 3)."""
    unsynced = []
    should_be = "like http://host:8222"
    for url in settings.text("KAP_NATS_MONITOR_URL", should_be=should_be).split(","):
        if urlsplit(url.strip()).scheme not in ("http", "https"):
            raise settings.SettingError(f"KAP_NATS_MONITOR_URL should be {should_be}")
        varz = json.loads(await asyncio.to_thread(_get, f"{url.strip()}/varz"))
        if not varz.get("jetstream", {}).get("config", {}).get("sync_always"):
            unsynced.append(varz.get("server_name", url))
    for stream in ("EVENTS", "VITALS"):
        reply = await nats.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=5)
        info = json.loads(reply.data)
        if "error" in info:
            raise Unavailable(f"The stream {stream} is not there. Run deploy/streams.py first.")
        if info["config"].get("persist_mode") == "async":
            unsynced.append(f"stream {stream}")
        metrics.LOG_HEAD.labels(stream).set(info["state"]["last_seq"])
    metrics.LOG_SYNCED.set(0 if unsynced else 1)
    if unsynced and not settings.flag("KAP_ALLOW_UNSYNCED"):
        raise Unsynced(
            f"{', '.join(unsynced)} acknowledges events before they are on disk: a power cut would lose "
            "them. Set `sync_interval: always` in the server's jetstream block, or KAP_ALLOW_UNSYNCED=yes."
        )


def _get(url: str) -> bytes:
    with urlopen(url, timeout=5) as response:
        body: bytes = response.read()
        return body


# ---- the process


async def _always() -> str | None:
    return None


def app(
    name: str,
    nats: NatsBroker,
    lifespan: Callable[[], AbstractAsyncContextManager[None]],
    ready: Ready = _always,
) -> AsgiFastStream:
    """The service as an ASGI application: /healthz, /readyz, /metrics, /docs. `lifespan` runs connected."""

    @get
    async def healthz(scope: Any) -> AsgiResponse:
        return AsgiResponse(b"ok\n", 200)  # its event loop turns: that is all this says

    @get
    async def readyz(scope: Any) -> AsgiResponse:
        why = await unready(await nats.connect(), ready)
        return AsgiResponse(f"{why or 'ready'}\n".encode(), 503 if why else 200)

    @get
    async def docs(scope: Any) -> AsgiResponse:
        body = application.schema.to_specification().to_json()
        return AsgiResponse(body.encode(), 200, {"content-type": "application/json"})

    @asynccontextmanager
    async def connected() -> AsyncIterator[None]:
        # Readings live long and hold no cycles: walking them again and again cost a third of a reader's time
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        client = await nats.connect()
        heads = asyncio.create_task(watch_heads(client))
        try:
            async with lifespan():
                yield
        finally:
            heads.cancel()

    async def stopping() -> None:
        _stopping.set()  # before the connection is closed, which is then no accident

    application = AsgiFastStream(
        nats,
        lifespan=connected,
        on_shutdown=[stopping],
        logger=logging.getLogger("kap.edge"),
        specification=AsyncAPI(title=name, version="1"),
        asgi_routes=[
            ("/healthz", healthz),
            ("/readyz", readyz),
            ("/metrics", make_asgi_app()),
            ("/docs", docs),
        ],
    )
    return application


async def unready(nats: Client, ready: Ready) -> str | None:
    """Why the service is not ready. Asks for a round trip: `is_connected` outlives its reader (trap 7)."""
    try:
        await nats.flush(timeout=1)
    except (NatsError, TimeoutError, OSError):
        return "NATS does not answer"
    return await ready()


async def watch_heads(nats: Client) -> None:
    """Keep the log's heads in /metrics up to date."""
    while True:
        for stream in ("EVENTS", "VITALS"):
            try:
                reply = await nats.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=2)
                metrics.LOG_HEAD.labels(stream).set(json.loads(reply.data)["state"]["last_seq"])
            except (NatsError, TimeoutError, KeyError):
                log.warning("the log's head is not known", extra={"stream": stream})
        await asyncio.sleep(5)


def main(name: str, build: Callable[[], Any]) -> None:
    """Run a service until SIGTERM or Ctrl-C; a wrong setting ends it with exit code 2 and its name."""
    logs(name)
    try:
        settings.check_names()
        host, port = settings.bind(), settings.port("KAP_PORT")
        settings.listenable("KAP_PORT", host, port)
        application = build()
        asyncio.run(reach_the_log(name))
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            loop="uvloop",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=10,
            lifespan="on",
        )
    except (settings.SettingError, Unsynced) as error:
        print(f"{name}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise SystemExit(3)


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, service, message, and the ids given as `extra`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service
        self.plain = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self.service,
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in self.plain and k != "color_message"}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def logs(service: str) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
