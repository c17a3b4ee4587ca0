"""The standard methods, on Vertex AI's endpoints."""

import time

import pytest

from tests.localcloud.conftest import LOCATION, Cloud, OpenCloud

ENDPOINTS = f"{LOCATION}/endpoints"
BY_NUMBER = LOCATION.replace("local-project", "1234567890")


def test_an_unknown_field_is_refused_with_googles_error_shape(cloud: Cloud) -> None:
    reply = cloud.call("POST", ENDPOINTS, {"displayName": "e", "trafic": {}})

    text = (
        "Invalid JSON payload received. Unknown name \"trafic\" at 'endpoint': Cannot find field."
    )
    assert (reply.status, reply.body) == (
        400,
        {
            "error": {
                "code": 400,
                "message": text,
                "status": "INVALID_ARGUMENT",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.BadRequest",
                        "fieldViolations": [{"field": "endpoint", "description": text}],
                    }
                ],
            }
        },
    )


def test_a_missing_required_field_is_refused(cloud: Cloud) -> None:
    assert cloud.call("POST", ENDPOINTS, {"labels": {}}).error == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("query", ["pageSizes=1", "pageSize=x", "pageSize=-1", "pageToken=zzz"])
def test_a_bad_query_parameter_is_refused(cloud: Cloud, query: str) -> None:
    assert cloud.call("GET", f"{ENDPOINTS}?{query}").error == (400, "INVALID_ARGUMENT")


def test_the_parameters_of_googles_rest_clients_are_accepted(cloud: Cloud) -> None:
    assert cloud.get(f"{ENDPOINTS}?%24alt=json%3Benum-encoding%3Dint&page_size=3") == {}


def test_a_body_that_is_no_json_is_refused(cloud: Cloud) -> None:
    response = cloud.send("POST", f"/v1/{ENDPOINTS}", content=b"{nope")

    assert response.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_a_created_resource_is_named_by_the_projects_number(cloud: Cloud) -> None:
    cloud.endpoint("e")

    assert cloud.get(f"{ENDPOINTS}/e")["name"] == f"{BY_NUMBER}/endpoints/e"
    assert cloud.get(f"{BY_NUMBER}/endpoints/e") == cloud.get(f"{ENDPOINTS}/e")


def test_a_create_operation_answers_without_output_only_times(cloud: Cloud) -> None:
    operation = cloud.call("POST", f"{ENDPOINTS}?endpointId=e", {"displayName": "x"}).body

    assert operation["done"]
    assert operation["response"] == {
        "@type": "type.googleapis.com/google.cloud.aiplatform.v1.Endpoint",
        "name": f"{BY_NUMBER}/endpoints/e",
        "displayName": "x",
    }
    assert cloud.get(f"/ui/{operation['name']}") == operation


def test_the_service_chooses_an_id_where_the_client_gives_none(cloud: Cloud) -> None:
    operation = cloud.call("POST", ENDPOINTS, {"displayName": "x"}).body

    assert operation["response"]["name"].rsplit("/", 1)[1].isdigit()


def test_a_second_create_of_one_id_is_refused(cloud: Cloud) -> None:
    cloud.endpoint("e")

    reply = cloud.call("POST", f"{ENDPOINTS}?endpointId=e", {"displayName": "x"})

    assert reply.error == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize("endpoint_id", ["Upper", "-a", "a" * 64, "a_b"])
def test_a_malformed_id_is_refused(cloud: Cloud, endpoint_id: str) -> None:
    reply = cloud.call("POST", f"{ENDPOINTS}?endpointId={endpoint_id}", {"displayName": "x"})

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_a_wrong_location_is_refused(cloud: Cloud) -> None:
    reply = cloud.call("GET", "projects/local-project/locations/US-CENTRAL/endpoints")

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_a_patch_writes_what_its_mask_names(cloud: Cloud) -> None:
    name = cloud.endpoint()

    body = {"displayName": "new", "description": "d", "labels": {"a": "b"}}
    cloud.call("PATCH", f"{name}?updateMask=display_name,labels.a", body)

    found = cloud.get(name)
    assert (found["displayName"], found.get("description"), found["labels"]) == (
        "new",
        None,
        {"a": "b"},
    )


