"""What ALTER MODEL sets trains nothing."""

import pytest
from bqvertex.specs.model import METADATA, SILENT, changed, derived, problems
from bqvertex.specs.model_alterable import (
    ALTERABLE,
    alter_statement,
    alterable_options,
    alterable_problems,
)
from bqvertex.specs.model_change import reason
from bqvertex.specs.model_kind import kinds
from bqvertex.specs.model_statement import read_model_statement

KEY = "projects/p/locations/us/keyRings/r/cryptoKeys/%s"
ENTRY = {"model_registry": "VERTEX_AI", "vertex_ai_model_id": "v"}
PATH = ("acme-prod", "d", "late")


def sql(**options: str) -> str:
    written = "".join(f", {name} = {value!r}" for name, value in options.items())
    model = "model_type = 'LINEAR_REG', input_label_cols = ['y']"
    return f"CREATE MODEL late OPTIONS ({model}{written}) AS SELECT 1 AS x, 2 AS y"


def checked(olds=None, **options: str) -> dict:
    inputs = {
        "project": "acme-prod",
        "location": "US",
        "dataset_id": "d",
        "model_id": "late",
        "statement": sql(**options),
    }
    return {**inputs, **derived(olds or {}, inputs)}


def test_the_options_are_those_that_the_data_call_alterable():
    named = {
        name
        for kind in kinds().values()
        for name, option in kind.options.items()
        if option.alterable
    }

    assert named | {"MODEL_REGISTRY"} == ALTERABLE


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"vertex_ai_model_id": "v"}, {"VERTEX_AI_MODEL_ID": "'v'"}),
        ({"model_registry": "VERTEX_AI"}, {"VERTEX_AI_MODEL_ID": "'late'"}),
        (
            {"model_registry": "VERTEX_AI", "vertex_ai_model_id": "v"},
            {"VERTEX_AI_MODEL_ID": "'v'"},
        ),
        ({"kms_key_name": KEY % "a"}, {"KMS_KEY_NAME": f"'{KEY % 'a'}'"}),
    ],
)
def test_options_are_read_from_the_statement(options, expected):
    assert alterable_options(read_model_statement(sql(**options), ""), "late") == expected


def test_an_entry_in_the_registry_trains_nothing():
    olds = checked()

    news = checked(olds, model_registry="VERTEX_AI", vertex_ai_model_id="v")

    assert changed(olds, news) - SILENT == {"alterable_options"} <= METADATA
    assert reason(olds, news, changed(olds, news) - SILENT) == (
        "changes metadata only, trains nothing: option VERTEX_AI_MODEL_ID 'v' added"
    )


def test_another_key_trains_nothing():
    olds = checked(kms_key_name=KEY % "a")

    news = checked(olds, kms_key_name=KEY % "b")

    assert changed(olds, news) - SILENT == {"alterable_options"}


def test_a_first_key_makes_the_model_again():
    olds = checked()

    news = checked(olds, kms_key_name=KEY % "a")

    assert "definition_hash" in changed(olds, news)


def test_a_state_that_does_not_know_of_these_options_shows_no_change():
    olds = checked(vertex_ai_model_id="v")
    del olds["alterable_options"]
    news = checked(olds, vertex_ai_model_id="v", l2_reg="0.0")

    assert changed(olds, checked(olds, vertex_ai_model_id="v")) == set()
    assert "alterable_options" not in changed(olds, news)


@pytest.mark.parametrize("now", [{}, {"vertex_ai_model_id": "other"}])
def test_an_entry_in_the_registry_cannot_be_another_or_none(now):
    olds = checked(vertex_ai_model_id="v")

    found = [text for _, text in problems(olds, checked(**now))]

    assert [text for text in found if "keeps its id in the Model Registry for life" in text] != []


def test_another_model_may_have_another_entry():
    olds = checked(**ENTRY) | {"model_id": "earlier"}

    assert [*problems(olds, checked(**ENTRY | {"vertex_ai_model_id": "other"}))] == []


def test_a_first_entry_is_no_problem():
    assert [*alterable_problems({}, {"VERTEX_AI_MODEL_ID": "'v'"})] == []


def test_only_what_differs_is_set():
    old = {"VERTEX_AI_MODEL_ID": "'v'", "KMS_KEY_NAME": "'a'"}

    statement = alter_statement(PATH, old, old | {"KMS_KEY_NAME": "'b'"})

    assert statement == "ALTER MODEL `acme-prod`.`d`.`late` SET OPTIONS (kms_key_name = 'b')"
    assert alter_statement(PATH, old, old) is None
    assert alter_statement(PATH, old, {}) is None
