"""How a column's values are distributed, as monitoring results show it.

In the JSON of tensorflow.metadata.v0.DatasetFeatureStatistics, as the field's comment asks:
https://github.com/tensorflow/metadata/blob/master/tensorflow_metadata/proto/v0/statistics.proto
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.errors import Json

MOST_CATEGORIES = 50
"""Categories shown in a distribution; the distance is over all of them."""
BINS = 10


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type is compared as numbers."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def of_numbers(name: str, baseline: pa.ChunkedArray, target: pa.ChunkedArray) -> tuple[Json, Json]:
    """Two columns of numbers, over the same buckets so that they can be laid over one another."""
    values = [column.drop_null().cast(pa.float64()).to_numpy() for column in (baseline, target)]
    values = [numbers[np.isfinite(numbers)] for numbers in values]
    both = np.concatenate(values)
    edges = np.histogram_bin_edges(both, bins=BINS) if both.size else np.linspace(0.0, 1.0, 2)
    shown = []
    for column, numbers in zip((baseline, target), values, strict=True):
        counts, _ = np.histogram(numbers, bins=edges)
        facts: Json = {
            "commonStats": _common(column),
            "histograms": [
                {
                    "buckets": [
                        {
                            "lowValue": float(low),
                            "highValue": float(high),
                            "sampleCount": int(count),
                        }
                        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
                    ]
                }
            ],
        }
        if numbers.size:
            facts |= {
                "mean": float(numbers.mean()),
                "stdDev": float(numbers.std()),
                "min": float(numbers.min()),
                "median": float(np.median(numbers)),
                "max": float(numbers.max()),
            }
        shown.append(_statistics(name, column, {"type": "FLOAT", "numStats": facts}))
    return shown[0], shown[1]


def of_categories(name: str, column: pa.ChunkedArray) -> Json:
    """One column of categories, the most frequent first."""
    counts = sorted(
        (
            (entry["values"], entry["counts"])
            for entry in pc.value_counts(column.drop_null()).to_pylist()
        ),
        key=lambda pair: (-pair[1], str(pair[0])),
    )
    buckets = [
        {"label": _label(value), "sampleCount": count} for value, count in counts[:MOST_CATEGORIES]
    ]
    facts = {
        "commonStats": _common(column),
        "unique": len(counts),
        "rankHistogram": {"buckets": buckets},
    }
    return _statistics(name, column, {"type": "STRING", "stringStats": facts})


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _common(column: pa.ChunkedArray) -> Json:
    return {"numNonMissing": len(column) - column.null_count, "numMissing": column.null_count}


def _statistics(name: str, column: pa.ChunkedArray, feature: Json) -> Json:
    return {"numExamples": len(column), "features": [{"name": name, **feature}]}
