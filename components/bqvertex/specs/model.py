"""A BigQuery ML model as plain data: what it should be, how to say it in SQL, what changed."""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs import evaluation_gate, label
from bqvertex.specs.evaluation_gate import REGISTRY_OPTIONS, thresholds
from bqvertex.specs.identifier import DATASET, MODEL, PROJECT, Rule, quoted_path
from bqvertex.specs.identifier import problems as rule_problems
from bqvertex.specs.inputs import Problem, known, missing, not_text, whole_number
from bqvertex.specs.job import timeout_problems, work_key
from bqvertex.specs.literal import options
from bqvertex.specs.location import location_problem, same_location
from bqvertex.specs.model_statement import (
    ModelStatement,
    canonical_hash,
    column_types,
    read_model_statement,
    statement_problems,
)
from bqvertex.specs.statement import StatementError
from bqvertex.specs.unknown import UNKNOWN, holds_unknown
from googlesql.edit import Edit, EditedText
from googlesql.position import Text
from googlesql.reference import ReferenceKind

IDENTITY: Final = frozenset({"project", "location", "dataset_id", "model_id"})
"""Inputs whose change means another model."""
DEFINITION: Final = frozenset({"definition_hash", "result_columns", "retrain_on"})
"""Inputs whose change means that the model is trained anew, in place."""
METADATA: Final = frozenset({"description", "expiration", "labels", "owner"})
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

_READ_FROM: Final = (
    "statement",
    "statement_file",
    "schemas",
    "models",
    "project",
    "dataset_id",
    "model_id",
)
"""Inputs that decide what a statement means and whether it is right."""
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")
_IDS: Final[Mapping[str, Rule]] = {"project": PROJECT, "dataset_id": DATASET, "model_id": MODEL}


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


def create_statement(spec: ModelSpec, *, replace: bool) -> str:
    """Write the statement that trains the model.

    Args:
        spec: The model.
        replace: False: BigQuery refuses when a model of that name is there. True: the model that
            is there serves until this one is trained.
    """
    return spec.read_statement.rendered(
        spec.project, spec.dataset_id, spec.model_id, replace=replace
    )


def candidate_statement(spec: ModelSpec, *, replace: bool) -> str:
    """Write the statement that trains the model beside the one that serves, not registered.

    Args:
        spec: The model.
        replace: Whether another candidate is there.
    """
    read = read_model_statement(
        without_options(spec.read_statement, REGISTRY_OPTIONS), spec.statement_file
    )
    model_id = f"{spec.model_id}{CANDIDATE_SUFFIX}"
    return read.rendered(spec.project, spec.dataset_id, model_id, replace=replace)


def without_options(statement: ModelStatement, names: Collection[str]) -> str:
    """Write a statement without some of its options; the text of the others stays.

    Args:
        statement: A statement with at least one other option.
        names: Options in upper case.
    """
    text = Text(statement.statement.sql)
    places = sorted(
        (*place, key.removeprefix("option "))
        for key, place in statement.parts.ranges.items()
        if key.startswith("option ")
    )
    kept = [text.slice(start, end) for start, end, name in places if name not in names]
    if len(kept) == len(places):
        return text.sql
    return EditedText(text, [Edit(places[0][0], places[-1][1], ", ".join(kept))]).sql


def register_statement(spec: ModelSpec) -> str | None:
    """Write what registers a model that was copied into its place; None where nothing asks to.

    CREATE MODEL registers on its own, and a copy does not:
    https://docs.cloud.google.com/bigquery/docs/managing-models-vertex
    """
    stated = spec.read_statement.parts.options
    if not stated.keys() & {"MODEL_REGISTRY", "VERTEX_AI_MODEL_ID"}:
        return None
    registry_id = stated.get("VERTEX_AI_MODEL_ID") or spec.model_id
    path = quoted_path((spec.project, spec.dataset_id, spec.model_id))
    return f"ALTER MODEL {path} SET OPTIONS ({options({'vertex_ai_model_id': registry_id})})"


