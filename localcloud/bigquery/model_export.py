"""EXPORT MODEL and extract jobs of models: what a model is made of, as objects of Cloud Storage.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-export-model
https://cloud.google.com/bigquery/docs/exporting-models
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_bigquery.errors import BigQueryError
from local_bigquery.models import JobConfigurationExtract, JobStatistics2, JobStatistics4
from local_bigquery.sql.script import Interpreter

from googlesql.constant import Constant, read_constant
from googlesql.position import Text
from googlesql.tree import Node, dotted_path, identifiers
from localcloud.bigquery import job, storage, training, transform_graph, upstream
from localcloud.bigquery.imported_model import ImportedModel
from localcloud.bigquery.names import Reference
from localcloud.bigquery.training import Loaded, Training

if TYPE_CHECKING:
    from localcloud.bqml.export import Files

OPTIONS = ("URI", "TRIAL_ID")
TRANSFORM = "transform"
"""Where the files of a TRANSFORM clause are, beside those of the model."""
FORMATS = ("ML_TF_SAVED_MODEL", "ML_XGBOOST_BOOSTER")
"""What `destinationFormat` may be for models; the first unless it is said otherwise."""


def export(interpreter: Interpreter, statement: Node, text: Text) -> JobStatistics2:
    """Run or check EXPORT MODEL.

    Raises:
        BigQueryError: `notFound` for the model or the bucket; `invalidQuery` for options that are
            none and for models that cannot be exported; `notImplemented` for those of which only
            BigQuery can do it.
    """
    context = interpreter.context
    if statement.child("with_connection_clause") is not None:
        raise BigQueryError(
            "notImplemented", "EXPORT MODEL WITH CONNECTION is not implemented on the local cloud."
        )
    reference = Reference.resolve(
        dotted_path(statement.child("model_name_path")), context.project_id, context.dataset_id
    )
    given = _options(statement.child("options_list"), text)
    uri = given.get("URI")
    if not isinstance(uri, str) or not uri:
        raise BigQueryError("invalidQuery", "Option 'uri' is missing or empty.")
    _check_uri(uri, "invalidQuery")
    loaded = _loaded(reference)
    with _refusals("invalidQuery"):
        _format(loaded)
        if not job.is_dry_run():
            write(loaded, uri, given.get("TRIAL_ID"))
    return JobStatistics2(statementType="EXPORT_MODEL")


def run(config: JobConfigurationExtract) -> JobStatistics4:
    """Run an extract job of a model.

    Raises:
        BigQueryError: As `export`, with `invalid` for what is wrong.
    """
    given = config.dump()
    source = given["sourceModel"]
    reference = Reference(source["projectId"], source["datasetId"], source["modelId"])
    uris = config.destinationUris or ([config.destinationUri] if config.destinationUri else [])
    if len(uris) != 1:
        raise BigQueryError(
            "invalid",
            f"An extract job of a model has one destination URI, and this has {len(uris)}.",
        )
    [uri] = uris
    _check_uri(uri, "invalid")
    loaded = _loaded(reference)
    asked = config.destinationFormat or FORMATS[0]
    with _refusals("invalid"):
        fitting = _format(loaded)
        if asked != fitting:
            raise BigQueryError(
                "invalid",
                f"destinationFormat is {asked}, which is not for models of type "
                f"{_model_type(loaded)}; set destinationFormat to {fitting}. Without one it is "
                f"{FORMATS[0]}.",
            )
        trial = (given.get("modelExtractOptions") or {}).get("trialId")
        count = write(loaded, uri, None if trial is None else int(trial))
    return JobStatistics4(destinationUriFileCounts=[str(count)])


def write(loaded: Loaded, uri: str, trial_id: Any = None) -> int:
    """Write a model's files below a URI, in the place of those that have their names.

    Args:
        loaded: What the model's directory holds.
        uri: Such as `gs://bucket/path`, with or without a slash at its end.
        trial_id: Of a tuned model, which trial; None: the default one.

    Returns:
        How many files were written.

    Raises:
        BigQueryError: `notFound`; there is no such bucket.
        BqmlError: Models like this one cannot be exported.
        NotImplementedError: BigQuery exports them and the local cloud does not.
    """
    found = files(loaded, trial_id)
    below = uri.rstrip("/")
    storage.check_bucket(f"{below}/")
    for name, content in found.items():
        storage.write(f"{below}/{name}", content, "application/octet-stream")
    return len(found)


def write_training(directory: Path, uri: str) -> int:
    """Write the files of the model whose training a directory holds; see `write`.

    Args:
        directory: A training's, such as `ModelStore.training_directory` gives for an artifact URI.
        uri: Where to.

    Raises:
        BigQueryError: `notFound`, `invalid` or `notImplemented`.
    """
    _check_uri(uri, "invalid")
    with _refusals("invalid"):
        return write(training.load(directory), uri)


def files(loaded: Loaded, trial_id: Any = None) -> "Files":
    """The files of a model; see `write`."""
    from localcloud.bqml import export as exported

    _format(loaded)
    if isinstance(loaded, ImportedModel):
        return {
            str(file.relative_to(loaded.path)): file.read_bytes()
            for file in sorted(loaded.path.rglob("*"))
            if file.is_file()
        }
    assert isinstance(loaded, Training), "a remote model has no format"
    model = loaded.model
    if loaded.transform is None:
        return exported.files(model, trial_id)
    if model.kind == "TRANSFORM_ONLY":
        outputs = [item.name for item in loaded.transform.items]
        return transform_graph.files(loaded.transform, loaded.inputs, outputs)
    found = exported.files(model, trial_id)
    before = transform_graph.files(loaded.transform, loaded.inputs, loaded.features)
    return {**found, **{f"{TRANSFORM}/{name}": content for name, content in before.items()}}


def _format(loaded: Loaded) -> str:
    from localcloud.bqml import export as exported

    return exported.format_of(_model_type(loaded))


def _model_type(loaded: Loaded) -> str:
    if isinstance(loaded, Training):
        return loaded.model.kind
    return loaded.model_type if isinstance(loaded, ImportedModel) else "REMOTE"


def _loaded(reference: Reference) -> Loaded:
    store = upstream.runtime().models
    found = store.get(reference)
    return training.load(store.training_directory(found.artifact_uri))


def _options(node: Node | None, text: Text) -> dict[str, Constant]:
    found: dict[str, Constant] = {}
    for entry in node.children("options_entries") if node else ():
        name, value = entry.child("name"), entry.child("value")
        if name is None or value is None:
            continue
        option = identifiers(name)[0].upper()
        if option not in OPTIONS:
            raise BigQueryError(
                "invalidQuery",
                f"Unknown option: {identifiers(name)[0]}; those of EXPORT MODEL are "
                f"{', '.join(OPTIONS)}.",
            )
        found[option] = read_constant(value, text)
    return found


def _check_uri(uri: str, reason: str) -> None:
    bucket = uri.removeprefix("gs://").partition("/")[0]
    if not uri.startswith("gs://") or not bucket or "*" in uri:
        raise BigQueryError(
            reason,
            f"Invalid extract destination URI '{uri}'. Must be a Google Storage path without '*', "
            "such as gs://bucket/path.",
        )


@contextmanager
def _refusals(reason: str) -> Iterator[None]:
    from localcloud.bqml.errors import BqmlError

    try:
        yield
    except BqmlError as error:
        raise BigQueryError(reason, f"{error}.") from error
    except NotImplementedError as error:
        raise BigQueryError("notImplemented", str(error)) from error
