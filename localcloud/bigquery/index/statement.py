"""CREATE, ALTER and DROP of vector and search indexes.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_search_index_statement
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_bigquery.catalog import metadata, tables
from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError, already_exists
from local_bigquery.models import JobStatistics2, Table, TableFieldSchema
from local_bigquery.sql.script import Interpreter

from googlesql.position import Text
from googlesql.tree import Node, dotted_path, identifiers
from localcloud.bigquery import job
from localcloud.bigquery.index import options, stored_index
from localcloud.bigquery.index.stored_index import SEARCHABLE, StoredIndex, searchable, type_name
from localcloud.bigquery.names import Reference

KINDS = {
    "ASTDropSearchIndexStatement": "SEARCH",
    "ASTDropVectorIndexStatement": "VECTOR",
    "INDEX_SEARCH": "SEARCH",
    "INDEX_VECTOR": "VECTOR",
}
STATEMENTS = (
    "ASTCreateIndexStatement",
    "ASTAlterIndexStatement",
    "ASTDropSearchIndexStatement",
    "ASTDropVectorIndexStatement",
)
MINIMUM_ROWS = 5000
"""https://cloud.google.com/bigquery/quotas#vector_index_limits"""


def run(interpreter: Interpreter, statement: Node, text: Text) -> JobStatistics2:
    """Run, or in a dry run check, a statement of `STATEMENTS`.

    Raises:
        BigQueryError: `notFound`, `duplicate`, or `invalidQuery` for a rule that is broken.
    """
    context = interpreter.context
    path = dotted_path(statement.child("table_name"))
    reference = Reference.resolve(path, context.project_id, context.dataset_id)
    table = tables.load(*reference)
    if statement.kind == "ASTCreateIndexStatement":
        verb, kind, operation = "CREATE", *_create(statement, text, reference, table)
    elif statement.kind == "ASTAlterIndexStatement":
        verb, kind, operation = "ALTER", *_alter(statement, text, reference)
    else:
        verb, kind, operation = "DROP", *_drop(statement, reference)
    return JobStatistics2.model_validate(
        {
            "statementType": f"{verb}_{kind}_INDEX",
            "ddlOperationPerformed": operation,
            "ddlTargetTable": dict(
                zip(("projectId", "datasetId", "tableId"), reference, strict=True)
            ),
        }
    )


def _create(statement: Node, text: Text, reference: Reference, table: Table) -> tuple[str, str]:
    kind = _kind_to_create(statement)
    name = _name(statement.child("name"))
    others = stored_index.of_table(reference)
    found = next((one for one in others if one.kind == kind), None)
    replaces, only_new = statement.flag("is_or_replace"), statement.flag("is_if_not_exists")
    if replaces and only_new:
        raise BigQueryError("invalidQuery", "OR REPLACE and IF NOT EXISTS do not go together.")
    if replaces and kind == "SEARCH":
        raise BigQueryError("invalidQuery", "CREATE OR REPLACE is not for search indexes.")
    operation = "CREATE"
    if found is not None:
        if found.name.casefold() != name.casefold():
            raise BigQueryError(
                "invalidQuery",
                f"Table {reference.label} already has the {kind.lower()} index {found.name}; a "
                "table can have one.",
            )
        if not replaces and not only_new:
            raise already_exists(f"{kind.title()} index", found.label)
        operation = "REPLACE" if replaces else "SKIP"
    if any(one.kind != kind and one.name.casefold() == name.casefold() for one in others):
        raise BigQueryError(
            "invalidQuery",
            f"Table {reference.label} already has an index of the other kind named {name}.",
        )
    made = _read(statement, text, kind, reference, name)
    _check(made, table)
    if operation != "SKIP" and not job.is_dry_run():
        made.save()
    return kind, operation


def _kind_to_create(statement: Node) -> str:
    if statement.flag("is_vector"):
        return "VECTOR"
    if statement.flag("is_search"):
        return "SEARCH"
    raise BigQueryError("invalidQuery", "CREATE INDEX is CREATE VECTOR INDEX or SEARCH INDEX.")


def _name(path: Node | None) -> str:
    parts = dotted_path(path)
    if len(parts) != 1:
        raise BigQueryError(
            "invalidQuery",
            f"Index name {'.'.join(parts)} has a path; an index belongs to its table's dataset.",
        )
    return parts[0]


