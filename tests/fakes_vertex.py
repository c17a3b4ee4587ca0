"""In-memory stand-ins for the protocols in `bqvertex.clients.vertex`, as strict as Vertex AI."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bqvertex.clients.bigquery import Job, LiveModel
from bqvertex.clients.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from bqvertex.clients.vertex.endpoints import LiveDeployment, LiveEndpoint
from bqvertex.clients.vertex.monitors import FeatureDrift, MonitoringRun
from bqvertex.clients.vertex.registry import ModelVersion

from tests.fakes import FakeBigQuery


class FakeModelRegistry:
    """The Model Registry in memory.

    Attributes:
        versions: By model name, the versions in the order in which they were made.
        calls: Every call that changes something.
        held: By model name, what holds it.
    """

    def __init__(self) -> None:
        self.held: dict[str, list[str]] = {}
        self.versions: dict[str, list[ModelVersion]] = {}
        self.calls: list[tuple[Any, ...]] = []
        self._made = 0

    def add(self, model_name: str, *, source_type: str = "BQML") -> str:
        """Add a version, the default one if it is the first; return its number."""
        has = self.versions.setdefault(model_name, [])
        self._made += 1
        version = ModelVersion(
            model_name=model_name,
            version_id=str(self._made),
            aliases=() if has else ("default",),
            source_type=source_type,
        )
        has.append(version)
        return version.version_id

    def retire(self, model_name: str, version_id: str) -> None:
        """Take a version out, as BigQuery does when it trains a model anew."""
        self.versions[model_name] = [
            version for version in self.versions[model_name] if version.version_id != version_id
        ]

    def version(self, model_name: str, version: str) -> ModelVersion:
        for found in self.versions.get(model_name, ()):
            if version in (found.version_id, *found.aliases):
                return found
        raise NotFound(f"could not read {model_name}@{version}: not found")

    def wait_for_version(self, model_name: str, version: str) -> ModelVersion:
        return self.version(model_name, version)

    def merge_version_aliases(
        self, model_name: str, version_id: str, aliases: Sequence[str]
    ) -> ModelVersion:
        self.version(model_name, version_id)
        self.calls.append(("merge_version_aliases", version_id, tuple(aliases)))
        added = {alias for alias in aliases if not alias.startswith("-")}
        removed = {alias[1:] for alias in aliases if alias.startswith("-")}
        self.versions[model_name] = [
            replace(
                version,
                aliases=tuple(
                    sorted((set(version.aliases) - removed) | added)
                    if version.version_id == version_id
                    else sorted(set(version.aliases) - added)
                ),
            )
            for version in self.versions[model_name]
        ]
        return self.version(model_name, version_id)

    def describe(
        self, model_name: str, *, display_name: str | None, description: str | None
    ) -> None:
        self.calls.append(("describe", display_name, description))
        said = {"display_name": display_name, "description": description}
        fields = {name: value for name, value in said.items() if value is not None}
        self.versions[model_name] = [
            replace(version, **fields) for version in self.versions[model_name]
        ]

    def holders(self, model_name: str) -> Sequence[str]:
        return tuple(self.held.get(model_name, ()))


class RegisteringBigQuery(FakeBigQuery):
    """A BigQuery that registers models in a `FakeModelRegistry`.

    Attributes:
        lag: How many looks at a model it takes until its version is named.
    """

    def __init__(self, registry: FakeModelRegistry, region: str) -> None:
        super().__init__()
        self.registry = registry
        self.region = region
        self.lag = 0

    def train(self, path: str) -> None:
        """Make a model, or make it anew: then a registered one gets the next version."""
        old = self.models.get(path)
        runs: Sequence[Mapping[str, Any]] = ()
        if old is not None and old.training_runs:
            run = old.training_runs[0]
            name = self._name(path, run["vertexAiModelId"])
            self.registry.retire(name, run["vertexAiModelVersion"])
            runs = [{**run, "vertexAiModelVersion": self.registry.add(name)}]
        self.models[path] = LiveModel("LOGISTIC_REGRESSION", self.region, training_runs=runs)

    def model(self, path: str) -> LiveModel:
        model = super().model(path)
        if self.lag and model.training_runs:
            self.lag -= 1
            unversioned = [
                {key: value for key, value in run.items() if key != "vertexAiModelVersion"}
                for run in model.training_runs
            ]
            return replace(model, training_runs=unversioned)
        return model

    def _execute(self, sql: str, location: str, job: Job) -> None:
        found = re.fullmatch(
            r"ALTER MODEL (\S+) SET OPTIONS \(vertex_ai_model_id = ['\"]([^'\"]+)['\"]\)", sql
        )
        if found is None:
            super()._execute(sql, location, job)
            return
        path, id_ = found.groups()
        path = path.replace("`", "")
        version = self.registry.add(self._name(path, id_))
        run = {"vertexAiModelId": id_, "vertexAiModelVersion": version}
        self.models[path] = replace(self.models[path], training_runs=[run])

    def _name(self, path: str, id_: str) -> str:
        return f"projects/{path.split('.')[0]}/locations/{self.region}/models/{id_}"


class FakeEndpoints:
    """Endpoints in memory.

    Attributes:
        endpoints: By name.
        begun: Deployments whose operation still runs, by endpoint name: on the list only once
            somebody has waited.
        calls: Every call that changes something.
        gaps: Calls after which an endpoint that had traffic had none.
    """

    def __init__(self, *names: str) -> None:
        self.endpoints = {
            name: LiveEndpoint(name=name, deployments=(), traffic={}) for name in names
        }
        self.begun: dict[str, list[tuple[LiveDeployment, dict[str, int]]]] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.gaps: list[tuple[Any, ...]] = []

    def get(self, name: str) -> LiveEndpoint:
        if name not in self.endpoints:
            raise NotFound(f"could not read endpoint {name}: not found")
        return self.endpoints[name]

    def settle(self, name: str) -> None:
        self.get(name)
        for deployment, traffic in self.begun.pop(name, []):
            self._deployed(name, deployment, traffic)

    def deploy(self, name: str, deployment: LiveDeployment, traffic: Mapping[str, int]) -> None:
        endpoint = self.get(name)
        if self.begun.get(name):
            raise FailedPrecondition("there are other operations running on the endpoint")
        if deployment.id in {live.id for live in endpoint.deployments}:
            raise AlreadyExists(f"deployed model {deployment.id} is there")
        self._deployed(name, deployment, traffic)

    def mutate_replicas(self, name: str, deployment: LiveDeployment) -> None:
        endpoint = self.get(name)
        self.calls.append(
            ("mutate_replicas", deployment.min_replica_count, deployment.max_replica_count)
        )
        self._keep(
            replace(
                endpoint,
                deployments=tuple(
                    deployment if live.id == deployment.id else live
                    for live in endpoint.deployments
                ),
            )
        )

    def set_traffic(self, name: str, traffic: Mapping[str, int]) -> None:
        endpoint = self.get(name)
        self.calls.append(("set_traffic", dict(traffic)))
        self._keep(replace(endpoint, traffic=dict(traffic)))

    def undeploy(self, name: str, deployed_model_id: str, traffic: Mapping[str, int]) -> None:
        endpoint = self.get(name)
        if deployed_model_id not in {live.id for live in endpoint.deployments}:
            return
        if not traffic and endpoint.traffic.get(deployed_model_id):
            raise FailedPrecondition(f"deployed model {deployed_model_id} carries traffic")
        self.calls.append(("undeploy", deployed_model_id))
        left = tuple(live for live in endpoint.deployments if live.id != deployed_model_id)
        self._keep(replace(endpoint, deployments=left, traffic=dict(traffic) or endpoint.traffic))

    def by_hand(self, name: str, display_name: str, id_: str, traffic: Mapping[str, int]) -> None:
        """Deploy as somebody else would, with an id that is not this toolkit's."""
        stranger = LiveDeployment(
            id=id_,
            display_name=display_name,
            model=name.replace("endpoints", "models"),
            model_version_id="1",
            machine_type="n1-standard-2",
            min_replica_count=1,
            max_replica_count=1,
        )
        endpoint = self.get(name)
        deployments = (*endpoint.deployments, stranger)
        self._keep(replace(endpoint, deployments=deployments, traffic=dict(traffic)))

    def _deployed(self, name: str, deployment: LiveDeployment, traffic: Mapping[str, int]) -> None:
        endpoint = self.get(name)
        split = {deployment.id if id_ == "0" else id_: share for id_, share in traffic.items()}
        self.calls.append(("deploy", deployment.display_name, deployment.model_version_id))
        # Google answers with the project's number and the bare model name.
        project, rest = deployment.model.split("/", 2)[1:]
        assert project
        answered = replace(deployment, model=f"projects/1234567890/{rest}")
        self._keep(
            replace(
                endpoint,
                deployments=(*endpoint.deployments, answered),
                traffic=split or endpoint.traffic,
            )
        )

    def _keep(self, endpoint: LiveEndpoint) -> None:
        ids = {live.id for live in endpoint.deployments}
        if endpoint.traffic and sum(endpoint.traffic.values()) != 100:
            raise InvalidRequest(f"traffic {endpoint.traffic} does not sum to 100")
        if set(endpoint.traffic) - ids:
            raise InvalidRequest(f"traffic {endpoint.traffic} names a model that is not there")
        if self.endpoints[endpoint.name].traffic and not endpoint.traffic:
            self.gaps.append(self.calls[-1])
        self.endpoints[endpoint.name] = endpoint


