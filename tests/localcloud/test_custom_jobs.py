"""Custom jobs: replicas that run as processes of this machine."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.localcloud.conftest import LOCATION, Cloud, OpenCloud

JOBS = f"{LOCATION}/customJobs"
MACHINE = {"machineType": "n1-standard-4"}
METHOD = "aiplatform.projects.locations.customJobs"


def shell(script: str, **more: Any) -> dict[str, Any]:
    container = {"imageUri": "gcr.io/p/image", "command": ["sh", "-c"], "args": [script], **more}
    return {"machineSpec": MACHINE, "replicaCount": 1, "containerSpec": container}


def package(*uris: str, module: str = "trainer.task", args: Any = ()) -> dict[str, Any]:
    spec = {
        "executorImageUri": "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
        "packageUris": list(uris),
        "pythonModule": module,
        "args": list(args),
    }
    return {"machineSpec": MACHINE, "replicaCount": 1, "pythonPackageSpec": spec}


def begin(cloud: Cloud, *pools: Any, **spec: Any) -> Any:
    body = {"displayName": "job", "jobSpec": {"workerPoolSpecs": list(pools), **spec}}
    return cloud.call("POST", JOBS, body)


def run(cloud: Cloud, *pools: Any, **spec: Any) -> Any:
    reply = begin(cloud, *pools, **spec)
    assert reply.status == 200, reply
    cloud.server.vertex.custom_jobs.runs.join()
    return cloud.get(path(reply.body))


def path(job: Any) -> str:
    return f"{JOBS}/{job['name'].rsplit('/', 1)[1]}"


def log(cloud: Cloud, job: Any, replica: str = "workerpool0-0") -> str:
    identifier = job["name"].rsplit("/", 1)[1]
    return (cloud.server.state / "custom_jobs" / identifier / replica / "log").read_text()


def until_log(cloud: Cloud, job: Any, word: str) -> None:
    """Wait until the job's own process has said something."""
    file = cloud.server.state / "custom_jobs" / job["name"].rsplit("/", 1)[1] / "workerpool0-0/log"
    while not (file.exists() and word in file.read_text()):
        pass


def store(cloud: Cloud, name: str, data: bytes) -> str:
    cloud.call("POST", "/storage/v1/b?project=local-project", {"name": "code"})
    upload = f"/upload/storage/v1/b/code/o?uploadType=media&name={name}"
    assert cloud.send("POST", upload, content=data).status_code == 200
    return f"gs://code/{name}"


def source(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"trainer-0.1/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.mark.covers(f"{METHOD}.create", f"{METHOD}.get")
def test_a_container_with_a_command_runs_it_on_this_machine(cloud: Cloud) -> None:
    env = [{"name": "GREETING", "value": "hello"}]

    job = run(cloud, shell("echo $GREETING $0", args=["echo $GREETING", "you"], env=env))

    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert job["createTime"] < job["startTime"] < job["endTime"]
    assert log(cloud, job) == "hello\n"


def test_a_python_package_is_unpacked_and_run_by_this_interpreter(cloud: Cloud) -> None:
    uri = store(
        cloud,
        "trainer.tar.gz",
        source(
            {
                "setup.py": "raise SystemExit('nothing is installed')",
                "trainer/__init__.py": "",
                "trainer/task.py": "import sys; print(sys.argv[1:])",
            }
        ),
    )

    job = run(cloud, package(uri, args=["--rate", "0.1"]))

    assert (job["state"], log(cloud, job)) == ("JOB_STATE_SUCCEEDED", "['--rate', '0.1']\n")


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [(None, 5, "does not exist"), (b"no archive", 3, "cannot be unpacked")],
)
def test_a_package_that_cannot_be_had_fails_the_job(
    cloud: Cloud, data: bytes | None, code: int, said: str
) -> None:
    uri = store(cloud, "bad.tar.gz", data) if data else "gs://code/absent.tar.gz"

    job = run(cloud, package(uri))

    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_FAILED", code)
    assert uri in job["error"]["message"]
    assert said in job["error"]["message"]


