"""The Model Registry."""

import pytest

from localcloud.errors import ApiError
from tests.localcloud.conftest import LOCATION, Cloud

MODELS = f"{LOCATION}/models"
CONTAINER = {"imageUri": "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-3:latest"}


def upload(cloud: Cloud, **request: object) -> dict[str, object]:
    model = {"displayName": "m", "containerSpec": CONTAINER, **request.pop("model", {})}  # type: ignore[dict-item]
    reply = cloud.call("POST", f"{MODELS}:upload", {"model": model, **request})
    assert reply.status == 200, reply
    response: dict[str, object] = reply.body["response"]
    return response


def aliases(cloud: Cloud, model: str = "m") -> dict[str, list[str]]:
    listed = cloud.get(f"{MODELS}/{model}:listVersions")["models"]
    return {version["versionId"]: version["versionAliases"] for version in listed}


def test_the_first_version_is_the_default(cloud: Cloud) -> None:
    response = upload(cloud, modelId="m", model={"versionAliases": ["champion"]})

    assert response["modelVersionId"] == "1"
    assert aliases(cloud) == {"1": ["champion", "default"]}


def test_a_later_version_takes_only_the_aliases_it_asks_for(cloud: Cloud) -> None:
    upload(cloud, modelId="m", model={"versionAliases": ["champion"]})

    upload(cloud, parentModel=f"{MODELS}/m", model={"versionAliases": ["champion"]})

    assert aliases(cloud) == {"1": ["default"], "2": ["champion"]}


def test_a_version_is_found_by_number_and_by_alias(cloud: Cloud) -> None:
    upload(cloud, modelId="m")
    upload(cloud, parentModel=f"{MODELS}/m", model={"versionAliases": ["next"]})

    found = [cloud.get(f"{MODELS}/m{suffix}")["versionId"] for suffix in ("", "@1", "@2", "@next")]

    assert found == ["1", "1", "2", "2"]
    assert cloud.call("GET", f"{MODELS}/m@9").error == (404, "NOT_FOUND")


def test_aliases_are_merged_and_taken_off(cloud: Cloud) -> None:
    upload(cloud, modelId="m", model={"versionAliases": ["old"]})

    reply = cloud.call(
        "POST", f"{MODELS}/m@1:mergeVersionAliases", {"versionAliases": ["champion", "-old"]}
    )

    assert reply.body["versionAliases"] == ["default", "champion"]


def test_the_default_moves_and_is_never_removed(cloud: Cloud) -> None:
    upload(cloud, modelId="m")
    upload(cloud, parentModel=f"{MODELS}/m")

    path = f"{MODELS}/m@{{}}:mergeVersionAliases"
    cloud.call("POST", path.format("2"), {"versionAliases": ["default"]})
    removed = cloud.call("POST", path.format("2"), {"versionAliases": ["-default"]})

    assert aliases(cloud) == {"1": [], "2": ["default"]}
    assert removed.error == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("alias", ["a", "1", "Upper", "has_underscore", "ends-"])
def test_a_malformed_alias_is_refused(cloud: Cloud, alias: str) -> None:
    upload(cloud, modelId="m")

    reply = cloud.call("POST", f"{MODELS}/m@1:mergeVersionAliases", {"versionAliases": [alias]})

    assert reply.error == (400, "INVALID_ARGUMENT")


def test_a_models_fields_and_a_versions_fields_are_updated_apart(cloud: Cloud) -> None:
    upload(cloud, modelId="m")

    both = cloud.call(
        "PATCH",
        f"{MODELS}/m?updateMask=display_name,version_description",
        {"displayName": "n", "versionDescription": "v"},
    )
    cloud.call("PATCH", f"{MODELS}/m?updateMask=display_name", {"displayName": "n"})
    cloud.call("PATCH", f"{MODELS}/m@1?updateMask=versionDescription", {"versionDescription": "v"})

    found = cloud.get(f"{MODELS}/m")
    assert both.error == (400, "FAILED_PRECONDITION")
    assert (found["displayName"], found["versionDescription"]) == ("n", "v")


