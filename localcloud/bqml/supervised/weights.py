"""How much each training row counts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats, Places
from localcloud.bqml.column_type import floats, is_numeric
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.options import class_weight_pairs


def check(settings: Mapping[str, Any]) -> None:
    """Refuse options about weights that exclude each other.

    Raises:
        BqmlError: More than one of them is given.
    """
    given = [
        name.lower()
        for name in ("AUTO_CLASS_WEIGHTS", "CLASS_WEIGHTS", "INSTANCE_WEIGHT_COL")
        if settings.get(name)
    ]
    if len(given) > 1:
        raise BqmlError(f"give {' or '.join(given)}, not both")


def of_classes(
    classes: Places, labels: Sequence[str], settings: Mapping[str, Any]
) -> Floats | None:
    """Weight of each class; None when no option asks for any.

    Args:
        classes: Class of each training row.
        labels: The classes as text.
        settings: The model's options.

    Raises:
        BqmlError: CLASS_WEIGHTS lacks a class or has one that is none.
    """
    if settings.get("AUTO_CLASS_WEIGHTS"):
        counts = np.bincount(classes, minlength=len(labels)).astype(np.float64)
        # total_input_rows / (input_rows_for_class_n * number_of_unique_classes)
        balanced: Floats = len(classes) / (len(labels) * np.maximum(counts, 1))
        return balanced
    if not settings.get("CLASS_WEIGHTS"):
        return None
    by_label = class_weight_pairs(settings["CLASS_WEIGHTS"])
    missing = [label for label in labels if label not in by_label]
    strange = [label for label in by_label if label not in labels]
    if missing or strange:
        raise BqmlError(
            f"class_weights must have each label once; missing: {', '.join(missing) or 'none'}, "
            f"not a label: {', '.join(strange) or 'none'}"
        )
    return np.array([by_label[label] for label in labels])


def of_rows(rows: pa.Table, settings: Mapping[str, Any]) -> Floats | None:
    """Weight of each row, from INSTANCE_WEIGHT_COL; None when it is not given.

    Raises:
        BqmlError: That column is not there, not numeric, or has NULL or negative values.
    """
    name = settings.get("INSTANCE_WEIGHT_COL")
    return None if name is None else _of_column(rows, name)


def _of_column(rows: pa.Table, name: str) -> Floats:
    if name not in rows.column_names:
        raise BqmlError(
            f"instance_weight_col is '{name}', which the query does not have; it has "
            f"{', '.join(rows.column_names)}"
        )
    column = rows.column(name)
    if not is_numeric(column.type):
        raise BqmlError(f"instance_weight_col '{name}' is {column.type}; it must be a number")
    weights = floats(column)
    if not np.all(weights >= 0) or not np.isfinite(weights).all():
        raise BqmlError(
            f"instance_weight_col '{name}' must be 0 or more in every row; it has NULL, negative "
            "or infinite values"
        )
    return weights
