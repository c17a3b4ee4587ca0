"""What a reader copies or follows is there: commands, paths, links, code."""

import re
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import pulumi
import pytest
import yaml

from localcloud.cli import main as local_cloud
from tests.components.plan import DATASET, MODEL, SEED_TABLE, planned

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
ADRS = sorted((ROOT / "docs/adr").glob("*.md"))
TEXTS = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```", re.M | re.S)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
PLACEHOLDER = re.compile(r"<\w+>")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    """Fenced blocks of one language, without the indentation of a list."""
    found = FENCE.findall(path.read_text())
    return [textwrap.dedent(body) for _, tag, body in found if tag == language]


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def commands(path: Path) -> list[str]:
    """Everything written as code that could be a command line."""
    fenced = [
        line
        for _, tag, body in FENCE.findall(path.read_text())
        if tag in ("sh", "")
        for line in body.splitlines()
    ]
    return [line.strip() for line in [*fenced, *CODE_SPAN.findall(prose(path))]]


def words_after(path: Path, *before: str) -> set[str]:
    """The word that follows a command's first words, such as the target after `make`."""
    start = re.compile(rf"{' '.join(before)} ([a-z]+)\b")
    return {found[1] for line in commands(path) if (found := start.match(line))}


def table(path: Path, heading: str) -> list[list[str]]:
    """Rows of the table under a heading, without its head."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", path.read_text(), re.M | re.S)
    rows = [line.strip("| \n").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return rows[2:]


@pytest.mark.parametrize("text", TEXTS, ids=named)
def test_each_make_target_is_there(text):
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.M))

    assert words_after(text, "make") - targets == set()


@pytest.mark.parametrize("text", TEXTS, ids=named)
def test_each_command_of_the_local_cloud_is_there(text):
    for command in (("bqvertex", "local"), ("python", "-m", "localcloud")):
        assert words_after(text, *command) - set(local_cloud.commands) == set()


@pytest.mark.parametrize("text", TEXTS, ids=named)
def test_each_command_of_set_up_is_there(text):
    help_ = subprocess.run(
        [sys.executable, "bootstrap", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    known = set(re.findall(r"^    (\w+)  ", help_, re.M))
    assert words_after(text, "python3", "bootstrap") - known == set()


def test_the_readme_names_targets_and_commands_at_all():
    assert {"up", "test", "preview", "down", "help"} <= words_after(README, "make")


@pytest.mark.parametrize("text", TEXTS, ids=named)
def test_each_config_key_is_declared(text):
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    spans = " ".join(CODE_SPAN.findall(prose(text)))

    used = set(re.findall(r"\bbqvertex:([a-z_]+)\b(?!:)", spans))
    # `bqvertex:index:…` is a type token.
    assert used - set(declared) - {"index"} == set()


@pytest.mark.parametrize("text", TEXTS, ids=named)
def test_each_relative_link_resolves(text):
    broken = []
    for link in LINK.findall(prose(text)):
        target, _, anchor = link.partition("#")
        file = (text.parent / target) if target else text
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)

    assert broken == []


def anchors(path: Path) -> set[str]:
    """Ids that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def where_to_add_things() -> list[tuple[str, list[str]]]:
    rows = table(README, "Where to add things")
    return [(thing, CODE_SPAN.findall(place)) for thing, place in rows]


@pytest.mark.parametrize(("thing", "places"), where_to_add_things())
def test_each_place_to_add_things_is_there(thing, places):
    # A row may name files inside the last folder that it names.
    inside = [ROOT, *(ROOT / place for place in places if place.endswith("/"))]

    missing = [
        place
        for place in places
        if not any(list(folder.glob(PLACEHOLDER.sub("*", place))) for folder in inside)
    ]
    assert places != [], thing
    assert missing == []


def test_each_path_that_the_readme_names_is_there():
    known = {entry.name for entry in ROOT.iterdir()}
    spans = {span for span in CODE_SPAN.findall(prose(README)) if " " not in span}

    paths = {span for span in spans if span.split("/")[0] in known and "/" in span}
    assert paths != set()
    assert [p for p in paths if not list(ROOT.glob(PLACEHOLDER.sub("*", p)))] == []


def test_the_readmes_program_runs_and_declares_what_it_says(monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("\n".join(blocks(README, "python")))
    monkeypatch.chdir(ROOT)

    plan = planned(lambda: runpy.run_path(str(program)) and None)

    declared = {(typ, name) for typ, name, _ in plan.registered}
    assert declared >= {
        (DATASET, "flights"),
        (SEED_TABLE, "flights-flights"),
        (MODEL, "delays"),
    }


def test_a_misspelt_table_in_the_readmes_program_would_be_refused(monkeypatch, tmp_path):
    program = tmp_path / "program.py"
    text = "\n".join(blocks(README, "python"))
    program.write_text(text.replace("FROM flights", "FROM flihgts"))
    monkeypatch.chdir(ROOT)

    with pytest.raises(pulumi.RunError, match="flihgts"):
        planned(lambda: runpy.run_path(str(program)) and None)


@pytest.mark.parametrize("text", TEXTS, ids=named)
def test_each_python_block_compiles(text):
    for block in blocks(text, "python"):
        compile(block, named(text), "exec")


@pytest.mark.parametrize("adr", ADRS, ids=named)
def test_a_decision_says_its_state_context_decision_and_consequences(adr):
    text = adr.read_text()

    number = int(adr.name[:4])
    assert re.match(rf"# {number}\. \S", text)
    assert re.search(
        r"^Date: \d{4}-\d\d-\d\d\. Status: (accepted|superseded by \d{4})\b", text, re.M
    )
    assert re.findall(r"^## (.*)$", text, re.M) == ["Context", "Decision", "Consequences"]


def test_decisions_are_numbered_without_gaps():
    assert [int(adr.name[:4]) for adr in ADRS] == list(range(1, len(ADRS) + 1))


def test_the_changelog_begins_with_what_is_not_released():
    versions = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert versions[0] == "Unreleased"


def test_no_text_names_a_folder_of_somebodys_machine():
    found = {
        named(text): re.findall(r"(?<![\w.{}])/(?:home|root|work|Users)/\S*", text.read_text())
        for text in TEXTS
    }

    assert {text: paths for text, paths in found.items() if paths} == {}
