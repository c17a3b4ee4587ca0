"""What one kind of model is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from localcloud.bqml.model import Fitted, Model, OnIteration
from localcloud.bqml.options import Option
from localcloud.bqml.tuning.space import Hyperparameter

Check = Callable[[dict[str, Any], frozenset[str]], dict[str, Any]]
Load = Callable[[Mapping[str, Any], Path], Fitted]


class Train(Protocol):
    """Fits one kind of model."""

    def __call__(
        self,
        kind: "Kind",
        settings: Mapping[str, Any],
        table: pa.Table,
        on_iteration: OnIteration | None,
    ) -> Model:
        """Fit a model.

        Args:
            kind: Which kind; one function can train several.
            settings: A value for each option.
            table: The training rows.
            on_iteration: Called after each step.

        Raises:
            BqmlError: The rows are not what the kind needs.
            NotImplementedError: Google does it and the local cloud does not.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """One MODEL_TYPE.

    Attributes:
        name: As MODEL_TYPE has it, such as `LINEAR_REG`.
        model_type: As the REST API has it, such as `LINEAR_REGRESSION`.
        options: Its options by name.
        check: Refuses options that do not go together and settles those that depend on others;
            takes the values and the names that were given.
        train: Fits it.
        load: Reads back what `Fitted.save` wrote.
        hyperparameters: The options that can be tuned; empty for a kind that is not tuned.
        objectives: What a search may go by, the usual one first.
        takes_holidays: Whether the statement may have CUSTOM_HOLIDAY, which `train` then takes.
        takes_transform: Whether the statement may have a TRANSFORM clause.
        is_transform: Whether it is its TRANSFORM clause alone, and learns from what that reads.
    """

    name: str
    model_type: str
    options: Mapping[str, Option]
    check: Check
    train: Train
    load: Load
    hyperparameters: Mapping[str, Hyperparameter] = field(default_factory=dict)
    objectives: tuple[str, ...] = ()
    takes_holidays: bool = False
    takes_transform: bool = True
    is_transform: bool = False
