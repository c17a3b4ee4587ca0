"""What the components of what stands in a dataset share: where it goes, and what it waits for."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

import pulumi

from bqvertex.dataset import Dataset

PLACE = ("project", "location", "dataset_id")


def refuse_unknown_inputs(what: str, args: Mapping[str, Any], known: type) -> None:
    """Refuse inputs that a component does not have.

    Args:
        what: The component, for messages: `vector index near`.
        args: Its inputs.
        known: The TypedDict of those it has.

    Raises:
        RunError: There is another one; the message names the nearest and all.
    """
    allowed = sorted(known.__annotations__)
    for key in args:
        if key not in allowed:
            near = get_close_matches(key, allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise pulumi.RunError(f"{what}: no input {key!r}{hint} ({', '.join(allowed)})")


def place(
    what: str, args: Mapping[str, Any], required: Sequence[str] = PLACE
) -> dict[str, pulumi.Input[str]]:
    """Say where a component's resource goes.

    Args:
        what: The component, for messages.
        args: Its inputs: `dataset`, or those of `PLACE`, which count for more.
        required: Those of `PLACE` that have to be known.

    Raises:
        RunError: Nothing says it.
    """
    dataset: Dataset | None = args.get("dataset")
    found: dict[str, pulumi.Input[str]] = {}
    for key in PLACE:
        if args.get(key) is not None:
            found[key] = args[key]
        elif dataset is not None:
            found[key] = getattr(dataset, key)
        elif key in required:
            raise pulumi.RunError(f"{what}: give dataset, or {', '.join(required)}")
    return found


def upstream(args: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> list[pulumi.Resource]:
    """List what must be there before: ids known at preview do not say it.

    Args:
        args: The component's inputs; of `dataset` all members.
        opts: The component's options; those given with `depends_on` too.
    """
    dataset: Dataset | None = args.get("dataset")
    given = opts.depends_on if opts else None
    extra = list(given) if isinstance(given, Sequence) else [given] if given else []
    return [*(dataset.members if dataset else ()), *cast(list[pulumi.Resource], extra)]


def options(
    parent: pulumi.Resource, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Make the options of a component's resource.

    Args:
        parent: The component.
        args: Its inputs.
        opts: Its options. A component is never replaced, so `replace_with` is for its resource.
    """
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=upstream(args, opts),
        replace_with=opts.replace_with if opts else None,
    )
