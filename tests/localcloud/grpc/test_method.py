"""What Google's libraries tell of gRPC methods."""

import pytest

from localcloud.errors import ApiError
from localcloud.grpc.method import find
from localcloud.grpc.transcoding import request_of

PREDICTION = "/google.cloud.aiplatform.v1.PredictionService"


def test_a_method_is_described_by_the_library_of_its_package() -> None:
    found = find("/google.cloud.aiplatform.v1beta1.EndpointService/UpdateEndpoint")

    assert found.request.DESCRIPTOR.full_name == (
        "google.cloud.aiplatform.v1beta1.UpdateEndpointRequest"
    )
    assert found.response.DESCRIPTOR.full_name == "google.cloud.aiplatform.v1beta1.Endpoint"
    assert [dict(rule) for rule in found.rules] == [
        {
            "method": "patch",
            "uri": "/v1beta1/{endpoint.name=projects/*/locations/*/endpoints/*}",
            "body": "endpoint",
        }
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/google.storage.v2.Storage/ReadObject", "has no gRPC service google.storage.v2.Storage"),
        (f"{PREDICTION}/Guess", "has no method Guess"),
        (
            "/google.cloud.bigquery.datatransfer.v1.DataTransferService/GetTransferConfig",
            "google-cloud-bigquery-datatransfer",
        ),
    ],
)
def test_what_is_not_there_is_unimplemented_with_a_sentence(path: str, said: str) -> None:
    with pytest.raises(ApiError, match=said) as refused:
        find(path)

    assert refused.value.status == "UNIMPLEMENTED"


def test_a_method_that_rest_does_not_have_is_refused() -> None:
    with pytest.raises(ApiError, match="exists in gRPC only"):
        request_of(find(f"{PREDICTION}/StreamingPredict"), b"")


def test_a_raw_prediction_is_sent_as_it_is() -> None:
    method = find(f"{PREDICTION}/RawPredict")
    endpoint = "projects/p/locations/l/endpoints/1"
    message = method.request(endpoint=endpoint)
    message.http_body.data = b"a,b"
    message.http_body.content_type = "text/csv"

    asked = request_of(method, message.SerializeToString())

    assert (asked.path, asked.body, asked.content_type) == (
        f"/v1/{endpoint}:rawPredict",
        b"a,b",
        "text/csv",
    )
