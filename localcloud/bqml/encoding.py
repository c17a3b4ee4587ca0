"""How columns become the numbers that an estimator takes, learnt once from the training rows.

https://cloud.google.com/bigquery/docs/auto-preprocessing
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import nested, timestamp
from localcloud.bqml.arrays import Design, Floats
from localcloud.bqml.column_type import NUMERIC, TIMESTAMP, bigquery_type, floats, texts
from localcloud.bqml.errors import BqmlError

NULL_CATEGORY = "_null_filler"
WIDE = 200
"""From this many columns on, rows are a sparse matrix: a dense one could fill the memory."""


@dataclass(frozen=True)
class Number:
    """A number, or the seconds of a TIMESTAMP.

    Attributes:
        name: What ML.WEIGHTS calls it.
        column: The input column.
        mean: Stands for a missing number.
        stddev: Divides what is left after the mean is taken off; None: the number stays as it is.
    """

    kind: ClassVar[str] = "number"
    name: str
    column: str
    mean: float
    stddev: float | None

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        return 1

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """Turn a column into rows of one number."""
        values = floats(timestamp.seconds(column) if is_timestamp(column) else column)
        if np.isinf(values).any():
            raise BqmlError(f"column '{self.column}' has an infinite value; filter such rows out")
        values = np.where(np.isnan(values), self.mean, values)
        if self.stddev is not None:
            values = (values - self.mean) / self.stddev
        return values.reshape(-1, 1)


@dataclass(frozen=True)
class Category:
    """A category, or a component of a TIMESTAMP.

    Attributes:
        name: What ML.WEIGHTS calls it.
        column: The input column.
        component: Of a TIMESTAMP, which of `timestamp.COMPONENTS`; else None.
        categories: What training saw, in order.
        encoding: `one_hot`, `dummy`, `label` or `target`.
        has_null: Whether training saw NULL; then it is one more category (not of labels).
        dropped: Of a dummy encoding, the place of the category that is no column; else None.
        targets: Of a target encoding, a row of means each category, then one for all rows.
    """

    kind: ClassVar[str] = "category"
    name: str
    column: str
    component: str | None
    categories: Sequence[str]
    encoding: str
    has_null: bool
    dropped: int | None = None
    targets: Sequence[Sequence[float]] | None = None

    @property
    def names(self) -> list[str]:
        """The categories, with NULL's where training saw it."""
        return [*self.categories, *([NULL_CATEGORY] if self.has_null else [])]

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        if self.targets is not None:
            return len(self.targets[0])
        if self.encoding == "label":
            return 1
        return len(self.names) - (self.dropped is not None)

    def places(self, column: pa.ChunkedArray) -> npt.NDArray[np.intp]:
        """Place of each row's category in `names`; -1 for one that training did not see."""
        values = texts_of(column, self.component)
        found = pc.index_in(values, pa.array(self.categories, pa.string()))
        places: npt.NDArray[np.intp] = pc.fill_null(found, -1).to_numpy().astype(np.intp)
        if self.has_null and values.null_count:
            places[pc.is_null(values).to_numpy()] = len(self.categories)
        return places

    def encode(self, column: pa.ChunkedArray) -> Floats:
        """Turn a column into rows of `width` numbers."""
        places = self.places(column)
        if self.targets is not None:
            # -1 takes the last row, the mean of all.
            means: Floats = np.array(self.targets, dtype=np.float64)[places]
            return means
        if self.encoding == "label":
            # The first category is 1; NULL and what training did not see are 0.
            labels = np.where(places == len(self.categories), -1, places) + 1
            return labels.astype(np.float64).reshape(-1, 1)
        hot: Floats = (places[:, None] == self.columns()).astype(np.float64)
        return hot

    def columns(self) -> npt.NDArray[np.intp]:
        """The places in `names` that have a column."""
        kept = np.arange(len(self.names))
        return kept if self.dropped is None else np.delete(kept, self.dropped)


Array = nested.Vector | nested.Items | nested.Sparse
Input = Number | Category | Array


