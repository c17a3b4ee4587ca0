"""The three ways to upload: simple, multipart, and resumable, which survives a restart."""

import json
import re
import secrets
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localcloud.discovery.document import load
from localcloud.errors import ApiError, Json
from localcloud.storage.object import Objects
from localcloud.storage.request import query, read_json

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class Uploads:
    """Uploads, finished and under way.

    Args:
        objects: What finished uploads become.
        base_url: Gives the server's address, for the addresses of resumable uploads.
    """

    def __init__(self, objects: Objects, base_url: Callable[[], str]) -> None:
        self.objects = objects
        self.store = objects.store
        self.base_url = base_url

    async def upload(self, request: Request, bucket: str, name: str) -> Response:
        """Upload in one request, or begin a resumable upload."""
        self.objects.buckets.find(bucket)
        kind = query(request, "uploadType")
        if kind == "resumable":
            return await self._begin(request, bucket)
        if kind == "multipart":
            metadata, content_type, data = _related(
                await request.body(), request.headers.get("content-type", "")
            )
            file = self.objects.new_file(bucket)
            file.write_bytes(data)
        elif kind == "media":
            metadata = {}
            content_type = request.headers.get("content-type", "")
            file = self.objects.new_file(bucket)
            with file.open("wb") as out:
                async for chunk in request.stream():
                    out.write(chunk)
        else:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"uploadType must be media, multipart or resumable; got {kind!r}.",
            )
        return self.objects.finish(
            request, bucket, _named(request, metadata), metadata, content_type, file
        )

    async def _begin(self, request: Request, bucket: str) -> Response:
        metadata = await read_json(request, "Object")
        name = _named(request, metadata)
        self.objects.check_generation(request, bucket, name)
        identifier = secrets.token_urlsafe(24)
        file = self.objects.new_file(bucket)
        file.touch()
        self.store.put(
            f"uploads/{identifier}",
            {
                "bucket": bucket,
                "name": name,
                "metadata": metadata,
                "contentType": request.headers.get("x-upload-content-type", ""),
                "file": str(file.relative_to(self.objects.folder)),
            },
        )
        location = (
            f"{self.base_url()}/upload/storage/v1/b/{quote(bucket)}/o?uploadType=resumable"
            f"&name={quote(name, safe='')}&upload_id={identifier}"
        )
        return Response(headers={"Location": location, "X-GUploader-UploadID": identifier})

    async def go_on(self, request: Request, bucket: str, name: str) -> Response:
        """Take more of a resumable upload, or say how much there is."""
        identifier = query(request, "upload_id", required=True)
        upload = self.store.get(f"uploads/{identifier}")
        if upload is None:
            raise ApiError("NOT_FOUND", f"There is no resumable upload {identifier!r}.")
        file = self.objects.folder / upload["file"]
        kept = file.stat().st_size
        start, total = _content_range(request.headers.get("content-range", ""), kept)
        if start is not None and start <= kept:
            with file.open("r+b") as out:
                out.seek(start)
                async for chunk in request.stream():
                    out.write(chunk)
                out.truncate()
            kept = file.stat().st_size
        if total is None or kept < total:
            headers = {"Range": f"bytes=0-{kept - 1}"} if kept else {}
            return Response(status_code=308, headers=headers)
        self.store.delete(f"uploads/{identifier}")
        return self.objects.finish(
            request, bucket, upload["name"], upload["metadata"], upload["contentType"], file
        )


def _named(request: Request, metadata: Json) -> str:
    name = query(request, "name") or str(metadata.get("name", ""))
    if not name:
        raise ApiError("INVALID_ARGUMENT", "Required object name missing: give it as `name`.")
    return name


def _related(body: bytes, content_type: str) -> tuple[Json, str, bytes]:
    """Metadata, content type and bytes of a multipart/related upload."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    parts = body.split(b"--" + found[1].encode()) if found else []
    if len(parts) < 4:
        raise ApiError(
            "INVALID_ARGUMENT", "A multipart upload has two parts: metadata in JSON, and the data."
        )
    _, first, *middle, _ = parts
    second = (b"--" + found[1].encode()).join(middle) if found else b""
    _, _, metadata = first.partition(b"\r\n\r\n")
    data_head, _, data = second.partition(b"\r\n\r\n")
    kind = re.search(rb"(?i)content-type:\s*([^\r\n]+)", data_head)
    try:
        parsed = json.loads(metadata or b"{}")
    except ValueError as error:
        raise ApiError("INVALID_ARGUMENT", f"Metadata part: {error}.") from error
    return (
        load("storage.v1").schema.parse("Object", parsed),
        kind[1].decode().strip() if kind else "",
        data.removesuffix(b"\r\n"),
    )


def _content_range(header: str, kept: int) -> tuple[int | None, int | None]:
    """Where the sent bytes start (None: nothing is sent) and the object's size (None: unknown)."""
    if not header:
        # Everything in one request, its size known when it ends.
        return 0, 0
    found = _RANGE.fullmatch(header)
    if found is None:
        raise ApiError("INVALID_ARGUMENT", f"Invalid Content-Range: {header!r}.")
    total = None if found[3] == "*" else int(found[3])
    return (int(found[1]) if found[1] else None), total
