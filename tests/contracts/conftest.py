"""Both plugins, each in a Pulumi home of its own, and stacks that use them."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

OFFICIAL_PLUGIN = "BQVERTEX_OFFICIAL_GCP_PLUGIN"
OFFICIAL = "official"
STAND_IN = "stand-in"
PROGRAM = "pulumi-resource-gcp"


@dataclass(frozen=True)
class Plugin:
    """One of the two plugins, installed.

    Attributes:
        name: OFFICIAL or STAND_IN.
        executable: What starts it.
        home: The Pulumi home it is installed in.
    """

    name: str
    executable: Path
    home: Path

    def stack(self, folder: Path, program: Callable[[], None]) -> automation.Stack:
        """A stack that runs an inline program; its state is in `folder`, whichever the plugin."""
        backend = folder / "backend"
        backend.mkdir(parents=True, exist_ok=True)
        return automation.create_or_select_stack(
            "contract",
            project_name="contracts",
            program=program,
            opts=automation.LocalWorkspaceOptions(
                pulumi_home=str(self.home),
                env_vars={
                    "PULUMI_BACKEND_URL": f"file://{backend}",
                    "PULUMI_CONFIG_PASSPHRASE": "contracts",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                    "PULUMI_SKIP_UPDATE_CHECK": "1",
                },
            ),
        )


def _official() -> Path:
    given = os.environ.get(OFFICIAL_PLUGIN)
    if not given:
        pytest.skip(f"{OFFICIAL_PLUGIN} names no official gcp plugin to compare with")
    return Path(given)


def _stand_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    starter = folder / PROGRAM
    starter.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m localcloud.plugin "$@"\n')
    starter.chmod(0o755)
    return starter


@pytest.fixture(scope="session")
def plugin_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Plugin]:
    """Install one of the two plugins, once a session; skips when there is no official one."""
    if shutil.which("pulumi") is None:
        pytest.fail("pulumi is not on PATH: `make test` sets it up")
    installed: dict[str, Plugin] = {}

    def plugin(name: str) -> Plugin:
        if name not in installed:
            folder = tmp_path_factory.mktemp(name)
            source = _official() if name == OFFICIAL else _stand_in(folder / "source").parent
            home = folder / "home"
            subprocess.run(
                [
                    *("pulumi", "plugin", "install", "resource", "gcp", version("pulumi-gcp")),
                    *("--file", str(source)),
                ],
                env={**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "1"},
                check=True,
                capture_output=True,
            )
            executable = source if name == OFFICIAL else source / PROGRAM
            installed[name] = Plugin(name, executable, home)
        return installed[name]

    return plugin


@pytest.fixture(params=[STAND_IN, OFFICIAL], scope="module")
def plugin(request: pytest.FixtureRequest, plugin_of: Callable[[str], Plugin]) -> Plugin:
    """Each of the two plugins."""
    return plugin_of(request.param)


@dataclass(frozen=True)
class Run:
    """What one command of the engine did.

    Attributes:
        operations: Operation by resource, such as `{"table": "update"}`; what stays is left out.
        outputs: The stack's outputs, secrets in plain.
        text: What the command printed.
    """

    operations: dict[str, str]
    outputs: dict[str, Any]
    text: str


def run(stack: automation.Stack, command: str, program: Callable[[], None] | None = None) -> Run:
    """Run `up`, `preview`, `refresh` or `destroy`, on another version of the program if given."""
    if program is not None:
        stack.workspace.program = program
    events: list[automation.EngineEvent] = []
    lines: list[str] = []
    getattr(stack, command)(on_output=lines.append, on_event=events.append, color="never")
    outputs = {name: output.value for name, output in stack.outputs().items()}
    return Run(_operations(events), outputs, "\n".join(lines))


def _operations(events: list[automation.EngineEvent]) -> dict[str, str]:
    steps = {}
    for event in events:
        step = event.resource_pre_event or event.res_outputs_event
        if step is None:
            continue
        operation = str(getattr(step.metadata.op, "value", step.metadata.op))
        kind, name = step.metadata.urn.split("::")[-2:]
        if "pulumi:" in kind or operation in ("same", "read", "refresh"):
            continue
        steps.setdefault(name, set()).add(operation)
    return {name: _summed(operations) for name, operations in sorted(steps.items())}


def _summed(operations: set[str]) -> str:
    # A replacement is announced in several steps, in an order that depends on the resource type.
    return (
        "replace" if any("replace" in each for each in operations) else " ".join(sorted(operations))
    )
