"""One suite for BigQuery in memory and BigQuery over HTTP on the local cloud.

What the tests of the lifecycles take for granted of `FakeBigQuery` is shown here to be so.
"""

import gzip
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from bqvertex.clients import source_file
from bqvertex.clients.bigquery import BigQuery, CopyRequest, Job, LoadRequest, QueryRequest
from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.bigquery.refusals import failed_job
from bqvertex.clients.errors import CloudError, FailedPrecondition, JobFailed, NotFound
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.attempt import Pace
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.model import ModelLifecycle
from bqvertex.providers.seed_table import SeedTableLifecycle

from tests.fakes import FakeBigQuery
from tests.fakes_vertex import FakeModelRegistry

PROJECT, LOCATION = "acme-prod", "us-central1"
SCHEMA = [
    {"name": "late", "type": "BOOL", "mode": "NULLABLE"},
    {"name": "hour", "type": "INT64", "mode": "NULLABLE"},
]
ROWS = "late,hour\n" + "".join(f"{hour > 14},{hour}\n" for hour in range(24))


@dataclass
class Place:
    """A service and a dataset of the test's own."""

    bigquery: BigQuery
    dataset_id: str

    def path(self, name: str) -> str:
        return f"{PROJECT}.{self.dataset_id}.{name}"

    def inputs(self, **more: Any) -> dict[str, Any]:
        place = {"project": PROJECT, "location": LOCATION, "dataset_id": self.dataset_id}
        return {**place, "owner": "org/proj/dev/it", **more}

    def load(self, source: Path, *, job_id: str = "load_1", truncate: bool = False) -> Job:
        return self.bigquery.start_load(
            LoadRequest(
                job_id=f"{self.dataset_id}_{job_id}",
                project=PROJECT,
                location=LOCATION,
                table=self.path("hours"),
                open=lambda: source_file.opened(str(source)),
                source_format="CSV",
                schema=SCHEMA,
                truncate=truncate,
                skip_leading_rows=1,
            )
        )

    def train(
        self, options: str, *, job_id: str = "train_1", verb: str = "CREATE MODEL", **request: Any
    ) -> Job:
        name = f"`{PROJECT}`.`{self.dataset_id}`"
        return self.bigquery.start_query(
            QueryRequest(
                job_id=f"{self.dataset_id}_{job_id}",
                project=PROJECT,
                location=LOCATION,
                sql=f"{verb} {name}.`late`\nOPTIONS ({options}) AS\n"
                f"SELECT late, hour FROM {name}.`hours`",
                **request,
            )
        )

    def ended(self, job: Job) -> Job:
        for seen in self.bigquery.watch(job, 120.0):
            job = seen
        return job


LOGISTIC = "model_type = 'LOGISTIC_REG', input_label_cols = ['late']"


@pytest.fixture(params=["fake", "local-cloud"])
def place(request) -> Place:
    dataset_id = f"d{uuid.uuid4().hex[:12]}"
    if request.param == "fake":
        return Place(FakeBigQuery(), dataset_id)
    url = request.getfixturevalue("local_cloud").url
    reference = {"projectId": PROJECT, "datasetId": dataset_id}
    requests.post(
        f"{url}/bigquery/v2/projects/{PROJECT}/datasets",
        json={"datasetReference": reference, "location": LOCATION},
        timeout=30,
    ).raise_for_status()
    return Place(GoogleBigQuery(CloudSettings(url)), dataset_id)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "hours.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def loaded(place: Place, source: Path) -> Place:
    assert place.ended(place.load(source)).error is None
    return place


def test_a_loaded_table_is_as_declared(loaded):
    table = loaded.bigquery.table(loaded.path("hours"))

    assert (table.num_rows, table.location, table.description) == (24, LOCATION, "")
    assert table.created <= table.modified


def test_a_job_of_an_id_is_inserted_once(loaded, source):
    again = loaded.load(source)

    assert (again.attached, again.done, again.error) == (True, True, None)
    assert loaded.bigquery.job(PROJECT, LOCATION, again.job_id).created == again.created


def test_truncating_replaces_what_a_table_holds(loaded, tmp_path):
    less = tmp_path / "less.csv"
    less.write_text("late,hour\ntrue,18\n")
    before = loaded.bigquery.table(loaded.path("hours"))

    job = loaded.ended(loaded.load(less, job_id="load_2", truncate=True))

    after = loaded.bigquery.table(loaded.path("hours"))
    assert (job.error, after.num_rows) == (None, 1)
    assert after.created == before.created