def _read(statement: Node, text: Text, kind: str, reference: Reference, name: str) -> StoredIndex:
    items = statement.child("index_item_list")
    ordering = items.children("ordering_expressions") if items else ()
    everything = next((e for item in ordering if (e := _all_columns(item))), None)
    if everything is not None:
        own = everything.child("column_options")
        ordering = own.children("ordering_expressions") if own else ()
    storing = statement.child("optional_index_storing_expressions")
    partition = statement.child("optional_partition_by") or statement.child("partition_by")
    return StoredIndex(
        kind=kind,
        table=reference,
        name=name,
        columns={
            ".".join(dotted_path(item.child("expression"))): _given(
                options.read(f"{kind} column", item.child("option_list"), text)
            )
            for item in ordering
        },
        all_columns=everything is not None,
        storing=tuple(
            ".".join(dotted_path(column))
            for column in (storing.children("expressions") if storing else ())
        ),
        partition_by=_partition_expression(partition, text),
        options=_given(options.read(kind, statement.child("options_list"), text)),
    )


def _all_columns(item: Node) -> Node | None:
    expression = item.child("expression")
    return expression if expression and expression.kind == "ASTIndexAllColumns" else None


def _partition_expression(partition: Node | None, text: Text) -> str:
    parts = list(partition.nodes()) if partition else []
    return text.slice(parts[0].start, parts[-1].end) if parts else ""


def _given(read: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in read.items() if value is not None}


def _check(index: StoredIndex, table: Table) -> None:
    if table.type != "TABLE":
        raise BigQueryError(
            "invalidQuery",
            f"{index.table.label} is a {table.type}; a {index.kind.lower()} index needs a table.",
        )
    options.check_together(index.kind, index.options)
    columns = {str(column.name).casefold(): column for column in tables.fields(table)}
    for name in (*index.columns, *index.storing):
        if name.casefold() not in columns:
            raise BigQueryError(
                "invalidQuery", f"Column {name} is not found in table {index.table.label}."
            )
    if index.kind == "VECTOR":
        _check_vector(index, columns)
    else:
        _check_search(index, columns)


def _check_vector(index: StoredIndex, columns: Mapping[str, TableFieldSchema]) -> None:
    if len(index.columns) != 1:
        raise BigQueryError("invalidQuery", "A vector index is on exactly one column.")
    [name] = index.columns
    column = columns[name.casefold()]
    if not _is_embedding(column):
        raise BigQueryError(
            "invalidQuery",
            f"Column {name} of table {index.table.label} is {_described(column)}; a vector index "
            "needs ARRAY<FLOAT64>, or STRUCT<result ARRAY<FLOAT64>, status STRING>.",
        )
    for stored in index.storing:
        if type_name(columns[stored.casefold()]) == "RANGE":
            raise BigQueryError("invalidQuery", f"Column {stored} of STORING is a RANGE.")
    if index.partition_by and index.options["index_type"] != "TREE_AH":
        raise BigQueryError("invalidQuery", "PARTITION BY needs index_type = 'TREE_AH'.")
    for lexical in index.options.get("lexical_search_columns") or []:
        found = columns.get(lexical.casefold())
        if found is None or _described(found) != "STRING":
            raise BigQueryError(
                "invalidQuery", f"{lexical} of lexical_search_columns is no STRING column."
            )
    # What the catalog says is an estimate.
    [(rows,)] = database.fetch(f"SELECT count(*) FROM {tables.name(*index.table)}")
    if rows < MINIMUM_ROWS:
        raise BigQueryError(
            "invalid",
            f"Total rows {rows} is smaller than min allowed {MINIMUM_ROWS} for CREATE VECTOR INDEX "
            f"query with the {index.options['index_type']} index type. Please use VECTOR_SEARCH "
            "table-valued function directly to perform the similarity search.",
        )


def _check_search(index: StoredIndex, columns: Mapping[str, TableFieldSchema]) -> None:
    for name, own in index.columns.items():
        types = own.get("data_types") or index.data_types
        if not searchable(columns[name.casefold()], types):
            raise BigQueryError(
                "invalidQuery",
                f"Column {name} of table {index.table.label} is "
                f"{_described(columns[name.casefold()])}; a search index of {', '.join(types)} "
                f"cannot hold it. data_types can be {', '.join(SEARCHABLE)}.",
            )
    if not index.columns and not index.all_columns:
        raise BigQueryError("invalidQuery", "A search index needs a column, or ALL COLUMNS.")
    if index.all_columns and not any(
        searchable(column, index.data_types) for column in columns.values()
    ):
        raise BigQueryError(
            "invalidQuery",
            f"Table {index.table.label} has no column of type {', '.join(index.data_types)}.",
        )


