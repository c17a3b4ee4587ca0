"""Objects of this local cloud's Cloud Storage, read and written over HTTP."""

import re
from typing import NamedTuple
from urllib.parse import quote

from local_bigquery.errors import BigQueryError

from localcloud.bigquery import http, upstream

_URI = re.compile(r"gs://(?P<bucket>[^/]+)/(?P<name>.+)")


class StoredObject(NamedTuple):
    """An object.

    Attributes:
        bucket: Its bucket.
        name: Its name.
        size_bytes: How large it is.
    """

    bucket: str
    name: str
    size_bytes: int

    @property
    def uri(self) -> str:
        """Its `gs://` URI."""
        return f"gs://{self.bucket}/{self.name}"


def find(uri: str) -> list[StoredObject]:
    """The objects that a URI names; several where its name holds a `*`.

    Raises:
        BigQueryError: The text is no such URI, or nothing is there.
    """
    found = matching(uri)
    if not found:
        raise BigQueryError("notFound", f"Not found: URI {uri}")
    return found


def matching(uri: str) -> list[StoredObject]:
    """The objects that a URI names, of which there may be none; see `find`."""
    parts = _URI.fullmatch(uri)
    if parts is None or "*" in parts["bucket"] or parts["name"].count("*") > 1:
        raise BigQueryError(
            "invalidQuery",
            f"{uri!r} is no Cloud Storage URI; write gs://bucket/path/file, or one `*` after the "
            "bucket as in gs://bucket/path/*.csv.",
        )
    before, star, after = parts["name"].partition("*")
    return [
        item
        for item in _listed(parts["bucket"], before)
        if (item.name[len(before) :].endswith(after) if star else item.name == before)
    ]


def read(stored: StoredObject) -> bytes:
    """An object's bytes.

    Raises:
        BigQueryError: `notFound`; it is gone.
    """
    path = f"/storage/v1/b/{stored.bucket}/o/{quote(stored.name, safe='')}?alt=media"
    with http.client() as client:
        response = client.get(upstream.runtime().base_url() + path)
    if response.status_code == 404:
        raise BigQueryError("notFound", f"Not found: URI {stored.uri}")
    response.raise_for_status()
    return response.content


def write(uri: str, data: bytes, content_type: str) -> None:
    """Write an object in the place of what was there.

    Raises:
        BigQueryError: `notFound`; there is no such bucket.
    """
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    with http.client() as client:
        response = client.post(
            f"{upstream.runtime().base_url()}/upload/storage/v1/b/{bucket}/o",
            params={"uploadType": "media", "name": name},
            headers={"content-type": content_type},
            content=data,
        )
    if response.status_code == 404:
        raise BigQueryError("notFound", f"Not found: URI {uri}")
    response.raise_for_status()


def delete(stored: StoredObject) -> None:
    """Delete an object; one that is gone already is none to delete."""
    path = f"/storage/v1/b/{stored.bucket}/o/{quote(stored.name, safe='')}"
    with http.client() as client:
        response = client.delete(upstream.runtime().base_url() + path)
    if response.status_code != 404:
        response.raise_for_status()


def check_bucket(uri: str) -> None:
    """Refuse a URI of a bucket that is not there.

    Raises:
        BigQueryError: `notFound`.
    """
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    try:
        _listed(bucket, name.partition("*")[0])
    except BigQueryError as error:
        raise BigQueryError(error.reason, f"Not found: URI {uri}") from error


def _listed(bucket: str, prefix: str) -> list[StoredObject]:
    found: list[StoredObject] = []
    token = ""
    with http.client() as client:
        while True:
            response = client.get(
                f"{upstream.runtime().base_url()}/storage/v1/b/{bucket}/o",
                params={"prefix": prefix} | ({"pageToken": token} if token else {}),
            )
            if response.status_code == 404:
                raise BigQueryError("notFound", f"Not found: URI gs://{bucket}/{prefix}")
            response.raise_for_status()
            page = response.json()
            found += [
                StoredObject(bucket, item["name"], int(item["size"]))
                for item in page.get("items") or []
            ]
            token = page.get("nextPageToken") or ""
            if not token:
                return found
