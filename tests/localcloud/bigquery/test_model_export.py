"""EXPORT MODEL and extract jobs of models: trees as XGBoost Boosters."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

BUCKET = "exported"
FILES = {
    "model.bst",
    "main.py",
    "xgboost_predictor-0.1.tar.gz",
    "assets/model_metadata.json",
    "assets/0.txt",
}
FEATURES = "class, age, fare"


@pytest.fixture(autouse=True)
def bucket(server: Server) -> dict[str, bytes]:
    """The bucket that models are exported to, empty."""
    server.objects[BUCKET] = {}
    return server.objects[BUCKET]


def train(
    run: Run, kind: str, label: str, features: str = FEATURES, more: str = "", clause: str = ""
) -> None:
    run(
        f"CREATE MODEL m {clause} OPTIONS (MODEL_TYPE = '{kind}', INPUT_LABEL_COLS = ['{label}'], "
        f"DATA_SPLIT_METHOD = 'NO_SPLIT'{more}) AS SELECT {label}, {features} FROM "
        "shared.passengers"
    )


def put_back(bucket: dict[str, bytes], directory: Path) -> None:
    """The objects of a bucket as files."""
    for name, content in bucket.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def scored(directory: Path, instances: str) -> list[dict[str, object]]:
    """What the exported `main.py` prints, run on its own."""
    done = subprocess.run(
        [sys.executable, "main.py", instances],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize(
    ("kind", "label", "more"),
    [
        ("BOOSTED_TREE_CLASSIFIER", "survived", ""),
        ("BOOSTED_TREE_CLASSIFIER", "class", ""),
        (
            "BOOSTED_TREE_CLASSIFIER",
            "survived",
            ", CATEGORY_ENCODING_METHOD = 'ONE_HOT_ENCODING'",
        ),
        (
            "BOOSTED_TREE_REGRESSOR",
            "points",
            ", CATEGORY_ENCODING_METHOD = 'TARGET_ENCODING'",
        ),
        ("RANDOM_FOREST_CLASSIFIER", "survived", ""),
        ("RANDOM_FOREST_REGRESSOR", "points", ""),
    ],
)
def test_exported_trees_score_raw_rows_on_their_own_as_ml_predict_does(
    run: Run,
    bucket: dict[str, bytes],
    passengers: None,
    tmp_path: Path,
    kind: str,
    label: str,
    more: str,
) -> None:
    features = "age, fare, 'x' AS note" if label == "class" else FEATURES
    train(run, kind, label, features, more)

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    assert set(bucket) == FILES
    rows = "SELECT * FROM shared.passengers WHERE age IN (1, 10, 120, 150, 151, 300)"
    rows += " UNION ALL SELECT NULL, NULL, NULL, NULL, NULL"
    rows = f"SELECT {features} FROM ({rows})"
    expected = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({rows})) ORDER BY age")
    put_back(bucket, tmp_path)
    got = scored(tmp_path, json.dumps(run(f"{rows} ORDER BY age")))
    if "REGRESSOR" in kind:
        wanted = [row[f"predicted_{label}"] for row in expected]
        assert [row[f"predicted_{label}"] for row in got] == pytest.approx(wanted, rel=1e-6)
        return
    for one, row in zip(got, expected, strict=True):
        assert one[f"predicted_{label}"] == json.dumps(row[f"predicted_{label}"]).strip('"')
        probabilities = [entry["prob"] for entry in row[f"predicted_{label}_probs"]]
        assert one[f"{label}_probs"] == pytest.approx(probabilities, abs=1e-6)


@pytest.mark.covers("EXPORT MODEL", "XGBOOST")
@pytest.mark.parametrize("version", ["0.9", "2.1"])
def test_an_exported_booster_is_imported_again(
    run: Run, bucket: dict[str, bytes], passengers: None, version: str
) -> None:
    more = f", XGBOOST_VERSION = '{version}'"
    train(run, "BOOSTED_TREE_REGRESSOR", "points", "age, IFNULL(fare, 0) AS fare", more)
    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}/a/b/')")

    name = "a/b/model.ubj" if version == "2.1" else "a/b/model.bst"
    path = f"gs://{BUCKET}/{name}"
    run(f"CREATE MODEL again OPTIONS (MODEL_TYPE = 'XGBOOST', MODEL_PATH = '{path}')")

    assert name in bucket
    rows = "SELECT age, IFNULL(fare, 0) AS fare FROM shared.passengers"
    before = run(f"SELECT * FROM ML.PREDICT(MODEL m, ({rows})) ORDER BY age")
    after = run(f"SELECT * FROM ML.PREDICT(MODEL again, ({rows})) ORDER BY age")
    np.testing.assert_allclose(
        [row["predicted_label"] for row in after], [row["predicted_points"] for row in before]
    )


@pytest.mark.covers("EXPORT MODEL")
def test_a_package_of_the_predictor_is_there(
    run: Run, bucket: dict[str, bytes], passengers: None, tmp_path: Path
) -> None:
    train(run, "BOOSTED_TREE_CLASSIFIER", "survived")
    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")
    put_back(bucket, tmp_path)

    with tarfile.open(tmp_path / "xgboost_predictor-0.1.tar.gz") as package:
        names = package.getnames()

    assert names == ["xgboost_predictor-0.1/predictor.py", "xgboost_predictor-0.1/setup.py"]
    assert bucket["assets/0.txt"] == b"a\nb\nc\n"


@pytest.mark.covers("EXPORT MODEL")
def test_a_trial_of_a_tuned_model_is_exported(
    run: Run, bucket: dict[str, bytes], passengers: None
) -> None:
    run(
        "CREATE MODEL m OPTIONS (MODEL_TYPE = 'BOOSTED_TREE_REGRESSOR', NUM_TRIALS = 2, "
        "INPUT_LABEL_COLS = ['points'], MAX_TREE_DEPTH = HPARAM_CANDIDATES([1, 6])) "
        "AS SELECT points, age FROM shared.passengers"
    )

    for trial in (1, 2):
        run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}/{trial}', TRIAL_ID = {trial})")

    assert bucket["1/model.bst"] != bucket["2/model.bst"]
    with pytest.raises(exceptions.BadRequest, match="the trials that succeeded are 1, 2"):
        run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}/3', TRIAL_ID = 3)")


def extract(
    client: bigquery.Client, model: str, uri: str, kind: str | None = "ML_XGBOOST_BOOSTER"
) -> bigquery.ExtractJob:
    config = bigquery.ExtractJobConfig(destination_format=kind) if kind else None
    reference = bigquery.ModelReference.from_string(model)
    job = client.extract_table(reference, uri, source_type="Model", job_config=config)
    job.result()
    return job


@pytest.mark.covers("bigquery.jobs.insert", "extract jobs of models")
def test_an_extract_job_writes_what_export_model_does(
    client: bigquery.Client,
    run: Run,
    dataset: str,
    bucket: dict[str, bytes],
    passengers: None,
) -> None:
    train(run, "BOOSTED_TREE_CLASSIFIER", "survived")

    job = extract(client, f"{PROJECT}.{dataset}.m", f"gs://{BUCKET}/job")

    assert job.destination_uri_file_counts == [len(FILES)]
    assert set(bucket) == {f"job/{name}" for name in FILES}


@pytest.mark.covers("extract jobs of models")
@pytest.mark.parametrize("kind", [None, "ML_TF_SAVED_MODEL", "CSV"])
def test_a_format_that_does_not_fit_the_model_is_refused(
    client: bigquery.Client, run: Run, dataset: str, passengers: None, kind: str | None
) -> None:
    train(run, "BOOSTED_TREE_CLASSIFIER", "survived")

    with pytest.raises(exceptions.BadRequest, match="set destinationFormat to ML_XGBOOST_BOOSTER"):
        extract(client, f"{PROJECT}.{dataset}.m", f"gs://{BUCKET}/job", kind)


@pytest.mark.covers("extract jobs of models")
def test_an_extract_job_of_a_model_that_is_not_there_says_so(
    client: bigquery.Client, dataset: str
) -> None:
    with pytest.raises(exceptions.NotFound, match=f"Not found: Model {PROJECT}:{dataset}.m"):
        extract(client, f"{PROJECT}.{dataset}.m", f"gs://{BUCKET}/job")


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ("", exceptions.BadRequest, "Option 'uri' is missing or empty"),
        ("OPTIONS (URI = 'exported/m')", exceptions.BadRequest, "Invalid extract destination URI"),
        ("OPTIONS (URI = 'gs://exported/*')", exceptions.BadRequest, "Invalid extract destination"),
        ("OPTIONS (URI = 'gs://nowhere/m')", exceptions.NotFound, "Not found: URI gs://nowhere/m"),
        (
            "OPTIONS (URI = 'gs://exported/m', FORMAT = 'x')",
            exceptions.BadRequest,
            "Unknown option: FORMAT; those of EXPORT MODEL are URI, TRIAL_ID",
        ),
        (
            "OPTIONS (URI = 'gs://exported/m', TRIAL_ID = 1)",
            exceptions.BadRequest,
            "trial_id is for models with hyperparameter tuning",
        ),
    ],
)
def test_what_is_wrong_with_the_options_is_said(
    run: Run,
    bucket: dict[str, bytes],
    passengers: None,
    options: str,
    error: type[Exception],
    message: str,
) -> None:
    train(run, "BOOSTED_TREE_REGRESSOR", "points", "age")

    with pytest.raises(error, match=message):
        run(f"EXPORT MODEL m {options}")

    assert bucket == {}


ARIMA = """
CREATE MODEL m OPTIONS (MODEL_TYPE = 'ARIMA_PLUS', TIME_SERIES_TIMESTAMP_COL = 'd',
  TIME_SERIES_DATA_COL = 'y', HOLIDAY_REGION = 'US', AUTO_ARIMA = FALSE,
  NON_SEASONAL_ORDER = (0, 1, 0)) AS
