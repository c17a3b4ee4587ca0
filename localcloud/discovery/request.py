"""What a request says: its query parameters and its body, as Google's front ends read them."""

import json
import re
from collections.abc import Sequence
from typing import Any

from localcloud.discovery.document import Document, Method
from localcloud.discovery.schema import camel, snake
from localcloud.errors import ApiError, Json, Violation, invalid

# Parameters of every method that clients may also write with a dollar sign.
_SYSTEM = ("alt", "fields", "prettyPrint", "callback", "key", "quotaUser", "userProject", "unique")


def read_query(
    document: Document, method: Method, pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The query parameters of a request, in camel case and in their types.

    Raises:
        ApiError: INVALID_ARGUMENT; one is unknown, malformed or missing.
    """
    known = {**document.parameters, **method.parameters}
    query: dict[str, Any] = {}
    for key, value in pairs:
        if key.startswith("$") and camel(key[1:]) in {*_SYSTEM, *known}:
            continue
        name = key if key in known else ".".join(camel(part) for part in key.split("."))
        parameter = known.get(name)
        if parameter is None:
            description = (
                f'Invalid JSON payload received. Unknown name "{key}": Cannot bind query '
                f"parameter. Field '{key}' could not be found in request message."
            )
            raise invalid([Violation("", description)])
        parsed = _query_value(parameter, key, value)
        if parameter.get("repeated"):
            query.setdefault(name, []).append(parsed)
        elif name in query and name.endswith("Mask"):
            query[name] = f"{query[name]},{parsed}"
        else:
            query[name] = parsed
    for name, parameter in method.parameters.items():
        if (
            parameter.get("location") == "query"
            and str(parameter.get("description", "")).startswith("Required.")
            and name not in query
            and name != "updateMask"
        ):
            raise invalid(
                [Violation(snake(name), f"Required parameter is not set: {snake(name)}.")]
            )
    return query


def read_json(method: Method, raw: bytes) -> Json:
    """The decoded body of a request; empty for a method that takes none.

    Raises:
        ApiError: INVALID_ARGUMENT; it is no JSON.
    """
    if not method.request:
        return {}
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError as error:
        raise ApiError("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}.") from error
    found: Json = body
    return found


def body_path(method: Method, prefix: str) -> str:
    """What violations call the body: the request's field that it is, empty for the request itself.

    Args:
        method: Its method.
        prefix: What the document puts before every message's name.
    """
    # A request message is the body itself; a resource is one field of the request.
    short = method.request.removeprefix(prefix)
    if short.endswith(("Request", "HttpBody")):
        return ""
    return snake(short[:1].lower() + short[1:])


def _query_value(parameter: Json, key: str, value: str) -> Any:
    kind = parameter.get("type")
    wrong = ""
    parsed: Any = value
    if kind == "boolean":
        wrong = "" if value.lower() in ("true", "false", "1", "0") else "TYPE_BOOL"
        parsed = value.lower() in ("true", "1")
    elif kind == "integer":
        wrong = "" if re.fullmatch(r"-?\d+", value) else "TYPE_INT32"
        parsed = value if wrong else int(value)
    elif "enum" in parameter:
        names = parameter["enum"]
        if value.isdigit() and int(value) < len(names):
            parsed = names[int(value)]
        elif value not in names:
            wrong = f"one of {', '.join(names)}"
    if wrong:
        description = f"Invalid value at '{snake(key)}' ({wrong}), \"{value}\""
        raise invalid([Violation(snake(key), description)])
    return parsed
