"""Sampled Shapley values."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.vertex.shapley import Instance, shapley

numbers = st.floats(-100, 100)


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=5), st.integers(1, 5))
def test_of_a_linear_output_each_feature_adds_its_own_term(
    terms: list[tuple[float, float, float]], paths: int
) -> None:
    weights = {str(n): weight for n, (weight, _, _) in enumerate(terms)}
    instance = {str(n): value for n, (_, value, _) in enumerate(terms)}
    baseline = {str(n): value for n, (_, _, value) in enumerate(terms)}

    def score(steps: Sequence[Instance]) -> list[float]:
        return [sum(weights[key] * step[key] for key in weights) for step in steps]

    found = shapley(instance, baseline, score, path_count=paths)

    expected = {key: weights[key] * (instance[key] - baseline[key]) for key in weights}
    assert dict(found.features) == pytest.approx(expected, abs=1e-6)


@given(st.integers(1, 50))
def test_the_attributions_add_up_to_the_way_from_the_baseline(paths: int) -> None:
    def score(steps: Sequence[Instance]) -> list[float]:
        return [step["a"] * step["b"] + step["c"] ** 2 for step in steps]

    found = shapley({"a": 2, "b": 3, "c": 4}, {"a": 0, "b": 1, "c": 1}, score, path_count=paths)

    assert (found.baseline, found.output) == (1, 22)
    assert sum(found.features.values()) == pytest.approx(21)
    assert found.approximation_error == pytest.approx(0, abs=1e-9)


def test_what_two_features_do_together_is_shared() -> None:
    def score(steps: Sequence[Instance]) -> list[float]:
        return [step["a"] * step["b"] for step in steps]

    found = shapley({"a": 1, "b": 1}, {"a": 0, "b": 0}, score, path_count=50)

    assert found.features["a"] == pytest.approx(0.5, abs=0.2)


def test_the_same_instance_gets_the_same_answer() -> None:
    def score(steps: Sequence[Instance]) -> list[float]:
        return [step["a"] * step["b"] * step["c"] for step in steps]

    asked = {"a": 1, "b": 2, "c": 3}

    one, other = (
        shapley(asked, dict.fromkeys(asked, 0), score, path_count=3).features for _ in range(2)
    )

    assert one == other
