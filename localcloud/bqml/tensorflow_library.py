"""TensorFlow, where it is installed: it is large, so an extra of its own brings it."""

import importlib
import os
from typing import Any

EXTRA = "bqvertex[tensorflow]"


def tensorflow(what: str) -> Any:
    """TensorFlow's module.

    Args:
        what: What needs it, for the message, such as `Exporting a model of type PCA`.

    Raises:
        NotImplementedError: It is not installed; the message names the extra that brings it.
    """
    # Else it writes lines about the processor and about GPUs that are not there.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow imports Keras, which then would have it for its backend; networks train on JAX.
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        return importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        raise NotImplementedError(
            f"{what} needs TensorFlow, which is not installed: pip install '{EXTRA}'"
        ) from error
