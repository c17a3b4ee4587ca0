from pathlib import Path

import pytest

from bootstrap import zetasql
from bootstrap.way import SetupError


@pytest.fixture
def python(checkout, program):
    """A virtual environment whose `python -m googlesql compile` makes a file and says where."""
    compiled = checkout.cache / "zetasql"
    return program(
        checkout.python,
        f"""\
        [ "$*" = "-m googlesql compile" ] || exit 2
        mkdir -p "{compiled}"
        echo compiling >&2
        touch "{compiled}/module"
        echo "{compiled}/module"
        """,
    )


def test_the_compiled_module_is_known_by_where_it_lies(checkout, python) -> None:
    facts = zetasql.make(checkout, {"PATH": "/usr/bin:/bin"})

    present = zetasql.present(checkout, facts)
    Path(facts["compiled"]).unlink()

    assert (present, zetasql.present(checkout, facts)) == (True, False)


def test_zetasql_that_cannot_be_compiled_says_why(checkout, python, program) -> None:
    program(python, "echo 'no space left in the cache' >&2; exit 1")

    with pytest.raises(SetupError, match=r"(?s)ZetaSQL could not be compiled: .*no space left"):
        zetasql.make(checkout, {"PATH": "/usr/bin:/bin"})


def test_another_version_means_another_module(checkout) -> None:
    before = zetasql.key(checkout)
    lock = checkout.root / "uv.lock"
    lock.write_text(lock.read_text().replace('version = "0.1.5"', 'version = "0.1.6"'))

    assert zetasql.key(checkout) != before
