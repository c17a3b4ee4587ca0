"""Ways to get a thing, tried in order, and the one message when every way fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class SetupError(Exception):
    """Set-up cannot go on; the text says what was tried and what to do."""


class WayFailed(Exception):
    """One way did not work here; the text is its reason, in one clause."""


@dataclass(frozen=True)
class Way(Generic[T]):
    """One way to get a thing.

    Attributes:
        name: What the way is, as the user reads it, such as "`uv` on PATH".
        attempt: Gets the thing; raises `WayFailed` where this way does not work here.
    """

    name: str
    attempt: Callable[[], T]


def first_that_works(thing: str, ways: Sequence[Way[T]], remedy: str) -> tuple[str, T]:
    """Tries each way in order and stops at the first that works.

    Args:
        thing: What is wanted, such as "the Pulumi CLI".
        ways: The ways, best first.
        remedy: The one thing the user can install, as an imperative sentence.

    Returns:
        The name of the way that worked and what it gave.

    Raises:
        SetupError: No way worked; the message has each way with its reason, then the remedy.
    """
    reasons = []
    for way in ways:
        try:
            return way.name, way.attempt()
        except WayFailed as failure:
            reasons.append((way.name, str(failure)))
    tried = "\n".join(
        f"  {number}. {name}: {reason}" for number, (name, reason) in enumerate(reasons, start=1)
    )
    raise SetupError(f"no way to get {thing} works here. Tried, in this order:\n{tried}\n{remedy}")
