"""A vector index as plain data.

Rules: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_vector_index_statement
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs import table_index
from bqvertex.specs.identifier import problems as rule_problems
from bqvertex.specs.inputs import Problem, canonical_json, whole_number
from bqvertex.specs.job import work_key
from bqvertex.specs.sql_object import (
    CREATE,
    UPDATE,
    Row,
    SqlKind,
    Step,
)
from bqvertex.specs.table_index import (
    COLUMN,
    OUTPUTS,
    TableIndex,
    canonical_expression,
    column_problems,
    common_problems,
    key_problems,
    missing_columns,
    options_clause,
    read_ddl,
    read_json,
    same_names,
    same_table,
    type_of,
    word_problems,
)
from bqvertex.specs.unknown import holds_unknown
from googlesql.errors import SqlError
from googlesql.literal import quoted
from googlesql.parser import parse_statement

# The column cannot be changed in place: "drop the current index and create a new one", says the
# page above.
IDENTITY: Final = table_index.IDENTITY | {"column_name"}
"""Inputs whose change means another index."""
DEFINITION: Final = frozenset(
    {
        "distance_type",
        "index_type",
        "ivf_options",
        "lexical_search_columns",
        "partition_by",
        "stored_columns",
        "tree_ah_options",
    }
)
"""Inputs whose change means that the index is built anew, in place."""
METADATA: Final = table_index.METADATA
"""Inputs whose change is written down."""
SILENT: Final = table_index.SILENT
"""Inputs whose change alone changes nothing."""

INDEX_TYPES: Final = ("IVF", "TREE_AH")
DISTANCE_TYPES: Final = ("EUCLIDEAN", "COSINE", "DOT_PRODUCT")
NORMALIZATION_TYPES: Final = ("NONE", "L2")
MAX_LISTS: Final = 5000
MIN_LEAF: Final = 500
_IVF_KEYS: Final = ("num_lists",)
_TREE_AH_KEYS: Final = ("leaf_node_embedding_count", "normalization_type")


@dataclass(frozen=True, kw_only=True)
class VectorIndexSpec(TableIndex):
    """What the index should be.

    Attributes:
        column_name: The column of embeddings.
        stored_columns: Columns kept in the index too.
        index_type: `IVF` or `TREE_AH`.
        distance_type: `EUCLIDEAN`, `COSINE` or `DOT_PRODUCT`.
        ivf_options: `num_lists`; empty for BigQuery's choice.
        tree_ah_options: `leaf_node_embedding_count`, `normalization_type`; empty for the defaults.
        lexical_search_columns: Stored columns for hybrid search.
        partition_by: Expression by which the table, and so the index, is partitioned; empty for
            none.
    """

    kind = "VECTOR"

    column_name: str
    stored_columns: tuple[str, ...]
    index_type: str
    distance_type: str
    ivf_options: Mapping[str, Any]
    tree_ah_options: Mapping[str, Any]
    lexical_search_columns: tuple[str, ...]
    partition_by: str

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "VectorIndexSpec":
        """Take checked inputs, or a state, as a spec: what is left out gets its default."""
        return cls(
            **cls.common(inputs),
            column_name=inputs["column_name"],
            stored_columns=tuple(inputs.get("stored_columns") or ()),
            index_type=inputs["index_type"].upper(),
            distance_type=(inputs.get("distance_type") or DISTANCE_TYPES[0]).upper(),
            ivf_options=_canonical(inputs.get("ivf_options")),
            tree_ah_options=_canonical(inputs.get("tree_ah_options")),
            lexical_search_columns=tuple(inputs.get("lexical_search_columns") or ()),
            partition_by=(inputs.get("partition_by") or "").strip(),
        )

    @property
    def read_sql(self) -> str:
        """The query that sees it and the others of its table."""
        return table_index.read_sql(self, column_options=False)

    @property
    def definition(self) -> str:
        """Hash of what is built."""
        return work_key(
            self.column_name.casefold(),
            sorted(name.casefold() for name in self.stored_columns),
            self.index_type,
            self.distance_type,
            dict(self.ivf_options),
            dict(self.tree_ah_options),
            sorted(name.casefold() for name in self.lexical_search_columns),
            canonical_expression(self.partition_by) if self.partition_by else "",
        )

    def creation(self) -> Step:
        """Say how to build it where none is."""
        return Step(CREATE, self._statement("CREATE VECTOR INDEX"), self.definition)

    def change(self) -> Step | None:
        """Say how to build it in the place of the one that is there."""
        return Step(UPDATE, self._statement("CREATE OR REPLACE VECTOR INDEX"), self.definition)

    def drift(self, live: Row, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Compare what BigQuery was told, not what it makes of it.

        An option that is left out is BigQuery's to choose, and may come back chosen.
        """
        options = live["options"]
        differs: dict[str, Any] = {}
        columns = live["columns"]
        if columns and self.column_name.casefold() not in [name.casefold() for name in columns]:
            differs["column_name"] = columns[0]
        for name, default in (("index_type", ""), ("distance_type", DISTANCE_TYPES[0])):
            value = str(options.get(name) or default).upper()
            if value and value != getattr(self, name):
                differs[name] = value
        for name in ("ivf_options", "tree_ah_options"):
            declared = getattr(self, name)
            found = _canonical(read_json(options.get(name, "")))
            if any(found.get(key) != chosen for key, chosen in declared.items()):
                differs[name] = found or None
        lexical = read_json(options.get("lexical_search_columns", "[]"))
        if isinstance(lexical, list) and not same_names(lexical, self.lexical_search_columns):
            differs["lexical_search_columns"] = lexical or None
        return {**differs, **self._ddl_drift(str(live.get("ddl") or ""), state)}

    def _ddl_drift(self, ddl: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """Compare what only the statement tells: STORING and PARTITION BY.

        Google documents it by examples without these clauses. Should it leave them out, they must
        not look like drift: what counts is that the statement is another one than it was.
        """
        before = state.get("ddl")
        if not ddl or ddl == before:
            return {}
        now, was = read_ddl(ddl), read_ddl(before) if isinstance(before, str) else None
        if now is None:
            return {}
        differs: dict[str, Any] = {}
        carried = was is None or bool(was.stored_columns) or bool(now.stored_columns)
        if carried and not same_names(now.stored_columns, self.stored_columns):
            differs["stored_columns"] = list(now.stored_columns) or None
        carried = was is None or bool(was.partition_by) or bool(now.partition_by)
        if carried and not same_expression(now.partition_by, self.partition_by):
            differs["partition_by"] = now.partition_by or None
        return differs

    def _statement(self, verb: str) -> str:
        storing = ", ".join(quoted(name) for name in self.stored_columns)
        parts = [f"{verb} {self.on} ({quoted(self.column_name)})"]
        if storing:
            parts.append(f"STORING ({storing})")
        if self.partition_by:
            parts.append(f"PARTITION BY {self.partition_by}")
        chosen: dict[str, Any] = {
            "index_type": self.index_type,
            "distance_type": self.distance_type,
        }
        if self.ivf_options:
            chosen["ivf_options"] = canonical_json(self.ivf_options)
        if self.tree_ah_options:
            chosen["tree_ah_options"] = canonical_json(self.tree_ah_options)
        if self.lexical_search_columns:
            chosen["lexical_search_columns"] = list(self.lexical_search_columns)
        return "\n".join([*parts, options_clause(chosen).strip()])


def problems(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with inputs.

    Args:
        olds: Inputs that passed the check before: an expression that did is not parsed again.
        news: Inputs.
    """
    yield from common_problems(news, ("column_name", "index_type"))
    if news.get("column_name") != "":
        yield from rule_problems("column_name", news.get("column_name"), COLUMN)
    yield from word_problems(news, "index_type", INDEX_TYPES)
    yield from word_problems(news, "distance_type", DISTANCE_TYPES)
    for name in ("stored_columns", "lexical_search_columns"):
        yield from column_problems(name, news.get(name))
    yield from _option_problems(news)
    yield from _lexical_problems(news)
    yield from _partition_problems(olds, news)


def schema_problems(
    inputs: Mapping[str, Any], schema: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield what is wrong with inputs on a table of these columns.

    Args:
        inputs: Inputs; what is not known yet is left out.
        schema: The table's columns, as `TableFieldSchema`.
    """
    for name in ("column_name", "stored_columns", "lexical_search_columns"):
        yield from missing_columns(name, inputs.get(name), schema)
    by_name = {str(column["name"]).casefold(): column for column in schema}
    column = by_name.get(str(inputs.get("column_name")).casefold())
    if column is not None and not _is_embedding(column):
        yield (
            "column_name",
            f"{column['name']!r} is {type_of(column)}; it must be ARRAY<FLOAT64>, or "
            "STRUCT<result ARRAY<FLOAT64>, status STRING>",
        )
    lexical = inputs.get("lexical_search_columns")
    for name in lexical if isinstance(lexical, (list, tuple)) else ():
        found = by_name.get(str(name).casefold())
        if found is not None and type_of(found) != "STRING":
            yield "lexical_search_columns", f"{name!r} is {type_of(found)}; it must be STRING"


def _is_embedding(column: Mapping[str, Any]) -> bool:
    if type_of(column) != "STRUCT":
        return type_of(column) == "ARRAY<FLOAT64>"
    parts = {str(part["name"]).casefold(): type_of(part) for part in column.get("fields") or ()}
    return (parts.get("result"), parts.get("status")) == ("ARRAY<FLOAT64>", "STRING")


def _option_problems(news: Mapping[str, Any]) -> Iterator[Problem]:
    ivf, tree_ah = news.get("ivf_options"), news.get("tree_ah_options")
    if ivf and not holds_unknown(ivf):
        yield from _only_for(news, "ivf_options", "IVF")
        yield from key_problems("ivf_options", ivf, _IVF_KEYS)
        yield from _number_problems("ivf_options", ivf, "num_lists", 1, MAX_LISTS)
    if tree_ah and not holds_unknown(tree_ah):
        yield from _only_for(news, "tree_ah_options", "TREE_AH")
        yield from key_problems("tree_ah_options", tree_ah, _TREE_AH_KEYS)
        name = "leaf_node_embedding_count"
        yield from _number_problems("tree_ah_options", tree_ah, name, MIN_LEAF, None)
        if isinstance(tree_ah, Mapping):
            yield from word_problems(
                tree_ah, "normalization_type", NORMALIZATION_TYPES, "tree_ah_options"
            )


def _lexical_problems(news: Mapping[str, Any]) -> Iterator[Problem]:
    lexical, stored = news.get("lexical_search_columns"), news.get("stored_columns") or []
    if not isinstance(lexical, (list, tuple)) or not isinstance(stored, (list, tuple)):
        return
    if holds_unknown([lexical, stored]):
        return
    kept = {str(name).casefold() for name in stored}
    for name in lexical:
        if str(name).casefold() not in kept:
            yield (
                "lexical_search_columns",
                f"{name!r} is not among stored_columns, where hybrid search needs it "
                "(https://cloud.google.com/bigquery/docs/vector-index)",
            )


def _partition_problems(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Problem]:
    if news.get("partition_by") in (None, "") or holds_unknown(news["partition_by"]):
        return
    text = news["partition_by"]
    yield from _only_for(news, "partition_by", "TREE_AH")
    if not isinstance(text, str):
        yield "partition_by", f"is {text!r} ({type(text).__name__}): give an expression as text"
    elif text != olds.get("partition_by"):
        yield from (("partition_by", reason) for reason in _expression_problems(text))


def _expression_problems(text: str) -> Iterator[str]:
    head = "CREATE VECTOR INDEX i ON t(c)\nPARTITION BY "
    whole = f"{head}{text.strip()}\nOPTIONS (index_type = 'TREE_AH')"
    try:
        statement = parse_statement(whole)
    except SqlError as error:
        yield f"{text!r} is no expression: {error.reason}"
        return
    partition = statement.child("optional_partition_by")
    parts = partition.children("partitioning_expressions") if partition else ()
    # What is one expression for itself, to its last byte, can neither end the clause nor hide in
    # a comment what follows.
    start, end = len(head.encode()), len((head + text.strip()).encode())
    if len(parts) != 1 or (parts[0].start, parts[0].end) != (start, end):
        yield (
            f"{text!r} must be one expression and nothing else, the one by which the table is "
            "partitioned, such as TIMESTAMP_TRUNC(created, DAY)"
        )


def _only_for(news: Mapping[str, Any], name: str, index_type: str) -> Iterator[Problem]:
    given = news.get("index_type")
    if isinstance(given, str) and given.upper() in INDEX_TYPES and given.upper() != index_type:
        yield name, f"is for index_type {index_type!r} only, and this is {given!r}"


def _number_problems(
    name: str, values: Any, key: str, least: int, most: int | None
) -> Iterator[Problem]:
    if not isinstance(values, Mapping) or values.get(key) is None:
        return
    value = whole_number(values[key])
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        until = f"{least} to {most}" if most is not None else f"{least} or more"
        yield name, f"{key} is {value!r}: give a whole number, {until}"


def same_expression(one: str, other: str) -> bool:
    """Tell whether two expressions mean the same."""
    if not one or not other:
        return one == other
    try:
        return canonical_expression(one) == canonical_expression(other)
    except SqlError:
        return False


def _canonical(values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        return {}
    return {
        key: value.upper() if isinstance(value, str) else whole_number(value)
        for key, value in sorted(values.items())
        if value is not None
    }


KIND: Final = SqlKind(
    noun="vector index",
    identity=IDENTITY,
    definition=DEFINITION,
    metadata=METADATA,
    silent=SILENT,
    outputs=OUTPUTS,
    spec=VectorIndexSpec.from_inputs,
    problems=problems,
    derived=lambda olds, news: {},
    same_place=same_table,
    in_place=lambda inputs: True,
    anew="builds the index anew in place, searches read the whole table until it is built",
    replaced="replaces the index, searches read the whole table until it is built",
    same={
        "lexical_search_columns": same_names,
        "partition_by": same_expression,
        "stored_columns": same_names,
    },
)
