"""Linear and logistic regression against closed forms and against the libraries called directly."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge

from localcloud import bqml
from localcloud.bqml.supervised.weights import of_classes
from tests.localcloud.bqml.conftest import LOGISTIC, call

pytestmark = pytest.mark.covers("LINEAR_REG", "LOGISTIC_REG")

LINEAR = {"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["y"], "DATA_SPLIT_METHOD": "NO_SPLIT"}
DESCENT = {**LINEAR, "OPTIMIZE_STRATEGY": "BATCH_GRADIENT_DESCENT"}
TO_THE_END = {"EARLY_STOP": False, "MAX_ITERATIONS": 500}


@pytest.fixture(scope="module")
def noisy() -> pa.Table:
    random = np.random.default_rng(2)
    x, w = random.normal(5, 2, 300), random.normal(-1, 1, 300)
    return pa.table({"x": x, "w": w, "y": 2 * x + w + random.normal(size=300)})


def weights(model: bqml.Model, **settings: bool) -> dict[str, float]:
    rows = call("WEIGHTS", model, **settings).to_pylist()
    return {row["processed_input"]: row["weight"] for row in rows}


def test_linear_regression_recovers_the_line(line):
    assert weights(line) == pytest.approx({"x": 3, "w": -2, "__INTERCEPT__": 5})
    assert line.fitted.evaluate(None, {})["r2_score"] == pytest.approx(1)


def test_standardised_weights_are_for_columns_with_a_deviation_of_one(noisy):
    model = bqml.train(LINEAR, noisy)
    x = np.asarray(noisy["x"])

    assert weights(model, standardize=True)["x"] == pytest.approx(weights(model)["x"] * x.std())


def test_gradient_descent_ends_where_the_normal_equation_does(noisy):
    model = bqml.train({**DESCENT, **TO_THE_END}, noisy)

    assert weights(model) == pytest.approx(weights(bqml.train(LINEAR, noisy)), rel=1e-6)


@pytest.mark.parametrize("options", [LINEAR, {**DESCENT, **TO_THE_END}])
def test_an_l2_penalty_counts_as_ridge_regression_counts_it(noisy, options):
    model = bqml.train({**options, "L2_REG": 50.0}, noisy)

    columns = stats.zscore(np.column_stack([noisy["x"], noisy["w"]]))
    ridge = Ridge(alpha=50).fit(columns, noisy["y"])
    found = weights(model, standardize=True)
    assert [found["x"], found["w"]] == pytest.approx(ridge.coef_, rel=1e-5)


def test_an_l1_penalty_drops_columns_that_say_nothing(noisy):
    table = noisy.append_column("noise", pa.array(np.random.default_rng(3).normal(size=300)))

    model = bqml.train({**LINEAR, **TO_THE_END, "L1_REG": 60.0}, table)

    assert weights(model)["noise"] == 0
    assert abs(weights(model)["x"]) > 1
    assert model.training_runs[0]["trainingOptions"]["optimizationStrategy"] == (
        "BATCH_GRADIENT_DESCENT"
    )


def test_few_rows_for_many_columns_are_descended_rather_than_solved():
    table = pa.table({"x": [1.0, 2, 3, 4, 5], "y": [2.0, 4, 6, 8, 10]})

    few = bqml.train(LINEAR, table)
    enough = bqml.train(LINEAR, pa.concat_tables([table, table]))

    chosen = [m.training_runs[0]["trainingOptions"]["optimizationStrategy"] for m in (few, enough)]
    assert chosen == ["BATCH_GRADIENT_DESCENT", "NORMAL_EQUATION"]


def test_logistic_regression_ends_where_scikit_learn_does(flights):
    table = flights.select(["late", "rain", "noise"])
    options = {**LOGISTIC, **TO_THE_END, "DATA_SPLIT_METHOD": "NO_SPLIT", "L2_REG": 1.0}

    model = bqml.train(options, table)

    columns = stats.zscore(np.column_stack([table["rain"], table["noise"]]))
    other = LogisticRegression(C=1.0, tol=1e-8).fit(columns, table["late"].to_numpy())
    found = weights(model, standardize=True)
    assert [found["rain"], found["noise"]] == pytest.approx(other.coef_[0], abs=1e-4)
    assert found["__INTERCEPT__"] == pytest.approx(other.intercept_[0], abs=1e-4)


def test_three_classes_end_where_scikit_learn_does(flights):
    table = flights.select(["carrier", "rain", "late"])
    options = {**LOGISTIC, **TO_THE_END, "INPUT_LABEL_COLS": ["carrier"], "L2_REG": 1.0}

    model = bqml.train({**options, "DATA_SPLIT_METHOD": "NO_SPLIT"}, table)

    late = table["late"].to_numpy()
    columns = np.column_stack([stats.zscore(table["rain"].to_numpy()), ~late, late])
    other = LogisticRegression(C=1.0, tol=1e-8).fit(columns, table["carrier"].to_pylist())
    assert model.fitted.scores(table) == pytest.approx(other.predict_proba(columns), abs=1e-4)


def test_the_line_search_doubles_its_rate_while_that_is_best(flights):
    model = bqml.train({**LOGISTIC, "LS_INIT_LEARN_RATE": 0.1, "MAX_ITERATIONS": 3}, flights)

    rates = [step.learning_rate for step in model.iterations]
    assert rates == pytest.approx([0.2, 0.4, 0.8])


def test_a_constant_rate_stays(flights):
    options = {**LOGISTIC, "LEARN_RATE_STRATEGY": "CONSTANT", "LEARN_RATE": 0.7}

    model = bqml.train({**options, "EARLY_STOP": False, "MAX_ITERATIONS": 7}, flights)

    assert [step.learning_rate for step in model.iterations] == [0.7] * 7
    assert all(a.loss > b.loss for a, b in pairwise(model.iterations))


def test_a_rate_that_is_too_high_is_said_so(noisy):
    options = {**DESCENT, **TO_THE_END, "LEARN_RATE_STRATEGY": "CONSTANT", "LEARN_RATE": 1e6}

    with pytest.raises(bqml.BqmlError, match="give a lower learn_rate"):
        bqml.train(options, noisy)


def test_without_an_intercept_zero_stays_zero():
    table = pa.table({"x": np.arange(1.0, 101), "y": 3 * np.arange(1.0, 101) + 10})

    model = bqml.train({**LINEAR, "FIT_INTERCEPT": False}, table)

    assert weights(model, standardize=True)["__INTERCEPT__"] == 0


def test_class_weights_move_predictions_towards_the_heavy_class(flights):
    plain = bqml.train(LOGISTIC, flights)

    heavy = bqml.train({**LOGISTIC, "CLASS_WEIGHTS": [("false", 1), ("true", 20)]}, flights)

    assert (
        heavy.fitted.scores(flights)[:, 1].mean() > plain.fitted.scores(flights)[:, 1].mean() + 0.2
    )


def test_auto_class_weights_are_the_inverse_of_frequencies(flights):
    late = flights["late"].to_numpy()
    share = [("false", 0.5 / (1 - late.mean())), ("true", 0.5 / late.mean())]
    options = {**LOGISTIC, "DATA_SPLIT_METHOD": "NO_SPLIT"}

    automatic = bqml.train({**options, "AUTO_CLASS_WEIGHTS": True}, flights)

    by_hand = bqml.train({**options, "CLASS_WEIGHTS": share}, flights)
    assert weights(automatic) == pytest.approx(weights(by_hand))


def test_auto_class_weights_sum_to_the_number_of_rows():
    classes = np.array([0] * 30 + [1] * 10)

    found = of_classes(classes, ["no", "yes"], {"AUTO_CLASS_WEIGHTS": True})

    assert found.tolist() == pytest.approx([40 / (30 * 2), 40 / (10 * 2)])


def test_p_values_are_those_of_a_simple_regression(noisy):
    options = {**LINEAR, "CALCULATE_P_VALUES": True, "CATEGORY_ENCODING_METHOD": "DUMMY_ENCODING"}

    model = bqml.train(options, noisy.select(["x", "y"]))

    known = stats.linregress(noisy["x"], noisy["y"])
    slope, intercept = call("ADVANCED_WEIGHTS", model).to_pylist()
    assert slope == {
        "processed_input": "x",
        "category": None,
        "weight": pytest.approx(known.slope),
        "standard_error": pytest.approx(known.stderr),
        "p_value": pytest.approx(2 * stats.norm.sf(known.slope / known.stderr)),
    }
    assert intercept["weight"] == pytest.approx(known.intercept)
    assert intercept["standard_error"] is None


def test_p_values_of_a_logistic_regression_are_those_of_fishers_information(flights):
    options = {**LOGISTIC, **TO_THE_END, "DATA_SPLIT_METHOD": "NO_SPLIT"}
    options |= {"CALCULATE_P_VALUES": True, "CATEGORY_ENCODING_METHOD": "DUMMY_ENCODING"}

    model = bqml.train(options, flights.select(["late", "rain"]))

    rain = stats.zscore(flights["rain"].to_numpy())
    p = model.fitted.scores(flights)[:, 1]
    design = np.column_stack([rain, np.ones(len(rain))])
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ (design * (p * (1 - p))[:, None]))))
    rows = call("ADVANCED_WEIGHTS", model, standardize=True).to_pylist()
    assert [row["standard_error"] for row in rows] == pytest.approx(errors)


def test_weights_of_categories_come_as_an_array(logistic):
    rows = {row["processed_input"]: row for row in call("WEIGHTS", logistic).to_pylist()}

    assert rows["carrier"]["weight"] is None
    assert [c["category"] for c in rows["carrier"]["category_weights"]] == ["AA", "B6", "UA"]
    assert rows["rain"]["category_weights"] == []


def test_a_dropped_category_has_the_weight_zero_and_no_error(flights):
    options = {**LOGISTIC, "CATEGORY_ENCODING_METHOD": "DUMMY_ENCODING", "CALCULATE_P_VALUES": True}

    model = bqml.train(options, flights)

    counted = flights["carrier"].value_counts().to_pylist()
    most = max(counted, key=lambda item: item["counts"])["values"]
    rows = [r for r in call("ADVANCED_WEIGHTS", model).to_pylist() if r["category"]]
    (dropped,) = [row for row in rows if row["weight"] == 0]
    assert dropped["category"] == most
    assert np.isnan(dropped["standard_error"])
    assert np.isnan(dropped["p_value"])


def test_three_classes_have_a_weight_for_each_label(softmax):
    rows = call("WEIGHTS", softmax)

    assert rows.column_names == ["processed_input", "weight", "category_weights", "class_label"]
    assert set(rows["class_label"].to_pylist()) == {"AA", "B6", "UA"}


@pytest.mark.parametrize("name", ["WEIGHTS", "ADVANCED_WEIGHTS"])
def test_trees_have_no_weights(tree, name):
    with pytest.raises(bqml.BqmlError, match="linear and logistic regressions only"):
        call(name, tree)


def test_advanced_weights_need_p_values(logistic):
    with pytest.raises(bqml.BqmlError, match="calculate_p_values = TRUE"):
        call("ADVANCED_WEIGHTS", logistic)
