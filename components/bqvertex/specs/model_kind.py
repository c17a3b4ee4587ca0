"""The kinds of BigQuery ML models and what each takes, as `bqml_options.json` has it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final

from bqvertex.specs.model_option import ModelOption, nearest
from bqvertex.specs.model_option_rule import CLAUSES, Condition, OptionProblem, Rule, Stated
from bqvertex.specs.model_option_tuning import TRIALS, search_space_problems
from googlesql.constant import Call
from googlesql.create_model import CreateModel
from googlesql.schema import parse_type

REMOTE: Final = "REMOTE:"
"""Begins the names of the kinds of remote models: their statements have no MODEL_TYPE."""

TUNED_JOB_TIMEOUT_S: Final = 172800.0
"""Seconds that a training with NUM_TRIALS may take, 48 hours, as BigQuery's own limit:
https://docs.cloud.google.com/bigquery/quotas#query_jobs"""

_MODEL_TYPE: Final = "MODEL_TYPE"


class UnknownKind(ValueError):
    """A statement makes a model of no kind that there is.

    Attributes:
        place: Key of `CreateModel.ranges`, where the kind is said or should be.
    """

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        super().__init__(reason)


@dataclass(frozen=True)
class ModelKind:
    """One kind of model.

    Attributes:
        name: Its MODEL_TYPE, or `REMOTE:` and what a remote model calls: `REMOTE:llm`.
        title: Its name for people: `Linear regression`.
        page: Google's page on its statement.
        category: `supervised`, `unsupervised`, `recommender`, `timeseries`, `insight`,
            `preprocessing`, `imported` or `remote`.
        clauses: `needed` or `optional` by clause: `query`, `transform`, `holidays`, `fields`
            (INPUT and OUTPUT), `connection`; one that is not there is refused.
        input_types: Types of the fields of INPUT; empty for any.
        output_types: Types of the fields of OUTPUT; empty for any.
        has_label: Whether it is trained to predict a column of its query.
        is_trained: Whether it learns from rows: not imported, remote or TRANSFORM_ONLY models.
        has_evaluation: Whether ML.EVALUATE answers when it is given nothing but the model.
        evaluation_metrics: The columns that ML.EVALUATE answers; empty where it does not.
        job_timeout_s: Seconds that its training may take without tuning.
        dry_run_estimates: Whether a dry run tells the bytes.
        price_class: `internal`: billed by bytes at the rate of CREATE MODEL; `external`: bytes at
            the rate of queries, and Vertex AI; `none`: 0 bytes.
        sample: File of an example in `sql/models/`.
    """

    name: str
    title: str
    page: str
    category: str
    clauses: Mapping[str, str]
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]
    has_label: bool
    is_trained: bool
    has_evaluation: bool
    evaluation_metrics: tuple[str, ...]
    job_timeout_s: float
    dry_run_estimates: bool
    price_class: str
    sample: str
    _data: Mapping[str, Any] = field(repr=False, compare=False)

    # A statement's own kind is one of thirty: the options of the others are not built.
    @cached_property
    def options(self) -> Mapping[str, ModelOption]:
        """The options it takes beside MODEL_TYPE, by name in upper case."""
        data = self._data["options"]
        return {name: ModelOption.from_data(name, option) for name, option in data.items()}

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Which of its options go together."""
        return tuple(Rule.from_data(rule) for rule in self._data["rules"])

    @property
    def is_remote(self) -> bool:
        """Whether its statement says REMOTE."""
        return self.name.startswith(REMOTE)

    @property
    def has_query(self) -> bool:
        """Whether its statement has a query."""
        return "query" in self.clauses

    @property
    def takes_transform(self) -> bool:
        """Whether its statement may have TRANSFORM."""
        return "transform" in self.clauses

    @property
    def takes_fields(self) -> bool:
        """Whether its statement may have INPUT and OUTPUT."""
        return "fields" in self.clauses

    @property
    def takes_connection(self) -> bool:
        """Whether its statement has a connection."""
        return "connection" in self.clauses

    @property
    def takes_holidays(self) -> bool:
        """Whether its statement may have custom holidays."""
        return "holidays" in self.clauses

    @property
    def subject(self) -> str:
        """The kind as a message's subject: `MODEL_TYPE KMEANS`."""
        if self.is_remote:
            return f"a remote model ({self.title})"
        return f"{_MODEL_TYPE} {self.name}"

    def default_job_timeout_s(self, parts: CreateModel) -> float:
        """Return the seconds that the training of a statement may take.

        Args:
            parts: The statement; tuning trains many models.
        """
        return TUNED_JOB_TIMEOUT_S if TRIALS in parts.options else self.job_timeout_s


@cache
def kinds() -> Mapping[str, ModelKind]:
    """Return every kind by name; the remote ones in the order in which they are told apart."""
    text = files("bqvertex.specs").joinpath("bqml_options.json").read_text(encoding="utf-8")
    return {name: _kind(name, data) for name, data in json.loads(text)["kinds"].items()}


