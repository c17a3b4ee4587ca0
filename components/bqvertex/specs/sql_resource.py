"""Whatever a statement makes, as plain data: how to create, see, change and delete it in SQL."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs.inputs import Problem, canonical_json, known, not_text
from bqvertex.specs.job import work_key
from bqvertex.specs.sql_object import (
    CREATE,
    DELETE,
    UPDATE,
    Row,
    SqlKind,
    Step,
    place_problems,
)
from bqvertex.specs.sql_text import SqlText, read_sql_text
from bqvertex.specs.statement import StatementError
from bqvertex.specs.unknown import UNKNOWN, holds_unknown, is_unknown

TEXTS: Final = ("create", "read", "update", "delete")
"""Inputs that are SQL. Each has a `…_file`, which says where it was read from, and a derived
`…_hash` of what it means."""
IDENTITY: Final = frozenset({"project", "location", "dataset_id"})
"""Inputs whose change means another object."""
DEFINITION: Final = frozenset({"create_hash", "update_hash", "triggers"})
"""Inputs whose change means that a statement runs again."""
METADATA: Final = frozenset({"read_hash", "delete_hash", "owner"})
"""Inputs whose change is written down: the next refresh, or the end, goes by them."""
SILENT: Final = frozenset(
    {"adopt", "job_timeout_s", "schemas", *TEXTS, *(f"{name}_file" for name in TEXTS)}
)
"""Inputs whose change alone changes nothing; what the texts mean is in their hashes."""
OUTPUTS: Final = frozenset({"row"})
JOB_TIMEOUT_S: Final = 21600.0
"""Seconds that a statement may take when `job_timeout_s` is left out: a query's own limit,
https://docs.cloud.google.com/bigquery/quotas#query_jobs."""

