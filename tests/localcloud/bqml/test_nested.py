"""STRUCT and ARRAY columns as features."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml import order
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.nested import Items, Sparse, Vector, flattened
from tests.localcloud.bqml.conftest import call

pytestmark = pytest.mark.covers("ARRAY and STRUCT features")

ROWS = 600
ENTRY = pa.struct([("k", pa.int64()), ("v", pa.float64())])
LABEL = {"INPUT_LABEL_COLS": ["y"]}
SUPERVISED: dict[str, dict[str, Any]] = {
    "LINEAR_REG": {},
    "BOOSTED_TREE_REGRESSOR": {"MAX_ITERATIONS": 30},
    "RANDOM_FOREST_REGRESSOR": {"NUM_PARALLEL_TREE": 20},
    "DNN_REGRESSOR": {"HIDDEN_UNITS": [16], "LEARN_RATE": 0.01},
    "DNN_LINEAR_COMBINED_REGRESSOR": {"HIDDEN_UNITS": [8], "LEARN_RATE": 0.01},
}


@pytest.fixture(scope="module")
def nested() -> pa.Table:
    """A label that a vector, a set of words, a sparse vector and a struct make together."""
    random = np.random.default_rng(0)
    vector = random.normal(5, 2, size=(ROWS, 3))
    words = [
        [word for word in ("red", "blue", "gone") if random.random() < 0.5] for _ in range(ROWS)
    ]
    entries = [
        [(int(k), float(random.normal())) for k in np.flatnonzero(random.random(6) < 0.4)]
        for _ in range(ROWS)
    ]
    speed, kind = random.normal(size=ROWS), random.choice(["a", "b"], ROWS)
    target = vector @ [1.0, -2.0, 0.5] + 3 * np.array(["red" in row for row in words])
    target += [sum(v for k, v in row if k == 4) * 2 for row in entries]
    target += speed - 2 * (kind == "b")
    return pa.table(
        {
            "vector": pa.array(list(vector.tolist()), pa.list_(pa.float64())),
            "words": pa.array(words, pa.list_(pa.string())),
            "entries": pa.array(
                [[{"k": k, "v": v} for k, v in row] for row in entries], pa.list_(ENTRY)
            ),
            "plane": pa.StructArray.from_arrays(
                [pa.array(speed), pa.array(kind)], names=["speed", "kind"]
            ),
            "y": pa.array(target),
        }
    )


@pytest.fixture(scope="module")
def line(nested) -> bqml.Model:
    return bqml.train({"MODEL_TYPE": "LINEAR_REG", **LABEL}, nested)


@pytest.mark.parametrize("kind", sorted(SUPERVISED))
def test_every_part_is_learnt_from(nested, kind, tmp_path):
    model = bqml.train({"MODEL_TYPE": kind, **LABEL, **SUPERVISED[kind]}, nested)
    model.save(tmp_path)

    assert call("EVALUATE", model, nested)["r2_score"][0].as_py() > 0.8
    loaded = bqml.Model.load(tmp_path)
    assert np.array_equal(loaded.fitted.scores(nested), model.fitted.scores(nested))
    assert [kind for _, kind in model.feature_columns] == [
        "ARRAY<FLOAT64>",
        "ARRAY<STRING>",
        "ARRAY<STRUCT<k INT64, v FLOAT64>>",
        "STRUCT<speed FLOAT64, kind STRING>",
    ]


@pytest.mark.covers("ML.WEIGHTS")
def test_weights_are_in_the_units_of_the_elements(line):
    found = {
        row["processed_input"]: row["weight"]
        if row["weight"] is not None
        else {one["category"]: one["weight"] for one in row["category_weights"]}
        for row in call("WEIGHTS", line).to_pylist()
    }

    assert list(found) == [
        "vector",
        "words",
        "entries",
        "plane_speed",
        "plane_kind",
        "__INTERCEPT__",
    ]
    assert list(found["vector"].values()) == pytest.approx([1.0, -2.0, 0.5])
    assert found["words"] == pytest.approx({"blue": 0, "gone": 0, "red": 3}, abs=1e-6)
    assert found["entries"]["4"] == pytest.approx(2)
    assert found["plane_speed"] == pytest.approx(1)


def test_weights_make_the_prediction(line, nested):
    weights = {row["processed_input"]: row for row in call("WEIGHTS", line).to_pylist()}
    first = nested.slice(0, 1).to_pylist()[0]

    total = weights["__INTERCEPT__"]["weight"]
    for name, present in (
        ("vector", {str(i): value for i, value in enumerate(first["vector"])}),
        ("words", dict.fromkeys(first["words"], 1.0)),
        ("entries", {str(entry["k"]): entry["v"] for entry in first["entries"]}),
        ("plane_kind", {first["plane"]["kind"]: 1.0}),
    ):
        own = {one["category"]: one["weight"] for one in weights[name]["category_weights"]}
        total += sum(own[key] * value for key, value in present.items())
    total += weights["plane_speed"]["weight"] * first["plane"]["speed"]
    assert total == pytest.approx(line.fitted.scores(nested.slice(0, 1))[0])


@pytest.mark.covers("ML.FEATURE_INFO", "ML.EXPLAIN_PREDICT", "ML.VALIDATE_DATA_SKEW")
def test_functions_tell_of_elements_and_fields(line, nested):
    info = {row["input"]: row for row in call("FEATURE_INFO", line).to_pylist()}
    explained = call("EXPLAIN_PREDICT", line, nested.slice(0, 1), top_k_features=9)
    skew = call("VALIDATE_DATA_SKEW", line, nested)

    names = ["vector", "words", "entries", "plane_speed", "plane_kind"]
    assert list(info) == names
    assert info["entries"]["dimension"] == 6
    assert info["words"]["category_count"] == 3
    assert info["vector"]["mean"] == pytest.approx(5, abs=0.3)
    attributed = explained["top_feature_attributions"][0].as_py()
    assert {one["feature"] for one in attributed} == set(names)
    assert skew["input"].to_pylist() == names
    assert not any(skew["is_anomaly"].to_pylist())


@pytest.mark.parametrize("kind", ["KMEANS", "PCA", "AUTOENCODER"])
@pytest.mark.covers("KMEANS", "PCA", "AUTOENCODER", "ML.CENTROIDS", "ML.PRINCIPAL_COMPONENTS")
def test_models_without_labels_take_vectors_words_and_structs(nested, kind):
    own = {"KMEANS": {"NUM_CLUSTERS": 3}, "PCA": {"NUM_PRINCIPAL_COMPONENTS": 2}}.get(kind, {})
    rows = nested.drop_columns(["y"] if kind == "AUTOENCODER" else ["y", "entries"])

    model = (
        bqml.train({"MODEL_TYPE": kind, "MAX_ITERATIONS": 2, **own}, rows)
        if (kind != "PCA")
        else bqml.train({"MODEL_TYPE": kind, **own}, rows)
    )

    assert call("PREDICT", model, rows).num_rows == ROWS
    if kind == "KMEANS":
        features = call("CENTROIDS", model)["feature"].to_pylist()
        assert features[:4] == ["vector_0", "vector_1", "vector_2", "words"]


@pytest.mark.parametrize("kind", ["KMEANS", "PCA"])
def test_sparse_arrays_are_not_for_every_kind(nested, kind):
    own = {"NUM_PRINCIPAL_COMPONENTS": 2} if kind == "PCA" else {}

    with pytest.raises(bqml.BqmlError, match="'entries': models of this type take no ARRAY<STRUCT"):
        bqml.train({"MODEL_TYPE": kind, **own}, nested)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (pa.array([[1.0], [1.0, 2.0]]), "needs the same length in every row; it has 1 to 2"),
        (pa.array([[], []], pa.list_(pa.float64())), "it has none"),
        (pa.array([[{"a": "x", "b": 1}]] * 2), "as ARRAY<STRUCT<INT64, number>>"),
        (pa.array([{"a": {"b": 1}}] * 2), "a STRUCT within a STRUCT"),
        (pa.array([[{"k": -1, "v": 1.0}]] * 2, pa.list_(ENTRY)), "the index -1"),
        (pa.array([[{"k": 1, "v": None}]] * 2, pa.list_(ENTRY)), "without index or number"),
    ],
)
def test_what_is_no_feature_is_refused(column, says):
    table = pa.table({"x": column, "y": [1.0, 2.0]})

    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({"MODEL_TYPE": "LINEAR_REG", **LABEL}, table)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ([[1.0, 2.0]], "an array of 3 numbers to the model, and one here has 2"),
        ([1.0], "the model needs an array of numbers there"),
    ],
)
def test_a_row_of_another_shape_is_refused(line, nested, column, says):
    row = nested.slice(0, 1).set_column(0, "vector", pa.array(column))

    with pytest.raises(bqml.BqmlError, match=says):
        call("PREDICT", line, row)


def test_a_missing_array_is_the_mean_and_what_is_unseen_is_nothing():
    vector = pa.chunked_array([pa.array([[1.0, 4.0], None, [3.0, 6.0]])])
    words = pa.chunked_array([pa.array([["a", "a"], ["b"], None])])
    sparse = pa.chunked_array(
        [pa.array([[{"k": 2, "v": 5.0}, {"k": 2, "v": 1.0}], [], None], pa.list_(ENTRY))]
    )
    beyond = pa.chunked_array([pa.array([[{"k": 9, "v": 5.0}]], pa.list_(ENTRY))])

    fitted = Vector.fit(vector, "x", standardize=False)
    assert fitted.encode(vector).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert Items("x", "x", ["a", "b"]).encode(words).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert Sparse.fit(sparse, "x").encode(sparse).tolist() == [[0, 0, 6], [0, 0, 0], [0, 0, 0]]
    assert Sparse.fit(sparse, "x").encode(beyond).tolist() == [[0, 0, 0]]


def test_many_columns_are_encoded_the_same_as_few(nested):
    wide = [[f"word{place}"] for place in range(ROWS)]
    table = nested.set_column(1, "words", pa.array(wide)).drop_columns(["y"])
    columns = [(name, "") for name in table.column_names]

    encoding = Encoding.fit_unlabelled(table, columns, standardize=True)

    sparse = encoding.encode(table)
    dense = np.hstack([part.encode(flattened(table)[part.column]) for part in encoding.inputs])
    assert sparse.shape == (ROWS, encoding.width)
    assert np.allclose(sparse.toarray(), dense)


def test_the_order_of_rows_means_nothing(nested, line):
    mixed = np.random.default_rng(3).permutation(ROWS)

    again = bqml.train({"MODEL_TYPE": "LINEAR_REG", **LABEL}, nested.take(pa.array(mixed)))

    assert np.allclose(again.fitted.scores(nested), line.fitted.scores(nested))
    ranks = order.shuffled(nested)
    assert nested.take(pa.array(ranks)).equals(
        nested.take(pa.array(mixed)).take(pa.array(order.shuffled(nested.take(pa.array(mixed)))))
    )
