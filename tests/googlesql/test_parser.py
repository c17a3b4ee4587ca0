"""Statements of BigQuery ML come apart into their parts."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from googlesql.constant import Call, Constant, Expression, Interval
from googlesql.create_model import CreateModel, ModelField, Transformed
from googlesql.errors import SqlError
from googlesql.parser import create_model, parse_statement, statements, table_functions

SQL = Path(__file__).parents[2] / "sql"


def read(sql: str) -> CreateModel:
    found = create_model(sql)
    assert found is not None
    return found


def test_a_boosted_tree_with_a_transform() -> None:
    model = read((SQL / "arrival_delay" / "model.sql").read_text())

    assert model.path == ("arrival_delay",)
    assert model.transform is not None
    assert [item.alias for item in model.transform][5:8] == [
        "day_of_week",
        "distance_bucket",
        "temperature_scaled",
    ]
    assert model.transform[7].text == "ML.STANDARD_SCALER(temperature_f) OVER ()"
    assert model.options["INPUT_LABEL_COLS"] == ["is_late"]
    assert model.options["MAX_ITERATIONS"] == 40
    assert model.options["ENABLE_GLOBAL_EXPLAIN"] is True
    assert model.query is not None
    assert model.query.startswith("SELECT\n  is_late,")
    assert (model.replace, model.if_not_exists, model.remote) == (False, False, False)


def test_an_imported_model() -> None:
    model = read(
        "CREATE MODEL IF NOT EXISTS `p.d.m` INPUT(x ARRAY<FLOAT64>, `a b` INT64) "
        "OUTPUT(predicted FLOAT64) OPTIONS(model_type='XGBOOST', model_path='gs://b/*')"
    )

    assert model.path == ("p", "d", "m")
    assert model.if_not_exists
    assert model.inputs == [ModelField("x", "ARRAY<FLOAT64>"), ModelField("a b", "INT64")]
    assert model.outputs == [ModelField("predicted", "FLOAT64")]
    assert (model.query, model.transform, model.connection) == (None, None, None)


def test_a_remote_model_over_an_endpoint() -> None:
    sql = (
        "CREATE OR REPLACE MODEL d.m INPUT(a STRING) OUTPUT(b FLOAT64) "
        "REMOTE WITH CONNECTION `p.us.c` OPTIONS(endpoint='https://x/é', ttl=INTERVAL 390 MINUTE)"
    )
    model = read(sql)

    assert (model.replace, model.remote, model.connection) == (True, True, ("p", "us", "c"))
    assert model.options == {"ENDPOINT": "https://x/é", "TTL": Interval(390, "MINUTE")}
    parts = {name: sql.encode()[slice(*where)].decode() for name, where in model.ranges.items()}
    assert parts == {
        "statement": sql,
        "path": "d.m",
        "inputs": "(a STRING)",
        "outputs": "(b FLOAT64)",
        "connection": "`p.us.c`",
        "options": "(endpoint='https://x/é', ttl=INTERVAL 390 MINUTE)",
        "option ENDPOINT": "endpoint='https://x/é'",
        "option TTL": "ttl=INTERVAL 390 MINUTE",
    }


def test_a_remote_model_over_the_default_connection() -> None:
    model = read("CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS(endpoint='gemini-flash')")

    assert (model.remote, model.connection) == (True, ("DEFAULT",))


def test_a_time_series_with_holidays_of_its_own() -> None:
    model = read(
        "CREATE MODEL m OPTIONS(model_type='ARIMA_PLUS', non_seasonal_order=(1, 1, 0)) AS ("
        "training_data AS (SELECT d, v FROM t), custom_holiday AS (SELECT * FROM h))"
    )

    assert model.query == "(SELECT d, v FROM t)"
    assert model.holidays == "(SELECT * FROM h)"
    assert model.options["NON_SEASONAL_ORDER"] == (1, 1, 0)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("HPARAM_RANGE(0.1, 1)", Call("HPARAM_RANGE", (0.1, 1))),
        ("hparam_candidates(['a'])", Call("HPARAM_CANDIDATES", (["a"],))),
        (
            "HPARAM_CANDIDATES([STRUCT([8]), STRUCT([8, 16])])",
            Call("HPARAM_CANDIDATES", ([([8],), ([8, 16],)],)),
        ),
        ("[STRUCT('a' AS label, 0.5 AS weight)]", [{"label": "a", "weight": 0.5}]),
        ("[('a', 'b')]", [("a", "b")]),
        ("-2.5", -2.5),
        ("+3", 3),
        ("0x1F", 31),
        ("'a' 'b'", "ab"),
        ("r'\\d'", "\\d"),
        ("b'\\xff'", b"\xff"),
        ("NUMERIC '1.50'", Decimal("1.50")),
        ("DATE '2013-07-01'", date(2013, 7, 1)),
        ("NULL", None),
        ("CONCAT('a', @b)", Expression("CONCAT('a', @b)")),
        ("TIMESTAMP '2013-07-01'", Expression("TIMESTAMP '2013-07-01'")),
        ("-x", Expression("-x")),
    ],
)
def test_option_values(written: str, value: Constant) -> None:
    assert read(f"CREATE MODEL m OPTIONS(o = {written})").options == {"O": value}


def test_transform_items_of_every_form() -> None:
    model = read("CREATE MODEL m TRANSFORM((a + 1) AS b, * EXCEPT (c), s.x, s.*, a+1) AS SELECT 1")

    assert model.transform == [
        Transformed("(a + 1)", "b"),
        Transformed("* EXCEPT (c)", None),
        Transformed("s.x", "x"),
        Transformed("s.*", None),
        Transformed("a+1", None),
    ]


def test_another_statement_is_no_model() -> None:
    assert create_model("SELECT 1") is None


def test_calls_come_innermost_first_with_the_tables_in_scope() -> None:
    sql = (
        "WITH a AS (SELECT 1 x) SELECT * FROM ML.EVALUATE(MODEL m, (SELECT * FROM "
        "ML.PREDICT(MODEL `p.d`.n, TABLE a, STRUCT(0.3 AS Threshold)) AS q /* ) */ )) z"
    )

    inner, outer = table_functions(sql)

    assert (inner.name, inner.model, inner.alias) == ("ML.PREDICT", ("p", "d", "n"), "q")
    assert inner.settings == {"threshold": 0.3}
    assert [(t.query, t.path) for t in inner.tables] == [("SELECT * FROM a", ("a",))]
    assert inner.with_clause() == "WITH a AS (SELECT 1 x) "
    assert (outer.name, outer.model, outer.alias) == ("ML.EVALUATE", ("m",), "z")
    assert sql[slice(*outer.range)].startswith("ML.EVALUATE(")
    assert sql[slice(*outer.range)].endswith("AS q /* ) */ ))")


def test_with_entries_after_the_call_are_not_in_scope() -> None:
    sql = (
        "WITH a AS (SELECT 1 x), b AS (SELECT * FROM ML.PREDICT(MODEL m, TABLE a)), "
        "c AS (SELECT 2 y) SELECT * FROM b, c"
    )

    (call,) = table_functions(sql)

    assert call.common_tables == ("a AS (SELECT 1 x)",)


def test_named_arguments_and_other_families() -> None:
    sql = (
        "SELECT * FROM VECTOR_SEARCH(TABLE t, 'e', TABLE q, top_k => 3), f(TABLE x), AI.FORECAST()"
    )

    calls = {call.name: call for call in table_functions(sql)}

    assert set(calls) == {"VECTOR_SEARCH", "AI.FORECAST"}
    assert calls["VECTOR_SEARCH"].named == {"top_k": 3}
    assert [t.path for t in calls["VECTOR_SEARCH"].tables] == [("t",), ("q",)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", 'Syntax error: Unexpected identifier "SELEC" at [1:1]'),
        (
            "SELECT\n  1 FRM t",
            'Syntax error: Expected end of input but got identifier "t" at [2:9]',
        ),
        (
            "SELECT 1; SELECT 2",
            "Syntax error: Expected end of input but got keyword SELECT at [1:11]",
        ),
        ("SELECT (", "Syntax error: Unexpected end of statement at [1:9]"),
        (" ", "Syntax error: the text is empty; a GoogleSQL statement is expected at [1:1]"),
    ],
)
def test_a_syntax_error_has_googles_words_and_its_place(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        parse_statement(sql)

    assert caught.value.message == message


def test_a_script_has_statements_and_places_in_the_whole_text() -> None:
    assert [node.kind for node in statements("DECLARE x INT64; SELECT x;")] == [
        "ASTVariableDeclaration",
        "ASTQueryStatement",
    ]
    with pytest.raises(SqlError, match=r"at \[2:1\]"):
        statements("SELECT 1;\nSELEC 2")
