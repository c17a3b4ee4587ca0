"""The BigQuery service: one ASGI application over one state directory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import Router
from starlette.types import ASGIApp

from localcloud.bigquery import upstream
from localcloud.bigquery.connection import ConnectionDirectory, ConnectionService
from localcloud.bigquery.model import ModelStore
from localcloud.ports import BigQueryEngine, BigQueryReader, ModelRegistry


@dataclass(frozen=True)
class BigQueryService:
    """An open BigQuery.

    Attributes:
        app: Answers `/bigquery/v2/...`, `/upload/bigquery/v2/...` and
            `/resumable/upload/bigquery/v2/...`.
        engine: BigQuery as Vertex AI calls it.
        reader: What it keeps, for people.
    """

    app: ASGIApp
    engine: BigQueryEngine
    reader: BigQueryReader

    def close(self) -> None:
        """Stop running jobs and write the state to its files."""
        upstream.close_state()


def create_app(
    state_dir: Path,
    *,
    registry: ModelRegistry | None,
    base_url: Callable[[], str],
    connections: ConnectionDirectory | None = None,
) -> BigQueryService:
    """Open BigQuery over a directory.

    Args:
        state_dir: BigQuery's files; made when it is not there. What a killed process left is
            taken up: tables and models as last written, its unfinished jobs as failed.
        registry: Vertex AI's Model Registry; None refuses to register models.
        base_url: Gives the local cloud's address, where remote models send Google's host names.
        connections: Says which connections exist; None asks the Connection API at `base_url`.

    Raises:
        UnsupportedVersion: Another version of local-bigquery is installed.
        RuntimeError: This process has a BigQuery open already.
    """
    models = ModelStore(state_dir / "models", registry)
    from localcloud.bigquery.memory import open_idle_memory

    opened = upstream.Runtime(
        models, connections or ConnectionService(base_url), base_url, open_idle_memory()
    )
    upstream.open_state(state_dir / "storage", opened)
    from local_bigquery.app import app as fallback

    from localcloud.bigquery.prediction import Engine
    from localcloud.bigquery.reading import Reader
    from localcloud.bigquery.request import RequestChecks
    from localcloud.bigquery.routes import routes

    router = Router(routes(models), default=fallback, redirect_slashes=False)
    return BigQueryService(RequestChecks(router), Engine(models), Reader(models))
