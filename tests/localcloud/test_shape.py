"""The comparison of answers with Google's Discovery documents finds what is wrong."""

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from tests.localcloud.shape import COMPARED, checked, faults

ENDPOINT = "/v1/projects/p/locations/us-central1/endpoints/e"
TABLE = "/bigquery/v2/projects/p/datasets/d/tables/t"


def found(http: str, path: str, body: Any, status: int = 200) -> list[str]:
    return [
        fault.split(": ", 1)[1] for fault in faults(http, path, status, json.dumps(body).encode())
    ]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (ENDPOINT, {"displayName": "e", "trafficSplit": {"1": 100}}, []),
        (
            ENDPOINT,
            {"colour": "red"},
            ["$: Additional properties are not allowed ('colour' was unexpected)"],
        ),
        (ENDPOINT, {"displayName": 1}, ["$.displayName: 1 is not of type 'string'"]),
        (ENDPOINT, {"displayName": None}, ["$.displayName: None is not of type 'string'"]),
        (
            ENDPOINT,
            {"trafficSplit": {"1": "100"}},
            ["$.trafficSplit['1']: '100' is not of type 'integer'"],
        ),
        (
            ENDPOINT,
            {"deployedModels": [{"id": "1", "colour": "red"}]},
            [
                "$.deployedModels[0]: Additional properties are not allowed "
                "('colour' was unexpected)"
            ],
        ),
        (TABLE, {"numRows": "3"}, []),
        (TABLE, {"numRows": 3}, ["$.numRows: 3 is not of type 'string'"]),
        (TABLE, {"numRows": "3.5"}, [r"$.numRows: '3.5' does not match '^-?\\d+$'"]),
        (
            "/nobody's/path",
            {"colour": "red"},
            ["answered with 200, and no document has such a method"],
        ),
        ("/admin/requests", {"requests": []}, []),
    ],
)
def test_an_answer_of_another_shape_is_found(path: str, body: Any, says: list[str]) -> None:
    assert found("GET", path, body) == says


def test_an_unknown_value_of_an_enum_is_found_and_its_number_taken() -> None:
    path = "/v1/projects/p/locations/us-central1/featureOnlineStores/s"

    wrong = found("GET", path, {"state": "TIRED"})

    assert len(wrong) == 1
    assert wrong[0].startswith("$.state: 'TIRED'")
    assert found("GET", path, {"state": 1}) == []


def test_a_result_of_an_operation_is_compared_too() -> None:
    response = {"@type": "type.googleapis.com/google.cloud.aiplatform.v1.Model", "colour": "red"}

    wrong = found("POST", ENDPOINT.replace("endpoints/e", "models:upload"), {"response": response})

    assert wrong == ["$: Additional properties are not allowed ('colour' was unexpected)"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"error": {"code": 404, "message": "no", "status": "NOT_FOUND"}}, []),
        (
            {"detail": "no"},
            [
                "$: 'error' is a required property",
                "$: Additional properties are not allowed ('detail' was unexpected)",
            ],
        ),
        ({"error": {"code": 404}}, ["$.error: 'message' is a required property"]),
        (
            {"error": {"code": "404", "message": "no"}},
            ["$.error.code: '404' is not of type 'integer'"],
        ),
    ],
)
def test_a_refusal_of_another_shape_is_found(body: Any, says: list[str]) -> None:
    assert sorted(found("GET", ENDPOINT, body, 404)) == says


def answered(
    path: str,
    content: bytes,
    media_type: str = "application/json",
    *,
    http: str = "GET",
    packed: bool = False,
) -> list[str]:
    """What is found in one answer of an application."""
    found: list[str] = []

    async def sent() -> None:
        headers = {"content-encoding": "gzip"} if packed else {}
        body = gzip.compress(content) if packed else content
        app = checked(Response(body, headers=headers, media_type=media_type), found)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
            await client.request(http, path)

    asyncio.run(sent())
    return found


def test_a_packed_answer_is_compared_too() -> None:
    wrong = answered(ENDPOINT, b'{"displayName": 1}', packed=True)

    assert [fault.split(": ", 1)[1] for fault in wrong] == [
        "$.displayName: 1 is not of type 'string'"
    ]


def test_each_event_of_a_stream_is_compared() -> None:
    path = ENDPOINT.replace("endpoints/e", "publishers/google/models/m:streamGenerateContent")
    events = b'data: {"responseId": "1"}\r\n\r\ndata: {"responseId": 2}\r\n\r\n'

    wrong = answered(path, events, "text/event-stream", http="POST")

    assert [fault.split(": ", 1)[1] for fault in wrong] == [
        "$.responseId: 2 is not of type 'string'"
    ]


def test_an_answer_of_another_type_is_found_unless_bytes_are_asked_for() -> None:
    bytes_of_an_object = "/storage/v1/b/bucket/o/a%2Fb"

    assert answered(bytes_of_an_object + "?alt=media", b"text", "text/plain") == []
    assert answered(bytes_of_an_object, b"text", "text/plain") == [
        f"GET {bytes_of_an_object}: 200 of the type 'text/plain'"
    ]


def test_a_value_beyond_the_documents_is_taken_in_its_own_field_only() -> None:
    path = TABLE.replace("tables/t", "models/m")

    def of(field: str) -> dict[str, Any]:
        return {"remoteModelInfo": {field: "CLOUD_AI_DOCUMENT_V1"}}

    assert found("GET", path, of("remoteServiceType")) == []
    assert found("GET", path, {"modelType": "CLOUD_AI_DOCUMENT_V1"}) != []


def test_only_an_answer_of_the_right_shape_counts_as_compared() -> None:
    key = "aiplatform.v1 aiplatform.projects.locations.persistentResources.reboot"
    path = ENDPOINT.replace("endpoints/e", "persistentResources/r:reboot")

    before = COMPARED.pop(key, set())

    found("POST", path, {"colour": "red"})
    wrong = key in COMPARED
    found("POST", path, {"error": {"code": 501, "message": "no"}}, 501)
    refused = key in COMPARED
    found("POST", path, {"name": "operations/1"})
    right = set(COMPARED[key])
    COMPARED[key] |= before

    assert (wrong, refused, right) == (False, False, {"tests/localcloud/test_shape.py"})
