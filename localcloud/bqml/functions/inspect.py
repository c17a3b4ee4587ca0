"""What a model says of itself: ML.TRAINING_INFO, FEATURE_INFO, FEATURE_IMPORTANCE, WEIGHTS.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-train,
…/bigqueryml-syntax-feature, …/bigqueryml-syntax-importance, …/bigqueryml-syntax-weights
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.boosted_tree import BoostedTree
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import TableFunction, check_settings, model_of
from localcloud.bqml.linear import Linear
from localcloud.bqml.model import Model

INTERCEPT = "__INTERCEPT__"
CATEGORY_WEIGHTS = pa.list_(pa.struct([("category", pa.string()), ("weight", pa.float64())]))


def training_info(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row an iteration, the last first, as BigQuery has them."""
    fitted = model_of(model, "ML.TRAINING_INFO")
    check_settings("ML.TRAINING_INFO", settings)
    steps = sorted(fitted.iterations, key=lambda step: -step.index)
    return pa.table(
        {
            "training_run": pa.array([0] * len(steps), pa.int64()),
            "iteration": pa.array([step.index for step in steps], pa.int64()),
            "loss": pa.array([step.loss for step in steps], pa.float64()),
            "eval_loss": pa.array([step.eval_loss for step in steps], pa.float64()),
            "learning_rate": pa.array([step.learning_rate for step in steps], pa.float64()),
            "duration_ms": pa.array([step.duration_ms for step in steps], pa.int64()),
        }
    )


def feature_info(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Statistics of each feature in the training rows."""
    fitted = model_of(model, "ML.FEATURE_INFO")
    check_settings("ML.FEATURE_INFO", settings)
    facts = [
        {"input": name, **fitted.feature_statistics[name]} for name, _ in fitted.feature_columns
    ]
    numbers = ("min", "max", "mean", "median", "stddev")
    return pa.table(
        {
            "input": pa.array([f["input"] for f in facts], pa.string()),
            **{key: pa.array([f.get(key) for f in facts], pa.float64()) for key in numbers},
            "category_count": pa.array([f.get("category_count") for f in facts], pa.int64()),
            "null_count": pa.array([f["null_count"] for f in facts], pa.int64()),
            "dimension": pa.array([None] * len(facts), pa.int64()),
        }
    )


def feature_importance(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """How often, with what gain and on how many rows trees split on each feature."""
    fitted = model_of(model, "ML.FEATURE_IMPORTANCE")
    check_settings("ML.FEATURE_IMPORTANCE", settings)
    if not isinstance(fitted.estimator, BoostedTree):
        raise BqmlError(f"ML.FEATURE_IMPORTANCE is for trees, and this is a {fitted.model_type}")
    owners = fitted.encoding.owners
    scores: dict[str, dict[str, float]] = {}
    for kind in ("weight", "total_gain", "total_cover"):
        by_feature = dict.fromkeys((name for name, _ in fitted.feature_columns), 0.0)
        found = fitted.estimator.booster.get_score(importance_type=kind)
        for column, score in found.items():
            # Without names xgboost calls its columns f0, f1 and so on.
            by_feature[owners[int(column[1:])]] += float(np.ravel(score)[0])
        scores[kind] = by_feature
    names = [name for name, _ in fitted.feature_columns]
    splits = [scores["weight"][name] for name in names]

    def mean(kind: str) -> pa.Array:
        totals = [scores[kind][name] for name in names]
        return pa.array(
            [total / count if count else 0.0 for total, count in zip(totals, splits, strict=True)],
            pa.float64(),
        )

    return pa.table(
        {
            "feature": pa.array(names, pa.string()),
            "importance_weight": pa.array([int(count) for count in splits], pa.int64()),
            "importance_gain": mean("total_gain"),
            "importance_cover": mean("total_cover"),
        }
    )


def weights(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Weights of a linear model, in the units of its columns unless `standardize` is TRUE."""
    fitted = model_of(model, "ML.WEIGHTS")
    check_settings("ML.WEIGHTS", settings, "standardize")
    if not isinstance(fitted.estimator, Linear):
        raise BqmlError(f"ML.WEIGHTS is for linear models, and this is a {fitted.model_type}")
    standardize = bool(settings.get("standardize"))
    rows: list[dict[str, Any]] = []
    coefficients = fitted.estimator.coefficients
    many = len(coefficients) > 1
    for place, row in enumerate(coefficients):
        intercept = float(fitted.estimator.intercepts[place])
        at = 0
        written: list[tuple[str, float | None, list[dict[str, Any]]]] = []
        for feature in fitted.encoding.features:
            own = row[at : at + feature.width]
            at += feature.width
            if feature.encoding == "standardized":
                weight = float(own[0])
                if not standardize:
                    weight /= feature.stddev
                    intercept -= weight * feature.mean
                written.append((feature.name, weight, []))
                continue
            first = 1 if feature.encoding == "dummy" else 0
            categories: list[dict[str, Any]] = [
                {"category": category, "weight": float(value)}
                for category, value in zip(feature.categories[first:], own, strict=True)
            ]
            written.append((feature.name, None, categories))
        written.append((INTERCEPT, intercept, []))
        rows += [
            {
                "processed_input": name,
                "weight": weight,
                "category_weights": categories,
                **({"class_label": str(fitted.classes[place])} if many else {}),
            }
            for name, weight, categories in written
        ]
    columns = [
        ("processed_input", pa.string()),
        ("weight", pa.float64()),
        ("category_weights", CATEGORY_WEIGHTS),
        *([("class_label", pa.string())] if many else []),
    ]
    return pa.Table.from_pylist(rows, pa.schema(columns))


TRAINING_INFO = TableFunction(
    "ML.TRAINING_INFO", takes_model=True, tables=(0, 0), call=training_info
)
FEATURE_INFO = TableFunction("ML.FEATURE_INFO", takes_model=True, tables=(0, 0), call=feature_info)
FEATURE_IMPORTANCE = TableFunction(
    "ML.FEATURE_IMPORTANCE", takes_model=True, tables=(0, 0), call=feature_importance
)
WEIGHTS = TableFunction("ML.WEIGHTS", takes_model=True, tables=(0, 0), call=weights)
