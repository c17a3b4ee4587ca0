import pytest

from bootstrap import acceptance, gcp_plugin, pulumi, venv, zetasql
from bootstrap.setup import FOR_CHECKS, WHOLE, Setup
from bootstrap.way import SetupError


@pytest.fixture
def steps(checkout, monkeypatch, program):
    """Steps that make files instead of tools; returns the list of those that were done."""
    done: list[str] = []

    def made(name: str, facts: dict[str, str]):
        def make(*a: object) -> dict[str, str]:
            done.append(name)
            for path in facts.values():
                program(checkout.root / path, "exit 0")
            return facts

        return make

    monkeypatch.setattr(venv, "make", made("venv", {"uv": "uv"}))
    monkeypatch.setattr(venv, "present", lambda c, f: (c.root / "uv").exists())
    monkeypatch.setattr(zetasql, "make", made("zetasql", {}))
    monkeypatch.setattr(zetasql, "present", lambda c, f: True)
    monkeypatch.setattr(pulumi, "make", made("pulumi", {"folder": "pulumi-folder"}))
    monkeypatch.setattr(pulumi, "present", lambda c, f: (c.root / "pulumi-folder").exists())
    monkeypatch.setattr(gcp_plugin, "make", made("gcp", {"way": "plugin"}))
    monkeypatch.setattr(gcp_plugin, "present", lambda c, f: (c.root / "plugin").exists())
    monkeypatch.setattr(acceptance, "make", made("acceptance", {}))
    return done


def test_set_up_does_every_step_in_order_and_the_second_time_none(checkout, steps) -> None:
    first = Setup(checkout, {}).ensure(WHOLE)
    after_first = list(steps)

    second = Setup(checkout, {}).ensure(WHOLE)

    assert after_first == steps == ["venv", "zetasql", "pulumi", "gcp", "acceptance"]
    assert first == second


def test_what_is_done_is_done_in_silence(checkout, steps, capsys) -> None:
    Setup(checkout, {}).ensure(WHOLE)
    capsys.readouterr()

    Setup(checkout, {}).ensure(WHOLE)

    assert capsys.readouterr() == ("", "")


def test_checks_wait_for_no_more_than_they_need(checkout, steps) -> None:
    Setup(checkout, {}).ensure(FOR_CHECKS)

    assert steps == ["venv", "zetasql"]


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_another_lock_means_another_environment_and_nothing_else(
    name: str, checkout, steps
) -> None:
    Setup(checkout, {}).ensure(WHOLE)
    steps.clear()
    file = checkout.root / name
    file.write_text(file.read_text() + "\n# changed\n")

    Setup(checkout, {}).ensure(WHOLE)

    assert steps == ["venv"]


def test_another_lock_of_the_go_modules_means_another_pulumi(checkout, steps) -> None:
    Setup(checkout, {}).ensure(WHOLE)
    steps.clear()
    (checkout.modules / "cli" / "go.sum").write_text("changed")

    Setup(checkout, {}).ensure(WHOLE)

    assert steps == ["pulumi"]


def test_other_code_of_set_up_does_every_step_again(checkout, steps) -> None:
    Setup(checkout, {}).ensure(WHOLE)
    steps.clear()
    (checkout.root / "bootstrap" / "venv.py").write_text("changed")

    Setup(checkout, {}).ensure(WHOLE)

    assert steps == ["venv", "zetasql", "pulumi", "gcp", "acceptance"]


@pytest.mark.parametrize(("gone", "step"), [("uv", "venv"), ("plugin", "gcp")])
def test_what_is_gone_is_made_again(gone: str, step: str, checkout, steps) -> None:
    Setup(checkout, {}).ensure(WHOLE)
    steps.clear()
    (checkout.root / gone).unlink()

    Setup(checkout, {}).ensure(WHOLE)

    assert steps == [step]


def test_a_step_that_failed_is_begun_again_and_those_before_it_are_not(
    checkout, steps, monkeypatch
) -> None:
    works = pulumi.make

    def fails(*a: object) -> dict[str, str]:
        raise SetupError("no Pulumi")

    monkeypatch.setattr(pulumi, "make", fails)
    with pytest.raises(SetupError, match="no Pulumi"):
        Setup(checkout, {}).ensure(WHOLE)
    monkeypatch.setattr(pulumi, "make", works)

    Setup(checkout, {}).ensure(WHOLE)

    assert steps == ["venv", "zetasql", "pulumi", "gcp", "acceptance"]


def test_refresh_does_every_step_again(checkout, steps) -> None:
    Setup(checkout, {}).ensure(WHOLE)
    steps.clear()

    Setup(checkout, {}, refresh=True).ensure(WHOLE)

    assert steps == ["venv", "zetasql", "pulumi", "gcp", "acceptance"]
