"""`searchModelDeploymentMonitoringStatsAnomalies`: which of a job's results are asked for."""

import json
from collections.abc import Sequence
from datetime import datetime

from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json

COMPUTED = ("RAW_FEATURE_SKEW", "RAW_FEATURE_DRIFT")


def is_anomaly(row: Json) -> bool:
    """Whether a feature is further from its baseline than its threshold; 0 is no threshold."""
    return bool(row["threshold"]) and row.get("deviation", 0.0) > row["threshold"]


def search(job: Json, rows: Sequence[Json], asked: Json) -> Json:
    """Answer a search.

    Args:
        job: The monitoring job.
        rows: What its runs found.
        asked: The request.

    Raises:
        ApiError: INVALID_ARGUMENT, a required field is missing or wrong.
    """
    deployed = str(asked.get("deployedModelId", ""))
    objectives = [str(each.get("type", "")) for each in asked.get("objectives", [])]
    watched = [
        str(each["deployedModelId"]) for each in job["modelDeploymentMonitoringObjectiveConfigs"]
    ]
    if deployed not in watched:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"deployed_model_id {deployed!r} is not monitored by {job['name']}; "
            f"{', '.join(watched)} are.",
        )
    if not objectives:
        raise ApiError("INVALID_ARGUMENT", "Required field is not set: objectives.")
    feature = asked.get("featureDisplayName")
    found: dict[tuple[str, str], list[Json]] = {}
    for row in rows:
        if (
            row["deployedModelId"] == deployed
            and row["objective"] in objectives
            and feature in (None, "", row["feature"])
            and _within(row["endTime"], asked.get("startTime"), asked.get("endTime"))
        ):
            found.setdefault((row["objective"], row["feature"]), []).append(row)
    shown, token = page(
        [{"key": key, "rows": found[key]} for key in sorted(found)],
        asked,
        asked=json.dumps([job["name"], deployed, objectives, feature]),
    )
    return {
        "monitoringStats": [
            _stats(deployed, objective, [each for each in shown if each["key"][0] == objective])
            for objective in dict.fromkeys(objectives)
            if objective in COMPUTED
        ],
        **({"nextPageToken": token} if token else {}),
    }


def _stats(deployed: str, objective: str, features: Sequence[Json]) -> Json:
    return {
        "objective": objective,
        "deployedModelId": deployed,
        "anomalyCount": sum(is_anomaly(row) for each in features for row in each["rows"]),
        "featureStats": [
            {
                "featureDisplayName": each["key"][1],
                "threshold": {"value": each["rows"][0]["threshold"]},
                "predictionStats": [_point(row) for row in each["rows"]],
            }
            for each in features
        ],
    }


def _point(row: Json) -> Json:
    point = {
        "startTime": row["startTime"],
        "endTime": row["endTime"],
        "anomalyDetectionThreshold": row["threshold"],
    }
    if "deviation" in row:
        point["distributionDeviation"] = row["deviation"]
    return point


def _within(moment: str, start: str | None, end: str | None) -> bool:
    at = datetime.fromisoformat(moment)
    return (not start or at >= datetime.fromisoformat(start)) and (
        not end or at <= datetime.fromisoformat(end)
    )
