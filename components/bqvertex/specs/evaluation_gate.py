"""Thresholds that a newly trained model has to meet before it serves."""

from collections.abc import Mapping
from typing import Any


def thresholds(value: Any) -> dict[str, Mapping[str, float]]:
    """Take the input `evaluation`; what is no threshold is left out.

    A state of version 0.1.0 has the metrics of the last training under that name.
    """
    if not isinstance(value, Mapping):
        return {}
    return {metric: bounds for metric, bounds in value.items() if isinstance(bounds, Mapping)}
