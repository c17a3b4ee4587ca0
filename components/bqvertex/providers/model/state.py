"""What the state keeps of a live model, and what of it has drifted."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bqvertex.clients.bigquery import Job, LiveModel
from bqvertex.providers.lifecycle import Bag
from bqvertex.specs import label
from bqvertex.specs.inputs import Problem, known
from bqvertex.specs.location import same_location
from bqvertex.specs.model import ModelSpec

COMPUTED: Final = frozenset(
    {
        "bytes_processed",
        "creation_time",
        "evaluation_metrics",
        "feature_columns",
        "label_columns",
        "model_path",
        "model_type",
        "seconds",
        "trained_at",
        "training_job_id",
        "training_metrics",
    }
)
"""Outputs that are no inputs."""

_ITERATION: Final = {
    "training_loss": "trainingLoss",
    "evaluation_loss": "evalLoss",
    "learn_rate": "learnRate",
}


def facts(live: LiveModel) -> Bag:
    """Say what BigQuery tells of a model at any time."""
    return {
        "model_type": live.model_type,
        "feature_columns": dict(live.feature_columns),
        "label_columns": dict(live.label_columns),
        "trained_at": rfc3339(live.trained_at),
        "creation_time": rfc3339(live.creation_time),
    }


def job_facts(job: Job | None) -> Bag:
    """Say what the training's job tells; None for a model that this declaration did not train."""
    return {
        "training_job_id": job.job_id if job else "",
        "seconds": job.seconds if job else 0.0,
        "bytes_processed": job.bytes_processed if job else 0,
    }


def training_metrics(live: LiveModel, job: Job | None) -> dict[str, float]:
    """Say how the training went: iterations, the losses of the last one, trials.

    Args:
        live: The model.
        job: The job that trained it; None where it is not known.
    """
    runs = live.training_runs
    iterations: Sequence[Mapping[str, Any]] = runs[-1].get("results", ()) if runs else ()
    found: dict[str, Any] = {}
    if iterations:
        found["iterations"] = len(iterations)
        found |= {name: iterations[-1].get(field) for name, field in _ITERATION.items()}
    if job is not None and job.trials:
        found["trials"] = job.trials
    return finite(found)


def finite(values: Mapping[str, Any]) -> dict[str, float]:
    """Keep the numbers: a metric can be NaN, as the AUC of one class, and a state holds no NaN."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    }


def seen(spec: ModelSpec, state: Bag, live: LiveModel) -> Bag:
    """Say what a live model's inputs would be; what means the same is left as it is."""
    found: Bag = {
        "location": live.location,
        "description": live.description,
        "labels": label.own(live.labels),
        "expiration": live.expiration,
        "definition_hash": _live_definition(spec, state, live),
        "owner": (
            spec.owner
            if live.labels.get(label.OWNER) == label.short_hash(spec.owner)
            else f"another one: label {label.OWNER} is not this declaration's"
        ),
    }
    return {
        name: state.get(name) if _means_the_same(name, value, state) else value
        for name, value in found.items()
    }


def inputs_of(state: Bag) -> Bag:
    """Pick the inputs out of a state."""
    kept = {key: value for key, value in state.items() if key not in COMPUTED}
    if _is_of_version_0_1(state):
        kept.pop("evaluation", None)
    return kept


def computed_of(state: Bag) -> Bag:
    """Pick the outputs that are no inputs out of a state."""
    kept = {key: value for key, value in state.items() if key in COMPUTED}
    if _is_of_version_0_1(state) and "evaluation" in state:
        kept["evaluation_metrics"] = state["evaluation"]
    return kept


def _is_of_version_0_1(state: Bag) -> bool:
    # Its output `evaluation` had the metrics; the input of that name came with version 0.2.
    return "evaluation_metrics" not in state


def _live_definition(spec: ModelSpec, state: Bag, live: LiveModel) -> str:
    made_of = live.labels.get(label.DEFINITION)
    if made_of != spec.definition_label:
        return f"another one: label {label.DEFINITION} is {made_of!r}"
    if state.get("trained_at") not in (None, rfc3339(live.trained_at)):
        return f"another one: trained at {rfc3339(live.trained_at)}"
    return spec.definition_hash


def _means_the_same(name: str, value: Any, state: Bag) -> bool:
    if name == "expiration":
        return same_moment(state.get(name), value)
    if name == "location":
        return same_location(state[name], value)
    return bool((state.get(name) or None) == (value or None))


def moment_problems(inputs: Bag) -> Iterator[Problem]:
    """Yield what is wrong with the input `expiration`."""
    if not known(inputs, "expiration", str):
        return
    text = inputs["expiration"]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        yield (
            "expiration",
            f"{text!r} is no moment with a zone, such as '2027-01-31T00:00:00Z'",
        )


def same_moment(one: Any, other: Any) -> bool:
    """Tell whether two moments are the same to BigQuery, which keeps milliseconds."""
    if not isinstance(one, str) or not isinstance(other, str):
        return bool((one or None) == (other or None))
    try:
        first, second = datetime.fromisoformat(one), datetime.fromisoformat(other)
    except ValueError:
        return one == other
    return abs((first - second).total_seconds()) < 0.001


def rfc3339(moment: datetime | None) -> str | None:
    """Write a moment in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def without_none(bag: Bag) -> Bag:
    """Leave out what has no value."""
    return {key: value for key, value in bag.items() if value is not None}
