"""One contract, both plugins: what they do in the engine, and what they leave on the server."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pulumi
import pulumi_gcp as gcp
import pytest
from pulumi import automation

from tests.contracts import live
from tests.contracts.conftest import OFFICIAL, STAND_IN, Plugin, Run, run
from tests.contracts.program import (
    CHANGED,
    FIRST,
    LOCATION,
    MEMBERS,
    PROJECT,
    REPLACED,
    provider,
    whole,
)

Live = dict[str, Any]

DATASET = f"projects/{PROJECT}/datasets/contract"
ENDPOINT = f"projects/{PROJECT}/locations/{LOCATION}/endpoints/{FIRST.endpoint_id}"


@dataclass
class Story:
    """A stack's life under one plugin.

    Attributes:
        runs: What each command did.
        live: What was live after each command.
        state: The resources in the state after the first `up`, by name.
    """

    runs: dict[str, Run]
    live: dict[str, Live]
    state: dict[str, Any]


def _tell(plugin: Plugin, url: str, folder: Path) -> Story:
    runs: dict[str, Run] = {}
    after: dict[str, Live] = {"nothing": live.resources(url, PROJECT, LOCATION)}
    stack = plugin.stack(folder, whole(url, FIRST))

    def do(name: str, command: str, version: Any = None) -> None:
        runs[name] = run(stack, command, whole(url, version) if version else None)
        after[name] = live.resources(url, PROJECT, LOCATION)

    try:
        do("preview", "preview")
        do("up", "up")
        exported = stack.export_stack().deployment["resources"]
        state = {each["urn"].rpartition("::")[2]: each for each in exported}
        do("preview again", "preview")
        do("refresh", "refresh")
        do("change", "up", CHANGED)
        do("preview of the change again", "preview")
        do("replace", "up", REPLACED)
        do("preview of the replacement again", "preview")
    finally:
        do("destroy", "destroy")
    return Story(runs, after, state)


@pytest.fixture(scope="session")
def told(
    plugin_of: Callable[[str], Plugin], local_cloud: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Story]:
    """The story of a plugin, told once a session."""
    stories: dict[str, Story] = {}

    def tell(name: str) -> Story:
        plugin = plugin_of(name)
        if name not in stories:
            stories[name] = _tell(plugin, local_cloud.url, tmp_path_factory.mktemp(name))
        return stories[name]

    return tell


@pytest.fixture(params=[STAND_IN, OFFICIAL])
def story(request: pytest.FixtureRequest, told: Callable[[str], Story]) -> Story:
    """The story of each plugin."""
    return told(request.param)


def test_a_preview_makes_nothing(story: Story) -> None:
    operations = set(story.runs["preview"].operations.values())

    assert operations == {"create"}
    assert story.live["preview"] == story.live["nothing"]


def test_up_makes_what_the_preview_said(story: Story) -> None:
    assert story.runs["up"].operations == story.runs["preview"].operations
    assert story.runs["up"].outputs == {
        "dataset": DATASET,
        "description": "first",
        "table": f"{DATASET}/tables/events",
        "connection": f"projects/{PROJECT}/locations/{LOCATION}/connections/models",
        "endpoint": ENDPOINT,
        "service": f"{PROJECT}/monitoring.googleapis.com",
        "email": f"contract-first@{PROJECT}.iam.gserviceaccount.com",
        "labels": {**FIRST.labels, "team": "contracts", "goog-pulumi-provisioned": "true"},
    }


@pytest.mark.parametrize(
    "preview",
    ["preview again", "preview of the change again", "preview of the replacement again", "refresh"],
)
def test_what_was_just_done_is_not_to_do(story: Story, preview: str) -> None:
    assert story.runs[preview].operations == {}


def test_what_google_can_alter_is_updated_in_place(story: Story) -> None:
    changed = ("account", "bucket", "connection", "dataset", "endpoint", "table", "view")

    assert story.runs["change"].operations == dict.fromkeys(changed, "update")


def test_a_change_of_identity_replaces(story: Story) -> None:
    members = [f"{scope}-{name}" for scope in ("dataset", "project") for name in MEMBERS]
    replaced = {"account", "connection-member", "endpoint", "table", *members}
    updated = {"bucket", "connection", "dataset"}

    operations = story.runs["replace"].operations

    assert operations == dict.fromkeys(replaced, "replace") | dict.fromkeys(updated, "update")


def test_members_added_at_once_all_survive(story: Story) -> None:
    bindings = {each["role"]: each["members"] for each in story.live["up"]["policy"]["bindings"]}
    access = story.live["up"][f"/bigquery/v2/{DATASET}"]["access"]

    wanted = {f"{name}@example.com" for name in MEMBERS}
    assert set(bindings[FIRST.role]) == {f"user:{email}" for email in wanted}
    assert {each["userByEmail"] for each in access if "userByEmail" in each} == wanted


def test_labels_left_out_go_and_others_stay(story: Story) -> None:
    labels = {name: story.live[name]["/b/contract-bucket"]["labels"] for name in ("up", "replace")}

    ours = {"team": "contracts", "goog-pulumi-provisioned": "true"}
    assert labels == {"up": {**FIRST.labels, **ours}, "replace": ours}


def test_destroy_leaves_nothing(story: Story) -> None:
    assert story.live["destroy"] == story.live["nothing"]


def test_a_secret_input_is_secret_in_the_state(story: Story) -> None:
    dataset, table = story.state["dataset"], story.state["table"]

    # The export marks a secret by an object around its text.
    kept = [dataset[side]["description"] for side in ("inputs", "outputs")]
    assert [secret["plaintext"] for secret in kept] == ['"first"', '"first"']
    assert table["outputs"]["description"] == "first"


@pytest.mark.parametrize("phase", ["up", "change", "replace", "destroy"])
def test_both_plugins_leave_the_same_live_resources(
    told: Callable[[str], Story], phase: str
) -> None:
    official, stand_in = told(OFFICIAL), told(STAND_IN)

    assert stand_in.live[phase] == official.live[phase]
    assert stand_in.runs[phase].operations == official.runs[phase].operations


@pytest.fixture
def stack(
    plugin: Plugin, local_cloud: Any, tmp_path: Path
) -> Iterator[Callable[[Callable[[], None]], automation.Stack]]:
    """Makes a stack of a program; it is destroyed at the end."""
    made: list[automation.Stack] = []

    def make(program: Callable[[], None]) -> automation.Stack:
        made.append(plugin.stack(tmp_path, program))
        return made[0]

    yield make
    for each in made:
        each.destroy()


def _few(url: str, description: str = "declared") -> Callable[[], None]:
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=provider(url))
        gcp.bigquery.Dataset(
            "dataset",
            dataset_id="drifting",
            location=LOCATION,
            description=description,
            labels={"environment": "test"},
            opts=opts,
        )
        gcp.vertex.AiEndpoint(
            "endpoint",
            name="987654321",
            location=LOCATION,
            region=LOCATION,
            display_name="drifting",
            opts=opts,
        )
        gcp.projects.IAMMember(
            "member", project=PROJECT, role="roles/viewer", member="user:d@example.com", opts=opts
        )

    return program


def test_drift_is_found_by_refresh_and_undone_by_up(
    stack: Callable[[Callable[[], None]], automation.Stack], local_cloud: Any
) -> None:
    url = local_cloud.url
    drifting = stack(_few(url))
    run(drifting, "up")
    dataset = f"{url}/bigquery/v2/projects/{PROJECT}/datasets/drifting"
    httpx.patch(dataset, json={"description": "drifted", "labels": {"others": "kept"}})
    httpx.delete(f"{url}/v1/projects/{PROJECT}/locations/{LOCATION}/endpoints/987654321")
    httpx.post(f"{url}/v1/projects/{PROJECT}:setIamPolicy", json={"policy": {}})

    refreshed = run(drifting, "refresh")
    restored = run(drifting, "up")
    again = run(drifting, "preview")

    assert refreshed.operations == {"dataset": "update", "endpoint": "delete", "member": "delete"}
    assert restored.operations == {"dataset": "update", "endpoint": "create", "member": "create"}
    assert again.operations == {}
    live_dataset = httpx.get(dataset).json()
    assert (live_dataset["description"], live_dataset["labels"]["others"]) == ("declared", "kept")


def test_resources_that_exist_are_imported_and_read(
    stack: Callable[[Callable[[], None]], automation.Stack], local_cloud: Any
) -> None:
    url = local_cloud.url
    datasets = f"{url}/bigquery/v2/projects/{PROJECT}/datasets"
    reference = {"datasetId": "found", "projectId": PROJECT}
    httpx.post(datasets, json={"datasetReference": reference, "location": LOCATION})
    table = {
        "tableReference": {**reference, "tableId": "rows"},
        "schema": {"fields": [{"name": "a", "type": "STRING"}]},
    }
    httpx.post(f"{datasets}/found/tables", json=table)
    grant = {"bindings": [{"role": "roles/viewer", "members": ["user:f@example.com"]}]}
    httpx.post(f"{url}/v1/projects/{PROJECT}:setIamPolicy", json={"policy": grant})

    def program() -> None:
        cloud = provider(url)
        gcp.bigquery.Dataset(
            "dataset",
            dataset_id="found",
            location=LOCATION,
            opts=pulumi.ResourceOptions(
                provider=cloud, import_=f"projects/{PROJECT}/datasets/found"
            ),
        )
        gcp.projects.IAMMember(
            "member",
            project=PROJECT,
            role="roles/viewer",
            member="user:f@example.com",
            opts=pulumi.ResourceOptions(
                provider=cloud, import_=f"{PROJECT} roles/viewer user:f@example.com"
            ),
        )
        known = gcp.bigquery.Table.get(
            "table",
            f"projects/{PROJECT}/datasets/found/tables/rows",
            opts=pulumi.ResourceOptions(provider=cloud),
        )
        pulumi.export("schema", known.schema)
        pulumi.export("type", known.type)

    found = stack(program)
    up = run(found, "up")
    again = run(found, "preview")
    httpx.delete(f"{datasets}/found/tables/rows")

    # The provider's default labels are the program's wish, so the import is followed by an update.
    assert up.operations == {"dataset": "import update", "member": "import"}
    assert up.outputs["type"] == "TABLE"
    assert '"name":"a"' in up.outputs["schema"]
    assert again.operations == {}


@pytest.mark.parametrize(("maker", "other"), [(STAND_IN, OFFICIAL), (OFFICIAL, STAND_IN)])
def test_a_stack_of_one_plugin_is_at_home_under_the_other(
    maker: str,
    other: str,
    plugin_of: Callable[[str], Plugin],
    local_cloud: Any,
    tmp_path: Path,
) -> None:
    first, second = plugin_of(maker), plugin_of(other)
    before, after = (replace(version, account_id=None) for version in (FIRST, CHANGED))
    made = first.stack(tmp_path, whole(local_cloud.url, before))
    run(made, "up")
    taken = second.stack(tmp_path, whole(local_cloud.url, before))

    try:
        previewed = run(taken, "preview")
        refreshed = run(taken, "refresh")
        changed = run(taken, "up", whole(local_cloud.url, after))
    finally:
        run(taken, "destroy")

    assert (previewed.operations, refreshed.operations) == ({}, {})
    assert set(changed.operations.values()) == {"update"}
