"""The admin API: faults, and the requests that were seen."""

import json
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud.discovery.operations import explanations_fail, failing
from localcloud.errors import ApiError, Violation, invalid

if TYPE_CHECKING:
    from localcloud.admin.fault import Fault, Faults

PREFIX = "/admin/"
MOST_REQUESTS = 1000
KILLED = 137
"""The status of a process that kill -9 ended, as shells tell it."""


@dataclass(frozen=True)
class SeenRequest:
    """A request that was answered.

    Attributes:
        method: Its HTTP method.
        path: Its path, with the query.
        status: The answer's HTTP status; 0 when none was given.
        milliseconds: How long it took.
    """

    method: str
    path: str
    status: int
    milliseconds: float


class Admin:
    """Answers `/admin/…` and lets requests go wrong.

    Args:
        app: What answers all others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._faults: Faults | None = None
        self._seen: deque[SeenRequest] = deque(maxlen=MOST_REQUESTS)

    def see(self, request: SeenRequest) -> None:
        """Remember an answered request; the oldest are forgotten."""
        self._seen.append(request)

    def seen(self) -> Sequence[SeenRequest]:
        """The remembered requests, the oldest first."""
        return list(self._seen)

    def faults(self) -> Sequence[dict[str, Any]]:
        """The faults that are asked for, each with how many requests it matched and hit."""
        return self._faults.told() if self._faults else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it go wrong."""
        path: str = scope["path"]
        if path.startswith(PREFIX):
            response = await self._answer(Request(scope, receive))
            await response(scope, receive, send)
        elif self._faults and path != "/healthz":
            await self._faulty(self._faults.of(scope["method"], path), scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _faulty(
        self, faults: "Sequence[Fault]", scope: Scope, receive: Receive, send: Send
    ) -> None:
        for fault in faults:
            await anyio.sleep(fault.latency_seconds)
            if fault.exit == "before":
                os._exit(KILLED)
            if fault.status is not None:
                error = ApiError(fault.status, fault.message)
                after = fault.retry_after_seconds
                headers = {} if after is None else {"retry-after": str(after)}
                refusal = JSONResponse(_body(error, scope["path"]), error.http_status, headers)
                await refusal(scope, receive, send)
                return

        async def dying(message: Message) -> None:
            os._exit(KILLED)

        dies = any(fault.exit == "after" for fault in faults)
        ends = [(f.operation_status, f.message) for f in faults if f.operation_status is not None]
        token = failing.set(ends[0] if ends else None)
        defect = explanations_fail.set(any(fault.logistic_explanation for fault in faults))
        try:
            await self._app(scope, receive, dying if dies else send)
        finally:
            explanations_fail.reset(defect)
            failing.reset(token)

    async def _answer(self, request: Request) -> Response:
        try:
            asked = (request.method, request.url.path.removeprefix(PREFIX))
            if asked == ("GET", "requests"):
                return JSONResponse({"requests": [asdict(one) for one in self.seen()]})
            if asked == ("DELETE", "requests"):
                self._seen.clear()
                return JSONResponse({})
            if asked == ("GET", "faults"):
                return JSONResponse({"faults": self.faults()})
            if asked == ("POST", "faults"):
                return self._added(await request.body())
            if asked == ("DELETE", "faults"):
                if self._faults:
                    self._faults.clear()
                return JSONResponse({})
        except ApiError as error:
            return JSONResponse(error.body(), error.http_status)
        missing = ApiError(
            "NOT_FOUND",
            f"There is no {request.method} {request.url.path}: GET, POST and DELETE "
            f"{PREFIX}faults, GET and DELETE {PREFIX}requests are.",
        )
        return JSONResponse(missing.body(), missing.http_status)

    def _added(self, raw: bytes) -> Response:
        # pydantic takes a tenth of a second to import, which a start need not pay.
        from pydantic import ValidationError

        from localcloud.admin.fault import Fault, Faults

        try:
            fault = Fault.model_validate(json.loads(raw))
        except ValidationError as error:
            raise invalid(
                [
                    Violation(".".join(str(part) for part in one["loc"]), one["msg"])
                    for one in error.errors()
                ]
            ) from error
        except ValueError as error:
            raise ApiError("INVALID_ARGUMENT", f"The body is no JSON: {error}.") from error
        if self._faults is None:
            self._faults = Faults()
        self._faults.add(fault)
        return JSONResponse(fault.model_dump(exclude_defaults=True))


def _body(error: ApiError, path: str) -> dict[str, Any]:
    """The refusal; the older APIs tell a reason, by which their clients decide to try again."""
    body = error.body()
    reason = _REASONS.get(error.status)
    if reason is not None and "/bigquery/" in path:
        told = {"domain": "global", "reason": reason, "message": error.message}
        body["error"]["errors"] = [told]
    return body


_REASONS = {
    "RESOURCE_EXHAUSTED": "rateLimitExceeded",
    "UNAVAILABLE": "backendError",
    "INTERNAL": "internalError",
    "PERMISSION_DENIED": "accessDenied",
    "NOT_FOUND": "notFound",
    "INVALID_ARGUMENT": "invalid",
}
"""https://cloud.google.com/bigquery/docs/error-messages"""
