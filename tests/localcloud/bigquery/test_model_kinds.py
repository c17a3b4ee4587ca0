"""Kinds of models through SQL: trained, asked and explained with Google's client."""

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

pytestmark = pytest.mark.usefixtures("passengers")


def model(client: bigquery.Client, dataset: str, name: str) -> bigquery.Model:
    return client.get_model(f"{PROJECT}.{dataset}.{name}")


def test_a_random_forest(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(
        "CREATE MODEL forest OPTIONS (model_type = 'RANDOM_FOREST_CLASSIFIER', "
        "input_label_cols = ['survived'], num_parallel_tree = 10) AS "
        "SELECT * EXCEPT (points) FROM shared.passengers"
    )

    [scores] = run("SELECT * FROM ML.EVALUATE(MODEL forest)")
    importance = run("SELECT * FROM ML.FEATURE_IMPORTANCE(MODEL forest)")
    assert model(client, dataset, "forest").model_type == "RANDOM_FOREST_CLASSIFIER"
    assert scores["roc_auc"] > 0.99
    assert {row["feature"] for row in importance} == {"class", "age", "fare"}


def test_k_means(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(
        "CREATE MODEL clusters OPTIONS (model_type = 'KMEANS', num_clusters = 3) AS "
        "SELECT class, age FROM shared.passengers"
    )

    [row] = run(
        "SELECT centroid_id, (SELECT MIN(d.distance) FROM UNNEST(nearest_centroids_distance) AS d) "
        "AS distance, age, extra FROM ML.PREDICT(MODEL clusters, "
        "(SELECT 'a' AS class, 10 AS age, 'kept' AS extra))"
    )
    centroids = run(
        "SELECT centroid_id, COUNT(*) AS n FROM ML.CENTROIDS(MODEL clusters) GROUP BY 1"
    )
    [scores] = run("SELECT * FROM ML.EVALUATE(MODEL clusters)")
    iterations = run(
        "SELECT iteration, (SELECT SUM(c.cluster_size) FROM UNNEST(cluster_info) AS c) AS n "
        "FROM ML.TRAINING_INFO(MODEL clusters) ORDER BY iteration"
    )
    anomalies = run(
        "SELECT is_anomaly, normalized_distance, centroid_id, age FROM "
        "ML.DETECT_ANOMALIES(MODEL clusters, STRUCT(0.1 AS contamination), "
        "(SELECT class, age FROM shared.passengers))"
    )
    assert row["centroid_id"] in (1, 2, 3)
    assert (row["age"], row["extra"]) == (10, "kept")
    assert sorted((c["centroid_id"], c["n"]) for c in centroids) == [(1, 2), (2, 2), (3, 2)]
    assert list(scores) == ["davies_bouldin_index", "mean_squared_distance"]
    assert {i["n"] for i in iterations} == {300}
    assert sum(a["is_anomaly"] for a in anomalies) == 30
    found = model(client, dataset, "clusters")
    assert found.model_type == "KMEANS"
    assert [column.name for column in found.feature_columns] == ["class", "age"]
    assert list(found.label_columns) == []


def test_k_means_with_transform_keeps_the_columns_before_it(run: Run) -> None:
    run(
        "CREATE MODEL clusters TRANSFORM (ML.MIN_MAX_SCALER(age) OVER () AS scaled) "
        "OPTIONS (model_type = 'KMEANS', num_clusters = 2) AS SELECT age FROM shared.passengers"
    )

    [row] = run("SELECT * FROM ML.PREDICT(MODEL clusters, (SELECT 10 AS age))")
    [anomaly] = run(
        "SELECT * FROM ML.DETECT_ANOMALIES(MODEL clusters, STRUCT(0.1 AS contamination), "
        "(SELECT 10 AS age))"
    )

    assert list(row) == ["centroid_id", "nearest_centroids_distance", "age"]
    assert list(anomaly) == ["is_anomaly", "normalized_distance", "centroid_id", "age"]


def test_principal_components(run: Run) -> None:
    run(
        "CREATE MODEL parts OPTIONS (model_type = 'PCA', num_principal_components = 2) AS "
        "SELECT class, age, points FROM shared.passengers"
    )

    one = "(SELECT 'a' AS class, 10 AS age, 21.0 AS points)"
    [own] = run(f"SELECT * FROM ML.PREDICT(MODEL parts, {one})")
    [both] = run(
        f"SELECT * FROM ML.PREDICT(MODEL parts, {one}, STRUCT(TRUE AS keep_original_columns))"
    )
    [embedded] = run(f"SELECT * FROM ML.GENERATE_EMBEDDING(MODEL parts, {one})")
    [of_ai] = run(f"SELECT * FROM AI.GENERATE_EMBEDDING(MODEL parts, {one})")
    info = run("SELECT * FROM ML.PRINCIPAL_COMPONENT_INFO(MODEL parts)")
    parts = run("SELECT * FROM ML.PRINCIPAL_COMPONENTS(MODEL parts) WHERE feature = 'class'")
    [scores] = run("SELECT * FROM ML.EVALUATE(MODEL parts)")
    assert list(own) == ["principal_component_1", "principal_component_2"]
    assert list(both) == [*own, "class", "age", "points"]
    assert embedded["ml_generate_embedding_result"] == list(own.values())
    assert of_ai["embedding"] == list(own.values())
    assert [row["principal_component_id"] for row in info] == [0, 1]
    assert [entry["category"] for entry in parts[0]["categorical_value"]] == ["a", "b", "c"]
    total = info[1]["cumulative_explained_variance_ratio"]
    assert scores == {"total_explained_variance_ratio": pytest.approx(total)}


def test_components_with_transform_leave_out_the_input_too(run: Run) -> None:
    run(
        "CREATE MODEL parts TRANSFORM (age + points AS both_of_them, points) "
        "OPTIONS (model_type = 'PCA', num_principal_components = 1) AS "
        "SELECT age, points FROM shared.passengers"
    )
    one = "(SELECT 10 AS age, 21.0 AS points)"

    [own] = run(f"SELECT * FROM ML.PREDICT(MODEL parts, {one})")
    [both] = run(
        f"SELECT * FROM ML.PREDICT(MODEL parts, {one}, STRUCT(TRUE AS keep_original_columns))"
    )

    assert list(own) == ["principal_component_1"]
    assert list(both) == ["principal_component_1", "age", "points"]


def test_a_transform_only_model_feeds_another(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(
        "CREATE MODEL prepared TRANSFORM (points, ML.STANDARD_SCALER(age) OVER () AS age_scaled, "
        "class) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM shared.passengers"
    )
    run(
        "CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['points']) AS "
        "SELECT * FROM ML.TRANSFORM(MODEL prepared, TABLE shared.passengers)"
    )

    [scores] = run("SELECT r2_score FROM ML.EVALUATE(MODEL line)")
    info = run("SELECT input, mean FROM ML.FEATURE_INFO(MODEL prepared) ORDER BY input")
    assert scores["r2_score"] > 0.999
    assert info == [
        {"input": "age", "mean": 150.5},
        {"input": "class", "mean": None},
        {"input": "points", "mean": 302.0},
    ]
    assert model(client, dataset, "prepared").model_type == "TRANSFORM_ONLY"
    with pytest.raises(BadRequest, match=r"TRANSFORM_ONLY; use ML\.TRANSFORM"):
        run("SELECT * FROM ML.PREDICT(MODEL prepared, TABLE shared.passengers)")


def test_a_transform_only_model_without_transform_is_refused(run: Run) -> None:
    with pytest.raises(BadRequest, match="needs a TRANSFORM clause"):
        run(
            "CREATE MODEL prepared OPTIONS (model_type = 'TRANSFORM_ONLY') AS "
            "SELECT * FROM shared.passengers"
        )


@pytest.mark.parametrize(
    ("feedback", "column"),
    [("EXPLICIT", "predicted_rating"), ("IMPLICIT", "predicted_rating_confidence")],
)
def test_matrix_factorization(
    client: bigquery.Client, dataset: str, run: Run, feedback: str, column: str
) -> None:
    run(
        "CREATE MODEL tastes OPTIONS (model_type = 'MATRIX_FACTORIZATION', num_factors = 2, "
        f"feedback_type = '{feedback}') AS SELECT user, CONCAT('i', item) AS item, "
        "1.0 + MOD(user * item, 5) AS rating FROM UNNEST(GENERATE_ARRAY(1, 12)) AS user, "
        "UNNEST(GENERATE_ARRAY(1, 9)) AS item"
    )

    every = run("SELECT * FROM ML.RECOMMEND(MODEL tastes)")
    of_two = run("SELECT * FROM ML.RECOMMEND(MODEL tastes, (SELECT 3 AS user UNION ALL SELECT 4))")
    [scores] = run("SELECT * FROM ML.EVALUATE(MODEL tastes)")
    [weights] = run("SELECT * FROM ML.WEIGHTS(MODEL tastes) WHERE feature = 'i3'")
    [embedded] = run("SELECT * FROM ML.GENERATE_EMBEDDING(MODEL tastes) WHERE feature = 'i3'")
    assert (len(every), list(every[0])) == (108, [column, "user", "item"])
    assert (len(of_two), {row["user"] for row in of_two}) == (18, {3, 4})
    assert ("average_rank" in scores) == (feedback == "IMPLICIT")
    assert [entry["factor"] for entry in weights["factor_weights"]] == [1, 2]
    assert embedded["ml_generate_embedding_result"][2] == weights["intercept"]
    found = model(client, dataset, "tastes")
    assert [c.name for c in found.feature_columns] == ["user", "item"]
    assert [c.name for c in found.label_columns] == [column]


def test_time_series(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(
        "CREATE MODEL sales OPTIONS (model_type = 'ARIMA_PLUS', time_series_timestamp_col = 'day', "
        "time_series_data_col = 'y', time_series_id_col = 'shop', horizon = 30, "
        "auto_arima_max_order = 1) AS SELECT DATE_ADD('2024-01-01', INTERVAL n DAY) AS day, shop, "
        "IF(shop = 'a', 10, 100) + MOD(n, 7) + 0.1 * MOD(n * 7919, 13) AS y "
        "FROM UNNEST(GENERATE_ARRAY(0, 69)) AS n, UNNEST(['a', 'b']) AS shop"
    )

    forecasts = run(
        "SELECT * FROM ML.FORECAST(MODEL sales, STRUCT(7 AS horizon, 0.8 AS confidence_level))"
    )
    parts = run(
        "SELECT * FROM ML.EXPLAIN_FORECAST(MODEL sales, STRUCT(7 AS horizon)) "
        "WHERE time_series_type = 'forecast'"
    )
    orders = run("SELECT * FROM ML.ARIMA_EVALUATE(MODEL sales)")
    coefficients = run("SELECT * FROM ML.ARIMA_COEFFICIENTS(MODEL sales)")
    past = run(
        "SELECT * FROM ML.DETECT_ANOMALIES(MODEL sales, STRUCT(0.9 AS anomaly_prob_threshold))"
    )
    [new] = run(
        "SELECT * FROM ML.DETECT_ANOMALIES(MODEL sales, STRUCT(0.9 AS anomaly_prob_threshold), "
        "(SELECT DATE '2024-03-11' AS day, 'a' AS shop, 99.0 AS y))"
    )
    judged = run(
        "SELECT * FROM ML.EVALUATE(MODEL sales, (SELECT DATE '2024-03-11' AS day, 'a' AS shop, "
        "12.0 AS y), STRUCT(TRUE AS perform_aggregation))"
    )
    assert [row["shop"] for row in forecasts] == ["a"] * 7 + ["b"] * 7
    assert forecasts[0]["forecast_timestamp"].isoformat() == "2024-03-11T00:00:00+00:00"
    assert forecasts[0]["confidence_level"] == 0.8
    assert parts[0]["seasonal_period_weekly"] is not None
    assert [row["seasonal_periods"] for row in orders] == [["WEEKLY"], ["WEEKLY"]]
    assert len(coefficients) == 2
    assert len(past) == 140
    assert new["is_anomaly"] is True
    assert list(judged[0])[:2] == ["shop", "mean_absolute_error"]
    assert model(client, dataset, "sales").model_type == "ARIMA_PLUS"


def test_custom_holidays(run: Run) -> None:
    run(
        "CREATE MODEL parties OPTIONS (model_type = 'ARIMA_PLUS', "
        "time_series_timestamp_col = 'day', time_series_data_col = 'y', horizon = 5, "
        "auto_arima_max_order = 1) AS (training_data AS (SELECT "
        "DATE_ADD('2022-01-01', INTERVAL n DAY) AS day, 10 + MOD(n, 7) + "
        "IF(EXTRACT(DAYOFYEAR FROM DATE_ADD('2022-01-01', INTERVAL n DAY)) = 100, 50, 0) + "
        "0.1 * MOD(n * 7919, 13) AS y FROM UNNEST(GENERATE_ARRAY(0, 729)) AS n), "
        "custom_holiday AS (SELECT 'US' AS region, 'OurDay' AS holiday_name, primary_date "
        "FROM UNNEST([DATE '2022-04-10', DATE '2023-04-10']) AS primary_date))"
    )

    rows = run(
        "SELECT MAX(holiday_effect_OurDay) AS effect FROM ML.EXPLAIN_FORECAST(MODEL parties)"
    )
    info = run("SELECT holiday_name, preholiday_days FROM ML.HOLIDAY_INFO(MODEL parties)")

    assert rows[0]["effect"] > 30
    assert info == [{"holiday_name": "OurDay", "preholiday_days": 1}] * 2


def test_contribution_analysis(run: Run) -> None:
    run(
        "CREATE MODEL why OPTIONS (model_type = 'CONTRIBUTION_ANALYSIS', is_test_col = 'survived', "
        "contribution_metric = 'SUM(age)', dimension_id_cols = ['class']) AS "
        "SELECT class, age, survived FROM shared.passengers"
    )

    rows = run("SELECT contributors, class, contribution FROM ML.GET_INSIGHTS(MODEL why)")

    assert rows[0]["contributors"] == ["all"]
    assert sorted(row["class"] for row in rows[1:]) == ["a", "b", "c"]


def test_hyperparameter_tuning(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(
        "CREATE MODEL tuned OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', num_trials = 3, "
        "input_label_cols = ['survived'], max_iterations = 2, "
        "max_tree_depth = HPARAM_RANGE(1, 3), subsample = HPARAM_CANDIDATES([0.5, 1.0]), "
        "hparam_tuning_objectives = ['LOG_LOSS']) AS SELECT survived, class, age "
        "FROM shared.passengers"
    )

    trials = run("SELECT * FROM ML.TRIAL_INFO(MODEL tuned) ORDER BY trial_id")
    scores = run("SELECT trial_id, log_loss FROM ML.EVALUATE(MODEL tuned)")
    [row] = run(
        "SELECT * FROM ML.PREDICT(MODEL tuned, (SELECT 'a' AS class, 290 AS age), "
        "STRUCT(2 AS trial_id))"
    )
    found = model(client, dataset, "tuned").to_api_repr()
    assert [trial["trial_id"] for trial in trials] == [1, 2, 3]
    assert list(trials[0]["hyperparameters"]) == ["max_tree_depth", "subsample"]
    assert len(scores) == 3
    assert (row["trial_id"], row["age"]) == (2, 290)
    assert len(found["hparamTrials"]) == 3
    assert found["defaultTrialId"] in found["optimalTrialIds"]


def test_a_neural_network(run: Run) -> None:
    run(
        "CREATE MODEL network OPTIONS (model_type = 'DNN_CLASSIFIER', hidden_units = [8], "
        "learn_rate = 0.05, batch_size = 16, input_label_cols = ['survived'], "
        "early_stop = FALSE) AS SELECT survived, class, age FROM shared.passengers"
    )

    [scores] = run("SELECT roc_auc FROM ML.EVALUATE(MODEL network)")
    assert scores["roc_auc"] > 0.99


@pytest.mark.covers("DNN_LINEAR_COMBINED_REGRESSOR", "ML.EXPLAIN_PREDICT")
def test_a_wide_and_deep_network_whose_parts_learn_at_their_own_rates(
    run: Run, client: bigquery.Client, dataset: str
) -> None:
    run(
        "CREATE MODEL network OPTIONS (model_type = 'DNN_LINEAR_COMBINED_REGRESSOR', "
        "hidden_units = [8], optimizer = [STRUCT('dnn', 'ADAM'), STRUCT('linear', 'SGD')], "
        "learn_rate = [STRUCT('dnn', 0.01), STRUCT('linear', 0.05)], batch_size = 16, "
        "input_label_cols = ['age']) AS SELECT survived, class, age FROM shared.passengers"
    )

    [row] = run(
        "SELECT * FROM ML.EXPLAIN_PREDICT(MODEL network, (SELECT TRUE AS survived, 'a' AS class), "
        "STRUCT(20 AS integrated_gradients_num_steps))"
    )
    options = model(client, dataset, "network").to_api_repr()["trainingRuns"][0]["trainingOptions"]
    assert list(row) == [
        "predicted_age",
        "top_feature_attributions",
        "baseline_prediction_value",
        "prediction_value",
        "approximation_error",
        "survived",
        "class",
    ]
    assert (options["optimizer"], options["learnRate"]) == ("ADAM", 0.01)


@pytest.mark.covers("AUTOENCODER", "ML.RECONSTRUCTION_LOSS", "ML.DETECT_ANOMALIES")
def test_an_autoencoder(run: Run, client: bigquery.Client, dataset: str) -> None:
    run(
        "CREATE MODEL narrow OPTIONS (model_type = 'AUTOENCODER', hidden_units = [4, 2, 4], "
        "activation_fn = 'TANH', learn_rate = 0.01, max_iterations = 5) "
        "AS SELECT class, age FROM shared.passengers"
    )
    rows = "(SELECT class, age, survived FROM shared.passengers)"

    predicted = run(f"SELECT * FROM ML.PREDICT(MODEL narrow, {rows}) LIMIT 1")
    lost = run(f"SELECT * FROM ML.RECONSTRUCTION_LOSS(MODEL narrow, {rows}) LIMIT 1")
    [embedded] = run(
        f"SELECT ARRAY_LENGTH(embedding) AS size FROM AI.GENERATE_EMBEDDING(MODEL narrow, {rows}) "
        "LIMIT 1"
    )
    anomalies = run(
        "SELECT is_anomaly, mean_squared_error FROM ML.DETECT_ANOMALIES(MODEL narrow, "
        f"STRUCT(0.1 AS contamination), {rows}) WHERE is_anomaly"
    )
    assert list(predicted[0]) == ["latent_col_1", "latent_col_2", "class", "age", "survived"]
    assert list(lost[0]) == [
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "class",
        "age",
        "survived",
    ]
    assert embedded["size"] == 2
    assert anomalies
    assert model(client, dataset, "narrow").model_type == "AUTOENCODER"


@pytest.mark.covers("WARM_START", "bigquery.models.get")
def test_a_warm_start_adds_a_training_run(run: Run, client: bigquery.Client, dataset: str) -> None:
    rows = "AS SELECT survived, class, age FROM shared.passengers"
    options = "model_type = 'LOGISTIC_REG', input_label_cols = ['survived'], max_iterations = 3"
    run(f"CREATE MODEL steady OPTIONS ({options}) {rows}")

    run(
        "CREATE OR REPLACE MODEL steady OPTIONS (model_type = 'LOGISTIC_REG', warm_start = TRUE) "
        f"{rows}"
    )

    info = run("SELECT training_run, iteration FROM ML.TRAINING_INFO(MODEL steady)")
    runs = model(client, dataset, "steady").to_api_repr()["trainingRuns"]
    assert {row["training_run"] for row in info} == {0, 1}
    assert [found["trainingOptions"]["warmStart"] for found in runs] == [False, True]
    assert [len(found["results"]) for found in runs] == [3, 3]


@pytest.mark.covers("WARM_START")
def test_a_warm_start_of_nothing_is_refused(run: Run) -> None:
    with pytest.raises(BadRequest, match="there is none that was trained"):
        run(
            "CREATE MODEL nothing OPTIONS (model_type = 'KMEANS', warm_start = TRUE) "
            "AS SELECT class, age FROM shared.passengers"
        )


@pytest.mark.covers("AUTOML_REGRESSOR", "ML.GLOBAL_EXPLAIN", "bigquery.models.get")
def test_automl(run: Run, client: bigquery.Client, dataset: str) -> None:
    run(
        "CREATE MODEL found OPTIONS (model_type = 'AUTOML_REGRESSOR', input_label_cols = ['y'], "
        "optimization_objective = 'MINIMIZE_MAE', budget_hours = 1.0) "
        "AS SELECT n, MOD(n, 7) AS other, POW(n - 600, 2) AS y "
        "FROM UNNEST(GENERATE_ARRAY(1, 1200)) AS n"
    )

    [scores] = run("SELECT * FROM ML.EVALUATE(MODEL found)")
    explained = run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL found)")
    found = model(client, dataset, "found").to_api_repr()
    assert scores["r2_score"] > 0.95
    assert explained[0]["feature"] == "n"
    assert found["modelType"] == "AUTOML_REGRESSOR"
    assert found["trainingRuns"][0]["trainingOptions"]["budgetHours"] == 1.0
    assert found["trainingRuns"][0]["modelLevelGlobalExplanation"]["explanations"]


@pytest.mark.covers("ARRAY and STRUCT features", "bigquery.models.get")
def test_arrays_and_structs_are_features_in_sql_and_online(
    run: Run, client: bigquery.Client, dataset: str, server: Server
) -> None:
    columns = "[age, 1] AS numbers, [class] AS words, STRUCT(age AS years, class AS berth) AS who"
    entries = "ARRAY<STRUCT<k INT64, v FLOAT64>>[(2, age)] AS entries"
    run(
        "CREATE MODEL nested OPTIONS (model_type = 'LOGISTIC_REG', model_registry = 'VERTEX_AI', "
        "vertex_ai_model_id = 'nested', input_label_cols = ['survived']) "
        f"AS SELECT survived, {columns}, {entries} FROM shared.passengers"
    )

    [row] = run(
        f"SELECT * FROM ML.PREDICT(MODEL nested, (SELECT {columns}, {entries} FROM "
        "(SELECT 'a' AS class, 290 AS age)))"
    )
    [(_, version)] = server.registry.versions["nested"]
    [online] = server.service.engine.predict(
        version.artifact_uri,
        [
            {
                "numbers": ["290", 1],
                "words": ["a"],
                "who": {"years": 290, "berth": "a"},
                "entries": [{"k": "2", "v": 290}],
            }
        ],
    )
    found = model(client, dataset, "nested").to_api_repr()["featureColumns"]
    assert online["survived_probs"] == [entry["prob"] for entry in row["predicted_survived_probs"]]
    assert [column["type"]["typeKind"] for column in found] == ["ARRAY", "ARRAY", "STRUCT", "ARRAY"]
    assert found[2]["type"]["structType"]["fields"][1] == {
        "name": "berth",
        "type": {"typeKind": "STRING"},
    }


@pytest.mark.covers("ML.FEATURE_CROSS", "DNN_LINEAR_COMBINED_CLASSIFIER", "TRANSFORM")
def test_crossed_features_are_learnt_online_too(run: Run, dataset: str, server: Server) -> None:
    run(
        "CREATE MODEL crossed TRANSFORM (label, ML.FEATURE_CROSS(STRUCT(a, b)) AS both) "
        "OPTIONS (model_type = 'DNN_LINEAR_COMBINED_CLASSIFIER', hidden_units = [4], "
        "model_registry = 'VERTEX_AI', vertex_ai_model_id = 'crossed', early_stop = FALSE, "
        "optimizer = 'ADAM', learn_rate = 0.05) AS "
        "SELECT a, b, a = b AS label FROM UNNEST(['x', 'y']) AS a, UNNEST(['x', 'y']) AS b, "
        "UNNEST(GENERATE_ARRAY(1, 100))"
    )

    # No column alone tells whether both are alike.
    [scores] = run("SELECT roc_auc FROM ML.EVALUATE(MODEL crossed)")
    info = run("SELECT input FROM ML.FEATURE_INFO(MODEL crossed)")
    [(_, version)] = server.registry.versions["crossed"]
    [online] = server.service.engine.predict(version.artifact_uri, [{"a": "x", "b": "x"}])
    assert scores["roc_auc"] == 1
    assert online["predicted_label"] == "true"
    assert [row["input"] for row in info] == ["a", "b"]
