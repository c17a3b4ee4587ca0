"""Properties of the distances, and of the histograms they rest on."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.bqml import drift
from localcloud.bqml.histogram import Histogram, aligned

NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=50)
WORDS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=50)


def numbers(values: list[float]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.float64())])


def words(values: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def of_histograms(baseline: pa.ChunkedArray, target: pa.ChunkedArray, buckets: int = 10) -> float:
    sides = [Histogram.of(column, buckets) for column in (baseline, target)]
    return drift.distance_of_histograms(*sides)


BOTH = pytest.mark.parametrize("measure", [drift.numeric_distance, of_histograms])


@BOTH
@given(first=NUMBERS, second=NUMBERS)
def test_numeric_distance_is_symmetric_and_between_zero_and_one(measure, first, second):
    distance = measure(numbers(first), numbers(second))

    assert 0 <= distance <= 1
    assert distance == pytest.approx(measure(numbers(second), numbers(first)), abs=1e-9)


@BOTH
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_numbers_have_not_drifted_from_themselves(measure, values):
    assert measure(numbers(values), numbers(values)) == pytest.approx(0, abs=1e-9)


@given(WORDS, WORDS, st.sampled_from(["l_infinity", "jensen_shannon_divergence"]))
def test_categorical_distance_is_symmetric_and_between_zero_and_one(first, second, metric):
    distance = drift.categorical_distance(words(first), words(second), metric)

    assert 0 <= distance <= 1
    back = drift.categorical_distance(words(second), words(first), metric)
    assert distance == pytest.approx(back)


@given(NUMBERS, NUMBERS)
def test_aligning_histograms_loses_no_number(first, second):
    histograms = [Histogram.of(numbers(values)) for values in (first, second)]

    counts = aligned(*histograms)

    assert len(counts[0]) == len(counts[1])
    for count, histogram in zip(counts, histograms, strict=True):
        assert count.sum() == pytest.approx(histogram.size)
        assert (count >= -1e-9).all()


@given(NUMBERS)
def test_a_histogram_survives_json(values):
    histogram = Histogram.of(numbers(values))

    again = Histogram.from_json(histogram.to_json())

    assert again.to_json() == histogram.to_json()


def test_distances_are_those_of_a_hand_calculation():
    base, study = words(["a"] * 3 + ["b"]), words(["a", "b", "b", "b"])

    # Halves: a has 3/4 and 1/4; the mean is 1/2 each.
    expected = 0.75 * math.log2(0.75 / 0.5) + 0.25 * math.log2(0.25 / 0.5)
    assert drift.categorical_distance(base, study) == 0.5
    assert drift.categorical_distance(base, study, "jensen_shannon_divergence") == pytest.approx(
        expected
    )


def test_buckets_of_two_ranges_are_brought_over_the_edges_of_both():
    # One bucket each: 4 numbers from 0 to 2, and 4 from 1 to 3. Spread evenly, half of each is
    # where the other is not.
    first, second = numbers([0, 0.5, 1.5, 2]), numbers([1, 1.5, 2.5, 3])

    counts = aligned(Histogram.of(first, 1), Histogram.of(second, 1))

    assert [side.tolist()[:3] for side in counts] == [[2, 2, 0], [0, 2, 2]]
    assert of_histograms(first, second, 1) == pytest.approx(0.5)


def test_numbers_that_are_all_alike_are_a_bucket_of_their_own():
    assert of_histograms(numbers([5, 5]), numbers([5])) == 0
    assert of_histograms(numbers([5]), numbers([6])) == 1
    assert of_histograms(numbers([5, 5]), numbers([4, 5, 6])) == 1


def test_what_is_no_number_shares_nothing():
    some = numbers([0, 1, math.nan, math.inf])

    assert of_histograms(some, numbers([0, 1])) > 0.2
    # Half of it is no number, and what is no number is not even like itself.
    assert of_histograms(some, some) == pytest.approx(0.5)


def test_an_outlier_widens_the_buckets_of_its_own_side_only():
    values = [0.0] * 90 + [0.5] * 10
    base, study = numbers([*values, 1.0]), numbers([*values, 2.0])

    assert of_histograms(base, study) > 0.2
    assert drift.numeric_distance(base, study) < 0.02


@BOTH
def test_numbers_without_anything_in_common_are_one_apart(measure):
    assert measure(numbers([0, 1]), numbers([100, 101])) == pytest.approx(1)


def test_categories_without_anything_in_common_are_one_apart():
    assert drift.categorical_distance(words(["a"]), words(["b"])) == 1


@BOTH
def test_a_shift_of_a_normal_distribution_is_found(measure):
    random = np.random.default_rng(5)
    base = numbers(random.normal(0, 1, 5000).tolist())

    near = measure(base, numbers(random.normal(0, 1, 5000).tolist()))
    far = measure(base, numbers(random.normal(2, 1, 5000).tolist()))

    assert near < 0.05
    assert far > 0.3


def test_nothing_to_compare_is_no_drift():
    assert drift.numeric_distance(numbers([]), numbers([1.0])) == 0
    assert of_histograms(numbers([]), numbers([1.0])) == 0
    assert drift.categorical_distance(words([]), words(["a"])) == 0


def test_only_the_most_frequent_categories_count_where_it_is_said_so():
    base, study = words(["a", "a", "b", "c"]), words(["a", "a", "a", "d"])

    assert drift.categorical_distance(base, study, most=1) == 0
    assert drift.categorical_distance(base, study) == 0.25


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match="'cosine'"):
        drift.categorical_distance(words(["a"]), words(["a"]), "cosine")
