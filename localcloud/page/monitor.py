"""A monitor: its jobs, and how far each feature is from its baseline."""

from collections.abc import Mapping
from typing import Any

from localcloud.errors import Json
from localcloud.page import chart
from localcloud.page.sources import Sources


def values(sources: Sources, body: Json) -> Mapping[str, Any]:
    """What the template of a monitor is given."""
    name = str(body["name"])
    jobs = sources.cloud.store.under(name, "modelMonitoringJobs")
    computed = [job for job in jobs if job.get("localStats")]
    stats = computed[0]["localStats"] if computed else []
    target = body.get("modelMonitoringTarget", {}).get("vertexModel", {})
    return {
        "target": target,
        "stats": [{**one, "distance": chart.distance(one["point"])} for one in stats],
        "drift": chart.drift(stats) if stats else None,
        "history": chart.drift_over_time(_series(computed)) if len(computed) > 1 else None,
        "schedules": [
            one
            for one in sources.cloud.store.every("schedules")
            if one.get("createModelMonitoringJobRequest", {}).get("parent") == name
        ],
    }


def _series(jobs: list[Json]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for job in reversed(jobs):
        for one in job["localStats"]:
            point = one["point"]
            found.setdefault(str(one["statsName"]), []).append(
                (str(point["createTime"]), chart.distance(point))
            )
    return found