_READ_FROM: Final = ("project", "dataset_id", "schemas")
_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, kw_only=True)
class SqlResourceSpec:
    """What the object should be.

    Attributes:
        project: Project that runs the statements, and that of names without one.
        location: Where they run.
        dataset_id: Dataset of names without one; empty: there is no such name.
        create: Statement, or script, that makes it.
        read: Query that sees it; empty for none.
        update: Statement that makes what is there into this; empty for none.
        delete: Statement that removes it; empty for none.
        create_file: Where `create` was read from; empty when it was given as text.
        read_file: Where `read` was read from.
        update_file: Where `update` was read from.
        delete_file: Where `delete` was read from.
        create_hash: Hash of what `create` means.
        read_hash: Hash of what `read` means; empty for none.
        update_hash: Hash of what `update` means; empty for none.
        delete_hash: Hash of what `delete` means; empty for none.
        triggers: Values whose change runs it again.
        schemas: Columns of what the statements read, by name.
        owner: Who declares it: organisation, project, stack and name.
        adopt: Whether what `read` sees already is taken over.
        job_timeout_s: Seconds that each statement may take.
    """

    project: str
    location: str
    dataset_id: str
    create: str
    read: str
    update: str
    delete: str
    create_file: str
    read_file: str
    update_file: str
    delete_file: str
    create_hash: str
    read_hash: str
    update_hash: str
    delete_hash: str
    triggers: Sequence[Any]
    schemas: Mapping[str, Sequence[Mapping[str, Any]]]
    owner: str
    adopt: bool
    job_timeout_s: float

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "SqlResourceSpec":
        """Take checked inputs, or a state, as a spec: what is left out gets its default."""
        texts = {
            name: inputs.get(name) or ""
            for text in TEXTS
            for name in (text, f"{text}_file", f"{text}_hash")
        }
        return cls(
            project=inputs["project"],
            location=inputs["location"],
            dataset_id=inputs.get("dataset_id") or "",
            triggers=inputs.get("triggers") or [],
            schemas=inputs.get("schemas") or {},
            owner=inputs.get("owner") or "",
            adopt=bool(inputs.get("adopt")),
            job_timeout_s=float(inputs.get("job_timeout_s") or JOB_TIMEOUT_S),
            **texts,
        )

    @property
    def path(self) -> str:
        """The declaration's own name: what a statement makes has none that is known."""
        return self.owner.rpartition("/")[2] or self.create_hash[:16]

    @property
    def read_sql(self) -> str:
        """The query that sees it; empty where nothing can."""
        return self._qualified("read")

    @property
    def definition(self) -> str:
        """Hash of what it is made of."""
        return work_key(self.create_hash, self.update_hash, list(self.triggers))

    def creation(self) -> Step:
        """Say how to make it."""
        return Step(CREATE, self._qualified("create"), self.definition)

    def change(self) -> Step | None:
        """Say how to change what is there; None without `update`."""
        return Step(UPDATE, self._qualified("update"), self.definition) if self.update else None

    def deletion(self, live: Row | None) -> Step | None:
        """Say how to remove it; None without `delete`."""
        del live
        return Step(DELETE, self._qualified("delete"), self.definition) if self.delete else None

    def live(self, rows: Sequence[Row]) -> Row | None:
        """Take the one row of `read` as what is there.

        Raises:
            ValueError: There are several.
        """
        if len(rows) > 1:
            raise ValueError(
                f"`read` answers {len(rows)} rows; it must answer one for what is there, and none "
                "when it is gone: narrow its WHERE clause, or aggregate"
            )
        return rows[0] if rows else None

    def refusal(self, rows: Sequence[Row]) -> str:
        """Nothing is known to stand in its way."""
        del rows
        return ""

    def drift(self, live: Row, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Compare the row with that of the last run; a difference is one of what `create` made."""
        before = state.get("row")
        if before is None:
            return {}
        said = "; ".join(_differences(before, live))
        if said:
            # The row stays that of what was made, to be compared with again.
            return {"create_hash": f"what `read` answers: {said}", "row": before}
        # It differed when it was last looked at, and is as it was made again.
        return {} if _is_hash(state.get("create_hash")) else {"create_hash": _hash("create", state)}

    def outputs(self, live: Row) -> Mapping[str, Any]:
        """The row."""
        return {"row": dict(live)}

    def adoption_problem(self, live: Row) -> str:
        """What is there is taken over whatever it is: nothing tells what it was made of."""
        del live
        return ""

    def _qualified(self, name: str) -> str:
        sql = getattr(self, name)
        if not sql:
            return ""
        read = read_sql_text(sql, getattr(self, f"{name}_file"))
        return read.qualified(self.project, self.dataset_id)


def derived(olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """Work out what each text means, as far as it is known.

    Args:
        olds: Inputs that passed the check before; empty for a new resource. A text that meant the
            same then means the same now, whatever this version of the toolkit makes of it.
        news: Inputs.

    Returns:
        The hashes of the texts that are there, `UNKNOWN` for one that is not known yet. Those of
        texts that cannot be read are left out.
    """
    found: dict[str, Any] = {}
    for name in TEXTS:
        if news.get(name) is None or news[name] == "":
            continue
        needed = [news[name], news.get("project"), news.get("dataset_id")]
        if holds_unknown(needed):
            found[f"{name}_hash"] = UNKNOWN
        elif is_accepted(name, olds, news):
            found[f"{name}_hash"] = olds[f"{name}_hash"]
        elif all(isinstance(value, str) for value in needed[:2]):
            try:
                found[f"{name}_hash"] = _kept(name, olds, _hash(name, news))
            except StatementError:
                continue
    return found


def is_accepted(name: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Tell whether a text was checked before, word for word and in the same place.

    Args:
        name: One of `TEXTS`.
        olds: Inputs that passed the check before; empty for a new resource.
        news: Inputs.
    """
    # A read that finds another object puts words in the place of the hash.
    return _is_hash(olds.get(f"{name}_hash")) and all(
        not holds_unknown(news.get(key)) and olds.get(key) == news.get(key)
        for key in (name, *_READ_FROM)
    )


def problems(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with inputs.

    Args:
        olds: Inputs that passed the check before; a text that did is not read again.
        news: Inputs.
    """
    yield from place_problems(news, frozenset({"project", "location", "create"}))
    yield from not_text(news, {*TEXTS, *(f"{name}_file" for name in TEXTS)})
    for name in TEXTS:
        if known(news, name, str) and news[name] and not is_accepted(name, olds, news):
            yield from _text_problems(name, news)
    triggers = news.get("triggers")
    if triggers is not None and not is_unknown(triggers) and not isinstance(triggers, list):
        yield "triggers", f"is {triggers!r} ({type(triggers).__name__}): give a list of values"


def same_place(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Tell that the old one has to go first: nobody knows what name its statements give it."""
    del olds, news
    return True


def _text_problems(name: str, news: Mapping[str, Any]) -> Iterator[Problem]:
    file = news.get(f"{name}_file") if known(news, f"{name}_file", str) else None
    # Named by its file: the engine prints the value of the input, here that of a whole text.
    said = f"{name}_file" if file else name
    schemas = news["schemas"] if known(news, "schemas", dict) else {}
    try:
        text = read_sql_text(news[name], file or "")
        if name == "read" and text.kinds != ("SELECT",):
            raise text.error_at(
                f"read is {', '.join(text.kinds)}; it must be one SELECT statement",
                text.statements[0].start,
            )
        if known(news, "project", str) and not holds_unknown(news.get("dataset_id")):
            text.qualified(news["project"], news.get("dataset_id") or "")
        text.check(schemas)
    except StatementError as error:
        yield said, str(error)
    except ValueError as error:
        yield "schemas", str(error)


def _kept(name: str, olds: Mapping[str, Any], hash_now: str) -> str:
    if not _is_hash(olds.get(f"{name}_hash")):
        return hash_now
    try:
        same = _hash(name, olds) == hash_now
    except (KeyError, StatementError):
        # An older version took what this one cannot read.
        return hash_now
    return str(olds[f"{name}_hash"]) if same else hash_now


def _hash(name: str, inputs: Mapping[str, Any]) -> str:
    text: SqlText = read_sql_text(inputs[name])
    return text.definition_hash(inputs["project"], inputs.get("dataset_id") or "")


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.match(value) is not None


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *now)):
        if name not in now:
            yield f"{name} is NULL or gone"
        elif name not in before:
            yield f"{name} is {canonical_json(now[name])}"
        elif canonical_json(before[name]) != canonical_json(now[name]):
            yield f"{name} {canonical_json(before[name])} -> {canonical_json(now[name])}"


KIND: Final = SqlKind(
    noun="SQL resource",
    identity=IDENTITY,
    definition=DEFINITION,
    metadata=METADATA,
    silent=SILENT,
    outputs=OUTPUTS,
    spec=SqlResourceSpec.from_inputs,
    problems=problems,
    derived=derived,
    same_place=same_place,
    in_place=lambda inputs: bool(inputs.get("update")),
    anew="runs `update` in place",
    replaced="replaces it, `delete` runs and then `create`",
    words={f"{name}_hash": f"`{name}`" for name in TEXTS},
)
