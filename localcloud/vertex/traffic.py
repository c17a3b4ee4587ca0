"""Which of an endpoint's deployed models answers the next request."""

import math

from localcloud.errors import ApiError, Json
from localcloud.vertex.deployed_model import deployed_model
from localcloud.vertex.spread import Spread

GOLDEN = (math.sqrt(5) - 1) / 2
"""The fractional parts of its multiples are spread most evenly of all numbers' multiples.

Source: Kuipers and Niederreiter, Uniform Distribution of Sequences (1974), chapter 2, section 3.
"""


class Traffic:
    """Shares the requests of every endpoint out by its traffic split.

    Shares are kept over any run of requests, not only in the long run: of the next hundred, a
    model with 10 % gets 9 to 11. Google draws them at random; a test of a rollout that did so too
    would need thousands of requests to tell 10 % from 15 %.
    """

    def __init__(self) -> None:
        self._spread = Spread(GOLDEN, start=0.5)

    def chosen(self, endpoint: Json) -> Json:
        """The deployed model that answers the next request.

        Raises:
            ApiError: FAILED_PRECONDITION, no deployed model has traffic.
        """
        split = {k: percent for k, percent in endpoint.get("trafficSplit", {}).items() if percent}
        if not split:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Endpoint {endpoint['name']} has no traffic: deploy a model with a "
                "traffic_split, or set the endpoint's.",
            )
        return deployed_model(endpoint, share(split, self._spread.place(endpoint["name"])))


def share(split: Json, place: float) -> str:
    """The key whose share of the whole holds a place.

    Args:
        split: Percentages by key, 100 in all.
        place: From 0 to below 1.
    """
    reached = 0.0
    keys = sorted(split)
    for key in keys:
        reached += split[key] / 100
        if place < reached:
            return key
    return keys[-1]
