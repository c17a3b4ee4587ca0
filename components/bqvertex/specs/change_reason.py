"""What a change of inputs does and why, in one sentence, in the words of cost."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from bqvertex.specs.unknown import holds_unknown

LONGEST: Final = 40
"""Characters of a value that is shown; of a longer one only that it changed."""
CUT_AT: Final = 60
"""Characters after which a text that is shown anyway is cut."""


def change_reason(
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    names: Collection[str],
    consequences: Sequence[tuple[Collection[str], str]],
) -> str:
    """Say what a change does.

    Args:
        olds: The state.
        news: Checked inputs.
        names: The inputs that differ in meaning.
        consequences: Groups of inputs and what a change in one of the group does, the most costly
            first: that alone is said.

    Returns:
        Such as `loads the table again: content_hash changed`; empty where nothing is done.
    """
    for group, what in consequences:
        found = sorted(set(names) & set(group))
        if found:
            return f"{what}: {', '.join(_differences(olds, news, found))}"
    return ""


def _differences(
    olds: Mapping[str, Any], news: Mapping[str, Any], names: Sequence[str]
) -> Iterator[str]:
    for name in names:
        if holds_unknown(news.get(name)):
            yield f"{name} is not known before `up`"
            continue
        was, now = (_json(bag.get(name)) for bag in (olds, news))
        shown = max(len(was), len(now)) <= LONGEST
        yield f"{name} {was} -> {now}" if shown else f"{name} changed"


def shown(value: Any) -> str:
    """Write a value as JSON for people, cut where it is long."""
    return cut(_json(value))


def cut(text: str) -> str:
    """Shorten a text to `CUT_AT` characters."""
    return text if len(text) <= CUT_AT else f"{text[: CUT_AT - 1]}…"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
