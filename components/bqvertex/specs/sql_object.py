"""What statements make, change and remove and a query sees, as plain data.

Vector and search indexes, options of a project, and whatever else has no API but SQL live by one
rule, `bqvertex.providers.sql_object`; what differs is here: a `SqlObject` says which statements,
and a `SqlKind` which inputs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bqvertex.specs.change_reason import shown
from bqvertex.specs.identifier import DATASET, PROJECT, TABLE, Rule
from bqvertex.specs.identifier import problems as rule_problems
from bqvertex.specs.inputs import Problem, known, missing, not_text
from bqvertex.specs.job import timeout_problems, work_key
from bqvertex.specs.location import location_problem, same_location
from bqvertex.specs.unknown import holds_unknown

Row = Mapping[str, Any]
"""One row of a query: plain values by column; a column that is NULL is left out."""

CREATE: Final = "create"
UPDATE: Final = "update"
DELETE: Final = "delete"
DEFAULT_JOB_TIMEOUT_S: Final = 3600.0
"""Seconds that a statement may take when the input `job_timeout_s` is left out."""

"""Characters of a value that are shown."""
_IDS: Final[Mapping[str, Rule]] = {"project": PROJECT, "dataset_id": DATASET, "table_id": TABLE}


@dataclass(frozen=True)
class Step:
    """One statement of an object's life.

    Attributes:
        verb: `create`, `update` or `delete`.
        sql: The statement, or a script; names whole.
        definition: Hash of what the object is after it: two steps that make the same have the
            same, whatever their verbs.
    """

    verb: str
    sql: str
    definition: str

    @property
    def work(self) -> str:
        """Value of the label by which the job of this step is known."""
        return f"{self.verb}-{self.definition[:24]}"


class SqlObject(Protocol):
    """One object: what it should be, and how to say so in SQL.

    Attributes:
        project: Project that runs the statements.
        location: Where they run.
        owner: Who declares it: organisation, project, stack and name.
        adopt: Whether one that is there already is taken over.
        job_timeout_s: Seconds that each statement may take.
        path: Its name for messages, and the resource's id.
        read_sql: The query that sees it; empty where nothing can.
    """

    @property
    def project(self) -> str: ...  # noqa: D102, the class says it
    @property
    def location(self) -> str: ...  # noqa: D102
    @property
    def owner(self) -> str: ...  # noqa: D102
    @property
    def adopt(self) -> bool: ...  # noqa: D102
    @property
    def job_timeout_s(self) -> float: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def read_sql(self) -> str: ...  # noqa: D102

    def creation(self) -> Step:
        """Say how to make it where nothing is; must fail, or do no harm, where something is."""
        ...

    def change(self) -> Step | None:
        """Say how to make what is there into this; None: only by deleting and creating it."""
        ...

    def deletion(self, live: Row | None) -> Step | None:
        """Say how to remove it; None where nothing is to be done.

        Args:
            live: What is there; None where nothing can be seen.
        """
        ...

    def live(self, rows: Sequence[Row]) -> Row | None:
        """Find it in the rows of `read_sql`; None when it is not there.

        Raises:
            ValueError: The rows say nothing clear.
        """
        ...

    def refusal(self, rows: Sequence[Row]) -> str:
        """Say what else of those rows stands in its way; empty when nothing does."""
        ...

    def drift(self, live: Row, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Name the inputs that what is there differs in, with the values that it has.

        May name outputs too, with values that stay although other ones are there.

        Args:
            live: What is there.
            state: What was there when it was last made or changed; empty when it never was.
        """
        ...

    def outputs(self, live: Row) -> Mapping[str, Any]:
        """Say what of it a program may ask for."""
        ...

    def adoption_problem(self, live: Row) -> str:
        """Say why what is there cannot be taken over; empty when it can."""
        ...


