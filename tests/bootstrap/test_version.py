import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap import version

numbers = st.lists(st.integers(0, 9999), min_size=2, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go1.27\n", (1, 27)),
        ("uv 0.13.9 (x86_64-unknown-linux-gnu)", (0, 13, 9)),
        ("v3.260.0-alpha.1762391234", (3, 260, 0, -1)),
        ("go1.27rc1", (1, 27, -1)),
    ],
)
def test_the_version_is_found_in_what_tools_print(printed: str, expected: tuple[int, ...]) -> None:
    found = version.find(printed)

    assert found == expected


def test_a_text_without_a_version_says_so() -> None:
    with pytest.raises(version.NoVersion, match="no version number in 'devel'"):
        version.find("devel\n")


def test_a_pre_release_is_older_than_its_release() -> None:
    candidate = version.find("v3.259.0-alpha.1")

    assert not version.at_least(candidate, (3, 259))


@given(numbers, numbers)
def test_versions_compare_by_number_and_not_by_text(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    padded_one, padded_other = one + (0,) * (4 - len(one)), other + (0,) * (4 - len(other))

    assert version.at_least(one, other) == (padded_one >= padded_other)


@given(numbers)
def test_what_is_written_is_found_again(written: tuple[int, ...]) -> None:
    assert version.find(f"tool v{version.text(written)} (build)") == written