@dataclass(frozen=True)
class Encoding:
    """All that the input columns become, in order."""

    inputs: tuple[Input, ...]

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        columns: Sequence[tuple[str, str]],
        *,
        method: str,
        standardize: bool,
        target: Floats,
        class_count: int,
    ) -> "Encoding":
        """Learn from training rows.

        Args:
            table: The training rows.
            columns: Name and BigQuery type of each feature; those of a STRUCT become a feature
                for each field.
            method: CATEGORY_ENCODING_METHOD.
            standardize: Whether numbers are centred and divided by their deviation.
            target: Places of classes, or numbers; for a target encoding.
            class_count: Number of classes; 0 for a regressor.
        """
        inputs: list[Input] = []
        flat = nested.flattened(table.select([name for name, _ in columns]))
        for field in flat.schema:
            name, column = field.name, flat.column(field.name)
            if nested.is_array(field.type):
                inputs.append(nested.input_of(column, name, standardize=standardize))
                continue
            kind = bigquery_type(field.type)
            if kind in (*NUMERIC, TIMESTAMP):
                inputs.append(_number(column, name, standardize=standardize))
            if kind in NUMERIC:
                continue
            components = timestamp.COMPONENTS if kind == TIMESTAMP else (None,)
            for component in components:
                category = _category(column, name, component, method)
                if category.encoding == "target":
                    category = _with_targets(category, column, target, class_count)
                inputs.append(category)
        return cls(tuple(inputs))

    @classmethod
    def fit_unlabelled(
        cls, table: pa.Table, columns: Sequence[tuple[str, str]], *, standardize: bool
    ) -> "Encoding":
        """Learn from training rows of a model without a label; categories become one-hot.

        Args:
            table: The training rows.
            columns: Name and BigQuery type of each feature.
            standardize: Whether numbers are centred and divided by their deviation.
        """
        nothing = np.zeros(table.num_rows)
        return cls.fit(
            table,
            columns,
            method="ONE_HOT_ENCODING",
            standardize=standardize,
            target=nothing,
            class_count=0,
        )

    @property
    def width(self) -> int:
        """How many columns rows have once they are encoded: the total cardinality."""
        return sum(part.width for part in self.inputs)

    @property
    def owners(self) -> list[str]:
        """The input column that each encoded column comes from."""
        return [part.column for part in self.inputs for _ in range(part.width)]

    def encode(self, table: pa.Table) -> Design:
        """Turn rows into a matrix with one row each.

        Raises:
            BqmlError: An input column is missing, or not of a type that turns into the one that
                training saw.
        """
        table = nested.flattened(table)
        by_name = {name.casefold(): i for i, name in enumerate(table.column_names)}
        for part in self.inputs:
            if part.column.casefold() not in by_name:
                raise BqmlError(f"Required column '{part.column}' is missing from input.")
        columns = [(part, table.column(by_name[part.column.casefold()])) for part in self.inputs]
        if self.width > WIDE:
            from scipy import sparse

            return sparse.hstack([_sparse(*pair) for pair in columns], format="csr")
        # Column by column in memory, as the parts come and as solvers take it: no second copy.
        matrix = np.empty((table.num_rows, self.width), order="F")
        end = 0
        for part, column in columns:
            start, end = end, end + part.width
            matrix[:, start:end] = _encoded(part, column)
        return matrix

    def to_json(self) -> list[dict[str, Any]]:
        """As JSON."""
        return [{"kind": part.kind, **asdict(part)} for part in self.inputs]

    @classmethod
    def from_json(cls, items: Sequence[Mapping[str, Any]]) -> "Encoding":
        """From `to_json`."""
        kinds: dict[str, type[Input]] = {
            part.kind: part
            for part in (Number, Category, nested.Vector, nested.Items, nested.Sparse)
        }
        return cls(
            tuple(
                kinds[item["kind"]](**{name: item[name] for name in item if name != "kind"})
                for item in items
            )
        )


def is_timestamp(column: pa.ChunkedArray) -> bool:
    """Whether a column is one of TIMESTAMPs."""
    return bool(pa.types.is_timestamp(column.type))


