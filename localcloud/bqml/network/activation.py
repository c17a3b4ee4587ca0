"""What ACTIVATION_FN names, as functions of arrays.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-dnn-models
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from localcloud.bqml.arrays import Floats

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@dataclass(frozen=True)
class Activation:
    """One function.

    Attributes:
        keras: What Keras calls it; `crelu` it does not have.
        apply: The function.
        slope: Its derivative, of what it gave.
        doubles: Whether it gives two columns for one.
    """

    keras: str
    apply: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    doubles: bool = False

    def back(self, gradient: Floats, given: Floats) -> Floats:
        """Take a gradient by what the function gave back to one by what it was given.

        Args:
            gradient: By each column that the function gave.
            given: Those columns.
        """
        whole = gradient * self.slope(given)
        if not self.doubles:
            return whole
        half = whole.shape[1] // 2
        return whole[:, :half] - whole[:, half:]


def _relu(values: Floats) -> Floats:
    return np.maximum(values, 0)


def _sigmoid(values: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(values))


def _elu(values: Floats) -> Floats:
    return np.where(values > 0, values, np.expm1(np.minimum(values, 0)))


def _positive(given: Floats) -> Floats:
    return (given > 0).astype(np.float64)


ACTIVATIONS: Mapping[str, Activation] = {
    "RELU": Activation("relu", _relu, _positive),
    "RELU6": Activation(
        "relu6",
        lambda values: np.clip(values, 0, 6),
        lambda given: ((given > 0) & (given < 6)).astype(np.float64),
    ),
    "CRELU": Activation(
        "crelu", lambda values: _relu(np.hstack([values, -values])), _positive, doubles=True
    ),
    "ELU": Activation("elu", _elu, lambda given: np.where(given > 0, 1.0, given + 1)),
    "SELU": Activation(
        "selu",
        lambda values: SELU_SCALE * np.where(values > 0, values, SELU_ALPHA * _elu(values)),
        lambda given: np.where(given > 0, SELU_SCALE, given + SELU_SCALE * SELU_ALPHA),
    ),
    "SIGMOID": Activation("sigmoid", _sigmoid, lambda given: given * (1 - given)),
    "TANH": Activation("tanh", np.tanh, lambda given: 1 - given**2),
}
