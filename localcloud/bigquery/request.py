"""What every request passes before local-bigquery sees it: its body and location are checked."""

import gzip
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from local_bigquery.api import uploads
from local_bigquery.errors import BigQueryError, not_found
from local_bigquery.jobs import store
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud.bigquery import job, location
from localcloud.discovery import document
from localcloud.errors import ApiError

PREFIX = "/bigquery/v2"
_UPLOAD = re.compile(r"(?:/resumable)?/upload/bigquery/v2(?P<rest>/.*)")
_ANY_VALUES = ("bigquery.tabledata.insertAll",)
"""Methods whose body holds values of any kind; their rows are checked against the table."""
_JOB = re.compile(
    rf"{PREFIX}/projects/(?P<project>[^/]+)/(?:jobs|queries)/(?P<job>[^/]+)(?:/cancel)?"
)
_SEARCHED_WITHOUT_LOCATION = ("us", "eu")
"""Jobs elsewhere are found only by their location.

https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/get
"""


class RequestChecks:
    """ASGI middleware.

    Args:
        app: What answers a request that is in order.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or a refusal in Google's words."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = location.requested.set(None)
        try:
            scope, receive = await _checked(scope, receive)
        except BigQueryError as error:
            await JSONResponse(error.response(), error.code)(scope, receive, send)
        except ApiError as error:
            await JSONResponse(_refusal(error), error.http_status)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
        finally:
            location.requested.reset(token)


def _refusal(error: ApiError) -> dict[str, Any]:
    """The reply with `errors`, by whose reason Google's client tells 400s apart."""
    body = error.body()
    reason = {"message": error.message, "domain": "global", "reason": "badRequest"}
    return {"error": {**body["error"], "errors": [reason]}}


async def _checked(scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
    path, method = scope["path"], scope["method"]
    if upload := _UPLOAD.fullmatch(path):
        path = f"/upload{PREFIX}{upload['rest']}"
        return await _upload({**scope, "path": path, "raw_path": path.encode()}, receive)
    if found := _JOB.fullmatch(path):
        await run_in_threadpool(_check_job, found["project"], found["job"], _query(scope))
    if method not in ("POST", "PUT", "PATCH"):
        return scope, receive
    scope, payload = await _payload(scope, receive)
    if payload:
        body = _json(payload)
        called = document.load("bigquery.v2").route(method, path)
        if called is not None and called.request and called.id not in _ANY_VALUES:
            document.load("bigquery.v2").schema.parse(called.request, _numbers_as_text(body))
        _check_external(body)
        location.requested.set(_location(body))
        job.request_id.set(body.get("requestId") if path.endswith("/queries") else None)
    return scope, _replayed(payload, receive)


def _check_external(body: Mapping[str, Any]) -> None:
    # local-bigquery would make an empty table, or overlook what the query names.
    query = (body.get("configuration") or {}).get("query") or {}
    if body.get("externalDataConfiguration") or query.get("tableDefinitions"):
        raise BigQueryError(
            "notImplemented",
            "External tables are not implemented on the local cloud; load the files instead: by a "
            "load job or LOAD DATA.",
        )


async def _upload(scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
    query = _query(scope)
    if upload_id := query.get("upload_id"):
        if started := uploads._resumable.get(upload_id):
            location.requested.set(_location(started[1].dump()))
        return scope, receive
    scope, payload = await _payload(scope, receive)
    description = payload
    if query.get("uploadType") == "multipart":
        # The first part is the job, the second the data: only the first is decoded here.
        _, _, after = payload.partition(b"\r\n\r\n")
        boundary = payload.split(b"\r\n", 1)[0]
        description = after.split(b"\r\n" + boundary, 1)[0]
    body = _json(description)
    document.load("bigquery.v2").schema.parse("Job", body)
    location.requested.set(_location(body))
    return scope, _replayed(payload, receive)


def _check_job(project_id: str, job_id: str, query: Mapping[str, str]) -> None:
    found = store.load(project_id, job_id)
    if found is None:
        return
    place = str(found.jobReference.location)
    asked = query.get("location")
    wrong = (
        asked.casefold() != place.casefold()
        if asked
        else place.casefold() not in _SEARCHED_WITHOUT_LOCATION
    )
    if wrong:
        raise not_found("Job", f"{project_id}:{asked or location.DEFAULT}.{job_id}")


async def _payload(scope: Scope, receive: Receive) -> tuple[Scope, bytes]:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    payload = b"".join(parts)
    headers = dict(scope["headers"])
    if headers.get(b"content-encoding") == b"gzip":
        payload = gzip.decompress(payload)
        del headers[b"content-encoding"]
    headers[b"content-length"] = str(len(payload)).encode()
    return {**scope, "headers": list(headers.items())}, payload


def _replayed(payload: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": payload, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _json(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except ValueError as error:
        raise BigQueryError("invalid", f"Invalid JSON payload received. {error}") from None
    if not isinstance(body, dict):
        raise BigQueryError("invalid", "Invalid JSON payload received. An object is expected.")
    return body


def _numbers_as_text(body: Any) -> Any:
    """A body in which values of query parameters and of labels are texts, as they are described.

    Google's own clients send numbers too, and BigQuery takes them.
    """
    if isinstance(body, list):
        return [_numbers_as_text(item) for item in body]
    if not isinstance(body, dict):
        return body
    value, labels = body.get("value"), body.get("labels")
    if _is_number(value):
        return {**body, "value": str(value)}
    if isinstance(labels, dict):
        texts = {key: str(item) if _is_number(item) else item for key, item in labels.items()}
        body = {**body, "labels": texts}
    return {key: _numbers_as_text(item) for key, item in body.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _query(scope: Scope) -> dict[str, str]:
    given = parse_qs(scope["query_string"].decode())
    return {name: values[-1] for name, values in given.items()}


def _location(body: Mapping[str, Any]) -> str | None:
    """What jobs.insert (`jobReference.location`) or jobs.query (`location`) asks for."""
    reference = body.get("jobReference")
    asked = reference.get("location") if isinstance(reference, dict) else body.get("location")
    return asked if isinstance(asked, str) and asked else None
