"""What of local-bigquery is replaced, and the guard that it is the version this was written for.

These places are overridden, each by assignment to a module attribute that the package looks up
when it is called:

1. storage (`engine.database`): plain DuckDB files, see `database`;
2. jobs (`jobs.runner`, `jobs.query.execute`, `catalog.tables.defaults`): locations, crashed jobs,
   compressed uploads, see `job`;
3. statements (`sql.script.Interpreter.sql`): BigQuery ML and ZetaSQL's analysis, see `statement`;
4. views (`sql.rules.information_schema.VIEWS`, `sql.rules.STATEMENT_RULES`): those of indexes and
   of project options, see `information_schema`;
5. look-ups (`engine.database.objects`, `catalog.tables.columns`, `catalog.tabledata.list_rows`):
   without reading the whole catalog, see `catalog`;
6. where jobs are kept (`jobs.store`, `jobs.runner.get`): see `kept_job`;
7. the hidden dataset (`catalog.datasets.exists`), and what sessions make in it: see `anonymous`;
8. what DuckDB reads otherwise (`sql.dialect`, `sql.rules`, `jobs.merge.run`): see `dialect`;
9. times of tables (`jobs.query._statement`, `catalog.tables.write`, `catalog.tabledata.insert_all`,
   the rule `time_travel`): see `time_travel`;
10. answers (`resource.Resource.__init__`): without nulls, see `answer`;
11. views that `tables.insert` makes (`catalog.tables.create`): those over functions of BigQuery ML,
    see `view_statement`.

local-bigquery keeps its state in module globals, so one process serves one state directory at a
time.
"""

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.bigquery.connection import ConnectionDirectory
    from localcloud.bigquery.memory import IdleMemory
    from localcloud.bigquery.model import ModelStore

SUPPORTED = "0.4.0"
"""The only version of local-bigquery whose internals are known to fit."""


class UnsupportedVersion(RuntimeError):
    """The installed local-bigquery is not the one whose functions are replaced here."""


@dataclass(frozen=True)
class Runtime:
    """What statements need beside SQL while a service is open.

    Attributes:
        models: The trained and remote models.
        connections: Says whether a connection exists.
        base_url: Gives the address of this local cloud, such as `http://127.0.0.1:8470`.
        idle_memory: Gives memory back while no job runs.
    """

    models: "ModelStore"
    connections: "ConnectionDirectory"
    base_url: Callable[[], str]
    idle_memory: "IdleMemory"


_runtime: Runtime | None = None


def runtime() -> Runtime:
    """The open service's runtime.

    Raises:
        RuntimeError: No service is open in this process.
    """
    if _runtime is None:
        raise RuntimeError("no BigQuery service is open in this process; call create_app first")
    return _runtime


def check_version(installed: str) -> None:
    """Refuse any other version of local-bigquery.

    Args:
        installed: The version found, such as `0.4.0`.

    Raises:
        UnsupportedVersion: It is not `SUPPORTED`.
    """
    if installed != SUPPORTED:
        raise UnsupportedVersion(
            f"local-bigquery {installed} is installed, but the local cloud replaces functions of "
            f"{SUPPORTED} exactly; install local-bigquery=={SUPPORTED}"
        )


def open_state(state_dir: Path, opened: Runtime) -> None:
    """Point local-bigquery at a directory and put the replacements in.

    Args:
        state_dir: BigQuery's directory; made when it is not there.
        opened: What statements will use.

    Raises:
        UnsupportedVersion: Another version of local-bigquery is installed.
        RuntimeError: A service is open in this process already.
    """
    global _runtime
    check_version(importlib.metadata.version("local-bigquery"))
    if _runtime is not None:
        raise RuntimeError(
            f"a BigQuery service is already open in this process; close it before opening "
            f"{state_dir}"
        )
    from local_bigquery.engine import database as engine
    from local_bigquery.settings import settings

    from localcloud.bigquery import (
        anonymous,
        answer,
        catalog,
        catalog_ddl,
        database,
        dialect,
        information_schema,
        job,
        kept_job,
        statement,
        time_travel,
        translation,
        view_statement,
    )

    state_dir.mkdir(parents=True, exist_ok=True)
    settings.data_dir = state_dir.resolve()
    settings.default_project_id = "local-project"
    engine._connect = database.connect
    engine._attach = database.attach
    engine.projects = database.projects
    anonymous.install()
    answer.install()
    catalog.install()
    catalog_ddl.install()
    kept_job.install()
    job.install()
    dialect.install()
    time_travel.install()
    statement.install()
    translation.install()
    information_schema.install()
    view_statement.install()
    _runtime = opened
    engine.connection()
    job.fail_interrupted()


def close_state() -> None:
    """Stop what runs and write the state to its files. Does nothing when none is open."""
    global _runtime
    if _runtime is None:
        return
    from localcloud.bigquery import database, job, kept_job

    job.stop_running()
    _runtime.idle_memory.close()
    kept_job.clear()
    database.close()
    _runtime = None
