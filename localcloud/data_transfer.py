"""BigQuery Data Transfer v1: configurations are kept; the local cloud does not run them."""

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, new_uuid
from localcloud.discovery.control_plane import ControlPlane
from localcloud.errors import ApiError, Json


def plane(cloud: Cloud) -> ControlPlane:
    """The service."""
    return ControlPlane(
        "bigquerydatatransfer.v1",
        cloud,
        package="google.cloud.bigquery.datatransfer.v1",
        collections={
            "transferConfigs": Collection(
                message="TransferConfig",
                noun="TransferConfig",
                new_id=new_uuid,
                creating=_creating,
                updating=_updating,
            )
        },
        fold_locations=True,
    )


def _creating(call: Call, body: Json) -> Json:
    for field in ("displayName", "dataSourceId"):
        if not body.get(field):
            raise ApiError("INVALID_ARGUMENT", f"transfer_config.{field} must be set.")
    region = call.name.split("/")[3] if "/locations/" in call.name else "us"
    return {
        **_account(call, body),
        "state": "PENDING",
        "datasetRegion": region,
        "userId": "1",
    }


def _updating(call: Call, before: Json, after: Json) -> Json:
    return _account(call, after)


def _account(call: Call, body: Json) -> Json:
    name = call.query.get("serviceAccountName")
    return {**body, "ownerInfo": {"email": name}} if name else body