def _is_embedding(column: TableFieldSchema) -> bool:
    if type_name(column) == "STRUCT" and column.mode != "REPEATED":
        parts = {str(part.name).casefold(): part for part in column.fields or []}
        result, status = parts.get("result"), parts.get("status")
        return (
            result is not None
            and status is not None
            and _described(result) == "ARRAY<FLOAT64>"
            and _described(status) == "STRING"
        )
    return _described(column) == "ARRAY<FLOAT64>"


def _described(column: TableFieldSchema) -> str:
    kind = type_name(column)
    return f"ARRAY<{kind}>" if column.mode == "REPEATED" else kind


def _drop(statement: Node, reference: Reference) -> tuple[str, str]:
    kind = KINDS[statement.kind]
    found = _find(kind, reference, _name(statement.child("name")))
    label = f"{reference.label}.{_name(statement.child('name'))}"
    operation = metadata.outcome(
        f"{kind.title()} index", label, found is not None, True, statement.flag("is_if_exists")
    )
    if found is not None and not job.is_dry_run():
        found.delete()
    return kind, operation


def _alter(statement: Node, text: Text, reference: Reference) -> tuple[str, str]:
    kind = KINDS[statement.text("index_type")]
    name = _name(statement.child("path"))
    found = _find(kind, reference, name)
    if found is None:
        if statement.flag("is_if_exists"):
            return kind, "SKIP"
        raise BigQueryError("notFound", f"Not found: {kind.title()} index {reference.label}.{name}")
    actions = statement.child("action_list")
    steps = actions.children("actions") if actions else ()
    if kind == "VECTOR" and [step.kind for step in steps] != ["ASTRebuildAction"]:
        raise BigQueryError("invalidQuery", "ALTER VECTOR INDEX can only REBUILD.")
    changed = found
    for step in steps:
        changed = _altered(changed, step, text)
    if kind == "SEARCH":
        _check(changed, tables.load(*reference))
    if not job.is_dry_run():
        replace(changed, changed=metadata.now()).save()
    return kind, "ALTER"


def _altered(index: StoredIndex, step: Node, text: Text) -> StoredIndex:
    if step.kind == "ASTRebuildAction":
        return index
    if step.kind == "ASTSetOptionsAction":
        read = options.read("SEARCH", step.child("options_list"), text)
        return replace(index, options=_given({**index.options, **read}))
    column = ".".join(identifiers(step.child("column_name")))
    there = next((n for n in index.columns if n.casefold() == column.casefold()), None)
    read = _given(options.read("SEARCH column", step.child("options_list"), text))
    match step.kind:
        case "ASTAddColumnIdentifierAction":
            if there is None:
                return replace(index, columns={**index.columns, column: read})
            if step.flag("is_if_not_exists"):
                return index
            raise already_exists("Column", f"{index.label}.{column}")
        case "ASTAlterColumnOptionsAction" | "ASTDropColumnAction" if there is None:
            listed = {name.casefold() for name, _ in index.fields()}
            if index.all_columns and column.casefold() in listed:
                there = column
            elif step.flag("is_if_exists"):
                return index
            else:
                raise BigQueryError("notFound", f"Not found: Column {index.label}.{column}")
    assert there is not None, "every case above settles it"
    if step.kind == "ASTAlterColumnOptionsAction":
        own = {**index.columns.get(there, {}), **read}
        return replace(index, columns={**index.columns, there: own})
    if step.kind == "ASTDropColumnAction":
        # Without ALL COLUMNS, new columns of the table are no longer indexed by themselves.
        left = {name: index.columns.get(name, {}) for name, _ in index.fields()}
        return replace(
            index,
            all_columns=False,
            columns={n: own for n, own in left.items() if n.casefold() != there.casefold()},
        )
    raise BigQueryError(
        "notImplemented", f"{step.kind} of ALTER SEARCH INDEX is not there on the local cloud."
    )


def _find(kind: str, reference: Reference, name: str) -> StoredIndex | None:
    return next(
        (
            one
            for one in stored_index.of_table(reference)
            if one.kind == kind and one.name.casefold() == name.casefold()
        ),
        None,
    )
