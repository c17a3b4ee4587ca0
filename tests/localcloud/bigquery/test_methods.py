"""Methods of BigQuery's REST that Google's client in other tests does not call."""

from typing import Any

import httpx
import pytest

from tests.localcloud.bigquery.conftest import PROJECT, Run, Server

POLICY = {"policy": {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]}}
PERMISSIONS = {"permissions": ["bigquery.tables.get"]}


@pytest.fixture
def called(server: Server) -> Any:
    """Calls a method that must be answered with 2xx; its answer."""
    with httpx.Client(base_url=f"{server.url}/bigquery/v2/projects") as client:

        def call(http: str, path: str, body: Any = None) -> Any:
            reply = client.request(http, f"/{PROJECT}/{path}", json=body)
            assert reply.is_success, (http, path, reply.text)
            return reply.json() if reply.content else None

        yield call


def test_a_table_is_changed_filled_read_and_deleted(called: Any, dataset: str) -> None:
    reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": "t"}
    schema = {"fields": [{"name": "a", "type": "INTEGER", "mode": "NULLABLE"}]}
    table = f"datasets/{dataset}/tables/t"
    called("POST", f"datasets/{dataset}/tables", {"tableReference": reference, "schema": schema})

    called("PATCH", table, {"description": "x"})
    called("PUT", table, {"tableReference": reference, "schema": schema, "friendlyName": "y"})
    inserted = called("POST", f"{table}/insertAll", {"rows": [{"json": {"a": 1}}]})
    rows = called("GET", f"{table}/data")
    called("POST", f"{table}:setIamPolicy", POLICY)
    policy = called("POST", f"{table}:getIamPolicy", {})
    called("POST", f"{table}:testIamPermissions", PERMISSIONS)
    changed = called("GET", table)
    called("DELETE", table)

    assert "insertErrors" not in inserted
    assert (rows["totalRows"], rows["rows"]) == ("1", [{"f": [{"v": "1"}]}])
    assert policy["bindings"] == POLICY["policy"]["bindings"]
    assert (changed.get("description"), changed["friendlyName"]) == (None, "y")


def test_a_dataset_is_put_and_patched(called: Any, dataset: str) -> None:
    reference = {"datasetReference": {"projectId": PROJECT, "datasetId": dataset}}

    put = called("PUT", f"datasets/{dataset}", {**reference, "friendlyName": "x"})
    patched = called("PATCH", f"datasets/{dataset}", {"description": "y"})

    assert put["friendlyName"] == "x"
    assert (patched["friendlyName"], patched["description"]) == ("x", "y")


def test_a_routine_is_made_read_changed_and_deleted(called: Any, dataset: str) -> None:
    reference = {"projectId": PROJECT, "datasetId": dataset, "routineId": "double"}
    body = {
        "routineReference": reference,
        "routineType": "SCALAR_FUNCTION",
        "language": "SQL",
        "definitionBody": "x * 2",
        "arguments": [{"name": "x", "dataType": {"typeKind": "INT64"}}],
        "returnType": {"typeKind": "INT64"},
    }
    routine = f"datasets/{dataset}/routines/double"

    called("POST", f"datasets/{dataset}/routines", body)
    changed = called("PUT", routine, {**body, "definitionBody": "x * 3"})
    found = called("GET", routine)
    listed = called("GET", f"datasets/{dataset}/routines")["routines"]
    called("POST", f"{routine}:setIamPolicy", POLICY)
    called("POST", f"{routine}:getIamPolicy", {})
    called("POST", f"{routine}:testIamPermissions", PERMISSIONS)
    called("DELETE", routine)

    assert changed["definitionBody"] == found["definitionBody"] == "x * 3"
    assert [one["routineReference"] for one in listed] == [reference]


def test_row_access_policies_are_kept(called: Any, run: Run, dataset: str) -> None:
    run("CREATE TABLE t AS SELECT 1 AS a")
    policies = f"datasets/{dataset}/tables/t/rowAccessPolicies"
    reference = {
        "projectId": PROJECT,
        "datasetId": dataset,
        "tableId": "t",
        "policyId": "ones",
    }
    body = {
        "rowAccessPolicyReference": reference,
        "filterPredicate": "a = 1",
        "grantees": ["user:a@example.com"],
    }

    called("POST", policies, body)
    found = called("GET", f"{policies}/ones")
    called("PUT", f"{policies}/ones", {**body, "filterPredicate": "a = 2"})
    listed = called("GET", policies)["rowAccessPolicies"]
    called("POST", f"{policies}/ones:getIamPolicy", {})
    called("POST", f"{policies}/ones:testIamPermissions", PERMISSIONS)
    called("DELETE", f"{policies}/ones")
    called("POST", policies, body)
    called("POST", f"{policies}:batchDelete", {"policyIds": ["ones"], "force": True})

    assert found["filterPredicate"] == "a = 1"
    assert [one["filterPredicate"] for one in listed] == ["a = 2"]


def test_jobs_are_listed_and_forgotten(called: Any, run: Run) -> None:
    run("SELECT 1")

    [job] = called("GET", "jobs?maxResults=1")["jobs"]
    called("DELETE", f"jobs/{job['jobReference']['jobId']}/delete")

    left = called("GET", "jobs?maxResults=1").get("jobs", [])
    assert job["id"] not in [one["id"] for one in left]


def test_a_model_is_deleted(called: Any, run: Run, dataset: str) -> None:
    run(
        "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS "
        "SELECT x, 2 * x AS y FROM UNNEST(GENERATE_ARRAY(1, 20)) AS x"
    )

    called("DELETE", f"datasets/{dataset}/models/m")

    assert called("GET", f"datasets/{dataset}/models").get("models", []) == []


def test_projects_and_their_service_account_are_told(server: Server, called: Any) -> None:
    listed = httpx.get(f"{server.url}/bigquery/v2/projects").json()
    account = called("GET", "serviceAccount")

    assert PROJECT in [one["id"] for one in listed.get("projects", [])]
    assert PROJECT in account["email"]
