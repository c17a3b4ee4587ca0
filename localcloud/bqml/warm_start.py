"""WARM_START: a training that goes on from what an earlier one fitted.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm#warm_start
Columns are encoded as the earlier training learnt to; a category that it did not see stays unseen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Model

FIXED = (
    "INPUT_LABEL_COLS",
    "HIDDEN_UNITS",
    "NUM_CLUSTERS",
    "STANDARDIZE_FEATURES",
    "CATEGORY_ENCODING_METHOD",
)
"""Options that make the numbers what they are; they stay."""


def checked(kind: Kind, given: Mapping[str, Any], model: Model | None) -> Model:
    """The model to go on from.

    Args:
        kind: Of the training.
        given: What OPTIONS gives.
        model: What is there under its name; None: nothing that was trained.

    Raises:
        BqmlError: There is none, or not one that this training can go on from.
    """
    if model is None:
        raise BqmlError(
            "warm_start = TRUE goes on from the model of this name, and there is none that was "
            "trained; leave it out for the first training"
        )
    if model.kind != kind.name:
        raise BqmlError(
            f"warm_start = TRUE needs the model_type of before, '{model.kind}', and this is "
            f"'{kind.name}'"
        )
    if model.is_tuned:
        raise BqmlError(
            "warm_start = TRUE goes on from one training, and the model that is there has trials"
        )
    for name in FIXED:
        before = model.options.get(name)
        if name in given and before is not None and _plain(given[name]) != _plain(before):
            raise BqmlError(
                f"with warm_start = TRUE option {name.lower()} stays what it was, "
                f"{_plain(before)!r}, and this is {_plain(given[name])!r}"
            )
    return model


def check_features(features: Sequence[tuple[str, str]], model: Model) -> None:
    """Refuse training rows of another schema.

    Raises:
        BqmlError: A feature is new, gone or of another type.
    """
    if sorted(features) != sorted(model.feature_columns):
        raise BqmlError(
            f"warm_start = TRUE needs the features of before, {_written(model.feature_columns)}; "
            f"the query gives {_written(features)}"
        )


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _written(features: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in features)
