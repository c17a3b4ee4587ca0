"""What a model remembers of its training rows, for ML.FEATURE_INFO and ML.VALIDATE_DATA_SKEW."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import drift
from localcloud.bqml.column_type import floats, is_numeric
from localcloud.bqml.histogram import Histogram

RANKED = 50
"""How many categories count in a comparison: NUM_RANK_HISTOGRAM_BUCKETS where it is not given.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-tfdv-describe"""


def of_columns(rows: pa.Table, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Statistics by column, as JSON.

    Args:
        rows: The rows.
        names: The columns.

    Returns:
        `null_count`; of numbers also `min`, `max`, `mean`, `median` and `stddev` (None without a
        number) and `histogram`; of others `category_count` and `categories`, how often each of
        the most frequent is there.
    """
    # Sorting and counting leave Python's lock to other columns.
    with ThreadPoolExecutor(os.process_cpu_count()) as pool:
        found = list(pool.map(_of_column, [rows.column(name) for name in names]))
    return dict(zip(names, found, strict=True))


def _of_column(column: pa.ChunkedArray) -> dict[str, Any]:
    facts = _numbers(column) if is_numeric(column.type) else _categories(column)
    return {"null_count": column.null_count, **facts}


def _numbers(column: pa.ChunkedArray) -> dict[str, Any]:
    values = floats(column.drop_null())
    values = values[np.isfinite(values)]
    facts: dict[str, Any] = dict.fromkeys(("min", "max", "mean", "median", "stddev"))
    if values.size:
        facts = {
            "min": float(values.min()),
            "max": float(values.max()),
            "mean": float(values.mean()),
            "median": float(np.median(values)),
            "stddev": float(values.std(ddof=1)) if values.size > 1 else 0.0,
        }
    return {**facts, "histogram": Histogram.of(column).to_json()}


def _categories(column: pa.ChunkedArray) -> dict[str, Any]:
    counted = drift.counts(column)
    return {
        "category_count": len(counted),
        "categories": dict(list(counted.items())[:RANKED]),
    }
