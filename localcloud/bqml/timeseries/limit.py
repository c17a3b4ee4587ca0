"""Forecasts that stay within limits: modelled on a scale that has none.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-time-series#forecast_limit_lower_bound,
which refers to https://otexts.com/fpp2/limits.html
"""

from dataclasses import dataclass

import numpy as np

from localcloud.bqml.arrays import Floats


@dataclass(frozen=True)
class Limit:
    """Bounds that values are strictly between; None: there is none on that side."""

    lower: float | None
    upper: float | None

    @property
    def is_given(self) -> bool:
        """Whether there is any."""
        return self.lower is not None or self.upper is not None

    def freed(self, values: Floats) -> Floats:
        """Values on the scale without limits; NaN for those that are not between them."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = values
            if self.lower is not None and self.upper is not None:
                found = np.log((values - self.lower) / (self.upper - values))
            elif self.lower is not None:
                found = np.log(values - self.lower)
            elif self.upper is not None:
                found = -np.log(self.upper - values)
        return np.where(np.isfinite(found), found, np.nan)

    def bound(self, values: Floats) -> Floats:
        """Values between the limits."""
        with np.errstate(over="ignore"):
            if self.lower is not None and self.upper is not None:
                return self.lower + (self.upper - self.lower) / (1 + np.exp(-values))
            if self.lower is not None:
                return np.asarray(self.lower + np.exp(values))
            if self.upper is not None:
                return np.asarray(self.upper - np.exp(-values))
        return values

    def slope(self, values: Floats) -> Floats:
        """How fast values between the limits grow with those on the other scale."""
        if not self.is_given:
            return np.ones(len(values))
        bound = self.bound(values)
        if self.lower is not None and self.upper is not None:
            return (bound - self.lower) * (self.upper - bound) / (self.upper - self.lower)
        return bound - self.lower if self.lower is not None else float(self.upper or 0) - bound
