"""The pages on models: what a reader copies runs, and means what the page says."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
from bqvertex.specs.model import problems
from bqvertex.specs.model_kind import ModelKind, kinds
from bqvertex.specs.model_statement import read_model_statement
from markdown_it import MarkdownIt

from generate.__main__ import ROOT
from generate.model_page.page import page
from generate.model_page.program import program, written
from generate.model_page.rule import sentences
from generate.model_page.sample import Sample, page_path, samples
from googlesql.create_model import CreateModel
from tests.components.plan import DATASET, MODEL, Plan, planned

INDEX = ROOT / "docs/models.md"
EVERY_KIND = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)


@cache
def examples() -> dict[str, list[Sample]]:
    return {name: list(listed) for name, listed in samples(ROOT).items()}


def text(kind: ModelKind) -> str:
    return (ROOT / page_path(kind)).read_text()


def blocks(page_text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page_text, re.M | re.S)


def run(code: str, folder: Path, *, preview: bool = True) -> Plan:
    """Run a program of the pages under Pulumi's mocks, from the project's root as a reader does."""
    file = folder / "program.py"
    file.write_text(code)
    return planned(lambda: runpy.run_path(str(file)) and None, preview=preview)


def declared(plan: Plan) -> dict[str, dict[str, Any]]:
    return {name: inputs for typ, name, inputs in plan.registered if typ == MODEL}


def meaning(statement: str) -> CreateModel:
    """The parts of a statement; where they stand in it means nothing."""
    return replace(read_model_statement(statement, "").parts, ranges={})


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@EVERY_KIND
def test_the_program_declares_the_statement_that_follows(kind: ModelKind, tmp_path: Path) -> None:
    (code,), (sql, *_) = blocks(text(kind), "python"), blocks(text(kind), "sql")

    (inputs,) = declared(run(code, tmp_path)).values()

    assert meaning(inputs["statement"]) == meaning(sql)
    assert list(problems({}, inputs)) == []


@EVERY_KIND
def test_every_statement_of_a_page_is_right(kind: ModelKind, tmp_path: Path) -> None:
    statements = blocks(text(kind), "sql")
    programs = [program(ROOT, sample).text for sample in examples()[kind.name]]

    for sql, code in zip(statements, programs, strict=True):
        (inputs,) = declared(run(code, tmp_path)).values()
        assert list(problems({}, {**inputs, "statement": sql})) == []


def test_all_programs_of_the_pages_are_one_program_too(tmp_path: Path) -> None:
    every = [program(ROOT, sample) for listed in examples().values() for sample in listed]

    plan = run(written(every), tmp_path)

    assert len(declared(plan)) == len(every)
    assert [name for typ, name, _ in plan.registered if typ == DATASET] == ["flights"]


def test_the_programs_of_the_first_page_are_one_that_runs(tmp_path: Path) -> None:
    code = "\n".join(blocks(INDEX.read_text(), "python"))

    models = declared(run(code, tmp_path))

    assert {name: list(problems({}, inputs)) for name, inputs in models.items()} == {
        name: []
        for name in (
            "cancellation",
            "delay-by-group",
            "destination-groups",
            "late-arrival",
            "late-arrival-gated",
            "late-arrival-onnx",
            "notice-writer",
        )
    }


def test_a_column_that_a_model_does_not_answer_is_an_error_of_that_program(tmp_path: Path) -> None:
    code = "\n".join(blocks(INDEX.read_text(), "python")).replace("centroid_id AS", "centroid AS")

    inputs = declared(run(code, tmp_path))["delay-by-group"]

    assert "Unrecognized name: centroid" in str(list(problems({}, inputs)))


def test_a_table_that_nobody_declares_is_an_error_of_that_program(tmp_path: Path) -> None:
    code = "\n".join(blocks(INDEX.read_text(), "python")).replace("FROM flights\n", "FROM flight\n")

    with pytest.raises(pulumi.RunError, match="table flight is not declared; did you mean flights"):
        run(code, tmp_path)


@pytest.mark.parametrize("command", "".join(blocks(INDEX.read_text(), "sh")).splitlines())
def test_each_command_of_the_first_page_ends_well(command: str) -> None:
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, os.environ["PATH"]])
    assert shutil.which(command.split()[0], path=path), command

    done = subprocess.run(
        command,
        shell=True,  # as a reader types it
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@EVERY_KIND
def test_a_page_has_every_option_and_rule_of_its_kind(kind: ModelKind) -> None:
    lines = text(kind).splitlines()

    rows = [line.split("`")[1] for line in lines if line.startswith("| `") and "| " in line[3:]]
    assert set(kind.options) <= set(rows)
    assert [rule for rule in sentences(kind) if f"- {rule}" not in lines] == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("KMEANS", "`KMEANS_INIT_METHOD` = `'CUSTOM'` needs `KMEANS_INIT_COL`"),
        (
            "PCA",
            "exactly one of `NUM_PRINCIPAL_COMPONENTS`, `PCA_EXPLAINED_VARIANCE_RATIO` is given",
        ),
        ("ARIMA_PLUS", "`AUTO_ARIMA_MIN_ORDER` is less than `AUTO_ARIMA_MAX_ORDER`"),
        ("ARIMA_PLUS", "`custom_holiday` excludes `TRANSFORM`"),
        (
            "ARIMA_PLUS",
            "`INCLUDE_DRIFT` = `TRUE` with `AUTO_ARIMA` = `FALSE` needs the second field of "
            "`NON_SEASONAL_ORDER` = `1`: there is a drift only where d is 1",
        ),
    ],
)
def test_a_rule_in_words(name: str, rule: str) -> None:
    assert rule in list(sentences(kinds()[name]))


def test_rules_that_can_never_count_are_left_out() -> None:
    automl, forest = (
        " ".join(sentences(kinds()[name])) for name in ("MATRIX_FACTORIZATION", "AUTOML_REGRESSOR")
    )

    assert "HPARAM_TUNING_ALGORITHM" in automl
    assert "HPARAM_TUNING_ALGORITHM" not in forest


@pytest.mark.parametrize("file", [INDEX, *(ROOT / page_path(kind) for kind in kinds().values())])
def test_no_text_of_a_page_is_taken_for_markup(file: Path) -> None:
    tokens = MarkdownIt().enable("table").parse(file.read_text())

    inline = [child for token in tokens for child in token.children or []]
    wrong = [child for child in inline if child.type in ("html_inline", "em_open")]
    comments = [token.content for token in tokens if token.type == "html_block"]
    assert wrong == []
    assert [c for c in comments if not c.startswith("<!-- Made by")] == []


def test_a_page_without_rules_has_no_list_of_them() -> None:
    kind = kinds()["REMOTE:https"]

    assert "with no account" not in page(ROOT, kind, examples()[kind.name])
