"""Local processes that run together, as the replicas of a job."""

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One process to be.

    Attributes:
        words: The command and its arguments.
        environment: All of its environment.
        folder: Where it runs; its file `log` takes what it prints.
    """

    words: Sequence[str]
    environment: Mapping[str, str]
    folder: Path

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / "log"


@dataclass(frozen=True)
class Ended:
    """A process that is over.

    Attributes:
        index: Which of the programs it was.
        code: What it ended with; negative: the signal that ended it.
    """

    index: int
    code: int


class ProcessGroup:
    """Processes that are started together and stopped together, with all that they started.

    Args:
        programs: What is run.
    """

    def __init__(self, programs: Sequence[Program]) -> None:
        self.programs = programs
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ended: queue.SimpleQueue[Ended | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def pids(self) -> list[int]:
        """The ids of the processes."""
        return [process.pid for process in self._processes]

    def start(self) -> None:
        """Start every process.

        Raises:
            OSError: One cannot be started; those before it are stopped.
        """
        try:
            for index, program in enumerate(self.programs):
                self._start(index, program)
        except OSError:
            self.stop()
            raise

    def _start(self, index: int, program: Program) -> None:
        program.folder.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if self._stopped:
                return
            with program.log.open("wb") as output:
                process = subprocess.Popen(
                    program.words,
                    cwd=program.folder,
                    env=program.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._processes.append(process)

        def wait() -> None:
            self._ended.put(Ended(index, process.wait()))

        threading.Thread(target=wait, name=f"wait-{process.pid}", daemon=True).start()

    def next_ended(self, seconds: float) -> Ended | None:
        """Wait until one more process is over.

        Args:
            seconds: How long at most.

        Returns:
            None when none was in that time, or the group was stopped.
        """
        if self._stopped:
            return None
        try:
            return self._ended.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return None

    def stop(self) -> None:
        """End every process and what it started; safe to ask for more than once."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                # A session of its own: its children have its id for their group.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._ended.put(None)
