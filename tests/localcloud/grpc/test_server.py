"""Generated clients over gRPC, against the running local cloud."""

import socket
from collections.abc import Iterator

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import (
    aiplatform_v1,
    aiplatform_v1beta1,
    bigquery,
    bigquery_connection_v1,
    bigquery_storage_v1,
    resourcemanager_v3,
)
from google.cloud.aiplatform_v1.services.endpoint_service.transports import (
    EndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1.services.model_service.transports import ModelServiceGrpcTransport
from google.cloud.aiplatform_v1.services.prediction_service.transports import (
    PredictionServiceGrpcTransport,
)
from google.cloud.aiplatform_v1beta1.services.model_monitoring_service.transports import (
    ModelMonitoringServiceGrpcTransport,
)
from google.cloud.bigquery_connection_v1.services.connection_service.transports import (
    ConnectionServiceGrpcTransport,
)
from google.cloud.bigquery_storage_v1 import types as storage_types
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
    BigQueryReadGrpcTransport,
)
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import (
    BigQueryWriteGrpcTransport,
)
from google.cloud.resourcemanager_v3.services.projects.transports import ProjectsGrpcTransport
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf import descriptor_pb2, json_format, struct_pb2
from google.rpc import error_details_pb2

from localcloud.grpc.server import GrpcServer
from localcloud.process import StartError
from tests.conftest import LocalCloud
from tests.localcloud.clients.bigquery_client import client_of

PROJECT = "grpc-project"
LOCATION = f"projects/{PROJECT}/locations/us-central1"
LIMITS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture(scope="module")
def channel(local_cloud: LocalCloud) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(local_cloud.grpc["address"], options=LIMITS) as opened:
        yield opened


@pytest.fixture(scope="module")
def endpoints(channel: grpc.Channel) -> aiplatform_v1.EndpointServiceClient:
    return aiplatform_v1.EndpointServiceClient(
        transport=EndpointServiceGrpcTransport(channel=channel)
    )


@pytest.fixture(scope="module")
def models(channel: grpc.Channel) -> aiplatform_v1.ModelServiceClient:
    return aiplatform_v1.ModelServiceClient(transport=ModelServiceGrpcTransport(channel=channel))


@pytest.fixture(scope="module")
def tables(local_cloud: LocalCloud) -> bigquery.Client:
    client = client_of(local_cloud, PROJECT)
    client.create_dataset("d")
    return client


@pytest.mark.covers(
    "gRPC",
    "aiplatform.projects.locations.endpoints.create",
    "aiplatform.projects.locations.endpoints.patch",
    "aiplatform.projects.locations.endpoints.list",
)
def test_an_endpoint_lives_over_grpc(endpoints: aiplatform_v1.EndpointServiceClient) -> None:
    made = endpoints.create_endpoint(
        parent=LOCATION, endpoint=aiplatform_v1.Endpoint(display_name="over-grpc")
    ).result()
    changed = endpoints.update_endpoint(
        endpoint=aiplatform_v1.Endpoint(name=made.name, description="said"),
        update_mask={"paths": ["description"]},
    )
    listed = endpoints.list_endpoints(
        request={"parent": LOCATION, "filter": 'display_name="over-grpc"'}
    )

    assert (changed.display_name, changed.description) == ("over-grpc", "said")
    assert [endpoint.name for endpoint in listed] == [made.name]
    endpoints.delete_endpoint(name=made.name).result()
    with pytest.raises(exceptions.NotFound, match="does not exist"):
        endpoints.get_endpoint(name=made.name)


def test_an_error_has_its_details(endpoints: aiplatform_v1.EndpointServiceClient) -> None:
    with pytest.raises(exceptions.InvalidArgument) as refused:
        endpoints.create_endpoint(parent=LOCATION, endpoint=aiplatform_v1.Endpoint())

    assert refused.value.details == [
        error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field="endpoint.display_name",
                    description="Required field is not set: endpoint.display_name.",
                )
            ]
        )
    ]


def test_a_name_that_fits_no_path_is_refused_with_the_path(
    endpoints: aiplatform_v1.EndpointServiceClient,
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=r"must fit /v1/\{name=projects"):
        endpoints.get_endpoint(name="endpoints/1")


