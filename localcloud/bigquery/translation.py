"""What GoogleSQL means where local-bigquery's translation to DuckDB means something else.

Each of these was found by comparing results with those of ZetaSQL's reference evaluator, which
tests/localcloud/bigquery/test_oracle.py goes on doing.
"""

import itertools
from collections.abc import Callable
from typing import Any

from sqlglot import exp

Rule = Callable[[exp.Expression, Any], exp.Expression]
MACROS = (
    """
    CREATE OR REPLACE MACRO bq.main.to_bytes(x) AS CASE
      WHEN typeof(x) = 'BLOB' THEN CAST(CAST(x AS VARCHAR) AS BLOB)
      ELSE encode(CAST(x AS VARCHAR)) END
    """,
    """
    CREATE OR REPLACE MACRO bq.main.to_text(x) AS CASE
      WHEN typeof(x) = 'BLOB' THEN decode(CAST(CAST(x AS VARCHAR) AS BLOB))
      WHEN starts_with(typeof(x), 'DECIMAL') AND contains(CAST(x AS VARCHAR), '.')
        THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.')
      ELSE CAST(x AS VARCHAR) END
    """,
    """
    CREATE OR REPLACE MACRO bq.main.safe_at(a, i, base) AS CASE
      WHEN i < base OR i - base >= len(a) THEN NULL
      ELSE list_extract(a, CAST(i - base + 1 AS BIGINT)) END
    """,
    """
    CREATE OR REPLACE MACRO bq.main.instr
      (s, t) AS CASE WHEN s IS NOT NULL AND t IS NOT NULL THEN bq.main._instr(s, t, 1, 1) END,
      (s, t, p) AS CASE WHEN s IS NOT NULL AND t IS NOT NULL AND p IS NOT NULL
        THEN bq.main._instr(s, t, p, 1) END,
      (s, t, p, n) AS CASE WHEN s IS NOT NULL AND t IS NOT NULL AND p IS NOT NULL
        AND n IS NOT NULL THEN bq.main._instr(s, t, p, n) END
    """,
)
"""Between STRING and BYTES goes UTF-8, where DuckDB goes by escapes; NUMERIC as text ends in no
zeros; an index below 0 is from the end in DuckDB; INSTR of NULL is NULL."""
_BYTES = (exp.DataType.Type.BINARY, exp.DataType.Type.VARBINARY)
_MOST_LITERAL = 1 << 31
_numbers = itertools.count()


def install() -> None:
    """Put the rules into local-bigquery; repeating it changes nothing."""
    from local_bigquery.sql import rules

    for statement_rule in (outer_unnest, safe_offsets):
        if statement_rule not in rules.STATEMENT_RULES:
            rules.STATEMENT_RULES.insert(0, statement_rule)
    for node_rule in (
        cast_of_bytes,
        bit_count,
        code_points,
        correlation,
        nulls_of_floats,
        array_without_nulls,
    ):
        if node_rule not in rules.NODE_RULES:
            rules.NODE_RULES.append(node_rule)


def cast_of_bytes(node: exp.Expression, _context: Any) -> exp.Expression:
    """CAST between STRING and BYTES."""
    if not isinstance(node, exp.Cast):
        return node
    if node.to.this in _BYTES:
        return _macro("to_bytes", node.this)
    # Of anything else it is known what type it has.
    if node.to.this in exp.DataType.TEXT_TYPES and isinstance(node.this, (exp.Column, exp.Dot)):
        return _macro("to_text", node.this)
    return node


def bit_count(node: exp.Expression, _context: Any) -> exp.Expression:
    """BIT_COUNT(x): of all 64 bits, and INT64 itself."""
    if not isinstance(node, exp.BitwiseCount):
        return node
    whole = exp.BitwiseCount(this=exp.cast(node.this, "BIGINT"))
    return exp.cast(whole, "BIGINT")


