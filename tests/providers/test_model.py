from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bqvertex.clients.bigquery import JobError, LiveModel
from bqvertex.clients.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidRequest,
    PermissionDenied,
    Unavailable,
)
from bqvertex.providers.attempt import Pace
from bqvertex.providers.model import ModelLifecycle
from bqvertex.specs.unknown import UNKNOWN

from tests.fakes import FakeBigQuery, Fault
from tests.fakes_vertex import FakeModelRegistry

PATH = "acme-prod.flights.arrival_delay"
STATEMENT = """\
-- Will a flight be late?
CREATE MODEL arrival_delay
OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_late'], max_iterations = 5)
AS SELECT is_late, origin, distance FROM departures
"""
SCHEMAS = {
    "departures": [
        {"name": "is_late", "type": "BOOL"},
        {"name": "origin", "type": "STRING"},
        {"name": "distance", "type": "INT64"},
    ]
}
ACCOUNT = "bqcx-1-ab@gcp-sa-bigquery-condel.iam.gserviceaccount.com"
NO_GRANT = JobError("accessDenied", f"{ACCOUNT} does not have the permission", awaits_grant=True)


@pytest.fixture
def bigquery() -> FakeBigQuery:
    return FakeBigQuery()


@pytest.fixture
def models(bigquery: FakeBigQuery) -> ModelLifecycle:
    return ModelLifecycle(bigquery, FakeModelRegistry(), pace=Pace(sleep=lambda _: None))


@pytest.fixture
def news() -> dict[str, Any]:
    """What the program says."""
    return {
        "project": "acme-prod",
        "location": "us-central1",
        "dataset_id": "flights",
        "model_id": "arrival_delay",
        "statement": STATEMENT,
        "statement_file": "sql/model.sql",
        "schemas": SCHEMAS,
        "description": "Late?",
        "labels": {"team": "data"},
        "retrain_on": ["2026-01"],
        "owner": "org/proj/dev/arrival-delay",
    }


@pytest.fixture
def inputs(models: ModelLifecycle, news: dict[str, Any]) -> dict[str, Any]:
    """What the program says, checked."""
    return checked(models, news)


def checked(models: ModelLifecycle, news: dict[str, Any]) -> dict[str, Any]:
    result = models.check({}, news)
    assert result.failures == ()
    return result.inputs


def rewritten(old: str, new: str) -> dict[str, str]:
    assert old in STATEMENT
    return {"statement": STATEMENT.replace(old, new)}


def test_create_trains_labels_and_evaluates(models, bigquery, inputs):
    created = models.create(inputs)

    assert created.id == PATH
    assert {**created.outs, **inputs} == created.outs
    computed = {k: v for k, v in created.outs.items() if k not in inputs}
    assert computed == {
        "model_path": PATH,
        "model_type": "LOGISTIC_REGRESSION",
        "feature_columns": {"origin": "STRING"},
        "label_columns": {"is_late": "BOOL"},
        "evaluation_metrics": {"accuracy": 0.75, "roc_auc": 0.8},
        "training_job_id": next(iter(bigquery.jobs)),
        "training_metrics": {"iterations": 1.0, "training_loss": 0.7, "evaluation_loss": 0.8},
        "trained_at": "2026-01-01T00:01:00Z",
        "creation_time": "2026-01-01T00:01:05Z",
        "seconds": 5.0,
        "bytes_processed": 1000,
    }
    live = bigquery.models[PATH]
    assert (live.description, live.labels["team"]) == ("Late?", "data")
    assert live.labels["bqvertex_definition"] == inputs["definition_hash"][:16]


def test_create_never_replaces(models, bigquery, inputs):
    models.create(inputs)

    assert "CREATE MODEL `acme-prod`.`flights`.`arrival_delay`" in bigquery.statements[0]
    assert "FROM `acme-prod`.`flights`.`departures`" in bigquery.statements[0]


