"""Preprocessing functions in queries and in TRANSFORM, with the examples of Google's pages.

https://cloud.google.com/bigquery/docs/manual-preprocessing
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from google.api_core.exceptions import BadRequest, MethodNotImplemented
from google.cloud import bigquery

from localcloud.bigquery import preprocessing
from tests.localcloud.bigquery.conftest import PROJECT

SPARSE = "ARRAY<STRUCT<index INTEGER, value FLOAT>>"
TOKENS = """(
  SELECT 1 AS id, ['I', 'like', 'pie', 'pie', 'pie', NULL] AS f UNION ALL
  SELECT 2, ['yum', 'yum', 'pie', NULL] UNION ALL
  SELECT 3, ['I', 'yum', 'pie', NULL] UNION ALL
  SELECT 4, ['you', 'like', 'pie', NULL])"""
LETTERS = "UNNEST([NULL, 'a', 'b', 'b', 'c', 'c', 'c', 'd', 'd'])"


class Example(NamedTuple):
    """A call, and what Google's page says of it.

    Attributes:
        call: The call; its column is `f`.
        rows: What is read, ordered by `f` or, when it has one, by `id`.
        type: Of the result.
        values: The result on each row.
    """

    call: str
    rows: str
    type: str
    values: list[Any]


def sparse(*elements: tuple[int, float]) -> list[dict[str, float]]:
    return [{"index": index, "value": value} for index, value in elements]


EXAMPLES = [
    Example(
        "ML.ONE_HOT_ENCODER(f, 'most_frequent', 10, 0) OVER ()",
        LETTERS,
        SPARSE,
        [
            sparse((index, value))
            for index, value in [(0, 1), (1, 1), (2, 1), (2, 1), *[(3, 0)] * 3, (4, 1), (4, 1)]
        ],
    ),
    Example("ML.LABEL_ENCODER(f, 2, 2) OVER ()", LETTERS, "INTEGER", [0, 0, 1, 1, 2, 2, 2, 0, 0]),
    Example(
        "ML.MULTI_HOT_ENCODER(f, 3, 1) OVER ()",
        "(SELECT 1 AS id, ['a', 'b', 'b', 'c', NULL] AS f UNION ALL "
        "SELECT 2, ['c', 'c', 'd', 'd', NULL])",
        SPARSE,
        [sparse((1, 1), (2, 1), (3, 1), (0, 1)), sparse((3, 1), (0, 1))],
    ),
    Example(
        "ML.TF_IDF(f, 3, 1) OVER ()",
        TOKENS,
        SPARSE,
        [
            sparse(
                (0, 0.12679902142647365),
                (1, 0.1412163100645339),
                (2, 0.1412163100645339),
                (3, 0.29389333245105953),
            ),
            sparse((0, 0.5705955964191315), (3, 0.14694666622552977)),
            sparse((0, 0.380397064279421), (1, 0.21182446509680086), (3, 0.14694666622552977)),
            sparse((0, 0.380397064279421), (2, 0.21182446509680086), (3, 0.14694666622552977)),
        ],
    ),
    Example(
        "ML.BAG_OF_WORDS(f, 4, 2) OVER ()",
        "(SELECT 1 AS id, ['a', 'b', 'b', 'b', 'c', 'c', 'c', 'c', 'd', 'd'] AS f UNION ALL "
        "SELECT 2, ['a', 'c', NULL])",
        SPARSE,
        [sparse((0, 5), (1, 1), (2, 4)), sparse((0, 1), (1, 1), (2, 1))],
    ),
    Example(
        "ML.BAG_OF_WORDS(f, 2, 2) OVER ()",
        "(SELECT 1 AS id, ['a', 'b', 'b', 'c', 'd', 'd', 'd'] AS f UNION ALL "
        "SELECT 2, ['a', 'c', 'c', 'd', 'd', 'd'])",
        SPARSE,
        [sparse((0, 5), (1, 1), (2, 1)), sparse((0, 3), (1, 1), (2, 2))],
    ),
    Example(
        "ML.ROBUST_SCALER(f) OVER ()",
        "UNNEST([NULL, -3, 1, 2, 3, 4, 5])",
        "FLOAT",
        [None, -5 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 1],
    ),
    Example(
        "ML.IMPUTER(f, 'mean') OVER ()",
        "UNNEST([NULL, -3, -3, -3, 1, 2, 3, 4, 5])",
        "FLOAT",
        [0.75, -3, -3, -3, 1, 2, 3, 4, 5],
    ),
    Example(
        "ML.IMPUTER(f, 'most_frequent') OVER ()",
        "UNNEST([NULL, NULL, NULL, NULL, 'a', 'a', 'b', 'b', 'c', 'c', 'c'])",
        "STRING",
        [*["c"] * 4, "a", "a", "b", "b", "c", "c", "c"],
    ),
    Example(
        "ML.STANDARD_SCALER(f) OVER ()",
        "UNNEST([1, 2, 3, 4, 5])",
        "FLOAT",
        [-1.2649110640673518, -0.6324555320336759, 0, 0.6324555320336759, 1.2649110640673518],
    ),
    Example(
        "ML.MIN_MAX_SCALER(f) OVER ()", "UNNEST([1, 2, 3, 4, 5])", "FLOAT", [0, 0.25, 0.5, 0.75, 1]
    ),
    Example("ML.MAX_ABS_SCALER(f) OVER ()", "UNNEST([-4, 0, 1, 2])", "FLOAT", [-1, 0, 0.25, 0.5]),
    Example(
        "ML.QUANTILE_BUCKETIZE(f, 3) OVER ()",
        "UNNEST([1, 2, 3, 4, 5])",
        "STRING",
        ["bin_1", "bin_2", "bin_2", "bin_3", "bin_3"],
    ),
    Example(
        "ML.QUANTILE_BUCKETIZE(f, 3, 'bucket_ranges_json') OVER ()",
        "UNNEST([1, 3, 5])",
        "STRING",
        [
            '{"start": "1", "end": "3"}',
            '{"start": "3", "end": "Infinity"}',
            '{"start": "3", "end": "Infinity"}',
        ],
    ),
    Example("ML.BUCKETIZE(f, [1, 2, 3])", "UNNEST([2.5])", "STRING", ["bin_3"]),
    Example("ML.BUCKETIZE(f, [1, 2, 3], TRUE)", "UNNEST([2.5])", "STRING", ["bin_2"]),
    Example(
        "ML.BUCKETIZE(f, [1, 2, 3], FALSE, 'bucket_ranges')", "UNNEST([2.5])", "STRING", ["[2, 3)"]
    ),
    Example(
        "ML.BUCKETIZE(f, [1, 2, 3], FALSE, 'bucket_ranges_json')",
        "UNNEST([2.5])",
        "STRING",
        ['{"start": "2", "end": "3"}'],
    ),
    Example(
        "ML.POLYNOMIAL_EXPAND(STRUCT(f AS f1, 3 AS f2))",
        "UNNEST([2])",
        "STRUCT<f1 FLOAT, f1_f1 FLOAT, f1_f2 FLOAT, f2 FLOAT, f2_f2 FLOAT>",
        [{"f1": 2, "f1_f1": 4, "f1_f2": 6, "f2": 3, "f2_f2": 9}],
    ),
    Example(
        "ML.FEATURE_CROSS(STRUCT(f AS f1, 'b' AS f2, 'c' AS f3))",
        "UNNEST(['a'])",
        "STRUCT<f1_f2 STRING, f1_f3 STRING, f2_f3 STRING>",
        [{"f1_f2": "a_b", "f1_f3": "a_c", "f2_f3": "b_c"}],
    ),
    Example(
        "ML.NGRAMS([f, 'b', 'c'], [2, 3], '#')",
        "UNNEST(['a'])",
        "ARRAY<STRING>",
        [["a#b", "a#b#c", "b#c"]],
    ),
    Example("ML.NGRAMS([f, 'b', 'c'], 2)", "UNNEST(['a'])", "ARRAY<STRING>", [["a b", "b c"]]),
    Example(
        "ML.NORMALIZER([f, 1.0, 2.0, 2.0, 0.0])",
        "UNNEST([4.0])",
        "ARRAY<FLOAT>",
        [[0.8, 0.2, 0.4, 0.4, 0.0]],
    ),
    Example("ML.LP_NORM([f, 4], 2.0)", "UNNEST([3])", "FLOAT", [5]),
    Example("ML.LP_NORM([f, 4], 0.0)", "UNNEST([0, 3])", "FLOAT", [1, 2]),
    Example("ML.LP_NORM([f, -4.0], CAST('INF' AS FLOAT64))", "UNNEST([3.0])", "FLOAT", [4]),
    Example(
        "ML.DISTANCE([f, 0.5, 1.0], [3.0, 0.0, 2.5], 'EUCLIDEAN')",
        "UNNEST([4.1])",
        "FLOAT",
        [1.926136028425822],
    ),
    Example("ML.DISTANCE([f, 5], [1, 1], 'MANHATTAN')", "UNNEST([2, 4])", "FLOAT", [5, 7]),
    Example("ML.DISTANCE([f, 0.0], [0.0, 2.0], 'COSINE')", "UNNEST([3.0])", "FLOAT", [1]),
    Example(
        "ML.DISTANCE([('a', f), ('b', 2.0)], [('b', 5.0), ('c', 4.0)], 'MANHATTAN')",
        "UNNEST([1.0])",
        "FLOAT",
        [8],
    ),
    Example("ML.HASH_BUCKETIZE(f, 3)", "UNNEST(['a', 'b', 'c', 'd'])", "INTEGER", [0, 1, 1, 2]),
]


@pytest.fixture(scope="module", autouse=True)
def dataset(client: bigquery.Client) -> Iterator[None]:
    client.create_dataset("preprocessing")
    yield
    client.delete_dataset("preprocessing", delete_contents=True)


def written(field: bigquery.SchemaField) -> str:
    """A field's type as text."""
    kind = field.field_type
    if field.fields:
        kind = f"STRUCT<{', '.join(f'{f.name} {written(f)}' for f in field.fields)}>"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind.replace("RECORD", "STRUCT")


