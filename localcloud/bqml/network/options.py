"""Options that every kind of network has.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-dnn-models
"""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.bqml import options
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.network.activation import ACTIVATIONS
from localcloud.bqml.network.layers import Layers
from localcloud.bqml.network.optimizer import NAMES
from localcloud.bqml.options import Option
from localcloud.bqml.tuning.space import PENALTY, Hyperparameter

BATCH = 32
MOST_UNITS = 128

OPTIONS: Mapping[str, Option] = {
    **options.STOP,
    "ACTIVATION_FN": options.choice("RELU", *ACTIVATIONS),
    "BATCH_SIZE": options.whole(None, 1, 8192),
    "DROPOUT": options.number(0.0, 0, 1),
    "HIDDEN_UNITS": Option(
        None,
        "an array of whole numbers of 1 or more",
        lambda value: (
            isinstance(value, (list, tuple))
            and len(value) > 0
            and all(type(units) is int and units > 0 for units in value)
        ),
    ),
    "TF_VERSION": options.choice("1.15", "1.15", "2.8.0", "2.17.0"),
    "WARM_START": options.flag(False),
}
PENALTIES: Mapping[str, Option] = {
    "L1_REG": options.number(0.0),
    "L2_REG": options.number(0.0),
}
ONE_OPTIMIZER: Mapping[str, Option] = {
    "LEARN_RATE": options.positive(0.001),
    "OPTIMIZER": options.choice("ADAM", *NAMES),
}

HYPERPARAMETERS: Mapping[str, Hyperparameter] = {
    "BATCH_SIZE": Hyperparameter(1, usual=(16, 1024), is_whole=True, is_logarithmic=True),
    "DROPOUT": Hyperparameter(0, 1, (0, 0.8)),
    "HIDDEN_UNITS": Hyperparameter(),
    "ACTIVATION_FN": Hyperparameter(),
}
OF_PENALTIES: Mapping[str, Hyperparameter] = {"L1_REG": PENALTY, "L2_REG": PENALTY}
OF_ONE_OPTIMIZER: Mapping[str, Hyperparameter] = {
    "LEARN_RATE": Hyperparameter(0, 1, (0, 1), is_logarithmic=True),
    "OPTIMIZER": Hyperparameter(),
}


def units(settings: Mapping[str, Any], rows: int, inputs: int, outputs: int) -> tuple[int, ...]:
    """HIDDEN_UNITS, or the one layer that there is without it.

    Args:
        settings: A value for each option.
        rows: How many train.
        inputs: Encoded columns.
        outputs: Classes, or one for a number, or as many as inputs.
    """
    given: Sequence[int] | None = settings["HIDDEN_UNITS"]
    return tuple(given or [max(1, min(MOST_UNITS, rows // (10 * (inputs + outputs))))])


def units_of(start: Layers, settings: Mapping[str, Any]) -> tuple[int, ...]:
    """The hidden layers of a network that a training goes on from.

    Raises:
        BqmlError: ACTIVATION_FN gives each layer another number of columns than before.
    """
    before, after = (ACTIVATIONS[name] for name in (start.activation, settings["ACTIVATION_FN"]))
    if before.doubles != after.doubles:
        raise BqmlError(
            f"with warm_start = TRUE activation_fn cannot go from '{start.activation}' to "
            f"'{settings['ACTIVATION_FN']}': CRELU gives twice as many columns as the others"
        )
    return tuple(start.units)


def batch(settings: Mapping[str, Any], rows: int) -> int:
    """BATCH_SIZE, which is at most all rows."""
    return min(int(settings["BATCH_SIZE"] or BATCH), rows)
