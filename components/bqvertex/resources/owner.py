"""Who declares a resource, so that a live one can be told from another's of the same name."""

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
