"""Matrix factorization against losses computed by hand and ratings that are known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml import Model
from localcloud.bqml.recommender.least_squares import (
    Factors,
    Ratings,
    weighted_loss,
    weighted_step,
)
from tests.localcloud.bqml.conftest import call, schema

pytestmark = pytest.mark.covers("MATRIX_FACTORIZATION", "ML.RECOMMEND")

EXPLICIT: dict[str, Any] = {"MODEL_TYPE": "MATRIX_FACTORIZATION", "NUM_FACTORS": 3}
IMPLICIT: dict[str, Any] = {**EXPLICIT, "FEEDBACK_TYPE": "IMPLICIT"}
USERS, ITEMS = 60, 40


@pytest.fixture(scope="module")
def stars() -> pa.Table:
    """Two thirds of the ratings that tastes of three kinds give; users are numbers."""
    random = np.random.default_rng(3)
    whole = 3 + random.normal(size=(USERS, 3)) @ random.normal(size=(3, ITEMS))
    whole += random.normal(size=USERS)[:, None]
    seen = np.argwhere(random.random(whole.shape) < 2 / 3)
    return pa.table(
        {
            "user": pa.array(seen[:, 0], pa.int64()),
            "item": pa.array([f"film {item}" for item in seen[:, 1]]),
            "rating": whole[seen[:, 0], seen[:, 1]] + random.normal(scale=0.1, size=len(seen)),
        }
    )


@pytest.fixture(scope="module")
def clicks() -> pa.Table:
    """Users who click on the ten items of their own kind, and seldom on others."""
    random = np.random.default_rng(4)
    rows = []
    for user in range(USERS):
        own = range(10 * (user % 4), 10 * (user % 4) + 10)
        rows += [(f"u{user}", item, float(random.integers(1, 5))) for item in own]
        rows += [(f"u{user}", int(random.integers(ITEMS)), 1.0)]
    users, items, ratings = zip(*rows, strict=True)
    return pa.table({"user": users, "item": items, "rating": ratings})


@pytest.fixture(scope="module")
def explicit(stars) -> Model:
    return bqml.train({**EXPLICIT, "L2_REG": 0.1}, stars)


@pytest.fixture(scope="module")
def implicit(clicks) -> Model:
    return bqml.train({**IMPLICIT, "NUM_FACTORS": 8}, clicks)


def test_ratings_that_factors_explain_are_found(stars):
    options = {**EXPLICIT, "L2_REG": 0.1, "DATA_SPLIT_METHOD": "RANDOM"}

    model = bqml.train({**options, "MAX_ITERATIONS": 50, "MIN_REL_PROGRESS": 0.001}, stars)

    [scores] = call("EVALUATE", model).to_pylist()
    assert list(scores) == [
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "explained_variance",
    ]
    assert scores["r2_score"] > 0.95
    assert model.iterations[-1].eval_loss == pytest.approx(scores["mean_squared_error"])


def test_all_rows_train_unless_it_is_said_otherwise(explicit):
    assert explicit.options["DATA_SPLIT_METHOD"] == "NO_SPLIT"
    assert explicit.iterations[-1].eval_loss is None


def test_loss_is_the_mean_squared_error_of_the_ratings_seen(stars, explicit):
    predicted = call("RECOMMEND", explicit, stars)

    errors = np.asarray(predicted["predicted_rating"]) - np.asarray(stars["rating"])
    assert call("TRAINING_INFO", explicit)["loss"][0].as_py() == pytest.approx(np.mean(errors**2))


def test_every_pair_is_recommended_without_input(explicit):
    every = call("RECOMMEND", explicit)

    assert schema(every) == {"predicted_rating": "double", "user": "int64", "item": "string"}
    assert every.num_rows == USERS * ITEMS
    assert len(set(zip(every["user"].to_pylist(), every["item"].to_pylist(), strict=True))) == (
        USERS * ITEMS
    )


def test_pairs_keep_their_other_columns(explicit):
    rows = pa.table({"item": ["film 3", "film 4"], "when": ["now", "then"], "user": [1, 1]})

    found = call("RECOMMEND", explicit, rows)

    assert found.column_names == ["predicted_rating", "item", "when", "user"]
    assert found["when"].to_pylist() == ["now", "then"]


def test_one_column_is_recommended_with_all_of_the_other(explicit):
    of_users = call("RECOMMEND", explicit, pa.table({"user": [7, 7]}))
    of_items = call("RECOMMEND", explicit, pa.table({"item": ["film 3"]}))
    every = call("RECOMMEND", explicit).to_pandas()

    assert of_users.num_rows == 2 * ITEMS
    assert set(of_users["user"].to_pylist()) == {7}
    assert of_items["predicted_rating"].to_pylist() == pytest.approx(
        every[every["item"] == "film 3"]["predicted_rating"].tolist()
    )


@pytest.mark.parametrize(
    "rows", [pa.table({"when": [1]}), pa.table({"user": [1], "when": [1]})], ids=["none", "more"]
)
def test_other_columns_alone_are_refused(explicit, rows):
    with pytest.raises(bqml.BqmlError, match="needs the columns user and item, or one of them"):
        call("RECOMMEND", explicit, rows)


def test_who_is_unknown_gets_the_intercepts_that_are_known(explicit):
    rows = pa.table({"user": [1, 999, 999], "item": ["film x", "film 3", "film x"]})

    found = call("RECOMMEND", explicit, rows)["predicted_rating"].to_pylist()

    weights = {
        (row["processed_input"], row["feature"]): row["intercept"]
        for row in call("WEIGHTS", explicit).to_pylist()
    }
    of_all = weights[None, "global__intercept__"]
    assert found == pytest.approx(
        [of_all + weights["user", "1"], of_all + weights["item", "film 3"], of_all]
    )


def test_weights_give_the_ratings(explicit):
    table = call("WEIGHTS", explicit)

    assert schema(table) == {
        "processed_input": "string",
        "feature": "string",
        "factor_weights": "list<item: struct<factor: int64, weight: double>>",
        "intercept": "double",
    }
    rows = {(row["processed_input"], row["feature"]): row for row in table.to_pylist()}
    user, item = rows["user", "1"], rows["item", "film 3"]
    of_all = rows[None, "global__intercept__"]
    assert of_all["factor_weights"] is None
    assert [entry["factor"] for entry in user["factor_weights"]] == [1, 2, 3]
    product = sum(
        a["weight"] * b["weight"]
        for a, b in zip(user["factor_weights"], item["factor_weights"], strict=True)
    )
    expected = product + user["intercept"] + item["intercept"] + of_all["intercept"]
    rows_given = pa.table({"user": [1], "item": ["film 3"]})
    found = call("RECOMMEND", explicit, rows_given)["predicted_rating"].to_pylist()
    assert found == pytest.approx([expected])


def test_an_embedding_is_the_weights_and_the_intercept(explicit):
    embedded = call("GENERATE_EMBEDDING", explicit)
    [row] = [r for r in call("WEIGHTS", explicit).to_pylist() if r["feature"] == "film 3"]
    [own] = [r for r in embedded.to_pylist() if r["feature"] == "film 3"]

    assert embedded.column_names == ["ml_generate_embedding_result", "processed_input", "feature"]
    assert embedded.num_rows == USERS + ITEMS
    weights = [entry["weight"] for entry in row["factor_weights"]]
    assert own["ml_generate_embedding_result"] == [*weights, row["intercept"]]


def test_items_of_a_users_kind_are_ranked_first(clicks, implicit):
    every = call("RECOMMEND", implicit).to_pandas()

    best = every[every["user"] == "u1"].nlargest(10, "predicted_rating_confidence")
    assert set(best["item"]) == set(range(10, 20))


def test_implicit_metrics_are_of_the_ranking(clicks, implicit):
    [scores] = call("EVALUATE", implicit).to_pylist()
    [given] = call("EVALUATE", implicit, clicks).to_pylist()

    assert list(scores) == [
        "mean_average_precision",
        "mean_squared_error",
        "normalized_discounted_cumulative_gain",
        "average_rank",
    ]
    assert scores["mean_average_precision"] > 0.9
    assert scores["normalized_discounted_cumulative_gain"] > 0.8
    assert scores["average_rank"] < 0.2
    assert given == pytest.approx(scores)


def test_weighted_loss_is_the_sum_of_googles_formula():
    random = np.random.default_rng(6)
    factors = Factors(
        random.normal(size=(4, 2)), random.normal(size=(5, 2)), np.zeros(4), np.zeros(5), 0.0
    )
    ratings = Ratings(np.array([0, 1, 3]), np.array([2, 2, 4]), np.array([1.0, 3.0, 0.0]))
    whole = np.zeros((4, 5))
    whole[ratings.users, ratings.items] = ratings.values

    loss = weighted_loss(factors, ratings, l2=0.5, alpha=10.0)

    by_hand = ((1 + 10 * whole) * ((whole > 0) - factors.users @ factors.items.T) ** 2).sum()
    by_hand += 0.5 * ((factors.users**2).sum() + (factors.items**2).sum())
    assert loss == pytest.approx(by_hand)


def test_every_step_lowers_the_loss(implicit, clicks):
    model = bqml.train({**IMPLICIT, "EARLY_STOP": False, "MAX_ITERATIONS": 8}, clicks)

    losses = [step.loss for step in model.iterations]
    assert len(losses) == 8
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("options", [EXPLICIT, IMPLICIT], ids=["explicit", "implicit"])
def test_the_order_of_rows_means_nothing(clicks, options):
    order = np.random.default_rng(2).permutation(clicks.num_rows)

    one = bqml.train(options, clicks)
    two = bqml.train(options, clicks.take(pa.array(order)))

    assert np.allclose(one.fitted.factors.users, two.fitted.factors.users, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"NUM_FACTORS": 1}, "a whole number, 2 to 200"),
        ({"WALS_ALPHA": 3.0}, "wals_alpha is for feedback_type 'IMPLICIT'"),
        ({"USER_COL": "who"}, "leave out user"),
        ({"RATING_COL": "item", "ITEM_COL": "rating"}, "a rating must be a number"),
        ({"DATA_SPLIT_METHOD": "CUSTOM"}, "needs data_split_col"),
        ({"LEARN_RATE": 0.1}, "learn_rate is not one of MATRIX_FACTORIZATION"),
    ],
)
def test_wrong_options_are_refused(stars, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**EXPLICIT, **options}, stars)


def test_ratings_below_zero_do_not_work_as_implicit_feedback(clicks):
    below = clicks.set_column(2, "rating", pa.array(-np.asarray(clicks["rating"])))

    with pytest.raises(NotImplementedError, match="ratings below 0"):
        bqml.train(IMPLICIT, below)


def test_predict_says_what_to_use(stars, explicit):
    with pytest.raises(bqml.BqmlError, match=r"use ML\.RECOMMEND"):
        call("PREDICT", explicit, stars)


def test_feature_info_tells_only_how_many_there_are(explicit):
    rows = call("FEATURE_INFO", explicit).to_pylist()

    assert [(row["input"], row["category_count"], row["null_count"]) for row in rows] == [
        ("user", USERS, None),
        ("item", ITEMS, None),
    ]


@pytest.mark.parametrize("name", ["explicit", "implicit"])
def test_a_loaded_model_says_the_same(name, request, tmp_path):
    model = request.getfixturevalue(name)
    model.save(tmp_path)

    loaded = Model.load(tmp_path)

    for function in ("RECOMMEND", "WEIGHTS", "EVALUATE", "TRAINING_INFO", "FEATURE_INFO"):
        assert call(function, loaded).equals(call(function, model))
    assert loaded.training_runs == model.training_runs


def test_after_a_step_no_items_would_lower_the_loss():
    random = np.random.default_rng(7)
    started = Factors.started(6, 5, 2, 0.0)
    ratings = Ratings(
        np.repeat(np.arange(6), 2), random.integers(0, 5, 12), random.integers(1, 5, 12) * 1.0
    )
    ratings = Ratings(*(values[::2] for values in (ratings.users, ratings.items, ratings.values)))

    stepped = weighted_step(started, ratings, 0.5, 10.0)

    loss = weighted_loss(stepped, ratings, 0.5, 10.0)
    for place in np.ndindex(stepped.items.shape):
        for shift in (-1e-3, 1e-3):
            items = stepped.items.copy()
            items[place] += shift
            moved = replace(stepped, items=items)
            assert weighted_loss(moved, ratings, 0.5, 10.0) > loss