@pytest.mark.parametrize(
    ("change", "changes", "replaces"),
    [
        pytest.param({}, False, (), id="nothing"),
        pytest.param({"description": "Other"}, True, (), id="metadata"),
        pytest.param({"expiration": "2030-01-01T00:00:00Z"}, True, (), id="expiration"),
        pytest.param({"retrain_on": ["2026-02"]}, True, (), id="retrain-on"),
        pytest.param({"retrain_on": ["2026-01"]}, False, (), id="same-retrain-on"),
        pytest.param(rewritten("= 5", "= 6"), True, (), id="option"),
        pytest.param(rewritten("origin, ", ""), True, (), id="column"),
        pytest.param(rewritten("-- Will a", "/* A */ --"), False, (), id="comment"),
        pytest.param(rewritten("AS SELECT", "as\n\n  select"), False, (), id="layout"),
        pytest.param(rewritten("model_type", "MODEL_TYPE"), False, (), id="case"),
        pytest.param(rewritten("CREATE", "CREATE OR REPLACE"), False, (), id="or-replace"),
        pytest.param(
            rewritten("FROM departures", "FROM `acme-prod.flights.departures`"),
            False,
            (),
            id="whole-name",
        ),
        pytest.param(
            rewritten("'LOGISTIC_REG', input_label_cols = ['is_late'], max_iterations = 5",
                      "'LOGISTIC_REG', max_iterations = 5, input_label_cols = ['is_late']"),
            False,
            (),
            id="order-of-options",
        ),
        pytest.param({"schemas": None}, False, (), id="no-schemas"),
        pytest.param({"statement_file": "elsewhere.sql"}, False, (), id="moved-file"),
        pytest.param({"job_timeout_s": 5.0, "adopt": True}, False, (), id="silent"),
        pytest.param({"location": "US-CENTRAL1"}, False, (), id="case-of-the-location"),
        pytest.param({"location": "EU"}, True, ("location",), id="location"),
        pytest.param({"dataset_id": "other"}, True, ("dataset_id",), id="dataset"),
        pytest.param(
            {"model_id": "other", **rewritten("MODEL arrival_delay", "MODEL other")},
            True,
            ("model_id",),
            id="model",
        ),
    ],
)  # fmt: skip
def test_diff(models, inputs, news, change, changes, replaces):
    state = models.create(inputs).outs
    wanted = {k: v for k, v in {**news, **change}.items() if v is not None}

    change = models.diff(PATH, state, checked(models, wanted))

    assert (change.changes, change.replaces) == (changes, replaces)


@pytest.mark.parametrize(
    "name", ["departures", "flights.departures", "`acme-prod`.flights.departures"]
)
def test_the_columns_of_a_table_are_known_by_every_name_of_it(models, news, name):
    statement = rewritten("FROM departures", f"FROM {name}")["statement"].replace("origin", "orgin")

    (failure,) = models.check({}, {**news, "statement": statement}).failures

    assert "Unrecognized name: orgin" in failure.reason


def test_a_changed_type_upstream_retrains(models, inputs, news):
    state = models.create(inputs).outs
    other = [*SCHEMAS["departures"][:2], {"name": "distance", "type": "FLOAT64"}]

    change = models.diff(PATH, state, checked(models, {**news, "schemas": {"departures": other}}))

    assert change.changes


def test_a_column_upstream_that_is_not_read_retrains_nothing(models, inputs, news):
    state = models.create(inputs).outs
    more = [*SCHEMAS["departures"], {"name": "dest", "type": "STRING"}]

    change = models.diff(PATH, state, checked(models, {**news, "schemas": {"departures": more}}))

    assert not change.changes


def test_a_statement_that_is_unknown_at_preview_shows_as_a_change(models, inputs, news):
    state = models.create(inputs).outs

    unknown = checked(models, {**news, "statement": UNKNOWN})

    assert unknown["definition_hash"] is UNKNOWN
    assert models.diff(PATH, state, unknown).changes
    assert models.diff(PATH, state, unknown).replaces == ()


def test_a_changed_definition_is_trained_in_place(models, bigquery, inputs, news):
    state = models.create(inputs).outs
    wanted = checked(models, {**news, **rewritten("= 5", "= 6")})

    outs = models.update(PATH, state, wanted)

    assert "CREATE OR REPLACE MODEL" in bigquery.statements[-1]
    assert outs["definition_hash"] == wanted["definition_hash"]
    assert bigquery.models[PATH].labels["team"] == "data"


def test_update_of_the_metadata_trains_nothing(models, bigquery, inputs):
    state = models.create(inputs).outs
    wanted = {**inputs, "description": "Other", "labels": {}, "expiration": "2030-01-01T00:00:00Z"}

    outs = models.update(PATH, state, wanted)

    assert len(bigquery.statements) == 1
    live = bigquery.models[PATH]
    assert (live.description, live.expiration) == ("Other", "2030-01-01T00:00:00Z")
    assert "team" not in live.labels
    assert outs["evaluation_metrics"] == state["evaluation_metrics"]


def test_back_to_an_earlier_definition_trains_again(models, bigquery, inputs, news):
    first = models.create(inputs).outs
    other = checked(models, {**news, **rewritten("= 5", "= 6")})
    second = models.update(PATH, first, other)

    models.update(PATH, second, inputs)

    assert len(bigquery.statements) == 3