def near(value: Any) -> Any:
    """A value that numbers may miss by their last digits."""
    if isinstance(value, list):
        return [near(element) for element in value]
    if isinstance(value, dict):
        return {name: near(element) for name, element in value.items()}
    return pytest.approx(value) if isinstance(value, float) else value


def of(name: str) -> Any:
    return pytest.mark.covers(name)


def query_of(example: Example) -> str:
    alias = "" if "AS id" in example.rows else " AS f"
    by = "id" if "AS id" in example.rows else "f"
    return f"SELECT {example.call} AS r FROM {example.rows}{alias} ORDER BY {by}"


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=example.call, marks=of(example.call.partition("(")[0]))
        for example in EXAMPLES
    ],
)
def test_a_function_in_a_query_is_as_google_documents_it(
    client: bigquery.Client, example: Example
) -> None:
    result = client.query(query_of(example)).result()

    assert written(result.schema[0]) == example.type
    assert [row["r"] for row in result] == near(example.values)


def test_every_function_has_an_example() -> None:
    names = {example.call.partition("(")[0] for example in EXAMPLES}

    assert names == {*preprocessing.ANALYTIC, *preprocessing.SCALAR, preprocessing.DISTANCE}


@pytest.mark.covers("ML.TRANSFORM", "TRANSFORM")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.call)
def test_a_function_in_transform_gives_the_same(client: bigquery.Client, example: Example) -> None:
    source = (
        f"SELECT * FROM {example.rows}"
        if "AS id" in example.rows
        else f"SELECT ROW_NUMBER() OVER (ORDER BY f) AS id, f FROM {example.rows} AS f"
    )
    client.query(
        f"CREATE OR REPLACE MODEL preprocessing.m TRANSFORM ({example.call} AS r) "
        f"OPTIONS (model_type = 'TRANSFORM_ONLY') AS {source}"
    ).result()

    rows = client.query(
        f"SELECT * EXCEPT (id) FROM ML.TRANSFORM(MODEL preprocessing.m, ({source})) ORDER BY id"
    ).result()

    # The fields of a STRUCT come as columns.
    expected = [
        {f"r_{name}": part for name, part in value.items()}
        if isinstance(value, dict)
        else {"r": value}
        for value in example.values
    ]
    assert [dict(row.items()) for row in rows] == near(expected)


