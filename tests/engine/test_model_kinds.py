"""Every kind of model on the real engine, as its page declares it."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from bqvertex.specs.model_kind import kinds
from bqvertex.specs.statement import read_statement
from google.api_core.exceptions import NotFound
from pulumi.automation import CommandError

from generate.model_page.local import refusal
from generate.model_page.program import DATASET, PROJECT
from googlesql.create_model import CreateModel
from tests.engine import kinds_program, model_files
from tests.engine.conftest import Stack
from tests.engine.kinds_program import PROGRAMS, ROOT, SAMPLES

GOLDEN = ROOT / "tests/specs/models"


@pytest.fixture
def stack(local_cloud, tmp_path: Path) -> Iterator[Stack]:
    """A stack whose dataset is up, without models; the files of imported ones are there."""
    made = kinds_program.made(tmp_path / "program", local_cloud.url)
    kinds_program.declare(made, [])
    made.up()
    for sample in SAMPLES:
        if sample.read.kind.category == "imported":
            model_files.upload(local_cloud.url, sample.read.parts, tmp_path)
    yield made
    made.destroy()


def test_every_kind_that_the_local_cloud_makes_from_nothing_to_nothing(stack, local_cloud):
    client = kinds_program.client(local_cloud.url)
    made = [s for s in SAMPLES if not kinds_program.not_implemented(local_cloud.url, s)]
    own = {s.read.kind.name for s in made if s.path.name == s.read.kind.sample}
    assert own == said_to_be_made()
    kinds_program.declare(stack, [PROGRAMS[sample.path.name] for sample in made])

    up = stack.up()

    ids = {sample.read.model_id for sample in made}
    assert set(up.ops.values()) == {"create"}
    assert {model.model_id for model in client.list_models(DATASET)} == ids
    assert unexpected_metrics(stack) == {}

    assert stack.preview().ops == {}
    assert stack.refresh().ops == {}
    assert stack.preview().ops == {}

    stack.destroy()
    with pytest.raises(NotFound):
        client.get_dataset(f"{PROJECT}.{DATASET}")


def said_to_be_made() -> set[str]:
    """Name the kinds of which the pages say that the local cloud makes their example."""
    own = {s.read.kind.name: s for s in SAMPLES if s.path.name == s.read.kind.sample}
    return {kind.name for kind in kinds().values() if refusal(kind, own[kind.name]) is None}


def unexpected_metrics(stack: Stack) -> dict[str, object]:
    """Name the models whose metrics are not those that their kind has."""
    found = {}
    for resource in stack.stack.export_stack().deployment["resources"]:
        if resource["type"].endswith(":Model"):
            outs = resource["outputs"]
            (sample,) = (s for s in SAMPLES if s.read.model_id == outs["model_id"])
            kind = kinds()[sample.read.kind.name]
            metrics = set(outs["evaluation_metrics"])
            if not metrics <= set(kind.evaluation_metrics) or kind.has_evaluation > bool(metrics):
                found[outs["model_id"]] = outs["evaluation_metrics"]
    return found


def test_for_every_other_kind_the_golden_statement_is_sent(stack, local_cloud):
    client = kinds_program.client(local_cloud.url)
    others = [s for s in SAMPLES if kinds_program.not_implemented(local_cloud.url, s)]
    kinds_program.declare(stack, [PROGRAMS[sample.path.name] for sample in others])
    before = {job.job_id for job in client.list_jobs(all_users=True)}

    with pytest.raises(CommandError, match="notImplemented"):
        stack.stack.up(continue_on_error=True)

    jobs = [job for job in client.list_jobs(all_users=True) if job.job_id not in before]
    sent = {parts.path[-1]: parts for job in jobs if (parts := meaning(job.query))}
    assert sent == {
        sample.read.model_id: meaning((GOLDEN / sample.path.name).read_text()) for sample in others
    }


def meaning(sql: str) -> CreateModel | None:
    """Return the parts of CREATE MODEL, wherever they stand; None for another statement."""
    parts = read_statement(sql).create_model
    return None if parts is None else dataclasses.replace(parts, ranges={})
