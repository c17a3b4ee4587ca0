"""Matrix factorization of explicit and of implicit feedback.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-matrix-factorization
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import options
from localcloud.bqml.arrays import Places
from localcloud.bqml.column_type import bigquery_type, floats, is_nested, is_numeric, texts
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Iteration, Model, OnIteration, hardly_better
from localcloud.bqml.options import Option
from localcloud.bqml.recommender import ranking
from localcloud.bqml.recommender.least_squares import (
    Factors,
    Ratings,
    explicit_step,
    weighted_loss,
    weighted_step,
)
from localcloud.bqml.supervised import metrics, split

FACTORS = "factors.npz"
FEWEST, MOST = 2, 200

OPTIONS: Mapping[str, Option] = {
    **options.STOP,
    **options.SPLIT,
    "DATA_SPLIT_METHOD": options.choice(
        "NO_SPLIT", "AUTO_SPLIT", "RANDOM", "CUSTOM", "SEQ", "NO_SPLIT"
    ),
    "FEEDBACK_TYPE": options.choice("EXPLICIT", "EXPLICIT", "IMPLICIT"),
    "NUM_FACTORS": options.whole(None, FEWEST, MOST),
    "USER_COL": options.column("user"),
    "ITEM_COL": options.column("item"),
    "RATING_COL": options.column("rating"),
    "WALS_ALPHA": options.number(40.0),
    "L2_REG": options.number(1.0),
}


@dataclass(frozen=True)
class Recommender:
    """A fitted factorization.

    Attributes:
        user_column: Name of the users' column.
        item_column: Name of the items' column.
        rating_column: Name of the ratings' column.
        users: The users that training saw, in the order of the factors.
        items: The items that training saw, in the order of the factors.
        factors: Where they lie.
        is_explicit: Whether ratings are what users said.
        scores: What ML.EVALUATE says of the evaluation rows.
    """

    user_column: str
    item_column: str
    rating_column: str
    users: pa.Array
    items: pa.Array
    factors: Factors
    is_explicit: bool
    scores: Mapping[str, float]

    @property
    def output(self) -> str:
        """What ML.RECOMMEND calls its column of ratings."""
        predicted = f"predicted_{self.rating_column}"
        return predicted if self.is_explicit else f"{predicted}_confidence"

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`."""
        raise BqmlError(
            "ML.PREDICT is not for models of type MATRIX_FACTORIZATION; use ML.RECOMMEND"
        )

    def recommend(self, rows: pa.Table | None) -> pa.Table:
        """Ratings of pairs: of each row, of each user or item in the rows with all, or of all.

        Raises:
            BqmlError: The rows have neither users nor items, or one of them and something else.
        """
        if rows is None:
            return self._all_pairs(np.arange(len(self.users)), np.arange(len(self.items)))
        user, item = (_found(rows, name) for name in (self.user_column, self.item_column))
        if user is not None and item is not None:
            predicted = self.factors.predict(
                _places(rows.column(user), self.users, self.user_column),
                _places(rows.column(item), self.items, self.item_column),
            )
            result = pa.table({self.output: pa.array(predicted, pa.float64())})
            for field in rows.schema:
                result = result.append_column(field, rows.column(field.name))
            return result
        one = user if user is not None else item
        if one is None or rows.num_columns != 1:
            raise BqmlError(
                f"ML.RECOMMEND needs the columns {self.user_column} and {self.item_column}, or one "
                f"of them alone, and the input has {', '.join(rows.column_names)}"
            )
        given = rows.column(one)
        if user is not None:
            places = _places(given, self.users, self.user_column)
            return self._all_pairs(places, np.arange(len(self.items)), users_given=given)
        places = _places(given, self.items, self.item_column)
        return self._all_pairs(np.arange(len(self.users)), places, items_given=given)

    def _all_pairs(
        self,
        users: Places,
        items: Places,
        *,
        users_given: pa.ChunkedArray | None = None,
        items_given: pa.ChunkedArray | None = None,
    ) -> pa.Table:
        of_user = np.repeat(np.arange(len(users)), len(items))
        of_item = np.tile(np.arange(len(items)), len(users))
        predicted = self.factors.predict(users[of_user], items[of_item])
        names = {
            self.user_column: (self.users if users_given is None else users_given).take(
                pa.array(of_user)
            ),
            self.item_column: (self.items if items_given is None else items_given).take(
                pa.array(of_item)
            ),
        }
        return pa.table({self.output: pa.array(predicted, pa.float64()), **names})

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`."""
        if settings.get("threshold") is not None:
            raise BqmlError("threshold is for models with two classes, and this has ratings")
        if rows is None:
            return dict(self.scores)
        complete = _complete(rows, (self.user_column, self.item_column, self.rating_column))
        ratings = Ratings(
            _places(complete.column(self.user_column), self.users, self.user_column),
            _places(complete.column(self.item_column), self.items, self.item_column),
            floats(complete.column(self.rating_column)),
        )
        return _scores(self.factors, ratings, is_explicit=self.is_explicit)

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        if self.is_explicit:
            return {
                "evaluationMetrics": {
                    "regressionMetrics": {
                        "meanAbsoluteError": self.scores["mean_absolute_error"],
                        "meanSquaredError": self.scores["mean_squared_error"],
                        "meanSquaredLogError": self.scores["mean_squared_log_error"],
                        "medianAbsoluteError": self.scores["median_absolute_error"],
                        "rSquared": self.scores["r2_score"],
                    }
                }
            }
        return {
            "evaluationMetrics": {
                "rankingMetrics": {
                    "meanAveragePrecision": self.scores["mean_average_precision"],
                    "meanSquaredError": self.scores["mean_squared_error"],
                    "normalizedDiscountedCumulativeGain": self.scores[
                        "normalized_discounted_cumulative_gain"
                    ],
                    "averageRank": self.scores["average_rank"],
                }
            }
        }

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        np.savez(
            directory / FACTORS,
            users=self.factors.users,
            items=self.factors.items,
            user_intercepts=self.factors.user_intercepts,
            item_intercepts=self.factors.item_intercepts,
        )
        for name, values in (("users", self.users), ("items", self.items)):
            table = pa.table({name: values})
            with pa.ipc.new_file(directory / f"{name}.arrow", table.schema) as file:
                file.write_table(table)
        return {
            "user_column": self.user_column,
            "item_column": self.item_column,
            "rating_column": self.rating_column,
            "intercept": self.factors.intercept,
            "is_explicit": self.is_explicit,
            "scores": dict(self.scores),
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Recommender":
        """Read what `save` wrote."""
        with np.load(directory / FACTORS, allow_pickle=False) as arrays:
            factors = Factors(
                **{name: arrays[name] for name in arrays.files}, intercept=facts["intercept"]
            )
        names = {}
        for name in ("users", "items"):
            with pa.ipc.open_file(directory / f"{name}.arrow") as file:
                names[name] = file.read_all().column(name).combine_chunks()
        kept = {name: value for name, value in facts.items() if name != "intercept"}
        return cls(**kept, **names, factors=factors)


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: A split needs a column, or WALS_ALPHA is given for explicit feedback.
    """
    split.check(settings)
    if "WALS_ALPHA" in given and settings["FEEDBACK_TYPE"] != "IMPLICIT":
        raise BqmlError("wals_alpha is for feedback_type 'IMPLICIT', and this is 'EXPLICIT'")
    if settings["FEEDBACK_TYPE"] != "IMPLICIT":
        settings["WALS_ALPHA"] = None
    return settings


def train(
    kind: Kind, settings: Mapping[str, Any], table: pa.Table, on_iteration: OnIteration | None
) -> Model:
    """Factorize.

    Raises:
        BqmlError: The query does not give users, items and ratings.
        NotImplementedError: A rating of implicit feedback is below 0.
    """
    names = tuple(settings[f"{name}_COL"] for name in ("USER", "ITEM", "RATING"))
    extra = set(table.column_names) - {*names, settings["DATA_SPLIT_COL"]}
    if extra:
        raise BqmlError(
            f"the query gives {', '.join(table.column_names)}; a matrix factorization takes "
            f"{', '.join(names)} alone: leave out {', '.join(sorted(extra))}"
        )
    rows = _complete(table, names)
    trains, evaluates = split.split(rows, settings)
    if len(trains) == 0:
        raise BqmlError("the data split leaves no rows to train on")
    training = rows.take(pa.array(trains))
    users, items = (_known(training.column(name)) for name in names[:2])
    is_explicit = settings["FEEDBACK_TYPE"] == "EXPLICIT"

    def ratings_of(part: pa.Table) -> Ratings:
        found = Ratings(
            _places(part.column(names[0]), users, names[0]),
            _places(part.column(names[1]), items, names[1]),
            floats(part.column(names[2])),
        )
        return found if is_explicit else _summed(found)

    ratings = ratings_of(training)
    held_out = None if evaluates is None else ratings_of(rows.take(pa.array(evaluates)))
    if not is_explicit and (ratings.values < 0).any():
        raise NotImplementedError(
            f"column '{names[2]}' has ratings below 0, which implicit feedback does not take on "
            "the local cloud: filter such rows out"
        )
    count = settings["NUM_FACTORS"] or min(
        MOST, max(FEWEST, round(math.log2(max(2, training.num_rows))))
    )
    factors, iterations = _steps(
        Factors.started(
            len(users), len(items), count, float(ratings.values.mean()) if is_explicit else 0.0
        ),
        ratings,
        held_out,
        settings,
        on_iteration,
    )
    judged = ratings if held_out is None else held_out
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options={**settings, "NUM_FACTORS": count},
        feature_columns=[(name, bigquery_type(rows.schema.field(name).type)) for name in names[:2]],
        label_columns=[(names[2] if is_explicit else f"{names[2]}_confidence", "FLOAT64")],
        iterations=iterations,
        # Of users and items ML.FEATURE_INFO tells nothing but how many there are.
        feature_statistics={
            names[0]: {"null_count": None, "category_count": len(users)},
            names[1]: {"null_count": None, "category_count": len(items)},
        },
        fitted=Recommender(
            user_column=names[0],
            item_column=names[1],
            rating_column=names[2],
            users=users,
            items=items,
            factors=factors,
            is_explicit=is_explicit,
            scores=_scores(factors, judged, is_explicit=is_explicit),
        ),
    )


def _steps(
    factors: Factors,
    ratings: Ratings,
    held_out: Ratings | None,
    settings: Mapping[str, Any],
    on_iteration: OnIteration | None,
) -> tuple[Factors, list[Iteration]]:
    is_explicit = settings["FEEDBACK_TYPE"] == "EXPLICIT"
    l2, alpha = settings["L2_REG"], settings["WALS_ALPHA"]

    def loss(of: Ratings) -> float:
        if not is_explicit:
            return weighted_loss(factors, of, l2, alpha)
        return metrics.mean_squared_error(factors.predict(of.users, of.items), of.values)

    iterations: list[Iteration] = []
    for index in range(settings["MAX_ITERATIONS"]):
        started = time.monotonic()
        if is_explicit:
            factors = explicit_step(factors, ratings, l2)
        else:
            factors = weighted_step(factors, ratings, l2, alpha)
        iterations.append(
            Iteration(
                index=index,
                loss=loss(ratings),
                eval_loss=None if held_out is None else loss(held_out),
                learning_rate=None,
                duration_ms=int((time.monotonic() - started) * 1000),
            )
        )
        if on_iteration:
            on_iteration(iterations[-1])
        if hardly_better(iterations, settings):
            break
    return factors, iterations


def _scores(factors: Factors, ratings: Ratings, *, is_explicit: bool) -> dict[str, float]:
    if is_explicit:
        return metrics.regression(ratings.values, factors.predict(ratings.users, ratings.items))
    known = (ratings.users >= 0) & (ratings.items >= 0)
    if not known.any():
        raise BqmlError("no row has a user and an item that training saw")
    return ranking.metrics(
        factors,
        _summed(Ratings(ratings.users[known], ratings.items[known], ratings.values[known])),
    )


def _summed(ratings: Ratings) -> Ratings:
    """Each pair once: what a user did with an item counts together."""
    pairs, places = np.unique(
        np.column_stack([ratings.users, ratings.items]), axis=0, return_inverse=True
    )
    sums = np.bincount(places.ravel(), weights=ratings.values, minlength=len(pairs))
    return Ratings(pairs[:, 0].astype(np.intp), pairs[:, 1].astype(np.intp), sums)


def _complete(table: pa.Table, names: Sequence[str]) -> pa.Table:
    by_name = {name.casefold(): name for name in table.column_names}
    missing = [name for name in names if name.casefold() not in by_name]
    if missing:
        raise BqmlError(
            f"the query gives {', '.join(table.column_names)}, and lacks {', '.join(missing)}; "
            "user_col, item_col and rating_col name the columns"
        )
    rows = table.rename_columns(
        [
            next((name for name in names if name.casefold() == column.casefold()), column)
            for column in table.column_names
        ]
    )
    for name in names:
        rows = rows.filter(pc.is_valid(rows.column(name)))
    for name in names[:2]:
        if is_nested(rows.schema.field(name).type):
            raise BqmlError(
                f"column '{name}' is {rows.schema.field(name).type}; it must be of a type that "
                "can be grouped by"
            )
    rating = rows.schema.field(names[2]).type
    if is_nested(rating) or not is_numeric(rating):
        raise BqmlError(f"column '{names[2]}' is {rating}; a rating must be a number")
    if not np.isfinite(floats(rows.column(names[2]))).all():
        raise BqmlError(f"column '{names[2]}' has infinite values or NaN; filter such rows out")
    if rows.num_rows == 0:
        raise BqmlError(f"no row has values in all of {', '.join(names)}")
    return rows


def _known(column: pa.ChunkedArray) -> pa.Array:
    values = column.unique()
    # In the order of their text, whatever order the rows came in.
    order = pc.sort_indices(texts(pa.chunked_array([values])))
    return values.take(order)


def _places(column: pa.ChunkedArray, known: pa.Array, name: str) -> Places:
    """Place of each value among those that training saw; -1 for others and NULL."""
    try:
        same = column.cast(known.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BqmlError(
            f"column '{name}' is {column.type}, and the model needs {known.type} there"
        ) from error
    found = pc.index_in(same, known, skip_nulls=True)
    places: Places = pc.fill_null(found, -1).to_numpy().astype(np.intp)
    return places


def _found(rows: pa.Table, name: str) -> str | None:
    return next((c for c in rows.column_names if c.casefold() == name.casefold()), None)