def test_a_retrain_on_value_that_comes_back_trains_again(models, bigquery, inputs):
    first = models.create(inputs).outs
    second = models.update(PATH, first, {**inputs, "retrain_on": ["2026-02"]})

    models.update(PATH, second, inputs)

    assert len(bigquery.statements) == 3


def test_create_never_takes_over_a_model_it_did_not_make(models, bigquery, inputs):
    bigquery.models[PATH] = LiveModel("KMEANS", "us-central1", trained_at=bigquery.tick())

    with pytest.raises(AlreadyExists, match="set adopt"):
        models.create(inputs)

    assert bigquery.statements == []


def test_another_declaration_does_not_take_over_ours(models, inputs):
    models.create(inputs)

    with pytest.raises(AlreadyExists):
        models.create({**inputs, "owner": "org/proj/prod/arrival-delay"})


def test_a_run_attaches_to_the_training_of_an_earlier_one(models, bigquery, inputs):
    bigquery.faults = [Fault("watch", Unavailable("killed"))]
    with pytest.raises(Unavailable):
        models.create(inputs)
    bigquery.running = set(bigquery.jobs)

    models.create(inputs)

    assert len(bigquery.statements) == 1


def test_a_training_that_failed_is_tried_again_with_a_new_job(models, bigquery, inputs):
    bigquery.job_errors = [JobError("invalidQuery", "Unrecognized name: x at [3:4]")]
    with pytest.raises(InvalidRequest, match=r"train model .*: Unrecognized name"):
        models.create(inputs)

    models.create(inputs)

    assert [job_id[-2:] for job_id in bigquery.jobs] == ["_1", "_2"]


def test_a_grant_that_has_not_spread_is_waited_for(models, bigquery, inputs):
    bigquery.job_errors = [NO_GRANT, NO_GRANT]

    models.create(inputs)

    assert len(bigquery.jobs) == 3


def test_a_grant_that_never_comes_names_the_account(bigquery, inputs):
    bigquery.job_errors = [NO_GRANT] * 100
    models = ModelLifecycle(
        bigquery, FakeModelRegistry(), pace=Pace(sleep=lambda _: None, grant_deadline_s=0.0)
    )

    with pytest.raises(PermissionDenied, match=ACCOUNT):
        models.create(inputs)


def test_an_interrupted_wait_cancels_the_training(models, bigquery, inputs):
    bigquery.faults = [Fault("watch", KeyboardInterrupt())]

    with pytest.raises(KeyboardInterrupt):
        models.create(inputs)

    assert bigquery.cancelled == list(bigquery.jobs)


def test_a_metric_that_is_no_number_is_left_out(models, bigquery, inputs):
    bigquery.evaluation = {"accuracy": 0.5, "roc_auc": float("nan"), "note": "x", "loss": None}

    assert models.create(inputs).outs["evaluation_metrics"] == {"accuracy": 0.5}


def test_a_remote_model_is_not_evaluated(models, bigquery, news):
    remote = {
        **news,
        "statement": "CREATE MODEL arrival_delay REMOTE WITH CONNECTION `acme-prod.us-central1.c` "
        "OPTIONS (endpoint = 'gemini-2.5-flash')",
        "schemas": {},
    }
    bigquery.faults = [Fault("rows", AssertionError("ML.EVALUATE was called"))]

    assert models.create(checked(models, remote)).outs["evaluation_metrics"] == {}


def test_read_of_an_untouched_model_shows_nothing(models, inputs):
    state = models.create(inputs).outs

    live = models.read(PATH, state)

    assert live.outs == state
    assert live.inputs == inputs


@pytest.mark.parametrize(
    ("drift", "shown"),
    [
        pytest.param({"description": "Edited"}, {"description"}, id="description"),
        pytest.param({"expiration": "2030-01-01T00:00:00Z"}, {"expiration"}, id="expiration"),
        pytest.param({"labels": {}}, {"labels", "definition_hash", "owner"}, id="labels-gone"),
        pytest.param({"trained": 1}, {"definition_hash"}, id="trained-by-someone-else"),
        pytest.param({"location": "EU"}, {"location"}, id="location"),
    ],
)
def test_read_shows_drift(models, bigquery, inputs, drift, shown):
    state = models.create(inputs).outs
    live = bigquery.models[PATH]
    if drift.pop("trained", None):
        drift = {"trained_at": live.trained_at + timedelta(hours=1)}
    bigquery.models[PATH] = replace(live, **drift)

    found = models.read(PATH, state)

    names = found.inputs.keys() | inputs.keys()
    assert {n for n in names if found.inputs.get(n) != inputs.get(n)} == shown
    assert models.diff(PATH, found.outs, inputs).changes


