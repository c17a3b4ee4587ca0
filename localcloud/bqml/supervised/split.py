"""Which rows train and which evaluate.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm#data_split_method
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import order
from localcloud.bqml.arrays import Places
from localcloud.bqml.errors import BqmlError

SMALL = 500
LARGE = 50_000
LARGE_EVALUATION_ROWS = 10_000
EVAL_FRACTION = 0.2


def split(table: pa.Table, settings: Mapping[str, Any]) -> tuple[Places, Places | None]:
    """Divide rows.

    A random split goes by the content of each row, as Google's does: a query engine gives rows in
    any order, and the split is the same for the same rows.

    Args:
        table: The rows that have a label.
        settings: DATA_SPLIT_METHOD, DATA_SPLIT_EVAL_FRACTION, DATA_SPLIT_COL.

    Returns:
        Rows to train on, and rows to evaluate on; None for the latter: there are none.

    Raises:
        BqmlError: The column that divides them is not named, not there or of a wrong type.
    """
    count = table.num_rows
    method, fraction = settings["DATA_SPLIT_METHOD"], settings["DATA_SPLIT_EVAL_FRACTION"]
    if method in ("CUSTOM", "SEQ"):
        return _by_column(table, settings)
    shuffled = order.shuffled(table)
    held_out = 0
    if method == "RANDOM" and fraction is not None:
        held_out = int(count * fraction)
    elif method != "NO_SPLIT" and count >= SMALL:
        held_out = LARGE_EVALUATION_ROWS if count > LARGE else int(count * EVAL_FRACTION)
    # Rows that train come in the shuffled order too: their order moves the last digits of sums.
    return shuffled[held_out:], shuffled[:held_out] if held_out else None


def check(settings: Mapping[str, Any]) -> None:
    """Refuse options of a split that do not go together.

    Raises:
        BqmlError: A column is missing or not used, or a fraction is not used.
    """
    method = settings["DATA_SPLIT_METHOD"]
    if method in ("CUSTOM", "SEQ") and settings["DATA_SPLIT_COL"] is None:
        raise BqmlError(f"data_split_method '{method}' needs data_split_col, a column name")
    if method not in ("CUSTOM", "SEQ") and settings["DATA_SPLIT_COL"] is not None:
        raise BqmlError(
            f"data_split_col is for data_split_method 'CUSTOM' and 'SEQ', and this is '{method}'"
        )
    if method not in ("RANDOM", "SEQ") and settings["DATA_SPLIT_EVAL_FRACTION"] is not None:
        raise BqmlError(
            "data_split_eval_fraction is for data_split_method 'RANDOM' and 'SEQ', and this is "
            f"'{method}'"
        )


def _by_column(table: pa.Table, settings: Mapping[str, Any]) -> tuple[Places, Places | None]:
    name = settings["DATA_SPLIT_COL"]
    if name not in table.column_names:
        raise BqmlError(
            f"data_split_col is '{name}', which the query does not have; it has "
            f"{', '.join(table.column_names)}"
        )
    column = table.column(name)
    if settings["DATA_SPLIT_METHOD"] == "CUSTOM":
        if not pa.types.is_boolean(column.type):
            raise BqmlError(f"data_split_col '{name}' is {column.type}; CUSTOM needs a BOOL column")
        evaluates = pc.fill_null(column, True).to_numpy().astype(bool)
    else:
        if pa.types.is_boolean(column.type) or pa.types.is_nested(column.type):
            raise BqmlError(
                f"data_split_col '{name}' is {column.type}; SEQ needs a column of NUMERIC, "
                "BIGNUMERIC, STRING or TIMESTAMP values"
            )
        evaluates = _last(column, settings["DATA_SPLIT_EVAL_FRACTION"])
    shuffled = order.shuffled(table)
    held_out = shuffled[evaluates[shuffled]]
    return shuffled[~evaluates[shuffled]], held_out if len(held_out) else None


def _last(column: pa.ChunkedArray, fraction: float | None) -> Any:
    """Which rows have at least the value from which rows evaluate; NULL has not."""
    sorted_rows = pc.array_sort_indices(column, null_placement="at_start")
    held_out = int(len(sorted_rows) * (EVAL_FRACTION if fraction is None else fraction))
    if held_out == 0:
        return np.zeros(len(sorted_rows), dtype=bool)
    from_here = column[sorted_rows[len(sorted_rows) - held_out].as_py()]
    return pc.fill_null(pc.greater_equal(column, from_here), False).to_numpy().astype(bool)
