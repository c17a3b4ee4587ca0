"""TensorFlow SavedModels, run by TensorFlow.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-tensorflow
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.imported import Columns
from localcloud.bqml.imported.tensor import TYPES, Tensor, TensorModel
from localcloud.bqml.tensorflow_library import tensorflow

SIGNATURE = "serving_default"


def read(path: Path, inputs: Columns | None, outputs: Columns | None) -> TensorModel:
    """Read a directory that holds a SavedModel.

    Raises:
        BqmlError: It holds none, none that is served, or one that takes or gives what BigQuery
            does not take.
        NotImplementedError: TensorFlow is not installed.
    """
    tf = tensorflow("A model of type TENSORFLOW")
    try:
        model = tf.saved_model.load(str(path))
    except (OSError, ValueError, TypeError, tf.errors.OpError) as error:
        # Where they are kept on this machine is no concern of who asks.
        reason = str(error).replace(f"{path}/", "")
        raise BqmlError(
            f"the files are no SavedModel that TensorFlow {tf.__version__} can read: {reason}"
        ) from error
    signatures = getattr(model, "signatures", {})
    if SIGNATURE not in signatures:
        raise BqmlError(
            f"the SavedModel has no signature '{SIGNATURE}'; it has "
            f"{', '.join(sorted(signatures)) or 'none'}"
        )
    serve = signatures[SIGNATURE]
    _, taken = serve.structured_input_signature
    takes = [_tensor("input", name, spec) for name, spec in taken.items()]
    gives = [_tensor("output", name, spec) for name, spec in serve.structured_outputs.items()]

    def run(feeds: Mapping[str, Any]) -> Mapping[str, Any]:
        # The model goes with its signature, whose variables would go without it.
        assert model is not None, "the model stays while it runs"
        try:
            answers = serve(
                **{name: tf.constant(feed, taken[name].dtype) for name, feed in feeds.items()}
            )
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise BqmlError(f"the model does not take the rows: {error}") from error
        return {name: answer.numpy() for name, answer in answers.items()}

    return TensorModel("TENSORFLOW", takes, gives, run)


def _tensor(role: str, name: str, spec: Any) -> Tensor:
    element = getattr(getattr(spec, "dtype", None), "name", type(spec).__name__)
    if not hasattr(spec, "shape") or element not in TYPES or type(spec).__name__ != "TensorSpec":
        raise BqmlError(
            f"TensorFlow model {role} '{name}' has an unsupported type: {element}; supported are "
            f"dense tensors of {', '.join(TYPES)}"
        )
    if spec.shape.rank is None:
        raise BqmlError(f"TensorFlow model {role} '{name}' has a shape of unknown rank")
    sizes = spec.shape.as_list()
    return Tensor(name, element, tuple(sizes[1:]), not sizes or sizes[0] is None)
