"""Model Monitoring through google-cloud-aiplatform's own classes, over trained models."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound
from google.api_core.retry import Retry, if_exception_type
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from localcloud.vertex import serving_log
from tests.conftest import LocalCloud

PROJECT = "monitored"


@pytest.fixture
def sdk(local_cloud: LocalCloud) -> Iterator[Any]:
    from google.cloud import aiplatform

    aiplatform.init(
        project=PROJECT,
        location="us-central1",
        credentials=AnonymousCredentials(),
        api_endpoint=local_cloud.url,
        api_transport="rest",
    )
    yield aiplatform
    aiplatform.initializer.global_pool.shutdown(wait=True)


@pytest.fixture(scope="module")
def client(local_cloud: LocalCloud) -> bigquery.Client:
    return bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    )


@pytest.fixture(scope="module")
def trained(client: bigquery.Client) -> str:
    """A model trained in SQL."""
    client.query(
        "CREATE SCHEMA ds OPTIONS(location='us-central1');"
        "CREATE TABLE ds.flights AS SELECT CAST(n AS FLOAT64) AS minutes, "
        "IF(MOD(n, 3) = 0, 'AA', 'UA') AS carrier, n > 50 AS late "
        "FROM UNNEST(GENERATE_ARRAY(1, 100)) AS n;"
        "CREATE MODEL ds.late OPTIONS(model_type='LOGISTIC_REG', "
        "input_label_cols=['late'], model_registry='VERTEX_AI', vertex_ai_model_id='late') "
        "AS SELECT * FROM ds.flights"
    ).result()
    return "late"


@pytest.mark.covers("google-cloud-aiplatform's ModelDeploymentMonitoringJob")
def test_requests_of_a_monitored_endpoint_are_rows_of_bigquery(
    sdk: Any, trained: str, client: bigquery.Client
) -> None:
    from google.cloud.aiplatform import model_monitoring as mm

    endpoint = sdk.Endpoint.create(display_name="watched")
    endpoint.deploy(sdk.Model(trained), machine_type="n1-standard-2", traffic_percentage=100)
    job = sdk.ModelDeploymentMonitoringJob.create(
        display_name="watch",
        endpoint=endpoint,
        objective_configs=mm.ObjectiveConfig(
            skew_detection_config=mm.SkewDetectionConfig(
                data_source=f"bq://{PROJECT}.ds.flights", skew_thresholds=0.3, target_field="late"
            ),
            drift_detection_config=mm.DriftDetectionConfig(drift_thresholds={"minutes": 0.2}),
        ),
        logging_sampling_strategy=mm.RandomSampleConfig(sample_rate=1),
        schedule_config=mm.ScheduleConfig(monitor_interval=1),
        alert_config=mm.EmailAlertConfig(user_emails=["a@example.com"]),
    )
    state = job.state.name
    begun = datetime.now(UTC)
    endpoint.predict([{"minutes": 3.0, "carrier": "AA"}, {"minutes": 90.0, "carrier": "UA"}])

    [table] = job.gca_resource.bigquery_tables
    path = table.bigquery_table_path.removeprefix("bq://")

    @Retry(predicate=if_exception_type(LookupError, NotFound), initial=0.1, timeout=30)
    def logged() -> list[Any]:
        rows = list(client.query(f"SELECT * FROM `{path}`").result())
        if not rows:
            raise LookupError(path)
        return rows

    [row] = logged()
    [deployed] = endpoint.list_models()
    window = serving_log.window(
        f"projects/{PROJECT}/locations/us-central1/endpoints/{endpoint.name}",
        deployed.id,
        begun - timedelta(minutes=1),
        begun + timedelta(minutes=1),
    )
    inside = [dict(each) for each in client.query(window).result()]
    job.pause()
    paused = job.state.name
    job.delete()
    endpoint.delete(force=True)

    assert (state, paused) == ("JOB_STATE_PENDING", "JOB_STATE_PAUSED")
    assert row["deployed_model_id"] == deployed.id
    assert abs(row["logging_time"] - begun) < timedelta(minutes=1)
    requests = [{"minutes": 3.0, "carrier": "AA"}, {"minutes": 90.0, "carrier": "UA"}]
    # The order of a request's names is the client's.
    assert [json.loads(each) for each in row["request_payload"]] == requests
    assert len(row["response_payload"]) == 2
    assert inside == [{"request_payload": row["request_payload"]}]


@pytest.mark.covers("vertexai's ModelMonitor")
def test_a_model_monitor_runs_and_finds_drift(sdk: Any, trained: str) -> None:
    from vertexai.resources.preview import ml_monitoring
    from vertexai.resources.preview.ml_monitoring import spec

    monitor: Any = ml_monitoring.ModelMonitor.create(
        display_name="drift",
        model_name=sdk.Model(trained).resource_name,
        model_version_id="1",
        training_dataset=spec.MonitoringInput(table_uri=f"bq://{PROJECT}.ds.flights"),
        model_monitoring_schema=spec.ModelMonitoringSchema(
            feature_fields=[
                spec.FieldSchema(name="minutes", data_type="float"),
                spec.FieldSchema(name="carrier", data_type="categorical"),
            ]
        ),
        tabular_objective_spec=spec.TabularObjective(
            feature_drift_spec=spec.DataDriftSpec(
                default_numeric_alert_threshold=0.2, default_categorical_alert_threshold=0.9
            )
        ),
    )
    query = f"SELECT minutes + 1000 AS minutes, carrier FROM `{PROJECT}.ds.flights`"
    job = monitor.run(
        target_dataset=spec.MonitoringInput(query=query), display_name="run", sync=True
    )

    metrics = monitor.search_metrics(model_monitoring_job_name=job.resource_name)
    alerts = monitor.search_alerts(model_monitoring_job_name=job.resource_name)
    monitor.delete(force=True)

    found = {
        each.tabular_stats.stats_name: each.tabular_stats.data_points[
            0
        ].current_stats.distribution_value.distribution_deviation
        for each in metrics
    }
    assert found == {"minutes": 1.0, "carrier": 0.0}
    assert alerts["total_number_alerts"] == 1