@dataclass(frozen=True)
class SqlKind:
    """One kind of objects: its inputs, what their changes cost, how to read them.

    Attributes:
        noun: What it is, for messages: `vector index`.
        identity: Inputs whose change means another object.
        definition: Inputs whose change means that it is made again.
        metadata: Inputs whose change is written down and nothing more.
        silent: Inputs whose change alone changes nothing at all.
        outputs: Outputs that are no inputs, beside `job_id`.
        spec: Takes checked inputs, or a state, as an object.
        problems: Yields what is wrong with inputs, given those of before.
        derived: Works out, given the inputs of before, those that tell one meaning from another.
        same_place: Tells whether two sets of inputs mean objects that cannot both be there.
        in_place: Tells of inputs whether a changed definition is done in place.
        anew: What a change of the definition does in place, for `pulumi preview`.
        replaced: What replacing it does, for `pulumi preview`.
        words: What to call a derived input in messages, by its name.
        same: Tells of two values of an input, by its name, whether they mean the same although
            they are written in two ways.
    """

    noun: str
    identity: frozenset[str]
    definition: frozenset[str]
    metadata: frozenset[str]
    silent: frozenset[str]
    outputs: frozenset[str]
    spec: Callable[[Mapping[str, Any]], SqlObject]
    problems: Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Problem]]
    derived: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
    same_place: Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
    in_place: Callable[[Mapping[str, Any]], bool]
    anew: str
    replaced: str
    words: Mapping[str, str] = field(default_factory=dict)
    same: Mapping[str, Callable[[Any, Any], bool]] = field(default_factory=dict)

    @property
    def inputs(self) -> frozenset[str]:
        """All inputs."""
        return self.identity | self.definition | self.metadata | self.silent

    @property
    def computed(self) -> frozenset[str]:
        """All outputs that are no inputs."""
        return self.outputs | {"job_id"}

    def changed(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
        """Name the inputs that differ in meaning; one that is not known yet always does.

        Args:
            olds: The state.
            news: Checked inputs.
        """
        names = self.inputs
        if any(holds_unknown(news.get(name)) for name in names):
            return frozenset(
                name
                for name in names
                if holds_unknown(news.get(name)) or olds.get(name) != news.get(name)
            )
        old, new = self.spec(olds), self.spec(news)
        same = {"location": same_location, **self.same}
        return frozenset(
            name
            for name in names
            if (one := getattr(old, name)) != (other := getattr(new, name))
            and not (name in same and same[name](one, other))
        )

    def replaces(self, news: Mapping[str, Any], names: frozenset[str]) -> frozenset[str]:
        """Name those of changed inputs that mean another object.

        Args:
            news: Checked inputs.
            names: The inputs that differ.
        """
        again = frozenset() if self.in_place(news) else names & self.definition
        return names & self.identity | again

    def reason(
        self, olds: Mapping[str, Any], news: Mapping[str, Any], names: frozenset[str]
    ) -> str:
        """Say what a change does, and why, in the words of cost.

        Args:
            olds: The state.
            news: Checked inputs.
            names: The inputs that differ.
        """
        if self.replaces(news, names):
            what, why = self.replaced, names & (self.identity | self.definition)
        elif names & self.definition:
            what, why = self.anew, names & self.definition
        elif names & self.metadata:
            what, why = "is written down, nothing runs at BigQuery", names & self.metadata
        else:
            return ""
        return f"{what}: {', '.join(self._difference(olds, news, name) for name in sorted(why))}"

    def _difference(self, olds: Mapping[str, Any], news: Mapping[str, Any], name: str) -> str:
        if holds_unknown(news.get(name)):
            return f"{self.words.get(name, name)} is not known before `up`"
        if name in self.words:
            # A read that found another object puts words where the hash was.
            said = olds.get(name)
            is_said = isinstance(said, str) and " " in said
            return f"{self.words[name]}, {said}" if is_said else f"{self.words[name]} changed"
        return f"{name} {shown(olds.get(name))} -> {shown(news.get(name))}"


def step_key(noun: str, spec: SqlObject, job_id: str) -> str:
    """Name the work of the step that follows one, so that a repeated run finds its job.

    Each step is named by the one before, not by what it does: going back to what was is a step of
    its own, and the row of them tells a run that lost its state what is there.

    Args:
        noun: What the object is.
        spec: The object.
        job_id: Job of the step before; empty for the first.
    """
    return work_key(spec.owner, noun, spec.path, job_id)


def place_problems(inputs: Mapping[str, Any], names: frozenset[str]) -> Iterator[Problem]:
    """Yield what is wrong with the inputs that say where an object is and who may wait how long.

    Args:
        inputs: Inputs.
        names: Those of them that have to be there.
    """
    yield from missing(inputs, names)
    yield from not_text(inputs, {"location"})
    if known(inputs, "location", str) and inputs["location"]:
        reason = location_problem(inputs["location"])
        if reason:
            yield "location", reason
    for name, rule in _IDS.items():
        if inputs.get(name) not in (None, ""):
            yield from rule_problems(name, inputs[name], rule)
    adopt = inputs.get("adopt")
    if adopt is not None and not holds_unknown(adopt) and not isinstance(adopt, bool):
        yield "adopt", f"is {adopt!r} ({type(adopt).__name__}): give true or false"
    yield from timeout_problems(inputs)