def test_a_job_finds_where_it_writes_and_where_the_local_cloud_is(cloud: Cloud) -> None:
    job = run(cloud, shell("env"), baseOutputDirectory={"outputUriPrefix": "gs://out/here"})

    told = dict(line.split("=", 1) for line in log(cloud, job).splitlines() if "=" in line)
    assert {
        key: told[key]
        for key in (
            "AIP_MODEL_DIR",
            "AIP_CHECKPOINT_DIR",
            "AIP_TENSORBOARD_LOG_DIR",
            "CLOUD_ML_JOB_ID",
            "CLOUD_ML_PROJECT_ID",
            "STORAGE_EMULATOR_HOST",
            "BIGQUERY_EMULATOR_HOST",
        )
    } == {
        "AIP_MODEL_DIR": "gs://out/here/model/",
        "AIP_CHECKPOINT_DIR": "gs://out/here/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": "gs://out/here/logs/",
        "CLOUD_ML_JOB_ID": job["name"].rsplit("/", 1)[1],
        "CLOUD_ML_PROJECT_ID": "1234567890",
        "STORAGE_EMULATOR_HOST": "http://local",
        "BIGQUERY_EMULATOR_HOST": "http://local",
    }
    assert "TF_CONFIG" not in told


def test_replicas_run_together_and_know_each_other(cloud: Cloud) -> None:
    # The primary ends only after a worker has said that it runs.
    primary = shell("echo $CLUSTER_SPEC; until test -e ../workerpool1-1/here; do sleep 0.05; done")
    worker = {**shell("echo $TF_CONFIG; touch here; exec sleep 600"), "replicaCount": 2}

    job = run(cloud, primary, worker)

    cluster = json.loads(log(cloud, job))
    tensorflow = json.loads(log(cloud, job, "workerpool1-1"))
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert {pool: len(members) for pool, members in cluster["cluster"].items()} == {
        "workerpool0": 1,
        "workerpool1": 2,
    }
    assert cluster["task"] == {"type": "workerpool0", "index": 0}
    assert tensorflow["task"] == {"type": "worker", "index": 1}
    assert tensorflow["cluster"]["chief"] == cluster["cluster"]["workerpool0"]


def test_a_replica_that_fails_fails_the_job_and_ends_the_others(cloud: Cloud) -> None:
    job = run(cloud, shell("echo $$; exec sleep 600"), shell("echo no disk; exit 3"))

    assert job["state"] == "JOB_STATE_FAILED"
    assert "workerpool1-0 exited with a non-zero status of 3" in job["error"]["message"]
    assert "no disk" in job["error"]["message"]
    assert not psutil.pid_exists(int(log(cloud, job) or 0))


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        (shell("", command=[], args=["x"]), "pulls no images"),
        (shell("", command=["no-such-program"]), "no program 'no-such-program'"),
        (shell("cat /gcs/bucket/x"), "mounts no buckets"),
    ],
)
def test_a_container_that_cannot_run_here_fails_with_the_reason(
    cloud: Cloud, pool: Any, said: str
) -> None:
    job = run(cloud, pool)

    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_FAILED", 9)
    assert said in job["error"]["message"]


def test_a_job_that_outlasts_its_timeout_is_cancelled(cloud: Cloud) -> None:
    job = run(cloud, shell("exec sleep 600"), scheduling={"timeout": "0.2s"})

    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_CANCELLED", 4)
    assert "timeout of 0.2 s" in job["error"]["message"]


@pytest.mark.covers(f"{METHOD}.cancel")
def test_cancel_ends_a_job_with_all_that_it_started(cloud: Cloud) -> None:
    job = begin(cloud, shell("sleep 600 & echo $! ready; wait")).body
    until_log(cloud, job, "ready")
    child = int(log(cloud, job).split()[0])

    cloud.call("POST", f"{path(job)}:cancel", {})
    cloud.server.vertex.custom_jobs.runs.join()

    assert cloud.get(path(job))["state"] == "JOB_STATE_CANCELLED"
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


