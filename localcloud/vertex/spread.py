"""Places between 0 and 1 that are spread evenly, for shares that hold over any run of requests."""

from collections.abc import Iterator
from itertools import count


class Spread:
    """One sequence of places a name; in this process only, from its start.

    Args:
        step: An irrational number; the places are the fractional parts of its multiples.
        start: The first place.
    """

    def __init__(self, step: float, start: float = 0.0) -> None:
        self.step = step
        self.start = start
        self._numbers: dict[str, Iterator[int]] = {}

    def place(self, name: str) -> float:
        """The next place of a name, from 0 to below 1."""
        # One step of the dict is one operation of the interpreter, so that threads share it.
        number = next(self._numbers.setdefault(name, count()))
        return (self.start + number * self.step) % 1
