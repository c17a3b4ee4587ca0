"""The columns that functions of a declared model answer, as Google documents them."""

import pytest
from bqvertex.specs.model_output import KnownModel, known_model
from bqvertex.specs.model_statement import read_model_statement
from bqvertex.specs.statement import StatementError, read_statement

from googlesql.schema import Column

INPUT = [
    {"name": "id", "type": "INTEGER"},
    {"name": "x", "type": "FLOAT"},
    {"name": "label", "type": "BOOLEAN"},
]
SCHEMAS = {"t": INPUT}
QUERIED = (Column("id", "INT64"), Column("x", "FLOAT64"), Column("label", "BOOL"))


def model(
    options: str, clauses: str = "", query: str = "AS SELECT id, x, label FROM t"
) -> KnownModel:
    statement = read_model_statement(f"CREATE MODEL m {clauses} OPTIONS ({options}) {query}", "")
    return known_model(statement.kind, statement.parts, QUERIED, None)


CLASSIFIER = model("model_type = 'BOOSTED_TREE_CLASSIFIER'")
REGRESSOR = model("model_type = 'LINEAR_REG', input_label_cols = ['x']")
CLUSTERS = model("model_type = 'KMEANS'")
SERIES = model(
    "model_type = 'ARIMA_PLUS', time_series_timestamp_col = 'id', time_series_data_col = 'x', "
    "time_series_id_col = ['label']"
)
REMOTE = model(
    "endpoint = 'https://x'",
    "INPUT (x FLOAT64) OUTPUT (score FLOAT64, tags ARRAY<STRING>) REMOTE WITH CONNECTION p.us.c",
    "",
)
PCA = model("model_type = 'PCA', num_principal_components = 2")


def columns(sql: str, known: KnownModel) -> list[tuple[str, str]] | None:
    found = (
        read_statement(sql)
        .check_partially({("t",): list(QUERIED)}, models={"m": known})
        .output_columns
    )
    return None if found is None else [(column.name, column.type) for column in found]


@pytest.mark.parametrize(
    ("known", "call", "expected"),
    [
        (CLASSIFIER, "ML.PREDICT(MODEL m, TABLE t)", [
            ("predicted_label", "BOOL"),
            ("predicted_label_probs", "ARRAY<STRUCT<label BOOL, prob FLOAT64>>"),
            ("id", "INT64"), ("x", "FLOAT64"), ("label", "BOOL"),
        ]),
        (CLASSIFIER, "ML.PREDICT(MODEL m, TABLE t, STRUCT(FALSE AS keep_original_columns))", [
            ("predicted_label", "BOOL"),
            ("predicted_label_probs", "ARRAY<STRUCT<label BOOL, prob FLOAT64>>"),
        ]),
        (REGRESSOR, "ML.PREDICT(MODEL m, (SELECT id FROM t))",
         [("predicted_x", "FLOAT64"), ("id", "INT64")]),
        (CLUSTERS, "ML.PREDICT(MODEL m, (SELECT id FROM t))", [
            ("centroid_id", "INT64"),
            ("nearest_centroids_distance",
             "ARRAY<STRUCT<centroid_id INT64, distance FLOAT64>>"),
            ("id", "INT64"),
        ]),
        (REMOTE, "ML.PREDICT(MODEL m, (SELECT x FROM t))", [
            ("score", "FLOAT64"), ("tags", "ARRAY<STRING>"),
            ("remote_model_status", "STRING"), ("x", "FLOAT64"),
        ]),
        (PCA, "ML.PREDICT(MODEL m, TABLE t, STRUCT(FALSE AS keep_original_columns))",
         [("principal_component_1", ""), ("principal_component_2", "")]),
        (CLASSIFIER, "ML.EVALUATE(MODEL m)", [
            (name, "FLOAT64")
            for name in ("precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc")
        ]),
        (CLUSTERS, "ML.EVALUATE(MODEL m)",
         [("davies_bouldin_index", "FLOAT64"), ("mean_squared_distance", "FLOAT64")]),
        (SERIES, "ML.FORECAST(MODEL m, STRUCT(3 AS horizon))", [
            ("label", ""), ("forecast_timestamp", "TIMESTAMP"),
            *((name, "FLOAT64") for name in (
                "forecast_value", "standard_error", "confidence_level",
                "prediction_interval_lower_bound", "prediction_interval_upper_bound",
                "confidence_interval_lower_bound", "confidence_interval_upper_bound",
            )),
        ]),
        (CLUSTERS, "ML.DETECT_ANOMALIES(MODEL m, STRUCT(0.1 AS contamination), TABLE t)", [
            ("is_anomaly", "BOOL"), ("normalized_distance", "FLOAT64"),
            ("centroid_id", "INT64"), ("id", "INT64"), ("x", "FLOAT64"), ("label", "BOOL"),
        ]),
    ],
)  # fmt: skip
def test_all_columns_of_a_function(
    known: KnownModel, call: str, expected: list[tuple[str, str]]
) -> None:
    assert columns(f"SELECT * FROM {call}", known) == expected


