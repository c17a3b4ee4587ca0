"""ModelMonitor: has the data a model meets drifted away from the data it learnt from?"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from bqvertex.dataset import Dataset
from bqvertex.registered_model import RegisteredModel
from bqvertex.resources import monitoring_job as resource
from bqvertex.resources.text_file import read_text
from bqvertex.specs.monitored_data import missing_features, read_monitored_query
from bqvertex.specs.statement import StatementError


class FeatureArgs(TypedDict):
    """One watched feature of a `ModelMonitor`.

    Attributes:
        type: `numerical` (Jensen-Shannon divergence) or `categorical` (L-infinity distance).
        threshold: Distance over which it has drifted, 0 to 1; left out, the default of its type.
    """

    type: str
    threshold: NotRequired[float]


class DataArgs(TypedDict):
    """One side of the comparison: exactly one of the three.

    Attributes:
        table: Table or view; without dataset or project it is looked for in the monitor's.
        query: SELECT statement; its bare names are looked for in the same place.
        query_file: File with such a statement, relative to the program. A comment or another
            layout runs nothing again.
    """

    table: NotRequired[pulumi.Input[str]]
    query: NotRequired[pulumi.Input[str]]
    query_file: NotRequired[str]


class ModelMonitorArgs(TypedDict):
    """Inputs of a `ModelMonitor`.

    Attributes:
        baseline: What the model learnt from.
        target: What it is compared with.
        features: Watched columns by name.
        registered_model: Registry entry of this program; gives `project`, `location`, `model`,
            `definition_hash` and, where it has an alias, `model_version_alias`.
        project: Project of the monitor, of the registry entry and of the data.
        location: Region of the monitor: that of the registry entry.
        model: Registry entry made elsewhere.
        definition_hash: Any text whose change runs it again.
        model_version_alias: Alias or number of the watched version; left out, `default`.
        dataset: Dataset of this program; gives `dataset_id` and the columns against which queries
            and features are checked at preview, and is waited for.
        dataset_id: Dataset of tables that are named without one.
        model_monitor_id: Left out, the component's name.
        default_numerical_threshold: For numerical features without one; left out, 0.3.
        default_categorical_threshold: For categorical features without one; left out, 0.3.
        run_on: Any values whose change runs it again. Left out, the contents of `dataset`, so that
            freshly loaded tables are looked at again.
        notification_emails: Who is told of drift; left out, nobody.
    """

    baseline: DataArgs
    target: DataArgs
    features: Mapping[str, FeatureArgs]
    registered_model: NotRequired[RegisteredModel]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    model: NotRequired[pulumi.Input[str]]
    definition_hash: NotRequired[pulumi.Input[str]]
    model_version_alias: NotRequired[pulumi.Input[str]]
    dataset: NotRequired[Dataset]
    dataset_id: NotRequired[pulumi.Input[str]]
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

        Raises:
            RunError: A query is wrong, or does not give a watched feature; the message names file,
                line and column.
        """
        super().__init__("bqvertex:index:ModelMonitor", name, None, opts)
        job = resource.MonitoringJob(
            name,
            cast(resource.MonitoringJobArgs, _inputs(name, args)),
            # A query names its tables as text: nothing else says that they come first.
            pulumi.ResourceOptions(
                parent=self, depends_on=args["dataset"].members if "dataset" in args else None
            ),
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


_OF_THE_COMPONENT = frozenset({"registered_model", "dataset", "baseline", "target"})


def _inputs(name: str, args: ModelMonitorArgs) -> dict[str, Any]:
    inputs: dict[str, Any] = {"model_monitor_id": name}
    registered = args.get("registered_model")
    if registered is not None:
        inputs |= {
            "project": registered.project,
            "location": registered.location,
            "model": registered.model_name,
            "definition_hash": registered.definition_hash,
            "model_version_alias": registered.version_aliases.apply(
                lambda aliases: aliases[0] if aliases else "default"
            ),
        }
    dataset = args.get("dataset")
    schemas: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    names: Collection[str] = ()
    if dataset is not None:
        inputs |= {"dataset_id": dataset.dataset_id, "run_on": dataset.contents}
        schemas, names = dataset.schemas, dataset.names
    inputs |= {key: value for key, value in args.items() if key not in _OF_THE_COMPONENT}
    for side, data in (("baseline", args["baseline"]), ("target", args["target"])):
        inputs[side] = _checked(side, data, args["features"], schemas, names)
    return inputs


def _checked(
    side: str,
    data: DataArgs,
    features: Mapping[str, FeatureArgs],
    schemas: Mapping[str, Sequence[Mapping[str, Any]]],
    names: Collection[str],
) -> Mapping[str, pulumi.Input[str]]:
    """Read a query file and check what can be checked offline, where messages can name a line."""
    file = data.get("query_file", "")
    query = read_text(file) if file else data.get("query")
    columns: list[str] | None = None
    if isinstance(query, str):
        try:
            columns = read_monitored_query(query, file, schemas, names)
        except StatementError as error:
            raise pulumi.RunError(str(error)) from None
    elif data.get("table") in schemas:
        columns = [column["name"] for column in schemas[str(data.get("table"))]]
    if columns is not None:
        problem = missing_features(features, columns)
        if problem:
            raise pulumi.RunError(f"{file or side}: {problem}")
    others = {key: value for key, value in data.items() if key not in ("query", "query_file")}
    return cast(
        Mapping[str, pulumi.Input[str]], others if query is None else {**others, "query": query}
    )