def code_points(node: exp.Expression, _context: Any) -> exp.Expression:
    """CHR(x): DuckDB's takes INT32 only."""
    if isinstance(node, exp.Chr) and len(node.expressions) == 1:
        return exp.Chr(expressions=[exp.cast(node.expressions[0], "INT")])
    return node


def correlation(node: exp.Expression, _context: Any) -> exp.Expression:
    """CORR(x, y): NULL of fewer than two pairs."""
    if not isinstance(node, exp.Corr) or isinstance(node.parent, (exp.Window, exp.Filter)):
        return node
    pairs = exp.Anonymous(this="regr_count", expressions=[node.this.copy(), node.expression.copy()])
    enough = exp.GTE(this=pairs, expression=exp.Literal.number(2))
    return exp.Case().when(enough, node)


def nulls_of_floats(node: exp.Expression, _context: Any) -> exp.Expression:
    """ORDER BY x NULLS LAST, and DESC NULLS FIRST, of FLOAT64.

    local-bigquery orders these by a rank first, NULL 0, NaN 1, others 2, whatever is asked.
    """
    if not isinstance(node, exp.Order):
        return node
    for rank, ordered in itertools.pairwise(node.expressions):
        case = rank.this
        if not isinstance(case, exp.Case) or case.args.get("default") != exp.Literal.number(2):
            continue
        if not isinstance(ordered, exp.Ordered):
            continue
        is_first = bool(ordered.args.get("nulls_first"))
        if is_first == bool(ordered.args.get("desc")):
            case.args["ifs"][0].set("true", exp.Literal.number(3))
    return node


def array_without_nulls(node: exp.Expression, _context: Any) -> exp.Expression:
    """ARRAY_AGG(x IGNORE NULLS ...): whatever x is, and with LIMIT too."""
    if not isinstance(node, exp.IgnoreNulls):
        return node
    aggregate = node.this.find(exp.ArrayAgg)
    if aggregate is None:
        return node
    value = aggregate.this
    while isinstance(value, (exp.Limit, exp.Order)):
        value = value.this
    if isinstance(value, exp.Distinct):
        value = value.expressions[0]
    is_there = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    where = exp.Where(this=is_there)
    filtered = exp.Filter(this=aggregate.copy(), expression=where)
    if node.this is aggregate:
        return filtered
    aggregate.replace(filtered)
    inner: exp.Expression = node.this
    return inner


def safe_offsets(tree: exp.Expression, _context: Any) -> exp.Expression:
    """x[SAFE_OFFSET(i)] and x[SAFE_ORDINAL(i)]: NULL before the first element."""
    for bracket in list(tree.find_all(exp.Bracket)):
        base, index = bracket.args.get("offset"), bracket.expressions[0]
        if base not in (0, 1) or not bracket.args.get("safe"):
            continue
        if isinstance(index, exp.Literal) and base <= int(index.this) < _MOST_LITERAL:
            continue
        bracket.replace(_macro("safe_at", bracket.this, index, exp.Literal.number(base)))
    return tree


def outer_unnest(tree: exp.Expression, _context: Any) -> exp.Expression:
    """LEFT JOIN UNNEST(x) WITH OFFSET: a row without elements stays."""
    for join in list(tree.find_all(exp.Join)):
        unnest = join.this
        if join.side != "LEFT" or not isinstance(unnest, exp.Unnest):
            continue
        offset, alias = unnest.args.get("offset"), unnest.args.get("alias")
        if not isinstance(offset, exp.Identifier):
            continue
        names = [] if alias is None else alias.columns or [alias.this]
        wanted = [exp.column(name.copy()) for name in (*names, offset) if name is not None]
        inner = exp.select(*wanted).from_(unnest.copy())
        join.set("this", inner.subquery(f"_unnested_{next(_numbers)}"))
        if not join.args.get("on") and not join.args.get("using"):
            join.set("on", exp.true())
    return tree


def _macro(name: str, *arguments: exp.Expression) -> exp.Expression:
    call = exp.Anonymous(this=name, expressions=list(arguments))
    return exp.Dot.build([exp.to_identifier("bq"), exp.to_identifier("main"), call])
