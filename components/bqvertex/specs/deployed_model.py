"""One deployed model of a Vertex AI endpoint, and the endpoint's traffic, as plain data."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs.inputs import Problem, canonical_json, known, missing, not_text, whole_number
from bqvertex.specs.unknown import holds_unknown

IDENTITY: Final = frozenset({"project", "location", "endpoint_id", "display_name"})
"""Inputs whose change means another deployed model: the old one goes."""
DEFINITION: Final = frozenset(
    {
        "model",
        "version_alias",
        "definition_hash",
        "machine_type",
        "service_account",
        "disable_explanations",
    }
)
"""Inputs whose change means a new deployment that takes the traffic before the old one goes."""
METADATA: Final = frozenset({"min_replica_count", "max_replica_count", "traffic_split"})
"""Inputs that Vertex AI changes on the running deployment."""
INPUTS: Final = IDENTITY | DEFINITION | METADATA
CONSEQUENCES: Final = (
    (IDENTITY, "replaces the deployed model"),
    (DEFINITION, "deploys anew, the old one answers until then; both are billed meanwhile"),
    (METADATA, "changes the running deployment"),
)
"""What a change of inputs does, see `bqvertex.specs.change_reason`."""

DEFAULT_MACHINE_TYPE: Final = "n1-standard-2"
WHOLE: Final = 100

# More than an endpoint ever holds of one display name.
_ATTEMPTS = 20

_ENDPOINT_ID = re.compile(r"[1-9][0-9]{0,9}\Z")
_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/models/[^/@]+\Z")
_ID = re.compile(r"[^/@\s]+\Z")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployed model as the endpoint shows it.

    Attributes:
        id: Deployed model id, digits.
        display_name: Its name on the endpoint, such as `champion`.
        model: Registry entry, `projects/…/locations/…/models/…`, without a version.
        model_version_id: Version that serves, such as `3`.
        machine_type: Compute Engine machine type; empty for other than dedicated resources.
        min_replica_count: Nodes at least.
        max_replica_count: Nodes at most.
        service_account: Account the container runs as; empty for Google's own.
        disable_explanations: Whether the model's explanation spec is ignored.
    """

    id: str
    display_name: str
    model: str
    model_version_id: str
    machine_type: str
    min_replica_count: int
    max_replica_count: int
    service_account: str = ""
    disable_explanations: bool = False


@dataclass(frozen=True, kw_only=True)
class DeployedModelSpec:
    """What one deployed model should be.

    Attributes:
        project: Project of the endpoint.
        location: Region of the endpoint.
        endpoint_id: The endpoint, up to 10 digits.
        display_name: Its name on the endpoint and its key in the traffic split.
        model: Registry entry: a full name, or an id in the same project and region.
        version_alias: Alias or number of the version to deploy.
        definition_hash: Hash of what the version was trained from; None when nobody said.
        machine_type: Compute Engine machine type.
        service_account: Account the container runs as; None is Google's own.
        disable_explanations: Whether to ignore the model's explanation spec.
        min_replica_count: Nodes at least, 1 or more.
        max_replica_count: Nodes at most.
        traffic_split: The endpoint's whole declared split, percent by display name.
    """

    project: str
    location: str
    endpoint_id: str
    display_name: str
    model: str
    version_alias: str
    definition_hash: str | None
    machine_type: str
    service_account: str | None
    disable_explanations: bool
    min_replica_count: int
    max_replica_count: int
    traffic_split: Mapping[str, int]

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "DeployedModelSpec":
        """Take known inputs, or a state, as a spec; what an older state lacks is the default."""
        inputs = normalised(inputs)
        return cls(
            project=inputs["project"],
            location=inputs["location"],
            endpoint_id=inputs["endpoint_id"],
            display_name=inputs["display_name"],
            model=inputs["model"],
            version_alias=inputs["version_alias"],
            definition_hash=inputs.get("definition_hash"),
            machine_type=inputs["machine_type"],
            service_account=inputs.get("service_account"),
            disable_explanations=inputs["disable_explanations"],
            min_replica_count=inputs["min_replica_count"],
            max_replica_count=inputs["max_replica_count"],
            traffic_split=inputs["traffic_split"],
        )

    @property
    def endpoint_name(self) -> str:
        """The endpoint, `projects/…/locations/…/endpoints/…`."""
        return f"projects/{self.project}/locations/{self.location}/endpoints/{self.endpoint_id}"

    @property
    def model_name(self) -> str:
        """The registry entry, `projects/…/locations/…/models/…`."""
        if "/" in self.model:
            return self.model
        return f"projects/{self.project}/locations/{self.location}/models/{self.model}"

    def matches(self, live: Deployment, model_version_id: str) -> bool:
        """Tell whether a live deployment already serves what this spec asks for.

        Replica counts and traffic do not count: they are changed on the running deployment.
        """
        return (
            live.display_name == self.display_name
            and _without_project(live.model) == _without_project(self.model_name)
            and live.model_version_id == model_version_id
            and live.machine_type == self.machine_type
            and live.service_account == (self.service_account or "")
            and live.disable_explanations == self.disable_explanations
        )

    def deployed_model_ids(self) -> Iterator[str]:
        """Yield the ids the deployment may have: the same for the same spec, so a repeat finds it.

        The first five digits come from endpoint and display name and tell that this toolkit made
        it (`is_own`); the last five come from the definition. Two definitions agree in these once
        in 100,000 times, so the second id and those after it are for when the first is taken.

        Yields:
            10 digits, the first not zero.
        """
        definition = canonical_json(
            [
                self.model_name,
                self.version_alias,
                self.definition_hash,
                self.machine_type,
                self.service_account,
                self.disable_explanations,
            ]
        )
        owner = _owner_digits(self.endpoint_name, self.display_name)
        for attempt in range(_ATTEMPTS):
            yield f"{owner}{_number(definition, str(attempt)) % 100_000:05}"

    def find(self, live: Iterable[Deployment], model_version_id: str) -> Deployment | None:
        """Find the deployment that already is what this spec asks for, traffic and replicas aside.

        Args:
            live: What is on the endpoint.
            model_version_id: The version that the alias is on now.
        """
        by_id = {deployment.id: deployment for deployment in live}
        found = (by_id[id_] for id_ in self.deployed_model_ids() if id_ in by_id)
        return next((one for one in found if self.matches(one, model_version_id)), None)

    def free_id(self, live: Iterable[Deployment]) -> str:
        """Choose the id for a new deployment: the first that nothing on the endpoint has."""
        taken = {deployment.id for deployment in live}
        return next(id_ for id_ in self.deployed_model_ids() if id_ not in taken)


