"""Methods of local-bigquery whose answers have more in them, or other, than BigQuery's."""

from collections.abc import Callable, Sequence
from typing import Any

from local_bigquery.api import jobs, routines, row_access_policies
from local_bigquery.catalog import row_access
from local_bigquery.models import Routine
from starlette.requests import Request

from localcloud.bigquery.request import PREFIX

PROJECT = f"{PREFIX}/projects/{{project}}"
ROUTINES = f"{PROJECT}/datasets/{{dataset}}/routines"
POLICIES = f"{PROJECT}/datasets/{{dataset}}/tables/{{table}}/rowAccessPolicies"


def list_jobs(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """jobs.list: a job that did not fail has no `errorResult`."""
    query = request.query_params
    numbers = {
        name: int(query[name])
        for name in ("maxResults", "minCreationTime", "maxCreationTime")
        if name in query
    }
    listed = jobs.list_jobs(
        request.path_params["project"],
        pageToken=query.get("pageToken"),
        stateFilter=query.getlist("stateFilter") or None,
        parentJobId=query.get("parentJobId"),
        **numbers,
    )
    answer: dict[str, Any] = listed.model_dump(mode="json", by_alias=True, exclude_none=True)
    return answer


def delete_job(request: Request, body: dict[str, Any]) -> None:
    """jobs.delete: the answer is empty."""
    jobs.delete_job(request.path_params["project"], request.path_params["job"])


def delete_row_access_policy(request: Request, body: dict[str, Any]) -> None:
    """rowAccessPolicies.delete: the answer is empty."""
    row_access_policies.delete_policy(*_names(request, "dataset", "table", "policy"))


def delete_row_access_policies(request: Request, body: dict[str, Any]) -> None:
    """rowAccessPolicies.batchDelete: the answer is empty."""
    row_access.delete(*_names(request, "dataset", "table"), *(body.get("policyIds") or ()))


def get_routine(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """routines.get: a routine has no kind."""
    return _routine(routines.get_routine(*_names(request, "dataset", "routine")))


def insert_routine(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """routines.insert."""
    given = Routine.model_validate(body)
    return _routine(routines.insert_routine(*_names(request, "dataset"), given))


def update_routine(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """routines.update."""
    given = Routine.model_validate(body)
    etag = request.headers.get("if-match")
    return _routine(routines.update_routine(*_names(request, "dataset", "routine"), given, etag))


def list_routines(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """routines.list."""
    most, token = (request.query_params.get(name) for name in ("maxResults", "pageToken"))
    found = routines.list_routines(*_names(request, "dataset"), int(most) if most else None, token)
    listed = [_routine(one) for one in found.routines or ()]
    more = found.nextPageToken
    return {"routines": listed} | ({"nextPageToken": more} if more else {})


METHODS: Sequence[tuple[str, str, Callable[[Request, dict[str, Any]], Any]]] = (
    (f"{PROJECT}/jobs", "GET", list_jobs),
    (f"{PROJECT}/jobs/{{job}}/delete", "DELETE", delete_job),
    (f"{POLICIES}/{{policy}}", "DELETE", delete_row_access_policy),
    (f"{POLICIES}:batchDelete", "POST", delete_row_access_policies),
    (ROUTINES, "GET", list_routines),
    (ROUTINES, "POST", insert_routine),
    (f"{ROUTINES}/{{routine}}", "GET", get_routine),
    (f"{ROUTINES}/{{routine}}", "PUT", update_routine),
)
"""Path, HTTP method and what answers; None is an empty answer."""


def _names(request: Request, *names: str) -> Sequence[str]:
    return [request.path_params[name] for name in ("project", *names)]


def _routine(routine: Routine) -> dict[str, Any]:
    told: dict[str, Any] = routine.dump()
    return {name: value for name, value in told.items() if name != "kind"}
