"""ML.DESCRIBE_DATA.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-describe-data
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.column_type import NUMERIC, bigquery_type, text
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import TableFunction, check_settings
from localcloud.bqml.model import Model

NAME = "ML.DESCRIBE_DATA"
SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("num_rows", pa.int64()),
        ("num_values", pa.int64()),
        ("num_nulls", pa.int64()),
        ("num_zeros", pa.int64()),
        ("min", pa.string()),
        ("max", pa.string()),
        ("mean", pa.float64()),
        ("stddev", pa.float64()),
        ("median", pa.float64()),
        ("quantiles", pa.list_(pa.float64())),
        ("unique", pa.int64()),
        ("avg_string_length", pa.float64()),
        ("top_values", pa.list_(pa.struct([("value", pa.string()), ("count", pa.int64())]))),
        ("min_array_length", pa.int64()),
        ("max_array_length", pa.int64()),
        ("avg_array_length", pa.float64()),
        ("total_array_length", pa.int64()),
        ("array_length_quantiles", pa.list_(pa.int64())),
        ("dimension", pa.int64()),
    ]
)


def describe_data(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row a column: counts, and moments of numbers or the most frequent categories."""
    check_settings(NAME, settings, "num_quantiles", "num_array_length_quantiles", "top_k")
    quantiles = _count(settings, "num_quantiles", 2, 100_000)
    top_k = _count(settings, "top_k", 1, 10_000)
    table = tables[0]
    rows = [_describe(name, table.column(name), quantiles, top_k) for name in table.column_names]
    return pa.Table.from_pylist(rows, SCHEMA)


def _count(settings: Mapping[str, Any], key: str, default: int, most: int) -> int:
    given = settings.get(key, default)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
        raise BqmlError(f"{NAME}: {key} is {given!r}; give a whole number from 1 to {most:,}")
    return given


def _describe(name: str, column: pa.ChunkedArray, quantiles: int, top_k: int) -> dict[str, Any]:
    try:
        kind = bigquery_type(column.type)
    except NotImplementedError as error:
        raise NotImplementedError(f"{NAME}, column '{name}': {error}") from None
    known = column.drop_null()
    facts: dict[str, Any] = {
        "name": name,
        "num_rows": len(column),
        "num_values": len(known),
        "num_nulls": column.null_count,
    }
    if len(known):
        ends = pc.min_max(known).as_py()
        facts |= {"min": text(ends["min"]), "max": text(ends["max"])}
    if kind in NUMERIC:
        values = known.cast(pa.float64()).to_numpy()
        facts["num_zeros"] = int((values == 0).sum())
        if values.size:
            facts |= {
                "mean": float(values.mean()),
                "stddev": float(values.std(ddof=1)) if values.size > 1 else None,
                "median": float(np.median(values)),
                "quantiles": np.quantile(values, np.linspace(0, 1, quantiles + 1)).tolist(),
            }
        return facts
    counted = [(text(c["values"]), c["counts"]) for c in pc.value_counts(known).to_pylist()]
    top = sorted(counted, key=lambda item: (-item[1], item[0]))[:top_k]
    total = sum(len(value) * count for value, count in counted)
    return facts | {
        "unique": len(counted),
        "avg_string_length": total / len(known) if len(known) else None,
        "top_values": [{"value": value, "count": count} for value, count in top],
    }


DESCRIBE_DATA = TableFunction(NAME, takes_model=False, tables=(1, 1), call=describe_data)