@pytest.mark.covers("gRPC", "aiplatform.projects.locations.endpoints.predict")
def test_a_model_trained_in_sql_answers_over_grpc(
    channel: grpc.Channel,
    endpoints: aiplatform_v1.EndpointServiceClient,
    models: aiplatform_v1.ModelServiceClient,
    tables: bigquery.Client,
) -> None:
    tables.query(
        "CREATE MODEL d.line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], "
        "model_registry = 'VERTEX_AI', vertex_ai_model_id = 'grpc-line') "
        "AS SELECT x, 2.0 * x AS y FROM UNNEST(GENERATE_ARRAY(1, 20)) AS x"
    ).result()
    # The dataset is in US, whose models are registered in us-central1.
    endpoint = endpoints.create_endpoint(
        parent=LOCATION, endpoint=aiplatform_v1.Endpoint(display_name="line")
    ).result()
    model = models.get_model(name=f"{LOCATION}/models/grpc-line")
    endpoints.deploy_model(
        endpoint=endpoint.name,
        deployed_model=aiplatform_v1.DeployedModel(
            model=model.name,
            dedicated_resources={
                "machine_spec": {"machine_type": "n1-standard-2"},
                "min_replica_count": 1,
            },
        ),
        traffic_split={"0": 100},
    ).result()
    client = aiplatform_v1.PredictionServiceClient(
        transport=PredictionServiceGrpcTransport(channel=channel)
    )

    answer = client.predict(
        endpoint=endpoint.name,
        instances=[json_format.ParseDict({"x": 5}, struct_pb2.Value())],
    )
    raw = client.raw_predict(
        request={
            "endpoint": endpoint.name,
            "http_body": {"data": b'{"instances": [{"x": 5}]}', "content_type": "application/json"},
        }
    )

    assert [dict(row) for row in answer.predictions] == [{"predicted_y": pytest.approx(10)}]
    assert (raw.content_type, b"predicted_y" in raw.data) == ("application/json", True)


@pytest.mark.covers("gRPC", "aiplatform.projects.locations.publishers.models.streamGenerateContent")
def test_an_answer_is_streamed(channel: grpc.Channel) -> None:
    client = aiplatform_v1.PredictionServiceClient(
        transport=PredictionServiceGrpcTransport(channel=channel)
    )
    asked = {
        "model": f"{LOCATION}/publishers/google/models/gemini-2.5-flash",
        "contents": [{"role": "user", "parts": [{"text": "Tell me about penguins."}]}],
    }

    pieces = [
        piece.candidates[0].content.parts[0].text for piece in client.stream_generate_content(asked)
    ]
    whole = client.generate_content(asked).candidates[0].content.parts[0].text

    assert (len(pieces) > 1, "".join(pieces)) == (True, whole)


def test_streams_in_both_directions_are_said_to_be_missing(channel: grpc.Channel) -> None:
    client = aiplatform_v1.PredictionServiceClient(
        transport=PredictionServiceGrpcTransport(channel=channel)
    )

    with pytest.raises(exceptions.MethodNotImplemented, match="exists in gRPC only"):
        list(
            client.streaming_predict(
                iter([aiplatform_v1.StreamingPredictRequest(endpoint=f"{LOCATION}/endpoints/1")])
            )
        )


def test_the_beta_api_is_another_service(channel: grpc.Channel) -> None:
    client = aiplatform_v1beta1.ModelMonitoringServiceClient(
        transport=ModelMonitoringServiceGrpcTransport(channel=channel)
    )

    assert list(client.list_model_monitors(parent=LOCATION)) == []


@pytest.mark.covers("gRPC", "bigqueryconnection.projects.locations.connections.create")
def test_a_connection_and_its_policy_over_grpc(channel: grpc.Channel) -> None:
    client = bigquery_connection_v1.ConnectionServiceClient(
        transport=ConnectionServiceGrpcTransport(channel=channel)
    )

    made = client.create_connection(
        parent=f"projects/{PROJECT}/locations/us",
        connection_id="over-grpc",
        connection=bigquery_connection_v1.Connection(
            cloud_resource=bigquery_connection_v1.CloudResourceProperties()
        ),
    )
    policy = client.set_iam_policy(
        iam_policy_pb2.SetIamPolicyRequest(
            resource=made.name,
            policy=policy_pb2.Policy(
                bindings=[policy_pb2.Binding(role="roles/viewer", members=["user:a@b.c"])]
            ),
        )
    )

    assert made.cloud_resource.service_account_id.endswith(".gserviceaccount.com")
    assert [binding.role for binding in policy.bindings] == ["roles/viewer"]


