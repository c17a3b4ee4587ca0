"""A model behind a gate, on the real engine and the real local cloud."""

import uuid
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.engine.model_program import ModelProgram, made

OPTIONS = "model_type = 'LINEAR_REG', l2_reg = {}, optimize_strategy = 'NORMAL_EQUATION'"


class Stack:
    """One gated model."""

    def __init__(self, program: ModelProgram, url: str, project: str) -> None:
        self.program = program
        self.client = bigquery.Client(
            project=project,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": url},
        )

    def declare(self, l2_reg: float, gate: str = "") -> None:
        self.program.declare(1, OPTIONS.format(l2_reg))
        file = self.program.directory / "__main__.py"
        file.write_text(file.read_text().replace('"schemas"', f'{gate}"schemas"'))

    def refused(self, *arguments: str) -> str:
        command = self.program.start(*arguments)
        printed, _ = command.communicate(timeout=120)
        assert command.returncode != 0, printed
        return printed

    def models(self) -> dict[str, str]:
        """Labels and time of each model there is, in words."""
        found = [self.client.get_model(m.reference) for m in self.client.list_models("flights")]
        return {model.model_id: f"{model.created} {sorted(model.labels)}" for model in found}

    def trainings(self) -> int:
        jobs = self.client.list_jobs(all_users=True)
        return sum(job.job_id.startswith("bqvertex_train") for job in jobs)


@pytest.fixture
def stack(tmp_path: Path, local_cloud) -> Stack:
    project = f"gates-{uuid.uuid4().hex[:8]}"
    program = made(tmp_path / "program", local_cloud.url, local_cloud.url, project)
    return Stack(program, local_cloud.url, project)


def test_a_gate_keeps_the_old_model_until_a_better_one_is_there(stack):
    stack.declare(0.1)
    stack.program.up()
    before = stack.models()
    strict = '"evaluation": {"mean_squared_error": {"max": 0.001}}, '
    relaxed = '"evaluation": {"mean_squared_error": {"max": 1000000}}, '

    stack.declare(0.2, strict)
    preview = stack.program.run("preview")
    assert (
        "late-0: trains a candidate, the old model serves until that passes its evaluation: "
        "option L2_REG 0.1 -> 0.2"
    ) in preview
    failed = stack.refused("up", "--yes", "--skip-preview")
    assert "at most 0.001 asked; the old model serves on" in failed
    assert stack.models()["late_0"] == before["late_0"]
    assert stack.trainings() == 2

    stack.refused("up", "--yes", "--skip-preview")
    assert stack.trainings() == 2

    stack.declare(0.2, relaxed)
    stack.program.up()
    after = stack.models()
    assert after.keys() == {"late_0"}
    assert after["late_0"] != before["late_0"]
    assert stack.trainings() == 2
    assert "2 unchanged" in stack.program.run("preview", "--refresh")

    stack.program.run("destroy", "--yes")
    assert stack.models() == {}


def test_a_limit_of_bytes_stops_a_preview_before_anything_is_trained(stack):
    stack.declare(0.1, '"max_bytes_billed": 10, ')

    printed = stack.refused("preview")

    assert "max_bytes_billed" in printed
    assert "allows 10 bytes, and the training is estimated at" in printed
    assert stack.trainings() == 0