def test_a_tables_metadata_is_set_and_taken_away(loaded):
    path = loaded.path("hours")
    loaded.bigquery.patch_table(path, description="Hours", labels={"team": "data"})
    first = loaded.bigquery.table(path)

    loaded.bigquery.patch_table(path, description="", labels={"team": None})

    second = loaded.bigquery.table(path)
    assert (first.description, first.labels) == ("Hours", {"team": "data"})
    assert (second.description, second.labels, second.num_rows) == ("", {}, 24)


def test_a_trained_model_says_when_and_of_what(loaded):
    job = loaded.ended(loaded.train(LOGISTIC))

    model = loaded.bigquery.model(loaded.path("late"))
    assert job.error is None
    assert model.model_type == "LOGISTIC_REGRESSION"
    assert (model.location, model.description, model.expiration) == (LOCATION, "", None)
    assert job.created <= model.trained_at <= job.ended


def test_a_model_that_is_there_is_not_created_again(loaded):
    loaded.ended(loaded.train(LOGISTIC))
    before = loaded.bigquery.model(loaded.path("late"))

    job = loaded.ended(loaded.train(LOGISTIC, job_id="train_2"))

    assert job.error is not None
    assert job.error.reason == "duplicate"
    assert loaded.bigquery.model(loaded.path("late")).trained_at == before.trained_at


def test_a_replaced_model_loses_its_labels_and_is_newer(loaded):
    loaded.ended(loaded.train(LOGISTIC))
    before = loaded.bigquery.patch_model(
        loaded.path("late"), description="Late?", labels={"team": "data"}, expiration=None
    )

    loaded.ended(loaded.train(LOGISTIC, job_id="train_2", verb="CREATE OR REPLACE MODEL"))

    after = loaded.bigquery.model(loaded.path("late"))
    assert after.trained_at > before.trained_at
    assert after.labels == {}


def test_a_models_metadata_is_set_and_taken_away(loaded):
    path, moment = loaded.path("late"), "2100-01-01T00:00:00Z"
    loaded.ended(loaded.train(LOGISTIC))
    labels = {"team": "data", "tier": "1"}
    loaded.bigquery.patch_model(path, description="Late?", labels=labels, expiration=moment)
    first = loaded.bigquery.model(path)

    loaded.bigquery.patch_model(path, description="", labels={"team": None}, expiration=None)

    second = loaded.bigquery.model(path)
    assert (first.description, first.labels, first.expiration) == ("Late?", labels, moment)
    assert (second.description, second.labels, second.expiration) == ("", {"tier": "1"}, None)
    assert second.trained_at == first.trained_at


def test_a_job_bears_its_labels(loaded):
    job = loaded.ended(loaded.train(LOGISTIC, labels={"bqvertex_work": "ab12"}))

    assert loaded.bigquery.job(PROJECT, LOCATION, job.job_id).labels == {"bqvertex_work": "ab12"}


def succeeded(job: Job) -> None:
    """Raise what a job failed of; the insertion may have raised it already."""
    if job.error is not None:
        raise failed_job(job.error, "run", "job", job.job_id)


def copied(place: Place, job_id: str, *, replace: bool) -> Job:
    request = CopyRequest(
        job_id=f"{place.dataset_id}_{job_id}",
        project=PROJECT,
        location=LOCATION,
        source=place.path("late"),
        destination=place.path("copy"),
        replace=replace,
    )
    return place.ended(place.bigquery.start_model_copy(request))


def test_a_copy_of_a_model_is_as_old_as_its_training(loaded):
    loaded.ended(loaded.train(LOGISTIC))

    job = copied(loaded, "copy_1", replace=False)

    source, copy = (loaded.bigquery.model(loaded.path(name)) for name in ("late", "copy"))
    assert job.error is None
    assert copy.trained_at == source.trained_at
    assert (copy.model_type, copy.feature_columns) == (source.model_type, source.feature_columns)


@pytest.mark.parametrize(("replace", "reason"), [(False, "duplicate"), (True, None)])
def test_a_copy_takes_a_place_only_when_it_is_told_to(loaded, replace, reason):
    loaded.ended(loaded.train(LOGISTIC))
    copied(loaded, "copy_1", replace=False)

    job = copied(loaded, "copy_2", replace=replace)

    assert (job.error.reason if job.error else None) == reason


def test_a_copy_of_nothing_fails(loaded):
    with pytest.raises(NotFound):
        succeeded(copied(loaded, "copy_1", replace=True))


def test_a_dry_run_tells_the_bytes_and_runs_nothing(loaded):
    sql = (
        f"CREATE MODEL `{loaded.path('late')}` OPTIONS ({LOGISTIC}) "
        f"AS SELECT late, hour FROM `{loaded.path('hours')}`"
    )

    dry_run = loaded.bigquery.dry_run(PROJECT, LOCATION, sql, attempts_s=30.0)

    assert dry_run.statement_type == "CREATE_MODEL"
    assert dry_run.bytes_processed > 0
    with pytest.raises(NotFound):
        loaded.bigquery.model(loaded.path("late"))


