"""Load jobs: from uploads and from the objects of this local cloud's Cloud Storage.

https://cloud.google.com/bigquery/docs/batch-loading-data
"""

import gzip
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import duckdb
from local_bigquery.catalog import tables
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import load
from local_bigquery.models import JobConfigurationLoad, JobStatistics3, Table, TableSchema

from localcloud.bigquery import storage

GZIP = b"\x1f\x8b"
WITHOUT_OWN_SCHEMA = ("CSV", "NEWLINE_DELIMITED_JSON")
NOT_HERE = (
    "dateFormat",
    "datetimeFormat",
    "timeFormat",
    "timestampFormat",
    "timeZone",
    "nullMarkers",
    "referenceFileSchemaUri",
    "decimalTargetTypes",
    "projectionFields",
)
"""Settings that change what is loaded and that are not there."""

_run = load.run
_staged: ContextVar[Mapping[str, list[str]]] = ContextVar("staged")
"""The files that hold what the URIs of the job in hand name."""


def install() -> None:
    """Put the replacements into local-bigquery; repeating it changes nothing."""
    load.paths = _paths


def run(
    cursor: duckdb.DuckDBPyConnection, config: JobConfigurationLoad, upload: str | None
) -> JobStatistics3:
    """Load a table.

    Raises:
        BigQueryError: `invalid` when the rows do not fit, `notFound` for an object that is not
            there, `notImplemented` for a setting that is not.
    """
    given = config.dump()
    for name in NOT_HERE:
        if given.get(name):
            raise BigQueryError(
                "notImplemented", f"{name} of a load job is not implemented on the local cloud."
            )
    config = _with_schema(config)
    if upload is not None:
        _decompress(Path(upload))
        loaded = _run(cursor, config, upload)
    elif not config.sourceUris:
        raise BigQueryError("invalid", "Load configuration must specify at least one source URI")
    else:
        with staged(config.sourceUris):
            loaded = _run(cursor, config, None)
    if config.destinationTableProperties is not None:
        told = Table.model_validate(config.destinationTableProperties.dump())
        tables.annotate(tables.reference(config.destinationTable), told)
    return loaded


def has_columns(reference: tuple[str, str, str]) -> bool:
    """Whether a table is there and has a schema."""
    return bool(tables.exists(*reference) and tables.columns(*reference))


@contextmanager
def staged(uris: list[str]) -> Iterator[None]:
    """The objects that URIs name as files, for as long as the context lasts.

    Raises:
        BigQueryError: `notFound`, `invalid` for what is no URI.
    """
    with tempfile.TemporaryDirectory(prefix="load-") as directory:
        files: dict[str, list[str]] = {}
        for uri in uris:
            files[uri] = []
            for stored in storage.find(uri):
                file = Path(directory, stored.bucket, *_parts(stored.name))
                if not file.exists():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(storage.read(stored))
                    _decompress(file)
                files[uri].append(str(file))
        held = _staged.set(files)
        try:
            yield
        finally:
            _staged.reset(held)


def _parts(name: str) -> list[str]:
    # An object's name may hold what would lead out of the directory.
    return [part if part not in ("", ".", "..") else "_" for part in name.split("/")]


def _paths(cursor: object, uri: str) -> list[str]:
    return list(_staged.get()[uri])


def _with_schema(config: JobConfigurationLoad) -> JobConfigurationLoad:
    """The configuration with the schema of the table where the job brings none."""
    kind = (config.sourceFormat or "CSV").upper()
    given = config.schema_ and config.schema_.fields
    if given or config.autodetect or kind not in WITHOUT_OWN_SCHEMA:
        return config
    reference = tables.reference(config.destinationTable)
    if not has_columns(reference):
        raise BigQueryError("invalid", "No schema specified on job or table.")
    return config.replace(schema_=TableSchema(fields=tables.columns(*reference)))


def _decompress(path: Path) -> None:
    # DuckDB tells compression by the file's suffix, which says nothing here.
    with path.open("rb") as file:
        if file.read(2) != GZIP:
            return
    with (
        gzip.open(path, "rb") as source,
        tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as target,
    ):
        shutil.copyfileobj(source, target, 1 << 20)
    Path(target.name).replace(path)
