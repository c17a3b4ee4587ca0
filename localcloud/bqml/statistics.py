"""What a model remembers of its training rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.column_type import CATEGORICAL, text

QUANTILES = 1000
CATEGORIES = 1000


def of_features(
    rows: pa.Table,
    features: Sequence[tuple[str, str]],
    attributions: Mapping[str, float] | None,
) -> dict[str, dict[str, Any]]:
    """Statistics by feature.

    Args:
        rows: The training rows.
        features: Name and BigQuery type of each feature.
        attributions: Mean absolute contribution of each; None when it was not asked for.
    """
    found = {}
    for name, kind in features:
        column = rows.column(name)
        facts = _categories(column) if kind in CATEGORICAL else _numbers(column)
        facts["null_count"] = column.null_count
        facts["attribution"] = None if attributions is None else attributions[name]
        found[name] = facts
    return found


def _numbers(column: pa.ChunkedArray) -> dict[str, Any]:
    values = column.drop_null().cast(pa.float64()).to_numpy()
    values = values[~np.isnan(values)]
    if values.size == 0:
        return dict.fromkeys(("min", "max", "mean", "median", "stddev"), None) | {"quantiles": []}
    return {
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "stddev": float(values.std(ddof=1)) if values.size > 1 else 0.0,
        "quantiles": np.quantile(values, np.linspace(0, 1, QUANTILES + 1)).tolist(),
    }


def _categories(column: pa.ChunkedArray) -> dict[str, Any]:
    counted = pc.value_counts(column.drop_null()).to_pylist()
    counts = sorted(((text(c["values"]), c["counts"]) for c in counted), key=lambda c: -c[1])
    return {"category_count": len(counts), "categories": dict(counts[:CATEGORIES])}
