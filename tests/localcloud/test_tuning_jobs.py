"""Hyperparameter tuning jobs, whose trials are custom jobs."""

from typing import Any

import pytest

from localcloud.vertex.study import Study, grid
from tests.localcloud.conftest import LOCATION, Cloud, OpenCloud

JOBS = f"{LOCATION}/hyperparameterTuningJobs"
METHOD = "aiplatform.projects.locations.hyperparameterTuningJobs"
RATE = {"parameterId": "rate", "doubleValueSpec": {"minValue": -4, "maxValue": 4}}
LAYERS = {"parameterId": "layers", "integerValueSpec": {"minValue": "1", "maxValue": "2"}}
KIND = {"parameterId": "kind", "categoricalValueSpec": {"values": ["tree", "line"]}}
SIZE = {"parameterId": "size", "discreteValueSpec": {"values": [16, 64]}}
LOSS = {"metricId": "loss", "goal": "MINIMIZE"}
# Writes what cloudml-hypertune writes.
REPORT = """
import json, os, sys, time
given = dict(word[2:].split("=", 1) for word in sys.argv[1:])
def report(step, **metrics):
    with open(os.environ["CLOUD_ML_HP_METRIC_FILE"], "a") as file:
        for name, value in metrics.items():
            entry = {"timestamp": time.time(), "trial": os.environ["CLOUD_ML_TRIAL_ID"],
                     name: str(value), "global_step": str(step), "checkpoint_path": ""}
            file.write(json.dumps(entry) + "\\n")
"""


def body(script: str, *parameters: Any, **more: Any) -> dict[str, Any]:
    study = {"metrics": [LOSS], "parameters": list(parameters), **more.pop("study", {})}
    container = {"imageUri": "gcr.io/p/i", "command": ["python", "-c", REPORT + script]}
    pool = {
        "machineSpec": {"machineType": "n1-standard-4"},
        "replicaCount": 1,
        "containerSpec": container,
    }
    return {
        "displayName": "tune",
        "maxTrialCount": 4,
        "parallelTrialCount": 1,
        "studySpec": study,
        "trialJobSpec": {"workerPoolSpecs": [pool], **more.pop("spec", {})},
        **more,
    }


def run(cloud: Cloud, *given: Any, **more: Any) -> Any:
    reply = cloud.call("POST", JOBS, body(*given, **more))
    assert reply.status == 200, reply
    cloud.server.vertex.tuning_jobs.runs.join()
    return cloud.get(path(reply.body))


def path(job: Any) -> str:
    return f"{JOBS}/{job['name'].rsplit('/', 1)[1]}"


def parameters(trial: Any) -> dict[str, Any]:
    return {entry["parameterId"]: entry["value"] for entry in trial["parameters"]}


@pytest.mark.covers(f"{METHOD}.create", f"{METHOD}.get")
def test_trials_report_what_they_made_of_their_parameters(cloud: Cloud) -> None:
    job = run(cloud, "report(3, loss=float(given['rate']) ** 2)", RATE, maxTrialCount=2)

    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert [(trial["id"], trial["state"]) for trial in job["trials"]] == [
        ("1", "SUCCEEDED"),
        ("2", "SUCCEEDED"),
    ]
    for trial in job["trials"]:
        loss = parameters(trial)["rate"] ** 2
        assert trial["finalMeasurement"]["stepCount"] == "3"
        assert trial["finalMeasurement"]["metrics"] == [{"metricId": "loss", "value": loss}]


def test_each_trial_is_a_custom_job_that_writes_below_the_trial(cloud: Cloud) -> None:
    spec = {"baseOutputDirectory": {"outputUriPrefix": "gs://out/tune/"}}

    job = run(cloud, "report(0, loss=1)", LAYERS, maxTrialCount=1, spec=spec)

    [trial] = job["trials"]
    custom_job = cloud.get(f"{LOCATION}/customJobs/{trial['customJob'].rsplit('/', 1)[1]}")
    [pool] = custom_job["jobSpec"]["workerPoolSpecs"]
    assert pool["containerSpec"]["args"] == [f"--layers={parameters(trial)['layers']}"]
    assert custom_job["jobSpec"]["baseOutputDirectory"] == {"outputUriPrefix": "gs://out/tune/1"}


