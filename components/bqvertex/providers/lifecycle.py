"""The life of one cloud resource, in words that no host owns.

A host (today `pulumi.dynamic`, through `bqvertex.resources.host`) turns its own calls into these
and these results into its own. A value that is not known yet is `bqvertex.specs.unknown.UNKNOWN`.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

Bag = dict[str, Any]
"""A resource's properties by name: text, numbers, booleans, lists, maps, or `UNKNOWN`."""


@dataclass(frozen=True)
class Failure:
    """An input that cannot be.

    Attributes:
        property: The input's name as the user wrote it.
        reason: What is wrong, with the value got and the values allowed.
    """

    property: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """Inputs after validation.

    Attributes:
        inputs: What diff, create and update will see; values derived here are known at preview.
        failures: Everything that is wrong, all at once; empty when the inputs are good.
    """

    inputs: Bag
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a change of inputs would do.

    Attributes:
        changes: Whether anything has to be done.
        replaces: The inputs that make it another resource; empty for an update in place.
        delete_before_replace: Whether the old one must go first, as when both have one name.
        reason: What will happen and why, in the words of cost, such as `trains anew in place, the
            old model serves until then: option L2_REG 0.1 -> 0.2`. A host shows it to who reads
            a preview, once, with the resource's name. Empty: there is nothing to say.
    """

    changes: bool
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Created:
    """A resource that is there now.

    Attributes:
        id: Its id, stable for life.
        outs: The whole state to keep: the inputs and what Google computed.
    """

    id: str
    outs: Bag


@dataclass(frozen=True)
class Live:
    """What a read found.

    Attributes:
        inputs: The inputs that would make what is there: differs from the state where it drifted.
        outs: The whole state to keep.
    """

    inputs: Bag
    outs: Bag = field(default_factory=dict)


class Lifecycle(Protocol):
    """Six decisions and acts. Stateless: one object serves many resources on several threads."""

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate inputs offline. `olds` is empty for a new resource."""
        ...

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Compare the state with checked inputs, offline."""
        ...

    def create(self, inputs: Bag) -> Created:
        """Bring it about. Must find its own half-made work after a crash.

        Raises:
            CloudError: It could not be made; nothing half-made is left that a second call
                would not find.
        """
        ...

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at the live resource.

        Returns:
            What is there, or None when it is gone.

        Raises:
            CloudError: It could not be looked at; only NotFound means gone.
        """
        ...

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Change it in place and return the whole new state."""
        ...

    def delete(self, id: str, state: Bag) -> None:
        """Remove it; to find it gone already is success."""
        ...
