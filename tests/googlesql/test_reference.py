"""Names of tables and models are found; all other names are left alone."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service

from googlesql import module
from googlesql.language import language_options
from googlesql.parser import parse_statement
from googlesql.reference import ReferenceKind, read_references

NAMES = st.sampled_from(["t", "u", "v", "W"])
PATHS = st.one_of(
    NAMES, st.builds("{}.{}".format, NAMES, NAMES), st.builds("d.{}.{}".format, NAMES, NAMES)
)
ALIASES = st.one_of(st.just(""), NAMES.map(" AS {}".format))


def queries(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    subqueries = inner.map("({})".format)
    items = st.one_of(
        st.builds("{}{}".format, PATHS, ALIASES),
        st.builds("{} AS {}".format, subqueries, NAMES),
        st.builds("UNNEST({}.x){}".format, NAMES, ALIASES),
    )
    froms = st.builds(
        "{} {} {}".format,
        items,
        st.sampled_from([",", "CROSS JOIN", "LEFT JOIN"]),
        items,
    ).map(lambda text: f"{text} ON TRUE" if "LEFT JOIN" in text else text)
    filters = st.one_of(st.just(""), inner.map(" WHERE EXISTS ({})".format))
    selects = st.builds("SELECT 1 FROM {}{}".format, st.one_of(items, froms), filters)
    withs = st.builds("WITH {} AS ({}) {}".format, NAMES, inner, selects)
    unions = st.builds("({}) UNION ALL ({})".format, inner, inner)
    return st.one_of(selects, withs, unions)


QUERIES = st.recursive(st.just("SELECT 1 FROM t"), queries, max_leaves=6)


def names_zetasql_finds(sql: str) -> set[str]:
    request = service.ExtractTableNamesFromStatementRequest(
        sql_statement=sql, options=language_options()
    )
    response = module.call(
        "ExtractTableNamesFromStatement", request, service.ExtractTableNamesFromStatementResponse
    )
    return {".".join(table.table_name_segment).lower() for table in response.table_name}


@settings(max_examples=150, deadline=None)
@given(QUERIES)
@example("SELECT 1 FROM t , (SELECT 1 FROM t.t) AS t")
def test_the_names_are_those_that_zetasql_finds(sql: str) -> None:
    found = {".".join(r.path).lower() for r in read_references(parse_statement(sql))}

    assert found == names_zetasql_finds(sql)


def named(sql: str) -> list[str]:
    """Return what a statement names, each as `kind name`, a target with an exclamation mark."""
    return [
        f"{reference.kind.value}{'!' if reference.is_target else ''} {'.'.join(reference.path)}"
        for reference in read_references(parse_statement(sql))
    ]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("WITH a AS (SELECT 1 x) SELECT * FROM a, A", []),
        ("SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t), t", ["table t"]),
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ["table a"]),
        ("WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 1 FROM a) SELECT * FROM a", []),
        ("SELECT * FROM t, t.items, UNNEST(t.more) AS m, m.parts", ["table t"]),
        ("SELECT * FROM d.t, t.items AS i, i.parts", ["table d.t"]),
        ("SELECT * FROM `p.d.t`, t.items", ["table p.d.t"]),
        ("SELECT ARRAY(SELECT x FROM t.items x) FROM t", ["table t"]),
        ("SELECT 1 FROM t ORDER BY (SELECT 1 FROM t.items)", ["table t"]),
        ("SELECT 1 FROM t PIVOT(SUM(x) FOR y IN (1)) AS p, p.q", ["table t"]),
        ("FROM t |> JOIN u USING (x) |> WHERE EXISTS (FROM u.items)", ["table t", "table u"]),
        ("SELECT 1 FROM (t JOIN u USING (x)), u.items", ["table t", "table u"]),
        ("SELECT 1 FROM my-project.d.t", ["table my-project.d.t"]),
        ("SELECT 1 FROM ML.PREDICT(MODEL m, TABLE t) AS p, p.q", ["model m", "table t"]),
        ("SELECT 1 FROM ML.PREDICT(MODEL `p.d.m`, (FROM t))", ["model p.d.m", "table t"]),
        ("CREATE MODEL m OPTIONS(a='t') AS SELECT 1 FROM t", ["model! m", "table t"]),
        (
            "CREATE MODEL m AS (training_data AS (FROM t), custom_holiday AS (FROM h))",
            ["model! m", "table t", "table h"],
        ),
        ("CREATE MODEL m TRANSFORM(t, u.v) AS SELECT 1 FROM x t", ["model! m", "table x"]),
        ("CREATE TABLE a LIKE b", ["table! a", "table b"]),
        ("CREATE VIEW v AS SELECT 1 FROM t", ["table! v", "table t"]),
        ("INSERT INTO t (a) SELECT a FROM u", ["table! t", "table u"]),
        ("UPDATE t SET a = 1 FROM u WHERE EXISTS (FROM t.b)", ["table! t", "table u"]),
        ("DELETE FROM d.t x WHERE EXISTS (FROM x.b)", ["table! d.t"]),
        ("MERGE t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", ["table! t", "table u"]),
        ("DROP MODEL m", ["model! m"]),
        ("DROP TABLE t", ["table! t"]),
        ("DROP SCHEMA s", []),
        ("EXPORT MODEL m OPTIONS(URI='x')", ["model! m"]),
        ("TRUNCATE TABLE t", ["table! t"]),
    ],
)
def test_what_a_statement_names(sql: str, expected: list[str]) -> None:
    assert named(sql) == expected


def test_places_are_in_bytes_and_cover_the_quotes() -> None:
    sql = "SELECT 'é' FROM `p.d`.t AS x"

    (reference,) = read_references(parse_statement(sql))

    assert sql.encode()[reference.start : reference.end] == b"`p.d`.t"
    assert (reference.kind, reference.alias) == (ReferenceKind.TABLE, "x")
