"""ALTER MODEL and DROP MODEL.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-alter-model
"""

from typing import Any

from local_bigquery.catalog import datasets, metadata
from local_bigquery.errors import BigQueryError
from local_bigquery.models import JobStatistics2
from local_bigquery.sql.script import Interpreter

from googlesql.constant import Constant, Expression, read_constant
from googlesql.position import Text
from googlesql.tree import Node, dotted_path, identifiers, walk
from localcloud.bigquery import job, query, upstream
from localcloud.bigquery.names import Reference


def alter(interpreter: Interpreter, statement: Node, text: Text) -> JobStatistics2:
    """Run or check ALTER MODEL ... SET OPTIONS.

    Raises:
        BigQueryError: `notFound`, `invalidQuery` for an option that ALTER does not know.
    """
    context = interpreter.context
    path = dotted_path(statement.child("path"))
    reference = Reference.resolve(path, context.project_id, context.dataset_id)
    datasets.get(*reference[:2])
    store = upstream.runtime().models
    found = store.find(reference)
    if found is None and statement.flag("is_if_exists"):
        return JobStatistics2(statementType="ALTER_MODEL", ddlOperationPerformed="SKIP")
    stored = store.get(reference).resource
    changes: dict[str, Any] = {}
    for node, _ in walk(statement):
        if node.kind == "ASTOptionsEntry":
            name, value = node.child("name"), node.child("value")
            if name is not None and value is not None:
                option = identifiers(name)[0].lower()
                changes |= _change(interpreter, option, value, text)
    if "labels" in changes:
        # SET OPTIONS gives the whole list, a patch only what differs from it.
        changes["labels"] = dict.fromkeys(stored.get("labels") or {}) | changes["labels"]
    if not job.is_dry_run():
        store.patch(reference, changes)
    return JobStatistics2(statementType="ALTER_MODEL", ddlOperationPerformed="ALTER")


def drop(interpreter: Interpreter, statement: Node) -> JobStatistics2:
    """Run or check DROP MODEL.

    Raises:
        BigQueryError: `notFound`, or `resourceInUse` when a version of the model is deployed.
    """
    context = interpreter.context
    path = dotted_path(statement.child("name"))
    reference = Reference.resolve(path, context.project_id, context.dataset_id)
    datasets.get(*reference[:2])
    store = upstream.runtime().models
    operation = metadata.outcome(
        "Model",
        reference.label,
        store.find(reference) is not None,
        True,
        statement.flag("is_if_exists"),
    )
    if operation == "DROP" and not job.is_dry_run():
        store.delete(reference)
    return JobStatistics2(statementType="DROP_MODEL", ddlOperationPerformed=operation)


def _change(interpreter: Interpreter, option: str, node: Node, text: Text) -> dict[str, Any]:
    value = read_constant(node, text)
    match option:
        case "description" if value is None or isinstance(value, str):
            return {"description": value}
        case "friendly_name" if value is None or isinstance(value, str):
            return {"friendlyName": value}
        case "labels" if (labels := _labels(value)) is not None:
            return {"labels": labels}
        case "expiration_timestamp":
            return {"expirationTime": _milliseconds(interpreter, value)}
        case "vertex_ai_model_id" if isinstance(value, str):
            return {"trainingRuns": [{"vertexAiModelId": value}]}
        case "kms_key_name" | "deploy_model" | "endpoint_idle_ttl":
            raise BigQueryError(
                "notImplemented",
                f"Option {option} of ALTER MODEL is not implemented on the local cloud.",
            )
    allowed = "description, labels, expiration_timestamp, vertex_ai_model_id"
    written = text.slice(node.start, node.end)
    raise BigQueryError(
        "invalidQuery",
        f"ALTER MODEL cannot set {option} to {written}; it can set {allowed}.",
    )


def _labels(value: Constant) -> dict[str, str | None] | None:
    """Labels from an array of pairs, as a merge that leaves out those not named."""
    if not isinstance(value, list):
        return None
    pairs = [tuple(pair.values()) if isinstance(pair, dict) else pair for pair in value]
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        return None
    return {str(pair[0]): str(pair[1]) for pair in pairs if isinstance(pair, tuple)}


def _milliseconds(interpreter: Interpreter, value: Constant) -> str | None:
    if value is None:
        return None
    written = value.text if isinstance(value, Expression) else repr(value)
    sql = f"SELECT UNIX_MILLIS(TIMESTAMP({written})) AS moment"
    [row] = query.rows(interpreter, sql).to_pylist()
    return str(row["moment"])
