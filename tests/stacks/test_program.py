"""The whole program under Pulumi's mocks: what each stack declares, and what waits for what."""

import json
import runpy
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from tests.components import plan as module
from tests.components.plan import Plan, planned

ROOT = Path(__file__).parents[2]
DYNAMIC = "pulumi-python:dynamic/bqvertex"
COMPONENT = "bqvertex:index"

DECLARED = {
    (f"{COMPONENT}:Connection", "vertex-ai"),
    (f"{COMPONENT}:Dataset", "flights"),
    (f"{COMPONENT}:Endpoint", "arrival-delay"),
    (f"{COMPONENT}:ModelMonitor", "arrival-delay"),
    (f"{COMPONENT}:RegisteredModel", "arrival-delay"),
    (f"{COMPONENT}:RemoteModel", "assistant"),
    (f"{COMPONENT}:RemoteModel", "over-endpoint"),
    (f"{COMPONENT}:TrainedModel", "arrival-delay"),
    (f"{DYNAMIC}:DeployedModel", "arrival-delay-champion"),
    (f"{DYNAMIC}:Model", "arrival-delay"),
    (f"{DYNAMIC}:Model", "assistant"),
    (f"{DYNAMIC}:Model", "over-endpoint"),
    (f"{DYNAMIC}:MonitoringJob", "arrival-delay"),
    (f"{DYNAMIC}:RegisteredModel", "arrival-delay"),
    (f"{DYNAMIC}:SeedTable", "flights-airlines"),
    (f"{DYNAMIC}:SeedTable", "flights-airports"),
    (f"{DYNAMIC}:SeedTable", "flights-flights"),
    (f"{DYNAMIC}:SeedTable", "flights-planes"),
    (f"{DYNAMIC}:SeedTable", "flights-weather"),
    ("gcp:bigquery/connection:Connection", "vertex-ai"),
    ("gcp:bigquery/dataset:Dataset", "flights"),
    ("gcp:bigquery/table:Table", "flights-departures"),
    ("gcp:projects/iAMMember:IAMMember", "vertex-ai-aiplatform.user"),
    ("gcp:vertex/aiEndpoint:AiEndpoint", "arrival-delay"),
}
OF_PULUMI = ("pulumi:pulumi:Stack", "pulumi:providers:gcp")
STACKS = ("local", "dev", "prod")
LABELLED = {
    "gcp:bigquery/dataset:Dataset",
    "gcp:bigquery/table:Table",
    "gcp:vertex/aiEndpoint:AiEndpoint",
    f"{DYNAMIC}:Model",
    f"{DYNAMIC}:SeedTable",
}
"""What takes labels."""

DATASET, VIEW, MODEL, REGISTERED, ENDPOINT, DEPLOYED, OVER_ENDPOINT, ASSISTANT, GRANT, MONITORED = (
    ("gcp:bigquery/dataset:Dataset", "flights"),
    ("gcp:bigquery/table:Table", "flights-departures"),
    (f"{DYNAMIC}:Model", "arrival-delay"),
    (f"{DYNAMIC}:RegisteredModel", "arrival-delay"),
    ("gcp:vertex/aiEndpoint:AiEndpoint", "arrival-delay"),
    (f"{DYNAMIC}:DeployedModel", "arrival-delay-champion"),
    (f"{DYNAMIC}:Model", "over-endpoint"),
    (f"{DYNAMIC}:Model", "assistant"),
    ("gcp:projects/iAMMember:IAMMember", "vertex-ai-aiplatform.user"),
    (f"{DYNAMIC}:MonitoringJob", "arrival-delay"),
)
SEEDS = {declared for declared in DECLARED if declared[0] == f"{DYNAMIC}:SeedTable"}
READ_BY_THE_VIEW = {
    (f"{DYNAMIC}:SeedTable", f"flights-{table}") for table in ("flights", "planes", "weather")
}


