"""Pipeline jobs: compiled pipelines whose tasks run in order."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localcloud.vertex import pipeline_condition
from tests.localcloud.conftest import LOCATION, Cloud, FakeEngine, OpenCloud

JOBS = f"{LOCATION}/pipelineJobs"
DESTINATION = {"projectId": "local-project", "datasetId": "ds", "tableId": "m"}
LAUNCHER = "google_cloud_pipeline_components.container.v1.bigquery.{}.launcher"


def shell(script: str) -> dict[str, Any]:
    return {"container": {"image": "busybox", "command": ["sh", "-c", script]}}


def google(launcher: str) -> dict[str, Any]:
    command = ["python3", "-u", "-m", LAUNCHER.format(launcher)]
    return {
        "container": {
            "image": "gcr.io/ml-pipeline/google-cloud-pipeline-components:2",
            "command": command,
        }
    }


def part(executor: str, *outputs: str, artifact: str = "", **inputs: str) -> dict[str, Any]:
    given = {name: {"parameterType": kind} for name, kind in inputs.items()}
    made: dict[str, Any] = {"parameters": {n: {"parameterType": "STRING"} for n in outputs}}
    if artifact:
        made["artifacts"] = {artifact: {"artifactType": {"schemaTitle": "google.BQMLModel"}}}
    return {
        "executorLabel": executor,
        "inputDefinitions": {"parameters": given},
        "outputDefinitions": made,
    }


def constant(value: Any) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def output(task: str, key: str) -> dict[str, Any]:
    return {"taskOutputParameter": {"producerTask": task, "outputParameterKey": key}}


GREETING = {
    "pipelineInfo": {"name": "greeting"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.14.0",
    "root": {
        "inputDefinitions": {
            "parameters": {
                "name": {"parameterType": "STRING"},
                "times": {"parameterType": "NUMBER_INTEGER", "defaultValue": 2},
            }
        },
        "dag": {
            "tasks": {
                "a-last": {
                    "componentRef": {"name": "comp-read"},
                    "inputs": {"parameters": {"text": output("first", "text")}},
                },
                "first": {
                    "componentRef": {"name": "comp-write"},
                    "inputs": {
                        "parameters": {
                            "name": {"componentInputParameter": "name"},
                            "times": {"componentInputParameter": "times"},
                        }
                    },
                },
            }
        },
    },
    "components": {
        "comp-write": part("exec-write", "text", name="STRING", times="NUMBER_INTEGER"),
        "comp-read": part("exec-read", "seen", text="STRING"),
    },
    "deploymentSpec": {
        "executors": {
            "exec-write": shell(
                "printf '%s' \"hello {{$.inputs.parameters['name']}} "
                "{{$.inputs.parameters['times']}}\" > {{$.outputs.parameters['text'].output_file}}"
            ),
            "exec-read": shell(
                "printf '%s!' \"{{$.inputs.parameters['text']}}\""
                " > {{$.outputs.parameters['seen'].output_file}}"
            ),
        }
    },
}


def changed(*path: Any, value: Any) -> dict[str, Any]:
    """The pipeline with one place replaced."""
    spec: dict[str, Any] = json.loads(json.dumps(GREETING))
    at = spec
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return spec


def run(cloud: Cloud, spec: Any = GREETING, name: str = "run", **parameters: Any) -> Any:
    body = {
        "displayName": name,
        "pipelineSpec": spec,
        "runtimeConfig": {
            "gcsOutputDirectory": "gs://bucket/root",
            "parameterValues": parameters or {"name": "you"},
        },
    }
    reply = cloud.call("POST", f"{JOBS}?pipelineJobId={name}", body)
    if reply.status != 200:
        return reply
    cloud.server.vertex.pipelines.join()
    return cloud.get(f"{JOBS}/{name}")


def states(job: Any) -> dict[str, str]:
    return {task["taskName"]: task["state"] for task in job["jobDetail"]["taskDetails"]}


@pytest.mark.covers(
    "aiplatform.projects.locations.pipelineJobs.create",
    "aiplatform.projects.locations.pipelineJobs.get",
)
def test_outputs_flow_to_the_tasks_that_need_them(cloud: Cloud) -> None:
    job = run(cloud)

    seen = [task["execution"]["metadata"] for task in job["jobDetail"]["taskDetails"]]
    assert job["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert seen == [
        {"input:name": "you", "input:times": 2, "output:text": "hello you 2"},
        {"input:text": "hello you 2", "output:seen": "hello you 2!"},
    ]


def test_a_failed_task_fails_the_job_and_triggers_nothing_after_it(cloud: Cloud) -> None:
    spec = changed(
        "deploymentSpec", "executors", "exec-write", value=shell("echo broken pipe; exit 3")
    )

    job = run(cloud, spec)

    assert (job["state"], states(job)) == (
        "PIPELINE_STATE_FAILED",
        {"first": "FAILED", "a-last": "NOT_TRIGGERED"},
    )
    told = job["jobDetail"]["taskDetails"][0]["error"]["message"]
    assert "ended with 3" in told
    assert "broken pipe" in told


def test_a_task_is_tried_again_as_often_as_its_policy_says(cloud: Cloud) -> None:
    spec = changed("root", "dag", "tasks", "first", "retryPolicy", value={"maxRetryCount": 2})
    spec["deploymentSpec"]["executors"]["exec-write"] = shell(
        "test -e ../3 && printf done > {{$.outputs.parameters['text'].output_file}}"
    )

    job = run(cloud, spec)

    tried = [s["state"] for s in job["jobDetail"]["taskDetails"][0]["pipelineTaskStatus"]]
    assert (job["state"], tried) == (
        "PIPELINE_STATE_SUCCEEDED",
        ["RUNNING", "FAILED", "FAILED", "SUCCEEDED"],
    )


def test_a_group_of_tasks_hands_its_outputs_on(cloud: Cloud) -> None:
    spec = json.loads(json.dumps(GREETING))
    inner = spec["root"]["dag"]["tasks"].pop("first")
    parameters = inner["inputs"]["parameters"]
    spec["components"]["comp-group"] = {
        "dag": {
            "tasks": {"inner": inner},
            "outputs": {
                "parameters": {
                    "text": {
                        "valueFromParameter": {
                            "producerSubtask": "inner",
                            "outputParameterKey": "text",
                        }
                    }
                }
            },
        },
        "inputDefinitions": spec["root"]["inputDefinitions"],
    }
    spec["root"]["dag"]["tasks"]["first"] = {
        "componentRef": {"name": "comp-group"},
        "inputs": {"parameters": parameters},
    }

    job = run(cloud, spec)

    assert states(job) == {"first/inner": "SUCCEEDED", "a-last": "SUCCEEDED"}


@pytest.mark.covers("aiplatform.projects.locations.pipelineJobs.cancel")
def test_cancel_kills_what_runs(cloud: Cloud) -> None:
    spec = changed(
        "deploymentSpec", "executors", "exec-write", value=shell("touch started; exec sleep 600")
    )
    config = {"gcsOutputDirectory": "gs://bucket/root", "parameterValues": {"name": "x"}}
    body = {"pipelineSpec": spec, "runtimeConfig": config}
    cloud.call("POST", f"{JOBS}?pipelineJobId=run", body)
    while cloud.get(f"{JOBS}/run")["state"] == "PIPELINE_STATE_PENDING":
        pass

    cancelled = cloud.call("POST", f"{JOBS}/run:cancel", {})
    cloud.server.vertex.pipelines.join()

    assert (cancelled.status, cloud.get(f"{JOBS}/run")["state"]) == (
        200,
        "PIPELINE_STATE_CANCELLED",
    )


def test_a_job_that_a_killed_server_left_running_has_failed(
    open_cloud: OpenCloud, cloud: Cloud
) -> None:
    run(cloud)
    name = "projects/local-project/locations/us-central1/pipelineJobs/run"
    left = cloud.server.store.get(name)
    assert left is not None
    cloud.server.store.put(name, {**left, "state": "PIPELINE_STATE_RUNNING"})

    again = open_cloud().get(f"{JOBS}/run")

    assert (again["state"], "stopped" in again["error"]["message"]) == (
        "PIPELINE_STATE_FAILED",
        True,
    )


@pytest.mark.parametrize(
    ("spec", "parameters", "status", "said"),
    [
        (GREETING, {"times": 1}, "INVALID_ARGUMENT", "name"),
        (GREETING, {"name": "x", "other": 1}, "INVALID_ARGUMENT", "'other'"),
        (GREETING, {"name": "x", "times": "many"}, "INVALID_ARGUMENT", "NUMBER_INTEGER"),
        ({}, {"name": "x"}, "INVALID_ARGUMENT", "pipelineInfo"),
        (
            changed("root", "dag", "tasks", "first", "dependentTasks", value=["a-last"]),
            {"name": "x"},
            "INVALID_ARGUMENT",
            "need each other",
        ),
        (
            changed(
                "root", "dag", "tasks", "first", "triggerPolicy", value={"condition": "size(x) > 1"}
            ),
            {"name": "x"},
            "UNIMPLEMENTED",
            "condition",
        ),
        (
            changed("deploymentSpec", "executors", "exec-read", value={"importer": {}}),
            {"name": "x"},
            "INVALID_ARGUMENT",
            "importer",
        ),
        (
            changed("deploymentSpec", "executors", "exec-read", value={"resolver": {}}),
            {"name": "x"},
            "UNIMPLEMENTED",
            "resolver",
        ),
        (
            changed("deploymentSpec", "executors", "exec-read", value=google("ml_roc_curve")),
            {"name": "x"},
            "UNIMPLEMENTED",
            "ml_roc_curve",
        ),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused_before_anything_runs(
    cloud: Cloud, spec: Any, parameters: Any, status: str, said: str
) -> None:
    reply = run(cloud, spec, **parameters)

    assert reply.body["error"]["status"] == status
    assert said in reply.body["error"]["message"]


@pytest.mark.parametrize(("text", "state"), [("you", "SUCCEEDED"), ("me", "NOT_TRIGGERED")])
def test_a_task_runs_only_where_its_condition_holds(cloud: Cloud, text: str, state: str) -> None:
    condition = f"inputs.parameter_values['text'] == 'hello {text} 2'"
    spec = changed(
        "root", "dag", "tasks", "a-last", "triggerPolicy", value={"condition": condition}
    )

    job = run(cloud, spec)

    assert (job["state"], states(job)) == (
        "PIPELINE_STATE_SUCCEEDED",
        {"first": "SUCCEEDED", "a-last": state},
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("inputs.parameter_values['n'] == 3", True),
        ("int(inputs.parameter_values['text']) > 3", True),
        ("double(inputs.parameter_values['text']) <= 3.5", False),
        ("!(inputs.parameter_values['n'] != 3)", True),
        ("inputs.parameter_values['n'] == 4 || inputs.parameter_values['flag'] == true", True),
        ("inputs.parameter_values['n'] == 3 && inputs.parameter_values['flag'] == false", False),
        ("inputs.parameter_values['mark'] == 'a && b!'", True),
        ("inputs.parameter_values['n'] in [1, 3]", True),
        ("string(inputs.parameter_values['flag']) == 'true'", True),
    ],
)
def test_conditions_are_decided_as_kfp_means_them(condition: str, expected: bool) -> None:
    parameters = {"n": 3, "text": "4", "flag": True, "mark": "a && b!"}

    assert pipeline_condition.holds(condition, parameters) is expected


@pytest.mark.parametrize(
    "condition", ["__import__('os')", "inputs.other['x'] == 1", "1 < 2 < 3", "a b", "1 + 1 == 2"]
)
def test_conditions_beyond_those_are_refused(condition: str) -> None:
    with pytest.raises(ValueError, match=r"known|read|single"):
        pipeline_condition.parse(condition)


def test_an_importer_and_a_container_hand_artifacts_on(cloud: Cloud) -> None:
    job = run(cloud, _artifacts(), uri="gs://data/rows.csv")

    details = {task["taskName"]: task for task in job["jobDetail"]["taskDetails"]}
    [rows] = details["import"]["outputs"]["artifact"]["artifacts"]
    [model] = details["train"]["outputs"]["model"]["artifacts"]
    assert job["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert (rows["uri"], rows["schemaTitle"], rows["metadata"]) == (
        "gs://data/rows.csv",
        "system.Dataset",
        {"made_of": "gs://data/rows.csv"},
    )
    assert model["metadata"] == {"rows": 7}
    seen = details["use"]["execution"]["metadata"]["output:seen"]
    assert seen == "gs://data/rows.csv trained"


def _artifacts() -> dict[str, Any]:
    uri = {"componentInputParameter": "uri"}
    artifact = {"artifactType": {"schemaTitle": "system.Dataset"}}
    model = {"taskOutputArtifact": {"producerTask": "train", "outputArtifactKey": "model"}}
    rows = {"taskOutputArtifact": {"producerTask": "import", "outputArtifactKey": "artifact"}}
    told = '{"artifacts": {"model": {"artifacts": [{"metadata": {"rows": 7}}]}}}'
    spec = changed(
        "root", "inputDefinitions", value={"parameters": {"uri": {"parameterType": "STRING"}}}
    )
    spec["root"]["dag"]["tasks"] = {
        "import": {"componentRef": {"name": "c-import"}, "inputs": {"parameters": {"uri": uri}}},
        "train": {"componentRef": {"name": "c-train"}, "inputs": {"artifacts": {"rows": rows}}},
        "use": {"componentRef": {"name": "c-use"}, "inputs": {"artifacts": {"model": model}}},
    }
    spec["components"] = {
        "c-import": {
            "executorLabel": "e-import",
            "inputDefinitions": {"parameters": {"uri": {"parameterType": "STRING"}}},
            "outputDefinitions": {"artifacts": {"artifact": artifact}},
        },
        "c-train": part("e-train", artifact="model"),
        "c-use": part("e-use", "seen"),
    }
    importer = {
        "artifactUri": {"runtimeParameter": "uri"},
        "typeSchema": {"schemaTitle": "system.Dataset"},
        "metadata": {"made_of": "{{$.inputs.parameters['uri']}}"},
    }
    train = shell(
        "printf '%s trained' \"{{$.inputs.artifacts['rows'].uri}}\""
        f" > {{{{$.outputs.artifacts['model'].path}}}}; echo '{told}' > executor_output.json"
    )
    use = shell(
        "cat {{$.inputs.artifacts['model'].path}} > {{$.outputs.parameters['seen'].output_file}}"
    )
    executors = {"e-import": {"importer": importer}, "e-train": train, "e-use": use}
    spec["deploymentSpec"]["executors"] = executors
    return spec


def _custom_job(script: str, **more: Any) -> dict[str, Any]:
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": {"image_uri": "i", "command": ["sh", "-c", script]},
    }
    given = {"display_name": "train", "worker_pool_specs": [pool], **more}
    inputs = {name: constant(value) for name, value in given.items()}
    spec = changed("root", "dag", "tasks", value={})
    spec["root"]["dag"]["tasks"]["train"] = {
        "componentRef": {"name": "comp-job"},
        "inputs": {"parameters": inputs},
    }
    types = {str: "STRING", list: "LIST", dict: "STRUCT", bool: "BOOLEAN"}
    kinds = {name: types[type(value)] for name, value in given.items()}
    spec["components"]["comp-job"] = part("exec-job", "gcp_resources", **kinds)
    module = "google_cloud_pipeline_components.container.v1.custom_job.launcher"
    container = {"image": "gcpc", "command": ["python3", "-u", "-m", module]}
    spec["deploymentSpec"]["executors"]["exec-job"] = {"container": container}
    return spec


def test_googles_custom_job_component_is_a_custom_job(cloud: Cloud) -> None:
    job = run(cloud, _custom_job("true"))

    [custom_job] = cloud.get(f"{LOCATION}/customJobs")["customJobs"]
    told = job["jobDetail"]["taskDetails"][0]["execution"]["metadata"]["output:gcp_resources"]
    assert (job["state"], custom_job["state"]) == (
        "PIPELINE_STATE_SUCCEEDED",
        "JOB_STATE_SUCCEEDED",
    )
    assert custom_job["name"].rsplit("/", 1)[1] in told


def test_every_parameter_of_googles_custom_job_component_reaches_the_job(cloud: Cloud) -> None:
    run(
        cloud,
        _custom_job(
            "true",
            labels={"team": "data"},
            encryption_spec_key_name="k",
            enable_web_access=True,
            reserved_ip_ranges=["r"],
            strategy="SPOT",
            max_wait_duration="60s",
            restart_job_on_worker_restart=True,
            timeout="100s",
        ),
    )

    [job] = cloud.get(f"{LOCATION}/customJobs")["customJobs"]
    assert (job["labels"], job["encryptionSpec"]) == ({"team": "data"}, {"kmsKeyName": "k"})
    assert job["jobSpec"]["scheduling"] == {
        "strategy": "SPOT",
        "maxWaitDuration": "60s",
        "restartJobOnWorkerRestart": True,
        "timeout": "100s",
    }
    assert (job["jobSpec"]["enableWebAccess"], job["jobSpec"]["reservedIpRanges"]) == (True, ["r"])


def test_a_custom_job_that_fails_fails_its_task(cloud: Cloud) -> None:
    job = run(cloud, _custom_job("echo out of memory; exit 9"))

    assert job["state"] == "PIPELINE_STATE_FAILED"
    assert "out of memory" in job["jobDetail"]["taskDetails"][0]["error"]["message"]


def test_cancel_of_a_pipeline_ends_its_custom_job(cloud: Cloud) -> None:
    spec = _custom_job("exec sleep 600")
    config = {"gcsOutputDirectory": "gs://bucket/root", "parameterValues": {"name": "x"}}
    body = {"pipelineSpec": spec, "runtimeConfig": config}
    cloud.call("POST", f"{JOBS}?pipelineJobId=run", body)
    while not cloud.get(f"{LOCATION}/customJobs"):
        pass

    cloud.call("POST", f"{JOBS}/run:cancel", {})
    cloud.server.vertex.pipelines.join()

    [custom_job] = cloud.get(f"{LOCATION}/customJobs")["customJobs"]
    assert (cloud.get(f"{JOBS}/run")["state"], custom_job["state"]) == (
        "PIPELINE_STATE_CANCELLED",
        "JOB_STATE_CANCELLED",
    )


def test_a_query_component_is_a_bigquery_job(cloud: Cloud) -> None:
    job = run(cloud, _queries('SELECT "a"\nFROM t'), name="query", dataset="ds")

    [(project, location, configuration)] = cloud.engine.jobs
    assert job["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert (project, location, configuration) == (
        "local-project",
        "EU",
        {
            "query": {
                "query": 'SELECT "a"\nFROM t',
                "destinationTable": DESTINATION,
                "useLegacySql": False,
            },
            "labels": {"team": "a"},
        },
    )
    told = job["jobDetail"]["taskDetails"][0]["outputs"]["destination_table"]["artifacts"]
    assert told[0]["metadata"] == DESTINATION


def test_a_query_component_whose_job_fails_tells_what_bigquery_said(
    open_cloud: OpenCloud,
) -> None:
    engine = FakeEngine(failures={"SELECT 1": {"reason": "invalidQuery", "message": "no such"}})

    job = run(open_cloud(engine=engine), _queries("SELECT 1"), name="query", dataset="ds")

    assert "no such" in job["jobDetail"]["taskDetails"][0]["error"]["message"]


def _queries(query: str) -> dict[str, Any]:
    inputs = {
        "project": constant("{{$.pipeline_google_cloud_project_id}}"),
        "location": constant("EU"),
        "query": constant(query),
        "labels": constant({"team": "a"}),
        "job_configuration_query": constant({"destinationTable": DESTINATION}),
    }
    spec = changed("root", "dag", "tasks", value={})
    spec["root"]["inputDefinitions"] = {"parameters": {"dataset": {"parameterType": "STRING"}}}
    spec["root"]["dag"]["tasks"]["query"] = {
        "componentRef": {"name": "comp-query"},
        "inputs": {"parameters": inputs},
    }
    kinds = {
        "project": "STRING",
        "location": "STRING",
        "query": "STRING",
        "labels": "STRUCT",
        "job_configuration_query": "STRUCT",
    }
    spec["components"]["comp-query"] = part(
        "exec-query", "gcp_resources", artifact="destination_table", **kinds
    )
    spec["deploymentSpec"]["executors"]["exec-query"] = google("query_job")
    return spec


def test_a_schedule_runs_a_pipeline(open_cloud: OpenCloud) -> None:
    moment = [datetime(2026, 3, 2, 8, 30, tzinfo=UTC)]
    cloud = open_cloud(clock=lambda: moment[0])
    cloud.server.vertex.ticker.stop()
    body = {
        "displayName": "weekly",
        "cron": "0 9 * * 1",
        "maxConcurrentRunCount": "1",
        "createPipelineJobRequest": {
            "parent": LOCATION,
            "pipelineJob": {
                "pipelineSpec": GREETING,
                "runtimeConfig": {
                    "gcsOutputDirectory": "gs://bucket/root",
                    "parameterValues": {"name": "you"},
                },
            },
        },
    }
    schedule = cloud.call("POST", f"{LOCATION}/schedules", body).body
    moment[0] += timedelta(hours=1)

    cloud.server.vertex.ticker.tick()
    cloud.server.vertex.pipelines.join()

    [job] = cloud.get(JOBS)["pipelineJobs"]
    assert (job["state"], job["scheduleName"]) == ("PIPELINE_STATE_SUCCEEDED", schedule["name"])
