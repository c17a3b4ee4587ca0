"""The Model Registry: versions of models and their aliases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tenacity import retry_if_exception_type

from bqvertex.clients.errors import NotFound
from bqvertex.clients.vertex.rest import VertexRest, patiently

VERSION_DEADLINE_S = 600.0
"""Seconds until a version that BigQuery named has to be seen in the registry."""


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """One version of a model in the registry.

    Attributes:
        model_name: `projects/…/locations/…/models/…` as Google writes it, without the version.
        version_id: Its number, such as `3`.
        aliases: All its aliases, `default` among them where it is the default version.
        source_type: Where it comes from, such as `BQML` or `CUSTOM`.
        display_name: The model's display name.
        description: The model's description.
    """

    model_name: str
    version_id: str
    aliases: tuple[str, ...]
    source_type: str
    display_name: str = ""
    description: str = ""


class ModelRegistry(Protocol):
    """What the providers need of the Model Registry."""

    def version(self, model_name: str, version: str) -> ModelVersion:
        """Look up a version by number or alias.

        Raises:
            NotFound: There is no such model or version.
        """
        ...

    def wait_for_version(self, model_name: str, version: str) -> ModelVersion:
        """Look up a version that is about to appear.

        Raises:
            NotFound: It has not appeared within `VERSION_DEADLINE_S`.
        """
        ...

    def merge_version_aliases(
        self, model_name: str, version_id: str, aliases: Sequence[str]
    ) -> ModelVersion:
        """Add aliases to a version, and take off it those with the prefix `-`."""
        ...

    def describe(
        self, model_name: str, *, display_name: str | None, description: str | None
    ) -> None:
        """Set display name and description; None leaves what is there."""
        ...

    def holders(self, model_name: str) -> Sequence[str]:
        """Say what keeps a registered model from being deleted: where it is deployed.

        Args:
            model_name: `projects/…/locations/…/models/…`, without a version: all are asked for.

        Returns:
            One phrase a deployment, such as `endpoint projects/…/endpoints/1 (deployed model 2,
            version 3)`; empty when nothing holds it, and when there is no such model.
        """
        ...


class VertexModelRegistry:
    """The Model Registry of Vertex AI, or of the local cloud."""

    def __init__(self, rest: VertexRest) -> None:
        """Keep the way to Vertex AI."""
        self._rest = rest

    def version(self, model_name: str, version: str) -> ModelVersion:
        """See `ModelRegistry.version`."""
        client = self._client(model_name)
        target = f"{model_name}@{version}"
        model = self._rest.call("read model version", target, client.get_model, {"name": target})
        return _model_version(model)

    def wait_for_version(self, model_name: str, version: str) -> ModelVersion:
        """See `ModelRegistry.wait_for_version`."""
        attempts = patiently(retry_if_exception_type(NotFound), VERSION_DEADLINE_S)
        return attempts(self.version, model_name, version)

    def merge_version_aliases(
        self, model_name: str, version_id: str, aliases: Sequence[str]
    ) -> ModelVersion:
        """See `ModelRegistry.merge_version_aliases`."""
        client = self._client(model_name)
        target = f"{model_name}@{version_id}"
        model = self._rest.call(
            f"set the version aliases {', '.join(aliases)} of",
            target,
            client.merge_version_aliases,
            {"name": target, "version_aliases": list(aliases)},
        )
        return _model_version(model)

    def describe(
        self, model_name: str, *, display_name: str | None, description: str | None
    ) -> None:
        """See `ModelRegistry.describe`."""
        said = {"display_name": display_name, "description": description}
        fields = {name: value for name, value in said.items() if value is not None}
        if not fields:
            return
        client = self._client(model_name)
        self._rest.call(
            f"set {' and '.join(fields)} of",
            model_name,
            client.update_model,
            {"model": {"name": model_name, **fields}, "update_mask": {"paths": list(fields)}},
        )

    def holders(self, model_name: str) -> Sequence[str]:
        """See `ModelRegistry.holders`."""
        client = self._client(model_name)

        def every_page(**options: Any) -> list[Any]:
            return list(client.list_model_versions(**options))

        try:
            versions = self._rest.call(
                "list the versions of", model_name, every_page, {"name": model_name}
            )
        except NotFound:
            return ()
        return tuple(
            f"endpoint {deployed.endpoint} (deployed model {deployed.deployed_model_id}, "
            f"version {version.version_id})"
            for version in versions
            for deployed in version.deployed_models
        )

    def _client(self, model_name: str) -> Any:
        return self._rest.client("v1", "ModelService", location_of(model_name))


def location_of(name: str) -> str:
    """Read the region out of a resource name, `projects/…/locations/<region>/…`."""
    return name.split("/")[3]


def _model_version(model: Any) -> ModelVersion:
    return ModelVersion(
        model_name=model.name.partition("@")[0],
        version_id=model.version_id,
        aliases=tuple(sorted(model.version_aliases)),
        source_type=model.model_source_info.source_type.name,
        display_name=model.display_name,
        description=model.description,
    )
