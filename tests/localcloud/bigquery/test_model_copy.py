"""Copy jobs of models, and of tables beside them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from localcloud.bigquery import upstream
from localcloud.bigquery.names import Reference
from tests.localcloud.bigquery.conftest import CLASSIFIER, PROJECT, Run, Server

pytestmark = pytest.mark.usefixtures("passengers")
Copy = Callable[..., bigquery.CopyJob]
SCORES = "SELECT * FROM ML.PREDICT(MODEL {name}, TABLE shared.passengers) ORDER BY age"
OTHER = CLASSIFIER.replace("max_iterations = 5", "max_iterations = 1").replace(
    "CREATE MODEL", "CREATE OR REPLACE MODEL"
)


@pytest.fixture
def copy(client: bigquery.Client, dataset: str) -> Copy:
    """Runs a copy job between names of the dataset and waits for it."""

    def run_copy(
        source: str, destination: str, job_id: str | None = None, **config: Any
    ) -> bigquery.CopyJob:
        job = client.copy_table(
            f"{PROJECT}.{dataset}.{source}",
            f"{PROJECT}.{dataset}.{destination}",
            job_id=job_id,
            job_config=bigquery.CopyJobConfig(**config),
        )
        job.result()
        return job

    return run_copy


def test_a_copy_is_the_model_under_another_name(
    client: bigquery.Client, dataset: str, run: Run, copy: Copy
) -> None:
    run(CLASSIFIER)
    run("ALTER MODEL survival SET OPTIONS (description = 'who lives', labels = [('a', '1')])")

    copy("survival", "twin")

    source = client.get_model(f"{dataset}.survival")._properties
    twin = client.get_model(f"{dataset}.twin")._properties
    own = ("modelReference", "etag", "creationTime", "lastModifiedTime")
    assert {k: v for k, v in twin.items() if k not in own} == {
        k: v for k, v in source.items() if k not in own
    }
    assert twin["modelReference"]["modelId"] == "twin"
    assert twin["etag"] != source["etag"]
    assert int(twin["creationTime"]) > int(source["creationTime"])
    assert run(SCORES.format(name="twin")) == run(SCORES.format(name="survival"))


def test_a_copy_outlives_its_source(run: Run, copy: Copy) -> None:
    run(CLASSIFIER)
    before = run(SCORES.format(name="survival"))
    copy("survival", "twin")

    run("DROP MODEL survival")

    assert run(SCORES.format(name="twin")) == before


def test_a_copy_does_not_expire_with_its_source(
    client: bigquery.Client, dataset: str, run: Run, copy: Copy
) -> None:
    run(CLASSIFIER)
    run("ALTER MODEL survival SET OPTIONS (expiration_timestamp = TIMESTAMP '2100-01-01 00:00:00')")

    copy("survival", "twin")

    assert client.get_model(f"{dataset}.survival").expires is not None
    assert client.get_model(f"{dataset}.twin").expires is None


def test_a_copy_is_not_registered(
    client: bigquery.Client, dataset: str, run: Run, copy: Copy, server: Server
) -> None:
    run(CLASSIFIER)
    run("ALTER MODEL survival SET OPTIONS (vertex_ai_model_id = 'copied')")

    copy("survival", "twin")

    [training] = client.get_model(f"{dataset}.twin")._properties["trainingRuns"]
    assert not {"vertexAiModelId", "vertexAiModelVersion"} & set(training)
    [(_, version)] = server.registry.versions["copied"]
    assert version.model_id == "survival"


@pytest.mark.parametrize("write", [None, "WRITE_EMPTY"])
def test_a_copy_keeps_what_is_there(run: Run, copy: Copy, write: str | None) -> None:
    run(CLASSIFIER)
    copy("survival", "twin")

    with pytest.raises(exceptions.Conflict, match=r"Already Exists: Model .*\.twin"):
        copy("survival", "twin", **({"write_disposition": write} if write else {}))


def test_a_copy_takes_the_place_of_a_model_that_serves(run: Run, copy: Copy) -> None:
    run(CLASSIFIER)
    run(OTHER.replace("survival", "serving", 1))
    was, becomes = run(SCORES.format(name="serving")), run(SCORES.format(name="survival"))
    assert was != becomes
    seen: list[Any] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            seen.append(run(SCORES.format(name="serving")))

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        while not seen:
            asking.exception(timeout=0.05) if asking.done() else stop.wait(0.01)
        copy("survival", "serving", write_disposition="WRITE_TRUNCATE")
        stop.set()
        asking.result()

    assert run(SCORES.format(name="serving")) == becomes
    assert all(rows in (was, becomes) for rows in seen)


def test_a_deployed_training_answers_after_a_copy_took_its_models_place(
    run: Run, copy: Copy, server: Server
) -> None:
    run(CLASSIFIER)
    run(OTHER.replace("survival", "serving", 1))
    run("ALTER MODEL serving SET OPTIONS (vertex_ai_model_id = 'served')")
    [(_, version)] = server.registry.versions["served"]
    server.registry.deployed.add(version.artifact_uri)

    copy("survival", "serving", write_disposition="WRITE_TRUNCATE")

    instance = {"class": "a", "age": 200, "fare": 7.0}
    [answer] = server.service.engine.predict(version.artifact_uri, [instance])
    server.registry.deployed.clear()
    assert answer["predicted_survived"] in ("true", "false")


def test_dropping_a_copy_takes_out_the_registration_of_the_model_before_it(
    run: Run, copy: Copy, server: Server
) -> None:
    run(CLASSIFIER)
    run(OTHER.replace("survival", "serving", 1))
    run("ALTER MODEL serving SET OPTIONS (vertex_ai_model_id = 'before')")
    copy("survival", "serving", write_disposition="WRITE_TRUNCATE")

    run("DROP MODEL serving")

    assert "before" not in server.registry.versions


def test_a_job_id_copies_once(run: Run, copy: Copy, dataset: str) -> None:
    run(CLASSIFIER)
    copy("survival", "twin", job_id=f"{dataset}_copy")

    with pytest.raises(exceptions.Conflict, match=f"Already Exists: Job .*{dataset}_copy"):
        copy("survival", "other", job_id=f"{dataset}_copy")


@pytest.mark.parametrize(
    ("source", "destination", "config", "error", "message"),
    [
        ("nothing", "twin", {}, exceptions.NotFound, r"Not found: Table .*nothing"),
        ("survival", "t", {}, exceptions.Conflict, r"Already Exists: Table .*\.t"),
        ("t", "survival", {}, exceptions.Conflict, r"Already Exists: Model .*\.survival"),
        (
            "survival",
            "twin",
            {"create_disposition": "CREATE_NEVER"},
            exceptions.NotFound,
            r"Not found: Model .*\.twin",
        ),
        (
            "survival",
            "twin",
            {"write_disposition": "WRITE_APPEND"},
            exceptions.BadRequest,
            "writeDisposition WRITE_APPEND is not for models; WRITE_EMPTY and WRITE_TRUNCATE are",
        ),
        (
            "survival",
            "twin",
            {"operation_type": "SNAPSHOT"},
            exceptions.BadRequest,
            "operationType SNAPSHOT is not for models",
        ),
    ],
)
def test_what_cannot_be_copied_is_said(
    run: Run,
    copy: Copy,
    source: str,
    destination: str,
    config: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    run(CLASSIFIER)
    run("CREATE TABLE t AS SELECT 1 AS x")

    with pytest.raises(error, match=message):
        copy(source, destination, **config)


def test_several_models_are_not_copied_into_one(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(CLASSIFIER)
    sources = [f"{PROJECT}.{dataset}.survival"] * 2

    with pytest.raises(exceptions.BadRequest, match="Copying multiple source models"):
        client.copy_table(sources, f"{PROJECT}.{dataset}.twin").result()


def test_a_model_is_not_copied_to_another_location(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(CLASSIFIER)
    elsewhere = bigquery.Dataset(f"{PROJECT}.{dataset}_eu")
    elsewhere.location = "EU"
    client.create_dataset(elsewhere)

    with pytest.raises(exceptions.NotFound, match="was not found in location"):
        client.copy_table(
            f"{PROJECT}.{dataset}.survival", f"{PROJECT}.{dataset}_eu.survival", location="US"
        ).result()

    client.delete_dataset(f"{dataset}_eu")


def test_tables_are_copied(run: Run, copy: Copy) -> None:
    run("CREATE TABLE t AS SELECT 1 AS x")

    copy("t", "u")

    assert run("SELECT x FROM u") == [{"x": 1}]


def test_a_training_under_way_outlives_a_copy_of_its_name(
    run: Run, copy: Copy, dataset: str
) -> None:
    run(CLASSIFIER)
    run(OTHER.replace("survival", "serving", 1))
    store = upstream.runtime().models
    reference = Reference(PROJECT, dataset, "serving")
    training, directory = store.new_training(reference)

    copy("survival", "serving", write_disposition="WRITE_TRUNCATE")

    assert directory.is_dir()
    store.discard(reference, training)
