"""Which methods of Google's Discovery documents the local cloud answers other than with 501.

Read off what answers requests, so that nothing has to be started or listed by hand.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.discovery.document import Method

RECORD = Path("tests/localcloud/methods.json")
"""Document and method -> the files of the tests that had its answer compared with its schema. The
tests write it themselves: see tests/localcloud/methods_compared.py."""

ONLY_REFUSING = ("aiplatform.projects.locations.models.evaluations.slices.get",)
"""Methods without an answer that is no refusal: slices, of which no evaluation has any, are 404."""


@dataclass(frozen=True, order=True)
class RestMethod:
    """A method of one version of an API.

    Attributes:
        document: Such as `bigquery.v2`.
        id: Such as `bigquery.jobs.insert`.
        is_implemented: Whether it has an answer other than 501.
    """

    document: str
    id: str
    is_implemented: bool

    @property
    def key(self) -> str:
        """What the record calls it: `bigquery.v2 bigquery.jobs.insert`."""
        return f"{self.document} {self.id}"

    @property
    def is_of_operations(self) -> bool:
        """Whether it is one of those that every collection has for its long-running operations."""
        return ".operations." in self.id


def rest_methods() -> Sequence[RestMethod]:
    """Every method of the documents that the local cloud serves, in order."""
    from localcloud.discovery.document import load
    from localcloud.server import LocalCloud

    with tempfile.TemporaryDirectory() as folder:
        cloud = LocalCloud(Path(folder), base_url=lambda: "")
        try:
            serving: dict[str, Callable[[Method], bool]] = {
                plane.name: plane.implements for plane in cloud.planes
            }
            serving["storage.v1"] = cloud.storage.implements
            serving["bigquery.v2"] = _of_bigquery(Path(folder))
            return sorted(
                RestMethod(name, method.id, method.id not in ONLY_REFUSING and implements(method))
                for name, implements in serving.items()
                for method in load(name).methods
            )
        finally:
            cloud.store.close()


def _of_bigquery(folder: Path) -> "Callable[[Method], bool]":
    from local_bigquery.api import (
        datasets,
        iam,
        jobs,
        models,
        projects,
        routines,
        row_access_policies,
        tables,
    )
    from starlette.routing import Match, Route

    from localcloud.bigquery.model import ModelStore
    from localcloud.bigquery.request import PREFIX
    from localcloud.bigquery.routes import routes

    # Without the stubs that local-bigquery puts behind them for all other methods.
    behind = (projects, datasets, tables, jobs, models, routines, row_access_policies, iam)
    served: list[tuple[str, Route]] = [
        *((PREFIX, route) for route in routes(ModelStore(folder, None))),
        *(("", route) for module in behind for route in module.router.routes),
    ]

    def implements(method: "Method") -> bool:
        path = "/" + "/".join(segment or "x" for segment in method.segments)
        path += f":{method.custom_verb}" if method.custom_verb else ""
        return any(
            route.matches(
                {
                    "type": "http",
                    "method": method.http,
                    "path": path if prefix else path.removeprefix(PREFIX),
                    "root_path": "",
                }
            )[0]
            is Match.FULL
            for prefix, route in served
        )

    return implements


def recorded(root: Path) -> Mapping[str, Sequence[str]]:
    """The record below a root."""
    found: dict[str, list[str]] = json.loads((root / RECORD).read_text("utf-8"))
    return found


def record(root: Path, compared: Mapping[str, Iterable[str]]) -> None:
    """Add what tests compared to the record; files that are gone are left out."""
    path = root / RECORD
    before = recorded(root) if path.is_file() else {}
    files = {
        key: sorted(
            file
            for file in {*before.get(key, ()), *compared.get(key, ())}
            if (root / file).is_file()
        )
        for key in sorted({*before, *compared})
    }
    kept = {key: told for key, told in files.items() if told}
    path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
