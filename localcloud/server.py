"""The local cloud as one ASGI application: every service by its path, on one port."""

import functools
import json
import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud import connection, oauth, resource_manager, service_accounts, service_usage
from localcloud.admin.service import PREFIX, Admin, SeenRequest
from localcloud.cloud import Cloud
from localcloud.data_transfer.service import Clock, DataTransfer
from localcloud.discovery.control_plane import ControlPlane
from localcloud.discovery.document import load
from localcloud.discovery.operations import Operations
from localcloud.errors import ApiError, Json
from localcloud.page import address
from localcloud.policy import Policies
from localcloud.ports import BigQueryEngine, BigQueryReader, ModelRegistry
from localcloud.project import DEFAULT_PROJECT, Projects
from localcloud.storage import stored_file
from localcloud.storage.service import CloudStorage
from localcloud.store import Store
from localcloud.vertex import gemini
from localcloud.vertex.service import VertexService

if TYPE_CHECKING:
    from localcloud.page.page import Page

log = logging.getLogger(__name__)

BIGQUERY_PATHS = (
    "/bigquery/v2",
    "/upload/bigquery/v2",
    "/resumable/upload/bigquery/v2",
)
BIGQUERY_DISCOVERY = "/$discovery/rest"
"""Where an API has its own document on its own host, as the bq command asks for it."""
STORAGE_PATHS = ("/storage/v1", "/upload/storage/v1", "/download/storage/v1")

Progress = Callable[[str], None]


class BigQuery(Protocol):
    """What the server needs of the BigQuery service."""

    @property
    def app(self) -> ASGIApp:
        """Answers BigQuery's paths."""
        ...

    @property
    def engine(self) -> BigQueryEngine:
        """BigQuery as Vertex AI calls it."""
        ...

    @property
    def reader(self) -> BigQueryReader:
        """What it keeps, for people."""
        ...

    def close(self) -> None:
        """Stop its jobs and close its files."""
        ...


OpenBigQuery = Callable[[Path, ModelRegistry, Callable[[], str], Progress], BigQuery]
"""State directory, registry, the server's address, where to tell progress -> the open service."""


def _paths(path: str) -> Sequence[str]:
    """Where to look for a path.

    Google's clients poll operations under /ui/, the first rule of google.longrunning's HTTP
    mapping, whatever the version of the API that began them.
    """
    if not path.startswith("/ui/"):
        return (path,)
    rest = path.removeprefix("/ui/")
    return (f"/v1/{rest}", f"/v1beta1/{rest}")


def open_bigquery(
    state: Path, registry: ModelRegistry, base_url: Callable[[], str], progress: Progress
) -> BigQuery:
    """Open the real BigQuery; the first time on a machine, ZetaSQL is compiled.

    Its libraries take seconds to import, so this runs in a thread while the port is open.
    """
    from googlesql import module

    module.ensure(progress)
    progress("opening BigQuery")
    from localcloud.bigquery.app import create_app as create_bigquery
    from localcloud.bqml.training import warm_up

    # The first training would wait for the estimators' libraries, seconds that pass unnoticed now.
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

    return create_bigquery(state, registry=registry, base_url=base_url)


@dataclass
class Readiness:
    """How far the start has come.

    Attributes:
        status: `starting`, `ready` or `failed`.
        detail: What is being done, or why it failed.
    """

    status: str = "starting"
    detail: str = "starting"


