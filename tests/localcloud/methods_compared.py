"""A plugin of pytest: which methods of Google's the tests of the local cloud compared.

Whenever every test of this folder runs, each method that the local cloud implements must have
been answered and compared with its schema, and the record must say nothing else. A run of some
tests proves nothing of the others, and is not checked; with BQVERTEX_RECORD_METHODS set, any run
adds what it compared to the record, tests/localcloud/methods.json:

    BQVERTEX_RECORD_METHODS=1 pytest tests/localcloud/test_endpoints.py
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from generate.rest_methods import RECORD, record, recorded, rest_methods
from tests.localcloud.shape import COMPARED

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PARTS = ("keyword", "markexpr", "deselect", "lf", "failedfirst", "maxfail", "ignore", "ignore_glob")
"""Options by which some tests do not run."""


class MethodsCompared:
    """What the run compared, in this process and in the workers of pytest-xdist."""

    def __init__(self) -> None:
        self.wrong: Sequence[str] = ()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take what a worker compared."""
        for key, files in getattr(node, "workeroutput", {}).get("methods", {}).items():
            COMPARED[key].update(files)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Add it to the record, and fail a whole run in which a method is missing."""
        config = session.config
        if hasattr(config, "workerinput"):
            config.workeroutput["methods"] = {  # type: ignore[attr-defined]
                key: sorted(files) for key, files in COMPARED.items()
            }
            return
        if os.environ.get("BQVERTEX_RECORD_METHODS"):
            record(ROOT, COMPARED)
        if exitstatus == pytest.ExitCode.OK and is_whole(config):
            self.wrong = list(faults(COMPARED))
            if self.wrong:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what is missing."""
        if self.wrong:
            terminalreporter.section("methods of the local cloud")
            for line in self.wrong:
                terminalreporter.line(line, red=True)


def is_whole(config: pytest.Config) -> bool:
    """Whether every test of this folder runs."""
    asked = [Path(argument).resolve() for argument in config.args if "::" not in argument]
    return any(path == HERE or path in HERE.parents for path in asked) and not any(
        getattr(config.option, name, None) for name in PARTS
    )


def faults(compared: "dict[str, set[str]]") -> Iterator[str]:
    """What a whole run that compared these methods has left out."""
    implemented = {method.key for method in rest_methods() if method.is_implemented}
    for key in sorted(implemented - set(compared)):
        yield f"{key} is implemented, and no test had its answer compared"
    for key in sorted(set(recorded(ROOT)) - set(compared)):
        yield f"{key} is in {RECORD}, and no test had its answer compared"
