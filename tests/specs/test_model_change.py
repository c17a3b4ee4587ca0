from typing import Any

import pytest
from bqvertex.specs.model import SILENT, changed, derived
from bqvertex.specs.model_change import reason
from bqvertex.specs.unknown import UNKNOWN

STATEMENT = """\
CREATE MODEL arrival_delay
TRANSFORM (is_late, origin, ML.BUCKETIZE(distance, [500, 1000]) AS bucket)
OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_late'], l2_reg = 0.1)
AS SELECT is_late, origin, distance FROM departures
"""
COLUMNS = [
    {"name": "is_late", "type": "BOOL"},
    {"name": "origin", "type": "STRING"},
    {"name": "distance", "type": "INT64"},
]
INPUTS = {
    "project": "acme-prod",
    "location": "US",
    "dataset_id": "flights",
    "model_id": "arrival_delay",
    "statement": STATEMENT,
    "schemas": {"departures": COLUMNS},
    "retrain_on": ["2026-01", 1.0],
}
REMOTE = (
    "CREATE MODEL m INPUT (x INT64) OUTPUT (y FLOAT64) REMOTE WITH CONNECTION `acme-prod.us.a` "
    "OPTIONS (endpoint = 'https://one')"
)
HOLIDAYS = (
    "CREATE MODEL m OPTIONS (model_type = 'ARIMA_PLUS', time_series_timestamp_col = 't', "
    "time_series_data_col = 'v', holiday_region = 'US') AS (training_data AS (SELECT t, v FROM s), "
    "custom_holiday AS (SELECT * FROM days))"
)
IN_PLACE = "trains anew in place, the old model serves until then"
CANDIDATE = "trains a candidate, the old model serves until that passes its evaluation"
UNTRAINED = "is made again in place, nothing is trained"


def said(olds: dict[str, Any], change: dict[str, Any]) -> str:
    before = {**olds, **derived({}, olds)}
    after = {**olds, **change}
    news = {**after, **derived(before, after)}
    names = changed(before, news)
    assert names - SILENT
    return reason(before, news, names)


def rewritten(old: str, new: str, statement: str = STATEMENT) -> dict[str, str]:
    assert old in statement
    return {"statement": statement.replace(old, new)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (rewritten("l2_reg = 0.1", "l2_reg = 0.2"), f"{IN_PLACE}: option L2_REG 0.1 -> 0.2"),
        (
            rewritten("l2_reg = 0.1", "l1_reg = 0.1"),
            f"{IN_PLACE}: option L1_REG 0.1 added, option L2_REG 0.1 taken away",
        ),
        (
            rewritten("'LOGISTIC_REG'", "'BOOSTED_TREE_CLASSIFIER'"),
            f"{IN_PLACE}: option MODEL_TYPE 'LOGISTIC_REG' -> 'BOOSTED_TREE_CLASSIFIER'",
        ),
        (
            rewritten("l2_reg = 0.1", "l2_reg = HPARAM_RANGE(0, 1), num_trials = 5"),
            f"{IN_PLACE}: option L2_REG 0.1 -> HPARAM_RANGE(0, 1), option NUM_TRIALS 5 added",
        ),
        (rewritten("[500, 1000]", "[500]"), f"{IN_PLACE}: TRANSFORM changed"),
        (rewritten("AS bucket", "AS binned"), f"{IN_PLACE}: TRANSFORM changed"),
        (rewritten("FROM departures", "FROM departures WHERE TRUE"), f"{IN_PLACE}: SELECT changed"),
        (
            rewritten("distance FROM", "distance, 1 AS one FROM"),
            f"{IN_PLACE}: SELECT changed, column one INT64 added",
        ),
        (
            {"schemas": {"departures": [*COLUMNS[:2], {"name": "distance", "type": "FLOAT64"}]}},
            f"{IN_PLACE}: column distance INT64 -> FLOAT64",
        ),
        ({"retrain_on": ["2026-02", 1.0]}, f'{IN_PLACE}: retrain_on "2026-01" -> "2026-02"'),
        ({"retrain_on": []}, f'{IN_PLACE}: retrain_on ["2026-01", 1.0] -> []'),
        ({"retrain_on": [UNKNOWN, 1.0]}, f"{IN_PLACE}: retrain_on is not known before `up`"),
        ({"statement": UNKNOWN}, f"{IN_PLACE}: the statement is not known before `up`"),
        (
            {**rewritten("0.1", "0.2"), "evaluation": {"roc_auc": {"min": 0.7}}},
            f"{CANDIDATE}: option L2_REG 0.1 -> 0.2",
        ),
        (
            {**rewritten("0.1", "0.2"), "retrain_on": ["2026-02", 1.0], "description": "New"},
            f'{IN_PLACE}: option L2_REG 0.1 -> 0.2, retrain_on "2026-01" -> "2026-02"',
        ),
        (
            {"description": "New", "labels": {"team": "data"}},
            "changes metadata only, trains nothing: description, labels",
        ),
        (
            {"dataset_id": "other"},
            'replaces the model, a new one is trained: dataset_id "flights" -> "other"',
        ),
        (
            {"location": UNKNOWN},
            "replaces the model, a new one is trained: location is not known before `up`",
        ),
        (
            {"project": "acme-dev", **rewritten("0.1", "0.2")},
            'replaces the model, a new one is trained: project "acme-prod" -> "acme-dev"',
        ),
    ],
)
def test_a_change_is_told_in_the_words_of_cost(change, sentence):
    assert said(INPUTS, change) == sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            rewritten("'https://one'", "'https://two'", REMOTE),
            f"{UNTRAINED}: option ENDPOINT 'https://one' -> 'https://two'",
        ),
        (
            rewritten("us.a`", "us.b`", REMOTE),
            f"{UNTRAINED}: connection acme-prod.us.a -> acme-prod.us.b",
        ),
        (
            rewritten("`acme-prod.us.a`", "DEFAULT", REMOTE),
            f"{UNTRAINED}: connection acme-prod.us.a -> DEFAULT",
        ),
        (
            rewritten("x INT64", "x FLOAT64", REMOTE),
            f"{UNTRAINED}: INPUT column x INT64 -> FLOAT64",
        ),
        (
            rewritten("y FLOAT64", "y FLOAT64, z STRING", REMOTE),
            f"{UNTRAINED}: OUTPUT column z STRING added",
        ),
        (
            {"model_id": "n", "statement": REMOTE.replace("MODEL m", "MODEL n")},
            'replaces the model, nothing is trained: model_id "m" -> "n"',
        ),
    ],
)
def test_a_kind_that_is_not_trained_is_made_again(change, sentence):
    assert said({**INPUTS, "model_id": "m", "statement": REMOTE, "schemas": {}}, change) == sentence


def test_custom_holidays_are_a_part_of_their_own():
    olds = {**INPUTS, "model_id": "m", "statement": HOLIDAYS, "schemas": {}}

    change = rewritten("FROM days", "FROM other_days", HOLIDAYS)

    assert said(olds, change) == f"{IN_PLACE}: custom_holiday changed"


def test_a_model_that_someone_else_made_is_named():
    olds = {**INPUTS, **derived({}, INPUTS)}
    drifted = {**olds, "definition_hash": "another one: label bqvertex_definition is None"}

    sentence = reason(drifted, olds, changed(drifted, olds))

    assert sentence == (
        f"{IN_PLACE}: the live model is another one: label bqvertex_definition is None"
    )


def test_a_long_value_is_cut():
    sentence = said(INPUTS, {"retrain_on": ["x" * 500, 1.0]})

    assert len(sentence) < 160
    assert sentence.endswith("…")
