"""How requests are shared out among deployed models."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.vertex.traffic import Traffic
from tests.localcloud.conftest import Cloud

pytestmark = pytest.mark.covers("traffic split of endpoints")


def endpoint_of(split: dict[str, int]) -> dict[str, object]:
    return {"name": "e", "trafficSplit": split, "deployedModels": [{"id": key} for key in split]}


@given(
    cuts=st.sets(st.integers(1, 99), min_size=1, max_size=4),
    before=st.integers(0, 5000),
    requests=st.integers(100, 400),
)
def test_any_run_of_a_hundred_requests_keeps_the_shares_within_three_points(
    cuts: set[int], before: int, requests: int
) -> None:
    split = {str(b): b - a for a, b in pairwise([0, *sorted(cuts), 100])}
    endpoint, traffic = endpoint_of(split), Traffic()
    for _ in range(before):
        traffic.chosen(endpoint)

    got = Counter(traffic.chosen(endpoint)["id"] for _ in range(requests))

    assert {
        key: percent
        for key, percent in split.items()
        if abs(100 * got[key] / requests - percent) > 3
    } == {}


def test_threads_share_one_count() -> None:
    endpoint, traffic = endpoint_of({"a": 10, "b": 90}), Traffic()

    with ThreadPoolExecutor(8) as pool:
        got = Counter(pool.map(lambda _: traffic.chosen(endpoint)["id"], range(4000)))

    assert abs(got["a"] - 400) <= 4


def test_a_model_without_a_share_gets_nothing() -> None:
    endpoint, traffic = endpoint_of({"a": 0, "b": 100}), Traffic()

    assert {traffic.chosen(endpoint)["id"] for _ in range(200)} == {"b"}


def test_the_split_of_an_endpoint_is_seen_in_its_answers(cloud: Cloud) -> None:
    cloud.register()
    endpoint = cloud.endpoint()
    cloud.deploy(endpoint, "7", {"0": 100})
    cloud.deploy(endpoint, "8", {"7": 90, "0": 10})

    got = Counter(
        cloud.call("POST", f"{endpoint}:predict", {"instances": [{"x": 1}]}).body["deployedModelId"]
        for _ in range(100)
    )

    assert abs(got["8"] - 10) <= 2
