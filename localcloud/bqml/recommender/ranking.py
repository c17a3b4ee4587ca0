"""How well items are ranked for users.

https://cloud.google.com/bigquery/docs/reference/rest/v2/models#RankingMetrics; average rank:
Hu, Koren, Volinsky, Collaborative Filtering for Implicit Feedback Datasets, 2008.
"""

import numpy as np

from localcloud.bqml.arrays import Floats
from localcloud.bqml.recommender.least_squares import Factors, Ratings

CELLS = 10_000_000
"""Pairs of users and items in memory at a time."""


def metrics(factors: Factors, ratings: Ratings) -> dict[str, float]:
    """Metrics over the users that have a rating, each with all items.

    Args:
        factors: The model.
        ratings: What they are judged on; each pair once, of users and items that are known.
    """
    from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

    users = np.unique(ratings.users)
    count = len(factors.items)
    step = max(1, CELLS // count)
    precision = gain = squares = ranks = weights = 0.0
    liking = 0
    for start in range(0, len(users), step):
        part = users[start : start + step]
        actual = _actual(ratings, part, count)
        scores = factors.users[part] @ factors.items.T
        liked = actual > 0
        squares += float(((liked - scores) ** 2).sum())
        place = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
        ranks += float((actual * place).sum()) / max(1, count - 1)
        weights += float(actual.sum())
        some = liked.any(axis=1)
        if some.any():
            mine = int(some.sum())
            liking += mine
            precision += mine * float(
                label_ranking_average_precision_score(liked[some], scores[some])
            )
            # Of one item there is no order.
            gain += mine * (float(ndcg_score(actual[some], scores[some])) if count > 1 else 1.0)
    return {
        "mean_average_precision": precision / liking if liking else 0.0,
        "mean_squared_error": squares / (len(users) * count),
        "normalized_discounted_cumulative_gain": gain / liking if liking else 0.0,
        "average_rank": ranks / weights if weights else 0.0,
    }


def _actual(ratings: Ratings, users: np.ndarray, items: int) -> Floats:
    rows = np.flatnonzero(np.isin(ratings.users, users))
    actual = np.zeros((len(users), items))
    actual[np.searchsorted(users, ratings.users[rows]), ratings.items[rows]] = ratings.values[rows]
    return actual
