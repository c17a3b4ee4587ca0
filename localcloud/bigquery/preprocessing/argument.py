"""The values of the arguments after the first, and values as SQL."""

import math
from collections.abc import Sequence
from typing import Any

from local_bigquery.errors import BigQueryError

from googlesql.constant import Constant


def number(value: Any) -> str:
    """A number as a FLOAT64 literal, in parentheses when it is negative."""
    text = repr(float(value))
    if not math.isfinite(float(value)):
        return f"CAST('{text}' AS FLOAT64)"
    return f"({text})" if text.startswith("-") else text


def constant(value: Any) -> str:
    """A value of the training rows as a GoogleSQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        return f"'{escaped}'"
    return number(value)


def integer(
    function: str,
    name: str,
    given: Sequence[Constant],
    *,
    at_least: int,
    at_most: int | None = None,
) -> int:
    """The first value, which must be a whole number within a range.

    Raises:
        BigQueryError: It is something else, or there is none.
    """
    value = given[0] if given else None
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or value < at_least or (at_most is not None and value > at_most):  # type: ignore[operator]
        allowed = f"from {at_least}" if at_most is None else f"from {at_least} to {at_most:,}"
        raise BigQueryError(
            "invalidQuery", f"{function}'s {name} is {value!r}; it is an integer {allowed}."
        )
    assert isinstance(value, int)
    return value


def one_of(function: str, name: str, value: Constant, allowed: Sequence[str]) -> str:
    """A text that must be one of some.

    Raises:
        BigQueryError: It is something else.
    """
    if value not in allowed:
        raise BigQueryError(
            "invalidQuery", f"{function}'s {name} is {value!r}; allowed are {', '.join(allowed)}."
        )
    return str(value)


def degree(function: str, name: str, value: Constant) -> float:
    """The degree of a norm: 0, 1 or more, or infinity.

    Raises:
        BigQueryError: It is something else.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not (value == 0 or value >= 1):  # type: ignore[operator]
        raise BigQueryError(
            "invalidQuery",
            f"{function}'s {name} is {value!r}; it is 0.0, a number from 1.0, or "
            "CAST('INF' AS FLOAT64).",
        )
    assert isinstance(value, (int, float))
    return float(value)
