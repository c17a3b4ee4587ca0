"""ML.CORRELATION.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-correlation
"""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.column_type import floats, is_nested, is_numeric, text
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    choice,
    column_of,
    columns_of,
)
from localcloud.bqml.model import Model

NAME = "ML.CORRELATION"
MOST_DIMENSIONS = 12
JSON = {b"bigquery_type": b"JSON"}
SEGMENT = pa.list_(
    pa.struct(
        [
            pa.field("dimension_col", pa.string()),
            pa.field("dimension_value", pa.string(), metadata=JSON),
        ]
    )
)


def correlation(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """A row for each segment and metric, the largest segment first.

    Segments are all rows, and those that have the same values in some of the dimensions. A row
    without one of the two numbers is in no segment.
    """
    check_settings(
        NAME, settings, "target_col", "target_correlation_cols", "dimension_cols", "method"
    )
    rows = tables[0]
    target = column_of(NAME, settings, "target_col", rows)
    metrics = columns_of(NAME, settings, "target_correlation_cols", rows)
    if not metrics:
        raise BqmlError(f"{NAME} needs target_correlation_cols, one or more names of columns")
    dimensions = columns_of(NAME, settings, "dimension_cols", rows)
    if len(dimensions) > MOST_DIMENSIONS:
        raise BqmlError(
            f"{NAME}: dimension_cols names {len(dimensions)} columns; {MOST_DIMENSIONS} are allowed"
        )
    method = choice(NAME, settings, "method", "PEARSON", "PEARSON", "SPEARMAN", "KENDALL").lower()
    numbers = {name: _numbers(rows, name) for name in dict.fromkeys([target, *metrics])}
    values = {name: rows.column(name).to_pylist() for name in dimensions}
    found = []
    for size in range(len(dimensions) + 1):
        for chosen in combinations(dimensions, size):
            for key, places in _groups([values[name] for name in chosen], rows.num_rows):
                segment = dict(zip(chosen, key, strict=True))
                for metric in metrics:
                    found.append(
                        _row(segment, target, metric, numbers, places, rows.num_rows, method)
                    )
    found.sort(key=lambda row: (-row["segment_size"], row["corr_col"]))
    schema = pa.schema(
        [
            ("segment", SEGMENT),
            *((name, rows.schema.field(name).type) for name in dimensions),
            ("target_col", pa.string()),
            ("corr_col", pa.string()),
            ("correlation", pa.float64()),
            ("segment_size", pa.int64()),
            ("segment_proportion", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(found, schema)


def _numbers(rows: pa.Table, name: str) -> Any:
    kind = rows.schema.field(name).type
    if is_nested(kind) or not is_numeric(kind):
        raise BqmlError(f"{NAME}: '{name}' is {kind}; a correlation is of numbers")
    return floats(rows.column(name))


def _groups(columns: list[list[Any]], count: int) -> list[tuple[tuple[Any, ...], Any]]:
    if not columns:
        return [((), np.arange(count))]
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(zip(*columns, strict=True)):
        places.setdefault(key, []).append(place)
    return [(key, np.array(found)) for key, found in places.items()]


def _row(
    segment: Mapping[str, Any],
    target: str,
    metric: str,
    numbers: Mapping[str, Any],
    places: Any,
    count: int,
    method: str,
) -> dict[str, Any]:
    import pandas as pd

    pair = [numbers[name][places] for name in (target, metric)]
    known = np.isfinite(pair[0]) & np.isfinite(pair[1])
    first, second = (pd.Series(side[known]) for side in pair)
    size = int(known.sum())
    # Of numbers that are all alike none is defined.
    varies = size > 1 and first.nunique() > 1 and second.nunique() > 1
    return {
        "segment": [
            {"dimension_col": name, "dimension_value": _json(value)}
            for name, value in segment.items()
        ],
        **segment,
        "target_col": target,
        "corr_col": metric,
        "correlation": float(first.corr(second, method=method)) if varies else None,
        "segment_size": size,
        "segment_proportion": size / count if count else None,
    }


def _json(value: Any) -> str:
    return json.dumps(
        value if isinstance(value, (bool, int, float, str, type(None))) else text(value)
    )


CORRELATION = TableFunction(NAME, takes_model=False, tables=(1, 1), call=correlation)
