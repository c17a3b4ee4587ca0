"""What a model says of its training: ML.TRAINING_INFO, ML.FEATURE_INFO, ML.FEATURE_IMPORTANCE.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-train,
…/bigqueryml-syntax-feature, …/bigqueryml-syntax-importance
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    model_of,
    predictor_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.supervised.boosted_tree import BoostedTree
from localcloud.bqml.timeseries.forecaster import Forecaster
from localcloud.bqml.unsupervised.kmeans import Clusters

TIME_SERIES_COLUMNS = ("training_run", "iteration", "duration_ms")
CLUSTER_INFO = pa.list_(
    pa.struct(
        [
            ("centroid_id", pa.int64()),
            ("cluster_radius", pa.float64()),
            ("cluster_size", pa.int64()),
        ]
    )
)


def training_info(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """One row an iteration, the last first, as Google's example has them.

    A training that WARM_START went on with is a run of its own.
    """
    given = model_of(model, "ML.TRAINING_INFO")
    check_settings("ML.TRAINING_INFO", settings)
    runs = [*given.earlier, given.iterations]
    numbered = [(number, step) for number, run in enumerate(runs) for step in run]
    numbered.sort(key=lambda pair: (-pair[0], -pair[1].index))
    steps = [step for _, step in numbered]
    columns = {
        "training_run": pa.array([number for number, _ in numbered], pa.int64()),
        "iteration": pa.array([step.index for step in steps], pa.int64()),
        "loss": pa.array([step.loss for step in steps], pa.float64()),
        "eval_loss": pa.array([step.eval_loss for step in steps], pa.float64()),
        "learning_rate": pa.array([step.learning_rate for step in steps], pa.float64()),
        "duration_ms": pa.array([step.duration_ms for step in steps], pa.int64()),
    }
    if isinstance(given.fitted, Forecaster):
        return pa.table({name: columns[name] for name in TIME_SERIES_COLUMNS})
    if isinstance(given.fitted, Clusters):
        del columns["eval_loss"]
        found = [[dict(cluster) for cluster in step.clusters] for step in steps]
        columns["cluster_info"] = pa.array(found, CLUSTER_INFO)
    return pa.table(columns)


def feature_info(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Statistics of each feature in the training rows."""
    given = model_of(model, "ML.FEATURE_INFO")
    check_settings("ML.FEATURE_INFO", settings)
    names = list(given.feature_statistics)
    facts = [given.feature_statistics[name] for name in names]
    numbers = ("min", "max", "mean", "median", "stddev")
    return pa.table(
        {
            "input": pa.array(names, pa.string()),
            **{key: pa.array([f.get(key) for f in facts], pa.float64()) for key in numbers},
            "category_count": pa.array([f.get("category_count") for f in facts], pa.int64()),
            "null_count": pa.array([f.get("null_count") for f in facts], pa.int64()),
            "dimension": pa.array([f.get("dimension") for f in facts], pa.int64()),
        }
    )


def feature_importance(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """How often, with what gain and on how many rows trees split on each feature.

    Where a feature has several columns, such as one for each category, gain and cover are means
    over the splits of all of them. With TRANSFORM a feature is a column before it, and has the
    splits of all that is made of it.
    """
    name = "ML.FEATURE_IMPORTANCE"
    fitted = predictor_of(model, name, of_automl=False)
    check_settings(name, settings)
    if not isinstance(fitted.estimator, BoostedTree):
        raise BqmlError(f"{name} is for boosted trees and random forests only")
    origins = model_of(model, name).origins
    owners = [origins.get(owner, [owner]) for owner in fitted.encoding.owners]
    names = list(dict.fromkeys(column for columns in owners for column in columns))
    scores = {
        kind: _by_owner(fitted.estimator.booster.get_score(importance_type=kind), owners)
        for kind in ("weight", "total_gain", "total_cover")
    }
    splits = scores["weight"]

    def mean(kind: str) -> pa.Array:
        return pa.array(
            [scores[kind][owner] / splits[owner] if splits[owner] else 0.0 for owner in names],
            pa.float64(),
        )

    return pa.table(
        {
            "feature": pa.array(names, pa.string()),
            "importance_weight": pa.array([splits[owner] for owner in names], pa.float64()),
            "importance_gain": mean("total_gain"),
            "importance_cover": mean("total_cover"),
        }
    )


def _by_owner(scores: Mapping[str, Any], owners: Sequence[Sequence[str]]) -> dict[str, float]:
    found = dict.fromkeys((name for names in owners for name in names), 0.0)
    for column, score in scores.items():
        # Without names xgboost calls its columns f0, f1 and so on.
        for name in owners[int(column[1:])]:
            found[name] += float(np.sum(score))
    return found


TRAINING_INFO = TableFunction(
    "ML.TRAINING_INFO", takes_model=True, tables=(0, 0), call=training_info
)
FEATURE_INFO = TableFunction("ML.FEATURE_INFO", takes_model=True, tables=(0, 0), call=feature_info)
FEATURE_IMPORTANCE = TableFunction(
    "ML.FEATURE_IMPORTANCE", takes_model=True, tables=(0, 0), call=feature_importance
)
