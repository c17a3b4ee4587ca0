"""IAM policies of projects, connections and service accounts."""

import pytest

from tests.localcloud.conftest import Cloud

PROJECT = "projects/local-project"
VIEWER = {"role": "roles/viewer", "members": ["user:ann@example.com"]}


def set_policy(cloud: Cloud, policy: object, resource: str = PROJECT):  # type: ignore[no-untyped-def]
    return cloud.call("POST", f"{resource}:setIamPolicy", {"policy": policy})


def test_a_resource_has_a_blank_policy_at_first(cloud: Cloud) -> None:
    reply = cloud.call("POST", f"{PROJECT}:getIamPolicy", {})

    assert reply.body == {"version": 1, "etag": "ACAB"}


def test_a_policy_is_read_back_by_id_and_by_number_in_both_versions(cloud: Cloud) -> None:
    written = set_policy(cloud, {"bindings": [VIEWER], "etag": "ACAB"}).body

    paths = ("/v1/projects/1234567890", "/v3/projects/local-project")
    read = [cloud.call("POST", f"{path}:getIamPolicy", {}).body for path in paths]

    assert written["bindings"] == [VIEWER]
    assert read == [written, written]


def test_an_old_etag_is_a_conflict(cloud: Cloud) -> None:
    set_policy(cloud, {"bindings": [VIEWER], "etag": "ACAB"})

    assert set_policy(cloud, {"bindings": [], "etag": "ACAB"}).error == (409, "ABORTED")


def test_the_etag_never_repeats(cloud: Cloud) -> None:
    etags = [
        set_policy(cloud, {"bindings": bindings}).body["etag"]
        for bindings in ([VIEWER], [], [VIEWER])
    ]

    assert len({*etags, "ACAB"}) == 4


def test_bindings_of_one_role_are_merged(cloud: Cloud) -> None:
    other = {"role": "roles/viewer", "members": ["user:bob@example.com", "user:ann@example.com"]}

    written = set_policy(cloud, {"bindings": [VIEWER, other]}).body

    assert written["bindings"] == [
        {"role": "roles/viewer", "members": ["user:ann@example.com", "user:bob@example.com"]}
    ]


@pytest.mark.parametrize(
    "binding",
    [
        {"role": "viewer", "members": ["user:a@b.co"]},
        {"role": "roles/viewer", "members": ["a@b.co"]},
        {"role": "roles/viewer", "members": ["user:nobody"]},
        {
            "role": "roles/viewer",
            "members": ["user:a@b.co"],
            "condition": {"title": "t", "expression": "true"},
        },
    ],
    ids=["role", "member kind", "address", "condition without version 3"],
)
def test_a_malformed_binding_is_refused(cloud: Cloud, binding: object) -> None:
    assert set_policy(cloud, {"bindings": [binding]}).error == (400, "INVALID_ARGUMENT")


def test_a_condition_comes_with_version_3(cloud: Cloud) -> None:
    condition = {"title": "t", "expression": "true"}

    written = set_policy(cloud, {"version": 3, "bindings": [{**VIEWER, "condition": condition}]})

    assert (written.body["version"], written.body["bindings"][0]["condition"]) == (3, condition)


def test_every_permission_is_there(cloud: Cloud) -> None:
    permissions = {"permissions": ["bigquery.jobs.create"]}

    assert cloud.call("POST", f"{PROJECT}:testIamPermissions", permissions).body == permissions


def test_a_policy_goes_with_its_resource(cloud: Cloud) -> None:
    parent = "projects/local-project/locations/us/connections"
    cloud.call("POST", f"{parent}?connectionId=c", {"cloudResource": {}})
    set_policy(cloud, {"bindings": [VIEWER]}, f"{parent}/c")

    cloud.call("DELETE", f"{parent}/c")
    cloud.call("POST", f"{parent}?connectionId=c", {"cloudResource": {}})

    assert cloud.call("POST", f"{parent}/c:getIamPolicy", {}).body["etag"] == "ACAB"


def test_what_does_not_exist_has_no_policy(cloud: Cloud) -> None:
    missing = "projects/local-project/locations/us/connections/no"

    assert cloud.call("POST", f"{missing}:getIamPolicy", {}).error == (404, "NOT_FOUND")