@dataclass
class Program:
    """What one run of the program declared and exported."""

    config: dict[str, Any]
    plan: Plan
    exports: dict[str, Any]

    @property
    def google(self) -> str:
        return f"https://{self.config['bqvertex:location']}-aiplatform.googleapis.com"

    def requests(self) -> dict[tuple[str, str], Any]:
        made = {(r.type, r.name): r for r in self.plan.requests if r.type not in OF_PULUMI}
        assert len(made) == len([r for r in self.plan.requests if r.type not in OF_PULUMI])
        return made

    def waits_for(self, declared: tuple[str, str]) -> set[tuple[str, str]]:
        """All that has to be there first, however far."""
        made = self.requests()
        found: set[tuple[str, str]] = set()
        ahead = [declared]
        while ahead:
            for urn in made[ahead.pop()].dependencies:
                *_, types, name = urn.split("::")
                first = (types.rsplit("$", 1)[-1], name)
                if first in made and first not in found:
                    found.add(first)
                    ahead.append(first)
        return found


@pytest.fixture
def local_port() -> Iterator[int]:
    """A port at which somebody listens: an `up` looks before it goes on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def run(local_port, monkeypatch):
    """Runs the program with a stack's own file, and undoes what it does to the process."""
    before = signal.getsignal(signal.SIGINT)

    def program(stack: str) -> Program:
        config = yaml.safe_load((ROOT / f"stacks/Pulumi.{stack}.yaml").read_text())["config"]
        config["gcp:project"] = config["gcp:project"].replace("your-project", "acme-data")
        if "bqvertex:api_endpoint" in config:
            config["bqvertex:api_endpoint"] = f"http://127.0.0.1:{local_port}"
        place = f"projects/{config['gcp:project']}/locations/{config['bqvertex:location']}"
        computed = {
            "DeployedModel": {"model_version_id": "1"},
            "Model": {"definition_hash": "beef", "evaluation_metrics": {"roc_auc": 0.75}},
            "MonitoringJob": {"drift": {"carrier": 0.1}, "anomalies": ["carrier"]},
            "RegisteredModel": {
                "model_name": f"{place}/models/arrival_delay",
                "version_id": "1",
            },
        }
        for name, outputs in computed.items():
            monkeypatch.setitem(module.COMPUTED, f"{DYNAMIC}:{name}", outputs)
        # As the engine hands it on: text is text, everything else is JSON.
        pulumi.runtime.set_all_config(
            {k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}
        )
        exports: dict[str, Any] = {}

        def whole() -> pulumi.Output[object]:
            outputs = pulumi.runtime.get_root_resource().outputs
            # The SDK keeps one root for the process: what another test exported is there still.
            outputs.clear()
            runpy.run_path(str(ROOT / "__main__.py"))
            return pulumi.Output.all(**outputs).apply(exports.update)

        return Program(config, planned(whole), exports)

    monkeypatch.chdir(ROOT)
    yield program
    signal.signal(signal.SIGINT, before)
    pulumi.runtime.set_all_config({})


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_declares_the_same(run, stack):
    assert set(run(stack).requests()) == DECLARED


@pytest.mark.parametrize("stack", STACKS)
def test_what_pulumi_gcp_has_is_its_and_only_what_it_lacks_is_dynamic(run, stack):
    kinds = {typ for typ, _ in run(stack).requests()}

    assert {kind.split(":")[0] for kind in kinds} == {"bqvertex", "gcp", "pulumi-python"}
    assert {kind for kind in kinds if kind.startswith("pulumi-python:")} == {
        f"{DYNAMIC}:DeployedModel",
        f"{DYNAMIC}:Model",
        f"{DYNAMIC}:MonitoringJob",
        f"{DYNAMIC}:RegisteredModel",
        f"{DYNAMIC}:SeedTable",
    }


def test_local_resources_of_pulumi_gcp_are_made_by_the_provider_of_the_local_cloud(run):
    made = run("local").requests()

    gcp = [r for (typ, _), r in made.items() if typ.startswith("gcp:")]
    assert len(gcp) == 5
    assert [r.name for r in gcp if not r.provider.endswith("::local-cloud::local-cloud-id")] == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_elsewhere_they_are_made_by_the_default_provider(run, stack):
    made = run(stack)

    assert [r.name for r in made.requests().values() if r.provider] == []
    assert [r.name for r in made.plan.requests if r.type == "pulumi:providers:gcp"] == []


