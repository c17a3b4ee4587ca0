"""Cloud Storage's JSON API as far as uploads need it: buckets, objects, the three ways to upload.

Source: https://cloud.google.com/storage/docs/json_api
Bytes lie in files under the state directory; what is known about them lies in the store.
"""

import base64
import hashlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import google_crc32c
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from localcloud.discovery.control_plane import Cloud
from localcloud.discovery.document import load
from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json
from localcloud.store import now

BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PATH = re.compile(
    rb"/(?:(?P<kind>upload|download)/)?storage/v1/b(?:/(?P<bucket>[^/]+)(?:/(?P<rest>.+))?)?"
)
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")

Reply = Callable[[Request, str, str], Coroutine[Any, Any, Response]]


class CloudStorage:
    """Buckets and objects.

    Args:
        cloud: What all services share.
        folder: Where the bytes lie; made when there is none.
        base_url: Gives the server's address, for links in replies.
    """

    def __init__(self, cloud: Cloud, folder: Path, base_url: Callable[[], str]) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.folder = folder
        self.base_url = base_url

    def path(self, bucket: str, name: str) -> Path:
        """The file with an object's bytes.

        Raises:
            ApiError: NOT_FOUND.
        """
        return self.folder / str(self._object(bucket, name)["localFile"])

    # ------------------------------------------------------------ routing
    async def handle(self, request: Request) -> Response:
        """Answer one request to a path of this API."""
        try:
            return await self._route(request)
        except ApiError as error:
            return JSONResponse(error.legacy_body(), error.http_status)
        except OSError as error:
            refusal = ApiError(
                "INTERNAL", f"{self.folder} cannot be read or written ({error.strerror or error})."
            )
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
        handler: Reply | None = {
            ("POST", ""): self._insert_bucket,
            ("GET", ""): self._list_buckets,
            ("GET", "/"): self._get_bucket,
            ("PATCH", "/"): self._patch_bucket,
            ("PUT", "/"): self._patch_bucket,
            ("DELETE", "/"): self._delete_bucket,
            ("GET", "/iam"): self._get_policy,
            ("PUT", "/iam"): self._set_policy,
            ("GET", "/iam/testPermissions"): self._test_permissions,
            ("GET", "/o"): self._list_objects,
            ("GET", "/o/"): self._get_object,
            ("PATCH", "/o/"): self._patch_object,
            ("DELETE", "/o/"): self._delete_object,
            ("GET", "download"): self._download,
            ("POST", "upload"): self._upload,
            ("PUT", "upload"): self._continue_upload,
        }.get((request.method, what))
        if handler is None:
            raise ApiError(
                "UNIMPLEMENTED",
                f"{request.method} {request.url.path} is not implemented by the local cloud's "
                "Cloud Storage: it has buckets, objects, uploads and IAM policies of buckets.",
            )
        return await handler(request, bucket, name)

    # ------------------------------------------------------------ buckets
    def _bucket(self, bucket: str) -> Json:
        found = self.store.get(f"buckets/{bucket}")
        if found is None:
            raise ApiError("NOT_FOUND", "The specified bucket does not exist.")
        return found

    def _shown_bucket(self, row: Json) -> JSONResponse:
        shown = load("storage.v1").schema.render("Bucket", row)
        return JSONResponse({**shown, "etag": row["etag"]})

    async def _insert_bucket(self, request: Request, bucket: str, name: str) -> Response:
        body = await self._json(request, "Bucket")
        project = self.cloud.projects.id(_query(request, "project", required=True))
        bucket = str(body.get("name", ""))
        if not BUCKET.fullmatch(bucket):
            raise ApiError("INVALID_ARGUMENT", f"Invalid bucket name: {bucket!r}.")
        if self.store.get(f"buckets/{bucket}"):
            raise ApiError(
                "ALREADY_EXISTS",
                "Your previous request to create the named bucket succeeded and you already own "
                "it.",
            )
        location = str(body.get("location") or "US").upper()
        created = now()
        row = {
            "storageClass": "STANDARD",
            "iamConfiguration": {
                "bucketPolicyOnly": {"enabled": False},
                "uniformBucketLevelAccess": {"enabled": False},
                "publicAccessPrevention": "inherited",
            },
            **body,
            "kind": "storage#bucket",
            "id": bucket,
            "name": bucket,
            "projectNumber": self.cloud.projects.number(project),
            "location": location,
            "locationType": "multi-region" if location in ("US", "EU", "ASIA") else "region",
            "timeCreated": created,
            "updated": created,
            "metageneration": "1",
            "generation": str(time.time_ns() // 1000),
            "selfLink": f"{self.base_url()}/storage/v1/b/{bucket}",
        }
        return self._shown_bucket(self.store.put(f"buckets/{bucket}", row))

    async def _list_buckets(self, request: Request, bucket: str, name: str) -> Response:
        project = self.cloud.projects.id(_query(request, "project", required=True))
        number, prefix = self.cloud.projects.number(project), _query(request, "prefix")
        rows = [
            row
            for row in sorted(self.store.under("", "buckets"), key=lambda r: str(r["name"]))
            if row["projectNumber"] == number and row["name"].startswith(prefix)
        ]
        shown, token = page(rows, request.query_params, asked=f"{project}{prefix}")
        return JSONResponse(
            {
                "kind": "storage#buckets",
                **({"items": list(shown)} if shown else {}),
                **({"nextPageToken": token} if token else {}),
            }
        )

    async def _get_bucket(self, request: Request, bucket: str, name: str) -> Response:
        return self._shown_bucket(self._bucket(bucket))

    async def _patch_bucket(self, request: Request, bucket: str, name: str) -> Response:
        row = self._bucket(bucket)
        body = await self._json(request, "Bucket")
        for field in ("name", "location"):
            if field in body and str(body[field]).lower() != str(row[field]).lower():
                raise ApiError("INVALID_ARGUMENT", f"The {field} of a bucket cannot be changed.")
            body.pop(field, None)
        labels = {
            k: v
            for k, v in {**row.get("labels", {}), **body.get("labels", {})}.items()
            if v is not None
        }
        row = {**row, **body, "updated": now()}
        row["metageneration"] = str(int(row["metageneration"]) + 1)
        row.pop("labels", None)
        if labels:
            row["labels"] = labels
        return self._shown_bucket(self.store.put(f"buckets/{bucket}", row))

    async def _delete_bucket(self, request: Request, bucket: str, name: str) -> Response:
        self._bucket(bucket)
        if self.store.under(f"buckets/{bucket}", "objects"):
            raise ApiError("ABORTED", "The bucket you tried to delete is not empty.")
        self.store.delete(f"buckets/{bucket}")
        shutil.rmtree(self.folder / bucket, ignore_errors=True)
        return Response(status_code=204)

    async def _get_policy(self, request: Request, bucket: str, name: str) -> Response:
        self._bucket(bucket)
        return self._policy(bucket, self.cloud.policies.get(f"buckets/{bucket}"))

    async def _set_policy(self, request: Request, bucket: str, name: str) -> Response:
        self._bucket(bucket)
        policy = await self._json(request, "Policy")
        return self._policy(bucket, self.cloud.policies.set(f"buckets/{bucket}", policy))

    def _policy(self, bucket: str, policy: Json) -> Response:
        resource = f"projects/_/buckets/{bucket}"
        return JSONResponse({"kind": "storage#policy", "resourceId": resource, **policy})

    async def _test_permissions(self, request: Request, bucket: str, name: str) -> Response:
        self._bucket(bucket)
        return JSONResponse(self.cloud.policies.test(request.query_params.getlist("permissions")))

    # ------------------------------------------------------------ objects
    def _row(self, bucket: str, name: str) -> str:
        # A name may hold slashes, which would read as a path in the store.
        return f"buckets/{bucket}/objects/{quote(name, safe='')}"

    def _object(self, bucket: str, name: str) -> Json:
        self._bucket(bucket)
        found = self.store.get(self._row(bucket, name))
        if found is None:
            raise ApiError("NOT_FOUND", f"No such object: {bucket}/{name}")
        return found

    def _shown(self, row: Json) -> Json:
        return {key: value for key, value in row.items() if key != "localFile"}

    async def _list_objects(self, request: Request, bucket: str, name: str) -> Response:
        self._bucket(bucket)
        prefix, delimiter = _query(request, "prefix"), _query(request, "delimiter")
        items: list[Json] = []
        prefixes: dict[str, None] = {}
        rows = self.store.under(f"buckets/{bucket}", "objects")
        for row in sorted(rows, key=lambda r: str(r["name"])):
            if not row["name"].startswith(prefix):
                continue
            head, found, _ = row["name"][len(prefix) :].partition(delimiter or "\0")
            if delimiter and found:
                prefixes[f"{prefix}{head}{delimiter}"] = None
            else:
                items.append(self._shown(row))
        shown, token = page(items, request.query_params, asked=f"{bucket}{prefix}{delimiter}")
        return JSONResponse(
            {
                "kind": "storage#objects",
                **({"items": list(shown)} if shown else {}),
                **({"prefixes": list(prefixes)} if prefixes else {}),
                **({"nextPageToken": token} if token else {}),
            }
        )

    async def _get_object(self, request: Request, bucket: str, name: str) -> Response:
        if _query(request, "alt") == "media":
            return await self._download(request, bucket, name)
        return JSONResponse(self._shown(self._object(bucket, name)))

    async def _download(self, request: Request, bucket: str, name: str) -> Response:
        row = self._object(bucket, name)
        return FileResponse(
            self.folder / str(row["localFile"]),
            media_type=row["contentType"],
            headers={
                "x-goog-hash": f"crc32c={row['crc32c']},md5={row['md5Hash']}",
                "x-goog-generation": row["generation"],
                "x-goog-metageneration": row["metageneration"],
            },
        )

    async def _patch_object(self, request: Request, bucket: str, name: str) -> Response:
        row = self._object(bucket, name)
        body = await self._json(request, "Object")
        fixed = ("name", "bucket", "generation", "size", "md5Hash", "crc32c", "id", "kind")
        row |= {key: value for key, value in body.items() if key not in fixed}
        row["metageneration"] = str(int(row["metageneration"]) + 1)
        row["updated"] = now()
        return JSONResponse(self._shown(self.store.put(self._row(bucket, name), row)))

    async def _delete_object(self, request: Request, bucket: str, name: str) -> Response:
        row = self._object(bucket, name)
        self._check_generation(request, bucket, name)
        self.store.delete(self._row(bucket, name))
        (self.folder / str(row["localFile"])).unlink(missing_ok=True)
        return Response(status_code=204)

    def _check_generation(self, request: Request, bucket: str, name: str) -> None:
        wanted = _query(request, "ifGenerationMatch")
        if not wanted:
            return
        row = self.store.get(self._row(bucket, name))
        if wanted != (row["generation"] if row else "0"):
            raise ApiError(
                "CONDITION_NOT_MET",
                "At least one of the pre-conditions you specified did not hold.",
            )

    # ------------------------------------------------------------ uploads
    async def _upload(self, request: Request, bucket: str, name: str) -> Response:
        self._bucket(bucket)
        kind = _query(request, "uploadType")
        if kind == "resumable":
            return await self._begin_upload(request, bucket)
        if kind == "multipart":
            metadata, content_type, data = _related(
                await request.body(), request.headers.get("content-type", "")
            )
            file = self._new_file(bucket)
            file.write_bytes(data)
        elif kind == "media":
            metadata = {}
            content_type = request.headers.get("content-type", "")
            file = self._new_file(bucket)
            with file.open("wb") as out:
                async for chunk in request.stream():
                    out.write(chunk)
        else:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"uploadType must be media, multipart or resumable; got {kind!r}.",
            )
        return self._finish(
            request, bucket, _named(request, metadata), metadata, content_type, file
        )

    async def _begin_upload(self, request: Request, bucket: str) -> Response:
        metadata = await self._json(request, "Object")
        name = _named(request, metadata)
        self._check_generation(request, bucket, name)
        identifier = secrets.token_urlsafe(24)
        file = self._new_file(bucket)
        file.touch()
        self.store.put(
            f"uploads/{identifier}",
            {
                "bucket": bucket,
                "name": name,
                "metadata": metadata,
                "contentType": request.headers.get("x-upload-content-type", ""),
                "file": str(file.relative_to(self.folder)),
            },
        )
        location = (
            f"{self.base_url()}/upload/storage/v1/b/{quote(bucket)}/o?uploadType=resumable"
            f"&name={quote(name, safe='')}&upload_id={identifier}"
        )
        return Response(headers={"Location": location, "X-GUploader-UploadID": identifier})

    async def _continue_upload(self, request: Request, bucket: str, name: str) -> Response:
        identifier = _query(request, "upload_id", required=True)
        upload = self.store.get(f"uploads/{identifier}")
        if upload is None:
            raise ApiError("NOT_FOUND", f"There is no resumable upload {identifier!r}.")
        file = self.folder / upload["file"]
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
        return self._finish(
            request, bucket, upload["name"], upload["metadata"], upload["contentType"], file
        )

    def _new_file(self, bucket: str) -> Path:
        folder = self.folder / bucket
        folder.mkdir(parents=True, exist_ok=True)
        return folder / secrets.token_hex(16)

    def _finish(
        self,
        request: Request,
        bucket: str,
        name: str,
        metadata: Json,
        content_type: str,
        file: Path,
    ) -> Response:
        md5, crc, size = hashlib.md5(usedforsecurity=False), google_crc32c.Checksum(), 0
        with file.open("rb") as data:
            while chunk := data.read(1 << 20):
                md5.update(chunk)
                crc.update(chunk)
                size += len(chunk)
        sums = {
            "md5Hash": base64.b64encode(md5.digest()).decode(),
            "crc32c": base64.b64encode(crc.digest()).decode(),
        }
        for key, value in sums.items():
            if metadata.get(key, value) != value:
                file.unlink()
                raise ApiError(
                    "INVALID_ARGUMENT",
                    f"Provided {key} {metadata[key]!r} doesn't match calculated {value!r}.",
                )
        created = now()
        generation = str(time.time_ns() // 1000)
        with self.store.transaction():
            self._check_generation(request, bucket, name)
            before = self.store.get(self._row(bucket, name))
            row = {
                **metadata,
                **sums,
                "kind": "storage#object",
                "id": f"{bucket}/{name}/{generation}",
                "name": name,
                "bucket": bucket,
                "generation": generation,
                "metageneration": "1",
                "contentType": metadata.get("contentType")
                or content_type
                or "application/octet-stream",
                "storageClass": "STANDARD",
                "size": str(size),
                "timeCreated": created,
                "updated": created,
                "selfLink": f"{self.base_url()}/storage/v1/b/{bucket}/o/{quote(name, safe='')}",
                "mediaLink": f"{self.base_url()}/download/storage/v1/b/{bucket}/o/"
                f"{quote(name, safe='')}?generation={generation}&alt=media",
                "localFile": str(file.relative_to(self.folder)),
            }
            stored = self.store.put(self._row(bucket, name), row)
        if before:
            (self.folder / str(before["localFile"])).unlink(missing_ok=True)
        return JSONResponse(self._shown(stored))

    async def _json(self, request: Request, message: str) -> Json:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw.strip() else {}
        except ValueError as error:
            raise ApiError("INVALID_ARGUMENT", f"Parse Error: {error}.") from error
        return load("storage.v1").schema.parse(message, body)


def _query(request: Request, name: str, *, required: bool = False) -> str:
    value = request.query_params.get(name, "")
    if required and not value:
        raise ApiError("INVALID_ARGUMENT", f"Required parameter: {name}")
    return value


def _named(request: Request, metadata: Json) -> str:
    name = _query(request, "name") or str(metadata.get("name", ""))
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
