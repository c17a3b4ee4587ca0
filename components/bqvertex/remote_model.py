"""`RemoteModel`: a model that runs elsewhere, called from SQL through a connection."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from bqvertex.connection import Connection
from bqvertex.dataset import Dataset
from bqvertex.resources.model import Model, ModelArgs
from bqvertex.specs.remote_model import remote_model_statement
from bqvertex.trained_model import place_of, upstream

PASSED_ON = frozenset({"description", "expiration", "adopt"})
"""Inputs that are the resource's as they are."""


class RemoteModelArgs(TypedDict):
    """Inputs of a `RemoteModel`.

    Attributes:
        dataset: Dataset of the model; left out, give `project`, `location` and `dataset_id`.
        project: Project of the dataset; left out, that of `dataset`.
        location: The dataset's location; left out, that of `dataset`.
        dataset_id: The dataset's id; left out, that of `dataset`.
        model_id: Id of the model.
        connection: Connection to call through, or its path `project.location.connection`.
        endpoint: What to call: a hosted model such as `gemini-2.5-flash`, or a Vertex AI endpoint
            by its name `projects/…/locations/…/endpoints/…` or its URL.
        inputs: Type by name of each field of a request to a custom endpoint; left out for a
            hosted model.
        outputs: Type by name of each field of its predictions; left out for a hosted model.
        options: Further options of CREATE MODEL; left out, none.
        description: Shown with the model; left out, none.
        labels: Google Cloud labels; left out, those of `dataset`.
        expiration: Moment at which BigQuery deletes it, RFC 3339; left out, never.
        adopt: Take over a model of this name that is there already; left out, that is an error.
    """

    dataset: NotRequired[Dataset]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    dataset_id: NotRequired[pulumi.Input[str]]
    model_id: str
    connection: Connection | pulumi.Input[str]
    endpoint: pulumi.Input[str]
    inputs: NotRequired[Mapping[str, str]]
    outputs: NotRequired[Mapping[str, str]]
    options: NotRequired[Mapping[str, Any]]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    expiration: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[bool]


class RemoteModel(pulumi.ComponentResource):
    """A remote model, made after the grants of its connection.

    Attributes:
        project: Project of the dataset; known at preview.
        location: The dataset's location; known at preview.
        dataset_id: The dataset's id; known at preview.
        model_id: The model's id; known at preview.
        model_path: `project.dataset.model`; known at preview.
        definition_hash: Hash of what its statement means.
        model: The resource itself, for `depends_on`.
    """

    project: pulumi.Output[str]
    location: pulumi.Output[str]
    dataset_id: pulumi.Output[str]
    model_id: pulumi.Output[str]
    model_path: pulumi.Output[str]
    definition_hash: pulumi.Output[str]

    def __init__(
        self, name: str, args: RemoteModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the model.

        Args:
            name: Name of the component in the program.
            args: See `RemoteModelArgs`.
            opts: Options of the component.

        Raises:
            RunError: An option or a type cannot be written in SQL.
        """
        super().__init__("bqvertex:index:RemoteModel", name, None, opts)
        dataset, connection = args.get("dataset"), args["connection"]
        path = connection.path if isinstance(connection, Connection) else connection
        waits_for = upstream(dataset, opts)
        if isinstance(connection, Connection):
            waits_for += [connection.connection, *connection.grants]

        def statement(known: Sequence[str]) -> str:
            try:
                return remote_model_statement(
                    args["model_id"],
                    connection=known[0],
                    endpoint=known[1],
                    inputs=args.get("inputs", {}),
                    outputs=args.get("outputs", {}),
                    options=args.get("options", {}),
                )
            except ValueError as error:
                raise pulumi.RunError(f"model {name}: {error}") from None

        inputs = {
            **place_of(name, args, dataset),
            **{key: value for key, value in args.items() if key in PASSED_ON},
            "model_id": args["model_id"],
            "statement": pulumi.Output.all(path, args["endpoint"]).apply(statement),
            "labels": args.get("labels", dataset.labels if dataset else None),
        }
        self.model = Model(
            name,
            cast(ModelArgs, inputs),
            pulumi.ResourceOptions(parent=self, depends_on=waits_for),
        )
        self.project = self.model.project
        self.location = self.model.location
        self.dataset_id = self.model.dataset_id
        self.model_id = self.model.model_id
        # Put together from the inputs: Google's answer is not known at preview.
        self.model_path = pulumi.Output.concat(
            self.project, ".", self.dataset_id, ".", self.model_id
        )
        self.definition_hash = self.model.definition_hash
        self.register_outputs(
            {"model_path": self.model_path, "definition_hash": self.definition_hash}
        )
