"""Inputs of a dynamic resource as they come from the host: compared, counted, checked for text."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bqvertex.specs.unknown import holds_unknown, is_unknown

Problem = tuple[str, str]
"""An input's name and what is wrong with it."""


def changed(olds: Mapping[str, Any], news: Mapping[str, Any], names: Collection[str]) -> set[str]:
    """Name the inputs that differ; one that is not known yet always does.

    Args:
        olds: The state, or earlier inputs.
        news: Checked inputs.
        names: The inputs to look at.

    Returns:
        Those of `names` whose values differ. An absent input equals None, and 1 equals 1.0, since
        the engine hands every number over as a float.
    """
    return {
        name for name in names if holds_unknown(news.get(name)) or olds.get(name) != news.get(name)
    }


def whole_number(value: Any) -> Any:
    """Turn the float the engine sends for an integer back into one; leave all else alone."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def missing(inputs: Mapping[str, Any], names: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each required input that is absent or an empty text."""
    for name in sorted(names):
        if inputs.get(name) in (None, ""):
            yield name, "is required"


def not_text(inputs: Mapping[str, Any], names: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each input that is there and no text."""
    for name in sorted(names):
        value = inputs.get(name)
        if value is not None and not is_unknown(value) and not isinstance(value, str):
            yield name, f"is {value!r} ({type(value).__name__}): give text"


def known(inputs: Mapping[str, Any], name: str, kind: type) -> bool:
    """Tell whether an input is there, is known through and through and is of a kind."""
    value = inputs.get(name)
    return not holds_unknown(value) and isinstance(value, kind)


def canonical_json(value: Any) -> str:
    """Write a value as JSON that is the same for equal values: sorted keys, 1.0 as 1."""
    return json.dumps(_numbers(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_numbers(item) for item in value]
    return whole_number(value)
