"""What BigQuery reads alike has one text, and what it reads otherwise has another."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from googlesql.errors import SqlError
from googlesql.literal import quoted, render
from googlesql.meaning import meaning
from googlesql.parser import create_model, parse_statement
from googlesql.tree import Node

MODEL = """CREATE MODEL m TRANSFORM (a, ML.BUCKETIZE(b, [1, 2]) AS c, d)
OPTIONS (model_type = 'LINEAR_REG', l2_reg = 0.5, input_label_cols = ['d'])
AS SELECT x.a, x.b, SUM(y.d) AS d FROM x LEFT JOIN y ON x.k = y.k
WHERE x.a > 1 AND x.t >= TIMESTAMP '2020-01-01' GROUP BY x.a, x.b ORDER BY x.a LIMIT 5"""


def meant(sql: str, **options: Any) -> str:
    return meaning(parse_statement(sql), sql, **options)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a b FROM t u", "SELECT a AS b FROM t AS u"),
        ("SELECT a FROM (SELECT 1 a) x", "SELECT a FROM (SELECT 1 AS a) AS x"),
        (
            "SELECT x FROM UNNEST([1]) x WITH OFFSET o",
            "SELECT x FROM UNNEST([1]) AS x WITH OFFSET AS o",
        ),
        ("SELECT (a), ((a + 1)), f((a)), f((a), (b))", "SELECT a, a + 1, f(a), f(a, b)"),
        (
            "SELECT 1 FROM t WHERE (a = 1) AND (b > 2 OR (c))",
            "SELECT 1 FROM t WHERE a = 1 AND (b > 2 OR c)",
        ),
        ("SELECT 1 FROM t WHERE (NOT (a = 1))", "SELECT 1 FROM t WHERE NOT a = 1"),
        ("SELECT (a * b) + c, (a + b) - c, (a || b)", "SELECT a * b + c, a + b - c, a || b"),
        (
            "SELECT CASE WHEN (a) THEN (1) ELSE (b + 1) END",
            "SELECT CASE WHEN a THEN 1 ELSE b + 1 END",
        ),
        ("SELECT a IN ((1), (b)), x BETWEEN (1) AND (2)", "SELECT a IN (1, b), x BETWEEN 1 AND 2"),
        ("CREATE MODEL m AS ((SELECT 1 AS a))", "CREATE MODEL m AS SELECT 1 AS a"),
        ("SELECT a, b, FROM t", "SELECT a, b FROM t"),
        (
            "CREATE MODEL m TRANSFORM (a, b,) AS SELECT 1 AS a, 2 AS b;",
            "CREATE MODEL m TRANSFORM (a, b) AS SELECT 1 AS a, 2 AS b",
        ),
        (
            "SELECT DATE_TRUNC(d, month), LAST_DAY(d, year)",
            "SELECT DATE_TRUNC(d, MONTH), LAST_DAY(d, YEAR)",
        ),
        ("SELECT DATE_DIFF(a, b, Week(monday))", "SELECT DATE_DIFF(a, b, WEEK(MONDAY))"),
        (
            "SELECT EXTRACT(dayofweek FROM d), INTERVAL 1 day",
            "SELECT EXTRACT(DAYOFWEEK FROM d), INTERVAL 1 DAY",
        ),
        ("SELECT B'\\x41', rb\"A\", b'''A'''", "SELECT b'A', b'A', b'A'"),
        ("SELECT 0X1f, 1E3, .5, 1.50", "SELECT 31, 1000.0, 0.5, 1.5"),
        ("SELECT a <> b", "SELECT a != b"),
        (
            "SELECT 1 FROM t INNER JOIN u USING (a) LEFT OUTER JOIN v USING (a)",
            "SELECT 1 FROM t JOIN u USING (a) LEFT JOIN v USING (a)",
        ),
        ("SELECT a FROM t ORDER BY a ASC, b DESC", "SELECT a FROM t ORDER BY a, b DESC"),
        ("SELECT r'a\\b', '''x''', \"it's\"", "SELECT 'a\\\\b', 'x', 'it\\'s'"),
    ],
)
def test_what_is_read_alike_means_the_same(one: str, other: str) -> None:
    assert meant(one) == meant(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT (a + b) * c", "SELECT a + b * c"),
        ("SELECT a - (b - c)", "SELECT a - b - c"),
        ("SELECT (a OR b) AND c", "SELECT a OR b AND c"),
        ("SELECT NOT (a OR b)", "SELECT NOT a OR b"),
        ("SELECT (a = b) = c", "SELECT a = (b = c)"),
        ("SELECT (a, b), c", "SELECT a, b, c"),
        ("SELECT a IN (b)", "SELECT a IN UNNEST(b)"),
        ("SELECT (SELECT 1)", "SELECT 1"),
        ("SELECT a FROM t ORDER BY 1", "SELECT a FROM t ORDER BY (1)"),
        ("SELECT a FROM t JOIN u USING (a)", "SELECT a FROM t LEFT JOIN u USING (a)"),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a DESC"),
        ("SELECT `a b`", "SELECT a b"),
        ("SELECT b'a'", "SELECT 'a'"),
        ("SELECT 'a'", "SELECT 'A'"),
        ("SELECT 1", "SELECT 1.0"),
        ("SELECT -1", "SELECT - (-1)"),
        ("SELECT 1 UNION ALL SELECT 2", "SELECT 1 UNION DISTINCT SELECT 2"),
        ("SELECT (a).b FROM t AS a", "SELECT a.b FROM t AS a"),
    ],
)
def test_what_is_read_otherwise_means_something_else(one: str, other: str) -> None:
    assert meant(one) != meant(other)


def test_texts_of_some_options_are_read_in_any_case() -> None:
    lower, upper = MODEL.replace("'LINEAR_REG'", "'linear_reg'"), MODEL

    assert meant(lower) != meant(upper)
    assert meant(lower, caseless_options={"MODEL_TYPE"}) == meant(
        upper, caseless_options={"MODEL_TYPE"}
    )
    other = MODEL.replace("['d']", "['D']")
    assert meant(other, caseless_options={"MODEL_TYPE"}) != meant(
        upper, caseless_options={"MODEL_TYPE"}
    )


# Generated statements: an expression is a text and what ZetaSQL should read in it.
NAMES = st.sampled_from(["a", "b", "c", "x.a", "`d e`", "t.`select`"])
CONSTANTS = st.sampled_from(["1", "2.5", "'s'", "b'y'", "TRUE", "NULL", "DATE '2020-01-01'"])
COMPARISONS = ["=", "!=", "<", ">=", "LIKE"]
ARITHMETIC = ["+", "-", "*", "/", "||"]


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def binary(operators: list[str]) -> st.SearchStrategy[str]:
        parts = st.tuples(inner, st.sampled_from(operators), inner)
        return parts.map(lambda p: f"({p[0]}) {p[1]} ({p[2]})")

    return st.one_of(
        binary(COMPARISONS),
        binary(ARITHMETIC),
        binary(["AND", "OR"]),
        inner.map(lambda e: f"NOT ({e})"),
        inner.map(lambda e: f"- ({e})"),
        inner.map(lambda e: f"(({e}))"),
        inner.map(lambda e: f"CAST(({e}) AS STRING)"),
        st.tuples(inner, inner).map(lambda p: f"IF(({p[0]}), {p[1]}, 0)"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) BETWEEN ({p[1]}) AND 9"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) IN (({p[1]}))"),
        inner.map(lambda e: f"({e}) IS NOT NULL"),
        inner.map(lambda e: f"CASE WHEN ({e}) THEN 1 ELSE ({e}) END"),
        inner.map(lambda e: f"(SELECT ({e}))"),
    )


EXPRESSIONS = st.recursive(NAMES | CONSTANTS, combined, max_leaves=8)


def parsed(sql: str) -> Any:
    """The syntax tree without places and without what only says how it was written."""
    return _plain(parse_statement(sql))


def _plain(node: Node) -> Any:
    left_out = ("parenthesized", "image", "is_quoted")
    fields = {n: v for n, v in sorted(node.fields.items()) if n not in left_out}
    if node.kind == "ASTIntLiteral" or node.kind == "ASTFloatLiteral":
        fields["value"] = float(node.text("image"))
    return (
        node.kind,
        [
            (name, _plain(value) if isinstance(value, Node) else _listed(value))
            for name, value in fields.items()
        ],
    )


def _listed(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@settings(deadline=None, max_examples=150)
@given(EXPRESSIONS)
@example("((a) + (b)) * (c)")
@example("- ((- (1)))")
def test_no_parenthesis_is_left_out_that_means_something(expression: str) -> None:
    sql = f"SELECT {expression} AS e FROM t AS x WHERE {expression}"

    written = meant(sql)

    assert parsed(written) == parsed(sql)
    assert meant(written) == written


@settings(deadline=None, max_examples=60)
@given(EXPRESSIONS, EXPRESSIONS)
def test_two_expressions_mean_the_same_only_when_they_are_read_alike(one: str, other: str) -> None:
    first, second = f"SELECT {one} AS e FROM t", f"SELECT {other} AS e FROM t"

    assert (meant(first) == meant(second)) == (parsed(first) == parsed(second))


def cosmetic_edits(sql: str) -> Iterator[str]:
    """Ways to write MODEL otherwise."""
    yield sql.replace("\n", "\r\n\t")
    yield sql.replace(" ", "  /* why */ ")
    yield f"-- what\n{sql} -- end"
    yield f"{sql};"
    yield sql.replace("SUM(y.d) AS d", "sum((y.d)) d")
    yield sql.replace("x.a > 1 AND", "(x.a > 1) and")
    yield sql.replace("LEFT JOIN", "left outer join")
    yield sql.replace("AS SELECT", "as (select").replace("LIMIT 5", "LIMIT 5)")
    yield sql.replace("'LINEAR_REG'", '"LINEAR_REG"').replace("['d']", "[r'd']")
    yield sql.replace("model_type", "MODEL_TYPE").replace("l2_reg = 0.5", "L2_REG=.50")
    yield sql.replace(
        "model_type = 'LINEAR_REG', l2_reg = 0.5", "l2_reg = 0.5, model_type = 'LINEAR_REG'"
    )
    yield sql.replace("TRANSFORM (a, ", "TRANSFORM (`a`,").replace(", d)", ", d,)")
    yield sql.replace("ORDER BY x.a", "ORDER BY (x.a) ASC")
    yield sql.replace("CREATE MODEL", "CREATE OR REPLACE MODEL IF NOT EXISTS")


def semantic_edits(sql: str) -> Iterator[str]:
    """Ways to say something else with MODEL."""
    for old, new in [
        ("x.b", "x.bb"), ("> 1", "> 2"), ("x.a > 1", "x.a >= 1"), ("AND", "OR"), ("0.5", "0.51"),
        ("'LINEAR_REG'", "'LOGISTIC_REG'"), (", l2_reg = 0.5", ""), ("['d']", "['a', 'd']"),
        (", ML.BUCKETIZE(b, [1, 2]) AS c", ""), ("[1, 2]", "[2, 1]"), ("AS c", "AS cc"),
        ("LEFT JOIN", "JOIN"), ("LEFT JOIN", "FULL JOIN"), ("x.k = y.k", "x.k = y.kk"),
        ("SUM", "AVG"), ("SUM(y.d)", "SUM(DISTINCT y.d)"), ("LIMIT 5", "LIMIT 6"), (" LIMIT 5", ""),
        ("FROM x", "FROM p.x"), ("'2020-01-01'", "'2020-01-02'"),
        ("ORDER BY x.a", "ORDER BY x.a DESC"),
        ("BUCKETIZE", "QUANTILE_BUCKETIZE"), (" GROUP BY x.a, x.b", " GROUP BY x.b, x.a"),
    ]:  # fmt: skip
        assert old in sql
        yield sql.replace(old, new, 1)


@pytest.mark.parametrize("edited", list(cosmetic_edits(MODEL)))
def test_a_cosmetic_edit_changes_no_meaning(edited: str) -> None:
    assert edited != MODEL
    assert meant(edited) == meant(MODEL)


@pytest.mark.parametrize("edited", list(semantic_edits(MODEL)))
def test_a_semantic_edit_changes_the_meaning(edited: str) -> None:
    assert meant(edited) != meant(MODEL)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_many_edits_at_once(data: st.DataObject) -> None:
    """Cosmetic ones in any order change nothing; one semantic one among them does."""
    sql = MODEL
    count = len(list(cosmetic_edits(sql)))
    for number in data.draw(st.lists(st.integers(0, count - 1), max_size=4)):
        edited = list(cosmetic_edits(sql))[number]
        try:
            parse_statement(edited)
        except SqlError:
            # Such as a second pair of parentheses where the first moved the end.
            continue
        sql = edited
    assert meant(sql) == meant(MODEL)

    change = data.draw(st.sampled_from(list(semantic_edits(MODEL))))
    assert meant(change) != meant(sql)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
    | st.binary()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=4)


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1), VALUES)
@example("`", "'); DROP MODEL m; --")
@example("\\", "\\")
def test_rendered_values_and_names_are_read_back_and_escape_nothing(name: str, value: Any) -> None:
    sql = f"CREATE MODEL {quoted(name)} OPTIONS (opt = {render(value)}, after = 1) AS SELECT 1 AS a"

    parts = create_model(sql)

    assert parts is not None
    assert parts.path == (name,)
    assert list(parts.options) == ["OPT", "AFTER"]
    assert meant(meant(sql)) == meant(sql)
    again = create_model(meant(sql))
    assert again is not None
    assert again.options == parts.options
