"""Models: their REST resource, their trainings on disk, their place in the Model Registry.

Every training has a directory of its own, `models/<project>/<dataset>/<model>/<training>`, which is
never written again. Its name in the world is an artifact URI, `local-bqml://<project>/<dataset>/
<model>/<training>`. A training that is no longer the model's is deleted unless the registry or an
endpoint still needs it.
"""

import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from local_bigquery.catalog import datasets, metadata
from local_bigquery.catalog import names as upstream_names
from local_bigquery.errors import BigQueryError, not_found
from local_bigquery.models import Model

from localcloud.bigquery import location
from localcloud.bigquery.names import Reference
from localcloud.errors import ApiError
from localcloud.ports import BigQueryModelVersion, ModelRegistry

SCHEME = "local-bqml://"
WRITABLE = ("description", "friendlyName", "labels", "expirationTime", "encryptionConfiguration")
"""What `models.patch` may set, beside `trainingRuns[].vertexAiModelId`."""
_PRIVATE = "localCloud"


@dataclass(frozen=True)
class StoredModel:
    """A model as it is stored.

    Attributes:
        reference: Its name.
        resource: The REST resource, with its etag.
        training: The directory name of the training that answers now.
    """

    reference: Reference
    resource: dict[str, Any]
    training: str

    @property
    def artifact_uri(self) -> str:
        """The name of the training that answers now."""
        return artifact_uri(self.reference, self.training)

    @property
    def vertex_ai_model_id(self) -> str | None:
        """The id under which the model is registered; None when it is not."""
        runs = self.resource.get("trainingRuns") or [{}]
        found: str | None = runs[-1].get("vertexAiModelId")
        return found


def artifact_uri(reference: Reference, training: str) -> str:
    """The URI of one training of a model."""
    return SCHEME + "/".join(quote(part, safe="") for part in (*reference, training))


