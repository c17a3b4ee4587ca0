"""Models that are there already: made by hand, by another declaration, or by a broken run."""

from dataclasses import replace
from typing import Any

import pytest
from bqvertex.clients.bigquery import JobError, LiveModel
from bqvertex.clients.errors import AlreadyExists, FailedPrecondition, InvalidRequest, Unavailable
from bqvertex.providers.attempt import Pace
from bqvertex.providers.model import ModelLifecycle

from tests.fakes import FakeBigQuery, Fault
from tests.fakes_vertex import FakeModelRegistry

PATH = "acme-prod.flights.late"
STATEMENT = (
    "CREATE MODEL late OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_late'], "
    "max_iterations = 5) AS SELECT is_late, origin FROM departures"
)
COLUMNS = [{"name": "is_late", "type": "BOOL"}, {"name": "origin", "type": "STRING"}]
INPUTS = {
    "project": "acme-prod",
    "location": "US",
    "dataset_id": "flights",
    "model_id": "late",
    "statement": STATEMENT,
    "schemas": {"departures": COLUMNS},
    "owner": "org/proj/dev/late",
}
OTHER = {"statement": STATEMENT.replace("= 5", "= 6")}


@pytest.fixture
def bigquery() -> FakeBigQuery:
    return FakeBigQuery()


@pytest.fixture
def models(bigquery: FakeBigQuery) -> ModelLifecycle:
    return ModelLifecycle(bigquery, FakeModelRegistry(), pace=Pace(sleep=lambda _: None))


def checked(models: ModelLifecycle, **change: Any) -> dict[str, Any]:
    result = models.check({}, {**INPUTS, **change})
    assert result.failures == ()
    return result.inputs


def made_by_hand(bigquery: FakeBigQuery, **change: Any) -> None:
    live = LiveModel(
        model_type="LOGISTIC_REGRESSION",
        location="US",
        labels={"team": "data"},
        trained_at=bigquery.tick(),
        feature_columns={"origin": "STRING"},
        label_columns={"is_late": "BOOL"},
        training_runs=[{"trainingOptions": {"maxIterations": "5"}}],
    )
    bigquery.models[PATH] = replace(live, **change)


def test_a_model_that_agrees_is_adopted(models, bigquery):
    made_by_hand(bigquery)

    outs = models.create(checked(models, adopt=True)).outs

    assert bigquery.statements == []
    assert bigquery.models[PATH].labels.keys() == {"bqvertex_definition", "bqvertex_owner"}
    assert outs["training_job_id"] == ""
    assert not models.diff(PATH, outs, checked(models)).changes
    assert models.read(PATH, outs).outs == outs


def test_a_model_that_differs_is_not_adopted_and_each_difference_is_said(models, bigquery):
    made_by_hand(
        bigquery,
        training_runs=[{"trainingOptions": {"maxIterations": "50"}}],
        feature_columns={"dest": "STRING"},
    )

    with pytest.raises(FailedPrecondition) as caught:
        models.create(checked(models, adopt=True))

    assert str(caught.value) == (
        f"adopt model {PATH}: it was not made of the statement declared here: MAX_ITERATIONS is 50 "
        "there and 5 here; it takes the column dest there and the query has none here; the query "
        "has the column origin here and the model takes none there; declare the statement that it "
        "was made of, or set adopt_as_is to take it over as it is"
    )
    assert bigquery.models[PATH].labels == {"team": "data"}


def test_the_label_of_a_definition_is_believed_before_anything_else(models, bigquery):
    models.create(checked(models))
    bigquery.models[PATH] = replace(bigquery.models[PATH], training_runs=[], feature_columns={})

    models.create(checked(models, adopt=True, owner="org/proj/prod/late"))
    with pytest.raises(FailedPrecondition, match="its label bqvertex_definition is"):
        models.create(checked(models, adopt=True, **OTHER))

    assert len(bigquery.statements) == 1


def test_a_model_taken_over_as_it_is_is_trained_by_the_next_change(models, bigquery):
    made_by_hand(bigquery, model_type="KMEANS")
    state = models.create(checked(models, adopt_as_is=True)).outs

    wanted = checked(models, adopt_as_is=True, **OTHER)
    models.update(PATH, state, wanted)

    assert [sql[:23] for sql in bigquery.statements] == ["CREATE OR REPLACE MODEL"]


def test_a_model_of_another_declaration_is_not_taken_over_unasked(models, bigquery):
    made_by_hand(bigquery)

    with pytest.raises(AlreadyExists, match="set adopt to take it over without training it"):
        models.create(checked(models))


@pytest.mark.parametrize("broken_at", ["watch", "patch_model"])
def test_a_statement_that_changes_after_a_crash_trains_its_own_model(models, bigquery, broken_at):
    bigquery.faults = [Fault(broken_at, Unavailable("killed"))]
    with pytest.raises(Unavailable):
        models.create(checked(models))
    assert bigquery.models[PATH].labels == {}

    outs = models.create(checked(models, **OTHER)).outs

    assert [sql.split(" MODEL")[0] for sql in bigquery.statements] == [
        "CREATE",
        "CREATE OR REPLACE",
    ]
    assert outs["definition_hash"] == checked(models, **OTHER)["definition_hash"]
    assert outs["training_job_id"] == list(bigquery.jobs)[1]


def test_a_training_of_an_older_statement_that_still_runs_is_stopped(models, bigquery):
    bigquery.faults = [Fault("watch", Unavailable("killed"))]
    with pytest.raises(Unavailable):
        models.create(checked(models))
    first = next(iter(bigquery.jobs))
    bigquery.running = {first}

    models.create(checked(models, **OTHER))

    assert bigquery.cancelled == [first]
    assert len(bigquery.statements) == 2


def test_a_failed_training_and_then_another_statement_is_a_new_job(models, bigquery):
    bigquery.job_errors = [JobError("invalidQuery", "no such column")]
    with pytest.raises(InvalidRequest):
        models.create(checked(models))

    outs = models.create(checked(models, **OTHER)).outs

    assert outs["training_job_id"] == list(bigquery.jobs)[1]
