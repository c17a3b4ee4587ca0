"""Training pipelines: jobs whose model is uploaded."""

from typing import Any

import pytest

from tests.localcloud.conftest import LOCATION, Cloud
from tests.localcloud.test_custom_jobs import shell, store
from tests.localcloud.test_tuning_jobs import LAYERS, body

PIPELINES = f"{LOCATION}/trainingPipelines"
METHOD = "aiplatform.projects.locations.trainingPipelines"
DEFINITION = "gs://google-cloud-aiplatform/schema/trainingjob/definition/"
CUSTOM = f"{DEFINITION}custom_task_1.0.0.yaml"
MODEL = {"displayName": "m", "containerSpec": {"imageUri": "gcr.io/p/serve"}}
BASE = {"output_uri_prefix": "gs://code/out"}


def pipeline(inputs: Any, definition: str = CUSTOM, **more: Any) -> dict[str, Any]:
    return {
        "displayName": "train",
        "trainingTaskDefinition": definition,
        "trainingTaskInputs": inputs,
        **more,
    }


def inputs(script: str, **more: Any) -> dict[str, Any]:
    """As the SDK sends them: snake case, floating point, nulls."""
    container = {"image_uri": "i", "command": ["sh", "-c", script]}
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1.0,
        "container_spec": container,
    }
    scheduling = {"timeout": "600s", "strategy": None}
    return {
        "worker_pool_specs": [pool],
        "base_output_directory": BASE,
        "scheduling": scheduling,
        **more,
    }


def run(cloud: Cloud, given: Any) -> Any:
    reply = cloud.call("POST", PIPELINES, given)
    assert reply.status == 200, reply
    cloud.server.vertex.training_pipelines.runs.join()
    return cloud.get(path(reply.body))


def path(found: Any) -> str:
    return f"{PIPELINES}/{found['name'].rsplit('/', 1)[1]}"


def at(name: str) -> str:
    return name.replace("1234567890", "local-project")


@pytest.mark.covers(f"{METHOD}.create", f"{METHOD}.get")
def test_a_custom_task_runs_and_its_model_is_uploaded(cloud: Cloud) -> None:
    store(cloud, "out/model/model.bst", b"a model")

    done = run(cloud, pipeline(inputs("true"), modelToUpload=MODEL, modelId="birds"))

    model = cloud.get(f"{LOCATION}/models/birds")
    custom_job = cloud.get(at(done["trainingTaskMetadata"]["backingCustomJob"]))
    assert (done["state"], custom_job["state"]) == (
        "PIPELINE_STATE_SUCCEEDED",
        "JOB_STATE_SUCCEEDED",
    )
    assert (done["modelToUpload"]["name"], done["modelToUpload"]["versionId"]) == (
        model["name"],
        "1",
    )
    assert (model["artifactUri"], model["trainingPipeline"], model["modelSourceInfo"]) == (
        "gs://code/out/model",
        done["name"],
        {"sourceType": "CUSTOM"},
    )


def test_a_parent_model_gets_a_version(cloud: Cloud) -> None:
    store(cloud, "out/model/model.bst", b"a model")
    run(cloud, pipeline(inputs("true"), modelToUpload=MODEL, modelId="birds"))
    parent = f"{LOCATION}/models/birds"

    done = run(cloud, pipeline(inputs("true"), modelToUpload=MODEL, parentModel=parent))

    assert done["modelToUpload"]["versionId"] == "2"


def test_a_task_that_writes_no_model_fails_where_one_is_to_be_uploaded(cloud: Cloud) -> None:
    done = run(cloud, pipeline(inputs("true"), modelToUpload=MODEL))

    assert done["state"] == "PIPELINE_STATE_FAILED"
    assert 'no files under "gs://code/out/model"' in done["error"]["message"]


def test_a_task_that_fails_fails_the_pipeline(cloud: Cloud) -> None:
    done = run(cloud, pipeline(inputs("echo broken pipe; exit 2")))

    assert done["state"] == "PIPELINE_STATE_FAILED"
    assert "broken pipe" in done["error"]["message"]


def test_the_best_trial_of_a_tuning_task_is_uploaded(cloud: Cloud) -> None:
    store(cloud, "out/1/model/model.bst", b"a model")
    script = "report(0, loss=int(os.environ['CLOUD_ML_TRIAL_ID']))"
    task = body(script, LAYERS, maxTrialCount=2, spec={"baseOutputDirectory": {
        "outputUriPrefix": "gs://code/out"}})  # fmt: skip
    task.pop("displayName")
    definition = f"{DEFINITION}hyperparameter_tuning_task_1.0.0.yaml"

    done = run(cloud, pipeline(task, definition, modelToUpload=MODEL))

    metadata = done["trainingTaskMetadata"]
    tuning = cloud.get(at(metadata["backingHyperparameterTuningJob"]))
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert done["modelToUpload"]["artifactUri"] == "gs://code/out/1/model"
    assert metadata["bestTrialBackingCustomJob"] == tuning["trials"][0]["customJob"]


@pytest.mark.covers(f"{METHOD}.cancel", f"{METHOD}.delete", f"{METHOD}.list")
def test_cancel_ends_the_job_of_a_pipeline(cloud: Cloud) -> None:
    made = cloud.call("POST", PIPELINES, pipeline(inputs("exec sleep 600"))).body
    while not (job := cloud.get(path(made)).get("trainingTaskMetadata")):
        pass

    refused = cloud.call("DELETE", path(made))
    cloud.call("POST", f"{path(made)}:cancel", {})
    cloud.server.vertex.training_pipelines.runs.join()
    over = cloud.get(path(made))
    cloud.call("DELETE", path(made))

    assert refused.error == (400, "FAILED_PRECONDITION")
    assert over["state"] == "PIPELINE_STATE_CANCELLED"
    assert cloud.get(at(job["backingCustomJob"]))["state"] == "JOB_STATE_CANCELLED"
    assert cloud.get(PIPELINES) == {}


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (
            pipeline({"targetColumn": "y"}, f"{DEFINITION}automl_tabular_1.0.0.yaml"),
            "UNIMPLEMENTED",
            "automl_tabular_1.0.0.yaml",
        ),
        (pipeline({"x": 1}, "gs://mine/task.yaml"), "INVALID_ARGUMENT", "none of Google's"),
        (pipeline({"serviceAccount": "s"}), "INVALID_ARGUMENT", "worker_pool_specs"),
        (pipeline({"workerPools": []}), "INVALID_ARGUMENT", "workerPools"),
        (
            pipeline({"maxTrialCount": 1}, f"{DEFINITION}hyperparameter_tuning_task_1.0.0.yaml"),
            "INVALID_ARGUMENT",
            "study_spec",
        ),
        (pipeline(inputs("true"), inputDataConfig={"datasetId": "1"}), "UNIMPLEMENTED", "datasets"),
        (
            pipeline({"workerPoolSpecs": [shell("true")]}, modelToUpload=MODEL),
            "INVALID_ARGUMENT",
            "base_output_directory",
        ),
        (pipeline(inputs("true"), modelToUpload=MODEL, modelId="1x"), "INVALID_ARGUMENT", "'1x'"),
        (
            pipeline(inputs("true"), modelToUpload=MODEL, parentModel=f"{LOCATION}/models/absent"),
            "NOT_FOUND",
            "absent",
        ),
    ],
)
def test_a_pipeline_that_could_not_run_is_refused(
    cloud: Cloud, given: Any, status: str, said: str
) -> None:
    reply = cloud.call("POST", PIPELINES, given)

    assert reply.body["error"]["status"] == status
    assert said in reply.body["error"]["message"]
