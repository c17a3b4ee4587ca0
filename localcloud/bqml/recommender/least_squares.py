"""Alternating least squares, explicit and weighted.

The losses are those of
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-matrix-factorization#feedback-info
with, for explicit feedback, the intercepts that ML.WEIGHTS tells: of all ratings their mean, and of
each user and item one more factor, under the same penalty. Weighted:
Hu, Koren, Volinsky, Collaborative Filtering for Implicit Feedback Datasets, 2008.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from localcloud.bqml.arrays import Floats, Places


@dataclass(frozen=True)
class Ratings:
    """What users said of items, as places of users and items.

    Attributes:
        users: Of each rating its user.
        items: Of each rating its item.
        values: The ratings.
    """

    users: Places
    items: Places
    values: Floats

    @property
    def turned(self) -> "Ratings":
        """The same with users and items in each other's place."""
        return Ratings(self.items, self.users, self.values)


@dataclass(frozen=True)
class Factors:
    """Where users and items lie.

    Attributes:
        users: A row of factors each.
        items: A row of factors each.
        user_intercepts: One each; zeros of weighted least squares.
        item_intercepts: One each; zeros of weighted least squares.
        intercept: Of all ratings; zero of weighted least squares.
    """

    users: Floats
    items: Floats
    user_intercepts: Floats
    item_intercepts: Floats
    intercept: float

    @classmethod
    def started(cls, users: int, items: int, count: int, intercept: float) -> "Factors":
        """Small random factors, the same each time."""
        random = np.random.default_rng(0)
        return cls(
            users=np.zeros((users, count)),
            items=random.normal(scale=1 / np.sqrt(count), size=(items, count)),
            user_intercepts=np.zeros(users),
            item_intercepts=np.zeros(items),
            intercept=intercept,
        )

    @property
    def turned(self) -> "Factors":
        """The same with users and items in each other's place."""
        return Factors(
            self.items, self.users, self.item_intercepts, self.user_intercepts, self.intercept
        )

    def predict(self, users: Places, items: Places) -> Floats:
        """What each user would say of each item; -1 is one that training did not see."""
        known = (users >= 0) & (items >= 0)
        products = np.einsum("ij,ij->i", self.users[users], self.items[items])
        return (
            self.intercept
            + np.where(users >= 0, self.user_intercepts[users], 0.0)
            + np.where(items >= 0, self.item_intercepts[items], 0.0)
            + np.where(known, products, 0.0)
        )


def explicit_step(factors: Factors, ratings: Ratings, l2: float) -> Factors:
    """Fit users to items, then items to users."""
    moved = _explicit_users(factors, ratings, l2)
    return _explicit_users(moved.turned, ratings.turned, l2).turned


def weighted_step(factors: Factors, ratings: Ratings, l2: float, alpha: float) -> Factors:
    """Fit users to items, then items to users; what is not rated counts as not liked."""
    moved = _weighted_users(factors, ratings, l2, alpha)
    return _weighted_users(moved.turned, ratings.turned, l2, alpha).turned


def weighted_loss(factors: Factors, ratings: Ratings, l2: float, alpha: float) -> float:
    """The loss over all pairs of users and items, with the penalty."""
    # The sum over all pairs, as if nothing were rated, without looking at each.
    every = float(np.sum((factors.users.T @ factors.users) * (factors.items.T @ factors.items)))
    predicted = factors.predict(ratings.users, ratings.items)
    liked = (ratings.values > 0).astype(np.float64)
    rated = (1 + alpha * ratings.values) * (liked - predicted) ** 2 - predicted**2
    penalty = l2 * float((factors.users**2).sum() + (factors.items**2).sum())
    return every + float(rated.sum()) + penalty


def _explicit_users(factors: Factors, ratings: Ratings, l2: float) -> Factors:
    left = ratings.values - factors.intercept - factors.item_intercepts[ratings.items]
    found = np.zeros((len(factors.users), factors.users.shape[1] + 1))
    known = np.column_stack([factors.items, np.ones(len(factors.items))])
    penalty = l2 * np.eye(known.shape[1])
    for user, rows in _by_user(ratings, len(factors.users)):
        seen = known[ratings.items[rows]]
        found[user] = _solved(seen.T @ seen + penalty, seen.T @ left[rows])
    return replace(factors, users=found[:, :-1], user_intercepts=found[:, -1])


def _weighted_users(factors: Factors, ratings: Ratings, l2: float, alpha: float) -> Factors:
    found = np.zeros_like(factors.users)
    every = factors.items.T @ factors.items + l2 * np.eye(factors.items.shape[1])
    for user, rows in _by_user(ratings, len(factors.users)):
        seen, values = factors.items[ratings.items[rows]], ratings.values[rows]
        weights = alpha * values
        found[user] = _solved(
            every + (seen * weights[:, None]).T @ seen, seen.T @ ((1 + weights) * (values > 0))
        )
    return replace(factors, users=found)


def _solved(matrix: Floats, right: Floats) -> Floats:
    # Without a penalty a user with few ratings has many solutions: the smallest is taken.
    solution: Floats = np.linalg.lstsq(matrix, right, rcond=None)[0]
    return solution


def _by_user(ratings: Ratings, count: int) -> list[tuple[int, Places]]:
    order = np.argsort(ratings.users, kind="stable")
    bounds = np.searchsorted(ratings.users[order], np.arange(count + 1))
    return [
        (user, order[start:end])
        for user, (start, end) in enumerate(pairwise(bounds))
        if end > start
    ]