@pytest.mark.parametrize(
    ("known", "sql"),
    [
        (CLASSIFIER, "SELECT feature, attribution, else_where FROM ML.GLOBAL_EXPLAIN(MODEL m)"),
        (CLUSTERS, "SELECT centroid_id, categorical_value[0].value FROM ML.CENTROIDS(MODEL m)"),
        (CLASSIFIER, "SELECT training_run, eval_loss FROM ML.TRAINING_INFO(MODEL m)"),
        (PCA, "SELECT x, principal_component_1 FROM ML.PREDICT(MODEL m, TABLE t)"),
        (model("endpoint = 'gemini'", "REMOTE WITH CONNECTION p.us.c", ""),
         "SELECT result, status, x, grounding_result FROM AI.GENERATE_TEXT(MODEL m, TABLE t)"),
        (CLASSIFIER, "SELECT base.id, query.x, distance FROM VECTOR_SEARCH(TABLE t, 'x', TABLE t)"),
        (CLASSIFIER, "SELECT forecast_value, ai_forecast_status FROM AI.FORECAST(TABLE t, "
         "data_col => 'x', timestamp_col => 'id')"),
        (model("model_type = 'LOGISTIC_REG', num_trials = 3"),
         "SELECT predicted_label, trial_id FROM ML.PREDICT(MODEL m, TABLE t)"),
    ],
)  # fmt: skip
def test_a_column_that_may_be_there_is_not_refused(known: KnownModel, sql: str) -> None:
    found = read_statement(sql).check_partially({("t",): list(QUERIED)}, models={"m": known})

    assert found.unknown == ()


@pytest.mark.parametrize(
    ("known", "sql"),
    [
        (CLASSIFIER, "SELECT predicted_labels FROM ML.PREDICT(MODEL m, TABLE t)"),
        (CLASSIFIER, "SELECT r2_score FROM ML.EVALUATE(MODEL m)"),
        (REGRESSOR, "SELECT predicted_x || 'a' || 1.5 + TRUE FROM ML.PREDICT(MODEL m, TABLE t)"),
        (CLASSIFIER, "SELECT x FROM ML.PREDICT(MODEL m, (SELECT id FROM t))"),
        (CLUSTERS, "SELECT centroid_id + DATE '2020-01-01' + 'a' FROM ML.CENTROIDS(MODEL m)"),
    ],
)
def test_a_column_that_cannot_be_there_is_refused(known: KnownModel, sql: str) -> None:
    with pytest.raises(StatementError):
        columns(sql, known)


@pytest.mark.parametrize("known", [CLASSIFIER, REGRESSOR, CLUSTERS, SERIES, REMOTE, PCA])
def test_a_model_passes_through_the_inputs_of_a_resource(known: KnownModel) -> None:
    assert KnownModel.from_inputs(known.to_inputs()) == known


def test_a_model_whose_columns_are_not_known_has_a_label_of_unknown_type() -> None:
    statement = read_model_statement(
        "CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG') AS SELECT label, a FROM u", ""
    )

    known = known_model(statement.kind, statement.parts, None, None)

    assert columns("SELECT predicted_label FROM ML.PREDICT(MODEL m, TABLE t)", known) == [
        ("predicted_label", "")
    ]
