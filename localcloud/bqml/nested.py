"""Columns of STRUCT and ARRAY as features.

https://cloud.google.com/bigquery/docs/input-feature-types and
https://cloud.google.com/bigquery/docs/auto-preprocessing: a STRUCT is expanded into a column for
each field, an array of numbers is a vector, one of categories multi-hot, and an array of
STRUCT(index, number) the entries of a vector that are not 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.arrays import Floats, Places
from localcloud.bqml.column_type import NUMERIC, bigquery_type, floats, texts
from localcloud.bqml.errors import BqmlError

Entries = tuple[Places, Places, Floats]
"""Row, column and value of each number that is not 0."""


@dataclass(frozen=True)
class Vector:
    """An array of numbers, as many in each row.

    Attributes:
        name: What ML.WEIGHTS calls it.
        column: The input column.
        means: Of each place; they stand for a missing array or number.
        stddevs: Divide what is left after the means are taken off; None: numbers stay.
    """

    kind: ClassVar[str] = "vector"
    name: str
    column: str
    means: Sequence[float]
    stddevs: Sequence[float] | None

    @classmethod
    def fit(cls, column: pa.ChunkedArray, name: str, *, standardize: bool) -> "Vector":
        """Learn length, means and deviations.

        Raises:
            BqmlError: Arrays have different lengths, or there is none.
        """
        lengths = np.unique(_lengths(column)[_is_there(column)])
        if len(lengths) != 1:
            found = "none" if len(lengths) == 0 else f"{lengths.min()} to {lengths.max()}"
            raise BqmlError(
                f"feature '{name}' is an array of numbers, which needs the same length in every "
                f"row; it has {found}"
            )
        rows = _matrix(column, int(lengths[0]), name)
        known = rows[np.isfinite(rows).all(axis=1)]
        means = known.mean(axis=0) if len(known) else np.zeros(rows.shape[1])
        spread = known.std(axis=0) if len(known) else np.ones(rows.shape[1])
        # A place that is constant but for rounding is constant.
        spread = np.where(spread > np.abs(means) * 1e-12, spread, 1.0)
        return cls(name, name, means.tolist(), spread.tolist() if standardize else None)

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        return len(self.means)

    @property
    def names(self) -> list[str]:
        """Its places."""
        return [str(place) for place in range(self.width)]

    def columns(self) -> Places:
        """The places in `names` that have a column."""
        return np.arange(self.width)

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """Turn a column into rows of `width` numbers.

        Raises:
            BqmlError: An array has another length.
        """
        rows = _matrix(column, self.width, self.column)
        means = np.array(self.means)
        rows = np.where(np.isnan(rows), means, rows)
        if np.isinf(rows).any():
            raise BqmlError(f"column '{self.column}' has an infinite value; filter such rows out")
        return rows if self.stddevs is None else (rows - means) / np.array(self.stddevs)


@dataclass(frozen=True)
class Items:
    """An array of categories: whether a row has each of them.

    Attributes:
        name: What ML.WEIGHTS calls it.
        column: The input column.
        categories: What training saw, in order.
    """

    kind: ClassVar[str] = "items"
    name: str
    column: str
    categories: Sequence[str]

    @classmethod
    def fit(cls, column: pa.ChunkedArray, name: str) -> "Items":
        """Learn the categories."""
        found = texts(elements(column)).drop_null().unique().to_pylist()
        return cls(name, name, sorted(found))

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        return len(self.categories)

    @property
    def names(self) -> list[str]:
        """The categories."""
        return list(self.categories)

    def columns(self) -> Places:
        """The places in `names` that have a column."""
        return np.arange(self.width)

    def entries(self, column: pa.ChunkedArray) -> Entries:
        """Where rows have a 1."""
        written = texts(elements(column))
        found = pc.index_in(written, pa.array(self.categories, pa.string()))
        places = pc.fill_null(found, -1).to_numpy().astype(np.intp)
        rows = np.repeat(np.arange(len(column)), _lengths(column))
        pairs = np.unique(np.column_stack([rows, places])[places >= 0], axis=0)
        return pairs[:, 0], pairs[:, 1], np.ones(len(pairs))

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """Turn a column into rows of `width` numbers."""
        return _dense(self.entries(column), len(column), self.width)


@dataclass(frozen=True)
class Sparse:
    """An array of STRUCT(index, number): the entries of a vector that are not 0.

    Attributes:
        name: What ML.WEIGHTS calls it.
        column: The input column.
        dimension: The largest index of the training and one; what is beyond is left out.
    """

    kind: ClassVar[str] = "sparse"
    name: str
    column: str
    dimension: int

    @classmethod
    def fit(cls, column: pa.ChunkedArray, name: str) -> "Sparse":
        """Learn the dimension.

        Raises:
            BqmlError: There is no index, or one is below 0.
        """
        return cls(name, name, dimension(column, name))

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        return self.dimension

    @property
    def names(self) -> list[str]:
        """Its indices."""
        return [str(place) for place in range(self.dimension)]

    def columns(self) -> Places:
        """The places in `names` that have a column."""
        return np.arange(self.dimension)

    def entries(self, column: pa.ChunkedArray) -> Entries:
        """The entries that rows have.

        Raises:
            BqmlError: An index or a number is NULL, or an index is below 0.
        """
        indices, numbers = _pairs(column, self.column)
        rows = np.repeat(np.arange(len(column)), _lengths(column))
        kept = indices < self.dimension
        return rows[kept], indices[kept], numbers[kept]

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """Turn a column into rows of `width` numbers."""
        return _dense(self.entries(column), len(column), self.dimension)


def flattened(table: pa.Table) -> pa.Table:
    """A table whose STRUCT columns are expanded into `<struct>_<field>`."""
    if not any(pa.types.is_struct(field.type) for field in table.schema):
        return table
    columns: dict[str, Any] = {}
    for field in table.schema:
        column = table.column(field.name)
        if not pa.types.is_struct(field.type):
            columns[field.name] = column
            continue
        for part in field.type:
            columns[f"{field.name}_{part.name}"] = pc.struct_field(column, part.name)
    return pa.table(columns)


def feature_type(kind: pa.DataType, *, takes_sparse: bool = True) -> str:
    """The BigQuery type of a column that a model can learn from.

    Args:
        kind: The column's Arrow type.
        takes_sparse: Whether the model takes arrays of STRUCT(index, number).

    Raises:
        BqmlError: Google does not take such a column.
        NotImplementedError: The local cloud does not.
    """
    if pa.types.is_struct(kind):
        if any(pa.types.is_struct(field.type) for field in kind):
            raise BqmlError("a STRUCT within a STRUCT is no feature: select its fields")
        if not all(field.name for field in kind):
            raise BqmlError("a STRUCT needs names for all its fields to be a feature")
        written = (
            f"{field.name} {feature_type(field.type, takes_sparse=takes_sparse)}" for field in kind
        )
        return f"STRUCT<{', '.join(written)}>"
    if not is_array(kind):
        return bigquery_type(kind)
    inner = kind.value_type
    if pa.types.is_struct(inner):
        fields = list(inner)
        is_sparse = (
            len(fields) == 2
            and pa.types.is_integer(fields[0].type)
            and not pa.types.is_nested(fields[1].type)
            and bigquery_type(fields[1].type) in NUMERIC
        )
        if not is_sparse:
            raise BqmlError(
                "an array of structs is a feature as ARRAY<STRUCT<INT64, number>>: the index and "
                "the value of each entry that is not 0"
            )
        if not takes_sparse:
            raise BqmlError("models of this type take no ARRAY<STRUCT<INT64, number>>")
        parts = (f"{field.name} {bigquery_type(field.type)}" for field in fields)
        return f"ARRAY<STRUCT<{', '.join(parts)}>>"
    return f"ARRAY<{bigquery_type(inner)}>"


def is_array(kind: pa.DataType) -> bool:
    """Whether a column's values are arrays."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def is_sparse(kind: pa.DataType) -> bool:
    """Whether a column's values are arrays of STRUCT(index, number)."""
    return is_array(kind) and bool(pa.types.is_struct(kind.value_type))


