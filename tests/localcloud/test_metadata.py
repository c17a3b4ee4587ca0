"""ML Metadata and tensorboards, as experiments need them."""

from typing import Any

import pytest

from tests.localcloud.conftest import LOCATION, Cloud

STORE = f"{LOCATION}/metadataStores/default"
METHOD = "aiplatform.projects.locations.metadataStores"
BOARDS = f"{LOCATION}/tensorboards"


@pytest.fixture
def stored(cloud: Cloud) -> Cloud:
    """A metadata store with a context, an execution and two artifacts."""
    reply = cloud.call("POST", f"{LOCATION}/metadataStores?metadataStoreId=default", {})
    assert reply.status == 200
    make(cloud, "contexts", "experiment", schemaTitle="system.Experiment")
    make(cloud, "contexts", "run", schemaTitle="system.ExperimentRun", metadata={"rate": 0.1})
    make(cloud, "executions", "train", schemaTitle="system.Run")
    make(cloud, "artifacts", "rows", uri="gs://b/rows")
    make(cloud, "artifacts", "model", uri="gs://b/model")
    return cloud


def make(cloud: Cloud, kind: str, identifier: str, **body: Any) -> None:
    parameter = {"contexts": "contextId", "executions": "executionId", "artifacts": "artifactId"}
    reply = cloud.call("POST", f"{STORE}/{kind}?{parameter[kind]}={identifier}", body)
    assert reply.status == 200, reply


def numbered(kind: str, identifier: str) -> str:
    return f"{STORE}/{kind}/{identifier}".replace("local-project", "1234567890")


def found(cloud: Cloud, kind: str, **query: str) -> list[str]:
    reply = cloud.send("GET", f"/v1/{STORE}/{kind}", params=query).json()
    return [each["name"].rsplit("/", 1)[1] for each in reply.get(kind, [])]


@pytest.mark.covers(
    f"{METHOD}.contexts.addContextChildren", f"{METHOD}.contexts.removeContextChildren"
)
def test_children_are_found_by_their_parent_until_they_are_taken_away(stored: Cloud) -> None:
    children = {"childContexts": [numbered("contexts", "run")]}
    parent = f'parent_contexts:"{numbered("contexts", "experiment")}"'
    before = stored.get(f"{STORE}/contexts/run")["etag"]

    stored.call("POST", f"{STORE}/contexts/experiment:addContextChildren", children)
    listed = found(stored, "contexts", filter=f'schema_title="system.ExperimentRun" AND {parent}')
    etag = stored.get(f"{STORE}/contexts/run")["etag"]
    stored.call("POST", f"{STORE}/contexts/experiment:removeContextChildren", children)

    assert (listed, etag) == (["run"], before)
    assert found(stored, "contexts", filter=parent) == []


def test_a_context_is_not_its_own_ancestor(stored: Cloud) -> None:
    children = {"childContexts": [f"{STORE}/contexts/run"]}
    stored.call("POST", f"{STORE}/contexts/experiment:addContextChildren", children)

    reply = stored.call(
        "POST",
        f"{STORE}/contexts/run:addContextChildren",
        {"childContexts": [f"{STORE}/contexts/experiment"]},
    )

    assert reply.error == (400, "INVALID_ARGUMENT")


@pytest.mark.covers(
    f"{METHOD}.contexts.addContextArtifactsAndExecutions",
    f"{METHOD}.contexts.queryContextLineageSubgraph",
    f"{METHOD}.executions.addExecutionEvents",
    f"{METHOD}.executions.queryExecutionInputsAndOutputs",
)
def test_a_context_holds_executions_and_artifacts_with_their_events(stored: Cloud) -> None:
    members = {
        "executions": [f"{STORE}/executions/train"],
        "artifacts": [f"{STORE}/artifacts/model"],
    }
    events = [
        {"artifact": f"{STORE}/artifacts/rows", "type": "INPUT"},
        {"artifact": f"{STORE}/artifacts/model", "type": "OUTPUT"},
    ]

    stored.call("POST", f"{STORE}/contexts/run:addContextArtifactsAndExecutions", members)
    stored.call("POST", f"{STORE}/executions/train:addExecutionEvents", {"events": events})

    in_run = f'in_context("{numbered("contexts", "run")}")'
    graph = stored.get(f"{STORE}/contexts/run:queryContextLineageSubgraph")
    around = stored.get(f"{STORE}/executions/train:queryExecutionInputsAndOutputs")
    assert found(stored, "artifacts", filter=in_run) == ["model"]
    assert found(stored, "executions", filter=in_run) == ["train"]
    assert [event["type"] for event in graph["events"]] == ["OUTPUT"]
    assert [event["type"] for event in around["events"]] == ["INPUT", "OUTPUT"]
    assert len(around["artifacts"]) == 2


def test_what_is_not_there_cannot_be_linked(stored: Cloud) -> None:
    reply = stored.call(
        "POST",
        f"{STORE}/contexts/run:addContextArtifactsAndExecutions",
        {"artifacts": [f"{STORE}/artifacts/absent"]},
    )

    assert reply.error == (404, "NOT_FOUND")


@pytest.mark.covers("aiplatform.projects.locations.tensorboards.list")
def test_one_tensorboard_is_the_default(cloud: Cloud) -> None:
    for name in ("first", "second"):
        cloud.call("POST", BOARDS, {"displayName": name, "isDefault": True})

    listed = cloud.get(f"{BOARDS}?filter=is_default=true")["tensorboards"]

    assert [each["displayName"] for each in listed] == ["second"]


@pytest.mark.covers("aiplatform.projects.locations.tensorboards.delete")
def test_a_tensorboard_takes_its_experiments_with_it(cloud: Cloud) -> None:
    made = cloud.call("POST", BOARDS, {"displayName": "board"}).body["response"]["name"]
    board = f"{BOARDS}/{made.rsplit('/', 1)[1]}"
    cloud.call("POST", f"{board}/experiments?tensorboardExperimentId=e", {})

    deleted = cloud.call("DELETE", board)

    assert (deleted.status, cloud.call("GET", f"{board}/experiments/e").status) == (200, 404)
