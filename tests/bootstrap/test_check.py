import ast
import tomllib
from pathlib import Path

import pytest

from bootstrap import check


@pytest.fixture
def tools(checkout, program):
    """A virtual environment whose programs pass, or fail where told to."""

    def make(failing: str = "none") -> dict[str, str]:
        for name in ("mypy", "ruff", "lint-imports", "python"):
            program(
                checkout.venv / "bin" / name,
                f'case "{name} $*" in "{failing}"*) echo "{name} is unhappy"; exit 1;; esac',
            )
        return {"VIRTUAL_ENV": str(checkout.venv), "PATH": "/usr/bin:/bin"}

    return make


def shown(text: str) -> list[str]:
    return [line.split(" (")[0] for line in text.splitlines()]


def test_where_all_is_well_each_check_is_one_line(checkout, tools, capsys) -> None:
    status = check.run([], checkout.root, tools())

    assert (status, shown(capsys.readouterr().out)) == (
        0,
        ["  ✓ types", "  ✓ format", "  ✓ lint", "  ✓ imports", "  ✓ sql"],
    )


def test_a_check_that_fails_shows_why_and_the_others_run_all_the_same(
    checkout, tools, capsys
) -> None:
    status = check.run([], checkout.root, tools("ruff format"))

    assert (status, shown(capsys.readouterr().out)) == (
        1,
        ["  ✓ types", "ruff is unhappy", "  ✗ format", "  ✓ lint", "  ✓ imports", "  ✓ sql"],
    )


def test_one_check_can_be_run_alone(checkout, tools, capsys) -> None:
    status = check.run(["lint"], checkout.root, tools("mypy"))

    assert (status, shown(capsys.readouterr().out)) == (0, ["  ✓ lint"])


ROOT = Path(__file__).parents[2]


def services_in(source: str) -> set[str]:
    """The services of pulumi_gcp that a file imports; its classes, such as Provider, are none."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "pulumi_gcp":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("pulumi_gcp."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.attr} if node.value.id in ("gcp", "pulumi_gcp") else set()
    return {name for name in found if name.islower()}


def test_the_types_of_every_gcp_service_in_use_are_checked() -> None:
    # mypy takes what it skips for Any: a service that is missing here would go unchecked, silently.
    files = [ROOT / "__main__.py", *ROOT.glob("stacks/*.py"), *ROOT.glob("components/**/*.py")]
    used = set().union(*(services_in(file.read_text()) for file in files))

    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    checked = {
        module.split(".")[1]
        for override in overrides
        if override.get("follow_imports") == "normal"
        for module in override["module"]
        if "." in module
    }

    assert used - checked == set()
