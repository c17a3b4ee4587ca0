"""`MonitoringJob`: a model monitor and its run over two sets of data."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.settings import CloudSettings
from bqvertex.clients.vertex.monitors import VertexModelMonitors
from bqvertex.clients.vertex.registry import VertexModelRegistry
from bqvertex.clients.vertex.rest import VertexRest
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.monitoring_job import MonitoringJobLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.progress import report


class MonitoringJobArgs(TypedDict):
    """Inputs of a `MonitoringJob`.

    A change of anything but `display_name` and `notification_emails` runs it again.

    Attributes:
        project: Project of the monitor. Another one replaces it.
        location: Region of the monitor and of the registry entry. Another one replaces it.
        model_monitor_id: Id of the monitor: 1 to 63 lower case letters, digits and hyphens.
            Another one replaces it.
        model: Registry entry: `projects/…/locations/…/models/…`, or an id in the same project and
            region. Another one replaces the monitor.
        model_version_alias: Alias or number of the watched version; left out, `default`.
        dataset_id: Dataset in `project` of tables that `baseline` and `target` name without one.
        baseline: What the model learnt from: `{"table": name}` or `{"query": SELECT}`.
        target: What it is compared with: `{"table": name}` or `{"query": SELECT}`.
        features: What is compared: `{column: {"type": "numerical" or "categorical",
            "threshold": 0 to 1}}`; without a threshold the default of its type counts.
        default_numerical_threshold: Jensen-Shannon divergence, 0 to 1; left out, 0.3.
        default_categorical_threshold: L-infinity distance, 0 to 1; left out, 0.3.
        definition_hash: `definition_hash` of the model: its change runs it again. Left out, it
            does not.
        run_on: Any values whose change runs it again, such as the content hash of a table. Left
            out, none.
        display_name: Shown in the console; left out, `model_monitor_id`.
        notification_emails: Who is told of drift; left out, nobody.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    model_monitor_id: pulumi.Input[str]
    model: pulumi.Input[str]
    baseline: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    target: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    features: pulumi.Input[Mapping[str, Any]]
    model_version_alias: NotRequired[pulumi.Input[str]]
    dataset_id: NotRequired[pulumi.Input[str]]
    default_numerical_threshold: NotRequired[pulumi.Input[float]]
    default_categorical_threshold: NotRequired[pulumi.Input[float]]
    definition_hash: NotRequired[pulumi.Input[str]]
    run_on: NotRequired[pulumi.Input[Any]]
    display_name: NotRequired[pulumi.Input[str]]
    notification_emails: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]


class MonitoringJobProvider(DynamicHost):
    """Serves `MonitoringJobLifecycle`. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        rest = VertexRest(settings)
        return MonitoringJobLifecycle(
            VertexModelMonitors(rest), VertexModelRegistry(rest), report=report
        )


class MonitoringJob(Resource, module="bqvertex", name="MonitoringJob"):
    """A model monitor and its run over two sets of data.

    Attributes:
        monitor_name: `projects/…/locations/…/modelMonitors/…`.
        job_name: The run, `…/modelMonitoringJobs/…`.
        model_version_id: The version that was watched.
        state: Such as `JOB_STATE_SUCCEEDED`.
        drift: Distance between target and baseline, 0 to 1, by feature.
        anomalies: Features whose distance is over their threshold, sorted.
    """

    monitor_name: pulumi.Output[str]
    job_name: pulumi.Output[str]
    model_version_id: pulumi.Output[str]
    state: pulumi.Output[str]
    drift: pulumi.Output[Mapping[str, float]]
    anomalies: pulumi.Output[Sequence[str]]

    def __init__(
        self, name: str, args: MonitoringJobArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the monitor and its run.

        Args:
            name: Name of the resource in the program.
            args: See `MonitoringJobArgs`.
            opts: Options of the resource.
        """
        props = {
            "monitor_name": None,
            "job_name": None,
            "model_version_id": None,
            "state": None,
            "drift": None,
            "anomalies": None,
            **args,
        }
        super().__init__(MonitoringJobProvider(), name, props, opts)
