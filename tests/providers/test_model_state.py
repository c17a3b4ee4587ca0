"""States that earlier versions wrote, and what this one makes of them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bqvertex.clients.bigquery import LiveModel
from bqvertex.providers.attempt import Pace
from bqvertex.providers.model import ModelLifecycle

from tests.fakes import FakeBigQuery
from tests.fakes_vertex import FakeModelRegistry

# Written by version 0.1.0: inputs as it checked them, the state, and the live model.
STATES = json.loads((Path(__file__).parent / "states" / "model_0_1_0.json").read_text())


class Old:
    """A model that version 0.1.0 made."""

    def __init__(self, name: str) -> None:
        found = STATES[name]
        self.inputs: dict[str, Any] = found["inputs"]
        self.state: dict[str, Any] = found["outs"]
        self.path = self.state["model_path"]
        self.bigquery = FakeBigQuery()
        live = found["live"]
        self.bigquery.models[self.path] = LiveModel(
            **{**live, "trained_at": datetime.fromisoformat(live["trained_at"])}
        )
        self.models = ModelLifecycle(
            self.bigquery, FakeModelRegistry(), pace=Pace(sleep=lambda _: None)
        )

    @property
    def program(self) -> dict[str, Any]:
        derived = ("definition_hash", "result_columns")
        return {name: value for name, value in self.inputs.items() if name not in derived}


@pytest.fixture(params=sorted(STATES))
def old(request: pytest.FixtureRequest) -> Old:
    return Old(request.param)


def test_an_old_state_shows_no_change(old):
    news = old.models.check(old.inputs, old.program)

    assert news.failures == ()
    assert not old.models.diff(old.path, old.state, news.inputs).changes
    assert old.bigquery.trace == []


def test_an_old_state_shows_no_change_for_a_statement_in_another_layout(old):
    reformatted = old.program["statement"].replace("OPTIONS", "\n  options  ")

    news = old.models.check(old.inputs, {**old.program, "statement": reformatted})

    assert not old.models.diff(old.path, old.state, news.inputs).changes


def test_a_refresh_of_an_old_state_shows_nothing(old):
    live = old.models.read(old.path, old.state)

    assert live is not None
    assert live.outs == old.state
    assert live.inputs == old.inputs


def test_an_update_of_an_old_state_keeps_its_metrics_under_the_new_name(old):
    news = old.models.check(old.inputs, {**old.program, "description": "New"}).inputs

    outs = old.models.update(old.path, old.state, news)

    assert outs["evaluation_metrics"] == old.state["evaluation"]
    assert "evaluation" not in outs
    assert old.bigquery.statements == []
