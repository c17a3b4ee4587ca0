"""How columns become the numbers that an estimator takes, learnt once from the training rows.

https://cloud.google.com/bigquery/docs/auto-preprocessing: numbers are standardised for linear
models, a missing number becomes the mean, text becomes one column a category (linear models) or
its place in the list of categories (trees).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.column_type import CATEGORICAL, text
from localcloud.bqml.errors import BqmlError

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """One input column.

    Attributes:
        name: The column.
        type: Its BigQuery type.
        mean: Mean of a number; stands for a missing one.
        stddev: Standard deviation of a number, 1 where it is constant.
        categories: Categories of a text, sorted; empty for a number.
        encoding: `standardized`, `plain`, `one_hot`, `dummy` or `label`.
    """

    name: str
    type: str
    mean: float
    stddev: float
    categories: tuple[str, ...]
    encoding: str

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        if self.encoding == "one_hot":
            return len(self.categories)
        if self.encoding == "dummy":
            return max(len(self.categories) - 1, 0)
        return 1

    def encode(self, column: pa.ChunkedArray) -> Matrix:
        """Turn a column into rows of `width` numbers."""
        if not self.categories and self.type not in CATEGORICAL:
            values = _floats(column)
            values = np.where(np.isnan(values), self.mean, values)
            if self.encoding == "standardized":
                values = (values - self.mean) / self.stddev
            return values.reshape(-1, 1)
        codes = pc.index_in(_texts(column), pa.array(self.categories, pa.string()))
        found = codes.to_numpy(zero_copy_only=False).astype(np.float64)
        if self.encoding == "label":
            # A category that training never saw is missing to a tree, as NULL is.
            coded: Matrix = found.reshape(-1, 1)
            return coded
        # The first category is the reference of a dummy encoding: a row of zeros.
        first = 1 if self.encoding == "dummy" else 0
        hot: Matrix = (found[:, None] == np.arange(first, len(self.categories))).astype(np.float64)
        return hot


@dataclass(frozen=True)
class Encoding:
    """All input columns, in order."""

    features: tuple[Feature, ...]

    @classmethod
    def fit(
        cls, table: pa.Table, columns: Sequence[tuple[str, str]], family: str, method: str
    ) -> "Encoding":
        """Learn from training rows.

        Args:
            table: The training rows.
            columns: Name and BigQuery type of each feature.
            family: `linear` standardises numbers.
            method: CATEGORY_ENCODING_METHOD.
        """
        return cls(
            tuple(_fit(table.column(name), name, kind, family, method) for name, kind in columns)
        )

    @property
    def owners(self) -> list[str]:
        """Name of the feature that each encoded column comes from."""
        return [feature.name for feature in self.features for _ in range(feature.width)]

    def encode(self, table: pa.Table) -> Matrix:
        """Turn rows into a matrix with one row each.

        Raises:
            BqmlError: A feature's column is missing.
        """
        by_name = {name.casefold(): i for i, name in enumerate(table.column_names)}
        parts = []
        for feature in self.features:
            place = by_name.get(feature.name.casefold())
            if place is None:
                raise BqmlError(f"Required column '{feature.name}' is missing from input.")
            parts.append(feature.encode(table.column(place)))
        return np.hstack(parts) if parts else np.zeros((table.num_rows, 0))

    def to_json(self) -> list[dict[str, Any]]:
        """As JSON."""
        return [asdict(feature) for feature in self.features]

    @classmethod
    def from_json(cls, items: list[dict[str, Any]]) -> "Encoding":
        """From `to_json`."""
        return cls(
            tuple(Feature(**{**item, "categories": tuple(item["categories"])}) for item in items)
        )


def _fit(column: pa.ChunkedArray, name: str, kind: str, family: str, method: str) -> Feature:
    if kind in CATEGORICAL:
        categories = tuple(sorted(_texts(column).drop_null().unique().to_pylist()))
        encoding = {
            "ONE_HOT_ENCODING": "one_hot",
            "DUMMY_ENCODING": "dummy",
            "LABEL_ENCODING": "label",
        }[method]
        return Feature(name, kind, 0.0, 1.0, categories, encoding)
    values = _floats(column)
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if known.size else 0.0
    stddev = float(known.std()) if known.size else 1.0
    encoding = "standardized" if family == "linear" else "plain"
    return Feature(name, kind, mean, stddev if stddev > 0 else 1.0, (), encoding)


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy().astype(np.float64)
    return values


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_boolean(column.type):
        return pa.chunked_array(
            [pa.array([None if v is None else text(v) for v in column.to_pylist()], pa.string())]
        )
    return column.cast(pa.string())
