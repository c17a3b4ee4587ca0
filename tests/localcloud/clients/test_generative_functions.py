"""AI.* functions of a row and of a group, and AI.GENERATE_TABLE, over the running local cloud."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.conftest import LocalCloud
from tests.localcloud.clients.bigquery_client import client_of

PROJECT = "generative-functions"
Run = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def client(local_cloud: LocalCloud) -> Iterator[bigquery.Client]:
    with client_of(local_cloud, PROJECT) as made:
        yield made


@pytest.fixture
def run(client: bigquery.Client) -> Run:
    return lambda sql: [dict(row) for row in client.query(sql, job_retry=None).result()]


def _schema(client: bigquery.Client, sql: str) -> list[tuple[str, str, str]]:
    job = client.query(sql, job_config=bigquery.QueryJobConfig(dry_run=True))
    [field] = job.schema or []
    return [(inner.name, inner.field_type, inner.mode) for inner in field.fields or [field]]


@pytest.mark.covers("AI.GENERATE")
def test_text_is_generated_for_each_row_and_is_the_same_the_next_time(run: Run) -> None:
    sql = (
        "SELECT city, g.result, g.status, "
        "JSON_VALUE(g.full_response, '$.candidates[0].content.parts[0].text') AS said FROM ("
        "SELECT city, AI.GENERATE(('Describe ', city, [' in', ' words']), "
        "endpoint => 'gemini-2.5-pro') AS g FROM UNNEST(['Rome', 'Oslo']) AS city) ORDER BY city"
    )

    first, second = run(sql), run(sql)

    assert first == second
    assert [row["status"] for row in first] == ["", ""]
    assert all(row["result"] == row["said"] for row in first)
    assert "stand-in" in first[0]["result"]
    assert "gemini-2.5-pro" in first[0]["result"]
    assert first[0]["result"] != first[1]["result"]


@pytest.mark.covers("AI.GENERATE")
def test_an_output_schema_takes_the_place_of_the_result(client: bigquery.Client, run: Run) -> None:
    sql = (
        "SELECT AI.GENERATE('Ann is 41', output_schema => '''name STRING, age INT64 OPTIONS("
        "description = 'in years'), tags ARRAY<STRING>, home STRUCT<zip STRING, m2 FLOAT64>, "
        "ok BOOL''') AS person"
    )

    [row] = run(sql)

    assert _schema(client, sql) == [
        ("name", "STRING", "NULLABLE"),
        ("age", "INTEGER", "NULLABLE"),
        ("tags", "STRING", "REPEATED"),
        ("home", "RECORD", "NULLABLE"),
        ("ok", "BOOLEAN", "NULLABLE"),
        ("full_response", "JSON", "NULLABLE"),
        ("status", "STRING", "NULLABLE"),
    ]
    person = row["person"]
    assert (type(person["name"]), type(person["age"]), type(person["ok"])) == (str, int, bool)
    assert person["status"] == ""


@pytest.mark.parametrize(
    ("function", "kind", "python"),
    [
        pytest.param(
            f"AI.GENERATE_{name}", kind, python, marks=pytest.mark.covers(f"AI.GENERATE_{name}")
        )
        for name, kind, python in (
            ("BOOL", "BOOLEAN", bool),
            ("INT", "INTEGER", int),
            ("DOUBLE", "FLOAT", float),
        )
    ],
)
def test_a_value_of_one_type_is_generated(
    client: bigquery.Client, run: Run, function: str, kind: str, python: type
) -> None:
    sql = f"SELECT {function}('How old is Ann?', model_params => JSON '{{}}') AS g"

    [row] = run(sql)

    assert _schema(client, sql) == [
        ("result", kind, "NULLABLE"),
        ("full_response", "JSON", "NULLABLE"),
        ("status", "STRING", "NULLABLE"),
    ]
    assert type(row["g"]["result"]) is python
    assert row["g"]["status"] == ""


@pytest.mark.covers("AI.GENERATE")
def test_a_row_that_fails_says_so_and_a_null_prompt_is_not_sent(run: Run) -> None:
    rows = run(
        "SELECT g.result, g.status FROM (SELECT i, AI.GENERATE(p) AS g FROM UNNEST(["
        "'fine', '[[local-cloud: error 400 too long]]', '[[local-cloud: safety]]', NULL]) AS p "
        "WITH OFFSET AS i) ORDER BY i"
    )

    assert rows[0]["status"] == ""
    assert rows[1]["result"] is None
    assert "too long" in rows[1]["status"]
    assert rows[2:] == [
        {"result": None, "status": "the model gave no text: SAFETY"},
        {"result": None, "status": "the prompt is NULL or empty"},
    ]


@pytest.mark.covers("AI.IF", "AI.SCORE", "AI.CLASSIFY")
def test_texts_are_judged_by_their_words(run: Run) -> None:
    rows = run(
        "SELECT AI.IF(('The review is about the battery: ', review)) AS battery, "
        "AI.SCORE(('Rate this review from 1 to 10: ', review)) AS stars, "
        "AI.CLASSIFY(review, ['positive', 'negative', 'neutral']) AS mood, "
        "AI.CLASSIFY(review, categories => [('power', 'battery, charger'), ('price', 'cheap, "
        "expensive')], output_mode => 'multi') AS topics FROM UNNEST(["
        "'I love it: cheap, and great batteries', 'Terrible battery', 'It has a box']) AS review "
        "WITH OFFSET AS i ORDER BY i"
    )

    assert rows == [
        {"battery": True, "stars": 10.0, "mood": "positive", "topics": ["power", "price"]},
        {"battery": True, "stars": 1.0, "mood": "negative", "topics": ["power"]},
        {"battery": False, "stars": 5.5, "mood": "neutral", "topics": []},
    ]


@pytest.mark.covers("AI.IF", "AI.CLASSIFY")
def test_examples_are_followed(run: Run) -> None:
    rows = run(
        "SELECT AI.IF(text, examples => [('a calm sea at dawn', TRUE), ('storm!', FALSE)]) AS a, "
        "AI.CLASSIFY(text, ['up', 'down'], examples => [('a calm sea at dawn', 'down')], "
        "output_mode => 'single') AS way FROM UNNEST(['the calm sea at dawn']) AS text"
    )

    assert rows == [{"a": True, "way": ["down"]}]


@pytest.mark.covers("AI.IF")
def test_a_row_that_cannot_be_judged_is_null_until_too_many_are(run: Run) -> None:
    def sql(ratio: str) -> str:
        return (
            f"SELECT AI.IF(('About flights: ', text){ratio}) AS judged FROM UNNEST(["
            "'late flights', '[[local-cloud: error 400 no]]']) AS text WITH OFFSET AS i ORDER BY i"
        )

    assert run(sql("")) == [{"judged": True}, {"judged": None}]
    with pytest.raises(exceptions.BadRequest, match=r"AI\.IF failed on 1 of 2 rows.* 400"):
        run(sql(", max_error_ratio => 0.3"))
    with pytest.raises(exceptions.BadRequest, match=r"AI\.SCORE failed on 1 of 1 rows"):
        run("SELECT AI.SCORE('[[local-cloud: error 403]]')")


@pytest.mark.covers("AI.AGG")
def test_a_group_is_summarised_whatever_the_order_of_its_rows(run: Run) -> None:
    def sql(order: str) -> str:
        return (
            "SELECT k, AI.AGG(text, 'What is said?') AS said FROM (SELECT MOD(i, 2) AS k, text "
            "FROM UNNEST(['a', 'b', 'c', NULL]) AS text WITH OFFSET AS i "
            f"ORDER BY i {order}) GROUP BY k ORDER BY k"
        )

    rows = run(sql("ASC"))

    assert rows == run(sql("DESC"))
    assert [row["k"] for row in rows] == [0, 1]
    assert all("stand-in" in row["said"] for row in rows)
    assert run("SELECT AI.AGG(DISTINCT text, 'Say') AS d FROM UNNEST(['a', 'a']) AS text") == run(
        "SELECT AI.AGG(text, 'Say') AS d FROM UNNEST(['a']) AS text"
    )


@pytest.mark.covers("AI.EMBED", "AI.SIMILARITY")
def test_texts_with_the_same_words_are_similar(run: Run) -> None:
    [row] = run(
        "SELECT AI.SIMILARITY('late flights', 'a late flight') AS near, "
        "AI.SIMILARITY('late flights', 'bakeries', model => 'embeddinggemma-300m') AS far, "
        "AI.SIMILARITY('x', CAST(NULL AS STRING)) AS nothing, "
        "ARRAY_LENGTH(AI.EMBED('late', endpoint => 'text-embedding-005', model_params => "
        "JSON '{\"outputDimensionality\": 64}', task_type => 'CLUSTERING').result) AS length, "
        "AI.EMBED(NULL, endpoint => 'text-embedding-005') AS empty"
    )

    assert row["near"] > 0.5 > row["far"]
    assert (row["nothing"], row["length"]) == (None, 64)
    assert row["empty"] == {"result": [], "status": "the content is NULL or empty"}


@pytest.mark.covers("AI.COUNT_TOKENS")
def test_tokens_are_counted(run: Run) -> None:
    [row] = run("SELECT AI.COUNT_TOKENS('three little words') AS c, AI.COUNT_TOKENS(NULL) AS n")

    assert row["c"]["result"] == 3
    assert row["c"]["full_response"]["totalTokens"] == 3
    assert row["n"] == {"result": None, "full_response": None}


@pytest.mark.covers("AI.GENERATE_TABLE")
def test_a_table_has_the_columns_of_its_output_schema(client: bigquery.Client, run: Run) -> None:
    client.create_dataset("tables", exists_ok=True)
    run(
        "CREATE OR REPLACE MODEL tables.gemini REMOTE WITH CONNECTION DEFAULT "
        "OPTIONS (ENDPOINT = 'gemini-2.5-flash')"
    )
    sql = (
        "SELECT * FROM AI.GENERATE_TABLE(MODEL tables.gemini, (SELECT ('About ', t) AS prompt, i "
        "FROM UNNEST(['Ann', '[[local-cloud: error 429 later]]']) AS t WITH OFFSET AS i), "
        "STRUCT('name STRING, sizes ARRAY<INT64>' AS output_schema, 50 AS max_output_tokens)) "
        "ORDER BY i"
    )

    rows = run(sql)

    assert list(rows[0]) == ["name", "sizes", "full_response", "status", "prompt", "i"]
    assert rows[0]["status"] == ""
    assert len(rows[0]["sizes"]) == 1
    assert rows[1]["name"] is None
    assert "later" in rows[1]["status"]


def test_a_dry_run_asks_no_model(client: bigquery.Client) -> None:
    sql = "SELECT AI.SCORE('[[local-cloud: error 403]]') AS s"

    assert _schema(client, sql) == [("s", "FLOAT", "NULLABLE")]


def test_a_table_is_made_of_judged_rows(client: bigquery.Client, run: Run) -> None:
    client.create_dataset("judged", exists_ok=True)

    run(
        "CREATE OR REPLACE TABLE judged.kept AS SELECT text FROM UNNEST(['red shoes', 'a tree']) "
        "AS text WHERE AI.IF(CONCAT('It is about shoes: ', text))"
    )

    assert run("SELECT * FROM judged.kept") == [{"text": "red shoes"}]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("AI.GENERATE('a', nonsense => 1)", "AI.GENERATE has no argument nonsense; allowed are"),
        ("AI.GENERATE('a', 'b')", "AI.GENERATE takes 1 arguments without a name"),
        ("AI.CLASSIFY('a')", "AI.CLASSIFY needs the argument categories"),
        ("AI.GENERATE('a', output_schema => 'x DATE')", "DATE is not supported"),
        ("AI.GENERATE('a', output_schema => 'x')", "output_schema 'x'"),
        ("AI.GENERATE('a', request_type => 'FAST')", "request_type is 'FAST'"),
        ("AI.GENERATE('a', request_type => 'DEDICATED')", "Provisioned throughput is not"),
        ("AI.IF('a', max_error_ratio => 2)", "max_error_ratio is 2"),
        ("AI.EMBED('a')", "AI.EMBED needs endpoint or model"),
        ("AI.IF('a', connection_id => 'us.missing')", "Connection .*us.missing"),
        ("AI.IF('a', connection_id => 'eu.missing')", "the query is in US"),
    ],
)
def test_a_wrong_call_is_refused(run: Run, call: str, message: str) -> None:
    with pytest.raises(exceptions.ClientError, match=message):
        run(f"SELECT {call}")
