"""Worker pools of a custom job: what their replicas run, checked before anything runs.

Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.errors import ApiError, Json

MOST_POOLS = 4
MOST_REPLICAS = 16
"""Processes of one job: more would be a fork bomb on one machine."""
DEFAULT_TIMEOUT_SECONDS = 7 * 24 * 3600.0
MOUNT = "/gcs/"
"""Where Google mounts the buckets in a replica."""
_MOUNTED = re.compile(r"(^|[\s'\"=])/gcs/")
_KINDS = ("containerSpec", "pythonPackageSpec")


@dataclass(frozen=True)
class Replica:
    """One process of a job.

    Attributes:
        pool: Its pool, from 0.
        index: Its number in the pool, from 0; 0 of pool 0 is the primary.
    """

    pool: int
    index: int

    @property
    def title(self) -> str:
        """Such as `workerpool0-0`."""
        return f"workerpool{self.pool}-{self.index}"


def pools(spec: Json) -> list[tuple[int, Json]]:
    """The pools that are not skipped, with their numbers."""
    return [(n, p) for n, p in enumerate(spec.get("workerPoolSpecs", [])) if p]


def task(pool: Json) -> Json:
    """What every replica of a pool runs: its container or Python package."""
    found: Json = next(pool[kind] for kind in _KINDS if kind in pool)
    return found


def replicas(spec: Json) -> list[Replica]:
    """The processes of a job, the primary first."""
    return [
        Replica(number, index)
        for number, pool in pools(spec)
        for index in range(int(pool.get("replicaCount") or 1))
    ]


def check(spec: Json, path: str = "custom_job.job_spec") -> None:
    """Refuse a job that is malformed or asks for what is not run here.

    Args:
        spec: A CustomJobSpec.
        path: What the request calls it.

    Raises:
        ApiError: INVALID_ARGUMENT or UNIMPLEMENTED.
    """
    given = spec.get("workerPoolSpecs", [])
    if not given or not given[0]:
        raise _wrong(f"{path}.worker_pool_specs must begin with the pool of the primary replica.")
    if len(given) > MOST_POOLS:
        raise _wrong(f"{path}.worker_pool_specs has {len(given)} pools; allowed are {MOST_POOLS}.")
    for number, pool in pools(spec):
        _check_pool(pool, f"{path}.worker_pool_specs[{number}]")
    if int(given[0].get("replicaCount") or 1) != 1:
        raise _wrong(
            f"{path}.worker_pool_specs[0].replica_count is {given[0]['replicaCount']}: the first "
            "pool holds the primary replica alone; give more in the second."
        )
    if len(replicas(spec)) > MOST_REPLICAS:
        raise ApiError(
            "UNIMPLEMENTED",
            f"The local cloud runs at most {MOST_REPLICAS} replicas of a job, each a process of "
            f"this machine; this one has {len(replicas(spec))}.",
        )
    prefix = str(spec.get("baseOutputDirectory", {}).get("outputUriPrefix", "gs://"))
    if not prefix.startswith("gs://"):
        raise _wrong(f"{path}.base_output_directory.output_uri_prefix {prefix!r} is no gs:// URI.")
    if timeout(spec) <= 0:
        raise _wrong(f"{path}.scheduling.timeout must be more than 0 seconds.")


def _check_pool(pool: Json, path: str) -> None:
    kinds = [kind for kind in _KINDS if kind in pool]
    if len(kinds) != 1:
        raise _wrong(f"{path} must have one of container_spec and python_package_spec.")
    for kind in ("nfsMounts", "lustreMounts"):
        if pool.get(kind):
            raise ApiError("UNIMPLEMENTED", f"{path}: {kind} are not mounted by the local cloud.")
    package = pool.get("pythonPackageSpec", {})
    for uri in package.get("packageUris", []):
        if not uri.startswith("gs://"):
            raise _wrong(f"{path}.python_package_spec.package_uris: {uri!r} is no gs:// URI.")


def timeout(spec: Json) -> float:
    """How long a job may run, in seconds."""
    text = spec.get("scheduling", {}).get("timeout")
    return float(text.removesuffix("s")) if text else DEFAULT_TIMEOUT_SECONDS


def command(pool: Json, python: str, path: str) -> list[str]:
    """What a replica of a pool runs on this machine.

    Args:
        pool: The pool.
        python: The interpreter that runs Python packages.
        path: PATH, where programs are looked for.

    Raises:
        ApiError: FAILED_PRECONDITION, it is not to be run here.
    """
    if package := pool.get("pythonPackageSpec"):
        return [python, "-m", package["pythonModule"], *package.get("args", [])]
    container = pool["containerSpec"]
    words: list[str] = list(container.get("command", []))
    image = container["imageUri"]
    if not words:
        raise ApiError(
            "FAILED_PRECONDITION",
            f"The local cloud pulls no images, so it does not know what {image} starts: give "
            "container_spec.command.",
        )
    words += container.get("args", [])
    if mounted := next((word for word in words if _MOUNTED.search(word)), ""):
        raise ApiError(
            "FAILED_PRECONDITION",
            f"The local cloud mounts no buckets under {MOUNT}, which {mounted!r} needs: read and "
            "write gs:// with Cloud Storage's client.",
        )
    if shutil.which(words[0], path=path) is None:
        raise ApiError(
            "FAILED_PRECONDITION",
            f"The local cloud runs the command of {image} on this machine, which has no program "
            f"{words[0]!r}: install it, or give container_spec.command one that is there.",
        )
    return words


def directories(spec: Json) -> dict[str, str]:
    """The variables that name where a job writes."""
    base = str(spec.get("baseOutputDirectory", {}).get("outputUriPrefix", "")).rstrip("/")
    if not base:
        return {}
    return {
        "AIP_MODEL_DIR": f"{base}/model/",
        "AIP_CHECKPOINT_DIR": f"{base}/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": f"{base}/logs/",
    }


def cluster(spec: Json, replica: Replica, addresses: Sequence[str], trial: str) -> dict[str, str]:
    """The variables that tell replicas of each other.

    Source: https://cloud.google.com/vertex-ai/docs/training/distributed-training

    Args:
        spec: A CustomJobSpec.
        replica: Whose they are.
        addresses: `host:port` of each of `replicas(spec)`.
        trial: Id of the trial; empty for none.
    """
    members: dict[str, list[str]] = {}
    for other, address in zip(replicas(spec), addresses, strict=True):
        members.setdefault(f"workerpool{other.pool}", []).append(address)
    own: Json = {"type": f"workerpool{replica.pool}", "index": replica.index}
    if trial:
        own["trial"] = trial
    told: Json = {"cluster": members, "environment": "cloud", "task": own, "job": json.dumps(spec)}
    found = {"CLUSTER_SPEC": json.dumps(told)}
    if len(addresses) > 1:
        roles = ("chief", "worker", "ps", "evaluator")
        named = {roles[int(pool.removeprefix("workerpool"))]: at for pool, at in members.items()}
        task_of_tensorflow = {"type": roles[replica.pool], "index": replica.index}
        found["TF_CONFIG"] = json.dumps(
            {"cluster": named, "task": task_of_tensorflow, "environment": "cloud"}
        )
    return found


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)
