"""What vector and search indexes have in common: where they are, how they are seen and removed."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, Final

from bqvertex.specs.identifier import Rule, quoted_path
from bqvertex.specs.identifier import problems as rule_problems
from bqvertex.specs.inputs import Problem, known
from bqvertex.specs.job import work_key
from bqvertex.specs.literal import options, render
from bqvertex.specs.seed_table import TYPES
from bqvertex.specs.sql_object import DEFAULT_JOB_TIMEOUT_S, DELETE, Row, Step, place_problems
from bqvertex.specs.unknown import holds_unknown
from googlesql.canonical import canonical
from googlesql.errors import SqlError
from googlesql.literal import quoted
from googlesql.parser import parse_statement
from googlesql.position import Text
from googlesql.tree import Node, dotted_path

INDEX: Final = Rule(
    "index id",
    re.compile(r"[\w\- ]{1,1024}"),
    "1 to 1024 letters, marks, digits, '_', '-' and spaces, as in the id of a table",
    "https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language",
)
COLUMN: Final = Rule(
    "name of a top-level column",
    re.compile(r"[^\x00-\x1f!\"$()*,./;?@\[\\\]^`{}~]{1,300}"),
    """1 to 300 characters other than !"$()*,./;?@[\\]^`{}~""",
    "https://cloud.google.com/bigquery/docs/schemas#flexible-column-names",
)
IDENTITY: Final = frozenset({"project", "location", "dataset_id", "table_id", "index_id"})
"""Inputs whose change means another index, whatever its kind."""
METADATA: Final = frozenset({"owner"})
SILENT: Final = frozenset({"adopt", "job_timeout_s"})
FACTS: Final = (
    "index_status",
    "coverage_percentage",
    "unindexed_row_count",
    "total_logical_bytes",
    "total_storage_bytes",
    "creation_time",
    "last_refresh_time",
    "disable_reason",
    "ddl",
)
"""Columns of VECTOR_INDEXES and SEARCH_INDEXES that are outputs: BigQuery changes them by itself.
https://cloud.google.com/bigquery/docs/information-schema-vector-indexes"""
OUTPUTS: Final = frozenset(FACTS)
DDL_PAGE: Final = (
    "https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language"
)


