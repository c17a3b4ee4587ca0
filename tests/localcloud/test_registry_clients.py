"""The Vertex AI SDK, unchanged, with a model that BigQuery ML trained and registered."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.conftest import LocalCloud

PROJECT = "registry-project"
TRAIN = """CREATE MODEL ds.late OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER',
  input_label_cols = ['late'], max_iterations = 3, model_registry = 'VERTEX_AI') AS
SELECT minutes, carrier, late FROM ds.flights"""


@pytest.fixture(scope="module")
def client(local_cloud: LocalCloud) -> bigquery.Client:
    client = bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": local_cloud.url},
    )
    dataset = bigquery.Dataset(f"{PROJECT}.ds")
    dataset.location = "US"
    client.create_dataset(dataset)
    client.query(
        "CREATE TABLE ds.flights AS SELECT n AS minutes, IF(MOD(n, 3) = 0, 'AA', 'UA') AS carrier, "
        "n > 500 AS late, TIMESTAMP '2026-01-01 00:00:00+00' AS left_at, "
        "CAST(n AS STRING) AS id FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS n"
    ).result()
    client.query(TRAIN).result()
    return client


@pytest.fixture(scope="module")
def model(local_cloud: LocalCloud, client: bigquery.Client) -> Iterator[Any]:
    from google.cloud import aiplatform

    aiplatform.init(
        project=PROJECT,
        location="us-central1",
        credentials=AnonymousCredentials(),
        api_endpoint=local_cloud.url,
        api_transport="rest",
    )
    requests.post(
        f"{local_cloud.url}/storage/v1/b?project={PROJECT}",
        json={"name": "registry-bucket", "location": "US"},
        timeout=60,
    ).raise_for_status()
    yield aiplatform.Model("late")
    aiplatform.initializer.global_pool.shutdown(wait=True)


def batch(model: Any, name: str, **options: Any) -> Any:
    return model.batch_predict(
        job_display_name=name, machine_type="n1-standard-4", sync=True, **options
    )


def test_a_table_is_predicted_into_a_table_with_its_columns_and_types(
    model: Any, client: bigquery.Client
) -> None:
    job = batch(
        model,
        "tables",
        bigquery_source=f"bq://{PROJECT}.ds.flights",
        instances_format="bigquery",
        bigquery_destination_prefix=f"bq://{PROJECT}.ds",
        predictions_format="bigquery",
    )

    assert job.state.name == "JOB_STATE_SUCCEEDED"
    assert job.completion_stats.successful_count == 1000
    table = client.get_table(f"{PROJECT}.ds.{job.output_info.bigquery_output_table}")
    assert [(field.name, field.field_type, field.mode) for field in table.schema] == [
        ("minutes", "INTEGER", "NULLABLE"),
        ("carrier", "STRING", "NULLABLE"),
        ("late", "BOOLEAN", "NULLABLE"),
        ("left_at", "TIMESTAMP", "NULLABLE"),
        ("id", "STRING", "NULLABLE"),
        ("predicted_late", "STRING", "NULLABLE"),
        ("late_values", "STRING", "REPEATED"),
        ("late_probs", "FLOAT", "REPEATED"),
    ]
    [row] = client.query(
        f"SELECT AVG(IF(predicted_late = CAST(late AS STRING), 1, 0)) FROM `{table.reference}`"
    ).result()
    assert row[0] > 0.95


def test_a_table_is_predicted_into_json_lines_by_its_key(model: Any) -> None:
    job = batch(
        model,
        "lines",
        bigquery_source=f"bq://{PROJECT}.ds.flights",
        instances_format="bigquery",
        gcs_destination_prefix="gs://registry-bucket/lines",
        predictions_format="jsonl",
    )

    directory = job.output_info.gcs_output_directory
    assert directory.startswith("gs://registry-bucket/lines/prediction-late-20")


def test_the_evaluation_of_bigquery_ml_is_listed(model: Any) -> None:
    [evaluation] = model.list_model_evaluations()

    metrics = dict(evaluation.metrics)
    assert 0.9 < metrics["auRoc"] <= 1
    assert sum(sum(row) for row in metrics["confusionMatrix"]["rows"]) > 0
    assert model.get_model_evaluation().resource_name == evaluation.resource_name


def test_the_booster_is_exported(model: Any, local_cloud: LocalCloud) -> None:
    output = model.export_model("custom-trained", artifact_destination="gs://registry-bucket/out")

    listed = requests.get(
        f"{local_cloud.url}/storage/v1/b/registry-bucket/o?prefix=out/", timeout=60
    ).json()["items"]
    folder = output["artifactOutputUri"].removeprefix("gs://registry-bucket/")
    assert f"{folder}/model.bst" in [item["name"] for item in listed]


def test_a_copy_in_another_region_predicts_in_batches(model: Any) -> None:
    copied = model.copy(destination_location="europe-west4", destination_model_id="late_eu")

    job = batch(
        copied,
        "copy",
        bigquery_source=f"bq://{PROJECT}.ds.flights",
        instances_format="bigquery",
        gcs_destination_prefix="gs://registry-bucket/copy",
        predictions_format="csv",
    )

    assert "/locations/europe-west4/" in job.resource_name
    assert job.state.name == "JOB_STATE_SUCCEEDED"
