"""A search index as plain data.

Rules: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_search_index_statement
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs import table_index
from bqvertex.specs.inputs import Problem, canonical_json
from bqvertex.specs.job import work_key
from bqvertex.specs.sql_object import CREATE, Row, SqlKind, Step
from bqvertex.specs.table_index import (
    OUTPUTS,
    TableIndex,
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
from googlesql.literal import quoted

IDENTITY: Final = table_index.IDENTITY
"""Inputs whose change means another index."""
# No statement replaces a search index, and ALTER SEARCH INDEX, in preview, needs a reservation for
# background jobs: it is dropped and built.
DEFINITION: Final = frozenset(
    {
        "analyzer",
        "analyzer_options",
        "column_options",
        "columns",
        "data_types",
        "default_index_column_granularity",
    }
)
"""Inputs whose change means that the index is dropped and built anew."""
METADATA: Final = table_index.METADATA
"""Inputs whose change is written down."""
SILENT: Final = table_index.SILENT
"""Inputs whose change alone changes nothing."""

ANALYZERS: Final = ("LOG_ANALYZER", "NO_OP_ANALYZER", "PATTERN_ANALYZER")
DATA_TYPES: Final = ("STRING", "INT64", "TIMESTAMP")
GRANULARITIES: Final = ("GLOBAL", "COLUMN")
COLUMN_KEYS: Final = ("data_types", "index_granularity")
MAX_GRANULAR: Final = 63
"""Columns of one table that may have the granularity COLUMN,
https://cloud.google.com/bigquery/quotas#index_limits."""
# https://cloud.google.com/bigquery/docs/reference/standard-sql/text-analysis
ANALYZER_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "LOG_ANALYZER": ("delimiters", "token_filters"),
    "PATTERN_ANALYZER": ("patterns", "token_filters"),
}


