"""Clauses of CREATE MODEL, written from plain values."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.literal import options as rendered_options
from googlesql.schema import parse_type


def fields_clauses(
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    input_types: Collection[str],
    output_types: Collection[str],
) -> list[str]:
    """Write INPUT and OUTPUT, a line each; none where there are no fields.

    Args:
        inputs: Type by name of the fields that a model takes.
        outputs: Type by name of the fields that it answers.
        input_types: Types that those of `inputs` may have; `ARRAY` among them allows arrays of the
            others. Empty for any.
        output_types: The same for `outputs`.

    Raises:
        ValueError: Only one of the two has fields, or a field is of a wrong type.
    """
    if bool(inputs) != bool(outputs):
        raise ValueError("give inputs and outputs, or neither of the two")
    if not inputs:
        return []
    return [
        f"INPUT ({_fields('inputs', inputs, input_types)})",
        f"OUTPUT ({_fields('outputs', outputs, output_types)})",
    ]


def options_clause(
    values: Mapping[str, Any], options: Mapping[str, Any], inputs: Mapping[str, str]
) -> str:
    """Write OPTIONS.

    Args:
        values: Values by option name, those of None left out.
        options: Further options by name in any case, as a user gives them.
        inputs: The input that says an option, by the option's name; `options` must not.

    Raises:
        ValueError: `options` has one that is an input of its own, or a value has no literal.
    """
    further = {name.upper(): value for name, value in options.items()}
    for name in further:
        if name in inputs:
            raise ValueError(f"options has {name}, which is an input of its own: {inputs[name]}")
    given = {name: value for name, value in values.items() if value is not None}
    return f"OPTIONS ({rendered_options({**given, **further})})"


def _fields(noun: str, fields: Mapping[str, str], allowed: Collection[str]) -> str:
    for name, written in fields.items():
        type_ = parse_type(written)
        inner = type_
        if type_.name == "ARRAY" and type_.element is not None and "ARRAY" in allowed:
            inner = type_.element
        if allowed and inner.name not in allowed:
            scalars: Sequence[str] = [one for one in allowed if one != "ARRAY"]
            arrays = " and arrays of them" if "ARRAY" in allowed else ""
            raise ValueError(
                f"{noun} {name!r} has type {written!r}; allowed are {', '.join(scalars)}{arrays}"
            )
    return ", ".join(f"{quoted_path([name])} {parse_type(t)}" for name, t in fields.items())
