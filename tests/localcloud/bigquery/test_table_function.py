"""ML functions anywhere in a query."""

import pytest
from google.api_core.exceptions import BadRequest, MethodNotImplemented
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


@pytest.mark.covers("ML.FEATURE_INFO")
def test_feature_info_is_of_the_columns_before_transform(run: Run) -> None:
    rows = run("SELECT input, max, null_count FROM ML.FEATURE_INFO(MODEL shared.survival)")

    assert [tuple(row.values()) for row in rows] == [
        ("class", None, 0),
        ("age", 300.0, 0),
        ("fare", 448.5, 30),
    ]


@pytest.mark.covers("ML.FEATURE_IMPORTANCE")
def test_importance_is_that_of_the_columns_before_transform(run: Run) -> None:
    rows = run("SELECT feature FROM ML.FEATURE_IMPORTANCE(MODEL shared.survival)")

    assert {row["feature"] for row in rows} == {"class", "age", "fare"}


@pytest.mark.covers("ML.VALIDATE_DATA_SKEW")
def test_skew_is_that_of_the_columns_before_transform(run: Run) -> None:
    rows = run(
        "SELECT input, value FROM ML.VALIDATE_DATA_SKEW(MODEL shared.survival, "
        "(SELECT age, class FROM shared.passengers)) ORDER BY input"
    )

    assert rows == [{"input": "age", "value": 0}, {"input": "class", "value": 0}]


@pytest.mark.covers("ML.ROC_CURVE")
def test_a_curve_has_the_thresholds_that_are_asked_for(run: Run) -> None:
    rows = run(
        "SELECT threshold FROM ML.ROC_CURVE(MODEL shared.survival, TABLE shared.passengers, "
        "GENERATE_ARRAY(0, 1, 0.25)) ORDER BY threshold"
    )

    assert [row["threshold"] for row in rows] == [0, 0.25, 0.5, 0.75, 1]


def test_an_argument_may_be_an_expression(run: Run) -> None:
    rows = run(
        "SELECT entity_id, f FROM ML.FEATURES_AT_TIME((SELECT 'a' AS entity_id, n AS f, "
        "TIMESTAMP_ADD(TIMESTAMP '2024-01-01', INTERVAL n DAY) AS feature_timestamp "
        "FROM UNNEST([1, 2, 3]) AS n), "
        "time => TIMESTAMP_ADD(TIMESTAMP '2024-01-01', INTERVAL @days DAY))",
        query_parameters=[bigquery.ScalarQueryParameter("days", "INT64", 2)],
    )

    assert rows == [{"entity_id": "a", "f": 2}]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("ML.DESCRIBE_DATA(TABLE shared.passengers, 3)", "it takes none without a name"),
        (
            "VECTOR_SEARCH(TABLE shared.passengers, 'a', column_to_search => 'b')",
            "column_to_search is given twice",
        ),
    ],
)
def test_an_argument_that_a_function_does_not_take_is_refused(
    run: Run, call: str, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        run(f"SELECT * FROM {call}")


VALIDATION = """
ML.TFDV_VALIDATE(
  (SELECT * FROM ML.TFDV_DESCRIBE((SELECT age FROM shared.passengers WHERE age < 100))),
  {study}, 'DRIFT', 0.3, 'L_INFTY', 0.2, 'JENSEN_SHANNON_DIVERGENCE', [('age', 0.1)])
"""


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {validation} AS found".format(
            validation=VALIDATION.format(
                study="(SELECT * FROM ML.TFDV_DESCRIBE((SELECT age FROM shared.passengers)))"
            )
        ),
        "WITH s AS (SELECT * FROM ML.TFDV_DESCRIBE((SELECT age FROM shared.passengers))) "
        "SELECT {validation} AS found".format(
            validation=VALIDATION.format(study="(SELECT dataset_feature_statistics_list FROM s)")
        ),
        "DECLARE s JSON; "
        "SET s = (SELECT * FROM ML.TFDV_DESCRIBE((SELECT age FROM shared.passengers))); "
        "SELECT {validation} AS found".format(validation=VALIDATION.format(study="s")),
    ],
    ids=["subquery", "with", "variable"],
)
@pytest.mark.covers("ML.TFDV_VALIDATE")
def test_statistics_are_compared_in_an_expression(run: Run, sql: str) -> None:
    [row] = run(sql)

    assert list(row["found"]["anomalyInfo"]) == ["age"]


@pytest.mark.covers("ML.TFDV_VALIDATE")
def test_statistics_of_a_row_cannot_be_compared(run: Run) -> None:
    with pytest.raises(BadRequest, match="arguments cannot depend on a row here"):
        run("SELECT ML.TFDV_VALIDATE(s, s) FROM (SELECT JSON '{}' AS s)")


@pytest.mark.covers("AI.SEARCH")
def test_a_search_of_autonomous_embeddings_is_not_implemented(run: Run) -> None:
    with pytest.raises(MethodNotImplemented, match=r"AI\.SEARCH"):
        run("SELECT * FROM AI.SEARCH(TABLE shared.passengers, 'class', 'first')")
