"""ALTER TABLE ... RENAME TO, whose new name local-bigquery takes for a table that must be there."""

from local_bigquery.catalog import names as upstream_names
from local_bigquery.catalog import tables
from local_bigquery.engine import database
from local_bigquery.errors import already_exists
from local_bigquery.models import JobStatistics2
from local_bigquery.sql.script import Interpreter

from googlesql.tree import Node, dotted_path
from localcloud.bigquery import job
from localcloud.bigquery.names import Reference


def new_name(statement: Node) -> str | None:
    """The name that an ALTER TABLE gives a table; None when it does something else."""
    actions = statement.child("action_list")
    steps = actions.children("actions") if actions else ()
    if len(steps) != 1 or steps[0].kind != "ASTRenameToClause":
        return None
    return ".".join(dotted_path(steps[0].child("new_name")))


def rename(interpreter: Interpreter, statement: Node, new_id: str) -> JobStatistics2:
    """Run or check ALTER TABLE ... RENAME TO. Indexes of the table are gone, as BigQuery's are.

    Raises:
        BigQueryError: `notFound`, `duplicate`, or `invalid` for a name that is none.
    """
    context = interpreter.context
    path = dotted_path(statement.child("path"))
    reference = Reference.resolve(path, context.project_id, context.dataset_id)
    target = dict(zip(("projectId", "datasetId", "tableId"), reference, strict=True))
    told = {"statementType": "ALTER_TABLE", "ddlTargetTable": target}
    if statement.flag("is_if_exists") and not tables.exists(*reference):
        return JobStatistics2.model_validate({**told, "ddlOperationPerformed": "SKIP"})
    tables.load(*reference)
    upstream_names.table(new_id)
    renamed = reference._replace(name=new_id)
    if tables.exists(*renamed):
        raise already_exists("Table", renamed.label)
    if not job.is_dry_run():
        with database.writing(*reference):
            interpreter.cursor.execute(
                f"ALTER TABLE {tables.name(*reference)} RENAME TO {database.quote(new_id)}"
            )
            tables.rename(*reference, new_id)
    return JobStatistics2.model_validate({**told, "ddlOperationPerformed": "ALTER"})
