import pytest
from bqvertex.specs.evaluation_gate import (
    evaluate_statement,
    failures,
    shape_problems,
    statement_problems,
)
from bqvertex.specs.model_statement import read_model_statement
from bqvertex.specs.unknown import UNKNOWN
from hypothesis import given
from hypothesis import strategies as st

LOGISTIC = "CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG') AS SELECT 1 AS label, 2 AS x"
ARIMA = (
    "CREATE MODEL m OPTIONS (model_type = 'ARIMA_PLUS', time_series_timestamp_col = 't', "
    "time_series_data_col = 'v') AS SELECT t, v FROM series"
)
REMOTE = "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS (endpoint = 'gemini-2.5-flash')"


@pytest.mark.parametrize(
    ("gate", "candidate", "serving", "sentences"),
    [
        ({}, {"roc_auc": 0.1}, None, []),
        ({"roc_auc": {"min": 0.75}}, {"roc_auc": 0.75}, None, []),
        (
            {"roc_auc": {"min": 0.75}},
            {"roc_auc": 0.71},
            None,
            ["roc_auc is 0.71, at least 0.75 asked"],
        ),
        (
            {"roc_auc": {"min": 0.75}},
            {"roc_auc": 0.74999999},
            None,
            ["roc_auc is 0.74999999, at least 0.75 asked"],
        ),
        ({"log_loss": {"max": 0.4}}, {"log_loss": 0.4}, None, []),
        (
            {"log_loss": {"max": 0.4}},
            {"log_loss": 0.5},
            None,
            ["log_loss is 0.5, at most 0.4 asked"],
        ),
        ({"roc_auc": {"min_change": 0.1}}, {"roc_auc": 0.1}, None, []),
        ({"roc_auc": {"min_change": -0.01}}, {"roc_auc": 0.79}, {"roc_auc": 0.8}, []),
        (
            {"roc_auc": {"min_change": -0.01}},
            {"roc_auc": 0.77},
            {"roc_auc": 0.8},
            ["roc_auc fell by 0.03 below the serving model's 0.8, at most 0.01 allowed"],
        ),
        (
            {"log_loss": {"max_change": 0.01}},
            {"log_loss": 0.45},
            {"log_loss": 0.4},
            ["log_loss rose by 0.05 over the serving model's 0.4, at most 0.01 allowed"],
        ),
        (
            {"roc_auc": {"min_change": 0.02}},
            {"roc_auc": 0.81},
            {"roc_auc": 0.8},
            ["roc_auc rose by 0.01 over the serving model's 0.8, a rise of at least 0.02 asked"],
        ),
        (
            {"log_loss": {"max_change": -0.1}},
            {"log_loss": 0.45},
            {"log_loss": 0.4},
            ["log_loss rose by 0.05 over the serving model's 0.4, a fall of at least 0.1 asked"],
        ),
        (
            {"roc_auc": {"min_change": 0}},
            {"roc_auc": 0.7},
            {"roc_auc": 0.8},
            ["roc_auc fell by 0.1 below the serving model's 0.8, no fall allowed"],
        ),
        (
            {"roc_auc": {"min": 0.9, "min_change": 0}, "accuracy": {"min": 0.9}},
            {"roc_auc": 0.7, "accuracy": 0.8},
            {"roc_auc": 0.8},
            [
                "roc_auc is 0.7, at least 0.9 asked",
                "roc_auc fell by 0.1 below the serving model's 0.8, no fall allowed",
                "accuracy is 0.8, at least 0.9 asked",
            ],
        ),
        (
            {"roc_auc": {"min": 0.9}},
            {"accuracy": 0.8},
            None,
            ["roc_auc has no finite value (metrics that have one: accuracy)"],
        ),
        (
            {"roc_auc": {"min_change": 0}},
            {"roc_auc": 0.8},
            {},
            ["roc_auc of the serving model has no finite value, so that no change can be told"],
        ),
    ],
)
def test_a_gate_says_which_limits_are_missed(gate, candidate, serving, sentences):
    assert failures(gate, candidate, serving) == sentences


metrics = st.floats(min_value=-1e6, max_value=1e6)


@given(metrics, metrics)
def test_a_limit_is_missed_exactly_when_it_is_exceeded(value, limit):
    assert bool(failures({"m": {"min": limit}}, {"m": value}, None)) == (value < limit)
    assert bool(failures({"m": {"max": limit}}, {"m": value}, None)) == (value > limit)


@given(metrics, metrics)
def test_a_model_that_changes_nothing_is_no_fall_and_no_rise(value, other):
    gate = {"m": {"min_change": 0.0, "max_change": 0.0}}

    assert not failures(gate, {"m": value}, {"m": value})
    assert bool(failures(gate, {"m": value}, {"m": other})) == (value != other)


