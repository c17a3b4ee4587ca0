from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bqvertex.clients.bigquery import JobError, LiveTable
from bqvertex.clients.errors import AlreadyExists, InvalidRequest, JobFailed, Unavailable
from bqvertex.providers.attempt import Pace
from bqvertex.providers.seed_table import SeedTableLifecycle

from tests.fakes import FakeBigQuery, Fault

PATH = "acme-prod.flights.airlines"
SCHEMA = [{"name": "carrier", "type": "STRING"}, {"name": "name", "type": "STRING"}]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "airlines.csv"
    path.write_text("carrier,name\nAA,American\nB6,JetBlue\n")
    return path


@pytest.fixture
def bigquery() -> FakeBigQuery:
    return FakeBigQuery()


@pytest.fixture
def tables(bigquery: FakeBigQuery) -> SeedTableLifecycle:
    return SeedTableLifecycle(bigquery, pace=Pace(sleep=lambda _: None))


@pytest.fixture
def news(source: Path) -> dict[str, Any]:
    """What the program says."""
    return {
        "project": "acme-prod",
        "location": "us-central1",
        "dataset_id": "flights",
        "table_id": "airlines",
        "source": str(source),
        "schema": SCHEMA,
        "skip_leading_rows": 1.0,
        "description": "Carriers",
        "labels": {"team": "data"},
        "owner": "org/proj/dev/airlines",
    }


@pytest.fixture
def inputs(tables: SeedTableLifecycle, news: dict[str, Any]) -> dict[str, Any]:
    """What the program says, checked."""
    checked = tables.check({}, news)
    assert checked.failures == ()
    return checked.inputs


def test_create_loads_the_file_and_labels_the_table(tables, bigquery, inputs):
    created = tables.create(inputs)

    assert created.id == PATH
    assert created.outs == {**inputs, "table": PATH, "num_rows": 2}
    live = bigquery.tables[PATH]
    assert live.description == "Carriers"
    assert live.labels["team"] == "data"
    assert {"bqvertex_definition", "bqvertex_owner"} < set(live.labels)


@pytest.mark.parametrize(
    ("change", "changes", "replaces"),
    [
        pytest.param({}, False, (), id="nothing"),
        pytest.param({"description": "Other"}, True, (), id="metadata"),
        pytest.param({"labels": {}}, True, (), id="labels-taken-away"),
        pytest.param({"null_marker": "NA"}, True, (), id="definition"),
        pytest.param({"table_id": "carriers"}, True, ("table_id",), id="identity"),
        pytest.param({"clustering_fields": ["carrier"]}, True, ("clustering_fields",), id="layout"),
        pytest.param({"job_timeout_s": 5.0}, False, (), id="silent-timeout"),
        pytest.param({"adopt": True}, False, (), id="silent-adopt"),
        pytest.param({"location": "US-CENTRAL1"}, False, (), id="case-of-the-location"),
        pytest.param({"field_delimiter": ","}, False, (), id="a-default-said-aloud"),
        pytest.param(
            {"schema": [{"name": "carrier", "type": "string", "mode": "nullable"}, SCHEMA[1]]},
            False,
            (),
            id="another-spelling-of-the-schema",
        ),
    ],
)
def test_diff(tables, inputs, change, changes, replaces):
    state = tables.create(inputs).outs

    change = tables.diff(PATH, state, {**inputs, **change})

    assert (change.changes, change.replaces) == (changes, replaces)
    assert bool(change.reason) == changes


def test_a_new_layout_deletes_first_because_the_name_stays(tables, inputs):
    change = tables.diff(PATH, inputs, {**inputs, "clustering_fields": ["carrier"]})

    assert change.delete_before_replace


def test_changed_content_shows_at_preview_and_is_loaded(tables, bigquery, inputs, news, source):
    state = tables.create(inputs).outs
    source.write_text("carrier,name\nAA,American\n")

    checked = tables.check(state, news)
    change = tables.diff(PATH, state, checked.inputs)
    outs = tables.update(PATH, state, checked.inputs)

    assert change.changes
    assert change.replaces == ()
    assert [load.truncate for load in bigquery.loads] == [False, True]
    assert outs["num_rows"] == 1