def test_a_dry_run_misses_a_table(loaded):
    sql = f"SELECT * FROM `{loaded.path('nope')}`"

    with pytest.raises(NotFound):
        loaded.bigquery.dry_run(PROJECT, LOCATION, sql, attempts_s=30.0)


def test_a_training_above_its_limit_of_bytes_is_refused(loaded):
    with pytest.raises(CloudError, match="bytesBilledLimitExceeded"):
        succeeded(loaded.ended(loaded.train(LOGISTIC, maximum_bytes_billed=1)))

    with pytest.raises(NotFound):
        loaded.bigquery.model(loaded.path("late"))


def test_metrics_are_rows(loaded):
    loaded.ended(loaded.train(LOGISTIC))
    sql = f"SELECT * FROM ML.EVALUATE(MODEL `{loaded.path('late')}`)"

    (row,) = loaded.bigquery.rows(PROJECT, LOCATION, sql)

    assert 0.0 <= row["accuracy"] <= 1.0


@pytest.mark.parametrize(
    "look",
    [
        lambda place: place.bigquery.table(place.path("nope")),
        lambda place: place.bigquery.model(place.path("nope")),
        lambda place: place.bigquery.delete_table(place.path("nope")),
        lambda place: place.bigquery.delete_model(place.path("nope")),
        lambda place: place.bigquery.job(PROJECT, LOCATION, "nope"),
    ],
    ids=["table", "model", "delete-table", "delete-model", "job"],
)
def test_what_is_not_there_is_not_found(place, look):
    with pytest.raises(NotFound):
        look(place)


