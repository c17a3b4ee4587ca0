"""How one deployed model of an endpoint lives, and with it the endpoint's traffic."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict

from bqvertex.clients.errors import AlreadyExists, FailedPrecondition, JobFailed, NotFound
from bqvertex.clients.vertex.endpoints import Endpoints, LiveDeployment, LiveEndpoint
from bqvertex.clients.vertex.registry import ModelRegistry
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Live
from bqvertex.specs.change_reason import change_reason
from bqvertex.specs.deployed_model import (
    CONSEQUENCES,
    IDENTITY,
    INPUTS,
    DeployedModelSpec,
    Deployment,
    applied_split,
    is_own,
    normalised,
    present,
    problems,
    seen_split,
    strangers,
    without,
)
from bqvertex.specs.inputs import changed

NEW_DEPLOYMENT = "0"
"""Key of the model being deployed in the traffic split of `endpoints.deployModel`:
https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/deployModel"""


class DeployedModelLifecycle:
    """Implements `Lifecycle` on an endpoint's deployments and its traffic split.

    Create and update are one act, `_bring_about`: have a deployment that serves what is declared,
    give it its traffic, then take off what it takes the place of. The deployment's id follows from
    the declaration, so whatever of that an earlier run did is found and not done twice.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        registry: ModelRegistry,
        *,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Keep what is needed.

        Args:
            endpoints: The service.
            registry: Says which version an alias is on.
            report: Told in words what is waited for.
        """
        self._endpoints = endpoints
        self._registry = registry
        self._report = report

    def check(self, olds: Bag, news: Bag) -> Checked:
        """Validate, and fill in the defaults."""
        del olds
        inputs = normalised(news)
        failures = tuple(Failure(name, reason) for name, reason in problems(inputs))
        return Checked(inputs, failures)

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        """Identity replaces; all else is an update without a gap in serving."""
        del id
        names = changed(normalised(olds), normalised(news), INPUTS)
        return Change(
            changes=bool(names),
            replaces=tuple(sorted(names & IDENTITY)),
            reason=change_reason(olds, news, names, CONSEQUENCES),
        )

    def create(self, inputs: Bag) -> Created:
        """Deploy the model and give it its traffic.

        Raises:
            NotFound: There is no such endpoint, model or version.
            FailedPrecondition: Somebody else's deployed model is in the way.
        """
        spec = DeployedModelSpec.from_inputs(inputs)
        id_ = f"{spec.endpoint_name}/deployedModels/{spec.display_name}"
        return Created(id_, self._bring_about(spec, inputs))

    def read(self, id: str, state: Bag) -> Live | None:
        """Look at the deployment, its replicas and the endpoint's traffic."""
        del id
        spec = DeployedModelSpec.from_inputs(state)
        try:
            endpoint = self._endpoints.get(spec.endpoint_name)
        except NotFound:
            return None
        live = _deployments(endpoint)
        own = {one.id: one for one in live if _is_this(spec, one)}
        # Not the one in the state after an update that was broken off: then the other one.
        found = own.get(state.get("deployed_model_id", "")) or next(iter(own.values()), None)
        if found is None:
            return None
        inputs = {name: value for name, value in normalised(state).items() if name in INPUTS}
        inputs["min_replica_count"] = found.min_replica_count
        inputs["max_replica_count"] = found.max_replica_count
        inputs["traffic_split"] = seen_split(spec, live, endpoint.traffic)
        return Live(inputs, inputs | _facts(spec, found, endpoint))

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        """Change replicas and traffic in place; deploy anew whatever else has changed."""
        del id, olds
        return self._bring_about(DeployedModelSpec.from_inputs(news), news)

    def delete(self, id: str, state: Bag) -> None:
        """Hand its traffic to the others in proportion to theirs, and undeploy it."""
        del id
        spec = DeployedModelSpec.from_inputs(state)
        with _one_at_a_time(spec.endpoint_name):
            try:
                # A deployment that a broken run began must be seen, or it would be paid for
                # without an owner.
                self._endpoints.settle(spec.endpoint_name)
                endpoint = self._endpoints.get(spec.endpoint_name)
                leaving = [live for live in _deployments(endpoint) if _is_this(spec, live)]
                self._undeploy(spec, endpoint, leaving)
            except NotFound:
                return

    def _bring_about(self, spec: DeployedModelSpec, inputs: Bag) -> Bag:
        with _one_at_a_time(spec.endpoint_name):
            version = self._registry.version(spec.model_name, spec.version_alias)
            endpoint = self._endpoints.get(spec.endpoint_name)
            found = spec.find(_deployments(endpoint), version.version_id)
            if found is None:
                # A broken run may have begun it: it is on the list once its operation is over.
                self._endpoints.settle(spec.endpoint_name)
                endpoint = self._endpoints.get(spec.endpoint_name)
                found = spec.find(_deployments(endpoint), version.version_id)
            self._refuse_strangers(spec, endpoint)
            if found is None:
                endpoint = self._deploy(spec, endpoint, version.version_id)
                found = spec.find(_deployments(endpoint), version.version_id)
                if found is None:
                    raise JobFailed(
                        f"could not deploy {spec.model_name}@{version.version_id} on "
                        f"{spec.endpoint_name}: Vertex AI says it is done, and the endpoint does "
                        "not show it; run it again"
                    )
            else:
                self._scale(spec, found)
            self._direct_traffic(spec, endpoint, found)
            endpoint = self._endpoints.get(spec.endpoint_name)
            earlier = [
                live
                for live in _deployments(endpoint)
                if _is_this(spec, live) and live.id != found.id
            ]
            if earlier:
                self._undeploy(spec, endpoint, earlier)
                endpoint = self._endpoints.get(spec.endpoint_name)
        return normalised(inputs) | _facts(spec, found, endpoint)

    def _deploy(
        self, spec: DeployedModelSpec, endpoint: LiveEndpoint, model_version_id: str
    ) -> LiveEndpoint:
        live = _deployments(endpoint)
        wanted = LiveDeployment(
            id=spec.free_id(live),
            display_name=spec.display_name,
            model=spec.model_name,
            model_version_id=model_version_id,
            machine_type=spec.machine_type,
            min_replica_count=spec.min_replica_count,
            max_replica_count=spec.max_replica_count,
            service_account=spec.service_account or "",
            disable_explanations=spec.disable_explanations,
        )
        self._report(f"{_subject(spec)}: deploying {spec.model_name}@{model_version_id}")
        traffic = _split(spec, endpoint, NEW_DEPLOYMENT)
        try:
            self._endpoints.deploy(spec.endpoint_name, wanted, traffic)
        except AlreadyExists:
            # The request was sent again after an answer that got lost.
            self._endpoints.settle(spec.endpoint_name)
        return self._endpoints.get(spec.endpoint_name)

    def _scale(self, spec: DeployedModelSpec, found: Deployment) -> None:
        has = (found.min_replica_count, found.max_replica_count)
        if has == (spec.min_replica_count, spec.max_replica_count):
            return
        wanted = asdict(found) | {
            "min_replica_count": spec.min_replica_count,
            "max_replica_count": spec.max_replica_count,
        }
        self._endpoints.mutate_replicas(spec.endpoint_name, LiveDeployment(**wanted))

    def _direct_traffic(
        self, spec: DeployedModelSpec, endpoint: LiveEndpoint, found: Deployment
    ) -> None:
        wanted = _split(spec, endpoint, found.id)
        if wanted != endpoint.traffic:
            self._endpoints.set_traffic(spec.endpoint_name, wanted)

    def _undeploy(
        self, spec: DeployedModelSpec, endpoint: LiveEndpoint, leaving: Iterable[Deployment]
    ) -> None:
        ids = {live.id for live in leaving}
        if ids & set(endpoint.traffic):
            # In a call of its own: an empty split cannot be told from none in undeployModel.
            self._endpoints.set_traffic(spec.endpoint_name, without(endpoint.traffic, ids))
        for id_ in sorted(ids):
            self._report(f"{_subject(spec)}: undeploying {id_}")
            self._endpoints.undeploy(spec.endpoint_name, id_, {})

    def _refuse_strangers(self, spec: DeployedModelSpec, endpoint: LiveEndpoint) -> None:
        found = strangers(spec, _deployments(endpoint), endpoint.traffic)
        if found:
            named = ", ".join(
                f"'{live.display_name}' ({live.id}, {endpoint.traffic[live.id]} percent)"
                for live in found
            )
            raise FailedPrecondition(
                f"could not direct the traffic of {spec.endpoint_name}: deployed models that this "
                f"stack did not make carry traffic: {named}; undeploy them or take their traffic "
                "away by hand, then run it again"
            )


