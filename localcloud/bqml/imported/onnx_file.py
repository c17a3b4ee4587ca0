"""ONNX models, run by onnxruntime.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-onnx
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.imported import Columns
from localcloud.bqml.imported.tensor import TYPES, Tensor, TensorModel

_NUMPY = {"float": "float32", "double": "float64"}
_NOT_HERE = "bfloat16"
"""numpy has no such numbers."""


def read(path: Path, inputs: Columns | None, outputs: Columns | None) -> TensorModel:
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
    gives = [_tensor("output", found) for found in session.get_outputs()]
    names = [tensor.name for tensor in gives]

    def run(feeds: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return dict(zip(names, session.run(names, dict(feeds)), strict=True))
        except _failures() as error:
            raise BqmlError(f"the model does not take the rows: {error}") from error

    takes = [_tensor("input", found) for found in session.get_inputs()]
    return TensorModel("ONNX", takes, gives, run)


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
    if element == _NOT_HERE:
        raise BqmlError(
            f"ONNX model {role} '{found.name}' has elements of type {element}, which BigQuery "
            "takes and the local cloud does not"
        )
    numbers = _NUMPY.get(element, element)
    if numbers not in TYPES:
        raise BqmlError(
            f"ONNX model {role} '{found.name}' has unsupported ONNX tensor element type: {element}."
        )
    sizes = [size if isinstance(size, int) else None for size in found.shape or []]
    return Tensor(found.name, numbers, tuple(sizes[1:]), not sizes or sizes[0] is None)
