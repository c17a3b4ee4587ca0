"""ML.TFDV_DESCRIBE and ML.TFDV_VALIDATE, in the JSON of TensorFlow Data Validation's messages.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-tfdv-describe,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-tfdv-validate,
https://github.com/tensorflow/metadata/blob/master/tensorflow_metadata/proto/v0/statistics.proto,
https://github.com/tensorflow/metadata/blob/master/tensorflow_metadata/proto/v0/anomalies.proto
As in every message's JSON an INT64 is text, and what is 0 is left out of none that counts.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import drift
from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import bigquery_type, floats, is_numeric, texts
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.describe_data import flat_columns, sparse_values
from localcloud.bqml.functions.table_function import TableFunction, check_settings, whole_number
from localcloud.bqml.functions.validate_data import JENSEN_SHANNON, Judge
from localcloud.bqml.histogram import BUCKETS, Histogram
from localcloud.bqml.model import Model
from localcloud.bqml.statistics import RANKED

NAME, VALIDATE_NAME = "ML.TFDV_DESCRIBE", "ML.TFDV_VALIDATE"
COLUMN = "dataset_feature_statistics_list"
JSON = {b"bigquery_type": b"JSON"}
ARGUMENTS = (
    "base_statistics",
    "study_statistics",
    "detection_type",
    "categorical_default_threshold",
    "categorical_metric_type",
    "numerical_default_threshold",
    "numerical_metric_type",
    "thresholds",
)
"""Of ML.TFDV_VALIDATE, in order."""
DETECTIONS = ("SKEW", "DRIFT")
MOST_BUCKETS, MOST_RANKS = 1000, 10_000


def describe(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row: the statistics of each column."""
    keys = ("num_histogram_buckets", "num_quantiles_histogram_buckets")
    of_lengths, of_ranks = "num_values_histogram_buckets", "num_rank_histogram_buckets"
    check_settings(NAME, settings, *keys, of_lengths, of_ranks)
    standard, quantiles, lengths = (
        whole_number(NAME, settings, key, BUCKETS, MOST_BUCKETS) for key in (*keys, of_lengths)
    )
    ranks = whole_number(NAME, settings, of_ranks, RANKED, MOST_RANKS)
    features = [
        _feature(name, column, standard, quantiles, lengths, ranks)
        for name, column in flat_columns(tables[0])
    ]
    found = {"datasets": [{"numExamples": str(tables[0].num_rows), "features": features}]}
    schema = pa.schema([pa.field(COLUMN, pa.string(), metadata=JSON)])
    return pa.table([pa.array([json.dumps(found)], pa.string())], schema=schema)


def validate(arguments: Sequence[Any]) -> str:
    """How far two such descriptions are apart, and which features are too far, as JSON.

    Raises:
        BqmlError: An argument is missing or wrong.
    """
    if not 2 <= len(arguments) <= len(ARGUMENTS):
        raise BqmlError(
            f"{VALIDATE_NAME} takes 2 to {len(ARGUMENTS)} arguments, {', '.join(ARGUMENTS)}; "
            f"{len(arguments)} are given"
        )
    given = dict(zip(ARGUMENTS, arguments, strict=False))
    base, study = (_features(key, given.pop(key)) for key in ARGUMENTS[:2])
    detection = str(given.pop("detection_type", None) or DETECTIONS[0]).upper()
    if detection not in DETECTIONS:
        raise BqmlError(
            f"{VALIDATE_NAME}: detection_type is '{detection}'; give {' or '.join(DETECTIONS)}"
        )
    shared = [name for name in base if name in study]
    settings = {key: value for key, value in given.items() if value is not None}
    judge = Judge(VALIDATE_NAME, settings, shared)
    measured, anomalies = [], {}
    for name in shared:
        first, second = base[name], study[name]
        numeric = ["numStats" in side for side in (first, second)]
        metric, threshold = judge.of(name, numeric=all(numeric))
        if any(numeric) and not all(numeric) and metric == JENSEN_SHANNON:
            continue
        value = (
            drift.distance_of_histograms(_histogram(first), _histogram(second))
            if all(numeric)
            else drift.distance_of_counts(_counts(first), _counts(second), metric)
        )
        value = float(np.round(value, 12))
        measurement = {"type": metric, "value": value, "threshold": threshold}
        path = {"step": [name]}
        measured.append({"path": path, f"{detection.lower()}Measurements": [measurement]})
        if value > threshold:
            anomalies[name] = _anomaly(path, name, metric, value, threshold)
    return json.dumps({"anomalyInfo": anomalies, "driftSkewInfo": measured})


def _feature(
    name: str, column: pa.ChunkedArray, standard: int, quantiles: int, lengths: int, ranks: int
) -> dict[str, Any]:
    values = column
    sizes = column.is_valid().cast(pa.int64()).to_numpy().astype(np.float64)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.float64)
        values = pc.list_flatten(column)
        if pa.types.is_struct(values.type):
            values, _ = sparse_values(name, values)
    try:
        numeric = is_numeric(values.type)
    except NotImplementedError as error:
        raise NotImplementedError(f"{NAME}, column '{name}': {error}") from None
    known = values.drop_null()
    common = _common(sizes, lengths)
    feature: dict[str, Any] = {"path": {"step": [name]}}
    if numeric:
        feature["type"] = "INT" if bigquery_type(values.type) == "INT64" else "FLOAT"
        feature["numStats"] = {"commonStats": common, **_numbers(known, standard, quantiles)}
    else:
        feature["type"] = "STRING"
        feature["stringStats"] = {"commonStats": common, **_strings(known, ranks)}
    return feature


