"""A new version of the toolkit may hash a statement in another way, and that retrains nothing."""

from typing import Any

import pytest
from bqvertex.specs import model
from bqvertex.specs.statement import read_statement

from googlesql import canonical

STATEMENT = (
    "CREATE MODEL m OPTIONS (model_type = 'linear_reg') AS "
    "(SELECT (a) label, b FROM t WHERE (a > 1))"
)
ALIKE = (
    'CREATE MODEL m\nOPTIONS (MODEL_TYPE = "LINEAR_REG") AS\n'
    "SELECT a AS label, b FROM t WHERE a > 1"
)
OF_ANOTHER_VERSION = "f" * 64


def inputs(statement: str, **more: Any) -> dict[str, Any]:
    place = {"project": "my-project", "location": "EU", "dataset_id": "d", "model_id": "m"}
    return {**place, "statement": statement, **more}


@pytest.mark.parametrize("now", [STATEMENT, ALIKE], ids=["the same text", "written otherwise"])
def test_a_hash_of_another_version_is_kept_while_the_statement_means_the_same(now: str) -> None:
    state = inputs(STATEMENT, definition_hash=OF_ANOTHER_VERSION)

    assert model.derived(state, inputs(now))["definition_hash"] == OF_ANOTHER_VERSION


def test_a_statement_that_means_something_else_gets_a_hash_of_its_own() -> None:
    state = inputs(STATEMENT, definition_hash=OF_ANOTHER_VERSION)

    changed = model.derived(state, inputs(STATEMENT.replace("> 1", "> 2")))["definition_hash"]

    assert changed not in (OF_ANOTHER_VERSION, model.derived({}, inputs(STATEMENT)))


def test_the_form_of_views_is_the_one_that_states_hold() -> None:
    # A view's text is an input of its resource, and its hash one of `retrain_on`: neither may
    # change with a version of the toolkit.
    sql = "SELECT (a) x, `b` , Count(*) AS n FROM t -- why\nWHERE (a <> 1) GROUP BY 1, 2;"

    assert canonical.canonical(read_statement(sql).tree, sql) == (
        "SELECT ( a ) x , b , COUNT ( * ) AS n FROM `t` WHERE ( a <> 1 ) GROUP BY 1 , 2"
    )
