"""Generated queries mean here what they mean to ZetaSQL's reference evaluator.

https://github.com/google/zetasql/blob/master/docs/README.md
"""

import pytest
from google.cloud import bigquery
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.localcloud.bigquery import oracle
from tests.localcloud.bigquery.oracle import Compare

ROWS = """
WITH t AS (
  SELECT 1 AS i, 2.5 AS f, 'apple' AS s, TRUE AS b, DATE '2024-02-29' AS d, [1, 2, 3] AS a
  UNION ALL SELECT -7, -0.5, 'Éclair', FALSE, DATE '1999-12-31', []
  UNION ALL SELECT 0, 0.0, '', TRUE, DATE '2024-01-01', [0]
  UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, [5]
  UNION ALL SELECT 42, 1e10, 'a b  c', NULL, DATE '2023-06-15', [3, 1, 2]
  UNION ALL SELECT 7, -3.75, ' x%_y ', FALSE, DATE '2020-03-01', [7, 7]
  UNION ALL SELECT 1, 2.5, 'APPLE', TRUE, DATE '2024-02-29', [1]
)
"""
Sql = st.SearchStrategy[str]


def of(*templates: str, **parts: Sql) -> Sql:
    """One of some templates, with its parts filled in."""

    @st.composite
    def filled(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(templates))
        found, position = "", 0
        while (start := text.find("{", position)) >= 0:
            end = text.index("}", start)
            found += text[position:start] + draw(parts[text[start + 1 : end]])
            position = end + 1
        return found + text[position:]

    return filled()


INTS = st.sampled_from(
    ["i", "i", "0", "1", "-1", "2", "3", "10", "-5", "9223372036854775807", "CAST(NULL AS INT64)"]
)
FLOATS = st.sampled_from(
    [
        "f",
        "f",
        "0.0",
        "1.5",
        "-2.5",
        "0.1",
        "1e100",
        "CAST('inf' AS FLOAT64)",
        "CAST(NULL AS FLOAT64)",
    ]
)
TEXTS = st.sampled_from(
    [
        "s",
        "s",
        "''",
        "'a'",
        "'pp'",
        "'Straße'",
        "'x,y,,z'",
        "'12'",
        "' 7'",
        "'1e3'",
        "'%'",
        "CAST(NULL AS STRING)",
    ]
)
BOOLS = st.sampled_from(["b", "b", "TRUE", "FALSE", "CAST(NULL AS BOOL)"])
DATES = st.sampled_from(
    ["d", "d", "DATE '2024-12-30'", "DATE '2021-01-03'", "DATE '0001-01-01'", "CAST(NULL AS DATE)"]
)
ARRAYS = st.sampled_from(["a", "a", "[1, NULL, 3]", "CAST([] AS ARRAY<INT64>)"])
SMALL = st.sampled_from(["0", "1", "2", "3", "-1", "-2", "5"])
PARTS = st.sampled_from(
    ["DAY", "WEEK", "WEEK(MONDAY)", "ISOWEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR"]
)
EXTRACTED = st.sampled_from(
    [
        "DAY",
        "DAYOFWEEK",
        "DAYOFYEAR",
        "WEEK",
        "WEEK(MONDAY)",
        "ISOWEEK",
        "MONTH",
        "QUARTER",
        "YEAR",
        "ISOYEAR",
    ]
)
STEPS = st.sampled_from(["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"])
COMPARED = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM"])