def test_the_only_version_and_the_default_version_stay(cloud: Cloud) -> None:
    upload(cloud, modelId="m")
    only = cloud.call("DELETE", f"{MODELS}/m@1:deleteVersion")
    upload(cloud, parentModel=f"{MODELS}/m")

    default = cloud.call("DELETE", f"{MODELS}/m@1:deleteVersion")
    other = cloud.call("DELETE", f"{MODELS}/m@2:deleteVersion")

    assert [only.error, default.error] == [(400, "FAILED_PRECONDITION")] * 2
    assert other.status == 200
    assert aliases(cloud) == {"1": ["default"]}


def test_a_number_is_never_given_twice(cloud: Cloud) -> None:
    upload(cloud, modelId="m")
    upload(cloud, parentModel=f"{MODELS}/m")
    cloud.call("DELETE", f"{MODELS}/m@2:deleteVersion")

    assert upload(cloud, parentModel=f"{MODELS}/m")["modelVersionId"] == "3"


def test_models_are_listed_once_with_their_default_version(cloud: Cloud) -> None:
    upload(cloud, modelId="m")
    upload(cloud, parentModel=f"{MODELS}/m", model={"versionAliases": ["default"]})

    listed = cloud.get(f'{MODELS}?filter=display_name="m"')["models"]

    assert [model["versionId"] for model in listed] == ["2"]


def test_a_deleted_model_takes_its_versions_with_it(cloud: Cloud) -> None:
    upload(cloud, modelId="m")

    cloud.call("DELETE", f"{MODELS}/m")

    assert cloud.call("GET", f"{MODELS}/m@1").error == (404, "NOT_FOUND")


# ---------------------------------------------------------------- BigQuery ML
@pytest.mark.parametrize(
    ("location", "region"),
    [("US", "us-central1"), ("EU", "europe-west4"), ("europe-west1", "europe-west1")],
)
def test_a_dataset_location_has_a_registry_region(cloud: Cloud, location: str, region: str) -> None:
    cloud.register(location=location)

    found = cloud.get(f"projects/local-project/locations/{region}/models/m")

    assert found["modelSourceInfo"] == {"sourceType": "BQML"}


def test_a_retrained_model_leaves_with_its_version_and_gets_the_next_number(cloud: Cloud) -> None:
    first = cloud.register(training="t1", aliases=["champion"])

    second = cloud.register(training="t2")

    assert (first, second) == ("1", "2")
    assert aliases(cloud) == {"2": ["default"]}
    assert cloud.server.vertex.artifacts_in_use() == {"local-bqml://local-project/ds/m/t2"}


def test_two_bigquery_models_share_one_entry(cloud: Cloud) -> None:
    cloud.register("a", into="shared")
    cloud.register("b", into="shared")

    cloud.register("a", "t2", into="shared")

    assert aliases(cloud, "shared") == {"3": ["default"], "2": []}


def test_the_entry_goes_with_the_bigquery_model(cloud: Cloud) -> None:
    cloud.register()

    cloud.server.vertex.unregister("local-project", "ds", "m")

    assert cloud.call("GET", f"{MODELS}/m").error == (404, "NOT_FOUND")


def test_an_entry_of_bigquery_is_not_deleted_from_vertex(cloud: Cloud) -> None:
    cloud.register()

    reply = cloud.call("DELETE", f"{MODELS}/m")

    assert reply.error == (400, "FAILED_PRECONDITION")
    assert "local-project.ds.m" in reply.body["error"]["message"]


def test_a_deployed_bigquery_model_is_not_unregistered(cloud: Cloud) -> None:
    cloud.register()
    cloud.deploy(cloud.endpoint(), "7", {"0": 100})

    with pytest.raises(ApiError, match=r"endpoints/e \(deployed model 7\)"):
        cloud.server.vertex.unregister("local-project", "ds", "m")


def test_a_malformed_registry_id_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ApiError, match="Invalid vertex_ai_model_id '9m'"):
        cloud.register(into="9m")
