import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import cache
from bootstrap.way import SetupError

ROOT = Path(__file__).parents[2]

# Both processes start, tell so, and build only when told to; each build leaves a mark.
_INSTALLER = """
import sys
from pathlib import Path
from bootstrap import cache

def build(folder):
    (folder / "part").write_text("half")
    with open(sys.argv[2], "a") as marks:
        marks.write("built\\n")
    print("building", flush=True)
    sys.stdin.readline()
    (folder / "tool").write_text("whole")
    (folder / "tool").chmod(0o755)

print("started", flush=True)
cache.install(Path(sys.argv[1]), "tool", build)
"""


def installer(target: Path, marks: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _INSTALLER, str(target), str(marks)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_tool_is_built_once(tmp_path: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "tool").touch(0o755)

    for _ in range(2):
        cache.install(tmp_path / "tools" / "1.0", "tool", build)

    assert (len(built), names(tmp_path / "tools" / "1.0")) == (1, ["tool"])


def test_a_folder_whose_program_is_gone_is_made_again(tmp_path: Path) -> None:
    target = tmp_path / "1.0"
    for _ in range(2):
        cache.install(target, "tool", lambda folder: (folder / "tool").touch(0o755))
        (target / "tool").rename(target / "moved")

    assert names(target) == ["moved"]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_a_build_that_fails_leaves_nothing(error: BaseException, tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "part").write_text("half")
        raise error

    with pytest.raises(type(error)):
        cache.install(tmp_path / "1.0", "tool", build)

    assert names(tmp_path) == []


def test_of_two_processes_at_once_one_builds_and_the_other_waits_for_it(tmp_path: Path) -> None:
    target, marks = tmp_path / "tools" / "1.0", tmp_path / "marks"
    with installer(target, marks) as first:
        assert first.stdout is not None
        assert [first.stdout.readline() for _ in range(2)] == ["started\n", "building\n"]
        with installer(target, marks) as second:
            assert second.stdin is not None
            assert second.stderr is not None
            second.stdin.write("go\n")
            second.stdin.flush()
            waiting = second.stderr.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(0.5)
            seen_half_made = target.exists()
            first.communicate("go\n")
            second.communicate()

    assert (waiting, seen_half_made, first.returncode, second.returncode) == (
        "  … waiting for another process that installs 1.0\n",
        False,
        0,
        0,
    )
    assert (marks.read_text(), names(target)) == ("built\n", ["part", "tool"])


def test_what_a_killed_process_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    target, marks = tmp_path / "tools" / "1.0", tmp_path / "marks"
    with installer(target, marks) as killed:
        assert killed.stdout is not None
        assert [killed.stdout.readline() for _ in range(2)] == ["started\n", "building\n"]
        killed.kill()
    left = names(target.parent)

    cache.install(target, "tool", lambda folder: (folder / "tool").touch(0o755))

    assert (len(left), names(target.parent), names(target)) == (1, ["1.0"], ["tool"])


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    with pytest.raises(SetupError, match=r"disk full while installing .*XDG_CACHE_HOME"):
        cache.install(tmp_path / "1.0", "tool", build)

    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    def build(folder: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/cache")

    with pytest.raises(SetupError, match=r"cannot write /cache: Permission denied.*XDG_CACHE_HOME"):
        cache.install(tmp_path / "1.0", "tool", build)


def test_read_only_folders_are_removed_too(tmp_path: Path) -> None:
    module = tmp_path / "modules" / "example@v1"
    module.mkdir(parents=True)
    (module / "file.go").touch(0o444)
    module.chmod(0o555)

    cache.remove(tmp_path / "modules")

    assert names(tmp_path) == []


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    cache.remove(tmp_path / "gone")

    assert names(tmp_path) == []