def test_grid_search_tries_each_combination_once(cloud: Cloud) -> None:
    job = run(
        cloud,
        "report(0, loss=1)",
        KIND,
        LAYERS,
        maxTrialCount=9,
        parallelTrialCount=3,
        study={"algorithm": "GRID_SEARCH"},
    )

    tried = [tuple(parameters(trial).values()) for trial in job["trials"]]
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert sorted(tried) == [("line", 1), ("line", 2), ("tree", 1), ("tree", 2)]


def test_a_grid_holds_conditional_parameters_only_where_they_are_active() -> None:
    conditional = {
        "parentCategoricalValues": {"values": ["tree"]},
        "parameterSpec": SIZE,
    }

    found = list(grid([{**KIND, "conditionalParameterSpecs": [conditional]}, LAYERS]))

    assert found == [
        {"kind": "tree", "size": 16, "layers": 1},
        {"kind": "tree", "size": 16, "layers": 2},
        {"kind": "tree", "size": 64, "layers": 1},
        {"kind": "tree", "size": 64, "layers": 2},
        {"kind": "line", "layers": 1},
        {"kind": "line", "layers": 2},
    ]


@pytest.mark.parametrize("algorithm", ["", "RANDOM_SEARCH"])
def test_searches_stay_within_their_bounds_and_repeat_themselves(algorithm: str) -> None:
    conditional = {"parentCategoricalValues": {"values": ["tree"]}, "parameterSpec": SIZE}
    scaled = {
        "parameterId": "scaled",
        "doubleValueSpec": {"minValue": 0.001, "maxValue": 1.0},
        "scaleType": "UNIT_REVERSE_LOG_SCALE",
    }
    spec = {
        "algorithm": algorithm,
        "metrics": [LOSS],
        "parameters": [RATE, LAYERS, scaled, {**KIND, "conditionalParameterSpecs": [conditional]}],
    }

    def search() -> list[Any]:
        study, found = Study(spec), []
        for number in range(30):
            asked = study.ask(number)
            assert asked is not None
            study.tell(number, {"loss": asked["rate"] ** 2})
            found.append(asked)
        return found

    tried = search()
    assert tried == search()
    for each in tried:
        assert -4 <= each["rate"] <= 4
        assert each["layers"] in (1, 2)
        assert 0.001 <= each["scaled"] <= 1.0
        assert each.get("size") in ((16, 64) if each["kind"] == "tree" else (None,))
    # Near the upper end, as a reverse logarithmic scale is.
    assert sum(each["scaled"] > 0.9 for each in tried) > 15


def test_the_default_search_learns_from_its_trials() -> None:
    def best(algorithm: str) -> float:
        study = Study({"algorithm": algorithm, "metrics": [LOSS], "parameters": [RATE]})
        losses = []
        for number in range(60):
            asked = study.ask(number)
            assert asked is not None
            losses.append((asked["rate"] - 3) ** 2)
            study.tell(number, {"loss": losses[-1]})
        return sum(losses[30:]) / 30

    assert best("") < best("RANDOM_SEARCH") / 3


def test_the_best_measurement_is_taken_where_that_is_asked_for(cloud: Cloud) -> None:
    script = "report(1, loss=0.2); report(2, loss=0.7)"

    last = run(cloud, script, LAYERS, maxTrialCount=1)
    best = run(
        cloud,
        script,
        LAYERS,
        maxTrialCount=1,
        study={"measurementSelectionType": "BEST_MEASUREMENT"},
    )

    assert [job["trials"][0]["finalMeasurement"]["stepCount"] for job in (last, best)] == ["2", "1"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sys.exit(4)", "non-zero status of 4"),
        ("report(0, other=1)", "reported no measurement with loss"),
        ("report(0, loss=float('nan'))", "'loss' is nan"),
    ],
)
def test_a_trial_that_fails_is_infeasible_and_so_is_a_job_of_only_such(
    cloud: Cloud, script: str, reason: str
) -> None:
    job = run(cloud, script, LAYERS, maxTrialCount=2)

    assert job["state"] == "JOB_STATE_FAILED"
    assert "2 of 2 trials failed" in job["error"]["message"]
    assert [trial["state"] for trial in job["trials"]] == ["INFEASIBLE"] * 2
    assert reason in job["trials"][0]["infeasibleReason"]