class LocalCloud:
    """Every service over one state directory.

    Args:
        state: The state directory; it exists and nobody else uses it.
        base_url: Gives the server's address.
        operation_seconds: How long a long-running operation lasts; 0: done in the first reply.
        bigquery: Opens BigQuery.
        on_progress: Told what the start is doing.
        clock: Tells schedules the time.
    """

    def __init__(
        self,
        state: Path,
        *,
        base_url: Callable[[], str],
        operation_seconds: float = 0.0,
        bigquery: OpenBigQuery = open_bigquery,
        on_progress: Progress = lambda text: None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.state = state
        self.base_url = base_url
        self.store = Store(state / "resources.sqlite3")
        operations = Operations(self.store, operation_seconds)
        self.cloud = Cloud(
            self.store, operations, Projects(self.store), Policies(self.store), base_url, clock
        )
        self.vertex = VertexService(self.cloud)
        self.storage = CloudStorage(self.cloud, state / stored_file.FOLDER, base_url)
        self.data_transfer = DataTransfer(self.cloud, clock)
        # Order decides only what two services share: `operations` and `locations`.
        self.planes: Sequence[ControlPlane] = [
            *self.vertex.planes,
            connection.plane(self.cloud),
            *resource_manager.planes(self.cloud),
            service_accounts.plane(self.cloud),
            service_usage.plane(self.cloud),
            self.data_transfer.plane,
        ]
        self._admin = Admin(self._dispatch)
        self.readiness = Readiness()
        self.grpc: Json = {}
        self._open_bigquery = bigquery
        self._on_progress = on_progress
        self._bigquery: BigQuery | None = None
        self._opened = threading.Event()

    # ------------------------------------------------------------ life
    def open(self) -> None:
        """Open what takes long; the server answers meanwhile, BigQuery's callers wait."""
        try:
            self._bigquery = self._open_bigquery(
                self.state / "bigquery", self.vertex, self.base_url, self._progress
            )
            self.vertex.attach(self._bigquery.engine)
            self.data_transfer.attach(self._bigquery.engine)
            self.readiness = Readiness("ready", "")
        finally:
            # Whatever went wrong, those who wait must learn that BigQuery will not come.
            if error := sys.exception():
                self.readiness = Readiness("failed", f"{type(error).__name__}: {error}")
            self._opened.set()

    def close(self) -> None:
        """Close every service; what runs is given up and begun again at the next start."""
        self.vertex.close()
        self.data_transfer.stop()
        if self._bigquery is not None:
            self._bigquery.close()
        self.data_transfer.close()
        self.store.close()

    def _progress(self, text: str) -> None:
        self.readiness.detail = text
        self._on_progress(text)

    def bigquery(self) -> BigQuery:
        """BigQuery, once it is open.

        Raises:
            ApiError: UNAVAILABLE; it could not be opened.
        """
        self._opened.wait()
        if self._bigquery is None:
            raise ApiError("UNAVAILABLE", f"BigQuery did not start: {self.readiness.detail}")
        return self._bigquery

    # ------------------------------------------------------------ requests
    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            raise RuntimeError(f"the local cloud speaks HTTP, not {scope['type']}")
        if address.is_asked(scope):
            # Neither seen nor hit by faults: whoever looks is no client of the cloud.
            await self._page.app(scope, receive, send)
            return
        await self._seen(scope, receive, send)

    async def _seen(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _Logged(self._admin, self._admin.see)(scope, receive, send)

    @functools.cached_property
    def _page(self) -> "Page":
        # Its templates' library takes a start longer, and most starts are for no browser.
        from localcloud.page.page import Page
        from localcloud.page.sources import Sources

        return Page(
            Sources(self.cloud, self.vertex.models, self._admin, self.status, self._opened_reader),
            self._seen,
        )

    def _opened_reader(self) -> BigQueryReader | None:
        return None if self._bigquery is None else self._bigquery.reader

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(BIGQUERY_PATHS):
            try:
                service = await to_thread.run_sync(self.bigquery)
            except ApiError as error:
                await JSONResponse(error.body(), error.http_status)(scope, receive, send)
                return
            await service.app(scope, receive, send)
            return
        request = Request(scope, receive)
        if path.startswith(STORAGE_PATHS):
            response = await self.storage.handle(request)
        elif path == "/healthz":
            response = self._health()
        elif path == "/":
            response = JSONResponse(self.status(), headers={"vary": "accept"})
        elif path == oauth.PATH and request.method == "POST":
            response = _token(await request.body())
        else:
            response = await self._control(request)
        await response(scope, receive, send)

    def _health(self) -> Response:
        ready = self.readiness.status == "ready"
        body = {"status": self.readiness.status}
        if not ready:
            body["detail"] = self.readiness.detail
        return JSONResponse(body, 200 if ready else 503)

    async def _control(self, request: Request) -> Response:
        raw = await request.body()
        path = unquote(request.url.path)
        pairs = request.query_params.multi_items()
        streams = path.endswith(gemini.STREAM)
        if streams:
            path = path.removesuffix(gemini.STREAM) + gemini.WHOLE
        if is_sse := streams and ("alt", "sse") in pairs:
            pairs.remove(("alt", "sse"))
        try:
            reply = await to_thread.run_sync(
                self._answer, request.method, path, pairs, raw, request.headers.get("host", "")
            )
        except ApiError as error:
            return JSONResponse(error.body(), error.http_status)
        except sqlite3.OperationalError as error:
            refusal = ApiError("INTERNAL", f"The state in {self.state} cannot be written: {error}.")
            log.error("%s", refusal.message)
            return JSONResponse(refusal.body(), refusal.http_status)
        if streams:
            return _streamed(gemini.chunks(reply), is_sse)
        return Response(json.dumps(reply, allow_nan=False), media_type="application/json")

    def _answer(
        self, http: str, path: str, query: Sequence[tuple[str, str]], raw: bytes, host: str
    ) -> Json:
        if path == BIGQUERY_DISCOVERY and ("version", "v2") in query:
            path = "/discovery/v1/apis/bigquery/v2/rest"
        if path.startswith("/discovery/v1/apis/") and path.endswith("/rest"):
            return self._discovery(path)
        for asked in _paths(path):
            for plane in self.planes:
                method = plane.route(http, asked)
                if method is not None:
                    return plane.handle(method, asked, query, raw, host)
        raise ApiError(
            "NOT_FOUND",
            f"The local cloud has no method {http} {path}: GET / lists its services.",
        )

    def _discovery(self, path: str) -> Json:
        _, _, _, _, api, version, _ = path.split("/")
        try:
            document = load(f"{api}.{version}").raw
        except LookupError as error:
            raise ApiError("NOT_FOUND", str(error)) from error
        root = f"{self.base_url()}/"
        base = f"{root}{document.get('servicePath', '')}"
        return {**document, "rootUrl": root, "baseUrl": base, "mtlsRootUrl": root}

    def status(self) -> Json:
        """The server's address, the default project and a row a service."""
        rows = [
            ("bigquery", list(BIGQUERY_PATHS), self.readiness.status),
            ("aiplatform", ["/v1", "/v1beta1", "/ui"], "ready"),
            ("bigqueryconnection", ["/v1"], "ready"),
            ("bigquerydatatransfer", ["/v1"], "ready"),
            ("cloudresourcemanager", ["/v1", "/v3"], "ready"),
            ("iam", ["/v1"], "ready"),
            ("serviceusage", ["/v1"], "ready"),
            ("storage", list(STORAGE_PATHS), "ready"),
        ]
        return {
            "url": self.base_url(),
            "project": DEFAULT_PROJECT,
            "ready": self.readiness.status == "ready",
            "detail": self.readiness.detail,
            "state": str(self.state),
            "grpc": self.grpc,
            "services": [
                {"name": name, "paths": paths, "status": status} for name, paths, status in rows
            ],
        }


def _token(raw: bytes) -> Response:
    try:
        return JSONResponse(oauth.token(raw))
    except oauth.OAuthError as error:
        return JSONResponse(error.body(), 400)


def _streamed(chunks: Sequence[Json], is_sse: bool) -> Response:
    """The chunks of a stream: as events where a client asks for them, else as one array."""
    if not is_sse:
        return Response(json.dumps(chunks), media_type="application/json")
    events = (f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks)
    return StreamingResponse(events, media_type="text/event-stream")


class _Logged:
    """Writes one line a request, and tells of it."""

    def __init__(self, app: ASGIApp, see: Callable[[SeenRequest], None]) -> None:
        self.app = app
        self.see = see

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            if scope["path"] != "/healthz":
                milliseconds = (time.perf_counter() - started) * 1000
                query: Any = scope.get("query_string", b"")
                target = scope["path"] + (f"?{query.decode('latin-1')}" if query else "")
                log.info("%s %s %s %.0f ms", scope["method"], target, status, milliseconds)
                if not scope["path"].startswith(PREFIX):
                    self.see(SeenRequest(scope["method"], target, status, milliseconds))
