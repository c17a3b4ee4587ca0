"""ML.EVALUATE.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-evaluate
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import TableFunction, check_settings, model_of
from localcloud.bqml.model import Model

NAME = "ML.EVALUATE"


def evaluate(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Metrics on the rows given; without any, on the evaluation rows of the training."""
    given = model_of(model, NAME)
    check_settings(NAME, settings, "threshold", "trial_id")
    if not tables and settings.get("threshold") is not None:
        raise BqmlError(f"{NAME}: threshold needs a table or a query")
    scores = given.fitted.evaluate(tables[0] if tables else None, settings)
    return pa.table({name: pa.array([value], pa.float64()) for name, value in scores.items()})


EVALUATE = TableFunction(NAME, takes_model=True, tables=(0, 1), call=evaluate)
