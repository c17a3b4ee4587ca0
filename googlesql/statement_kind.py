"""BigQuery's names for kinds of statements.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2.FIELDS.statement_type
"""

from collections.abc import Mapping
from typing import Final

from googlesql.tree import Node

_KINDS: Final[Mapping[str, str]] = {
    "ASTQueryStatement": "SELECT",
    "ASTInsertStatement": "INSERT",
    "ASTUpdateStatement": "UPDATE",
    "ASTDeleteStatement": "DELETE",
    "ASTMergeStatement": "MERGE",
    "ASTTruncateStatement": "TRUNCATE_TABLE",
    "ASTCreateModelStatement": "CREATE_MODEL",
    "ASTExportModelStatement": "EXPORT_MODEL",
    "ASTAlterModelStatement": "ALTER_MODEL",
    "ASTCreateTableStatement": "CREATE_TABLE",
    "ASTCreateViewStatement": "CREATE_VIEW",
    "ASTCreateMaterializedViewStatement": "CREATE_MATERIALIZED_VIEW",
    "ASTCreateSnapshotTableStatement": "CREATE_SNAPSHOT_TABLE",
    "ASTCreateExternalTableStatement": "CREATE_EXTERNAL_TABLE",
    "ASTCreateSchemaStatement": "CREATE_SCHEMA",
    "ASTCreateFunctionStatement": "CREATE_FUNCTION",
    "ASTCreateTableFunctionStatement": "CREATE_TABLE_FUNCTION",
    "ASTCreateProcedureStatement": "CREATE_PROCEDURE",
    "ASTDropFunctionStatement": "DROP_FUNCTION",
    "ASTDropMaterializedViewStatement": "DROP_MATERIALIZED_VIEW",
    "ASTAlterTableStatement": "ALTER_TABLE",
    "ASTAlterViewStatement": "ALTER_VIEW",
    "ASTAlterSchemaStatement": "ALTER_SCHEMA",
    "ASTExportDataStatement": "EXPORT_DATA",
    "ASTAuxLoadDataStatement": "LOAD_DATA",
    "ASTAssertStatement": "ASSERT",
    "ASTCallStatement": "CALL",
}
_DROPPED: Final[Mapping[str, str]] = {
    "kTable": "DROP_TABLE",
    "kView": "DROP_VIEW",
    "kModel": "DROP_MODEL",
    "kSchema": "DROP_SCHEMA",
    "kExternalTable": "DROP_EXTERNAL_TABLE",
    "kSnapshotTable": "DROP_SNAPSHOT_TABLE",
    "kProcedure": "DROP_PROCEDURE",
}


def statement_kind(statement: Node) -> str:
    """Return BigQuery's `statementType`; `SCRIPT` for what only stands in scripts."""
    if statement.kind == "ASTDropStatement":
        return _DROPPED.get(statement.text("schema_object_kind"), "SCRIPT")
    if statement.kind == "ASTCreateTableStatement" and statement.child("query") is not None:
        return "CREATE_TABLE_AS_SELECT"
    return _KINDS.get(statement.kind, "SCRIPT")
