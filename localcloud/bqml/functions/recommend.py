"""ML.RECOMMEND.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-recommend
The predicted column comes first, as in the results of Google's tutorials.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import TableFunction, check_settings, model_of
from localcloud.bqml.model import Model
from localcloud.bqml.recommender.matrix_factorization import Recommender

NAME = "ML.RECOMMEND"


def recommend(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Ratings of pairs of users and items."""
    given = model_of(model, NAME)
    check_settings(NAME, settings, "trial_id")
    if not isinstance(given.fitted, Recommender):
        raise BqmlError(
            f"{NAME} is for models of type MATRIX_FACTORIZATION, and this is {given.model_type}"
        )
    return given.fitted.recommend(tables[0] if tables else None)


RECOMMEND = TableFunction(
    NAME, takes_model=True, tables=(0, 1), call=recommend, takes_features=False
)
