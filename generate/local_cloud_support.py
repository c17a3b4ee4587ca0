"""docs/local_cloud_support.md: what of Google's the tests prove of the local cloud.

Each test says by `@pytest.mark.covers` what it proves; pytest itself collects them, so that
parameters count too. What the local cloud has and no test is marked with is listed as well.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from generate.generated_file import GeneratedFile
from generate.rest_methods import RestMethod, recorded, rest_methods

PAGE = Path("docs/local_cloud_support.md")
FOLDERS = ("tests/localcloud", "tests/clients")
LONGEST_S = 600
MOST_LINKS = 4
"""Tests that are named for a method: some methods are called by nearly all."""

Proofs = Mapping[str, Sequence[str]]
"""What is proven -> the files whose tests prove it."""

INTRODUCTION = """\
# What the local cloud has

Made by `python -m generate` from the tests: what each proves is in its mark `covers`. A link leads
to the tests. What answers 501 and where the local cloud departs from Google is in
[local_cloud.md](local_cloud.md), [local_cloud_bigquery.md](local_cloud_bigquery.md) and
[local_cloud_bqml.md](local_cloud_bqml.md).
"""
REST_INTRODUCTION = """\
## Methods of REST

Each method of the Discovery documents: the tests that had its answer, and compared it with the
document's schema, or 501. A method that answers may still refuse some of what it can be asked for.
"""


def generated_files(root: Path) -> Iterable[GeneratedFile]:
    """The page as the tests below a root want it."""
    from localcloud import bqml
    from localcloud.bqml.kinds import KINDS

    yield GeneratedFile(
        PAGE,
        "\n".join(
            [
                page(collected(root), sorted(KINDS), sorted(bqml.FUNCTIONS)),
                rest(rest_methods(), recorded(root)),
            ]
        ),
    )


def collected(root: Path) -> Proofs:
    """What the tests below a root are marked with.

    Raises:
        RuntimeError: pytest cannot collect them; the message is what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "covers.json"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "--collect-only", "-q"),
                *("-p", "generate.covers_plugin"),
                *(name for name in FOLDERS if (root / name).is_dir()),
            ],
            cwd=root,
            env={**os.environ, "BQVERTEX_COVERS": str(told), "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        if not told.is_file():
            raise RuntimeError(f"pytest did not collect the tests:\n{done.stdout}{done.stderr}")
        found: dict[str, list[str]] = json.loads(told.read_text())
    return found


def page(proofs: Proofs, kinds: Sequence[str], functions: Sequence[str]) -> str:
    """The page.

    Args:
        proofs: What is proven, and where.
        kinds: The kinds of models that the local cloud trains.
        functions: Its table functions.
    """
    of_kinds = {name: proofs[name] for name in proofs if name in kinds}
    of_functions = {name: proofs[name] for name in proofs if _is_function(name)}
    others = {
        name: proofs[name]
        for name in proofs
        if name not in of_kinds and name not in of_functions and not _is_method(name)
    }
    parts = [
        INTRODUCTION,
        _table("Kinds of models", "MODEL_TYPE", of_kinds),
        _unproven("kinds", [name for name in kinds if name not in proofs]),
        _table("Functions in SQL", "function", of_functions),
        _unproven("functions", [name for name in functions if name not in proofs]),
        _table("Statements, clients and the rest", "what", others),
    ]
    return "\n".join(part for part in parts if part)


def rest(methods: Sequence[RestMethod], compared: Proofs) -> str:
    """The part of the page about methods of REST.

    Args:
        methods: Every method of the documents that are served.
        compared: Document and method -> the tests that had its answer compared with its schema.
    """
    parts = [REST_INTRODUCTION]
    for api, versions in groupby(methods, lambda method: method.document.split(".")[0]):
        parts.append(_api(api, list(versions), compared))
    return "\n".join(parts)


def _api(api: str, methods: Sequence[RestMethod], compared: Proofs) -> str:
    by_id: dict[str, list[RestMethod]] = defaultdict(list)
    absent: dict[str, dict[str, None]] = defaultdict(dict)
    operations = 0
    for method in methods:
        if not method.is_implemented:
            # A method such as `aiplatform.evaluateDataset` is of the API itself.
            resource, _, verb = method.id.rpartition(".")
            absent[resource][verb] = None
        elif method.is_of_operations:
            operations += method.key in compared
        else:
            by_id[method.id].append(method)
    rows = [
        f"| `{name.split('.', 1)[1]}` | {_versions(found)} | {_compared_by(found, compared)} |"
        for name, found in sorted(by_id.items())
    ]
    lines = [f"### {api}", "", "| method | versions | tests |", "| --- | --- | --- |", *rows, ""]
    if operations:
        lines += [f"Long-running operations: {operations} methods, compared one by one.", ""]
    # What is served in one version only stands in the table, with that version.
    left = {
        resource: [verb for verb in verbs if f"{resource}.{verb}" not in by_id]
        for resource, verbs in absent.items()
    }
    if told := [
        f"| `{name.partition('.')[2] or name}` | {', '.join(verbs)} |"
        for name, verbs in left.items()
        if verbs
    ]:
        lines += ["| answers 501 | methods |", "| --- | --- |", *told, ""]
    return "\n".join(lines)


def _versions(methods: Sequence[RestMethod]) -> str:
    return ", ".join(method.document.split(".", 1)[1] for method in methods)


def _compared_by(methods: Sequence[RestMethod], compared: Proofs) -> str:
    missing = [method for method in methods if method.key not in compared]
    files = sorted({file for method in methods for file in compared.get(method.key, ())})
    told = _links(files[:MOST_LINKS])
    if more := len(files[MOST_LINKS:]):
        told += f" and {more} more"
    if missing:
        told += f" **not compared: {_versions(missing)}**"
    return told.strip()


def _is_function(name: str) -> bool:
    return name.startswith(("ML.", "AI.", "VECTOR_SEARCH"))


def _is_method(name: str) -> bool:
    return "." in name and " " not in name and name[0].islower()


def _table(title: str, column: str, proofs: Proofs) -> str:
    rows = [f"| `{name}` | {_links(proofs[name])} |" for name in sorted(proofs)]
    return "\n".join([f"## {title}", "", f"| {column} | tests |", "| --- | --- |", *rows, ""])


def _links(files: Sequence[str]) -> str:
    return ", ".join(f"[{Path(file).stem.removeprefix('test_')}](../{file})" for file in files)


def _unproven(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    listed = ", ".join(f"`{name}`" for name in names)
    return f"There, and tested by no test with a mark, are the {what} {listed}.\n"