def test_a_job_ends_when_more_trials_failed_than_it_allows(cloud: Cloud) -> None:
    script = "sys.exit(1) if os.environ['CLOUD_ML_TRIAL_ID'] == '2' else report(0, loss=1)"

    job = run(cloud, script, LAYERS, maxTrialCount=4, maxFailedTrialCount=1)

    assert (job["state"], len(job["trials"])) == ("JOB_STATE_FAILED", 2)


def test_a_failed_trial_does_not_fail_a_job_that_says_nothing(cloud: Cloud) -> None:
    script = "sys.exit(1) if os.environ['CLOUD_ML_TRIAL_ID'] == '1' else report(0, loss=1)"

    job = run(cloud, script, RATE, maxTrialCount=2)

    assert job["state"] == "JOB_STATE_SUCCEEDED"


@pytest.mark.covers(f"{METHOD}.cancel", f"{METHOD}.delete", f"{METHOD}.list")
def test_a_cancelled_job_ends_its_trials_and_can_be_deleted(cloud: Cloud) -> None:
    script = "print('ready', flush=True); time.sleep(600)"
    job = cloud.call("POST", JOBS, body(script, LAYERS, parallelTrialCount=2)).body
    while len(cloud.get(path(job)).get("trials", [])) < 2:
        pass

    cloud.call("POST", f"{path(job)}:cancel", {})
    cloud.server.vertex.tuning_jobs.runs.join()
    over = cloud.get(path(job))
    states = [each["state"] for each in cloud.get(f"{LOCATION}/customJobs")["customJobs"]]
    cloud.call("DELETE", path(job))

    assert over["state"] == "JOB_STATE_CANCELLED"
    assert states == ["JOB_STATE_CANCELLED"] * 2
    assert [trial["state"] for trial in over["trials"]] == ["INFEASIBLE"] * 2
    assert cloud.get(JOBS) == cloud.get(f"{LOCATION}/customJobs") == {}


def test_a_restart_ends_a_job_and_its_waiting_trial(open_cloud: OpenCloud, cloud: Cloud) -> None:
    job = run(cloud, "report(0, loss=1)", LAYERS, maxTrialCount=1)
    trial = job["trials"][0]["customJob"].replace("1234567890", "local-project")
    for name, state in (
        (job["name"].replace("1234567890", "local-project"), "JOB_STATE_RUNNING"),
        (trial, "JOB_STATE_PENDING"),
    ):
        row = cloud.server.store.get(name)
        assert row is not None
        cloud.server.store.put(name, {**row, "state": state})

    again = open_cloud()

    assert again.get(path(job))["state"] == "JOB_STATE_FAILED"
    [custom_job] = again.get(f"{LOCATION}/customJobs")["customJobs"]
    assert custom_job["state"] == "JOB_STATE_CANCELLED"


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"maxTrialCount": 0}, "INVALID_ARGUMENT", "max_trial_count"),
        ({"parallelTrialCount": 0}, "INVALID_ARGUMENT", "parallel_trial_count"),
        ({"study": {"metrics": []}}, "INVALID_ARGUMENT", "metrics"),
        ({"study": {"metrics": [LOSS, LOSS]}}, "INVALID_ARGUMENT", "unique"),
        ({"study": {"algorithm": "GRID_SEARCH"}}, "INVALID_ARGUMENT", "DOUBLE"),
        ({"study": {"medianAutomatedStoppingSpec": {}}}, "UNIMPLEMENTED", "medianAutomated"),
        (
            {"study": {"parameters": [{**RATE, "scaleType": "UNIT_LOG_SCALE"}]}},
            "INVALID_ARGUMENT",
            "above 0",
        ),
        ({"study": {"parameters": [{"parameterId": "x"}]}}, "INVALID_ARGUMENT", "one of"),
        ({"spec": {"workerPoolSpecs": [{}]}}, "INVALID_ARGUMENT", "trial_job_spec"),
    ],
)
def test_a_job_that_could_not_run_is_refused(
    cloud: Cloud, changes: Any, status: str, said: str
) -> None:
    reply = cloud.call("POST", JOBS, body("", RATE, **changes))

    assert reply.body["error"]["status"] == status
    assert said in reply.body["error"]["message"]
