"""A BigQuery table or view.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
"""

import json
from typing import Any

from localcloud.plugin.configuration import BIGQUERY
from localcloud.plugin.lifecycle import Operation
from localcloud.plugin.property import Kind, Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.resource_type import DELETION_POLICY, LABELS, PROJECT, ResourceType
from localcloud.plugin.resource_types import table_schema
from localcloud.plugin.rest_resource import RestResource

_RANGE = (
    Property("start", Kind.INTEGER, required=True, encode=str),
    Property("end", Kind.INTEGER, required=True, encode=str),
    Property("interval", Kind.INTEGER, required=True, encode=str),
)


class Table(RestResource):
    """A table's lifecycle: columns are dropped by SQL, since the API cannot."""

    def change(
        self, operation: Operation, id_: str, state: Bag, planned: Bag, fields: list[Property]
    ) -> None:
        """Drop what the schema no longer has, then send the update."""
        if any(each.name == "schema" for each in fields) and "schema" in planned:
            gone = table_schema.dropped(state.get("schema") or "[]", planned["schema"])
            if gone and state.get("type", "TABLE") == "TABLE":
                self._drop(operation, planned, gone)
        super().change(operation, id_, state, planned, fields)

    def body(self, planned: Bag, state: Bag | None, changed: Any) -> dict[str, Any]:
        """The REST table."""
        body = super().body(planned, state, changed)
        body["tableReference"]["projectId"] = planned["project"]
        if state is not None and "schema" in body and planned["schema"] == state.get("schema"):
            # The columns stay as the server has them: a view's have no policy tags to take away.
            body["schema"] = {"fields": json.loads(planned["schema"])}
        return body

    def _drop(self, operation: Operation, planned: Bag, columns: list[str]) -> None:
        path = ".".join(planned[name] for name in ("project", "datasetId", "tableId"))
        drops = ", ".join(f"DROP COLUMN `{column}`" for column in columns)
        operation.rest.call(
            operation,
            "POST",
            BIGQUERY,
            f"projects/{planned['project']}/queries",
            body={"query": f"ALTER TABLE `{path}` {drops}", "useLegacySql": False},
        )


def _replaces(state: Bag, planned: Bag) -> tuple[str, ...]:
    have, want = state.get("schema"), planned.get("schema")
    if have and want and have != want and table_schema.needs_new_table(have, want):
        return ("schema",)
    # What is in rows cannot become a query, nor the other way round.
    if bool(state.get("view")) != bool(planned.get("view")):
        return ("view",)
    return ()


def _forbids(state: Bag) -> str:
    if state.get("deletionProtection", True):
        return (
            "the table is protected: set 'deletionProtection' to false and run `pulumi up` before "
            "it is deleted or replaced"
        )
    return ""


TYPE = ResourceType(
    token="gcp:bigquery/table:Table",
    service=BIGQUERY,
    id="projects/{project}/datasets/{datasetId}/tables/{tableId}",
    imports=("{project}/{datasetId}/{tableId}", "{datasetId}/{tableId}"),
    collection="projects/{project}/datasets/{datasetId}/tables",
    update="PUT",
    deletes_first=True,
    lifecycle=Table,
    replaces_when=_replaces,
    forbids_delete=_forbids,
    properties=(
        Property("datasetId", field="tableReference.datasetId", required=True, replaces=True),
        Property("tableId", field="tableReference.tableId", required=True, replaces=True),
        PROJECT,
        Property("description", absent=""),
        Property("friendlyName", absent=""),
        Property(
            "schema",
            computed=True,
            same=table_schema.same,
            encode=table_schema.encode,
            decode=table_schema.decode,
        ),
        Property("clusterings", Kind.STRINGS, "clustering.fields"),
        Property("expirationTime", Kind.INTEGER, computed=True, encode=str),
        Property("maxStaleness", computed=True, absent=""),
        Property("requirePartitionFilter", Kind.BOOLEAN),
        Property(
            "timePartitioning",
            Kind.OBJECT,
            properties=(
                Property("type", required=True),
                Property("field", replaces=True, absent=""),
                Property("expirationMs", Kind.INTEGER, computed=True, encode=str),
                # The API calls it deprecated, and the official plugin always sends it.
                Property("requirePartitionFilter", Kind.BOOLEAN, implied=False, absent=False),
            ),
        ),
        Property(
            "rangePartitioning",
            Kind.OBJECT,
            replaces=True,
            properties=(
                Property("field", required=True),
                Property("range", Kind.OBJECT, required=True, properties=_RANGE),
            ),
        ),
        Property(
            "view",
            Kind.OBJECT,
            properties=(
                Property("query", required=True),
                Property("useLegacySql", Kind.BOOLEAN, computed=True, absent=False),
            ),
        ),
        Property(
            "materializedView",
            Kind.OBJECT,
            properties=(
                Property("query", required=True, replaces=True),
                Property("enableRefresh", Kind.BOOLEAN, computed=True),
                Property("refreshIntervalMs", Kind.INTEGER, computed=True, encode=str),
                Property(
                    "allowNonIncrementalDefinition", Kind.BOOLEAN, computed=True, replaces=True
                ),
            ),
        ),
        Property(
            "encryptionConfiguration",
            Kind.OBJECT,
            replaces=True,
            properties=(
                Property("kmsKeyName", required=True),
                Property("kmsKeyVersion", field=None, output=True),
            ),
        ),
        Property("resourceTags", Kind.MAP),
        *LABELS,
        Property("deletionProtection", Kind.BOOLEAN, field=None, default=True),
        DELETION_POLICY,
        Property("creationTime", Kind.INTEGER, output=True),
        Property("lastModifiedTime", Kind.INTEGER, output=True),
        Property("etag", output=True),
        Property("location", output=True),
        Property("numBytes", Kind.INTEGER, output=True),
        Property("numLongTermBytes", Kind.INTEGER, output=True),
        Property("numRows", Kind.INTEGER, output=True),
        Property("selfLink", output=True),
        Property("type", output=True),
    ),
)
