"""Sampled Shapley values: what each feature of an instance adds to a prediction.

Source: Castro, Gomez and Tejada, Polynomial calculation of the Shapley value based on sampling,
Computers & Operations Research 36 (2009),
https://cloud.google.com/vertex-ai/docs/explainable-ai/overview
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Instance = Mapping[str, Any]
Score = Callable[[Sequence[Instance]], Sequence[float]]


@dataclass(frozen=True)
class Shapley:
    """One instance's attributions.

    Attributes:
        baseline: The output for the baseline.
        output: The output for the instance.
        features: What each feature adds on the way from the one to the other.
    """

    baseline: float
    output: float
    features: Mapping[str, float]

    @property
    def approximation_error(self) -> float:
        """What the attributions miss of the way, as a share of the way."""
        way = self.output - self.baseline
        missed = abs(way - sum(self.features.values()))
        return missed / abs(way) if way else missed


def shapley(
    instance: Instance, baseline: Instance, score: Score, *, path_count: int, seed: int = 0
) -> Shapley:
    """Attribute one prediction to the features of its instance.

    Args:
        instance: Values by feature.
        baseline: The value that stands for the absence of each feature.
        score: The explained output of many instances at once.
        path_count: How many orders of the features are tried, at least 1; more are more exact.
        seed: Of the orders: the same instance gets the same answer.
    """
    drawn = random.Random(seed)
    names = list(baseline)
    orders = [drawn.sample(names, len(names)) for _ in range(path_count)]
    steps: list[Instance] = []
    for order in orders:
        present = {**instance, **baseline}
        steps.append(present)
        for name in order:
            present = {**present, name: instance.get(name)}
            steps.append(present)
    outputs = list(score(steps))
    added = dict.fromkeys(names, 0.0)
    for place, order in enumerate(orders):
        first = place * (len(names) + 1)
        for step, name in enumerate(order, first):
            added[name] += (outputs[step + 1] - outputs[step]) / path_count
    return Shapley(outputs[0], outputs[len(names)], added)
