"""Boosted trees, by xgboost, which is what Google trains too.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-boosted-tree
XGBOOST_VERSION is kept and reported, but the installed xgboost trains, whichever it says.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from localcloud.bqml import options
from localcloud.bqml.arrays import Design, Floats, Places
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Iteration, OnIteration, hardly_better
from localcloud.bqml.options import Option
from localcloud.bqml.supervised import split, weights
from localcloud.bqml.supervised.estimator import Contributions, TrainingSet
from localcloud.bqml.tuning.space import PENALTY, Hyperparameter

if TYPE_CHECKING:
    import xgboost

FILE = "booster.ubj"
THREADS = 2
FEW_ROWS = 20_000
"""Below this one thread trains: threads that wait for one another cost more than they save."""
MANY_PARALLEL_TREES = 10
"""From this many on, global explanations are approximate unless it is said otherwise."""

REGRESSION_OPTIONS: Mapping[str, Option] = {
    **options.LABEL,
    **options.SPLIT,
    **options.STOP,
    **options.EXPLAIN,
    "APPROX_GLOBAL_FEATURE_CONTRIB": options.flag(False),
    "BOOSTER_TYPE": options.choice("GBTREE", "GBTREE", "DART"),
    "DART_NORMALIZE_TYPE": options.choice("TREE", "TREE", "FOREST"),
    "NUM_PARALLEL_TREE": options.whole(1, 1),
    "MAX_TREE_DEPTH": options.whole(6, 1),
    "DROPOUT": options.number(0.0, 0, 1),
    "L1_REG": options.number(0.0),
    "L2_REG": options.number(1.0),
    "LEARN_RATE": options.number(0.3),
    "TREE_METHOD": options.choice("AUTO", "AUTO", "EXACT", "APPROX", "HIST"),
    "MIN_TREE_CHILD_WEIGHT": options.whole(1, 0),
    "COLSAMPLE_BYTREE": options.share(1.0),
    "COLSAMPLE_BYLEVEL": options.share(1.0),
    "COLSAMPLE_BYNODE": options.share(1.0),
    "MIN_SPLIT_LOSS": options.number(0.0),
    "SUBSAMPLE": options.share(1.0),
    "INSTANCE_WEIGHT_COL": options.column(),
    "CATEGORY_ENCODING_METHOD": options.choice(
        "LABEL_ENCODING", "LABEL_ENCODING", "ONE_HOT_ENCODING", "TARGET_ENCODING"
    ),
    "XGBOOST_VERSION": options.choice("0.9", "0.9", "1.1", "2.1"),
}
HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    "LEARN_RATE": Hyperparameter(usual=(0, 1)),
    "L1_REG": PENALTY,
    "L2_REG": PENALTY,
    "DROPOUT": Hyperparameter(0, 1),
    "MAX_TREE_DEPTH": Hyperparameter(1, 20, (1, 10), is_whole=True),
    "SUBSAMPLE": Hyperparameter(0, 1, (0, 1)),
    "MIN_SPLIT_LOSS": Hyperparameter(),
    "NUM_PARALLEL_TREE": Hyperparameter(1, is_whole=True),
    "MIN_TREE_CHILD_WEIGHT": Hyperparameter(is_whole=True),
    "COLSAMPLE_BYTREE": Hyperparameter(0, 1),
    "COLSAMPLE_BYLEVEL": Hyperparameter(0, 1),
    "COLSAMPLE_BYNODE": Hyperparameter(0, 1),
    "BOOSTER_TYPE": Hyperparameter(),
    "DART_NORMALIZE_TYPE": Hyperparameter(),
    "TREE_METHOD": Hyperparameter(),
}
CLASSIFICATION_OPTIONS: Mapping[str, Option] = {**REGRESSION_OPTIONS, **options.CLASS_WEIGHTS}


@dataclass(frozen=True)
class BoostedTree:
    """Fitted trees.

    Attributes:
        booster: xgboost's own.
        class_count: Number of classes; 0 for a regressor.
    """

    booster: "xgboost.Booster"
    class_count: int

    def predict(self, features: Design) -> Floats:
        """See `Estimator.predict`."""
        if features.shape[0] == 0:
            # Of no rows xgboost tells no number of classes either.
            return np.zeros((0, self.class_count) if self.class_count else 0)
        # Without a matrix of xgboost's own, which takes longer to build than one row to score.
        raw: Floats = self.booster.inplace_predict(features).astype(np.float64)
        if self.class_count > 2:
            # xgboost computes with 32 bits, which sum to one only nearly.
            return raw / raw.sum(axis=1, keepdims=True)
        return np.column_stack([1 - raw, raw]) if self.class_count else raw

    def contributions(
        self, features: Design, classes: Places | None, *, approximate: bool
    ) -> Contributions:
        """See `Estimator.contributions`; Shapley values of the trees, exact unless approximate.

        The baseline is the expected output of the trees over the training rows.
        https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-explain-predict
        """
        import xgboost

        rows = features.shape[0]
        if rows == 0:
            return Contributions(np.zeros(features.shape), np.zeros(0), np.zeros(0))
        matrix = xgboost.DMatrix(features, nthread=1)
        shapley = self.booster.predict(
            matrix, pred_contribs=True, approx_contribs=approximate
        ).astype(np.float64)
        margins = self.booster.predict(matrix, output_margin=True).astype(np.float64)
        if classes is not None and self.class_count == 2:
            sign = np.where(classes == 1, 1.0, -1.0)
            shapley, margins = shapley * sign[:, None], margins * sign
        elif classes is not None:
            shapley, margins = shapley[np.arange(rows), classes], margins[np.arange(rows), classes]
        return Contributions(shapley[:, :-1], shapley[:, -1], margins)

    def training_options(self) -> dict[str, Any]:
        """See `Estimator.training_options`."""
        return {}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Estimator.save`."""
        self.booster.save_model(directory / FILE)
        return {"class_count": self.class_count}

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "BoostedTree":
        """Read what `save` wrote."""
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(directory / FILE)
        return cls(booster, facts["class_count"])


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: Two options exclude each other.
    """
    split.check(settings)
    weights.check(settings)
    settle_approximation(settings, given, MANY_PARALLEL_TREES)
    of_dart = sorted({"DROPOUT", "DART_NORMALIZE_TYPE"} & given)
    if of_dart and settings["BOOSTER_TYPE"] != "DART":
        raise BqmlError(f"{', '.join(of_dart).lower()} needs booster_type = 'DART'")
    return settings


def settle_approximation(settings: dict[str, Any], given: frozenset[str], many: int) -> None:
    """Settle APPROX_GLOBAL_FEATURE_CONTRIB, which depends on the number of trees.

    Args:
        settings: A value for each option; changed in place.
        given: The names that were given.
        many: From this many parallel trees on explanations are approximate.

    Raises:
        BqmlError: It is asked for without ENABLE_GLOBAL_EXPLAIN.
    """
    approximate = "APPROX_GLOBAL_FEATURE_CONTRIB"
    if settings[approximate] and not settings["ENABLE_GLOBAL_EXPLAIN"]:
        raise BqmlError(f"{approximate.lower()} needs enable_global_explain = TRUE")
    if settings["ENABLE_GLOBAL_EXPLAIN"] and approximate not in given:
        settings[approximate] = settings["NUM_PARALLEL_TREE"] >= many


def fit(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[BoostedTree, list[Iteration]]:
    """Grow trees, one iteration after another.

    Raises:
        BqmlError: xgboost refuses these options together.
    """
    import xgboost

    threads = THREADS if len(data.target) >= FEW_ROWS else 1
    training = xgboost.DMatrix(
        data.features, label=data.target, weight=data.weights, nthread=threads
    )
    watched = [(training, "train")]
    if data.eval_features is not None:
        evaluation = xgboost.DMatrix(
            data.eval_features,
            label=data.eval_target,
            weight=data.eval_weights,
            nthread=threads,
        )
        watched.append((evaluation, "eval"))
    recorder = _recorder(settings, _metric(data.class_count), on_iteration)
    try:
        booster = xgboost.train(
            {**_parameters(settings, data.class_count), "nthread": threads},
            training,
            num_boost_round=settings["MAX_ITERATIONS"],
            evals=watched,
            verbose_eval=False,
            callbacks=[recorder],
        )
    except xgboost.core.XGBoostError as error:
        reason = str(error).split("Stack trace")[0].strip()
        raise BqmlError(f"xgboost does not train with these options: {reason}") from error
    # One thread scores: requests come side by side, and one row is scored ten times faster so.
    booster.set_param({"nthread": 1})
    return BoostedTree(booster, data.class_count), recorder.iterations


def _recorder(settings: Mapping[str, Any], metric: str, on_iteration: OnIteration | None) -> Any:
    import xgboost

    class Recorder(xgboost.callback.TrainingCallback):
        """Keeps each iteration and stops when the loss hardly falls any more."""

        def __init__(self) -> None:
            super().__init__()
            self.iterations: list[Iteration] = []
            self._started = time.monotonic()

        def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> bool:
            losses = {
                name: float(log[metric][-1]) ** (2 if metric == "rmse" else 1)
                for name, log in evals_log.items()
            }
            now = time.monotonic()
            step = Iteration(
                index=epoch,
                loss=losses["train"],
                eval_loss=losses.get("eval"),
                learning_rate=float(settings["LEARN_RATE"]),
                duration_ms=int((now - self._started) * 1000),
            )
            self._started = now
            self.iterations.append(step)
            if on_iteration:
                on_iteration(step)
            return hardly_better(self.iterations, settings)

    return Recorder()


def _metric(class_count: int) -> str:
    return {0: "rmse", 2: "logloss"}.get(class_count, "mlogloss")


def _parameters(settings: Mapping[str, Any], class_count: int) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "objective": {0: "reg:squarederror", 2: "binary:logistic"}.get(
            class_count, "multi:softprob"
        ),
        "eval_metric": _metric(class_count),
        "num_parallel_tree": settings["NUM_PARALLEL_TREE"],
        "max_depth": settings["MAX_TREE_DEPTH"],
        "alpha": settings["L1_REG"],
        "lambda": settings["L2_REG"],
        "eta": settings["LEARN_RATE"],
        "tree_method": settings["TREE_METHOD"].lower(),
        "min_child_weight": settings["MIN_TREE_CHILD_WEIGHT"],
        "colsample_bytree": settings["COLSAMPLE_BYTREE"],
        "colsample_bylevel": settings["COLSAMPLE_BYLEVEL"],
        "colsample_bynode": settings["COLSAMPLE_BYNODE"],
        "gamma": settings["MIN_SPLIT_LOSS"],
        "subsample": settings["SUBSAMPLE"],
        "seed": 0,
    }
    if class_count > 2:
        parameters["num_class"] = class_count
    if settings["BOOSTER_TYPE"] == "DART":
        # To this xgboost DART is no booster of its own any more, but trees with dropout.
        parameters["rate_drop"] = settings["DROPOUT"]
        parameters["normalize_type"] = settings["DART_NORMALIZE_TYPE"].lower()
    return parameters
