"""EXPORT MODEL as TensorFlow SavedModels, which TensorFlow itself loads and runs."""

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from localcloud.bqml.tensorflow_library import tensorflow
from tests.localcloud.bigquery.conftest import PROJECT, Run, Server
from tests.localcloud.bigquery.test_model_export import extract, put_back

BUCKET = "saved"
FILES = {
    "saved_model.pb",
    "fingerprint.pb",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
}
ROWS = """
SELECT n * 0.5 AS x, IF(MOD(n, 7) = 0, NULL, n) AS i, MOD(n, 2) = 0 AS flag,
  CASE MOD(n, 4) WHEN 0 THEN 'a' WHEN 1 THEN 'b' WHEN 2 THEN 'c' END AS s,
  STRUCT(MOD(n, 5) AS f) AS t, IF(MOD(n, 3) = 0, 'yes', 'no') AS two, n * 3.0 + 1 AS y
FROM UNNEST(GENERATE_ARRAY(1, 60)) AS n
"""
FEATURES = "x, i, flag, s, t"
TYPES = {"x": float, "i": float, "t_f": float, "flag": bool, "s": str}
NETWORK = ", HIDDEN_UNITS = [4, 3], MAX_ITERATIONS = 2"


@pytest.fixture(autouse=True)
def bucket(server: Server) -> dict[str, bytes]:
    """The bucket that models are exported to, empty."""
    server.objects[BUCKET] = {}
    return server.objects[BUCKET]


def train(run: Run, kind: str, label: str | None, more: str = "") -> None:
    labels = f", INPUT_LABEL_COLS = ['{label}']" if label else ""
    names = f"{FEATURES}, {label}" if label else FEATURES
    run(
        f"CREATE MODEL m OPTIONS (MODEL_TYPE = '{kind}'{labels}{more}) AS "
        f"SELECT {names} FROM ({ROWS})"
    )


def tensors(rows: list[dict[str, Any]], types: dict[str, type] = TYPES) -> dict[str, Any]:
    """Columns as the signature takes them."""
    tf = tensorflow("a test")
    flat = [{**row, "t_f": (row.get("t") or {}).get("f")} for row in rows]
    found = {}
    for name, kind in types.items():
        values = [row[name] for row in flat]
        if kind is float:
            values = [math.nan if value is None else float(value) for value in values]
            found[name] = tf.constant(values, tf.float64)
        else:
            found[name] = tf.constant(["_null_filler" if v is None else v for v in values])
    return found


