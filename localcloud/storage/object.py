"""Objects: what is known of them in the store, their bytes in files."""

from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json
from localcloud.storage import stored_file
from localcloud.storage.bucket import Buckets
from localcloud.storage.request import query, read_json
from localcloud.store import now


class Objects:
    """The objects of every bucket.

    Args:
        buckets: The buckets.
        folder: Where the bytes lie; made when there is none.
        base_url: Gives the server's address, for links in replies.
    """

    def __init__(self, buckets: Buckets, folder: Path, base_url: Callable[[], str]) -> None:
        self.buckets = buckets
        self.store = buckets.store
        self.folder = folder
        self.base_url = base_url

    def _row(self, bucket: str, name: str) -> str:
        return stored_file.row_name(bucket, name)

    def find(self, bucket: str, name: str) -> Json:
        """A stored object.

        Raises:
            ApiError: NOT_FOUND.
        """
        self.buckets.find(bucket)
        found = self.store.get(self._row(bucket, name))
        if found is None:
            raise ApiError("NOT_FOUND", f"No such object: {bucket}/{name}")
        return found

    def _shown(self, row: Json) -> Json:
        return {key: value for key, value in row.items() if key != "localFile"}

    async def list(self, request: Request, bucket: str, name: str) -> Response:
        """A bucket's objects, by prefix and folder."""
        self.buckets.find(bucket)
        prefix, delimiter = query(request, "prefix"), query(request, "delimiter")
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

    async def get(self, request: Request, bucket: str, name: str) -> Response:
        """An object's metadata, or with `alt=media` its bytes."""
        if query(request, "alt") == "media":
            return await self.download(request, bucket, name)
        return JSONResponse(self._shown(self.find(bucket, name)))

    async def download(self, request: Request, bucket: str, name: str) -> Response:
        """An object's bytes."""
        row = self.find(bucket, name)
        return FileResponse(
            self.folder / str(row["localFile"]),
            media_type=row["contentType"],
            headers={
                "x-goog-hash": f"crc32c={row['crc32c']},md5={row['md5Hash']}",
                "x-goog-generation": row["generation"],
                "x-goog-metageneration": row["metageneration"],
            },
        )

    async def patch(self, request: Request, bucket: str, name: str) -> Response:
        """Change an object's metadata."""
        row = self.find(bucket, name)
        body = await read_json(request, "Object")
        fixed = ("name", "bucket", "generation", "size", "md5Hash", "crc32c", "id", "kind")
        row |= {key: value for key, value in body.items() if key not in fixed}
        row["metageneration"] = str(int(row["metageneration"]) + 1)
        row["updated"] = now()
        return JSONResponse(self._shown(self.store.put(self._row(bucket, name), row)))

    async def delete(self, request: Request, bucket: str, name: str) -> Response:
        """Delete an object."""
        row = self.find(bucket, name)
        self.check_generation(request, bucket, name)
        self.store.delete(self._row(bucket, name))
        (self.folder / str(row["localFile"])).unlink(missing_ok=True)
        return Response(status_code=204)

    def check_generation(self, request: Request, bucket: str, name: str) -> None:
        """Refuse a request whose `ifGenerationMatch` is not the object's generation; 0: none."""
        wanted = query(request, "ifGenerationMatch")
        if not wanted:
            return
        row = self.store.get(self._row(bucket, name))
        if wanted != (row["generation"] if row else "0"):
            raise ApiError(
                "CONDITION_NOT_MET",
                "At least one of the pre-conditions you specified did not hold.",
            )

    def new_file(self, bucket: str) -> Path:
        """A file for the bytes of an object to be."""
        return stored_file.new_file(self.folder, bucket)

    def finish(
        self,
        request: Request,
        bucket: str,
        name: str,
        metadata: Json,
        content_type: str,
        file: Path,
    ) -> Response:
        """Make an object of a file, in place of the one that has its name.

        Raises:
            ApiError: INVALID_ARGUMENT, a checksum of the metadata is not the file's;
                CONDITION_NOT_MET, the generation is not the one asked for.
        """
        kind = str(metadata.get("contentType") or content_type)
        row = stored_file.described(self.folder, file, bucket, name, kind, self.base_url())
        sums = {key: str(row[key]) for key in ("md5Hash", "crc32c")}
        for key, value in sums.items():
            if metadata.get(key, value) != value:
                file.unlink()
                raise ApiError(
                    "INVALID_ARGUMENT",
                    f"Provided {key} {metadata[key]!r} doesn't match calculated {value!r}.",
                )
        with self.store.transaction():
            self.check_generation(request, bucket, name)
            before = self.store.get(self._row(bucket, name))
            stored = self.store.put(self._row(bucket, name), {**metadata, **row})
        if before:
            (self.folder / str(before["localFile"])).unlink(missing_ok=True)
        return JSONResponse(self._shown(stored))
