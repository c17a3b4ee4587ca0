import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from bqvertex.dataset import Dataset
from bqvertex.model_monitor import ModelMonitor
from bqvertex.registered_model import RegisteredModel

from tests.components import plan as module
from tests.components.plan import SEED_TABLE, Plan, planned

MONITORING = "pulumi-python:dynamic/bqvertex:MonitoringJob"
REGISTERED = "pulumi-python:dynamic/bqvertex:RegisteredModel"
PLACE = {"project": "acme-prod", "location": "europe-west4"}
MODEL = "projects/acme-prod/locations/europe-west4/models/arrival_delay"
COLUMNS = [{"name": "origin", "type": "STRING"}, {"name": "delay", "type": "INT64"}]
FEATURES = {"origin": {"type": "categorical"}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(module.COMPUTED, REGISTERED, {"model_name": MODEL})
    monkeypatch.setitem(module.COMPUTED, MONITORING, {"drift": {"origin": 0.5}})
    (tmp_path / "flights.schema.json").write_text(json.dumps(COLUMNS))
    (tmp_path / "target.sql").write_text("-- Late ones.\nSELECT origin FROM flights")
    return tmp_path


def monitored(**args: Any) -> Plan:
    """Declare a monitor on a registered model and a data set of the program."""

    def program() -> None:
        tables = {"flights": {"source": "flights.csv", "schema_file": "flights.schema.json"}}
        dataset = Dataset("nyc", {**PLACE, "dataset_id": "flights", "tables": tables})
        registered = RegisteredModel(
            "late",
            {
                **PLACE,
                "dataset_id": "flights",
                "model_id": "arrival_delay",
                "definition_hash": "one",
                "version_aliases": ["champion"],
            },
        )
        inputs = {
            "registered_model": registered,
            "dataset": dataset,
            "baseline": {"table": "flights"},
            "target": {"query_file": "target.sql"},
            "features": FEATURES,
            **args,
        }
        ModelMonitor("arrival-delay", inputs)

    return planned(program)


def test_entry_and_dataset_of_the_program_say_what_is_watched():
    plan = monitored()

    assert plan.inputs(MONITORING, "arrival-delay") == {
        **PLACE,
        "model_monitor_id": "arrival-delay",
        "model": MODEL,
        "model_version_alias": "champion",
        "definition_hash": "one",
        "dataset_id": "flights",
        "run_on": {"flights": "c0ffee"},
        "baseline": {"table": "flights"},
        "target": {"query": "-- Late ones.\nSELECT origin FROM flights"},
        "features": FEATURES,
    }


def test_the_tables_are_loaded_first():
    plan = monitored()

    assert plan.place(SEED_TABLE, "nyc-flights") < plan.place(MONITORING, "arrival-delay")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"target": {"query": "SELECT orgin FROM flights"}}, r"statement:1:8: .*orgin"),
        ({"target": {"query": "SELECT origin FROM fligths"}}, "did you mean flights"),
        ({"target": {"query": "SELECT delay FROM flights"}}, "target: gives no column origin"),
        ({"features": {"seats": {"type": "numerical"}}}, "baseline: gives no column seats"),
        ({"target": {"query_file": "none.sql"}}, "none.sql: No such file"),
    ],
)
def test_what_is_wrong_with_the_data_is_said_while_the_program_runs(args, said):
    with pytest.raises(pulumi.RunError, match=said):
        monitored(**args)


def test_a_file_is_named_with_line_and_column(folder):
    (folder / "target.sql").write_text("-- Late ones.\nSELECT orgin FROM flights")

    with pytest.raises(pulumi.RunError, match=r"target\.sql:2:8: "):
        monitored()


def test_made_elsewhere_everything_is_given_as_text():
    def program() -> pulumi.Output[None]:
        monitor = ModelMonitor(
            "arrival-delay",
            {
                **PLACE,
                "model": MODEL,
                "definition_hash": "one",
                "baseline": {"table": "acme-prod.flights.before"},
                "target": {"table": "acme-prod.flights.after"},
                "features": FEATURES,
            },
        )
        return monitor.drift.apply(found.append)

    found: list[dict[str, float]] = []
    plan = planned(program)

    assert plan.inputs(MONITORING, "arrival-delay")["model"] == MODEL
    assert found == [{"origin": 0.5}]