def elements(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The elements of all arrays, one after another; of sparse ones their numbers."""
    if not is_array(column.type):
        return column
    flat = pa.chunked_array([pc.list_flatten(chunk) for chunk in column.chunks], _inner(column))
    if pa.types.is_struct(flat.type):
        return pc.struct_field(flat, 1)
    return flat


def dimension(column: pa.ChunkedArray, name: str) -> int:
    """The largest index of sparse arrays and one.

    Raises:
        BqmlError: There is no index, or one is below 0.
    """
    indices, _ = _pairs(column, name)
    if len(indices) == 0:
        raise BqmlError(f"feature '{name}' has no entry in any row")
    return int(indices.max()) + 1


def input_of(column: pa.ChunkedArray, name: str, *, standardize: bool) -> Vector | Items | Sparse:
    """Learn what a column of arrays becomes.

    Raises:
        BqmlError: Its arrays are not alike.
    """
    if is_sparse(column.type):
        return Sparse.fit(column, name)
    if bigquery_type(column.type.value_type) in NUMERIC:
        return Vector.fit(column, name, standardize=standardize)
    return Items.fit(column, name)


def _inner(column: pa.ChunkedArray) -> pa.DataType:
    return column.type.value_type


def _lengths(column: pa.ChunkedArray) -> Places:
    lengths: Places = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.intp)
    return lengths


def _is_there(column: pa.ChunkedArray) -> Any:
    # BigQuery's engines write a NULL array as an empty one.
    return _lengths(column) > 0


def _matrix(column: pa.ChunkedArray, width: int, name: str) -> Floats:
    """A row of numbers for each array; NaN where there is none."""
    lengths, there = _lengths(column), _is_there(column)
    wrong = lengths[there & (lengths != width)]
    if len(wrong):
        raise BqmlError(
            f"column '{name}' is an array of {width} numbers to the model, and one here has "
            f"{wrong[0]}"
        )
    rows = np.full((len(column), width), np.nan)
    rows[there] = floats(elements(column)).reshape(-1, width)
    return rows


def _pairs(column: pa.ChunkedArray, name: str) -> tuple[Places, Floats]:
    flat = pa.chunked_array([pc.list_flatten(chunk) for chunk in column.chunks], _inner(column))
    indices, numbers = pc.struct_field(flat, 0), floats(pc.struct_field(flat, 1))
    if indices.null_count or np.isnan(numbers).any():
        raise BqmlError(f"column '{name}' has an entry without index or number")
    places: Places = indices.to_numpy().astype(np.intp)
    if len(places) and places.min() < 0:
        raise BqmlError(f"column '{name}' has the index {places.min()}; the first index is 0")
    return places, numbers


def _dense(entries: Entries, rows: int, width: int) -> Floats:
    found = np.zeros((rows, width))
    # An index that comes twice adds up.
    np.add.at(found, entries[:2], entries[2])
    return found
