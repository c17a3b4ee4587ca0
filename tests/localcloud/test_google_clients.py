"""Google's unchanged clients over the running local cloud."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from tests.conftest import LocalCloud

PROJECT = "clients-project"
LOCATION = f"projects/{PROJECT}/locations/us-central1"
CONTAINER = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-3:latest"


@pytest.fixture(scope="module")
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


def options(cloud: LocalCloud) -> dict[str, Any]:
    return {
        "credentials": AnonymousCredentials(),
        "transport": "rest",
        "client_options": ClientOptions(api_endpoint=cloud.url),
    }


def test_the_vertex_sdk_uploads_deploys_and_takes_away(sdk: Any) -> None:
    model = sdk.Model.upload(
        display_name="sdk", serving_container_image_uri=CONTAINER, labels={"a": "b"}
    )
    second = sdk.Model.upload(
        parent_model=model.resource_name,
        display_name="sdk",
        serving_container_image_uri=CONTAINER,
        is_default_version=False,
        version_aliases=["candidate"],
    )
    endpoint = sdk.Endpoint.create(display_name="sdk")
    model.deploy(
        endpoint=endpoint,
        machine_type="n1-standard-2",
        min_replica_count=1,
        max_replica_count=1,
        traffic_percentage=100,
    )

    versions = {v.version_id: v.version_aliases for v in model.versioning_registry.list_versions()}
    deployed = endpoint.list_models()
    assert versions == {"1": ["default"], "2": ["candidate"]}
    assert second.version_id == "2"
    assert endpoint.traffic_split == {deployed[0].id: 100}
    with pytest.raises(exceptions.MethodNotImplemented, match="container"):
        endpoint.predict(instances=[{"x": 1}])
    with pytest.raises(exceptions.BadRequest, match="is deployed"):
        model.delete()

    endpoint.undeploy_all()
    endpoint.delete()
    model.delete()
    assert sdk.Model.list(filter='display_name="sdk"') == []


def test_the_generated_client_gets_typed_errors(local_cloud: LocalCloud) -> None:
    from google.cloud import aiplatform_v1

    client = aiplatform_v1.EndpointServiceClient(**options(local_cloud))

    with pytest.raises(exceptions.NotFound, match="does not exist"):
        client.get_endpoint(name=f"{LOCATION}/endpoints/404")
    with pytest.raises(exceptions.BadRequest, match=r"endpoint\.display_name"):
        client.create_endpoint(parent=LOCATION, endpoint=aiplatform_v1.Endpoint())


def test_the_generated_client_pages_and_lists_operations(local_cloud: LocalCloud) -> None:
    from google.cloud import aiplatform_v1

    client = aiplatform_v1.EndpointServiceClient(**options(local_cloud))
    for index in range(3):
        endpoint = aiplatform_v1.Endpoint(display_name=f"paged-{index}")
        made = client.create_endpoint(
            request={"parent": LOCATION, "endpoint": endpoint, "endpoint_id": f"paged-{index}"}
        ).result()

    listed = client.list_endpoints(
        request={"parent": LOCATION, "page_size": 1, "filter": 'display_name="paged-*"'}
    )
    operations = client.list_operations({"name": made.name})

    assert {endpoint.display_name for endpoint in listed} == {"paged-0", "paged-1", "paged-2"}
    assert [operation.done for operation in operations.operations] == [True]


def test_the_connection_client_makes_a_connection_and_grants_on_it(
    local_cloud: LocalCloud,
) -> None:
    import requests

    parent = f"{local_cloud.url}/v1/projects/{PROJECT}/locations/eu/connections"

    made = requests.post(
        parent, params={"connectionId": "c"}, json={"cloudResource": {}}, timeout=10
    ).json()
    policy = requests.post(f"{parent}/c:getIamPolicy", json={}, timeout=10).json()
    member = f"serviceAccount:{made['cloudResource']['serviceAccountId']}"
    policy["bindings"] = [{"role": "roles/bigquery.connectionUser", "members": [member]}]
    written = requests.post(f"{parent}/c:setIamPolicy", json={"policy": policy}, timeout=10)

    assert written.json()["bindings"] == policy["bindings"]


def test_the_discovery_client_builds_itself_from_the_local_cloud(local_cloud: LocalCloud) -> None:
    from googleapiclient import discovery

    client = discovery.build(
        "cloudresourcemanager",
        "v3",
        credentials=AnonymousCredentials(),
        discoveryServiceUrl=f"{local_cloud.url}/discovery/v1/apis/{{api}}/{{apiVersion}}/rest",
        static_discovery=False,
    )

    found = client.projects().get(name=f"projects/{local_cloud.project}").execute()

    assert found["projectId"] == local_cloud.project


@pytest.mark.covers("bq's discovery document")
def test_a_client_made_of_bigquerys_discovery_document_queries_here(
    local_cloud: LocalCloud,
) -> None:
    from googleapiclient import discovery

    client = discovery.build(
        "bigquery",
        "v2",
        credentials=AnonymousCredentials(),
        discoveryServiceUrl=f"{local_cloud.url}/$discovery/rest?version={{apiVersion}}",
        static_discovery=False,
    )

    body = {"query": "SELECT 1 AS x", "useLegacySql": False}
    found = client.jobs().query(projectId=PROJECT, body=body).execute()

    assert found["rows"] == [{"f": [{"v": "1"}]}]


def test_the_storage_client_uploads_and_downloads(local_cloud: LocalCloud, tmp_path: Path) -> None:
    from google.cloud import storage

    client = storage.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    )
    bucket = client.create_bucket("clients-bucket", location="EU")
    small, large = bucket.blob("folder/small.txt"), bucket.blob("large.bin")
    data = bytes(range(256)) * 4096 * 3
    (tmp_path / "large.bin").write_bytes(data)

    small.upload_from_string("hello", content_type="text/plain")
    large.chunk_size = 256 * 1024
    large.upload_from_filename(tmp_path / "large.bin")

    assert {blob.name for blob in client.list_blobs(bucket)} == {"folder/small.txt", "large.bin"}
    assert small.download_as_text() == "hello"
    assert google_crc32c.value(large.download_as_bytes()) == google_crc32c.value(data)
    bucket.delete(force=True)


@pytest.mark.parametrize("kind", ["bigtable", "optimized"])
def test_the_vertex_sdk_syncs_reads_and_searches_a_feature_view(
    sdk: Any, local_cloud: LocalCloud, kind: str
) -> None:
    from google.cloud import bigquery
    from vertexai.resources.preview.feature_store.feature_online_store import FeatureOnlineStore
    from vertexai.resources.preview.feature_store.utils import (
        DistanceMeasureType,
        FeatureViewBigQuerySource,
        TreeAhConfig,
    )

    client = bigquery.Client(
        PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    )
    client.create_dataset(f"features_{kind}", exists_ok=True)
    table = f"{PROJECT}.features_{kind}.places"
    client.query_and_wait(
        f"CREATE OR REPLACE TABLE `{table}` AS "
        "SELECT 'JFK' AS id, 3 AS flights, [0.0, 1.0] AS place "
        "UNION ALL SELECT 'EWR', 2, [1.0, 0.0]"
    )
    make = (
        FeatureOnlineStore.create_bigtable_store
        if kind == "bigtable"
        else FeatureOnlineStore.create_optimized_store
    )
    store = make(f"sdk_{kind}")
    source = FeatureViewBigQuerySource(uri=f"bq://{table}", entity_id_columns=["id"])
    if kind == "bigtable":
        view = store.create_feature_view("places", source=source)
    else:
        view = store.create_feature_view(
            "places",
            source=source,
            # BruteForceConfig of this version of the SDK fails before it sends anything.
            index_config=_index(TreeAhConfig(), DistanceMeasureType.SQUARED_L2_DISTANCE),
        )

    sync = view.sync()
    read = view.read(key=["JFK"]).to_dict()

    assert sync.gca_resource.sync_summary.row_synced == 2
    assert read["features"][0] == {"name": "flights", "value": {"int64_value": "3"}}
    if kind == "optimized":
        found = view.search(embedding_value=[1.0, 0.0], neighbor_count=1).to_dict()
        assert found["neighbors"] == [{"entity_id": "EWR", "distance": 0.0}]
    view.delete()
    store.delete()


def test_the_vertex_sdk_runs_a_pipeline_that_trains_and_evaluates(
    sdk: Any, local_cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.cloud import bigquery

    # The SDK makes the bucket of the pipeline's root by itself.
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", local_cloud.url)
    client = bigquery.Client(
        PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=local_cloud.url),
    )
    client.create_dataset("pipeline", exists_ok=True)
    template = tmp_path / "pipeline.json"
    template.write_text(json.dumps(_training_pipeline()))
    job = sdk.PipelineJob(
        display_name="train",
        template_path=str(template),
        pipeline_root="gs://root",
        parameter_values={"query": _TRAINING},
    )

    job.submit()
    job.wait()

    details = {task.task_name: task for task in job.task_details}
    model = details["train"].outputs["model"].artifacts[0]
    metrics = details["check"].outputs["evaluation_metrics"].artifacts[0]
    assert model.metadata["modelId"] == "line"
    assert metrics.metadata["schema"]["fields"][0]["name"] == "mean_absolute_error"
    assert client.get_model("pipeline.line").model_type == "LINEAR_REGRESSION"


_TRAINING = """CREATE OR REPLACE MODEL pipeline.line
OPTIONS (model_type = "LINEAR_REG", input_label_cols = ["y"])
AS SELECT x, 2 * x + 1 AS y FROM UNNEST(GENERATE_ARRAY(1, 50)) AS x"""


def _training_pipeline() -> dict[str, Any]:
    def component(executor: str, output: str, schema: str) -> dict[str, Any]:
        parameters = {
            name: {"parameterType": "STRING", "isOptional": True} for name in ("query", "location")
        }
        return {
            "executorLabel": executor,
            "inputDefinitions": {"parameters": parameters},
            "outputDefinitions": {
                "artifacts": {output: {"artifactType": {"schemaTitle": schema}}},
                "parameters": {"gcp_resources": {"parameterType": "STRING"}},
            },
        }

    def executor(launcher: str) -> dict[str, Any]:
        module = f"google_cloud_pipeline_components.container.v1.bigquery.{launcher}.launcher"
        image = "gcr.io/ml-pipeline/google-cloud-pipeline-components:2.22.0"
        return {"container": {"image": image, "command": ["python3", "-u", "-m", module]}}

    location = {"runtimeValue": {"constant": "US"}}
    source = {"taskOutputArtifact": {"producerTask": "train", "outputArtifactKey": "model"}}
    query = {"componentInputParameter": "query"}
    return {
        "pipelineInfo": {"name": "train"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.14.0",
        "root": {
            "inputDefinitions": {"parameters": {"query": {"parameterType": "STRING"}}},
            "dag": {
                "tasks": {
                    "train": {
                        "componentRef": {"name": "comp-train"},
                        "inputs": {"parameters": {"query": query, "location": location}},
                    },
                    "check": {
                        "componentRef": {"name": "comp-check"},
                        "inputs": {
                            "parameters": {"location": location},
                            "artifacts": {"model": source},
                        },
                    },
                }
            },
        },
        "components": {
            "comp-train": component("exec-train", "model", "google.BQMLModel"),
            "comp-check": component("exec-check", "evaluation_metrics", "system.Artifact"),
        },
        "deploymentSpec": {
            "executors": {
                "exec-train": executor("create_model"),
                "exec-check": executor("evaluate_model"),
            }
        },
    }


def _index(algorithm: Any, measure: Any) -> Any:
    from vertexai.resources.preview.feature_store.utils import IndexConfig

    return IndexConfig(
        embedding_column="place",
        dimensions=2,
        algorithm_config=algorithm,
        distance_measure_type=measure,
    )
