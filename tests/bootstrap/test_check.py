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
