"""Instances and predictions of requests, as JSON has them, laid out in columns."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa


def columns(
    items: Sequence[Any], order: Sequence[str], wanted: Sequence[str]
) -> dict[str, pa.ChunkedArray]:
    """Some fields of many instances or predictions.

    Args:
        items: Objects with the fields by name, lists with them in order, or the value of the one
            field; each as JSON's text or parsed.
        order: All fields of a list.
        wanted: The fields to take.

    Raises:
        ValueError: An item is none of these, or a list has another length.
    """
    if not wanted:
        return {}
    parsed = [_named(item, order) for item in items]
    return {name: column([one.get(name) for one in parsed]) for name in wanted}


def _named(item: Any, order: Sequence[str]) -> Mapping[str, Any]:
    value = _value(item)
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and len(value) == len(order):
        return dict(zip(order, value, strict=True))
    if not isinstance(value, list) and len(order) == 1:
        return {order[0]: value}
    raise ValueError(
        f"{json.dumps(value)[:80]} does not fit the schema's {len(order)} fields: "
        f"{', '.join(order)}."
    )


def _value(item: Any) -> Any:
    if not isinstance(item, str):
        return item
    try:
        return json.loads(item)
    except ValueError:
        return item


def column(values: Sequence[Any]) -> pa.ChunkedArray:
    """One column: numbers, truth values, or else texts; what is repeated counts by its elements.

    Raises:
        ValueError: A value is an object.
    """
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, list) else [value]
    if any(isinstance(value, (Mapping, list)) for value in flat):
        raise ValueError("Nested features cannot be monitored: flatten them.")
    present = [value for value in flat if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return pa.chunked_array([pa.array(flat, pa.bool_())])
    if present and all(_is_number(value) for value in present):
        return pa.chunked_array([pa.array(flat, pa.float64())])
    texts = [None if value is None else _text(value) for value in flat]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
