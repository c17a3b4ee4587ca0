"""A BigQuery ML model as plain data, and what a change of each input costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs import label
from bqvertex.specs.evaluation_gate import thresholds
from bqvertex.specs.inputs import whole_number
from bqvertex.specs.job import work_key
from bqvertex.specs.model_statement import (
    ModelStatement,
    read_model_statement,
)

IDENTITY: Final = frozenset({"project", "location", "dataset_id", "model_id"})
"""Inputs whose change means another model."""
DEFINITION: Final = frozenset({"definition_hash", "result_columns", "retrain_on"})
"""Inputs whose change means that the model is trained anew, in place."""
METADATA: Final = frozenset({"alterable_options", "description", "expiration", "labels", "owner"})
"""Inputs that are altered in place, for free."""
SILENT: Final = frozenset(
    {
        "adopt",
        "adopt_as_is",
        "evaluation",
        "evaluation_query",
        "job_timeout_s",
        "max_bytes_billed",
        "max_price_usd",
        "models",
        "schemas",
        "statement",
        "statement_file",
    }
)
"""Inputs whose change alone changes nothing at BigQuery; what the statement means is in
`definition_hash`."""
INPUTS: Final = IDENTITY | DEFINITION | METADATA | SILENT
REQUIRED: Final = frozenset({"project", "location", "dataset_id", "model_id", "statement"})
ESTIMATES: Final = frozenset({"estimated_bytes_processed", "estimated_price_usd"})
"""What a dry run says of a training, found where the inputs are checked; changes nothing."""

CANDIDATE_SUFFIX: Final = "__candidate"
"""What follows the name of a model in that of one which may take its place."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What the model should be.

    Attributes:
        project: Project of the dataset; also runs the training.
        location: The dataset's location.
        dataset_id: Dataset.
        model_id: Model.
        statement: CREATE MODEL statement; bare names are those of the dataset.
        statement_file: Where it was read from; empty when it was given as text.
        schemas: Columns of what it reads, by name.
        models: What is known of models whose functions it calls, by name.
        definition_hash: Hash of the statement's meaning.
        result_columns: Type by name of the columns it trains on; None when not known offline.
        alterable_options: Values as GoogleSQL of the statement's options that need no training.
        description: Shown with the model; empty for none.
        labels: Google Cloud labels.
        expiration: When BigQuery deletes it, RFC 3339; None for never.
        owner: Who declares it: organisation, project, stack and name.
        adopt: Whether a model of this name that is there already is taken over, unchanged, if its
            definition matches.
        adopt_as_is: Whether it is taken over whatever it was made of.
        job_timeout_s: Seconds the training may take; None for the limit of its kind.
        retrain_on: Values whose change makes a training wanted.
        evaluation: Thresholds by metric; empty for none.
        evaluation_query: Rows that both models are evaluated on; empty for those that each was
            not trained on.
        max_bytes_billed: Bytes that a training may bill; None for any.
        max_price_usd: US dollars that a training may be estimated at; None for any.
    """

    project: str
    location: str
    dataset_id: str
    model_id: str
    statement: str
    statement_file: str
    schemas: Mapping[str, Sequence[Mapping[str, Any]]]
    models: Mapping[str, Mapping[str, Any]]
    definition_hash: str
    result_columns: Mapping[str, str] | None
    alterable_options: Mapping[str, str]
    description: str
    labels: Mapping[str, str]
    expiration: str | None
    owner: str
    adopt: bool
    adopt_as_is: bool
    job_timeout_s: float | None
    retrain_on: Sequence[Any]
    evaluation: Mapping[str, Mapping[str, float]]
    evaluation_query: str
    max_bytes_billed: int | None
    max_price_usd: float | None

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "ModelSpec":
        """Take checked inputs, or a state, as a spec: what is left out gets its default."""
        return cls(
            project=inputs["project"],
            location=inputs["location"],
            dataset_id=inputs["dataset_id"],
            model_id=inputs["model_id"],
            statement=inputs["statement"],
            statement_file=inputs.get("statement_file") or "",
            schemas=inputs.get("schemas") or {},
            models=inputs.get("models") or {},
            definition_hash=inputs.get("definition_hash") or "",
            result_columns=inputs.get("result_columns") or None,
            alterable_options=inputs.get("alterable_options") or {},
            description=inputs.get("description") or "",
            labels=inputs.get("labels") or {},
            expiration=inputs.get("expiration") or None,
            owner=inputs.get("owner") or "",
            adopt=bool(inputs.get("adopt")),
            adopt_as_is=bool(inputs.get("adopt_as_is")),
            job_timeout_s=inputs.get("job_timeout_s") or None,
            retrain_on=inputs.get("retrain_on") or [],
            evaluation=thresholds(inputs.get("evaluation")),
            evaluation_query=inputs.get("evaluation_query") or "",
            max_bytes_billed=whole_number(inputs.get("max_bytes_billed")),
            max_price_usd=inputs.get("max_price_usd"),
        )

    @property
    def path(self) -> str:
        """`project.dataset.model`."""
        return f"{self.project}.{self.dataset_id}.{self.model_id}"

    @property
    def candidate_path(self) -> str:
        """Where a new model waits for its evaluation."""
        return f"{self.path}{CANDIDATE_SUFFIX}"

    @property
    def is_gated(self) -> bool:
        """Whether a new model has to pass an evaluation before it serves."""
        return bool(self.evaluation)

    @property
    def work_key(self) -> str:
        """Name of the training of this definition under this name for this owner."""
        return work_key(
            self.owner,
            self.path,
            self.definition_hash,
            dict(self.result_columns or {}),
            list(self.retrain_on),
        )

    @property
    def creation_key(self) -> str:
        """Name of all trainings under this name for this owner while nothing serves there.

        Whatever they are made of: a run that is broken off before its model bears labels finds it
        by these, even where the statement has changed since.
        """
        return work_key(self.owner, self.path)

    def candidate_key(self, serving_since: str) -> str:
        """Name of all trainings of candidates while one model serves.

        Args:
            serving_since: When that was trained; empty while nothing serves.
        """
        return work_key(self.owner, self.candidate_path, serving_since)

    @property
    def first_keys(self) -> tuple[str, str]:
        """Names of the trainings that may have made a model where nothing served."""
        return (self.creation_key, self.candidate_key(""))

    @property
    def definition_label(self) -> str:
        """Value of the label `bqvertex_definition` on the live model."""
        return self.definition_hash[:16]

    @property
    def live_labels(self) -> dict[str, str]:
        """The labels that the live model should bear."""
        return {**self.labels, **self.own_labels}

    @property
    def own_labels(self) -> dict[str, str]:
        """Those of them by which this toolkit knows its own work; also on its jobs."""
        return {
            label.DEFINITION: self.definition_label,
            label.OWNER: label.short_hash(self.owner),
        }

    @property
    def deadline_s(self) -> float:
        """Seconds the training may take: those given, else the limit of its kind."""
        if self.job_timeout_s is not None:
            return float(self.job_timeout_s)
        read = self.read_statement
        return read.kind.default_job_timeout_s(read.parts)

    @property
    def read_statement(self) -> ModelStatement:
        """The statement, read."""
        return read_model_statement(self.statement, self.statement_file)
