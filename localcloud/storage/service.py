"""Cloud Storage as one service: which part answers which request."""

import re
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localcloud.cloud import Cloud
from localcloud.discovery.document import Method
from localcloud.errors import ApiError
from localcloud.storage.bucket import Buckets
from localcloud.storage.object import Objects
from localcloud.storage.upload import Uploads

_PATH = re.compile(
    rb"/(?:(?P<kind>upload|download)/)?storage/v1/b(?:/(?P<bucket>[^/]+)(?:/(?P<rest>.+))?)?"
)

Reply = Callable[[Request, str, str], Coroutine[Any, Any, Response]]


class CloudStorage:
    """Buckets and objects.

    Args:
        cloud: What all services share.
        folder: Where the bytes lie; made when there is none.
        base_url: Gives the server's address, for links in replies.
    """

    def __init__(self, cloud: Cloud, folder: Path, base_url: Callable[[], str]) -> None:
        self.folder = folder
        self.buckets = Buckets(cloud, folder, base_url)
        self.objects = Objects(self.buckets, folder, base_url)
        self.uploads = Uploads(self.objects, base_url)

    async def handle(self, request: Request) -> Response:
        """Answer one request to a path of this API."""
        try:
            return await self._route(request)
        except ApiError as error:
            return JSONResponse(error.legacy_body(), error.http_status)
        except (OSError, sqlite3.OperationalError) as error:
            refusal = ApiError("INTERNAL", f"{self.folder} cannot be read or written: {error}.")
            return JSONResponse(refusal.legacy_body(), refusal.http_status)

    async def _route(self, request: Request) -> Response:
        # The raw path: an object's name is one segment whose slashes are percent-encoded.
        found = _PATH.fullmatch(request.scope["raw_path"].split(b"?")[0])
        if found is None:
            raise ApiError(
                "NOT_FOUND", f"No method of Cloud Storage has the path {request.url.path}."
            )
        kind = (found["kind"] or b"").decode()
        bucket = unquote((found["bucket"] or b"").decode())
        rest = (found["rest"] or b"").decode()
        name = unquote(rest[2:]) if rest.startswith("o/") else ""
        what = kind or ("" if not bucket else "/o/" if name else f"/{rest}" if rest else "/")
        handler = self._handlers().get((request.method, what))
        if handler is None:
            raise ApiError(
                "UNIMPLEMENTED",
                f"{request.method} {request.url.path} is not implemented by the local cloud's "
                "Cloud Storage: it has buckets, objects, uploads and IAM policies of buckets.",
            )
        return await handler(request, bucket, name)

    def implements(self, method: Method) -> bool:
        """Whether a method of this API has an answer other than 501."""
        _, _, top, *rest = method.segments
        if top != "b":
            return False
        # An object's name is variable, as the bucket's is.
        what = "".join(f"/{segment or ''}" for segment in rest[1:]) or ("/" if rest else "")
        if method.verb == "insert" and what == "/o":
            what = "upload"
        return (method.http, what) in self._handlers()

    def _handlers(self) -> Mapping[tuple[str, str], Reply]:
        """What answers an HTTP method on what the path names."""
        return {
            ("POST", ""): self.buckets.insert,
            ("GET", ""): self.buckets.list,
            ("GET", "/"): self.buckets.get,
            ("PATCH", "/"): self.buckets.patch,
            ("PUT", "/"): self.buckets.patch,
            ("DELETE", "/"): self.buckets.delete,
            ("GET", "/iam"): self.buckets.get_policy,
            ("PUT", "/iam"): self.buckets.set_policy,
            ("GET", "/iam/testPermissions"): self.buckets.test_permissions,
            ("GET", "/o"): self.objects.list,
            ("GET", "/o/"): self.objects.get,
            ("PATCH", "/o/"): self.objects.patch,
            ("DELETE", "/o/"): self.objects.delete,
            ("GET", "download"): self.objects.download,
            ("POST", "upload"): self.uploads.upload,
            ("PUT", "upload"): self.uploads.go_on,
        }
