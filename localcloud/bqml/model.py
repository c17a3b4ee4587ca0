"""A fitted model: facts, encoding and estimator, and how they are kept on disk."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import boosted_tree, linear
from localcloud.bqml.encoding import Encoding
from localcloud.bqml.estimator import Estimator, Iteration
from localcloud.bqml.metrics import Floats

__all__ = ["Iteration", "Model"]

FILE = "model.json"
HELD_OUT = "held_out.npz"
FORMAT = 1


@dataclass(frozen=True)
class Model:
    """A fitted model.

    Attributes:
        model_type: Its name in the REST API, such as `LOGISTIC_REGRESSION`.
        family: `linear` or `boosted_tree`.
        settings: Every option with the value that was used.
        feature_columns: Name and BigQuery type of each input column.
        label_columns: Name and BigQuery type of the column it predicts.
        classes: Classes in order, as the label column has them; empty for a regressor.
        iterations: The steps of its training.
        evaluation: Metrics on the evaluation rows, by name.
        held_out: Of the evaluation rows, what is and what the model says: numbers, or of a
            classifier places among the classes and probabilities.
        feature_statistics: For each feature what ML.FEATURE_INFO, ML.VALIDATE_DATA_SKEW and
            ML.GLOBAL_EXPLAIN need of the training rows.
        encoding: How columns become numbers.
        estimator: What was fitted.
    """

    model_type: str
    family: str
    settings: Mapping[str, Any]
    feature_columns: Sequence[tuple[str, str]]
    label_columns: Sequence[tuple[str, str]]
    classes: Sequence[Any]
    iterations: Sequence[Iteration]
    evaluation: Mapping[str, float]
    held_out: tuple[Floats, Floats]
    feature_statistics: Mapping[str, Mapping[str, Any]]
    encoding: Encoding
    estimator: Estimator

    @property
    def label(self) -> str:
        """The column it predicts."""
        return self.label_columns[0][0]

    @property
    def training_runs(self) -> list[dict[str, Any]]:
        """`trainingRuns` of the REST resource `Model`, without start time and registration.

        https://cloud.google.com/bigquery/docs/reference/rest/v2/models#TrainingRun
        """
        from localcloud.bqml.rest import training_run

        return [training_run(self)]

    def predict(self, table: pa.Table) -> Floats:
        """Numbers, or of a classifier a row of probabilities each."""
        return self.estimator.predict(self.encoding.encode(table))

    def save(self, directory: Path) -> None:
        """Write the model into a directory; made when it is not there."""
        directory.mkdir(parents=True, exist_ok=True)
        actual, predicted = self.held_out
        np.savez_compressed(directory / HELD_OUT, actual=actual, predicted=predicted)
        facts = {
            "format": FORMAT,
            "model_type": self.model_type,
            "family": self.family,
            "settings": dict(self.settings),
            "feature_columns": list(self.feature_columns),
            "label_columns": list(self.label_columns),
            "classes": list(self.classes),
            "iterations": [asdict(step) for step in self.iterations],
            "evaluation": dict(self.evaluation),
            "feature_statistics": dict(self.feature_statistics),
            "encoding": self.encoding.to_json(),
            "estimator": self.estimator.save(directory),
        }
        (directory / FILE).write_text(json.dumps(facts, indent=1) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """Read what `save` wrote.

        Raises:
            ValueError: It was written in a format that this version does not know.
        """
        facts = json.loads((directory / FILE).read_text())
        if facts["format"] != FORMAT:
            raise ValueError(
                f"{directory / FILE} has format {facts['format']}; this version reads {FORMAT}: "
                "train the model again"
            )
        with np.load(directory / HELD_OUT, allow_pickle=False) as arrays:
            held_out = (arrays["actual"], arrays["predicted"])
        return cls(
            model_type=facts["model_type"],
            family=facts["family"],
            settings=facts["settings"],
            feature_columns=[(name, kind) for name, kind in facts["feature_columns"]],
            label_columns=[(name, kind) for name, kind in facts["label_columns"]],
            classes=facts["classes"],
            iterations=[Iteration(**step) for step in facts["iterations"]],
            evaluation=facts["evaluation"],
            held_out=held_out,
            feature_statistics=facts["feature_statistics"],
            encoding=Encoding.from_json(facts["encoding"]),
            estimator=_estimator(facts["family"], facts["estimator"], directory),
        )


def _estimator(family: str, facts: Mapping[str, Any], directory: Path) -> Estimator:
    if family == "linear":
        return linear.Linear.load(facts)
    return boosted_tree.BoostedTree.load(facts, directory)