def deeper(depth: int) -> dict[str, Sql]:
    """Expressions of each type, whose parts are expressions of one level less."""
    if depth == 0:
        return {"i": INTS, "f": FLOATS, "s": TEXTS, "b": BOOLS, "d": DATES, "a": ARRAYS}
    less = deeper(depth - 1)
    parts = {**less, "n": SMALL, "p": PARTS, "e": EXTRACTED, "u": STEPS, "c": COMPARED}
    same = (
        "IF({b}, {T}, {T})",
        "COALESCE({T}, {T})",
        "NULLIF({T}, {T})",
        "IFNULL({T}, {T})",
        "CASE WHEN {b} THEN {T} WHEN {b} THEN {T} END",
    )

    def kind(name: str, *templates: str, alike: tuple[str, ...] = same) -> Sql:
        own = [template.replace("{T}", f"{{{name}}}") for template in alike]
        return less[name] | of(*templates, *templates, *own, **parts)

    return {
        "i": kind(
            "i",
            "({i} + {i})",
            "({i} - {i})",
            "({i} * {n})",
            "DIV({i}, {i})",
            "MOD({i}, {i})",
            "ABS({i})",
            "SIGN({i})",
            "(-{i})",
            "LENGTH({s})",
            "STRPOS({s}, {s})",
            "BYTE_LENGTH({s})",
            "ARRAY_LENGTH({a})",
            "EXTRACT({e} FROM {d})",
            "DATE_DIFF({d}, {d}, {p})",
            "CAST({f} AS INT64)",
            "CAST({b} AS INT64)",
            "GREATEST({i}, {i})",
            "LEAST({i}, {i})",
            "({i} & {i})",
            "({i} | {i})",
            "({i} ^ {i})",
            "(~{i})",
            "BIT_COUNT({i})",
            "UNIX_DATE({d})",
            "{a}[SAFE_OFFSET({n})]",
            "{a}[SAFE_ORDINAL({n})]",
            "INSTR({s}, {s})",
            "SAFE_ADD({i}, {i})",
            "SAFE_NEGATE({i})",
            "SAFE_MULTIPLY({i}, {i})",
            "({i} << {n})",
            "({i} >> {n})",
            "(SELECT SUM(x) FROM UNNEST({a}) AS x)",
            "UNICODE({s})",
        ),
        "f": kind(
            "f",
            "({f} + {f})",
            "({f} - {f})",
            "({f} * {f})",
            "({f} / {f})",
            "({i} / {i})",
            "ROUND({f})",
            "ROUND({f}, {n})",
            "TRUNC({f})",
            "TRUNC({f}, {n})",
            "CEIL({f})",
            "FLOOR({f})",
            "SQRT({f})",
            "POW({f}, {n})",
            "EXP({n})",
            "LN({f})",
            "LOG({f}, 2)",
            "LOG10({f})",
            "SAFE_DIVIDE({f}, {f})",
            "IEEE_DIVIDE({f}, {f})",
            "CAST({i} AS FLOAT64)",
            "SAFE_CAST({s} AS FLOAT64)",
            "ATAN2({f}, {f})",
            "SIN({n})",
            "ABS({f})",
            "SIGN({f})",
            "GREATEST({f}, {f})",
            "LEAST({f}, {f})",
            "CBRT({f})",
        ),
        "s": kind(
            "s",
            "CONCAT({s}, {s})",
            "({s} || {s})",
            "UPPER({s})",
            "LOWER({s})",
            "TRIM({s})",
            "LTRIM({s}, 'a ')",
            "RTRIM({s})",
            "SUBSTR({s}, {n})",
            "SUBSTR({s}, {n}, 2)",
            "REPLACE({s}, {s}, {s})",
            "REVERSE({s})",
            "LPAD({s}, 4, 'xy')",
            "RPAD({s}, 4)",
            "REPEAT({s}, 2)",
            "LEFT({s}, 2)",
            "RIGHT({s}, 2)",
            "SPLIT({s}, ',')[SAFE_OFFSET(1)]",
            "CAST({i} AS STRING)",
            "CAST({f} AS STRING)",
            "CAST({b} AS STRING)",
            "CAST({d} AS STRING)",
            "INITCAP({s})",
            "TRANSLATE({s}, 'apx', 'AP')",
            "REGEXP_REPLACE({s}, r'[aeiou]', '_')",
            "REGEXP_EXTRACT({s}, r'[a-z]+')",
            "FORMAT('%d|%s', {i}, {s})",
            "FORMAT('%5.2f', {f})",
            "FORMAT_DATE('%m/%d %a %j %U', {d})",
            "TO_HEX(MD5({s}))",
            "SOUNDEX({s})",
            "TO_JSON_STRING({s})",
            "ARRAY_TO_STRING(ARRAY(SELECT CAST(x AS STRING) FROM UNNEST({a}) AS x), '-', 'N')",
            "NORMALIZE({s})",
            "TO_BASE64(CAST({s} AS BYTES))",
            "CAST(CAST({s} AS BYTES) AS STRING)",
            "CHR(ABS({n}) + 65)",
        ),
        "b": kind(
            "b",
            "({i} {c} {i})",
            "({f} {c} {f})",
            "({s} {c} {s})",
            "({d} {c} {d})",
            "({b} AND {b})",
            "({b} OR {b})",
            "(NOT {b})",
            "({i} IS NULL)",
            "({s} IS NOT NULL)",
            "({s} LIKE '%a%')",
            "({s} LIKE {s})",
            "STARTS_WITH({s}, {s})",
            "ENDS_WITH({s}, {s})",
            "REGEXP_CONTAINS({s}, r'^[a-z]')",
            "({i} IN ({i}, {i}))",
            "({i} IN UNNEST({a}))",
            "({i} NOT IN ({i}, {i}))",
            "({f} BETWEEN {f} AND {f})",
            "({b} IS TRUE)",
            "({b} IS NOT FALSE)",
            "IS_NAN({f})",
            "IS_INF({f})",
            "SAFE_CAST({s} AS BOOL)",
            "EXISTS(SELECT 1 FROM UNNEST({a}) AS x WHERE x > {n})",
            "({s} IN ({s}, {s}))",
        ),
        "d": kind(
            "d",
            "DATE_ADD({d}, INTERVAL {n} {u})",
            "DATE_SUB({d}, INTERVAL {n} {u})",
            "DATE_TRUNC({d}, {p})",
            "LAST_DAY({d}, MONTH)",
            "LAST_DAY({d}, WEEK)",
            "SAFE_CAST({s} AS DATE)",
            "DATE(2024, 1 + ABS({n}), 28)",
            "DATE_FROM_UNIX_DATE({n})",
            "GREATEST({d}, {d})",
            "LEAST({d}, {d})",
            "PARSE_DATE('%Y-%m-%d', '2024-07-01')",
            "({d} + {n})",
        ),
        "a": kind(
            "a",
            "ARRAY_CONCAT({a}, {a})",
            "ARRAY_REVERSE({a})",
            "GENERATE_ARRAY(1, {n})",
            "[{i}, {i}]",
            "ARRAY(SELECT x FROM UNNEST({a}) AS x WHERE x > {n} ORDER BY x)",
            "ARRAY(SELECT x * 2 FROM UNNEST({a}) AS x WITH OFFSET AS o ORDER BY o DESC)",
            alike=("IF({b}, {T}, {T})", "IFNULL({T}, {T})"),
        ),
    }