def evaluate_statement(spec: ModelSpec, path: str) -> str | None:
    """Write the query for a model's metrics; None for a kind that has none of its own.

    Args:
        spec: What the model was made of.
        path: The model, `project.dataset.model`.
    """
    return evaluation_gate.evaluate_statement(
        spec.read_statement.kind, path, spec.project, spec.dataset_id, spec.evaluation_query
    )


def is_accepted(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Tell whether a statement was checked before, word for word and in the same place.

    Args:
        olds: Inputs that passed the check before; empty for a new resource.
        news: Inputs.
    """
    return (
        _is_hash(olds.get("definition_hash"))
        and not holds_unknown([news.get(name) for name in _READ_FROM])
        and all(olds.get(name) == news.get(name) for name in _READ_FROM)
    )


def is_known(inputs: Mapping[str, Any]) -> bool:
    """Tell whether all that decides what a training reads is known already."""
    return not holds_unknown([inputs.get(name) for name in (*_READ_FROM, "location")])


def derived(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Work out the inputs that tell one definition from another, as far as they are known.

    Args:
        olds: Inputs that passed the check before; empty for a new resource. What meant the same
            then means the same now: a new version of the toolkit, which may hash in another way,
            retrains nothing.
        news: Inputs.

    Returns:
        `definition_hash`, and `result_columns` where the schemas make it known; both `UNKNOWN`
        while the statement is. `ESTIMATES` as they were for a statement that was checked before.
        Empty for a statement that cannot be read.
    """
    if holds_unknown([news.get(name) for name in _READ_FROM]):
        return {"definition_hash": UNKNOWN, "result_columns": UNKNOWN}
    if is_accepted(olds, news):
        kept = ("definition_hash", "result_columns", *ESTIMATES)
        return {name: olds[name] for name in kept if olds.get(name) is not None}
    if not all(known(news, name, str) for name in ("statement", *_IDS)):
        return {}
    try:
        found: dict[str, Any] = {"definition_hash": _hash(news)}
        if _means_what_it_did(olds, found["definition_hash"]):
            found["definition_hash"] = olds["definition_hash"]
        columns = column_types(
            _read(news), news.get("schemas") or {}, news, news.get("models") or {}
        )
    except StatementError:
        return {}
    if columns is not None:
        found["result_columns"] = columns
    return found


def _means_what_it_did(olds: Mapping[str, Any], hash_now: str) -> bool:
    if not _is_hash(olds.get("definition_hash")):
        return False
    try:
        return _hash(olds) == hash_now
    except StatementError:
        # An older version took what this one cannot read.
        return False


def _read(inputs: Mapping[str, Any]) -> ModelStatement:
    return read_model_statement(inputs["statement"], inputs.get("statement_file") or "")


def _hash(inputs: Mapping[str, Any]) -> str:
    return canonical_hash(_read(inputs), inputs["project"], inputs["dataset_id"])


def _is_hash(value: Any) -> bool:
    # A read that finds another model there puts words in its place.
    return isinstance(value, str) and _HASH.match(value) is not None


def changed(olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
    """Name the inputs that differ in meaning; one that is not known yet always does.

    Args:
        olds: The state.
        news: Checked inputs.
    """
    if any(holds_unknown(news.get(name)) for name in INPUTS):
        return frozenset(
            name
            for name in INPUTS - {"result_columns"}
            if holds_unknown(news.get(name)) or olds.get(name) != news.get(name)
        )
    old, new = ModelSpec.from_inputs(olds), ModelSpec.from_inputs(news)
    different = {name for name in INPUTS if getattr(old, name) != getattr(new, name)}
    if same_location(old.location, new.location):
        different.discard("location")
    # Schemas that were not declared before tell nothing of a change of the tables.
    if old.result_columns is None or new.result_columns is None:
        different.discard("result_columns")
    return frozenset(different)


def problems(olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with inputs.

    Args:
        olds: Inputs that passed the check before; empty for a new resource.
        inputs: Inputs. A statement that passed before is not analysed again: ZetaSQL takes a
            second to load and run, and a preview that changes nothing does without it.
    """
    yield from missing(inputs, REQUIRED)
    texts = {"location", "statement", "statement_file", "description", "expiration"}
    yield from not_text(inputs, texts)
    if known(inputs, "location", str) and (reason := location_problem(inputs["location"])):
        yield "location", reason
    for name, rule in _IDS.items():
        if inputs.get(name) != "":
            yield from rule_problems(name, inputs.get(name), rule)
    yield from label.label_problems(inputs.get("labels"))
    yield from timeout_problems(inputs)
    yield from _flag_problems(inputs)
    yield from _limit_problems(inputs)
    gate_faults = list(evaluation_gate.shape_problems(inputs))
    yield from gate_faults
    # A connection or an endpoint that the statement names has to be where the dataset is.
    accepted = is_accepted(olds, inputs) and olds.get("location") == inputs.get("location")
    if accepted and all(olds.get(name) == inputs.get(name) for name in evaluation_gate.INPUTS):
        return
    if not known(inputs, "statement", str) or not inputs["statement"].strip():
        return
    if not accepted:
        file = inputs.get("statement_file") if known(inputs, "statement_file", str) else None
        # Named by its file: the engine prints the value of the input, here that of a whole text.
        name = "statement_file" if file else "statement"
        place = {key: inputs[key] for key in (*_IDS, "location") if known(inputs, key, str)}
        schemas = inputs["schemas"] if known(inputs, "schemas", dict) else {}
        models = inputs["models"] if known(inputs, "models", dict) else {}
        for reason in statement_problems(inputs["statement"], file or "", place, schemas, models):
            yield name, reason
    if not gate_faults and any(inputs.get(name) for name in evaluation_gate.INPUTS):
        try:
            read = _read(inputs)
        except StatementError:
            return
        yield from evaluation_gate.statement_problems(inputs, read)


def live_problems(inputs: Mapping[str, Any], refusal: str) -> Iterator[Problem]:
    """Yield what is wrong with a statement as the tables are that it reads.

    Args:
        inputs: Inputs in which nothing is wrong by themselves; `schemas` has the live columns of
            tables that nobody declared.
        refusal: Why BigQuery would refuse the statement; empty where it would not.
    """
    # What was found with these columns is BigQuery's own reason in better words.
    found = [reason for _, reason in problems({}, inputs)] or [
        reason for reason in [refusal] if reason
    ]
    name = "statement_file" if inputs.get("statement_file") else "statement"
    for reason in found:
        yield (
            name,
            f"{reason}\nThat is as the tables are now; where this program is to change them, give "
            "their columns in `schemas`",
        )


def _flag_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("adopt", "adopt_as_is"):
        value = inputs.get(name)
        if value is not None and not holds_unknown(value) and not isinstance(value, bool):
            yield name, f"is {value!r} ({type(value).__name__}): give true or false"


def _limit_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    most_bytes, most_usd = inputs.get("max_bytes_billed"), inputs.get("max_price_usd")
    if most_bytes is not None and not holds_unknown(most_bytes):
        whole = whole_number(most_bytes)
        if isinstance(whole, bool) or not isinstance(whole, int) or whole < 1:
            yield "max_bytes_billed", f"is {most_bytes!r}: give a whole number of bytes, 1 or more"
    if most_usd is not None and not holds_unknown(most_usd) and not _is_amount(most_usd):
        yield "max_price_usd", f"is {most_usd!r}: give US dollars, 0 or more"


def _is_amount(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )


def undeclared_tables(spec: ModelSpec) -> dict[str, str]:
    """Name the tables that a statement reads and whose columns nobody declared.

    Returns:
        Whole paths, `project.dataset.table`, by the names that the statement uses; views of
        metadata and names with a wildcard are left out.
    """

    def whole(path: Sequence[str]) -> str:
        above = (spec.project, spec.dataset_id)[: max(0, 3 - len(path))]
        return ".".join((*above, *path))

    declared = {whole(name.split(".")) for name in spec.schemas}
    reads = {
        ".".join(found.path): whole(found.path)
        for found in spec.read_statement.statement.references
        if found.kind is ReferenceKind.TABLE and not found.is_target and len(found.path) <= 3
    }
    return {
        name: path
        for name, path in reads.items()
        if path not in declared and "*" not in path and "INFORMATION_SCHEMA" not in path.upper()
    }
