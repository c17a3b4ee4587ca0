"""What a monitoring job computes: how far a target's columns are from a baseline's.

Numbers are compared by Jensen-Shannon divergence, categories by L-infinity distance unless the
job says otherwise: https://cloud.google.com/vertex-ai/docs/model-monitoring/overview
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from localcloud.bqml import drift
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import now
from localcloud.vertex import distribution

DEFAULT_THRESHOLD = 0.3
"""Where a job names none: https://cloud.google.com/vertex-ai/docs/model-monitoring/overview"""

JENSEN_SHANNON = "jensen_shannon_divergence"
L_INFINITY = "l_infinity"
NUMERIC_TYPES = frozenset({"float", "integer"})
CATEGORICAL_TYPES = frozenset({"boolean", "string", "categorical"})
OBJECTIVES = {
    "featureDriftSpec": ("raw-feature-drift", "featureFields"),
    "predictionOutputDriftSpec": ("prediction-output-drift", "predictionFields"),
}
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Source:
    """Where rows come from.

    Attributes:
        sql: What follows FROM.
        location: What the results call it.
        timestamp: Column that time ranges are about; empty for none.
        start: First moment; None for no bound.
        end: Moment after the last; None for no bound.
    """

    sql: str
    location: str
    timestamp: str
    start: str | None
    end: str | None

    def query(self, columns: Sequence[str]) -> str:
        """The query for some of its columns."""
        names = ", ".join(f"`{name}`" for name in columns)
        conditions = [
            f"TIMESTAMP(`{self.timestamp}`) {operator} TIMESTAMP('{moment}')"
            for operator, moment in ((">=", self.start), ("<", self.end))
            if moment
        ]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {names} FROM {self.sql}{where}"

    def processed(self) -> Json:
        """It in `ModelMonitoringJobExecutionDetail`."""
        times = {"startTime": self.start, "endTime": self.end}
        known = {key: moment for key, moment in times.items() if moment}
        return {"location": self.location, **({"timeRange": known} if known else {})}


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
    baseline: Source
    target: Source
    watched: tuple[Watched, ...]


def plan(monitor: Json, job: Json) -> Plan:
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
        baseline=_source(
            "baseline_dataset",
            spec.get("baselineDataset") or monitor.get("trainingDataset"),
            project,
            present,
        ),
        target=_source("target_dataset", spec.get("targetDataset"), project, present),
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


def _source(name: str, dataset: Json | None, project: str, present: datetime) -> Source:
    columnized = (dataset or {}).get("columnizedDataset", {})
    bigquery = columnized.get("bigquerySource", {})
    if dataset and not bigquery:
        given = ", ".join([*dataset, *columnized])
        raise ApiError(
            "UNIMPLEMENTED",
            f"{name} must be columnized_dataset.bigquery_source in the local cloud; got {given}.",
        )
    table, query = str(bigquery.get("tableUri", "")), str(bigquery.get("query", ""))
    if bool(table) == bool(query):
        raise _wrong(f"{name}: give one of bigquery_source.table_uri and bigquery_source.query.")
    start, end = _interval(name, dataset or {}, present)
    timestamp = str(columnized.get("timestampField", ""))
    if (start or end) and not timestamp:
        raise _wrong(f"{name} has a time range: name the column in timestamp_field.")
    return Source(
        sql=f"({query.rstrip().removesuffix(';')}\n)"
        if query
        else bigquery_table(name, table, project),
        location=table or query,
        timestamp=timestamp,
        start=start,
        end=end,
    )


def bigquery_table(name: str, uri: str, project: str) -> str:
    """A `bq://` address as it stands after FROM.

    Raises:
        ApiError: INVALID_ARGUMENT, it is none.
    """
    parts = uri.removeprefix("bq://").split(".")
    if len(parts) == 2:
        parts.insert(0, project)
    if len(parts) != 3 or not all(re.fullmatch(r"[^`\s.]+", part) for part in parts):
        raise _wrong(f"{name}: table_uri {uri!r} must look like bq://project.dataset.table.")
    return f"`{'.'.join(parts)}`"


def _interval(name: str, dataset: Json, present: datetime) -> tuple[str | None, str | None]:
    if interval := dataset.get("timeInterval"):
        return interval.get("startTime"), interval.get("endTime")
    if offset := dataset.get("timeOffset"):
        end = present - _span(name, "offset", offset.get("offset", "0d"))
        start = end - _span(name, "window", offset.get("window", ""))
        return start.isoformat(), end.isoformat()
    return None, None


def _span(name: str, field: str, text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([mhdw])", text)
    if found is None:
        raise _wrong(f"{name}.time_offset.{field} {text!r} must look like 30m, 1h, 7d or 2w.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def compute(engine: BigQueryEngine, planned: Plan, job_name: str) -> Json:
    """Read both datasets and compare every watched column.

    Returns:
        What the finished job gains: `jobExecutionDetail`, and its points and alerts.

    Raises:
        ValueError: A dataset has no rows, or a column cannot be compared.
    """
    columns = list(dict.fromkeys(watched.name for watched in planned.watched))
    baseline = _rows(engine, planned.project, planned.baseline, columns)
    target = _rows(engine, planned.project, planned.target, columns)
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


def _rows(
    engine: BigQueryEngine, project: str, source: Source, columns: Sequence[str]
) -> Mapping[str, pa.ChunkedArray]:
    table = engine.query(project, source.query(columns))
    if table.num_rows == 0:
        raise ValueError(f"{source.location} has no rows to compare.")
    return {name: table.column(name) for name in columns}


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
