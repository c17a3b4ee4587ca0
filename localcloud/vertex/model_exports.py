"""Exports of models to Cloud Storage.

Source: proto comments of google.cloud.aiplatform.v1.ExportModelRequest.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.storage import stored_file
from localcloud.vertex import model_capability
from localcloud.vertex.models import Models


class ModelExports:
    """`models:export`; the files are there before the operation is over.

    Args:
        cloud: What all services share.
        models: The models.
        engine: Gives BigQuery, which writes the files of its models.
    """

    def __init__(self, cloud: Cloud, models: Models, engine: Callable[[], BigQueryEngine]) -> None:
        self.cloud = cloud
        self.models = models
        self.engine = engine

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id; none holds the store while writing."""
        return {"models.export": self._export}

    def _export(self, call: Call) -> Json:
        model, version = self.models.find(call.name)
        config = call.body.get("outputConfig", {})
        check(f"{model['name']}@{version['versionId']}", version, config)
        prefix = str(config["artifactDestination"].get("outputUriPrefix", ""))
        stored_file.check_bucket(self.cloud.store, prefix)
        moment = datetime.now(UTC)
        folder = f"{prefix.rstrip('/')}/{directory('model-export', model, moment)}"
        if artifact := version.get("localArtifactUri"):
            self._from_bigquery(str(artifact), folder)
        else:
            self._copied(str(version["artifactUri"]), folder)
        return self.cloud.operations.start(
            model["name"],
            call.plane.metadata("ExportModel", outputInfo={"artifactOutputUri": folder}),
            "respond",
            call.plane.any(f"{call.plane.prefix}ExportModelResponse", {}),
        )

    def _from_bigquery(self, artifact: str, folder: str) -> None:
        try:
            self.engine().export(artifact, folder)
        except ValueError as error:
            raise ApiError("FAILED_PRECONDITION", str(error)) from error
        except NotImplementedError as error:
            raise ApiError("UNIMPLEMENTED", str(error)) from error

    def _copied(self, source: str, folder: str) -> None:
        store, base = self.cloud.store, source.rstrip("/") + "/"
        rows = stored_file.below(store, base)
        if not rows:
            raise ApiError("FAILED_PRECONDITION", f"There is no object below {base}.")
        for row in rows:
            uri = f"gs://{row['bucket']}/{row['name']}"
            stored_file.write(
                store,
                self.cloud.base_url(),
                f"{folder}/{uri.removeprefix(base)}",
                stored_file.stored_file(store, uri).read_bytes(),
                str(row["contentType"]),
            )


def check(name: str, version: Json, config: Json) -> None:
    """Refuse what cannot be exported, or not so.

    Args:
        name: The version's name, for errors.
        version: The version.
        config: An ExportModelRequest.OutputConfig.

    Raises:
        ApiError: FAILED_PRECONDITION, INVALID_ARGUMENT or UNIMPLEMENTED.
    """
    formats = {
        str(one["id"]): one["exportableContents"]
        for one in model_capability.export_formats(version)
    }
    if not formats:
        kind = version.get("bigqueryModelType") or "a reference model"
        raise ApiError(
            "FAILED_PRECONDITION", f"The Model {name} ({kind}) is not exportable in any format."
        )
    wanted = str(config.get("exportFormatId") or next(iter(formats)))
    if wanted not in formats:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"export_format_id {wanted!r} is not one of the Model {name}: {', '.join(formats)}.",
        )
    for field, content in (("imageDestination", "IMAGE"), ("artifactDestination", "ARTIFACT")):
        if field in config and content not in formats[wanted]:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"The Model {name} has no {content} to export; it has: "
                f"{', '.join(formats[wanted])}.",
            )
    if "imageDestination" in config:
        raise ApiError(
            "UNIMPLEMENTED",
            "output_config.image_destination: the local cloud has no registry of images.",
        )
    if not config.get("artifactDestination", {}).get("outputUriPrefix"):
        raise ApiError(
            "INVALID_ARGUMENT",
            "output_config.artifact_destination.output_uri_prefix must be set.",
        )


def directory(word: str, model: Json, moment: datetime) -> str:
    """The name of a new directory, `model-export-<display name>-<time>`."""
    title = re.sub(r"[^A-Za-z0-9_-]+", "-", str(model.get("displayName", "")))
    millis = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{word}-{title}-{millis}Z"
