"""Search spaces of hyperparameters."""

import pytest
from bqvertex.specs.model_kind import kind_of, option_problems
from bqvertex.specs.statement import read_statement


def reasons(model_type: str, options: str) -> list[str]:
    sql = f"CREATE MODEL m OPTIONS (model_type = '{model_type}', {options}) AS SELECT 1 AS label"
    parts = read_statement(sql).create_model
    assert parts is not None
    return [problem.reason for problem in option_problems(kind_of(parts), parts)]


TREES = "BOOSTED_TREE_REGRESSOR"
NETWORK = "DNN_REGRESSOR"


@pytest.mark.parametrize(
    ("model_type", "options"),
    [
        (TREES, "learn_rate = HPARAM_RANGE(0, 0.5)"),
        (TREES, "learn_rate = hparam_range(1, 2)"),
        (TREES, "max_tree_depth = HPARAM_RANGE(0, 4)"),
        (TREES, "tree_method = HPARAM_CANDIDATES(['approx', 'HIST'])"),
        (TREES, "dropout = HPARAM_RANGE(0, 0.6), booster_type = HPARAM_CANDIDATES(['DART'])"),
        (TREES, "dropout = HPARAM_RANGE(0, 0.6), booster_type = 'DART'"),
        (TREES, "hparam_tuning_algorithm = 'GRID_SEARCH', max_tree_depth = HPARAM_RANGE(1, 4)"),
        (TREES, "learn_rate = HPARAM_CANDIDATES([0.1]), hparam_tuning_algorithm = 'GRID_SEARCH'"),
        (TREES, "learn_rate = HPARAM_RANGE(@low, @high)"),
        (TREES, "learn_rate = HPARAM_CANDIDATES(@all)"),
        (NETWORK, "hidden_units = HPARAM_CANDIDATES([STRUCT([8]), STRUCT([8, 16])])"),
        (NETWORK, "batch_size = HPARAM_CANDIDATES([32, 64])"),
        ("KMEANS", "num_clusters = HPARAM_RANGE(2, 100)"),
        ("MATRIX_FACTORIZATION", "feedback_type = 'IMPLICIT', wals_alpha = HPARAM_RANGE(0, 100)"),
        ("LINEAR_REG", "l1_reg = HPARAM_RANGE(0, 5), l2_reg = 0.1"),
    ],
)
def test_a_search_space_that_google_documents_is_taken(model_type: str, options: str) -> None:
    assert reasons(model_type, f"num_trials = 4, {options}") == []


@pytest.mark.parametrize(
    ("model_type", "options", "words"),
    [
        (TREES, "learn_rate = HPARAM_RANGE(0)", "takes two numbers"),
        (TREES, "learn_rate = HPARAM_RANGE(0, 'a')", "takes two numbers"),
        (TREES, "learn_rate = HPARAM_RANGE(0.5, 0.5)", "takes the smaller number first"),
        (TREES, "learn_rate = HPARAM_RANGE(-1, 0.5)", "tuned within 0 or more, not -1"),
        (TREES, "learn_rate = HPARAM_CANDIDATES([])", "one array of one value or more"),
        (TREES, "learn_rate = HPARAM_CANDIDATES(0.1, 0.2)", "one array of one value or more"),
        (TREES, "max_tree_depth = HPARAM_CANDIDATES([1.5])", "tuned over INT64 values, not 1.5"),
        (TREES, "tree_method = HPARAM_RANGE(1, 2)", "TREE_METHOD takes HPARAM_CANDIDATES"),
        (TREES, "tree_method = HPARAM_CANDIDATES(['HITS'])", "did you mean HIST?"),
        (TREES, "learn_rate = HPARAM_RANGES(0, 1)", "did you mean HPARAM_RANGE?"),
        (TREES, "tree_method = 'HIST', xgboost_version = HPARAM_CANDIDATES(['1.1'])", "not tuned"),
        (TREES, "dart_normalize_type = HPARAM_CANDIDATES(['TREE'])", "needs BOOSTER_TYPE = 'DART'"),
        (NETWORK, "hidden_units = HPARAM_CANDIDATES([8])", "such as STRUCT([8, 4]), not 8"),
        (NETWORK, "hidden_units = HPARAM_CANDIDATES([STRUCT([0])])", "takes 1 or more, not 0"),
        (NETWORK, "dropout = HPARAM_RANGE(0, 1)", "0 or more and less than 1, not 1"),
        ("DNN_LINEAR_COMBINED_REGRESSOR", "learn_rate = HPARAM_RANGE(0, 1)", "is not tuned"),
        ("PCA", "num_principal_components = HPARAM_RANGE(1, 2)", "is not tuned"),
    ],
)
def test_a_search_space_that_google_refuses_is_refused(
    model_type: str, options: str, words: str
) -> None:
    given = options if model_type == "PCA" else f"num_trials = 4, {options}"

    (reason,) = reasons(model_type, given)

    assert words in reason


def test_tuning_is_turned_on_by_num_trials() -> None:
    found = reasons("KMEANS", "num_clusters = HPARAM_RANGE(2, 4), max_parallel_trials = 2")

    assert found == [
        "NUM_CLUSTERS = HPARAM_RANGE(2, 4) needs NUM_TRIALS, which turns tuning on",
        "MAX_PARALLEL_TRIALS needs NUM_TRIALS",
    ]
