"""docs/local_cloud_support.md: what of Google's the tests prove of the local cloud.

Each test says by `@pytest.mark.covers` what it proves; pytest itself collects them, so that
parameters count too. What the local cloud has and no test is marked with is listed as well.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from generate.generated_file import GeneratedFile

PAGE = Path("docs/local_cloud_support.md")
FOLDERS = ("tests/localcloud", "tests/clients")
LONGEST_S = 600

Proofs = Mapping[str, Sequence[str]]
"""What is proven -> the files whose tests prove it."""

INTRODUCTION = """\
# What the local cloud has

Made by `python -m generate` from the tests: what each proves is in its mark `covers`. A link leads
to the tests. What answers 501 and where the local cloud departs from Google is in
[local_cloud.md](local_cloud.md), [local_cloud_bigquery.md](local_cloud_bigquery.md) and
[local_cloud_bqml.md](local_cloud_bqml.md).
"""


def generated_files(root: Path) -> Iterable[GeneratedFile]:
    """The page as the tests below a root want it."""
    from localcloud import bqml
    from localcloud.bqml.kinds import KINDS

    yield GeneratedFile(PAGE, page(collected(root), sorted(KINDS), sorted(bqml.FUNCTIONS)))


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
    of_rest = {name: proofs[name] for name in proofs if _is_method(name)}
    taken = {*of_kinds, *of_functions, *of_rest}
    others = {name: proofs[name] for name in proofs if name not in taken}
    parts = [
        INTRODUCTION,
        _table("Kinds of models", "MODEL_TYPE", of_kinds),
        _unproven("kinds", [name for name in kinds if name not in proofs]),
        _table("Functions in SQL", "function", of_functions),
        _unproven("functions", [name for name in functions if name not in proofs]),
        _table("Methods of REST", "method", of_rest),
        _table("Statements, clients and the rest", "what", others),
    ]
    return "\n".join(part for part in parts if part)


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
