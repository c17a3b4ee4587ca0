"""AutoML: the best of the other kinds, by the objective, on rows that none of them trained on.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-automl and
https://cloud.google.com/vertex-ai/docs/tabular-data/data-splits. Google searches architectures of
its own in Vertex AI. BUDGET_HOURS is an upper limit: no further candidate begins after it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import options, order
from localcloud.bqml.arrays import Floats, Places
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.features import feature_columns
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Model, OnIteration
from localcloud.bqml.options import Option
from localcloud.bqml.supervised import metrics
from localcloud.bqml.supervised.explanation import global_explanation
from localcloud.bqml.supervised.predictor import Predictor

FEWEST_ROWS, MOST_ROWS = 1_000, 200_000_000
TRAINING, VALIDATION = 0.8, 0.1
"""Shares of the rows, where nothing is said; the rest tests."""
SPLITS = ("TRAIN", "VALIDATE", "TEST", "UNASSIGNED")
EVALUATES = "__validates"
"""The column that tells a candidate its validation rows."""
SECONDS_AN_HOUR = 3600

AT_RECALL, AT_PRECISION = "MAXIMIZE_PRECISION_AT_RECALL", "MAXIMIZE_RECALL_AT_PRECISION"
BINARY = ("MAXIMIZE_AU_ROC", "MINIMIZE_LOG_LOSS", "MAXIMIZE_AU_PRC", AT_RECALL, AT_PRECISION)
MULTICLASS = "MINIMIZE_LOG_LOSS"
REGRESSION = ("MINIMIZE_RMSE", "MINIMIZE_MAE", "MINIMIZE_RMSLE")

Candidates = Sequence[tuple[str, Mapping[str, Any]]]
"""Kinds with options of theirs."""
_TREES: Mapping[str, Any] = {
    "MAX_ITERATIONS": 100,
    "LEARN_RATE": 0.1,
    "SUBSAMPLE": 0.8,
    "MIN_REL_PROGRESS": 0.0005,
}
CLASSIFIERS: Candidates = (
    ("LOGISTIC_REG", {}),
    ("BOOSTED_TREE_CLASSIFIER", {**_TREES, "MAX_TREE_DEPTH": 3}),
    ("BOOSTED_TREE_CLASSIFIER", _TREES),
    ("DNN_CLASSIFIER", {"HIDDEN_UNITS": [64, 32]}),
    ("RANDOM_FOREST_CLASSIFIER", {"NUM_PARALLEL_TREE": 50}),
)
REGRESSORS: Candidates = (
    ("LINEAR_REG", {}),
    ("BOOSTED_TREE_REGRESSOR", {**_TREES, "MAX_TREE_DEPTH": 3}),
    ("BOOSTED_TREE_REGRESSOR", _TREES),
    ("DNN_REGRESSOR", {"HIDDEN_UNITS": [64, 32]}),
    ("RANDOM_FOREST_REGRESSOR", {"NUM_PARALLEL_TREE": 50}),
)
BATCHES = 200
"""Steps of one pass of a network, so that many rows do not take many more."""
LEAST_BATCH, MOST_BATCH = 32, 8192


def _is_objective(value: Any) -> bool:
    if isinstance(value, str):
        return value.upper() in BINARY
    fields = list(value.values()) if isinstance(value, dict) else value
    return (
        isinstance(fields, (list, tuple))
        and len(fields) == 2
        and isinstance(fields[0], str)
        and fields[0].upper() in (AT_RECALL, AT_PRECISION)
        and isinstance(fields[1], (int, float))
        and not isinstance(fields[1], bool)
        and 0 <= fields[1] <= 1
    )


_BOTH: Mapping[str, Option] = {
    **options.LABEL,
    "BUDGET_HOURS": options.number(1.0, 1, 72),
    "DATA_SPLIT_COL": options.column(),
}
CLASSIFICATION_OPTIONS: Mapping[str, Option] = {
    **_BOTH,
    "OPTIMIZATION_OBJECTIVE": Option(
        None,
        f"one of {', '.join(BINARY)}, or STRUCT('{AT_RECALL}' or '{AT_PRECISION}', 0 to 1)",
        _is_objective,
    ),
}
REGRESSION_OPTIONS: Mapping[str, Option] = {
    **_BOTH,
    "OPTIMIZATION_OBJECTIVE": options.choice("MINIMIZE_RMSE", *REGRESSION),
}


@dataclass(frozen=True)
class Champion(Predictor):
    """The best of the candidates.

    Attributes:
        kind: Its MODEL_TYPE.
    """

    kind: str

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`; what the candidate chose for itself is not told."""
        run = super().training_run()
        return {**run, "trainingOptions": {"lossType": run["trainingOptions"]["lossType"]}}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        return {**super().save(directory), "kind": self.kind}

    @classmethod
    def read(cls, facts: Mapping[str, Any], directory: Path) -> "Champion":
        """Read what `save` wrote."""
        from localcloud.bqml.kinds import KINDS

        return cls(**vars(KINDS[facts["kind"]].load(facts, directory)), kind=facts["kind"])


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse an objective that lacks its number, and settle how it is written.

    Raises:
        BqmlError: It lacks it.
    """
    objective = settings["OPTIMIZATION_OBJECTIVE"]
    if isinstance(objective, str) and objective.upper() in (AT_RECALL, AT_PRECISION):
        fixed = "recall" if objective.upper() == AT_RECALL else "precision"
        raise BqmlError(
            f"optimization_objective '{objective}' needs the {fixed} that is held: give "
            f"STRUCT('{objective.upper()}', 0.5)"
        )
    if isinstance(objective, str):
        settings["OPTIMIZATION_OBJECTIVE"] = objective.upper()
    elif objective is not None:
        fields = list(objective.values()) if isinstance(objective, dict) else objective
        settings["OPTIMIZATION_OBJECTIVE"] = [fields[0].upper(), float(fields[1])]
    return settings


def train(
    kind: Kind,
    settings: Mapping[str, Any],
    table: pa.Table,
    on_iteration: OnIteration | None,
    *,
    candidates: Candidates,
) -> Model:
    """Train candidates and keep the best.

    Args:
        kind: Which kind it is.
        settings: A value for each option.
        table: The rows.
        on_iteration: Called after each step of each candidate.
        candidates: What is tried, in order.

    Raises:
        BqmlError: The rows are not what the kind needs.
        NotImplementedError: A column's type is not taken yet.
    """
    deadline = monotonic() + settings["BUDGET_HOURS"] * SECONDS_AN_HOUR
    if not FEWEST_ROWS <= table.num_rows <= MOST_ROWS:
        raise BqmlError(
            f"{kind.name} takes {FEWEST_ROWS:,} to {MOST_ROWS:,} rows, and the query gives "
            f"{table.num_rows:,}"
        )
    aside = {*settings["INPUT_LABEL_COLS"], settings["DATA_SPLIT_COL"]}
    feature_columns(table, aside, takes_sparse=False)
    rows, test = _divided(table, settings["DATA_SPLIT_COL"])
    best: tuple[float, Model] | None = None
    for name, own in candidates:
        if best is not None and monotonic() > deadline:
            break
        model = _candidate(name, own, settings, rows, on_iteration)
        value = _value(model.fitted, settings["OPTIMIZATION_OBJECTIVE"])
        if best is None or value > best[0]:
            best = (value, model)
    if best is None or not isinstance(best[1].fitted, Predictor):
        raise BqmlError(f"no candidate of {kind.name} predicts a label")
    return replace(
        best[1],
        kind=kind.name,
        model_type=kind.model_type,
        options=settings,
        fitted=_champion(best[1].kind, best[1].fitted, test),
    )


def _champion(kind: str, fitted: Predictor, test: pa.Table) -> Champion:
    """The winner, judged and explained on rows that had no part in choosing it."""
    rows = fitted.labelled(test)
    features = fitted.encoding.encode(rows)
    actual, predicted = fitted.judged(rows)
    explanation = global_explanation(
        fitted.estimator,
        fitted.encoding,
        features,
        predicted,
        {"ENABLE_GLOBAL_EXPLAIN": True},
    )
    found = {**vars(fitted), "held_out": (actual, predicted), "explanation": explanation}
    return Champion(**found, kind=kind)


def _candidate(
    name: str,
    own: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: pa.Table,
    on_iteration: OnIteration | None,
) -> Model:
    from localcloud.bqml import kinds

    kind = kinds.KINDS[name]
    given: dict[str, Any] = {
        "INPUT_LABEL_COLS": settings["INPUT_LABEL_COLS"],
        "DATA_SPLIT_METHOD": "CUSTOM",
        "DATA_SPLIT_COL": EVALUATES,
        **own,
    }
    if "BATCH_SIZE" in kind.options:
        given["BATCH_SIZE"] = min(max(rows.num_rows // BATCHES, LEAST_BATCH), MOST_BATCH)
    return kind.train(kind, kinds.settings(kind, given), rows, on_iteration)


def _value(fitted: Any, objective: Any) -> float:
    """How good a candidate is on its validation rows; more is better.

    Raises:
        BqmlError: The objective is for two classes, and there are more.
    """
    actual, predicted = fitted.held_out
    name = objective if isinstance(objective, str) else (objective or [None])[0]
    if not fitted.classes:
        return -_ERRORS[str(name)](actual, predicted)
    if len(fitted.classes) > 2:
        if name not in (None, MULTICLASS):
            raise BqmlError(
                f"optimization_objective '{name}' is for two classes, and the label "
                f"'{fitted.label}' has {len(fitted.classes)}; give '{MULTICLASS}'"
            )
        return -metrics.log_loss(predicted, actual.astype(np.intp))
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

    if name == MULTICLASS:
        return -metrics.log_loss(predicted, actual.astype(np.intp))
    if len(np.unique(actual)) < 2:
        raise BqmlError("the rows that validate have one label only; give more rows, or a split")
    if name == "MAXIMIZE_AU_PRC":
        return float(average_precision_score(actual, predicted[:, 1]))
    if name in (AT_RECALL, AT_PRECISION):
        precision, recall, _ = precision_recall_curve(actual, predicted[:, 1])
        held, wanted = (recall, precision) if name == AT_RECALL else (precision, recall)
        return float(wanted[held >= objective[1]].max(initial=0.0))
    return float(roc_auc_score(actual, predicted[:, 1]))


def _rmsle(actual: Floats, predicted: Floats) -> float:
    if (actual < 0).any():
        raise BqmlError("optimization_objective 'MINIMIZE_RMSLE' needs labels of 0 or more")
    logs = np.log1p(np.maximum(predicted, 0)) - np.log1p(actual)
    return float(np.sqrt(np.mean(logs**2)))


_ERRORS: Mapping[str, Callable[[Floats, Floats], float]] = {
    "MINIMIZE_RMSE": lambda actual, predicted: float(np.sqrt(np.mean((actual - predicted) ** 2))),
    "MINIMIZE_MAE": lambda actual, predicted: float(np.mean(np.abs(actual - predicted))),
    "MINIMIZE_RMSLE": _rmsle,
}


def _divided(table: pa.Table, name: str | None) -> tuple[pa.Table, pa.Table]:
    """The rows that train and validate, marked; and those that test."""
    if name is None:
        validates, tests = _shares(order.shuffled(table))
        rows = table
    else:
        by_name = {column.casefold(): column for column in table.column_names}
        if name.casefold() not in by_name:
            raise BqmlError(
                f"data_split_col is '{name}', which the query does not have; it has "
                f"{', '.join(table.column_names)}"
            )
        validates, tests = _by_column(table, by_name[name.casefold()])
        rows = table.drop_columns([by_name[name.casefold()]])
    is_validation, is_test = np.zeros((2, table.num_rows), dtype=bool)
    is_validation[validates], is_test[tests] = True, True
    if not is_test.any() or not is_validation.any() or (is_validation | is_test).all():
        raise BqmlError("the split leaves no rows to train, to validate or to test on")
    marked = rows.append_column(EVALUATES, pa.array(is_validation))
    return marked.filter(pa.array(~is_test)), rows.filter(pa.array(is_test))


def _shares(ranked: Places) -> tuple[Places, Places]:
    """The rows that validate and that test: the last of these."""
    validates, tests = (int(len(ranked) * s) for s in (TRAINING, TRAINING + VALIDATION))
    return ranked[validates:tests], ranked[tests:]


def _by_column(table: pa.Table, name: str) -> tuple[Places, Places]:
    column = table.column(name).combine_chunks()
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        if column.null_count:
            raise BqmlError(f"data_split_col '{name}' has NULL; a split by time needs every time")
        # Rows of one time are in the order of their content, whatever order they come in.
        shuffled = order.shuffled(table)
        times = column.cast(pa.int64()).to_numpy()[shuffled]
        return _shares(shuffled[np.argsort(times, kind="stable")])
    if not pa.types.is_string(column.type):
        raise BqmlError(
            f"data_split_col '{name}' is {column.type}; it must be TIMESTAMP, or STRING with "
            f"{', '.join(SPLITS)}"
        )
    written = pc.fill_null(column, "UNASSIGNED")
    strange = sorted(set(written.unique().to_pylist()) - set(SPLITS))
    if strange:
        raise BqmlError(f"data_split_col '{name}' has '{strange[0]}'; give {', '.join(SPLITS)}")
    values = np.array(written.to_pylist(), dtype=object)
    shuffled = order.shuffled(table)
    validates, tests = _shares(shuffled[values[shuffled] == "UNASSIGNED"])
    return (
        np.concatenate([np.flatnonzero(values == "VALIDATE"), validates]),
        np.concatenate([np.flatnonzero(values == "TEST"), tests]),
    )
