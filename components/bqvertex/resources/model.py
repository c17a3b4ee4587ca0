"""`Model`: a BigQuery ML model of any kind, from its CREATE MODEL statement."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.clients.vertex.registry import VertexModelRegistry
from bqvertex.clients.vertex.rest import VertexRest
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.model import ModelLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.owner import owner_of
from bqvertex.resources.progress import report

OUTPUTS = (
    "bytes_processed",
    "creation_time",
    "definition_hash",
    "estimated_bytes_processed",
    "estimated_price_usd",
    "evaluation",
    "evaluation_metrics",
    "feature_columns",
    "label_columns",
    "model_path",
    "model_type",
    "seconds",
    "trained_at",
    "training_job_id",
    "training_metrics",
)
"""What a program may ask the resource for beside what it says itself."""


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
            each a list of `TableFieldSchema`: with them, names and types are checked at preview. An
            empty list is a table whose columns are not known.
            Left out, BigQuery finds out.
        models: What is known of models whose functions the statement calls, ML.PREDICT and the
            like, by the names that it uses, each as `bqvertex.specs.model_output.KnownModel` says
            it; left out, the columns that they answer are not checked at preview.
        description: Shown with the model; left out, none.
        labels: Google Cloud labels; left out, none but this toolkit's own (`bqvertex_…`).
        expiration: Moment at which BigQuery deletes the model, such as `2027-01-31T00:00:00Z`;
            left out, never.
        adopt: Take over a model of this name that is there already and was made of this
            statement, as far as BigQuery tells, without training it; one that was not is an
            error that names the differences. Left out, any such model is an error.
        adopt_as_is: Take it over whatever it was made of, without training it; a later change of
            the statement trains it anew. Left out, see `adopt`.
        job_timeout_s: Seconds the training may take, more than 0; left out, BigQuery's own limit:
            172800 for time series, AutoML and a statement with NUM_TRIALS, 86400 for the rest
            (https://docs.cloud.google.com/bigquery/quotas#query_jobs).
        retrain_on: Any values whose change makes a training wanted, such as the content hash of a
            table, or a date; left out, none.
        evaluation: Gate: thresholds by metric of ML.EVALUATE. `min` and `max` limit the metric
            itself, `min_change` and `max_change` the new model's less the serving one's, and are
            not asked where none serves: `{"roc_auc": {"min": 0.75, "min_change": -0.01}}`. The
            model is trained as `<model_id>__candidate` and takes its place only where all are
            met; else the update fails with the metrics, the old model serves on, and the next
            `up` evaluates the candidate again, for 7 days, without training. Left out, a trained
            model serves whatever its metrics are.
        evaluation_query: A SELECT statement whose rows both models are evaluated on; bare names
            are those of the dataset. Left out, each is evaluated on the rows that BigQuery held
            back from its own training.
        max_bytes_billed: Bytes that the training may bill, a whole number of at least 1. Above
            it, the preview fails where the estimate is known, and BigQuery refuses the job.
            Left out, no limit.
        max_price_usd: US dollars that the training may be estimated at, 0 or more. Above it, the
            preview fails where the estimate is known, and the update before it trains. Left out,
            no limit.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    model_id: pulumi.Input[str]
    statement: pulumi.Input[str]
    statement_file: NotRequired[pulumi.Input[str]]
    schemas: NotRequired[pulumi.Input[Mapping[str, Sequence[Mapping[str, Any]]]]]
    models: NotRequired[pulumi.Input[Mapping[str, Mapping[str, Any]]]]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    expiration: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[pulumi.Input[bool]]
    adopt_as_is: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]
    retrain_on: NotRequired[pulumi.Input[Sequence[Any]]]
    evaluation: NotRequired[pulumi.Input[Mapping[str, Mapping[str, float]]]]
    evaluation_query: NotRequired[pulumi.Input[str]]
    max_bytes_billed: NotRequired[pulumi.Input[int]]
    max_price_usd: NotRequired[pulumi.Input[float]]


class ModelProvider(DynamicHost):
    """Serves `ModelLifecycle`. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return ModelLifecycle(
            GoogleBigQuery(settings), VertexModelRegistry(VertexRest(settings)), report=report
        )


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
        evaluation_metrics: What ML.EVALUATE answers after the training, by metric; empty for
            kinds that have no evaluation of their own.
        training_metrics: What the training itself tells: `iterations`, `training_loss`,
            `evaluation_loss`, `learn_rate` of the last iteration, `trials` where hyperparameters
            were tuned; empty for kinds that train nothing.
        training_job_id: The BigQuery job that trained it; empty for an adopted one.
        trained_at: When its training began, RFC 3339 in UTC.
        creation_time: When BigQuery made it, RFC 3339 in UTC.
        seconds: Seconds that the training took.
        bytes_processed: Bytes that the training read.
        estimated_bytes_processed: Bytes that BigQuery said, before it trained, that it would
            read; None where nobody asked it, or it did not say.
        estimated_price_usd: What those bytes cost by list price, in US dollars, without what
            Vertex AI charges for the kinds that it trains; None where no price is known.
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
    evaluation_metrics: pulumi.Output[Mapping[str, float]]
    training_metrics: pulumi.Output[Mapping[str, float]]
    training_job_id: pulumi.Output[str]
    trained_at: pulumi.Output[str]
    creation_time: pulumi.Output[str]
    seconds: pulumi.Output[float]
    bytes_processed: pulumi.Output[int]
    estimated_bytes_processed: pulumi.Output[int | None]
    estimated_price_usd: pulumi.Output[float | None]

    def __init__(
        self, name: str, args: ModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the model.

        Args:
            name: Name of the resource in the program.
            args: See `ModelArgs`.
            opts: Options of the resource.
        """
        computed = dict.fromkeys(OUTPUTS)
        super().__init__(ModelProvider(), name, {**computed, **args, "owner": owner_of(name)}, opts)
        # A state of version 0.1.0 has the metrics under the name that is now an input's.
        self.evaluation_metrics = pulumi.Output.all(
            self.evaluation_metrics, vars(self)["evaluation"]
        ).apply(lambda found: found[0] if found[0] is not None else found[1])
