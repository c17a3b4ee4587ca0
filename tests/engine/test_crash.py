"""A killed local cloud and a repeated `up`."""

import threading

import requests
from pulumi.automation import CommandError

SLOW = ("max_iterations = 40", "max_iterations = 1500")


def test_a_killed_training_leaves_one_model_one_version_one_deployment(stack, local_cloud):
    stack.edit("sql/arrival_delay/model.sql", *SLOW)
    failed = []

    def up() -> None:
        try:
            stack.up()
        except CommandError as error:
            failed.append(str(error))

    running = threading.Thread(target=up)
    running.start()
    wait_for_training(local_cloud, running)
    local_cloud.kill()
    running.join()
    stack.edit("sql/arrival_delay/model.sql", *reversed(SLOW))
    local_cloud.start()
    stack.up()

    assert "does not answer" in failed[0]
    assert live(local_cloud) == {"models": 1, "versions": 1, "deployed_models": 1}
    assert stack.preview().ops == {}


def wait_for_training(local_cloud, running: threading.Thread) -> None:
    """Return once a CREATE MODEL job runs."""
    url = f"{local_cloud.url}/bigquery/v2/projects/{local_cloud.project}/jobs"
    ask = {"stateFilter": "running", "projection": "full", "allUsers": "true"}
    pause = threading.Event()
    while running.is_alive():
        jobs = requests.get(url, params=ask, timeout=30).json().get("jobs", [])
        texts = [j["configuration"].get("query", {}).get("query", "") for j in jobs]
        if any("CREATE MODEL" in text and "BOOSTED" in text for text in texts):
            return
        pause.wait(0.1)
    raise AssertionError("the training was over before it could be interrupted")


def live(local_cloud) -> dict[str, int]:
    project = f"projects/{local_cloud.project}"
    place = f"{local_cloud.url}/v1/{project}/locations/us-central1"
    dataset = f"{local_cloud.url}/bigquery/v2/{project}/datasets/flights"
    models = requests.get(f"{dataset}/models", timeout=30).json()["models"]
    trained = [m for m in models if m["modelReference"]["modelId"] == "arrival_delay"]
    (registered,) = requests.get(f"{place}/models", timeout=30).json()["models"]
    name = registered["name"].rsplit("/", 1)[-1]
    versions = requests.get(f"{place}/models/{name}:listVersions", timeout=30).json()["models"]
    (endpoint,) = requests.get(f"{place}/endpoints", timeout=30).json()["endpoints"]
    return {
        "models": len(trained),
        "versions": len(versions),
        "deployed_models": len(endpoint["deployedModels"]),
    }
