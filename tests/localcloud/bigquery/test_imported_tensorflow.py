"""Models of TensorFlow and TensorFlow Lite, made by TensorFlow or by EXPORT MODEL."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from localcloud.bqml.tensorflow_library import tensorflow
from tests.localcloud.bigquery.conftest import PROJECT, Run, Server
from tests.localcloud.bigquery.test_saved_model import FEATURES, NETWORK, ROWS

pytestmark = pytest.mark.covers("TENSORFLOW", "TENSORFLOW_LITE")

BUCKET = "tensorflow"


@pytest.fixture(autouse=True)
def bucket(server: Server) -> dict[str, bytes]:
    """The bucket of models, empty."""
    server.objects[BUCKET] = {}
    return server.objects[BUCKET]


def saved(function: Callable[..., dict[str, Any]], **specs: Any) -> dict[str, bytes]:
    """The files of a SavedModel of one function."""
    tf = tensorflow("a test")
    taken = [
        tf.TensorSpec(shape, getattr(tf, kind), name=name) for name, (shape, kind) in specs.items()
    ]
    module = tf.Module()
    module.serve = tf.function(function, input_signature=taken)
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, signatures={"serving_default": module.serve})
        return _files(directory)


def _files(directory: str) -> dict[str, bytes]:
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in Path(directory).rglob("*")
        if file.is_file()
    }


def several() -> dict[str, bytes]:
    """A model that takes and gives each kind of column."""
    tf = tensorflow("a test")

    def serve(number: Any, words: Any, pair: Any, flag: Any) -> dict[str, Any]:
        return {
            "twice": number * 2,
            "length": tf.strings.length(words),
            "upper": tf.strings.upper(words),
            "turned": tf.reverse(pair, [1]),
            "not_flag": tf.logical_not(flag),
        }

    return saved(
        serve,
        number=([None], "int64"),
        words=([None], "string"),
        pair=([None, 2], "float32"),
        flag=([None, 1], "bool"),
    )


def lite() -> bytes:
    """A model that sums arrays of two numbers and scales a number."""
    tf = tensorflow("a test")
    module = tf.Module()
    module.serve = tf.function(
        lambda pair, factor: {"total": tf.reduce_sum(pair, axis=1) * factor},
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, name="pair"),
            tf.TensorSpec([None], tf.float32, name="factor"),
        ],
    )
    concrete = [module.serve.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(concrete, module)
    content: bytes = converter.convert()
    return content


def put(bucket: dict[str, bytes], files: dict[str, bytes], below: str = "m") -> str:
    bucket.update({f"{below}/{name}": content for name, content in files.items()})
    return f"gs://{BUCKET}/{below}/*"


def create(run: Run, path: str, kind: str = "TENSORFLOW", name: str = "m", more: str = "") -> None:
    run(f"CREATE MODEL {name} OPTIONS (MODEL_TYPE = '{kind}', MODEL_PATH = '{path}'{more})")


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize(
    ("kind", "label", "more"),
    [
        ("LINEAR_REG", "y", ""),
        ("LOGISTIC_REG", "two", ""),
        ("DNN_CLASSIFIER", "two", NETWORK),
        ("DNN_LINEAR_COMBINED_REGRESSOR", "y", NETWORK),
    ],
)
def test_an_exported_model_that_is_imported_predicts_the_same(
    run: Run, bucket: dict[str, bytes], kind: str, label: str, more: str
) -> None:
    run(
        f"CREATE MODEL m OPTIONS (MODEL_TYPE = '{kind}', INPUT_LABEL_COLS = ['{label}']{more}) AS "
        f"SELECT {FEATURES}, {label} FROM ({ROWS})"
    )
    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}/m')")

    create(run, f"gs://{BUCKET}/m/*", name="again")

    rows = f"SELECT * REPLACE (IFNULL(s, '_null_filler') AS s), t.f AS t_f FROM ({ROWS})"
    before = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({ROWS})) ORDER BY y")
    after = run(f"SELECT * FROM ML.PREDICT(MODEL again, ({rows})) ORDER BY y")
    predicted = f"predicted_{label}"
    if label == "y":
        wanted = [row[predicted] for row in before]
        assert [row[predicted] for row in after] == pytest.approx(wanted)
    else:
        assert [row[predicted] for row in after] == [row[predicted] for row in before]
        wanted = [[one["prob"] for one in row[f"{predicted}_probs"]] for row in before]
        np.testing.assert_allclose([row[f"{label}_probs"] for row in after], wanted)


def test_each_kind_of_column_goes_in_and_comes_out(run: Run, bucket: dict[str, bytes]) -> None:
    create(run, put(bucket, several()))

    rows = run(
        "SELECT * FROM ML.PREDICT(MODEL m, (SELECT n, n AS number, CONCAT('é', n) AS words, "
        "[n + 0.5, 9] AS pair, n = 1 AS flag FROM UNNEST([1, 2]) AS n)) ORDER BY n"
    )

    assert [row["twice"] for row in rows] == [2, 4]
    assert [row["length"] for row in rows] == [3, 3]
    # TensorFlow's own `upper` knows ASCII alone.
    assert [row["upper"] for row in rows] == ["é1", "é2"]
    assert [row["turned"] for row in rows] == [[9, 1.5], [9, 2.5]]
    assert [row["not_flag"] for row in rows] == [False, True]
    assert list(rows[0])[5:] == ["n", "number", "words", "pair", "flag"]


def test_a_resource_tells_type_columns_and_path(
    client: bigquery.Client, dataset: str, run: Run, bucket: dict[str, bytes]
) -> None:
    path = put(bucket, several())

    create(run, path)

    model = client.get_model(f"{dataset}.m")
    assert model.model_type == "TENSORFLOW"
    kinds = {
        column["name"]: column["type"]["typeKind"]
        for column in model._properties["featureColumns"] + model._properties["labelColumns"]
    }
    assert kinds == {
        "number": "INT64",
        "words": "STRING",
        "pair": "ARRAY",
        "flag": "BOOL",
        "twice": "INT64",
        "length": "INT64",
        "upper": "STRING",
        "turned": "ARRAY",
        "not_flag": "BOOL",
    }
    assert model._properties["trainingRuns"][0]["trainingOptions"] == {"modelUri": path}


@pytest.mark.covers("EXPORT MODEL")
def test_an_imported_model_is_exported_as_the_files_that_it_was(
    run: Run, bucket: dict[str, bytes]
) -> None:
    files = several() | {"assets/words.txt": b"a\n"}
    create(run, put(bucket, files))

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}/out')")

    out = {name: content for name, content in bucket.items() if name.startswith("out/")}
    assert out == {f"out/{name}": content for name, content in files.items()}


def test_of_a_model_with_another_below_it_the_upper_one_is_imported(
    run: Run, bucket: dict[str, bytes]
) -> None:
    path = put(bucket, several())
    put(bucket, saved(lambda x: {"y": x}, x=([None], "float32")), "m/transform")

    create(run, path)

    [row] = run(
        "SELECT twice FROM ML.PREDICT(MODEL m, "
        "(SELECT 4 AS number, '' AS words, [1.0, 2.0] AS pair, TRUE AS flag))"
    )
    assert row == {"twice": 8}


def test_tensorflow_lite_predicts(
    client: bigquery.Client, dataset: str, run: Run, bucket: dict[str, bytes]
) -> None:
    bucket["lite/model.tflite"] = lite()
    create(run, f"gs://{BUCKET}/lite/*", "TENSORFLOW_LITE")

    rows = run(
        "SELECT n, total FROM ML.PREDICT(MODEL m, (SELECT n, [n, 1] AS pair, 0.5 AS factor "
        "FROM UNNEST([1, 2, 3]) AS n)) ORDER BY n"
    )

    assert [row["total"] for row in rows] == [1.0, 1.5, 2.0]
    assert client.get_model(f"{dataset}.m").model_type == "TENSORFLOW_LITE"
    with pytest.raises(exceptions.BadRequest, match="models of type TENSORFLOW_LITE is not supp"):
        run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")


def test_a_model_is_read_again_after_a_restart(run: Run, bucket: dict[str, bytes]) -> None:
    from localcloud.bigquery import training

    create(run, put(bucket, saved(lambda x: {"y": -x}, x=([None], "float64"))))
    bucket.clear()
    training._read.cache_clear()

    assert run("SELECT y FROM ML.PREDICT(MODEL m, (SELECT 1.5 AS x))") == [{"y": -1.5}]


def unserved() -> dict[str, bytes]:
    """A SavedModel with a variable, and nothing that is served."""
    tf = tensorflow("a test")
    module = tf.Module()
    module.variable = tf.Variable(1.0)
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory)
        return _files(directory)


@pytest.mark.parametrize(
    ("files", "kind", "message"),
    [
        (lambda: {"saved_model.pb": b"no model"}, "TENSORFLOW", "the files are no SavedModel"),
        (lambda: {"model.h5": b""}, "TENSORFLOW", "holds 0 files that end in saved_model.pb"),
        (
            lambda: {"a/saved_model.pb": b"", "b/saved_model.pb": b""},
            "TENSORFLOW",
            "holds 2 files that end in saved_model.pb",
        ),
        (unserved, "TENSORFLOW", "has no signature 'serving_default'"),
        (
            lambda: saved(lambda x: {"y": x}, x=([None], "complex64")),
            "TENSORFLOW",
            "input 'x' has an unsupported type: complex64",
        ),
        (lambda: {"m.tflite": b"no model"}, "TENSORFLOW_LITE", "is no TensorFlow Lite model"),
    ],
)
def test_what_cannot_be_imported_is_said_and_leaves_nothing(
    client: bigquery.Client,
    dataset: str,
    run: Run,
    bucket: dict[str, bytes],
    files: Callable[[], dict[str, bytes]],
    kind: str,
    message: str,
) -> None:
    path = put(bucket, files())

    with pytest.raises(exceptions.BadRequest, match=message):
        create(run, path, kind)

    assert list(client.list_models(dataset)) == []


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("1 AS number", "Required column 'pair' is missing"),
        (
            "1 AS number, 'a' AS words, [1.0] AS pair, TRUE AS flag",
            "input 'pair' has the shape",
        ),
        (
            "1 AS number, CAST(NULL AS STRING) AS words, [1.0, 2.0] AS pair, TRUE AS flag",
            "input 'words' is NULL in a row",
        ),
        (
            "'a' AS number, 'a' AS words, [1.0, 2.0] AS pair, TRUE AS flag",
            "Column 'number' must be INT64",
        ),
    ],
)
def test_what_a_model_does_not_take_is_said(
    run: Run, bucket: dict[str, bytes], columns: str, message: str
) -> None:
    create(run, put(bucket, several()))

    with pytest.raises(exceptions.BadRequest, match=message):
        run(f"SELECT * FROM ML.PREDICT(MODEL m, (SELECT {columns}))")


def test_all_files_of_a_model_count_for_its_size(
    run: Run, bucket: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from localcloud.bqml import imported

    small = replace(imported.FILES["TENSORFLOW"], most_bytes=10)
    monkeypatch.setattr(imported, "FILES", {**imported.FILES, "TENSORFLOW": small})
    path = put(bucket, {"saved_model.pb": b"12345", "variables/variables.index": b"123456"})

    with pytest.raises(exceptions.BadRequest, match="has 11 bytes; a model of type TENSORFLOW can"):
        create(run, path)


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("kind", ["TENSORFLOW", "TENSORFLOW_LITE"])
def test_without_tensorflow_the_answer_names_the_extra(
    client: bigquery.Client,
    dataset: str,
    bucket: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    dry_run: bool,
) -> None:
    bucket.update({"m/saved_model.pb": b"", "m/m.tflite": b""})
    # So Python says that a module is not there.
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=dry_run)
    statement = f"CREATE MODEL m OPTIONS (MODEL_TYPE = '{kind}', MODEL_PATH = 'gs://{BUCKET}/m/*')"

    with pytest.raises(
        exceptions.MethodNotImplemented, match=r"needs TensorFlow.*'bqvertex\[tensorflow\]'"
    ):
        client.query(statement, job_config=config, job_retry=None).result()
