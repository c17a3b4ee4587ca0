"""What BigQuery says before a training, and what is refused because of it."""

from typing import Any

import pytest
from bqvertex.clients.bigquery import DryRun, LiveTable
from bqvertex.clients.errors import (
    CloudError,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
)
from bqvertex.providers.attempt import Pace
from bqvertex.providers.model import ModelLifecycle
from bqvertex.specs.unknown import UNKNOWN

from tests.fakes import FakeBigQuery, Fault
from tests.fakes_vertex import FakeModelRegistry

PATH = "acme-prod.flights.late"
TABLE = "acme-prod.flights.departures"
COLUMNS = [{"name": "is_late", "type": "BOOL"}, {"name": "origin", "type": "STRING"}]
STATEMENT = (
    "CREATE MODEL late OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_late']) "
    "AS SELECT is_late, origin FROM departures"
)
NEWS = {
    "project": "acme-prod",
    "location": "US",
    "dataset_id": "flights",
    "model_id": "late",
    "statement": STATEMENT,
    "owner": "org/proj/dev/late",
}
TIB = 2**40


@pytest.fixture
def bigquery() -> FakeBigQuery:
    bigquery = FakeBigQuery()
    bigquery.tables[TABLE] = LiveTable("US", COLUMNS, TIB // 16)
    return bigquery


@pytest.fixture
def models(bigquery: FakeBigQuery) -> ModelLifecycle:
    return ModelLifecycle(bigquery, FakeModelRegistry(), pace=Pace(sleep=lambda _: None))


def failing_with(error: CloudError, reason: str = "") -> Fault:
    error.reason = reason
    return Fault("dry_run", error)


def estimates(inputs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name.startswith("estimated_")}


def test_a_preview_shows_bytes_and_price(models):
    inputs = models.check({}, NEWS).inputs

    assert estimates(inputs) == {"estimated_bytes_processed": TIB, "estimated_price_usd": 312.5}


def test_a_checked_statement_is_not_asked_about_again(models, bigquery):
    olds = models.check({}, NEWS).inputs
    bigquery.trace.clear()

    inputs = models.check(olds, {**NEWS, "description": "Other"}).inputs

    assert bigquery.trace == []
    assert estimates(inputs) == estimates(olds)


def test_a_statement_that_is_wrong_or_not_known_yet_is_not_asked_about(models, bigquery):
    models.check({}, {**NEWS, "statement": "CREATE MODEL"})
    models.check({}, {**NEWS, "statement": UNKNOWN})
    models.check({}, {**NEWS, "project": UNKNOWN})

    assert bigquery.trace == []


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("no answer"),
        Unauthenticated("no credentials"),
        NotFound("no such table"),
        PermissionDenied("not you"),
        QuotaExceeded("later"),
        InvalidRequest("unknown field"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_is_no_error_of_a_preview(models, bigquery, error):
    bigquery.faults = [failing_with(error)]

    checked = models.check({}, NEWS)

    assert checked.failures == ()
    assert estimates(checked.inputs) == {}


@pytest.mark.parametrize("error", [Unavailable("no answer"), Unauthenticated("no credentials")])
def test_nobody_is_waited_for_twice_in_a_run(models, bigquery, error):
    bigquery.faults = [failing_with(error)]
    models.check({}, NEWS)

    models.check({}, {**NEWS, "statement": STATEMENT.replace("late", "tardy"), "model_id": "tardy"})

    assert bigquery.trace == ["dry_run"]


def test_a_statement_that_bigquery_refuses_fails_the_preview(models, bigquery):
    said = "dry run CREATE MODEL: Unrecognized name: orgin at [1:90] [invalidQuery, HTTP 400]"
    bigquery.faults = [failing_with(InvalidRequest(said), "invalidQuery")]
    # Not known offline either: a table of which nobody has seen the columns.
    bigquery.tables.clear()

    (failure,) = models.check({}, NEWS).failures

    assert failure.property == "statement"
    assert said in failure.reason


def test_what_the_program_declares_counts_more_than_what_is_there(models, bigquery):
    bigquery.faults = [failing_with(InvalidRequest("Unrecognized name: origin"), "invalidQuery")]

    checked = models.check({}, {**NEWS, "schemas": {"departures": COLUMNS}})

    assert checked.failures == ()
    assert checked.inputs["result_columns"] == {"is_late": "BOOL", "origin": "STRING"}


def test_the_live_columns_of_a_table_that_nobody_declared_are_checked(models, bigquery):
    bigquery.tables[TABLE] = LiveTable("US", [COLUMNS[0], {"name": "orgn", "type": "STRING"}], 10)

    (failure,) = models.check({}, NEWS).failures

    assert failure.property == "statement"
    assert "Unrecognized name: origin; Did you mean orgn?" in failure.reason
    assert "give their columns in `schemas`" in failure.reason


def test_the_live_columns_tell_the_type_of_the_result(models):
    inputs = models.check({}, NEWS).inputs

    assert inputs["result_columns"] == {"is_late": "BOOL", "origin": "STRING"}
    assert "schemas" not in inputs


def test_tables_that_are_not_there_yet_are_nobodys_fault(models, bigquery):
    bigquery.tables.clear()

    checked = models.check({}, NEWS)

    assert checked.failures == ()
    assert "result_columns" not in checked.inputs


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (
            {"max_price_usd": 300.0},
            "allows 300 USD, and the training is estimated at 312 USD: read less",
        ),
        ({"max_bytes_billed": 1000}, "allows 1,000 bytes, and the training is estimated at 1,099,"),
        ({"max_price_usd": -1}, "give US dollars, 0 or more"),
        ({"max_bytes_billed": 0}, "give a whole number of bytes, 1 or more"),
        ({"max_bytes_billed": 1.5}, "give a whole number of bytes, 1 or more"),
    ],
)
def test_a_limit_that_is_exceeded_or_none_fails_the_preview(models, limit, words):
    (failure,) = models.check({}, {**NEWS, **limit}).failures

    assert failure.property == next(iter(limit))
    assert words in failure.reason


