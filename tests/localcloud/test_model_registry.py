"""Copies, exports and evaluations of models in the Model Registry."""

from typing import Any

import pyarrow as pa
import pytest

from tests.localcloud.conftest import LOCATION, Cloud

MODELS = f"{LOCATION}/models"
ELSEWHERE = "projects/local-project/locations/europe-west4"
CONTAINER = {"imageUri": "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-3:latest"}
METHOD = "aiplatform.projects.locations.models"
METRICS = {
    "metricsSchemaUri": "gs://google-cloud-aiplatform/schema/modelevaluation/"
    "classification_metrics_1.0.0.yaml",
    "metrics": {"auRoc": 0.9},
}


def upload(cloud: Cloud, **model: Any) -> None:
    body = {"modelId": "up", "model": {"displayName": "up", **model}}
    assert cloud.call("POST", f"{MODELS}:upload", body).status == 200


def copy(cloud: Cloud, source: str, into: str = LOCATION, **request: str) -> Any:
    body = {"sourceModel": f"{MODELS}/{source}", **request}
    return cloud.call("POST", f"{into}/models:copy", body)


def export(cloud: Cloud, model: str, **config: Any) -> Any:
    destination = {"artifactDestination": {"outputUriPrefix": "gs://bucket/out"}}
    body = {"outputConfig": config or destination}
    return cloud.call("POST", f"{MODELS}/{model}:export", body)


def bucket(cloud: Cloud) -> None:
    reply = cloud.call("POST", "/storage/v1/b?project=local-project", {"name": "bucket"})
    assert reply.status == 200, reply


def put(cloud: Cloud, name: str, data: bytes) -> None:
    url = f"/upload/storage/v1/b/bucket/o?uploadType=media&name={name}"
    assert cloud.send("POST", url, content=data).status_code == 200


def objects(cloud: Cloud) -> list[str]:
    listed = cloud.get("/storage/v1/b/bucket/o").get("items", [])
    return [item["name"] for item in listed]


# ---------------------------------------------------------------- copies
@pytest.mark.covers(f"{METHOD}.copy")
def test_a_copy_keeps_neither_aliases_nor_the_key_and_names_its_source(cloud: Cloud) -> None:
    key = {"kmsKeyName": "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"}
    upload(cloud, containerSpec=CONTAINER, versionAliases=["champion"], encryptionSpec=key)

    reply = copy(cloud, "up@champion", ELSEWHERE, modelId="copied")

    assert reply.body["response"]["modelVersionId"] == "1"
    copied = cloud.get(f"{ELSEWHERE}/models/copied")
    assert copied["versionAliases"] == ["default"]
    assert copied["modelSourceInfo"] == {"sourceType": "CUSTOM", "copy": True}
    assert copied["originalModelInfo"]["model"].endswith("us-central1/models/up@1")
    assert "encryptionSpec" not in copied
    assert copied["containerSpec"] == CONTAINER


def test_a_copy_into_a_model_is_its_next_version(cloud: Cloud) -> None:
    upload(cloud, containerSpec=CONTAINER)

    reply = copy(cloud, "up", parentModel=f"{MODELS}/up")

    assert reply.body["response"]["modelVersionId"] == "2"
    assert cloud.get(f"{MODELS}/up")["versionId"] == "1"


@pytest.mark.parametrize(
    ("into", "request_body", "error"),
    [
        (LOCATION, {"modelId": "up"}, (409, "ALREADY_EXISTS")),
        (LOCATION, {"modelId": "x", "parentModel": f"{MODELS}/up"}, (400, "INVALID_ARGUMENT")),
        (ELSEWHERE, {"parentModel": f"{MODELS}/up"}, (400, "INVALID_ARGUMENT")),
    ],
)
def test_a_copy_needs_a_free_id_or_a_model_of_its_location(
    cloud: Cloud, into: str, request_body: dict[str, str], error: tuple[int, str]
) -> None:
    upload(cloud, containerSpec=CONTAINER)

    assert copy(cloud, "up", into, **request_body).error == error


