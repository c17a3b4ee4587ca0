"""AutoML as the best of the other kinds."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml.supervised import automl
from tests.localcloud.bqml.conftest import call, schema

CLASSIFIER: dict[str, Any] = {"MODEL_TYPE": "AUTOML_CLASSIFIER", "INPUT_LABEL_COLS": ["late"]}
REGRESSOR: dict[str, Any] = {"MODEL_TYPE": "AUTOML_REGRESSOR", "INPUT_LABEL_COLS": ["minutes"]}

pytestmark = pytest.mark.covers("AUTOML_CLASSIFIER", "AUTOML_REGRESSOR")


@pytest.fixture(scope="module")
def late(flights) -> bqml.Model:
    return bqml.train(CLASSIFIER, flights)


@pytest.fixture(scope="module")
def curved(flights) -> pa.Table:
    """Rows that no line fits: the label is the square of a number."""
    x = np.random.default_rng(4).normal(size=2000)
    return pa.table({"x": x, "rain": flights["rain"], "minutes": x**2})


@pytest.fixture(scope="module")
def minutes(curved) -> bqml.Model:
    return bqml.train(REGRESSOR, curved)


def test_what_no_line_fits_is_not_left_to_a_line(minutes):
    line = {"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["minutes"]}

    assert minutes.fitted.kind != line["MODEL_TYPE"]
    assert minutes.fitted.evaluate(None, {})["r2_score"] > 0.9


def test_the_best_is_as_good_as_each_candidate(flights):
    training, others = flights.slice(0, 1500), flights.slice(1500)
    candidates = [
        bqml.train({**CLASSIFIER, "MODEL_TYPE": kind, **own}, training)
        for kind, own in automl.CLASSIFIERS[:2]
    ]

    best = bqml.train(CLASSIFIER, training)

    mine, *theirs = (
        call("EVALUATE", model, others)["roc_auc"][0].as_py() for model in (best, *candidates)
    )
    assert mine > max(theirs) - 0.02


@pytest.mark.parametrize(
    "objective",
    [
        "MAXIMIZE_AU_PRC",
        "minimize_log_loss",
        ("MAXIMIZE_PRECISION_AT_RECALL", 0.5),
        {"name": "maximize_recall_at_precision", "value": 0.6},
    ],
)
def test_every_objective_chooses(flights, objective):
    model = bqml.train({**CLASSIFIER, "OPTIMIZATION_OBJECTIVE": objective}, flights)

    assert model.fitted.evaluate(None, {})["roc_auc"] > 0.65


def test_an_objective_is_what_it_says():
    actual = np.array([0.0, 0, 1, 1, 1])
    scores = np.array([0.1, 0.8, 0.3, 0.7, 0.9])

    class Fitted:
        classes = (False, True)
        label = "late"
        held_out = (actual, np.column_stack([1 - scores, scores]))

    # At a threshold of 0.3 all late flights are found, and three of four are late.
    assert automl._value(Fitted, ["MAXIMIZE_PRECISION_AT_RECALL", 1.0]) == 0.75
    assert automl._value(Fitted, ["MAXIMIZE_RECALL_AT_PRECISION", 0.9]) == pytest.approx(1 / 3)
    assert automl._value(Fitted, "MAXIMIZE_AU_ROC") == pytest.approx(4 / 6)


@pytest.mark.covers("ML.GLOBAL_EXPLAIN", "ML.FEATURE_INFO", "ML.TRAINING_INFO", "ML.EVALUATE")
def test_explanations_and_facts_need_no_option(late):
    assert call("GLOBAL_EXPLAIN", late)["feature"][0].as_py() == "rain"
    assert call("FEATURE_INFO", late)["input"].to_pylist() == ["rain", "carrier", "noise"]
    assert call("TRAINING_INFO", late).num_rows == len(late.iterations) > 0
    # A tenth of 2,000 rows tests.
    assert len(late.fitted.held_out[0]) == 200


@pytest.mark.parametrize("name", ["EXPLAIN_PREDICT", "FEATURE_IMPORTANCE", "WEIGHTS"])
def test_what_only_one_kind_tells_automl_does_not(flights, late, name):
    with pytest.raises(bqml.BqmlError, match="is not for models of type AUTOML_CLASSIFIER"):
        call(name, late, flights)


def test_three_classes(flights):
    options = {**CLASSIFIER, "INPUT_LABEL_COLS": ["carrier"]}

    model = bqml.train(options, flights)

    assert schema(call("PREDICT", model, flights))["predicted_carrier"] == "string"
    with pytest.raises(bqml.BqmlError, match="is for two classes"):
        bqml.train({**options, "OPTIMIZATION_OBJECTIVE": "MAXIMIZE_AU_ROC"}, flights)


def test_rows_are_divided_as_a_column_says(flights):
    parts = ["TRAIN"] * 1500 + ["VALIDATE"] * 300 + ["TEST"] * 150 + ["UNASSIGNED"] * 50
    table = flights.append_column("part", pa.array(parts))

    rows, test = automl._divided(table, "part")

    assert rows.num_rows == 1500 + 300 + 45
    assert sum(rows["__validates"].to_pylist()) == 300 + 5
    assert test.num_rows == 150 + 5
    assert "part" not in rows.column_names


def test_rows_are_divided_by_time(flights):
    times = np.arange(flights.num_rows, 0, -1) * 1_000_000
    table = flights.append_column("at", pa.array(times).cast(pa.timestamp("us", "UTC")))

    rows, test = automl._divided(table, "at")

    # The latest test, and they come first here.
    assert test.equals(flights.slice(0, 200))
    assert rows["__validates"].to_pylist() == [True] * 200 + [False] * 1600


def test_no_candidate_begins_after_the_budget(flights, monkeypatch):
    now = iter(range(0, 10**6, 5000))
    monkeypatch.setattr(automl, "monotonic", lambda: next(now))
    tried: list[str] = []
    candidate = automl._candidate
    monkeypatch.setattr(
        automl, "_candidate", lambda name, *rest: tried.append(name) or candidate(name, *rest)
    )

    bqml.train(CLASSIFIER, flights)

    assert tried == ["LOGISTIC_REG"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"BUDGET_HOURS": 0.5}, "1 to 72"),
        ({"OPTIMIZATION_OBJECTIVE": "MINIMIZE_RMSE"}, "one of MAXIMIZE_AU_ROC"),
        ({"OPTIMIZATION_OBJECTIVE": "MAXIMIZE_PRECISION_AT_RECALL"}, "needs the recall"),
        ({"OPTIMIZATION_OBJECTIVE": ("MAXIMIZE_AU_ROC", 0.5)}, "or STRUCT"),
        ({"DATA_SPLIT_COL": "carrier"}, "has 'AA'; give TRAIN"),
        ({"DATA_SPLIT_COL": "rain"}, "must be TIMESTAMP, or STRING"),
        ({"ENABLE_GLOBAL_EXPLAIN": True}, "is not one of AUTOML_CLASSIFIER"),
    ],
)
def test_wrong_options_are_refused(flights, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**CLASSIFIER, **options}, flights)


def test_few_rows_and_a_transform_are_refused(flights):
    with pytest.raises(bqml.BqmlError, match="takes 1,000 to 200,000,000 rows"):
        bqml.train(CLASSIFIER, flights.slice(0, 999))
    with pytest.raises(bqml.BqmlError, match="takes no TRANSFORM clause"):
        bqml.train(CLASSIFIER, flights, before_transform=flights)


def test_the_order_of_rows_means_nothing(flights, late):
    order = np.random.default_rng(3).permutation(flights.num_rows)

    again = bqml.train(CLASSIFIER, flights.take(pa.array(order)))

    assert again.fitted.kind == late.fitted.kind
    assert np.allclose(again.fitted.scores(flights), late.fitted.scores(flights))


@pytest.mark.parametrize("name", ["late", "minutes"])
def test_a_loaded_model_says_the_same(name, request, flights, curved, tmp_path):
    model = request.getfixturevalue(name)
    rows = flights if name == "late" else curved
    model.save(tmp_path)

    loaded = bqml.Model.load(tmp_path)

    assert np.array_equal(loaded.fitted.scores(rows), model.fitted.scores(rows))
    assert loaded.training_runs == model.training_runs
    assert loaded.fitted.explanation == model.fitted.explanation