@dataclass(frozen=True, kw_only=True)
class SearchIndexSpec(TableIndex):
    """What the index should be.

    Attributes:
        columns: Columns to index; empty for all, those to come too.
        column_options: `index_granularity` and `data_types` by column.
        analyzer: `LOG_ANALYZER`, `NO_OP_ANALYZER` or `PATTERN_ANALYZER`.
        analyzer_options: Its options; empty for its defaults.
        data_types: Types that are indexed where a column does not say.
        default_index_column_granularity: `GLOBAL` or `COLUMN`.
    """

    kind = "SEARCH"

    columns: tuple[str, ...]
    column_options: Mapping[str, Mapping[str, Any]]
    analyzer: str
    analyzer_options: Mapping[str, Any]
    data_types: tuple[str, ...]
    default_index_column_granularity: str

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "SearchIndexSpec":
        """Take checked inputs, or a state, as a spec: what is left out gets its default."""
        granularity = inputs.get("default_index_column_granularity") or GRANULARITIES[0]
        return cls(
            **cls.common(inputs),
            columns=tuple(inputs.get("columns") or ()),
            column_options=_column_options(inputs.get("column_options")),
            analyzer=(inputs.get("analyzer") or ANALYZERS[0]).upper(),
            analyzer_options=inputs.get("analyzer_options") or {},
            data_types=_types(inputs.get("data_types")) or (DATA_TYPES[0],),
            default_index_column_granularity=granularity.upper(),
        )

    @property
    def read_sql(self) -> str:
        """The query that sees it and the others of its table."""
        return table_index.read_sql(self, column_options=True)

    @property
    def definition(self) -> str:
        """Hash of what is built."""
        return work_key(
            sorted(name.casefold() for name in self.columns),
            _folded(self.column_options),
            self.analyzer,
            dict(self.analyzer_options),
            sorted(self.data_types),
            self.default_index_column_granularity,
        )

    def creation(self) -> Step:
        """Say how to build it where none is."""
        chosen: dict[str, Any] = {}
        if self.analyzer != ANALYZERS[0]:
            chosen["analyzer"] = self.analyzer
        if self.analyzer_options:
            chosen["analyzer_options"] = canonical_json(self.analyzer_options)
        if self.data_types != (DATA_TYPES[0],):
            chosen["data_types"] = list(self.data_types)
        if self.default_index_column_granularity != GRANULARITIES[0]:
            chosen["default_index_column_granularity"] = self.default_index_column_granularity
        head = f"CREATE SEARCH INDEX {self.on} ({self._column_list()})"
        return Step(CREATE, f"{head}{options_clause(chosen)}", self.definition)

    def change(self) -> Step | None:
        """Nothing changes it in place."""
        return None

    def drift(self, live: Row, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Compare what BigQuery was told, not what it makes of it."""
        options = live["options"]
        differs: dict[str, Any] = {}
        if (columns := self._other_columns(live, state)) is not None:
            differs["columns"] = columns or None
        analyzer = str(options.get("analyzer") or ANALYZERS[0]).upper()
        if analyzer != self.analyzer:
            differs["analyzer"] = analyzer
        granularity = str(options.get("default_index_column_granularity") or GRANULARITIES[0])
        if granularity.upper() != self.default_index_column_granularity:
            differs["default_index_column_granularity"] = granularity.upper()
        types = _types(read_json(options.get("data_types", ""))) or (DATA_TYPES[0],)
        if sorted(types) != sorted(self.data_types):
            differs["data_types"] = list(types)
        analysis = read_json(options.get("analyzer_options", "{}"))
        if isinstance(analysis, Mapping) and not _same_json(analysis, self.analyzer_options):
            differs["analyzer_options"] = dict(analysis) or None
        by_column = _column_options(
            {
                column: {
                    name: read_json(value) if name == "data_types" else value
                    for name, value in given.items()
                }
                for column, given in live["column_options"].items()
            }
        )
        if _folded(by_column) != _folded(self.column_options):
            differs["column_options"] = by_column or None
        return differs

    def _other_columns(self, live: Row, state: Mapping[str, Any]) -> list[str] | None:
        """Name the columns where they are others; None where they are as declared.

        Only the statement tells ALL COLUMNS from a list of them all.
        """
        ddl = str(live.get("ddl") or "")
        columns = list(live["columns"])
        if not self.columns:
            if ddl == state.get("ddl"):
                return None
            read = read_ddl(ddl)
            return columns if read is not None and not read.all_columns else None
        if not same_names(columns, self.columns):
            return columns
        if ddl == state.get("ddl"):
            return None
        read = read_ddl(ddl)
        return [] if read is not None and read.all_columns else None

    def _column_list(self) -> str:
        given = {name.casefold(): options for name, options in self.column_options.items()}
        if self.columns:
            return ", ".join(
                f"{quoted(name)}{options_clause(_listed(given.get(name.casefold(), {})))}"
                for name in self.columns
            )
        if not given:
            return "ALL COLUMNS"
        columns = ", ".join(
            f"{quoted(name)}{options_clause(_listed(options))}"
            for name, options in self.column_options.items()
        )
        return f"ALL COLUMNS WITH COLUMN OPTIONS ({columns})"


def problems(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with inputs."""
    del olds
    yield from common_problems(news, ())
    yield from column_problems("columns", news.get("columns"))
    yield from word_problems(news, "analyzer", ANALYZERS)
    yield from word_problems(news, "default_index_column_granularity", GRANULARITIES)
    yield from _type_problems("data_types", news.get("data_types"))
    yield from _analyzer_problems(news)
    yield from _column_option_problems(news)


def schema_problems(
    inputs: Mapping[str, Any], schema: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Yield what is wrong with inputs on a table of these columns.

    Args:
        inputs: Inputs; what is not known yet is left out.
        schema: The table's columns, as `TableFieldSchema`.
    """
    for name in ("columns", "column_options"):
        yield from missing_columns(name, inputs.get(name), schema)
    types = inputs.get("data_types")
    if types is not None and not isinstance(types, (list, tuple)):
        return
    wanted = set(_types(types)) or {DATA_TYPES[0]}
    by_column = inputs.get("column_options") or {}
    own = _folded(_column_options(by_column)) if isinstance(by_column, Mapping) else {}
    columns = inputs.get("columns")
    named = columns if isinstance(columns, (list, tuple)) else ()
    by_name = {str(column["name"]).casefold(): column for column in schema}
    for name in named:
        column = by_name.get(str(name).casefold())
        indexed = set(own.get(str(name).casefold(), {}).get("data_types", wanted))
        if column is not None and not _holds(column, indexed):
            yield (
                "columns",
                f"{name!r} is {type_of(column)} and holds no {', '.join(sorted(indexed))}: leave "
                f"it out, or give data_types ({', '.join(DATA_TYPES)})",
            )
    if columns is None and not any(_holds(column, wanted) for column in schema):
        yield "columns", f"left out, and no column holds {', '.join(sorted(wanted))}"


def _holds(column: Mapping[str, Any], types: set[str]) -> bool:
    kind = type_of({**column, "mode": "NULLABLE"})
    if kind == "STRUCT":
        return any(_holds(part, types) for part in column.get("fields") or ())
    # What a JSON value holds, its type does not tell.
    return kind == "JSON" or kind in types


def _type_problems(name: str, value: Any, of: str = "") -> Iterator[Problem]:
    if value is None or holds_unknown(value):
        return
    if not isinstance(value, (list, tuple)) or not value:
        yield name, f"{of}is {value!r}: give a list of {', '.join(DATA_TYPES)}"
        return
    for item in value:
        if not isinstance(item, str) or item.upper() not in DATA_TYPES:
            yield name, f"{of}has {item!r} (known: {', '.join(DATA_TYPES)})"


def _analyzer_problems(news: Mapping[str, Any]) -> Iterator[Problem]:
    options = news.get("analyzer_options")
    if not options or holds_unknown([options, news.get("analyzer")]):
        return
    analyzer = str(news.get("analyzer") or ANALYZERS[0]).upper()
    if analyzer == "NO_OP_ANALYZER":
        yield (
            "analyzer_options",
            "is for LOG_ANALYZER and PATTERN_ANALYZER; NO_OP_ANALYZER has none",
        )
    elif analyzer in ANALYZER_KEYS:
        yield from key_problems("analyzer_options", options, ANALYZER_KEYS[analyzer])


def _column_option_problems(news: Mapping[str, Any]) -> Iterator[Problem]:
    given, columns = news.get("column_options"), news.get("columns")
    if not given or holds_unknown(given):
        return
    if not isinstance(given, Mapping):
        yield "column_options", f"is {given!r} ({type(given).__name__}): give a map by column"
        return
    yield from column_problems("column_options", list(given))
    listed = [] if columns is None or holds_unknown(columns) else list(columns)
    indexed = {str(name).casefold() for name in listed}
    for column, options in given.items():
        if indexed and str(column).casefold() not in indexed:
            said = ", ".join(str(name) for name in listed)
            yield "column_options", f"{column!r} is not among columns ({said})"
        yield from key_problems("column_options", options, COLUMN_KEYS)
        if isinstance(options, Mapping):
            yield from word_problems(options, "index_granularity", GRANULARITIES, "column_options")
            types = options.get("data_types")
            yield from _type_problems("column_options", types, f"data_types of {column!r} ")
    granular = [c for c, o in given.items() if isinstance(o, Mapping) and _is_granular(o)]
    if len(granular) > MAX_GRANULAR:
        yield (
            "column_options",
            f"gives {len(granular)} columns the index_granularity COLUMN; BigQuery allows "
            f"{MAX_GRANULAR} a table (https://cloud.google.com/bigquery/quotas#index_limits)",
        )


def _is_granular(options: Mapping[str, Any]) -> bool:
    return str(options.get("index_granularity", "")).upper() == "COLUMN"


def _types(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(str(item).upper() for item in value)


def _column_options(given: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(given, Mapping):
        return {}
    result = {}
    for column, options in given.items():
        own: dict[str, Any] = {}
        if options.get("index_granularity"):
            own["index_granularity"] = str(options["index_granularity"]).upper()
        if types := _types(options.get("data_types")):
            own["data_types"] = sorted(types)
        if own:
            result[column] = own
    return result


def _folded(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {column.casefold(): options[column] for column in sorted(options, key=str.casefold)}


def _listed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in sorted(options)}


def _same_json(one: Any, other: Any) -> bool:
    return canonical_json(one) == canonical_json(other)


def _same_types(one: Sequence[str], other: Sequence[str]) -> bool:
    return sorted(one) == sorted(other)


def _same_column_options(
    one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]
) -> bool:
    return _folded(one) == _folded(other)


KIND: Final = SqlKind(
    noun="search index",
    identity=IDENTITY,
    definition=DEFINITION,
    metadata=METADATA,
    silent=SILENT,
    outputs=OUTPUTS,
    spec=SearchIndexSpec.from_inputs,
    problems=problems,
    derived=lambda olds, news: {},
    same_place=same_table,
    in_place=lambda inputs: False,
    anew="builds the index anew",
    replaced="drops the index and builds it anew, searches read the whole table until it is built",
    same={
        "column_options": _same_column_options,
        "columns": same_names,
        "data_types": _same_types,
    },
)
