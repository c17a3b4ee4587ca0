"""Which options go together."""

import pytest
from bqvertex.specs.model_kind import kinds
from bqvertex.specs.model_option_rule import OptionProblem, Rule, Stated
from bqvertex.specs.statement import read_statement

KNOWN = kinds()["LINEAR_REG"].options


def stated(options: str, clauses: str = "AS SELECT 1 AS label") -> Stated:
    listed = f"OPTIONS ({options}) " if options else ""
    parts = read_statement(f"CREATE MODEL m {listed}{clauses}").create_model
    assert parts is not None
    return Stated.of(parts, KNOWN)


@pytest.mark.parametrize(
    ("options", "name", "wanted", "met"),
    [
        ("l1_reg = 0", "L1_REG", "given", True),
        ("l1_reg = NULL", "L1_REG", "given", False),
        ("", "L1_REG", "absent", True),
        ("l1_reg = HPARAM_RANGE(0, 1)", "L1_REG", "tuned", True),
        ("l1_reg = 0", "L1_REG", "tuned", False),
        ("l1_reg = 0.0", "L1_REG", [0], True),
        ("", "L1_REG", [0], True),
        ("", "NUM_TRIALS", [0], False),
        ("l1_reg = HPARAM_RANGE(0, 1)", "L1_REG", [0], True),
        ("l1_reg = HPARAM_RANGE(0.5, 1)", "L1_REG", [0], False),
        ("l1_reg = HPARAM_RANGE(@a, 1)", "L1_REG", [0], True),
        ("l1_reg = HPARAM_CANDIDATES([0, 1])", "L1_REG", [1], True),
        ("l1_reg = ABS(@x)", "L1_REG", [0], None),
        ("early_stop = TRUE", "EARLY_STOP", [True], True),
        ("early_stop = 1", "EARLY_STOP", [True], False),
        ("", "EARLY_STOP", [True], True),
        ("data_split_method = 'seq'", "DATA_SPLIT_METHOD", ["CUSTOM", "SEQ"], True),
        ("endpoint = 'https://a/b'", "ENDPOINT", "~https://.*", True),
        ("endpoint = 'a'", "ENDPOINT", "~https://.*", False),
        ("", "ENDPOINT", "~.*", False),
        ("orders = (1, 2, 3)", "ORDERS[1]", [2], True),
        ("orders = (1, 2, 3)", "ORDERS[3]", "given", False),
        ("orders = STRUCT(1 AS a, 2 AS b)", "ORDERS[1]", [2], True),
        ("", "[query]", "given", True),
        ("", "[transform]", "absent", True),
    ],
)
def test_a_condition_is_met_by_what_is_in_effect(
    options: str, name: str, wanted: object, met: bool | None
) -> None:
    assert stated(options).is_met(name, wanted) is met


def test_a_rule_that_hangs_on_what_is_no_constant_is_left_to_bigquery() -> None:
    rule = Rule.from_data({"when": {"L1_REG": [0]}, "needs": {"NUM_TRIALS": "given"}})

    assert list(rule.problems(stated("l1_reg = ABS(@x)"))) == []


@pytest.mark.parametrize(
    ("data", "options", "place", "reason"),
    [
        (
            {"when": {"L1_REG": "given"}, "needs": {"WARM_START": [True]}, "because": "so"},
            "l1_reg = 1",
            "option L1_REG",
            "L1_REG needs WARM_START = TRUE, and has WARM_START = FALSE (the default): so",
        ),
        (
            {"when": {"L1_REG": [1]}, "refuses": {"L2_REG": "given"}},
            "l1_reg = 1, l2_reg = 2",
            "option L1_REG",
            "L1_REG = 1 excludes L2_REG",
        ),
        (
            {"one_of": ["L1_REG", "L2_REG"]},
            "",
            "options",
            "one of L1_REG, L2_REG is needed",
        ),
        (
            {"one_of": ["L1_REG", "L2_REG"]},
            "l2_reg = 1, l1_reg = 1",
            "option L2_REG",
            "L2_REG and L1_REG exclude each other: one of L1_REG, L2_REG",
        ),
        (
            {"ascending": ["L1_REG", "L2_REG"]},
            "l1_reg = 1, l2_reg = 1",
            "option L1_REG",
            "L1_REG must be less than L2_REG, not L1_REG = 1 with L2_REG = 1",
        ),
        (
            {"ascending": ["L1_REG", "L2_REG"], "or_equal": True},
            "l1_reg = 1.5, l2_reg = 1",
            "option L1_REG",
            "L1_REG must be at most L2_REG, not L1_REG = 1.5 with L2_REG = 1",
        ),
        (
            {"when": {"EARLY_STOP": [True]}, "at_most": {"L1_REG": 3}},
            "l1_reg = 4",
            "option L1_REG",
            "L1_REG is at most 3 with EARLY_STOP = TRUE (the default), not 4",
        ),
        (
            {"when": {"L1_REG": "absent"}, "max_items": {"COLS": 1}},
            "cols = ['a', 'b']",
            "option COLS",
            "COLS takes at most 1 elements with no L1_REG, not 2",
        ),
    ],
)
def test_a_broken_rule_says_what_goes_together(
    data: dict[str, object], options: str, place: str, reason: str
) -> None:
    assert list(Rule.from_data(data).problems(stated(options))) == [OptionProblem(place, reason)]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ({"when": {"L1_REG": "given"}, "needs": {"WARM_START": [True]}}, ""),
        (
            {"when": {"L1_REG": "given"}, "needs": {"WARM_START": [True]}},
            "l1_reg=1, warm_start=TRUE",
        ),
        ({"one_of": ["L1_REG", "L2_REG"]}, "l1_reg = 1"),
        ({"ascending": ["L1_REG", "L2_REG"]}, "l1_reg = 1, l2_reg = 2"),
        ({"ascending": ["L1_REG", "L2_REG"]}, "l1_reg = 1"),
        ({"ascending": ["L1_REG", "L2_REG"], "or_equal": True}, "l1_reg = 1, l2_reg = 1"),
        ({"at_most": {"L1_REG": 3}}, "l1_reg = 3"),
    ],
)
def test_a_rule_that_is_kept_says_nothing(data: dict[str, object], options: str) -> None:
    assert list(Rule.from_data(data).problems(stated(options))) == []
