"""K-means against scikit-learn called directly, and what BigQuery ML says of clusters."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score

from localcloud import bqml
from localcloud.bqml import Model
from tests.localcloud.bqml.conftest import call, known_set, schema

pytestmark = pytest.mark.covers("KMEANS")

OPTIONS: dict[str, Any] = {"MODEL_TYPE": "KMEANS", "NUM_CLUSTERS": 3}


@pytest.fixture(scope="module")
def points() -> pa.Table:
    """Three well parted groups of 100 points, each with a colour of its own."""
    random = np.random.default_rng(5)
    middles = np.repeat([[0.0, 0.0], [10.0, 0.0], [0.0, 40.0]], 100, axis=0)
    found = middles + random.normal(size=(300, 2))
    colours = np.repeat(["red", "green", "blue"], 100)
    return pa.table({"x": found[:, 0], "y": found[:, 1], "colour": colours})


@pytest.fixture(scope="module")
def model(points) -> Model:
    return bqml.train({**OPTIONS, "KMEANS_INIT_METHOD": "KMEANS++"}, points)


def test_each_group_is_a_cluster(points, model):
    predicted = call("PREDICT", model, points)

    assert adjusted_rand_score(points["colour"].to_pylist(), predicted["centroid_id"]) == 1


def test_predict_has_the_columns_of_googles_page(points, model):
    predicted = call("PREDICT", model, points.slice(0, 1))

    assert schema(predicted) == {
        "centroid_id": "int64",
        "nearest_centroids_distance": "list<item: struct<centroid_id: int64, distance: double>>",
        "x": "double",
        "y": "double",
        "colour": "string",
    }
    [row] = predicted.to_pylist()
    distances = row["nearest_centroids_distance"]
    assert distances[0]["centroid_id"] == row["centroid_id"]
    assert [d["distance"] for d in distances] == sorted(d["distance"] for d in distances)
    assert len(distances) == 3


def test_at_most_five_distances_are_told(points):
    model = bqml.train({**OPTIONS, "NUM_CLUSTERS": 7}, points)

    [row] = call("PREDICT", model, points.slice(0, 1)).to_pylist()

    assert len(row["nearest_centroids_distance"]) == 5


def test_centroids_are_in_the_units_of_the_columns_unless_standardised(points, model):
    [own] = [
        row
        for row in call("CENTROIDS", model).to_pylist()
        if row["feature"] == "colour" and row["categorical_value"][0]["category"] == "blue"
    ]
    plain = {
        row["feature"]: row["numerical_value"]
        for row in call("CENTROIDS", model).to_pylist()
        if row["centroid_id"] == own["centroid_id"]
    }
    standardised = {
        row["feature"]: row["numerical_value"]
        for row in call("CENTROIDS", model, standardize=True).to_pylist()
        if row["centroid_id"] == own["centroid_id"]
    }

    group = points.filter(np.asarray(points["colour"]) == "blue").to_pandas()
    whole = points.to_pandas()
    assert plain["y"] == pytest.approx(group["y"].mean())
    expected = (group["y"].mean() - whole["y"].mean()) / whole["y"].std(ddof=0)
    assert standardised["y"] == pytest.approx(expected)


def test_centroids_have_the_columns_of_googles_page(model):
    table = call("CENTROIDS", model)

    assert schema(table) == {
        "centroid_id": "int64",
        "feature": "string",
        "numerical_value": "double",
        "categorical_value": "list<item: struct<category: string, value: string>>",
        "geography_value": "string",
    }
    assert sorted(set(table["centroid_id"].to_pylist())) == [1, 2, 3]
    assert [
        row["categorical_value"] for row in table.to_pylist() if row["feature"] == "colour"
    ] == [
        [{"category": category, "value": "1.0"}]
        for category in (
            row["categorical_value"][0]["category"]
            for row in table.to_pylist()
            if row["feature"] == "colour"
        )
    ]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_clusters_are_as_good_as_the_librarys_own(name):
    table, _, _ = known_set(name)
    features = table.drop_columns(["target"])
    frame = features.to_pandas()
    standard = (frame - frame.mean()) / frame.std(ddof=0)
    own = KMeans(3, n_init=1, init="k-means++", random_state=0).fit(standard)

    model = bqml.train(
        {**OPTIONS, "KMEANS_INIT_METHOD": "KMEANS++", "MIN_REL_PROGRESS": 0.0}, features
    )

    [scores] = call("EVALUATE", model).to_pylist()
    assert scores["mean_squared_distance"] == pytest.approx(own.inertia_ / len(frame), rel=0.02)
    assert scores["davies_bouldin_index"] == pytest.approx(
        davies_bouldin_score(standard, own.labels_), abs=0.02
    )


def test_evaluate_judges_given_rows(points, model):
    whole = call("EVALUATE", model)
    given = call("EVALUATE", model, points)
    far = points.set_column(0, "x", pa.array(np.asarray(points["x"]) + 100))

    assert schema(whole) == {"davies_bouldin_index": "double", "mean_squared_distance": "double"}
    assert given["mean_squared_distance"][0].as_py() == pytest.approx(
        whole["mean_squared_distance"][0].as_py()
    )
    assert call("EVALUATE", model, far)["mean_squared_distance"][0].as_py() > 100


def test_training_info_tells_the_clusters_of_each_iteration(points, model):
    table = call("TRAINING_INFO", model)

    assert schema(table) == {
        "training_run": "int64",
        "iteration": "int64",
        "loss": "double",
        "learning_rate": "double",
        "duration_ms": "int64",
        "cluster_info": "list<item: struct<centroid_id: int64, cluster_radius: double, "
        "cluster_size: int64>>",
    }
    last = table.to_pylist()[0]
    assert sum(cluster["cluster_size"] for cluster in last["cluster_info"]) == points.num_rows
    assert [cluster["cluster_size"] for cluster in last["cluster_info"]] == [100, 100, 100]
    weighed = sum(c["cluster_size"] * c["cluster_radius"] ** 2 for c in last["cluster_info"])
    assert weighed / points.num_rows == pytest.approx(last["loss"])


def test_training_stops_when_the_loss_hardly_falls(points):
    patient = bqml.train({**OPTIONS, "EARLY_STOP": False, "MAX_ITERATIONS": 12}, points)
    hasty = bqml.train({**OPTIONS, "MAX_ITERATIONS": 12}, points)

    assert len(patient.iterations) == 12
    assert len(hasty.iterations) < 12


def test_a_row_far_from_every_cluster_is_an_anomaly(points, model):
    rows = pa.table({"x": [0.0, 500.0], "y": [0.0, 0.0], "colour": ["red", "red"]})

    found = call("DETECT_ANOMALIES", model, rows, contamination=0.02)

    assert schema(found) == {
        "is_anomaly": "bool",
        "normalized_distance": "double",
        "centroid_id": "int64",
        "x": "double",
        "y": "double",
        "colour": "string",
    }
    assert found["is_anomaly"].to_pylist() == [False, True]


def test_contamination_is_the_share_of_training_rows_that_are_anomalies(points, model):
    found = call("DETECT_ANOMALIES", model, points, contamination=0.1)

    assert sum(found["is_anomaly"].to_pylist()) == 30


@pytest.mark.parametrize("contamination", [None, -0.1, 0.6, True, "0.1"])
def test_a_contamination_that_is_none_is_refused(points, model, contamination):
    with pytest.raises(bqml.BqmlError, match=r"contamination is .*give a number from 0 to 0.5"):
        call("DETECT_ANOMALIES", model, points, contamination=contamination)


def test_custom_centroids_come_from_the_rows_that_are_marked(points):
    marked = np.zeros(300, dtype=bool)
    marked[[250, 150, 50]] = True
    table = points.append_column("start", pa.array(marked))
    options = {**OPTIONS, "KMEANS_INIT_METHOD": "CUSTOM", "KMEANS_INIT_COL": "start"}

    model = bqml.train(options, table)

    assert [name for name, _ in model.feature_columns] == ["x", "y", "colour"]
    assert sorted(model.iterations[0].clusters[0]) == [
        "centroid_id",
        "cluster_radius",
        "cluster_size",
    ]


@pytest.mark.parametrize(
    ("options", "marked", "says"),
    [
        ({"KMEANS_INIT_METHOD": "CUSTOM"}, 3, "needs kmeans_init_col"),
        ({"KMEANS_INIT_COL": "start"}, 3, "is for kmeans_init_method 'CUSTOM'"),
        (
            {"KMEANS_INIT_METHOD": "CUSTOM", "KMEANS_INIT_COL": "start"},
            2,
            "TRUE in 2 rows; it must be in num_clusters, 3, of them",
        ),
        ({"KMEANS_INIT_METHOD": "CUSTOM", "KMEANS_INIT_COL": "x"}, 3, "it must be BOOL"),
        ({"KMEANS_INIT_METHOD": "CUSTOM", "KMEANS_INIT_COL": "z"}, 3, "does not have"),
        ({"NUM_CLUSTERS": 1}, 3, "a whole number, 2 to 100"),
        ({"NUM_CLUSTERS": 101}, 3, "a whole number, 2 to 100"),
        ({"INPUT_LABEL_COLS": ["x"]}, 3, "input_label_cols is not one of KMEANS"),
    ],
)
def test_options_that_do_not_go_together_are_refused(points, options, marked, says):
    column = np.arange(300) < marked
    table = points.append_column("start", pa.array(column))

    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**OPTIONS, **options}, table)


def test_more_clusters_than_different_points_are_refused():
    table = pa.table({"x": [1.0, 1.0, 2.0, 2.0]})

    with pytest.raises(bqml.BqmlError, match="hold only 2 different points"):
        bqml.train(OPTIONS, table)


def test_cosine_goes_by_direction():
    random = np.random.default_rng(1)
    angles = np.repeat([0.1, 1.4], 100) + random.normal(scale=0.02, size=200)
    lengths = random.uniform(1, 100, 200)
    table = pa.table({"x": lengths * np.cos(angles), "y": lengths * np.sin(angles)})
    options = {**OPTIONS, "NUM_CLUSTERS": 2, "STANDARDIZE_FEATURES": False}

    model = bqml.train({**options, "DISTANCE_TYPE": "COSINE"}, table)

    predicted = call("PREDICT", model, table)
    assert adjusted_rand_score(np.repeat([0, 1], 100), predicted["centroid_id"]) == 1
    first = predicted["nearest_centroids_distance"][0].as_py()[1]
    centroid = model.fitted.centroids[first["centroid_id"] - 1]
    point = np.array([table["x"][0].as_py(), table["y"][0].as_py()])
    cosine = point @ centroid / np.linalg.norm(point) / np.linalg.norm(centroid)
    assert first["distance"] == pytest.approx(np.sqrt(1 - cosine))


@pytest.mark.parametrize("method", ["RANDOM", "KMEANS++"])
def test_the_order_of_rows_means_nothing(points, method):
    shuffled = points.take(pa.array(np.random.default_rng(2).permutation(300)))
    options = {**OPTIONS, "KMEANS_INIT_METHOD": method}

    one, two = bqml.train(options, points), bqml.train(options, shuffled)

    assert np.array_equal(one.fitted.centroids, two.fitted.centroids)


def test_many_categories_are_clustered_as_a_sparse_matrix():
    names = [f"n{i}" for i in range(300)]
    table = pa.table({"name": names * 2, "x": np.repeat([0.0, 50.0], 300)})

    model = bqml.train({**OPTIONS, "NUM_CLUSTERS": 2, "STANDARDIZE_FEATURES": False}, table)

    predicted = call("PREDICT", model, table)
    assert adjusted_rand_score(np.repeat([0, 1], 300), predicted["centroid_id"]) == 1


def test_the_usual_number_of_clusters_is_the_logarithm_of_the_rows(points):
    model = bqml.train({"MODEL_TYPE": "KMEANS"}, points)

    assert model.options["NUM_CLUSTERS"] == 2


def test_a_loaded_model_says_the_same(points, model, tmp_path):
    model.save(tmp_path)

    loaded = Model.load(tmp_path)

    for name in ("PREDICT", "EVALUATE"):
        assert call(name, loaded, points).equals(call(name, model, points))
    assert call("CENTROIDS", loaded).equals(call("CENTROIDS", model))
    assert call("TRAINING_INFO", loaded).equals(call("TRAINING_INFO", model))
    again = call("DETECT_ANOMALIES", loaded, points, contamination=0.1)
    assert again.equals(call("DETECT_ANOMALIES", model, points, contamination=0.1))
    assert loaded.training_runs == model.training_runs


def test_functions_of_labels_are_refused(model):
    for name in ("ROC_CURVE", "CONFUSION_MATRIX", "WEIGHTS", "FEATURE_IMPORTANCE"):
        with pytest.raises(bqml.BqmlError, match="not for models of type KMEANS"):
            call(name, model)