def test_a_copy_outlives_the_bigquery_model_it_came_from(cloud: Cloud) -> None:
    cloud.register("m")
    copy(cloud, "m", modelId="kept")

    cloud.server.vertex.unregister("local-project", "ds", "m")

    assert cloud.get(f"{MODELS}/kept")["modelSourceInfo"] == {"sourceType": "BQML", "copy": True}
    assert cloud.server.vertex.artifacts_in_use() == {"local-bqml://local-project/ds/m/t1"}
    assert cloud.call("DELETE", f"{MODELS}/kept").status == 200


# ---------------------------------------------------------------- exports
@pytest.mark.covers(f"{METHOD}.export")
def test_an_export_copies_the_files_of_an_uploaded_model(cloud: Cloud) -> None:
    bucket(cloud)
    put(cloud, "model/saved.txt", b"weights")
    upload(cloud, containerSpec=CONTAINER, artifactUri="gs://bucket/model")

    reply = export(
        cloud,
        "up",
        **{
            "exportFormatId": "custom-trained",
            "artifactDestination": {"outputUriPrefix": "gs://bucket/out/"},
        },
    )

    folder = reply.body["metadata"]["outputInfo"]["artifactOutputUri"]
    assert folder.startswith("gs://bucket/out/model-export-up-20")
    assert objects(cloud) == ["model/saved.txt", f"{folder.removeprefix('gs://bucket/')}/saved.txt"]
    written = cloud.send(
        "GET", f"/storage/v1/b/bucket/o/{objects(cloud)[1].replace('/', '%2F')}?alt=media"
    )
    assert written.content == b"weights"


def test_an_export_of_a_bigquery_model_is_written_by_bigquery(cloud: Cloud) -> None:
    bucket(cloud)
    cloud.register("m")

    folder = export(cloud, "m").body["metadata"]["outputInfo"]["artifactOutputUri"]

    assert cloud.engine.exports == [("local-bqml://local-project/ds/m/t1", folder)]
    shown = cloud.get(f"{MODELS}/m")["supportedExportFormats"]
    assert shown == [{"id": "tf-saved-model", "exportableContents": ["ARTIFACT"]}]


def test_what_cannot_be_exported_is_refused(cloud: Cloud) -> None:
    bucket(cloud)
    upload(cloud)
    cloud.register("series", model_type="ARIMA_PLUS")
    cloud.register("m")
    to_bucket = {"outputUriPrefix": "gs://bucket/x"}

    replies = [
        export(cloud, "up"),
        export(cloud, "series"),
        export(cloud, "m", exportFormatId="tflite", artifactDestination=to_bucket),
        export(cloud, "m", imageDestination={"outputUri": "us-docker.pkg.dev/p/r/i"}),
        export(cloud, "m", artifactDestination={"outputUriPrefix": "gs://nowhere/x"}),
    ]

    assert [reply.error for reply in replies] == [
        (400, "FAILED_PRECONDITION"),
        (400, "FAILED_PRECONDITION"),
        (400, "INVALID_ARGUMENT"),
        (400, "INVALID_ARGUMENT"),
        (404, "NOT_FOUND"),
    ]
    assert "not exportable" in replies[1].body["error"]["message"]


# ---------------------------------------------------------------- evaluations
@pytest.mark.covers(
    f"{METHOD}.evaluations.import", f"{METHOD}.evaluations.get", f"{METHOD}.evaluations.list"
)
def test_an_imported_evaluation_belongs_to_its_version(cloud: Cloud) -> None:
    upload(cloud, containerSpec=CONTAINER)
    copy(cloud, "up", parentModel=f"{MODELS}/up")

    made = cloud.call(
        "POST", f"{MODELS}/up@2/evaluations:import", {"modelEvaluation": METRICS}
    ).body

    path = f"{MODELS}/up/evaluations/{made['name'].rsplit('/', 1)[1]}"
    assert cloud.get(path) == made
    assert cloud.get(f"{MODELS}/up@2/evaluations")["modelEvaluations"] == [made]
    assert cloud.get(f"{MODELS}/up@1/evaluations") == {}
    assert made["metrics"] == METRICS["metrics"]


