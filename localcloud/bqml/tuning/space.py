"""Which values of hyperparameters are tried.

https://cloud.google.com/bigquery/docs/hp-tuning-overview
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from localcloud.bqml.errors import BqmlError

LEAST = 1e-14
"""What 0 is on a logarithmic scale."""
DRAWS_A_TRIAL = 100
"""How often another combination is drawn before a space counts as exhausted."""


@dataclass(frozen=True)
class Range:
    """HPARAM_RANGE(low, high)."""

    low: float
    high: float


@dataclass(frozen=True)
class Candidates:
    """HPARAM_CANDIDATES([...])."""

    values: Sequence[Any]


@dataclass(frozen=True)
class Hyperparameter:
    """One option that can be tuned.

    Attributes:
        low: The least value there is.
        high: The largest.
        usual: The range that is searched where the statement gives none; None: it is not searched
            then. Or the candidates.
        is_whole: Whether it is a whole number.
        is_logarithmic: Whether small values count as much as large ones.
    """

    low: float = 0.0
    high: float = math.inf
    usual: tuple[float, float] | Sequence[str] | None = None
    is_whole: bool = False
    is_logarithmic: bool = False

    @property
    def usual_space(self) -> Range | Candidates | None:
        """What is searched where the statement gives nothing."""
        if self.usual is None:
            return None
        if isinstance(self.usual[0], str):
            return Candidates(self.usual)
        return Range(float(self.usual[0]), float(self.usual[1]))


PENALTY = Hyperparameter(usual=(0, 10), is_logarithmic=True)


def checked(
    name: str, space: Range | Candidates, hyperparameter: Hyperparameter
) -> Range | Candidates:
    """Refuse a space that reaches beyond what there is.

    Raises:
        BqmlError: It does, or it is empty.
    """
    if isinstance(space, Candidates):
        if not space.values:
            raise BqmlError(f"hparam_candidates of {name.lower()} is empty")
        if hyperparameter.is_whole:
            return space
        # A FLOAT64 may be written without its point.
        return Candidates([float(v) if type(v) is int else v for v in space.values])
    bounds = (space.low, space.high)
    if not all(isinstance(b, (int, float)) and not isinstance(b, bool) for b in bounds):
        raise BqmlError(f"hparam_range of {name.lower()} is {bounds}; give two numbers")
    if not hyperparameter.low <= space.low < space.high <= hyperparameter.high:
        raise BqmlError(
            f"hparam_range of {name.lower()} is {bounds}; give a lower and a higher number, from "
            f"{hyperparameter.low:g} to {hyperparameter.high:g}"
        )
    return space


def combinations(
    spaces: Mapping[str, Range | Candidates],
    hyperparameters: Mapping[str, Hyperparameter],
    defaults: Mapping[str, Any],
    *,
    algorithm: str,
) -> Iterator[dict[str, Any]]:
    """Values to try, each combination once, until the spaces are exhausted.

    The first is the default of each, or what is closest to it. VIZIER_DEFAULT, whose algorithm runs
    in Google's Vizier, searches at random here.

    Raises:
        BqmlError: GRID_SEARCH is asked for and a space is a range.
    """
    if algorithm == "GRID_SEARCH":
        yield from _grid(spaces)
        return
    random = np.random.default_rng(0)
    first = {
        name: _closest(space, hyperparameters[name], defaults.get(name))
        for name, space in spaces.items()
    }
    yield first
    seen = {_key(first)}
    while True:
        for _ in range(DRAWS_A_TRIAL):
            drawn = {
                name: _drawn(space, hyperparameters[name], random) for name, space in spaces.items()
            }
            if _key(drawn) not in seen:
                break
        else:
            return
        seen.add(_key(drawn))
        yield drawn


def _grid(spaces: Mapping[str, Range | Candidates]) -> Iterator[dict[str, Any]]:
    from sklearn.model_selection import ParameterGrid

    ranges = sorted(name for name, space in spaces.items() if isinstance(space, Range))
    if ranges:
        raise BqmlError(
            f"hparam_tuning_algorithm 'GRID_SEARCH' needs hparam_candidates of every "
            f"hyperparameter; {', '.join(ranges).lower()} has a range"
        )
    yield from ParameterGrid(
        {
            name: list(space.values)
            for name, space in spaces.items()
            if isinstance(space, Candidates)
        }
    )


def _closest(space: Range | Candidates, hyperparameter: Hyperparameter, default: Any) -> Any:
    is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
    if isinstance(space, Candidates):
        if default in space.values or not is_number:
            return next((v for v in space.values if v == default), space.values[0])
        numbers = [v for v in space.values if isinstance(v, (int, float))]
        return min(numbers, key=lambda v: abs(v - default)) if numbers else space.values[0]
    value = min(max(default, space.low), space.high) if is_number else space.low
    return _rounded(value, hyperparameter)


def _drawn(
    space: Range | Candidates, hyperparameter: Hyperparameter, random: np.random.Generator
) -> Any:
    if isinstance(space, Candidates):
        return space.values[int(random.integers(len(space.values)))]
    low, high = space.low, space.high
    if hyperparameter.is_logarithmic:
        low, high = math.log(max(low, LEAST)), math.log(high)
        return _rounded(math.exp(random.uniform(low, high)), hyperparameter)
    if hyperparameter.is_whole:
        return int(random.integers(math.ceil(low), math.floor(high) + 1))
    return float(random.uniform(low, high))


def _rounded(value: float, hyperparameter: Hyperparameter) -> Any:
    return round(value) if hyperparameter.is_whole else float(value)


def _key(values: Mapping[str, Any]) -> str:
    return repr(sorted(values.items()))
