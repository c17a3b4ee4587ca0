"""What a run of a v1 monitoring job computes: skew against training data, drift between windows.

Source: https://cloud.google.com/vertex-ai/docs/model-monitoring/using-model-monitoring-v1
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import drift
from localcloud.errors import ApiError, Json
from localcloud.vertex import distribution, monitoring_input, payload, serving_log
from localcloud.vertex.monitoring_input import BigQueryInput, Fields, FileInput, Input, Room

SKEW, DRIFT = "RAW_FEATURE_SKEW", "RAW_FEATURE_DRIFT"
DEFAULT_THRESHOLD = 0.3
"""Where a job names none: https://cloud.google.com/vertex-ai/docs/model-monitoring/overview"""
FORMATS = {"csv": "CSV", "jsonl": "JSONL"}


@dataclass(frozen=True)
class Objective:
    """What is compared of one deployment.

    Attributes:
        kind: `RAW_FEATURE_SKEW` or `RAW_FEATURE_DRIFT`.
        thresholds: Features with a threshold of their own.
        default: Threshold of all other features; None: they are not compared.
        training: The training data; only for skew.
        sample_rate: The part of the training data that is read, over 0 and at most 1.
    """

    kind: str
    thresholds: Mapping[str, float]
    default: float | None
    training: tuple[Input, ...] = ()
    sample_rate: float = 1.0

    def watched(self, features: Sequence[str]) -> dict[str, float]:
        """The features compared, with their thresholds."""
        every = features if self.default is not None else ()
        return {**dict.fromkeys(every, self.default or 0.0), **self.thresholds}


@dataclass(frozen=True)
class Deployment:
    """One deployment with its objectives."""

    deployed_model_id: str
    objectives: tuple[Objective, ...]


def plan(job: Json) -> list[Deployment]:
    """Read a job.

    Raises:
        ApiError: INVALID_ARGUMENT, something is missing or malformed; UNIMPLEMENTED, it asks for
            what the local cloud does not compute.
    """
    found = []
    for each in job["modelDeploymentMonitoringObjectiveConfigs"]:
        config = each.get("objectiveConfig", {})
        if config.get("explanationConfig", {}).get("enableFeatureAttributes"):
            raise ApiError(
                "UNIMPLEMENTED",
                "explanation_config.enable_feature_attributes: the local cloud computes skew and "
                "drift of features, not of their attributions.",
            )
        objectives = []
        if "trainingPredictionSkewDetectionConfig" in config:
            training = config.get("trainingDataset", {})
            objectives.append(
                _objective(
                    SKEW,
                    config["trainingPredictionSkewDetectionConfig"],
                    ("skewThresholds", "defaultSkewThreshold"),
                    _training(training, str(job["name"]).split("/")[1]),
                    sample_rate(training.get("loggingSamplingStrategy", {}), 1.0),
                )
            )
        if "predictionDriftDetectionConfig" in config:
            objectives.append(
                _objective(
                    DRIFT,
                    config["predictionDriftDetectionConfig"],
                    ("driftThresholds", "defaultDriftThreshold"),
                )
            )
        if not objectives:
            raise _wrong(
                "objective_config must have a training_prediction_skew_detection_config or a "
                "prediction_drift_detection_config."
            )
        found.append(Deployment(str(each["deployedModelId"]), tuple(objectives)))
    return found


def _objective(
    kind: str,
    config: Json,
    names: tuple[str, str],
    training: tuple[Input, ...] = (),
    rate: float = 1.0,
) -> Objective:
    thresholds = {
        feature: float(each.get("value", 0.0)) for feature, each in config.get(names[0], {}).items()
    }
    default = config.get(names[1], {}).get("value")
    if default is None and not thresholds:
        default = DEFAULT_THRESHOLD
    return Objective(kind, thresholds, default, training, rate)


def _training(dataset: Json, project: str) -> tuple[Input, ...]:
    name = "training_dataset"
    if dataset.get("dataset"):
        raise ApiError(
            "UNIMPLEMENTED",
            f"{name}.dataset is not read by the local cloud, which has no managed datasets: use "
            "bigquery_source or gcs_source.",
        )
    if uri := dataset.get("bigquerySource", {}).get("inputUri"):
        return (BigQueryInput(monitoring_input.bigquery_table(name, uri, project), uri),)
    uris = dataset.get("gcsSource", {}).get("uris", [])
    if not uris:
        raise _wrong(
            f"{name} must have a bigquery_source or a gcs_source for the detection of skew."
        )
    kind = str(dataset.get("dataFormat", ""))
    if kind == "tf-record":
        raise ApiError(
            "UNIMPLEMENTED",
            f"{name}.data_format tf-record is not read by the local cloud; "
            f"{' and '.join(FORMATS)} are.",
        )
    if kind not in FORMATS:
        raise _wrong(f"{name}.data_format {kind!r}: allowed are csv, jsonl and tf-record.")
    return tuple(FileInput(str(uri), FORMATS[kind]) for uri in uris)


