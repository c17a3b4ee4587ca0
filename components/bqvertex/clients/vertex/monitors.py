"""Model Monitoring v2: monitors, their jobs, and the drift that jobs found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tenacity import RetryError, retry_if_result

from bqvertex.clients.errors import DeadlineExceeded
from bqvertex.clients.vertex.registry import location_of
from bqvertex.clients.vertex.rest import VertexRest, patiently

JOB_DEADLINE_S = 4 * 3600.0
"""Seconds for one monitoring job: at Google it starts machines and reads whole tables."""
FEATURE_DRIFT = "raw-feature-drift"
"""Google's name of the objective that compares input features."""


@dataclass(frozen=True, kw_only=True)
class MonitoringRun:
    """A monitoring job.

    Attributes:
        name: `projects/…/modelMonitors/…/modelMonitoringJobs/…` as Google writes it.
        state: Such as `JOB_STATE_RUNNING`.
        error: What went wrong, in Google's words; empty when nothing did.
    """

    name: str
    state: str
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether it will not change any more."""
        return self.state in _DONE

    @property
    def succeeded(self) -> bool:
        """Whether it brought results, of all or some objectives."""
        return self.state in {"JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED"}


_DONE = frozenset(
    f"JOB_STATE_{word}"
    for word in ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")
)


@dataclass(frozen=True, kw_only=True)
class FeatureDrift:
    """How far one feature's target is from its baseline.

    Attributes:
        feature: The feature's name.
        distance: Jensen-Shannon divergence or L-infinity distance, 0 to 1.
        anomaly: Whether that is over the feature's threshold.
    """

    feature: str
    distance: float
    anomaly: bool


class ModelMonitors(Protocol):
    """What the providers need of Model Monitoring. Bodies are in Google's shape, in snake case."""

    def get(self, name: str) -> Mapping[str, Any]:
        """Read a monitor.

        Raises:
            NotFound: There is none of that name.
        """
        ...

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Make a monitor and wait until it is there.

        Raises:
            AlreadyExists: There is one of that name.
        """
        ...

    def patch(self, name: str, body: Mapping[str, Any], fields: Sequence[str]) -> None:
        """Set some fields of a monitor and wait until they are."""
        ...

    def delete(self, name: str) -> None:
        """Delete a monitor with its jobs and wait until it is gone.

        Raises:
            NotFound: There is none of that name.
        """
        ...

    def run(self, name: str, body: Mapping[str, Any]) -> None:
        """Begin the monitoring job of that name.

        Raises:
            AlreadyExists: There is one of that name.
        """
        ...

    def job(self, name: str) -> MonitoringRun:
        """Read a monitoring job.

        Raises:
            NotFound: There is none of that name.
        """
        ...

    def wait_for_job(self, name: str) -> MonitoringRun:
        """Read a monitoring job once it is over, well or badly.

        Raises:
            DeadlineExceeded: It was not over within `JOB_DEADLINE_S`.
        """
        ...

    def drift(self, job_name: str) -> list[FeatureDrift]:
        """Read what a job found, one a feature."""
        ...


class VertexModelMonitors:
    """Model Monitoring of Vertex AI, or of the local cloud."""

    def __init__(self, rest: VertexRest) -> None:
        """Keep the way to Vertex AI."""
        self._rest = rest

    def get(self, name: str) -> Mapping[str, Any]:
        """See `ModelMonitors.get`."""
        client = self._client(name)
        monitor = self._rest.call(
            "read model monitor", name, client.get_model_monitor, {"name": name}
        )
        body: dict[str, Any] = type(monitor).to_dict(
            monitor, always_print_fields_with_no_presence=False
        )
        return body

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """See `ModelMonitors.create`."""
        client = self._client(name)
        parent, _, id_ = name.partition("/modelMonitors/")
        request = {"parent": parent, "model_monitor_id": id_, "model_monitor": dict(body)}
        action = "create model monitor"
        started = self._rest.call(action, name, client.create_model_monitor, request)
        self._rest.finish(action, name, started)

    def patch(self, name: str, body: Mapping[str, Any], fields: Sequence[str]) -> None:
        """See `ModelMonitors.patch`."""
        client = self._client(name)
        request = {
            "model_monitor": {**body, "name": name},
            "update_mask": {"paths": list(fields)},
        }
        action = "change model monitor"
        started = self._rest.call(action, name, client.update_model_monitor, request)
        self._rest.finish(action, name, started)

    def delete(self, name: str) -> None:
        """See `ModelMonitors.delete`."""
        client = self._client(name)
        action = "delete model monitor"
        request = {"name": name, "force": True}
        started = self._rest.call(action, name, client.delete_model_monitor, request)
        self._rest.finish(action, name, started)

    def run(self, name: str, body: Mapping[str, Any]) -> None:
        """See `ModelMonitors.run`."""
        client = self._client(name)
        monitor, _, id_ = name.partition("/modelMonitoringJobs/")
        self._rest.call(
            "run monitoring job",
            name,
            client.create_model_monitoring_job,
            {
                "parent": monitor,
                "model_monitoring_job_id": id_,
                "model_monitoring_job": dict(body),
            },
        )

    def job(self, name: str) -> MonitoringRun:
        """See `ModelMonitors.job`."""
        client = self._client(name)
        job = self._rest.call(
            "read monitoring job", name, client.get_model_monitoring_job, {"name": name}
        )
        detail = job.job_execution_detail
        said = [
            detail.error.message,
            *(status.message for status in detail.objective_status.values()),
        ]
        return MonitoringRun(
            name=job.name, state=job.state.name, error="; ".join(text for text in said if text)
        )

    def wait_for_job(self, name: str) -> MonitoringRun:
        """See `ModelMonitors.wait_for_job`."""
        try:
            return patiently(retry_if_result(lambda job: not job.done), JOB_DEADLINE_S)(
                self.job, name
            )
        except RetryError as error:
            raise DeadlineExceeded(
                f"could not wait for monitoring job {name}: not over after {JOB_DEADLINE_S:.0f} s; "
                "run it again: it is still going on, and is found again"
            ) from error

    def drift(self, job_name: str) -> list[FeatureDrift]:
        """See `ModelMonitors.drift`."""
        monitor = job_name.partition("/modelMonitoringJobs/")[0]
        client = self._client(monitor)
        request = {
            "model_monitor": monitor,
            "stats_filter": {
                "tabular_stats_filter": {
                    "objective_type": FEATURE_DRIFT,
                    "model_monitoring_job": job_name,
                }
            },
        }
        pages = self._rest.call(
            "read the results of", job_name, client.search_model_monitoring_stats, request
        )
        found = []
        for stats in self._rest.call("read the results of", job_name, _all, pages):
            tabular = stats.tabular_stats
            # Newest first, says Google: the first one is this job's.
            for point in tabular.data_points[:1]:
                found.append(_feature_drift(tabular.stats_name, point))
        return sorted(found, key=lambda drift: drift.feature)

    def _client(self, name: str) -> Any:
        return self._rest.client("v1beta1", "ModelMonitoringService", location_of(name))


def _all(*, request: Any, **_: Any) -> list[Any]:
    return list(request)


def _feature_drift(feature: str, point: Any) -> FeatureDrift:
    current = point.current_stats
    # A distribution's statistic is its distance from the baseline; a plain number is the distance.
    distance = (
        current.distribution_value.distribution_deviation
        if "distribution_value" in current
        else current.double_value
    )
    return FeatureDrift(feature=feature, distance=distance, anomaly=point.has_anomaly)
