"""What ML.EVALUATE says of a model, in BigQuery's names and order.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-evaluate
"""

from collections.abc import Sequence

import numpy as np

from localcloud.bqml.arrays import Floats, Places

THRESHOLD = 0.5


def regression(actual: Floats, predicted: Floats) -> dict[str, float]:
    """Metrics of a regressor.

    The squared error of logarithms is only defined above -1; values below count as -1, which
    makes it very large rather than impossible.
    """
    from sklearn import metrics

    least = -1 + 1e-12
    logs = np.log1p(np.maximum(actual, least)) - np.log1p(np.maximum(predicted, least))
    return {
        "mean_absolute_error": float(metrics.mean_absolute_error(actual, predicted)),
        "mean_squared_error": float(metrics.mean_squared_error(actual, predicted)),
        "mean_squared_log_error": float(np.mean(logs**2)),
        "median_absolute_error": float(metrics.median_absolute_error(actual, predicted)),
        "r2_score": float(metrics.r2_score(actual, predicted)) if len(actual) > 1 else 0.0,
        "explained_variance": float(metrics.explained_variance_score(actual, predicted)),
    }


def classification(
    actual: Places, probabilities: Floats, threshold: float = THRESHOLD
) -> dict[str, float]:
    """Metrics of a classifier.

    Args:
        actual: Class of each row.
        probabilities: Probability of each class, a row each.
        threshold: Of two classes: probability of the second from which it is predicted.

    Returns:
        For two classes those of the second, for more the macro average. Precision is NaN where
        the second of two classes is never predicted.
    """
    from sklearn import metrics

    count = probabilities.shape[1]
    predicted = classes(probabilities, threshold)
    how = (
        {"average": "binary", "pos_label": 1}
        if count == 2
        else {"average": "macro", "labels": range(count)}
    )
    undefined = np.nan if count == 2 else 0
    scores = {
        "precision": metrics.precision_score(actual, predicted, zero_division=undefined, **how),
        "recall": metrics.recall_score(actual, predicted, zero_division=0, **how),
        "accuracy": metrics.accuracy_score(actual, predicted),
        "f1_score": metrics.f1_score(actual, predicted, zero_division=0, **how),
        "log_loss": metrics.log_loss(actual, probabilities, labels=range(count)),
        "roc_auc": _roc_auc(actual, probabilities),
    }
    return {name: float(value) for name, value in scores.items()}


def of_classes(actual: Sequence[str | bool], predicted: Sequence[str | bool]) -> dict[str, float]:
    """Metrics of predicted classes: of BOOL those of TRUE, of others the macro average."""
    from sklearn import metrics

    is_binary = isinstance(actual[0], bool)
    how = {"average": "binary", "pos_label": True} if is_binary else {"average": "macro"}
    return {
        "precision": float(metrics.precision_score(actual, predicted, zero_division=0, **how)),
        "recall": float(metrics.recall_score(actual, predicted, zero_division=0, **how)),
        "accuracy": float(metrics.accuracy_score(actual, predicted)),
        "f1_score": float(metrics.f1_score(actual, predicted, zero_division=0, **how)),
    }


def classes(probabilities: Floats, threshold: float = THRESHOLD) -> Places:
    """The predicted class of each row."""
    if probabilities.shape[1] == 2:
        return (probabilities[:, 1] >= threshold).astype(np.intp)
    return probabilities.argmax(axis=1)


def mean_squared_error(predicted: Floats, target: Floats, weights: Floats | None = None) -> float:
    """The loss of a regressor."""
    return float(np.average((predicted - target) ** 2, weights=weights))


def log_loss(probabilities: Floats, target: Places, weights: Floats | None = None) -> float:
    """The loss of a classifier."""
    hit = probabilities[np.arange(len(target)), target]
    return float(-np.average(np.log(np.clip(hit, 1e-15, 1)), weights=weights))


def _roc_auc(actual: Places, probabilities: Floats) -> float:
    from sklearn import metrics

    # A class that every row or no row has cannot be told from the others.
    present = np.unique(actual)
    if len(present) < 2:
        return 0.0
    if probabilities.shape[1] == 2:
        return float(metrics.roc_auc_score(actual, probabilities[:, 1]))
    areas = [metrics.roc_auc_score(actual == place, probabilities[:, place]) for place in present]
    return float(np.mean(areas))
