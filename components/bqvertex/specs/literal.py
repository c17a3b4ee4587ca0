"""Option values from a stack's configuration as GoogleSQL."""

from collections.abc import Mapping
from typing import Any

from bqvertex.specs.inputs import whole_number
from googlesql import literal


def render(value: Any) -> str:
    """Write one value as a literal.

    The engine hands every number over as a float, so a whole one is written as INT64, which
    GoogleSQL takes wherever FLOAT64 is asked for.

    Args:
        value: See `googlesql.literal.render`.

    Raises:
        ValueError: The value has no literal in GoogleSQL; the message says why.
    """
    return literal.render(_whole(value))


def options(values: Mapping[str, Any]) -> str:
    """Write the list of an OPTIONS clause, without its parentheses, in the order given.

    Args:
        values: Values by option names. A name is taken as it is: option names are words.

    Raises:
        ValueError: A name is no word, or a value has no literal in GoogleSQL.
    """
    for name in values:
        if not name.isidentifier() or not name.isascii():
            raise ValueError(f"{name!r} is no name of an option: letters, digits and '_' only")
    return ", ".join(f"{name} = {render(value)}" for name, value in values.items())


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_whole(item) for item in value)
    return whole_number(value)
