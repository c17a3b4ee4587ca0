import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from bqvertex.clients.settings import API_ENDPOINT_KEY

from localcloud.process import DEFAULT_PORT
from stacks.config import StackConfig

ROOT = Path(__file__).parents[2]
PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
DECLARED: dict[str, dict[str, Any]] = PROJECT["config"]
FILES = {
    file.name.removeprefix("Pulumi.").removesuffix(".yaml"): yaml.safe_load(file.read_text())
    for file in sorted((ROOT / "stacks").glob("Pulumi.*.yaml"))
}
TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict}
OF_GCP = {"project"}
"""Keys of pulumi-gcp that the project reads; a wrong one would change every resource unseen."""


@pytest.fixture
def loaded():
    """Loads config as a program does, and forgets it."""

    def load(config: dict[str, Any]) -> StackConfig:
        handed = {k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
        pulumi.runtime.set_all_config(handed)
        return StackConfig.load()

    yield load
    pulumi.runtime.set_all_config({})


def filled_in(stack: str) -> dict[str, Any]:
    """The config of a stack whose user has given a project."""
    given = FILES[stack]["config"]
    return {**given, "gcp:project": given["gcp:project"].replace("your-project", "acme-data")}


def keys(stack: str, namespace: str) -> dict[str, Any]:
    prefix = f"{namespace}:"
    config = FILES[stack]["config"]
    return {key.removeprefix(prefix): config[key] for key in config if key.startswith(prefix)}


def test_there_is_a_file_for_this_machine_and_two_for_google():
    assert set(FILES) == {"local", "dev", "prod"}


@pytest.mark.parametrize("stack", FILES)
def test_only_declared_keys_are_set(stack):
    undeclared = set(keys(stack, "bqvertex")) - set(DECLARED)
    namespaces = {key.split(":")[0] for key in FILES[stack]["config"]}

    assert undeclared == set()
    assert namespaces == {"bqvertex", "gcp"}
    assert set(keys(stack, "gcp")) == OF_GCP


@pytest.mark.parametrize("stack", FILES)
def test_values_have_the_declared_types(stack):
    wrong = {}
    for key, value in keys(stack, "bqvertex").items():
        expected = TYPES[DECLARED[key]["type"]]
        # Pulumi itself puts booleans in quotes when it writes the file.
        if expected is bool and value in ("true", "false"):
            continue
        if type(value) is not expected:
            wrong[key] = value

    assert wrong == {}


@pytest.mark.parametrize("stack", FILES)
def test_a_file_is_right_once_a_project_id_is_filled_in(loaded, stack):
    config = loaded(filled_in(stack))

    assert config.problems() == []
    assert config.labels == {"environment": stack}


def test_prod_alone_is_protected(loaded):
    protected = {stack: loaded(filled_in(stack)).protect for stack in FILES}

    assert protected == {"local": False, "dev": False, "prod": True}


def test_local_alone_has_another_address_than_google_and_it_is_the_local_clouds_own():
    addresses = {
        stack: file["config"][API_ENDPOINT_KEY]
        for stack, file in FILES.items()
        if API_ENDPOINT_KEY in file["config"]
    }

    assert addresses == {"local": f"http://127.0.0.1:{DEFAULT_PORT}"}


def test_environments_share_no_dataset(loaded):
    places = {(c.project, c.dataset_id) for c in (loaded(filled_in(stack)) for stack in FILES)}

    assert len(places) == len(FILES)


def test_no_file_holds_a_secret():
    text = "".join((ROOT / f"stacks/Pulumi.{stack}.yaml").read_text() for stack in FILES)

    assert "secure:" not in text
    assert [s for s in FILES if set(FILES[s]) - {"config", "encryptionsalt"}] == []


def test_every_declared_key_has_a_type_and_a_meaning():
    lacking = [k for k, v in DECLARED.items() if not {"type", "description"} <= set(v)]

    assert lacking == []
    assert {value["type"] for value in DECLARED.values()} <= set(TYPES)


def test_the_declared_keys_are_those_that_the_config_has():
    assert set(DECLARED) == {field.name for field in fields(StackConfig)} - {"project"}


def test_what_is_left_out_is_what_pulumi_yaml_says(loaded):
    config = loaded({"gcp:project": "acme-data", "bqvertex:location": "us-central1"})

    found = {key: getattr(config, key) for key in DECLARED if key != "location"}
    # No address is None in the program; Pulumi has no such default.
    found["api_endpoint"] = found["api_endpoint"] or ""
    assert found == {k: v["default"] for k, v in DECLARED.items() if k != "location"}


def test_the_program_fits_on_a_page():
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 60
