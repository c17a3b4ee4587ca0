"""ML.DESCRIBE_DATA.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-describe-data
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import drift
from localcloud.bqml.column_type import floats, is_numeric, text, texts
from localcloud.bqml.functions.table_function import TableFunction, check_settings, whole_number
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
MOST_QUANTILES = 100_000
MOST_TOP_VALUES = 10_000


def describe_data(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row a column: counts, and moments of numbers or the most frequent categories.

    Numbers are what CAST makes FLOAT64 of, categories what it makes STRING of. Arrays are
    unnested first, and fields of a struct are columns of their own.
    """
    check_settings(NAME, settings, "num_quantiles", "num_array_length_quantiles", "top_k")
    quantiles = whole_number(NAME, settings, "num_quantiles", 2, MOST_QUANTILES)
    lengths = whole_number(NAME, settings, "num_array_length_quantiles", 10, MOST_QUANTILES)
    top_k = whole_number(NAME, settings, "top_k", 1, MOST_TOP_VALUES)
    rows = []
    for name, column in flat_columns(tables[0]):
        facts: dict[str, Any] = {"name": name, "num_rows": len(column)}
        facts["num_nulls"] = column.null_count
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            facts |= _lengths(column, lengths)
            column = pc.list_flatten(column)
            if pa.types.is_struct(column.type):
                column, facts["dimension"] = sparse_values(name, column)
        rows.append(facts | _describe(name, column, quantiles, top_k))
    return pa.Table.from_pylist(rows, SCHEMA)


def flat_columns(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Columns by name; the fields of a struct are columns of their own."""
    for field in table.schema:
        column = table.column(field.name)
        if not pa.types.is_struct(field.type):
            yield field.name, column
            continue
        for part in field.type:
            yield f"{field.name}_{part.name}", pc.struct_field(column, part.name)


def _lengths(column: pa.ChunkedArray, quantiles: int) -> dict[str, Any]:
    # BigQuery has no NULL array: it is an empty one.
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.int64)
    if lengths.size == 0:
        return {}
    ends = np.linspace(0, 1, quantiles + 1)
    return {
        "min_array_length": int(lengths.min()),
        "max_array_length": int(lengths.max()),
        "avg_array_length": float(lengths.mean()),
        "total_array_length": int(lengths.sum()),
        "array_length_quantiles": np.quantile(lengths, ends, method="nearest").tolist(),
    }


def sparse_values(name: str, column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int | None]:
    """Values and dimension of an array of STRUCT(index, value)."""
    fields = list(column.type)
    if len(fields) != 2 or not pa.types.is_integer(fields[0].type):
        raise NotImplementedError(
            f"{NAME}, column '{name}': of arrays of structs only ARRAY<STRUCT<INT64, number>> is "
            "described"
        )
    largest = pc.max(pc.struct_field(column, fields[0].name)).as_py()
    return pc.struct_field(column, fields[1].name), None if largest is None else largest + 1


def _describe(name: str, column: pa.ChunkedArray, quantiles: int, top_k: int) -> dict[str, Any]:
    try:
        numeric = is_numeric(column.type)
    except NotImplementedError as error:
        raise NotImplementedError(f"{NAME}, column '{name}': {error}") from None
    known = column.drop_null()
    facts: dict[str, Any] = {"num_values": len(known)}
    if numeric:
        values = floats(known)
        facts["num_zeros"] = int((values == 0).sum())
        if values.size:
            facts |= {
                "min": text(float(values.min())),
                "max": text(float(values.max())),
                "mean": float(values.mean()),
                "stddev": float(values.std(ddof=1)) if values.size > 1 else None,
                "median": float(np.median(values)),
                "quantiles": np.quantile(values, np.linspace(0, 1, quantiles + 1)).tolist(),
            }
        return facts
    written = texts(known)
    counted = drift.counts(written)
    if counted:
        facts |= {
            "min": min(counted),
            "max": max(counted),
            "avg_string_length": float(pc.mean(pc.utf8_length(written)).as_py()),
        }
    top = list(counted.items())[:top_k]
    return facts | {
        "unique": len(counted),
        "top_values": [{"value": value, "count": count} for value, count in top],
    }


DESCRIBE_DATA = TableFunction(NAME, takes_model=False, tables=(1, 1), call=describe_data)
