"""Models that take and give tensors: ONNX, TensorFlow and TensorFlow Lite.

A tensor whose dimensions after the first are all 1 is a column of single values, any other an
ARRAY with its elements in row order. Google's pages show the first for inputs, of outputs only
those without further dimensions; the rest is unverified.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.imported import Columns, no_importance

TYPES: Mapping[str, str] = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), "INT64"),
    **dict.fromkeys(("uint8", "uint16", "uint32", "uint64"), "INT64"),
    **dict.fromkeys(("float16", "float32", "float64"), "FLOAT64"),
    "bool": "BOOL",
    "string": "STRING",
}
"""BigQuery's type of each type of elements, by numpy's names and `string`."""
_ARROW = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "BOOL": pa.bool_(),
    "STRING": pa.string(),
}


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        name: Its name.
        element: A key of `TYPES`.
        shape: Its dimensions after the first; None for one that is not fixed.
        batches: Whether the first dimension, that of rows, is free.
    """

    name: str
    element: str
    shape: tuple[int | None, ...]
    batches: bool

    @property
    def single(self) -> bool:
        """Whether a row has one value of it."""
        return all(size == 1 for size in self.shape)

    @property
    def type(self) -> str:
        """Its BigQuery type."""
        return TYPES[self.element] if self.single else f"ARRAY<{TYPES[self.element]}>"


@dataclass(frozen=True)
class TensorModel:
    """A model of tensors; see `ImportedFile`.

    Attributes:
        model_type: Such as `ONNX`.
        takes: The inputs.
        gives: The outputs.
        run: Gives the outputs, by name, of inputs by name; raises BqmlError for what it does not
            take.
    """

    model_type: str
    takes: Sequence[Tensor]
    gives: Sequence[Tensor]
    run: Callable[[Mapping[str, Any]], Mapping[str, Any]]

    @property
    def inputs(self) -> Columns:
        """The columns that it takes."""
        return [(tensor.name, tensor.type) for tensor in self.takes]

    @property
    def outputs(self) -> Columns:
        """The columns that it gives."""
        return [(tensor.name, tensor.type) for tensor in self.gives]

    def predict(self, rows: pa.Table) -> pa.Table:
        """See `ImportedFile.predict`."""
        values = {tensor.name: rows.column(tensor.name).to_pylist() for tensor in self.takes}
        results: dict[str, list[Any]] = {tensor.name: [] for tensor in self.gives}
        for start, end in self._batches(values, rows.num_rows):
            feeds = {t.name: _feed(t, values[t.name][start:end]) for t in self.takes}
            answers = self.run(feeds)
            for tensor in self.gives:
                results[tensor.name] += _rows(tensor, answers[tensor.name], end - start)
        return pa.table(
            {
                tensor.name: pa.array(results[tensor.name], _arrow_type(tensor))
                for tensor in self.gives
            }
        )

    def _batches(self, values: dict[str, list[Any]], count: int) -> list[tuple[int, int]]:
        """Runs of rows that go in at once: those of like lengths, or each row alone."""
        if not all(tensor.batches for tensor in (*self.takes, *self.gives)):
            return [(row, row + 1) for row in range(count)]
        free = [t.name for t in self.takes if any(size is None for size in t.shape)]

        def lengths(row: int) -> list[int]:
            return [len(values[name][row] or ()) for name in free]

        runs = [list(run) for _, run in itertools.groupby(range(count), key=lengths)]
        return [(run[0], run[-1] + 1) for run in runs]

    def feature_importance(self) -> pa.Table:
        """See `ImportedFile.feature_importance`."""
        raise no_importance(self.model_type)


def _arrow_type(tensor: Tensor) -> pa.DataType:
    element = _ARROW[TYPES[tensor.element]]
    return element if tensor.single else pa.list_(element)


def _feed(tensor: Tensor, values: list[Any]) -> Any:
    filled = [_filled(tensor, value) for value in values]
    kind = object if tensor.element == "string" else np.dtype(tensor.element)
    shape = [-1 if size is None else size for size in tensor.shape]
    try:
        return np.array(filled, dtype=kind).reshape([len(values), *shape])
    except (ValueError, OverflowError) as error:
        # Lists of unlike lengths, or not as many values as the shape has; at most one dimension
        # can be told from the number of values.
        raise BqmlError(
            f"input '{tensor.name}' has the shape {list(tensor.shape)} in a row, which the ARRAY "
            f"given does not fit"
        ) from error


def _filled(tensor: Tensor, value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(tensor, part) for part in value]
    if value is None:
        if TYPES[tensor.element] != "FLOAT64":
            raise BqmlError(f"input '{tensor.name}' is NULL in a row; the model takes no NULL")
        return float("nan")
    return value


def _rows(tensor: Tensor, answer: Any, count: int) -> list[Any]:
    array = np.asarray(answer)
    if array.shape[:1] != (count,):
        raise BqmlError(
            f"output '{tensor.name}' has {array.shape[0] if array.shape else 'no'} rows for "
            f"{count} rows of input"
        )
    flat = array.reshape(count, -1)
    found: list[Any] = flat[:, 0].tolist() if tensor.single else flat.tolist()
    if tensor.element == "string":
        return [_texts(value) for value in found]
    return found


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(part) for part in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
