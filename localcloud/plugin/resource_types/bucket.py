"""A Cloud Storage bucket.

Source: https://cloud.google.com/storage/docs/json_api/v1/buckets
"""

from typing import Any
from urllib.parse import quote

from localcloud.plugin.configuration import STORAGE
from localcloud.plugin.lifecycle import Operation, Refused
from localcloud.plugin.property import Kind, Property, same_ignoring_case
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.request_error import HttpError
from localcloud.plugin.resource_type import DELETION_POLICY, LABELS, PROJECT, ResourceType
from localcloud.plugin.rest_resource import RestResource

_DAYS = ("age", "numNewerVersions", "daysSinceNoncurrentTime", "daysSinceCustomTime")
_CONDITION = (
    *(Property(name, Kind.INTEGER) for name in _DAYS),
    Property("createdBefore"),
    Property("customTimeBefore"),
    Property("noncurrentTimeBefore"),
    Property("matchesPrefixes", Kind.STRINGS, "matchesPrefix"),
    Property("matchesSuffixes", Kind.STRINGS, "matchesSuffix"),
    Property("matchesStorageClasses", Kind.STRINGS, "matchesStorageClass"),
)
_ACTION = (Property("type", required=True), Property("storageClass"))


class Bucket(RestResource):
    """A bucket's lifecycle: it goes when it is empty, and is emptied where the program says so."""

    def delete(self, operation: Operation, id_: str, state: Bag) -> None:
        """See `Lifecycle`."""
        try:
            objects = self._objects(operation, id_)
            if objects and not state.get("forceDestroy"):
                raise Refused(
                    f"bucket {id_} is not empty: delete its objects, or set 'forceDestroy' to true "
                    "and run `pulumi up` before it is deleted"
                )
            while objects:
                for each in objects:
                    self._remove(operation, id_, each)
                objects = self._objects(operation, id_)
        except HttpError as error:
            if error.not_found:
                return
            raise
        super().delete(operation, id_, state)

    def _objects(self, operation: Operation, bucket: str) -> list[dict[str, Any]]:
        path = f"b/{quote(bucket, safe='')}/o"
        reply = self.call(operation, "GET", path, {}, query={"versions": "true"})
        objects: list[dict[str, Any]] = reply.get("items", [])
        return objects

    def _remove(self, operation: Operation, bucket: str, each: dict[str, Any]) -> None:
        path = f"b/{quote(bucket, safe='')}/o/{quote(each['name'], safe='')}"
        query = {"generation": str(each["generation"])}
        try:
            self.call(operation, "DELETE", path, {}, query=query)
        except HttpError as error:
            if not error.not_found:
                raise


TYPE = ResourceType(
    token="gcp:storage/bucket:Bucket",
    service=STORAGE,
    id="{name}",
    imports=("{project}/{name}",),
    path="b/{name}",
    collection="b",
    create_query={"project": "{project}"},
    update="MERGE",
    schema_version=4,
    deletes_first=True,
    lifecycle=Bucket,
    properties=(
        Property(
            "name",
            autonamed=True,
            replaces=True,
            pattern=r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]",
            pattern_says="3 or more lower-case letters, digits, '-', '_' and '.'",
        ),
        PROJECT,
        Property("location", required=True, replaces=True, same=same_ignoring_case),
        Property("storageClass", default="STANDARD"),
        Property(
            "uniformBucketLevelAccess",
            Kind.BOOLEAN,
            "iamConfiguration.uniformBucketLevelAccess.enabled",
            computed=True,
            initial=False,
            absent=False,
        ),
        Property(
            "publicAccessPrevention", field="iamConfiguration.publicAccessPrevention", computed=True
        ),
        Property(
            "versioning",
            Kind.OBJECT,
            computed=True,
            properties=(Property("enabled", Kind.BOOLEAN, required=True),),
        ),
        Property(
            "lifecycleRules",
            Kind.OBJECTS,
            "lifecycle.rule",
            initial=[],
            absent=[],
            properties=(
                Property("action", Kind.OBJECT, required=True, properties=_ACTION),
                Property("condition", Kind.OBJECT, required=True, properties=_CONDITION),
            ),
        ),
        Property("requesterPays", Kind.BOOLEAN, "billing.requesterPays", absent=False),
        Property("defaultEventBasedHold", Kind.BOOLEAN, absent=False),
        *LABELS,
        Property("forceDestroy", Kind.BOOLEAN, field=None, implied=False),
        DELETION_POLICY,
        Property("projectNumber", Kind.INTEGER, output=True),
        Property("selfLink", output=True),
        Property("timeCreated", output=True),
        Property("updated", output=True),
        Property("url", field="name", output=True, decode=lambda name: f"gs://{name}"),
    ),
)
