"""Diff: what changes between a live resource and what the program wants, and at what cost."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.plugin.property import Kind, Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.resource_type import ResourceType, differs
from localcloud.plugin.unknown import has_unknown

ADD, DELETE, UPDATE = "ADD", "DELETE", "UPDATE"

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Change:
    """One property that changes.

    Attributes:
        path: Its path, such as `view.query` or `labels["a-b"]`.
        name: The top-level property it is in.
        kind: ADD, DELETE or UPDATE.
        replaces: Whether it takes another resource.
    """

    path: str
    name: str
    kind: str
    replaces: bool


def diff(kind: ResourceType, state: Bag, planned: Bag, ignored: Sequence[str] = ()) -> list[Change]:
    """The changes, in the order of the type's properties.

    Args:
        kind: The resource's type.
        state: The live properties, as last read.
        planned: What `ResourceType.planned` makes of the inputs.
        ignored: Paths of properties whose changes do not count (`ignore_changes`).
    """
    changes = [
        change
        for each in kind.properties
        if not each.output or (kind.labelled and each.name in ("pulumiLabels", "effectiveLabels"))
        for change in _changes(each, state.get(each.name), planned.get(each.name), each.name)
    ]
    at_fault = kind.replaces_when(state, planned)
    return [
        Change(c.path, c.name, c.kind, c.replaces or c.name in at_fault)
        for c in changes
        if not any(c.path == path or c.name == path for path in ignored)
    ]


def _changes(each: Property, have: Any, want: Any, path: str) -> list[Change]:
    name = re.split(r"[.\[]", path)[0]
    if has_unknown(want):
        kind = ADD if have is None else UPDATE
        return [Change(path, name, kind, each.replaces or _any_replaces(each))]
    if not differs(each, have, want):
        return []
    if want is None and each.kind is Kind.MAP:
        want = {}
    if want is None:
        return [Change(path, name, DELETE, each.replaces)]
    if have is None:
        return [Change(path, name, ADD, each.replaces)]
    match each.kind:
        case Kind.OBJECT:
            found = [
                change
                for part in each.properties
                if not part.output and not (part.computed and want.get(part.name) is None)
                for change in _changes(
                    part, have.get(part.name), want.get(part.name), f"{path}.{part.name}"
                )
            ]
            return [Change(c.path, c.name, c.kind, c.replaces or each.replaces) for c in found]
        case Kind.MAP:
            return [
                Change(at, name, kind, each.replaces) for at, kind in _entries(path, have, want)
            ]
        case Kind.STRINGS:
            return [Change(at, name, kind, each.replaces) for at, kind in _items(path, have, want)]
        case _:
            return [Change(path, name, UPDATE, each.replaces)]


def _any_replaces(each: Property) -> bool:
    return any(part.replaces for part in each.properties)


def _entries(path: str, have: dict[str, Any], want: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in sorted({*have, *want}):
        if have.get(key) != want.get(key):
            at = f"{path}.{key}" if _SIMPLE.fullmatch(key) else f'{path}["{key}"]'
            yield at, _kind(key in have, key in want)


def _items(path: str, have: list[Any], want: list[Any]) -> Iterator[tuple[str, str]]:
    for index in range(max(len(have), len(want))):
        if have[index : index + 1] != want[index : index + 1]:
            yield f"{path}[{index}]", _kind(index < len(have), index < len(want))


def _kind(before: bool, after: bool) -> str:
    if before and after:
        return UPDATE
    return DELETE if before else ADD
