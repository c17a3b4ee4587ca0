"""ModelMonitor: has the data a model meets drifted away from the data it learnt from?"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from bqvertex.resources import monitoring_job as resource


class FeatureArgs(TypedDict):
    """One watched feature of a `ModelMonitor`.

    Attributes:
        type: `numerical` (Jensen-Shannon divergence) or `categorical` (L-infinity distance).
        threshold: Distance over which it has drifted, 0 to 1; left out, the default of its type.
    """

    type: str
    threshold: NotRequired[float]


class DataArgs(TypedDict):
    """One side of the comparison: exactly one of the two.

    Attributes:
        table: Table or view; without dataset or project it is looked for in the monitor's.
        query: SELECT statement; its bare names are looked for in the same place.
    """

    table: NotRequired[pulumi.Input[str]]
    query: NotRequired[pulumi.Input[str]]


class ModelMonitorArgs(TypedDict):
    """Inputs of a `ModelMonitor`.

    Attributes:
        project: Project of the monitor, of the registry entry and of the data.
        location: Region of the monitor: that of the registry entry.
        dataset_id: Dataset of tables that are named without one.
        model: Registry entry, such as `RegisteredModel.model_name`.
        definition_hash: `RegisteredModel.definition_hash`: its change runs it again.
        baseline: What the model learnt from.
        target: What it is compared with.
        features: Watched columns by name.
        model_version_alias: Alias or number of the watched version; left out, `default`.
        model_monitor_id: Left out, the component's name.
        default_numerical_threshold: For numerical features without one; left out, 0.3.
        default_categorical_threshold: For categorical features without one; left out, 0.3.
        run_on: Any values whose change runs it again, such as the content hash of a table; left
            out, none.
        notification_emails: Who is told of drift; left out, nobody.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    model: pulumi.Input[str]
    definition_hash: pulumi.Input[str]
    baseline: DataArgs
    target: DataArgs
    features: dict[str, FeatureArgs]
    model_version_alias: NotRequired[pulumi.Input[str]]
    model_monitor_id: NotRequired[pulumi.Input[str]]
    default_numerical_threshold: NotRequired[pulumi.Input[float]]
    default_categorical_threshold: NotRequired[pulumi.Input[float]]
    run_on: NotRequired[pulumi.Input[Any]]
    notification_emails: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]


class ModelMonitor(pulumi.ComponentResource):
    """A model monitor, run whenever what it watches has changed.

    Attributes:
        state: Of the last run, such as `JOB_STATE_SUCCEEDED`.
        drift: Distance between target and baseline, 0 to 1, by feature.
        anomalies: Features that have drifted, sorted; that there are some is no failure.
        job_name: The last run.
    """

    state: pulumi.Output[str]
    drift: pulumi.Output[Mapping[str, float]]
    anomalies: pulumi.Output[Sequence[str]]
    job_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: ModelMonitorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the monitor.

        Args:
            name: Name of the component in the program.
            args: See `ModelMonitorArgs`.
            opts: Options of the component.
        """
        super().__init__("bqvertex:index:ModelMonitor", name, None, opts)
        job = resource.MonitoringJob(
            name,
            cast(resource.MonitoringJobArgs, {"model_monitor_id": name, **args}),
            pulumi.ResourceOptions(parent=self),
        )
        self.state = job.state
        self.drift = job.drift
        self.anomalies = job.anomalies
        self.job_name = job.job_name
        self.register_outputs(
            {
                "state": self.state,
                "drift": self.drift,
                "anomalies": self.anomalies,
                "job_name": self.job_name,
            }
        )