@pytest.mark.parametrize(
    ("inputs", "name", "words"),
    [
        ({"evaluation": 0.7}, "evaluation", "is 0.7 (float): give limits by metric"),
        ({"evaluation": {"roc_auc": 0.7}}, "evaluation", "has 0.7 for roc_auc: give limits"),
        ({"evaluation": {"roc_auc": {}}}, "evaluation", "has {} for roc_auc"),
        (
            {"evaluation": {"roc_auc": {"least": 0.7}}},
            "evaluation",
            "has 'least' for roc_auc: allowed are min, max, min_change, max_change",
        ),
        (
            {"evaluation": {"roc_auc": {"min": "0.7"}}},
            "evaluation",
            "has '0.7' as min of roc_auc: give a finite number",
        ),
        (
            {"evaluation": {"roc_auc": {"min": float("nan")}}},
            "evaluation",
            "has nan as min of roc_auc",
        ),
        (
            {"evaluation": {"roc_auc": {"min": 0.9, "max": 0.8}}},
            "evaluation",
            "has min 0.9 above max 0.8 for roc_auc: nothing passes that",
        ),
        ({"evaluation_query": 5}, "evaluation_query", "is 5 (int): give text"),
    ],
)
def test_the_form_of_a_gate_is_checked(inputs, name, words):
    ((found, reason),) = shape_problems(inputs)

    assert found == name
    assert words in reason


@pytest.mark.parametrize(
    ("statement", "inputs", "name", "words"),
    [
        (
            LOGISTIC,
            {"evaluation": {"roc": {"min": 0.7}}},
            "evaluation",
            "'roc', which ML.EVALUATE does not answer for MODEL_TYPE LOGISTIC_REG",
        ),
        (
            LOGISTIC,
            {"evaluation": {"roc_acu": {"min": 0.7}}},
            "evaluation",
            "did you mean roc_auc?",
        ),
        (REMOTE, {"evaluation": {"roc_auc": {"min": 0.7}}}, "evaluation", "has no ML.EVALUATE"),
        (REMOTE, {"evaluation_query": "SELECT 1"}, "evaluation_query", "has no ML.EVALUATE"),
        (
            ARIMA,
            {"evaluation": {"mean_absolute_error": {"max": 1}}},
            "evaluation",
            "is evaluated on rows that it is given: give evaluation_query",
        ),
        (
            LOGISTIC.replace("'LOGISTIC_REG'", "'LOGISTIC_REG', warm_start = TRUE"),
            {"evaluation": {"roc_auc": {"min": 0.7}}},
            "evaluation",
            "does not go with WARM_START = TRUE",
        ),
        (LOGISTIC, {"evaluation_query": "SELECT FROM"}, "evaluation_query", "1:8: Syntax error"),
        (LOGISTIC, {"evaluation_query": "DROP MODEL m"}, "evaluation_query", "is DROP_MODEL"),
    ],
)
def test_a_gate_has_to_fit_its_model(statement, inputs, name, words):
    ((found, reason),) = statement_problems(inputs, read_model_statement(statement, ""))

    assert found == name
    assert words in reason


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"evaluation": None},
        {"evaluation": UNKNOWN},
        {"evaluation": {"roc_auc": {"min": UNKNOWN}}},
        {"evaluation": {"roc_auc": {"min": 0.75, "min_change": -0.01}}, "evaluation_query": ""},
        {"evaluation_query": "SELECT label, x FROM later"},
    ],
)
def test_a_gate_that_is_right_or_not_known_yet_passes(inputs):
    assert not [*shape_problems(inputs)]
    if inputs.get("evaluation") is None:
        assert not [*statement_problems(inputs, read_model_statement(LOGISTIC, ""))]


@pytest.mark.parametrize(
    ("statement", "query", "sql"),
    [
        (LOGISTIC, "", "SELECT * FROM ML.EVALUATE(MODEL `p.d.m`)"),
        (
            LOGISTIC,
            "SELECT * FROM later; -- all of it",
            "SELECT * FROM ML.EVALUATE(MODEL `p.d.m`, (\nSELECT * FROM `p`.`d`.`later`\n))",
        ),
        (
            ARIMA,
            "SELECT t, v FROM e.later -- é",
            "SELECT * FROM ML.EVALUATE(MODEL `p.d.m`, (\nSELECT t, v FROM `p`.`e`.`later`\n))",
        ),
        (ARIMA, "", None),
        (REMOTE, "", None),
    ],
)
def test_models_are_evaluated_on_given_rows_or_on_those_held_back(statement, query, sql):
    kind = read_model_statement(statement, "").kind

    assert evaluate_statement(kind, "p.d.m", "p", "d", query) == sql
