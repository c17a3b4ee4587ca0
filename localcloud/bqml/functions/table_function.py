"""One ML.* table function."""

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
    """

    name: str
    takes_model: bool
    tables: tuple[int, int]
    call: Call
    row_by_row: bool = False
    takes_features: bool = True


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


def followed_by(columns: Mapping[str, pa.Array], rows: pa.Table) -> pa.Table:
    """New columns first, then those of the input that have other names."""
    result = pa.table(dict(columns))
    taken = {name.casefold() for name in columns}
    for field in rows.schema:
        if field.name.casefold() not in taken:
            result = result.append_column(field, rows.column(field.name))
    return result
