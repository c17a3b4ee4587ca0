"""The columns of each table function: names, order and types as Google documents them.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-predict and the
pages beside it. Every function of `bqml.FUNCTIONS` has a row here, or the last test fails.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest
from google.cloud import bigquery

from localcloud import bqml
from tests.localcloud.bigquery.conftest import PROJECT

ROWS = """
SELECT
  n AS id, n * 1.0 AS x, IF(MOD(n, 2) = 0, 'even', 'odd') AS parity, MOD(n, 3) = 0 AS flag,
  n > 20 AS big, n * 2.0 + MOD(n, 5) AS y, CAST(MOD(n, 4) AS STRING) AS who,
  CAST(MOD(n, 5) AS STRING) AS what, [n * 1.0, MOD(n, 7) * 1.0] AS embedding
FROM UNNEST(GENERATE_ARRAY(1, 40)) AS n
"""
DAYS = """
SELECT shop, DATE_ADD(DATE '2024-01-01', INTERVAL n DAY) AS day,
  10 + n * 0.5 + MOD(n * 7, 5) + MOD(n, 7) AS sold, MOD(n * 3, 11) * 1.0 AS rain
FROM UNNEST(GENERATE_ARRAY(0, 59)) AS n, UNNEST(['a', 'b']) AS shop
"""
FEATURES = """
SELECT CAST(MOD(n, 3) AS STRING) AS entity_id, n AS f,
  TIMESTAMP_ADD(TIMESTAMP '2024-01-01', INTERVAL n HOUR) AS feature_timestamp
