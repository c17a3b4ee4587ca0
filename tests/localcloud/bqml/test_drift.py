"""Properties of the two distances."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.bqml import drift

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)
WORDS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=50)


def numbers(values: list[float]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.float64())])


def words(values: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


@given(NUMBERS, NUMBERS)
def test_numeric_distance_is_symmetric_and_between_zero_and_one(first, second):
    distance = drift.numeric_distance(numbers(first), numbers(second))

    assert 0 <= distance <= 1
    assert distance == pytest.approx(drift.numeric_distance(numbers(second), numbers(first)))


@given(NUMBERS)
def test_numbers_have_not_drifted_from_themselves(values):
    assert drift.numeric_distance(numbers(values), numbers(values)) == pytest.approx(0, abs=1e-9)


@given(WORDS, WORDS, st.sampled_from(["l_infinity", "jensen_shannon_divergence"]))
def test_categorical_distance_is_symmetric_and_between_zero_and_one(first, second, metric):
    distance = drift.categorical_distance(words(first), words(second), metric)

    assert 0 <= distance <= 1
    assert distance == pytest.approx(
        drift.categorical_distance(words(second), words(first), metric)
    )


def test_distances_are_those_of_a_hand_calculation():
    base, study = words(["a"] * 3 + ["b"]), words(["a", "b", "b", "b"])

    # Halves: a has 3/4 and 1/4; the mean is 1/2 each.
    expected = 0.75 * math.log2(0.75 / 0.5) + 0.25 * math.log2(0.25 / 0.5)
    assert drift.categorical_distance(base, study) == 0.5
    assert drift.categorical_distance(base, study, "jensen_shannon_divergence") == pytest.approx(
        expected
    )


def test_data_without_anything_in_common_is_one_apart():
    assert drift.numeric_distance(numbers([0, 1]), numbers([100, 101])) == pytest.approx(1)
    assert drift.categorical_distance(words(["a"]), words(["b"])) == 1


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match="'cosine'"):
        drift.categorical_distance(words(["a"]), words(["a"]), "cosine")
