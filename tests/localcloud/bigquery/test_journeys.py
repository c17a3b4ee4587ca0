"""Which function answers for which kind of model, as Google's table of user journeys has it.

https://cloud.google.com/bigquery/docs/e2e-journey. The columns of each answer are in
test_documented_columns.py.
"""

from collections.abc import Iterator

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT

ROWS = """
SELECT n * 1.0 AS x, IF(MOD(n, 2) = 0, 'even', 'odd') AS parity, MOD(n, 3) = 0 AS flag,
  n > 20 AS big, n * 2.0 + MOD(n, 5) AS y, CAST(MOD(n, 4) AS STRING) AS who,
  CAST(MOD(n, 5) AS STRING) AS what, DATE_ADD(DATE '2024-01-01', INTERVAL n DAY) AS day
FROM UNNEST(GENERATE_ARRAY(1, 40)) AS n
"""
SPLIT = "data_split_method = 'NO_SPLIT'"
EXPLAINED = f"{SPLIT}, enable_global_explain = TRUE"
SERIES = (
    "time_series_timestamp_col = 'day', time_series_data_col = 'y', horizon = 3, "
    "auto_arima_max_order = 1"
)
NETWORK = "hidden_units = [2], max_iterations = 1"
OF_BIG = f"input_label_cols = ['big'], {EXPLAINED}"
OF_Y = f"input_label_cols = ['y'], {EXPLAINED}"
KINDS = {
    "LINEAR_REG": (
        f"{OF_Y}, calculate_p_values = TRUE, category_encoding_method = 'DUMMY_ENCODING'",
        "x, parity, y",
    ),
    "LOGISTIC_REG": (OF_BIG, "x, parity, big"),
    "BOOSTED_TREE_CLASSIFIER": (f"{OF_BIG}, max_iterations = 2", "x, parity, big"),
    "BOOSTED_TREE_REGRESSOR": (f"{OF_Y}, max_iterations = 2", "x, parity, y"),
    "RANDOM_FOREST_CLASSIFIER": (f"{OF_BIG}, num_parallel_tree = 2", "x, parity, big"),
    "RANDOM_FOREST_REGRESSOR": (f"{OF_Y}, num_parallel_tree = 2", "x, parity, y"),
    "DNN_CLASSIFIER": (f"{OF_BIG}, {NETWORK}", "x, parity, big"),
    "DNN_REGRESSOR": (f"{OF_Y}, {NETWORK}", "x, parity, y"),
    "DNN_LINEAR_COMBINED_CLASSIFIER": (f"{OF_BIG}, {NETWORK}", "x, parity, big"),
    "DNN_LINEAR_COMBINED_REGRESSOR": (f"{OF_Y}, {NETWORK}", "x, parity, y"),
    "KMEANS": ("num_clusters = 2", "x, parity"),
    "PCA": ("num_principal_components = 1", "x, parity"),
    "AUTOENCODER": ("hidden_units = [2, 1, 2], max_iterations = 1", "x, parity"),
    "MATRIX_FACTORIZATION": (
        "user_col = 'who', item_col = 'what', rating_col = 'y', num_factors = 2",
        "who, what, y",
    ),
    "ARIMA_PLUS": (f"{SERIES}, holiday_region = 'US'", "day, y"),
    "ARIMA_PLUS_XREG": (SERIES, "day, y, x"),
    "CONTRIBUTION_ANALYSIS": (
        "contribution_metric = 'SUM(x)', is_test_col = 'big', dimension_id_cols = ['parity']",
        "x, big, parity",
    ),
    "TRANSFORM_ONLY": ("", "x, parity"),
}
"""Kind -> its options and the columns that it is trained on."""

