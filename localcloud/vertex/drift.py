"""What a monitoring job computes: how far a target's columns are from a baseline's.

Numbers are compared by Jensen-Shannon divergence, categories by L-infinity distance unless the
job says otherwise: https://cloud.google.com/vertex-ai/docs/model-monitoring/overview
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from localcloud.bqml import drift
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import Store, now
from localcloud.vertex import distribution, monitoring_input
from localcloud.vertex.monitoring_input import Columns, Fields, Find, Input, Room

DEFAULT_THRESHOLD = 0.3
"""Where a job names none: https://cloud.google.com/vertex-ai/docs/model-monitoring/overview"""

JENSEN_SHANNON = "jensen_shannon_divergence"
L_INFINITY = "l_infinity"
NUMERIC_TYPES = frozenset({"float", "integer"})
CATEGORICAL_TYPES = frozenset({"boolean", "string", "categorical"})
OUTPUT = "prediction-output-drift"
OBJECTIVES = {
    "featureDriftSpec": ("raw-feature-drift", "featureFields"),
    "predictionOutputDriftSpec": (OUTPUT, "predictionFields"),
}


@dataclass(frozen=True)
class Watched:
    """One column that is compared.

    Attributes:
        objective: Such as `raw-feature-drift`.
        name: The column.
        kind: `numeric`, `categorical`, or empty: as the column's type says.
        numeric_metric: Metric for numbers.
        categorical_metric: Metric for categories.
        numeric_threshold: Distance over which numbers have drifted.
        categorical_threshold: Distance over which categories have drifted.
    """

    objective: str
    name: str
    kind: str
    numeric_metric: str
    categorical_metric: str
    numeric_threshold: float
    categorical_threshold: float


@dataclass(frozen=True)
class Plan:
    """All that a job is to do."""

    project: str
    baseline: Input
    target: Input
    watched: tuple[Watched, ...]


def plan(monitor: Json, job: Json, find: Find) -> Plan:
    """Read a job, with its monitor's settings where the job has none.

    Raises:
        ApiError: INVALID_ARGUMENT, something is missing or malformed; UNIMPLEMENTED, it asks for
            what the local cloud does not compute.
    """
    spec = job.get("modelMonitoringSpec", {}).get("objectiveSpec", {})
    objective = spec.get("tabularObjective") or monitor.get("tabularObjective") or {}
    project = str(monitor["name"]).split("/")[1]
    present = datetime.fromisoformat(job["createTime"])
    schema = monitor.get("modelMonitoringSchema", {})
    watched: list[Watched] = []
    if objective.get("featureAttributionSpec"):
        raise ApiError(
            "UNIMPLEMENTED",
            "feature_attribution_spec is not computed by the local cloud: it computes "
            "feature_drift_spec and prediction_output_drift_spec.",
        )
    for key, (kind, fields) in OBJECTIVES.items():
        if key in objective:
            watched += _watched(kind, objective[key], schema.get(fields, []))
    if not watched:
        raise _wrong(
            "Nothing to compute: set feature_drift_spec or prediction_output_drift_spec with "
            "features, or give the monitor a model_monitoring_schema."
        )
    return Plan(
        project=project,
        baseline=monitoring_input.parse(
            "baseline_dataset",
            spec.get("baselineDataset") or monitor.get("trainingDataset"),
            monitor,
            present,
            find,
        ),
        target=monitoring_input.parse(
            "target_dataset", spec.get("targetDataset"), monitor, present, find
        ),
        watched=tuple(watched),
    )


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def _watched(objective: str, spec: Json, fields: Sequence[Json]) -> list[Watched]:
    types = {field["name"]: str(field.get("dataType", "")).lower() for field in fields}
    numeric_metric = spec.get("numericMetricType") or JENSEN_SHANNON
    categorical_metric = spec.get("categoricalMetricType") or L_INFINITY
    if numeric_metric != JENSEN_SHANNON:
        raise _wrong(f"numeric_metric_type {numeric_metric!r}: allowed is {JENSEN_SHANNON}.")
    if categorical_metric not in (JENSEN_SHANNON, L_INFINITY):
        raise _wrong(
            f"categorical_metric_type {categorical_metric!r}: allowed are {L_INFINITY} and "
            f"{JENSEN_SHANNON}."
        )
    found = []
    for name in spec.get("features") or list(types):
        if types and name not in types:
            raise _wrong(
                f"Feature {name!r} is not in the monitor's schema, which has {', '.join(types)}."
            )
        data_type = types.get(name, "")
        if data_type and data_type not in NUMERIC_TYPES | CATEGORICAL_TYPES:
            raise _wrong(
                f"data_type {data_type!r} of {name!r}: allowed are "
                f"{', '.join(sorted(NUMERIC_TYPES | CATEGORICAL_TYPES))}."
            )
        own = spec.get("featureAlertConditions", {}).get(name)
        numeric, categorical = (
            (own or spec.get(key) or {"threshold": DEFAULT_THRESHOLD}).get("threshold", 0.0)
            for key in ("defaultNumericAlertCondition", "defaultCategoricalAlertCondition")
        )
        found.append(
            Watched(
                objective=objective,
                name=name,
                kind="numeric"
                if data_type in NUMERIC_TYPES
                else "categorical"
                if data_type
                else "",
                numeric_metric=numeric_metric,
                categorical_metric=categorical_metric,
                numeric_threshold=float(numeric),
                categorical_threshold=float(categorical),
            )
        )
    return found


