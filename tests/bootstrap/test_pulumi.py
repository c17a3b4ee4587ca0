import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from bootstrap import pulumi
from bootstrap.checkout import Checkout, architecture, system
from bootstrap.way import SetupError, WayFailed

PROCESSOR = {"amd64": "x64", "arm64": "arm64"}[architecture()]
ARCHIVE = f"pulumi-v{pulumi.PINNED}-{system()}-{PROCESSOR}.tar.gz"
MEMBERS = {
    "pulumi/pulumi": f"#!/bin/sh\necho v{pulumi.PINNED}\n",
    "pulumi/pulumi-language-python": "#!/bin/sh\n",
    "pulumi/pulumi-language-python-exec": "#!/bin/sh\n",
    "pulumi/pulumi-resource-pulumi-python": "#!/bin/sh\n",
}
SELF = Path("/usr/bin/false")


@pytest.fixture
def publish(server, archive):
    """Publishes a release as Pulumi does; returns the addresses of archives and of releases."""

    def run(body: bytes, sha256: str | None = None, announced: int | None = None) -> dict[str, str]:
        server.serve(f"/sdk/{ARCHIVE}", body, announced=announced)
        digest = sha256 or hashlib.sha256(body).hexdigest()
        sums = f"{'1' * 64}  pulumi-v{pulumi.PINNED}-windows-x64.zip\n{digest}  {ARCHIVE}\n"
        server.serve(
            f"/releases/v{pulumi.PINNED}/pulumi-{pulumi.PINNED}-checksums.txt", sums.encode()
        )
        return {"archives": f"{server.url}/sdk", "releases": f"{server.url}/releases"}

    return run


@pytest.fixture
def installed(tmp_path, program):
    """Installs a Pulumi CLI; returns the PATH to it."""

    def run(says: str, *beside: str) -> str:
        program(tmp_path / "own" / "pulumi", says)
        for name in beside:
            program(tmp_path / "own" / name, "exit 0")
        return str(tmp_path / "own")

    return run


def left_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_the_users_own_pulumi_is_taken_where_it_is_new_enough(installed) -> None:
    path = installed("echo v3.260.1", pulumi.HOST)

    assert pulumi.on_path({"PATH": path}) == Path(path)


def test_the_language_host_is_also_found_behind_a_link(installed, tmp_path) -> None:
    path = installed("echo v3.259.0", pulumi.HOST)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(Path(path, "pulumi"))

    assert pulumi.on_path({"PATH": str(tmp_path / "bin")}) == Path(path)


@pytest.mark.parametrize(
    ("says", "beside", "reason"),
    [
        ("echo v3.258.0", [pulumi.HOST], "is 3.258.0, needed is 3.259"),
        ("echo v3.259.0-alpha.1", [pulumi.HOST], "needed is 3.259"),
        ("echo v3.259.0", [], "has no pulumi-language-python beside it"),
        ("echo", [pulumi.HOST], "does not say its version"),
        ("echo 'bad image' >&2; exit 126", [pulumi.HOST], "does not work (bad image)"),
    ],
)
def test_a_pulumi_that_will_not_do_is_passed_over_with_the_reason(
    says: str, beside: list[str], reason: str, installed
) -> None:
    path = installed(says, *beside)

    with pytest.raises(WayFailed) as refused:
        pulumi.on_path({"PATH": path})

    assert reason in str(refused.value)


def test_the_official_release_is_unpacked_into_one_folder(publish, archive, tmp_path) -> None:
    addresses = publish(archive(MEMBERS))

    folder = pulumi.official(tmp_path / "pulumi" / "3", **addresses)

    assert left_in(folder) == sorted(Path(name).name for name in MEMBERS)
    assert os.popen(f"{folder}/pulumi").read() == f"v{pulumi.PINNED}\n"


def test_no_member_of_an_archive_is_written_outside_the_folder(publish, archive, tmp_path) -> None:
    addresses = publish(archive({**MEMBERS, "../../../evil": "x", f"{tmp_path}/evil": "x"}))

    pulumi.official(tmp_path / "pulumi" / "3", **addresses)

    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("evil")] == [
        Path("pulumi/3/evil")
    ]


def test_an_archive_with_another_checksum_is_refused_and_not_kept(
    publish, archive, tmp_path
) -> None:
    addresses = publish(archive(MEMBERS), sha256="0" * 64)

    with pytest.raises(WayFailed, match=f"published is {'0' * 64}"):
        pulumi.official(tmp_path / "pulumi" / "3", **addresses)

    assert left_in(tmp_path / "pulumi") == []


def test_an_archive_that_breaks_off_is_refused_and_not_kept(publish, archive, tmp_path) -> None:
    whole = archive(MEMBERS)
    addresses = publish(whole[:-20], hashlib.sha256(whole).hexdigest(), announced=len(whole))

    with pytest.raises(WayFailed, match="broke off after"):
        pulumi.official(tmp_path / "pulumi" / "3", **addresses)

    assert left_in(tmp_path / "pulumi") == []


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"pulumi/pulumi": "x"}, "holds no pulumi-language-python"),
        ({"README": "x"}, "holds no pulumi"),
    ],
)
def test_an_archive_without_what_is_needed_is_refused_and_not_kept(
    members: dict[str, str], reason: str, publish, archive, tmp_path
) -> None:
    addresses = publish(archive(members))

    with pytest.raises(WayFailed, match=reason):
        pulumi.official(tmp_path / "pulumi" / "3", **addresses)

    assert left_in(tmp_path / "pulumi") == []


