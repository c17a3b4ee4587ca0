"""An API of a project, enabled.

Source: https://cloud.google.com/service-usage/docs/reference/rest/v1/services
"""

from collections.abc import Iterable
from typing import Any

from localcloud.plugin.configuration import SERVICE_USAGE
from localcloud.plugin.lifecycle import HalfMade, Operation
from localcloud.plugin.property import Kind, Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.request_error import HttpError, OperationFailed
from localcloud.plugin.resource_type import DELETION_POLICY, PROJECT, ResourceType, expand


class EnabledService:
    """The lifecycle of an enabled API: it is not made, but switched on and, if asked, off."""

    def __init__(self, kind: ResourceType) -> None:
        self.kind = kind

    def create(self, operation: Operation, planned: Bag) -> tuple[str, Bag]:
        """See `Lifecycle`."""
        id_ = expand(self.kind.id, planned, quoted=False)
        outputs = {**planned, "id": id_}
        if not self._enabled(operation, planned):
            reply = self._call(operation, "POST", planned, ":enable", {})
            try:
                operation.rest.finished(operation, self.kind.service, reply, None)
            except (HttpError, OperationFailed) as error:
                raise HalfMade(id_, outputs, f"{id_} is being enabled, but: {error}") from error
        return id_, outputs

    def read(self, operation: Operation, id_: str, state: Bag) -> Bag | None:
        """See `Lifecycle`."""
        bag = {**state, **(self.kind.identity(id_) or {}), "id": id_}
        bag.setdefault("deletionPolicy", operation.configuration.deletion_policy)
        return bag if self._enabled(operation, bag) else None

    def update(
        self, operation: Operation, id_: str, state: Bag, planned: Bag, changed: Iterable[str]
    ) -> Bag:
        """Only what a later delete does can change, and that is in the state alone."""
        return {**planned, "id": id_}

    def delete(self, operation: Operation, id_: str, state: Bag) -> None:
        """See `Lifecycle`."""
        if not state.get("disableOnDestroy"):
            return
        check = "CHECK" if state.get("checkIfServiceHasUsageOnDestroy") else "SKIP"
        body: dict[str, Any] = {"checkIfServiceHasUsage": check}
        if state.get("disableDependentServices"):
            body["disableDependentServices"] = True
        try:
            reply = self._call(operation, "POST", state, ":disable", body)
        except HttpError as error:
            if error.not_found:
                return
            raise
        operation.rest.finished(operation, self.kind.service, reply, None)

    def _enabled(self, operation: Operation, bag: Bag) -> bool:
        try:
            return bool(self._call(operation, "GET", bag).get("state") == "ENABLED")
        except HttpError as error:
            if error.not_found:
                return False
            raise

    def _call(
        self,
        operation: Operation,
        method: str,
        bag: Bag,
        verb: str = "",
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        path = expand(self.kind.path, bag) + verb
        return operation.rest.call(operation, method, self.kind.service, path, body=body)


TYPE = ResourceType(
    token="gcp:projects/service:Service",
    service=SERVICE_USAGE,
    id="{project}/{service}",
    path="projects/{project}/services/{service}",
    imports=("projects/{project}/services/{service}", "{service}"),
    lifecycle=EnabledService,
    properties=(
        Property(
            "service",
            field=None,
            required=True,
            replaces=True,
            pattern=r"[a-z0-9-]+(\.[a-z0-9-]+)+",
            pattern_says="its host name, such as 'aiplatform.googleapis.com'",
        ),
        PROJECT,
        Property("disableOnDestroy", Kind.BOOLEAN, field=None),
        Property("disableDependentServices", Kind.BOOLEAN, field=None),
        Property("checkIfServiceHasUsageOnDestroy", Kind.BOOLEAN, field=None),
        DELETION_POLICY,
    ),
)
