"""How sure the weights of a linear model are.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-advanced-weights
"""

import numpy as np

from localcloud.bqml.arrays import Floats
from localcloud.bqml.supervised.estimator import TrainingSet

MOST_COLUMNS = 1000


def standard_errors(
    data: TrainingSet, predicted: Floats, *, l2: float, fit_intercept: bool
) -> Floats:
    """Standard errors of the coefficients, then of the intercept.

    Those of least squares for numbers, and those of Fisher's information for two classes; with an
    L2 penalty, of the penalised estimate. NaN for an intercept that was not fitted.

    Args:
        data: What was fitted.
        predicted: Numbers, or the probability of the second class, for the training rows.
        l2: The penalty.
        fit_intercept: Whether there is an intercept.
    """
    columns = data.features.toarray() if hasattr(data.features, "toarray") else data.features
    rows = np.column_stack([columns, np.ones(len(columns))]) if fit_intercept else columns
    weights = np.ones(len(rows)) if data.weights is None else data.weights
    if data.class_count:
        weights = weights * predicted * (1 - predicted)
        noise = 1.0
    else:
        freedom = max(len(rows) - rows.shape[1], 1)
        noise = float(np.sum(weights * (data.target - predicted) ** 2)) / freedom
    information = rows.T @ (rows * weights[:, None])
    penalty = np.full(rows.shape[1], float(l2))
    if fit_intercept:
        penalty[-1] = 0
    # The pseudo-inverse bears columns that say the same.
    inverse = np.linalg.pinv(information + np.diag(penalty), hermitian=True)
    variances = noise * np.diag(inverse @ information @ inverse)
    found: Floats = np.sqrt(np.maximum(variances, 0))
    return found if fit_intercept else np.append(found, np.nan)
