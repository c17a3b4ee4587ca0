"""Methods that local-bigquery does not have, or not as BigQuery has them."""

from collections.abc import Awaitable, Callable
from typing import Any

from local_bigquery.api import paginate
from local_bigquery.catalog import datasets, tables
from local_bigquery.errors import BigQueryError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from localcloud.bigquery import dataset_policy, mended_routes
from localcloud.bigquery.model import ModelStore
from localcloud.bigquery.names import Reference
from localcloud.bigquery.request import PREFIX

DATASET = f"{PREFIX}/projects/{{project}}/datasets/{{dataset}}"
MODELS = f"{DATASET}/models"
Handler = Callable[[Request, dict[str, Any]], Any]
LISTED = (
    "modelReference",
    "modelType",
    "creationTime",
    "lastModifiedTime",
    "labels",
    "friendlyName",
)
"""What `models.list` tells of a model."""
LISTED_OF_A_TABLE = (
    "kind",
    "id",
    "tableReference",
    "friendlyName",
    "type",
    "timePartitioning",
    "rangePartitioning",
    "clustering",
    "labels",
    "view",
    "creationTime",
    "expirationTime",
    "requirePartitionFilter",
)
"""What `tables.list` tells of a table."""


class MethodRoute(Route):
    """A route that leaves other HTTP methods of its path to whoever comes after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it answers; see `starlette.routing.Route.matches`."""
        match, child = super().matches(scope)
        return (match if match is Match.FULL else Match.NONE), child


def routes(store: ModelStore) -> list[Route]:
    """The routes over a model store."""

    def get_model(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return store.get(_model(request)).resource

    def list_models(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        found = store.list(request.path_params["project"], request.path_params["dataset"])
        start = int(request.query_params.get("pageToken") or 0)
        end = start + int(request.query_params.get("maxResults") or len(found) or 1)
        listed = [
            {key: model.resource[key] for key in LISTED if key in model.resource}
            for model in found[start:end]
        ]
        return {"models": listed} | ({"nextPageToken": str(end)} if end < len(found) else {})

    def patch_model(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return store.patch(_model(request), body, request.headers.get("if-match")).resource

    def delete_model(request: Request, body: dict[str, Any]) -> None:
        store.delete(_model(request))

    def list_tables(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        found = tables.list_(request.path_params["project"], request.path_params["dataset"])
        shown, token = paginate(
            found,
            int(request.query_params["maxResults"])
            if "maxResults" in request.query_params
            else None,
            request.query_params.get("pageToken"),
        )
        listed = [table.only(*LISTED_OF_A_TABLE).dump() for table in shown]
        for table in listed:
            # A list tells of a view's dialect, not its query.
            table.get("view", {}).pop("query", None)
        answer = {"kind": "bigquery#tableList", "tables": listed, "totalItems": len(found)}
        return answer | ({"nextPageToken": token} if token else {})

    def delete_dataset(request: Request, body: dict[str, Any]) -> None:
        names = request.path_params["project"], request.path_params["dataset"]
        contents = request.query_params.get("deleteContents", "false").lower() == "true"
        models = store.list(*names)
        if not contents:
            datasets.check_empty(*names)
            if models:
                raise BigQueryError("resourceInUse", f"Dataset {':'.join(names)} is still in use")
        store.delete_all(*names)
        datasets.delete(*names, contents)

    def get_policy(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return dataset_policy.get(request.path_params["project"], request.path_params["dataset"])

    def set_policy(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        names = request.path_params["project"], request.path_params["dataset"]
        return dataset_policy.set_(*names, body.get("policy") or {})

    def test_permissions(request: Request, body: dict[str, Any]) -> dict[str, Any]:
        datasets.get(request.path_params["project"], request.path_params["dataset"])
        return {"permissions": body.get("permissions") or []}

    return [
        _route(MODELS, "GET", list_models),
        _route(f"{MODELS}/{{model}}", "GET", get_model),
        _route(f"{MODELS}/{{model}}", "PATCH", patch_model),
        _route(f"{MODELS}/{{model}}", "DELETE", delete_model),
        _route(f"{DATASET}:getIamPolicy", "POST", get_policy),
        _route(f"{DATASET}:setIamPolicy", "POST", set_policy),
        _route(f"{DATASET}:testIamPermissions", "POST", test_permissions),
        _route(DATASET, "DELETE", delete_dataset),
        _route(f"{DATASET}/tables", "GET", list_tables),
        *(_route(*method) for method in mended_routes.METHODS),
    ]


def _model(request: Request) -> Reference:
    names = request.path_params
    return Reference(names["project"], names["dataset"], names["model"])


def _route(path: str, method: str, handler: Handler) -> Route:
    return MethodRoute(path, _answering(handler), methods=[method])


def _answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        body = await request.json() if await request.body() else {}
        try:
            answered = await run_in_threadpool(handler, request, body)
        except BigQueryError as error:
            return JSONResponse(error.response(), error.code)
        return Response(status_code=204) if answered is None else JSONResponse(answered)

    return answer
