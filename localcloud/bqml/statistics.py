"""What a model remembers of its training rows, for ML.FEATURE_INFO and ML.VALIDATE_DATA_SKEW."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import drift, nested
from localcloud.bqml.column_type import floats, is_nested, is_numeric
from localcloud.bqml.histogram import Histogram

RANKED = 50
"""How many categories count in a comparison: NUM_RANK_HISTOGRAM_BUCKETS where it is not given.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-tfdv-describe"""


def of_columns(rows: pa.Table, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Statistics by column, as JSON.

    Args:
        rows: The rows.
        names: The columns; of a STRUCT each field is one, and an array is what its elements are.

    Returns:
        `null_count`; of numbers also `min`, `max`, `mean`, `median` and `stddev` (None without a
        number) and `histogram`; of others `category_count` and `categories`, how often each of
        the most frequent is there; of arrays of STRUCT(index, number) also `dimension`.
    """
    flat = nested.flattened(rows.select(list(names)))
    # Sorting and counting leave Python's lock to other columns.
    with ThreadPoolExecutor(os.process_cpu_count()) as pool:
        found = list(pool.map(_of_column, flat.columns, flat.column_names))
    return dict(zip(flat.column_names, found, strict=True))


def before_transform(rows: pa.Table) -> dict[str, dict[str, Any]]:
    """Statistics of the columns that TRANSFORM reads, which may be of any type.

    Args:
        rows: The rows; of a column that is nested only its NULLs are counted.

    Returns:
        See `of_columns`.
    """
    plain = [field.name for field in rows.schema if not is_nested(field.type)]
    found = of_columns(rows, plain)
    return {
        name: found.get(name, {"null_count": rows.column(name).null_count})
        for name in rows.column_names
    }


def _of_column(column: pa.ChunkedArray, name: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"null_count": column.null_count}
    if nested.is_sparse(column.type):
        facts["dimension"] = nested.dimension(column, name)
    values = nested.elements(column)
    return {**facts, **(_numbers(values) if is_numeric(values.type) else _categories(values))}


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
