"""How the REST API writes fitted time series.

https://cloud.google.com/bigquery/docs/reference/rest/v2/models#ArimaResult
"""

from typing import TYPE_CHECKING, Any

from localcloud.bqml.column_type import text
from localcloud.bqml.timeseries.arima import Candidate
from localcloud.bqml.timeseries.series import Series

if TYPE_CHECKING:
    from localcloud.bqml.timeseries.forecaster import Forecaster


def training_run(forecaster: "Forecaster") -> dict[str, Any]:
    """Orders, coefficients and fitting metrics of each series that could be fitted."""
    facts = [(_facts(forecaster, series), series.best) for series in forecaster.fitted]
    periods = {period for series in forecaster.fitted for period in series.seasonal_periods}
    return {
        "evaluationMetrics": {
            "arimaForecastingMetrics": {
                "arimaSingleModelForecastingMetrics": [dict(found) for found, _ in facts]
            }
        },
        "result": {
            "arimaResult": {
                "arimaModelInfo": [
                    {**found, "arimaCoefficients": _coefficients(best)}
                    for found, best in facts
                    if best is not None
                ],
                "seasonalPeriods": sorted(periods),
            }
        },
    }


def _facts(forecaster: "Forecaster", series: Series) -> dict[str, Any]:
    best = series.best or Candidate((0, 0, 0), has_drift=False)
    p, d, q = best.order
    ids = [
        text(forecaster.ids.column(name)[series.place].as_py()) for name in forecaster.id_columns
    ]
    found: dict[str, Any] = {
        "nonSeasonalOrder": {"p": str(p), "d": str(d), "q": str(q)},
        "hasDrift": best.has_drift,
        "arimaFittingMetrics": {
            "logLikelihood": best.log_likelihood,
            "aic": best.aic,
            "variance": best.variance,
        },
        "seasonalPeriods": list(series.seasonal_periods),
        "hasHolidayEffect": series.has_holiday_effect,
        "hasSpikesAndDips": series.has_spikes_and_dips,
        "hasStepChanges": series.has_step_changes,
    }
    if len(ids) == 1:
        found["timeSeriesId"] = ids[0]
    if ids:
        found["timeSeriesIds"] = ids
    return found


def _coefficients(best: Candidate) -> dict[str, Any]:
    return {
        "autoRegressiveCoefficients": list(best.ar),
        "movingAverageCoefficients": list(best.ma),
        "interceptCoefficient": best.constant,
    }
