"""ML.TRIAL_INFO, and which trial of a tuned model the other functions ask.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-trial-info,
https://cloud.google.com/bigquery/docs/hp-tuning-overview#model_serving_functions
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    model_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.tuning.tuned import Trial, Tuned

NAME = "ML.TRIAL_INFO"
TELLS_TRIAL = frozenset(
    {
        "AI.GENERATE_EMBEDDING",
        "ML.CENTROIDS",
        "ML.CONFUSION_MATRIX",
        "ML.EVALUATE",
        "ML.GENERATE_EMBEDDING",
        "ML.PREDICT",
        "ML.RECOMMEND",
        "ML.RECONSTRUCTION_LOSS",
        "ML.ROC_CURVE",
        "ML.WEIGHTS",
    }
)
"""Functions whose first column is `trial_id` when the model was tuned."""
OF_ALL_TRIALS = frozenset({"ML.CENTROIDS", "ML.EVALUATE", "ML.WEIGHTS"})
"""Those of them that tell all trials when they are given no table."""
OF_NO_TRIAL = frozenset({"ML.TRAINING_INFO"})
"""Functions that tuned models do not have: a tuned model keeps no iterations."""


def trial_info(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """A row for each trial."""
    given = model_of(model, NAME)
    check_settings(NAME, settings)
    tuned = given.fitted
    if not isinstance(tuned, Tuned):
        raise BqmlError(f"{NAME} needs a model that was trained with num_trials")
    names = dict.fromkeys(name for trial in tuned.trials for name in trial.hyperparameters)
    rows = [_row(tuned, trial, list(names)) for trial in tuned.trials]
    hyperparameters = pa.struct([(name.lower(), _type(tuned.trials, name)) for name in names])
    metrics = pa.struct([(tuned.objective, pa.float64())])
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("trial_id", pa.int64()),
                ("hyperparameters", hyperparameters),
                ("hparam_tuning_evaluation_metrics", metrics),
                ("training_loss", pa.float64()),
                ("eval_loss", pa.float64()),
                ("status", pa.string()),
                ("error_message", pa.string()),
                ("is_optimal", pa.bool_()),
            ]
        ),
    )


def with_trials(function: TableFunction) -> TableFunction:
    """The function, which of a tuned model asks one of its trials or all."""

    def call(
        model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
    ) -> pa.Table:
        if model is None or not isinstance(model.fitted, Tuned) or function.name == NAME:
            return function.call(model, tables, settings)
        if function.name in OF_NO_TRIAL:
            raise BqmlError(
                f"{function.name} is not for models that were trained with num_trials; use {NAME}"
            )
        tuned, asked = model.fitted, settings.get("trial_id")
        rest = {name: value for name, value in settings.items() if name != "trial_id"}
        if asked is not None and function.name not in TELLS_TRIAL:
            raise BqmlError(f"{function.name} has no setting trial_id")
        if function.name in OF_ALL_TRIALS and not tables and asked is None:
            parts = [_of(function, trial, tables, rest) for trial in tuned.succeeded]
            return pa.concat_tables(parts)
        trial = tuned.trial(asked)
        if function.name in TELLS_TRIAL:
            return _of(function, trial, tables, rest)
        told = trial.model and replace(
            trial.model, feature_statistics=model.feature_statistics, origins=model.origins
        )
        return function.call(told, tables, rest)

    return replace(function, call=call)


def _of(
    function: TableFunction,
    trial: Trial,
    tables: Sequence[pa.Table],
    settings: Mapping[str, Any],
) -> pa.Table:
    if function.name == "ML.EVALUATE" and not tables:
        if settings.get("threshold") is not None:
            raise BqmlError("ML.EVALUATE: threshold needs a table or a query")
        table = pa.table({k: pa.array([v], pa.float64()) for k, v in trial.metrics.items()})
    else:
        table = function.call(trial.model, tables, settings)
    ids = pa.array([trial.id] * table.num_rows, pa.int64())
    if "trial_id" in table.column_names:
        table = table.drop_columns(["trial_id"])
    return table.add_column(0, "trial_id", ids)


def _row(tuned: Tuned, trial: Trial, names: Sequence[str]) -> dict[str, Any]:
    return {
        "trial_id": trial.id,
        "hyperparameters": {name.lower(): trial.hyperparameters.get(name) for name in names},
        "hparam_tuning_evaluation_metrics": {tuned.objective: trial.objective},
        "training_loss": trial.training_loss,
        "eval_loss": trial.eval_loss,
        "status": trial.status,
        "error_message": trial.error or None,
        "is_optimal": trial.id in tuned.optimal,
    }


def _type(trials: Sequence[Trial], name: str) -> pa.DataType:
    values = [t.hyperparameters[name] for t in trials if name in t.hyperparameters]
    if any(isinstance(value, (list, tuple)) for value in values):
        return pa.list_(pa.int64())
    if any(isinstance(value, str) for value in values):
        return pa.string()
    if all(isinstance(value, int) for value in values):
        return pa.int64()
    return pa.float64()


TRIAL_INFO = TableFunction(NAME, takes_model=True, tables=(0, 0), call=trial_info)
