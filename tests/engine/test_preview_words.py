"""What the person who runs a preview or an update reads, on the real engine."""

import json

import pytest

from tests.engine.model_program import ModelProgram, prepared

# A resource whose change has a reason, and whose work takes its time.
RESOURCE = """\
import threading

from bqvertex.providers.lifecycle import Change, Checked, Created, Live
from bqvertex.resources.host import DynamicHost
from bqvertex.resources import progress
from pulumi.dynamic import Resource


class SizeLifecycle:
    def check(self, olds, news):
        return Checked(news)

    def diff(self, id, olds, news):
        if olds["size"] == news["size"]:
            return Change(False, reason="nothing to say of what stays")
        return Change(True, reason=f"trains anew in place: size {olds['size']} -> {news['size']}")

    def create(self, inputs):
        progress.INTERVAL_S = 0.0
        progress.report(f"model {inputs['size']}: training, iteration 3 of 20, loss 0.25, 7 s")
        return Created("id", inputs)

    def read(self, id, state):
        return Live(state, state)

    def update(self, id, olds, news):
        return news

    def delete(self, id, state):
        pass


class SizeProvider(DynamicHost):
    def lifecycle(self, settings):
        return SizeLifecycle()


class Size(Resource, module="tests", name="Size"):
    def __init__(self, name, size):
        super().__init__(SizeProvider(), name, {"size": size})
"""
MAIN = """\
from size import Size

Size("small", "1")
Size("large", "%s")
"""
SENTENCE = "large: trains anew in place: size 10 -> 20"


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> ModelProgram:
    """The program, up; then one of its two resources declared otherwise."""
    made = prepared(tmp_path_factory.mktemp("words") / "program")
    (made.directory / "size.py").write_text(RESOURCE)
    (made.directory / "__main__.py").write_text(MAIN % 10)
    (made.directory / "printed.txt").write_text(made.up())
    (made.directory / "__main__.py").write_text(MAIN % 20)
    return made


def test_a_preview_says_what_a_change_costs_once_and_with_its_resource(program):
    printed = program.run("preview")

    diagnostics = printed.partition("Diagnostics:")[2]
    assert diagnostics.count(SENTENCE) == 1
    assert "tests:Size (large)" in diagnostics
    assert "small" not in diagnostics


def test_a_preview_of_the_details_says_it_too(program):
    assert program.run("preview", "--diff").count(SENTENCE) == 1


def test_a_preview_for_machines_says_it_of_its_urn(program):
    preview, _ = json.JSONDecoder().raw_decode(program.run("preview", "--json"))

    said = [(entry["urn"].split("::")[-1], entry["message"]) for entry in preview["diagnostics"]]
    assert said == [("large", f"{SENTENCE}\n")]


def test_what_stays_says_nothing(program):
    assert "nothing to say" not in program.run("preview")


def test_progress_is_shown_in_the_line_of_its_resource_and_not_kept(program):
    printed = (program.directory / "printed.txt").read_text()

    lines = [line for line in printed.splitlines() if "iteration 3 of 20, loss 0.25" in line]
    assert any("tests:Size small creating" in line for line in lines), printed
    assert "Diagnostics:" not in printed