def _kind(name: str, data: Mapping[str, Any]) -> ModelKind:
    return ModelKind(
        name=name,
        title=data["title"],
        page=data["page"],
        category=data["category"],
        clauses=data["clauses"],
        input_types=tuple(data.get("input_types", ())),
        output_types=tuple(data.get("output_types", ())),
        has_label=data["label"],
        is_trained=data["trained"],
        has_evaluation=data["evaluation"],
        evaluation_metrics=tuple(data["metrics"]),
        job_timeout_s=float(data["job_timeout_s"]),
        dry_run_estimates=data["dry_run_estimates"],
        price_class=data["price_class"],
        sample=data["sample"],
        _data=data,
    )


def kind_of(parts: CreateModel) -> ModelKind:
    """Tell what kind of model a statement makes.

    Args:
        parts: The statement. A remote model's kind is what its options and clauses name.

    Raises:
        UnknownKind: MODEL_TYPE is missing or names no kind.
    """
    if parts.remote:
        stated = Stated.of(parts, {})
        for kind in kinds().values():
            whens: Sequence[Mapping[str, Condition]] = kind._data.get("when", ())
            if any(stated.meets(when) is not False for when in whens):
                return kind
    written = parts.options.get(_MODEL_TYPE)
    names = [name for name in kinds() if not name.startswith(REMOTE)]
    listed = ", ".join(sorted(names))
    if written is None:
        raise UnknownKind("path", f"a model that is not REMOTE needs {_MODEL_TYPE}: {listed}")
    name = str(written).upper()
    if name not in names:
        raise UnknownKind(
            f"option {_MODEL_TYPE}",
            f"{written!r} is no {_MODEL_TYPE}{nearest(name, names) or f'; allowed are {listed}'}",
        )
    return kinds()[name]


def option_problems(kind: ModelKind, parts: CreateModel) -> Iterator[OptionProblem]:
    """Yield all that is wrong with the options and clauses of a statement.

    Args:
        kind: Its kind.
        parts: The statement.
    """
    yield from _clause_problems(kind, parts)
    for name, value in parts.options.items():
        option = kind.options.get(name)
        if name == _MODEL_TYPE:
            if kind.is_remote:
                reason = "a remote model takes no MODEL_TYPE: what it calls says its kind"
                yield OptionProblem(f"option {name}", reason)
        elif option is None:
            yield OptionProblem(f"option {name}", _unknown_option(kind, name))
        else:
            found = (
                search_space_problems(option, value, parts.options)
                if isinstance(value, Call)
                else option.problems(value)
            )
            yield from (OptionProblem(f"option {name}", reason) for reason in found)
    for name, option in kind.options.items():
        if option.required and parts.options.get(name) is None:
            yield OptionProblem("options", f"{kind.subject} needs {name}: {option.allowed}")
    stated = Stated.of(parts, kind.options)
    for rule in kind.rules:
        yield from rule.problems(stated)


def _unknown_option(kind: ModelKind, name: str) -> str:
    owners = [other.subject for other in kinds().values() if name in other._data["options"]]
    if owners:
        some = ", ".join(owners[:4]) + (f" and {len(owners) - 4} more" if len(owners) > 4 else "")
        return f"{kind.subject} has no option {name}, which is one of {some}; see {kind.page}"
    # Forty names beside the one that was meant would hide it.
    said = nearest(name, [*kind.options]) or f"; it has {', '.join(sorted(kind.options))}"
    return f"{kind.subject} has no option {name}{said} ({kind.page})"


def _clause_problems(kind: ModelKind, parts: CreateModel) -> Iterator[OptionProblem]:
    there = Stated.of(parts, {}).clauses
    # An error is shown at the first clause of a pair that is there.
    places = {"fields": "inputs" if parts.inputs is not None else "outputs"}
    for clause, words in CLAUSES.items():
        state = kind.clauses.get(clause)
        if clause in there and state is None:
            yield OptionProblem(places.get(clause, clause), f"{kind.subject} takes no {words}")
        elif clause not in there and state == "needed":
            yield OptionProblem("path", f"{kind.subject} needs {words}")
    for place, fields, allowed in (
        ("inputs", parts.inputs, kind.input_types),
        ("outputs", parts.outputs, kind.output_types),
    ):
        for model_field in fields or ():
            if allowed and not _is_field_type(model_field.type, allowed):
                yield OptionProblem(
                    place,
                    f"{place[:-1].upper()} field {model_field.name!r} has type "
                    f"{model_field.type}; allowed are {', '.join(allowed)}",
                )


def _is_field_type(written: str, allowed: Sequence[str]) -> bool:
    try:
        type_ = parse_type(written)
    except ValueError:
        return False
    if type_.name == "ARRAY" and type_.element is not None and "ARRAY" in allowed:
        return type_.element.name != "ARRAY" and type_.element.name in allowed
    return type_.name in allowed