def test_a_limit_above_the_estimate_passes(models):
    checked = models.check({}, {**NEWS, "max_price_usd": 312.5, "max_bytes_billed": float(TIB)})

    assert checked.failures == ()


def test_a_new_limit_of_a_checked_statement_is_held_against_the_estimate(models):
    olds = models.check({}, NEWS).inputs

    (failure,) = models.check(olds, {**NEWS, "max_price_usd": 1}).failures

    assert failure.property == "max_price_usd"


def test_a_price_limit_is_held_right_before_the_training(models, bigquery):
    inputs = models.check({}, {**NEWS, "max_price_usd": 400.0}).inputs
    bigquery.tables[TABLE] = LiveTable("US", COLUMNS, TIB // 8)

    with pytest.raises(FailedPrecondition, match=r"max_price_usd allows 400 USD.*nothing was"):
        models.create(inputs)

    assert bigquery.statements == []


def test_a_price_limit_needs_an_answer(models, bigquery):
    inputs = models.check({}, {**NEWS, "max_price_usd": 400.0}).inputs
    bigquery.faults = [failing_with(Unavailable("no answer"))]

    with pytest.raises(Unavailable):
        models.create(inputs)

    assert bigquery.statements == []


def test_a_price_limit_that_cannot_be_reckoned_is_an_error(models, bigquery):
    bigquery.tables[TABLE] = LiveTable("northamerica-south1", COLUMNS, 10)
    elsewhere = {**NEWS, "location": "northamerica-south1", "max_price_usd": 400.0}

    checked = models.check({}, elsewhere)

    (failure,) = checked.failures
    assert failure.property == "max_price_usd"
    assert "is not known here; leave it out, and set max_bytes_billed" in failure.reason
    inputs = checked.inputs
    with pytest.raises(FailedPrecondition, match="max_price_usd cannot be held, since the price"):
        models.create(inputs)


def test_a_kind_of_which_bigquery_promises_no_bytes_has_no_estimate(models, bigquery, monkeypatch):
    boosted = {**NEWS, "statement": STATEMENT.replace("LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER")}
    monkeypatch.setattr(bigquery, "dry_run", lambda *_, **__: DryRun(0, "CREATE_MODEL"))

    inputs = models.check({}, {**boosted, "max_price_usd": 1.0}).inputs

    assert estimates(inputs) == {}
    with pytest.raises(FailedPrecondition, match="BigQuery estimates no bytes for MODEL_TYPE BOOS"):
        models.create(inputs)


def test_an_attached_training_is_not_held_back_by_a_limit(models, bigquery):
    inputs = models.check({}, {**NEWS, "max_price_usd": 400.0}).inputs
    bigquery.faults = [Fault("watch", Unavailable("killed"))]
    with pytest.raises(Unavailable):
        models.create(inputs)
    bigquery.tables[TABLE] = LiveTable("US", COLUMNS, TIB)

    models.create(inputs)

    assert len(bigquery.statements) == 1


def test_the_limit_of_bytes_goes_into_the_job(models, bigquery):
    inputs = models.check({}, NEWS).inputs

    with pytest.raises(CloudError, match="exceeded limit for bytes billed: 999"):
        models.create({**inputs, "max_bytes_billed": 999.0})

    assert bigquery.models == {}


def test_a_model_that_reads_nothing_is_not_asked_about(models, bigquery):
    remote = (
        "CREATE MODEL late REMOTE WITH CONNECTION `acme-prod.us.c` "
        "OPTIONS (endpoint = 'gemini-2.5-flash')"
    )

    inputs = models.check({}, {**NEWS, "statement": remote}).inputs

    assert estimates(inputs) == {"estimated_bytes_processed": 0, "estimated_price_usd": 0.0}
    assert bigquery.trace == []
