"""What of a statement DuckDB reads otherwise than BigQuery, and sqlglot does not know."""

import uuid
from typing import Any

from local_bigquery.jobs import merge
from local_bigquery.sql.dialect import DuckDBDialect
from local_bigquery.sql.rules import STATEMENT_RULES
from sqlglot import exp

_merge = merge.run


def install() -> None:
    """Put these ways of writing into local-bigquery's dialect; repeating it changes nothing."""
    DuckDBDialect.Generator.TRANSFORMS |= {exp.CurrentTimestamp: _current_timestamp}
    if random_order not in STATEMENT_RULES:
        STATEMENT_RULES.append(random_order)
    merge.run = merged


def _current_timestamp(generator: Any, node: exp.CurrentTimestamp) -> str:
    # Without parentheses DuckDB takes it for the column of that name, which SELECT may make.
    return "get_current_timestamp()"


def merged(cursor: Any, tree: exp.Merge, context: Any) -> Any:
    """Run a MERGE, also one whose USING is a query without a name."""
    tree = tree.copy()
    source = tree.args["using"]
    if not source.alias_or_name:
        source.set("alias", exp.TableAlias(this=exp.to_identifier("merge_input")))
    return _merge(cursor, tree, context)


def random_order(tree: exp.Expression, context: Any) -> exp.Expression:
    """Let windows order by RAND(), which DuckDB refuses: a column of the rows has its value."""
    for window in list(tree.find_all(exp.Window)):
        order = window.args.get("order")
        select = window.find_ancestor(exp.Select)
        if order is None or select is None:
            continue
        for volatile in list(order.find_all(exp.Rand)):
            if (column := _random_column(select)) is not None:
                volatile.replace(column)
    return tree


def _random_column(select: exp.Select) -> exp.Column | None:
    """A new column with RAND() of the one relation that a SELECT reads; None when it has more."""
    clause = select.args.get("from_")
    if clause is None or select.args.get("joins") or select.args.get("laterals"):
        return None
    relation = clause.this
    if not isinstance(relation, exp.Table | exp.Subquery):
        return None
    name = f"rand_{uuid.uuid4().hex[:8]}"
    inner = exp.select("*", exp.alias_(exp.Rand(), name)).from_(relation.copy())
    clause.set("this", inner.subquery(relation.alias_or_name or None))
    for star in select.expressions:
        if isinstance(star, exp.Star):
            star.set("except_", [*(star.args.get("except_") or []), exp.column(name)])
    return exp.column(name)
