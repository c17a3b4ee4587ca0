from collections.abc import Callable

import pytest

from bootstrap.way import SetupError, Way, WayFailed, first_that_works


def refusing(reason: str) -> Callable[[], str]:
    def attempt() -> str:
        raise WayFailed(reason)

    return attempt


def test_the_first_way_that_works_ends_the_search() -> None:
    tried = []

    def works(name: str) -> Callable[[], str]:
        def attempt() -> str:
            tried.append(name)
            return name

        return attempt

    got = first_that_works(
        "a tool",
        [
            Way("first", refusing("not there")),
            Way("second", works("second")),
            Way("third", works("third")),
        ],
        "Install it.",
    )

    assert (got, tried) == (("second", "second"), ["second"])


def test_where_every_way_fails_each_is_named_with_its_reason_and_then_the_remedy() -> None:
    ways = [Way("tool on PATH", refusing("not there")), Way("download", refusing("no network"))]

    with pytest.raises(SetupError) as refused:
        first_that_works("a tool", ways, "Install tool 3.")

    assert str(refused.value) == (
        "no way to get a tool works here. Tried, in this order:\n"
        "  1. tool on PATH: not there\n"
        "  2. download: no network\n"
        "Install tool 3."
    )


def test_a_defect_is_not_taken_for_a_way_that_does_not_work_here() -> None:
    def broken() -> str:
        raise KeyError("name")

    with pytest.raises(KeyError):
        first_that_works("a tool", [Way("broken", broken)], "Install it.")