def test_a_touched_file_is_no_change(tables, inputs, news, source):
    state = tables.create(inputs).outs
    source.touch()

    checked = tables.check(state, news)

    assert not tables.diff(PATH, state, checked.inputs).changes


def test_update_of_the_description_loads_nothing(tables, bigquery, inputs):
    state = tables.create(inputs).outs

    tables.update(PATH, state, {**inputs, "description": "Other"})

    assert len(bigquery.loads) == 1
    assert bigquery.tables[PATH].description == "Other"


def test_update_takes_away_a_label_that_is_no_longer_declared(tables, bigquery, inputs):
    state = tables.create(inputs).outs

    tables.update(PATH, state, {**inputs, "labels": {}})

    assert "team" not in bigquery.tables[PATH].labels


def test_create_never_takes_over_a_table_it_did_not_load(tables, bigquery, inputs):
    bigquery.tables[PATH] = LiveTable(location="us-central1", schema=SCHEMA, num_rows=7)

    with pytest.raises(AlreadyExists, match="set adopt"):
        tables.create(inputs)

    assert bigquery.tables[PATH].num_rows == 7


def test_adopt_takes_a_table_over_as_it_is(tables, bigquery, inputs):
    bigquery.tables[PATH] = LiveTable(location="us-central1", schema=SCHEMA, num_rows=7)

    created = tables.create({**inputs, "adopt": True})

    assert created.outs["num_rows"] == 7
    assert bigquery.loads == []


def test_another_declaration_does_not_take_over_ours(tables, inputs):
    tables.create(inputs)

    with pytest.raises(AlreadyExists):
        tables.create({**inputs, "owner": "org/proj/prod/airlines"})


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["table", "start_load", "watch", "patch_table"])
def test_create_converges_after_a_fault(tables, bigquery, inputs, call, after):
    bigquery.faults = [Fault(call, Unavailable("gone"), after=after)]
    with pytest.raises(Unavailable):
        tables.create(inputs)

    created = tables.create(inputs)

    assert created.outs["num_rows"] == 2
    assert len(bigquery.loads) == 1


def test_a_run_attaches_to_the_load_of_an_earlier_one(tables, bigquery, inputs):
    bigquery.faults = [Fault("watch", Unavailable("killed"))]
    with pytest.raises(Unavailable):
        tables.create(inputs)
    bigquery.running = set(bigquery.jobs)

    tables.create(inputs)

    assert len(bigquery.loads) == 1


def test_a_load_that_failed_is_tried_again_with_a_new_job(tables, bigquery, inputs):
    bigquery.job_errors = [JobError("invalid", "bad row")]
    with pytest.raises(InvalidRequest, match="bad row"):
        tables.create(inputs)

    tables.create(inputs)

    assert [job_id[-2:] for job_id in bigquery.jobs] == ["_1", "_2"]


def test_a_passing_failure_of_the_job_is_not_shown(tables, bigquery, inputs):
    bigquery.job_errors = [JobError("jobBackendError", "try again", transient=True)]

    tables.create(inputs)

    assert len(bigquery.jobs) == 2


def test_a_failure_without_a_known_reason_is_the_jobs_own(tables, bigquery, inputs):
    bigquery.job_errors = [JobError("stopped", "Job execution was cancelled")]

    with pytest.raises(JobFailed, match=r"load .* into table acme-prod\.flights\.airlines"):
        tables.create(inputs)


def test_destroyed_and_declared_again_it_is_loaded_again(tables, bigquery, inputs):
    state = tables.create(inputs).outs
    tables.delete(PATH, state)
    bigquery.tick(3600)

    tables.create(inputs)

    assert len(bigquery.loads) == 2


def test_an_interrupted_wait_cancels_the_load(tables, bigquery, inputs):
    bigquery.faults = [Fault("watch", KeyboardInterrupt())]

    with pytest.raises(KeyboardInterrupt):
        tables.create(inputs)

    assert bigquery.cancelled == list(bigquery.jobs)


