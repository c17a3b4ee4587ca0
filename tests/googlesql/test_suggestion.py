"""Hints at what was meant, beside Google's own words."""

import pytest

from googlesql import suggestion
from googlesql.errors import SqlError, condensed
from googlesql.parser import parse_statement


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT a FORM t", 'Expected end of input but got identifier "t"; Did you mean FROM?'),
        ("SELECT a FROM t WEHRE a > 1", 'Expected end of input but got identifier "a"; '
         "Did you mean WHERE?"),
        ("CRAETE MODEL m AS SELECT 1", 'Unexpected identifier "CRAETE"; Did you mean CREATE?'),
        ("SELECT a AS group FROM t", "Unexpected keyword GROUP; GROUP is reserved: as a name, "
         "write `group`"),
        ("SELECT 'it's' FROM t", "Unclosed string literal"),
        ("SELECT a FROM (t", 'Expected keyword JOIN but got end of statement'),
    ],
)  # fmt: skip
def test_a_syntax_error_is_told_with_a_hint_where_a_word_led_to_it(sql: str, reason: str) -> None:
    with pytest.raises(SqlError) as caught:
        parse_statement(sql)

    hinted = suggestion.of_syntax(caught.value, sql)

    assert hinted.reason == f"Syntax error: {reason}"
    assert (hinted.line, hinted.column) == (caught.value.line, caught.value.column)


def test_the_nearest_function_of_bigquery_takes_the_place_of_a_far_one() -> None:
    near = suggestion.of_function("Function not found: COUTN; Did you mean cot?", "COUTN")
    none = suggestion.of_function("Function not found: xyzzy_plugh", "xyzzy_plugh")

    assert near == "Function not found: COUTN; Did you mean COUNT?"
    assert none == "Function not found: xyzzy_plugh"


def test_signatures_that_do_not_fit_are_told_in_few_lines() -> None:
    head = "No matching signature for operator +"
    many = "".join(f"\n  Signature: T{n} + T{n}\n    Argument 1: no" for n in range(6))

    told = condensed(f"{head}\n  Argument types: INT64, STRING{many}")

    assert told == (
        f"{head}; argument types: INT64, STRING\n"
        "  Signatures: T0 + T0; T1 + T1; T2 + T2; T3 + T3 and 2 more"
    )


def test_few_signatures_and_other_reasons_stay_as_they_are() -> None:
    few = "No matching signature for function F\n  Argument types: INT64\n  Signature: F(STRING)"

    assert condensed(few) == (
        "No matching signature for function F; argument types: INT64\n  Signature: F(STRING)"
    )
    assert condensed("Unrecognized name: a\nb") == "Unrecognized name: a\nb"
