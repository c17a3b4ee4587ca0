"""How columns become numbers, as BigQuery's page on automatic preprocessing says."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud import bqml
from localcloud.bqml import encoding
from localcloud.bqml.column_type import bigquery_type
from localcloud.bqml.encoding import Encoding
from tests.localcloud.bqml.conftest import LOGISTIC, TREE, call

CARRIERS = pa.table({"c": pa.array(["b", "a", None, "b"])})


def fit(table: pa.Table, method: str, *, standardize: bool = True, **target: Any) -> Encoding:
    columns = [(field.name, bigquery_type(field.type)) for field in table.schema]
    given = {"target": np.zeros(table.num_rows), "class_count": 2, **target}
    return Encoding.fit(table, columns, method=method, standardize=standardize, **given)


def test_a_number_is_standardised_and_a_missing_one_is_the_mean():
    table = pa.table({"x": [1.0, 3.0, None]})

    encoded = fit(table, "ONE_HOT_ENCODING").encode(table)

    assert encoded.tolist() == [[-1.0], [1.0], [0.0]]


def test_for_trees_a_number_stays_as_it_is():
    table = pa.table({"x": [1.0, 3.0, None]})

    encoded = fit(table, "LABEL_ENCODING", standardize=False).encode(table)

    assert encoded.tolist() == [[1.0], [3.0], [2.0]]


def test_one_hot_has_a_column_for_null_and_none_for_the_unseen():
    learnt = fit(CARRIERS, "ONE_HOT_ENCODING")

    encoded = learnt.encode(pa.table({"c": ["a", "b", None, "z"]}))

    assert encoded.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_dummy_drops_the_most_frequent_category():
    learnt = fit(CARRIERS, "DUMMY_ENCODING")

    encoded = learnt.encode(pa.table({"c": ["a", "b", None]}))

    assert encoded.tolist() == [[1, 0], [0, 0], [0, 1]]


def test_labels_begin_at_one_and_null_and_the_unseen_are_zero():
    learnt = fit(CARRIERS, "LABEL_ENCODING")

    encoded = learnt.encode(pa.table({"c": ["a", "b", None, "z"]}))

    assert encoded.tolist() == [[1], [2], [0], [0]]


def test_targets_are_the_share_of_the_second_class():
    learnt = fit(CARRIERS, "TARGET_ENCODING", target=np.array([1.0, 0, 1, 0]))

    encoded = learnt.encode(pa.table({"c": ["a", "b", None, "z"]}))

    assert encoded.tolist() == [[0], [0.5], [1], [0.5]]


def test_targets_of_three_classes_are_a_share_each():
    learnt = fit(CARRIERS, "TARGET_ENCODING", target=np.array([0.0, 1, 2, 2]), class_count=3)

    encoded = learnt.encode(pa.table({"c": ["b", "a"]}))

    assert encoded.tolist() == [[0.5, 0, 0.5], [0, 1, 0]]


def test_targets_of_a_regressor_are_means():
    learnt = fit(CARRIERS, "TARGET_ENCODING", target=np.array([1.0, 7, 0, 3]), class_count=0)

    assert learnt.encode(pa.table({"c": ["b"]})).tolist() == [[2.0]]


def test_a_timestamp_becomes_seconds_and_seven_components():
    moment = datetime.datetime(2013, 3, 5, 17, 42, tzinfo=datetime.UTC)
    table = pa.table({"t": pa.array([moment, None], pa.timestamp("us", "America/New_York"))})

    learnt = fit(table, "ONE_HOT_ENCODING")

    found = {part.name: getattr(part, "names", None) for part in learnt.inputs}
    assert found == {
        "t": None,
        "_TS_DOM_t": ["5", "_null_filler"],
        "_TS_DOW_t": ["3", "_null_filler"],
        "_TS_MOY_t": ["3", "_null_filler"],
        "_TS_HOD_t": ["17", "_null_filler"],
        "_TS_MOH_t": ["42", "_null_filler"],
        "_TS_WOY_t": ["10", "_null_filler"],
        "_TS_YEAR_t": ["2013", "_null_filler"],
    }
    assert learnt.inputs[0].mean == moment.timestamp()
    assert set(learnt.owners) == {"t"}


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (pa.array([True, False]), ["false", "true"]),
        (pa.array([19_000], pa.date32()), ["2022-01-08"]),
        (pa.array([datetime.datetime(2013, 1, 2, 3)], pa.timestamp("us")), ["2013-01-02 03:00:00"]),
        (pa.array([datetime.time(6, 5)], pa.time64("us")), ["06:05:00"]),
        (pa.array([b"ab"]), ["YWI="]),
    ],
)
def test_other_types_are_categories_as_cast_to_string_writes_them(values, written):
    (learnt,) = fit(pa.table({"c": values}), "ONE_HOT_ENCODING").inputs

    assert learnt.names == written


def test_an_array_is_no_label():
    table = pa.table({"late": [["a"]], "x": [1.0]})

    with pytest.raises(NotImplementedError, match=r"label 'late'.*columns of their own"):
        bqml.train(LOGISTIC, table)


def test_an_infinite_number_is_refused_with_its_column():
    table = pa.table({"x": [1.0, float("inf")]})

    with pytest.raises(bqml.BqmlError, match="'x' has an infinite value"):
        fit(table, "ONE_HOT_ENCODING").encode(table)


def test_text_where_training_saw_numbers_is_refused_with_its_column(tree, flights):
    wrong = flights.set_column(1, "rain", pa.array(["wet"] * flights.num_rows))

    with pytest.raises(bqml.BqmlError, match="'rain' is string, and the model needs a number"):
        call("PREDICT", tree, wrong)


def test_names_of_columns_match_in_any_case(tree, flights):
    shouted = flights.rename_columns(["LATE", "RAIN", "CARRIER", "NOISE"])

    assert np.array_equal(tree.fitted.scores(shouted), tree.fitted.scores(flights))


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.floats(-9, 9) | st.none()),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["ONE_HOT_ENCODING", "DUMMY_ENCODING"]),
)
def test_many_columns_are_sparse_and_say_the_same(rows, method):
    table = pa.table(
        {
            "c": pa.array([c for c, _ in rows], pa.string()),
            "x": pa.array([x for _, x in rows], pa.float64()),
        }
    )
    learnt = fit(table, method)
    dense = learnt.encode(table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "WIDE", 0)
        sparse = learnt.encode(table)

    assert not isinstance(sparse, np.ndarray)
    assert np.array_equal(sparse.toarray(), dense)


@pytest.mark.parametrize("options", [TREE, LOGISTIC, {**LOGISTIC, "L1_REG": 0.1}])
def test_a_column_with_hundreds_of_categories_trains_and_explains(flights, options):
    tails = pa.array([f"N{place % 400}" for place in range(flights.num_rows)])
    table = flights.append_column("tail", tails)
    options = {**options, "CATEGORY_ENCODING_METHOD": "ONE_HOT_ENCODING", "MAX_ITERATIONS": 3}

    model = bqml.train({**options, "ENABLE_GLOBAL_EXPLAIN": True}, table)

    rows = call("EXPLAIN_PREDICT", model, table.slice(0, 20), top_k_features=9).to_pylist()
    for row in rows:
        parts = sum(part["attribution"] for part in row["top_feature_attributions"])
        total = parts + row["baseline_prediction_value"]
        assert total == pytest.approx(row["prediction_value"], abs=1e-4)


@given(st.text())
def test_any_text_can_be_a_category(value):
    table = pa.table({"c": pa.array([value, "other"])})

    encoded = fit(table, "ONE_HOT_ENCODING").encode(table)

    assert encoded.sum(axis=1).tolist() == [1, 1]


def test_an_encoding_survives_json():
    table = pa.table({"c": ["a", None], "x": [1.0, 2.0]})
    learnt = fit(table, "TARGET_ENCODING", target=np.array([1.0, 0]))

    again = Encoding.from_json(learnt.to_json())

    assert np.array_equal(again.encode(table), learnt.encode(table))
