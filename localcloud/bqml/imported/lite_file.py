"""TensorFlow Lite models, run by TensorFlow's interpreter of them.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-tflite
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.imported import Columns
from localcloud.bqml.imported.tensor import TYPES, Tensor, TensorModel
from localcloud.bqml.tensorflow_library import tensorflow


def read(path: Path, inputs: Columns | None, outputs: Columns | None) -> TensorModel:
    """Read a `.tflite` file.

    Raises:
        BqmlError: It is none, has no signature, or takes or gives what BigQuery does not take.
        NotImplementedError: TensorFlow is not installed.
    """
    tf = tensorflow("A model of type TENSORFLOW_LITE")
    try:
        interpreter = tf.lite.Interpreter(model_content=path.read_bytes(), num_threads=1)
    except (ValueError, RuntimeError) as error:
        raise BqmlError(f"the file is no TensorFlow Lite model: {error}") from error
    signatures = interpreter.get_signature_list()
    if len(signatures) != 1:
        raise BqmlError(
            f"the file has {len(signatures)} signatures; a model of type TENSORFLOW_LITE has one"
        )
    [signature] = signatures
    runner = interpreter.get_signature_runner(signature)
    takes = [_tensor("input", *pair) for pair in runner.get_input_details().items()]
    gives = [_tensor("output", *pair) for pair in runner.get_output_details().items()]
    # It keeps the rows of one call; a second at the same time would take their place.
    one_at_a_time = threading.Lock()

    def run(feeds: Mapping[str, Any]) -> Mapping[str, Any]:
        with one_at_a_time:
            try:
                found: Mapping[str, Any] = runner(**feeds)
            except (ValueError, RuntimeError) as error:
                raise BqmlError(f"the model does not take the rows: {error}") from error
        return found

    return TensorModel("TENSORFLOW_LITE", takes, gives, run)


def _tensor(role: str, name: str, details: Mapping[str, Any]) -> Tensor:
    kind = np.dtype(details["dtype"])
    element = "string" if kind.kind in "OSU" else kind.name
    if element not in TYPES:
        raise BqmlError(
            f"TensorFlow Lite model {role} '{name}' has an unsupported type: {element}; supported "
            f"are tensors of {', '.join(TYPES)}"
        )
    sizes = [None if size < 0 else int(size) for size in details["shape_signature"]]
    return Tensor(name, element, tuple(sizes[1:]), not sizes or sizes[0] is None)