def is_own(endpoint_name: str, live: Deployment) -> bool:
    """Tell whether this toolkit made a live deployment, from its id and display name.

    Google's own ids have 19 digits, and one of 10 digits chosen by somebody else agrees by chance
    once in 90,000 times.
    """
    owner = _owner_digits(endpoint_name, live.display_name)
    return len(live.id) == 10 and live.id.startswith(owner)


def normalised(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Put inputs into the one form that is compared: integers as such, defaults filled in."""
    result = dict(inputs)
    for name, default in (
        ("version_alias", "default"),
        ("machine_type", DEFAULT_MACHINE_TYPE),
        ("disable_explanations", False),
        ("min_replica_count", 1),
    ):
        if result.get(name) is None:
            result[name] = default
    result["min_replica_count"] = whole_number(result["min_replica_count"])
    if result.get("max_replica_count") is None:
        result["max_replica_count"] = result["min_replica_count"]
    result["max_replica_count"] = whole_number(result["max_replica_count"])
    split = result.get("traffic_split")
    if isinstance(split, Mapping):
        result["traffic_split"] = {name: whole_number(share) for name, share in split.items()}
    return result


def problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each normalised input that Google would refuse, with the reason."""
    yield from missing(inputs, IDENTITY | {"model", "traffic_split"})
    yield from not_text(inputs, (IDENTITY | DEFINITION) - {"disable_explanations"})
    if known(inputs, "endpoint_id", str) and not _ENDPOINT_ID.match(inputs["endpoint_id"]):
        yield (
            "endpoint_id",
            f"is '{inputs['endpoint_id']}': give the endpoint's number, up to 10 digits without "
            "a leading zero",
        )
    if known(inputs, "model", str):
        model = inputs["model"]
        if not (_NAME if "/" in model else _ID).match(model):
            yield (
                "model",
                f"is '{model}': give a registry id, or projects/<project>/locations/<region>/"
                "models/<id>; the version goes into version_alias",
            )
        elif "/" in model and known(inputs, "location", str):
            region = model.split("/")[3]
            if region != inputs["location"]:
                yield (
                    "model",
                    f"is in '{region}' and the endpoint in '{inputs['location']}': a BigQuery ML "
                    "model is deployed in the region of its registry entry",
                )
    yield from _replica_problems(inputs)
    yield from _split_problems(inputs)


def _replica_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    sound = True
    for name in ("min_replica_count", "max_replica_count"):
        value = inputs.get(name)
        if holds_unknown(value):
            sound = False
        elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
            sound = False
            yield name, f"is {value!r}: give a whole number, 1 or more"
    if sound and inputs["max_replica_count"] < inputs["min_replica_count"]:
        yield (
            "max_replica_count",
            f"is {inputs['max_replica_count']}: give min_replica_count, which is "
            f"{inputs['min_replica_count']}, or more",
        )


def _split_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    split = inputs.get("traffic_split")
    if split is None or holds_unknown(split):
        return
    if not isinstance(split, Mapping):
        yield "traffic_split", f"is {split!r}: give percent by display name, such as {{'a': 100}}"
        return
    wrong = {
        name: share
        for name, share in split.items()
        if not isinstance(share, int) or isinstance(share, bool) or not 0 <= share <= WHOLE
    }
    for name, share in wrong.items():
        yield "traffic_split", f"gives '{name}' {share!r}: use whole percents, 0 to 100"
    if not wrong and sum(split.values()) != WHOLE:
        yield "traffic_split", f"{dict(split)} sums to {sum(split.values())}: it must sum to 100"
    if known(inputs, "display_name", str) and inputs["display_name"] not in split:
        yield (
            "traffic_split",
            f"does not name '{inputs['display_name']}': say how many percent it gets, 0 is allowed",
        )


def applied_split(declared: Mapping[str, int], present: Mapping[str, str]) -> dict[str, int]:
    """Turn the declared split into the one that can be set while some models are not there yet.

    The shares of those present are scaled to 100 by the method of the largest remainder.

    Args:
        declared: Percent by display name, summing to 100.
        present: Deployed model id by display name.

    Returns:
        Percent by deployed model id, summing to 100, without zeros; empty when none of those
        present is to have traffic.
    """
    shares = {name: declared[name] for name in present if declared.get(name, 0) > 0}
    total = sum(shares.values())
    if total == 0:
        return {}
    floors = {name: share * WHOLE // total for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (-(shares[name] * WHOLE % total), name))
    for name in by_remainder[: WHOLE - sum(floors.values())]:
        floors[name] += 1
    return {present[name]: percent for name, percent in floors.items()}


def without(traffic: Mapping[str, int], leaving: Collection[str]) -> dict[str, int]:
    """Hand the traffic of deployed models that leave to the others, in proportion to theirs.

    Args:
        traffic: Live percent by deployed model id.
        leaving: Ids that go.

    Returns:
        Percent by id, summing to 100; empty when no other has traffic.
    """
    staying = {id_: share for id_, share in traffic.items() if id_ not in leaving}
    return applied_split(staying, {id_: id_ for id_ in staying})


def strangers(
    spec: DeployedModelSpec, live: Iterable[Deployment], traffic: Mapping[str, int]
) -> list[Deployment]:
    """List the deployed models that carry traffic though nobody declared and we did not make them.

    One of this toolkit's own that is no longer declared is none: it is about to go, and its
    traffic may be taken. One of somebody else's is one even under a declared name.
    """
    return [
        deployment
        for deployment in live
        if traffic.get(deployment.id, 0) > 0 and not is_own(spec.endpoint_name, deployment)
    ]


def present(live: Iterable[Deployment], traffic: Mapping[str, int]) -> dict[str, str]:
    """Say which deployed model stands for each display name.

    Returns:
        Deployed model id by display name. Of two with one name, as while one takes the place of
        the other, it is the one with traffic.
    """
    by_traffic = sorted(live, key=lambda deployment: traffic.get(deployment.id, 0))
    return {deployment.display_name: deployment.id for deployment in by_traffic}


def seen_split(
    spec: DeployedModelSpec, live: Collection[Deployment], traffic: Mapping[str, int]
) -> dict[str, int]:
    """Read the live traffic in the terms of the declared split.

    Returns:
        The declared split where the live traffic is what it amounts to with those present, also
        while some are not there yet; else the live percent by display name.
    """
    if applied_split(spec.traffic_split, present(live, traffic)) == traffic:
        return dict(spec.traffic_split)
    seen = dict.fromkeys(spec.traffic_split, 0)
    for deployment in live:
        if traffic.get(deployment.id):
            before = seen.get(deployment.display_name, 0)
            seen[deployment.display_name] = before + traffic[deployment.id]
    return seen


def _owner_digits(endpoint_name: str, display_name: str) -> str:
    return str(10_000 + _number(endpoint_name, display_name) % 90_000)


def _number(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8])


def _without_project(model_name: str) -> str:
    # Google answers with the project's number where it was asked with the project's id.
    return model_name.partition("@")[0].partition("/locations/")[2]
