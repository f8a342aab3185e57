"""The processes of this service: the staff gateway (feed, http) and the read models, together or apart.

Together, feed and HTTP share one board. Apart, the HTTP process follows the facts alone; tickets meet in
KV, so a ticket that one made opens the other. Read models belong in a process of their own, so that a
rebuild cannot slow the screen (decision 5).
"""

import logging
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from faststream.asgi import AsgiFastStream
from kap import service, settings
from kap.log import JetStreamLog

from projections import staff
from projections.board import Board
from projections.feed import Feed, origins
from projections.gateway import Gateway
from projections.read_model import Keeper, keep, unready
from projections.read_models import keepers

PARTS = ("feed", "read-models", "http")

log = logging.getLogger("kap.projections")


def build(only: Collection[str] = PARTS) -> AsgiFastStream:
    """The service with these parts; its NATS user is the gateway's, or the read models' alone."""
    gateway = "feed" in only or "http" in only
    name = "gateway" if gateway else "read-models"
    nats = service.broker(name)
    clinic = settings.clinic()
    database = settings.url("KAP_DATABASE_URL", "postgresql", "postgres") if "read-models" in only else ""
    if gateway:
        ports = settings.port("KAP_HTTP_PORT", 8080), settings.port("KAP_FEED_PORT", 8081)
        given = staff.from_environment()
        snapshot = settings.path("KAP_SNAPSHOT_FILE")
    board = Board(clinic)
    checks: list[Gateway | list[Keeper]] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(service.connection(name))
            source = JetStreamLog(client, clinic, name)
            if "read-models" in only:
                models = keepers(source, database)
                checks.append(models)
                await stack.enter_async_context(service.in_background(keep(models), "the read models"))
            if gateway:
                bind = settings.bind()
                own = Gateway(client, board, given)
                checks.append(own)
                follow = board.run(
                    source,
                    snapshot,
                    "gateway-board" if "feed" in only else "gateway-staff",
                    readings="feed" in only,
                )
                await stack.enter_async_context(service.in_background(follow, "the live board"))
                await stack.enter_async_context(own.running())
                http_port = ports[0]
                if "http" in only:
                    http_port = await stack.enter_async_context(
                        staff.listening(staff.http_app(own), bind, http_port)
                    )
                    log.info("http", extra={"port": http_port})
                if "feed" in only:
                    feed = Feed(
                        board,
                        redeem=own.redeem,
                        present=own.present,
                        stands=own.stands,
                        hears=own.hears_monitors,
                    )
                    board.on_change = feed.publish
                    pages = origins(given.public_url, bind, http_port)
                    server = await stack.enter_async_context(feed.serve(_bound(bind, ports[1]), pages))
                    log.info("feed", extra={"port": server.sockets[0].getsockname()[1]})
            yield

    async def ready() -> str | None:
        reasons = [await part.ready() if isinstance(part, Gateway) else unready(part) for part in checks]
        return "; ".join(reason for reason in reasons if reason) or None

    return service.app("projections", nats, lifespan, ready)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)
