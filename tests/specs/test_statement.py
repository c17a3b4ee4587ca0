"""What the toolkit does with a SQL file: whole names, one hash, complaints with their place."""

from pathlib import Path

import pytest
from bqvertex.specs.statement import StatementError, read_statement
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent / "statement"
SQL = Path(__file__).parents[2] / "sql"
GOLDEN = sorted(path.name.removesuffix(".in.sql") for path in HERE.glob("*.in.sql"))
FILES = [*sorted(HERE.glob("*.sql")), *sorted(SQL.rglob("*.sql"))]
SCHEMAS = {
    "departures": [
        {"name": "carrier", "type": "STRING"},
        {"name": "distance_miles", "type": "INTEGER"},
        {"name": "is_late", "type": "BOOLEAN"},
    ]
}
MODEL = """-- Will it be late?
CREATE MODEL late
TRANSFORM (is_late, ML.STANDARD_SCALER(distance_miles) OVER () AS distance)
OPTIONS (model_type = 'LOGISTIC_REG', max_iterations = 10)
AS SELECT is_late, distance_miles FROM departures
"""


@pytest.mark.parametrize("name", GOLDEN)
def test_names_of_tables_and_models_become_whole_and_nothing_else_changes(name: str) -> None:
    statement = read_statement((HERE / f"{name}.in.sql").read_text())

    assert statement.qualified("my-project", "flights") == (HERE / f"{name}.out.sql").read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_whole_names_stay_as_they_are_and_are_read_again(file: Path) -> None:
    once = read_statement(file.read_text()).qualified("my-project", "flights")

    assert read_statement(once).qualified("another-project", "elsewhere") == once


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@settings(deadline=None)
@given(NAMES, NAMES)
def test_no_project_or_dataset_escapes_its_quotes(project: str, dataset: str) -> None:
    statement = read_statement("SELECT x FROM t -- `")

    (reference,) = read_statement(statement.qualified(project, dataset)).references

    assert reference.path == tuple(".".join((project, dataset, "t")).split("."))


def test_the_model_gets_the_name_it_is_given_and_is_replaced_on_demand() -> None:
    statement = read_statement("CREATE /* x */ OR REPLACE MODEL IF NOT EXISTS m AS SELECT 1 AS a")
    target = ("p", "d", "other")

    written = [statement.qualified("p", "d", target=target, replace=r) for r in (True, False, None)]

    assert written == [
        "CREATE OR REPLACE MODEL `p`.`d`.`other` AS SELECT 1 AS a",
        "CREATE MODEL `p`.`d`.`other` AS SELECT 1 AS a",
        "CREATE /* x */ OR REPLACE MODEL IF NOT EXISTS `p`.`d`.`other` AS SELECT 1 AS a",
    ]


def hashed(sql: str) -> str:
    return read_statement(sql).definition_hash("p", "d")


@pytest.mark.parametrize(
    "same",
    [
        MODEL.replace("-- Will it be late?\n", ""),
        MODEL.replace("AS SELECT", "/* training\n rows */ as select"),
        MODEL.replace("\n", "\n\n   "),
        MODEL.replace(
            "model_type = 'LOGISTIC_REG', max_iterations = 10",
            'MAX_ITERATIONS=10, Model_Type="LOGISTIC_REG"',
        ),
        MODEL.replace("FROM departures", "FROM `p.d.departures`"),
        MODEL.replace("CREATE MODEL late", "CREATE OR REPLACE MODEL p.d.late"),
        MODEL.replace("is_late, d", "`is_late`, d").rstrip() + ";",
    ],
    ids=[
        "comment",
        "comment and case",
        "white space",
        "options",
        "whole name",
        "replace",
        "quotes",
    ],
)
def test_what_means_the_same_has_the_same_hash(same: str) -> None:
    assert same != MODEL
    assert hashed(same) == hashed(MODEL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 10", "= 11"),
        ("'LOGISTIC_REG'", "'LINEAR_REG'"),
        ("max_iterations = 10", "max_iterations = 10, l1_reg = 0.1"),
        (", max_iterations = 10", ""),
        ("AS distance)", "AS distance_scaled)"),
        ("is_late, distance_miles FROM", "is_late, carrier, distance_miles FROM"),
        ("FROM departures", "FROM departures WHERE TRUE"),
        ("FROM departures", "FROM other.departures"),
        ("STANDARD_SCALER", "MIN_MAX_SCALER"),
    ],
)
def test_what_means_something_else_has_another_hash(old: str, new: str) -> None:
    assert old in MODEL
    assert hashed(MODEL.replace(old, new)) != hashed(MODEL)


