"""GRANT, REVOKE and conditions: what they leave in the policies of datasets, tables and views."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run

VIEWER = "roles/bigquery.dataViewer"


def _bindings(client: bigquery.Client, table: str) -> dict[str, list[str]]:
    policy = client.get_iam_policy(f"{PROJECT}.{table}")
    return {binding["role"]: sorted(binding["members"]) for binding in policy.bindings}


def _dataset_policy(client: bigquery.Client, dataset: str, verb: str, **body: Any) -> Any:
    return client._connection.api_request(
        method="POST", path=f"/projects/{PROJECT}/datasets/{dataset}:{verb}IamPolicy", data=body
    )


@pytest.mark.covers("GRANT", "REVOKE")
def test_a_role_on_a_table_is_granted_and_revoked(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run("CREATE TABLE t (a INT64)")

    run(
        f"GRANT `{VIEWER}`, `roles/bigquery.dataEditor` ON TABLE t TO 'user:a@b.co', 'group:g@b.co'"
    )
    granted = _bindings(client, f"{dataset}.t")
    run(f"REVOKE `{VIEWER}` ON TABLE t FROM 'user:a@b.co', 'user:nobody@b.co'")
    run("REVOKE `roles/bigquery.dataEditor` ON TABLE t FROM 'user:a@b.co', 'group:g@b.co'")

    both = ["group:g@b.co", "user:a@b.co"]
    assert (granted, _bindings(client, f"{dataset}.t")) == (
        {VIEWER: both, "roles/bigquery.dataEditor": both},
        {VIEWER: ["group:g@b.co"]},
    )


@pytest.mark.covers("GRANT", "REVOKE")
def test_a_role_on_a_schema_is_an_entry_of_its_access_list(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    before = client.get_dataset(dataset).access_entries

    run(f"GRANT `{VIEWER}` ON SCHEMA {dataset} TO 'user:a@b.co'")
    granted = client.get_dataset(dataset).access_entries
    run(f"REVOKE `{VIEWER}` ON SCHEMA {dataset} FROM 'user:a@b.co'")

    new = [(e.role, e.entity_id) for e in granted if e not in before]
    assert (new, client.get_dataset(dataset).access_entries) == (
        [("READER", "a@b.co")],
        before,
    )


@pytest.mark.covers("GRANT")
@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        (f"GRANT `{VIEWER}` ON TABLE nothing TO 'user:a@b.co'", exceptions.NotFound, "nothing"),
        (f"GRANT `{VIEWER}` ON VIEW t TO 'user:a@b.co'", exceptions.BadRequest, "is a TABLE"),
        ("GRANT viewer ON TABLE t TO 'user:a@b.co'", exceptions.BadRequest, "is no role"),
        (f"GRANT `{VIEWER}` ON MODEL t TO 'user:a@b.co'", exceptions.BadRequest, "ON MODEL"),
    ],
)
def test_a_grant_that_cannot_be_is_refused(
    run: Run, statement: str, error: type[Exception], message: str
) -> None:
    run("CREATE TABLE t (a INT64)")

    with pytest.raises(error, match=message):
        run(statement)


@pytest.mark.covers("GRANT")
def test_a_dry_run_of_a_grant_grants_nothing(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run("CREATE TABLE t (a INT64)")

    client.query(
        f"GRANT `{VIEWER}` ON TABLE {dataset}.t TO 'user:a@b.co'",
        job_config=bigquery.QueryJobConfig(dry_run=True),
    )

    assert _bindings(client, f"{dataset}.t") == {}


@pytest.mark.covers("bigquery.datasets.setIamPolicy", "IAM conditions")
def test_a_condition_of_a_datasets_policy_is_kept(client: bigquery.Client, dataset: str) -> None:
    policy = _dataset_policy(client, dataset, "get")
    condition = {"title": "soon", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}
    binding = {"role": VIEWER, "members": ["user:a@b.co"], "condition": condition}

    told = _dataset_policy(
        client, dataset, "set", policy={**policy, "bindings": [*policy["bindings"], binding]}
    )

    assert (told["version"], binding in told["bindings"]) == (3, True)