EXPRESSIONS = deeper(2)


def shown(expressions: dict[str, Sql]) -> Sql:
    """Expressions of any type; arrays as text, for a result may have no NULL in an array."""
    arrays = expressions["a"].map(
        "ARRAY_TO_STRING(ARRAY(SELECT CAST(x AS STRING) FROM UNNEST({}) AS x), '-', 'N')".format
    )
    return st.one_of(*(expressions[name] for name in "ifsbd"), arrays)


ANY = shown(EXPRESSIONS)
SHALLOW = deeper(1)
SCALAR = st.one_of(*(SHALLOW[name] for name in "ifsbd"))
AGGREGATES = of(
    "COUNT(*)",
    "COUNT({x})",
    "COUNT(DISTINCT {x})",
    "SUM({i})",
    "SUM({f})",
    "AVG({i})",
    "MIN({x})",
    "MAX({x})",
    "COUNTIF({b})",
    "LOGICAL_AND({b})",
    "LOGICAL_OR({b})",
    "BIT_AND({i})",
    "BIT_OR({i})",
    "BIT_XOR({i})",
    "STRING_AGG({s}, '|' ORDER BY {s})",
    "ARRAY_AGG({i} IGNORE NULLS ORDER BY i, s)",
    "STDDEV(i)",
    "VAR_POP(i)",
    "CORR(i, LENGTH(s))",
    "SUM(DISTINCT i)",
    "ARRAY_AGG(DISTINCT s IGNORE NULLS ORDER BY s LIMIT 2)",
    "STDDEV_POP(i)",
    "COVAR_SAMP(i, i + 1)",
    "MAX(s)",
    x=SCALAR,
    **{name: SHALLOW[name] for name in "ifsb"},
)
ORDERED = "PARTITION BY b ORDER BY i, s, f"
WINDOWS = of(
    f"ROW_NUMBER() OVER ({ORDERED})",
    "RANK() OVER (PARTITION BY b ORDER BY i)",
    "DENSE_RANK() OVER (ORDER BY i DESC)",
    f"LAG({{x}}) OVER ({ORDERED})",
    f"LEAD({{x}}, 2) OVER ({ORDERED})",
    f"LAG(i, 1, -1) OVER ({ORDERED})",
    f"FIRST_VALUE({{x}}) OVER ({ORDERED})",
    f"LAST_VALUE({{x}}) OVER ({ORDERED})",
    f"FIRST_VALUE(i IGNORE NULLS) OVER ({ORDERED})",
    f"NTH_VALUE({{x}}, 2) OVER ({ORDERED})",
    f"NTILE(3) OVER ({ORDERED})",
    "PERCENT_RANK() OVER (ORDER BY i)",
    "CUME_DIST() OVER (ORDER BY i)",
    "SUM(i) OVER (PARTITION BY b ORDER BY i)",
    "COUNT(i) OVER (ORDER BY i)",
    "SUM(i) OVER (ORDER BY s ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
    "MAX(i) OVER (ORDER BY s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)",
    "AVG(i) OVER (ORDER BY i RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)",
    "COUNT(*) OVER (PARTITION BY b)",
    "COUNTIF(b) OVER (ORDER BY s)",
    x=SCALAR,
)
JOINS = of(
    "SELECT l.i, r.s FROM t AS l {j} t AS r ON l.i = r.i {w}",
    "SELECT l.i, r.i AS j FROM t AS l {j} t AS r ON l.i < r.i AND r.b {w}",
    "SELECT i, l.s, r.s AS other FROM t AS l {j} t AS r USING (i) {w}",
    "SELECT l.i, x FROM t AS l CROSS JOIN UNNEST(l.a) AS x {w}",
    "SELECT l.i, x, o FROM t AS l LEFT JOIN UNNEST(l.a) AS x WITH OFFSET AS o {w}",
    "SELECT l.i FROM t AS l WHERE EXISTS (SELECT 1 FROM t AS r WHERE r.i > l.i)",
    "SELECT l.i FROM t AS l WHERE l.i {in} (SELECT r.i FROM t AS r WHERE r.b)",
    "SELECT i FROM t {o} SELECT ABS(i) FROM t",
    "SELECT s, b FROM t {o} SELECT UPPER(s), b FROM t",
    "SELECT b, i FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY b ORDER BY i, s) = 1",
    "SELECT AS STRUCT i, s FROM t {v}",
    "SELECT * EXCEPT (a, f) FROM t {v}",
    "SELECT * REPLACE (i + 1 AS i) FROM t {v}",
    "SELECT DISTINCT b, i > 0 AS p FROM t",
    "SELECT * FROM (SELECT b, i FROM t) PIVOT (SUM(i) FOR b IN (TRUE, FALSE))",
    j=st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]),
    w=st.sampled_from(["", "WHERE l.i IS NOT NULL", "WHERE l.b OR l.i > 1"]),
    v=st.sampled_from(["", "WHERE i > 0", "WHERE NOT b"]),
    o=st.sampled_from(["UNION ALL", "UNION DISTINCT", "INTERSECT DISTINCT", "EXCEPT DISTINCT"]),
    **{"in": st.sampled_from(["IN", "NOT IN"])},
)
GROUPED = of(
    "SELECT {k} AS k, {g} AS x FROM t GROUP BY k",
    "SELECT {g} AS x FROM t",
    "SELECT {g} AS x FROM t WHERE FALSE",
    "SELECT {k} AS k, {g} AS x FROM t GROUP BY k HAVING COUNT(*) > 1",
    "SELECT b, i > 0 AS p, {g} AS x FROM t GROUP BY ROLLUP (b, p)",
    k=SCALAR,
    g=AGGREGATES,
)


