"""Datasets and tables through Google's client."""

import httpx
import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from hypothesis import given
from hypothesis import strategies as st

from localcloud.bigquery import dataset_policy
from tests.localcloud.bigquery.conftest import PROJECT, Run, Server


def test_a_dataset_keeps_what_it_was_made_with(client: bigquery.Client, dataset: str) -> None:
    made = bigquery.Dataset(f"{PROJECT}.{dataset}_eu")
    made.location, made.labels, made.description = "EU", {"team": "ml"}, "flights"

    client.create_dataset(made)

    found = client.get_dataset(f"{dataset}_eu")
    client.delete_dataset(f"{dataset}_eu")
    assert (found.location, found.labels, found.description) == ("EU", {"team": "ml"}, "flights")


def test_a_table_lives_where_its_dataset_does(client: bigquery.Client, dataset: str) -> None:
    place = bigquery.Dataset(f"{PROJECT}.{dataset}_eu")
    place.location = "EU"
    client.create_dataset(place)

    client.create_table(
        bigquery.Table(f"{PROJECT}.{dataset}_eu.t", [bigquery.SchemaField("a", "INT64")])
    )

    found = client.get_table(f"{dataset}_eu.t")
    client.delete_dataset(f"{dataset}_eu", delete_contents=True)
    assert found.location == "EU"


def test_an_unknown_field_is_refused_as_google_does(server: Server) -> None:
    body = {"datasetReference": {"datasetId": "x", "projectId": PROJECT}, "nonsense": 1}

    answer = httpx.post(f"{server.url}/bigquery/v2/projects/{PROJECT}/datasets", json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert 'Unknown name "nonsense"' in error["message"]
    assert error["errors"][0]["reason"] == "badRequest"


def test_a_value_of_a_wrong_type_is_refused(server: Server) -> None:
    body = {"datasetReference": {"datasetId": ["x"], "projectId": PROJECT}}

    answer = httpx.post(f"{server.url}/bigquery/v2/projects/{PROJECT}/datasets", json=body)

    assert answer.status_code == 400


def test_a_change_of_a_dataset_that_changed_meanwhile_is_refused(
    client: bigquery.Client, dataset: str
) -> None:
    stale = client.get_dataset(dataset)
    fresh = client.get_dataset(dataset)
    fresh.description = "first"
    client.update_dataset(fresh, ["description"])

    stale.description = "second"

    with pytest.raises(exceptions.PreconditionFailed):
        client.update_dataset(stale, ["description"])


def test_a_dataset_with_tables_is_not_deleted(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run("CREATE TABLE t AS SELECT 1 AS a")

    with pytest.raises(exceptions.BadRequest, match="still in use"):
        client.delete_dataset(dataset)


def test_a_dataset_with_a_model_only_is_not_deleted(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run("CREATE MODEL m REMOTE WITH CONNECTION `us.ok` OPTIONS (ENDPOINT = 'gemini-2.5-flash')")

    with pytest.raises(exceptions.BadRequest, match="still in use"):
        client.delete_dataset(dataset)


def test_a_policy_and_the_access_list_are_one_thing(
    client: bigquery.Client, dataset: str, server: Server
) -> None:
    url = f"{server.url}/bigquery/v2/projects/{PROJECT}/datasets/{dataset}"
    policy = httpx.post(f"{url}:getIamPolicy", json={}).json()
    member = "serviceAccount:bqcx-1-abcd@gcp-sa-bigquery-condel.iam.gserviceaccount.com"
    policy["bindings"].append({"role": "roles/bigquery.dataViewer", "members": [member]})

    answer = httpx.post(f"{url}:setIamPolicy", json={"policy": policy})

    entries = [(e.role, e.entity_id) for e in client.get_dataset(dataset).access_entries]
    assert answer.status_code == 200
    assert ("READER", member.removeprefix("serviceAccount:")) in entries


def test_a_policy_with_an_old_etag_is_refused(
    client: bigquery.Client, dataset: str, server: Server
) -> None:
    url = f"{server.url}/bigquery/v2/projects/{PROJECT}/datasets/{dataset}"

    answer = httpx.post(f"{url}:setIamPolicy", json={"policy": {"etag": "old", "bindings": []}})

    assert answer.status_code == 412


@given(
    st.sampled_from([*dataset_policy.BASIC.values(), "roles/bigquery.metadataViewer"]),
    st.sampled_from(
        [
            "user:ann@example.com",
            "group:team@example.com",
            "domain:example.com",
            "serviceAccount:a@p.iam.gserviceaccount.com",
            "projectOwner:p",
            "projectViewer:p",
            "allAuthenticatedUsers",
        ]
    ),
)
def test_a_member_of_a_policy_survives_the_access_list(role: str, member: str) -> None:
    entry = dataset_policy._entry(role, member)

    assert dataset_policy._member("p", entry) == member
    assert dataset_policy.BASIC.get(entry["role"], entry["role"]) == role
