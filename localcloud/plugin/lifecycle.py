"""How a resource lives: made, read, changed, deleted."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from localcloud.plugin.configuration import Configuration
from localcloud.plugin.property_bag import Bag

if TYPE_CHECKING:
    from localcloud.plugin.rest import Rest

DEFAULT_SECONDS = 1200.0
"""How long an operation may last unless the program says: the official plugin's own default."""


@dataclass
class Operation:
    """One create, read, update or delete under way.

    Attributes:
        rest: Sends requests.
        configuration: The provider's.
        cancelled: Set when the user interrupts the deployment.
        deadline: When the operation has failed, on the monotonic clock.
        locks: One lock for each policy that several resources change together.
    """

    rest: "Rest"
    configuration: Configuration
    cancelled: threading.Event
    deadline: float
    locks: "Locks"

    @property
    def seconds_left(self) -> float:
        """Time until the deadline."""
        return self.deadline - time.monotonic()


@dataclass
class Locks:
    """Locks by name, made when first asked for."""

    _guard: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)

    def of(self, name: str) -> threading.Lock:
        """The lock of that name."""
        with self._guard:
            return self._locks.setdefault(name, threading.Lock())


class HalfMade(Exception):
    """A resource was made, but not as far as wanted: it belongs into the state, marked as such.

    Attributes:
        id: Pulumi's id.
        properties: What is known about it.
        reason: What went wrong.
    """

    def __init__(self, id_: str, properties: Bag, reason: str) -> None:
        super().__init__(reason)
        self.id = id_
        self.properties = properties
        self.reason = reason


class Refused(Exception):
    """What the plugin itself will not do; the message says what to do instead."""


class Lifecycle(Protocol):
    """The four things that happen to a resource. Properties are Pulumi's; nothing is unknown."""

    def create(self, operation: Operation, planned: Bag) -> tuple[str, Bag]:
        """Make it; returns its id and its properties.

        Raises:
            HttpError: The server refused.
            HalfMade: It is there, but unfinished.
        """
        ...

    def read(self, operation: Operation, id_: str, state: Bag) -> Bag | None:
        """Its properties now; None when it is gone.

        Args:
            operation: What is under way.
            id_: Pulumi's id.
            state: Its last known properties; empty when it is being imported.
        """
        ...

    def update(
        self, operation: Operation, id_: str, state: Bag, planned: Bag, changed: Iterable[str]
    ) -> Bag:
        """Change it in place; returns its properties.

        Args:
            operation: What is under way.
            id_: Pulumi's id.
            state: Its last known properties.
            planned: What they shall be.
            changed: Names of the top-level properties that change.
        """
        ...

    def delete(self, operation: Operation, id_: str, state: Bag) -> None:
        """Delete it; that it is gone already is success."""
        ...
