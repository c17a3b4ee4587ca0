"""ZetaSQL's analysis of a statement: BigQuery's own errors, and a text DuckDB understands."""

from local_bigquery.sql.script import Interpreter


def prepared(interpreter: Interpreter, sql: str) -> str:
    """The text to run. Placeholder until googlesql.analyzer."""
    return sql
