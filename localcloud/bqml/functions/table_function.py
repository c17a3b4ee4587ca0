"""One ML.* table function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Model

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
    """

    name: str
    takes_model: bool
    tables: tuple[int, int]
    call: Call


def model_of(model: Model | None, name: str) -> Model:
    """The model a function was given.

    Raises:
        BqmlError: There is none.
    """
    if model is None:
        raise BqmlError(f"{name} needs a model as its first argument")
    return model


def check_settings(name: str, given: Mapping[str, Any], *allowed: str) -> None:
    """Refuse settings that a function does not have.

    Raises:
        BqmlError: One is not in `allowed`.
    """
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise BqmlError(
            f"{name} has no setting {', '.join(unknown)}; it takes {', '.join(sorted(allowed))}"
        )


def threshold_of(name: str, model: Model, given: Mapping[str, Any]) -> float:
    """The probability from which the second of two classes is predicted.

    Raises:
        BqmlError: It is given for a model that has none, or is not from 0 to 1.
    """
    threshold = given.get("threshold")
    if threshold is None:
        return 0.5
    if len(model.classes) != 2:
        raise BqmlError(f"{name}: threshold is for models with two classes only")
    if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise BqmlError(f"{name}: threshold is {threshold!r}; give a number from 0 to 1")
    return float(threshold)


def followed_by(columns: Mapping[str, pa.Array], rows: pa.Table) -> pa.Table:
    """New columns first, then those of the input that have other names."""
    result = pa.table(dict(columns))
    for field in rows.schema:
        if field.name not in columns:
            result = result.append_column(field, rows.column(field.name))
    return result
