"""Options that are refused, and how."""

import json
from importlib.resources import files

import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml import kinds
from localcloud.bqml.options import OF_THE_ADAPTER, TUNING
from tests.localcloud.bqml.conftest import LOGISTIC, TREE

LINEAR = {"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["noise"]}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "lacks model_type"),
        ({"MODEL_TYPE": "NONSENSE"}, "'NONSENSE'; allowed are ARIMA_PLUS"),
        ({**LINEAR, "MAX_TREE_DEPTH": 3}, "max_tree_depth is not one of LINEAR_REG"),
        ({**TREE, "HPARAM_TUNING_OBJECTIVES": ["ROC_AUC"]}, "which needs num_trials"),
        ({**LINEAR, "L2_REG": -1}, "l2_reg is -1; give a number of 0 or more"),
        ({**LINEAR, "L2_REG": True}, "l2_reg is True"),
        ({**LINEAR, "MAX_ITERATIONS": 2.5}, "max_iterations is 2.5; give a whole number"),
        ({**LINEAR, "INPUT_LABEL_COLS": ["z"]}, "'z': the query gives late, rain"),
        ({**LINEAR, "INPUT_LABEL_COLS": ["a", "b"]}, "one column name in an array"),
        ({**LINEAR, "INPUT_LABEL_COLS": ["late"]}, "BOOL; a regression needs a number"),
        ({**LINEAR, "LEARN_RATE": 0.1}, "learn_rate is not used with learn_rate_strategy"),
        (
            {**LINEAR, "LEARN_RATE_STRATEGY": "CONSTANT", "LS_INIT_LEARN_RATE": 0.1},
            "ls_init_learn_rate is not used",
        ),
        (
            {**LINEAR, "OPTIMIZE_STRATEGY": "NORMAL_EQUATION", "L1_REG": 0.1},
            "does not go with l1_reg",
        ),
        ({**LOGISTIC, "OPTIMIZE_STRATEGY": "NORMAL_EQUATION"}, "for model_type 'LINEAR_REG' only"),
        ({**LINEAR, "CALCULATE_P_VALUES": True}, "'DUMMY_ENCODING' and l1_reg = 0"),
        ({**LINEAR, "AUTO_CLASS_WEIGHTS": True}, "auto_class_weights is not one of LINEAR_REG"),
        ({**LOGISTIC, "INPUT_LABEL_COLS": ["rain"]}, "FLOAT64; a classifier needs STRING"),
        (
            {**LOGISTIC, "AUTO_CLASS_WEIGHTS": True, "CLASS_WEIGHTS": [("true", 1)]},
            "auto_class_weights or class_weights, not both",
        ),
        ({**LOGISTIC, "CLASS_WEIGHTS": [("true", 1)]}, "missing: false"),
        (
            {**LOGISTIC, "CLASS_WEIGHTS": [("true", 1), ("false", 1), ("maybe", 1)]},
            "not a label: maybe",
        ),
        ({**LOGISTIC, "CLASS_WEIGHTS": [("true", -1)]}, "weights of 0 or more"),
        ({**TREE, "CATEGORY_ENCODING_METHOD": "DUMMY_ENCODING"}, "give one of LABEL_ENCODING"),
        ({**TREE, "DROPOUT": 0.1}, "dropout needs booster_type = 'DART'"),
        ({**TREE, "SUBSAMPLE": 0}, "subsample is 0; give a number above 0"),
        ({**TREE, "APPROX_GLOBAL_FEATURE_CONTRIB": True}, "needs enable_global_explain"),
        ({**TREE, "INSTANCE_WEIGHT_COL": "z"}, "'z', which the query does not have"),
        ({**TREE, "INSTANCE_WEIGHT_COL": "carrier"}, "it must be a number"),
        (
            {**TREE, "INSTANCE_WEIGHT_COL": "noise", "AUTO_CLASS_WEIGHTS": True},
            "auto_class_weights or instance_weight_col, not both",
        ),
    ],
)
def test_wrong_options_are_refused_with_their_name(flights, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train(options, flights)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"MODEL_TYPE": "TENSORFLOW"}, "TENSORFLOW do not train on the local cloud yet"),
    ],
)
def test_what_google_does_and_this_does_not_says_so(flights, options, says):
    with pytest.raises(NotImplementedError, match=says):
        bqml.train(options, flights)


def test_values_are_names_in_any_case(flights):
    model = bqml.train(
        {**TREE, "MODEL_TYPE": "boosted_tree_classifier", "TREE_METHOD": "hist"}, flights
    )

    assert model.options["TREE_METHOD"] == "HIST"


def test_where_a_model_is_registered_is_not_read_here(flights):
    options = dict.fromkeys(OF_THE_ADAPTER - {"MODEL_TYPE"}, "somewhere")

    model = bqml.train({**options, **LOGISTIC, "MAX_ITERATIONS": 1}, flights)

    assert not OF_THE_ADAPTER & set(model.options)


def test_every_option_that_google_documents_is_known():
    text = files("bqvertex.specs").joinpath("bqml_options.json").read_text()
    documented = json.loads(text)["kinds"]

    missing = {
        name: sorted(set(documented[name]["options"]) - set(kind.options) - OF_THE_ADAPTER - TUNING)
        for name, kind in kinds.KINDS.items()
    }

    assert missing == {name: [] for name in kinds.KINDS}


def test_every_default_is_a_value_that_works():
    for kind in kinds.KINDS.values():
        for name, option in kind.options.items():
            assert option.default is None or option.accepts(option.default), name
            assert option.supported is None or option.default in option.supported, name


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["a"] * 600, "at least 2 unique labels"),
        ([None] * 600, "any rows with a label"),
        ([f"l{place % 51}" for place in range(600)], "51 different values.*up to 50"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels, says):
    table = pa.table({"late": pa.array(labels, pa.string()), "x": range(600)})

    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train(LOGISTIC, table)


def test_a_label_that_is_no_number_is_refused():
    table = pa.table({"y": [1.0, float("nan")], "x": [1, 2]})

    with pytest.raises(bqml.BqmlError, match="'y' has infinite values or NaN"):
        bqml.train({"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["y"]}, table)


def test_a_label_alone_teaches_nothing(flights):
    with pytest.raises(bqml.BqmlError, match="no column to learn from beside late"):
        bqml.train(LOGISTIC, flights.select(["late"]))
