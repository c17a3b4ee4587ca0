import pytest

from bootstrap.checkout import Checkout, architecture, system
from bootstrap.way import SetupError


def test_the_locked_version_of_a_package_is_its_own_and_not_that_of_a_longer_name(
    checkout: Checkout,
) -> None:
    assert (checkout.locked("pulumi"), checkout.locked("pulumi-gcp")) == ("3.272.0", "10.2.0")


def test_a_package_that_is_not_locked_is_named(checkout: Checkout) -> None:
    with pytest.raises(SetupError, match=r"uv\.lock has no package numpy"):
        checkout.locked("numpy")


def test_a_digest_changes_with_content_and_with_names_and_with_nothing_else(
    checkout: Checkout,
) -> None:
    file = checkout.modules / "cli" / "go.mod"
    first = checkout.digest(checkout.modules)

    file.touch()
    touched = checkout.digest(checkout.modules)
    file.rename(file.with_name("go.sum"))
    renamed = checkout.digest(checkout.modules)
    file.with_name("go.sum").rename(file)
    file.write_text("module other\n")
    changed = checkout.digest(checkout.modules)

    assert touched == first
    assert len({first, renamed, changed}) == 3


def test_the_cache_lies_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")

    assert str(Checkout.here().cache) == "/elsewhere/bqvertex"


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_the_processor_is_said_in_the_words_of_go(
    machine: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)

    assert architecture() == expected


def test_a_processor_without_pulumi_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(SetupError, match="processor is riscv64; Pulumi runs on x86_64 and aarch64"):
        architecture()


def test_windows_is_told_to_use_wsl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")

    with pytest.raises(SetupError, match="On Windows use WSL"):
        system()
