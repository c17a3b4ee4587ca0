"""What a change of inputs does and why, in one sentence, in the words of cost."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from bqvertex.specs.unknown import holds_unknown

LONGEST: Final = 40
"""Characters of a value that is shown; of a longer one only that it changed."""


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
        was, now = (
            json.dumps(bag.get(name), ensure_ascii=False, sort_keys=True, default=str)
            for bag in (olds, news)
        )
        shown = max(len(was), len(now)) <= LONGEST
        yield f"{name} {was} -> {now}" if shown else f"{name} changed"