def life(lifecycle: Lifecycle, inputs: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Create, read, change, read, delete; return the state before the change."""
    checked = lifecycle.check({}, inputs)
    assert checked.failures == ()
    created = lifecycle.create(checked.inputs)
    assert not lifecycle.diff(created.id, created.outs, checked.inputs).changes
    assert lifecycle.read(created.id, created.outs).inputs == checked.inputs

    wanted = lifecycle.check(checked.inputs, {**inputs, **change}).inputs
    assert lifecycle.diff(created.id, created.outs, wanted).changes
    outs = lifecycle.update(created.id, created.outs, wanted)
    assert lifecycle.read(created.id, outs).inputs == wanted

    lifecycle.delete(created.id, outs)
    lifecycle.delete(created.id, outs)
    assert lifecycle.read(created.id, outs) is None
    return created.outs


def zipped(folder: Path) -> Path:
    path = folder / "hours.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hours.csv", ROWS)
    return path


def gzipped(folder: Path) -> Path:
    path = folder / "hours.csv.gz"
    path.write_bytes(gzip.compress(ROWS.encode()))
    return path


def plain(folder: Path) -> Path:
    path = folder / "hours.csv"
    path.write_text(ROWS)
    return path


@pytest.mark.parametrize("packed", [plain, zipped, gzipped])
def test_the_life_of_a_table(place, tmp_path, packed: Callable[[Path], Path]):
    inputs = place.inputs(
        table_id="hours",
        source=str(packed(tmp_path)),
        schema=SCHEMA,
        skip_leading_rows=1.0,
        description="Hours",
        labels={"team": "data"},
    )

    outs = life(
        SeedTableLifecycle(place.bigquery, pace=Pace(lambda _: None)),
        inputs,
        {"null_marker": "NA", "description": "Other", "labels": {"tier": "1"}},
    )

    assert outs["num_rows"] == 24


def test_the_life_of_a_model(loaded):
    inputs = loaded.inputs(
        model_id="late",
        statement=f"CREATE MODEL late OPTIONS ({LOGISTIC}) AS SELECT late, hour FROM hours",
        schemas={"hours": SCHEMA},
        description="Late?",
        labels={"team": "data"},
    )

    outs = life(
        ModelLifecycle(loaded.bigquery, FakeModelRegistry(), pace=Pace(lambda _: None)),
        inputs,
        {"retrain_on": ["2026-01"], "description": "Other", "labels": {"tier": "1"}},
    )

    assert set(outs["evaluation_metrics"]) >= {"accuracy", "roc_auc"}


def test_the_life_of_a_model_with_a_gate(loaded):
    inputs = loaded.inputs(
        model_id="late",
        statement=f"CREATE MODEL late OPTIONS ({LOGISTIC}) AS SELECT late, hour FROM hours",
        evaluation={"accuracy": {"min": 0.01, "min_change": -1.0}},
        evaluation_query="SELECT late, hour FROM hours",
        max_bytes_billed=10**9,
    )

    outs = life(
        ModelLifecycle(loaded.bigquery, FakeModelRegistry(), pace=Pace(lambda _: None)),
        inputs,
        {"retrain_on": ["2026-01"], "description": "Other"},
    )

    assert outs["estimated_bytes_processed"] > 0
    with pytest.raises(NotFound):
        loaded.bigquery.model(loaded.path("late__candidate"))


def test_a_candidate_that_fails_waits_and_passes_later_without_a_training(loaded):
    models = ModelLifecycle(loaded.bigquery, FakeModelRegistry(), pace=Pace(lambda _: None))
    inputs = loaded.inputs(
        model_id="late",
        statement=f"CREATE MODEL late OPTIONS ({LOGISTIC}) AS SELECT late, hour FROM hours",
    )
    state = models.create(models.check({}, inputs).inputs).outs
    wanted = {**inputs, "retrain_on": ["2026-01"], "evaluation": {"accuracy": {"min": 1.5}}}
    with pytest.raises(JobFailed, match=r"at least 1\.5 asked"):
        models.update("", state, models.check(inputs, wanted).inputs)
    candidate = loaded.bigquery.model(loaded.path("late__candidate"))
    assert (
        loaded.bigquery.model(loaded.path("late")).labels["bqvertex_job"]
        == (state["training_job_id"])
    )
    relaxed = {**wanted, "evaluation": {"accuracy": {"min": 0.0}}}

    outs = models.update("", state, models.check(inputs, relaxed).inputs)

    assert outs["training_job_id"] == candidate.labels["bqvertex_job"]
    assert loaded.bigquery.model(loaded.path("late")).trained_at == candidate.trained_at


def test_back_to_an_earlier_definition_at_once_trains_again(loaded):
    models = ModelLifecycle(loaded.bigquery, FakeModelRegistry(), pace=Pace(lambda _: None))
    statement = f"CREATE MODEL late OPTIONS ({LOGISTIC}) AS SELECT late, hour FROM hours"
    versions = [
        models.check({}, loaded.inputs(model_id="late", statement=f"{statement} {more}")).inputs
        for more in ("", "WHERE hour > 1")
    ]
    state = models.create(versions[0]).outs
    jobs = [state["training_job_id"]]

    for wanted in (versions[1], versions[0], versions[1]):
        state = models.update("", state, wanted)
        jobs.append(state["training_job_id"])

    assert len(set(jobs)) == 4


def test_a_model_made_by_hand_is_adopted_if_it_agrees(loaded):
    loaded.ended(loaded.train(LOGISTIC))
    before = loaded.bigquery.model(loaded.path("late"))
    models = ModelLifecycle(loaded.bigquery, FakeModelRegistry(), pace=Pace(lambda _: None))
    statement = f"CREATE MODEL late OPTIONS ({LOGISTIC}) AS SELECT late, hour FROM hours"
    inputs = loaded.inputs(
        model_id="late", statement=statement, schemas={"hours": SCHEMA}, adopt=True
    )
    more = {**inputs, "statement": statement.replace("AS SELECT", "AS SELECT 'x' AS extra,")}
    with pytest.raises(FailedPrecondition, match="column extra"):
        models.create(models.check({}, more).inputs)

    models.create(models.check({}, inputs).inputs)

    after = loaded.bigquery.model(loaded.path("late"))
    assert after.trained_at == before.trained_at
    assert after.labels.keys() == {"bqvertex_definition", "bqvertex_owner"}


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_other_formats_than_csv_are_loaded(local_cloud, tmp_path, suffix):
    import pyarrow as pa
    import pyarrow.parquet as pq

    url, dataset_id = local_cloud.url, f"d{uuid.uuid4().hex[:12]}"
    requests.post(
        f"{url}/bigquery/v2/projects/{PROJECT}/datasets",
        json={
            "datasetReference": {"projectId": PROJECT, "datasetId": dataset_id},
            "location": LOCATION,
        },
        timeout=30,
    ).raise_for_status()
    place = Place(GoogleBigQuery(CloudSettings(url)), dataset_id)
    file = tmp_path / f"hours.{suffix}"
    if suffix == "jsonl":
        file.write_text('{"late": true, "hour": 18}\n{"late": false, "hour": 6}\n')
    else:
        pq.write_table(pa.table({"late": [True, False], "hour": [18, 6]}), file)

    outs = life(
        SeedTableLifecycle(place.bigquery, pace=Pace(lambda _: None)),
        place.inputs(table_id="hours", source=str(file), schema=SCHEMA),
        {"description": "Other"},
    )

    assert outs["num_rows"] == 2
