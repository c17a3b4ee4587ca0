"""BigQuery Connection v1 (https://cloud.google.com/bigquery/docs/reference/bigqueryconnection)."""

import secrets
import string
import time

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, new_uuid
from localcloud.discovery.control_plane import ControlPlane
from localcloud.errors import ApiError, Json

KINDS = (
    "cloudSql",
    "aws",
    "azure",
    "cloudSpanner",
    "cloudResource",
    "spark",
    "salesforceDataCloud",
    "configuration",
)
# Kinds for which Google makes a service account, and the field that names it.
ACCOUNTS = {"cloudResource": "serviceAccountId", "spark": "serviceAccountId"}


def plane(cloud: Cloud) -> ControlPlane:
    """The service."""
    rules = _Connections(cloud)
    return ControlPlane(
        "bigqueryconnection.v1",
        cloud,
        package="google.cloud.bigquery.connection.v1",
        collections={
            "connections": Collection(
                message="Connection",
                noun="Connection",
                id_parameter="connectionId",
                id_pattern=r"[A-Za-z0-9_.-]{1,512}",
                new_id=new_uuid,
                creating=rules.creating,
                updating=rules.updating,
            )
        },
        fold_locations=True,
        location_pattern=r"[a-z]+-[a-z]+[0-9]+|us|eu|aws-[a-z0-9-]+|azure-[a-z0-9-]+",
    )


class _Connections:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def creating(self, call: Call, body: Json) -> Json:
        kinds = [kind for kind in KINDS if kind in body]
        if len(kinds) != 1:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"A connection has exactly one of {', '.join(KINDS)}; got "
                f"{', '.join(kinds) or 'none'}.",
            )
        kind = kinds[0]
        properties = dict(body[kind])
        if kind in ACCOUNTS:
            number = self.cloud.projects.number(call.project)
            tail = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(4))
            properties[ACCOUNTS[kind]] = (
                f"bqcx-{number}-{tail}@gcp-sa-bigquery-condel.iam.gserviceaccount.com"
            )
        moment = str(int(time.time() * 1000))
        body = {**body, kind: properties, "creationTime": moment, "lastModifiedTime": moment}
        return self._without_secrets(body)

    def updating(self, call: Call, before: Json, after: Json) -> Json:
        kind = next(kind for kind in KINDS if kind in before)
        other = [k for k in KINDS if k in after and k != kind]
        if other:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"The connection {call.name} is of kind {kind}, which cannot be changed to "
                f"{other[0]}: make another connection.",
            )
        after[kind] = {**after.get(kind, {})}
        if kind in ACCOUNTS:
            after[kind][ACCOUNTS[kind]] = before[kind][ACCOUNTS[kind]]
        after["lastModifiedTime"] = str(int(time.time() * 1000))
        return self._without_secrets(after)

    def _without_secrets(self, body: Json) -> Json:
        # Credentials are input only: Google keeps them and answers only that there are some.
        if "credential" in body.get("cloudSql", {}):
            cloud_sql = {k: v for k, v in body["cloudSql"].items() if k != "credential"}
            return {**body, "cloudSql": cloud_sql, "hasCredential": True}
        return body