FROM UNNEST(GENERATE_ARRAY(1, 9)) AS n
"""
SPLIT = "data_split_method = 'NO_SPLIT'"
SERIES = "time_series_timestamp_col = 'day', time_series_data_col = 'sold', horizon = 10"
MODELS = {
    "linear": f"""OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], {SPLIT},
        enable_global_explain = TRUE) AS SELECT x, parity, y FROM rows_""",
    "advanced": f"""OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], {SPLIT},
        calculate_p_values = TRUE, category_encoding_method = 'DUMMY_ENCODING')
        AS SELECT x, parity, y FROM rows_""",
    "logistic": f"""OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['big'], {SPLIT},
        enable_global_explain = TRUE) AS SELECT x, parity, big FROM rows_""",
    "classes": f"""OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['who'], {SPLIT})
        AS SELECT x, parity, who FROM rows_""",
    "trees": f"""OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['parity'],
        {SPLIT}, max_iterations = 2) AS SELECT x, flag, parity FROM rows_""",
    "clusters": """OPTIONS (model_type = 'KMEANS', num_clusters = 2)
        AS SELECT x, parity FROM rows_""",
    "components": """OPTIONS (model_type = 'PCA', num_principal_components = 2)
        AS SELECT x, y, parity FROM rows_""",
    "encoder": """OPTIONS (model_type = 'AUTOENCODER', hidden_units = [3, 2, 3],
        max_iterations = 1) AS SELECT x, parity FROM rows_""",
    "explicit": """OPTIONS (model_type = 'MATRIX_FACTORIZATION', user_col = 'who',
        item_col = 'what', rating_col = 'y', num_factors = 2) AS SELECT who, what, y FROM rows_""",
    "implicit": """OPTIONS (model_type = 'MATRIX_FACTORIZATION', user_col = 'who',
        item_col = 'what', rating_col = 'y', feedback_type = 'IMPLICIT', num_factors = 2)
        AS SELECT who, what, y FROM rows_""",
    "series": f"""OPTIONS (model_type = 'ARIMA_PLUS', {SERIES}, auto_arima_max_order = 1)
        AS SELECT day, sold FROM days WHERE shop = 'a'""",
    "shops": f"""OPTIONS (model_type = 'ARIMA_PLUS', {SERIES}, time_series_id_col = 'shop',
        holiday_region = 'US', auto_arima_max_order = 1) AS SELECT shop, day, sold FROM days""",
    "rainy": f"""OPTIONS (model_type = 'ARIMA_PLUS_XREG', {SERIES}, auto_arima_max_order = 1)
        AS SELECT day, sold, rain FROM days WHERE shop = 'a'""",
    "summed": """OPTIONS (model_type = 'CONTRIBUTION_ANALYSIS', contribution_metric = 'SUM(x)',
        is_test_col = 'big', dimension_id_cols = ['parity', 'flag'])
        AS SELECT x, big, parity, flag FROM rows_""",
    "ratio": """OPTIONS (model_type = 'CONTRIBUTION_ANALYSIS',
        contribution_metric = 'SUM(x)/SUM(y)', is_test_col = 'big', dimension_id_cols = ['parity'])
        AS SELECT x, y, big, parity FROM rows_""",
    "by_category": """OPTIONS (model_type = 'CONTRIBUTION_ANALYSIS',
        contribution_metric = 'SUM(x)/COUNT(DISTINCT who)', is_test_col = 'big',
        dimension_id_cols = ['parity']) AS SELECT x, who, big, parity FROM rows_""",
    "tuned": """OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], num_trials = 2,
        l2_reg = HPARAM_CANDIDATES([0, 1])) AS SELECT x, parity, y FROM rows_""",
}
"""What follows CREATE MODEL."""


class Case(NamedTuple):
    """A function and what Google documents of it.

    Attributes:
        function: Its name.
        call: A call of it.
        columns: Name and type of each column, in order.
        model: The model that the call names.
    """

    function: str
    call: str
    columns: Sequence[str]
    model: str | None = None


def of_model(function: str, model: str, arguments: str, *columns: str) -> Case:
    return Case(function, f"{function}(MODEL {model}{arguments})", columns, model)


def plain(function: str, arguments: str, *columns: str) -> Case:
    return Case(function, f"{function}({arguments})", columns)


def floats(*names: str) -> list[str]:
    return [f"{name} FLOAT64" for name in names]


REGRESSION = floats(
    "mean_absolute_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "r2_score",
    "explained_variance",
)
CLASSIFICATION = floats("precision", "recall", "accuracy", "f1_score")
SERIES_ERRORS = floats(
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "mean_absolute_percentage_error",
    "symmetric_mean_absolute_percentage_error",
    "mean_absolute_scaled_error",
)
X = ["x FLOAT64", "parity STRING"]
TAKEN = ", (SELECT x, parity FROM rows_)"
ATTRIBUTIONS = "top_feature_attributions ARRAY<STRUCT<feature STRING, attribution FLOAT64>>"
CATEGORIES = "ARRAY<STRUCT<category STRING, value FLOAT64>>"
FORECAST = [
    "forecast_timestamp TIMESTAMP",
    *floats(
        "forecast_value",
        "standard_error",
        "confidence_level",
        "prediction_interval_lower_bound",
        "prediction_interval_upper_bound",
        "confidence_interval_lower_bound",
        "confidence_interval_upper_bound",
    ),
]
EXPLAINED = [
    "time_series_timestamp TIMESTAMP",
    "time_series_type STRING",
    *floats(
        "time_series_data",
        "time_series_adjusted_data",
        "standard_error",
        "confidence_level",
        "prediction_interval_lower_bound",
        "prediction_interval_upper_bound",
        "trend",
        "seasonal_period_yearly",
        "seasonal_period_quarterly",
        "seasonal_period_monthly",
        "seasonal_period_weekly",
        "seasonal_period_daily",
        "holiday_effect",
        "spikes_and_dips",
        "step_changes",
        "residual",
    ),
]
ARIMA = [
    "non_seasonal_p INT64",
    "non_seasonal_d INT64",
    "non_seasonal_q INT64",
    "has_drift BOOL",
    "log_likelihood FLOAT64",
    "AIC FLOAT64",
    "variance FLOAT64",
    "seasonal_periods ARRAY<STRING>",
    "has_holiday_effect BOOL",
    "has_spikes_and_dips BOOL",
    "has_step_changes BOOL",
    "error_message STRING",
]
JUDGED = ["is_anomaly BOOL", *floats("lower_bound", "upper_bound", "anomaly_probability")]
DRIFT = [
    "input STRING",
    "metric STRING",
    "threshold FLOAT64",
    "value FLOAT64",
    "is_anomaly BOOL",
]
SUMMED = floats(
    "difference",
    "relative_difference",
    "unexpected_difference",
    "relative_unexpected_difference",
    "apriori_support",
    "contribution",
)
BY_COLUMN = "data_col => 'sold', timestamp_col => 'day'"
A = "(SELECT day, sold FROM days WHERE shop = 'a')"
PAST = "(SELECT * FROM days WHERE day < '2024-02-20')"
TO_COME = "(SELECT * FROM days WHERE day >= '2024-02-20')"
INTERVAL = floats("prediction_interval_lower_bound", "prediction_interval_upper_bound")

CASES = [
    of_model("ML.PREDICT", "linear", TAKEN, "predicted_y FLOAT64", *X),
    of_model(
        "ML.PREDICT",
        "logistic",
        TAKEN,
        "predicted_big BOOL",
        "predicted_big_probs ARRAY<STRUCT<label BOOL, prob FLOAT64>>",
        *X,
    ),
    of_model(
        "ML.PREDICT",
        "trees",
        ", (SELECT x, flag FROM rows_)",
        "predicted_parity STRING",
        "predicted_parity_probs ARRAY<STRUCT<label STRING, prob FLOAT64>>",
        "x FLOAT64",
        "flag BOOL",
    ),
    of_model(
        "ML.PREDICT",
        "clusters",
        TAKEN,
        "centroid_id INT64",
        "nearest_centroids_distance ARRAY<STRUCT<centroid_id INT64, distance FLOAT64>>",
        *X,
    ),
    of_model(
        "ML.PREDICT",
        "components",
        ", (SELECT x, y, parity FROM rows_)",
        *floats("principal_component_1", "principal_component_2"),
    ),
    of_model("ML.PREDICT", "encoder", TAKEN, *floats("latent_col_1", "latent_col_2"), *X),
    of_model("ML.EVALUATE", "linear", "", *REGRESSION),
    of_model("ML.EVALUATE", "encoder", "", *REGRESSION[:3]),
    of_model("ML.EVALUATE", "logistic", "", *CLASSIFICATION, *floats("log_loss", "roc_auc")),
    of_model("ML.EVALUATE", "classes", "", *CLASSIFICATION, *floats("log_loss", "roc_auc")),
    of_model(
        "ML.EVALUATE", "clusters", "", *floats("davies_bouldin_index", "mean_squared_distance")
    ),
    of_model("ML.EVALUATE", "components", "", *floats("total_explained_variance_ratio")),
    of_model("ML.EVALUATE", "explicit", "", *REGRESSION),
    of_model(
        "ML.EVALUATE",
        "implicit",
        "",
        *floats(
            "mean_average_precision",
            "mean_squared_error",
            "normalized_discounted_cumulative_gain",
            "average_rank",
        ),
    ),
    of_model("ML.EVALUATE", "series", f", {A}", *SERIES_ERRORS),
    of_model(
        "ML.EVALUATE",
        "shops",
        ", TABLE days, STRUCT(FALSE AS perform_aggregation)",
        "shop STRING",
        "day DATE",
        *floats(
            "sold",
            "forecasted_sold",
            "lower_bound",
            "upper_bound",
            "absolute_error",
            "absolute_percentage_error",
        ),
    ),
    of_model("ML.EVALUATE", "tuned", "", "trial_id INT64", *REGRESSION),
    of_model("ML.RECONSTRUCTION_LOSS", "encoder", TAKEN, *REGRESSION[:3], *X),
    of_model(
        "ML.CONFUSION_MATRIX",
        "logistic",
        "",
        "expected_label BOOL",
        "false INT64",
        "true INT64",
    ),
    of_model(
        "ML.CONFUSION_MATRIX",
        "trees",
        "",
        "expected_label STRING",
        "even INT64",
        "odd INT64",
    ),
    of_model(
        "ML.ROC_CURVE",
        "logistic",
        ", GENERATE_ARRAY(0, 1, 0.5)",
        *floats("threshold", "recall", "false_positive_rate"),
        "true_positives INT64",
        "false_positives INT64",
        "true_negatives INT64",
        "false_negatives INT64",
    ),
    of_model(
        "ML.TRAINING_INFO",
        "logistic",
        "",
        "training_run INT64",
        "iteration INT64",
        *floats("loss", "eval_loss", "learning_rate"),
        "duration_ms INT64",
    ),
    of_model(
        "ML.TRAINING_INFO",
        "clusters",
        "",
        "training_run INT64",
        "iteration INT64",
        *floats("loss", "learning_rate"),
        "duration_ms INT64",
        "cluster_info ARRAY<STRUCT<centroid_id INT64, cluster_radius FLOAT64, cluster_size INT64>>",
    ),
    of_model(
        "ML.TRIAL_INFO",
        "tuned",
        "",
        "trial_id INT64",
        "hyperparameters STRUCT<l2_reg FLOAT64>",
        "hparam_tuning_evaluation_metrics STRUCT<r2_score FLOAT64>",
        *floats("training_loss", "eval_loss"),
        "status STRING",
        "error_message STRING",
        "is_optimal BOOL",
    ),
    of_model(
        "ML.FEATURE_INFO",
        "linear",
        "",
        "input STRING",
        *floats("min", "max", "mean", "median", "stddev"),
        "category_count INT64",
        "null_count INT64",
        "dimension INT64",
    ),
    of_model(
        "ML.WEIGHTS",
        "linear",
        "",
        "processed_input STRING",
        "weight FLOAT64",
        "category_weights ARRAY<STRUCT<category STRING, weight FLOAT64>>",
    ),
    of_model(
        "ML.WEIGHTS",
        "classes",
        "",
        "processed_input STRING",
        "weight FLOAT64",
        "category_weights ARRAY<STRUCT<category STRING, weight FLOAT64>>",
        "class_label STRING",
    ),
    of_model(
        "ML.WEIGHTS",
        "explicit",
        "",
        "processed_input STRING",
        "feature STRING",
        "factor_weights ARRAY<STRUCT<factor INT64, weight FLOAT64>>",
        "intercept FLOAT64",
    ),
    of_model(
        "ML.ADVANCED_WEIGHTS",
        "advanced",
        "",
        "processed_input STRING",
        "category STRING",
        *floats("weight", "standard_error", "p_value"),
    ),
    of_model(
        "ML.CENTROIDS",
        "clusters",
        "",
        "centroid_id INT64",
        "feature STRING",
        "numerical_value FLOAT64",
        "categorical_value ARRAY<STRUCT<category STRING, value STRING>>",
        "geography_value STRING",
    ),
    of_model(
        "ML.PRINCIPAL_COMPONENTS",
        "components",
        "",
        "principal_component_id INT64",
        "feature STRING",
        "numerical_value FLOAT64",
        f"categorical_value {CATEGORIES}",
    ),
    of_model(
        "ML.PRINCIPAL_COMPONENT_INFO",
        "components",
        "",
        "principal_component_id INT64",
        *floats("eigenvalue", "explained_variance_ratio", "cumulative_explained_variance_ratio"),
    ),
    of_model(
        "ML.RECOMMEND",
        "explicit",
        "",
        "predicted_y FLOAT64",
        "who STRING",
        "what STRING",
    ),
    of_model(
        "ML.RECOMMEND",
        "implicit",
        "",
        "predicted_y_confidence FLOAT64",
        "who STRING",
        "what STRING",
    ),
    of_model(
        "ML.GENERATE_EMBEDDING",
        "components",
        ", (SELECT x, y, parity FROM rows_)",
        "ml_generate_embedding_result ARRAY<FLOAT64>",
        *floats("x", "y"),
        "parity STRING",
    ),
    of_model(
        "ML.GENERATE_EMBEDDING",
        "explicit",
        "",
        "ml_generate_embedding_result ARRAY<FLOAT64>",
        "processed_input STRING",
        "feature STRING",
    ),
    of_model(
        "AI.GENERATE_EMBEDDING",
        "components",
        ", (SELECT x, y, parity FROM rows_)",
        "embedding ARRAY<FLOAT64>",
        *floats("x", "y"),
        "parity STRING",
    ),
    of_model(
        "ML.DETECT_ANOMALIES",
        "clusters",
        f", STRUCT(0.1 AS contamination){TAKEN}",
        "is_anomaly BOOL",
        "normalized_distance FLOAT64",
        "centroid_id INT64",
        *X,
    ),
    of_model(
        "ML.DETECT_ANOMALIES",
        "components",
        ", STRUCT(0.1 AS contamination), (SELECT x, y, parity FROM rows_)",
        "is_anomaly BOOL",
        *floats("mean_squared_error", "x", "y"),
        "parity STRING",
    ),
    of_model(
        "ML.DETECT_ANOMALIES",
        "shops",
        ", STRUCT(0.9 AS anomaly_prob_threshold)",
        "shop STRING",
        "day TIMESTAMP",
        "sold FLOAT64",
        *JUDGED,
    ),
    of_model("ML.FORECAST", "series", "", *FORECAST),
    of_model("ML.FORECAST", "shops", "", "shop STRING", *FORECAST),
    of_model("ML.EXPLAIN_FORECAST", "series", "", *EXPLAINED),
    of_model(
        "ML.EXPLAIN_FORECAST",
        "rainy",
        ", STRUCT(3 AS horizon), (SELECT DATE_ADD(DATE '2024-03-01', INTERVAL n DAY) AS day, "
        "1.0 AS rain FROM UNNEST([0, 1, 2]) AS n)",
        *EXPLAINED,
        "attribution_rain FLOAT64",
    ),
    of_model("ML.ARIMA_EVALUATE", "series", "", *ARIMA),
    of_model("ML.ARIMA_EVALUATE", "shops", "", "shop STRING", *ARIMA),
    of_model(
        "ML.ARIMA_COEFFICIENTS",
        "series",
        "",
        "ar_coefficients ARRAY<FLOAT64>",
        "ma_coefficients ARRAY<FLOAT64>",
        "intercept_or_drift FLOAT64",
    ),
    of_model(
        "ML.ARIMA_COEFFICIENTS",
        "rainy",
        "",
        "ar_coefficients ARRAY<FLOAT64>",
        "ma_coefficients ARRAY<FLOAT64>",
        "intercept_or_drift FLOAT64",
        "processed_input STRING",
        "weight FLOAT64",
        "category_weights ARRAY<STRUCT<category STRING, weight FLOAT64>>",
    ),
    of_model(
        "ML.HOLIDAY_INFO",
        "shops",
        "",
        "region STRING",
        "holiday_name STRING",
        "primary_date DATE",
        "preholiday_days INT64",
        "postholiday_days INT64",
    ),
    of_model(
        "ML.EXPLAIN_PREDICT",
        "linear",
        TAKEN,
        "predicted_y FLOAT64",
        ATTRIBUTIONS,
        *floats("baseline_prediction_value", "prediction_value", "approximation_error"),
        *X,
    ),
    of_model(
        "ML.EXPLAIN_PREDICT",
        "logistic",
        TAKEN,
        "predicted_big BOOL",
        "probability FLOAT64",
        ATTRIBUTIONS,
        *floats("baseline_prediction_value", "prediction_value", "approximation_error"),
        *X,
    ),
    of_model("ML.GLOBAL_EXPLAIN", "linear", "", "feature STRING", "attribution FLOAT64"),
    of_model(
        "ML.GLOBAL_EXPLAIN",
        "logistic",
        ", STRUCT(TRUE AS class_level_explain)",
        "class_label STRING",
        "feature STRING",
        "attribution FLOAT64",
    ),
    of_model(
        "ML.FEATURE_IMPORTANCE",
        "trees",
        "",
        "feature STRING",
        *floats("importance_weight", "importance_gain", "importance_cover"),
    ),
    of_model(
        "ML.GET_INSIGHTS",
        "summed",
        "",
        "contributors ARRAY<STRING>",
        "parity STRING",
        "flag BOOL",
        *floats("metric_test", "metric_control"),
        *SUMMED,
    ),
    of_model(
        "ML.GET_INSIGHTS",
        "ratio",
        "",
        "contributors ARRAY<STRING>",
        "parity STRING",
        *floats(
            "metric_test",
            "metric_control",
            "metric_test_over_metric_control",
            "metric_test_over_complement",
            "metric_control_over_complement",
            "aumann_shapley_attribution",
            "apriori_support",
            "contribution",
        ),
    ),
    of_model(
        "ML.GET_INSIGHTS",
        "by_category",
        "",
        "contributors ARRAY<STRING>",
        "parity STRING",
        *floats(
            "metric_test",
            "metric_control",
            "difference",
            "relative_difference",
            "metric_test_over_population",
            "metric_control_over_population",
            "apriori_support",
            "contribution",
        ),
    ),
    of_model("ML.VALIDATE_DATA_SKEW", "linear", TAKEN, *DRIFT),
    plain("ML.VALIDATE_DATA_DRIFT", f"TABLE rows_{TAKEN}, STRUCT()", *DRIFT),
    plain(
        "ML.DESCRIBE_DATA",
        "(SELECT x, parity FROM rows_), STRUCT(3 AS num_quantiles)",
        "name STRING",
        "num_rows INT64",
        "num_values INT64",
        "num_nulls INT64",
        "num_zeros INT64",
        "min STRING",
        "max STRING",
        *floats("mean", "stddev", "median"),
        "quantiles ARRAY<FLOAT64>",
        "unique INT64",
        "avg_string_length FLOAT64",
        "top_values ARRAY<STRUCT<value STRING, count INT64>>",
        "min_array_length INT64",
        "max_array_length INT64",
        "avg_array_length FLOAT64",
        "total_array_length INT64",
        "array_length_quantiles ARRAY<INT64>",
        "dimension INT64",
    ),
    plain("ML.TFDV_DESCRIBE", "TABLE rows_", "dataset_feature_statistics_list JSON"),
    plain(
        "ML.METRICS",
        "TABLE rows_, predicted_col => 'y', actual_col => 'x', task_type => 'regression'",
        *REGRESSION,
    ),
    plain(
        "ML.METRICS",
        "TABLE rows_, predicted_col => 'big', actual_col => 'flag', task_type => 'classification'",
        *CLASSIFICATION,
    ),
    plain(
        "ML.CORRELATION",
        "TABLE rows_, target_col => 'y', target_correlation_cols => ['x', 'id'], "
        "dimension_cols => ['parity', 'flag']",
        "segment ARRAY<STRUCT<dimension_col STRING, dimension_value JSON>>",
        "parity STRING",
        "flag BOOL",
        "target_col STRING",
        "corr_col STRING",
        "correlation FLOAT64",
        "segment_size INT64",
        "segment_proportion FLOAT64",
    ),
    plain(
        "ML.TREND",
        f"TABLE days, {BY_COLUMN}, id_cols => ['shop']",
        "shop STRING",
        "day TIMESTAMP",
        "time_series_type STRING",
        *floats("sold", "trend"),
        "status STRING",
    ),
    plain(
        "ML.SEASONALITY",
        f"{A}, {BY_COLUMN}",
        "day TIMESTAMP",
        "time_series_type STRING",
        *floats("sold", "yearly", "quarterly", "monthly", "weekly", "daily"),
        "status STRING",
    ),
    plain(
        "ML.SEASONALITY",
        f"{A}, {BY_COLUMN}, seasonalities => ['WEEKLY', 'YEARLY']",
        "day TIMESTAMP",
        "time_series_type STRING",
        *floats("sold", "yearly", "weekly"),
        "status STRING",
    ),
    plain(
        "ML.DETECT_CHANGE_POINTS",
        f"TABLE days, {BY_COLUMN}, id_cols => ['shop']",
        "shop STRING",
        "begin_timestamp TIMESTAMP",
        "end_timestamp TIMESTAMP",
        "metrics STRUCT<avg FLOAT64, min FLOAT64, max FLOAT64, stddev FLOAT64, count INT64>",
        "status STRING",
    ),
    plain(
        "ML.FEATURES_AT_TIME",
        "TABLE features, time => '2024-01-01 05:00:00+00'",
        "entity_id STRING",
        "f INT64",
        "feature_timestamp TIMESTAMP",
    ),
    plain(
        "ML.ENTITY_FEATURES_AT_TIME",
        "TABLE features, (SELECT '1' AS entity_id, TIMESTAMP '2024-01-01 05:00:00' AS time)",
        "entity_id STRING",
        "f INT64",
        "feature_timestamp TIMESTAMP",
    ),
    plain(
        "AI.FORECAST",
        f"TABLE days, {BY_COLUMN}, id_cols => ['shop']",
        "shop STRING",
        "forecast_timestamp TIMESTAMP",
        *floats("forecast_value", "confidence_level"),
        *INTERVAL,
        "ai_forecast_status STRING",
    ),
    plain(
        "AI.FORECAST",
        f"{A}, {BY_COLUMN}, output_historical_time_series => TRUE",
        "time_series_type STRING",
        "time_series_timestamp TIMESTAMP",
        *floats("time_series_data", "confidence_level"),
        *INTERVAL,
        "ai_forecast_status STRING",
    ),
    plain(
        "AI.DETECT_ANOMALIES",
        f"{PAST}, {TO_COME}, {BY_COLUMN}, id_cols => ['shop']",
        "shop STRING",
        "time_series_timestamp TIMESTAMP",
        "time_series_data FLOAT64",
        *JUDGED,
        "ai_detect_anomalies_status STRING",
    ),
    plain(
        "AI.EVALUATE",
        f"{PAST}, {TO_COME}, {BY_COLUMN}, id_cols => ['shop']",
        "shop STRING",
        *SERIES_ERRORS,
        "ai_evaluate_status STRING",
    ),
    plain(
        "AI.EVALUATE",
        "(SELECT x, parity, y FROM rows_), (SELECT x, parity, y FROM rows_), label_col => 'y'",
        *REGRESSION,
    ),
    plain(
        "AI.EVALUATE",
        "(SELECT x, big AS label FROM rows_), (SELECT x, big AS label FROM rows_)",
        *CLASSIFICATION,
    ),
    plain(
        "AI.CAUSAL_EFFECT",
        f"TABLE days, {BY_COLUMN}, id_cols => ['shop'], "
        "intervention_timestamp => TIMESTAMP '2024-02-20'",
        "shop STRING",
        *floats("p_value", "prob_causal_effect", "absolute_effect", "relative_effect"),
        "status STRING",
    ),
    plain(
        "AI.CAUSAL_EFFECT",
        f"{A}, {BY_COLUMN}, intervention_timestamp => '2024-02-20', output_time_series => TRUE",
        *floats("p_value", "prob_causal_effect", "absolute_effect", "relative_effect"),
        "status STRING",
        "day TIMESTAMP",
        "is_post_intervention BOOL",
        *floats("sold", "predicted_sold", "lower_bound", "upper_bound"),
    ),
    plain(
        "AI.PREDICT",
        "(SELECT x, parity, id AS label FROM rows_), (SELECT x, parity FROM rows_)",
        *X,
        "predicted_label INT64",
    ),
    plain(
        "AI.PREDICT",
        "(SELECT x, big FROM rows_), (SELECT x, parity FROM rows_), label_col => 'big'",
        *X,
        "predicted_big BOOL",
        "predicted_big_probs ARRAY<STRUCT<label STRING, prob FLOAT64>>",
    ),
    plain(
        "AI.KEY_DRIVERS",
        "TABLE rows_, metric_col => 'x', dimension_cols => ['parity', 'flag'], "
        "interest_label_col => 'big'",
        "drivers ARRAY<STRING>",
        "parity STRING",
        "flag BOOL",
        *floats("metric_interest", "metric_reference"),
        *SUMMED,
    ),
    plain(
        "VECTOR_SEARCH",
        "(SELECT id, embedding FROM rows_), 'embedding', "
        "(SELECT [1.0, 2.0] AS embedding, 'a' AS name)",
        "query STRUCT<embedding ARRAY<FLOAT64>, name STRING>",
        "base STRUCT<id INT64, embedding ARRAY<FLOAT64>>",
        "distance FLOAT64",
    ),
    plain(
        "VECTOR_SEARCH",
        "(SELECT id, embedding FROM rows_), 'embedding', query_value => [1.0, 2.0]",
        "base STRUCT<id INT64, embedding ARRAY<FLOAT64>>",
        "distance FLOAT64",
    ),
]

Ask = Callable[[str], Sequence[bigquery.SchemaField]]


@pytest.fixture(scope="module")
def ask(client: bigquery.Client) -> Iterator[Ask]:
    """Runs a query in a dataset with the tables; its columns."""
    client.create_dataset("documented")
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.documented")

    def columns(sql: str) -> Sequence[bigquery.SchemaField]:
        return client.query(sql, job_config=config, job_retry=None).result().schema

    for name, rows in (("rows_", ROWS), ("days", DAYS), ("features", FEATURES)):
        columns(f"CREATE TABLE {name} AS {rows}")
    yield columns
    client.delete_dataset("documented", delete_contents=True)


@pytest.fixture(scope="module")
def train(ask: Ask) -> Callable[[str], None]:
    """Trains a model of `MODELS` when it is first needed."""
    trained: set[str] = set()

    def once(name: str) -> None:
        if name not in trained:
            ask(f"CREATE MODEL {name} {MODELS[name]}")
            trained.add(name)

    return once


def written(field: bigquery.SchemaField) -> str:
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    kind = names.get(field.field_type, field.field_type)
    if field.field_type in ("RECORD", "STRUCT"):
        parts = ", ".join(f"{part.name} {written(part)}" for part in field.fields)
        kind = f"STRUCT<{parts}>"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            marks=pytest.mark.covers(case.function),
            id=f"{case.function} {case.model or ''} {place}",
        )
        for place, case in enumerate(CASES)
    ],
)
def test_a_function_gives_the_columns_that_google_documents(
    ask: Ask, train: Callable[[str], None], case: Case
) -> None:
    if case.model is not None:
        train(case.model)

    columns = [f"{field.name} {written(field)}" for field in ask(f"SELECT * FROM {case.call}")]

    assert columns == list(case.columns)


def test_every_function_has_its_documented_columns_here() -> None:
    assert sorted(set(bqml.FUNCTIONS) - {case.function for case in CASES}) == []
