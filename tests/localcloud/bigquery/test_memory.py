"""What work leaves in memory is given back once nothing runs."""

import threading
from collections.abc import Iterator

import pytest

from localcloud.bigquery.memory import ENOUGH_BYTES, IdleMemory

LONGEST_S = 10.0


class Process:
    """A process that holds much, and is told to give it back."""

    def __init__(self) -> None:
        self.held_bytes = ENOUGH_BYTES + 1
        self.looked, self.released = threading.Event(), threading.Event()

    def held(self) -> int:
        self.looked.set()
        return self.held_bytes


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def memory(process: Process) -> Iterator[IdleMemory]:
    watched = IdleMemory(process.released.set, process.held, idle_seconds=0.01)
    yield watched
    watched.close()


def test_memory_is_given_back_after_the_last_job(memory: IdleMemory, process: Process) -> None:
    with memory.in_use(), memory.in_use():
        pass

    assert process.released.wait(LONGEST_S)


def test_a_small_process_is_left_alone(memory: IdleMemory, process: Process) -> None:
    process.held_bytes = ENOUGH_BYTES

    with memory.in_use():
        pass

    assert (process.looked.wait(LONGEST_S), process.released.is_set()) == (True, False)


def test_nothing_is_given_back_while_a_job_runs(memory: IdleMemory, process: Process) -> None:
    with memory.in_use():
        with memory.in_use():
            pass
        looked = process.looked.wait(0.1)

    assert not looked


def test_nothing_is_given_back_where_nothing_has_run(process: Process) -> None:
    watched = IdleMemory(process.released.set, process.held, idle_seconds=0.01)

    watched.close()

    assert not process.looked.is_set()
