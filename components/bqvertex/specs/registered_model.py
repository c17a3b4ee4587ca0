"""A BigQuery ML model's entry in the Vertex AI Model Registry, as plain data."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs.identifier import DATASET, MODEL, PROJECT, quoted_path
from bqvertex.specs.identifier import problems as id_problems
from bqvertex.specs.inputs import Problem, known, missing, not_text
from bqvertex.specs.literal import options
from bqvertex.specs.location import location_problem
from bqvertex.specs.region import registry_region
from bqvertex.specs.unknown import UNKNOWN, holds_unknown

IDENTITY: Final = frozenset({"project", "location", "dataset_id", "model_id", "vertex_ai_model_id"})
"""Inputs whose change means another entry: the registry id of a BigQuery model cannot change."""
DEFINITION: Final = frozenset({"definition_hash"})
"""Inputs whose change means that BigQuery made a new version."""
METADATA: Final = frozenset({"version_aliases", "display_name", "description"})
"""Inputs that are altered in place, for free."""
INPUTS: Final = IDENTITY | DEFINITION | METADATA
CONSEQUENCES: Final = (
    (IDENTITY, "replaces the registry entry"),
    (DEFINITION, "names the version that a training makes"),
    (METADATA, "changes the registry entry only, trains nothing"),
)
"""What a change of inputs does, see `bqvertex.specs.change_reason`."""

_MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}\Z")
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]\Z")


@dataclass(frozen=True, kw_only=True)
class RegisteredModelSpec:
    """What the entry should be.

    Attributes:
        project: Project of the dataset and of the registry.
        location: The dataset's location.
        dataset_id: The BigQuery dataset.
        model_id: The BigQuery ML model.
        vertex_ai_model_id: Id in the registry.
        version_aliases: Names for the model's current version, sorted; `default` is not one.
        display_name: Name shown in the registry; None leaves what is there.
        description: Text shown in the registry; None leaves what is there.
    """

    project: str
    location: str
    dataset_id: str
    model_id: str
    vertex_ai_model_id: str
    version_aliases: tuple[str, ...] = ()
    display_name: str | None = None
    description: str | None = None

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "RegisteredModelSpec":
        """Take the known inputs, or a state, as a spec."""
        return cls(
            project=inputs["project"],
            location=inputs["location"],
            dataset_id=inputs["dataset_id"],
            model_id=inputs["model_id"],
            vertex_ai_model_id=inputs["vertex_ai_model_id"],
            version_aliases=tuple(inputs.get("version_aliases") or ()),
            display_name=inputs.get("display_name"),
            description=inputs.get("description"),
        )

    @property
    def path(self) -> str:
        """The BigQuery ML model, `project.dataset.model`."""
        return f"{self.project}.{self.dataset_id}.{self.model_id}"

    @property
    def model_name(self) -> str:
        """The entry, `projects/…/locations/…/models/…`."""
        return model_name(self.project, self.location, self.vertex_ai_model_id)


def model_name(project: str, location: str, vertex_ai_model_id: str) -> str:
    """Name the registry entry of a BigQuery model, without asking Google.

    Args:
        project: Project id.
        location: The dataset's location, such as `EU`, or a region.
        vertex_ai_model_id: Id in the registry.

    Returns:
        `projects/<project>/locations/<region>/models/<id>`.
    """
    return f"projects/{project}/locations/{registry_region(location)}/models/{vertex_ai_model_id}"


def normalised(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Put inputs into the one form that is compared: aliases sorted, each once."""
    result = dict(inputs)
    aliases = result.get("version_aliases")
    if aliases is None:
        result["version_aliases"] = []
    elif not holds_unknown(aliases) and all(isinstance(alias, str) for alias in aliases):
        result["version_aliases"] = sorted(set(aliases))
    named = [result.get(name) for name in ("project", "location", "vertex_ai_model_id")]
    if any(holds_unknown(part) for part in named):
        result["model_name"] = UNKNOWN
    elif all(isinstance(part, str) for part in named):
        result["model_name"] = model_name(*[str(part) for part in named])
    return result


def problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each input that Google would refuse, with the reason."""
    yield from missing(inputs, IDENTITY)
    yield from not_text(inputs, IDENTITY | DEFINITION | {"display_name", "description"})
    for name, rule in (("project", PROJECT), ("dataset_id", DATASET), ("model_id", MODEL)):
        if inputs.get(name):
            yield from id_problems(name, inputs[name], rule)
    if known(inputs, "location", str) and (wrong := location_problem(inputs["location"])):
        yield "location", wrong
    if known(inputs, "vertex_ai_model_id", str) and not _MODEL_ID.match(
        inputs["vertex_ai_model_id"]
    ):
        yield (
            "vertex_ai_model_id",
            f"is '{inputs['vertex_ai_model_id']}': use 1 to 63 lower case letters, digits, "
            "underscores and hyphens, and start with a letter or an underscore",
        )
    aliases = inputs.get("version_aliases")
    if aliases is None or holds_unknown(aliases):
        return
    if not isinstance(aliases, (list, tuple)):
        yield "version_aliases", f"is {aliases!r}: give a list of texts, such as ['champion']"
        return
    for alias in aliases:
        if alias == "default":
            yield (
                "version_aliases",
                "holds 'default': Vertex AI keeps that alias on one version itself; leave it out",
            )
        elif not isinstance(alias, str) or not _ALIAS.match(alias):
            yield (
                "version_aliases",
                f"holds {alias!r}: use 2 to 128 letters, digits and hyphens, start with a lower "
                "case letter and end with a lower case letter or a digit",
            )


@dataclass(frozen=True)
class Registration:
    """What BigQuery says of a model's place in the registry.

    Attributes:
        vertex_ai_model_id: Its registry id; empty when it is not registered.
        version_id: The version that its last training made; empty until the registry has one.
    """

    vertex_ai_model_id: str = ""
    version_id: str = ""


def registration(training_runs: Iterable[Mapping[str, Any]]) -> Registration:
    """Read a model's registration out of the `trainingRuns` of BigQuery's REST API."""
    for run in reversed(list(training_runs)):
        if run.get("vertexAiModelId"):
            return Registration(run["vertexAiModelId"], run.get("vertexAiModelVersion", ""))
    return Registration()


def alter_model(spec: RegisteredModelSpec) -> str:
    """Write the statement that registers a model.

    Source: https://cloud.google.com/bigquery/docs/managing-models-vertex
    """
    path = quoted_path((spec.project, spec.dataset_id, spec.model_id))
    registry = options({"vertex_ai_model_id": spec.vertex_ai_model_id})
    return f"ALTER MODEL {path} SET OPTIONS ({registry})"


def declared_aliases(live: Iterable[str]) -> tuple[str, ...]:
    """The aliases of a live version in the form that is declared: sorted, without `default`."""
    return tuple(sorted(set(live) - {"default"}))


def alias_changes(declared: Collection[str], live: Iterable[str]) -> tuple[str, ...]:
    """Say what `models.mergeVersionAliases` has to be told.

    Args:
        declared: The aliases that the version should have.
        live: The aliases it has, `default` among them or not.

    Returns:
        Aliases to add, then those to remove, each of these with the prefix `-`; empty when
        nothing is to be done. `default` is never touched.
    """
    has = declared_aliases(live)
    added = sorted(set(declared) - set(has))
    removed = sorted(set(has) - set(declared))
    return (*added, *(f"-{alias}" for alias in removed))
