"""Random forests: one iteration of many xgboost trees side by side, as Google trains them.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-random-forest
EARLY_STOP and MIN_REL_PROGRESS are taken and have nothing to stop: there is one iteration.
"""

from collections.abc import Mapping
from typing import Any

from localcloud.bqml import options
from localcloud.bqml.model import Iteration, OnIteration
from localcloud.bqml.options import Option
from localcloud.bqml.supervised import boosted_tree, split, weights
from localcloud.bqml.supervised.estimator import TrainingSet
from localcloud.bqml.tuning.space import Hyperparameter

MANY_PARALLEL_TREES = 50
"""From this many on, global explanations are approximate unless it is said otherwise."""
_NOT_OPTIONS = (
    "BOOSTER_TYPE",
    "CATEGORY_ENCODING_METHOD",
    "DART_NORMALIZE_TYPE",
    "DROPOUT",
    "LEARN_RATE",
    "MAX_ITERATIONS",
)

REGRESSION_OPTIONS: Mapping[str, Option] = {
    **{
        name: option
        for name, option in boosted_tree.REGRESSION_OPTIONS.items()
        if name not in _NOT_OPTIONS
    },
    "NUM_PARALLEL_TREE": options.whole(100, 2),
    "MAX_TREE_DEPTH": options.whole(15, 1),
    "COLSAMPLE_BYNODE": options.share(0.8),
    "SUBSAMPLE": options.between(0.8, 0, 1),
}
HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    **{
        name: hyperparameter
        for name, hyperparameter in boosted_tree.HYPERPARAMETERS.items()
        if name not in _NOT_OPTIONS
    },
    "MAX_TREE_DEPTH": Hyperparameter(1, 20, (1, 20), is_whole=True),
    "NUM_PARALLEL_TREE": Hyperparameter(2, usual=(2, 200), is_whole=True),
}
CLASSIFICATION_OPTIONS: Mapping[str, Option] = {**REGRESSION_OPTIONS, **options.CLASS_WEIGHTS}

# Each tree counts alike: none learns from what the others left.
_FOREST = {"BOOSTER_TYPE": "GBTREE", "LEARN_RATE": 1.0, "MAX_ITERATIONS": 1}


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: Two options exclude each other.
    """
    split.check(settings)
    weights.check(settings)
    boosted_tree.settle_approximation(settings, given, MANY_PARALLEL_TREES)
    return settings


def fit(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[boosted_tree.BoostedTree, list[Iteration]]:
    """Grow a forest.

    Raises:
        BqmlError: xgboost refuses these options together.
    """
    return boosted_tree.fit(data, {**settings, **_FOREST}, on_iteration)
