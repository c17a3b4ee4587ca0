"""Resources of any kind in groups, as the store has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.errors import Json
from localcloud.page import address
from localcloud.store import Store

MOST = 100
"""Rows that a table has; how many there are more is said."""
TITLES = {
    "models": "Model Registry",
    "endpoints": "Endpoints",
    "modelMonitors": "Monitors",
    "modelMonitoringJobs": "Monitoring jobs",
    "modelDeploymentMonitoringJobs": "Monitoring jobs of endpoints (v1)",
    "featureGroups": "Feature groups",
    "features": "Features",
    "featureOnlineStores": "Online stores",
    "featureViews": "Feature views",
    "featureViewSyncs": "Syncs",
    "pipelineJobs": "Pipeline jobs",
    "batchPredictionJobs": "Batch prediction jobs",
    "customJobs": "Custom jobs",
    "schedules": "Schedules",
    "transferConfigs": "Scheduled queries",
    "runs": "Runs",
    "connections": "Connections",
    "evaluations": "Evaluations",
    "versions": "Versions",
}
"""In the order in which they are shown; all others come after, under their own names."""
UNSHOWN = frozenset({"iamPolicies", "operations"})


@dataclass(frozen=True)
class Row:
    """A resource in a table.

    Attributes:
        name: Its whole name.
        address: Its page.
        body: What is stored.
    """

    name: str
    address: str
    body: Json

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.body.get("displayName") or self.name.rsplit("/", 1)[-1])

    @property
    def place(self) -> str:
        """The location in its name; empty without one."""
        parts = self.name.split("/")
        return parts[3] if len(parts) > 3 and parts[2] == "locations" else ""

    @property
    def state(self) -> str:
        """Its state as it is stored; empty without one."""
        return str(self.body.get("state") or "")


@dataclass(frozen=True)
class Group:
    """The resources of one collection.

    Attributes:
        collection: Such as `endpoints`.
        rows: The latest of them.
        total: How many there are.
    """

    collection: str
    rows: Sequence[Row]
    total: int

    @property
    def title(self) -> str:
        """The heading."""
        return TITLES.get(self.collection, self.collection)

    @property
    def has_places(self) -> bool:
        """Whether any row has a location."""
        return any(row.place for row in self.rows)

    @property
    def has_states(self) -> bool:
        """Whether any row has a state."""
        return any(row.state for row in self.rows)


def kind(collection: str) -> str:
    """What one resource of a collection is called."""
    title = TITLES.get(collection, collection)
    return f"{title.removesuffix('ies')}y" if title.endswith("ies") else title.removesuffix("s")


def below(store: Store, name: str, *, without: Sequence[str] = ()) -> list[Group]:
    """What is kept under a name and under no other resource below it, in groups.

    Args:
        store: The resources.
        name: Such as `projects/p`.
        without: Collections that the page shows in another way.
    """
    names = sorted(store.below(name))
    known = set(names)
    grouped: dict[str, list[str]] = {}
    for one in names:
        collection = one.split("/")[-2]
        owner = one.rsplit("/", 2)[0]
        if owner not in known and collection not in UNSHOWN and collection not in without:
            grouped.setdefault(collection, []).append(one)
    order = {collection: place for place, collection in enumerate(TITLES)}
    ranked = sorted(grouped, key=lambda one: (order.get(one, len(order)), one))
    return [_group(store, collection, grouped[collection]) for collection in ranked]


def _group(store: Store, collection: str, names: Sequence[str]) -> Group:
    found = [(name, body) for name in names if (body := store.get(name)) is not None]
    found.sort(key=lambda pair: _created(pair[1]), reverse=True)
    rows = [Row(name, address.of_resource(name), body) for name, body in found[:MOST]]
    return Group(collection, rows, len(found))


def _created(body: Json) -> str:
    value: Any = body.get("createTime") or body.get("versionCreateTime") or ""
    return str(value)
