"""Who declares a resource, so that a live one can be told from another's of the same name."""

from collections.abc import Awaitable
from typing import cast

import pulumi


def owner_of(name: str) -> str:
    """Name a declaration: stays the same from run to run, differs from stack to stack.

    Args:
        name: Name of the resource in the program.

    Returns:
        `organization/project/stack/name`.
    """
    # An engine that has none says "organization", as every backend of files does.
    organization = pulumi.get_organization() or "organization"
    return "/".join((organization, pulumi.get_project(), pulumi.get_stack(), name))


def owner_below(name: str, parent: pulumi.Resource | None) -> pulumi.Input[str]:
    """Name a declaration whose own name may be that of another below another kind of parent.

    Args:
        name: Name of the resource in the program.
        parent: What it is a part of; None for nothing.

    Returns:
        `organization/project/stack/types of what it is a part of/name`.
    """
    if parent is None:
        return owner_of(name)
    # As an awaitable it brings no dependency along: a parent waits for its parts.
    urn: pulumi.Output[str] = pulumi.Output.from_input(cast(Awaitable[str], parent.urn.future()))

    def types(text: str) -> str:
        # The engine tells resources of one name apart by these, the third part of a URN.
        return text.split("::")[2].removeprefix("pulumi:pulumi:Stack$")

    return urn.apply(lambda text: owner_of(f"{types(text)}/{name}"))
