"""What the components of models share: where a model goes, what it waits for, what it answers."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NotRequired, TypedDict, cast

import pulumi

from bqvertex import dataset_member
from bqvertex.dataset import Dataset
from bqvertex.resources.model import Model, ModelArgs
from bqvertex.resources.text_file import read_text
from bqvertex.specs.declared import bare_reads, undeclared
from bqvertex.specs.model_secret import secret_problem
from bqvertex.specs.model_statement import known_model, read_model_statement
from bqvertex.specs.statement import Statement, StatementError

_OWN: Final = frozenset(
    {
        "project",
        "location",
        "dataset_id",
        "model_id",
        "labels",
        "models",
        "schemas",
        "statement",
        "statement_file",
    }
)
_PASSED_ON: Final = frozenset(ModelArgs.__annotations__) - _OWN


class DeclaredModelArgs(TypedDict):
    """Inputs of every component that makes a model.

    Attributes:
        dataset: Dataset of the model and of what it reads by bare names; left out, give `project`,
            `location` and `dataset_id`.
        project: Project of the dataset; left out, that of `dataset`.
        location: The dataset's location; left out, that of `dataset`.
        dataset_id: The dataset's id; left out, that of `dataset`.
        description: Shown with the model; left out, none.
        labels: Google Cloud labels; left out, those of `dataset`.
        expiration: Moment at which BigQuery deletes it, RFC 3339; left out, never.
        adopt: Take over a model of this name that is there already and was made of the same
            statement, without training it; left out, one that is there is an error.
        adopt_as_is: Take it over whatever it was made of, without training it; left out, see
            `adopt`.
        job_timeout_s: Seconds that making it may take; left out, the limit of its kind, 86400 or
            172800.
        retrain_on: Any values whose change makes the model anew, such as
            `dataset.contents["flights"]`, the checksum of an imported file, or a date; left out,
            none.
    """

    dataset: NotRequired[Dataset]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    dataset_id: NotRequired[pulumi.Input[str]]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    expiration: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[bool]
    adopt_as_is: NotRequired[bool]
    job_timeout_s: NotRequired[float]
    retrain_on: NotRequired[pulumi.Input[Sequence[Any]]]


class DeclaredModel(pulumi.ComponentResource):
    """A component that makes one model.

    Attributes:
        project: Project of the dataset; known at preview.
        location: The dataset's location; known at preview.
        dataset_id: The dataset's id; known at preview.
        model_id: The model's id; known at preview.
        model_path: `project.dataset.model`; known at preview.
        definition_hash: Hash of what the statement means; known at preview where the statement is.
        model_type: BigQuery's name of the kind, such as `BOOSTED_TREE_CLASSIFIER`.
        feature_columns: Type by name of each column it takes.
        label_columns: Type by name of each column it predicts.
        evaluation_metrics: What ML.EVALUATE answers after the training, by metric; empty for kinds
            that have no evaluation of their own.
        training_metrics: What the training tells: `iterations`, `training_loss`,
            `evaluation_loss`, and `trials` where hyperparameters were tuned; empty where nothing
            is trained.
        training_job_id: The BigQuery job that made it; empty for one that was taken over.
        trained_at: When that job began, RFC 3339 in UTC.
        creation_time: When BigQuery made it, RFC 3339 in UTC.
        seconds: Seconds that the job took.
        bytes_processed: Bytes that the job read.
        estimated_bytes_processed: Bytes that BigQuery said before that it would read; None where
            it did not say.
        estimated_price_usd: What those bytes cost by list price, in US dollars, without what
            Vertex AI charges for the kinds that it trains; None where no price is known.
        model: The resource itself, for `depends_on`.
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

    def declare(
        self,
        name: str,
        args: Mapping[str, Any],
        inputs: Mapping[str, Any],
        waits_for: Sequence[pulumi.Resource],
    ) -> None:
        """Declare the resource, and take what is known of it as outputs.

        Args:
            name: Name of the component in the program.
            args: The component's inputs.
            inputs: Those of the resource that differ from the component's.
            waits_for: What must be there before, see `upstream`.

        Raises:
            RunError: Nothing says where the model goes.
        """
        dataset = args.get("dataset")
        self._inputs = {
            **dataset_member.place(f"model {name}", args),
            **{key: value for key, value in args.items() if key in _PASSED_ON},
            "labels": args.get("labels", dataset.labels if dataset else None),
            "models": _known_by_id(args.get("models", ())),
            **inputs,
        }
        self.model = Model(
            name,
            cast(ModelArgs, self._inputs),
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
        self.model_type = self.model.model_type
        self.feature_columns = self.model.feature_columns
        self.label_columns = self.model.label_columns
        self.evaluation_metrics = self.model.evaluation_metrics
        self.training_metrics = self.model.training_metrics
        self.training_job_id = self.model.training_job_id
        self.trained_at = self.model.trained_at
        self.creation_time = self.model.creation_time
        self.seconds = self.model.seconds
        self.bytes_processed = self.model.bytes_processed
        self.estimated_bytes_processed = self.model.estimated_bytes_processed
        self.estimated_price_usd = self.model.estimated_price_usd
        self.register_outputs(
            {
                "model_path": self.model_path,
                "definition_hash": self.definition_hash,
                "evaluation_metrics": self.evaluation_metrics,
            }
        )

    @cached_property
    def known(self) -> pulumi.Output[Mapping[str, Any]]:
        """What the statement tells of the model to others that call its functions.

        As an input of a resource; see `bqvertex.specs.model_output.KnownModel`.
        """

        def read(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
            statement = read_model_statement(inputs["statement"], "")
            known = known_model(statement, inputs["schemas"] or {}, {}, inputs["models"] or {})
            return known.to_inputs()

        needed = ("statement", "schemas", "models")
        return pulumi.Output.all(**{key: self._inputs.get(key) for key in needed}).apply(read)


def upstream(args: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> list[pulumi.Resource]:
    """List what must be there before a model: ids known at preview do not say it.

    Args:
        args: The component's inputs; of `dataset` all members, of `models` each one's resource.
        opts: The component's options; those given with `depends_on` too.
    """
    models: Sequence[DeclaredModel] = args.get("models", ())
    return [*dataset_member.upstream(args, opts), *(declared.model for declared in models)]


def statement_inputs(name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Read a statement, and say what of it the resource takes.

    Args:
        name: The component's name, for messages.
        args: Its inputs: `statement` or `statement_file`, `model_id`, `schemas`, `dataset`.

    Returns:
        `model_id`, `statement`, `statement_file` and `schemas`.

    Raises:
        RunError: The statement cannot be read, holds a secret, or reads a table that nobody
            declared.
    """
    file, statement = args.get("statement_file"), args.get("statement")
    if (file is None) == (statement is None):
        raise pulumi.RunError(
            f"model {name}: give either statement_file or statement, and not both or neither"
        )
    text = read_text(file) if file is not None else str(statement)
    try:
        read = read_model_statement(text, file or "")
        # Not said with the line it stands in, as other errors are: that would show it.
        if reason := secret_problem(read.parts.options):
            raise pulumi.RunError(f"model {name}: {file or 'statement'}: {reason}")
        schemas = _schemas(read.statement, args.get("schemas", {}), args.get("dataset"))
    except StatementError as error:
        raise pulumi.RunError(str(error)) from None
    return {
        "model_id": args.get("model_id", read.model_id),
        "statement": text,
        "statement_file": file,
        "schemas": schemas or None,
    }


def _known_by_id(
    models: Sequence[DeclaredModel],
) -> pulumi.Output[Mapping[str, Any]] | None:
    if not models:
        return None
    return pulumi.Output.all(**{one._inputs["model_id"]: one.known for one in models})


def _schemas(
    source: Statement,
    given: Mapping[str, Sequence[Mapping[str, Any]]],
    dataset: Dataset | None,
) -> dict[str, Sequence[Mapping[str, Any]]]:
    known = {**(dataset.schemas if dataset else {}), **given}
    declared = {*known, *(dataset.names if dataset else ())}
    if declared and (error := undeclared(source, declared)):
        raise error
    found = {name: known.get(name, ()) for name in bare_reads(source)}
    return found if any(found.values()) else {}