def test_read_of_an_untouched_table_shows_nothing(tables, inputs):
    state = tables.create(inputs).outs

    live = tables.read(PATH, state)

    assert live.outs == state
    assert live.inputs == inputs


@pytest.mark.parametrize(
    ("drift", "shown"),
    [
        pytest.param({"description": "Edited"}, {"description"}, id="description"),
        pytest.param({"num_rows": 9}, {"content_hash"}, id="rows"),
        pytest.param({"schema": SCHEMA[:1]}, {"schema"}, id="schema"),
        pytest.param({"labels": {}}, {"labels", "content_hash", "owner"}, id="labels"),
        pytest.param({"location": "EU"}, {"location"}, id="location"),
    ],
)
def test_read_shows_drift(tables, bigquery, inputs, drift, shown):
    state = tables.create(inputs).outs
    bigquery.tables[PATH] = replace(bigquery.tables[PATH], **drift)

    live = tables.read(PATH, state)

    names = live.inputs.keys() | inputs.keys()
    assert {n for n in names if live.inputs.get(n) != inputs.get(n)} == shown
    assert tables.diff(PATH, live.outs, inputs).changes


def test_rows_changed_by_someone_are_loaded_again(tables, bigquery, inputs):
    state = tables.create(inputs).outs
    bigquery.tables[PATH] = replace(bigquery.tables[PATH], num_rows=9, modified=bigquery.tick())
    drifted = tables.read(PATH, state).outs

    outs = tables.update(PATH, drifted, inputs)

    assert outs["num_rows"] == 2


def test_read_of_a_missing_table_says_it_is_gone(tables, inputs):
    assert tables.read(PATH, inputs) is None


def test_read_that_cannot_look_is_an_error_and_not_a_deletion(tables, bigquery, inputs):
    bigquery.faults = [Fault("table", Unavailable("no answer"))]

    with pytest.raises(Unavailable):
        tables.read(PATH, inputs)


def test_delete_of_a_missing_table_succeeds(tables, inputs):
    tables.delete(PATH, inputs)


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        pytest.param({"source": "nowhere.csv"}, "source", "no file 'nowhere.csv'", id="no-file"),
        pytest.param({"source": "package:nope/x.csv"}, "source", "'nope'", id="no-package"),
        pytest.param({"location": "us-centrall1"}, "location", "'us-central1'", id="location"),
        pytest.param({"dataset_id": "a-b"}, "dataset_id", "letters, digits", id="dataset"),
        pytest.param({"schema": []}, "schema", "list of columns", id="no-columns"),
        pytest.param(
            {"schema": [{"name": "a", "type": "TEXT"}]}, "schema", "type 'TEXT'", id="type"
        ),
        pytest.param(
            {"schema": [SCHEMA[0], {"name": "CARRIER", "type": "STRING"}]},
            "schema",
            "there twice",
            id="twice",
        ),
        pytest.param({"labels": {"A": "b"}}, "labels", "key 'A'", id="label"),
        pytest.param({"labels": {"bqvertex_x": "b"}}, "labels", "sets itself", id="own-label"),
        pytest.param({"clustering_fields": ["nope"]}, "clustering_fields", "no column", id="clus"),
        pytest.param({"skip_leading_rows": -1.0}, "skip_leading_rows", "0 or more", id="skip"),
        pytest.param({"source_format": "XML"}, "source_format", "CSV, NEW", id="format"),
        pytest.param({"table_id": None}, "table_id", "is required", id="missing"),
    ],
)
def test_check_names_the_input_and_what_is_allowed(tables, news, change, name, words):
    failures = tables.check({}, {**news, **change}).failures

    assert [failure.property for failure in failures] == [name]
    assert words in failures[0].reason


def test_check_says_all_that_is_wrong_at_once(tables, news):
    wrong = {"location": "mars", "labels": {"A": "b"}, "source": "nowhere.csv"}

    failures = tables.check({}, {**news, **wrong}).failures

    assert {failure.property for failure in failures} == set(wrong)
