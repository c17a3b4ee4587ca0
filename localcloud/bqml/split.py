"""Which rows train and which evaluate.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm#data_split_method
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.errors import BqmlError

Rows = npt.NDArray[np.intp]
SMALL = 500
LARGE = 50_000
LARGE_EVALUATION_ROWS = 10_000


def ordered(table: pa.Table) -> pa.Table:
    """Put rows in an order that follows from their content alone.

    A query engine gives rows in any order. Google's splits are the same for the same data, and so
    are these. Numbers are compared with 32 bits, since sums that TRANSFORM divides by differ in
    their last bits from run to run.
    """
    from pandas.util import hash_pandas_object

    compared = pa.table(
        {
            str(place): column.cast(pa.float32()) if column.type == pa.float64() else column
            for place, column in enumerate(table.columns)
        }
    )
    hashes = hash_pandas_object(compared.to_pandas(), index=False).to_numpy()
    return table.take(pa.array(np.argsort(hashes, kind="stable")))


def split(table: pa.Table, settings: Mapping[str, Any]) -> tuple[Rows, Rows | None]:
    """Divide rows.

    Args:
        table: The rows that have a label.
        settings: DATA_SPLIT_METHOD, DATA_SPLIT_EVAL_FRACTION, DATA_SPLIT_COL.

    Returns:
        Rows to train on, and rows to evaluate on; None for the latter: evaluate on all of them.

    Raises:
        BqmlError: The column that divides them is not named, not there or of a wrong type.
    """
    count = table.num_rows
    method = settings["DATA_SPLIT_METHOD"]
    everything: Rows = np.arange(count)
    if method == "NO_SPLIT" or (method == "AUTO_SPLIT" and count < SMALL):
        return everything, None
    if method in ("CUSTOM", "SEQ"):
        return _by_column(table, settings, everything)
    shuffled = np.random.default_rng(0).permutation(count)
    held_out = int(count * settings["DATA_SPLIT_EVAL_FRACTION"])
    if method == "AUTO_SPLIT":
        held_out = LARGE_EVALUATION_ROWS if count > LARGE else int(count * 0.2)
    return shuffled[held_out:], shuffled[:held_out] if held_out else None


def _by_column(
    table: pa.Table, settings: Mapping[str, Any], everything: Rows
) -> tuple[Rows, Rows | None]:
    name = settings["DATA_SPLIT_COL"]
    if name is None:
        raise BqmlError("data_split_method CUSTOM and SEQ need data_split_col")
    if name not in table.column_names:
        raise BqmlError(f"data_split_col is '{name}', which the query does not have")
    column = table.column(name)
    if settings["DATA_SPLIT_METHOD"] == "CUSTOM":
        if not pa.types.is_boolean(column.type):
            raise BqmlError(f"data_split_col '{name}' is {column.type}; CUSTOM needs a BOOL column")
        evaluates = pc.fill_null(column, False).to_numpy().astype(bool)
        return everything[~evaluates], everything[evaluates]
    order = pc.sort_indices(column, null_placement="at_start").to_numpy().astype(np.intp)
    held_out = int(len(order) * settings["DATA_SPLIT_EVAL_FRACTION"])
    return order[: len(order) - held_out], order[len(order) - held_out :] if held_out else None
