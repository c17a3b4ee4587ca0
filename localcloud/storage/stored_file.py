"""Where the bytes of an object lie, for services that run in this process."""

import base64
import hashlib
import re
import secrets
import time
from pathlib import Path
from urllib.parse import quote

import google_crc32c

from localcloud.errors import ApiError, Json
from localcloud.store import Store, now

FOLDER = "objects"
"""Folder of the state directory that holds the bytes."""
_URI = re.compile(r"gs://(?P<bucket>[^/]+)/(?P<name>.+)")


def stored_file(store: Store, uri: str) -> Path:
    """The file of an object.

    Args:
        store: What is kept.
        uri: Its `gs://bucket/path`.

    Raises:
        ApiError: INVALID_ARGUMENT, the text is no such URI; NOT_FOUND, nothing is there.
    """
    parts = _URI.fullmatch(uri)
    if parts is None:
        raise ApiError("INVALID_ARGUMENT", f"{uri!r} is no Cloud Storage URI: gs://bucket/path.")
    row = store.get(row_name(parts["bucket"], parts["name"]))
    if row is None:
        raise ApiError("NOT_FOUND", f"The object {uri} does not exist in the local cloud.")
    return store.folder / FOLDER / str(row["localFile"])


def below(store: Store, prefix: str) -> list[Json]:
    """The metadata of the objects whose URI begins with a prefix, `gs://bucket/path`."""
    bucket, _, name = prefix.removeprefix("gs://").partition("/")
    return [
        row
        for row in store.under(f"buckets/{bucket}", "objects")
        if str(row["name"]).startswith(name)
    ]


def row_name(bucket: str, name: str) -> str:
    """What the store calls an object."""
    # A name may hold slashes, which would read as a path in the store.
    return f"buckets/{bucket}/objects/{quote(name, safe='')}"


def new_file(folder: Path, bucket: str) -> Path:
    """A file for the bytes of an object to be."""
    below = folder / bucket
    below.mkdir(parents=True, exist_ok=True)
    return below / secrets.token_hex(16)


def check_bucket(store: Store, uri: str) -> None:
    """Refuse a URI whose bucket is not there.

    Raises:
        ApiError: INVALID_ARGUMENT, the text is no Cloud Storage URI; NOT_FOUND.
    """
    bucket = uri.removeprefix("gs://").split("/")[0]
    if not uri.startswith("gs://") or not bucket:
        raise ApiError("INVALID_ARGUMENT", f"{uri!r} is no Cloud Storage URI: gs://bucket/path.")
    if store.get(f"buckets/{bucket}") is None:
        raise ApiError("NOT_FOUND", f"The bucket gs://{bucket} does not exist.")


def write(store: Store, base_url: str, uri: str, data: bytes, content_type: str) -> None:
    """Write an object in the place of the one that has its name.

    Args:
        store: What is kept.
        base_url: The server's address, for links in the object's metadata.
        uri: Its `gs://bucket/path`.
        data: Its bytes.
        content_type: Its media type.

    Raises:
        ApiError: INVALID_ARGUMENT or NOT_FOUND, as `check_bucket`.
    """
    check_bucket(store, uri)
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    file = new_file(store.folder / FOLDER, bucket)
    file.write_bytes(data)
    row = described(store.folder / FOLDER, file, bucket, name, content_type, base_url)
    with store.transaction():
        before = store.get(row_name(bucket, name))
        store.put(row_name(bucket, name), row)
    if before:
        (store.folder / FOLDER / str(before["localFile"])).unlink(missing_ok=True)


def described(
    folder: Path, file: Path, bucket: str, name: str, content_type: str, base_url: str
) -> Json:
    """The metadata of an object whose bytes lie in a file."""
    md5, crc, size = hashlib.md5(usedforsecurity=False), 0, 0
    with file.open("rb") as data:
        while chunk := data.read(1 << 20):
            md5.update(chunk)
            crc = google_crc32c.extend(crc, chunk)
            size += len(chunk)
    created, generation, quoted = now(), str(time.time_ns() // 1000), quote(name, safe="")
    return {
        "md5Hash": base64.b64encode(md5.digest()).decode(),
        "crc32c": base64.b64encode(crc.to_bytes(4)).decode(),
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{generation}",
        "name": name,
        "bucket": bucket,
        "generation": generation,
        "metageneration": "1",
        "contentType": content_type or "application/octet-stream",
        "storageClass": "STANDARD",
        "size": str(size),
        "timeCreated": created,
        "updated": created,
        "selfLink": f"{base_url}/storage/v1/b/{bucket}/o/{quoted}",
        "mediaLink": f"{base_url}/download/storage/v1/b/{bucket}/o/{quoted}"
        f"?generation={generation}&alt=media",
        "localFile": str(file.relative_to(folder)),
    }