@pytest.mark.covers("TRANSFORM")
def test_what_was_learnt_is_applied_to_other_rows(client: bigquery.Client) -> None:
    client.query(
        """CREATE MODEL preprocessing.learnt TRANSFORM (
             ML.ONE_HOT_ENCODER(c, 'none', 10, 1) OVER() AS c,
             ML.TF_IDF(SPLIT(t, ' '), 10, 1) OVER() AS t, y)
           OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS
           SELECT * FROM UNNEST([STRUCT('a' AS c, 'one two' AS t, 1.0 AS y), ('b', 'two', 2.0),
             ('a', 'three', 3.0), ('b', 'one one', 4.0)])"""
    ).result()

    [row] = client.query(
        """SELECT * FROM ML.TRANSFORM(MODEL preprocessing.learnt,
             (SELECT 'new' AS c, 'new one' AS t))"""
    ).result()

    assert (row["c"], [element["index"] for element in row["t"]]) == (sparse((0, 1)), [0, 1])
    [predicted] = client.query(
        "SELECT * FROM ML.PREDICT(MODEL preprocessing.learnt, (SELECT 'a' AS c, 'one' AS t))"
    ).result()
    assert isinstance(predicted["predicted_y"], float)


IN_QUERIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "group": (
        "SELECT g AS k, ML.MIN_MAX_SCALER(SUM(v)) OVER () AS s FROM rows_ GROUP BY k ORDER BY k",
        [("a", 0.0), ("b", 1.0)],
    ),
    "place in the list": (
        "SELECT g, ML.MAX_ABS_SCALER(COUNT(*)) OVER () FROM rows_ GROUP BY 1 HAVING COUNT(*) > 1",
        [("a", 1.0)],
    ),
    "filter": (
        "SELECT v, ML.MIN_MAX_SCALER(v) OVER () FROM rows_ WHERE v < 10 ORDER BY v",
        [(1, 0.0), (2, 1.0)],
    ),
    "order": ("SELECT v FROM rows_ ORDER BY ML.STANDARD_SCALER(v) OVER () DESC LIMIT 1", [(10,)]),
    "qualify": ("SELECT v FROM rows_ WHERE TRUE QUALIFY ML.MIN_MAX_SCALER(v) OVER () = 1", [(10,)]),
    "common table": (
        "WITH w AS (SELECT v, ML.MIN_MAX_SCALER(v) OVER () AS s FROM rows_) "
        "SELECT MAX(s), MIN(s) FROM w WHERE v < 10",
        [(1 / 9, 0.0)],
    ),
    "join": (
        "SELECT v, ML.LABEL_ENCODER(o.name, 9, 1) OVER () FROM rows_ JOIN (SELECT 'a' AS g, 'x' AS "
        "name UNION ALL SELECT 'b', 'y') AS o USING (g) ORDER BY 1",
        [(1, 1), (2, 1), (10, 2)],
    ),
    "nested": (
        "SELECT ML.POLYNOMIAL_EXPAND(STRUCT(ML.IMPUTER(NULLIF(v, 2), 'mean') OVER () AS m)) "
        "FROM rows_ ORDER BY v",
        [({"m": m, "m_m": m * m},) for m in (1.0, 5.5, 10.0)],
    ),
    "distinct": (
        "SELECT DISTINCT g, ML.LABEL_ENCODER(g, 9, 1) OVER () FROM rows_ ORDER BY g",
        [("a", 1), ("b", 2)],
    ),
    "scalar subquery": ("SELECT (SELECT MAX(ML.LP_NORM([v, 0], 2)) FROM rows_)", [(10.0,)]),
    "argument of a table function": (
        "SELECT COUNT(*) FROM ML.DESCRIBE_DATA((SELECT ML.STANDARD_SCALER(v) OVER () AS s, "
        "ML.BUCKETIZE(v, [2]) AS b FROM rows_), STRUCT(2 AS num_quantiles))",
        [(2,)],
    ),
}