@pytest.mark.parametrize(("stack", "protected"), [("local", False), ("dev", False), ("prod", True)])
def test_prod_alone_is_protected_to_the_last_resource(run, stack, protected):
    made = run(stack).requests().values()

    assert [r.name for r in made if r.protect is not protected] == []


@pytest.mark.parametrize("stack", STACKS)
def test_what_takes_labels_says_its_environment(run, stack):
    plan = run(stack).plan

    labels = {typ: inputs.get("labels") for typ, _, inputs in plan.registered if typ in LABELLED}
    assert labels == {typ: {"environment": stack} for typ in LABELLED}


def test_data_come_first_then_view_then_model_then_its_version_then_its_deployment(run):
    program = run("local")

    assert program.waits_for(DATASET) == set()
    assert {DATASET} == {d for seed in SEEDS for d in program.waits_for(seed)}
    assert program.waits_for(VIEW) == {DATASET, *READ_BY_THE_VIEW}
    assert program.waits_for(MODEL) == {DATASET, VIEW, *SEEDS}
    assert program.waits_for(REGISTERED) == {DATASET, VIEW, MODEL, *SEEDS}
    assert program.waits_for(DEPLOYED) == {DATASET, VIEW, MODEL, REGISTERED, ENDPOINT, *SEEDS}


def test_a_model_over_the_endpoint_waits_until_something_is_deployed_there(run):
    first = run("local").waits_for(OVER_ENDPOINT)

    assert {DEPLOYED, ENDPOINT, GRANT, DATASET} <= first


def test_gemini_waits_for_the_grant_and_for_no_training(run):
    first = run("local").waits_for(ASSISTANT)

    assert {GRANT, DATASET} <= first
    assert first.isdisjoint({MODEL, REGISTERED, DEPLOYED})


def test_monitoring_waits_for_the_version_that_it_watches_and_for_its_data(run):
    first = run("local").waits_for(MONITORED)

    assert {REGISTERED, VIEW, *SEEDS} <= first
    assert first.isdisjoint({ENDPOINT, DEPLOYED})


@pytest.mark.parametrize("stack", STACKS)
def test_the_view_reads_the_tables_of_its_own_environment(run, stack):
    program = run(stack)

    dataset_id = program.config.get("bqvertex:dataset_id", "flights")
    query = program.plan.inputs(*VIEW)["view"]["query"]
    assert f"FROM `{program.config['gcp:project']}`.`{dataset_id}`.`flights`" in query


def test_prod_has_the_machines_that_its_file_says(run):
    program = run("prod")

    sizes = ("machine_type", "min_replica_count", "max_replica_count")
    deployed = program.plan.inputs(*DEPLOYED)
    said = {size: program.config[f"bqvertex:{size}"] for size in sizes}
    assert {size: deployed[size] for size in sizes} == said
    assert deployed["traffic_split"] == {"champion": 100}


@pytest.mark.parametrize("stack", STACKS)
def test_the_model_over_the_endpoint_calls_googles_address_everywhere(run, stack):
    program = run(stack)

    statement = program.plan.inputs(*OVER_ENDPOINT)["statement"]
    assert f"'{program.google}/v1/projects/" in statement


def test_a_local_stack_exports_what_the_summary_shows(run):
    program = run("local")

    url = program.config["bqvertex:api_endpoint"]
    place = "projects/local-project/locations/us-central1"
    assert program.exports.pop("predict_url").startswith(f"{url}/v1/{place}/endpoints/")
    assert program.exports == {
        "model": "local-project.flights.arrival_delay",
        "evaluation": {"roc_auc": 0.75},
        "model_version": "1",
        "drift": {"carrier": 0.1},
        "anomalies": ["carrier"],
        "local_cloud": url,
    }


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_elsewhere_predictions_are_asked_of_google(run, stack):
    program = run(stack)

    assert program.exports["predict_url"].startswith(f"{program.google}/v1/projects/")
    assert program.exports["local_cloud"] is None
