"""Version numbers as tools print them."""

from __future__ import annotations

import re

_RELEASE = re.compile(r"(?<![\d.])v?(\d+(?:\.\d+)+)(-?(?:a|b|c|rc|alpha|beta|dev)[.\d]*)?")


class NoVersion(ValueError):
    """The text holds no version number."""


def find(text: str) -> tuple[int, ...]:
    """Finds the first version number in what a tool printed.

    Args:
        text: Such as ``v3.259.0``, ``go version go1.26.8 linux/amd64`` or ``uv 0.13.9 (…)``.

    Returns:
        Its numbers, such as ``(3, 259, 0)``. A release candidate counts as the number before it,
        ``3.259.0-alpha.1`` as ``(3, 259, 0, -1)``, so that it is older than the release.

    Raises:
        NoVersion: There is none.
    """
    found = _RELEASE.search(text)
    if found is None:
        raise NoVersion(f"no version number in {text.strip()[:80]!r}")
    numbers = tuple(int(number) for number in found.group(1).split("."))
    return (*numbers, -1) if found.group(2) else numbers


def at_least(version: tuple[int, ...], minimum: tuple[int, ...]) -> bool:
    """Whether a version is not older than another; absent numbers count as 0."""
    length = max(len(version), len(minimum))
    return version + (0,) * (length - len(version)) >= minimum + (0,) * (length - len(minimum))


def text(version: tuple[int, ...]) -> str:
    """A version as it is written, such as ``3.259.0``."""
    return ".".join(str(number) for number in version if number >= 0)
