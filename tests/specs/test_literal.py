"""Values of a stack's configuration as options of a model."""

import pytest
from bqvertex.specs.literal import options, render


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (40.0, "40"),
        (0.2, "0.2"),
        (True, "TRUE"),
        (["a", 1.0], "['a', 1]"),
        ({"a": 2.0}, "STRUCT(2 AS `a`)"),
        ("it's", "'it\\'s'"),
    ],
)
def test_whole_numbers_are_integers_however_the_engine_sends_them(
    value: object, written: str
) -> None:
    assert render(value) == written


def test_options_keep_their_order() -> None:
    assert options({"b": 1.0, "A": "x"}) == "b = 1, A = 'x'"


@pytest.mark.parametrize("name", ["a b", "a = 1, b", "", "größe", "1a"])
def test_a_name_of_an_option_that_is_no_word_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of an option"):
        options({name: 1})
