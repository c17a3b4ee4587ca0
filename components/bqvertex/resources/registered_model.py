"""`RegisteredModel`: a BigQuery ML model's entry in the Vertex AI Model Registry."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.clients.vertex.registry import VertexModelRegistry
from bqvertex.clients.vertex.rest import VertexRest
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.registered_model import RegisteredModelLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.progress import report


class RegisteredModelArgs(TypedDict):
    """Inputs of a `RegisteredModel`.

    Attributes:
        project: Project of the dataset and of the registry. Another one replaces the entry.
        location: The dataset's location, such as `EU` or `europe-west4`; the registry's region
            follows from it. Another one replaces the entry.
        dataset_id: Dataset of the BigQuery ML model. Another one replaces the entry.
        model_id: The BigQuery ML model, which must be there. Another one replaces the entry.
        vertex_ai_model_id: Id in the registry: 1 to 63 lower case letters, digits, `_` and `-`.
            Models with the same one are versions of one entry. Another one replaces the entry,
            which BigQuery allows only for a model that is made again.
        version_aliases: Names for the model's current version, such as `["champion"]`; after a
            retrain they are moved to the new version. They are the whole truth: another alias
            found on the version is taken off. Left out, none; `default` is Vertex AI's own.
        definition_hash: `definition_hash` of the model; its change says that there is a new
            version. Left out, a retrain is noticed by `refresh` only.
        display_name: Shown in the console; left out, BigQuery's choice.
        description: Shown in the console; left out, what BigQuery took over from the model.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    model_id: pulumi.Input[str]
    vertex_ai_model_id: pulumi.Input[str]
    version_aliases: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    definition_hash: NotRequired[pulumi.Input[str]]
    display_name: NotRequired[pulumi.Input[str]]
    description: NotRequired[pulumi.Input[str]]


class RegisteredModelProvider(DynamicHost):
    """Serves `RegisteredModelLifecycle`. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return RegisteredModelLifecycle(
            GoogleBigQuery(settings), VertexModelRegistry(VertexRest(settings)), report=report
        )


class RegisteredModel(Resource, module="bqvertex", name="RegisteredModel"):
    """A BigQuery ML model's entry in the Vertex AI Model Registry.

    Attributes:
        project: As given; known at preview.
        location: As given, the dataset's; known at preview.
        model_name: `projects/…/locations/<region>/models/<id>`; known at preview.
        version_aliases: As declared, sorted.
        definition_hash: As given; None where none was. Known at preview.
        version_id: Number of the model's current version, such as `3`.
        model_source: `BQML`.
    """

    project: pulumi.Output[str]
    location: pulumi.Output[str]
    model_name: pulumi.Output[str]
    version_aliases: pulumi.Output[list[str]]
    definition_hash: pulumi.Output[str]
    version_id: pulumi.Output[str]
    model_source: pulumi.Output[str]

    def __init__(
        self, name: str, args: RegisteredModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the entry.

        Args:
            name: Name of the resource in the program.
            args: See `RegisteredModelArgs`.
            opts: Options of the resource.
        """
        props = {
            "model_name": None,
            "version_id": None,
            "model_source": None,
            "version_aliases": None,
            "definition_hash": None,
            **args,
        }
        super().__init__(RegisteredModelProvider(), name, props, opts)
