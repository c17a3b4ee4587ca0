"""The program on the real engine and the real local cloud, in a copy that a test may edit."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pulumi import automation

ROOT = Path(__file__).parents[2]
PROGRAM = ("Pulumi.yaml", "__main__.py", "stacks", "sql")


@dataclass
class Run:
    """What one command of the engine did.

    Attributes:
        ops: Operation by resource, such as `{"Model arrival-delay": "update"}`; `same` is left out.
        output: What the command printed.
    """

    ops: dict[str, str]
    output: str


@dataclass
class Stack:
    """A copy of the program with its own backend, on one local cloud."""

    directory: Path
    stack: automation.Stack
    last: Run = field(default_factory=lambda: Run({}, ""))

    def up(self) -> Run:
        return self._run(self.stack.up)

    def preview(self) -> Run:
        return self._run(self.stack.preview)

    def refresh(self) -> Run:
        return self._run(self.stack.refresh)

    def destroy(self) -> Run:
        return self._run(self.stack.destroy)

    def outputs(self) -> dict[str, object]:
        return {name: output.value for name, output in self.stack.outputs().items()}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in a file of the copy; the text must be there."""
        path = self.directory / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def _run(self, command) -> Run:
        events: list[automation.EngineEvent] = []
        lines: list[str] = []
        try:
            command(on_output=lines.append, on_event=events.append, color="never")
        finally:
            self.last = Run(_ops(events), "\n".join(lines))
        return self.last


def _ops(events: list[automation.EngineEvent]) -> dict[str, str]:
    ops = {}
    for event in events:
        # A preview and an up announce each step; a refresh tells only afterwards what it found.
        step = event.resource_pre_event or event.res_outputs_event
        if step is None or step.metadata.op in ("same", "read"):
            continue
        kind, name = step.metadata.urn.split("::")[-2:]
        kind = kind.split("$")[-1].split(":")[-1]
        op = str(getattr(step.metadata.op, "value", step.metadata.op))
        if kind != "Stack" and op not in ("same", "refresh"):
            ops[f"{kind} {name}"] = op
    return ops


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the program that a test may edit."""
    directory = tmp_path / "program"
    directory.mkdir()
    for name in PROGRAM:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory / name)
    (directory / ".venv").symlink_to(sys.prefix)
    return directory


@pytest.fixture
def stack(program: Path, local_cloud, tmp_path: Path) -> Iterator[Stack]:
    """The stack `local`, not up yet, on the local cloud; destroyed at the end."""
    config = program / "stacks" / "Pulumi.local.yaml"
    config.write_text(config.read_text().replace("http://127.0.0.1:8470", local_cloud.url))
    backend = tmp_path / "backend"
    backend.mkdir()
    workspace = automation.LocalWorkspace(
        work_dir=str(program),
        env_vars={
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "local",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": sys.prefix,
        },
    )
    made = Stack(program, automation.Stack.create_or_select("local", workspace))
    yield made
    made.stack.destroy()
