"""The numbers of a fitted network, and what it says with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from localcloud.bqml.arrays import Design, Floats
from localcloud.bqml.network.activation import ACTIVATIONS

Dense = tuple[Floats, Floats]
"""Weights, a row each input and a column each unit; and intercepts, one each unit."""


@dataclass(frozen=True)
class Layers:
    """Dense layers, one after another.

    Attributes:
        dense: The layers; the last gives the outputs.
        activation: One of `ACTIVATIONS`, of every layer but the last.
    """

    dense: tuple[Dense, ...]
    activation: str

    @property
    def units(self) -> list[int]:
        """How many units each hidden layer has."""
        return [len(intercepts) for _, intercepts in self.dense[:-1]]

    def hidden(self, features: Design, place: int) -> Floats:
        """What the hidden layer at a place gives, with its activation."""
        apply = ACTIVATIONS[self.activation].apply
        values = features
        for weights, intercepts in self.dense[: place + 1]:
            values = apply(np.asarray(values @ weights) + intercepts)
        return np.asarray(values)

    def outputs(self, features: Design) -> Floats:
        """What the last layer gives, a row each row."""
        weights, intercepts = self.dense[-1]
        values = self.hidden(features, len(self.dense) - 2) if len(self.dense) > 1 else features
        return np.asarray(values @ weights) + intercepts

    def slopes(self, rows: Floats, gradient: Floats) -> Floats:
        """Take a gradient by outputs back to one by columns.

        Args:
            rows: The encoded rows.
            gradient: By each output, a row each row.
        """
        activation = ACTIVATIONS[self.activation]
        given = [rows]
        for weights, intercepts in self.dense[:-1]:
            given.append(activation.apply(given[-1] @ weights + intercepts))
        back: Floats = gradient @ self.dense[-1][0].T
        for (weights, _), values in zip(
            reversed(self.dense[:-1]), reversed(given[1:]), strict=True
        ):
            back = activation.back(back, values) @ weights.T
        return back


def write(file: Path, parts: Mapping[str, tuple[Dense, ...]]) -> None:
    """Write layers, by part of a network, into a file of arrays."""
    arrays = {
        f"{part}_{place}_{what}": array
        for part, dense in parts.items()
        for place, layer in enumerate(dense)
        for what, array in zip(("weights", "intercepts"), layer, strict=True)
    }
    with file.open("wb") as opened:
        np.savez_compressed(opened, allow_pickle=False, **arrays)


def read(file: Path, part: str) -> tuple[Dense, ...]:
    """Read the layers of one part that `write` wrote."""
    found: list[Dense] = []
    with np.load(file, allow_pickle=False) as arrays:
        while f"{part}_{len(found)}_weights" in arrays.files:
            name = f"{part}_{len(found)}"
            found.append((arrays[f"{name}_weights"], arrays[f"{name}_intercepts"]))
    return tuple(found)
