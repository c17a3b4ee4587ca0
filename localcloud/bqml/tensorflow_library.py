"""TensorFlow, where it is installed: it is large, so an extra of its own brings it."""

import importlib.util
import os
from typing import Any

EXTRA = "bqvertex[tensorflow]"


def check(what: str) -> None:
    """Refuse what needs TensorFlow where it is not installed, without importing it.

    Args:
        what: What needs it, for the message, such as `Exporting a model of type PCA`.

    Raises:
        NotImplementedError: It is not installed; the message names the extra that brings it.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise NotImplementedError(
            f"{what} needs TensorFlow, which is not installed: pip install '{EXTRA}'"
        )


def tensorflow(what: str) -> Any:
    """TensorFlow's module.

    Args:
        what: See `check`.

    Raises:
        NotImplementedError: See `check`.
    """
    check(what)
    # Else it writes lines about the processor and about GPUs that are not there.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow imports Keras, which then would have it for its backend; networks train on JAX.
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return importlib.import_module("tensorflow")
