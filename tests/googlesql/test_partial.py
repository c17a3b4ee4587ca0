"""A statement is checked as far as its surroundings are known, and never wrongly refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from googlesql.analyzer import OpenColumns, PartialAnalysis, analyze, analyze_partially
from googlesql.catalog import TableSet
from googlesql.errors import SqlError
from googlesql.parser import parse_statement
from googlesql.reference import read_references
from googlesql.schema import Column

KNOWN = {
    ("k",): [Column("a", "INT64"), Column("s", "STRING"), Column("t", "TIMESTAMP")],
    ("p", "d", "k2"): [Column("a", "INT64"), Column("items", "ARRAY<STRUCT<v FLOAT64>>")],
    ("half",): [Column("a", ""), Column("b", "STRING")],
}


def checked(sql: str) -> PartialAnalysis:
    return analyze_partially(sql, KNOWN)


def refusal(sql: str) -> str:
    with pytest.raises(SqlError) as caught:
        checked(sql)
    return caught.value.message


def columns(sql: str) -> list[tuple[str, str]] | None:
    found = checked(sql).output_columns
    return None if found is None else [(column.name, column.type) for column in found]


def test_what_is_wholly_known_is_analysed_as_a_whole() -> None:
    found = checked("SELECT a FROM k")

    assert found.analysis == analyze("SELECT a FROM k", KNOWN)
    assert found.unknown == ()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT k.nope FROM k JOIN u ON k.a = u.a", "Name nope not found inside k at [1:10]"),
        ("SELECT x.itms FROM p.d.k2 AS x, u",
         "Name itms not found inside x; Did you mean items? at [1:10]"),
        ("SELECT ONLY_BIGQUERY(a) AS x, nope FROM k", "Unrecognized name: nope at [1:31]"),
        (
            "WITH c AS (SELECT nope FROM k), d AS (SELECT x FROM u) SELECT * FROM c, d",
            "Unrecognized name: nope at [1:19]",
        ),
        (
            "SELECT u.q FROM u WHERE u.q IN (SELECT x.nope FROM k AS x)",
            "Name nope not found inside x at [1:42]",
        ),
        (
            "SELECT * FROM ML.PREDICT(MODEL m, (SELECT a, nope FROM k))",
            "Unrecognized name: nope at [1:46]",
        ),
        ("SELECT u.a, COUNT(*) AS n FROM u", "SELECT list expression references u.a which is "
         "neither grouped nor aggregated at [1:8]"),
        ("SELECT k.s, u.x FROM k, u WHERE COUNT(u.x) > 1",
         "Aggregate function COUNT not allowed in WHERE clause at [1:33]"),
    ],
)  # fmt: skip
def test_what_is_wrong_whatever_is_not_known_is_refused(sql: str, message: str) -> None:
    assert refusal(sql) == message


def test_an_error_that_another_one_hides_is_found_in_the_query_that_has_it() -> None:
    # The first entry has a type error only for some types of `u.q`, and it comes first.
    sql = (
        "WITH d AS (SELECT u.q + 'x' + 1 AS y FROM u), c AS (SELECT CONCAT(s, a) AS x FROM k), "
        "e AS (SELECT s + a AS z FROM k) SELECT * FROM d, c, e"
    )

    assert refusal(sql).startswith("No matching signature for operator +")
    assert refusal(sql).endswith(f"at [1:{sql.index('s + a') + 1}]")


RIGHT = [
    "SELECT * FROM u",
    "SELECT a, x FROM k JOIN u USING (a)",
    "SELECT a FROM k, u",
    "SELECT u.a + 1, CONCAT(u.a, 'x') FROM u",
    "SELECT CONCAT(u.s, DATE(u.t), u.a) FROM u, k",
    "SELECT x.k.v, x.arr[OFFSET(0)].w FROM u AS x, UNNEST(x.arr) AS i WHERE i.z = 3",
    "SELECT i.v FROM u, u.items AS i",
    "SELECT a, b FROM u UNION ALL SELECT a, s FROM k",
    "SELECT * FROM u UNION ALL SELECT * FROM k",
    "INSERT INTO k SELECT * FROM u",
    "INSERT INTO u (x, y) VALUES (1, 'a')",
    "UPDATE u SET x = 1, y = k.s FROM k WHERE u.a = k.a",
    "MERGE u USING k ON u.a = k.a WHEN NOT MATCHED THEN INSERT (a, z) VALUES (a, s)",
    "SELECT s, (SELECT MAX(u.x) FROM u WHERE u.s = k.s AND t > y) FROM k",
    "SELECT a FROM k WHERE EXISTS (SELECT 1 FROM u WHERE u.a = k.a)",
    "SELECT ONLY_BIGQUERY(a, DAY) + 1, s FROM k",
    "SELECT s, ONLY_BIGQUERY(DISTINCT a ORDER BY a LIMIT 3) FROM k GROUP BY s",
    "SELECT ONLY_BIGQUERY(a) OVER (PARTITION BY s ORDER BY t) FROM k",
    "SELECT ONLY_BIGQUERY(s, x -> x + 1, name => a).field.deeper[0] FROM k",
    "SELECT SAFE.ONLY_BIGQUERY(s), p.d.own(s), `p.d.own`(a) FROM k",
    "SELECT AI.IF(('is it ', s), connection_id => 'c') AND a > 1 FROM k",
    "SELECT AI.GENERATE_INT(s, endpoint => 'e', anything_new => 1).result + a FROM k",
    "SELECT * FROM own.table_function(1, TABLE k) AS f WHERE f.x = 1",
    "SELECT predicted_s, a FROM ML.PREDICT(MODEL m, TABLE k) WHERE predicted_s_probs[0].prob > 1",
    "SELECT x FROM u PIVOT (SUM(v) FOR q IN ('a', 'b')) WHERE a > 1",
    "SELECT * EXCEPT (x) REPLACE (1 AS y) FROM u",
    "SELECT _PARTITIONTIME, a FROM k WHERE _PARTITIONDATE > '2020-01-01'",
    "SELECT k._PARTITIONTIME FROM k JOIN p.d.k2 ON k.a = k2.a",
    "SELECT _TABLE_SUFFIX AS s, x FROM `p.d.events_*`",
    "SELECT table_name FROM d.INFORMATION_SCHEMA.TABLES",
    "FROM u |> WHERE x > 1 |> AGGREGATE SUM(y) AS z GROUP BY w |> SELECT z, w",
    "SELECT a || 'x', a + 1 FROM half",
    "SELECT u.a.b, u.a + 1 FROM u",
    "SELECT ST_AREA(u.g), u.g.x FROM u",
    "SELECT DATE_TRUNC(u.d, MONTH), EXTRACT(YEAR FROM u.d) FROM u",
    "CREATE MODEL m OPTIONS (model_type = 'KMEANS') AS SELECT * FROM u",
    "CREATE TABLE x AS SELECT k.*, u.y FROM k JOIN u ON k.s = u.s",
    "SELECT a FROM u GROUP BY ALL HAVING MAX(b) > 1 QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r JOIN u ON u.n = r.n) "
    "SELECT * FROM r",
]


@pytest.mark.parametrize("sql", RIGHT)
def test_what_may_be_right_is_never_refused(sql: str) -> None:
    found = checked(sql)

    assert found.analysis is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT k.a, u.x AS y FROM k, u", [("a", "INT64"), ("y", "")]),
        (
            "SELECT CONCAT(u.x, 'a') AS c, COUNT(*) AS n FROM u GROUP BY 1",
            [("c", ""), ("n", "INT64")],
        ),
        ("SELECT * FROM u", None),
        (
            "SELECT k.*, u.x FROM k, u",
            [("a", "INT64"), ("s", "STRING"), ("t", "TIMESTAMP"), ("x", "")],
        ),
        ("SELECT a, b FROM half", [("a", ""), ("b", "STRING")]),
        (
            "SELECT AI.SCORE(s) AS x, AI.EMBED(s).result AS e FROM k",
            [("x", "FLOAT64"), ("e", "ARRAY<FLOAT64>")],
        ),
        ("SELECT ONLY_BIGQUERY(s) AS o, s FROM k", [("o", ""), ("s", "STRING")]),
        ("CREATE MODEL m AS SELECT u.x, k.s FROM u, k", [("x", ""), ("s", "STRING")]),
    ],
)
def test_columns_are_told_as_far_as_they_are_known(
    sql: str, expected: list[tuple[str, str]] | None
) -> None:
    assert columns(sql) == expected


def test_what_is_not_known_is_named_with_its_place() -> None:
    sql = "SELECT ONLY_BIGQUERY(kk.a), COUTN(1) FROM k2 AS kk, ML.PREDICT(MODEL m, TABLE k)"

    found = [(u.kind, u.name, u.start, u.reason) for u in checked(sql).unknown]

    assert found == [
        ("function", "ONLY_BIGQUERY", 7, "Function not found: ONLY_BIGQUERY"),
        ("function", "COUTN", 28, "Function not found: COUTN; Did you mean COUNT?"),
        ("table", "k2", 42, "Table not found: k2"),
        ("function", "ML.PREDICT", 52, "Table-valued function not found: ML.PREDICT"),
    ]


def test_columns_that_may_not_be_all_are_there_and_others_may_be() -> None:
    known = OpenColumns([Column("centroid_id", "INT64")])

    def answered(sql: str) -> PartialAnalysis:
        return analyze_partially(sql, KNOWN, output_columns=lambda call, tables: known)

    call = "FROM ML.CENTROIDS(MODEL m)"
    found = answered(f"SELECT centroid_id, other {call}")

    assert [(c.name, c.type) for c in found.output_columns or ()] == [
        ("centroid_id", "INT64"),
        ("other", ""),
    ]
    assert found.unknown == ()
    with pytest.raises(SqlError, match="Could not cast literal"):
        answered(f"SELECT centroid_id + 'a' {call}")


def test_a_set_of_tables_answers_as_a_mapping_does() -> None:
    tables = TableSet(KNOWN)

    for sql in ("SELECT a, s FROM k", "SELECT b FROM half", "SELECT k2.a FROM `p.d.k2`, k"):
        one, other = analyze_partially(sql, tables), analyze_partially(sql, KNOWN)
        assert (one.output_columns, one.unknown) == (other.output_columns, other.unknown)


def test_an_error_names_tables_as_the_statement_does() -> None:
    assert refusal("INSERT INTO k (nope) VALUES (1)") == (
        "Column nope is not present in table k at [1:16]"
    )


SQL = Path(__file__).parents[2] / "sql"
TABLES = {
    ("f",): [
        Column("id", "INT64"),
        Column("name", "STRING"),
        Column("day", "DATE"),
        Column("ts", "TIMESTAMP"),
        Column("amount", "NUMERIC"),
        Column("ok", "BOOL"),
        Column("tags", "ARRAY<STRING>"),
        Column("items", "ARRAY<STRUCT<k STRING, v FLOAT64>>"),
        Column("place", "STRUCT<lat FLOAT64, lon FLOAT64, inner_ STRUCT<id INT64>>"),
        Column("doc", "JSON"),
        Column("raw", "BYTES"),
        Column("spot", "GEOGRAPHY"),
        Column("vector", "ARRAY<FLOAT64>"),
    ],
    ("d", "g"): [Column("id", "INT64"), Column("name", "STRING"), Column("score", "FLOAT64")],
    ("h",): [Column("name", "STRING"), Column("day", "DATE"), Column("n", "INT64")],
}
KNOWN_TO_BE_RIGHT = [
    "SELECT f.id, g.score, h.n FROM f JOIN d.g AS g USING (id) LEFT JOIN h ON h.name = f.name",
    "SELECT id, name, score FROM f JOIN d.g USING (id, name) WHERE day > '2020-01-01' AND ok",
    "SELECT f.*, g.* EXCEPT (id, name) FROM f, d.g AS g WHERE f.id = g.id",
    "SELECT i.k, i.v + 1, t FROM f, f.items AS i, UNNEST(tags) AS t WITH OFFSET AS o WHERE o < 3",
    "SELECT place.inner_.id, place.lat * 2, doc.a.b, doc.c[0], LENGTH(raw), ST_ASTEXT(spot) FROM f",
    "SELECT day, SUM(amount), ARRAY_AGG(STRUCT(id, name) ORDER BY ts LIMIT 3), COUNTIF(ok) FROM f "
    "GROUP BY day HAVING SUM(amount) > 1 ORDER BY day",
    "SELECT name, (SELECT MAX(score) FROM d.g AS g WHERE g.id = f.id AND amount > 1) AS m FROM f",
    "SELECT name FROM f WHERE EXISTS (SELECT 1 FROM h WHERE h.name = f.name AND n > f.id)",
    "SELECT name FROM h WHERE n IN (SELECT id FROM f WHERE tags[SAFE_OFFSET(0)] = h.name)",
    "SELECT id, ROW_NUMBER() OVER (PARTITION BY name ORDER BY ts DESC) AS r FROM f QUALIFY r = 1",
    "SELECT AVG(n) OVER (ORDER BY UNIX_DATE(day) RANGE BETWEEN 6 PRECEDING AND CURRENT ROW) FROM h",
    "SELECT name, n FROM h UNION ALL SELECT name, id FROM f UNION ALL SELECT name, id FROM d.g",
    "(SELECT id FROM f EXCEPT DISTINCT SELECT id FROM d.g) INTERSECT DISTINCT SELECT n FROM h",
    "WITH a AS (SELECT id, name FROM f), b AS (SELECT a.id, score FROM a JOIN d.g AS g "
    "ON a.id = g.id) SELECT b.*, h.n FROM b, h WHERE b.score > h.n",
    "SELECT * FROM h PIVOT (SUM(n) FOR name IN ('a', 'b'))",
    "SELECT name, kind, value FROM (SELECT name, n, n * 2 AS m FROM h) "
    "UNPIVOT (value FOR kind IN (n, m))",
    "SELECT DATE_TRUNC(day, MONTH), EXTRACT(HOUR FROM ts), DATE_DIFF(day, CURRENT_DATE(), DAY), "
    "TIMESTAMP_SUB(ts, INTERVAL 1 HOUR), FORMAT_DATE('%Y', day), CAST(id AS STRING) FROM f",
    "SELECT COSINE_DISTANCE(vector, [1.0, 2.0]), ML.DISTANCE(vector, vector, 'COSINE') FROM f",
    "SELECT IF(ok, name, 'none'), COALESCE(amount, 0), CASE WHEN id > 1 THEN name END, "
    "TO_JSON_STRING(f), JSON_VALUE(doc, '$.a'), SAFE_CAST(name AS INT64) FROM f",
    "FROM f |> WHERE ok |> AGGREGATE SUM(amount) AS s GROUP BY name |> JOIN h USING (name) "
    "|> SELECT name, s, n |> ORDER BY s",
    "CREATE MODEL m TRANSFORM (label, ML.STANDARD_SCALER(n) OVER () AS n, ML.BUCKETIZE(x, [1, 2]) "
    "AS b) OPTIONS (model_type = 'LINEAR_REG') AS SELECT score AS label, h.n, g.score AS x "
    "FROM d.g AS g JOIN h ON g.name = h.name",
    "INSERT INTO h (name, day, n) SELECT name, day, id FROM f",
    "INSERT INTO d.g SELECT id, name, CAST(amount AS FLOAT64) FROM f",
    "UPDATE h SET n = f.id, day = f.day FROM f WHERE f.name = h.name AND f.ok",
    "DELETE FROM h WHERE n NOT IN (SELECT id FROM f)",
    "MERGE h USING (SELECT name, day, id FROM f) AS s ON h.name = s.name WHEN MATCHED AND s.id > n "
    "THEN UPDATE SET n = s.id WHEN NOT MATCHED THEN INSERT (name, day, n) VALUES (name, day, id)",
    "CREATE TABLE x PARTITION BY day CLUSTER BY name AS SELECT day, name, SUM(n) AS n FROM h "
    "GROUP BY ALL",
    "SELECT * FROM ML.PREDICT(MODEL m, (SELECT id, name FROM f WHERE day > '2020-01-01'))",
    "SELECT ANY_VALUE(name HAVING MAX ts), STRING_AGG(DISTINCT name, ',' ORDER BY name) FROM f",
    "SELECT CONCAT(name, raw_) FROM (SELECT name, TO_HEX(raw) AS raw_ FROM f) WHERE raw_ != 'a'",
    "SELECT x.name, y.name FROM h AS x JOIN h AS y ON x.n = y.n + 1 AND x.day = y.day",
]


@pytest.mark.parametrize("sql", KNOWN_TO_BE_RIGHT)
def test_hiding_what_a_right_statement_reads_never_makes_it_wrong(sql: str) -> None:
    whole = analyze_partially(sql, TABLES)
    named = {column.name: column.type for column in whole.output_columns or ()}

    read = TABLES.keys() & {found.path for found in read_references(parse_statement(sql))}
    untyped = {path: [replace(c, type="", mode="NULLABLE") for c in TABLES[path]] for path in read}
    surroundings = [
        {**TABLES, **untyped},
        *({path: TABLES[path] for path in TABLES if path not in hidden}
          for hidden in ([read] if len(read) == 1 else [read, *({path} for path in read)])),
    ]  # fmt: skip
    for tables in surroundings:
        found = analyze_partially(sql, tables)
        for column in found.output_columns or ():
            # What is told is what is found when all is known.
            assert column.type in ("", named.get(column.name, ""))


@pytest.mark.parametrize("file", sorted(SQL.rglob("*.sql")), ids=lambda file: file.stem)
def test_the_projects_own_statements_are_right_without_any_schema(file: Path) -> None:
    assert analyze_partially(file.read_text(), {}).statement_kind in ("SELECT", "CREATE_MODEL")
