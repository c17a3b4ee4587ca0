"""What OPTIMIZER names: Keras' optimizers, those with penalties as TensorFlow's proximal ones.

https://www.tensorflow.org/api_docs/python/tf/compat/v1/train/ProximalAdagradOptimizer and
…/ProximalGradientDescentOptimizer, which the pages of DNN models name for ADAGRAD and SGD.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES = ("ADAGRAD", "ADAM", "FTRL", "RMSPROP", "SGD")
PENALISED = ("ADAGRAD", "FTRL", "SGD")
"""Those that L1_REG and L2_REG are for."""


def has_penalties(given: Any) -> bool:
    """Whether OPTIMIZER names one that takes penalties, for all of a network or for a part."""
    names = [given] if isinstance(given, str) else [list(pair)[1] for pair in given]
    return any(name.upper() in PENALISED for name in names)


@dataclass(frozen=True)
class Optimizer:
    """How one part of a network is moved.

    Attributes:
        name: One of `NAMES`.
        learning_rate: Of the first step.
        l1: L1 penalty; 0 where the optimizer has none.
        l2: L2 penalty.
    """

    name: str
    learning_rate: float
    l1: float
    l2: float

    @classmethod
    def of(cls, settings: Mapping[str, Any], name: str, learning_rate: float) -> "Optimizer":
        """The optimizer of a name, with the penalties that it takes of a model's options."""
        penalised = name in PENALISED
        return cls(
            name,
            float(learning_rate),
            float(settings.get("L1_REG", 0.0)) if penalised else 0.0,
            float(settings.get("L2_REG", 0.0)) if penalised else 0.0,
        )

    def build(self, keras: Any, variables: Any) -> Any:
        """Keras' optimizer of these variables."""
        kinds = {
            "ADAGRAD": keras.optimizers.Adagrad,
            "ADAM": keras.optimizers.Adam,
            "FTRL": keras.optimizers.Ftrl,
            "RMSPROP": keras.optimizers.RMSprop,
            "SGD": keras.optimizers.SGD,
        }
        more: dict[str, Any] = {}
        if self.name == "FTRL":
            more = {"l1_regularization_strength": self.l1, "l2_regularization_strength": self.l2}
        built = kinds[self.name](learning_rate=self.learning_rate, **more)
        built.build(variables)
        return built

    def moved(self, keras: Any, built: Any, state: Any, gradients: Any, values: Any) -> Any:
        """One step.

        Args:
            keras: The library.
            built: What `build` gave.
            state: The optimizer's own numbers.
            gradients: Of each variable.
            values: Of each variable.

        Returns:
            The new values and the new state.
        """
        values, state = built.stateless_apply(state, gradients, values)
        if self.name == "FTRL" or not (self.l1 or self.l2):
            return values, state
        # Keras keeps the number of steps and the rate first, then Adagrad's sums of squares.
        sums = state[2:] if self.name == "ADAGRAD" else [None] * len(values)
        return [self._pulled(keras.ops, *pair) for pair in zip(values, sums, strict=True)], state

    def _pulled(self, ops: Any, value: Any, squares: Any) -> Any:
        rate = self.learning_rate if squares is None else self.learning_rate / ops.sqrt(squares)
        size = ops.maximum(ops.abs(value) - rate * self.l1, 0.0)
        return ops.sign(value) * size / (1.0 + rate * self.l2)
