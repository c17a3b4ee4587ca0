"""What BigQuery keeps, read for people: datasets, tables, models and what they tell, jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from local_bigquery.catalog import datasets, tables
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import store

from localcloud.bigquery import database, training
from localcloud.bigquery.model import ModelStore
from localcloud.bigquery.names import Reference
from localcloud.bigquery.training import Training

INSPECTED = (
    "ML.EVALUATE",
    "ML.ARIMA_EVALUATE",
    "ML.TRIAL_INFO",
    "ML.ROC_CURVE",
    "ML.CONFUSION_MATRIX",
    "ML.FEATURE_INFO",
    "ML.FEATURE_IMPORTANCE",
    "ML.PRINCIPAL_COMPONENT_INFO",
)
"""Functions that need nothing but a model."""
EXAMPLES: Mapping[str, Any] = {
    "BOOL": True,
    "DATE": "2024-01-31",
    "DATETIME": "2024-01-31T12:00:00",
    "FLOAT64": 1.0,
    "INT64": 1,
    "STRING": "a",
    "TIME": "12:00:00",
    "TIMESTAMP": "2024-01-31T12:00:00Z",
}


class Reader:
    """BigQuery's state; implements `localcloud.ports.BigQueryReader`.

    A project that is not there stays so: only files that exist are read.

    Args:
        models: The models and their trainings.
    """

    def __init__(self, models: ModelStore) -> None:
        self._models = models

    def projects(self) -> Sequence[str]:
        """See `localcloud.ports.BigQueryReader.projects`."""
        return database.projects()

    def datasets(self, project: str) -> Sequence[Mapping[str, Any]]:
        """See `localcloud.ports.BigQueryReader.datasets`."""
        if project not in self.projects():
            return []
        return [found.dump() for found in datasets.list_(project)]

    def dataset(self, project: str, dataset_id: str) -> Mapping[str, Any] | None:
        """See `localcloud.ports.BigQueryReader.dataset`."""
        if project not in self.projects():
            return None
        try:
            found: Mapping[str, Any] = datasets.get(project, dataset_id).dump()
        except BigQueryError as error:
            if error.reason == "notFound":
                return None
            raise
        return found

    def tables(self, project: str, dataset_id: str) -> Sequence[Mapping[str, Any]]:
        """See `localcloud.ports.BigQueryReader.tables`."""
        names = [str(found.tableReference.tableId) for found in tables.list_(project, dataset_id)]
        return [tables.get(project, dataset_id, name).dump() for name in names]

    def models(self, project: str, dataset_id: str) -> Sequence[Mapping[str, Any]]:
        """See `localcloud.ports.BigQueryReader.models`."""
        return [found.resource for found in self._models.list(project, dataset_id)]

    def model(self, project: str, dataset_id: str, model_id: str) -> Mapping[str, Any] | None:
        """See `localcloud.ports.BigQueryReader.model`."""
        if self.dataset(project, dataset_id) is None:
            return None
        found = self._models.find(Reference(project, dataset_id, model_id))
        return None if found is None else found.resource

    def inspected(self, project: str, dataset_id: str, model_id: str) -> Mapping[str, pa.Table]:
        """See `localcloud.ports.BigQueryReader.inspected`."""
        found = self._models.find(Reference(project, dataset_id, model_id))
        if found is None:
            return {}
        return _inspected(
            training.load(self._models.training_directory(found.artifact_uri)), INSPECTED
        )

    def example(self, artifact_uri: str) -> Mapping[str, Any]:
        """See `localcloud.ports.BigQueryReader.example`."""
        try:
            loaded = training.load(self._models.training_directory(artifact_uri))
        except (FileNotFoundError, ValueError):
            # Undeployed and swept away while the page was being made, or no model of BigQuery ML.
            return {}
        if not isinstance(loaded, Training):
            return {}
        known = loaded.model.feature_statistics
        return {name: _example(kind, known.get(name, {})) for name, kind in loaded.inputs}

    def jobs(self, project: str, most: int) -> Sequence[Mapping[str, Any]]:
        """See `localcloud.ports.BigQueryReader.jobs`."""
        return [found.dump() for found in store.list_(project)[:most]]


def _inspected(loaded: training.Loaded, names: Sequence[str]) -> dict[str, pa.Table]:
    from localcloud import bqml

    if not isinstance(loaded, Training):
        return {}
    told = {}
    for name in names:
        try:
            told[name] = bqml.FUNCTIONS[name].call(loaded.model, [], {})
        except (bqml.BqmlError, NotImplementedError):
            # The function is for other kinds of models.
            continue
    return told


def _example(kind: str, statistics: Mapping[str, Any]) -> Any:
    median = statistics.get("median")
    if median is not None and kind in ("FLOAT64", "INT64"):
        return round(median) if kind == "INT64" else round(float(median), 4)
    # Of other types such as ARRAY the caller writes his own.
    return EXAMPLES.get(kind)