def _common(sizes: Floats, buckets: int) -> dict[str, Any]:
    present = sizes[sizes > 0]
    found: dict[str, Any] = {
        "numNonMissing": str(len(present)),
        "numMissing": str(len(sizes) - len(present)),
        "totNumValues": str(int(sizes.sum())),
    }
    if len(present):
        found |= {
            "minNumValues": str(int(present.min())),
            "maxNumValues": str(int(present.max())),
            "avgNumValues": float(present.mean()),
            "numValuesHistogram": _quantiles(present, buckets),
        }
    return found


def _numbers(known: pa.ChunkedArray, standard: int, quantiles: int) -> dict[str, Any]:
    values = floats(known)
    finite = values[np.isfinite(values)]
    found: dict[str, Any] = {"numZeros": str(int((values == 0).sum()))}
    if finite.size == 0:
        return found
    histogram = Histogram.of(known, standard)
    ends = zip(histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True)
    buckets = [_bucket(low, high, count) for low, high, count in ends]
    return found | {
        "mean": float(finite.mean()),
        "stdDev": float(finite.std()),
        "min": float(finite.min()),
        "median": float(np.median(finite)),
        "max": float(finite.max()),
        "histograms": [
            {"numNan": str(histogram.nans), "buckets": buckets, "type": "STANDARD"},
            _quantiles(finite, quantiles),
        ],
    }


def _quantiles(values: Floats, buckets: int) -> dict[str, Any]:
    edges = np.quantile(values, np.linspace(0, 1, buckets + 1))
    pairs = itertools.pairwise(edges)
    count = len(values) / buckets
    return {"buckets": [_bucket(*pair, count) for pair in pairs], "type": "QUANTILES"}


def _bucket(low: float, high: float, count: float) -> dict[str, float]:
    return {"lowValue": float(low), "highValue": float(high), "sampleCount": float(count)}


def _strings(known: pa.ChunkedArray, ranks: int) -> dict[str, Any]:
    written = texts(known)
    counted = drift.counts(written)
    kept = list(counted.items())[:ranks]
    found: dict[str, Any] = {
        "unique": str(len(counted)),
        "topValues": [{"value": value, "frequency": float(count)} for value, count in kept],
        "rankHistogram": {
            "buckets": [
                {
                    "lowRank": str(rank),
                    "highRank": str(rank),
                    "label": value,
                    "sampleCount": float(count),
                }
                for rank, (value, count) in enumerate(kept)
            ]
        },
    }
    if counted:
        found["avgLength"] = float(pc.mean(pc.utf8_length(written)).as_py())
    return found


def _features(key: str, text: Any) -> dict[str, dict[str, Any]]:
    """Features by name."""
    try:
        given = json.loads(text) if isinstance(text, str) else None
        datasets = given["datasets"] if isinstance(given, dict) else None
        [dataset] = datasets if isinstance(datasets, list) else []
        features = dataset.get("features", [])
        return {
            ".".join(feature["path"]["step"]) if "path" in feature else feature["name"]: feature
            for feature in features
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BqmlError(
            f"{VALIDATE_NAME}: {key} is no DatasetFeatureStatisticsList of one dataset; give the "
            f"JSON that {NAME} gives"
        ) from None


def _histogram(feature: Mapping[str, Any]) -> Histogram:
    for found in feature["numStats"].get("histograms", []):
        buckets = found.get("buckets", [])
        if found.get("type", "STANDARD") == "STANDARD" and buckets:
            edges = [bucket.get("lowValue", 0.0) for bucket in buckets]
            edges.append(buckets[-1].get("highValue", 0.0))
            counts = [bucket.get("sampleCount", 0.0) for bucket in buckets]
            nans = int(found.get("numNan", 0))
            return Histogram(np.array(edges, float), np.array(counts, float), nans, 0)
    return Histogram(np.zeros(0), np.zeros(0), 0, 0)


def _counts(feature: Mapping[str, Any]) -> dict[str, int]:
    buckets = feature.get("stringStats", {}).get("rankHistogram", {}).get("buckets", [])
    return {bucket.get("label", ""): int(bucket.get("sampleCount", 0)) for bucket in buckets}


def _anomaly(
    path: Mapping[str, Any], name: str, metric: str, value: float, threshold: float
) -> dict[str, Any]:
    short = "High Jensen-Shannon divergence" if metric == JENSEN_SHANNON else "High Linfty distance"
    told = f"{metric} of '{name}' is {value:g}, above the threshold of {threshold:g}."
    kind = f"COMPARATOR_{metric}_HIGH"
    return {
        "path": path,
        "severity": "ERROR",
        "shortDescription": short,
        "description": told,
        "reason": [{"type": kind, "shortDescription": short, "description": told}],
    }


DESCRIBE = TableFunction(NAME, takes_model=False, tables=(1, 1), call=describe)
