"""Ids that Google would refuse are refused before, with Google's rule."""

import pytest
from bqvertex.specs.identifier import (
    CONNECTION,
    DATASET,
    MODEL,
    PROJECT,
    TABLE,
    Rule,
    problems,
    quoted_path,
)
from bqvertex.specs.unknown import UNKNOWN


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (PROJECT, "my-project"),
        (PROJECT, "example.com:my-project"),
        (DATASET, "flights_2013"),
        (MODEL, "m" * 1024),
        (TABLE, "größe 1-a"),
        (CONNECTION, "vertex-ai_1"),
    ],
)
def test_allowed_ids(rule: Rule, value: str) -> None:
    assert list(problems("id", value, rule)) == []


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (PROJECT, "My-Project"),
        (PROJECT, "short"),
        (PROJECT, "ends-with-"),
        (PROJECT, "p" * 31),
        (DATASET, "a-b"),
        (DATASET, "größe"),
        (MODEL, ""),
        (MODEL, "m" * 1025),
        (MODEL, "a`b"),
        (MODEL, "a\n"),
        (TABLE, "a.b"),
        (CONNECTION, "a.b"),
        (MODEL, 7),
    ],
)
def test_ids_that_are_refused_with_the_value_and_the_rule(rule: Rule, value: object) -> None:
    (name, reason), *more = problems("model_id", value, rule)

    assert (name, more) == ("model_id", [])
    assert reason.startswith(f"{value!r} is no {rule.noun}; allowed are {rule.words} (https://")


@pytest.mark.parametrize("value", [None, UNKNOWN])
def test_what_is_not_known_yet_is_no_problem(value: object) -> None:
    assert list(problems("id", value, PROJECT)) == []


def test_a_path_is_quoted_part_by_part() -> None:
    assert quoted_path(("my-project", "d", "a`b")) == "`my-project`.`d`.`a\\`b`"
