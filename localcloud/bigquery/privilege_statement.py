"""GRANT and REVOKE: changes of the IAM policies of datasets, tables and views.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language
"""

from collections.abc import Callable
from typing import Any

from local_bigquery.catalog import iam, tables
from local_bigquery.errors import BigQueryError
from local_bigquery.models import JobStatistics2, Policy
from local_bigquery.sql.script import Interpreter

from googlesql.tree import Node, dotted_path, identifiers, walk
from localcloud.bigquery import dataset_policy, job
from localcloud.bigquery.names import Reference

Bindings = list[dict[str, Any]]
STATEMENTS = {"ASTGrantStatement": "GRANT", "ASTRevokeStatement": "REVOKE"}
RESOURCES = ("SCHEMA", "TABLE", "VIEW", "EXTERNAL TABLE")


def run(interpreter: Interpreter, statement: Node) -> JobStatistics2:
    """Run or check GRANT or REVOKE.

    Raises:
        BigQueryError: `notFound`, `invalidQuery` for a resource, role or member that is none.
    """
    context = interpreter.context
    verb = STATEMENTS[statement.kind]
    kind = " ".join(
        part.text("id_string").upper() for part in statement.children("target_type_parts")
    )
    if kind not in RESOURCES:
        raise BigQueryError(
            "invalidQuery", f"{verb} ON {kind} is not supported; {', '.join(RESOURCES)} are."
        )
    roles, members = _roles(statement), _members(statement)
    change = _granted(roles, members) if verb == "GRANT" else _revoked(roles, members)
    path = dotted_path(statement.child("target_path"))
    told: dict[str, Any] = {"statementType": verb}
    if kind == "SCHEMA":
        project_id = ".".join(path[:-1]) or context.project_id
        target = {"projectId": project_id, "datasetId": path[-1]}
        policy = dataset_policy.get(project_id, path[-1])
        if not job.is_dry_run():
            bindings = change(policy["bindings"])
            dataset_policy.set_(project_id, path[-1], {**policy, "bindings": bindings})
        return JobStatistics2.model_validate(told | {"dclTargetDataset": target})
    reference = Reference.resolve(path, context.project_id, context.dataset_id)
    is_view = tables.load(*reference).view is not None
    if is_view != (kind == "VIEW"):
        raise BigQueryError(
            "invalidQuery",
            f"{reference.label} is a {'VIEW' if is_view else 'TABLE'}, not a {kind}.",
        )
    resource = "projects/{}/datasets/{}/tables/{}".format(*reference)
    stored = iam.get(resource).dump()
    if not job.is_dry_run():
        bindings = change(stored.get("bindings") or [])
        iam.set_(resource, Policy.model_validate({**stored, "bindings": bindings}))
    target = dict(zip(("projectId", "datasetId", "tableId"), reference, strict=True))
    place = "dclTargetView" if is_view else "dclTargetTable"
    return JobStatistics2.model_validate(told | {place: target})


def _roles(statement: Node) -> list[str]:
    privileges = statement.child("privileges")
    found = [
        ".".join(identifiers(privilege.child("privilege_action")))
        for privilege in (privileges.children("privileges") if privileges else ())
    ]
    for role in found:
        if "roles/" not in role:
            raise BigQueryError(
                "invalidQuery", f"{role} is no role; write `roles/bigquery.dataViewer`."
            )
    return found


def _members(statement: Node) -> list[str]:
    grantees = statement.child("grantee_list")
    if grantees is None:
        return []
    return [
        node.text("string_value") for node, _ in walk(grantees) if node.kind == "ASTStringLiteral"
    ]


def _granted(roles: list[str], members: list[str]) -> Callable[[Bindings], Bindings]:
    def change(bindings: Bindings) -> Bindings:
        changed = [dict(binding) for binding in bindings]
        for role in roles:
            binding = next(
                (b for b in changed if b["role"] == role and not b.get("condition")), None
            )
            if binding is None:
                binding = {"role": role, "members": []}
                changed.append(binding)
            binding["members"] = list(dict.fromkeys([*binding["members"], *members]))
        return changed

    return change


def _revoked(roles: list[str], members: list[str]) -> Callable[[Bindings], Bindings]:
    def change(bindings: Bindings) -> Bindings:
        changed = []
        for binding in bindings:
            if binding["role"] in roles:
                kept = [member for member in binding["members"] if member not in members]
                binding = {**binding, "members": kept}
            if binding["members"]:
                changed.append(binding)
        return changed

    return change