@dataclass(frozen=True, kw_only=True)
class TableIndex(ABC):
    """Where an index is, who declares it, and how it is seen and removed.

    Attributes:
        kind: `VECTOR` or `SEARCH`.
        project: Project of the dataset; also runs the statements.
        location: The dataset's location.
        dataset_id: The table's dataset.
        table_id: The table.
        index_id: The index's own name.
        owner: Who declares it: organisation, project, stack and name.
        adopt: Whether an index that is there already and is as declared is taken over.
        job_timeout_s: Seconds that each statement may take; an index is built after it.
    """

    kind: ClassVar[str]

    project: str
    location: str
    dataset_id: str
    table_id: str
    index_id: str
    owner: str
    adopt: bool
    job_timeout_s: float

    @staticmethod
    def common(inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Take from checked inputs, or a state, what every index has."""
        return {
            **{name: inputs[name] for name in IDENTITY},
            "owner": inputs.get("owner") or "",
            "adopt": bool(inputs.get("adopt")),
            "job_timeout_s": float(inputs.get("job_timeout_s") or DEFAULT_JOB_TIMEOUT_S),
        }

    @property
    def path(self) -> str:
        """`project.dataset.table.index`."""
        return f"{self.table_path}.{self.index_id}"

    @property
    def table_path(self) -> str:
        """`project.dataset.table`."""
        return f"{self.project}.{self.dataset_id}.{self.table_id}"

    @property
    def on(self) -> str:
        """The index and its table, as CREATE and DROP name them."""
        table = quoted_path((self.project, self.dataset_id, self.table_id))
        return f"{quoted(self.index_id)} ON {table}"

    @abstractmethod
    def drift(self, live: Row, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `SqlObject.drift`."""

    def live(self, rows: Sequence[Row]) -> Row | None:
        """Find it among the indexes of its table, its rows put together.

        Returns:
            `FACTS`, `columns` by name, `options` by name in lower case, and `column_options` by
            column and name; None when it is not among them.
        """
        own = [row for row in rows if _same_name(str(row["index_name"]), self.index_id)]
        if not own:
            return None
        by_column: dict[str, dict[str, str]] = {}
        for row in own:
            if "column_option_name" in row:
                options_of = by_column.setdefault(str(row["index_column_name"]), {})
                options_of[str(row["column_option_name"]).lower()] = str(row["column_option_value"])
        columns = (str(row["index_column_name"]) for row in own if "index_column_name" in row)
        return {
            **{name: own[0][name] for name in FACTS if name in own[0]},
            "columns": list(dict.fromkeys(columns)),
            "options": {
                str(row["option_name"]).lower(): str(row.get("option_value", ""))
                for row in own
                if "option_name" in row
            },
            "column_options": by_column,
        }

    def refusal(self, rows: Sequence[Row]) -> str:
        """Say which other index of the table stands in its way; empty when none does."""
        others = sorted({str(row["index_name"]) for row in rows})
        if not others:
            return ""
        drop = f"DROP {self.kind} INDEX {quoted(others[0])} ON {self.on.partition(' ON ')[2]}"
        return (
            f"table {self.table_path} has the {self.kind.lower()} index {others[0]} already, and "
            f"BigQuery allows one a table ({DDL_PAGE}); drop it with `{drop}`, or take it over "
            f"with index_id {others[0]!r} and adopt"
        )

    def deletion(self, live: Row | None) -> Step | None:
        """Say how to drop it; finding it gone does no harm."""
        del live
        return Step(DELETE, f"DROP {self.kind} INDEX IF EXISTS {self.on}", work_key(self.path))

    def outputs(self, live: Row) -> Mapping[str, Any]:
        """How far the index is built."""
        return {name: live[name] for name in FACTS if name in live}

    def adoption_problem(self, live: Row) -> str:
        """Say in which inputs the index that is there is not what is declared; empty in none."""
        drift = self.drift(live, {})
        if not drift:
            return ""
        said = ", ".join(
            f"{name} is {value!r} instead of {getattr(self, name)!r}"
            for name, value in sorted(drift.items())
        )
        return f"{said}; declare it as it is, or drop it first"


@dataclass(frozen=True)
class Ddl:
    """What a CREATE … INDEX statement says.

    Attributes:
        columns: Names of the columns; empty for ALL COLUMNS.
        all_columns: Whether it says ALL COLUMNS.
        stored_columns: The columns of STORING.
        partition_by: The expression of PARTITION BY; empty without one.
    """

    columns: tuple[str, ...] = ()
    all_columns: bool = False
    stored_columns: tuple[str, ...] = ()
    partition_by: str = ""


def read_sql(index: TableIndex, *, column_options: bool) -> str:
    """Write the query for all that INFORMATION_SCHEMA tells of a table's indexes of one kind.

    Args:
        index: The index; others on its table are asked for too, since they would be in its way.
        column_options: Whether columns have options of their own.
    """
    views = (
        f"{quoted_path((index.project, index.dataset_id))}.INFORMATION_SCHEMA.{index.kind}_INDEX"
    )
    columns = [f"i.{name}" for name in ("index_name", *FACTS)]
    columns += ["c.index_column_name", "o.option_name", "o.option_value"]
    joins = [
        f"LEFT JOIN {views}_COLUMNS AS c "
        "ON c.table_name = i.table_name AND c.index_name = i.index_name",
        f"LEFT JOIN {views}_OPTIONS AS o "
        "ON o.table_name = i.table_name AND o.index_name = i.index_name",
    ]
    if column_options:
        columns += ["p.option_name AS column_option_name", "p.option_value AS column_option_value"]
        joins.append(
            f"LEFT JOIN {views}_COLUMN_OPTIONS AS p "
            "ON p.table_name = i.table_name AND p.index_name = i.index_name "
            "AND p.index_column_name = c.index_column_name"
        )
    return "\n".join(
        [
            f"SELECT {', '.join(columns)}",
            f"FROM {views}ES AS i",
            *joins,
            f"WHERE i.table_name = {render(index.table_id)}",
        ]
    )


def read_ddl(text: str) -> Ddl | None:
    """Read the statement that INFORMATION_SCHEMA says made an index; None when it is none."""
    try:
        statement = parse_statement(text)
    except SqlError:
        return None
    if statement.kind != "ASTCreateIndexStatement":
        return None
    items = statement.child("index_item_list")
    expressions = [
        item.child("expression")
        for item in (items.children("ordering_expressions") if items else ())
    ]
    storing = statement.child("optional_index_storing_expressions")
    partition = statement.child("optional_partition_by")
    parts = partition.children("partitioning_expressions") if partition else ()
    return Ddl(
        columns=tuple(_name(e) for e in expressions if e and e.kind == "ASTPathExpression"),
        all_columns=any(e is not None and e.kind == "ASTIndexAllColumns" for e in expressions),
        stored_columns=tuple(
            _name(e) for e in (storing.children("expressions") if storing else ())
        ),
        partition_by=Text(text).slice(parts[0].start, parts[-1].end) if parts else "",
    )


def canonical_expression(text: str) -> str:
    """Write an expression in its one spelling, without comments and layout.

    Raises:
        SqlError: It is no expression.
    """
    statement = f"SELECT {text}\n"
    return canonical(parse_statement(statement), statement)


def options_clause(values: Mapping[str, Any]) -> str:
    """Write an OPTIONS clause with a blank before it; empty where there are no values."""
    return f" OPTIONS ({options(values)})" if values else ""


def same_names(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether two lists name the same columns: BigQuery ignores case, and the order too."""
    return sorted(name.casefold() for name in one) == sorted(name.casefold() for name in other)


def same_table(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Tell whether both are on one table, which can have one."""
    names = ("project", "dataset_id", "table_id")
    return all(known(news, name, str) and olds.get(name) == news[name] for name in names)


def read_json(text: str) -> Any:
    """Read an option's value that is JSON; None when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def common_problems(inputs: Mapping[str, Any], required: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with where an index is to be."""
    yield from place_problems(inputs, frozenset({*IDENTITY, *required}))
    if inputs.get("index_id") not in (None, ""):
        yield from rule_problems("index_id", inputs["index_id"], INDEX)


def column_problems(name: str, value: Any) -> Iterator[Problem]:
    """Yield what is wrong with a list of columns."""
    if value is None or holds_unknown(value):
        return
    if not isinstance(value, (list, tuple)) or not value:
        yield name, f"is {value!r}: give a list of names of columns"
        return
    seen: set[str] = set()
    for column in value:
        yield from rule_problems(name, column, COLUMN)
        folded = str(column).casefold()
        if folded in seen:
            yield name, f"names {column!r} twice (BigQuery ignores case)"
        seen.add(folded)


def missing_columns(
    name: str, columns: Any, schema: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield which columns a table does not have.

    Args:
        name: The input that names them.
        columns: One, a list, or a map by column; what is not known yet is left out.
        schema: The table's columns, as `TableFieldSchema`.
    """
    if columns is None or not isinstance(columns, (str, list, tuple, Mapping)):
        return
    there = {str(column["name"]).casefold(): str(column["name"]) for column in schema}
    for column in [columns] if isinstance(columns, str) else columns:
        if isinstance(column, str) and column.casefold() not in there:
            near = get_close_matches(column.casefold(), there, n=1)
            hint = f"; did you mean {there[near[0]]!r}?" if near else ""
            yield name, f"{column!r} is no column{hint} (columns: {', '.join(there.values())})"


def type_of(column: Mapping[str, Any]) -> str:
    """Write a column's type as GoogleSQL does, such as `ARRAY<FLOAT64>`; STRUCT without fields."""
    kind = TYPES.get(str(column["type"]).upper(), str(column["type"]))
    return f"ARRAY<{kind}>" if str(column.get("mode")).upper() == "REPEATED" else kind


def word_problems(
    inputs: Mapping[str, Any], name: str, allowed: Sequence[str], said: str = ""
) -> Iterator[Problem]:
    """Yield what is wrong with an input that is one of some words, in any case."""
    value = inputs.get(name)
    if value in (None, "") or holds_unknown(value):
        return
    if not isinstance(value, str) or value.upper() not in allowed:
        near = get_close_matches(str(value).upper(), allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield said or name, f"{said and name + ' '}is {value!r}{hint} (one of {', '.join(allowed)})"


def key_problems(name: str, value: Any, allowed: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with the names in a map."""
    if not isinstance(value, Mapping):
        yield name, f"is {value!r} ({type(value).__name__}): give a map of {', '.join(allowed)}"
        return
    for key in value:
        if key not in allowed:
            near = get_close_matches(str(key), allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield name, f"has {key!r}{hint} (known: {', '.join(allowed)})"


def _name(expression: Node) -> str:
    return ".".join(dotted_path(expression))


def _same_name(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
