"""NUMERIC, TIMESTAMP, DATETIME and JSON mean here what they mean to ZetaSQL's evaluator."""

import pytest
from google.cloud import bigquery
from hypothesis import given
from hypothesis import strategies as st

from tests.localcloud.bigquery import oracle
from tests.localcloud.bigquery.oracle import Compare
from tests.localcloud.bigquery.test_oracle import BOUNDED, Sql, of

ROWS = """
WITH t AS (
  SELECT 1 AS i, NUMERIC '2.5' AS m, TIMESTAMP '2024-02-29 12:30:45.123456+00' AS z,
    DATETIME '2024-02-29 12:30:45.123456' AS w, JSON '{"a": {"b": [1, 2.5, "x"]}, "c": null}' AS j
  UNION ALL SELECT -7, NUMERIC '-0.000000001', TIMESTAMP '1969-12-31 23:59:59+00',
    DATETIME '1999-12-31 23:59:59', JSON '{"a": {"b": []}, "c": true}'
  UNION ALL SELECT 0, NUMERIC '0', TIMESTAMP '2024-01-01 00:00:00+00',
    DATETIME '2024-01-01 00:00:00', JSON '{"a": 7, "c": "text"}'
  UNION ALL SELECT NULL, NULL, NULL, NULL, NULL
  UNION ALL SELECT 42, NUMERIC '12345678901234567890.5', TIMESTAMP '2023-06-15 08:00:00+02',
    DATETIME '2020-02-29 06:07:08', JSON '[1, {"a": "z"}]'
)
"""
NUMERICS = st.sampled_from(
    ["m", "m", "NUMERIC '0'", "NUMERIC '1.5'", "NUMERIC '-2.25'", "CAST(NULL AS NUMERIC)"]
)
TIMESTAMPS = st.sampled_from(["z", "z", "TIMESTAMP '2021-03-14 01:02:03+00'"])
DATETIMES = st.sampled_from(["w", "w", "DATETIME '2021-03-14 01:02:03'"])
SMALL = st.sampled_from(["0", "1", "2", "-1", "5"])
SECONDS = st.sampled_from(["MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY"])
PARTS = st.sampled_from(
    ["SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "ISOWEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR"]
)
STEPS = st.sampled_from(["SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"])
COMPARED = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
PATHS = st.sampled_from(
    ["$.a", "$.a.b", "$.a.b[0]", "$.a.b[1]", "$.a.b[2]", "$.c", "$[0]", "$[1].a"]
)


def deeper(depth: int) -> dict[str, Sql]:
    """Expressions of each type, whose parts are expressions of one level less."""
    if depth == 0:
        return {"m": NUMERICS, "z": TIMESTAMPS, "w": DATETIMES}
    less = deeper(depth - 1)
    parts = {**less, "n": SMALL, "u": SECONDS, "p": PARTS, "t": STEPS, "c": COMPARED}

    def kind(name: str, *templates: str) -> Sql:
        alike = ("IF(i > 0, {T}, {T})", "COALESCE({T}, {T})", "NULLIF({T}, {T})", "LEAST({T}, {T})")
        own = [template.replace("{T}", f"{{{name}}}") for template in alike]
        return less[name] | of(*templates, *templates, *own, **parts)

    return {
        "m": kind(
            "m",
            "({m} + {m})",
            "({m} - {m})",
            "({m} * {n})",
            "ABS({m})",
            "(-{m})",
            "ROUND({m})",
            "ROUND({m}, {n})",
            "TRUNC({m})",
            "CEIL({m})",
            "FLOOR({m})",
            "CAST({n} AS NUMERIC)",
            "CAST('1.25' AS NUMERIC)",
            "MOD({m}, NUMERIC '3')",
        ),
        "z": kind(
            "z",
            "TIMESTAMP_ADD({z}, INTERVAL {n} {u})",
            "TIMESTAMP_SUB({z}, INTERVAL {n} {u})",
            "TIMESTAMP_TRUNC({z}, {p})",
            "TIMESTAMP({w})",
            "TIMESTAMP_SECONDS({n})",
            "TIMESTAMP_MILLIS({n})",
            "PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2024-07-01 10:20:30')",
            "CAST(CAST({z} AS STRING) AS TIMESTAMP)",
        ),
        "w": kind(
            "w",
            "DATETIME_ADD({w}, INTERVAL {n} {t})",
            "DATETIME_SUB({w}, INTERVAL {n} {t})",
            "DATETIME_TRUNC({w}, {p})",
            "DATETIME({z})",
            "DATETIME(2024, 2, 29, 1, 2, 3)",
            "DATETIME(DATE '2024-07-01', TIME '10:20:30')",
            "PARSE_DATETIME('%Y-%m-%d %H:%M:%S', '2024-07-01 10:20:30')",
        ),
    }


DEEP = deeper(2)
JSON = of(
    "JSON_VALUE(j, '{p}')",
    "TO_JSON_STRING(JSON_QUERY(j, '{p}'))",
    "JSON_TYPE(JSON_QUERY(j, '{p}'))",
    "TO_JSON_STRING(j)",
    "JSON_VALUE(TO_JSON_STRING(j), '{p}')",
    "TO_JSON_STRING(TO_JSON(STRUCT(i AS i, 'x' AS s)))",
    "SAFE_CAST(JSON_VALUE(j, '{p}') AS FLOAT64)",
    "TO_JSON_STRING(PARSE_JSON('[1, null, true]'))",
    p=PATHS,
)
SHOWN = st.one_of(
    DEEP["m"],
    DEEP["z"],
    DEEP["w"],
    of(
        "CAST({m} AS INT64)",
        "CAST({m} AS FLOAT64)",
        "SIGN({m})",
        "({m} {c} {m})",
        "({z} {c} {z})",
        "({w} {c} {w})",
        "EXTRACT({p} FROM {z})",
        "EXTRACT({p} FROM {w})",
        "EXTRACT(DATE FROM {z})",
        "TIMESTAMP_DIFF({z}, {z}, {u})",
        "DATETIME_DIFF({w}, {w}, {t})",
        "UNIX_SECONDS({z})",
        "UNIX_MICROS({z})",
        "DATE({z})",
        "DATE({w})",
        "TIME({w})",
        "CAST({z} AS STRING)",
        "CAST({w} AS STRING)",
        "FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E3S', {z})",
        "FORMAT_DATETIME('%d/%m/%y %H.%M', {w})",
        "CAST({z} AS DATE)",
        c=COMPARED,
        p=PARTS,
        u=SECONDS,
        t=STEPS,
        **deeper(1),
    ),
)
GROUPED = of(
    "SELECT SUM({m}), MIN({m}), MAX({m}) FROM t",
    "SELECT MIN({z}), MAX({z}), COUNT(DISTINCT {z}) FROM t",
    "SELECT MIN({w}), MAX({w}), COUNT(DISTINCT {w}) FROM t",
    "SELECT {m} AS k, COUNT(*) FROM t GROUP BY k",
    "SELECT {w} AS k, SUM({m}) FROM t GROUP BY k",
    "SELECT i, SUM({m}) OVER (ORDER BY i) FROM t",
    **deeper(1),
)


@pytest.fixture(scope="module")
def compare(client: bigquery.Client) -> Compare:
    return oracle.comparison(client, ROWS)


@BOUNDED
@given(expression=SHOWN)
def test_an_expression_means_the_same(compare: Compare, expression: str) -> None:
    compare(f"SELECT i, {expression} AS x FROM t")


@BOUNDED
@given(expression=JSON)
def test_json_means_the_same(compare: Compare, expression: str) -> None:
    compare(f"SELECT i, {expression} AS x FROM t")


@BOUNDED
@given(query=GROUPED)
def test_an_aggregate_means_the_same(compare: Compare, query: str) -> None:
    compare(query)


MENDED = {
    "NUMERIC as text has no zeros at its end": "SELECT CAST(m AS STRING) FROM t",
    "an array in JSON": "SELECT ARRAY_TO_STRING(JSON_VALUE_ARRAY(j, '$.a.b'), '-', 'N'), "
    "ARRAY_LENGTH(JSON_QUERY_ARRAY(j, '$.a.b')) FROM t WHERE i IN (1, -7)",
}
"""What the generated queries found, and what was mended."""


@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, query in MENDED.items()])
def test_what_was_mended_stays_so(compare: Compare, query: str) -> None:
    compare(query)


DEPARTURES = {
    "NUMERIC that is computed has zeros at its end as text": "SELECT CAST(m + m AS STRING) FROM t",
    "SAFE_DIVIDE of NUMERIC gives FLOAT64": "SELECT SAFE_DIVIDE(m, 4) FROM t",
    "AVG of NUMERIC beyond 15 digits is rounded as FLOAT64 is": "SELECT AVG(m) FROM t",
    "an array that is asked of other JSON is an error": "SELECT JSON_VALUE_ARRAY(j, '$.c') FROM t",
    "TO_JSON names no field after its column": "SELECT TO_JSON_STRING(TO_JSON(STRUCT(i))) FROM t",
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
