"""One ML.* table function."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Model
from localcloud.bqml.supervised.automl import Champion
from localcloud.bqml.supervised.predictor import Predictor

Call = Callable[[Model | None, Sequence[pa.Table], Mapping[str, Any]], pa.Table]


@dataclass(frozen=True)
class TableFunction:
    """A table function.

    Attributes:
        name: Such as `ML.PREDICT`.
        takes_model: Whether its first argument is a model.
        tables: How many tables it takes, at least and at most.
        call: Takes the model (None without one), the tables, after TRANSFORM where there is one,
            and the settings of the last STRUCT argument, names in lower case. Raises `BqmlError`
            or `NotImplementedError`.
        row_by_row: Whether it gives a row for each row of its table: of no rows it still tells
            its columns, and the table's own columns may come after them.
        takes_features: Whether its table must have all that the model learnt from.
        before_transform: Whether it looks at its table as it is before TRANSFORM.
        positional: The settings that arguments without a name stand for, in order.
    """

    name: str
    takes_model: bool
    tables: tuple[int, int]
    call: Call
    row_by_row: bool = False
    takes_features: bool = True
    before_transform: bool = False
    positional: tuple[str, ...] = ()


def model_of(model: Model | None, name: str) -> Model:
    """The model a function was given.

    Raises:
        BqmlError: There is none.
    """
    if model is None:
        raise BqmlError(f"{name} needs a model as its first argument")
    return model


def predictor_of(model: Model | None, name: str, *, of_automl: bool = True) -> Predictor:
    """What the model a function was given has learnt of its label.

    Args:
        model: The model.
        name: The function, for messages.
        of_automl: Whether the function is for models of AutoML too.

    Raises:
        BqmlError: There is no model, or the function is not for its kind.
    """
    given = model_of(model, name)
    is_refused = isinstance(given.fitted, Champion) and not of_automl
    if not isinstance(given.fitted, Predictor) or is_refused:
        raise BqmlError(f"{name} is not for models of type {given.model_type}")
    return given.fitted


def check_settings(name: str, given: Mapping[str, Any], *allowed: str) -> None:
    """Refuse settings that a function does not have.

    Raises:
        BqmlError: One is not in `allowed`.
    """
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        takes = f"takes {', '.join(sorted(allowed))}" if allowed else "takes none"
        raise BqmlError(f"{name} has no setting {', '.join(unknown)}; it {takes}")
    if given.get("trial_id") is not None:
        raise BqmlError(f"{name}: trial_id is for models that were trained with num_trials")


def whole_number(
    name: str, given: Mapping[str, Any], key: str, default: int, most: int | None = None
) -> int:
    """A setting that is a whole number of 1 or more.

    Args:
        name: The function, for messages.
        given: The settings.
        key: Which one.
        default: What it is when it is left out.
        most: The largest; None: any.

    Raises:
        BqmlError: It is something else.
    """
    value = given.get(key, default)
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or value < 1
        or (most is not None and value > most)
    ):
        allowed = "1 or more" if most is None else f"1 to {most:,}"
        raise BqmlError(f"{name}: {key} is {value!r}; give a whole number, {allowed}")
    return value


def boolean(name: str, given: Mapping[str, Any], key: str) -> bool:
    """A setting that is TRUE or FALSE, which it is when it is left out.

    Raises:
        BqmlError: It is something else.
    """
    value = given.get(key)
    if not isinstance(value, bool | None):
        raise BqmlError(f"{name}: {key} is {value!r}; give TRUE or FALSE")
    return bool(value)


def column_of(name: str, given: Mapping[str, Any], key: str, rows: pa.Table) -> str:
    """The column that a setting names, as the table writes it.

    Raises:
        BqmlError: The setting is missing, or the table has no such column.
    """
    found = columns_of(name, given, key, rows)
    if len(found) != 1:
        raise BqmlError(f"{name} needs {key}, the name of a column")
    return found[0]


def columns_of(name: str, given: Mapping[str, Any], key: str, rows: pa.Table) -> list[str]:
    """The columns that a setting names, one in a STRING or some in an array; empty without it.

    Raises:
        BqmlError: It is something else, or the table has no such column.
    """
    value = given.get(key)
    wanted = [value] if isinstance(value, str) else value or []
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise BqmlError(f"{name}: {key} is {value!r}; give names of columns")
    there = {column.casefold(): column for column in rows.column_names}
    missing = [item for item in wanted if item.casefold() not in there]
    if missing:
        raise BqmlError(
            f"{name}: {key} has '{missing[0]}', which the rows do not have; they have "
            f"{', '.join(rows.column_names)}"
        )
    return [there[item.casefold()] for item in wanted]


def choice(name: str, given: Mapping[str, Any], key: str, default: str | None, *names: str) -> str:
    """A setting that is one of some names, in any case; as `names` has it.

    Raises:
        BqmlError: It is something else.
    """
    value = given.get(key, default)
    by_case = {item.casefold(): item for item in names}
    if not isinstance(value, str) or value.casefold() not in by_case:
        raise BqmlError(f"{name}: {key} is {value!r}; give {' or '.join(names)}")
    return by_case[value.casefold()]


def instant(name: str, given: Mapping[str, Any], key: str) -> datetime.datetime | None:
    """A setting that is a TIMESTAMP, or text that can be read as one; None without it.

    Raises:
        BqmlError: It is something else.
    """
    value = given.get(key)
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value.removesuffix(" UTC"))
        except ValueError:
            raise BqmlError(f"{name}: {key} is {value!r}; give a TIMESTAMP") from None
    elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    if value is not None and not isinstance(value, datetime.datetime):
        raise BqmlError(f"{name}: {key} is {value!r}; give a TIMESTAMP")
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=datetime.UTC)


def followed_by(columns: Mapping[str, pa.Array], rows: pa.Table) -> pa.Table:
    """New columns first, then those of the input that have other names."""
    result = pa.table(dict(columns))
    taken = {name.casefold() for name in columns}
    for field in rows.schema:
        if field.name.casefold() not in taken:
            result = result.append_column(field, rows.column(field.name))
    return result
