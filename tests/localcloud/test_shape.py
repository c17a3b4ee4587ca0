"""The comparison of answers with Google's Discovery documents finds what is wrong."""

import json
from typing import Any

import pytest

from tests.localcloud.shape import faults

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
        ("/nobody's/path", {"colour": "red"}, []),
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
