"""BigQuery's storage: one plain DuckDB file a project, and one for catalog, jobs and results.

local-bigquery keeps its tables in DuckLake and draws geography from `spatial`: two extensions that
DuckDB downloads when it starts. Here nothing is downloaded; what needs them is in `UNAVAILABLE`.
Price: no rows of the past for `FOR SYSTEM_TIME AS OF`, no geography.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import duckdb
from local_bigquery.engine import database as upstream
from local_bigquery.errors import BigQueryError
from local_bigquery.settings import settings
from local_bigquery.sql import native
from local_bigquery.sql.dialect import FUNCTIONS, MACRO

from localcloud.bigquery import project_options, translation
from localcloud.bigquery.generative import answer

UNAVAILABLE: set[str] = set()
"""Upper-case names of functions that need an extension this engine has not, such as `ST_AREA`."""


def project_files() -> Path:
    """The directory of the projects' files, one `<project id>.duckdb` each."""
    return Path(settings.data_dir) / "projects"


@functools.cache
def connect() -> duckdb.DuckDBPyConnection:
    """Open the storage below `settings.data_dir`; every cursor of the process comes from it."""
    project_files().mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    connection.execute("SET TimeZone = 'UTC'")
    # Else a table that is not there is looked for among Python variables of that name.
    connection.execute("SET python_enable_replacements = false")
    connection.execute(f"ATTACH '{_quoted(settings.data_dir / 'emulator.duckdb')}' AS emulator")
    connection.execute(upstream.EMULATOR_SCHEMA)
    connection.execute(project_options.TABLE)
    connection.execute("ATTACH ':memory:' AS bq")
    native.register(connection)
    answer.register(connection)
    for name, statement in _macros():
        try:
            connection.execute(statement)
        except duckdb.Error:
            UNAVAILABLE.add(name.upper())
    for macro in translation.MACROS:
        connection.execute(macro)
    for file in sorted(project_files().glob("*.duckdb")):
        attach(connection, file.stem)
    attach(connection, settings.default_project_id)
    return connection


def attach(connection: duckdb.DuckDBPyConnection, project_id: str) -> None:
    """Open a project's file, making it when there is none.

    Args:
        connection: Where it is opened; all cursors of the process see it.
        project_id: A project id. Checked here because it becomes a file name.

    Raises:
        BigQueryError: `project_id` is not a project id (reason `invalid`).
    """
    from local_bigquery.app import PROJECT_ID

    if not PROJECT_ID.match(project_id):
        raise BigQueryError("invalid", f"Invalid project ID: {project_id}")
    file = project_files() / f"{project_id}.duckdb"
    connection.execute(f"ATTACH IF NOT EXISTS '{_quoted(file)}' AS {upstream.quote(project_id)}")
    upstream._attached.add(project_id)


def projects() -> list[str]:
    """Ids of the projects that have a file."""
    rows = upstream.fetch(
        "SELECT database_name FROM duckdb_databases() WHERE path LIKE ? ORDER BY database_name",
        [f"{project_files()}/%"],
    )
    return [name for (name,) in rows]


def close() -> None:
    """Write everything to the files and close them; the next use opens them again."""
    if connect.cache_info().currsize:
        connect().close()
        connect.cache_clear()
    upstream._attached.clear()


def _macros() -> Iterator[tuple[str, str]]:
    """Name and statement of each SQL macro that local-bigquery brings."""
    for path in FUNCTIONS:
        for statement in duckdb.extract_statements(path.read_text()):
            text = statement.query.strip()
            if match := MACRO.search(text):
                yield match[1], MACRO.sub(r"CREATE MACRO bq.main.\1", text)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
