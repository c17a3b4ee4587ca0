"""ML.GENERATE_EMBEDDING and AI.GENERATE_EMBEDDING of models that were trained here.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-generate-embedding,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-generate-embedding
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    followed_by,
    model_of,
)
from localcloud.bqml.functions.weights import factor_weights
from localcloud.bqml.model import Model
from localcloud.bqml.recommender.matrix_factorization import Recommender
from localcloud.bqml.unsupervised.embedder import Embedder


def generate_embedding(
    model: Model | None,
    tables: Sequence[pa.Table],
    settings: Mapping[str, Any],
    *,
    name: str,
    column: str,
) -> pa.Table:
    """A row's place in the model's own space, as one array; then the input columns.

    Args:
        model: The model.
        tables: The rows.
        settings: Of the function.
        name: Of the function.
        column: What the array is called.
    """
    given = model_of(model, name)
    check_settings(name, settings, "trial_id")
    if isinstance(given.fitted, Recommender):
        return _of_names(given.fitted, tables, name, column)
    if not isinstance(given.fitted, Embedder):
        raise BqmlError(f"{name} is not for models of type {given.model_type}")
    if not tables:
        raise BqmlError(f"{name} of a model of type {given.model_type} needs a table or a query")
    return followed_by({column: arrays(given.fitted.embed(tables[0]))}, tables[0])


def _of_names(fitted: Recommender, tables: Sequence[pa.Table], name: str, column: str) -> pa.Table:
    """The factors of each user and item, then its intercept."""
    if tables:
        raise BqmlError(f"{name} of a model of type MATRIX_FACTORIZATION takes no table")
    weights = factor_weights(fitted)
    # The last row is that of all ratings, which has no factors.
    weights = weights.slice(0, weights.num_rows - 1)
    found = fitted.factors
    users = np.column_stack([found.users, found.user_intercepts])
    items = np.column_stack([found.items, found.item_intercepts])
    return pa.table(
        {
            column: arrays(np.vstack([users, items])),
            "processed_input": weights["processed_input"],
            "feature": weights["feature"],
        }
    )


def arrays(rows: Floats) -> pa.Array:
    """Rows of numbers as `ARRAY<FLOAT64>`."""
    count, width = rows.shape
    offsets = pa.array(range(0, (count + 1) * width, width) if width else [0] * (count + 1))
    return pa.ListArray.from_arrays(offsets.cast(pa.int32()), pa.array(rows.ravel(), pa.float64()))


GENERATE_EMBEDDING = [
    TableFunction(
        name,
        takes_model=True,
        tables=(0, 1),
        call=partial(generate_embedding, name=name, column=column),
        row_by_row=True,
    )
    for name, column in (
        ("ML.GENERATE_EMBEDDING", "ml_generate_embedding_result"),
        ("AI.GENERATE_EMBEDDING", "embedding"),
    )
]