def sample_rate(strategy: Json, default: float | None) -> float:
    """The rate of a `SamplingStrategy`.

    Raises:
        ApiError: INVALID_ARGUMENT, it is none of (0, 1].
    """
    rate = strategy.get("randomSampleConfig", {}).get("sampleRate", default)
    if rate is None or not 0 < float(rate) <= 1:
        raise _wrong(f"random_sample_config.sample_rate must be over 0 and at most 1; got {rate}.")
    return float(rate)


def span(job: Json, name: str) -> timedelta:
    """`monitorInterval`, rounded up to the hour, or `monitorWindow`, which may be left out.

    Raises:
        ApiError: INVALID_ARGUMENT, it is not positive.
    """
    config = job["modelDeploymentMonitoringScheduleConfig"]
    text = config.get(name)
    if not text and name == "monitorWindow":
        return span(job, "monitorInterval")
    seconds = float(str(text).removesuffix("s"))
    if seconds <= 0:
        raise _wrong(f"schedule config: {name} must be positive; got {text}.")
    if name == "monitorInterval":
        return timedelta(hours=math.ceil(seconds / 3600))
    return timedelta(seconds=seconds)


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def features_of(instance: Any) -> list[str]:
    """The features of an instance, or of the first of several; JSON's text or parsed.

    Raises:
        ValueError: It has no names.
    """
    if isinstance(instance, str):
        instance = json.loads(instance)
    if isinstance(instance, list) and instance and isinstance(instance[0], Mapping):
        instance = instance[0]
    if not isinstance(instance, Mapping):
        raise ValueError(
            f"{json.dumps(instance)[:80]} has no names of features: instances must be objects."
        )
    return list(instance)


def compute(
    room: Room,
    endpoint: str,
    each: Deployment,
    features: Sequence[str],
    end: datetime,
    length: timedelta,
) -> list[Json]:
    """Compare what a deployment was asked in the window that ends at `end`.

    Returns:
        A row a feature and objective: `objective`, `deployedModelId`, `feature`, `threshold`,
        `startTime`, `endTime`, and `deviation` where there is something to compare with.

    Raises:
        ValueError: The data cannot be read or compared.
    """
    names = list(dict.fromkeys(n for o in each.objectives for n in o.watched(features)))
    current = _asked(room, endpoint, each, names, end - length, end)
    if not current:
        return []
    rows = []
    for objective in each.objectives:
        watched = objective.watched(features)
        baseline = (
            _trained(room, objective, list(watched))
            if objective.kind == SKEW
            else _asked(room, endpoint, each, names, end - 2 * length, end - length)
        )
        for feature, threshold in watched.items():
            row: Json = {
                "objective": objective.kind,
                "deployedModelId": each.deployed_model_id,
                "feature": feature,
                "threshold": threshold,
                "startTime": (end - length).isoformat(),
                "endTime": end.isoformat(),
            }
            if baseline:
                row["deviation"] = distance(feature, baseline[feature], current[feature])
            rows.append(row)
    return rows


def _asked(
    room: Room,
    endpoint: str,
    each: Deployment,
    names: Sequence[str],
    start: datetime,
    end: datetime,
) -> dict[str, pa.ChunkedArray]:
    sql = serving_log.window(endpoint, each.deployed_model_id, start, end)
    logged = room.engine.query(room.project, sql).to_pylist()
    items = [item for row in logged for item in row["request_payload"] or []]
    return payload.columns(items, names, names) if items else {}


def _trained(room: Room, objective: Objective, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    parts = [source.read(room, Fields(tuple(names), ())) for source in objective.training]
    found = {}
    for name in names:
        column = pa.chunked_array([c for part in parts for c in part[name].chunks])
        if objective.sample_rate < 1:
            # The same rows at every run, so that the baseline does not move.
            kept = np.random.default_rng(0).random(len(column)) < objective.sample_rate
            column = column.filter(pa.array(kept))
        found[name] = column
    return found


def distance(name: str, baseline: pa.ChunkedArray, current: pa.ChunkedArray) -> float:
    """Jensen-Shannon divergence of numbers, L-infinity distance of categories.

    Raises:
        ValueError: One side are numbers and the other is not.
    """
    numbers = [distribution.is_number(side.type) for side in (baseline, current)]
    if numbers[0] != numbers[1] and baseline.null_count < len(baseline) > 0:
        raise ValueError(
            f"{name} is {baseline.type} in the baseline and {current.type} in the requests."
        )
    if all(numbers):
        return float(drift.numeric_distance(baseline, current))
    return float(drift.categorical_distance(baseline, current))
