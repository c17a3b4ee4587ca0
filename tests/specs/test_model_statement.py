"""Every kind of model: its example is right, its golden file is what is sent, errors are found."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bqvertex.specs.model import DEFINITION, METADATA, changed, derived
from bqvertex.specs.model import problems as model_problems
from bqvertex.specs.model_alterable import ALTERABLE
from bqvertex.specs.model_kind import ModelKind, kinds
from bqvertex.specs.model_statement import (
    ModelStatement,
    column_types,
    known_model,
    read_model_statement,
    statement_problems,
)
from bqvertex.specs.statement import read_statement

ROOT = Path(__file__).parents[2]
SAMPLES = {path.name: path for path in sorted((ROOT / "sql/models").glob("*.sql"))}
GOLDEN = Path(__file__).parent / "models"
PLACE = {"project": "my-project", "dataset_id": "flights", "location": "us-central1"}

EVERY_KIND = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
EVERY_SAMPLE = pytest.mark.parametrize("name", SAMPLES)


@cache
def schemas() -> dict[str, Any]:
    files = (ROOT / "sql/seeds").glob("*.schema.json")
    found = {file.name.split(".")[0]: json.loads(file.read_text()) for file in files}
    view = read_statement((ROOT / "sql/arrival_delay/departures.sql").read_text()).check(found)
    assert view is not None
    return {**found, "departures": [column.to_rest() for column in view.output_columns]}


def sample(name: str) -> str:
    return SAMPLES[name].read_text()


def problems(sql: str, file: str = "m.sql", **place: str) -> list[str]:
    return list(statement_problems(sql, file, {**PLACE, **place}, schemas()))


def statement(sql: str) -> ModelStatement:
    return read_model_statement(sql, "m.sql")


@EVERY_KIND
def test_every_kind_has_an_example_of_its_own(kind: ModelKind) -> None:
    assert kind.sample in SAMPLES, f"write sql/models/{kind.sample}"
    assert statement(sample(kind.sample)).kind is kind


def test_every_example_has_a_golden_file_and_nothing_else_has() -> None:
    assert {file.name for file in GOLDEN.glob("*.sql")} == SAMPLES.keys()


def test_all_examples_can_live_in_one_dataset() -> None:
    ids = [statement(sample(name)).model_id for name in SAMPLES]

    assert len(set(ids) - schemas().keys()) == len(SAMPLES)


@EVERY_SAMPLE
def test_an_example_says_what_it_is_about(name: str) -> None:
    lines = statement(sample(name)).statement.header.splitlines()

    assert lines[0].endswith((".", "?"))
    assert [line.split(":")[0] for line in lines[1:4]] == ["Label", "Grain", "Leakage"]


@EVERY_SAMPLE
def test_what_is_sent_is_the_golden_statement(name: str) -> None:
    model = statement(sample(name))

    sent = model.rendered("my-project", "flights", model.model_id, replace=False)

    assert sent == (GOLDEN / name).read_text()


@EVERY_SAMPLE
def test_zetasql_and_the_rules_accept_an_example(name: str) -> None:
    model_id = statement(sample(name)).model_id

    assert problems(sample(name), model_id=model_id) == []


@EVERY_SAMPLE
def test_the_golden_statement_is_accepted_and_means_the_same(name: str) -> None:
    sent = (GOLDEN / name).read_text()

    assert problems(sent) == []
    hashes = [
        read_statement(sql).definition_hash("my-project", "flights") for sql in (sent, sample(name))
    ]
    assert hashes[0] == hashes[1]


@EVERY_SAMPLE
def test_the_columns_of_a_training_are_known(name: str) -> None:
    model = statement(sample(name))

    columns = column_types(model, schemas(), PLACE)

    assert (columns is None) == (not model.kind.has_query)
    assert columns is None or len(columns) > 1


# One edit of the example of each kind and what is said of it; also one for each class of rules.
WRONG = [
    ("linear_reg.sql", "calculate_p_values = TRUE", "calculate_p_values = 1", "takes BOOL, not 1"),
    (
        "linear_reg.sql",
        "category_encoding_method = 'DUMMY_ENCODING',",
        "",
        "CALCULATE_P_VALUES = TRUE needs CATEGORY_ENCODING_METHOD = 'DUMMY_ENCODING'",
    ),
    (
        "linear_reg.sql",
        "calculate_p_values = TRUE",
        "learn_rate = 0.1",
        "LEARN_RATE needs LEARN_RATE_STRATEGY = 'CONSTANT', and has "
        "LEARN_RATE_STRATEGY = LINE_SEARCH (the default)",
    ),
    (
        "linear_reg.sql",
        "calculate_p_values = TRUE",
        "optimize_strategy = 'NORMAL_EQUATION', warm_start = TRUE",
        "OPTIMIZE_STRATEGY = 'NORMAL_EQUATION' excludes WARM_START = TRUE",
    ),
    ("logistic_reg.sql", "'SEQ'", "'SEQUENCE'", "takes AUTO_SPLIT, RANDOM, CUSTOM, SEQ, NO_SPLIT"),
    ("logistic_reg.sql", "  data_split_col = 'time_hour',\n", "", "'SEQ' needs DATA_SPLIT_COL"),
    (
        "logistic_reg.sql",
        "  time_hour,\n  carrier,\n  origin,\n  ML",
        "  carrier,\n  origin,\n  ML",
        "column 'time_hour' of DATA_SPLIT_COL is not in the TRANSFORM clause",
    ),
    (
        "logistic_reg.sql",
        "  is_late,\n  time_hour",
        "  NOT is_late AS is_late,\n  time_hour",
        "label column 'is_late' must pass TRANSFORM unchanged",
    ),
    (
        "logistic_reg.sql",
        "auto_class_weights = TRUE",
        "auto_class_weights = TRUE, class_weights = [STRUCT('true', 0.9), STRUCT('false', 0.1)]",
        "CLASS_WEIGHTS excludes AUTO_CLASS_WEIGHTS = TRUE",
    ),
    (
        "boosted_tree_classifier.sql",
        "= 'is_evaluated'",
        "= 'carrier'",
        "column 'carrier' of DATA_SPLIT_COL has type STRING; allowed are BOOL",
    ),
    (
        "boosted_tree_classifier.sql",
        "max_tree_depth = 5",
        "max_tree_deph = 5",
        "did you mean MAX_TREE_DEPTH?",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "  num_trials = 10,\n",
        "",
        "LEARN_RATE = HPARAM_RANGE(0.05, 0.5) needs NUM_TRIALS",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "  num_trials = 10,\n",
        "",
        "MAX_PARALLEL_TRIALS needs NUM_TRIALS",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "HPARAM_CANDIDATES([3, 5, 7])",
        "HPARAM_CANDIDATES([3, 50])",
        "MAX_TREE_DEPTH is tuned within 0 to 20, not 50",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "HPARAM_RANGE(0.5, 1.0)",
        "HPARAM_RANGE(1.0, 0.5)",
        "HPARAM_RANGE takes the smaller number first",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "HPARAM_RANGE(0.5, 1.0)",
        "HPARAM_BETWEEN(0.5, 1.0)",
        "HPARAM_BETWEEN is no search space",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "max_iterations = 20",
        "max_iterations = HPARAM_RANGE(10, 20)",
        "MAX_ITERATIONS is not tuned",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "'VIZIER_DEFAULT'",
        "'GRID_SEARCH'",
        "GRID_SEARCH needs HPARAM_CANDIDATES",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "max_iterations = 20",
        "dropout = HPARAM_RANGE(0, 0.5)",
        "DROPOUT needs BOOSTER_TYPE = 'DART', and has BOOSTER_TYPE = GBTREE (the default)",
    ),
    (
        "boosted_tree_classifier_tuned.sql",
        "  data_split_test_fraction = 0.1\n",
        "  max_tree_depth = 3\n",
        "DATA_SPLIT_EVAL_FRACTION with NUM_TRIALS needs DATA_SPLIT_TEST_FRACTION",
    ),
    (
        "boosted_tree_regressor.sql",
        "'weight'",
        "'carrier'",
        "column 'carrier' of INSTANCE_WEIGHT_COL has type STRING",
    ),
    (
        "boosted_tree_regressor.sql",
        "instance_weight_col = 'weight'",
        "instance_weight_col = 'departure_delay_minutes'",
        "column 'departure_delay_minutes' is that of INPUT_LABEL_COLS and of INSTANCE_WEIGHT_COL",
    ),
    ("random_forest_classifier.sql", "= 50", "= 1", "NUM_PARALLEL_TREE takes 2 or more, not 1"),
    (
        "random_forest_classifier.sql",
        "max_tree_depth = 10",
        "max_iterations = 10",
        "MODEL_TYPE RANDOM_FOREST_CLASSIFIER has no option MAX_ITERATIONS, which is one of",
    ),
    (
        "random_forest_classifier.sql",
        "STRUCT('false', 0.05)",
        "STRUCT(0.05, 'false')",
        "CLASS_WEIGHTS takes ARRAY<STRUCT<STRING,FLOAT64>>",
    ),
    ("random_forest_regressor.sql", "'HIST'", "'HISTOGRAM'", "TREE_METHOD takes AUTO, EXACT,"),
    (
        "random_forest_regressor.sql",
        "max_tree_depth = 12",
        "subsample = 1.0",
        "SUBSAMPLE takes more than 0 and less than 1, not 1.0",
    ),
    ("dnn_classifier.sql", "[64, 32]", "[64, 0]", "HIDDEN_UNITS takes 1 or more, not 0"),
    ("dnn_classifier.sql", "'ADAM'", "'ADAMM'", "did you mean ADAM?"),
    (
        "dnn_classifier_tuned.sql",
        "STRUCT([32])",
        "STRUCT([32], [16])",
        "HIDDEN_UNITS takes candidates such as STRUCT([8, 4])",
    ),
    (
        "dnn_classifier_tuned.sql",
        "'TANH'",
        "'TANG'",
        "ACTIVATION_FN is tuned within RELU, RELU6, CRELU",
    ),
    ("dnn_regressor.sql", "'ADAGRAD'", "'ADAM'", "L2_REG needs OPTIMIZER = 'ADAGRAD' or 'FTRL'"),
    (
        "dnn_regressor.sql",
        "  arrival_delay_minutes,\n  carrier,\n  origin,\n  ML",
        "  carrier,\n  origin,\n  ML",
        "label column 'arrival_delay_minutes' is not in the TRANSFORM clause",
    ),
    (
        "dnn_linear_combined_classifier.sql",
        "STRUCT('linear', 'FTRL')",
        "STRUCT('wide', 'FTRL')",
        "OPTIMIZER takes dnn, linear there, not 'wide'",
    ),
    (
        "dnn_linear_combined_regressor.sql",
        "enable_global_explain = TRUE,",
        "",
        "INTEGRATED_GRADIENTS_NUM_STEPS needs ENABLE_GLOBAL_EXPLAIN = TRUE",
    ),
    (
        "automl_classifier.sql",
        "MAXIMIZE_PRECISION_AT_RECALL', 0.5",
        "MAXIMIZE_AU_ROC', 0.5",
        "OPTIMIZATION_OBJECTIVE takes MAXIMIZE_PRECISION_AT_RECALL, MAXIMIZE_RECALL_AT_PRECISION",
    ),
    ("automl_classifier.sql", "= 1.0", "= 0.5", "BUDGET_HOURS takes 1 to 72, not 0.5"),
    (
        "automl_regressor.sql",
        "CREATE MODEL arrival_delay_automl",
        "CREATE MODEL arrival_delay_automl TRANSFORM (*)",
        "MODEL_TYPE AUTOML_REGRESSOR takes no TRANSFORM",
    ),
    (
        "automl_regressor.sql",
        "'split'",
        "'month'",
        "column 'month' of DATA_SPLIT_COL is not in the query",
    ),
    ("kmeans.sql", "num_clusters = 5", "num_clusters = 500", "NUM_CLUSTERS takes 2 to 100"),
    (
        "kmeans.sql",
        "'KMEANS++'",
        "'CUSTOM'",
        "KMEANS_INIT_METHOD = 'CUSTOM' needs KMEANS_INIT_COL",
    ),
    (
        "kmeans.sql",
        "'KMEANS++'",
        "'RANDOM', kmeans_init_col = 'carriers'",
        "KMEANS_INIT_COL needs KMEANS_INIT_METHOD = 'CUSTOM', and has",
    ),
    (
        "kmeans_tuned.sql",
        "['DAVIES_BOULDIN_INDEX']",
        "['DAVIES_BOULDIN_INDEX', 'DAVIES_BOULDIN_INDEX']",
        "HPARAM_TUNING_OBJECTIVES takes one element, not 2",
    ),
    (
        "pca.sql",
        "pca_solver = 'FULL'",
        "num_principal_components = 3",
        "NUM_PRINCIPAL_COMPONENTS, PCA_EXPLAINED_VARIANCE_RATIO",
    ),
    (
        "pca.sql",
        "pca_explained_variance_ratio = 0.9,",
        "",
        "one of NUM_PRINCIPAL_COMPONENTS, PCA_EXPLAINED_VARIANCE_RATIO is needed",
    ),
    (
        "pca.sql",
        "pca_explained_variance_ratio = 0.9",
        "pca_explained_variance_ratio = 1.0",
        "takes more than 0 and less than 1",
    ),
    (
        "pca.sql",
        "pca_explained_variance_ratio = 0.9,\n  scale_features = TRUE,\n  pca_solver = 'FULL'",
        "num_principal_components = 10001, pca_solver = 'RANDOMIZED'",
        "NUM_PRINCIPAL_COMPONENTS is at most 10000 with PCA_SOLVER = 'RANDOMIZED', not 10001",
    ),
    ("autoencoder.sql", "'RELU'", "'CRELU'", "ACTIVATION_FN takes RELU, RELU6, ELU"),
    (
        "matrix_factorization.sql",
        "'IMPLICIT'",
        "'EXPLICIT'",
        "WALS_ALPHA needs FEEDBACK_TYPE = 'IMPLICIT'",
    ),
    ("matrix_factorization.sql", "  user_col = 'carrier',\n", "", "column 'user' of USER_COL"),
    (
        "matrix_factorization.sql",
        "'flights'",
        "'dest'",
        "column 'dest' of RATING_COL has type STRING",
    ),
    ("arima_plus.sql", "horizon = 30", "horizon = 0", "HORIZON takes 1 to 10000, not 0"),
    (
        "arima_plus.sql",
        "  time_series_timestamp_col = 'flight_date',\n",
        "",
        "MODEL_TYPE ARIMA_PLUS needs TIME_SERIES_TIMESTAMP_COL: STRING",
    ),
    (
        "arima_plus.sql",
        "= 'flight_date'",
        "= NULL",
        "MODEL_TYPE ARIMA_PLUS needs TIME_SERIES_TIMESTAMP_COL: STRING",
    ),
    (
        "arima_plus.sql",
        "auto_arima_max_order = 3",
        "auto_arima = FALSE",
        "AUTO_ARIMA = FALSE needs NON_SEASONAL_ORDER",
    ),
    (
        "arima_plus.sql",
        "auto_arima_max_order = 3",
        "auto_arima = FALSE, non_seasonal_order = (1, 1, 1)",
        "TIME_SERIES_ID_COL needs AUTO_ARIMA = TRUE, and has AUTO_ARIMA = FALSE",
    ),
    (
        "arima_plus.sql",
        "auto_arima_max_order = 3",
        "auto_arima_max_order = 3, auto_arima_min_order = 3",
        "AUTO_ARIMA_MIN_ORDER must be less than AUTO_ARIMA_MAX_ORDER",
    ),
    (
        "arima_plus.sql",
        "auto_arima_max_order = 3",
        "min_time_series_length = 10",
        "MIN_TIME_SERIES_LENGTH needs TIME_SERIES_LENGTH_FRACTION",
    ),
    (
        "arima_plus.sql",
        "auto_arima_max_order = 3",
        "seasonalities = ['AUTO', 'WEEKLY']",
        "SEASONALITIES takes AUTO alone",
    ),
    ("arima_plus.sql", "'US'", "['US', 'UK']", "HOLIDAY_REGION takes GLOBAL, NA, JAPAC"),
    (
        "arima_plus_holidays.sql",
        "'DAILY'",
        "'HOURLY'",
        "custom_holiday needs DATA_FREQUENCY = 'DAILY' or 'AUTO_FREQUENCY'",
    ),
    (
        "arima_plus_holidays.sql",
        "CREATE MODEL daily_departures_with_storms",
        "CREATE MODEL daily_departures_with_storms TRANSFORM (*)",
        "custom_holiday excludes TRANSFORM",
    ),
    (
        "arima_plus_holidays.sql",
        "storm AS primary_date",
        "storm AS day",
        "custom_holiday needs a column primary_date DATE",
    ),
    (
        "arima_plus_xreg.sql",
        "CREATE MODEL daily_delay_jfk",
        "CREATE MODEL daily_delay_jfk TRANSFORM (*)",
        "MODEL_TYPE ARIMA_PLUS_XREG takes no TRANSFORM",
    ),
    (
        "arima_plus_xreg.sql",
        "auto_arima_max_order = 2",
        "auto_arima = FALSE, non_seasonal_order = (1, 0, 1), include_drift = TRUE",
        "INCLUDE_DRIFT = TRUE with AUTO_ARIMA = FALSE needs NON_SEASONAL_ORDER[1] = 1",
    ),
    (
        "arima_plus_xreg.sql",
        "auto_arima_max_order = 2",
        "auto_arima = FALSE, non_seasonal_order = (6, 1, 1)",
        "NON_SEASONAL_ORDER takes 0 to 5 there, not 6",
    ),
    (
        "contribution_analysis.sql",
        "'SUM(delay_minutes)/SUM(flights)'",
        "'AVG(delay_minutes)'",
        "CONTRIBUTION_METRIC takes SUM(a), SUM(a)/SUM(b) or SUM(a)/COUNT(DISTINCT c)",
    ),
    (
        "contribution_analysis.sql",
        "'SUM(delay_minutes)/SUM(flights)'",
        "'SUM(carrier)'",
        "column 'carrier' of CONTRIBUTION_METRIC has type STRING",
    ),
    ("contribution_analysis.sql", "'is_july'", "'origin'", "of IS_TEST_COL has type STRING"),
    (
        "contribution_analysis.sql",
        "min_apriori_support = 0.02",
        "min_apriori_support = 0.02, top_k_insights_by_apriori_support = 5",
        "TOP_K_INSIGHTS_BY_APRIORI_SUPPORT excludes MIN_APRIORI_SUPPORT",
    ),
    (
        "transform_only.sql",
        "  carrier,\n  origin,\n  dest,\n  ML",
        "  LOWER(carrier),\n  ML",
        "an item of TRANSFORM needs a name",
    ),
    (
        "transform_only.sql",
        "  carrier,\n  origin,\n  dest,\n  ML",
        "  MAX(seats) AS seats,\n  ML",
        "the aggregate MAX cannot stand in TRANSFORM",
    ),
    (
        "transform_only.sql",
        "  carrier,\n  origin,\n  dest,\n  ML",
        "  (SELECT 1) AS one,\n  ML",
        "a subquery cannot stand in TRANSFORM",
    ),
    (
        "transform_only.sql",
        "  carrier,\n  origin,\n  dest,\n  ML",
        "  tools.clean(carrier) AS carrier,\n  ML",
        "the user-defined function tools.clean cannot stand in TRANSFORM",
    ),
    (
        "transform_only.sql",
        "  carrier,\n  origin,\n  dest,\n  ML",
        "  ROW_NUMBER() OVER () AS row_number,\n  ML",
        "ROW_NUMBER OVER (…), which is no function of ML, cannot stand in TRANSFORM",
    ),
    (
        "tensorflow.sql",
        "gs://my-project-models",
        "https://my-project-models",
        "MODEL_PATH takes gs://bucket/path/*",
    ),
    (
        "tensorflow_lite.sql",
        "'TENSORFLOW_LITE'",
        "'TENSORFLOW_LIGHT'",
        "did you mean TENSORFLOW_LITE?",
    ),
    (
        "onnx.sql",
        ",\n  model_path = 'gs://my-project-models/late_arrival/onnx/model.onnx'",
        "",
        "MODEL_TYPE ONNX needs MODEL_PATH",
    ),
    ("onnx.sql", "\n)\n", "\n)\nAS SELECT 1 AS a", "MODEL_TYPE ONNX takes no AS with a query"),
    (
        "xgboost.sql",
        "scheduled_hour INT64",
        "scheduled_hour STRING",
        "INPUT field 'scheduled_hour' has type STRING",
    ),
    (
        "xgboost.sql",
        "OUTPUT (predicted_is_late FLOAT64)",
        "OUTPUT (predicted_is_late STRING)",
        "OUTPUT field 'predicted_is_late' has type STRING; allowed are FLOAT64",
    ),
    (
        "remote_llm.sql",
        "'gemini-2.5-flash'",
        "'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1/"
        "publishers/google/models/gemini-2.5-flash'",
        "the endpoint is in europe-west1 and the dataset in us-central1",
    ),
    (
        "remote_llm.sql",
        "'gemini-2.5-flash'",
        "'gemini-2.5-flash', model_type = 'LLM'",
        "a remote model takes no MODEL_TYPE",
    ),
    (
        "remote_embedding.sql",
        "'text-embedding-005'",
        "'text-embedding-005', machine_type = 'n1-standard-4'",
        "has no option MACHINE_TYPE, which is one of a remote model (Open model on Vertex AI)",
    ),
    ("remote_tuned_gemini.sql", "'prompt',", "'question',", "column 'question' of PROMPT_COL"),
    (
        "remote_open_model.sql",
        "INTERVAL 8 HOUR",
        "INTERVAL 1 HOUR",
        "ENDPOINT_IDLE_TTL takes 390 to 10080 minutes, not INTERVAL 1 HOUR",
    ),
    (
        "remote_open_model.sql",
        "'google/gemma-3-270m-it'",
        "'google/gemma/3-270m-it'",
        "HUGGING_FACE_MODEL_ID takes provider/model",
    ),
    (
        "remote_open_model.sql",
        "max_replica_count = 2",
        "max_replica_count = 2, min_replica_count = 3",
        "MIN_REPLICA_COUNT must be at most MAX_REPLICA_COUNT",
    ),
    (
        "remote_open_model.sql",
        "machine_type = 'g2-standard-12'",
        "model_garden_model_name = 'publishers/google/models/gemma3@gemma-3-1b-it'",
        "MODEL_GARDEN_MODEL_NAME and HUGGING_FACE_MODEL_ID exclude each other",
    ),
    (
        "remote_open_model.sql",
        "machine_type = 'g2-standard-12'",
        "reservation_affinity_type = 'SPECIFIC_RESERVATION'",
        "needs RESERVATION_AFFINITY_KEY",
    ),
    (
        "remote_https.sql",
        "my-project.us-central1.remote",
        "my-project.us.remote",
        "the connection is in us and the dataset in us-central1",
    ),
    (
        "remote_https.sql",
        "OUTPUT (predicted_is_late STRING",
        "OUTPUT (predicted_is_late DATE",
        "OUTPUT field 'predicted_is_late' has type DATE",
    ),
    (
        "remote_https.sql",
        "locations/us-central1",
        "locations/us-east1",
        "the endpoint's host 'us-central1-aiplatform.googleapis.com' is not that of",
    ),
    (
        "remote_cloud_ai.sql",
        "'CLOUD_AI_TRANSLATE_V3'",
        "'CLOUD_AI_DOCUMENT_V1'",
        "REMOTE_SERVICE_TYPE = 'CLOUD_AI_DOCUMENT_V1' needs DOCUMENT_PROCESSOR",
    ),
    (
        "remote_cloud_ai.sql",
        "'CLOUD_AI_TRANSLATE_V3'",
        "'CLOUD_AI_TRANSLATE_V3', document_processor = '639b990bd98a132a'",
        "DOCUMENT_PROCESSOR needs REMOTE_SERVICE_TYPE = 'CLOUD_AI_DOCUMENT_V1'",
    ),
]


@EVERY_KIND
def test_every_kind_has_a_wrong_variant(kind: ModelKind) -> None:
    assert kind.sample in {name for name, *_ in WRONG}


@pytest.mark.parametrize(("name", "old", "new", "words"), WRONG)
def test_what_bigquery_refuses_is_refused(name: str, old: str, new: str, words: str) -> None:
    sql = sample(name)
    assert old in sql

    found = problems(sql.replace(old, new, 1), name)

    assert [problem for problem in found if words in problem], found
    assert all(re.match(rf"{re.escape(name)}:\d+:\d+: .*\n.*\n *\^$", problem) for problem in found)


def test_all_that_is_wrong_is_said_at_once_as_a_reader_goes_through_the_file() -> None:
    sql = (
        "CREATE MODEL m\n"
        "TRANSFORM (COUNT(*) AS n, is_late)\n"
        "OPTIONS (model_type = 'LOGISTIC_REG', max_iterations = 0,\n"
        "  l3_reg = 1, input_label_cols = ['late'])\n"
        "AS SELECT is_late, origi FROM departures\n"
    )

    found = [problem.splitlines()[0] for problem in problems(sql)]

    assert [line.split(": ")[0].removeprefix("m.sql:") for line in found] == [
        "2:12",
        "3:39",
        "4:3",
        "4:15",
        "5:20",
    ]
    assert "did you mean L2_REG?" in found[2] or "did you mean L1_REG?" in found[2]


def test_a_problem_shows_its_line_with_a_caret() -> None:
    line = "CREATE MODEL m OPTIONS (model_type = 'PCA', pca_explained_variance_ratio = 2)"

    assert problems(f"{line}\nAS SELECT 1 AS a") == [
        "m.sql:1:45: PCA_EXPLAINED_VARIANCE_RATIO takes more than 0 and less than 1, not 2\n"
        f"{line}\n{' ' * 44}^"
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT 1 AS label, 2 AS a, 3 AS A", "columns with duplicate name A"),
        ("SELECT 1 AS a", "label column 'label' is not in the query, which has a; name it with"),
    ],
)
def test_columns_of_the_query_are_held_against_what_is_needed(query: str, words: str) -> None:
    (found,) = problems(f"CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG') AS {query}")

    assert words in found


@pytest.mark.parametrize("select", ["*", "* EXCEPT (a)", "b, label", "* REPLACE (a + 1 AS a)"])
def test_a_star_hands_the_label_on(select: str) -> None:
    sql = (
        f"CREATE MODEL m TRANSFORM ({select}) OPTIONS (model_type = 'LINEAR_REG') "
        "AS SELECT 1 AS label, 2 AS a, 3 AS b"
    )

    assert problems(sql) == []


@pytest.mark.parametrize("select", ["* EXCEPT (label)", "* REPLACE (label + 1 AS label)", "a"])
def test_a_label_that_transform_drops_or_computes_is_missed(select: str) -> None:
    sql = (
        f"CREATE MODEL m TRANSFORM ({select}) OPTIONS (model_type = 'LINEAR_REG') "
        "AS SELECT 1 AS label, 2 AS a, 3 AS b"
    )

    (found,) = problems(sql)

    assert "label column 'label' is not in the TRANSFORM clause" in found


def test_a_time_series_may_be_made_by_transform() -> None:
    sql = sample("arima_plus.sql")
    with_week = sql.replace(
        "CREATE MODEL daily_departures\n",
        "CREATE MODEL weekly_departures\n"
        "TRANSFORM (DATE_TRUNC(flight_date, WEEK) AS week, origin, departures)\n",
    )

    named = [with_week.replace("= 'flight_date'", f"= '{name}'") for name in ("week", "origin")]

    assert problems(named[0]) == []
    (found,) = problems(named[1])
    assert "column 'origin' of TIME_SERIES_TIMESTAMP_COL has type STRING" in found


ELSEWHERE = (
    "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', data_split_method = 'CUSTOM', "
    "data_split_col = 's', input_label_cols = ['y']) AS SELECT y, s{more} FROM elsewhere.t"
)


def test_columns_of_unknown_types_are_held_against_their_names_alone() -> None:
    sql = ELSEWHERE.format(more="")

    assert list(statement_problems(sql, "m.sql", {}, {})) == []
    (found,) = statement_problems(sql.replace("['y']", "['z']"), "m.sql", {}, {})
    assert "label column 'z' is not in the query, which has y, s" in found


def test_columns_of_unknown_names_are_left_to_bigquery() -> None:
    assert list(statement_problems(ELSEWHERE.format(more=", t.*"), "m.sql", {}, {})) == []


def test_a_statement_knows_the_columns_that_a_declared_model_answers() -> None:
    first = statement(
        "CREATE MODEL expected_seats OPTIONS (model_type = 'LINEAR_REG', "
        "input_label_cols = ['seats']) AS SELECT seats, distance_miles FROM departures"
    )
    models = {"expected_seats": known_model(first, schemas(), PLACE).to_inputs()}
    second = (
        "CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['{label}']) AS "
        "SELECT is_late, predicted_seats FROM ML.PREDICT(MODEL expected_seats, "
        "(SELECT is_late, distance_miles FROM departures))"
    )

    columns = column_types(statement(second.format(label="is_late")), schemas(), PLACE, models)

    assert columns == {"is_late": "BOOL", "predicted_seats": "FLOAT64"}
    (found,) = statement_problems(second.format(label="late"), "m.sql", PLACE, schemas(), models)
    assert "label column 'late' is not in the query, which has is_late, predicted" in found


def test_a_clause_that_a_kind_needs_is_missed() -> None:
    sql = sample("transform_only.sql")
    without = sql[: sql.index("TRANSFORM (")] + sql[sql.index("OPTIONS") :]

    (found,) = problems(without)

    assert "MODEL_TYPE TRANSFORM_ONLY needs TRANSFORM" in found


@pytest.mark.parametrize(
    ("connection", "fits"),
    [("us-central1.c", True), ("example.com:p.us-central1.c", True), ("example.com:p.us.c", False)],
)
def test_a_connection_is_where_the_dataset_is(connection: str, fits: bool) -> None:
    sql = (
        f"CREATE MODEL m REMOTE WITH CONNECTION `{connection}` "
        "OPTIONS (endpoint = 'gemini-2.5-pro')"
    )

    assert (problems(sql) == []) == fits


def test_a_dataset_that_moves_has_its_statement_checked_again() -> None:
    sql = sample("remote_https.sql")
    olds = inputs(sql, model_id="late_arrival_endpoint")

    found = dict(model_problems(olds, {**olds, "location": "europe-west4"}))

    assert list(model_problems(olds, olds)) == []
    assert found.keys() == {"statement"}


def test_an_option_that_is_given_twice_is_refused() -> None:
    (found,) = problems(
        "CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = 2, NUM_CLUSTERS = 3) "
        "AS SELECT 1 AS a"
    )

    assert "NUM_CLUSTERS is given 2 times" in found


VERTEX = (
    "https://{host}/v1/projects/p/locations/{location}/publishers/google/models/gemini-3.5-flash"
)


@pytest.mark.parametrize(
    ("dataset", "endpoint", "fits"),
    [
        ("us-central1", "us-central1", True),
        ("us-central1", "us-east1", False),
        ("us-central1", "global", True),
        ("us-central1", "us", True),
        ("us-central1", "eu", False),
        ("US", "us-central1", True),
        ("US", "europe-west4", False),
        ("EU", "europe-west4", True),
        ("EU", "europe-west2", False),
        ("europe-west6", "eu", False),
        ("asia-south1", "global", True),
    ],
)
def test_an_endpoint_is_where_the_dataset_is(dataset: str, endpoint: str, fits: bool) -> None:
    host = {
        "global": "aiplatform.googleapis.com",
        "us": "aiplatform.us.rep.googleapis.com",
        "eu": "aiplatform.eu.rep.googleapis.com",
    }.get(endpoint, f"{endpoint}-aiplatform.googleapis.com")
    url = VERTEX.format(host=host, location=endpoint)
    sql = f"CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS (endpoint = '{url}')"

    found = problems(sql, location=dataset)

    assert (found == []) == fits, found


@pytest.mark.parametrize(
    ("dataset", "key", "fits"),
    [
        ("us-central1", "us-central1", True),
        ("us-central1", "us", False),
        ("US", "us", True),
        ("EU", "europe", True),
        ("EU", "eu", False),
        ("EU", "global", True),
    ],
)
def test_a_key_is_where_the_dataset_is(dataset: str, key: str, fits: bool) -> None:
    name = f"projects/p/locations/{key}/keyRings/r/cryptoKeys/k"
    sql = (
        f"CREATE MODEL m OPTIONS (model_type = 'PCA', num_principal_components = 1, "
        f"kms_key_name = '{name}') AS SELECT 1 AS a"
    )

    assert (problems(sql, location=dataset) == []) == fits


@pytest.mark.parametrize(("zone", "fits"), [("us-central1-a", True), ("us-east1-b", False)])
def test_a_reservation_is_where_bigquery_deploys(zone: str, fits: bool) -> None:
    sql = (
        "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS ("
        "hugging_face_model_id = 'google/gemma-3-270m-it', "
        "reservation_affinity_type = 'SPECIFIC_RESERVATION', "
        "reservation_affinity_key = 'compute.googleapis.com/reservation-name', "
        f"reservation_affinity_values = ['projects/p/zones/{zone}/reservations/r'])"
    )

    assert (problems(sql, location="US") == []) == fits


def inputs(sql: str, **more: Any) -> dict[str, Any]:
    given = {**PLACE, "model_id": "m", "statement": sql, "schemas": schemas(), **more}
    return {**given, **derived({}, given)}


def differences(old: str, new: str) -> frozenset[str]:
    assert old != new
    return changed(inputs(old), inputs(new)) & (DEFINITION | METADATA)


def reordered(sql: str) -> str:
    model = statement(sql)
    ranges = [r for name, r in model.parts.ranges.items() if name.startswith("option ")]
    data = sql.encode()
    (start, end), (last_start, last_end) = ranges[0], ranges[-1]
    middle = data[end:last_start]
    swapped = data[last_start:last_end] + middle + data[start:end]
    return (data[:start] + swapped + data[last_end:]).decode()


@EVERY_SAMPLE
def test_layout_comments_and_order_change_nothing(name: str) -> None:
    sql = sample(name)
    edits = [f"-- A note.\n{sql}", sql.replace("\n", "\n\n   "), sql.replace("CREATE", "create", 1)]
    if len(statement(sql).parts.options) > 1:
        edits.append(reordered(sql))

    assert [differences(sql, edited) for edited in edits] == [frozenset()] * len(edits)


@EVERY_SAMPLE
def test_an_option_changes_the_definition(name: str) -> None:
    model = statement(sample(name))
    *_, option = (
        "VERTEX_AI_MODEL_VERSION_ALIASES",
        *(o for o in model.parts.options if o not in {"MODEL_TYPE", *ALTERABLE}),
    )

    edited = model.statement.with_options({option: "another"})

    assert differences(sample(name), edited) == {"definition_hash"}


@EVERY_SAMPLE
def test_an_option_that_alter_model_sets_changes_metadata_alone(name: str) -> None:
    model = statement(sample(name))

    edited = model.statement.with_options({"VERTEX_AI_MODEL_ID": "another"})

    assert differences(sample(name), edited) == {"alterable_options"}


@EVERY_SAMPLE
def test_the_query_changes_the_definition(name: str) -> None:
    sql = sample(name)
    if not statement(sql).kind.has_query:
        assert "SELECT" not in sql
        return

    edited = sql.replace("SELECT\n", "SELECT DISTINCT\n", 1)

    assert differences(sql, edited) == {"definition_hash"}


@EVERY_SAMPLE
def test_a_description_changes_metadata_only(name: str) -> None:
    old = inputs(sample(name), description="old")
    new = inputs(sample(name), description="new")

    assert changed(old, new) == {"description"}
    assert "description" in METADATA
