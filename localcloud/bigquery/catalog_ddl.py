"""What DDL leaves in the catalog: where a schema is, and no table for a function."""

from typing import Any

from local_bigquery.catalog import datasets, ddl
from local_bigquery.models import Dataset
from sqlglot import exp

from localcloud.bigquery import location

_apply = ddl.apply


def install() -> None:
    """Put the replacement into local-bigquery; repeating it changes nothing."""
    ddl.apply = apply


def apply(tree: exp.Expression, project_id: str, dataset_id: str, evaluate: Any) -> None:
    """Write down what a DDL statement has done; see `local_bigquery.catalog.ddl.apply`."""
    kind = (tree.args.get("kind") or "").upper()
    if kind in ("FUNCTION", "PROCEDURE"):
        # Else a function is written down as a table of its name.
        return
    _apply(tree, project_id, dataset_id, evaluate)
    target = tree.find(exp.Table)
    if kind == "SCHEMA" and isinstance(tree, exp.Create) and target is not None:
        named = tree.find(exp.LocationProperty)
        place = str(named.this.name) if named is not None else location.of_running_job()
        reference = target.catalog or project_id, target.db or target.name
        changes = Dataset(location=location.spelled(place))
        datasets.update(*reference, changes, None, replace=False)