@pytest.fixture(scope="module")
def compare(client: bigquery.Client) -> Compare:
    return oracle.comparison(client, ROWS)


BOUNDED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@BOUNDED
@given(expression=ANY)
def test_an_expression_means_the_same(compare: Compare, expression: str) -> None:
    compare(f"SELECT s, {expression} AS x FROM t")


@BOUNDED
@given(query=GROUPED)
def test_an_aggregate_means_the_same(compare: Compare, query: str) -> None:
    compare(query)


@BOUNDED
@given(window=WINDOWS)
def test_a_window_means_the_same(compare: Compare, window: str) -> None:
    compare(f"SELECT i, s, {window} AS x FROM t")


@BOUNDED
@given(query=JOINS)
def test_a_join_means_the_same(compare: Compare, query: str) -> None:
    compare(query)


@BOUNDED
@given(
    key=SCALAR,
    how=st.sampled_from(["", "DESC", "ASC NULLS LAST", "DESC NULLS FIRST"]),
    most=st.sampled_from(["", "LIMIT 3", "LIMIT 3 OFFSET 2"]),
)
def test_an_order_means_the_same(compare: Compare, key: str, how: str, most: str) -> None:
    compare(f"SELECT s, i, {key} AS k FROM t ORDER BY k {how}, s, i, f {most}", in_order=True)


