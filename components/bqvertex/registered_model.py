"""RegisteredModel: a BigQuery ML model in the Model Registry, its version under names that stay."""

from typing import NotRequired, TypedDict

import pulumi

from bqvertex.resources import registered_model as resource


class RegisteredModelArgs(TypedDict):
    """Inputs of a `RegisteredModel`.

    Attributes:
        project: Project of the dataset and of the registry.
        location: The dataset's location, such as `EU` or `europe-west4`; the registry's region
            follows from it.
        dataset_id: Dataset of the BigQuery ML model.
        model_id: The BigQuery ML model.
        vertex_ai_model_id: Id in the registry: 1 to 63 lower case letters, digits, `_` and `-`.
            Left out, `model_id` in lower case.
        version_aliases: Names for the model's current version, moved to the new version after each
            retrain. Left out, none.
        definition_hash: `definition_hash` of the model, so that the preview of a retrain shows the
            new version.
        display_name: Shown in the console; left out, BigQuery's choice.
        description: Shown in the console; left out, BigQuery's choice.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    model_id: pulumi.Input[str]
    definition_hash: pulumi.Input[str]
    vertex_ai_model_id: NotRequired[pulumi.Input[str]]
    version_aliases: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    display_name: NotRequired[pulumi.Input[str]]
    description: NotRequired[pulumi.Input[str]]


class RegisteredModel(pulumi.ComponentResource):
    """A BigQuery ML model in the Model Registry.

    Attributes:
        model_name: `projects/…/locations/<region>/models/<id>`; known at preview.
        definition_hash: Of the model; known at preview.
        version_id: Number of the model's current version.
    """

    model_name: pulumi.Output[str]
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
        entry = resource.RegisteredModel(
            name,
            {
                "vertex_ai_model_id": pulumi.Output.from_input(args["model_id"]).apply(str.lower),
                **args,
            },
            pulumi.ResourceOptions(parent=self),
        )
        self.model_name = entry.model_name
        self.definition_hash = entry.definition_hash
        self.version_id = entry.version_id
        self.register_outputs(
            {
                "model_name": self.model_name,
                "definition_hash": self.definition_hash,
                "version_id": self.version_id,
            }
        )