def test_an_evaluation_needs_metrics_and_their_schema(cloud: Cloud) -> None:
    upload(cloud, containerSpec=CONTAINER)

    reply = cloud.call("POST", f"{MODELS}/up/evaluations:import", {"modelEvaluation": {}})

    assert reply.error == (400, "INVALID_ARGUMENT")


@pytest.mark.covers(f"{METHOD}.evaluations.slices.list")
def test_an_evaluation_without_slices_lists_none(cloud: Cloud) -> None:
    upload(cloud, containerSpec=CONTAINER)
    body = {"modelEvaluation": METRICS}
    made = cloud.call("POST", f"{MODELS}/up/evaluations:import", body).body
    path = f"{MODELS}/up/evaluations/{made['name'].rsplit('/', 1)[1]}"

    assert cloud.get(f"{path}/slices") == {}
    assert cloud.call("GET", f"{path}/slices/1").error == (404, "NOT_FOUND")


def test_a_binary_classifier_of_bigquery_shows_its_evaluation_once(cloud: Cloud) -> None:
    cloud.register("m")
    scores = {"precision": 0.5, "recall": 0.25, "accuracy": 0.75, "f1_score": 0.3}
    cloud.engine.tables["ML.EVALUATE"] = pa.table(
        {name: [value] for name, value in {**scores, "log_loss": 0.4, "roc_auc": 0.9}.items()}
    )
    cloud.engine.tables["ML.CONFUSION_MATRIX"] = pa.table(
        {"expected_label": ["false", "true"], "false": [7, 2], "true": [1, 3]}
    )

    [shown] = cloud.get(f"{MODELS}/m/evaluations")["modelEvaluations"]

    assert shown["metricsSchemaUri"] == METRICS["metricsSchemaUri"]
    assert shown["metrics"]["auRoc"] == 0.9
    assert shown["metrics"]["confidenceMetrics"] == [
        {"confidenceThreshold": 0.5, "precision": 0.5, "recall": 0.25, "f1Score": 0.3}
    ]
    assert shown["metrics"]["confusionMatrix"]["rows"] == [[7, 1], [2, 3]]
    assert cloud.get(f"{MODELS}/m/evaluations")["modelEvaluations"] == [shown]


def test_a_classifier_of_three_classes_and_a_clustering_show_none(cloud: Cloud) -> None:
    cloud.register("three")
    cloud.register("clusters", model_type="KMEANS")
    cloud.engine.tables["ML.EVALUATE"] = pa.table({"roc_auc": [0.9]})
    cloud.engine.tables["ML.CONFUSION_MATRIX"] = pa.table({"expected_label": ["a", "b", "c"]})

    assert cloud.get(f"{MODELS}/three/evaluations") == {}
    assert cloud.get(f"{MODELS}/clusters/evaluations") == {}


def test_a_regression_of_bigquery_shows_root_errors(cloud: Cloud) -> None:
    cloud.register("m", model_type="LINEAR_REGRESSION")
    cloud.engine.tables["ML.EVALUATE"] = pa.table(
        {
            "mean_absolute_error": [1.5],
            "mean_squared_error": [4.0],
            "mean_squared_log_error": [0.25],
            "r2_score": [0.8],
        }
    )

    [shown] = cloud.get(f"{MODELS}/m/evaluations")["modelEvaluations"]

    assert shown["metrics"] == {
        "meanAbsoluteError": 1.5,
        "rootMeanSquaredError": 2.0,
        "rootMeanSquaredLogError": 0.5,
        "rSquared": 0.8,
    }
