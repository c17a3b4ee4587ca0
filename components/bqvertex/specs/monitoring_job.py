"""A model monitor and the run of it that is wanted, as plain data."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs.inputs import Problem, canonical_json, known, missing, not_text
from bqvertex.specs.unknown import holds_unknown

IDENTITY: Final = frozenset({"project", "location", "model_monitor_id", "model"})
"""Inputs whose change means another monitor."""
DEFINITION: Final = frozenset(
    {
        "dataset_id",
        "model_version_alias",
        "baseline",
        "target",
        "features",
        "default_numerical_threshold",
        "default_categorical_threshold",
        "definition_hash",
        "run_on",
    }
)
"""Inputs whose change means a new run."""
METADATA: Final = frozenset({"display_name", "notification_emails"})
"""Inputs that are changed on the monitor; nothing runs."""
INPUTS: Final = IDENTITY | DEFINITION | METADATA
CONSEQUENCES: Final = (
    (IDENTITY, "replaces the monitor and runs it"),
    (DEFINITION, "runs the monitor again"),
    (METADATA, "changes the monitor only, runs nothing"),
)
"""What a change of inputs does, see `bqvertex.specs.change_reason`."""

DEFAULT_THRESHOLD: Final = 0.3
"""Distance over which a feature has drifted, where nobody says otherwise.

The default that BigQuery documents for the same distances in ML.VALIDATE_DATA_DRIFT:
https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-validate-data-drift
"""
NUMERICAL: Final = "numerical"
CATEGORICAL: Final = "categorical"
KINDS: Final = {NUMERICAL: "float", CATEGORICAL: "categorical"}
"""Google's data type by the kind of a feature, as `ModelMonitoringSchema.FieldSchema` has it."""

