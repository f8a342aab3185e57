"""The staff's gateway over HTTP: sign-in, commands, queries, the page. It holds a `projections.gateway`."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from kap import settings
from kap.settings import SettingError

from projections.gateway import Gateway, Settings
from projections.keys import clinic_key
from projections.web import commands, dose_check, page, reads, sign_in
from projections.web.answers import answers_to_errors
from projections.web.security import Guard

log = logging.getLogger("kap.http")


def from_environment(feed_port: int | None = None) -> Settings:
    """The gateway's settings; a wrong one is refused by name."""
    key_file = settings.path("KAP_CLINIC_KEY_FILE", must_exist=True)
    if key_file is None:
        raise SettingError(
            "KAP_CLINIC_KEY_FILE is not set; it should name a file with 32 random bytes in base64"
        )
    return Settings(
        clinic=settings.clinic(),
        clinic_key=clinic_key(key_file),
        key_backup=settings.path("KAP_KEY_BACKUP_FILE"),
        first_users=settings.path("KAP_FIRST_USERS_FILE"),
        database=_optional_url("KAP_DATABASE_URL", "postgresql", "postgres"),
        public_url=_optional_url("KAP_PUBLIC_URL", "https", "http"),
        public_feed_url=_optional_url("KAP_PUBLIC_FEED_URL", "wss", "ws"),
        feed_port=settings.port("KAP_FEED_PORT", 8081) if feed_port is None else feed_port,
        dashboard=settings.path("KAP_DASHBOARD"),
        timezone=settings.zone().key,
    )


def _optional_url(name: str, *schemes: str) -> str | None:
    return settings.url(name, *schemes) if settings.text(name, "-") != "-" else None


def http_app(gateway: Gateway) -> FastAPI:
    """Needs a gateway that is `running()` while requests come."""
    app = FastAPI(
        title="KAP",
        version="1",
        description="Sign in, send commands, read sessions and their history. The live feed is a WebSocket.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.gateway = gateway
    answers_to_errors(app)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> PlainTextResponse:
        why = await gateway.ready()
        return PlainTextResponse(f"{why or 'ready'}\n", 503 if why else 200)

    for router in (
        sign_in.routes,
        dose_check.routes,
        commands.routes,
        reads.routes,
        page.routes(gateway.settings.dashboard),
    ):
        app.include_router(router)
    app.add_middleware(Guard, settings=gateway.settings)
    return app


class _Server(uvicorn.Server):
    """Signals are the process's to handle, not this server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@contextlib.asynccontextmanager
async def listening(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port, which 0 leaves to the system."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        lifespan="off",
        h11_max_incomplete_event_size=32 * 1024,
        limit_concurrency=500,
    )
    server = _Server(config)
    listener = socket.create_server((host, port), family=_family(host), backlog=2048)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if serving.done():
                serving.result()
                raise OSError("the HTTP server did not start")
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
