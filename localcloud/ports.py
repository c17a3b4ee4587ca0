"""What the services of the local cloud ask of one another. Each protocol is implemented once.

BigQuery and Vertex AI are two rooms that know only this file; `localcloud.server` introduces them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa


@dataclass(frozen=True)
class BigQueryModelVersion:
    """One training of a BigQuery ML model, as the Model Registry sees it.

    Attributes:
        project: Project id.
        dataset_id: Dataset id.
        model_id: The BigQuery model's id.
        location: The dataset's location, such as `US` or `europe-west4`.
        artifact_uri: Names this very training, `local-bqml://<project>/<dataset>/<model>/<training>`;
            the artifact stays readable while a deployed model uses it, retrained or not.
        model_type: BigQuery's model type, such as `BOOSTED_TREE_CLASSIFIER`.
        description: The model's description; empty when it has none.
        labels: The model's labels.
    """

    project: str
    dataset_id: str
    model_id: str
    location: str
    artifact_uri: str
    model_type: str
    description: str
    labels: Mapping[str, str]


class ModelRegistry(Protocol):
    """Vertex AI's Model Registry; BigQuery calls it when a model is registered from SQL."""

    def register(
        self, version: BigQueryModelVersion, *, vertex_ai_model_id: str, aliases: Sequence[str]
    ) -> str:
        """Add a version to `vertex_ai_model_id` and return its version id.

        A retrained model's earlier version leaves the registry and the next number is given.
        """
        ...

    def unregister(self, project: str, dataset_id: str, model_id: str) -> None:
        """Take a BigQuery model's versions out. Raises when one of them is deployed."""
        ...

    def artifacts_in_use(self) -> frozenset[str]:
        """The artifact URIs that registered versions or deployed models need."""
        ...


class BigQueryEngine(Protocol):
    """BigQuery; Vertex AI calls it to serve a BigQuery ML model and to read tables."""

    def predict(
        self, artifact_uri: str, instances: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Score raw instances (before TRANSFORM) with one training; one prediction each.

        Raises:
            ValueError: An instance lacks a feature or has one of a wrong type.
        """
        ...

    def export(self, artifact_uri: str, destination_uri: str) -> int:
        """Write the files of one training below a `gs://` URI, as EXPORT MODEL does; how many.

        Raises:
            ValueError: Models like it cannot be exported, or there is no such bucket; the message
                is BigQuery's.
            NotImplementedError: BigQuery exports them and the local cloud does not.
        """
        ...

    def write_table(self, project: str, dataset_id: str, table_id: str, rows: pa.Table) -> None:
        """Make a table of rows by a load job; it must not be there yet.

        Raises:
            ValueError: It is there, its dataset is not, or the rows do not fit; the message is
                BigQuery's.
        """
        ...

    def features(self, artifact_uri: str) -> list[str]:
        """The columns an instance of one training must have.

        Raises:
            ValueError: There is no such training.
        """
        ...

    def query(self, project: str, sql: str) -> pa.Table:
        """Run one GoogleSQL query and return its rows.

        Raises:
            ValueError: The query is wrong or fails; the message is BigQuery's.
        """
        ...

    def run_job(
        self, project: str, job_id: str, location: str, configuration: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Run a job and return it once it is done, whether or not it failed.

        Args:
            project: Whose job.
            job_id: Its id.
            location: Where it runs; empty: where its datasets are.
            configuration: As `jobs.insert` takes it.

        Raises:
            ValueError: It is refused: the id was used before, the configuration is wrong.
        """
        ...


class BigQueryReader(Protocol):
    """What BigQuery keeps, read for people; nothing is run, trained or written by it."""

    def projects(self) -> Sequence[str]:
        """Ids of the projects that have tables or had any."""
        ...

    def datasets(self, project: str) -> Sequence[Mapping[str, Any]]:
        """The REST resources of a project's datasets, by name."""
        ...

    def dataset(self, project: str, dataset_id: str) -> Mapping[str, Any] | None:
        """The REST resource of a dataset; None when there is none."""
        ...

    def tables(self, project: str, dataset_id: str) -> Sequence[Mapping[str, Any]]:
        """The REST resources of a dataset's tables and views, with schema, rows and bytes."""
        ...

    def models(self, project: str, dataset_id: str) -> Sequence[Mapping[str, Any]]:
        """The REST resources of a dataset's models, by name."""
        ...

    def model(self, project: str, dataset_id: str, model_id: str) -> Mapping[str, Any] | None:
        """The REST resource of a model; None when there is none."""
        ...

    def inspected(self, project: str, dataset_id: str, model_id: str) -> Mapping[str, pa.Table]:
        """What functions such as `ML.EVALUATE` tell of a model from what its training kept.

        A function that is not for the model's kind is left out.
        """
        ...

    def example(self, artifact_uri: str) -> Mapping[str, Any]:
        """An instance that one training takes; empty when that training is not kept any more."""
        ...

    def jobs(self, project: str, most: int) -> Sequence[Mapping[str, Any]]:
        """The REST resources of a project's latest jobs, the latest first."""
        ...