@pytest.mark.parametrize("name", IN_QUERIES)
def test_a_function_works_wherever_an_expression_may_stand(
    client: bigquery.Client, name: str
) -> None:
    client.query(
        "CREATE TABLE IF NOT EXISTS preprocessing.rows_ AS SELECT 'a' AS g, 1 AS v UNION ALL "
        "SELECT 'a', 2 UNION ALL SELECT 'b', 10"
    ).result()
    sql, expected = IN_QUERIES[name]
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.preprocessing")

    rows = client.query(sql, job_config=config).result()

    assert [tuple(row.values()) for row in rows] == [tuple(near(list(e))) for e in expected]


@pytest.mark.covers("query parameters")
def test_arguments_may_be_parameters(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ArrayQueryParameter("points", "FLOAT64", [1.0, 2.0]),
            bigquery.ScalarQueryParameter("k", "INT64", 1),
        ]
    )

    rows = client.query(
        "SELECT ML.BUCKETIZE(x, @points), ML.LABEL_ENCODER(c, @k, @k) OVER () "
        "FROM UNNEST([STRUCT(0.5 AS x, 'a' AS c), (1.5, 'b')]) ORDER BY 1",
        job_config=config,
    ).result()

    assert [tuple(row.values()) for row in rows] == [("bin_1", 1), ("bin_2", 0)]


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("ML.BUCKETIZE(v, [2, 1])", "must be sorted. at [2:3]"),
        ("ML.BUCKETIZE(v, [1], FALSE, 'ranges')", "bucket_ranges_json. at [2:3]"),
        ("ML.BUCKETIZE(v, [v])", "Argument 2 of ML.BUCKETIZE must be a constant"),
        ("ML.LABEL_ENCODER(g, 0) OVER ()", "integer from 1 to 1,000,000. at [2:3]"),
        (
            "ML.LABEL_ENCODER(g) OVER (ORDER BY v)",
            "Window ORDER BY is not allowed for analytic function",
        ),
        ("ML.ONE_HOT_ENCODER(g, 'first') OVER ()", "allowed are none, most_frequent. at [2:3]"),
        ("ML.QUANTILE_BUCKETIZE(v, 1) OVER ()", "integer from 2. at [2:3]"),
        ("ML.IMPUTER(v, 'mode') OVER ()", "allowed are mean, median, most_frequent. at [2:3]"),
        ("ML.IMPUTER(g, 'mean') OVER ()", "g is a STRING; for it there is 'most_frequent'"),
        ("ML.ROBUST_SCALER(v, [80, 20]) OVER ()", "rise between 0 and 100. at [2:3]"),
        ("ML.POLYNOMIAL_EXPAND(STRUCT(v), 5)", "integer from 1 to 4. at [2:3]"),
        ("ML.NGRAMS([g], [3, 2])", "that do not fall. at [2:3]"),
        ("ML.LP_NORM([v], 0.5)", "a number from 1.0"),
        ("ML.DISTANCE([v], [v], 'JACCARD')", "EUCLIDEAN, MANHATTAN, COSINE. at [2:3]"),
        ("ML.DISTANCE([v], [v, v])", "vectors of the same length"),
        ("ML.DISTANCE([(1, v), (1, v)], [(1, v)])", "identifiers differ"),
        ("1 +\n    ML.LABEL_ENCODER(ML.NGRAMS([g], 1)[OFFSET(0)], -1) OVER ()", "at [3:5]"),
        ("ML.LABEL_ENCODER(g) OVER (PARTITION BY g)", "an empty OVER() only. at [2:3]"),
        ("ML.STANDARD_SCALER(v)", "cannot be called without an OVER clause at [2:3]"),
        (
            "ML.STANDARD_SCALER(g) OVER ()",
            "No matching signature for analytic function ML.STANDARD_SCALER",
        ),
        (
            "ML.STANDARD_SCALER(ML.STANDARD_SCALER(v) OVER ()) OVER ()",
            "Analytic function cannot be an argument of another analytic function at [2:3]",
        ),
    ],
)
def test_a_wrong_argument_is_refused_at_its_place(
    client: bigquery.Client, expression: str, says: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        client.query(f"SELECT\n  {expression}\nFROM (SELECT 'a' AS g, 1 AS v)").result()

    assert says in refused.value.message


def test_a_wrong_argument_in_transform_is_refused_at_its_place(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest) as refused:
        client.query(
            "CREATE MODEL preprocessing.wrong TRANSFORM (\n  x,\n  ML.BUCKETIZE(x, [2, 1]) AS b)\n"
            "OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT 1.0 AS x"
        ).result()

    assert "must be sorted. at [3:3]" in refused.value.message


@pytest.mark.parametrize(
    "expression",
    [
        "ML.DECODE_IMAGE(b'x')",
        "ML.RESIZE_IMAGE(ML.DECODE_IMAGE(b'x'), 2, 2, FALSE)",
        "ML.CONVERT_COLOR_SPACE(ML.DECODE_IMAGE(b'x'), 'YIQ')",
        "ML.CONVERT_IMAGE_TYPE(ML.DECODE_IMAGE(b'x'))",
    ],
)
def test_images_are_not_read_here(client: bigquery.Client, expression: str) -> None:
    with pytest.raises(MethodNotImplemented, match="not implemented on the local cloud"):
        client.query(f"SELECT {expression}", job_retry=None).result(retry=None)


def test_a_dry_run_learns_nothing_and_knows_the_type(client: bigquery.Client) -> None:
    config = bigquery.QueryJobConfig(dry_run=True)

    job = client.query(query_of(EXAMPLES[0]), job_config=config)

    assert [written(field) for field in job.schema or []] == [SPARSE]