INPUT = ", (SELECT * FROM r)"
COMING = (
    ", (SELECT DATE_ADD(DATE '2024-02-10', INTERVAL n DAY) AS day, 80.0 AS y, 41.0 AS x "
    "FROM UNNEST([0, 1]) AS n)"
)
SETTINGS = ", STRUCT(0.1 AS contamination)"
ARGUMENTS = {
    "ML.PREDICT": INPUT,
    "ML.EXPLAIN_PREDICT": INPUT,
    "ML.RECONSTRUCTION_LOSS": INPUT,
    "ML.VALIDATE_DATA_SKEW": INPUT,
    "ML.TRANSFORM": INPUT,
    "ML.DETECT_ANOMALIES": f"{SETTINGS}{INPUT}",
    "ML.GENERATE_EMBEDDING": INPUT,
    "AI.GENERATE_EMBEDDING": INPUT,
}
"""What follows the model, where something must."""
OF_A_KIND = {
    ("ML.DETECT_ANOMALIES", "ARIMA_PLUS"): ", STRUCT(0.9 AS anomaly_prob_threshold)",
    ("ML.DETECT_ANOMALIES", "ARIMA_PLUS_XREG"): ", STRUCT(0.9 AS anomaly_prob_threshold)",
    ("ML.FORECAST", "ARIMA_PLUS_XREG"): ", STRUCT(2 AS horizon), (SELECT "
    "DATE_ADD(DATE '2024-02-10', INTERVAL n DAY) AS day, 1.0 AS x FROM UNNEST([0, 1]) AS n)",
    ("ML.EXPLAIN_FORECAST", "ARIMA_PLUS_XREG"): ", STRUCT(2 AS horizon), (SELECT "
    "DATE_ADD(DATE '2024-02-10', INTERVAL n DAY) AS day, 1.0 AS x FROM UNNEST([0, 1]) AS n)",
    ("ML.EVALUATE", "ARIMA_PLUS"): COMING,
    ("ML.EVALUATE", "ARIMA_PLUS_XREG"): COMING,
    ("ML.GENERATE_EMBEDDING", "MATRIX_FACTORIZATION"): "",
    ("AI.GENERATE_EMBEDDING", "MATRIX_FACTORIZATION"): "",
}

INFO = {"ML.FEATURE_INFO", "ML.TRAINING_INFO"}
SUPERVISED = {
    *INFO,
    "ML.PREDICT",
    "ML.EVALUATE",
    "ML.EXPLAIN_PREDICT",
    "ML.GLOBAL_EXPLAIN",
    "ML.VALIDATE_DATA_SKEW",
}
CURVES = {"ML.CONFUSION_MATRIX", "ML.ROC_CURVE"}
EMBEDDING = {"ML.GENERATE_EMBEDDING", "AI.GENERATE_EMBEDDING"}
FORECASTS = {
    *INFO,
    "ML.EVALUATE",
    "ML.FORECAST",
    "ML.EXPLAIN_FORECAST",
    "ML.DETECT_ANOMALIES",
    "ML.ARIMA_EVALUATE",
    "ML.ARIMA_COEFFICIENTS",
}
UNSUPERVISED = {
    *INFO,
    "ML.PREDICT",
    "ML.EVALUATE",
    "ML.DETECT_ANOMALIES",
    "ML.VALIDATE_DATA_SKEW",
}
ANSWERED = {
    "LINEAR_REG": SUPERVISED | {"ML.WEIGHTS", "ML.ADVANCED_WEIGHTS"},
    "LOGISTIC_REG": SUPERVISED | CURVES | {"ML.WEIGHTS"},
    "BOOSTED_TREE_CLASSIFIER": SUPERVISED | CURVES | {"ML.FEATURE_IMPORTANCE"},
    "BOOSTED_TREE_REGRESSOR": SUPERVISED | {"ML.FEATURE_IMPORTANCE"},
    "RANDOM_FOREST_CLASSIFIER": SUPERVISED | CURVES | {"ML.FEATURE_IMPORTANCE"},
    "RANDOM_FOREST_REGRESSOR": SUPERVISED | {"ML.FEATURE_IMPORTANCE"},
    "DNN_CLASSIFIER": SUPERVISED | CURVES,
    "DNN_REGRESSOR": SUPERVISED,
    "DNN_LINEAR_COMBINED_CLASSIFIER": SUPERVISED | CURVES,
    "DNN_LINEAR_COMBINED_REGRESSOR": SUPERVISED,
    "KMEANS": UNSUPERVISED | {"ML.CENTROIDS"},
    "PCA": UNSUPERVISED | EMBEDDING | {"ML.PRINCIPAL_COMPONENTS", "ML.PRINCIPAL_COMPONENT_INFO"},
    "AUTOENCODER": UNSUPERVISED | EMBEDDING | {"ML.RECONSTRUCTION_LOSS"},
    "MATRIX_FACTORIZATION": INFO | EMBEDDING | {"ML.EVALUATE", "ML.RECOMMEND", "ML.WEIGHTS"},
    "ARIMA_PLUS": FORECASTS | {"ML.HOLIDAY_INFO"},
    "ARIMA_PLUS_XREG": FORECASTS,
    "CONTRIBUTION_ANALYSIS": {"ML.GET_INSIGHTS"},
    "TRANSFORM_ONLY": {"ML.TRANSFORM", "ML.FEATURE_INFO"},
}
LEFT_OPEN = {
    "ARIMA_PLUS_XREG": {"ML.VALIDATE_DATA_SKEW"},
    "CONTRIBUTION_ANALYSIS": {*INFO, "ML.VALIDATE_DATA_SKEW"},
    "TRANSFORM_ONLY": {"ML.TRAINING_INFO", "ML.VALIDATE_DATA_SKEW"},
}
"""What answers here, and Google's pages neither list nor rule out."""
FUNCTIONS = sorted({function for functions in ANSWERED.values() for function in functions})