MENDED = {
    "bytes are UTF-8": "SELECT TO_BASE64(CAST(s AS BYTES)), "
    "CAST(CAST(s AS BYTES) AS STRING) FROM t",
    "bits of 64": "SELECT BIT_COUNT(BIT_COUNT(i)), CHR(ABS(i) + 65) FROM t",
    "arrays without NULLs": "SELECT ARRAY_AGG(DISTINCT s IGNORE NULLS ORDER BY s LIMIT 2), "
    "ARRAY_AGG(CAST(NULL AS INT64) IGNORE NULLS ORDER BY i, s) FROM t",
    "outer unnest": "SELECT l.i, x, o FROM t AS l LEFT JOIN UNNEST(l.a) AS x WITH OFFSET AS o",
    "place of NULL": "SELECT INSTR(s, NULL), INSTR(s, s) FROM t",
    "offsets": "SELECT a[SAFE_OFFSET(-2)], a[SAFE_OFFSET(i)], a[SAFE_ORDINAL(0)], "
    "a[SAFE_OFFSET(9223372036854775807)] FROM t",
    "order of NULL numbers": "SELECT ARRAY_TO_STRING(ARRAY_AGG(IFNULL(s, 'N') ORDER BY f DESC "
    "NULLS FIRST, s), ',') FROM t",
    "correlation of one pair": "SELECT b, CORR(i, LENGTH(s)) FROM t GROUP BY b",
}
"""What the generated queries found, and what was mended."""


@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, query in MENDED.items()])
def test_what_was_mended_stays_so(compare: Compare, query: str) -> None:
    compare(query)


DEPARTURES = {
    "text with a fraction or an exponent is an INT64": "SELECT SAFE_CAST('1e3' AS INT64)",
    "NaN is the greatest number in DuckDB, not apart from all": "SELECT CAST('nan' AS FLOAT64) > 1",
    "FORMAT has no %T, and %t of NULL makes the whole NULL": "SELECT FORMAT('%T', s) FROM t",
    "TO_JSON_STRING writes an INT64 beyond 2^53 as a number": "SELECT TO_JSON_STRING(1 << 62)",
    "%F and %Y of a year before 1000 have no zeros before them": "SELECT FORMAT_DATE('%F', "
    "DATE '0001-01-01')",
    "ASCII takes a letter that is none": "SELECT ASCII('É')",
    "AVG of infinite numbers is infinite": "SELECT AVG(x) FROM "
    "UNNEST([CAST('inf' AS FLOAT64), CAST('inf' AS FLOAT64)]) AS x",
}
"""Differences that docs/local_cloud_bigquery.md tells of."""


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(query, id=reason, marks=pytest.mark.xfail(reason=reason, strict=True))
        for reason, query in DEPARTURES.items()
    ],
)
def test_what_is_known_to_differ(compare: Compare, query: str) -> None:
    compare(query)
