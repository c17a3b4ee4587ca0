"""Copies of models, in the same location or in another.

Source: https://cloud.google.com/vertex-ai/docs/model-registry/copy-model
"""

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Handler
from localcloud.errors import Json, invalid
from localcloud.vertex.models import SHARED, Models

NOT_COPIED = frozenset(
    {
        "bigqueryModel",
        "encryptionSpec",
        "etag",
        "versionAliases",
        "versionCreateTime",
        "versionId",
        "versionUpdateTime",
    }
)
"""A copy keeps no alias, key or evaluation; and it outlives the BigQuery ML model it came from."""


class ModelCopies:
    """`models:copy`.

    Args:
        cloud: What all services share.
        models: The models.
    """

    def __init__(self, cloud: Cloud, models: Models) -> None:
        self.cloud = cloud
        self.models = models

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"models.copy": self._copy}

    def _copy(self, call: Call) -> Json:
        missing = call.plane.document.schema.missing(call.method.request, call.body)
        if missing:
            raise invalid(missing)
        model, version = self.models.find(str(call.body["sourceModel"]))
        name = self.models.target(call, call.body)
        source = f"{model['name']}@{version['versionId']}"
        fields = {key: value for key, value in version.items() if key not in NOT_COPIED}
        if key := call.body.get("encryptionSpec"):
            fields["encryptionSpec"] = key
        fields["modelSourceInfo"] = {**version.get("modelSourceInfo", {}), "copy": True}
        fields["originalModelInfo"] = {"model": source}
        shared = {key: model[key] for key in SHARED if key in model}
        made = self.models.add_version(name, shared, fields, [])
        response = call.plane.any(
            f"{call.plane.prefix}CopyModelResponse",
            {"model": name, "modelVersionId": made["versionId"]},
        )
        return call.plane.operation(name, "CopyModel", "respond", response)
