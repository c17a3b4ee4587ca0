"""The iterations of a network's training: what each tells, and when there are enough."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Iteration, OnIteration, hardly_better


class Steps:
    """Iterations so far.

    Args:
        settings: MAX_ITERATIONS, EARLY_STOP and MIN_REL_PROGRESS.
        learning_rate: Of each.
        on_iteration: Told of each.
    """

    def __init__(
        self, settings: Mapping[str, Any], learning_rate: float, on_iteration: OnIteration | None
    ) -> None:
        self.iterations: list[Iteration] = []
        self._settings = settings
        self._learning_rate = learning_rate
        self._on_iteration = on_iteration
        self._started = time.monotonic()

    def add(self, loss: float, eval_loss: float | None) -> bool:
        """Note a pass over the rows that has ended, and say whether it was the last.

        Args:
            loss: On the training rows.
            eval_loss: On the evaluation rows; None without any.

        Raises:
            BqmlError: The loss is no finite number.
        """
        now = time.monotonic()
        step = Iteration(
            index=len(self.iterations),
            loss=loss,
            eval_loss=eval_loss,
            learning_rate=self._learning_rate,
            duration_ms=int((now - self._started) * 1000),
        )
        self._started = now
        if not np.isfinite(loss):
            raise BqmlError(
                f"the loss became infinite in iteration {step.index} with a learning rate of "
                f"{self._learning_rate:g}; give a lower learn_rate"
            )
        self.iterations.append(step)
        if self._on_iteration:
            self._on_iteration(step)
        return len(self.iterations) == self._settings["MAX_ITERATIONS"] or hardly_better(
            self.iterations, self._settings
        )
