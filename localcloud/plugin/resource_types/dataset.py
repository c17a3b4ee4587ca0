"""A BigQuery dataset.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets
"""

from typing import Any

from localcloud.plugin.configuration import BIGQUERY
from localcloud.plugin.property import Kind, Property, same_ignoring_case
from localcloud.plugin.resource_type import DELETION_POLICY, LABELS, PROJECT, ResourceType
from localcloud.plugin.rest_resource import RestResource

_VIEW = (Property("projectId"), Property("datasetId"), Property("tableId"))
_ROUTINE = (Property("projectId"), Property("datasetId"), Property("routineId"))
_DATASET = (
    Property("dataset", Kind.OBJECT, properties=(Property("projectId"), Property("datasetId"))),
    Property("targetTypes", Kind.STRINGS),
)

_ACCESS = (
    Property("role"),
    Property("specialGroup"),
    Property("userByEmail"),
    Property("groupByEmail"),
    Property("domain"),
    Property("iamMember"),
    Property("view", Kind.OBJECT, properties=_VIEW),
    Property("routine", Kind.OBJECT, properties=_ROUTINE),
    Property("dataset", Kind.OBJECT, properties=_DATASET),
    Property(
        "condition",
        Kind.OBJECT,
        properties=(
            Property("expression"),
            Property("title"),
            Property("description"),
            Property("location"),
        ),
    ),
)

# Google answers with the short names whatever was written.
_ROLES = {
    "roles/bigquery.dataOwner": "OWNER",
    "roles/bigquery.dataEditor": "WRITER",
    "roles/bigquery.dataViewer": "READER",
}


def _same_entries(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    return sorted(map(_entry, one)) == sorted(map(_entry, other))


def _entry(entry: dict[str, Any]) -> str:
    said = {key: value for key, value in entry.items() if value not in (None, "", {}, [])}
    if "role" in said:
        said["role"] = _ROLES.get(said["role"], said["role"])
    return repr(sorted(said.items()))


TYPE = ResourceType(
    token="gcp:bigquery/dataset:Dataset",
    service=BIGQUERY,
    id="projects/{project}/datasets/{datasetId}",
    imports=("{project}/{datasetId}", "{datasetId}"),
    collection="projects/{project}/datasets",
    create_query={"accessPolicyVersion": "3"},
    read_query={"accessPolicyVersion": "3"},
    delete_query={"deleteContents": "{deleteContentsOnDestroy}"},
    update="PUT",
    lifecycle=RestResource,
    properties=(
        Property(
            "datasetId",
            field="datasetReference.datasetId",
            required=True,
            replaces=True,
            pattern=r"[A-Za-z0-9_]{1,1024}",
            pattern_says="letters, digits and underscores, 1024 at most",
        ),
        PROJECT,
        Property("location", default="US", replaces=True, same=same_ignoring_case),
        Property("description", absent=""),
        Property("friendlyName", absent="", blank_on_update=True),
        Property(
            "accesses",
            Kind.OBJECTS,
            "access",
            computed=True,
            properties=_ACCESS,
            only_when_changed=True,
            same=_same_entries,
        ),
        Property("defaultCollation", computed=True, absent="", blank_on_update=True),
        Property(
            "defaultEncryptionConfiguration",
            Kind.OBJECT,
            properties=(Property("kmsKeyName", required=True),),
        ),
        Property("defaultPartitionExpirationMs", Kind.INTEGER, absent=0),
        Property("defaultTableExpirationMs", Kind.INTEGER, absent=0),
        Property("isCaseInsensitive", Kind.BOOLEAN, computed=True, absent=False),
        Property("maxTimeTravelHours", computed=True, absent=""),
        Property("resourceTags", Kind.MAP),
        Property("storageBillingModel", computed=True, absent=""),
        *LABELS,
        Property("deleteContentsOnDestroy", Kind.BOOLEAN, field=None, implied=False),
        DELETION_POLICY,
        Property("creationTime", Kind.INTEGER, output=True),
        Property("lastModifiedTime", Kind.INTEGER, output=True),
        Property("etag", output=True),
        Property("selfLink", output=True),
    ),
)