def compute(engine: BigQueryEngine, store: Store, planned: Plan, job_name: str) -> Json:
    """Read both datasets and compare every watched column.

    Returns:
        What the finished job gains: `jobExecutionDetail`, and its points and alerts.

    Raises:
        ValueError: A dataset has no rows, or a column cannot be compared.
    """
    room = Room(engine, store, planned.project)
    fields = Fields(*(_names(planned.watched, kind) for kind in ("raw-feature-drift", OUTPUT)))
    baseline = _rows(room, planned.baseline, fields)
    target = _rows(room, planned.target, fields)
    moment = now()
    points = [
        _compared(watched, baseline[watched.name], target[watched.name], job_name, moment)
        for watched in planned.watched
    ]
    objectives = dict.fromkeys(watched.objective for watched in planned.watched)
    return {
        "jobExecutionDetail": {
            "baselineDatasets": [planned.baseline.processed()],
            "targetDatasets": [planned.target.processed()],
            "objectiveStatus": {objective: {"code": 0} for objective in objectives},
        },
        "localStats": points,
        "localAlerts": [_alert(stats) for stats in points if stats["point"]["hasAnomaly"]],
    }


def _names(watched: Sequence[Watched], objective: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.name for one in watched if one.objective == objective))


def _rows(room: Room, source: Input, fields: Fields) -> Columns:
    columns = source.read(room, fields)
    if all(len(column) == 0 for column in columns.values()):
        raise ValueError(f"{source.location} has no rows to compare.")
    return columns


def _compared(
    watched: Watched, baseline: pa.ChunkedArray, target: pa.ChunkedArray, job: str, moment: str
) -> Json:
    numeric = watched.kind == "numeric" or (
        not watched.kind and distribution.is_number(baseline.type)
    )
    if numeric and not (
        distribution.is_number(baseline.type) and distribution.is_number(target.type)
    ):
        raise ValueError(
            f"{watched.name} is declared a number, and is {baseline.type} in the baseline and "
            f"{target.type} in the target."
        )
    if numeric:
        algorithm, threshold = watched.numeric_metric, watched.numeric_threshold
        distance = drift.numeric_distance(baseline, target)
        shown = distribution.of_numbers(watched.name, baseline, target)
    else:
        algorithm, threshold = watched.categorical_metric, watched.categorical_threshold
        distance = drift.categorical_distance(baseline, target, algorithm)
        shown = (
            distribution.of_categories(watched.name, baseline),
            distribution.of_categories(watched.name, target),
        )
    return {
        "objectiveType": watched.objective,
        "statsName": watched.name,
        "point": {
            "algorithm": algorithm,
            "baselineStats": {"distributionValue": {"distribution": shown[0]}},
            "currentStats": {
                "distributionValue": {
                    "distribution": shown[1],
                    "distributionDeviation": float(distance),
                }
            },
            "thresholdValue": threshold,
            "hasAnomaly": bool(distance > threshold),
            "modelMonitoringJob": job,
            "createTime": moment,
        },
    }


def _alert(stats: Json) -> Json:
    point = stats["point"]
    deviation = point["currentStats"]["distributionValue"]["distributionDeviation"]
    return {
        "statsName": stats["statsName"],
        "objectiveType": stats["objectiveType"],
        "alertTime": point["createTime"],
        "anomaly": {
            "modelMonitoringJob": point["modelMonitoringJob"],
            "algorithm": point["algorithm"],
            "tabularAnomaly": {
                "summary": f"{stats['statsName']}: {point['algorithm']} {deviation:.4f} is over "
                f"the threshold {point['thresholdValue']:g}.",
                "triggerTime": point["createTime"],
                "condition": {"threshold": point["thresholdValue"]},
            },
        },
    }