def test_options_that_cost_no_training_can_be_left_out_of_the_hash() -> None:
    with_labels = MODEL.replace("= 10", "= 10, labels = [('a', 'b')]")

    assert hashed(with_labels) != hashed(MODEL)
    assert read_statement(with_labels).definition_hash(
        "p", "d", without_options={"LABELS"}
    ) == hashed(MODEL)


def test_the_hash_is_the_one_that_states_already_hold() -> None:
    # A change of this value retrains every model of every user at their next update.
    assert hashed(MODEL) == "6c64435baa506a6736720ae2e42207e461ca3356ef483a448e5770060b20cf37"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE MODEL m AS SELECT 1 a", "CREATE MODEL m\nOPTIONS (A = 1, B = 'x') AS SELECT 1 a"),
        (
            "CREATE MODEL m OPTIONS(a = 2 /* c */, c = 3)",
            "CREATE MODEL m OPTIONS(A = 1 /* c */, c = 3, B = 'x')",
        ),
        ("CREATE MODEL m OPTIONS ()", "CREATE MODEL m OPTIONS (A = 1, B = 'x')"),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT",
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT\nOPTIONS (A = 1, B = 'x')",
        ),
        (
            "CREATE MODEL m INPUT(i INT64) OUTPUT(o INT64) REMOTE WITH CONNECTION p.us.c",
            "CREATE MODEL m INPUT(i INT64) OUTPUT(o INT64) REMOTE WITH CONNECTION p.us.c\n"
            "OPTIONS (A = 1, B = 'x')",
        ),
    ],
)
def test_options_are_set_where_the_grammar_wants_them(sql: str, expected: str) -> None:
    written = read_statement(sql).with_options({"A": 1.0, "B": "x"})

    assert written == expected
    assert read_statement(written).create_model is not None


def test_options_of_another_statement_are_refused() -> None:
    with pytest.raises(ValueError, match=r"q\.sql is SELECT; options need CREATE MODEL"):
        read_statement("SELECT 1", "q.sql").with_options({"A": 1})


def test_a_wrong_column_is_refused_with_file_line_column_and_caret() -> None:
    statement = read_statement(MODEL.replace("(distance_miles)", "(distance_mile)"), "sql/late.sql")

    with pytest.raises(StatementError) as caught:
        statement.check(SCHEMAS)

    assert str(caught.value) == (
        "sql/late.sql:3:40: Unrecognized name: distance_mile; Did you mean distance_miles?\n"
        "TRANSFORM (is_late, ML.STANDARD_SCALER(distance_mile) OVER () AS distance)\n"
        f"{' ' * 39}^"
    )


def test_wrong_syntax_is_refused_when_the_file_is_read() -> None:
    with pytest.raises(StatementError) as caught:
        read_statement("SELECT 1\nFRM t", "sql/x.sql")

    assert (caught.value.file, caught.value.line, caught.value.column) == ("sql/x.sql", 2, 5)
    assert str(caught.value).splitlines()[1:] == ["FRM t", "    ^"]


def test_a_text_of_no_file_is_called_statement() -> None:
    with pytest.raises(StatementError, match=r"\Astatement:1:1: Syntax error"):
        read_statement("SELEC 1")


def test_what_a_right_statement_trains_on() -> None:
    analysis = read_statement(MODEL).check(SCHEMAS)

    assert analysis is not None
    assert [(c.name, c.type) for c in analysis.transform_columns] == [
        ("is_late", "BOOL"),
        ("distance", "FLOAT64"),
    ]


@pytest.mark.parametrize(
    "sql",
    ["SELECT nope FROM undeclared", "SELECT ONLY_BIGQUERY_KNOWS(carrier) FROM departures"],
    ids=["table", "function"],
)
def test_what_cannot_be_known_offline_is_left_to_bigquery(sql: str) -> None:
    assert read_statement(sql).check(SCHEMAS) is None


def test_the_header_and_the_kind() -> None:
    statement = read_statement(MODEL)

    assert (statement.header, statement.kind) == ("Will it be late?", "CREATE_MODEL")
