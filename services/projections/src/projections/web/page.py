"""The dashboard, as it was built: hashed files for ever, the page itself never kept."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

BUILT = Path(__file__).parents[3] / "dashboard" / "dist"  # in the source tree; else KAP_DASHBOARD says where

_FOR_EVER = "public, max-age=31536000, immutable"
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>KAP</title>
<h1>The dashboard is not built</h1>
<p>KAP runs, but its page was not built. Run <code>make setup</code>, then load this page again.</p>
"""


def routes(dashboard: Path | None) -> APIRouter:
    """`/assets/…`, the few files beside them, and the page for every place in it."""
    router = APIRouter(include_in_schema=False)
    root = (dashboard or BUILT).resolve()

    def file(path: str) -> Path | None:
        found = (root / path).resolve()
        return found if found.is_file() and found.is_relative_to(root) else None

    @router.get("/assets/{path:path}")
    async def asset(path: str) -> FileResponse:
        found = file(f"assets/{path}")
        if found is None:
            raise HTTPException(404)
        return FileResponse(found, headers={"Cache-Control": _FOR_EVER})

    @router.get("/{path:path}")
    async def page(path: str) -> Response:
        if path.startswith("api/"):
            raise HTTPException(404)
        if "." in path.rpartition("/")[2] and path != "index.html":
            found = file(path)
            if found is None:
                raise HTTPException(404)
            return FileResponse(found, headers={"Cache-Control": "no-cache"})
        index = file("index.html")
        if index is None:
            return HTMLResponse(_NOT_BUILT, 503, headers={"Cache-Control": "no-store"})
        return FileResponse(index, headers={"Cache-Control": "no-store"})

    return router
