"""A fitted model: facts, what was fitted, and how both are kept on disk."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from localcloud.bqml.errors import BqmlError

FILE = "model.json"
FORMAT = 2


@dataclass(frozen=True)
class Iteration:
    """One step of a training.

    Attributes:
        index: 0 for the first.
        loss: Log loss or mean squared error on the training rows; None where there is none.
        eval_loss: The same on the evaluation rows; None without any.
        learning_rate: Of this step; None where the solver has none.
        duration_ms: Milliseconds it took.
        clusters: Of k-means, the `centroid_id`, `cluster_radius` and `cluster_size` of each.
    """

    index: int
    loss: float | None
    eval_loss: float | None
    learning_rate: float | None
    duration_ms: int
    clusters: Sequence[Mapping[str, Any]] = ()

    def rest(self) -> dict[str, Any]:
        """The step as the REST API's `IterationResult` has it."""
        return {
            "index": self.index,
            "durationMs": str(self.duration_ms),
            **({} if self.loss is None else {"trainingLoss": self.loss}),
            **({} if self.eval_loss is None else {"evalLoss": self.eval_loss}),
            **({} if self.learning_rate is None else {"learnRate": self.learning_rate}),
            **(
                {"clusterInfos": [_cluster_info(one) for one in self.clusters]}
                if self.clusters
                else {}
            ),
        }


def _cluster_info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "centroidId": str(cluster["centroid_id"]),
        "clusterRadius": cluster["cluster_radius"],
        "clusterSize": str(cluster["cluster_size"]),
    }


OnIteration = Callable[[Iteration], None]


def hardly_better(iterations: list[Iteration], settings: Mapping[str, Any]) -> bool:
    """Whether EARLY_STOP ends the training after the last of these iterations.

    The loss that counts is that of the evaluation rows, which are there to avoid overfitting by
    early stopping, and without any that of the training rows:
    https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm#data_split_method
    """
    if not settings["EARLY_STOP"] or len(iterations) < 2:
        return False
    before, after = (
        (step.loss or 0.0) if step.eval_loss is None else step.eval_loss for step in iterations[-2:]
    )
    return before <= 0 or (before - after) / before < settings["MIN_REL_PROGRESS"]


class Fitted(Protocol):
    """What a kind of model fits. Functions that only some kinds have ask for their own class."""

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """The columns that ML.PREDICT adds.

        Raises:
            BqmlError: A column is missing, or a setting is wrong.
        """
        ...

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """Metrics by name, in ML.EVALUATE's order.

        Args:
            rows: What to judge the model on; None: the evaluation rows of its training.
            settings: Of ML.EVALUATE.

        Raises:
            BqmlError: A column is missing, or a setting is wrong.
        """
        ...

    def training_run(self) -> dict[str, Any]:
        """Fields of the REST resource `TrainingRun` that only this kind knows.

        `result` has those of the last `IterationResult`.
        """
        ...

    def save(self, directory: Path) -> dict[str, Any]:
        """Write large parts as files, return the rest as JSON."""
        ...


@dataclass(frozen=True)
class Model:
    """A fitted model.

    Attributes:
        kind: Its MODEL_TYPE, such as `LOGISTIC_REG`.
        model_type: Its name in the REST API, such as `LOGISTIC_REGRESSION`.
        options: Every option with the value that was used.
        feature_columns: Name and BigQuery type of each input column.
        label_columns: Name and BigQuery type of the column it predicts; empty for kinds without.
        iterations: The steps of its training.
        feature_statistics: What `statistics.of_columns` says of each feature of the training rows.
        fitted: What was fitted.
        is_tuned: Whether it has trials.
        earlier: The steps of the trainings that WARM_START went on from, the first first.
        origins: With TRANSFORM the columns before it that each feature is made of; then the
            statistics are of those.
    """

    kind: str
    model_type: str
    options: Mapping[str, Any]
    feature_columns: Sequence[tuple[str, str]]
    label_columns: Sequence[tuple[str, str]]
    iterations: Sequence[Iteration]
    feature_statistics: Mapping[str, Mapping[str, Any]]
    fitted: Fitted
    is_tuned: bool = False
    earlier: Sequence[Sequence[Iteration]] = ()
    origins: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def resource(self) -> dict[str, Any]:
        """Fields of the REST resource `Model` that only tuned models have: their trials."""
        from localcloud.bqml.tuning.tuned import Tuned

        return self.fitted.resource() if isinstance(self.fitted, Tuned) else {}

    @property
    def training_runs(self) -> list[dict[str, Any]]:
        """`trainingRuns` of the REST resource `Model`: this training's.

        Without `startTime`, `dataSplitResult` and registration, which the training does not know.
        https://cloud.google.com/bigquery/docs/reference/rest/v2/models#TrainingRun
        """
        from localcloud.bqml.rest import training_run

        return [training_run(self)]

    def save(self, directory: Path) -> None:
        """Write the model into a directory; made when it is not there."""
        directory.mkdir(parents=True, exist_ok=True)
        facts = {
            "format": FORMAT,
            "kind": self.kind,
            "model_type": self.model_type,
            "options": dict(self.options),
            "feature_columns": list(self.feature_columns),
            "label_columns": list(self.label_columns),
            "iterations": [asdict(step) for step in self.iterations],
            "feature_statistics": dict(self.feature_statistics),
            "is_tuned": self.is_tuned,
            "origins": {name: list(columns) for name, columns in self.origins.items()},
            "earlier": [[asdict(step) for step in run] for run in self.earlier],
            "fitted": self.fitted.save(directory),
        }
        # Last, so that a directory with this file in it is whole.
        (directory / FILE).write_text(json.dumps(facts, indent=1) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """Read what `save` wrote.

        Raises:
            BqmlError: It was written in a format, or is of a kind, that this version does not know.
        """
        from localcloud.bqml.kinds import KINDS
        from localcloud.bqml.tuning.tuned import Tuned

        facts = json.loads((directory / FILE).read_text())
        if facts["format"] != FORMAT:
            raise BqmlError(
                f"{directory / FILE} has format {facts['format']}; this version reads {FORMAT}: "
                "train the model again"
            )
        if facts["kind"] not in KINDS:
            raise BqmlError(
                f"{directory / FILE} is a model of type {facts['kind']}; this version knows "
                f"{', '.join(sorted(KINDS))}: train the model again"
            )
        is_tuned = facts.get("is_tuned", False)
        load = Tuned.load if is_tuned else KINDS[facts["kind"]].load
        return cls(
            kind=facts["kind"],
            model_type=facts["model_type"],
            options=facts["options"],
            feature_columns=[(name, kind) for name, kind in facts["feature_columns"]],
            label_columns=[(name, kind) for name, kind in facts["label_columns"]],
            iterations=[Iteration(**step) for step in facts["iterations"]],
            feature_statistics=facts["feature_statistics"],
            fitted=load(facts["fitted"], directory),
            is_tuned=is_tuned,
            origins=facts.get("origins", {}),
            earlier=[[Iteration(**step) for step in run] for run in facts.get("earlier", [])],
        )
