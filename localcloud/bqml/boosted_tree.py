"""Boosted trees, by xgboost, which is what Google trains too."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from localcloud.bqml.estimator import Iteration, OnIteration, TrainingSet
from localcloud.bqml.metrics import Floats

if TYPE_CHECKING:
    import xgboost

FILE = "booster.ubj"
THREADS = 2


@dataclass(frozen=True)
class BoostedTree:
    """Fitted trees.

    Attributes:
        booster: xgboost's own.
        class_count: Number of classes; 0 for a regressor.
    """

    booster: "xgboost.Booster"
    class_count: int

    def predict(self, features: Floats) -> Floats:
        """See `Estimator.predict`."""
        if len(features) == 0:
            # Of no rows xgboost tells no number of classes either.
            return np.zeros((0, self.class_count) if self.class_count else 0)
        raw: Floats = self.booster.inplace_predict(features).astype(np.float64)
        if self.class_count > 2:
            # xgboost computes with 32 bits, which sum to one only nearly.
            return raw / raw.sum(axis=1, keepdims=True)
        return np.column_stack([1 - raw, raw]) if self.class_count else raw

    def contributions(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """See `Estimator.contributions`; exact Shapley values of the trees, in log odds."""
        import xgboost

        if self.class_count > 2:
            raise NotImplementedError(
                "explanations of boosted trees with more than two classes are not available on "
                "the local cloud yet"
            )
        shapley = self.booster.predict(xgboost.DMatrix(features), pred_contribs=True)
        shapley = shapley.astype(np.float64)
        return shapley[:, :-1], shapley[:, -1], shapley.sum(axis=1)

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Estimator.save`."""
        self.booster.save_model(directory / FILE)
        return {"class_count": self.class_count}

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "BoostedTree":
        """Read what `save` wrote."""
        import xgboost

        booster = xgboost.Booster({"nthread": THREADS})
        booster.load_model(directory / FILE)
        return cls(booster, facts["class_count"])


def fit(
    data: TrainingSet, settings: Mapping[str, Any], on_iteration: OnIteration | None
) -> tuple[BoostedTree, list[Iteration]]:
    """Grow trees, one iteration after another."""
    import xgboost

    training = xgboost.DMatrix(data.features, label=data.target, weight=data.weights)
    watched = [(training, "train")]
    if data.eval_features is not None:
        watched.append((xgboost.DMatrix(data.eval_features, label=data.eval_target), "eval"))
    recorder = _recorder(settings, _metric(data.class_count), on_iteration)
    booster = xgboost.train(
        _parameters(settings, data.class_count),
        training,
        num_boost_round=settings["MAX_ITERATIONS"],
        evals=watched,
        verbose_eval=False,
        callbacks=[recorder],
    )
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
            return bool(settings["EARLY_STOP"]) and self._hardly_better(settings)

        def _hardly_better(self, settings: Mapping[str, Any]) -> bool:
            if len(self.iterations) < 2:
                return False
            before, after = self.iterations[-2].loss, self.iterations[-1].loss
            return before <= 0 or (before - after) / before < settings["MIN_REL_PROGRESS"]

    return Recorder()


def _metric(class_count: int) -> str:
    return {0: "rmse", 2: "logloss"}.get(class_count, "mlogloss")


def _parameters(settings: Mapping[str, Any], class_count: int) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "objective": {0: "reg:squarederror", 2: "binary:logistic"}.get(
            class_count, "multi:softprob"
        ),
        "eval_metric": _metric(class_count),
        "booster": settings["BOOSTER_TYPE"].lower(),
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
        "nthread": THREADS,
        "seed": 0,
    }
    if class_count > 2:
        parameters["num_class"] = class_count
    if settings["BOOSTER_TYPE"] == "DART":
        parameters["rate_drop"] = settings["DROPOUT"]
        parameters["normalize_type"] = settings["DART_NORMALIZE_TYPE"].lower()
    return parameters
