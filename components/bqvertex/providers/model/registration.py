"""What holds a model: who serves it from the Model Registry."""

from collections.abc import Sequence
from typing import Protocol

from bqvertex.clients.bigquery import LiveModel
from bqvertex.clients.errors import FailedPrecondition, NotFound
from bqvertex.clients.vertex.registry import ModelVersion
from bqvertex.specs.model import ModelSpec
from bqvertex.specs.registered_model import declared_aliases, model_name


class Registry(Protocol):
    """What a model asks of the Model Registry, see `bqvertex.clients.vertex.registry`."""

    def holders(self, model_name: str) -> Sequence[str]:
        """Say where a registered model is deployed."""
        ...

    def version(self, model_name: str, version: str) -> ModelVersion:
        """Look up a version by number or alias."""
        ...


def refuse_if_held(registry: Registry, spec: ModelSpec, live: LiveModel) -> None:
    """Refuse to delete a model that somebody serves, or has named for serving.

    A registration alone does not hold it: Google deletes the entry with the model and knows no
    other way, https://docs.cloud.google.com/bigquery/docs/managing-models-vertex. A deployment
    does, and so does an alias of its version that the statement itself does not give.

    Raises:
        FailedPrecondition: It is held; the message says by what, and what to do.
    """
    if not live.vertex_ai_model_id:
        return
    name = model_name(spec.project, spec.location, live.vertex_ai_model_id)
    entry = f"{name}, version {live.vertex_ai_model_version or 'unknown'}, in the Model Registry"
    if holders := registry.holders(name):
        raise FailedPrecondition(
            f"delete model {spec.path}: it is {entry}, served by {'; '.join(holders)}; undeploy it "
            "there first, then run it again"
        )
    try:
        version = registry.version(name, live.vertex_ai_model_version or "default")
    except NotFound:
        return
    stated = spec.read_statement.parts.options.get("VERTEX_AI_MODEL_VERSION_ALIASES") or []
    given = {str(alias) for alias in stated} if isinstance(stated, list) else set()
    if aliases := [alias for alias in declared_aliases(version.aliases) if alias not in given]:
        raise FailedPrecondition(
            f"delete model {spec.path}: it is {entry}, where its version is named "
            f"{', '.join(aliases)}; somebody may rely on that: take the aliases off, or give them "
            "to another version, then run it again"
        )
