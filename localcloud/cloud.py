"""What all services share: one store, and what is kept in it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from localcloud.discovery.operations import Operations
from localcloud.policy import Policies
from localcloud.project import Projects
from localcloud.store import Store


@dataclass(frozen=True)
class Cloud:
    """The local cloud, as a service sees it.

    Attributes:
        store: The resources.
        operations: The long-running operations.
        projects: Project ids and numbers.
        policies: The IAM policies.
        base_url: Gives the server's address.
        clock: Tells schedules the time.
    """

    store: Store
    operations: Operations
    projects: Projects
    policies: Policies
    base_url: Callable[[], str] = lambda: ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
