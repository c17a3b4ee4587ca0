"""Objects of this local cloud's Cloud Storage, read over HTTP."""

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
    """The objects that a URI names; several where it ends with `*`.

    Raises:
        BigQueryError: The text is no such URI, or nothing is there.
    """
    parts = _URI.fullmatch(uri)
    if parts is None or "*" in parts["name"][:-1]:
        raise BigQueryError(
            "invalidQuery",
            f"{uri!r} is no Cloud Storage URI; write gs://bucket/path/file or gs://bucket/path/*.",
        )
    name, is_pattern = parts["name"].removesuffix("*"), parts["name"].endswith("*")
    items = _listed(parts["bucket"], name)
    found = [item for item in items if is_pattern or item.name == name]
    if not found:
        raise BigQueryError("notFound", f"Not found: URI {uri}")
    return found


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