def test_a_model_that_someone_replaced_is_trained_again(models, bigquery, inputs):
    state = models.create(inputs).outs
    bigquery.models[PATH] = LiveModel("KMEANS", "us-central1", trained_at=bigquery.tick())
    drifted = models.read(PATH, state).outs

    models.update(PATH, drifted, inputs)

    assert len(bigquery.statements) == 2
    assert models.read(PATH, models.update(PATH, drifted, inputs)).inputs == inputs


def test_labels_that_someone_took_away_are_put_back_without_training(models, bigquery, inputs):
    state = models.create(inputs).outs
    bigquery.models[PATH] = replace(bigquery.models[PATH], labels={})
    drifted = models.read(PATH, state).outs

    models.update(PATH, drifted, inputs)

    assert len(bigquery.statements) == 1
    assert bigquery.models[PATH].labels["team"] == "data"


def test_read_of_a_missing_model_says_it_is_gone(models, inputs):
    assert models.read(PATH, inputs) is None


def test_read_that_cannot_look_is_an_error_and_not_a_deletion(models, bigquery, inputs):
    bigquery.faults = [Fault("model", Unavailable("no answer"))]

    with pytest.raises(Unavailable):
        models.read(PATH, inputs)


def test_delete_of_a_missing_model_succeeds(models, inputs):
    models.delete(PATH, inputs)


def test_delete_of_a_deployed_model_says_so(models, bigquery, inputs):
    models.create(inputs)
    bigquery.faults = [Fault("delete_model", FailedPrecondition("it is deployed"))]

    with pytest.raises(FailedPrecondition, match="deployed"):
        models.delete(PATH, inputs)


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        pytest.param({"statement": "CREATE MODEL"}, "statement_file", "Syntax error", id="syntax"),
        pytest.param({"statement": "SELECT 1"}, "statement_file", "is SELECT", id="other"),
        pytest.param(
            rewritten("origin,", "orgin,"),
            "statement_file",
            "sql/model.sql:4:20: Unrecognized name: orgin; Did you mean origin?",
            id="column",
        ),
        pytest.param(
            rewritten("FROM departures", "FROM departure"),
            "statement_file",
            "did you mean departures?",
            id="table",
        ),
        pytest.param(
            rewritten("max_iterations", "max_iteration"),
            "statement_file",
            "did you mean MAX_ITERATIONS?",
            id="option",
        ),
        pytest.param(
            rewritten("'LOGISTIC_REG'", "'LOGISTIC'"),
            "statement_file",
            "did you mean LOGISTIC_REG?",
            id="kind",
        ),
        pytest.param(
            rewritten("['is_late']", "['late']"),
            "statement_file",
            "label column 'late' is not in the query, which has is_late, origin, distance",
            id="label",
        ),
        pytest.param(
            rewritten("MODEL arrival_delay", "MODEL other"),
            "statement_file",
            "'other' and the resource 'arrival_delay'",
            id="name",
        ),
        pytest.param({"location": "mars"}, "location", "'mars' is no BigQuery location", id="loc"),
        pytest.param({"expiration": "soon"}, "expiration", "'2027-01-31T00:00:00Z'", id="moment"),
        pytest.param({"labels": {"A": "b"}}, "labels", "key 'A'", id="labels"),
        pytest.param({"job_timeout_s": -1}, "job_timeout_s", "above 0", id="timeout"),
        pytest.param({"project": None}, "project", "is required", id="missing"),
    ],
)
def test_check_names_the_input_and_what_is_allowed(models, news, change, name, words):
    wanted = {k: v for k, v in {**news, **change}.items() if v is not None}

    (failure,) = models.check({}, wanted).failures

    assert failure.property == name
    assert words in failure.reason


def test_an_unchanged_statement_is_not_analysed_again(models, inputs, news, monkeypatch):
    monkeypatch.setattr("googlesql.module.call", lambda *_: pytest.fail("ZetaSQL was asked"))

    assert models.check(inputs, news).inputs == inputs


def test_check_says_all_that_is_wrong_at_once(models, news):
    wrong = {"location": "mars", "labels": {"A": "b"}, **rewritten("origin,", "orgin,")}

    failures = models.check({}, {**news, **wrong}).failures

    assert {f.property for f in failures} == {"location", "labels", "statement_file"}
