"""One option of CREATE MODEL: its values are what the data says, and no text escapes."""

from collections.abc import Iterator
from typing import Any

import pytest
from bqvertex.specs.model_kind import kinds
from bqvertex.specs.model_option import Limits, ModelOption
from bqvertex.specs.statement import read_statement
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.constant import Constant, Expression, Interval

OPTIONS = sorted(
    {(kind.name, name) for kind in kinds().values() for name in kind.options},
    key=lambda pair: (pair[1], pair[0]),
)
# One of each spelling in the data: many kinds share an option.
DISTINCT = list(
    {repr(kinds()[kind].options[name]): (kind, name) for kind, name in OPTIONS}.values()
)

A_VALUE: dict[str, Constant] = {
    "STRING": "text",
    "ENUM": "text",
    "INT64": 7,
    "FLOAT64": 0.5,
    "BOOL": True,
    "INTERVAL": Interval(8, "HOUR"),
    "ARRAY<STRING>": ["text"],
    "ARRAY<INT64>": [7],
    "ARRAY<STRUCT<STRING,FLOAT64>>": [("text", 0.5)],
    "ARRAY<STRUCT<STRING,STRING>>": [("text", "text")],
    "STRUCT<STRING,FLOAT64>": ("text", 0.5),
    "STRUCT<INT64,INT64,INT64>": (1, 1, 1),
}
TAKEN_TOO = {
    "ENUM": {"STRING"},
    "STRING": {"ENUM"},
    "FLOAT64": {"INT64"},
    "ARRAY<STRUCT<STRING,FLOAT64>>": set(),
}


def option_of(kind: str, name: str) -> ModelOption:
    return kinds()[kind].options[name]


def test_every_type_of_the_data_is_tried_here() -> None:
    types = {t for kind, name in OPTIONS for t in option_of(kind, name).type.split("|")}

    assert types == A_VALUE.keys()


@pytest.mark.parametrize(("kind", "name"), DISTINCT)
def test_a_value_of_another_type_is_refused(kind: str, name: str) -> None:
    option = option_of(kind, name)
    types = option.type.split("|")
    taken = {t for type_ in types for t in ({type_} | TAKEN_TOO.get(type_, set()))}

    for type_ in A_VALUE.keys() - taken:
        (reason,) = option.problems(A_VALUE[type_])
        assert reason.startswith(f"{name} takes {option.allowed}, not ")


def beyond(limits: Limits) -> Iterator[float]:
    if limits.minimum is not None:
        yield limits.minimum - 1
    if limits.maximum is not None:
        yield limits.maximum + 1
    if limits.above is not None:
        yield limits.above
    if limits.below is not None:
        yield limits.below


def within(limits: Limits) -> Iterator[float]:
    yield from (limit for limit in (limits.minimum, limits.maximum) if limit is not None)
    if limits.above is not None and limits.below is not None:
        yield (limits.above + limits.below) / 2


def in_type(option: ModelOption, size: float) -> Any:
    if option.type == "INTERVAL":
        return Interval(int(size), "MINUTE")
    return [int(size)] if option.type == "ARRAY<INT64>" else size


BOUNDED = [pair for pair in DISTINCT if [*beyond(option_of(*pair).limits)]]


@pytest.mark.parametrize(("kind", "name"), BOUNDED)
def test_a_value_beyond_its_limits_is_refused_and_the_limit_is_not(kind: str, name: str) -> None:
    option = option_of(kind, name)

    for size in beyond(option.limits):
        (reason,) = option.problems(in_type(option, size))
        assert f"{name} takes {option.limits.words}" in reason
    for size in within(option.limits):
        assert list(option.problems(in_type(option, size))) == []


WORDED = [pair for pair in DISTINCT if option_of(*pair).limits.values]


@pytest.mark.parametrize(("kind", "name"), WORDED)
def test_the_words_of_an_option_are_taken_in_any_case_and_no_others(kind: str, name: str) -> None:
    option = option_of(kind, name)
    scalar = any(t in ("ENUM", "STRING") for t in option.type.split("|"))

    for word in option.limits.values:
        for written in (word, word.lower()):
            assert list(option.problems(written if scalar else [written])) == []
    (reason,) = option.problems("NO_SUCH_WORD" if scalar else ["NO_SUCH_WORD"])
    assert reason.startswith(f"{name} takes {option.limits.words}, not 'NO_SUCH_WORD'")


@pytest.mark.parametrize(("kind", "name"), DISTINCT)
@pytest.mark.parametrize("value", [None, Expression("CONCAT('a', @b)")])
def test_what_is_no_constant_is_left_to_bigquery(kind: str, name: str, value: Constant) -> None:
    assert list(option_of(kind, name).problems(value)) == []


def test_a_secret_is_not_shown() -> None:
    token = option_of("REMOTE:open_model", "HUGGING_FACE_TOKEN")

    (reason,) = token.problems(["hf_secret"])

    assert "hf_secret" not in reason


texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.integers(-(2**63), 2**63 - 1)
reals = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "STRING": texts,
    "ENUM": texts,
    "INT64": numbers,
    "FLOAT64": reals,
    "BOOL": st.booleans(),
    "INTERVAL": st.builds(
        Interval, st.integers(0, 10**6), st.sampled_from(["MINUTE", "HOUR", "DAY"])
    ),
    "ARRAY<STRING>": st.lists(texts, max_size=4),
    "ARRAY<INT64>": st.lists(numbers, max_size=4),
    "ARRAY<STRUCT<STRING,FLOAT64>>": st.lists(st.tuples(texts, reals), max_size=3),
    "ARRAY<STRUCT<STRING,STRING>>": st.lists(st.tuples(texts, texts), max_size=3),
    "STRUCT<STRING,FLOAT64>": st.tuples(texts, reals),
    "STRUCT<INT64,INT64,INT64>": st.tuples(numbers, numbers, numbers),
}


@st.composite
def some_options(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(kinds())))
    names = draw(st.lists(st.sampled_from(sorted(kinds()[kind].options)), unique=True, max_size=4))
    types = {name: draw(st.sampled_from(option_of(kind, name).type.split("|"))) for name in names}
    return {name: draw(VALUES[type_]) for name, type_ in types.items()}


@settings(deadline=None, max_examples=150)
@given(some_options())
def test_what_is_written_is_read_back_and_nothing_escapes(options: dict[str, Any]) -> None:
    plain = read_statement("CREATE MODEL m OPTIONS (model_type = 'X') AS SELECT 1 AS a, 'b' AS b")

    read = read_statement(plain.with_options(options)).create_model

    assert plain.create_model is not None
    assert read is not None
    assert dict(read.options) == {"MODEL_TYPE": "X", **options}
    assert (read.query, read.path) == (plain.create_model.query, plain.create_model.path)
