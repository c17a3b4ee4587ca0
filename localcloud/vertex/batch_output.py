"""Where a batch prediction writes: tables of a BigQuery dataset, or files below a gs:// directory.

Source: proto comments of google.cloud.aiplatform.v1.BatchPredictionJob.OutputConfig.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.vertex.batch_input import InstanceConfig, table_of
from localcloud.vertex.model_exports import directory

DESTINATION = re.compile(r"bq://(?P<project>[^.]+)(\.(?P<dataset>[^.]+)(\.(?P<table>[^.]+))?)?")


@dataclass
class Predicted:
    """What became of the rows that were tried.

    Attributes:
        rows: All rows that were read, as JSON has them.
        table: The table they come from; None: they come from JSON lines.
        good: Places of those that succeeded, with their predictions.
        bad: Places of those that failed, with the reasons.
    """

    rows: Sequence[Json]
    table: pa.Table | None
    good: list[tuple[int, Json]] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)


def check(config: Json, formats: Sequence[str]) -> None:
    """Refuse an OutputConfig that cannot be written to.

    Raises:
        ApiError: INVALID_ARGUMENT.
    """
    form = str(config.get("predictionsFormat", ""))
    if form not in formats:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"output_config.predictions_format {form!r} is not supported by the model: "
            f"{', '.join(formats)}.",
        )
    if form == "bigquery":
        uri = str(config.get("bigqueryDestination", {}).get("outputUri", ""))
        if DESTINATION.fullmatch(uri) is None:
            raise ApiError(
                "INVALID_ARGUMENT",
                "output_config.bigquery_destination.output_uri must be bq://project, "
                f"bq://project.dataset or bq://project.dataset.table; got {uri!r}.",
            )
    elif not config.get("gcsDestination", {}).get("outputUriPrefix", "").startswith("gs://"):
        raise ApiError(
            "INVALID_ARGUMENT",
            "output_config.gcs_destination.output_uri_prefix must be a gs:// URI.",
        )


# ---------------------------------------------------------------- BigQuery
@dataclass(frozen=True)
class Tables:
    """The tables of one job.

    Attributes:
        project: Their project.
        dataset: Their dataset.
        predictions: The table of rows that succeeded.
        errors: The table of rows that failed.
        new_dataset: Whether the dataset is the job's own.
    """

    project: str
    dataset: str
    predictions: str
    errors: str
    new_dataset: bool

    def info(self) -> Json:
        """The job's `outputInfo`."""
        return {
            "bigqueryOutputDataset": f"bq://{self.project}.{self.dataset}",
            "bigqueryOutputTable": self.predictions,
        }


def tables(uri: str, model: Json, moment: datetime) -> Tables:
    """The tables that a destination means.

    Args:
        uri: `bq://project`, `bq://project.dataset` or `bq://project.dataset.table`.
        model: The model, whose name a new dataset carries.
        moment: When the job began.
    """
    found = DESTINATION.fullmatch(uri)
    if found is None:
        raise ApiError("INVALID_ARGUMENT", f"{uri!r} is no BigQuery destination.")
    stamp = moment.strftime("%Y_%m_%dT%H_%M_%S_%f")[:-3] + "Z"
    if found["table"]:
        return Tables(
            found["project"], found["dataset"], found["table"], f"{found['table']}_errors", False
        )
    if found["dataset"]:
        names = f"predictions_{stamp}", f"errors_{stamp}"
        return Tables(found["project"], found["dataset"], *names, False)
    title = re.sub(r"[^A-Za-z0-9_]", "_", str(model.get("displayName", "")))
    dataset = f"prediction_{title}_{stamp}"
    return Tables(found["project"], dataset, "predictions", "errors", True)


def into_bigquery(
    engine: BigQueryEngine, to: Tables, location: str, predicted: Predicted, config: InstanceConfig
) -> None:
    """Write the tables; the one of errors only when there are some.

    Raises:
        ValueError: BigQuery refuses.
    """
    if to.new_dataset:
        statement = f"CREATE SCHEMA `{to.project}.{to.dataset}` OPTIONS (location = '{location}')"
        settings = {"query": {"query": statement, "useLegacySql": False}}
        job = engine.run_job(to.project, f"dataset_of_{to.dataset}", location, settings)
        if failure := job["status"].get("errorResult"):
            raise ValueError(str(failure.get("message", failure)))
    table = predicted.table
    if table is None:
        table = table_of(predicted.rows)
    if predicted.good:
        places, found = zip(*predicted.good, strict=True)
        answers = pa.Table.from_pylist(list(found))
        rows = _beside(_shown(table, places, config), answers)
        engine.write_table(to.project, to.dataset, to.predictions, rows)
    if predicted.bad:
        bad, reasons = zip(*predicted.bad, strict=True)
        errors = pa.table({"errors": [{"code": 3, "message": reason} for reason in reasons]})
        rows = _beside(_shown(table, bad, config), errors)
        engine.write_table(to.project, to.dataset, to.errors, rows)


def _shown(table: pa.Table, places: Sequence[int], config: InstanceConfig) -> pa.Table:
    taken = table.take(pa.array(places, pa.int64()))
    return taken.select([config.key]).rename_columns(["key"]) if config.key else taken


def _beside(left: pa.Table, right: pa.Table) -> pa.Table:
    # A column of the input that a prediction names too is the prediction's.
    kept = [name for name in left.column_names if name not in right.column_names]
    return pa.table(
        [*(left[name] for name in kept), *right.columns], names=[*kept, *right.column_names]
    )


# ---------------------------------------------------------------- Cloud Storage
def files(form: str, predicted: Predicted, config: InstanceConfig) -> dict[str, bytes]:
    """The files of a job, by name.

    Args:
        form: `jsonl` or `csv`.
        predicted: What became of the rows.
        config: What is told of a row.
    """
    good = [(config.shown(predicted.rows[place]), answer) for place, answer in predicted.good]
    bad = [
        (config.shown(predicted.rows[place]), {"code": 3, "message": reason})
        for place, reason in predicted.bad
    ]
    found = {}
    if form == "csv":
        if good:
            found["prediction.results-00000-of-00001"] = _csv(
                [{**shown, **answer} for shown, answer in good]
            )
        if bad:
            found["prediction.errors_stats-00000-of-00001"] = _csv(
                [{**shown, "error": error} for shown, error in bad]
            )
        return found
    lines = [{**_named(shown, config), "prediction": answer} for shown, answer in good]
    found["prediction.results-00000-of-00001"] = _lines(lines)
    failed = [{**_named(shown, config), "error": error} for shown, error in bad]
    found["prediction.errors_stats-00000-of-00001"] = _lines(failed)
    return found


def _named(shown: Json, config: InstanceConfig) -> Json:
    return shown if config.key else {"instance": shown}


def _lines(items: Sequence[Json]) -> bytes:
    return "".join(f"{json.dumps(item)}\n" for item in items).encode()


def _csv(items: Sequence[Json]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(items[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in item.items()} for item in items)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def folder(prefix: str, model: Json, moment: datetime) -> str:
    """The new directory of a job's files."""
    return f"{prefix.rstrip('/')}/{directory('prediction', model, moment)}"
