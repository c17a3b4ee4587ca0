"""Pages of a list: `pageSize`, `pageToken`, `orderBy` (https://google.aip.dev/158, /132)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.discovery.schema import Schema
from localcloud.errors import ApiError, Json

DEFAULT_SIZE = 100
LARGEST_SIZE = 1000


def page(
    items: Sequence[Json], query: Mapping[str, Any], *, asked: str
) -> tuple[Sequence[Json], str]:
    """One page and the token of the next; the token is empty on the last page.

    Args:
        items: Everything the list holds, in order.
        query: `pageSize` (0 or absent: 100; at most 1000 are given) and `pageToken`.
        asked: What is listed; a token answers only the question it came from.

    Raises:
        ApiError: INVALID_ARGUMENT; the size is negative or the token is not one of ours.
    """
    size = int(query.get("pageSize") or query.get("maxResults") or 0)
    if size < 0:
        raise ApiError("INVALID_ARGUMENT", f"page_size must not be negative; got {size}.")
    size = min(size or DEFAULT_SIZE, LARGEST_SIZE)
    seal = hashlib.sha256(asked.encode()).hexdigest()[:12]
    start = _start(str(query.get("pageToken") or ""), seal)
    more = len(items) > start + size
    token = base64.urlsafe_b64encode(json.dumps([seal, start + size]).encode()).decode()
    return items[start : start + size], token if more else ""


def _start(token: str, seal: str) -> int:
    if not token:
        return 0
    try:
        found_seal, start = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error):
        found_seal, start = "", 0
    if found_seal != seal or not isinstance(start, int):
        raise ApiError(
            "INVALID_ARGUMENT",
            "The page token is invalid: it must come from the previous page of the same list.",
        )
    return start


def order(items: Sequence[Json], text: str, schema: Schema, message: str) -> list[Json]:
    """Sort by `orderBy`, such as `create_time desc, display_name`; empty keeps the order.

    Raises:
        ApiError: INVALID_ARGUMENT; an unknown field or direction.
    """
    ordered = list(items)
    for part in reversed([p.split() for p in text.split(",") if p.strip()]):
        found = schema.resolve(message, part[0])
        if found is None or len(part) > 2 or part[1:] not in ([], ["asc"], ["desc"]):
            raise ApiError("INVALID_ARGUMENT", f"Invalid order_by: {text!r}.")
        keys = found[0]
        ordered.sort(key=lambda item, keys=keys: _key(item, keys), reverse=part[1:] == ["desc"])  # type: ignore[misc]
    return ordered


def _key(item: Json, keys: Sequence[str]) -> tuple[bool, str]:
    value: Any = item
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value is not None, "" if value is None else str(value)
