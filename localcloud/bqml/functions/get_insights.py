"""ML.GET_INSIGHTS.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-get-insights
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.contribution.training import Insights
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import TableFunction, check_settings, model_of
from localcloud.bqml.model import Model

NAME = "ML.GET_INSIGHTS"


def get_insights(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """A row for each segment, the one with the largest contribution first."""
    given = model_of(model, NAME)
    check_settings(NAME, settings)
    if not isinstance(given.fitted, Insights):
        raise BqmlError(
            f"{NAME} is for models of type CONTRIBUTION_ANALYSIS, and this is {given.model_type}"
        )
    return given.fitted.table


GET_INSIGHTS = TableFunction(NAME, takes_model=True, tables=(0, 0), call=get_insights)
