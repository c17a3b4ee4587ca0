"""What a stack's state keeps by name: changed here, every stack that is up would show it.

A name may change only with an alias, and with the old one still served.
"""

import base64
import importlib
import pkgutil
import sys
from typing import Any

import bqvertex
import bqvertex.resources
import pulumi
import pytest
from bqvertex.connection import Connection
from bqvertex.dataset import Dataset
from bqvertex.default_connection import DefaultConnection
from bqvertex.endpoint import Endpoint
from bqvertex.imported_model import ImportedModel
from bqvertex.model_monitor import ModelMonitor
from bqvertex.registered_model import RegisteredModel
from bqvertex.remote_model import RemoteModel
from bqvertex.resources.host import PROVIDER_KEY, DynamicHost
from bqvertex.search_index import SearchIndex
from bqvertex.sql_resource import SqlResource
from bqvertex.trained_model import TrainedModel
from bqvertex.vector_index import VectorIndex
from pulumi.dynamic import Resource
from pulumi.dynamic.dynamic import serialize_provider

from tests.components import plan as module

TYPES = {
    "bqvertex.resources.default_connection.DefaultConnection": "dynamic/bqvertex:DefaultConnection",
    "bqvertex.resources.deployed_model.DeployedModel": "dynamic/bqvertex:DeployedModel",
    "bqvertex.resources.model.Model": "dynamic/bqvertex:Model",
    "bqvertex.resources.monitoring_job.MonitoringJob": "dynamic/bqvertex:MonitoringJob",
    "bqvertex.resources.registered_model.RegisteredModel": "dynamic/bqvertex:RegisteredModel",
    "bqvertex.resources.search_index.SearchIndex": "dynamic/bqvertex:SearchIndex",
    "bqvertex.resources.seed_table.SeedTable": "dynamic/bqvertex:SeedTable",
    "bqvertex.resources.sql_resource.SqlResource": "dynamic/bqvertex:SqlResource",
    "bqvertex.resources.vector_index.VectorIndex": "dynamic/bqvertex:VectorIndex",
}
PROVIDERS = {
    "bqvertex.resources.default_connection.DefaultConnectionProvider",
    "bqvertex.resources.deployed_model.DeployedModelProvider",
    "bqvertex.resources.model.ModelProvider",
    "bqvertex.resources.monitoring_job.MonitoringJobProvider",
    "bqvertex.resources.registered_model.RegisteredModelProvider",
    "bqvertex.resources.search_index.SearchIndexProvider",
    "bqvertex.resources.seed_table.SeedTableProvider",
    "bqvertex.resources.sql_resource.SqlResourceProvider",
    "bqvertex.resources.vector_index.VectorIndexProvider",
}
COMPONENTS = {
    "bqvertex:index:Connection",
    "bqvertex:index:Dataset",
    "bqvertex:index:DefaultConnection",
    "bqvertex:index:Endpoint",
    "bqvertex:index:ImportedModel",
    "bqvertex:index:ModelMonitor",
    "bqvertex:index:RegisteredModel",
    "bqvertex:index:RemoteModel",
    "bqvertex:index:SearchIndex",
    "bqvertex:index:SqlResource",
    "bqvertex:index:TrainedModel",
    "bqvertex:index:VectorIndex",
}
LONGEST = 120


def subclasses(kind: type) -> dict[str, type[Any]]:
    """Every subclass that the toolkit defines, by where it is."""
    for package in (bqvertex, bqvertex.resources):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    found = {f"{c.__module__}.{c.__qualname__}": c for c in leaves(kind)}
    return {path: c for path, c in found.items() if path.startswith("bqvertex.")}


def leaves(kind: type) -> list[type[Any]]:
    """Every subclass that has none itself."""
    below = kind.__subclasses__()
    return [leaf for sub in below for leaf in leaves(sub) or [sub]]


def provider(path: str) -> DynamicHost:
    return subclasses(DynamicHost)[path]()


def test_type_tokens_of_dynamic_resources_stay():
    found = subclasses(Resource)

    assert {path: found[path]._resource_type_name for path in found} == TYPES


