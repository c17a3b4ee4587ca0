"""Google's pipeline component that makes a custom job, run as one of the local cloud's.

Source: https://google-cloud-pipeline-components.readthedocs.io
"""

import json
from typing import Any

from localcloud.discovery.document import load
from localcloud.errors import Json
from localcloud.vertex import worker_pool
from localcloud.vertex.custom_jobs import CustomJobs
from localcloud.vertex.job_runs import Stopped
from localcloud.vertex.pipeline_spec import Values

API = "https://{location}-aiplatform.googleapis.com/v1/{name}"
_OF_SPECIFICATION = (
    "service_account",
    "network",
    "tensorboard",
    "persistent_resource_id",
    "enable_web_access",
    "reserved_ip_ranges",
    "psc_interface_config",
)
_OF_SCHEDULING = ("timeout", "restart_job_on_worker_restart", "strategy", "max_wait_duration")


def specification(parameters: Json) -> Json:
    """The CustomJobSpec of a component's parameters.

    Raises:
        ApiError: INVALID_ARGUMENT or UNIMPLEMENTED; it could not run.
    """
    given: dict[str, Any] = {"worker_pool_specs": parameters.get("worker_pool_specs") or []}
    given |= {key: parameters[key] for key in _OF_SPECIFICATION if parameters.get(key)}
    if base := parameters.get("base_output_directory"):
        given["base_output_directory"] = {"output_uri_prefix": base}
    if scheduling := {key: parameters[key] for key in _OF_SCHEDULING if parameters.get(key)}:
        given["scheduling"] = scheduling
    schema = load("aiplatform.v1").schema
    found = schema.parse("GoogleCloudAiplatformV1CustomJobSpec", given, "custom_job.job_spec")
    worker_pool.check(found)
    return found


def run(custom_jobs: CustomJobs, given: Values, location: str, begun: Any) -> Values:
    """Run one component to its end.

    Args:
        custom_jobs: Runs the job.
        given: What the task is given.
        location: `projects/<id>/locations/<location>` of the pipeline.
        begun: Told the job's name before it runs; may raise Stopped.

    Raises:
        ApiError: The job is refused.
        ValueError: The job failed.
    """
    asked = given.parameters
    _, project, _, place = location.split("/")
    parent = (
        f"projects/{asked.get('project') or project}/locations/{asked.get('location') or place}"
    )
    settings: Json = {}
    if labels := asked.get("labels"):
        settings["labels"] = labels
    if key := asked.get("encryption_spec_key_name"):
        settings["encryptionSpec"] = {"kmsKeyName": key}
    name = custom_jobs.add(
        parent,
        str(asked.get("display_name") or "custom-job"),
        specification(asked),
        settings=settings,
    )
    try:
        begun(name)
        custom_jobs.runs.run(name)
    finally:
        custom_jobs.stop(name)
    done = custom_jobs.store.get(name) or {}
    if done.get("state") == "JOB_STATE_CANCELLED" and custom_jobs.runs.closing:
        raise Stopped
    if done.get("state") != "JOB_STATE_SUCCEEDED":
        raise ValueError(f"{name} failed: {done.get('error', {}).get('message', 'deleted')}")
    uri = API.format(location=parent.rsplit("/", 1)[1], name=name)
    resources = {"resources": [{"resourceType": "CustomJob", "resourceUri": uri}]}
    return Values({"gcp_resources": json.dumps(resources)})
