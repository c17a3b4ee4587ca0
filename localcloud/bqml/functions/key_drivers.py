"""AI.KEY_DRIVERS.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-key-drivers
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.contribution.training import Insights
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    column_of,
    columns_of,
)
from localcloud.bqml.model import Model

NAME = "AI.KEY_DRIVERS"
MOST_DIMENSIONS = 12
RENAMED = {
    "contributors": "drivers",
    "metric_test": "metric_interest",
    "metric_control": "metric_reference",
}


def key_drivers(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """A row for each segment, the one with the largest contribution first."""
    from localcloud.bqml.training import train

    check_settings(
        NAME,
        settings,
        "metric_col",
        "dimension_cols",
        "interest_label_col",
        "min_apriori_support",
        "top_k",
        "enable_pruning",
    )
    rows = tables[0]
    written = str(settings.get("metric_col") or "")
    summed = re.fullmatch(r"(?i)\s*SUM\(\s*`?(\w+)`?\s*\)\s*", written)
    metric = column_of(
        NAME, {**settings, "metric_col": summed[1] if summed else written}, "metric_col", rows
    )
    dimensions = columns_of(NAME, settings, "dimension_cols", rows)
    if not 0 < len(dimensions) <= MOST_DIMENSIONS:
        raise BqmlError(
            f"{NAME}: dimension_cols names {len(dimensions)} columns; give 1 to {MOST_DIMENSIONS}"
        )
    prunes = settings.get("enable_pruning") is None or boolean(NAME, settings, "enable_pruning")
    options = {
        "MODEL_TYPE": "CONTRIBUTION_ANALYSIS",
        "CONTRIBUTION_METRIC": f"SUM({metric})",
        "IS_TEST_COL": column_of(NAME, settings, "interest_label_col", rows),
        "DIMENSION_ID_COLS": dimensions,
        "PRUNING_METHOD": "PRUNE_REDUNDANT_INSIGHTS" if prunes else "NO_PRUNING",
    }
    if settings.get("min_apriori_support") is not None and settings.get("top_k") is not None:
        raise BqmlError(f"{NAME}: give min_apriori_support or top_k, not both")
    for key, option in (
        ("min_apriori_support", "MIN_APRIORI_SUPPORT"),
        ("top_k", "TOP_K_INSIGHTS_BY_APRIORI_SUPPORT"),
    ):
        if settings.get(key) is not None:
            options[option] = settings[key]
    fitted = train(options, rows).fitted
    assert isinstance(fitted, Insights), "a contribution analysis gives insights"
    found = fitted.table
    return found.rename_columns([RENAMED.get(name, name) for name in found.column_names])


KEY_DRIVERS = TableFunction(NAME, takes_model=False, tables=(1, 1), call=key_drivers)
