"""Remote models over an endpoint and over Gemini's stand-in."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import Run, Server

HOST = "https://us-central1-aiplatform.googleapis.com"


def create(endpoint: str, extra: str = "", connection: str = "us.ok") -> str:
    return (
        "CREATE MODEL remote INPUT (x INT64, name STRING) OUTPUT (y FLOAT64, word STRING) "
        f"REMOTE WITH CONNECTION `{connection}` "
        f"OPTIONS (ENDPOINT = '{HOST}/v1/projects/p/locations/us-central1/endpoints/{endpoint}'"
        f"{extra})"
    )


def doubled(instances: list[Any]) -> dict[str, Any]:
    return {"predictions": [{"y": i["x"] * 2, "word": i["name"]} for i in instances]}


def test_predict_calls_the_endpoint_on_this_cloud(run: Run, server: Server) -> None:
    server.endpoints.answers["doubled"] = doubled
    run(create("doubled"))

    rows = run("SELECT * FROM ML.PREDICT(MODEL remote, (SELECT 4 AS x, 'a' AS name, TRUE AS z))")

    assert rows == [
        {"y": 8.0, "word": "a", "remote_model_status": "", "x": 4, "name": "a", "z": True}
    ]
    assert server.endpoints.requests["doubled"] == [[{"x": 4, "name": "a"}]]


def test_rows_go_in_batches_of_the_size_asked_for(run: Run, server: Server) -> None:
    server.endpoints.answers["batches"] = doubled
    run(create("batches", ", MAX_BATCHING_ROWS = 4"))

    rows = run(
        "SELECT SUM(y) AS y FROM ML.PREDICT(MODEL remote, "
        "(SELECT x, 'a' AS name FROM UNNEST(GENERATE_ARRAY(1, 10)) AS x))"
    )

    assert rows == [{"y": 110.0}]
    assert [len(batch) for batch in server.endpoints.requests["batches"]] == [4, 4, 2]


def test_a_row_that_fails_says_so_and_the_query_goes_on(run: Run, server: Server) -> None:
    def half(instances: list[Any]) -> dict[str, Any]:
        answers = doubled(instances)["predictions"]
        answers[0] = {"y": "much", "word": "a"}
        return {"predictions": answers}

    server.endpoints.answers["half"] = half
    run(create("half"))

    rows = run(
        "SELECT x, y, remote_model_status FROM ML.PREDICT(MODEL remote, "
        "(SELECT x, 'a' AS name FROM UNNEST([1, 2]) AS x)) ORDER BY x"
    )

    assert rows == [
        {
            "x": 1,
            "y": None,
            "remote_model_status": "output y is FLOAT64, but the instance has 'much' for it",
        },
        {"x": 2, "y": 4.0, "remote_model_status": ""},
    ]


def test_an_endpoint_that_is_not_there_fails_rows_not_the_query(run: Run) -> None:
    run(create("missing"))

    [row] = run("SELECT * FROM ML.PREDICT(MODEL remote, (SELECT 1 AS x, 'a' AS name))")

    assert row["y"] is None
    assert "404" in row["remote_model_status"]


def test_a_dry_run_calls_no_endpoint(
    client: bigquery.Client, dataset: str, run: Run, server: Server
) -> None:
    server.endpoints.answers["quiet"] = doubled
    run(create("quiet"))

    job = client.query(
        f"SELECT * FROM ML.PREDICT(MODEL {dataset}.remote, (SELECT 1 AS x, 'a' AS name))",
        job_config=bigquery.QueryJobConfig(dry_run=True),
    )

    assert [f.name for f in job.schema] == ["y", "word", "remote_model_status", "x", "name"]
    assert "quiet" not in server.endpoints.requests


def test_the_resource_names_connection_and_endpoint(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(create("named"))

    found = client.get_model(f"{dataset}.remote")._properties["remoteModelInfo"]

    assert found["connection"] == "local-project.us.ok"
    assert found["endpoint"].endswith("/endpoints/named")


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        (
            create("e", connection="us.gone"),
            exceptions.NotFound,
            "Connection local-project.us.gone",
        ),
        (create("e", connection="eu.ok"), exceptions.BadRequest, "is in location eu"),
        (create("e", ", NONSENSE = 1"), exceptions.BadRequest, "NONSENSE"),
        (
            create("e").replace("FLOAT64", "STRUCT<a INT64>"),
            exceptions.BadRequest,
            "Column y",
        ),
    ],
)
def test_a_wrong_remote_model_is_refused(
    run: Run, statement: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(statement)


GEMINI = "CREATE MODEL g REMOTE WITH CONNECTION `us.ok` OPTIONS (ENDPOINT = 'gemini-2.5-flash')"


def test_generate_text_asks_this_clouds_gemini(run: Run) -> None:
    run(GEMINI)

    [row] = run(
        "SELECT * FROM AI.GENERATE_TEXT(MODEL g, (SELECT 'say hi' AS prompt, 1 AS id), "
        "STRUCT(20 AS max_output_tokens))"
    )

    assert row["result"] == "[stand-in] gemini-2.5-flash {'maxOutputTokens': 20}: say hi"
    assert row["full_response"]["candidates"][0]["content"]["parts"][0]["text"] == row["result"]
    assert (row["status"], row["id"]) == ("", 1)
    assert list(row) == [
        "result",
        "rai_result",
        "grounding_result",
        "statistics",
        "full_response",
        "status",
        "prompt",
        "id",
    ]


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ("", ["ml_generate_text_result", "ml_generate_text_status", "prompt"]),
        (
            ", STRUCT(TRUE AS flatten_json_output, 0.2 AS temperature)",
            [
                "ml_generate_text_llm_result",
                "ml_generate_text_rai_result",
                "ml_generate_text_status",
                "prompt",
            ],
        ),
    ],
)
def test_ml_generate_text_has_its_own_columns(run: Run, settings: str, columns: list[str]) -> None:
    run(GEMINI)

    [row] = run(f"SELECT * FROM ML.GENERATE_TEXT(MODEL g, (SELECT 'hi' AS prompt){settings})")

    assert list(row) == columns


def test_a_prompt_that_is_null_fails_its_row_only(run: Run) -> None:
    run(GEMINI)

    rows = run(
        "SELECT prompt, result, status FROM AI.GENERATE_TEXT(MODEL g, "
        "(SELECT p AS prompt FROM UNNEST(['a', NULL]) AS p)) ORDER BY prompt"
    )

    assert rows[0] == {"prompt": None, "result": None, "status": "the prompt is NULL or empty"}
    assert rows[1]["status"] == ""


def test_a_blocked_prompt_has_no_text_and_says_why(run: Run) -> None:
    run(GEMINI)

    rows = run("SELECT * FROM AI.GENERATE_TEXT(MODEL g, (SELECT 'unsafe' AS prompt))")

    assert [(row["result"], row["status"]) for row in rows] == [
        (None, "the model gave no text: SAFETY")
    ]


EMBEDDING = (
    "CREATE MODEL e REMOTE WITH CONNECTION `us.ok` OPTIONS (ENDPOINT = 'text-embedding-005')"
)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        pytest.param(
            name, names, marks=pytest.mark.covers(name, "remote model over an embedding model")
        )
        for name, names in (
            ("AI.GENERATE_EMBEDDING", ("embedding", "statistics", "status")),
            (
                "ML.GENERATE_EMBEDDING",
                (
                    "ml_generate_embedding_result",
                    "ml_generate_embedding_statistics",
                    "ml_generate_embedding_status",
                ),
            ),
        )
    ],
)
def test_texts_are_embedded_by_this_cloud(run: Run, function: str, names: tuple[str, ...]) -> None:
    run(EMBEDDING)

    rows = run(
        f"SELECT * FROM {function}(MODEL e, (SELECT 1 AS id, 'ab c' AS content UNION ALL "
        "SELECT 2, NULL), STRUCT(2 AS output_dimensionality)) ORDER BY id"
    )

    assert [list(row.items()) for row in rows] == [
        [
            *zip(names, ([4.0, 4.0], {"token_count": 2, "truncated": False}, ""), strict=True),
            ("id", 1),
            ("content", "ab c"),
        ],
        [
            *zip(names, ([], None, "the content is NULL or empty"), strict=True),
            ("id", 2),
            ("content", None),
        ],
    ]


def test_a_batch_of_texts_that_fails_says_so_in_its_rows(run: Run) -> None:
    run(EMBEDDING)

    [row] = run("SELECT * FROM AI.GENERATE_EMBEDDING(MODEL e, (SELECT 'too many' AS content))")

    assert (row["embedding"], row["statistics"]) == ([], None)
    assert "answered 400" in row["status"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 'a' AS text", "needs a column named content"),
        ("SELECT 1 AS content", "content must be STRING"),
        ("SELECT 'a' AS content), STRUCT(1 AS nonsense", "has no setting nonsense"),
    ],
)
def test_wrong_input_is_not_embedded(run: Run, query: str, message: str) -> None:
    run(EMBEDDING)

    with pytest.raises(exceptions.BadRequest, match=message):
        run(f"SELECT * FROM AI.GENERATE_EMBEDDING(MODEL e, ({query}))")
