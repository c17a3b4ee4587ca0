"""CREATE CONNECTION and DROP CONNECTION.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_connection_statement
"""

from typing import Any, NamedTuple

from local_bigquery.catalog import metadata
from local_bigquery.errors import BigQueryError
from local_bigquery.models import JobStatistics2
from local_bigquery.sql.script import Interpreter

from googlesql.constant import read_constant
from googlesql.position import Text
from googlesql.tree import Node, dotted_path, identifiers, walk
from localcloud.bigquery import job, location, upstream

OPTIONS = ("connection_type", "friendly_name", "description")


class _Name(NamedTuple):
    project: str
    location: str
    connection_id: str


def create(interpreter: Interpreter, statement: Node, text: Text) -> JobStatistics2:
    """Run or check CREATE CONNECTION.

    Raises:
        BigQueryError: `duplicate`, or `invalidQuery` for a wrong option.
    """
    name = _name(interpreter, statement)
    given: dict[str, Any] = {}
    for node, _ in walk(statement):
        if node.kind == "ASTOptionsEntry":
            option, value = node.child("name"), node.child("value")
            if option is not None and value is not None:
                given[identifiers(option)[0].lower()] = read_constant(value, text)
    if unknown := [option for option in given if option not in OPTIONS]:
        raise BigQueryError(
            "invalidQuery",
            f"Unknown option {unknown[0]} of CREATE CONNECTION; there are {', '.join(OPTIONS)}.",
        )
    if str(given.get("connection_type")).upper() != "CLOUD_RESOURCE":
        raise BigQueryError(
            "invalidQuery", "CREATE CONNECTION needs connection_type = 'CLOUD_RESOURCE'."
        )
    directory = upstream.runtime().connections
    operation = metadata.outcome(
        "Connection",
        ".".join(name),
        directory.exists(*name),
        False,
        statement.flag("is_if_not_exists"),
    )
    if operation == "CREATE" and not job.is_dry_run():
        directory.create(
            *name,
            friendly_name=str(given.get("friendly_name") or ""),
            description=str(given.get("description") or ""),
        )
    return JobStatistics2(statementType="CREATE_CONNECTION", ddlOperationPerformed=operation)


def drop(interpreter: Interpreter, statement: Node) -> JobStatistics2:
    """Run or check DROP CONNECTION.

    Raises:
        BigQueryError: `notFound`.
    """
    name = _name(interpreter, statement)
    directory = upstream.runtime().connections
    operation = metadata.outcome(
        "Connection",
        ".".join(name),
        directory.exists(*name),
        True,
        statement.flag("is_if_exists"),
    )
    if operation == "DROP" and not job.is_dry_run():
        directory.delete(*name)
    return JobStatistics2(statementType="DROP_CONNECTION", ddlOperationPerformed=operation)


def _name(interpreter: Interpreter, statement: Node) -> _Name:
    # The whole name is one quoted identifier, or several parts.
    parts = ".".join(dotted_path(statement.child("name"))).rsplit(".", 2)
    place = parts[-2] if len(parts) > 1 else location.of_running_job()
    project = parts[0] if len(parts) > 2 else interpreter.context.project_id
    return _Name(project, place.lower(), parts[-1])
