"""Every response's security headers, and the check that a change comes from our own page."""

import re
import time
from urllib.parse import urlsplit

from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projections.gateway import Settings

STRANGERS = Counter("kap_http_wrong_origin_total", "Requests refused because another site sent them.")
REQUESTS = Histogram(
    "kap_http_request_seconds",
    "HTTP requests by route and status.",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 3),
)

_HOST = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$")
_SAFE = ("GET", "HEAD", "OPTIONS")
_METHODS = (*_SAFE, "POST")


class Guard:
    """Around the whole application, so that nothing leaves without the headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        api = scope["path"].startswith("/api/")
        started, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["Content-Security-Policy"] = self.policy(host)
                out["X-Content-Type-Options"] = "nosniff"
                out["Referrer-Policy"] = "no-referrer"
                if api:
                    out["Cache-Control"] = "no-store"
            await send(message)

        try:
            await self.answer(scope, receive, sending, headers, host)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # the template: no id becomes a label
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, route, str(status)).observe(time.perf_counter() - started)

    async def answer(
        self, scope: Scope, receive: Receive, sending: Send, headers: Headers, host: str
    ) -> None:
        if not _HOST.match(host):
            await JSONResponse({"refused": "The request names no host."}, 400)(scope, receive, sending)
        elif scope["method"] not in _SAFE and not self.own(headers, host):
            STRANGERS.inc()
            await JSONResponse({"refused": "This request came from another site."}, 403)(
                scope, receive, sending
            )
        else:
            await self.app(scope, receive, sending)

    def policy(self, host: str) -> str:
        feed = urlsplit(feed_url(self.settings, host))
        connect = f" {feed.scheme}://{feed.netloc}" if _HOST.match(host) else ""
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
            f"connect-src 'self'{connect}; worker-src 'self'; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        )

    def own(self, headers: Headers, host: str) -> bool:
        """A browser says where a request comes from; what does not is no browser, with no cookie to abuse."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        own = {f"http://{host}"}
        if self.settings.public_url:
            public = urlsplit(self.settings.public_url)
            own = {f"{public.scheme}://{public.netloc}"}
        return origin in own


def feed_url(settings: Settings, host: str) -> str:
    """Where the page finds the feed: behind the same https address, else on the feed's own port."""
    if settings.public_feed_url:
        return settings.public_feed_url
    public = urlsplit(settings.public_url or "")
    if public.scheme == "https":
        return f"wss://{public.netloc}/feed"
    name = public.hostname or re.sub(r":\d+$", "", host)
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    return f"ws://{name}:{settings.feed_port}/feed"
