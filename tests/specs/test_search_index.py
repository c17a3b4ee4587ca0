import json
from dataclasses import fields
from itertools import combinations

import pytest
from bqvertex.resources.search_index import SearchIndexArgs
from bqvertex.specs.search_index import (
    DEFINITION,
    IDENTITY,
    KIND,
    METADATA,
    SILENT,
    SearchIndexSpec,
    schema_problems,
)
from bqvertex.specs.unknown import UNKNOWN
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.constant import read_constant
from googlesql.parser import parse_statement
from googlesql.position import Text
from googlesql.tree import dotted_path

INPUTS = {
    "project": "acme-prod",
    "location": "US",
    "dataset_id": "shop",
    "table_id": "items",
    "index_id": "words",
    "owner": "org/proj/dev/words",
}
ON = "CREATE SEARCH INDEX `words` ON `acme-prod`.`shop`.`items`"
PATTERN = {"analyzer": "PATTERN_ANALYZER", "analyzer_options": {"patterns": ["[a-z']+\\b"]}}
DDL = "CREATE SEARCH INDEX `words` ON `acme-prod.shop.items`(title, body)"
ALL_DDL = "CREATE SEARCH INDEX `words` ON `acme-prod.shop.items`(ALL COLUMNS)"


def live(**change):
    return {
        "ddl": DDL,
        "columns": ["title", "body"],
        "options": {"analyzer": "LOG_ANALYZER", "data_types": '["STRING"]'},
        "column_options": {},
        **change,
    }


def spec(**change):
    return SearchIndexSpec.from_inputs({**INPUTS, **change})


def test_every_input_has_one_cost():
    groups = [IDENTITY, DEFINITION, METADATA, SILENT]

    assert {f.name for f in fields(SearchIndexSpec)} == KIND.inputs
    assert set(SearchIndexArgs.__annotations__) | {"owner"} == KIND.inputs
    assert all(one.isdisjoint(other) for one, other in combinations(groups, 2))


@pytest.mark.parametrize(
    ("change", "rest"),
    [
        ({}, "(ALL COLUMNS)"),
        ({"columns": ["title", "order"]}, "(`title`, `order`)"),
        (
            {"column_options": {"title": {"index_granularity": "column", "data_types": []}}},
            "(ALL COLUMNS WITH COLUMN OPTIONS (`title` OPTIONS (index_granularity = 'COLUMN')))",
        ),
        (
            {
                "columns": ["title", "body"],
                "column_options": {"Body": {"data_types": ["string", "INT64"]}},
                "default_index_column_granularity": "COLUMN",
                "data_types": ["INT64"],
            },
            "(`title`, `body` OPTIONS (data_types = ['INT64', 'STRING'])) "
            "OPTIONS (data_types = ['INT64'], default_index_column_granularity = 'COLUMN')",
        ),
        (
            PATTERN,
            "(ALL COLUMNS) OPTIONS (analyzer = 'PATTERN_ANALYZER', analyzer_options = "
            """'{"patterns":["[a-z\\']+\\\\\\\\b"]}')""",
        ),
    ],
)
def test_the_statement_says_what_is_declared(change, rest):
    made = spec(**change)

    assert made.creation().sql == f"{ON} {rest}"
    assert made.change() is None
    assert made.deletion(None).sql == (
        "DROP SEARCH INDEX IF EXISTS `words` ON `acme-prod`.`shop`.`items`"
    )


@pytest.mark.parametrize(
    ("change", "cost"),
    [
        ({"columns": ["BODY", "title"], "data_types": ["STRING"], "analyzer": None}, set()),
        ({"columns": ["title"]}, {"columns"}),
        ({"columns": None}, {"columns"}),
        ({"data_types": ["INT64", "STRING"]}, {"data_types"}),
        ({"analyzer": "NO_OP_ANALYZER"}, {"analyzer"}),
        ({"analyzer_options": {"delimiters": [","]}}, {"analyzer_options"}),
        ({"column_options": {"title": {"index_granularity": "COLUMN"}}}, {"column_options"}),
        ({"column_options": {"title": {}}}, set()),
        ({"default_index_column_granularity": "global"}, set()),
        ({"default_index_column_granularity": "COLUMN"}, {"default_index_column_granularity"}),
    ],
)
def test_what_changes_in_meaning_replaces_the_index(change, cost):
    olds = INPUTS | {"columns": ["title", "body"], "analyzer": "log_analyzer"}
    news = olds | change

    assert KIND.changed(olds, news) == cost
    assert KIND.replaces(news, KIND.changed(olds, news)) == cost
    assert KIND.same_place(olds, news)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"columns": []}, ["columns"]),
        ({"columns": ["a.b"]}, ["columns"]),
        ({"columns": ["a", "A"]}, ["columns"]),
        ({"analyzer": "LOG"}, ["analyzer"]),
        ({"analyzer": "NO_OP_ANALYZER", "analyzer_options": {"a": 1}}, ["analyzer_options"]),
        ({"analyzer_options": {"patterns": ["a"]}}, ["analyzer_options"]),
        ({"analyzer_options": {"delimiters": ["a"]}}, []),
        (PATTERN, []),
        ({"analyzer_options": "{}"}, ["analyzer_options"]),
        ({"data_types": ["FLOAT64"]}, ["data_types"]),
        ({"data_types": "STRING"}, ["data_types"]),
        ({"default_index_column_granularity": "FILE"}, ["default_index_column_granularity"]),
        ({"column_options": {"a": {"index_granularity": "FILE"}}}, ["column_options"]),
        ({"column_options": {"a": {"granularity": "GLOBAL"}}}, ["column_options"]),
        ({"column_options": {"a": {"data_types": ["DATE"]}}}, ["column_options"]),
        ({"column_options": {"a": "COLUMN"}}, ["column_options"]),
        ({"column_options": ["a"]}, ["column_options"]),
        ({"columns": ["b"], "column_options": {"a": {}}}, ["column_options"]),
        (
            {"column_options": {f"c{n}": {"index_granularity": "COLUMN"} for n in range(64)}},
            ["column_options"],
        ),
        ({"columns": UNKNOWN, "column_options": {"a": {}}}, []),
    ],
)
def test_what_cannot_be_is_said_under_its_own_name(change, names):
    assert [name for name, _ in KIND.problems({}, INPUTS | change)] == names


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"columns": ["Title", "tags", "about", "parts"]}, []),
        ({"columns": ["titel"]}, ["columns"]),
        ({"columns": ["id"]}, ["columns"]),
        ({"columns": ["id"], "data_types": ["INT64"]}, []),
        ({"columns": ["id"], "column_options": {"ID": {"data_types": ["INT64"]}}}, []),
        ({"data_types": ["TIMESTAMP"]}, []),
        ({"column_options": {"nope": {}}}, ["column_options"]),
    ],
)
def test_columns_are_held_against_a_declared_table(change, names):
    schema = [
        {"name": "id", "type": "INTEGER"},
        {"name": "title", "type": "STRING"},
        {"name": "tags", "type": "STRING", "mode": "REPEATED"},
        {"name": "about", "type": "JSON"},
        {"name": "parts", "type": "RECORD", "fields": [{"name": "text", "type": "STRING"}]},
    ]

    assert [name for name, _ in schema_problems(INPUTS | change, schema)] == names


