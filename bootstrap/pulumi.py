"""The step `pulumi`: the Pulumi CLI with its Python language host."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from bootstrap import cache, download, version
from bootstrap import go as toolchain
from bootstrap.checkout import Checkout, architecture, system
from bootstrap.command import CommandFailed, ask, work
from bootstrap.progress import step
from bootstrap.stamp import Facts
from bootstrap.way import SetupError, Way, WayFailed, first_that_works

NAME = "pulumi"
OLDEST = (3, 259)
PINNED = "3.259.0"
# The newest language host in a Go module that the module proxy serves.
BUILT_HOST = "3.79.0"
HOST = "pulumi-language-python"
# What the language host starts; it looks for them beside itself.
SCRIPTS = ("pulumi-language-python-exec", "pulumi-resource-pulumi-python")

_ARCHIVES = "https://get.pulumi.com/releases/sdk"
_RELEASES = "https://github.com/pulumi/pulumi/releases/download"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_VERSION_VARIABLE = f"{_SDK}/go/common/version.Version"


def key(checkout: Checkout) -> str:
    """What the step depends on: the pinned version and the locked Go modules."""
    return f"{PINNED} {checkout.digest(checkout.modules)}"


def present(checkout: Checkout, facts: Facts) -> bool:
    """Whether what the step made is still there."""
    return os.access(Path(facts["folder"], "pulumi"), os.X_OK)


def make(checkout: Checkout, environ: Mapping[str, str], tool: Path, python: Path) -> Facts:
    """Gets the Pulumi CLI.

    Args:
        checkout: Whose cache it goes to, and whose Go modules are built.
        environ: The environment of this process.
        tool: The uv executable.
        python: The interpreter of the virtual environment.

    Returns:
        The folder that it is in, its version, and the way by which it came.

    Raises:
        SetupError: No way worked.
    """
    platform = f"{system()}-{architecture()}"
    downloaded = checkout.cache / "pulumi" / f"{PINNED}-{platform}"
    locked = checkout.digest(checkout.modules)
    built = checkout.cache / "pulumi" / f"{PINNED}-{platform}-built-{locked}"

    def cached() -> Path:
        for folder in (downloaded, built):
            if os.access(folder / "pulumi", os.X_OK):
                return folder
        raise WayFailed("not there yet")

    way, folder = first_that_works(
        "the Pulumi CLI",
        [
            Way("pulumi on PATH", lambda: on_path(environ)),
            Way("Pulumi in the cache", cached),
            Way("the official download", lambda: official(downloaded)),
            Way("built from Go modules", lambda: build(checkout, environ, built, tool, python)),
        ],
        f"Install Pulumi {version.text(OLDEST)} or newer so that `pulumi` is on PATH "
        "(https://www.pulumi.com/docs/install/), and run it again.",
    )
    return {"way": way, "folder": str(folder), "version": PINNED}


def on_path(environ: Mapping[str, str]) -> Path:
    """The folder of the CLI that the user has.

    Args:
        environ: The environment, for its PATH.

    Raises:
        WayFailed: There is none, it is too old, or has no Python language host beside it.
    """
    found = shutil.which("pulumi", path=environ.get("PATH", ""))
    if found is None:
        raise WayFailed("not there")
    env = {**environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        number = version.find(ask([found, "version"], env=env))
    except CommandFailed as failure:
        raise WayFailed(f"{found} does not work ({failure.reason})") from failure
    except version.NoVersion as failure:
        # A CLI built without its version is refused by Pulumi's own Automation API.
        raise WayFailed(f"{found} does not say its version") from failure
    if not version.at_least(number, OLDEST):
        raise WayFailed(f"{found} is {version.text(number)}, needed is {version.text(OLDEST)}")
    for folder in (Path(found).parent, Path(found).resolve().parent):
        if os.access(folder / "pulumi", os.X_OK) and os.access(folder / HOST, os.X_OK):
            return folder
    raise WayFailed(f"{found} has no {HOST} beside it")


def official(
    target: Path, *, archives: str = _ARCHIVES, releases: str = _RELEASES, seconds: float = 8
) -> Path:
    """Downloads Pulumi's release and compares it with the published checksum.

    Args:
        target: Folder of the cache that it goes to.
        archives: Where the archives are.
        releases: Where the checksums are: another host than that of the archives.
        seconds: How long to wait for either to answer.

    Returns:
        `target`.

    Raises:
        WayFailed: Not reachable, broken off, or not what was published.
    """
    processor = {"amd64": "x64", "arm64": "arm64"}[architecture()]
    name = f"pulumi-v{PINNED}-{system()}-{processor}.tar.gz"

    def build(folder: Path) -> None:
        with step(f"downloading Pulumi {PINNED}") as shown:
            listing = f"{releases}/v{PINNED}/pulumi-{PINNED}-checksums.txt"
            sums = download.read(listing, answer_seconds=seconds).decode(errors="replace")
            published = {
                line.split()[1].lstrip("*"): line.split()[0]
                for line in sums.splitlines()
                if len(line.split()) == 2
            }
            if name not in published:
                raise WayFailed(f"{listing} has no checksum of {name}")
            archive = folder / name
            url = f"{archives}/{name}"
            download.fetch(url, archive, published[name], shown, answer_seconds=seconds)
            try:
                _unpack(archive, folder)
            except (tarfile.TarError, EOFError) as error:
                raise WayFailed(f"{url} is no whole archive ({error})") from error
            archive.unlink()
            for program in ("pulumi", HOST, *SCRIPTS):
                if not os.access(folder / program, os.X_OK):
                    raise WayFailed(f"{url} holds no {program}")

    return cache.install(target, "pulumi", build)


def _unpack(archive: Path, folder: Path) -> None:
    # Only plain files, by their last name: no member can then write outside the folder.
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member) if member.isfile() else None
            if content is not None:
                target = folder / Path(member.name).name
                with content, target.open("wb") as sink:
                    shutil.copyfileobj(content, sink)
                target.chmod(0o755)


def build(
    checkout: Checkout, environ: Mapping[str, str], target: Path, tool: Path, python: Path
) -> Path:
    """Builds the CLI and the language host from locked Go modules.

    The language host that fits the CLI is in no Go module that the module proxy serves. The one
    that is (`BUILT_HOST`) runs programs, but no policy packs and no `pulumi package add`.

    Args:
        checkout: Whose Go modules are built.
        environ: The environment of this process.
        target: Folder of the cache that it goes to.
        tool: The uv executable, which fetches Go where there is none.
        python: An interpreter for uv.

    Returns:
        `target`.

    Raises:
        WayFailed: There is no Go, or it could not build them.
    """

    def fill(folder: Path) -> None:
        go = toolchain.find(checkout, environ, tool, python)
        cli, host, scripts = (checkout.modules / n for n in ("cli", "language_host", "scripts"))
        _compile(go, cli, folder / "pulumi", f"v{PINNED}")
        _compile(go, host, folder / HOST, f"v{BUILT_HOST}")
        with step("fetching the scripts of the Python language host") as shown:
            work([str(go.program), "mod", "download", _SDK], shown, env=go.env, cwd=scripts)
            listed = [str(go.program), "-C", str(scripts), "list", "-m", "-json", _SDK]
            source = Path(json.loads(ask(listed, env=go.env))["Dir"])
            for name, part in zip(SCRIPTS, ("cmd", "dist")):
                shutil.copyfile(source / "python" / part / name, folder / name)
                (folder / name).chmod(0o755)
        printed = ask([str(folder / "pulumi"), "version"], env=go.env)
        if printed.strip().lstrip("v") != PINNED:
            raise WayFailed(f"the built CLI says {printed.strip()!r}, not {PINNED}")
        if go.scratch is not None:
            cache.remove(go.scratch)

    try:
        return cache.install(target, "pulumi", fill)
    except (CommandFailed, SetupError) as failure:
        raise WayFailed(str(failure).replace("\n", "\n     ")) from failure


def _compile(go: toolchain.Go, module: Path, target: Path, number: str) -> None:
    listed = ask([str(go.program), "-C", str(module), "mod", "edit", "-json"], env=go.env)
    package = json.loads(listed)["Tool"][0]["Path"]
    flags = f"-s -w -X {_VERSION_VARIABLE}={number}"
    argv = [str(go.program), "build", "-v", "-mod=readonly", "-buildvcs=false"]
    with step(f"building {target.name} from Go modules (minutes, once)") as shown:
        shown.note("downloading modules")
        work([*argv, "-ldflags", flags, "-o", str(target), package], shown, env=go.env, cwd=module)
