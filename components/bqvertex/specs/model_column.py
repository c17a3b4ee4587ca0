"""The columns that options of CREATE MODEL name, held against the query."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from bqvertex.specs.model_kind import ModelKind
from bqvertex.specs.model_option import ModelOption, nearest
from bqvertex.specs.model_option_rule import OptionProblem, Stated
from bqvertex.specs.model_transform import hands_on
from googlesql.create_model import CreateModel
from googlesql.tree import Node

LABEL: Final = "INPUT_LABEL_COLS"

_TRANSFORM: Final = "TRANSFORM clause"
_NUMERIC: Final = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
_CATEGORIES: Final = ("BOOL", "DATE", "DATETIME", "TIME", "TIMESTAMP", "STRING", "INT64")

_HOLIDAY_COLUMNS: Final = {
    "region": "STRING",
    "holiday_name": "STRING",
    "primary_date": "DATE",
    "preholiday_days": "INT64",
    "postholiday_days": "INT64",
}
"""Source:
https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-time-series#holiday_statement"""
_OPTIONAL_HOLIDAY_COLUMNS: Final = ("preholiday_days", "postholiday_days")


class NamedColumn(NamedTuple):
    """A column that an option names.

    Attributes:
        option: The option.
        name: The column.
        types: Types it may have; empty for any.
    """

    option: ModelOption
    name: str
    types: tuple[str, ...]


def named_columns(kind: ModelKind, parts: CreateModel) -> Iterator[NamedColumn]:
    """Yield the columns that a statement's options name, those they name by default too."""
    for name, option in kind.options.items():
        value = parts.options.get(name, option.default)
        if option.columns is not None:
            for column in value if isinstance(value, list) else [value]:
                if isinstance(column, str):
                    yield NamedColumn(option, column, option.columns)
        elif option.pattern and isinstance(value, str):
            for group, column in (_groups(option.pattern, value)).items():
                types = _NUMERIC if group.startswith("number") else _CATEGORIES
                yield NamedColumn(option, column, types)


def column_problems(
    kind: ModelKind,
    parts: CreateModel,
    tree: Node,
    queried: Mapping[str, str] | None,
    transformed: Mapping[str, str] | None,
) -> Iterator[OptionProblem]:
    """Yield each column that an option names and the query lacks, or that is of a wrong type.

    Args:
        kind: What kind of model the statement makes.
        parts: The statement.
        tree: Its syntax tree.
        queried: Type by name of the query's columns, empty where only the name is known; None
            where not even the names are.
        transformed: Type by name of the columns after TRANSFORM; None where they are not known,
            and without that clause.
    """
    if parts.query is None:
        return
    stated = Stated.of(parts, kind.options)
    taken: dict[str, str] = {}
    for named in named_columns(kind, parts):
        place = _place(parts, named.option)
        # What is no feature is a column of the query; TRANSFORM may well make another.
        is_made = parts.transform is not None and not named.option.excluded
        columns, where = (transformed, _TRANSFORM) if is_made else (queried, "query")
        reason = _missing(named, columns, where) or _not_handed_on(parts, tree, named)
        if reason is None and columns is not None:
            reason = _wrong_type(named, _types(kind, stated, named), columns)
        if reason is not None:
            yield OptionProblem(place, reason)
        if named.option.excluded:
            other = taken.setdefault(named.name.lower(), named.option.name)
            if other != named.option.name:
                yield OptionProblem(
                    place, f"column {named.name!r} is that of {other} and of {named.option.name}"
                )


def holiday_problems(columns: Mapping[str, str]) -> Iterator[OptionProblem]:
    """Yield what the query of custom holidays lacks, or has of a wrong type.

    Args:
        columns: Type by name of its columns.
    """
    found = {name.lower(): type_ for name, type_ in columns.items()}
    for name, type_ in _HOLIDAY_COLUMNS.items():
        if found.get(name) not in (None, "", type_):
            reason = f"column {name!r} of custom_holiday has type {found[name]}; it must be {type_}"
            yield OptionProblem("holidays", reason)
        elif name not in found and name not in _OPTIONAL_HOLIDAY_COLUMNS:
            reason = f"custom_holiday needs a column {name} {type_}, and has {', '.join(columns)}"
            yield OptionProblem("holidays", reason)


def _groups(pattern: str, text: str) -> Mapping[str, str]:
    found = re.fullmatch(pattern, text)
    return {} if found is None else {g: c for g, c in found.groupdict().items() if c}


def _place(parts: CreateModel, option: ModelOption) -> str:
    return f"option {option.name}" if option.name in parts.options else "path"


def _types(kind: ModelKind, stated: Stated, named: NamedColumn) -> tuple[str, ...]:
    for rule in kind.rules:
        if named.option.name in rule.column_types and stated.meets(rule.when) is True:
            return tuple(rule.column_types[named.option.name])
    return named.types


def _missing(named: NamedColumn, columns: Mapping[str, str] | None, where: str) -> str | None:
    if columns is None or _type_of(columns, named.name) is not None:
        return None
    return _absent(named, list(columns), where)


def _not_handed_on(parts: CreateModel, tree: Node, named: NamedColumn) -> str | None:
    if parts.transform is None or not named.option.excluded:
        return None
    if hands_on(tree, named.name) is not False:
        return None
    names = [item.alias for item in parts.transform if item.alias is not None]
    if named.name.lower() in {name.lower() for name in names}:
        return f"{_noun(named)} must pass TRANSFORM unchanged, by its plain name"
    return _absent(named, names, _TRANSFORM)


def _absent(named: NamedColumn, names: Sequence[str], where: str) -> str:
    hint = f"; name it with {LABEL} = ['column']" if named.option.name == LABEL else ""
    return (
        f"{_noun(named)} is not in the {where}, which has {', '.join(names)}"
        f"{nearest(named.name, names) or hint}"
    )


def _noun(named: NamedColumn) -> str:
    if named.option.name == LABEL:
        return f"label column {named.name!r}"
    return f"column {named.name!r} of {named.option.name}"


def _wrong_type(named: NamedColumn, types: Sequence[str], columns: Mapping[str, str]) -> str | None:
    # Length and precision are no part of what is asked: NUMERIC(10, 2) is NUMERIC.
    plain = re.sub(r"\(.*?\)", "", _type_of(columns, named.name) or "")
    if not types or not plain or plain in types:
        return None
    return f"{_noun(named)} has type {plain}; allowed are {', '.join(types)}"


def _type_of(columns: Mapping[str, str], name: str) -> str | None:
    """Return a column's type, empty where it is not known; None for a column that is not there."""
    return next((type_ for other, type_ in columns.items() if other.lower() == name.lower()), None)
