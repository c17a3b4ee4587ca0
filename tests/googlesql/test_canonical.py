"""One spelling for all ways to write the same; another for what means something else."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.canonical import canonical
from googlesql.lexer import Token, TokenKind, tokens
from googlesql.parser import parse_statement
from googlesql.tree import walk

SQL = Path(__file__).parents[2] / "sql"
STATEMENTS = [
    *[file.read_text() for file in sorted(SQL.rglob("*.sql"))],
    "CREATE OR REPLACE MODEL d.m TRANSFORM(ML.FEATURE_CROSS(STRUCT(a, b)) AS c, * EXCEPT (a)) "
    "OPTIONS(model_type='BOOSTED_TREE_CLASSIFIER', num_trials=10, l1_reg=HPARAM_RANGE(0, 1.5), "
    "max_tree_depth=HPARAM_CANDIDATES([2, 4])) AS SELECT a, b, label FROM t",
    "CREATE MODEL m INPUT(x INT64) OUTPUT(y ARRAY<STRUCT<a INT64>>) REMOTE WITH CONNECTION "
    "`p.us.c` OPTIONS(endpoint='https://x', remote_service_type=\"A\\n\")",
    "CREATE MODEL m OPTIONS(model_path='gs://b/*', model_type='ONNX')",
    "CREATE MODEL m OPTIONS(model_type='ARIMA_PLUS', holiday_region=['US', 'DE']) AS "
    "(training_data AS (SELECT d, v FROM t), custom_holiday AS (SELECT 'US' AS region FROM h))",
    "WITH a AS (SELECT x, COUNT(*) AS n FROM `p.d.t` GROUP BY x) SELECT a.x, SUM(n) OVER "
    "(PARTITION BY x), CAST(n AS FLOAT64), EXTRACT(DAY FROM d), x >> 2, INTERVAL 3 DAY, r'\\d' "
    "FROM a, u.items",
]


def spelt(sql: str) -> str:
    return canonical(parse_statement(sql), sql)


def rewritten(sql: str, randomness: random.Random) -> str:
    """Write a statement otherwise, so that it means the same."""
    names = {n.start for n, _ in walk(parse_statement(sql)) if n.kind == "ASTIdentifier"}

    def one(token: Token) -> str:
        match token.kind:
            case TokenKind.SPACE:
                return randomness.choice([" ", "\n", "\t  ", " -- note\n", " /* ' */ ", "\n# `\n"])
            case TokenKind.COMMENT:
                return randomness.choice(["-- other\n", "--\n", f"{token.text}\n"])
            case TokenKind.WORD if token.start not in names:
                cased = [token.text, token.text.lower(), token.text.upper(), token.text.title()]
                return randomness.choice(cased)
            case TokenKind.STRING if token.text[0] == "'" and '"' not in token.text:
                return randomness.choice([token.text, f'"{token.text[1:-1]}"'])
        return token.text

    return "".join(one(token) for token in tokens(sql))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(STATEMENTS), st.randoms(use_true_random=False))
def test_comments_spaces_case_and_quotes_make_no_difference(
    sql: str, randomness: random.Random
) -> None:
    assert spelt(rewritten(sql, randomness)) == spelt(sql)


@settings(max_examples=50, deadline=None)
@given(st.permutations(["a = 1", "B = 'x'", "c = [1, 2]", "d = HPARAM_RANGE(0, 1)"]))
def test_the_order_of_options_makes_no_difference(options: list[str]) -> None:
    sql = "CREATE MODEL m OPTIONS({}) AS SELECT 1 AS a"

    assert spelt(sql.format(", ".join(options))) == spelt(
        sql.format("A = 1, b = 'x', c = [1, 2], D = HPARAM_RANGE(0, 1)")
    )


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_spelling_is_sql_and_its_own_spelling(sql: str) -> None:
    once = spelt(sql)

    assert spelt(once) == once
    assert "\n" not in once


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(STATEMENTS), st.data())
def test_a_changed_number_name_or_text_always_makes_a_difference(
    sql: str, data: st.DataObject
) -> None:
    tree = parse_statement(sql)
    changeable = [
        node
        for node, above in walk(tree)
        if (node.kind in ("ASTIntLiteral", "ASTFloatLiteral", "ASTStringLiteralComponent"))
        or (node.kind == "ASTIdentifier" and above[-1].kind in ("ASTPathExpression", "ASTAlias"))
    ]
    node = data.draw(st.sampled_from(changeable))
    text = sql.encode()
    old = text[node.start : node.end].decode()
    new = {"ASTIntLiteral": f"{old}1", "ASTFloatLiteral": f"{old}1"}.get(
        node.kind, f"{old[:-1]}x{old[-1]}" if old[-1] in "'\"`" else f"{old}x"
    )

    changed = (text[: node.start] + new.encode() + text[node.end :]).decode()

    assert spelt(changed) != spelt(sql)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT 1 FROM `p.d.t`", "SELECT 1 FROM p.`d`.t"),
        ("SELECT `a` FROM t", "SELECT a FROM t;"),
        ("SELECT 'a\\'b'", 'SELECT "a\'b"'),
        ("SELECT r'\\d'", "SELECT '\\\\d'"),
        ("SELECT sum(a) FROM t", "SELECT SUM(a) FROM t"),
        ("SELECT CAST(a AS ARRAY<STRUCT<INT64>>)", "SELECT cast(a AS array<struct<int64> >)"),
        ("SELECT EXTRACT(day FROM d)", "SELECT EXTRACT(DAY FROM d)"),
        ("SELECT 1e5", "SELECT 1E5"),
        ("CREATE OR REPLACE MODEL m OPTIONS(a=1)", "CREATE MODEL IF NOT EXISTS m OPTIONS(a=1)"),
    ],
)
def test_same_meaning_same_spelling(one: str, other: str) -> None:
    assert spelt(one) == spelt(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t", "SELECT A FROM t"),
        ("SELECT a FROM t", "SELECT a FROM T"),
        ("SELECT 'a'", "SELECT 'A'"),
        ("SELECT b'a'", "SELECT b'A'"),
        ("SELECT a AS `order`", "SELECT a AS `Order`"),
        ("SELECT a >> 1", "SELECT a > 1"),
        ("SELECT a, b", "SELECT b, a"),
        ("SELECT 1 FROM t WHERE a", "SELECT 1 FROM t WHERE NOT a"),
        ("CREATE MODEL m OPTIONS(a=[1, 2])", "CREATE MODEL m OPTIONS(a=[2, 1])"),
        ("CREATE MODEL m OPTIONS(a=1)", "CREATE MODEL m OPTIONS(a=1, b=2)"),
        ("CREATE MODEL m OPTIONS(a=TRUE)", "CREATE MODEL m OPTIONS(a=FALSE)"),
        ("CREATE MODEL m OPTIONS(a=1)", "CREATE MODEL n OPTIONS(a=1)"),
        ("CREATE MODEL m TRANSFORM(a) AS SELECT 1 a", "CREATE MODEL m AS SELECT 1 a"),
        (
            "CREATE MODEL m INPUT(a INT64) OUTPUT(b INT64) REMOTE WITH CONNECTION c",
            "CREATE MODEL m INPUT(a INT64) OUTPUT(b INT64) REMOTE WITH CONNECTION C",
        ),
    ],
)
def test_another_meaning_another_spelling(one: str, other: str) -> None:
    assert spelt(one) != spelt(other)


def test_options_left_out_do_not_count() -> None:
    sql = "CREATE MODEL m OPTIONS(labels=[('a', 'b')], max_iterations=4)"

    found = canonical(parse_statement(sql), sql, without_options={"LABELS"})

    assert found == "CREATE MODEL `m` OPTIONS ( MAX_ITERATIONS = 4 )"
