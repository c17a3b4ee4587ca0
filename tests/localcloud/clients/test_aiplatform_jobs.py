"""Jobs of google-cloud-aiplatform, unchanged, over REST."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

from tests.conftest import LocalCloud

IMAGE = "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest"
PROJECT = "sdk-jobs"


@pytest.fixture
def sdk(local_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The SDK, with a bucket for what it stages."""
    from google.cloud import aiplatform, storage

    # The SDK uploads code to storage.googleapis.com, whatever api_endpoint says.
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", local_cloud.url)
    client = storage.Client(PROJECT, AnonymousCredentials())
    if not client.bucket("staging").exists():
        client.create_bucket("staging")
    aiplatform.init(
        project=PROJECT,
        location="us-central1",
        credentials=AnonymousCredentials(),
        api_endpoint=local_cloud.url,
        api_transport="rest",
        staging_bucket="gs://staging",
    )
    yield aiplatform
    aiplatform.initializer.global_pool.shutdown(wait=True)


def stored(uri: str) -> str:
    from google.cloud import storage

    client = storage.Client(PROJECT, AnonymousCredentials())
    text: str = storage.Blob.from_uri(uri, client).download_as_text()
    return text


TRAINER = """
import argparse, os
from google.cloud import bigquery, storage

parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int)
times = parser.parse_args().times
[row] = bigquery.Client(location="US").query(f"SELECT 7 * {times} AS answer").result()
blob = storage.Blob.from_uri(os.environ["AIP_MODEL_DIR"] + "model.txt", storage.Client())
blob.upload_from_string(f"{row.answer} {os.environ['FLAVOUR']}")
"""


@pytest.mark.covers("google-cloud-aiplatform CustomJob")
def test_a_local_script_reads_bigquery_and_writes_its_model(sdk: Any, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAINER)
    job = sdk.CustomJob.from_local_script(
        display_name="train",
        script_path=str(script),
        container_uri=IMAGE,
        args=["--times", "6"],
        environment_variables={"FLAVOUR": "plain"},
        base_output_dir="gs://staging/output",
    )

    job.run()

    assert job.state == sdk.gapic.JobState.JOB_STATE_SUCCEEDED
    assert stored("gs://staging/output/model/model.txt") == "42 plain"


def test_a_failed_job_raises_what_went_wrong(sdk: Any, tmp_path: Path) -> None:
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": {"image_uri": IMAGE, "command": ["python3", "-c", "1 / 0"]},
    }
    job = sdk.CustomJob("fail", [pool], base_output_dir="gs://staging/fail")

    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        job.run()


SCORER = """
import json, os, sys
rate = float(sys.argv[1].removeprefix("--rate="))
entry = {"trial": os.environ["CLOUD_ML_TRIAL_ID"], "loss": str(rate), "global_step": "1"}
with open(os.environ["CLOUD_ML_HP_METRIC_FILE"], "w") as file:
    file.write(json.dumps(entry) + "\\n")
"""


@pytest.mark.covers("google-cloud-aiplatform HyperparameterTuningJob")
def test_a_tuning_job_tells_its_trials(sdk: Any) -> None:
    from google.cloud.aiplatform import hyperparameter_tuning as tuning

    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": {"image_uri": IMAGE, "command": ["python3", "-c", SCORER]},
    }
    job = sdk.HyperparameterTuningJob(
        display_name="tune",
        custom_job=sdk.CustomJob("trial", [pool], base_output_dir="gs://staging/tune"),
        metric_spec={"loss": "minimize"},
        parameter_spec={"rate": tuning.DoubleParameterSpec(min=0.1, max=10, scale="log")},
        max_trial_count=3,
        parallel_trial_count=2,
    )

    job.run()

    rates = [trial.parameters[0].value for trial in job.trials]
    losses = [trial.final_measurement.metrics[0].value for trial in job.trials]
    assert job.state == sdk.gapic.JobState.JOB_STATE_SUCCEEDED
    assert len(rates) == 3
    assert losses == pytest.approx(rates)


SETUP = """
from setuptools import setup
setup(name="trainer", version="0.1", packages=["trainer"])
"""
TASK = """
import os
from google.cloud import storage
blob = storage.Blob.from_uri(os.environ["AIP_MODEL_DIR"] + "model.txt", storage.Client())
blob.upload_from_string("trained")
"""


@pytest.mark.covers("google-cloud-aiplatform CustomPythonPackageTrainingJob")
def test_a_python_package_trains_a_model_that_is_uploaded(sdk: Any, tmp_path: Path) -> None:
    from google.cloud import storage

    (tmp_path / "trainer").mkdir()
    (tmp_path / "setup.py").write_text(SETUP)
    (tmp_path / "trainer/__init__.py").write_text("")
    (tmp_path / "trainer/task.py").write_text(TASK)
    command = [sys.executable, "setup.py", "-q", "sdist"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    [archive] = (tmp_path / "dist").iterdir()
    uri = f"gs://staging/{archive.name}"
    client = storage.Client(PROJECT, AnonymousCredentials())
    storage.Blob.from_uri(uri, client).upload_from_filename(str(archive))
    job = sdk.CustomPythonPackageTrainingJob(
        display_name="package",
        python_package_gcs_uri=uri,
        python_module_name="trainer.task",
        container_uri=IMAGE,
        model_serving_container_image_uri="us-docker.pkg.dev/vertex-ai/prediction/x:latest",
    )

    model = job.run(base_output_dir="gs://staging/package", model_display_name="birds")

    assert (model.display_name, model.uri) == ("birds", "gs://staging/package/model")
    assert stored("gs://staging/package/model/model.txt") == "trained"


@pytest.mark.covers(
    "google-cloud-aiplatform experiments",
    "aiplatform.projects.locations.metadataStores.create",
    "aiplatform.projects.locations.metadataStores.contexts.create",
    "aiplatform.projects.locations.metadataStores.contexts.list",
    "aiplatform.projects.locations.tensorboards.create",
)
def test_an_experiment_tells_its_runs_with_parameters_and_metrics(sdk: Any) -> None:
    sdk.init(experiment="birds")
    for rate, loss in ((0.1, 3.5), (0.2, 2.5)):
        with sdk.start_run(f"rate-{int(rate * 10)}"):
            sdk.log_params({"rate": rate, "kind": "tree"})
            sdk.log_metrics({"loss": loss})

    frame = sdk.get_experiment_df("birds").sort_values("run_name")

    assert list(frame["run_name"]) == ["rate-1", "rate-2"]
    assert list(frame["state"]) == ["COMPLETE", "COMPLETE"]
    assert list(frame["param.rate"]) == [0.1, 0.2]
    assert list(frame["metric.loss"]) == [3.5, 2.5]
    sdk.Experiment("birds").delete()
    assert [each.name for each in sdk.Experiment.list()] == []
