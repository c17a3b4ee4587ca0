"""The trials of a tuned model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from localcloud.bqml import rest
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.model import Fitted, Model


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        id: 1 for the first.
        hyperparameters: What was tried, by option.
        objective: What the search goes by, on the evaluation rows; None of a trial that failed.
        training_loss: After the last iteration, on the training rows.
        eval_loss: The same on the evaluation rows.
        metrics: What ML.EVALUATE says, of the test rows.
        status: `SUCCEEDED`, `FAILED` or `INFEASIBLE`.
        error: Why it did not succeed; empty where it did.
        start_ms: When it began, in milliseconds since 1970.
        end_ms: When it ended.
        model: What was trained; None where nothing was.
    """

    id: int
    hyperparameters: Mapping[str, Any]
    objective: float | None
    training_loss: float | None
    eval_loss: float | None
    metrics: Mapping[str, float]
    status: str
    error: str
    start_ms: int
    end_ms: int
    model: Model | None


@dataclass(frozen=True)
class Tuned:
    """All trials.

    Attributes:
        trials: In the order in which they ran.
        objective: The metric that the search went by, such as `roc_auc`.
        optimal: Ids of the best trials, the default first.
    """

    trials: Sequence[Trial]
    objective: str
    optimal: Sequence[int]

    @property
    def default(self) -> Trial:
        """The trial that answers unless another is asked for."""
        return next(trial for trial in self.trials if trial.id == self.optimal[0])

    @property
    def succeeded(self) -> list[Trial]:
        """The trials that have a model."""
        return [trial for trial in self.trials if trial.model is not None]

    def trial(self, trial_id: Any) -> Trial:
        """One trial; the default for None.

        Raises:
            BqmlError: There is none of this id, or it did not succeed.
        """
        if trial_id is None:
            return self.default
        for trial in self.succeeded:
            if trial.id == trial_id and not isinstance(trial_id, bool):
                return trial
        known = ", ".join(str(trial.id) for trial in self.succeeded)
        raise BqmlError(f"trial_id is {trial_id!r}; the trials that succeeded are {known}")

    def fitted(self) -> Fitted:
        """What the default trial fitted."""
        model = self.default.model
        if model is None:
            raise BqmlError("the default trial has no model")
        return model.fitted

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`; of the default trial."""
        return self.fitted().predict(rows, settings)

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`; of the default trial, on the test rows where none are given."""
        if rows is None:
            return dict(self.default.metrics)
        return self.fitted().evaluate(rows, settings)

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`; of the default trial."""
        return self.fitted().training_run()

    def resource(self) -> dict[str, Any]:
        """Fields of the REST resource `Model` that only tuned models have."""
        return {
            "hparamTrials": [self._as_rest(trial) for trial in self.trials],
            "optimalTrialIds": [str(trial_id) for trial_id in self.optimal],
            "defaultTrialId": str(self.default.id),
            "bestTrialId": str(self.default.id),
        }

    def _as_rest(self, trial: Trial) -> dict[str, Any]:
        found: dict[str, Any] = {
            "trialId": str(trial.id),
            "startTimeMs": str(trial.start_ms),
            "endTimeMs": str(trial.end_ms),
            "hparams": rest.options(trial.hyperparameters),
            "status": trial.status,
        }
        if trial.error:
            found["errorMessage"] = trial.error
        for name, value in (
            ("trainingLoss", trial.training_loss),
            ("evalLoss", trial.eval_loss),
        ):
            if value is not None:
                found[name] = value
        if trial.model is not None:
            run = trial.model.fitted.training_run()
            found["evaluationMetrics"] = run.get("evaluationMetrics", {})
            found["hparamTuningEvaluationMetrics"] = run.get("evaluationMetrics", {})
        return found

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`; each trial's model has a directory of its own."""
        for trial in self.succeeded:
            if trial.model is not None:
                trial.model.save(directory / f"trial_{trial.id}")
        return {
            "trials": [
                {
                    **asdict(replace(trial, model=None)),
                    "model": trial.model is not None,
                }
                for trial in self.trials
            ],
            "objective": self.objective,
            "optimal": list(self.optimal),
        }

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Tuned":
        """Read what `save` wrote."""
        trials = [
            Trial(
                **{
                    **item,
                    "model": Model.load(directory / f"trial_{item['id']}")
                    if item["model"]
                    else None,
                }
            )
            for item in facts["trials"]
        ]
        return cls(trials, facts["objective"], facts["optimal"])
