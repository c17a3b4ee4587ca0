"""Models imported from files: ONNX and XGBoost, made here by scikit-learn and xgboost."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import skl2onnx
import xgboost
from google.api_core import exceptions
from google.cloud import bigquery
from onnx import TensorProto, helper
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

pytestmark = pytest.mark.covers("ONNX", "XGBOOST")

BUCKET = "models"
IRIS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


@functools.cache
def iris() -> tuple[Any, Any]:
    features, target = load_iris(return_X_y=True)
    return features.astype(np.float32), target


def iris_rows(rows: int = 150) -> str:
    """A query that gives the first rows of the iris data."""
    features, _ = iris()
    structs = ", ".join(
        f"STRUCT({n} AS n, {', '.join(f'{v} AS {c}' for v, c in zip(row, IRIS, strict=True))})"
        for n, row in enumerate(features[:rows].tolist())
    )
    return f"SELECT n, {', '.join(IRIS)} FROM UNNEST([{structs}])"


@functools.cache
def classifier() -> tuple[bytes, Any]:
    """A logistic regression with a column for each feature, as ONNX, and its probabilities."""
    features, target = iris()
    model = LogisticRegression(max_iter=500).fit(features, target)
    types = [("input", FloatTensorType([None, 4]))]
    converted = skl2onnx.to_onnx(model, initial_types=types, options={"zipmap": False})
    return converted.SerializeToString(), model.predict_proba(features)


@functools.cache
def booster(kind: str, named: bool) -> tuple[bytes, Any]:
    """An XGBoost model of three classes or of one number, as JSON, and what it predicts."""
    features, target = iris()
    names = {"feature_names": list(IRIS), "feature_types": ["float"] * 4} if named else {}
    data = xgboost.DMatrix(features, target, **names)
    settings = {"objective": kind, **({"num_class": 3} if kind == "multi:softprob" else {})}
    model = xgboost.train(settings, data, num_boost_round=3)
    return bytes(model.save_raw("json")), model.predict(data)


def onnx_of(inputs: list[Any], outputs: list[Any], *nodes: Any) -> bytes:
    graph = helper.make_graph(list(nodes), "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def put(server: Server, name: str, content: bytes) -> str:
    server.objects.setdefault(BUCKET, {})[name] = content
    return f"gs://{BUCKET}/{name}"


def create(path: str, kind: str = "ONNX", clauses: str = "", more: str = "") -> str:
    return (
        f"CREATE OR REPLACE MODEL m {clauses} "
        f"OPTIONS (MODEL_TYPE = '{kind}', MODEL_PATH = '{path}'{more})"
    )


def test_onnx_predicts_what_scikit_learn_does(server: Server, run: Run) -> None:
    content, expected = classifier()
    put(server, "iris/readme.txt", b"about")
    put(server, "iris/sub/model.onnx", content)
    put(server, "iris/z.txt", b"about")
    run(create(f"gs://{BUCKET}/iris/*"))

    rows = run(
        "SELECT * FROM ML.PREDICT(MODEL m, "
        f"(SELECT n, [{', '.join(IRIS)}] AS input FROM ({iris_rows()}))) ORDER BY n"
    )

    assert list(rows[0]) == ["label", "probabilities", "n", "input"]
    assert [row["label"] for row in rows] == expected.argmax(axis=1).tolist()
    got = np.array([row["probabilities"] for row in rows])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_onnx_takes_a_column_for_each_input_of_one_value(server: Server, run: Run) -> None:
    features, target = iris()
    model = LinearRegression().fit(features, target)
    types = [("input", FloatTensorType([None, 4]))]
    merged = skl2onnx.to_onnx(model, initial_types=types)
    path = put(server, "regression.onnx", one_by_one(merged))
    run(create(path))

    rows = run(f"SELECT n, variable FROM ML.PREDICT(MODEL m, ({iris_rows(5)})) ORDER BY n")

    got = [row["variable"] for row in rows]
    np.testing.assert_allclose(got, model.predict(features[:5]), atol=1e-5)


def one_by_one(model: Any) -> bytes:
    """A model whose one input of four values becomes four inputs of one."""
    taken = model.graph.input[0].name
    concat = helper.make_node("Concat", list(IRIS), [taken], axis=1)
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 1]) for n in IRIS]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.graph.node.insert(0, concat)
    content: bytes = model.SerializeToString()
    return content


def test_a_resource_tells_type_columns_and_file(
    client: bigquery.Client, dataset: str, server: Server, run: Run
) -> None:
    path = put(server, "plain.onnx", classifier()[0])

    run(create(path))

    model = client.get_model(f"{dataset}.m")
    array = {"typeKind": "ARRAY", "arrayElementType": {"typeKind": "FLOAT64"}}
    assert model.model_type == "ONNX"
    assert model._properties["featureColumns"] == [{"name": "input", "type": array}]
    assert model._properties["labelColumns"] == [
        {"name": "label", "type": {"typeKind": "INT64"}},
        {"name": "probabilities", "type": array},
    ]
    [training] = model._properties["trainingRuns"]
    assert training["trainingOptions"] == {"modelUri": path}


def test_a_model_outlives_its_file(server: Server, run: Run) -> None:
    path = put(server, "gone.onnx", classifier()[0])
    run(create(path))

    del server.objects[BUCKET]["gone.onnx"]

    rows = run("SELECT label FROM ML.PREDICT(MODEL m, (SELECT [5.1, 3.5, 1.4, 0.2] AS input))")
    assert rows == [{"label": 0}]


@pytest.mark.parametrize(
    ("kind", "suffix"), [("binary", "ubj"), ("json", "json"), ("json", "bst")], ids=str
)
def test_xgboost_predicts_what_xgboost_does(
    server: Server, run: Run, kind: str, suffix: str
) -> None:
    content, expected = booster("reg:squarederror", named=True)
    if kind == "binary":
        model = xgboost.Booster(model_file=bytearray(content))
        content = bytes(model.save_raw("ubj"))
    run(create(put(server, f"named.{suffix}", content), "XGBOOST"))

    rows = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({iris_rows()})) ORDER BY n")

    assert list(rows[0]) == ["predicted_label", "n", *IRIS]
    np.testing.assert_allclose([row["predicted_label"] for row in rows], expected, atol=1e-5)


def test_xgboost_takes_its_columns_from_the_statement(
    client: bigquery.Client, dataset: str, server: Server, run: Run
) -> None:
    content, expected = booster("multi:softprob", named=False)
    fields = ", ".join(f"{name} FLOAT64" for name in IRIS)
    path = put(server, "classes.json", content)

    run(create(path, "XGBOOST", f"INPUT({fields}) OUTPUT(probs FLOAT64)"))

    rows = run(f"SELECT probs FROM ML.PREDICT(MODEL m, ({iris_rows(9)})) ORDER BY n")
    np.testing.assert_allclose([row["probs"] for row in rows], expected[:9], atol=1e-5)
    model = client.get_model(f"{dataset}.m")
    assert [field.name for field in model.feature_columns] == list(IRIS)
    assert model._properties["labelColumns"][0]["type"]["typeKind"] == "ARRAY"


def test_the_importance_of_features_is_xgboosts(server: Server, run: Run) -> None:
    content, _ = booster("reg:squarederror", named=True)
    run(create(put(server, "importance.json", content), "XGBOOST"))

    rows = run("SELECT * FROM ML.FEATURE_IMPORTANCE(MODEL m)")

    model = xgboost.Booster(model_file=bytearray(content))
    gains = model.get_score(importance_type="gain")
    assert [row["feature"] for row in rows] == list(IRIS)
    got = {row["feature"]: row["importance_gain"] for row in rows if row["importance_gain"]}
    assert got == pytest.approx(gains)


def test_arrays_of_unlike_lengths_go_in_apart(server: Server, run: Run) -> None:
    takes = helper.make_tensor_value_info("x", TensorProto.INT64, ["rows", "words"])
    gives = helper.make_tensor_value_info("y", TensorProto.INT64, ["rows", "words"])
    path = put(
        server, "free.onnx", onnx_of([takes], [gives], helper.make_node("Neg", ["x"], ["y"]))
    )
    run(create(path))

    rows = run(
        "SELECT y FROM ML.PREDICT(MODEL m, (SELECT n, x FROM UNNEST([STRUCT(1 AS n, [1, 2] AS x), "
        "(2, [3, 4]), (3, [5]), (4, [6, 7])]))) ORDER BY n"
    )

    assert [row["y"] for row in rows] == [[-1, -2], [-3, -4], [-5], [-6, -7]]


def test_texts_and_truth_values_pass(server: Server, run: Run) -> None:
    texts = [helper.make_tensor_value_info(n, TensorProto.STRING, [None, 1]) for n in ("a", "b")]
    flags = [helper.make_tensor_value_info(n, TensorProto.BOOL, [None]) for n in ("c", "d")]
    nodes = [helper.make_node("Identity", ["a"], ["b"]), helper.make_node("Not", ["c"], ["d"])]
    content = onnx_of([texts[0], flags[0]], [texts[1], flags[1]], *nodes)
    run(create(put(server, "kinds.onnx", content)))

    rows = run("SELECT b, d FROM ML.PREDICT(MODEL m, (SELECT 'é' AS a, TRUE AS c))")

    assert rows == [{"b": "é", "d": False}]


def sequences() -> bytes:
    features, target = iris()
    model = LogisticRegression(max_iter=500).fit(features, target)
    converted = skl2onnx.to_onnx(model, initial_types=[("input", FloatTensorType([None, 4]))])
    listed: bytes = converted.SerializeToString()
    return listed


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        (create("gs://models/no.onnx"), exceptions.NotFound, "Not found: URI gs://models/no.onnx"),
        (create("gs://nobucket/no.onnx"), exceptions.NotFound, "Not found: URI gs://nobucket"),
        (create("/etc/passwd"), exceptions.BadRequest, "is no Cloud Storage URI"),
        (create("gs://models/two/*"), exceptions.BadRequest, "holds 2 files that end in .onnx"),
        (create("gs://models/two/*", "XGBOOST"), exceptions.BadRequest, "holds 0 files that end"),
        (
            create("gs://models/bad.onnx", more=", L2_REG = 1"),
            exceptions.BadRequest,
            "Option L2_REG is not for models of type ONNX",
        ),
        (
            create("gs://models/bad.onnx", clauses="INPUT(x FLOAT64) OUTPUT(y FLOAT64)"),
            exceptions.BadRequest,
            "INPUT and OUTPUT are not for models of type ONNX",
        ),
        (
            "CREATE MODEL m OPTIONS (MODEL_TYPE = 'ONNX')",
            exceptions.BadRequest,
            "needs the option MODEL_PATH",
        ),
    ],
)
def test_what_cannot_be_imported_is_said(
    client: bigquery.Client,
    dataset: str,
    server: Server,
    statement: str,
    error: type[Exception],
    message: str,
    dry_run: bool,
) -> None:
    put(server, "bad.onnx", b"no model")
    put(server, "two/a.onnx", b"")
    put(server, "two/b.onnx", b"")
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=dry_run)

    with pytest.raises(error, match=message):
        client.query(statement, job_config=config, job_retry=None).result()

    assert list(client.list_models(dataset)) == []


@pytest.mark.parametrize(
    ("name", "content", "kind", "clauses", "message"),
    [
        ("bad.onnx", lambda: b"no model", "ONNX", "", "the file is no ONNX model"),
        ("bad.json", lambda: b"{}", "XGBOOST", "", "is no model that xgboost .* can read"),
        (
            "bare.json",
            lambda: booster("reg:squarederror", named=False)[0],
            "XGBOOST",
            "",
            "lacks feature_names or feature_types",
        ),
        (
            "few.json",
            lambda: booster("reg:squarederror", named=False)[0],
            "XGBOOST",
            "INPUT(a FLOAT64) OUTPUT(y FLOAT64)",
            "INPUT has 1 columns, but the model takes 4",
        ),
        (
            "other.json",
            lambda: booster("reg:squarederror", named=True)[0],
            "XGBOOST",
            "INPUT(a FLOAT64) OUTPUT(y FLOAT64)",
            "INPUT has a, but the model file has sepal_length",
        ),
        (
            "text.json",
            lambda: booster("reg:squarederror", named=False)[0],
            "XGBOOST",
            "INPUT(a STRING) OUTPUT(y FLOAT64)",
            "a STRING is not",
        ),
        (
            "seq.onnx",
            sequences,
            "ONNX",
            "",
            "output 'output_probability' has unsupported ONNX type: ONNX_TYPE_SEQ",
        ),
    ],
)
def test_an_unreadable_file_leaves_nothing(
    client: bigquery.Client,
    dataset: str,
    server: Server,
    run: Run,
    name: str,
    content: Any,
    kind: str,
    clauses: str,
    message: str,
) -> None:
    path = put(server, name, content())

    with pytest.raises(exceptions.BadRequest, match=message):
        run(create(path, kind, clauses))

    assert list(client.list_models(dataset)) == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM ML.PREDICT(MODEL m, (SELECT 1 AS x))", "Required column 'input'"),
        ("SELECT * FROM ML.PREDICT(MODEL m, (SELECT [1.0] AS input))", "input 'input' has the sh"),
        ("SELECT * FROM ML.PREDICT(MODEL m, (SELECT 'a' AS input))", "must be ARRAY<FLOAT64>"),
        ("SELECT * FROM ML.EVALUATE(MODEL m)", "ML.EVALUATE is not supported for models of type"),
        ("SELECT * FROM ML.FEATURE_IMPORTANCE(MODEL m)", "is not for models of type ONNX"),
    ],
)
def test_what_a_model_cannot_do_is_said(server: Server, run: Run, query: str, message: str) -> None:
    run(create(put(server, "asked.onnx", classifier()[0])))

    with pytest.raises(exceptions.BadRequest, match=message):
        run(query)


def test_a_file_that_is_too_large_is_refused(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localcloud.bqml import imported

    small = imported.FileType("onnx_file", (".onnx",), 10, False)
    monkeypatch.setattr(imported, "FILES", {**imported.FILES, "ONNX": small})
    path = put(server, "large.onnx", classifier()[0])

    with pytest.raises(exceptions.BadRequest, match="a model of type ONNX can have 10"):
        run(create(path))


def test_an_imported_model_is_read_again_after_a_restart(
    server: Server, run: Run, tmp_path: Path
) -> None:
    from localcloud.bigquery import training

    run(create(put(server, "again.onnx", classifier()[0])))
    training._read.cache_clear()

    rows = run("SELECT label FROM ML.PREDICT(MODEL m, (SELECT [5.1, 3.5, 1.4, 0.2] AS input))")

    assert rows == [{"label": 0}]


def test_the_onnx_of_these_tests_is_sound() -> None:
    onnx.checker.check_model(onnx.load_from_string(classifier()[0]))