class FakeModelMonitors:
    """Model Monitoring in memory; every run ends at once.

    Attributes:
        monitors: Bodies by name.
        jobs: Runs by name.
        bodies: What each run was asked to do, by name.
        distances: What every run finds, by feature.
        ends_as: State in which runs end.
        calls: Every call that changes something.
    """

    def __init__(self) -> None:
        self.monitors: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, MonitoringRun] = {}
        self.bodies: dict[str, dict[str, Any]] = {}
        self.distances: dict[str, float] = {}
        self.ends_as = "JOB_STATE_SUCCEEDED"
        self.calls: list[tuple[Any, ...]] = []

    def get(self, name: str) -> Mapping[str, Any]:
        if name not in self.monitors:
            raise NotFound(f"could not read model monitor {name}: not found")
        return self.monitors[name]

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        if name in self.monitors:
            raise AlreadyExists(f"model monitor {name} is there")
        self.calls.append(("create", name))
        self.monitors[name] = dict(body)

    def patch(self, name: str, body: Mapping[str, Any], fields: Sequence[str]) -> None:
        self.calls.append(("patch", name))
        live = self.get(name)
        self.monitors[name] = {**live, **{field: body[field] for field in fields}}

    def delete(self, name: str) -> None:
        self.get(name)
        self.calls.append(("delete", name))
        del self.monitors[name]
        self.jobs = {key: job for key, job in self.jobs.items() if not key.startswith(name)}

    def run(self, name: str, body: Mapping[str, Any]) -> None:
        if name in self.jobs:
            raise AlreadyExists(f"monitoring job {name} is there")
        self.calls.append(("run", name))
        self.bodies[name] = dict(body)
        self.jobs[name] = MonitoringRun(name=name, state="JOB_STATE_RUNNING")

    def job(self, name: str) -> MonitoringRun:
        if name not in self.jobs:
            raise NotFound(f"could not read monitoring job {name}: not found")
        return self.jobs[name]

    def wait_for_job(self, name: str) -> MonitoringRun:
        job = self.job(name)
        if not job.done:
            error = "" if self.ends_as.endswith("SUCCEEDED") else "no such column: origin"
            self.jobs[name] = replace(job, state=self.ends_as, error=error)
        return self.jobs[name]

    def drift(self, job_name: str) -> list[FeatureDrift]:
        objective = self.bodies[job_name]["model_monitoring_spec"]["objective_spec"]
        spec = objective["tabular_objective"]["feature_drift_spec"]
        default = spec["default_numeric_alert_condition"]["threshold"]
        conditions = spec["feature_alert_conditions"]
        return [
            FeatureDrift(
                feature=name,
                distance=self.distances.get(name, 0.0),
                anomaly=self.distances.get(name, 0.0)
                > conditions.get(name, {"threshold": default})["threshold"],
            )
            for name in spec["features"]
        ]


@dataclass
class Outage:
    """Lets the n-th call on anything it wraps fail, before or after it took effect.

    Attributes:
        at: Which call fails, counted from 0.
        after: Whether what the call does is done all the same.
        seen: How many calls there have been.
    """

    at: int
    after: bool
    seen: int = 0

    @property
    def happened(self) -> bool:
        """Whether a call has failed."""
        return self.seen > self.at

    def wrap(self, service: Any) -> Any:
        """Return the service, its calls counted."""
        return _Unreliable(service, self)


class _Unreliable:
    def __init__(self, service: Any, outage: Outage) -> None:
        self._service = service
        self._outage = outage

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._service, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            outage = self._outage
            fails = outage.seen == outage.at
            outage.seen += 1
            if fails and not outage.after:
                raise Unavailable(f"{name}: no answer")
            result = method(*args, **kwargs)
            if fails:
                raise Unavailable(f"{name}: no answer")
            return result

        return call


__all__ = [
    "FakeEndpoints",
    "FakeModelMonitors",
    "FakeModelRegistry",
    "Outage",
    "RegisteringBigQuery",
]
