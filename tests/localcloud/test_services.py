"""Connection, Resource Manager, IAM, Service Usage, and the Gemini stand-in."""

import re

import pytest

from tests.localcloud.conftest import LOCATION, Cloud

CONNECTIONS = "projects/local-project/locations/us/connections"
ACCOUNTS = "projects/local-project/serviceAccounts"


# ---------------------------------------------------------------- connections
def test_a_cloud_resource_connection_gets_a_service_account(cloud: Cloud) -> None:
    made = cloud.call(
        "POST", f"{CONNECTIONS}?connectionId=c", {"cloudResource": {}, "friendlyName": "f"}
    ).body

    assert made["name"] == "projects/1234567890/locations/us/connections/c"
    assert re.fullmatch(
        r"bqcx-1234567890-[a-z0-9]{4}@gcp-sa-bigquery-condel\.iam\.gserviceaccount\.com",
        made["cloudResource"]["serviceAccountId"],
    )
    assert cloud.get(f"{CONNECTIONS}/c") == made


def test_a_connections_location_may_be_written_in_capitals(cloud: Cloud) -> None:
    cloud.call("POST", f"{CONNECTIONS}?connectionId=c", {"cloudResource": {}})

    assert cloud.get("projects/local-project/locations/US/connections/c")["name"].endswith(
        "/us/connections/c"
    )


def test_the_service_account_stays_through_an_update(cloud: Cloud) -> None:
    made = cloud.call("POST", f"{CONNECTIONS}?connectionId=c", {"cloudResource": {}}).body

    updated = cloud.call(
        "PATCH",
        f"{CONNECTIONS}/c?updateMask=friendlyName,cloudResource",
        {"friendlyName": "new", "cloudResource": {}},
    ).body

    assert (updated["friendlyName"], updated["cloudResource"]) == ("new", made["cloudResource"])


@pytest.mark.parametrize("body", [{}, {"cloudResource": {}, "spark": {}}], ids=["none", "two"])
def test_a_connection_has_exactly_one_kind(cloud: Cloud, body: object) -> None:
    assert cloud.call("POST", CONNECTIONS, body).error == (400, "INVALID_ARGUMENT")


def test_a_connections_kind_cannot_change(cloud: Cloud) -> None:
    cloud.call("POST", f"{CONNECTIONS}?connectionId=c", {"cloudResource": {}})

    reply = cloud.call("PATCH", f"{CONNECTIONS}/c?updateMask=spark", {"spark": {}})

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_a_credential_is_kept_and_never_told(cloud: Cloud) -> None:
    sql = {"instanceId": "p:l:i", "database": "d", "type": "POSTGRES"}
    secret = {"username": "u", "password": "hunter2"}

    made = cloud.call(
        "POST", f"{CONNECTIONS}?connectionId=s", {"cloudSql": {**sql, "credential": secret}}
    )

    assert made.body["hasCredential"] is True
    assert "hunter2" not in str(cloud.get(f"{CONNECTIONS}/s"))


# ---------------------------------------------------------------- projects
def test_a_project_is_found_by_id_and_number_in_both_versions(cloud: Cloud) -> None:
    found = [
        cloud.get(path)["projectId"]
        for path in (
            "/v1/projects/local-project",
            "/v1/projects/1234567890",
            "/v3/projects/1234567890",
        )
    ]

    assert found == ["local-project"] * 3


def test_another_project_has_a_stable_number(cloud: Cloud) -> None:
    number = cloud.get("/v1/projects/other-project")["projectNumber"]

    assert re.fullmatch(r"[1-9]\d{11}", number)
    assert cloud.get(f"/v1/projects/{number}")["projectId"] == "other-project"
    assert {p["projectId"] for p in cloud.get("/v1/projects")["projects"]} == {
        "local-project",
        "other-project",
    }


def test_a_malformed_project_id_is_refused(cloud: Cloud) -> None:
    assert cloud.call("GET", "projects/My_Project").error == (400, "INVALID_ARGUMENT")


