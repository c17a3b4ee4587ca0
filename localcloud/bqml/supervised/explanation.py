"""Which input columns a model's predictions come from.

https://cloud.google.com/bigquery/docs/xai-overview
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from localcloud.bqml.arrays import Design, Floats, Places
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.supervised.estimator import Estimator

EXPLAINED_ROWS = 10_000
"""Global explanations are means over at most this many rows, as many as AUTO_SPLIT holds out."""


@dataclass(frozen=True)
class Attributions:
    """What each input column adds to each prediction.

    Attributes:
        columns: The input columns.
        by_column: A row each prediction, a column each input column.
        baseline: What there is without any column, by row.
        total: The prediction, by row: a number, or the log odds of the class.
    """

    columns: list[str]
    by_column: Floats
    baseline: Floats
    total: Floats


@dataclass(frozen=True)
class GlobalExplanation:
    """Mean absolute attribution of each input column over the evaluation rows.

    Attributes:
        model: Over all rows.
        classes: Over the rows that are predicted as each class; empty for a regressor, and for a
            class that no row is predicted as.
    """

    model: Mapping[str, float]
    classes: tuple[Mapping[str, float], ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def attributions(
    estimator: Estimator,
    encoding: Encoding,
    features: Design,
    classes: Places | None,
    *,
    approximate: bool = False,
) -> Attributions:
    """Explain predictions by input column rather than by encoded column.

    Args:
        estimator: Whose predictions.
        encoding: Of its columns.
        features: The encoded rows.
        classes: Of a classifier: the class to explain, by row; None of a regressor.
        approximate: See `Estimator.contributions`.
    """
    found = estimator.contributions(features, classes, approximate=approximate)
    owners = np.array(encoding.owners, dtype=object)
    columns = list(dict.fromkeys(part.column for part in encoding.inputs))
    belongs = (owners[:, None] == np.array(columns, dtype=object)).astype(np.float64)
    return Attributions(columns, np.asarray(found.parts @ belongs), found.baseline, found.total)


def global_explanation(
    estimator: Estimator,
    encoding: Encoding,
    features: Design,
    predicted: Floats,
    settings: Mapping[str, Any],
) -> GlobalExplanation | None:
    """Explain a model; None unless ENABLE_GLOBAL_EXPLAIN asks for it.

    Args:
        estimator: The model's.
        encoding: Of its columns.
        features: The encoded evaluation rows.
        predicted: Numbers or probabilities for them.
        settings: The model's options.
    """
    if not settings["ENABLE_GLOBAL_EXPLAIN"]:
        return None
    rows, predicted = features[:EXPLAINED_ROWS], predicted[:EXPLAINED_ROWS]
    classes = predicted.argmax(axis=1) if predicted.ndim == 2 else None
    approximate = bool(settings.get("APPROX_GLOBAL_FEATURE_CONTRIB"))
    found = attributions(estimator, encoding, rows, classes, approximate=approximate)
    size = np.abs(found.by_column)
    return GlobalExplanation(
        model=_means(found.columns, size),
        classes=()
        if classes is None
        else tuple(
            _means(found.columns, size[classes == place]) for place in range(predicted.shape[1])
        ),
    )


def _means(columns: list[str], size: Floats) -> dict[str, float]:
    if len(size) == 0:
        return {}
    return dict(zip(columns, size.mean(axis=0).tolist(), strict=True))
