"""Field masks (https://google.aip.dev/161): which fields a patch writes or a read returns."""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.discovery.schema import Schema
from localcloud.errors import ApiError, Json, Violation


def paths(text: str, schema: Schema, message: str) -> list[list[str]]:
    """The fields a mask names, each as its keys in stored form; `*` names every field.

    Raises:
        ApiError: INVALID_ARGUMENT; the message has no such field.
    """
    if text.strip() == "*":
        return [[name] for name in schema.fields(message)]
    found = []
    for part in (p.strip() for p in text.split(",")):
        if not part:
            continue
        resolved = schema.resolve(message, part)
        if resolved is None:
            description = f"Invalid field mask: the resource has no field {part!r}."
            raise ApiError("INVALID_ARGUMENT", description, [Violation("update_mask", description)])
        found.append(resolved[0])
    return found


def read(resource: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """The value at a path; None when it is not set."""
    value: Any = resource
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def write(resource: Json, keys: Sequence[str], value: Any) -> None:
    """Set the value at a path, in place; None clears it."""
    *above, last = keys
    for key in above:
        inner = resource.get(key)
        if not isinstance(inner, dict):
            if value is None:
                return
            inner = resource[key] = {}
        resource = inner
    if value is None:
        resource.pop(last, None)
    else:
        resource[last] = value


def select(resource: Mapping[str, Any], wanted: Sequence[Sequence[str]]) -> Json:
    """Only the fields a read mask names."""
    chosen: Json = {}
    for keys in wanted:
        value = read(resource, keys)
        if value is not None:
            write(chosen, keys, value)
    return chosen
