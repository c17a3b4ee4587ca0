"""Copy jobs: a model under another name, without a training.

To the API a model in a copy job is a table: `configuration.copy` has no field for models.
https://cloud.google.com/bigquery/docs/managing-models#copy-models

Google says neither what becomes of a model's metadata nor of its registration. Here description,
friendly name and labels go with the copy, the expiration and the registration do not. Unverified.
"""

import shutil

import duckdb
from local_bigquery.catalog import datasets, tables
from local_bigquery.errors import BigQueryError, already_exists, not_found
from local_bigquery.jobs import copy
from local_bigquery.models import JobConfiguration, JobConfigurationTableCopy, JobStatistics5

from localcloud.bigquery import location, model, upstream
from localcloud.bigquery.names import Reference

CREATE_DISPOSITIONS = ("CREATE_IF_NEEDED", "CREATE_NEVER")
WRITE_DISPOSITIONS = ("WRITE_EMPTY", "WRITE_TRUNCATE")
KEPT = (
    "modelType",
    "description",
    "friendlyName",
    "labels",
    "featureColumns",
    "labelColumns",
    "transformColumns",
    "hparamSearchSpaces",
    "hparamTrials",
    "defaultTrialId",
    "optimalTrialIds",
    "bestTrialId",
    "remoteModelInfo",
    "trainingRuns",
)
"""What a copy has of its source's REST resource."""
REGISTRATION = ("vertexAiModelId", "vertexAiModelVersion")

_copy_table = copy.run


def run(
    cursor: duckdb.DuckDBPyConnection, config: JobConfigurationTableCopy, upload: str | None
) -> JobStatistics5:
    """Copy a model or tables, where their datasets are.

    Raises:
        BigQueryError: `notFound`, `duplicate` for a destination that WRITE_EMPTY keeps, `invalid`
            for what a copy of a model cannot do.
    """
    sources = [
        Reference(*tables.reference(source))
        for source in config.sourceTables or [config.sourceTable]
        if source is not None
    ]
    if not sources or config.destinationTable is None:
        raise BigQueryError("invalid", "Required parameter is missing: sourceTable")
    destination = Reference(*tables.reference(config.destinationTable))
    configuration = JobConfiguration(copy=config)
    place = location.of_job(destination.project, configuration)
    location.check(destination.project, configuration, place)
    for reference in (*sources, destination):
        datasets.get(*reference[:2])
    store = upstream.runtime().models
    if any(store.find(source) is not None for source in sources):
        _copy_model(sources, destination, config)
        return JobStatistics5(copiedRows="0", copiedLogicalBytes="0")
    if store.find(destination) is not None:
        raise already_exists("Model", destination.label)
    return _copy_table(cursor, config, upload)


def _copy_model(
    sources: list[Reference], destination: Reference, config: JobConfigurationTableCopy
) -> None:
    if len(sources) > 1:
        raise BigQueryError("invalid", "Copying multiple source models in a single job.")
    if config.operationType not in (None, "OPERATION_TYPE_UNSPECIFIED", "COPY"):
        raise BigQueryError(
            "invalid", f"operationType {config.operationType} is not for models; COPY is."
        )
    write = _disposition("writeDisposition", config.writeDisposition, WRITE_DISPOSITIONS)
    create = _disposition("createDisposition", config.createDisposition, CREATE_DISPOSITIONS)
    model.check_name(destination)
    store = upstream.runtime().models
    source = store.get(sources[0])
    found = store.find(destination)
    if found is None and tables.exists(*destination):
        raise already_exists("Table", destination.label)
    if found is None and create == "CREATE_NEVER":
        raise not_found("Model", destination.label)
    if found is not None and write == "WRITE_EMPTY":
        raise already_exists("Model", destination.label)
    resource = model.identity(destination) | {
        key: source.resource[key] for key in KEPT if key in source.resource
    }
    if runs := resource.get("trainingRuns"):
        resource["trainingRuns"] = [
            {key: value for key, value in run.items() if key not in REGISTRATION} for run in runs
        ]
    training, directory = store.new_training(destination)
    shutil.copytree(store.training_directory(source.artifact_uri), directory, dirs_exist_ok=True)
    store.publish(destination, training, resource, vertex_ai_model_id=None)


def _disposition(name: str, given: str | None, allowed: tuple[str, ...]) -> str:
    if given in (None, ""):
        return allowed[0]
    if given not in allowed:
        raise BigQueryError(
            "invalid", f"{name} {given} is not for models; {' and '.join(allowed)} are."
        )
    return given