def _subject(spec: DeployedModelSpec) -> str:
    return f"deployed model {spec.display_name} of endpoint {spec.endpoint_id}"


def _is_this(spec: DeployedModelSpec, live: Deployment) -> bool:
    return live.display_name == spec.display_name and is_own(spec.endpoint_name, live)


def _split(spec: DeployedModelSpec, endpoint: LiveEndpoint, id_: str) -> dict[str, int]:
    own = [live for live in _deployments(endpoint) if is_own(spec.endpoint_name, live)]
    there = present(own, endpoint.traffic) | {spec.display_name: id_}
    return applied_split(spec.traffic_split, there)


def _deployments(endpoint: LiveEndpoint) -> list[Deployment]:
    return [Deployment(**asdict(live)) for live in endpoint.deployments]


def _facts(spec: DeployedModelSpec, found: Deployment, endpoint: LiveEndpoint) -> Bag:
    # The share by the declared split, not the bare number: that one changes as others come and go
    # on the endpoint, and would be a difference at each refresh.
    split = seen_split(spec, _deployments(endpoint), endpoint.traffic)
    return {
        "endpoint": spec.endpoint_name,
        "deployed_model_id": found.id,
        "model_version_id": found.model_version_id,
        "traffic_percent": split[spec.display_name],
    }


# Two resources of one endpoint read its split, change it and write it back; the host runs them on
# several threads of one process. Google refuses a second operation on an endpoint meanwhile, so
# nothing is lost by taking turns.
_TURNS: dict[str, threading.RLock] = {}
_TURNS_LOCK = threading.Lock()


def _one_at_a_time(endpoint_name: str) -> threading.RLock:
    with _TURNS_LOCK:
        return _TURNS.setdefault(endpoint_name, threading.RLock())
