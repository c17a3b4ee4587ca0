from pathlib import Path

import pytest

from bootstrap.stack import Stack
from bootstrap.way import SetupError


@pytest.fixture
def stack(checkout, program, tmp_path):
    """Makes a stack whose `pulumi` and `python` note their calls, and fail where told to."""

    def make(name: str = "local", failing: str = "nothing at all") -> Stack:
        for tool in ("pulumi", "python"):
            program(
                tmp_path / "bin" / tool,
                f"""\
                echo "{tool} $*" >> "{tmp_path}/log"
                case "{tool} $*" in "{failing}"*) exit 7;; esac
                case "$*" in
                  "stack select --create"*) mkdir -p .local/pulumi/.pulumi/stacks/bqvertex
                    touch .local/pulumi/.pulumi/stacks/bqvertex/local.json;;
                  "stack rm"*) cd .local/pulumi/.pulumi/stacks/bqvertex
                    mv local.json local.json.bak;;
                esac
                """,
            )
        file = checkout.root / "stacks" / "Pulumi.local.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text("config:\n  bqvertex:api_endpoint: http://127.0.0.1:8471\n")
        return Stack(checkout, name, {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})

    return make


@pytest.fixture
def calls(tmp_path):
    """What was called so far."""

    def read() -> list[str]:
        log: Path = tmp_path / "log"
        return log.read_text().splitlines() if log.exists() else []

    return read


def test_up_starts_the_cloud_makes_the_stack_and_shows_what_it_made(stack, calls) -> None:
    status = stack().up(["--diff"])

    assert (status, calls()) == (
        0,
        [
            "python -m localcloud start --port 8471",
            "pulumi stack select --create local",
            "pulumi up --yes --diff --stack local",
            "python -m stacks.summary local",
        ],
    )


def test_preview_makes_the_stack_where_there_is_none_and_only_there(stack, calls) -> None:
    stack().preview([])

    stack().preview([])

    preview = "pulumi preview --stack local"
    assert calls() == ["pulumi stack select --create local", preview, preview]


@pytest.mark.parametrize("failing", ["python -m localcloud", "pulumi stack", "pulumi up"])
def test_up_stops_at_the_first_that_fails_and_keeps_its_status(failing, stack, calls) -> None:
    status = stack(failing=failing).up([])

    assert (status, calls()[-1].startswith(failing)) == (7, True)


def test_preview_keeps_the_exit_status_and_starts_nothing(stack, calls) -> None:
    status = stack(failing="pulumi preview").preview(["--expect-no-changes"])

    assert (status, calls()[-1]) == (7, "pulumi preview --expect-no-changes --stack local")
    assert not [call for call in calls() if "localcloud" in call]


def test_down_destroys_stops_and_leaves_nothing(stack, calls, checkout) -> None:
    stack().up([])
    before = len(calls())

    status = stack().down([])

    assert (status, calls()[before:]) == (
        0,
        [
            "python -m localcloud start --port 8471",
            "pulumi destroy --yes --stack local",
            "pulumi stack rm --yes --preserve-config --stack local",
            "python -m localcloud stop",
        ],
    )
    assert not checkout.local.exists()


def test_down_where_nothing_is_left_only_makes_sure_that_the_cloud_is_stopped(stack, calls) -> None:
    status = stack().down([])

    assert (status, calls()) == (0, ["python -m localcloud stop"])


def test_down_after_a_stop_that_failed_has_only_the_stop_left_to_do(stack, calls, checkout) -> None:
    stack().up([])
    stack(failing="python -m localcloud stop").down([])
    before = len(calls())

    status = stack().down([])

    assert (status, calls()[before:]) == (0, ["python -m localcloud stop"])
    assert not checkout.local.exists()


def test_a_destroy_that_fails_keeps_the_cloud_and_its_state(stack, calls, checkout) -> None:
    stack().up([])

    status = stack(failing="pulumi destroy").down([])

    assert (status, checkout.local.exists()) == (7, True)
    assert "python -m localcloud stop" not in calls()


def test_a_destroy_that_fails_can_be_overruled(stack, calls, checkout) -> None:
    stack().up([])

    status = stack(failing="pulumi destroy").down([], force=True)

    assert (status, checkout.local.exists(), calls()[-1]) == (0, False, "python -m localcloud stop")


def test_another_stack_is_pulumis_own_affair_and_is_not_changed_unasked(stack, calls) -> None:
    dev = stack("dev")

    statuses = [dev.up([]), dev.preview([]), dev.down([])]

    assert (statuses, calls()) == (
        [0, 0, 0],
        ["pulumi up --stack dev", "pulumi preview --stack dev", "pulumi destroy --stack dev"],
    )


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("bqvertex:api_endpoint: http://127.0.0.1:8470", 8470),
        ('bqvertex:api_endpoint: "http://localhost:9000/"  # mine', 9000),
        ("bqvertex:api_endpoint:   'http://[::1]:8470'", 8470),
    ],
)
def test_the_port_is_that_of_the_stacks_own_configuration(line, port, stack, checkout) -> None:
    local = stack()
    (checkout.root / "stacks" / "Pulumi.local.yaml").write_text(f"config:\n  {line}\n")

    assert local.port() == port


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("config:\n  bqvertex:location: x\n", "has no bqvertex:api_endpoint"),
        (
            "config:\n  # bqvertex:api_endpoint: http://127.0.0.1:1\n",
            "has no bqvertex:api_endpoint",
        ),
        (
            "config:\n  bqvertex:api_endpoint: http://localhost\n",
            "allowed is http://127.0.0.1:PORT",
        ),
        ("config:\n  bqvertex:api_endpoint: http://x:99999\n", "allowed is http://127.0.0.1:PORT"),
    ],
)
def test_a_stack_without_a_usable_address_is_refused(content, message, stack, checkout) -> None:
    local = stack()
    (checkout.root / "stacks" / "Pulumi.local.yaml").write_text(content)

    with pytest.raises(SetupError) as refused:
        local.up([])

    assert str(refused.value).startswith("stacks/Pulumi.local.yaml")
    assert message in str(refused.value)
