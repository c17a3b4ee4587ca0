"""States that earlier versions wrote, and what this one makes of them."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bqvertex.clients.bigquery import Job, LiveModel
from bqvertex.providers.attempt import Pace
from bqvertex.providers.model import ModelLifecycle
from bqvertex.specs.job import job_id
from bqvertex.specs.model import ModelSpec

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


def test_a_training_that_the_old_version_began_is_attached_to(old):
    reworded = old.program["statement"].replace("= 5", "= 6").replace("2.5-flash", "2.5-pro")
    news = old.models.check(old.inputs, {**old.program, "statement": reworded}).inputs
    began = job_id("train", ModelSpec.from_inputs(news).work_key, 1)
    start, end = old.bigquery.tick(10_000), old.bigquery.tick()
    old.bigquery.jobs[began] = Job(
        began, "acme-prod", "us-central1", done=True, created=start, ended=end
    )
    live = old.bigquery.models[old.path]
    old.bigquery.models[old.path] = replace(live, labels={}, trained_at=start)

    outs = old.models.update(old.path, old.state, news)

    assert outs["training_job_id"] == began
    assert old.bigquery.statements == []