def texts_of(column: pa.ChunkedArray, component: str | None) -> pa.ChunkedArray:
    """A column's categories, or those of one component of its TIMESTAMPs."""
    return texts(column) if component is None else timestamp.component(column, component)


_WHAT: Mapping[str, str] = {
    Number.kind: "a number",
    Category.kind: "a category",
    nested.Vector.kind: "an array of numbers",
    nested.Items.kind: "an array of categories",
    nested.Sparse.kind: "an array of STRUCT(index, number)",
}


def _encoded(part: Input, column: pa.ChunkedArray) -> Floats:
    what = _WHAT[part.kind]
    if nested.is_array(column.type) != isinstance(part, Array):
        raise BqmlError(
            f"column '{part.column}' is {column.type}, and the model needs {what} there"
        )
    try:
        return part.encode(column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BqmlError(
            f"column '{part.column}' is {column.type}, and the model needs {what} there"
        ) from error


def _sparse(part: Input, column: pa.ChunkedArray) -> Any:
    from scipy import sparse

    if isinstance(part, nested.Items | nested.Sparse) and nested.is_array(column.type):
        rows, columns, values = part.entries(column)
        return sparse.csr_matrix((values, (rows, columns)), shape=(len(column), part.width))
    if not isinstance(part, Category) or part.encoding not in ("one_hot", "dummy"):
        return sparse.csr_matrix(_encoded(part, column))
    # Which column each place has; places without one, and -1, have none.
    column_of = np.full(len(part.names) + 1, -1)
    column_of[part.columns()] = np.arange(part.width)
    found = column_of[part.places(column)]
    rows = np.flatnonzero(found >= 0)
    ones = np.ones(len(rows))
    return sparse.csr_matrix((ones, (rows, found[rows])), shape=(len(found), part.width))


def _number(column: pa.ChunkedArray, name: str, *, standardize: bool) -> Number:
    values = floats(timestamp.seconds(column) if is_timestamp(column) else column)
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if known.size else 0.0
    deviation = float(known.std()) if known.size else 0.0
    # A column that is constant but for rounding is constant.
    spread = deviation if deviation > abs(mean) * 1e-12 else 1.0
    return Number(name, name, mean, spread if standardize else None)


def _category(column: pa.ChunkedArray, name: str, component: str | None, method: str) -> Category:
    values = texts_of(column, component)
    found = values.drop_null().unique().to_pylist()
    # Components are numbers; other vocabularies are sorted alphabetically.
    categories = sorted(found) if component is None else sorted(found, key=int)
    has_null = values.null_count > 0 and method != "LABEL_ENCODING"
    dropped = None
    if method == "DUMMY_ENCODING" and (categories or has_null):
        names = [*categories, *([None] if has_null else [])]
        counted = {item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()}
        # Google drops any of the most frequent categories; the first makes trainings repeatable.
        dropped = max(range(len(names)), key=lambda place: (counted[names[place]], -place))
    return Category(
        name=name if component is None else f"_TS_{component}_{name}",
        column=name,
        component=component,
        categories=categories,
        encoding=method.removesuffix("_ENCODING").lower(),
        has_null=has_null,
        dropped=dropped,
    )


def _with_targets(
    category: Category, column: pa.ChunkedArray, target: Floats, class_count: int
) -> Category:
    """Learn the mean of the target by category: of two classes the share of the second.

    A category that training did not see gets the mean of all rows.
    """
    wanted = (
        target[:, None]
        if class_count <= 2
        else (target[:, None] == np.arange(class_count)).astype(np.float64)
    )
    places = category.places(column)
    rows = np.maximum(np.bincount(places, minlength=len(category.names)), 1)
    means = [
        np.bincount(places, weights=wanted[:, k], minlength=len(category.names)) / rows
        for k in range(wanted.shape[1])
    ]
    targets = [*np.column_stack(means).tolist(), wanted.mean(axis=0).tolist()]
    return Category(**{**asdict(category), "targets": targets})