SELECT DATE_ADD('2024-01-01', INTERVAL n DAY) AS d, SIN(n) AS y
FROM UNNEST(GENERATE_ARRAY(1, 60)) AS n
"""
REMOTE = """
CREATE MODEL m INPUT (x FLOAT64) OUTPUT (y FLOAT64)
REMOTE WITH CONNECTION `us.ok` OPTIONS (ENDPOINT = 'http://127.0.0.1/v1/endpoints/1')
"""
TIMES = """
CREATE MODEL m OPTIONS (MODEL_TYPE = 'BOOSTED_TREE_REGRESSOR', INPUT_LABEL_COLS = ['y']) AS
SELECT TIMESTAMP_SECONDS(n * 86400) AS t, n * 0.5 AS y FROM UNNEST(GENERATE_ARRAY(1, 60)) AS n
"""


@pytest.mark.covers("EXPORT MODEL")
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (ARIMA, "Exporting models of type ARIMA_PLUS is not supported"),
        (REMOTE, "Exporting models of type REMOTE is not supported"),
        (TIMES, "column 't' is TIMESTAMP"),
    ],
)
def test_a_model_that_bigquery_does_not_export_is_refused(
    run: Run, bucket: dict[str, bytes], statement: str, message: str
) -> None:
    run(statement)

    with pytest.raises(exceptions.BadRequest, match=message):
        run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')")

    assert bucket == {}


@pytest.mark.covers("EXPORT MODEL")
def test_a_dry_run_writes_nothing(run: Run, bucket: dict[str, bytes], passengers: None) -> None:
    train(run, "BOOSTED_TREE_REGRESSOR", "points", "age")

    run(f"EXPORT MODEL m OPTIONS (URI = 'gs://{BUCKET}')", dry_run=True)

    assert bucket == {}


def test_an_engine_exports_the_training_of_an_artifact(
    server: Server, bucket: dict[str, bytes], survival: str, run: Run, passengers: None
) -> None:
    train(run, "BOOSTED_TREE_REGRESSOR", "points", "age")
    [found] = server.service.engine._models._directory.glob("local-project/d*/m/*")
    uri = "local-bqml://" + "/".join(found.parts[-4:])

    count = server.service.engine.export(uri, f"gs://{BUCKET}/registered")

    assert count == len([name for name in bucket if name.startswith("registered/")]) == 4
    with pytest.raises(ValueError, match="there is no training"):
        server.service.engine.export(uri + "x", f"gs://{BUCKET}/registered")