def loaded(bucket: dict[str, bytes], directory: Path) -> Any:
    """The signature of an exported model as TensorFlow reads it, and what it takes."""
    put_back(bucket, directory)
    tf = tensorflow("a test")
    model = tf.saved_model.load(str(directory))
    signature = model.signatures["serving_default"]
    # Else the model goes while its signature is still used.
    signature.model = model
    return signature


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize(
    ("kind", "label", "more"),
    [
        ("LINEAR_REG", "y", ""),
        ("LINEAR_REG", "y", ", CATEGORY_ENCODING_METHOD = 'DUMMY_ENCODING'"),
        ("DNN_REGRESSOR", "y", NETWORK + ", ACTIVATION_FN = 'CRELU'"),
        ("DNN_LINEAR_COMBINED_REGRESSOR", "y", NETWORK),
    ],
)
def test_a_regressor_answers_in_tensorflow_as_in_ml_predict(
    run: Run, bucket: dict[str, bytes], tmp_path: Path, kind: str, label: str, more: str
) -> None:
    train(run, kind, label, more)

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    rows = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({ROWS}))")
    given = loaded(bucket, tmp_path)(**tensors(rows))
    assert set(bucket) == FILES
    assert list(given) == ["predicted_y"]
    wanted = [row["predicted_y"] for row in rows]
    np.testing.assert_allclose(given["predicted_y"], wanted, rtol=1e-9)


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize("label", ["two", "three"])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("LOGISTIC_REG", ""),
        ("DNN_CLASSIFIER", NETWORK + ", ACTIVATION_FN = 'SELU'"),
        ("DNN_LINEAR_COMBINED_CLASSIFIER", NETWORK + ", ACTIVATION_FN = 'ELU'"),
    ],
)
def test_a_classifier_answers_in_tensorflow_as_in_ml_predict(
    run: Run, bucket: dict[str, bytes], tmp_path: Path, kind: str, label: str, more: str
) -> None:
    source = f"SELECT *, CAST(MOD(CAST(y AS INT64), 5) AS STRING) AS three FROM ({ROWS})"
    run(
        f"CREATE MODEL m OPTIONS (MODEL_TYPE = '{kind}', INPUT_LABEL_COLS = ['{label}']{more}) "
        f"AS SELECT {FEATURES}, {label} FROM ({source})"
    )

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    rows = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({source}))")
    given = loaded(bucket, tmp_path)(**tensors(rows))
    probabilities = [[one["prob"] for one in row[f"predicted_{label}_probs"]] for row in rows]
    np.testing.assert_allclose(given[f"{label}_probs"], probabilities, rtol=1e-9, atol=1e-12)
    predicted = [text.decode() for text in given[f"predicted_{label}"].numpy()]
    assert predicted == [row[f"predicted_{label}"] for row in rows]
    first = [texts[0].decode() for texts in given[f"{label}_values"].numpy()]
    assert first == predicted


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize("distance", ["EUCLIDEAN", "COSINE"])
def test_k_means_finds_the_same_centroids_in_tensorflow(
    run: Run, bucket: dict[str, bytes], tmp_path: Path, distance: str
) -> None:
    train(run, "KMEANS", None, f", NUM_CLUSTERS = 3, DISTANCE_TYPE = '{distance}'")

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    rows = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({ROWS}))")
    given = loaded(bucket, tmp_path)(**tensors(rows))
    assert list(given["nearest_centroid_id"].numpy()) == [row["centroid_id"] for row in rows]
    near = [row["nearest_centroids_distance"] for row in rows]
    ids = [[one["centroid_id"] for one in entries] for entries in near]
    assert given["centroid_ids"].numpy().tolist() == ids
    distances = [[one["distance"] for one in entries] for entries in near]
    np.testing.assert_allclose(given["centroid_distances"], distances, rtol=1e-9, atol=1e-9)


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize(
    ("kind", "more", "prefix"),
    [
        ("PCA", ", NUM_PRINCIPAL_COMPONENTS = 2", "principal_component_"),
        ("AUTOENCODER", ", HIDDEN_UNITS = [5, 2, 5], MAX_ITERATIONS = 2", "latent_col_"),
    ],
)
def test_a_projection_is_the_same_in_tensorflow(
    run: Run, bucket: dict[str, bytes], tmp_path: Path, kind: str, more: str, prefix: str
) -> None:
    train(run, kind, None, more)

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    rows = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({ROWS})) ORDER BY y")
    given = loaded(bucket, tmp_path)(**tensors(run(f"{ROWS} ORDER BY y")))
    assert set(given) == {f"{prefix}1", f"{prefix}2"}
    for name, values in given.items():
        np.testing.assert_allclose(values, [row[name] for row in rows], rtol=1e-7, atol=1e-9)


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize("feedback", ["EXPLICIT", "IMPLICIT"])
def test_ratings_are_the_same_in_tensorflow(
    run: Run, bucket: dict[str, bytes], tmp_path: Path, feedback: str
) -> None:
    run(
        "CREATE MODEL m OPTIONS (MODEL_TYPE = 'MATRIX_FACTORIZATION', USER_COL = 'u', "
        f"ITEM_COL = 'i', RATING_COL = 'r', FEEDBACK_TYPE = '{feedback}', NUM_FACTORS = 3) AS "
        "SELECT u, CONCAT('i', i) AS i, MOD(u * i, 5) + 0.5 AS r "
        "FROM UNNEST(GENERATE_ARRAY(1, 9)) AS u, UNNEST(GENERATE_ARRAY(1, 8)) AS i"
    )

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    rows = run(
        "SELECT * FROM ML.RECOMMEND(MODEL m, (SELECT u, i FROM UNNEST([1, 5, 99]) AS u, "
        "UNNEST(['i1', 'i8', 'nothing']) AS i))"
    )
    given = loaded(bucket, tmp_path)(**tensors(rows, {"u": float, "i": str}))
    [(name, values)] = given.items()
    np.testing.assert_allclose(values, [row[name] for row in rows], rtol=1e-9)


@pytest.mark.covers("EXPORT MODEL")
def test_numbers_of_a_signature_are_float64_and_texts_strings(
    run: Run, bucket: dict[str, bytes], tmp_path: Path
) -> None:
    train(run, "LINEAR_REG", "y")

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    _, taken = loaded(bucket, tmp_path).structured_input_signature
    assert {name: spec.dtype.name for name, spec in taken.items()} == {
        "x": "float64",
        "i": "float64",
        "flag": "bool",
        "s": "string",
        "t_f": "float64",
    }


@pytest.mark.covers("extract jobs of models")
def test_an_extract_job_writes_a_saved_model_unless_it_says_otherwise(
    client: bigquery.Client, dataset: str, run: Run, bucket: dict[str, bytes]
) -> None:
    train(run, "LINEAR_REG", "y")

    extract(client, f"{PROJECT}.{dataset}.m", f"gs://{BUCKET}/job", None)

    assert set(bucket) == {f"job/{name}" for name in FILES}
    with pytest.raises(exceptions.BadRequest, match="set destinationFormat to ML_TF_SAVED_MODEL"):
        extract(client, f"{PROJECT}.{dataset}.m", f"gs://{BUCKET}/job", "ML_XGBOOST_BOOSTER")