_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_TABLE = re.compile(r"[^.\s`]+(\.[^.\s`]+){0,2}\Z")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One watched feature.

    Attributes:
        kind: `numerical` (Jensen-Shannon divergence) or `categorical` (L-infinity distance).
        threshold: Distance over which it has drifted; None is the default of its kind.
    """

    kind: str
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class MonitoringSpec:
    """What should be watched.

    Attributes:
        project: Project of the monitor.
        location: Region of the monitor and of the registry entry.
        model_monitor_id: The monitor's id.
        model: Registry entry: a full name, or an id in the same project and region.
        model_version_alias: Alias or number of the version.
        baseline: `{"table": "project.dataset.table"}` or `{"query": SELECT}`, with whole names.
        target: The same, for the data in question.
        features: What is compared, by column name.
        default_numerical_threshold: For numerical features that name none.
        default_categorical_threshold: For categorical features that name none.
        display_name: Shown in the console.
        notification_emails: Who is told of drift.
        run_key: Hash of everything whose change makes a new run wanted.
    """

    project: str
    location: str
    model_monitor_id: str
    model: str
    model_version_alias: str
    baseline: Mapping[str, str]
    target: Mapping[str, str]
    features: Mapping[str, Feature]
    default_numerical_threshold: float
    default_categorical_threshold: float
    display_name: str
    notification_emails: tuple[str, ...]
    run_key: str

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "MonitoringSpec":
        """Take known inputs, or a state, as a spec; what an older state lacks is the default."""
        inputs = normalised(inputs)
        wanted = {name: inputs.get(name) for name in sorted(DEFINITION)}
        return cls(
            project=inputs["project"],
            location=inputs["location"],
            model_monitor_id=inputs["model_monitor_id"],
            model=inputs["model"],
            model_version_alias=inputs["model_version_alias"],
            baseline=inputs["baseline"],
            target=inputs["target"],
            features={
                name: Feature(kind=feature["type"], threshold=feature.get("threshold"))
                for name, feature in inputs["features"].items()
            },
            default_numerical_threshold=inputs["default_numerical_threshold"],
            default_categorical_threshold=inputs["default_categorical_threshold"],
            display_name=inputs["display_name"],
            notification_emails=tuple(inputs["notification_emails"]),
            run_key=hashlib.sha256(canonical_json(wanted).encode()).hexdigest()[:20],
        )

    @property
    def monitor_name(self) -> str:
        """The monitor, `projects/…/locations/…/modelMonitors/…`."""
        parent = f"projects/{self.project}/locations/{self.location}"
        return f"{parent}/modelMonitors/{self.model_monitor_id}"

    @property
    def model_name(self) -> str:
        """The registry entry, `projects/…/locations/…/models/…`."""
        if "/" in self.model:
            return self.model
        return f"projects/{self.project}/locations/{self.location}/models/{self.model}"

    def job_name(self, attempt: int = 0) -> str:
        """Name the wanted run: the same for the same spec, so that a repeat attaches to it.

        Args:
            attempt: 0, then 1 and so on after runs that failed.
        """
        suffix = f"-{attempt}" if attempt else ""
        return f"{self.monitor_name}/modelMonitoringJobs/run-{self.run_key}{suffix}"

    def monitor_body(self, model_version_id: str) -> dict[str, Any]:
        """Say the monitor as `ModelMonitor` of v1beta1, in snake case."""
        return {
            "display_name": self.display_name,
            "model_monitoring_target": {
                "vertex_model": {
                    "model": self.model_name,
                    "model_version_id": model_version_id,
                }
            },
            "model_monitoring_schema": {
                "feature_fields": [
                    {"name": name, "data_type": KINDS[feature.kind]}
                    for name, feature in sorted(self.features.items())
                ]
            },
            "tabular_objective": self._objective(),
            "training_dataset": _dataset(self.baseline),
            "notification_spec": self._notification(),
        }

    def job_body(self) -> dict[str, Any]:
        """Say the run as `ModelMonitoringJob` of v1beta1, in snake case."""
        return {
            "display_name": self.display_name,
            "model_monitoring_spec": {
                "objective_spec": {
                    "tabular_objective": self._objective(),
                    "baseline_dataset": _dataset(self.baseline),
                    "target_dataset": _dataset(self.target),
                },
                "notification_spec": self._notification(),
            },
        }

    def thresholds(self) -> dict[str, float]:
        """The threshold of each feature, defaults filled in."""
        defaults = {
            NUMERICAL: self.default_numerical_threshold,
            CATEGORICAL: self.default_categorical_threshold,
        }
        return {
            name: defaults[feature.kind] if feature.threshold is None else feature.threshold
            for name, feature in self.features.items()
        }

    def _objective(self) -> dict[str, Any]:
        return {
            "feature_drift_spec": {
                "features": sorted(self.features),
                "categorical_metric_type": "l_infinity",
                "numeric_metric_type": "jensen_shannon_divergence",
                "default_categorical_alert_condition": {
                    "threshold": self.default_categorical_threshold
                },
                "default_numeric_alert_condition": {"threshold": self.default_numerical_threshold},
                "feature_alert_conditions": {
                    name: {"threshold": feature.threshold}
                    for name, feature in sorted(self.features.items())
                    if feature.threshold is not None
                },
            }
        }

    def _notification(self) -> dict[str, Any]:
        if not self.notification_emails:
            return {}
        return {"email_config": {"user_emails": list(self.notification_emails)}}


MONITOR_FIELDS: Final = (
    "display_name",
    "model_monitoring_target",
    "model_monitoring_schema",
    "tabular_objective",
    "training_dataset",
    "notification_spec",
)
"""What of a monitor is set again when it changes."""


def seen_inputs(spec: MonitoringSpec, live: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a live monitor tells in the terms of the inputs.

    Args:
        spec: What was declared; what Google does not tell is taken from it.
        live: A `ModelMonitor` in snake case.

    Returns:
        Those inputs that a change by hand would show in.
    """
    drift = live.get("tabular_objective", {}).get("feature_drift_spec", {})
    kinds = {data_type: kind for kind, data_type in KINDS.items()}
    conditions = drift.get("feature_alert_conditions", {})
    fields = live.get("model_monitoring_schema", {}).get("feature_fields", [])
    features: dict[str, dict[str, Any]] = {}
    for field in fields:
        name = field["name"]
        features[name] = {"type": kinds.get(field.get("data_type"), field.get("data_type"))}
        if name in conditions:
            features[name]["threshold"] = conditions[name].get("threshold", 0.0)
    emails = live.get("notification_spec", {}).get("email_config", {}).get("user_emails", [])
    return {
        "display_name": live.get("display_name", ""),
        "features": features,
        "default_numerical_threshold": drift.get("default_numeric_alert_condition", {}).get(
            "threshold", spec.default_numerical_threshold
        ),
        "default_categorical_threshold": drift.get("default_categorical_alert_condition", {}).get(
            "threshold", spec.default_categorical_threshold
        ),
        "notification_emails": sorted(emails),
    }


