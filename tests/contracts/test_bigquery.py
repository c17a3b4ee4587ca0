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
from bqvertex.clients.bigquery import BigQuery, Job, LoadRequest, QueryRequest
from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.errors import NotFound
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

    def train(self, options: str, *, job_id: str = "train_1", verb: str = "CREATE MODEL") -> Job:
        name = f"`{PROJECT}`.`{self.dataset_id}`"
        return self.bigquery.start_query(
            QueryRequest(
                job_id=f"{self.dataset_id}_{job_id}",
                project=PROJECT,
                location=LOCATION,
                sql=f"{verb} {name}.`late`\nOPTIONS ({options}) AS\n"
                f"SELECT late, hour FROM {name}.`hours`",
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
