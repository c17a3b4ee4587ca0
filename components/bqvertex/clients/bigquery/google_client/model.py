"""Models: what is there, its metadata, its end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from bqvertex.clients.bigquery import refusals
from bqvertex.clients.bigquery.google_client.session import (
    REQUEST_TIMEOUT_S,
    Session,
    project_of,
)
from bqvertex.clients.bigquery.service import LiveModel
from bqvertex.clients.errors import FailedPrecondition

if TYPE_CHECKING:
    from google.cloud import bigquery

PATCHES = 3
"""How often a patch is made anew on what somebody else has changed meanwhile."""


class Models(Session):
    """The calls on models."""

    def model(self, path: str) -> LiveModel:
        """See `BigQuery.model`."""
        with self._translated("read model", path):
            return _live_model(self._get_model(path))

    def patch_model(
        self,
        path: str,
        *,
        description: str,
        labels: Mapping[str, str | None],
        expiration: str | None,
    ) -> LiveModel:
        """See `BigQuery.patch_model`."""
        from google.api_core.exceptions import PreconditionFailed

        with self._translated("update metadata of model", path):
            for left in reversed(range(PATCHES)):
                model = self._get_model(path)
                model.description = description or None
                # The stub says `str`; None is how the library deletes a label.
                model.labels = cast(dict[str, str], dict(labels))
                model.expires = datetime.fromisoformat(expiration) if expiration else None
                try:
                    # Sent with the model's etag: what changed since it was read is refused. So is
                    # this very patch, sent again because its first answer was lost.
                    return _live_model(
                        self._client(project_of(path)).update_model(
                            model,
                            ["description", "labels", "expires"],
                            retry=self._retry(),
                            timeout=REQUEST_TIMEOUT_S,
                        )
                    )
                except PreconditionFailed:
                    if not left:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def delete_model(self, path: str) -> None:
        """See `BigQuery.delete_model`."""
        from google.api_core.exceptions import BadRequest

        with self._translated("delete model", path):
            try:
                self._client(project_of(path)).delete_model(
                    path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
                )
            except BadRequest as error:
                # BigQuery refuses with 400 `invalid` to delete a model that is deployed from the
                # Model Registry; that is the state of the model, not a malformed request.
                if "deployed" not in str(error).lower():
                    raise
                said = refusals.sentence(error).rstrip(".")
                raise FailedPrecondition(
                    f"delete model {path}: {said}; undeploy it from its endpoint first"
                ) from error

    def _get_model(self, path: str) -> "bigquery.Model":
        return self._client(project_of(path)).get_model(
            path, retry=self._retry(), timeout=REQUEST_TIMEOUT_S
        )


def _live_model(model: "bigquery.Model") -> LiveModel:
    runs = list(model.training_runs)
    started = str(runs[-1].get("startTime", "")) if runs else ""
    registered: Mapping[str, Any] = next(
        (run for run in reversed(runs) if run.get("vertexAiModelId")), {}
    )
    # The library knows only `bestTrialId`, which Google has deprecated for `defaultTrialId`, and
    # neither the columns of a TRANSFORM clause nor what a remote model calls.
    resource = model._properties
    trial = resource.get("defaultTrialId")
    return LiveModel(
        model_type=str(model.model_type),
        location=str(model.location),
        description=model.description or "",
        labels=dict(model.labels or {}),
        expiration=_rfc3339(model.expires),
        trained_at=datetime.fromisoformat(started) if started else model.created,
        feature_columns=_columns(model.feature_columns),
        label_columns=_columns(model.label_columns),
        training_runs=runs,
        default_trial_id=int(trial) if trial else None,
        creation_time=model.created,
        transform_columns=list(resource.get("transformColumns", [])),
        remote_model_info=dict(resource.get("remoteModelInfo", {})),
        vertex_ai_model_id=str(registered.get("vertexAiModelId", "")),
        vertex_ai_model_version=str(registered.get("vertexAiModelVersion", "")),
    )


def _columns(fields: Any) -> dict[str, str]:
    return {str(field.name): _type_name(field.type) for field in fields or ()}


def _type_name(data_type: Any) -> str:
    # StandardSqlDataType, https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/StandardSqlDataType
    if data_type is None or data_type.type_kind is None:
        return ""
    kind = str(data_type.type_kind.name)
    if kind == "ARRAY":
        return f"ARRAY<{_type_name(data_type.array_element_type)}>"
    if kind == "STRUCT":
        inner = (f"{f.name} {_type_name(f.type)}" for f in data_type.struct_type.fields)
        return f"STRUCT<{', '.join(inner)}>"
    return kind


def _rfc3339(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
