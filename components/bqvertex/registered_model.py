"""RegisteredModel: a BigQuery ML model in the Model Registry, its version under names that stay."""

from typing import NotRequired, Protocol, TypedDict, cast

import pulumi

from bqvertex.resources import registered_model as resource
from bqvertex.specs.region import registry_region


class BigQueryModel(Protocol):
    """What has to be known of a BigQuery ML model; a `TrainedModel` is one.

    Attributes:
        project: Project of its dataset.
        location: Location of its dataset.
        dataset_id: Its dataset.
        model_id: Its id.
        definition_hash: Hash of what it was trained from.
    """

    @property
    def project(self) -> pulumi.Output[str]: ...  # noqa: D102
    @property
    def location(self) -> pulumi.Output[str]: ...  # noqa: D102
    @property
    def dataset_id(self) -> pulumi.Output[str]: ...  # noqa: D102
    @property
    def model_id(self) -> pulumi.Output[str]: ...  # noqa: D102
    @property
    def definition_hash(self) -> pulumi.Output[str]: ...  # noqa: D102


class RegisteredModelArgs(TypedDict):
    """Inputs of a `RegisteredModel`: `model`, or where it is made elsewhere the five after it.

    Attributes:
        model: The BigQuery ML model, such as a `TrainedModel`.
        project: Project of the dataset and of the registry.
        location: The dataset's location, such as `EU` or `europe-west4`; the registry's region
            follows from it.
        dataset_id: Dataset of the BigQuery ML model.
        model_id: The BigQuery ML model.
        definition_hash: Any text that changes when the model is made anew.
        vertex_ai_model_id: Id in the registry: 1 to 63 lower case letters, digits, `_` and `-`.
            Left out, the model's own id in lower case.
        version_aliases: Names for the model's current version, moved to the new version after each
            retrain. Left out, none.
        display_name: Shown in the console; left out, BigQuery's choice.
        description: Shown in the console; left out, BigQuery's choice.
    """

    model: NotRequired[BigQueryModel]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    dataset_id: NotRequired[pulumi.Input[str]]
    model_id: NotRequired[pulumi.Input[str]]
    definition_hash: NotRequired[pulumi.Input[str]]
    vertex_ai_model_id: NotRequired[pulumi.Input[str]]
    version_aliases: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    display_name: NotRequired[pulumi.Input[str]]
    description: NotRequired[pulumi.Input[str]]


class RegisteredModel(pulumi.ComponentResource):
    """A BigQuery ML model in the Model Registry.

    Attributes:
        project: Project of the registry; known at preview.
        location: Region of the registry, such as `us-central1` for a dataset in `US`; known at
            preview.
        model_name: `projects/…/locations/<region>/models/<id>`; known at preview.
        version_aliases: As declared, sorted; known at preview.
        definition_hash: Of the model; known at preview.
        version_id: Number of the model's current version.
    """

    project: pulumi.Output[str]
    location: pulumi.Output[str]
    model_name: pulumi.Output[str]
    version_aliases: pulumi.Output[list[str]]
    definition_hash: pulumi.Output[str]
    version_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: RegisteredModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the entry.

        Args:
            name: Name of the component in the program.
            args: See `RegisteredModelArgs`.
            opts: Options of the component.
        """
        super().__init__("bqvertex:index:RegisteredModel", name, None, opts)
        inputs = {key: value for key, value in args.items() if key != "model"}
        model = args.get("model")
        if model is not None:
            inputs |= {key: getattr(model, key) for key in _OF_THE_MODEL}
        if inputs.get("vertex_ai_model_id") is None and "model_id" in inputs:
            model_id = cast(pulumi.Input[str], inputs["model_id"])
            inputs["vertex_ai_model_id"] = pulumi.Output.from_input(model_id).apply(str.lower)
        entry = resource.RegisteredModel(
            name,
            cast(resource.RegisteredModelArgs, inputs),
            pulumi.ResourceOptions(parent=self),
        )
        self.project = entry.project
        self.location = entry.location.apply(registry_region)
        self.model_name = entry.model_name
        self.version_aliases = entry.version_aliases
        self.definition_hash = entry.definition_hash
        self.version_id = entry.version_id
        self.register_outputs(
            {
                "project": self.project,
                "location": self.location,
                "model_name": self.model_name,
                "version_aliases": self.version_aliases,
                "definition_hash": self.definition_hash,
                "version_id": self.version_id,
            }
        )


_OF_THE_MODEL = ("project", "location", "dataset_id", "model_id", "definition_hash")
