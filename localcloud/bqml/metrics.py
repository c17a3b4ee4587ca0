"""What ML.EVALUATE says of a model, in BigQuery's names and order.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-evaluate
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def regression(actual: Floats, predicted: Floats) -> dict[str, float]:
    """Metrics of a regressor."""
    from sklearn import metrics

    logs = np.log1p(np.clip(actual, -1 + 1e-12, None)) - np.log1p(
        np.clip(predicted, -1 + 1e-12, None)
    )
    return {
        "mean_absolute_error": float(metrics.mean_absolute_error(actual, predicted)),
        "mean_squared_error": float(metrics.mean_squared_error(actual, predicted)),
        "mean_squared_log_error": float(np.mean(logs**2)),
        "median_absolute_error": float(metrics.median_absolute_error(actual, predicted)),
        "r2_score": float(metrics.r2_score(actual, predicted)) if len(actual) > 1 else 0.0,
        "explained_variance": float(metrics.explained_variance_score(actual, predicted)),
    }


def classification(
    actual: npt.NDArray[np.intp], probabilities: Floats, threshold: float = 0.5
) -> dict[str, float]:
    """Metrics of a classifier.

    Args:
        actual: Place of each row's class in the sorted classes.
        probabilities: Probability of each class, a row each.
        threshold: Of two classes: probability of the second from which it is predicted.

    Returns:
        For two classes those of the second, for more the macro average.
    """
    from sklearn import metrics

    count = probabilities.shape[1]
    predicted = classes(probabilities, threshold)
    average = "binary" if count == 2 else "macro"
    scores = {
        "precision": metrics.precision_score(actual, predicted, average=average, zero_division=0),
        "recall": metrics.recall_score(actual, predicted, average=average, zero_division=0),
        "accuracy": metrics.accuracy_score(actual, predicted),
        "f1_score": metrics.f1_score(actual, predicted, average=average, zero_division=0),
        "log_loss": metrics.log_loss(actual, probabilities, labels=range(count)),
        "roc_auc": _roc_auc(actual, probabilities),
    }
    return {name: float(value) for name, value in scores.items()}


def classes(probabilities: Floats, threshold: float = 0.5) -> npt.NDArray[np.intp]:
    """The predicted class of each row, as its place in the sorted classes."""
    if probabilities.shape[1] == 2:
        return (probabilities[:, 1] >= threshold).astype(np.intp)
    return probabilities.argmax(axis=1)


def _roc_auc(actual: npt.NDArray[np.intp], probabilities: Floats) -> float:
    from sklearn import metrics

    # With one class alone there is no pair to put in order.
    present = np.unique(actual)
    if len(present) < 2:
        return 0.0
    if probabilities.shape[1] == 2:
        return float(metrics.roc_auc_score(actual, probabilities[:, 1]))
    areas = [metrics.roc_auc_score(actual == place, probabilities[:, place]) for place in present]
    return float(np.mean(areas))