class ModelStore:
    """The models of one state directory.

    Args:
        directory: Where trainings are kept; made when it is not there.
        registry: Vertex AI's Model Registry; None refuses registration.
    """

    def __init__(self, directory: Path, registry: ModelRegistry | None) -> None:
        self._directory = directory
        self._registry = registry
        self._unpublished: set[str] = set()
        directory.mkdir(parents=True, exist_ok=True)

    def find(self, reference: Reference) -> StoredModel | None:
        """The model, or None when there is none or it has expired."""
        stored = metadata.load(Model, *reference)
        if stored is None:
            return None
        resource: dict[str, Any] = stored.dump()
        private = resource.pop(_PRIVATE)
        expires = resource.get("expirationTime")
        if expires is not None and int(expires) <= int(metadata.now()):
            self._forget(reference)
            return None
        return StoredModel(reference, resource, private["training"])

    def get(self, reference: Reference) -> StoredModel:
        """The model.

        Raises:
            BigQueryError: `notFound`; the dataset or the model is not there.
        """
        datasets.get(*reference[:2])
        found = self.find(reference)
        if found is None:
            raise not_found("Model", reference.label)
        return found

    def list(self, project_id: str, dataset_id: str) -> list[StoredModel]:
        """The models of a dataset, by name."""
        datasets.get(project_id, dataset_id)
        stored = metadata.list_(Model, project_id, dataset_id)
        named = sorted(model.modelReference.modelId for model in stored)
        found = (self.find(Reference(project_id, dataset_id, name)) for name in named)
        return [model for model in found if model is not None]

    def new_training(self, reference: Reference) -> tuple[str, Path]:
        """A new training's name and its directory, which exists and is empty."""
        training = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
        uri = artifact_uri(reference, training)
        directory = self.training_directory(uri)
        # Else another training of the model, when it is published, would sweep this one away.
        self._unpublished.add(uri)
        directory.mkdir(parents=True)
        return training, directory

    def discard(self, reference: Reference, training: str) -> None:
        """Delete a training that will not be published."""
        uri = artifact_uri(reference, training)
        shutil.rmtree(self.training_directory(uri))
        self._unpublished.discard(uri)

    def training_directory(self, uri: str) -> Path:
        """Where the training of an artifact URI is kept.

        Raises:
            ValueError: The URI does not name a training of this local cloud.
        """
        parts = uri.removeprefix(SCHEME).split("/")
        if (
            not uri.startswith(SCHEME)
            or len(parts) != 4
            or any(unquote(p) in ("", ".", "..") for p in parts)
        ):
            raise ValueError(
                f"artifact URI {uri} is not one of this local cloud's BigQuery ML models; such a "
                f"URI is {SCHEME}<project>/<dataset>/<model>/<training>"
            )
        return self._directory.joinpath(*parts)

    def publish(
        self,
        reference: Reference,
        training: str,
        resource: Mapping[str, Any],
        *,
        vertex_ai_model_id: str | None,
        aliases: Sequence[str] = (),
    ) -> StoredModel:
        """Make a finished training the model that answers.

        It is registered first and stored last: when the process dies in between, the model is not
        there (or still the earlier one), and the statement can simply be run again.

        Args:
            reference: The model's name.
            training: A finished training of it.
            resource: The REST resource without registration.
            vertex_ai_model_id: Registers it under this id; None does not register it.
            aliases: Version aliases for the new version.

        Raises:
            BigQueryError: The registry refuses the version.
        """
        resource = dict(resource)
        if vertex_ai_model_id is not None:
            resource = self._registered(reference, training, resource, vertex_ai_model_id, aliases)
        stored = self._save(reference, training, resource)
        self._unpublished.discard(stored.artifact_uri)
        self.sweep(reference)
        return stored

    def patch(
        self, reference: Reference, changes: Mapping[str, Any], etag: str | None = None
    ) -> StoredModel:
        """Change what may be changed without training; see `WRITABLE`.

        Args:
            reference: The model's name.
            changes: REST fields; None as a value takes one away. `trainingRuns` with a
                `vertexAiModelId` registers the model. Fields that Google only puts out, and other
                parts of `trainingRuns`, are left alone, as Google does.
            etag: Refuses the change when the model's etag is another; None changes it anyway.

        Raises:
            BigQueryError: `notFound`, `conditionNotMet`, or `invalid` when it is registered under
                another id.
        """
        found = self.get(reference)
        metadata.check_etag(Model.model_validate(found.resource), etag)
        given = {key: changes[key] for key in WRITABLE if key in changes}
        resource = Model.model_validate(found.resource).merged(Model.model_validate(given)).dump()
        resource["lastModifiedTime"] = metadata.now()
        asked = [run.get("vertexAiModelId") for run in changes.get("trainingRuns") or []]
        if asked and asked[-1] is not None and asked[-1] != found.vertex_ai_model_id:
            if found.vertex_ai_model_id is not None:
                raise BigQueryError(
                    "invalid",
                    f"Model {reference.label} is registered as {found.vertex_ai_model_id}; its "
                    "vertex_ai_model_id cannot be changed. Copy the model and register the copy.",
                )
            resource = self._registered(reference, found.training, resource, asked[-1], ())
        return self._save(reference, found.training, resource)

    def delete(self, reference: Reference) -> None:
        """Delete a model and take it out of the registry.

        Raises:
            BigQueryError: `notFound`, or `resourceInUse` when a version of it is deployed.
        """
        self.get(reference)
        # A registration can outlast the model that had it, when a copy took that one's place.
        if self._registry is not None:
            try:
                self._registry.unregister(*reference)
            except ApiError as error:
                raise BigQueryError("resourceInUse", error.message) from error
        self._forget(reference)

    def delete_all(self, project_id: str, dataset_id: str) -> None:
        """Delete a dataset's models; the first that is deployed stops it."""
        for found in self.list(project_id, dataset_id):
            self.delete(found.reference)

    def sweep(self, reference: Reference) -> None:
        """Delete trainings of a model that neither it nor the registry needs."""
        found = self.find(reference)
        needed = set() if self._registry is None else set(self._registry.artifacts_in_use())
        needed |= self._unpublished
        if found is not None:
            needed.add(found.artifact_uri)
        for directory in self._model_directory(reference).glob("*"):
            if artifact_uri(reference, directory.name) not in needed:
                shutil.rmtree(directory)

    def _registered(
        self,
        reference: Reference,
        training: str,
        resource: dict[str, Any],
        vertex_ai_model_id: str,
        aliases: Sequence[str],
    ) -> dict[str, Any]:
        if resource.get("remoteModelInfo"):
            raise BigQueryError("invalidQuery", "A remote model cannot be registered.")
        if self._registry is None:
            raise BigQueryError(
                "notImplemented",
                f"Model {reference.label} cannot be registered: this local cloud runs BigQuery "
                "without Vertex AI.",
            )
        version = BigQueryModelVersion(
            project=reference.project,
            dataset_id=reference.dataset,
            model_id=reference.name,
            location=location.of_dataset(*reference[:2]) or location.DEFAULT,
            artifact_uri=artifact_uri(reference, training),
            model_type=str(resource.get("modelType")),
            description=str(resource.get("description") or ""),
            labels=dict(resource.get("labels") or {}),
        )
        try:
            version_id = self._registry.register(
                version, vertex_ai_model_id=vertex_ai_model_id, aliases=aliases
            )
        except ApiError as error:
            raise BigQueryError("invalid", error.message) from error
        registration = {"vertexAiModelId": vertex_ai_model_id, "vertexAiModelVersion": version_id}
        runs = resource.get("trainingRuns") or [{}]
        return resource | {"trainingRuns": [*runs[:-1], runs[-1] | registration]}

    def _save(
        self, reference: Reference, training: str, resource: Mapping[str, Any]
    ) -> StoredModel:
        kept = {key: value for key, value in resource.items() if key != "etag"}
        body = kept | {_PRIVATE: {"training": training}}
        saved = metadata.save(Model.model_validate(body), *reference).dump()
        return StoredModel(reference, {k: v for k, v in saved.items() if k != _PRIVATE}, training)

    def _forget(self, reference: Reference) -> None:
        metadata.delete(Model, *reference)
        self.sweep(reference)

    def _model_directory(self, reference: Reference) -> Path:
        return self._directory.joinpath(*(quote(part, safe="") for part in reference))


def identity(reference: Reference) -> dict[str, Any]:
    """The REST fields every model has, for a model made now."""
    now = metadata.now()
    return {
        "modelReference": {
            "projectId": reference.project,
            "datasetId": reference.dataset,
            "modelId": reference.name,
        },
        "location": location.of_dataset(*reference[:2]) or location.DEFAULT,
        "creationTime": now,
        "lastModifiedTime": now,
    }


def check_name(reference: Reference) -> None:
    """Refuse a model name that BigQuery refuses.

    Raises:
        BigQueryError: `invalid`.
    """
    upstream_names.table(reference.name)
