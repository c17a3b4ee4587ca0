"""ML.PREDICT.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-predict
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    followed_by,
    model_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.unsupervised.pca import Components

NAME = "ML.PREDICT"


def predict(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Score rows: what the model says, then the input columns.

    Google reads `keep_original_columns` for PCA only, where it is FALSE unless it is given: then
    the features are left out, and columns that are none stay, as bigframes relies on. Here an
    explicit FALSE leaves out the input columns of every kind.
    """
    given = model_of(model, NAME)
    check_settings(NAME, settings, "threshold", "keep_original_columns", "trial_id")
    columns = given.fitted.predict(tables[0], settings)
    kept = settings.get("keep_original_columns")
    if kept is False:
        return pa.table(columns)
    rows = tables[0]
    if kept is None and isinstance(given.fitted, Components):
        features = {name.casefold() for name, _ in given.feature_columns}
        rows = rows.select([c for c in rows.column_names if c.casefold() not in features])
    return followed_by(columns, rows)


PREDICT = TableFunction(NAME, takes_model=True, tables=(1, 1), call=predict, row_by_row=True)