def test_what_is_no_archive_is_refused_though_its_checksum_is_right(publish, tmp_path) -> None:
    addresses = publish(b"<html>please log in</html>")

    with pytest.raises(WayFailed, match="is no whole archive"):
        pulumi.official(tmp_path / "pulumi" / "3", **addresses)

    assert left_in(tmp_path / "pulumi") == []


def test_a_release_without_a_checksum_for_this_platform_is_refused(server, tmp_path) -> None:
    server.serve(f"/v{pulumi.PINNED}/pulumi-{pulumi.PINNED}-checksums.txt", b"1 other.tar.gz\n")

    with pytest.raises(WayFailed, match=f"has no checksum of {re.escape(ARCHIVE)}"):
        pulumi.official(tmp_path / "3", archives=server.url, releases=server.url)


@pytest.fixture
def go(tmp_path, program):
    """A Go that "builds" programs of shell and "downloads" an SDK with the two scripts."""
    sdk = tmp_path / "sdk"
    for part, name in (("cmd", pulumi.SCRIPTS[0]), ("dist", pulumi.SCRIPTS[1])):
        program(sdk / "python" / part / name, "exit 0")
    tool = json.dumps({"Tool": [{"Path": "example.org/tool"}]})
    program(
        tmp_path / "go" / "go",
        f"""\
        echo "$*" >> "{tmp_path}/go.log"
        case "$*" in
          "env GOVERSION") echo go1.26.8;;
          *"mod edit -json") echo '{tool}';;
          *"list -m -json"*) echo '{{"Dir": "{sdk}"}}';;
          build*)
            while [ "$1" != -ldflags ]; do shift; done
            echo compiling
            echo "#!/bin/sh" > "$4"
            echo "echo ${{2##*=}}" >> "$4"
            chmod +x "$4";;
        esac
        """,
    )
    return f"{tmp_path / 'go'}:/usr/bin:/bin"


def test_what_is_built_says_its_version(checkout, go, tmp_path) -> None:
    folder = pulumi.build(checkout, {"PATH": go}, tmp_path / "built", SELF, SELF)

    says = {name: os.popen(f"{folder}/{name}").read() for name in ("pulumi", pulumi.HOST)}
    assert says == {"pulumi": f"v{pulumi.PINNED}\n", pulumi.HOST: f"v{pulumi.BUILT_HOST}\n"}
    assert all(os.access(folder / script, os.X_OK) for script in pulumi.SCRIPTS)


def test_a_build_without_its_version_is_refused_and_not_kept(
    checkout, go, tmp_path, monkeypatch, program
) -> None:
    # The Automation API refuses a CLI that does not say its version, later and less clearly.
    monkeypatch.setattr(pulumi, "_compile", lambda go, module, target, _: program(target, "echo"))

    with pytest.raises(WayFailed, match="the built CLI says '', not 3"):
        pulumi.build(checkout, {"PATH": go}, tmp_path / "built", SELF, SELF)

    assert not (tmp_path / "built").exists()


def test_the_ways_are_tried_in_their_order_and_all_are_named(
    checkout, installed, monkeypatch
) -> None:
    path = installed("echo v3.100.0", pulumi.HOST)
    monkeypatch.setattr(pulumi, "official", lambda target: fail("cannot reach get.pulumi.com"))
    monkeypatch.setattr(pulumi, "build", lambda *a: fail("no Go"))

    with pytest.raises(SetupError) as refused:
        pulumi.make(checkout, {"PATH": path}, SELF, SELF)

    assert str(refused.value) == (
        "no way to get the Pulumi CLI works here. Tried, in this order:\n"
        f"  1. pulumi on PATH: {path}/pulumi is 3.100.0, needed is 3.259\n"
        "  2. Pulumi in the cache: not there yet\n"
        "  3. the official download: cannot reach get.pulumi.com\n"
        "  4. built from Go modules: no Go\n"
        "Install Pulumi 3.259 or newer so that `pulumi` is on PATH "
        "(https://www.pulumi.com/docs/install/), and run it again."
    )


def fail(reason: str) -> Path:
    raise WayFailed(reason)


def test_what_another_checkout_got_is_taken_from_the_cache(checkout, monkeypatch, program) -> None:
    monkeypatch.setattr(pulumi, "official", lambda target: fail("unreachable"))

    def build(checkout, environ, target, tool, python) -> Path:
        program(target / "pulumi", "exit 0")
        return target

    monkeypatch.setattr(pulumi, "build", build)

    ways = [pulumi.make(checkout, {"PATH": "/nowhere"}, SELF, SELF)["way"] for _ in range(2)]

    assert ways == ["built from Go modules", "Pulumi in the cache"]


def test_another_lock_of_the_go_modules_means_another_build(checkout) -> None:
    before = pulumi.key(checkout)

    (checkout.modules / "cli" / "go.mod").write_text("module example\n\ngo 1.26.0\n")

    assert pulumi.key(checkout) != before


class TestOfThisProject:
    """The Go modules that are really built."""

    def modules(self, name: str) -> str:
        return (Checkout.here().modules / name / "go.mod").read_text()

    def test_the_locked_cli_is_the_pinned_one(self) -> None:
        assert f"github.com/pulumi/pulumi/pkg/v3 v{pulumi.PINNED}" in self.modules("cli")

    def test_the_locked_language_host_is_the_one_that_is_said(self) -> None:
        wanted = f"github.com/pulumi/pulumi/sdk/v3 v{pulumi.BUILT_HOST}"

        assert wanted in self.modules("language_host")

    def test_the_scripts_of_the_language_host_keep_step_with_the_python_sdk(self) -> None:
        wanted = f"github.com/pulumi/pulumi/sdk/v3 v{Checkout.here().locked('pulumi')}"

        assert wanted in self.modules("scripts")
