"""`TrainedModel`: a BigQuery ML model that is trained on tables and views of a dataset."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from bqvertex.dataset import Dataset
from bqvertex.resources.model import Model, ModelArgs
from bqvertex.resources.text_file import read_text
from bqvertex.specs.declared import bare_reads, undeclared
from bqvertex.specs.model_statement import read_model_statement
from bqvertex.specs.statement import Statement, StatementError

PASSED_ON = frozenset({"description", "expiration", "adopt", "job_timeout_s", "retrain_on"})
"""Inputs that are the resource's as they are."""


class TrainedModelArgs(TypedDict):
    """Inputs of a `TrainedModel`.

    Attributes:
        dataset: Dataset of the model and of what it reads by bare names; left out, give `project`,
            `location` and `dataset_id`.
        project: Project of the dataset; left out, that of `dataset`.
        location: The dataset's location; left out, that of `dataset`.
        dataset_id: The dataset's id; left out, that of `dataset`.
        statement_file: File with one CREATE MODEL statement.
        statement: The statement itself; exactly one of the two.
        model_id: Id of the model; left out, the name in the statement.
        schemas: Columns, each as `TableFieldSchema`, of tables that are made elsewhere, by the
            bare name that the statement uses; left out, those of `dataset` alone.
        description: Shown with the model; left out, none.
        labels: Google Cloud labels; left out, those of `dataset`.
        expiration: Moment at which BigQuery deletes it, RFC 3339; left out, never.
        adopt: Take over a model of this name that is there already; left out, that is an error.
        job_timeout_s: Seconds the training may take; left out, 86400.
        retrain_on: Any values whose change makes a training wanted, such as
            `dataset.contents["flights"]`, or a date; left out, none.
    """

    dataset: NotRequired[Dataset]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    dataset_id: NotRequired[pulumi.Input[str]]
    statement_file: NotRequired[str]
    statement: NotRequired[str]
    model_id: NotRequired[str]
    schemas: NotRequired[Mapping[str, Sequence[Mapping[str, Any]]]]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    expiration: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[bool]
    job_timeout_s: NotRequired[float]
    retrain_on: NotRequired[pulumi.Input[Sequence[Any]]]


class TrainedModel(pulumi.ComponentResource):
    """A model, made of its CREATE MODEL statement after all that it reads is there.

    Attributes:
        project: Project of the dataset; known at preview.
        location: The dataset's location; known at preview.
        dataset_id: The dataset's id; known at preview.
        model_id: The model's id; known at preview.
        model_path: `project.dataset.model`; known at preview.
        definition_hash: Hash of what the statement means; known at preview.
        evaluation_metrics: What ML.EVALUATE answers after the training, by metric.
        model_type: BigQuery's name of the kind, such as `BOOSTED_TREE_CLASSIFIER`.
        feature_columns: Type by name of each column it takes.
        label_columns: Type by name of each column it predicts.
        trained_at: When its training began, RFC 3339 in UTC.
        model: The resource itself, for `depends_on`.
    """

    project: pulumi.Output[str]
    location: pulumi.Output[str]
    dataset_id: pulumi.Output[str]
    model_id: pulumi.Output[str]
    model_path: pulumi.Output[str]
    definition_hash: pulumi.Output[str]
    evaluation_metrics: pulumi.Output[Mapping[str, float]]
    model_type: pulumi.Output[str]
    feature_columns: pulumi.Output[Mapping[str, str]]
    label_columns: pulumi.Output[Mapping[str, str]]
    trained_at: pulumi.Output[str]

    def __init__(
        self, name: str, args: TrainedModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the model.

        Args:
            name: Name of the component in the program.
            args: See `TrainedModelArgs`.
            opts: Options of the component.

        Raises:
            RunError: The statement cannot be read, or reads a table that nobody declared.
        """
        super().__init__("bqvertex:index:TrainedModel", name, None, opts)
        file, statement = args.get("statement_file"), args.get("statement")
        if (file is None) == (statement is None):
            raise pulumi.RunError(
                f"model {name}: give either statement_file or statement, and not both or neither"
            )
        text = read_text(file) if file is not None else str(statement)
        dataset = args.get("dataset")
        try:
            read = read_model_statement(text, file or "")
            schemas = _schemas(read.statement, args.get("schemas", {}), dataset)
        except StatementError as error:
            raise pulumi.RunError(str(error)) from None
        labels = args.get("labels", dataset.labels if dataset else None)
        inputs = {
            **place_of(name, args, dataset),
            **{key: value for key, value in args.items() if key in PASSED_ON},
            "model_id": args.get("model_id", read.model_id),
            "statement": text,
            "statement_file": file,
            "schemas": schemas or None,
            "labels": labels,
        }
        self.model = Model(
            name,
            cast(ModelArgs, inputs),
            pulumi.ResourceOptions(parent=self, depends_on=upstream(dataset, opts)),
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
        self.evaluation_metrics = self.model.evaluation_metrics
        self.model_type = self.model.model_type
        self.feature_columns = self.model.feature_columns
        self.label_columns = self.model.label_columns
        self.trained_at = self.model.trained_at
        self.register_outputs(
            {
                "model_path": self.model_path,
                "definition_hash": self.definition_hash,
                "evaluation_metrics": self.evaluation_metrics,
            }
        )


def place_of(
    name: str, args: Mapping[str, Any], dataset: Dataset | None
) -> dict[str, pulumi.Input[str]]:
    """Say where a model goes: what is given, else where its dataset is.

    Args:
        name: The component's name, for messages.
        args: Its inputs.
        dataset: Its dataset, when it was given as a component.

    Raises:
        RunError: Neither says it.
    """
    place: dict[str, pulumi.Input[str]] = {}
    for key in ("project", "location", "dataset_id"):
        if key in args:
            place[key] = args[key]
        elif dataset is not None:
            place[key] = getattr(dataset, key)
        else:
            raise pulumi.RunError(f"model {name}: give dataset, or project, location, dataset_id")
    return place


def upstream(dataset: Dataset | None, opts: pulumi.ResourceOptions | None) -> list[pulumi.Resource]:
    """List what must be there before a model: ids known at preview do not say it."""
    given = opts.depends_on if opts else None
    extra = list(given) if isinstance(given, Sequence) else [given] if given else []
    return [*(dataset.members if dataset else ()), *cast(list[pulumi.Resource], extra)]


def _schemas(
    source: Statement,
    given: Mapping[str, Sequence[Mapping[str, Any]]],
    dataset: Dataset | None,
) -> dict[str, Sequence[Mapping[str, Any]]]:
    known = {**(dataset.schemas if dataset else {}), **given}
    declared = {*known, *(dataset.names if dataset else ())}
    if declared and (error := undeclared(source, declared)):
        raise error
    reads = bare_reads(source)
    found = {name: known[name] for name in reads if name in known}
    # One table of unknown columns, and nothing of the statement can be checked.
    return found if len(found) == len(reads) else {}