@pytest.fixture(scope="module", autouse=True)
def models(client: bigquery.Client) -> Iterator[None]:
    client.create_dataset("journeys")
    run(client, f"CREATE TABLE r AS {ROWS}")
    for kind, (options, columns) in KINDS.items():
        transform = "TRANSFORM (x + 1 AS x1, parity)" if kind == "TRANSFORM_ONLY" else ""
        given = f"model_type = '{kind}'" + (f", {options}" if options else "")
        run(
            client,
            f"CREATE MODEL {kind.lower()} {transform} OPTIONS ({given}) AS SELECT {columns} FROM r",
        )
    yield
    client.delete_dataset("journeys", delete_contents=True)


def run(client: bigquery.Client, sql: str) -> int:
    """How many rows a statement gives."""
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.journeys")
    rows = client.query(sql, job_config=config, job_retry=None).result(retry=None)
    return rows.total_rows or 0


def call(function: str, kind: str) -> str:
    arguments = OF_A_KIND.get((function, kind), ARGUMENTS.get(function, ""))
    return f"SELECT * FROM {function}(MODEL {kind.lower()}{arguments})"


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        pytest.param(kind, function, marks=pytest.mark.covers(function, kind))
        for kind, functions in ANSWERED.items()
        for function in sorted(functions)
    ],
)
def test_a_function_of_the_journey_answers(
    client: bigquery.Client, kind: str, function: str
) -> None:
    assert run(client, call(function, kind)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_function_is_refused_with_the_kind(client: bigquery.Client, kind: str) -> None:
    unclear = {}
    for function in sorted(set(FUNCTIONS) - ANSWERED[kind] - LEFT_OPEN.get(kind, set())):
        try:
            run(client, call(function, kind))
        except BadRequest as refused:
            message = refused.errors[0]["message"]
            if function not in message:
                unclear[function] = message
        else:
            unclear[function] = "answered"

    assert unclear == {}


def test_a_series_is_evaluated_on_none_of_its_points(client: bigquery.Client) -> None:
    past = "(SELECT * FROM r WHERE day < '2024-02-01')"

    assert [
        run(client, f"SELECT * FROM ML.EVALUATE(MODEL {kind}, {past})")
        for kind in ("arima_plus", "arima_plus_xreg")
    ] == [0, 0]


@pytest.mark.covers("ML.VALIDATE_DATA_SKEW", "warm_start")
def test_a_model_that_was_warmed_up_is_not_watched_for_skew(client: bigquery.Client) -> None:
    options = "model_type = 'LOGISTIC_REG', input_label_cols = ['big'], max_iterations = 2"
    query = "SELECT x, big FROM r"
    run(client, f"CREATE MODEL warm OPTIONS ({options}) AS {query}")
    run(client, f"CREATE OR REPLACE MODEL warm OPTIONS ({options}, warm_start = TRUE) AS {query}")

    with pytest.raises(BadRequest, match="WARM_START"):
        run(client, f"SELECT * FROM ML.VALIDATE_DATA_SKEW(MODEL warm{INPUT})")
