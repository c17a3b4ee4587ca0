"""How far forecasts are from what came.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-evaluate
Percentages are in percent, as in the results that Google's pages show.
"""

import numpy as np

from localcloud.bqml.arrays import Floats

NAMES = (
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "mean_absolute_percentage_error",
    "symmetric_mean_absolute_percentage_error",
    "mean_absolute_scaled_error",
)


def metrics(actual: Floats, forecast: Floats, scale: float) -> dict[str, float]:
    """Metrics of one series.

    Args:
        actual: What came.
        forecast: What was expected.
        scale: Mean absolute difference of neighbours in the training rows.
    """
    errors = np.abs(forecast - actual)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = errors / np.abs(actual)
        # Where both are 0 there is no error.
        symmetric = np.where(errors == 0, 0.0, 2 * errors / (np.abs(actual) + np.abs(forecast)))
        scaled = np.divide(errors.mean(), scale)
    squared = float(np.mean(errors**2))
    return {
        "mean_absolute_error": float(errors.mean()),
        "mean_squared_error": squared,
        "root_mean_squared_error": float(np.sqrt(squared)),
        "mean_absolute_percentage_error": 100 * float(shares.mean()),
        "symmetric_mean_absolute_percentage_error": 100 * float(symmetric.mean()),
        "mean_absolute_scaled_error": float(scaled),
    }