@pytest.mark.covers("gRPC", "cloudresourcemanager.projects.get")
def test_a_project_over_grpc(channel: grpc.Channel) -> None:
    client = resourcemanager_v3.ProjectsClient(transport=ProjectsGrpcTransport(channel=channel))

    assert client.get_project(name=f"projects/{PROJECT}").project_id == PROJECT


@pytest.mark.covers("BigQuery Storage Read API")
@pytest.mark.parametrize("form", ["ARROW", "AVRO"])
def test_rows_are_read_in_streams(
    channel: grpc.Channel, tables: bigquery.Client, form: str
) -> None:
    tables.query(
        "CREATE OR REPLACE TABLE d.numbers AS SELECT x, CAST(x AS STRING) AS s "
        "FROM UNNEST(GENERATE_ARRAY(1, 150000)) AS x"
    ).result()
    client = bigquery_storage_v1.BigQueryReadClient(
        transport=BigQueryReadGrpcTransport(channel=channel)
    )

    session = client.create_read_session(
        parent=f"projects/{PROJECT}",
        read_session=storage_types.ReadSession(
            table=f"projects/{PROJECT}/datasets/d/tables/numbers",
            data_format=storage_types.DataFormat[form],
            read_options={"selected_fields": ["x"], "row_restriction": "x > 100"},
        ),
    )
    read = [
        row["x"]
        for stream in session.streams
        for row in client.read_rows(stream.name).rows(session)
    ]

    assert len(session.streams) == 2
    assert (len(read), sum(int(str(x)) for x in read)) == (149_900, 150_000 * 150_001 // 2 - 5050)


@pytest.mark.covers("BigQuery Storage Read API")
def test_pandas_takes_rows_from_the_storage_api(
    channel: grpc.Channel, tables: bigquery.Client
) -> None:
    reader = bigquery_storage_v1.BigQueryReadClient(
        transport=BigQueryReadGrpcTransport(channel=channel)
    )

    frame = tables.query(
        "SELECT x, [x, x] AS pair FROM UNNEST(GENERATE_ARRAY(1, 50000)) AS x"
    ).to_dataframe(bqstorage_client=reader)

    assert (len(frame), int(frame["x"].sum())) == (50_000, 50_000 * 50_001 // 2)


@pytest.mark.covers("BigQuery Storage Write API")
def test_rows_that_are_appended_are_in_the_table(
    channel: grpc.Channel, tables: bigquery.Client
) -> None:
    tables.query("CREATE OR REPLACE TABLE d.written (x INT64)").result()
    described = descriptor_pb2.DescriptorProto(name="Row")
    described.field.add(name="x", number=1, type=3, label=1)
    client = bigquery_storage_v1.BigQueryWriteClient(
        transport=BigQueryWriteGrpcTransport(channel=channel)
    )
    rows = [bytes([8, number]) for number in range(1, 4)]

    answered = client.append_rows(
        iter(
            [
                storage_types.AppendRowsRequest(
                    write_stream=f"projects/{PROJECT}/datasets/d/tables/written/streams/_default",
                    proto_rows=storage_types.AppendRowsRequest.ProtoData(
                        writer_schema={"proto_descriptor": described},
                        rows={"serialized_rows": rows},
                    ),
                )
            ]
        )
    )
    errors = [reply.error.message for reply in answered]

    found = [row.x for row in tables.query("SELECT x FROM d.written ORDER BY x")]
    assert (errors, found) == ([""], [1, 2, 3])


@pytest.mark.covers("gRPC with TLS")
def test_a_client_that_trusts_the_authority_needs_no_channel(local_cloud: LocalCloud) -> None:
    from google.auth.credentials import AnonymousCredentials

    client = aiplatform_v1.EndpointServiceClient(
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": local_cloud.grpc["tls_address"]},
    )

    assert list(client.list_endpoints(parent=f"projects/{PROJECT}/locations/us-west1")) == []


def test_a_taken_port_is_refused_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(StartError, match=f"port {port} of gRPC is taken"):
            GrpcServer(
                base_url=lambda: "", wait_for_bigquery=lambda: None, port=port, certificate=None
            )
