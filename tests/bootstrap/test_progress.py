import io

import pytest

from bootstrap.progress import Step, duration, step


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (303, "5 min 03 s")],
)
def test_a_duration_reads_as_people_say_it(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_off_a_terminal_a_long_step_gives_a_sign_of_life_every_fifteen_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    shown = Step("building", stream, clock)

    shown.begin()
    for second in range(1, 41):
        clock.now = second
        shown.note(f"package {second}\n")
        shown.tick()
    shown.end("✓")

    assert stream.getvalue() == (
        "  … building\n"
        "  … building, 15 s so far: package 15\n"
        "  … building, 30 s so far: package 30\n"
        "  ✓ building (40 s)\n"
    )


def test_on_a_terminal_a_step_is_one_line_written_anew() -> None:
    stream, clock = Terminal(), Clock()
    shown = Step("building", stream, clock)

    shown.begin()
    clock.now = 1.5
    shown.tick()
    shown.end("✓")

    assert stream.getvalue().replace("\r\x1b[K", "|") == (
        "|  … building|  … building (1.5 s)|  ✓ building (1.5 s)\n"
    )


def test_on_a_terminal_no_line_is_longer_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    shown = Step("building", stream, Clock())

    shown.note("a very long line of a compiler" * 5)
    shown.tick()

    assert len(stream.getvalue().removeprefix("\r\x1b[K")) == 29


def test_a_step_that_fails_shows_its_reason_and_lets_the_error_through() -> None:
    stream = io.StringIO()

    with pytest.raises(ValueError, match="no network"), step("fetching", stream=stream):
        raise ValueError("no network\nand more")

    assert stream.getvalue() == "  … fetching\n  ✗ fetching (0.0 s): no network\n"
