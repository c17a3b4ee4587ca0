from dataclasses import fields
from itertools import combinations

import pytest
from bqvertex.specs.model import (
    DEFINITION,
    IDENTITY,
    INPUTS,
    METADATA,
    SILENT,
    ModelSpec,
    changed,
    create_statement,
    derived,
    evaluate_statement,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.lexer import TokenKind, tokens

STATEMENT = """\
-- Will a flight be late?
CREATE MODEL arrival_delay
TRANSFORM (is_late, origin, ML.BUCKETIZE(distance, [500, 1000]) AS bucket)
OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_late'], l2_reg = 0.5, max_iterations = 5)
AS
SELECT is_late, origin, distance
FROM departures
WHERE flight_date BETWEEN DATE '2013-01-01' AND DATE '2013-06-30' AND origin != 'LGA'
"""  # noqa: E501
INPUT = {
    "project": "acme-prod",
    "location": "us-central1",
    "dataset_id": "flights",
    "model_id": "arrival_delay",
}


def state(statement: str) -> dict[str, object]:
    inputs = {**INPUT, "statement": statement}
    return {**inputs, **derived({}, inputs)}


def test_every_input_has_one_cost():
    groups = [IDENTITY, DEFINITION, METADATA, SILENT]

    assert frozenset(f.name for f in fields(ModelSpec)) == INPUTS
    assert all(one.isdisjoint(other) for one, other in combinations(groups, 2))


PIECES = [(t.kind, t.text) for t in tokens(STATEMENT)]
# Not the line end that closes the comment: what follows would become part of it.
GAPS = [i for i, (kind, _) in enumerate(PIECES) if kind is TokenKind.SPACE and i > 1]
KEYWORDS = [
    i
    for i, (kind, text) in enumerate(PIECES)
    if kind is TokenKind.WORD and text in {"CREATE", "MODEL", "OPTIONS", "SELECT", "FROM", "DATE"}
]
OPTIONS = [
    "model_type = 'LOGISTIC_REG'",
    "input_label_cols = ['is_late']",
    "l2_reg = 0.5",
    "max_iterations = 5",
]
spaces = st.sampled_from([" ", "\n", "\t\n  ", " -- why\n", " /* FROM nowhere; */ ", "\n# note\n"])


@st.composite
def cosmetically_edited(draw) -> str:
    pieces = [text for _, text in PIECES]
    for at in draw(st.lists(st.sampled_from(GAPS), max_size=8)):
        pieces[at] = draw(spaces)
    for at in draw(st.lists(st.sampled_from(KEYWORDS), max_size=4)):
        pieces[at] = draw(st.sampled_from([str.lower, str.title]))(pieces[at])
    text = "".join(pieces)
    listed = ", ".join(OPTIONS)
    if listed in text:
        shuffled = draw(st.permutations(OPTIONS))
        upper = draw(st.booleans())
        text = text.replace(listed, ", ".join(_upper(o) if upper else o for o in shuffled))
    name = draw(st.sampled_from(["departures", "`departures`", "flights.departures"]))
    return text.replace("departures", name)


def _upper(option: str) -> str:
    name, _, value = option.partition(" = ")
    return f"{name.upper()}={value}"


@settings(deadline=None, max_examples=60)
@given(cosmetically_edited())
def test_a_cosmetic_edit_changes_nothing(edited):
    assert not changed(state(STATEMENT), state(edited)) - SILENT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("distance\nFROM", "distance, dest\nFROM"),
        ("SELECT is_late", "SELECT DISTINCT is_late"),
        ("'LGA'", "'lga'"),
        ("'LGA'", "' LGA'"),
        ("!=", "="),
        ("2013-06-30", "2013-07-30"),
        ("FROM departures", "FROM other"),
        ("FROM departures", "FROM other.departures"),
        ("[500, 1000]", "[500, 1001]"),
        ("[500, 1000]", "[1000, 500]"),
        ("AS bucket", "AS distance_bucket"),
        ("l2_reg = 0.5", "l1_reg = 0.5"),
        ("l2_reg = 0.5, ", ""),
        ("'LOGISTIC_REG'", "'LINEAR_REG'"),
        ("TRANSFORM (is_late, ", "TRANSFORM (is_late, distance, "),
    ],
)
def test_a_semantic_edit_changes_the_definition(old, new):
    assert old in STATEMENT

    edited = STATEMENT.replace(old, new)

    assert "definition_hash" in changed(state(STATEMENT), state(edited))