@pytest.mark.covers("EXPORT MODEL")
def test_without_tensorflow_the_answer_names_the_extra(
    run: Run, bucket: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(run, "LINEAR_REG", "y")
    # So Python says that a module is not there.
    monkeypatch.setitem(sys.modules, "tensorflow", None)

    with pytest.raises(
        exceptions.MethodNotImplemented, match=r"needs TensorFlow.*'bqvertex\[tensorflow\]'"
    ):
        run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    assert bucket == {}


@pytest.mark.covers("EXPORT MODEL")
def test_a_column_that_tensorflow_cannot_name_is_refused(
    run: Run, bucket: dict[str, bytes]
) -> None:
    run(
        "CREATE MODEL m OPTIONS (MODEL_TYPE = 'LINEAR_REG', INPUT_LABEL_COLS = ['y']) AS "
        f"SELECT x AS `größe`, y FROM ({ROWS})"
    )

    with pytest.raises(exceptions.MethodNotImplemented, match="a column called 'größe'"):
        run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")


CLAUSE = """
TRANSFORM (y, ML.STANDARD_SCALER(x) OVER () AS scaled, ML.MIN_MAX_SCALER(x) OVER () AS share,
  ML.IMPUTER(i, 'mean') OVER () AS known, ML.BUCKETIZE(x, [5, 20.5]) AS bucket,
  ML.QUANTILE_BUCKETIZE(x, 4) OVER () AS quarter, s, flag,
  IF(x > 10 AND NOT flag, 'far', CONCAT(UPPER(COALESCE(s, 'é')), '!')) AS words,
  CASE WHEN i IS NULL THEN -1 WHEN i < 30 OR flag THEN i / 2 ELSE SQRT(ABS(i)) END AS chosen)
"""


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize("kind", ["LINEAR_REG", "BOOSTED_TREE_REGRESSOR", "TRANSFORM_ONLY"])
def test_a_transform_clause_is_the_same_in_tensorflow(
    run: Run, bucket: dict[str, bytes], tmp_path: Path, kind: str
) -> None:
    label = "" if kind == "TRANSFORM_ONLY" else ", INPUT_LABEL_COLS = ['y']"
    clause = CLAUSE.replace("(y, ", "(") if kind == "TRANSFORM_ONLY" else CLAUSE
    run(f"CREATE MODEL m {clause} OPTIONS (MODEL_TYPE = '{kind}'{label}) AS {ROWS}")

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    below = "" if kind == "TRANSFORM_ONLY" else "transform/"
    wanted = run(f"SELECT * FROM ML.TRANSFORM(MODEL m, ({ROWS})) ORDER BY scaled")
    types = {name: kind for name, kind in TYPES.items() if name != "t_f"}
    rows = run(f"{ROWS} ORDER BY x")
    signature = loaded({n.removeprefix(below): c for n, c in bucket.items()}, tmp_path)
    given = signature(**tensors(rows, types))
    texts = ("bucket", "quarter", "s", "words")
    assert set(given) == {"scaled", "share", "known", "flag", "chosen", *texts}
    for name, values in given.items():
        expected = [row[name] for row in wanted]
        if name in texts:
            found = [value.decode() for value in values.numpy()]
            assert found == ["_null_filler" if one is None else one for one in expected]
        else:
            np.testing.assert_allclose(values, expected, rtol=1e-9)


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        (
            "ML.POLYNOMIAL_EXPAND(STRUCT(x, y), 2) AS p",
            exceptions.BadRequest,
            "Exporting a model with ML.POLYNOMIAL_EXPAND in TRANSFORM is not supported",
        ),
        (
            "MOD(CAST(x AS INT64), 2) AS p",
            exceptions.MethodNotImplemented,
            "Exporting CAST AS INT64 in TRANSFORM, in 'p', is not implemented",
        ),
        (
            "REVERSE(s) AS p",
            exceptions.MethodNotImplemented,
            "Exporting the function REVERSE in TRANSFORM, in 'p', is not implemented",
        ),
    ],
)
def test_a_transform_clause_that_is_not_exported_is_refused(
    run: Run, bucket: dict[str, bytes], item: str, error: type[Exception], message: str
) -> None:
    run(
        f"CREATE MODEL m TRANSFORM (x, {item}) OPTIONS (MODEL_TYPE = 'TRANSFORM_ONLY') AS "
        f"SELECT x, y, s FROM ({ROWS})"
    )

    with pytest.raises(error, match=message):
        run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    assert bucket == {}