def test_a_mask_clears_what_the_body_lacks(cloud: Cloud) -> None:
    name = cloud.endpoint()
    cloud.call("PATCH", f"{name}?updateMask=description", {"description": "d"})

    cloud.call("PATCH", f"{name}?updateMask=description", {})

    assert "description" not in cloud.get(name)


@pytest.mark.parametrize("mask", ["", "nope", "labels.a.b,nope"])
def test_a_patch_without_a_sound_mask_is_refused(cloud: Cloud, mask: str) -> None:
    name = cloud.endpoint()

    reply = cloud.call("PATCH", f"{name}?updateMask={mask}", {"displayName": "x"})

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_an_immutable_field_may_be_named_unchanged_but_not_changed(cloud: Cloud) -> None:
    group = f"{LOCATION}/featureGroups"
    source = {"bigQuerySource": {"inputUri": "bq://p.d.t"}, "entityIdColumns": ["id"]}
    cloud.call("POST", f"{group}?featureGroupId=g", {"bigQuery": source})
    feature = f"{group}/g/features"
    cloud.call("POST", f"{feature}?featureId=f", {"valueType": "STRING"})

    same = cloud.call("PATCH", f"{feature}/f?updateMask=value_type", {"valueType": "STRING"})
    other = cloud.call("PATCH", f"{feature}/f?updateMask=value_type", {"valueType": "BOOL"})

    assert (same.status, other.error) == (200, (400, "INVALID_ARGUMENT"))


def test_an_old_etag_is_refused(cloud: Cloud) -> None:
    name = cloud.endpoint()
    etag = cloud.get(name)["etag"]
    cloud.call("PATCH", f"{name}?updateMask=description", {"description": "d"})

    reply = cloud.call("PATCH", f"{name}?updateMask=description", {"etag": etag})

    assert reply.error == (409, "ABORTED")


def test_pages_hold_everything_once(cloud: Cloud) -> None:
    for index in range(5):
        cloud.endpoint(f"e{index}")

    found, token = [], ""
    while True:
        shown = cloud.get(f"{ENDPOINTS}?pageSize=2&orderBy=display_name&pageToken={token}")
        found += [endpoint["displayName"] for endpoint in shown["endpoints"]]
        token = shown.get("nextPageToken", "")
        if not token:
            break

    assert found == [f"e{index}" for index in range(5)]


def test_a_page_token_answers_only_its_own_list(cloud: Cloud) -> None:
    for index in range(3):
        cloud.endpoint(f"e{index}")
    token = cloud.get(f"{ENDPOINTS}?pageSize=1")["nextPageToken"]

    other = LOCATION.replace("us-central1", "europe-west4")

    assert cloud.call("GET", f"{other}/endpoints?pageToken={token}").error == (
        400,
        "INVALID_ARGUMENT",
    )


def test_a_deleted_resource_is_gone(cloud: Cloud) -> None:
    name = cloud.endpoint()

    operation = cloud.call("DELETE", name).body

    assert operation["response"] == {"@type": "type.googleapis.com/google.protobuf.Empty"}
    assert cloud.call("GET", name).error == (404, "NOT_FOUND")
    assert cloud.call("DELETE", name).error == (404, "NOT_FOUND")


def test_a_resource_below_others_keeps_them_from_being_deleted(cloud: Cloud) -> None:
    group = f"{LOCATION}/featureGroups"
    source = {"bigQuerySource": {"inputUri": "bq://p.d.t"}}
    cloud.call("POST", f"{group}?featureGroupId=g", {"bigQuery": source})
    cloud.call("POST", f"{group}/g/features?featureId=f", {})

    refused = cloud.call("DELETE", f"{group}/g")
    forced = cloud.call("DELETE", f"{group}/g?force=true")

    assert (refused.error, forced.status) == ((400, "FAILED_PRECONDITION"), 200)
    assert cloud.call("GET", f"{group}/g/features/f").status == 404