numbers = st.integers(min_value=0, max_value=10**6)


@settings(deadline=None, max_examples=40)
@given(numbers, numbers)
def test_two_values_of_an_option_are_one_definition_only_if_they_are_equal(one, other):
    first = state(STATEMENT.replace("= 5)", f"= {one})"))
    second = state(STATEMENT.replace("= 5)", f"= {other})"))

    assert ("definition_hash" in changed(first, second)) == (one != other)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\\'\n\r\x00"), max_size=12)


@settings(deadline=None, max_examples=40)
@given(texts, texts)
def test_two_texts_in_the_query_are_one_definition_only_if_they_are_equal(one, other):
    first = state(STATEMENT.replace("'LGA'", f"'{one}'"))
    second = state(STATEMENT.replace("'LGA'", f"'{other}'"))

    assert ("definition_hash" in changed(first, second)) == (one != other)


@pytest.mark.parametrize(
    ("replace", "head"),
    [
        (False, "CREATE MODEL `acme-prod`.`flights`.`arrival_delay`\nTRANSFORM"),
        (True, "CREATE OR REPLACE MODEL `acme-prod`.`flights`.`arrival_delay`\nTRANSFORM"),
    ],
)
@pytest.mark.parametrize("written", ["CREATE MODEL", "CREATE OR REPLACE MODEL", "CREATE MODEL IF NOT EXISTS"])  # fmt: skip  # noqa: E501
def test_the_statement_sent_says_whether_it_replaces(written, replace, head):
    spec = ModelSpec.from_inputs(state(STATEMENT.replace("CREATE MODEL", written)))

    sent = create_statement(spec, replace=replace)

    assert head in sent
    assert "FROM `acme-prod`.`flights`.`departures`\n" in sent


def test_what_is_sent_means_what_is_declared():
    spec = ModelSpec.from_inputs(state(STATEMENT))

    sent = create_statement(spec, replace=True)

    assert state(sent)["definition_hash"] == spec.definition_hash


@pytest.mark.parametrize(
    ("statement", "evaluated"),
    [
        ("CREATE MODEL m OPTIONS (model_type='LINEAR_REG') AS SELECT 1 AS label, 2 AS x", True),
        ("CREATE MODEL m OPTIONS (model_type='KMEANS') AS SELECT 2 AS x", True),
        ("CREATE MODEL m OPTIONS (model_type='ONNX', model_path='gs://a/b')", False),
        ("CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS (endpoint='x')", False),
    ],
)
def test_only_kinds_with_an_evaluation_are_evaluated(statement, evaluated):
    spec = ModelSpec.from_inputs(state(statement) | {"model_id": "m"})

    assert (evaluate_statement(spec, spec.path) is not None) == evaluated


def test_another_way_of_hashing_in_a_new_version_retrains_nothing():
    olds = state(STATEMENT) | {"definition_hash": "0" * 64}
    news = {**INPUT, "statement": STATEMENT.replace("-- Will", "-- Will the comment change,")}

    found = derived(olds, news)

    assert found["definition_hash"] == "0" * 64


def test_a_definition_that_someone_changed_is_not_taken_for_ours():
    olds = state(STATEMENT) | {"definition_hash": "another one: label bqvertex_definition is None"}

    found = derived(olds, {**INPUT, "statement": STATEMENT})

    assert found == derived({}, {**INPUT, "statement": STATEMENT})
