"""A fitted model as the files that EXPORT MODEL writes.

A format is a module with a function `files`; which kind has which is in `FORMATS`.
https://cloud.google.com/bigquery/docs/exporting-models
"""

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Model
from localcloud.bqml.tuning.tuned import Tuned

SAVED_MODEL = "ML_TF_SAVED_MODEL"
BOOSTER = "ML_XGBOOST_BOOSTER"
Files = Mapping[str, bytes]
"""Contents by their paths below the destination."""

FORMATS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "AUTOENCODER",
            "AUTOML_CLASSIFIER",
            "AUTOML_REGRESSOR",
            "DNN_CLASSIFIER",
            "DNN_LINEAR_COMBINED_CLASSIFIER",
            "DNN_LINEAR_COMBINED_REGRESSOR",
            "DNN_REGRESSOR",
            "KMEANS",
            "LINEAR_REG",
            "LOGISTIC_REG",
            "MATRIX_FACTORIZATION",
            "PCA",
            "TENSORFLOW",
            "TRANSFORM_ONLY",
        ),
        SAVED_MODEL,
    ),
    **dict.fromkeys(
        (
            "BOOSTED_TREE_CLASSIFIER",
            "BOOSTED_TREE_REGRESSOR",
            "RANDOM_FOREST_CLASSIFIER",
            "RANDOM_FOREST_REGRESSOR",
        ),
        BOOSTER,
    ),
}
"""The one format of each MODEL_TYPE that can be exported."""
_HOMES = {BOOSTER: "booster", SAVED_MODEL: "saved_model"}
_NOT_EXPORTED = ("ARRAY", "GEOGRAPHY", "TIMESTAMP")
"""Types of features, after TRANSFORM, that a model which is exported cannot have."""


def format_of(model_type: str) -> str:
    """The format in which models of a MODEL_TYPE are exported.

    Raises:
        BqmlError: They are not.
    """
    if model_type not in FORMATS:
        raise BqmlError(
            f"Exporting models of type {model_type} is not supported; exported are "
            f"{', '.join(sorted(FORMATS))}"
        )
    return FORMATS[model_type]


def files(model: Model, trial_id: Any = None) -> Files:
    """The files of a model that was trained here, without those of its TRANSFORM clause.

    Args:
        model: The model.
        trial_id: Of a tuned model, which trial; None: the default one.

    Raises:
        BqmlError: Models like it cannot be exported.
        NotImplementedError: BigQuery exports them and the local cloud does not.
    """
    kind = format_of(model.kind)
    chosen = _trial(model, trial_id)
    for name, feature_type in chosen.feature_columns:
        if model.kind != "TRANSFORM_ONLY" and feature_type.startswith(_NOT_EXPORTED):
            raise BqmlError(
                f"Exporting a model with features of type {' or '.join(_NOT_EXPORTED)} is not "
                f"supported, and column '{name}' is {feature_type}"
            )
    module = importlib.import_module(f"{__name__}.{_HOMES[kind]}")
    found: Files = module.files(chosen)
    return found


def _trial(model: Model, trial_id: Any) -> Model:
    if isinstance(model.fitted, Tuned):
        chosen = model.fitted.trial(trial_id).model
        if chosen is None:
            raise BqmlError(f"trial {trial_id} has no model")
        return replace(chosen, kind=model.kind)
    if trial_id is not None:
        raise BqmlError("trial_id is for models with hyperparameter tuning, and this has none")
    return model