@pytest.mark.covers(f"{METHOD}.delete", f"{METHOD}.list")
def test_only_a_job_that_is_over_can_be_deleted(cloud: Cloud) -> None:
    job = begin(cloud, shell("echo ready; exec sleep 600")).body
    until_log(cloud, job, "ready")

    refused = cloud.call("DELETE", path(job))
    cloud.call("POST", f"{path(job)}:cancel", {})
    cloud.server.vertex.custom_jobs.runs.join()
    deleted = cloud.call("DELETE", path(job))

    assert refused.error == (400, "FAILED_PRECONDITION")
    assert deleted.body["done"]
    assert cloud.get(JOBS) == {}


def test_jobs_are_listed_by_a_filter(cloud: Cloud) -> None:
    run(cloud, shell("exit 1"))
    done = run(cloud, shell("true"))

    found = cloud.get(f'{JOBS}?filter=state="JOB_STATE_SUCCEEDED"')["customJobs"]

    assert [job["name"] for job in found] == [done["name"]]


def test_a_job_that_a_killed_server_left_has_failed_and_its_processes_are_ended(
    open_cloud: OpenCloud, cloud: Cloud, tmp_path: Path
) -> None:
    job = begin(cloud, shell("echo ready; exec sleep 600")).body
    until_log(cloud, job, "ready")
    identifier = job["name"].rsplit("/", 1)[1]
    name = f"projects/local-project/locations/us-central1/customJobs/{identifier}"
    row = cloud.server.store.get(name)
    assert row is not None
    left = psutil.Popen(["sleep", "600"])
    cloud.server.vertex.custom_jobs.runs.close()
    file = tmp_path / "custom_jobs" / identifier / "processes.json"
    file.write_text(json.dumps([[left.pid, left.create_time()]]))
    cloud.server.store.put(name, row)

    again = open_cloud().get(path(job))

    assert (again["state"], "stopped" in again["error"]["message"]) == ("JOB_STATE_FAILED", True)
    assert left.wait() == -9


@pytest.mark.parametrize(
    ("pools", "spec", "status", "said"),
    [
        ([], {}, "INVALID_ARGUMENT", "worker_pool_specs"),
        ([{}, shell("true")], {}, "INVALID_ARGUMENT", "primary"),
        ([{**shell("true"), "replicaCount": 2}], {}, "INVALID_ARGUMENT", "replica_count is 2"),
        ([{"machineSpec": MACHINE}], {}, "INVALID_ARGUMENT", "one of container_spec"),
        ([{**shell("true"), **package("gs://a/b")}], {}, "INVALID_ARGUMENT", "one of"),
        ([package("/local/file")], {}, "INVALID_ARGUMENT", "no gs:// URI"),
        ([shell("true")] * 5, {}, "INVALID_ARGUMENT", "allowed are 4"),
        ([shell("true"), {**shell("true"), "replicaCount": 40}], {}, "UNIMPLEMENTED", "41"),
        (
            [{**shell("true"), "nfsMounts": [{"server": "s", "path": "/", "mountPoint": "m"}]}],
            {},
            "UNIMPLEMENTED",
            "nfsMounts",
        ),
        (
            [shell("true")],
            {"baseOutputDirectory": {"outputUriPrefix": "/tmp"}},
            "INVALID_ARGUMENT",
            "output_uri_prefix",
        ),
        ([shell("true", imageUri="")], {}, "INVALID_ARGUMENT", "image_uri"),
    ],
)
def test_a_job_that_could_not_run_is_refused(
    cloud: Cloud, pools: Any, spec: Any, status: str, said: str
) -> None:
    reply = begin(cloud, *pools, **spec)

    assert reply.body["error"]["status"] == status
    assert said in reply.body["error"]["message"]