def test_a_child_of_nothing_is_refused(cloud: Cloud) -> None:
    reply = cloud.call("POST", f"{LOCATION}/featureGroups/no/features?featureId=f", {})

    assert reply.error == (404, "NOT_FOUND")


def test_v1_and_v1beta1_show_the_same_resources(cloud: Cloud) -> None:
    name = cloud.endpoint()

    assert cloud.get(f"/v1beta1/{name}")["displayName"] == "e"


@pytest.mark.parametrize("kind", ["nasJobs", "specialistPools", "indexes", "datasets"])
def test_what_is_not_there_answers_501_with_a_sentence(cloud: Cloud, kind: str) -> None:
    reply = cloud.call("POST", f"{LOCATION}/{kind}", {})

    assert reply.error == (501, "UNIMPLEMENTED")
    assert "not implemented by the local cloud" in reply.body["error"]["message"]


def test_a_path_of_no_api_answers_404(cloud: Cloud) -> None:
    assert cloud.call("GET", "/v7/nothing").error == (404, "NOT_FOUND")


def test_an_operation_lasts_as_long_as_it_is_told_to(open_cloud: OpenCloud) -> None:
    cloud = open_cloud(operation_seconds=3600)

    operation = cloud.call("POST", f"{ENDPOINTS}?endpointId=e", {"displayName": "x"}).body

    assert "done" not in operation
    assert cloud.get(f"{ENDPOINTS}/e")["displayName"] == "x"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_an_operation_is_polled_where_googles_clients_poll_it(
    open_cloud: OpenCloud, version: str
) -> None:
    cloud = open_cloud(operation_seconds=3600)
    cloud.register()
    collection = "endpoints" if version == "v1" else "modelMonitors"
    target = {"vertexModel": {"model": f"{LOCATION}/models/m", "modelVersionId": "1"}}
    body = {"displayName": "x"}
    body |= {} if version == "v1" else {"modelMonitoringTarget": target}
    begun = cloud.call("POST", f"/{version}/{LOCATION}/{collection}", body).body

    polled = cloud.call("GET", f"/ui/{begun['name']}")

    assert polled.status == 200
    assert polled.body["name"] == begun["name"]


def test_an_operation_that_was_under_way_ends_after_a_restart(open_cloud: OpenCloud) -> None:
    cloud = open_cloud(operation_seconds=3600)
    cloud.register()
    endpoint = cloud.endpoint()
    begun = cloud.deploy(endpoint, "7", {"0": 100}).body
    assert "done" not in begun

    cloud = open_cloud()
    cloud.server.cloud.operations.clock = lambda: time.time() + 3601
    ended = cloud.get(begun["name"])

    assert ended["response"]["deployedModel"]["id"] == "7"
    assert cloud.get(endpoint)["trafficSplit"] == {"7": 100}


def test_everything_is_there_after_a_restart(open_cloud: OpenCloud) -> None:
    cloud = open_cloud()
    name = cloud.endpoint()
    before = cloud.get(name)

    assert open_cloud().get(name) == before


@pytest.mark.parametrize(
    ("path", "name", "base"),
    [
        ("/discovery/v1/apis/aiplatform/v1/rest", "aiplatform:v1", "http://local/"),
        ("/discovery/v1/apis/bigquery/v2/rest", "bigquery:v2", "http://local/bigquery/v2/"),
        ("/$discovery/rest?version=v2", "bigquery:v2", "http://local/bigquery/v2/"),
    ],
)
def test_the_discovery_document_names_this_server(
    cloud: Cloud, path: str, name: str, base: str
) -> None:
    document = cloud.get(path)

    assert (document["rootUrl"], document["baseUrl"], document["id"]) == (
        "http://local/",
        base,
        name,
    )


def test_health_is_told(cloud: Cloud) -> None:
    assert cloud.get("/healthz") == {"status": "ready"}
