"""Persistent resources, which Ray clusters are: kept with their states, no machine is started.

Source: https://cloud.google.com/vertex-ai/docs/training/persistent-resource-overview
"""

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.store import Store, now

MOST_PER_POOL = 1000
CHANGEABLE = frozenset({"displayName", "labels", "resourcePools"})
FIXED_IN_A_POOL = ("machineSpec", "diskSpec")
JOBS_OVER = (
    "JOB_STATE_SUCCEEDED",
    "JOB_STATE_FAILED",
    "JOB_STATE_CANCELLED",
)


class PersistentResources:
    """Persistent resources of every location.

    Args:
        cloud: What all services share.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.store = cloud.store
        cloud.operations.effect("run_persistent_resource", self._running)

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collection."""
        return {
            "persistentResources": Collection(
                message=f"{prefix}PersistentResource",
                noun="PersistentResource",
                id_parameter="persistentResourceId",
                id_pattern=r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
                creating=self._creating,
                updating=self._updating,
                deleting=self._deleting,
                effect="run_persistent_resource",
            )
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"persistentResources.reboot": self._reboot}

    def _creating(self, call: Call, body: Json) -> Json:
        pools = [
            {"id": f"resource-pool-{number}", **pool}
            for number, pool in enumerate(body.get("resourcePools", []))
        ]
        body = {**body, "resourcePools": pools}
        check(body)
        return {**body, "state": "PROVISIONING"}

    def _updating(self, call: Call, before: Json, after: Json) -> Json:
        _must_run(before, "changed")
        changed = {k for k in {*before, *after} if before.get(k) != after.get(k)} - CHANGEABLE
        if changed:
            raise _wrong(
                f"{', '.join(sorted(changed))} of a PersistentResource cannot be changed; "
                f"{', '.join(sorted(CHANGEABLE))} can."
            )
        check(after)
        pools = {pool["id"]: pool for pool in before["resourcePools"]}
        if [pool["id"] for pool in after["resourcePools"]] != list(pools):
            raise _wrong(
                f"Pools can be neither added nor taken away; there are {', '.join(pools)}."
            )
        for pool in after["resourcePools"]:
            for key in FIXED_IN_A_POOL:
                if pool.get(key) != pools[pool["id"]].get(key):
                    raise _wrong(f"{key} of pool {pool['id']!r} cannot be changed.")
        return {**after, "state": "UPDATING"}

    def _deleting(self, call: Call, resource: Json) -> None:
        location, _, identifier = resource["name"].rsplit("/", 2)
        users = [
            job["name"]
            for job in self.store.under(location, "customJobs")
            if job["jobSpec"].get("persistentResourceId") == identifier
            and job["state"] not in JOBS_OVER
        ]
        if users:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{resource['name']} is in use by {', '.join(users)}: cancel them or wait.",
            )

    def _reboot(self, call: Call) -> Json:
        resource = call.resource()
        _must_run(resource, "rebooted")
        resource |= {"state": "REBOOTING", "updateTime": now()}
        message = call.plane.collections["persistentResources"].message
        shown = call.plane.document.schema.render(message, self.store.put(call.name, resource))
        response = call.plane.any(message, shown)
        return call.plane.operation(
            call.name, "RebootPersistentResource", "run_persistent_resource", response
        )

    def _running(self, response: Json) -> Json:
        """What was being provisioned, changed or rebooted runs."""
        resource = self.store.get(response["name"])
        if resource is None:
            raise ApiError("NOT_FOUND", f"{response['name']} was deleted meanwhile.")
        facts = {"state": "RUNNING", "startTime": resource.get("startTime", now())}
        self.store.put(resource["name"], {**resource, **facts, "updateTime": now()})
        return {**response, **facts}


def check(resource: Json) -> None:
    """Refuse a resource that is malformed.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    pools = resource["resourcePools"]
    ids = [pool["id"] for pool in pools]
    for pool in pools:
        name = pool["id"]
        if ids.count(name) > 1:
            raise _wrong(f"resource_pools: the id {name!r} is there more than once.")
        if not pool.get("machineSpec", {}).get("machineType"):
            raise _wrong(f"Pool {name!r} must have machine_spec.machine_type.")
        _check_count(pool)
    if ray := resource.get("resourceRuntimeSpec", {}).get("raySpec"):
        _check_ray(ray, {pool["id"]: pool for pool in pools})


def _check_count(pool: Json) -> None:
    name, count = pool["id"], int(pool.get("replicaCount") or 0)
    scaling = pool.get("autoscalingSpec")
    if scaling:
        low, high = int(scaling.get("minReplicaCount") or 0), int(scaling["maxReplicaCount"])
        if not low < high <= MOST_PER_POOL or not low <= (count or low) <= high:
            raise _wrong(
                f"Pool {name!r}: min_replica_count {low} <= replica_count {count} <= "
                f"max_replica_count {high} <= {MOST_PER_POOL}, and the least below the most, is "
                "not so."
            )
    elif not 1 <= count <= MOST_PER_POOL:
        raise _wrong(
            f"Pool {name!r}: replica_count must be from 1 to {MOST_PER_POOL}; got {count}."
        )


def _check_ray(ray: Json, pools: dict[str, Json]) -> None:
    head = ray.get("headNodeResourcePoolId") or next(iter(pools))
    if head not in pools:
        raise _wrong(f"head_node_resource_pool_id {head!r} is none of {', '.join(pools)}.")
    if int(pools[head].get("replicaCount") or 0) != 1 or "autoscalingSpec" in pools[head]:
        raise _wrong(f"Pool {head!r} holds Ray's head node: its replica_count must be 1.")
    images = ray.get("resourcePoolImages", {})
    if unknown := sorted(set(images) - set(pools)):
        raise _wrong(f"resource_pool_images names {', '.join(unknown)}, which are no pools.")
    if not ray.get("imageUri") and set(images) != set(pools):
        raise _wrong("ray_spec must have image_uri, or resource_pool_images of every pool.")


def check_use(store: Store, location: str, spec: Json) -> None:
    """Refuse a job on a persistent resource that does not run.

    Args:
        store: What is kept.
        location: `projects/<id>/locations/<location>` of the job.
        spec: Its CustomJobSpec.

    Raises:
        ApiError: NOT_FOUND or FAILED_PRECONDITION.
    """
    if not (identifier := spec.get("persistentResourceId")):
        return
    name = f"{location}/persistentResources/{identifier}"
    resource = store.get(name)
    if resource is None:
        raise ApiError("NOT_FOUND", f"The PersistentResource {name} does not exist.")
    _must_run(resource, "used")


def _must_run(resource: Json, what: str) -> None:
    if resource["state"] != "RUNNING":
        raise ApiError(
            "FAILED_PRECONDITION",
            f"{resource['name']} is {resource['state']}: only one that is RUNNING can be {what}.",
        )


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)