# ---------------------------------------------------------------- service accounts
def test_a_service_account_lives(cloud: Cloud) -> None:
    body = {"accountId": "trainer", "serviceAccount": {"displayName": "Trainer"}}

    made = cloud.call("POST", ACCOUNTS, body).body
    patch = {"serviceAccount": {"displayName": "T"}, "updateMask": "displayName"}
    patched = cloud.call("PATCH", made["name"], patch).body
    by_unique_id = cloud.get(f"projects/-/serviceAccounts/{made['uniqueId']}")
    again = cloud.call("POST", ACCOUNTS, body)
    cloud.call("DELETE", made["name"])

    assert made["email"] == "trainer@local-project.iam.gserviceaccount.com"
    assert (patched["displayName"], by_unique_id["displayName"]) == ("T", "T")
    assert again.error == (409, "ALREADY_EXISTS")
    assert cloud.call("GET", made["name"]).error == (404, "NOT_FOUND")


@pytest.mark.parametrize("account_id", ["short", "Upper-case", "ends-with-", "9starts"])
def test_a_malformed_account_id_is_refused(cloud: Cloud, account_id: str) -> None:
    assert cloud.call("POST", ACCOUNTS, {"accountId": account_id}).error == (
        400,
        "INVALID_ARGUMENT",
    )


def test_keys_are_not_there(cloud: Cloud) -> None:
    cloud.call("POST", ACCOUNTS, {"accountId": "trainer"})

    name = f"{ACCOUNTS}/trainer@local-project.iam.gserviceaccount.com"

    assert cloud.call("POST", f"{name}/keys", {}).error == (501, "UNIMPLEMENTED")


# ---------------------------------------------------------------- service usage
def test_what_the_local_cloud_offers_is_enabled(cloud: Cloud) -> None:
    listed = cloud.get("projects/local-project/services?filter=state:ENABLED")["services"]

    assert "aiplatform.googleapis.com" in {row["config"]["name"] for row in listed}


def test_services_are_enabled_and_disabled(cloud: Cloud) -> None:
    service = "projects/local-project/services/run.googleapis.com"
    states = [cloud.get(service)["state"]]

    body = {"serviceIds": ["run.googleapis.com"]}
    operation = cloud.call("POST", "projects/local-project/services:batchEnable", body).body
    states.append(cloud.get(service)["state"])
    cloud.call("POST", f"{service}:disable", {})
    states.append(cloud.get(service)["state"])

    assert states == ["DISABLED", "ENABLED", "DISABLED"]
    assert cloud.get(operation["name"])["done"]


# ---------------------------------------------------------------- Gemini's stand-in
def generate(cloud: Cloud, text: str, **config: object) -> str:
    path = f"{LOCATION}/publishers/google/models/gemini-2.5-flash:generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": config}
    reply = cloud.call("POST", path, body)
    assert reply.status == 200, reply
    answer: str = reply.body["candidates"][0]["content"]["parts"][0]["text"]
    return answer


def test_the_stand_in_is_deterministic_and_unmistakably_fake(cloud: Cloud) -> None:
    answers = [generate(cloud, text) for text in ("why late?", "why late?", "why early?")]

    assert answers[0] == answers[1] != answers[2]
    assert all(answer.startswith("[local cloud stand-in, not a real model]") for answer in answers)


def test_the_stand_in_follows_a_response_schema(cloud: Cloud) -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "cause": {"type": "STRING", "enum": ["weather", "carrier"]},
            "minutes": {"type": "INTEGER"},
        },
    }

    answer = generate(cloud, "why?", responseMimeType="application/json", responseSchema=schema)

    assert re.fullmatch(r'\{"cause": "(weather|carrier)", "minutes": \d+\}', answer)


def test_a_prompt_without_content_is_refused(cloud: Cloud) -> None:
    path = f"{LOCATION}/publishers/google/models/gemini-2.5-flash:generateContent"

    assert cloud.call("POST", path, {"contents": []}).error == (400, "INVALID_ARGUMENT")
