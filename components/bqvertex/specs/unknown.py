"""A value that is not known before `up`, such as the output of a resource still to be made."""

from enum import Enum
from typing import Any, Final, TypeGuard


class Unknown(Enum):
    """The type of `UNKNOWN`, an enum of one member so that type checkers can tell it apart."""

    UNKNOWN = "unknown until up"


UNKNOWN: Final = Unknown.UNKNOWN


def is_unknown(value: Any) -> TypeGuard[Unknown]:
    """Tell whether a value is `UNKNOWN` itself; a list or map that holds one is not."""
    return value is UNKNOWN


def holds_unknown(value: Any) -> bool:
    """Tell whether a value is `UNKNOWN` or a list or map with one anywhere inside."""
    if isinstance(value, dict):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(holds_unknown(item) for item in value)
    return is_unknown(value)
