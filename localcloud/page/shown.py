"""What of a resource may be shown: nothing private to the local cloud, no secret."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from localcloud.page import address

HIDDEN = "(hidden)"
_PRIVATE = re.compile(r"local[A-Z]")
_SECRET = re.compile(
    r"(password|passphrase|secret|credential|private_?key|api_?key|access_?token|refresh_?token"
    r"|authorization|^key$|^token$)",
    re.IGNORECASE,
)


def shown(value: Any, name: str = "") -> Any:
    """A JSON value without private fields, and without the values of secret ones.

    Args:
        value: The value.
        name: The field it is of.
    """
    if isinstance(value, dict):
        # An environment variable is a pair of a name and a value.
        if _SECRET.search(str(value.get("name", ""))) and "value" in value:
            return {**value, "value": HIDDEN}
        return {
            key: HIDDEN if _SECRET.search(key) and isinstance(item, str) else shown(item, key)
            for key, item in value.items()
            if not _PRIVATE.match(key)
        }
    if isinstance(value, list):
        return [shown(item, name) for item in value]
    return value


def target(path: str) -> str:
    """A request's path and query without the values of secret parameters."""
    plain, mark, query = path.partition("?")
    pairs = [
        (key, HIDDEN if _SECRET.search(key) else value)
        for key, value in parse_qsl(query, keep_blank_values=True)
    ]
    if not any(value == HIDDEN for _, value in pairs):
        return path
    return f"{plain}{mark}{urlencode(pairs, safe='()/:')}"


def link(value: Any) -> str:
    """Where a value that names a resource leads; empty for any other."""
    if isinstance(value, str) and re.fullmatch(r"projects/[^/\s]+(/[^/\s]+/[^/\s]+)+", value):
        return address.of_resource(value.partition("@")[0])
    return ""
