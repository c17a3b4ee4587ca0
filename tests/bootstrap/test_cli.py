import pytest

from bootstrap import cli
from bootstrap.way import SetupError


@pytest.fixture
def setup(monkeypatch, checkout):
    """Set-up that is done, of a checkout that is not this one."""

    class Done:
        def __init__(self, *a: object, **k: object) -> None:
            return

        def ensure(self, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
            return {"venv": {"uv": "/bin/uv"}, "pulumi": {"folder": "/pulumi"}}

    monkeypatch.setattr(cli, "Setup", Done)
    monkeypatch.setattr(cli.Checkout, "here", lambda: checkout)
    return Done


def test_what_comes_after_the_dashes_is_handed_on_untouched(setup, monkeypatch) -> None:
    became = []
    monkeypatch.setattr(cli, "become", lambda argv, env: became.append(argv) or exit(0))

    with pytest.raises(SystemExit):
        cli.main(["run", "--", "pytest", "--stack", "-x", "--", "more"])

    assert became == [["pytest", "--stack", "-x", "--", "more"]]


def test_run_without_a_program_is_refused(setup, capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["run"])

    assert "run needs a program" in capsys.readouterr().err


def test_an_argument_of_pulumis_before_the_dashes_is_refused(setup, capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["preview", "--diff"])

    assert "unrecognized arguments: --diff" in capsys.readouterr().err


def test_an_unknown_check_is_refused_with_those_there_are(setup, capsys) -> None:
    status = cli.main(["check", "spelling"])

    assert (status, capsys.readouterr().err) == (
        1,
        "bqvertex set-up: no check spelling; there are: types, format, lint, imports, sql\n",
    )


def test_set_up_that_cannot_go_on_is_one_message_and_no_traceback(
    setup, monkeypatch, capsys
) -> None:
    def fails(self: object, names: object) -> None:
        raise SetupError("no way to get uv works here.")

    monkeypatch.setattr(setup, "ensure", fails)

    status = cli.main(["setup"])

    assert (status, capsys.readouterr().err) == (
        1,
        "bqvertex set-up: no way to get uv works here.\n",
    )


def test_an_interrupted_set_up_says_that_it_can_be_run_again(setup, monkeypatch, capsys) -> None:
    def interrupted(self: object, names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "ensure", interrupted)

    status = cli.main(["setup"])

    assert (status, "run it again" in capsys.readouterr().err) == (130, True)


def test_set_up_shows_what_it_found(setup, capsys) -> None:
    cli.main(["setup"])

    assert capsys.readouterr().out == "venv: uv=/bin/uv\npulumi: folder=/pulumi\n"
