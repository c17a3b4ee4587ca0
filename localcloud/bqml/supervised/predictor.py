"""A fitted estimator with all it takes to score, judge and explain rows of a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import arrow_type, floats, is_numeric, text, texts
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.supervised import metrics, rest
from localcloud.bqml.supervised.estimator import Estimator
from localcloud.bqml.supervised.explanation import GlobalExplanation

HELD_OUT = "held_out.npz"


@dataclass(frozen=True)
class Predictor:
    """What a model that predicts a label has learnt.

    Attributes:
        label: The column it predicts.
        label_type: That column's BigQuery type.
        classes: Classes in order, as the label column has them; empty for a regressor.
        encoding: How columns become numbers.
        estimator: What was fitted over them.
        held_out: Of the evaluation rows, or of the training rows without any: what is, and what
            the model says. Numbers, or of a classifier places of classes and probabilities.
        explanation: Which columns matter; None unless ENABLE_GLOBAL_EXPLAIN asked for it.
    """

    label: str
    label_type: str
    classes: Sequence[Any]
    encoding: Encoding
    estimator: Estimator
    held_out: tuple[Floats, Floats]
    explanation: GlobalExplanation | None

    @property
    def labels(self) -> pa.Array:
        """The classes as a column of the label's type."""
        return pa.array(self.classes, arrow_type(self.label_type))

    def scores(self, rows: pa.Table) -> Floats:
        """Numbers, or of a classifier a row of probabilities each.

        Raises:
            BqmlError: A column is missing or of a wrong type.
        """
        return self.estimator.predict(self.encoding.encode(rows))

    def threshold(self, settings: Mapping[str, Any]) -> float:
        """The probability from which the second of two classes is predicted.

        Raises:
            BqmlError: It is given for a model that has none, or is not from 0 to 1.
        """
        given = settings.get("threshold")
        if given is None:
            return metrics.THRESHOLD
        if len(self.classes) != 2:
            raise BqmlError(
                f"threshold is for models with two classes, and this has {len(self.classes)}"
            )
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given <= 1:
            raise BqmlError(f"threshold is {given!r}; give a number from 0 to 1")
        return float(given)

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`: the label, and of a classifier the probability of each class."""
        threshold = self.threshold(settings)
        scores = self.scores(rows)
        if not self.classes:
            return {f"predicted_{self.label}": pa.array(scores, pa.float64())}
        predicted = metrics.classes(scores, threshold)
        return {
            f"predicted_{self.label}": self.labels.take(pa.array(predicted)),
            f"predicted_{self.label}_probs": ranked(scores, self.labels, ("label", "prob")),
        }

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`."""
        threshold = self.threshold(settings)
        actual, predicted = self.held_out if rows is None else self.judged(rows)
        if self.classes:
            return metrics.classification(actual.astype(np.intp), predicted, threshold)
        return metrics.regression(actual, predicted)

    def labelled(self, table: pa.Table) -> pa.Table:
        """The rows that have a label.

        Raises:
            BqmlError: The label's column is missing or empty.
        """
        by_name = {name.casefold(): name for name in table.column_names}
        name = by_name.get(self.label.casefold())
        if name is None:
            raise BqmlError(
                f"Required column '{self.label}', the label, is missing from input, which has "
                f"{', '.join(table.column_names)}"
            )
        rows = table.filter(pc.is_valid(table.column(name)))
        if rows.num_rows == 0:
            raise BqmlError(f"no input row has a label in '{self.label}'")
        return rows.rename_columns(
            [self.label if column == name else column for column in rows.column_names]
        )

    def judged(self, table: pa.Table) -> tuple[Floats, Floats]:
        """What is and what the model says, of the rows that have a label.

        Returns:
            Numbers, or of a classifier the places of classes; predictions, or of a classifier
            probabilities.

        Raises:
            BqmlError: The label's column is missing, empty, or has a class unknown to the model.
        """
        rows = self.labelled(table)
        column = rows.column(self.label)
        if not self.classes:
            if not is_numeric(column.type):
                raise BqmlError(f"the label '{self.label}' is {column.type}; it must be a number")
            return floats(column), self.scores(rows)
        written = texts(column)
        known = [text(label) for label in self.classes]
        places = pc.index_in(written, pa.array(known, pa.string()))
        if places.null_count:
            unknown = written.filter(pc.is_null(places)).unique().to_pylist()
            raise BqmlError(
                f"label '{unknown[0]}' was not there in training; the classes are "
                f"{', '.join(known)}"
            )
        return places.to_numpy().astype(np.float64), self.scores(rows)

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        return rest.training_run(self)

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        actual, predicted = self.held_out
        np.savez(directory / HELD_OUT, actual=actual, predicted=predicted)
        return {
            "label": self.label,
            "label_type": self.label_type,
            "classes": list(self.classes),
            "encoding": self.encoding.to_json(),
            "estimator": self.estimator.save(directory),
            "explanation": None if self.explanation is None else self.explanation.to_json(),
        }

    @classmethod
    def load(
        cls,
        facts: Mapping[str, Any],
        directory: Path,
        *,
        load_estimator: Callable[[Mapping[str, Any], Path], Estimator],
    ) -> "Predictor":
        """Read what `save` wrote.

        Args:
            facts: What it returned.
            directory: Where it wrote files.
            load_estimator: Reads the estimator.
        """
        with np.load(directory / HELD_OUT, allow_pickle=False) as arrays:
            held_out = (arrays["actual"], arrays["predicted"])
        explanation = facts["explanation"]
        return cls(
            label=facts["label"],
            label_type=facts["label_type"],
            classes=facts["classes"],
            encoding=Encoding.from_json(facts["encoding"]),
            estimator=load_estimator(facts["estimator"], directory),
            held_out=held_out,
            explanation=None
            if explanation is None
            else GlobalExplanation(explanation["model"], tuple(explanation["classes"])),
        )


def ranked(
    scores: Floats, names: pa.Array, fields: tuple[str, str], most: int | None = None
) -> pa.Array:
    """`ARRAY<STRUCT<name, score>>` of each row, the largest score in size first.

    Args:
        scores: A row each, a column each name.
        names: Of the columns.
        fields: What the two fields of the struct are called.
        most: How many each row keeps; None: all.
    """
    rows, count = scores.shape
    kept = count if most is None else min(most, count)
    order = np.argsort(-np.abs(scores), axis=1, kind="stable")[:, :kept]
    entries = pa.StructArray.from_arrays(
        [
            names.take(pa.array(order.ravel())),
            pa.array(np.take_along_axis(scores, order, axis=1).ravel(), pa.float64()),
        ],
        names=list(fields),
    )
    offsets = pa.array(np.arange(rows + 1) * kept, pa.int32())
    return pa.ListArray.from_arrays(offsets, entries)