def test_a_table_without_a_column_to_index_is_refused():
    schema = [{"name": "id", "type": "INTEGER"}]

    assert [name for name, _ in schema_problems(INPUTS, schema)] == ["columns"]


@pytest.mark.parametrize(
    ("declared", "found", "drift"),
    [
        ({}, {}, {}),
        ({"data_types": ["INT64", "string"]}, {"data_types": '["STRING", "INT64"]'}, {}),
        ({}, {"analyzer": "NO_OP_ANALYZER"}, {"analyzer": "NO_OP_ANALYZER"}),
        ({}, {"data_types": '["INT64"]'}, {"data_types": ["INT64"]}),
        (PATTERN, {"analyzer": "PATTERN_ANALYZER"}, {"analyzer_options": None}),
        (
            {"analyzer_options": {"delimiters": [".", "-"]}},
            {"analyzer_options": '{ "delimiters" : [".", "-"] }'},
            {},
        ),
        (
            {"default_index_column_granularity": "COLUMN"},
            {},
            {"default_index_column_granularity": "GLOBAL"},
        ),
    ],
)
def test_only_what_was_said_is_compared(declared, found, drift):
    row = live(options={**live()["options"], **found})

    assert spec(columns=["body", "Title"], **declared).drift(row, {"ddl": DDL}) == drift


def test_other_columns_and_their_options_are_drift():
    listed, everything = spec(columns=["title", "body"]), spec()
    options = {"title": {"index_granularity": "COLUMN", "data_types": '["STRING"]'}}

    assert listed.drift(live(columns=["title"]), {"ddl": DDL}) == {"columns": ["title"]}
    assert listed.drift(live(ddl=ALL_DDL), {"ddl": DDL}) == {"columns": None}
    assert everything.drift(live(ddl=ALL_DDL), {"ddl": ALL_DDL}) == {}
    assert everything.drift(live(ddl=DDL), {"ddl": ALL_DDL}) == {"columns": ["title", "body"]}
    assert listed.drift(live(column_options=options), {"ddl": DDL}) == {
        "column_options": {"title": {"index_granularity": "COLUMN", "data_types": ["STRING"]}}
    }


def test_rows_of_one_index_are_put_together():
    row = {"index_name": "WORDS", "coverage_percentage": 3}
    rows = [
        {**row, "index_column_name": column, "option_name": name, "option_value": value, **own}
        for column, own in (
            ("title", {"column_option_name": "data_types", "column_option_value": '["STRING"]'}),
            ("body", {}),
        )
        for name, value in (("ANALYZER", "LOG_ANALYZER"), ("data_types", '["STRING"]'))
    ]

    assert spec().live([*rows, {"index_name": "other"}]) == {
        "coverage_percentage": 3,
        "columns": ["title", "body"],
        "options": {"analyzer": "LOG_ANALYZER", "data_types": '["STRING"]'},
        "column_options": {"title": {"data_types": '["STRING"]'}},
    }


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)


@settings(deadline=None, max_examples=60)
@given(columns=st.lists(texts, min_size=1, max_size=3, unique_by=str.casefold), delimiter=texts)
def test_no_text_escapes_its_literal_or_identifier(columns, delimiter):
    made = spec(
        columns=columns,
        column_options={columns[0]: {"index_granularity": "COLUMN"}},
        analyzer_options={"delimiters": [delimiter]},
    )

    sql = made.creation().sql
    statement = parse_statement(sql)

    items = statement.child("index_item_list").children("ordering_expressions")
    names = [".".join(dotted_path(item.child("expression"))) for item in items]
    (option,) = statement.child("options_list").children("options_entries")
    value = read_constant(option.child("value"), Text(sql))
    assert names == columns
    assert SearchIndexSpec.from_inputs(
        INPUTS | {"analyzer_options": json.loads(value)}
    ).analyzer_options == {"delimiters": [delimiter]}
