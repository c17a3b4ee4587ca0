"""What features add to a time series: a linear regression with an optional penalty.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-multivariate-time-series
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.encoding import Encoding, Number
from localcloud.bqml.timeseries.frequency import Moments


@dataclass(frozen=True)
class Regression:
    """Fitted weights of features.

    Attributes:
        encoding: How columns become numbers; categories but one become columns.
        weights: Of the encoded columns, in the units of the data.
        columns: The features.
    """

    encoding: Encoding
    weights: Floats
    columns: tuple[tuple[str, str], ...]

    @classmethod
    def fit(
        cls,
        rows: pa.Table,
        columns: list[tuple[str, str]],
        target: Floats,
        l2: float,
    ) -> "Regression":
        """Fit weights.

        Args:
            rows: The training rows.
            columns: Name and BigQuery type of each feature.
            target: What is to be told by them; NaN where it is missing.
            l2: The penalty, on features of unit variance.
        """
        from sklearn.linear_model import LinearRegression, Ridge

        encoding = Encoding.fit(
            rows,
            columns,
            method="DUMMY_ENCODING",
            standardize=True,
            target=np.zeros(rows.num_rows),
            class_count=0,
        )
        known = np.isfinite(target)
        features = encoding.encode(rows)
        model = Ridge(alpha=l2) if l2 else LinearRegression()
        model.fit(features[known], target[known])
        weights = np.asarray(model.coef_, dtype=np.float64).copy()
        at = 0
        for part in encoding.inputs:
            if isinstance(part, Number) and part.stddev is not None:
                weights[at] /= part.stddev
            at += part.width
        return cls(encoding, weights, tuple(columns))

    @property
    def parts(self) -> list[str]:
        """What the parts of a series are called that features add."""
        return [f"attribution {name}" for name, _ in self.columns]

    def attributions(self, rows: pa.Table) -> dict[str, Floats]:
        """What each feature adds to each row: its weight times its value.

        Raises:
            BqmlError: A column is missing or of a wrong type.
        """
        found = {name: np.zeros(rows.num_rows) for name in self.parts}
        encoded = self.encoding.encode(rows)
        dense = np.asarray(encoded.toarray() if hasattr(encoded, "toarray") else encoded)
        at = 0
        for part in self.encoding.inputs:
            own = dense[:, at : at + part.width]
            weights = self.weights[at : at + part.width]
            at += part.width
            if isinstance(part, Number) and part.stddev is not None:
                own = own * part.stddev + part.mean
            found[f"attribution {part.column}"] += own @ weights
        return found

    def added(
        self, rows: pa.Table, moments: Moments, wanted: Moments
    ) -> tuple[dict[str, Floats], int]:
        """What features add at wanted moments, and at how many of the first there are any.

        Args:
            rows: Features.
            moments: Of the rows.
            wanted: In order.
        """
        order = np.argsort(moments, kind="stable")
        found = np.searchsorted(moments[order], wanted)
        there = found < len(order)
        there[there] = moments[order][found[there]] == wanted[there]
        reach = len(wanted) if there.all() else int(np.argmin(there))
        taken = rows.take(pa.array(order[found[:reach]]))
        return self.attributions(taken), reach

    def weight_rows(self) -> list[dict[str, Any]]:
        """Weights as ML.ARIMA_COEFFICIENTS tells them, by feature."""
        rows, at = [], 0
        for part in self.encoding.inputs:
            own = self.weights[at : at + part.width]
            at += part.width
            if isinstance(part, Number):
                rows.append({"processed_input": part.name, "weight": float(own[0])})
                continue
            values = np.zeros(len(part.names))
            values[part.columns()] = own
            weights = [
                {"category": name, "weight": float(value)}
                for name, value in zip(part.names, values, strict=True)
            ]
            rows.append({"processed_input": part.name, "category_weights": weights})
        return rows

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "encoding": self.encoding.to_json(),
            "weights": self.weights.tolist(),
            "columns": [list(column) for column in self.columns],
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Regression":
        """From what `to_json` gave."""
        return cls(
            Encoding.from_json(facts["encoding"]),
            np.array(facts["weights"], dtype=np.float64),
            tuple((name, kind) for name, kind in facts["columns"]),
        )
