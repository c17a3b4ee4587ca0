"""ML functions anywhere in a query."""

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import Run

pytestmark = pytest.mark.usefixtures("survival")


def test_predict_puts_its_columns_before_the_inputs(run: Run) -> None:
    [row] = run(
        "SELECT * FROM ML.PREDICT(MODEL shared.survival, "
        "(SELECT 'a' AS class, 290 AS age, 1.0 AS fare, 'kept' AS extra))"
    )

    assert list(row) == [
        "predicted_survived",
        "predicted_survived_probs",
        "class",
        "age",
        "fare",
        "extra",
    ]
    assert (row["predicted_survived"], row["extra"]) == (True, "kept")
    assert row["predicted_survived_probs"][0]["label"] is True


@pytest.mark.parametrize(
    "sql",
    [
        "WITH old AS (SELECT * FROM shared.passengers WHERE age > 250) "
        "SELECT COUNTIF(predicted_survived) AS n FROM ML.PREDICT(MODEL shared.survival, TABLE old)",
        "SELECT COUNTIF(p.predicted_survived) AS n "
        "FROM ML.PREDICT(MODEL shared.survival, (SELECT * FROM shared.passengers)) AS p "
        "JOIN shared.passengers AS q ON p.age = q.age WHERE q.age > 250",
        "SELECT (SELECT COUNTIF(predicted_survived) FROM ML.PREDICT(MODEL shared.survival, "
        "(SELECT * FROM shared.passengers WHERE age > 250))) AS n",
        "CREATE TEMP TABLE scored AS SELECT * FROM ML.PREDICT(MODEL shared.survival, "
        "TABLE shared.passengers); "
        "SELECT COUNTIF(predicted_survived) AS n FROM scored WHERE age > 250",
        "DECLARE oldest INT64 DEFAULT 250; SELECT COUNTIF(predicted_survived) AS n "
        "FROM ML.PREDICT(MODEL shared.survival, "
        "(SELECT * FROM shared.passengers WHERE age > oldest))",
    ],
    ids=["with", "join", "scalar subquery", "script", "variable"],
)
def test_predict_works_inside_any_query(run: Run, sql: str) -> None:
    assert run(sql) == [{"n": 50}]


def test_parameters_reach_the_query_of_a_function(run: Run) -> None:
    rows = run(
        "SELECT COUNT(*) AS n FROM ML.PREDICT(MODEL shared.survival, "
        "(SELECT * FROM shared.passengers WHERE age > @age))",
        query_parameters=[bigquery.ScalarQueryParameter("age", "INT64", 290)],
    )

    assert rows == [{"n": 10}]


def test_a_probability_is_taken_by_its_label(run: Run) -> None:
    [row] = run(
        "SELECT (SELECT prob FROM UNNEST(predicted_survived_probs) WHERE label = TRUE) AS p "
        "FROM ML.PREDICT(MODEL shared.survival, "
        "(SELECT 'a' AS class, 290 AS age, 1.0 AS fare))"
    )

    assert row["p"] > 0.5


def test_a_result_is_kept_as_a_table(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(
        "CREATE TABLE scored AS SELECT * FROM ML.PREDICT(MODEL shared.survival, "
        "TABLE shared.passengers)"
    )

    assert client.get_table(f"{dataset}.scored").num_rows == 300


def test_a_dry_run_tells_the_columns(client: bigquery.Client) -> None:
    job = client.query(
        "SELECT predicted_survived, age FROM ML.PREDICT(MODEL shared.survival, "
        "TABLE shared.passengers)",
        job_config=bigquery.QueryJobConfig(dry_run=True),
    )

    assert [(f.name, f.field_type) for f in job.schema] == [
        ("predicted_survived", "BOOLEAN"),
        ("age", "INTEGER"),
    ]


def test_rows_keep_their_predictions_through_transform(run: Run) -> None:
    rows = run(
        "SELECT age, predicted_survived FROM ML.PREDICT(MODEL shared.survival, "
        "TABLE shared.passengers)"
    )

    assert {row["age"]: row["predicted_survived"] for row in rows} == {
        age: age > 150 for age in range(1, 301)
    }


def test_transform_shows_what_the_model_takes(run: Run) -> None:
    rows = run(
        "SELECT AVG(age_scaled) AS mean, STDDEV(age_scaled) AS deviation, "
        "COUNTIF(fare IS NULL) AS missing "
        "FROM ML.TRANSFORM(MODEL shared.survival, TABLE shared.passengers)"
    )

    assert rows == [
        {
            "mean": pytest.approx(0, abs=1e-9),
            "deviation": pytest.approx(1),
            "missing": 0,
        }
    ]


def test_a_missing_feature_is_named(run: Run) -> None:
    with pytest.raises(Exception, match="'fare' is missing"):
        run("SELECT * FROM ML.PREDICT(MODEL shared.survival, (SELECT 'a' AS class, 1 AS age))")


def test_a_training_that_another_version_wrote_says_to_train_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(
        "CREATE MODEL old OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS "
        "SELECT x, 2.0 * x AS y FROM UNNEST(GENERATE_ARRAY(1, 20)) AS x"
    )
    monkeypatch.setattr("localcloud.bqml.model.FORMAT", 99)

    with pytest.raises(BadRequest, match="train the model again"):
        run("SELECT * FROM ML.PREDICT(MODEL old, (SELECT 1 AS x))")