def test_paths_of_provider_classes_stay():
    assert set(subclasses(DynamicHost)) == PROVIDERS


@pytest.mark.parametrize("path", sorted(PROVIDERS))
def test_a_pickled_provider_is_its_path_and_nothing_of_its_code(path):
    pickled = serialize_provider(provider(path))

    home, name = path.rsplit(".", 1)
    raw = base64.b64decode(pickled)
    assert home.encode() in raw
    assert name.encode() in raw
    assert len(pickled) <= LONGEST


def test_new_code_in_a_provider_changes_nothing_in_state(monkeypatch):
    path = "bqvertex.resources.model.ModelProvider"
    before = serialize_provider(provider(path))
    kind = subclasses(DynamicHost)[path]

    monkeypatch.setattr(kind, "diff", lambda *_: None)
    monkeypatch.setattr(kind, "anything_new", "a constant", raising=False)
    monkeypatch.setattr(sys.modules[kind.__module__], "report", print)

    assert serialize_provider(provider(path)) == before


def test_a_pickled_provider_is_readable_in_state():
    assert [
        path for path, kind in subclasses(DynamicHost).items() if kind.serialize_as_secret_always
    ] == []


def declare_one_of_each_component() -> None:
    place = {"project": "acme-prod", "location": "us-central1", "dataset_id": "nyc"}
    elsewhere = {"project": "acme-prod", "location": "us-central1"}
    Dataset("nyc", place)
    connection = Connection("remote", {**elsewhere, "connection_id": "remote"})
    trained = "CREATE MODEL late OPTIONS (model_type = 'LINEAR_REG') AS SELECT 1 AS label"
    TrainedModel("late", {**place, "statement": trained})
    onnx = {"model_id": "elsewhere", "model_type": "ONNX", "model_path": "gs://models/late.onnx"}
    ImportedModel("elsewhere", {**place, **onnx})
    gemini = {"model_id": "assistant", "endpoint": "gemini-2.5-flash"}
    RemoteModel("assistant", {**place, "connection": connection, **gemini})
    DefaultConnection("remote", {"connection": connection})
    index = {**place, "table_id": "notes"}
    VectorIndex("near", {**index, "column_name": "embedding", "index_type": "IVF"})
    SearchIndex("words", index)
    SqlResource("settings", {**place, "create": "CREATE TABLE settings AS SELECT 1 AS ttl"})
    RegisteredModel("late", {**place, "model_id": "late"})
    Endpoint("late", {**elsewhere, "deployed_models": {"champion": {"model": "late"}}})
    ModelMonitor(
        "late",
        {
            **elsewhere,
            "model": "late",
            "baseline": {"table": "nyc.before"},
            "target": {"table": "nyc.after"},
            "features": {"carrier": {"type": "categorical"}},
        },
    )


@pytest.fixture
def plan(monkeypatch) -> module.Plan:
    """The registrations of one component of each kind."""
    model_name = "projects/acme-prod/locations/us-central1/models/late"
    registered = "pulumi-python:dynamic/bqvertex:RegisteredModel"
    monkeypatch.setitem(module.COMPUTED, registered, {"model_name": model_name})
    return module.planned(declare_one_of_each_component)


def test_type_tokens_of_components_stay(plan):
    registered = {typ for typ, _, _ in plan.registered}

    assert {typ for typ in registered if typ.startswith("bqvertex:")} == COMPONENTS
    assert len(subclasses(pulumi.ComponentResource)) == len(COMPONENTS)


def test_the_engine_sees_dynamic_resources_under_their_type_tokens(plan):
    registered = {typ for typ, _, _ in plan.registered if "dynamic" in typ}

    assert registered == {
        f"pulumi-python:{token}" for token in TYPES.values() if "SeedTable" not in token
    }


def test_the_host_knows_the_sdks_name_of_the_pickled_provider():
    from pulumi.dynamic import dynamic

    assert PROVIDER_KEY == dynamic.PROVIDER_KEY
