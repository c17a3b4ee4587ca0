"""Where the bytes of an object lie, for services that run in this process."""

import re
from pathlib import Path
from urllib.parse import quote

from localcloud.errors import ApiError
from localcloud.store import Store

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
    row = store.get(f"buckets/{parts['bucket']}/objects/{quote(parts['name'], safe='')}")
    if row is None:
        raise ApiError("NOT_FOUND", f"The object {uri} does not exist in the local cloud.")
    return store.folder / FOLDER / str(row["localFile"])
