"""The pages by their addresses: finds what is asked, and answers it as HTML."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.page import (
    address,
    bigquery_model,
    dataset,
    endpoint,
    project,
    requests,
    resource,
    start,
    template,
)
from localcloud.page.missing import Missing, NotOpen
from localcloud.page.sources import Sources

STATIC = Path(__file__).parent / "static"
PLOTLY = "plotly.min.js"
HEADERS = {
    # Nothing from elsewhere is loaded, whatever a description holds. Plotly writes styles of its
    # own into the page, and draws its texts as images of data.
    "content-security-policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "vary": "accept",
}

Answer = tuple[str, Mapping[str, Any]]
"""A template and what it is given."""

_ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Answer]], ...] = (
    (re.compile(""), start.page),
    (re.compile("requests"), requests.page),
    (re.compile("projects/([^/]+)"), project.page),
    (re.compile("projects/([^/]+)/datasets/([^/]+)"), dataset.page),
    (re.compile("projects/([^/]+)/datasets/([^/]+)/models/([^/]+)"), bigquery_model.page),
    (re.compile("(.+/.+)"), resource.page),
)


class Page:
    """Answers what is under `/web/`, and `/` to browsers.

    Args:
        sources: What is shown.
        cloud: The local cloud as its clients reach it; the form of an endpoint posts to it.
    """

    def __init__(self, sources: Sources, cloud: ASGIApp) -> None:
        self._sources = sources
        self._cloud = cloud

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        request = Request(scope, receive)
        path = unquote(scope["path"]).removeprefix(address.PREFIX.rstrip("/")).strip("/")
        response = await self._answer(request, path)
        response.headers.update(HEADERS | dict(response.headers))
        await response(scope, receive, send)

    async def _answer(self, request: Request, path: str) -> Response:
        if path.startswith("static/"):
            return self._static(path.removeprefix("static/"))
        if request.method == "POST":
            form = parse_qs((await request.body()).decode(), keep_blank_values=True)
            text = form.get("instances", [""])[0]
            try:
                tried = await endpoint.predicted(self._cloud, path, text)
            except Missing as missing:
                return self._missing(missing, 404)
            return await to_thread.run_sync(self._page, path, {"tried": tried})
        if request.method not in ("GET", "HEAD"):
            refused = Missing(f"{request.method} of a page", "Pages are read with GET.")
            return self._missing(refused, 405)
        return await to_thread.run_sync(self._page, path, {})

    def _page(self, path: str, more: Mapping[str, Any]) -> Response:
        # What is due happens with the next request, and this one is as good as any.
        self._sources.cloud.operations.settle()
        try:
            name, values = self._found(path)
        except Missing as missing:
            return self._missing(missing, 404)
        except NotOpen:
            return self._html("opening.html", {}, 503)
        return self._html(name, {**values, **more}, 200)

    def _found(self, path: str) -> Answer:
        for pattern, page in _ROUTES:
            if match := pattern.fullmatch(path):
                return page(self._sources, *match.groups())
        raise Missing(f"The page /web/{path}", "Begin at the start page, which links to all.")

    def _missing(self, missing: Missing, status: int) -> Response:
        return self._html("missing.html", {"what": missing.what, "advice": missing.advice}, status)

    def _html(self, name: str, values: Mapping[str, Any], status: int) -> Response:
        shared = {"status": self._sources.status()}
        return HTMLResponse(template.rendered(name, {**shared, **values}), status)

    def _static(self, name: str) -> Response:
        # A version of Plotly never changes; of our own files the browser asks again.
        if name == PLOTLY:
            return FileResponse(_plotly(), headers={"cache-control": "max-age=3600"})
        if name in ("page.css", "charts.js"):
            return FileResponse(STATIC / name, headers={"cache-control": "no-cache"})
        return self._missing(Missing(f"The file {name}", "Begin at the start page."), 404)


def _plotly() -> Path:
    import importlib.util

    # Found without importing it: its figures are plain JSON here, so nothing of it is imported.
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        raise RuntimeError("plotly is not installed: pip install 'bqvertex[local]'")
    return Path(found.origin).parent / "package_data" / PLOTLY
