"""`Model`: a BigQuery ML model of any kind, from its CREATE MODEL statement."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.model import ModelLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.owner import owner_of
from bqvertex.resources.progress import report


class ModelArgs(TypedDict):
    """Inputs of a `Model`.

    Attributes:
        project: Project of the dataset; also runs the training. Another one replaces the model.
        location: The dataset's location. Another one replaces the model.
        dataset_id: Dataset, which must be there. Another one replaces the model.
        model_id: Model. Another one replaces it.
        statement: One CREATE MODEL statement. Names without project or dataset are looked for in
            those of the model. A change of its meaning trains anew in place, and the old model
            serves until then; comments, layout, case of keywords and order of options mean nothing.
        statement_file: Where the statement was read from, for messages; left out, `statement`.
        schemas: Columns of tables and views that the statement reads, by the names that it uses,
            each a list of `TableFieldSchema`: with them, names and types are checked at preview.
            Left out, BigQuery finds out.
        description: Shown with the model; left out, none.
        labels: Google Cloud labels; left out, none but this toolkit's own (`bqvertex_…`).
        expiration: Moment at which BigQuery deletes the model, such as `2027-01-31T00:00:00Z`;
            left out, never.
        adopt: Take over a model of this name that is there already, as it is and without training
            it. Left out, such a model is an error.
        job_timeout_s: Seconds the training may take; left out, 86400, which is BigQuery's own
            limit for most kinds.
        retrain_on: Any values whose change makes a training wanted, such as the content hash of a
            table, or a date; left out, none.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    model_id: pulumi.Input[str]
    statement: pulumi.Input[str]
    statement_file: NotRequired[pulumi.Input[str]]
    schemas: NotRequired[pulumi.Input[Mapping[str, Sequence[Mapping[str, Any]]]]]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    expiration: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]
    retrain_on: NotRequired[pulumi.Input[Sequence[Any]]]


class ModelProvider(DynamicHost):
    """Serves `ModelLifecycle`. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return ModelLifecycle(GoogleBigQuery(settings), report=report)


class Model(Resource, module="bqvertex", name="Model"):
    """A BigQuery ML model.

    Attributes:
        project: Project of the dataset; known at preview.
        location: The dataset's location; known at preview.
        dataset_id: The dataset's id; known at preview.
        model_id: The model's id; known at preview.
        model_path: `project.dataset.model`.
        definition_hash: Hash of what the statement means; known at preview.
        model_type: BigQuery's REST name of the kind, such as `BOOSTED_TREE_CLASSIFIER`.
        feature_columns: Type by name of each column it takes.
        label_columns: Type by name of each column it predicts.
        evaluation: What ML.EVALUATE answers after the training, by metric; empty for kinds that
            have no evaluation of their own.
        training_job_id: The BigQuery job that trained it; empty for an adopted one.
        trained_at: When its training began, RFC 3339 in UTC.
        seconds: Seconds that the training took.
        bytes_processed: Bytes that the training read.
    """

    project: pulumi.Output[str]
    location: pulumi.Output[str]
    dataset_id: pulumi.Output[str]
    model_id: pulumi.Output[str]
    model_path: pulumi.Output[str]
    definition_hash: pulumi.Output[str]
    model_type: pulumi.Output[str]
    feature_columns: pulumi.Output[Mapping[str, str]]
    label_columns: pulumi.Output[Mapping[str, str]]
    evaluation: pulumi.Output[Mapping[str, float]]
    training_job_id: pulumi.Output[str]
    trained_at: pulumi.Output[str]
    seconds: pulumi.Output[float]
    bytes_processed: pulumi.Output[int]

    def __init__(
        self, name: str, args: ModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the model.

        Args:
            name: Name of the resource in the program.
            args: See `ModelArgs`.
            opts: Options of the resource.
        """
        computed = dict.fromkeys(
            (
                "bytes_processed",
                "definition_hash",
                "evaluation",
                "feature_columns",
                "label_columns",
                "model_path",
                "model_type",
                "seconds",
                "trained_at",
                "training_job_id",
            )
        )
        super().__init__(ModelProvider(), name, {**computed, **args, "owner": owner_of(name)}, opts)
