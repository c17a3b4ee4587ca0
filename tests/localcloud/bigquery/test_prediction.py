"""Online prediction of raw instances."""

import time

import pytest

from localcloud.bigquery.model import artifact_uri
from localcloud.bigquery.names import Reference
from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

GOOD = {"class": "a", "age": 290, "fare": 1.0}


def test_a_classifier_answers_values_and_their_probabilities(server: Server, survival: str) -> None:
    [prediction] = server.service.engine.predict(survival, [GOOD])

    assert list(prediction) == ["predicted_survived", "survived_values", "survived_probs"]
    assert prediction["predicted_survived"] == "true"
    assert sorted(prediction["survived_values"]) == ["false", "true"]
    assert sum(prediction["survived_probs"]) == pytest.approx(1)
    assert prediction["survived_values"][0] == "true"


def test_a_regressor_answers_a_number(run: Run, server: Server, passengers: None) -> None:
    run(
        "CREATE MODEL points OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['points'], "
        "data_split_method = 'NO_SPLIT') AS SELECT age, points FROM shared.passengers"
    )
    run("ALTER MODEL points SET OPTIONS (vertex_ai_model_id = 'regressor')")
    [(_, version)] = server.registry.versions["regressor"]

    [prediction] = server.service.engine.predict(version.artifact_uri, [{"age": 100}])

    assert prediction == {"predicted_points": pytest.approx(201, abs=20)}


@pytest.mark.covers("AUTOENCODER", "DNN_LINEAR_COMBINED_CLASSIFIER", "AUTOML_CLASSIFIER")
@pytest.mark.parametrize(
    ("kind", "options", "answers"),
    [
        (
            "AUTOENCODER",
            "hidden_units = [2], max_iterations = 1",
            ["latent_col_1", "latent_col_2"],
        ),
        (
            "DNN_LINEAR_COMBINED_CLASSIFIER",
            "hidden_units = [2], max_iterations = 1, input_label_cols = ['even']",
            ["predicted_even", "even_values", "even_probs"],
        ),
        (
            "AUTOML_CLASSIFIER",
            "input_label_cols = ['even']",
            ["predicted_even", "even_values", "even_probs"],
        ),
    ],
)
def test_networks_and_automl_answer_as_ml_predict_does(
    run: Run, server: Server, kind: str, options: str, answers: list[str]
) -> None:
    label = "" if kind == "AUTOENCODER" else "MOD(n, 2) = 0 AS even, "
    name = kind.lower()
    run(
        f"CREATE MODEL {name} OPTIONS (model_type = '{kind}', model_registry = 'VERTEX_AI', "
        f"vertex_ai_model_id = '{name}', {options}) AS SELECT {label}n, MOD(n, 7) AS week "
        "FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n"
    )

    [(_, version)] = server.registry.versions[name]
    [online] = server.service.engine.predict(version.artifact_uri, [{"n": 5, "week": 5}])

    [row] = run(f"SELECT * FROM ML.PREDICT(MODEL {name}, (SELECT 5 AS n, 5 AS week))")
    assert list(online) == answers
    assert online[answers[-1]] == (
        row["latent_col_2"]
        if kind == "AUTOENCODER"
        else [entry["prob"] for entry in row["predicted_even_probs"]]
    )


def test_online_prediction_agrees_with_ml_predict(run: Run, server: Server, survival: str) -> None:
    sql = (
        "SELECT * FROM ML.PREDICT(MODEL shared.survival, "
        "(SELECT * FROM shared.passengers ORDER BY age))"
    )
    rows = run(sql)

    predictions = server.service.engine.predict(
        survival, [{name: row[name] for name in GOOD} for row in rows]
    )

    assert [p["survived_probs"] for p in predictions] == [
        [entry["prob"] for entry in row["predicted_survived_probs"]] for row in rows
    ]


def test_an_int64_may_come_as_text_and_a_feature_as_null(server: Server, survival: str) -> None:
    text = server.service.engine.predict(survival, [{**GOOD, "age": "290"}])
    null = server.service.engine.predict(survival, [{**GOOD, "fare": None}])

    assert text == server.service.engine.predict(survival, [GOOD])
    assert null[0]["predicted_survived"] == "true"


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        ({"class": "a", "age": 1}, "instance 1 lacks the feature fare; the model needs class, age"),
        ({**GOOD, "age": "old"}, "instance 1: feature age is INT64, but the instance has 'old'"),
        ("text", "instance 1 is 'text'; it must be a JSON object"),
    ],
)
def test_a_wrong_instance_is_named(
    server: Server, survival: str, instance: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        server.service.engine.predict(survival, [GOOD, instance])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "wrong",
    [
        artifact_uri(Reference(PROJECT, "d", "m"), "20260101T000000Z-000000"),
        "gs://bucket/model",
        "local-bqml://p/d/../t",
    ],
)
def test_an_unknown_artifact_is_named(server: Server, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"no training|artifact URI"):
        server.service.engine.predict(wrong, [GOOD])


def test_a_prediction_is_fast_enough_for_online_use(server: Server, survival: str) -> None:
    server.service.engine.predict(survival, [GOOD])

    started = time.perf_counter()
    for _ in range(5):
        server.service.engine.predict(survival, [GOOD])

    assert (time.perf_counter() - started) / 5 < 0.15


def test_the_engine_reads_tables(run: Run, server: Server, passengers: None) -> None:
    table = server.service.engine.query(PROJECT, "SELECT COUNT(*) AS n FROM shared.passengers")

    assert table.to_pylist() == [{"n": 300}]
