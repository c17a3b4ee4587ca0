"""Which rows train, as BigQuery's pages say."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud import bqml
from localcloud.bqml.supervised.split import split
from tests.localcloud.bqml.conftest import LOGISTIC


def divided(table: pa.Table, method: str, **settings: Any) -> tuple[list[Any], list[Any]]:
    options = {"DATA_SPLIT_EVAL_FRACTION": None, "DATA_SPLIT_COL": None, **settings}
    trains, evaluates = split(table, {"DATA_SPLIT_METHOD": method, **options})
    values = table.column(0).to_numpy(zero_copy_only=False)
    return sorted(values[trains]), [] if evaluates is None else sorted(values[evaluates])


@pytest.mark.parametrize(
    ("rows", "training", "evaluation"),
    [(499, 499, 0), (500, 400, 100), (50_000, 40_000, 10_000), (60_000, 50_000, 10_000)],
)
@pytest.mark.parametrize("method", ["AUTO_SPLIT", "RANDOM"])
def test_auto_split_and_random_without_a_fraction_are_bigquerys(method, rows, training, evaluation):
    trains, evaluates = divided(pa.table({"x": np.arange(rows)}), method)

    assert (len(trains), len(evaluates)) == (training, evaluation)
    assert sorted([*trains, *evaluates]) == list(range(rows))


def test_a_random_split_takes_its_fraction():
    trains, evaluates = divided(
        pa.table({"x": np.arange(100)}), "RANDOM", DATA_SPLIT_EVAL_FRACTION=0.35
    )

    assert (len(trains), len(evaluates)) == (65, 35)


@given(st.permutations(list(range(40))))
def test_a_random_split_is_the_same_for_rows_in_any_order(order):
    sorted_rows = pa.table({"x": np.arange(40), "y": np.arange(40) / 7})
    rows = sorted_rows.take(pa.array(order))

    assert divided(rows, "RANDOM", DATA_SPLIT_EVAL_FRACTION=0.3) == divided(
        sorted_rows, "RANDOM", DATA_SPLIT_EVAL_FRACTION=0.3
    )


def test_no_split_trains_on_all():
    assert divided(pa.table({"x": np.arange(1000)}), "NO_SPLIT") == (list(range(1000)), [])


def test_a_custom_split_evaluates_on_true_and_null():
    table = pa.table({"x": [1, 2, 3, 4], "held": [True, False, None, False]})

    assert divided(table, "CUSTOM", DATA_SPLIT_COL="held") == ([2, 4], [1, 3])


def test_a_sequential_split_evaluates_on_the_last_and_trains_on_null():
    table = pa.table({"x": [1, 2, 3, 4, 5], "at": [30, None, 10, 40, 20]})

    split_at = divided(table, "SEQ", DATA_SPLIT_COL="at", DATA_SPLIT_EVAL_FRACTION=0.4)

    assert split_at == ([2, 3, 5], [1, 4])


def test_a_sequential_split_does_not_divide_equal_values():
    table = pa.table({"x": [1, 2, 3, 4], "at": ["a", "b", "b", "b"]})

    split_at = divided(table, "SEQ", DATA_SPLIT_COL="at", DATA_SPLIT_EVAL_FRACTION=0.25)

    assert split_at == ([1], [2, 3, 4])


def test_the_column_that_divides_is_no_feature(flights):
    days = pa.array([datetime.datetime(2013, 1, 1, tzinfo=datetime.UTC)] * 2000)
    table = flights.append_column("at", days)
    options = {"DATA_SPLIT_METHOD": "SEQ", "DATA_SPLIT_COL": "at", "MAX_ITERATIONS": 1}

    model = bqml.train({**LOGISTIC, **options, "DATA_SPLIT_EVAL_FRACTION": 0.0}, table)

    assert [name for name, _ in model.feature_columns] == ["rain", "carrier", "noise"]


def test_rows_without_a_label_do_not_train(flights):
    label = flights["late"].to_pylist()
    holes = pa.array([None if place % 2 else value for place, value in enumerate(label)])
    table = flights.set_column(0, "late", holes)

    halved = bqml.train({**LOGISTIC, "DATA_SPLIT_METHOD": "NO_SPLIT"}, table)

    assert len(halved.fitted.held_out[0]) == 1000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"DATA_SPLIT_METHOD": "CUSTOM"}, "needs data_split_col"),
        ({"DATA_SPLIT_COL": "noise"}, "data_split_col is for"),
        ({"DATA_SPLIT_EVAL_FRACTION": 0.3}, "data_split_eval_fraction is for"),
        ({"DATA_SPLIT_METHOD": "SEQ", "DATA_SPLIT_COL": "z"}, "'z', which the query does not have"),
        ({"DATA_SPLIT_METHOD": "CUSTOM", "DATA_SPLIT_COL": "noise"}, "CUSTOM needs a BOOL column"),
        ({"DATA_SPLIT_METHOD": "SEQ", "DATA_SPLIT_COL": "wet"}, "SEQ needs a column of"),
        (
            {"DATA_SPLIT_METHOD": "CUSTOM", "DATA_SPLIT_COL": "wet"},
            "leaves no rows to train on",
        ),
    ],
)
def test_a_wrong_split_is_refused(flights, options, says):
    table = flights.append_column("wet", pa.array([True] * flights.num_rows))

    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**LOGISTIC, **options}, table)
