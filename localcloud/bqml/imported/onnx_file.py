"""ONNX models, run by onnxruntime.

A tensor whose dimensions after the first are all 1 is a column of single values, any other an
ARRAY with its elements in row order. Google's page shows the first for inputs, of outputs only
those without further dimensions; the rest is unverified.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-onnx
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.imported import Columns, no_importance

TYPES = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), "INT64"),
    **dict.fromkeys(("uint8", "uint16", "uint32", "uint64"), "INT64"),
    **dict.fromkeys(("float16", "bfloat16", "float", "double"), "FLOAT64"),
    "bool": "BOOL",
    "string": "STRING",
}
"""BigQuery's type of each of ONNX's element types."""
_NOT_HERE = "bfloat16"
"""numpy has no such numbers."""
_NUMPY: dict[str, Any] = {"float": np.float32, "double": np.float64, "bool": np.bool_}
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
        element: ONNX's element type, such as `float`.
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
class OnnxFile:
    """An ONNX model; see `ImportedFile`.

    Attributes:
        session: onnxruntime's session.
        takes: The inputs.
        gives: The outputs.
    """

    session: Any
    takes: Sequence[Tensor]
    gives: Sequence[Tensor]

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
            try:
                answers = self.session.run([tensor.name for tensor in self.gives], feeds)
            except _failures() as error:
                raise BqmlError(f"the model does not take the rows: {error}") from error
            for tensor, answer in zip(self.gives, answers, strict=True):
                results[tensor.name] += _rows(tensor, answer, end - start)
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
        raise no_importance("ONNX")


def read(path: Path, inputs: Columns | None, outputs: Columns | None) -> OnnxFile:
    """Read an ONNX file.

    Raises:
        BqmlError: It is none, or has inputs or outputs that BigQuery does not take.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # A query may run beside others; a thread each is enough.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except _failures() as error:
        raise BqmlError(f"the file is no ONNX model that onnxruntime can read: {error}") from error
    return OnnxFile(
        session,
        [_tensor("input", found) for found in session.get_inputs()],
        [_tensor("output", found) for found in session.get_outputs()],
    )


def _failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises about a model or its input; the classes have no parent of theirs."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NotImplemented,
        state.RuntimeException,
    )


def _tensor(role: str, found: Any) -> Tensor:
    kind = str(found.type)
    if not kind.startswith("tensor("):
        name = kind.split("(", 1)[0].upper()
        raise BqmlError(
            f"ONNX model {role} '{found.name}' has unsupported ONNX type: ONNX_TYPE_{name}."
        )
    element = kind.removeprefix("tensor(").removesuffix(")")
    if element not in TYPES:
        raise BqmlError(
            f"ONNX model {role} '{found.name}' has unsupported ONNX tensor element type: {element}."
        )
    if element == _NOT_HERE:
        raise BqmlError(
            f"ONNX model {role} '{found.name}' has elements of type {element}, which BigQuery "
            "takes and the local cloud does not"
        )
    sizes = [size if isinstance(size, int) else None for size in found.shape or []]
    return Tensor(found.name, element, tuple(sizes[1:]), not sizes or sizes[0] is None)


def _arrow_type(tensor: Tensor) -> pa.DataType:
    element = _ARROW[TYPES[tensor.element]]
    return element if tensor.single else pa.list_(element)


def _feed(tensor: Tensor, values: list[Any]) -> Any:
    filled = [_filled(tensor, value) for value in values]
    kind = object if tensor.element == "string" else _NUMPY.get(tensor.element, tensor.element)
    shape = [-1 if size is None else size for size in tensor.shape]
    try:
        return np.array(filled, dtype=kind).reshape([len(values), *shape])
    except ValueError as error:
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
    return found
