"""Other programs, run to the end."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.progress import Step

_TAIL_LINES = 25


class CommandFailed(Exception):
    """A program could not be started, or ended with an error.

    Attributes:
        reason: What went wrong in one line: its last words, or why it did not start.
    """

    def __init__(self, argv: Sequence[str], what: str, tail: Sequence[str]) -> None:
        self.reason = tail[-1] if tail else what
        shown = "".join(f"\n    {line}" for line in tail)
        super().__init__(f"`{shlex.join(argv)}` {what}{shown}")


def _unstarted(error: OSError) -> str:
    # What is missing may as well be the working folder, or the script's own interpreter.
    return f"did not start: {error.strerror}: {error.filename}"


def ask(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 60,
) -> str:
    """Runs a program that answers quickly.

    Args:
        argv: The program and its arguments.
        env: Its whole environment; left out, this process's.
        cwd: Its working folder; left out, this process's.
        seconds: How long it may take.

    Returns:
        What it printed on standard output.

    Raises:
        CommandFailed: It could not be started, ended with another status than 0, or took too long.
    """
    try:
        done = subprocess.run(
            argv,
            env=env,
            cwd=cwd,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except OSError as error:
        raise CommandFailed(argv, _unstarted(error), []) from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(argv, f"gave no answer in {seconds:g} s", []) from error
    if done.returncode != 0:
        tail = (done.stderr or done.stdout).strip().splitlines()[-_TAIL_LINES:]
        raise CommandFailed(argv, f"ended with status {done.returncode}", tail)
    return done.stdout


def work(
    argv: Sequence[str],
    shown: Step,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Runs a program that takes long, its last line shown as the progress of a step.

    Args:
        argv: The program and its arguments.
        shown: The step that it is part of.
        env: Its whole environment; left out, this process's.
        cwd: Its working folder; left out, this process's.

    Raises:
        CommandFailed: It could not be started or ended with another status than 0; has the end of
            what it printed.
    """
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    try:
        process = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise CommandFailed(argv, _unstarted(error), []) from error
    with process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip():
                    tail.append(line.rstrip())
                    shown.note(line)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise CommandFailed(argv, f"ended with status {process.returncode}", list(tail))


def attend(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> int:
    """Runs a program on this terminal and waits for it.

    Ctrl-C reaches the program too, which may have to finish what it began (Pulumi does): it is
    waited for, not killed.

    Args:
        argv: The program and its arguments.
        env: Its whole environment.
        cwd: Its working folder.

    Returns:
        Its exit status; as a shell says it, 128 and the signal's number where a signal ended it.

    Raises:
        CommandFailed: It could not be started.
    """
    try:
        process = subprocess.Popen(argv, env=env, cwd=cwd)
    except OSError as error:
        raise CommandFailed(argv, _unstarted(error), []) from error
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, kept)
    return 128 - status if status < 0 else status


def become(argv: Sequence[str], *, env: Mapping[str, str]) -> None:
    """Replaces this process by a program, so that its exit status and its signals are its own.

    Args:
        argv: The program and its arguments; a bare name is looked up in `env`'s PATH.
        env: Its whole environment.

    Raises:
        CommandFailed: It could not be started.
    """
    try:
        os.execvpe(argv[0], list(argv), dict(env))
    except OSError as error:
        raise CommandFailed(argv, _unstarted(error), []) from error
