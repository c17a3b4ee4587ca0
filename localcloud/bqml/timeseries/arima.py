"""The trend of a time series, by statsmodels' ARIMA; the order by auto.ARIMA.

Candidates are all orders whose p and q add up to at least AUTO_ARIMA_MIN_ORDER and at most
AUTO_ARIMA_MAX_ORDER, each with and without drift where d is 1; the lowest AIC wins. d is the fewest
differences after which a KPSS test finds nothing against stationarity.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-time-series#auto_arima_max_order
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from localcloud.bqml.arrays import Floats

Order = tuple[int, int, int]
MOST_DIFFERENCES = 2
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Candidate:
    """One order and how well it fits.

    Attributes:
        order: p, d and q.
        has_drift: Whether it grows by a constant each step; d is 1 then.
        log_likelihood: None where it could not be fitted.
        aic: Akaike's criterion; None where it could not be fitted.
        variance: Of the residuals; None where it could not be fitted.
        ar: Autoregressive coefficients.
        ma: Moving-average coefficients.
        constant: The intercept where d is 0, the drift where d is 1, else 0.
        error: Why it could not be fitted; empty where it was.
    """

    order: Order
    has_drift: bool
    log_likelihood: float | None = None
    aic: float | None = None
    variance: float | None = None
    ar: tuple[float, ...] = ()
    ma: tuple[float, ...] = ()
    constant: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Trend:
    """A fitted trend.

    Attributes:
        fitted: What the model expected of each point from those before it.
        forecast: What it expects of the points after the last.
        standard_errors: Of the forecasts.
    """

    fitted: Floats
    forecast: Floats
    standard_errors: Floats


def candidates(values: Floats, least: int, most: int) -> list[Candidate]:
    """Fit all orders that auto.ARIMA looks at."""
    d = differences(values)
    drifts = (False, True) if d == 1 else (False,)
    return [
        fit(values, (p, d, q), drift)
        for p in range(most + 1)
        for q in range(most + 1 - p)
        if p + q >= least
        for drift in drifts
    ]


def best(found: list[Candidate]) -> Candidate | None:
    """The one with the lowest AIC; None where none could be fitted."""
    fitted = [candidate for candidate in found if candidate.aic is not None]
    # Of equal ones the simplest, which comes first.
    return min(fitted, key=lambda candidate: candidate.aic or 0.0) if fitted else None


def differences(values: Floats) -> int:
    """How often to take differences until the series is stationary."""
    from statsmodels.tsa.stattools import kpss

    for d in range(MOST_DIFFERENCES):
        left = np.diff(values, d)
        if len(left) < 4 or _is_constant(left, values):
            return d
        with warnings.catch_warnings():
            # A p-value outside the table is written as the table's last, which is enough here.
            warnings.simplefilter("ignore")
            _, p_value, *_ = kpss(left, regression="c", nlags="auto")
        if p_value >= SIGNIFICANT:
            return d
    return MOST_DIFFERENCES


def fit(values: Floats, order: Order, has_drift: bool) -> Candidate:
    """Fit one order; what statsmodels cannot fit is told in `error`."""
    p, d, q = order
    left = np.diff(values, d)
    if len(left) <= p + q + 1:
        return Candidate(order, has_drift, error=f"{len(values)} points are too few for {order}")
    if _is_constant(left, values):
        if p + q:
            return Candidate(order, has_drift, error="the series has no variance left")
        return _exact(left, order, has_drift)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Of the differences: the same likelihood, in half the time.
            result = _model(left, (p, 0, q), has_level=d == 0 or has_drift).fit(cov_type="none")
        except (ValueError, np.linalg.LinAlgError) as error:
            return Candidate(order, has_drift, error=str(error))
    named = dict(zip(result.model.param_names, result.params, strict=True))
    ar = tuple(float(value) for value in result.arparams)
    level = float(named.get("const") or 0.0)
    return Candidate(
        order,
        has_drift,
        log_likelihood=float(result.llf),
        aic=float(result.aic),
        variance=float(named["sigma2"]),
        ar=ar,
        ma=tuple(float(value) for value in result.maparams),
        # statsmodels tells the mean that the series returns to.
        constant=level * (1 - sum(ar)),
    )


def applied(values: Floats, candidate: Candidate, horizon: int) -> Trend:
    """What a fitted candidate makes of a series.

    Args:
        values: The series, which may be longer than the one it was fitted on.
        candidate: Fitted.
        horizon: Points to forecast.
    """
    d = candidate.order[1]
    if candidate.variance == 0:
        return _applied_exactly(values, candidate, horizon)
    model = _model(values, candidate.order, has_level=d == 0 or candidate.has_drift)
    parameters = [*candidate.ar, *candidate.ma, float(candidate.variance or 0.0)]
    if d == 0 or candidate.has_drift:
        parameters.insert(0, candidate.constant / (1 - sum(candidate.ar)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = model.filter(np.array(parameters))
        forecast = result.get_forecast(horizon)
    fitted = np.asarray(result.fittedvalues, dtype=np.float64)
    # Of points without enough before them nothing is expected.
    fitted[:d] = values[:d]
    return Trend(
        fitted,
        np.asarray(forecast.predicted_mean, dtype=np.float64),
        np.asarray(forecast.se_mean, dtype=np.float64),
    )


def _model(values: Floats, order: Order, *, has_level: bool) -> Any:
    from statsmodels.tsa.arima.model import ARIMA

    # What is constant in differences is a slope in the series.
    trend = "n" if not has_level else "c" if order[1] == 0 else "t"
    return ARIMA(values, order=order, trend=trend)


def _is_constant(left: Floats, values: Floats) -> bool:
    scale = max(float(np.abs(values).max()), 1e-300)
    return bool(np.ptp(left) <= 1e-9 * scale)


def _exact(left: Floats, order: Order, has_drift: bool) -> Candidate:
    """A series that its differences tell exactly; there is no likelihood to compare then."""
    constant = float(left.mean())
    if order[1] == 1 and not has_drift and constant != 0:
        return Candidate(order, has_drift, error="the series grows, and this has no drift")
    return Candidate(
        order,
        has_drift,
        log_likelihood=0.0,
        aic=0.0,
        variance=0.0,
        constant=constant if order[1] < MOST_DIFFERENCES else 0.0,
    )


def _applied_exactly(values: Floats, candidate: Candidate, horizon: int) -> Trend:
    d = candidate.order[1]
    steps = np.arange(1, horizon + 1)
    if d == 0:
        forecast = np.full(horizon, candidate.constant)
    else:
        slope = candidate.constant if d == 1 else float(values[-1] - values[-2])
        forecast = values[-1] + slope * steps
    return Trend(values.copy(), forecast, np.zeros(horizon))