def watches(live: Mapping[str, Any], model_name: str) -> bool:
    """Tell whether a live monitor is one of a registry entry, in whatever version."""
    target = live.get("model_monitoring_target", {}).get("vertex_model", {}).get("model", "")
    # Google answers with the project's number where it was asked with the project's id.
    return bool(target.partition("/locations/")[2] == model_name.partition("/locations/")[2])


def normalised(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Put inputs into the one form that is compared: defaults filled in, addresses sorted."""
    result = dict(inputs)
    for name, default in (
        ("model_version_alias", "default"),
        ("default_numerical_threshold", DEFAULT_THRESHOLD),
        ("default_categorical_threshold", DEFAULT_THRESHOLD),
        ("display_name", result.get("model_monitor_id")),
        ("notification_emails", []),
    ):
        if result.get(name) is None:
            result[name] = default
    emails = result["notification_emails"]
    if isinstance(emails, (list, tuple)) and not holds_unknown(emails):
        result["notification_emails"] = sorted(set(emails))
    return result


def problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each normalised input that Google would refuse, with the reason."""
    yield from missing(inputs, IDENTITY | {"baseline", "target", "features"})
    yield from not_text(
        inputs, IDENTITY | {"model_version_alias", "definition_hash", "display_name", "dataset_id"}
    )
    if known(inputs, "model_monitor_id", str) and not _ID.match(inputs["model_monitor_id"]):
        yield (
            "model_monitor_id",
            f"is '{inputs['model_monitor_id']}': use 1 to 63 lower case letters, digits and "
            "hyphens, start with a letter and do not end with a hyphen",
        )
    for name in ("default_numerical_threshold", "default_categorical_threshold"):
        if not holds_unknown(inputs.get(name)):
            yield from _threshold_problems(name, "", inputs.get(name))
    for name in ("baseline", "target"):
        yield from _dataset_problems(name, inputs.get(name))
    yield from _feature_problems(inputs.get("features"))


def _dataset_problems(name: str, value: Any) -> Iterator[Problem]:
    if value is None or holds_unknown(value):
        return
    one = isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _SOURCES
    if not one or not isinstance(next(iter(value.values())), str):
        yield name, f"is {value!r}: give one of {{'table': name}} and {{'query': SELECT}}"
    elif "table" in value and not _TABLE.match(value["table"]):
        yield name, f"has the table '{value['table']}': write project.dataset.table"


_SOURCES = frozenset({"table", "query"})


def _feature_problems(features: Any) -> Iterator[Problem]:
    if features is None or holds_unknown(features):
        return
    if not isinstance(features, Mapping) or not features:
        yield (
            "features",
            f"is {features!r}: give {{column: {{'type': 'numerical' or 'categorical'}}}}, at least "
            "one",
        )
        return
    for name, feature in features.items():
        if not isinstance(feature, Mapping) or feature.get("type") not in KINDS:
            got = feature.get("type") if isinstance(feature, Mapping) else feature
            yield "features", f"gives '{name}' the type {got!r}: use numerical or categorical"
            continue
        for extra in sorted(set(feature) - {"type", "threshold"}):
            yield "features", f"gives '{name}' the key {extra!r}: use type and threshold"
        if feature.get("threshold") is not None:
            yield from _threshold_problems("features", f"of '{name}' ", feature["threshold"])


def _threshold_problems(name: str, whose: str, value: Any) -> Iterator[Problem]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:
        yield name, f"threshold {whose}is {value!r}: use a number from 0 to 1"


def _dataset(source: Mapping[str, str]) -> dict[str, Any]:
    bigquery = (
        {"table_uri": f"bq://{source['table']}"}
        if "table" in source
        else {"query": source["query"]}
    )
    return {"columnized_dataset": {"bigquery_source": bigquery}}
