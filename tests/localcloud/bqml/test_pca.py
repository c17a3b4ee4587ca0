"""Principal components against scikit-learn called directly."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.decomposition import PCA

from localcloud import bqml
from localcloud.bqml import Model
from tests.localcloud.bqml.conftest import call, known_set, schema

pytestmark = pytest.mark.covers("PCA")

OPTIONS: dict[str, Any] = {"MODEL_TYPE": "PCA", "NUM_PRINCIPAL_COMPONENTS": 2}


@pytest.fixture(scope="module")
def iris() -> pa.Table:
    return known_set("iris")[0].drop_columns(["target"])


@pytest.fixture(scope="module")
def model(iris) -> Model:
    return bqml.train(OPTIONS, iris)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
@pytest.mark.parametrize("scaled", [True, False])
def test_components_are_the_librarys_own(name, scaled):
    table = known_set(name)[0].drop_columns(["target"])
    frame = table.to_pandas()
    if scaled:
        frame = (frame - frame.mean()) / frame.std(ddof=0)
    own = PCA(2).fit(frame)

    model = bqml.train({**OPTIONS, "SCALE_FEATURES": scaled}, table)

    info = call("PRINCIPAL_COMPONENT_INFO", model)
    assert info["explained_variance_ratio"].to_pylist() == pytest.approx(
        own.explained_variance_ratio_.tolist()
    )
    predicted = np.column_stack(call("PREDICT", model, table).columns)
    assert np.abs(predicted) == pytest.approx(np.abs(own.transform(frame)), abs=1e-8)


def test_predict_leaves_out_the_input_unless_it_is_asked_for(iris, model):
    own = call("PREDICT", model, iris)
    both = call("PREDICT", model, iris, keep_original_columns=True)

    components = {"principal_component_1": "double", "principal_component_2": "double"}
    assert schema(own) == components
    assert schema(both) == {**components, **schema(iris)}


def test_an_embedding_is_the_prediction_in_one_array(iris, model):
    embedded = bqml.FUNCTIONS["ML.GENERATE_EMBEDDING"].call(model, [iris], {})
    of_ai = bqml.FUNCTIONS["AI.GENERATE_EMBEDDING"].call(model, [iris], {})

    predicted = np.column_stack(call("PREDICT", model, iris).columns)
    assert embedded["ml_generate_embedding_result"].to_pylist() == predicted.tolist()
    assert of_ai["embedding"].to_pylist() == predicted.tolist()
    assert embedded.column_names == ["ml_generate_embedding_result", *iris.column_names]


def test_components_have_the_columns_of_googles_page(model):
    table = call("PRINCIPAL_COMPONENTS", model)

    assert schema(table) == {
        "principal_component_id": "int64",
        "feature": "string",
        "numerical_value": "double",
        "categorical_value": "list<item: struct<category: string, value: double>>",
    }
    assert table["principal_component_id"].to_pylist() == [0] * 4 + [1] * 4
    first = np.array(table["numerical_value"].to_pylist()[:4])
    assert np.linalg.norm(first) == pytest.approx(1)


def test_the_variances_of_components_add_up(model):
    table = call("PRINCIPAL_COMPONENT_INFO", model)

    assert schema(table) == {
        "principal_component_id": "int64",
        "eigenvalue": "double",
        "explained_variance_ratio": "double",
        "cumulative_explained_variance_ratio": "double",
    }
    ratios = table["explained_variance_ratio"].to_pylist()
    assert table["cumulative_explained_variance_ratio"].to_pylist() == pytest.approx(
        [ratios[0], sum(ratios)]
    )
    assert call("EVALUATE", model).to_pylist() == [
        {"total_explained_variance_ratio": pytest.approx(sum(ratios))}
    ]


def test_given_rows_are_evaluated_by_their_own_variance(iris, model):
    whole = call("EVALUATE", model)["total_explained_variance_ratio"][0].as_py()
    same = call("EVALUATE", model, iris)["total_explained_variance_ratio"][0].as_py()
    part = call("EVALUATE", model, iris.slice(0, 50))["total_explained_variance_ratio"][0].as_py()

    assert same == pytest.approx(whole)
    assert part < whole


@pytest.mark.parametrize(("ratio", "count"), [(0.5, 1), (0.9, 2), (0.99, 3), (0.9999, 4)])
def test_a_ratio_keeps_the_fewest_components_that_exceed_it(iris, ratio, count):
    model = bqml.train({"MODEL_TYPE": "PCA", "PCA_EXPLAINED_VARIANCE_RATIO": ratio}, iris)

    assert call("PRINCIPAL_COMPONENT_INFO", model).num_rows == count


def test_categories_are_one_hot(flights):
    model = bqml.train(OPTIONS, flights)

    rows = call("PRINCIPAL_COMPONENTS", model).to_pylist()

    [carrier] = [
        row for row in rows if row["feature"] == "carrier" and row["principal_component_id"] == 0
    ]
    assert carrier["numerical_value"] is None
    assert [entry["category"] for entry in carrier["categorical_value"]] == ["AA", "B6", "UA"]


def test_a_row_that_components_do_not_tell_is_an_anomaly(iris, model):
    odd = pa.table(
        {name: [value] for name, value in zip(iris.column_names, (5, 9, 9, 9), strict=True)}
    )

    found = call("DETECT_ANOMALIES", model, odd, contamination=0.01)
    usual = call("DETECT_ANOMALIES", model, iris, contamination=0.1)

    assert schema(found) == {
        "is_anomaly": "bool",
        "mean_squared_error": "double",
        **schema(odd),
    }
    assert found["is_anomaly"].to_pylist() == [True]
    assert sum(usual["is_anomaly"].to_pylist()) == 15


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"NUM_PRINCIPAL_COMPONENTS": None}, "num_principal_components is None"),
        ({"PCA_EXPLAINED_VARIANCE_RATIO": 0.5}, "exactly one of"),
        ({"NUM_PRINCIPAL_COMPONENTS": 5}, "is 5; there are 150 rows and 4 columns"),
        ({"PCA_SOLVER": "QUICK"}, "give one of AUTO, FULL, RANDOMIZED"),
    ],
)
def test_options_that_do_not_go_together_are_refused(iris, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**OPTIONS, **options}, iris)


def test_neither_option_is_refused(iris):
    with pytest.raises(bqml.BqmlError, match="exactly one of"):
        bqml.train({"MODEL_TYPE": "PCA"}, iris)


def test_too_many_columns_for_a_full_solver_are_refused():
    table = pa.table({"name": [f"n{i}" for i in range(1600)]})

    with pytest.raises(bqml.BqmlError, match=r"up to 1,500 columns.*have 1,600"):
        bqml.train({**OPTIONS, "PCA_SOLVER": "FULL"}, table)


def test_a_randomized_solver_finds_nearly_the_same(iris, model):
    other = bqml.train({**OPTIONS, "PCA_SOLVER": "RANDOMIZED"}, iris)

    assert other.fitted.ratios == pytest.approx(model.fitted.ratios, abs=1e-6)


def test_the_order_of_rows_means_nothing(iris, model):
    order = np.random.default_rng(2).permutation(iris.num_rows)

    again = bqml.train(OPTIONS, iris.take(pa.array(order)))

    assert np.array_equal(again.fitted.components, model.fitted.components)


def test_a_loaded_model_says_the_same(iris, model, tmp_path):
    model.save(tmp_path)

    loaded = Model.load(tmp_path)

    for name in ("PREDICT", "EVALUATE", "GENERATE_EMBEDDING"):
        assert call(name, loaded, iris).equals(call(name, model, iris))
    for name in ("PRINCIPAL_COMPONENTS", "PRINCIPAL_COMPONENT_INFO", "TRAINING_INFO"):
        assert call(name, loaded).equals(call(name, model))
    assert loaded.training_runs == model.training_runs


def test_a_training_run_tells_the_components(model):
    [result] = model.training_runs[0]["results"]

    assert [info["principalComponentId"] for info in result["principalComponentInfos"]] == [
        "0",
        "1",
    ]
