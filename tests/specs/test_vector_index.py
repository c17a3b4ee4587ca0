from dataclasses import fields
from itertools import combinations

import pytest
from bqvertex.resources.vector_index import VectorIndexArgs
from bqvertex.specs.unknown import UNKNOWN
from bqvertex.specs.vector_index import (
    DEFINITION,
    IDENTITY,
    KIND,
    METADATA,
    SILENT,
    VectorIndexSpec,
    schema_problems,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.literal import quoted
from googlesql.parser import parse_statement
from googlesql.tree import dotted_path

INPUTS = {
    "project": "acme-prod",
    "location": "US",
    "dataset_id": "shop",
    "table_id": "items",
    "index_id": "near",
    "column_name": "embedding",
    "index_type": "IVF",
    "owner": "org/proj/dev/near",
}
TREE = {"index_type": "TREE_AH"}
ON = "`near` ON `acme-prod`.`shop`.`items` (`embedding`)"
DDL = (
    "CREATE VECTOR INDEX `near` ON `acme-prod.shop.items`(embedding)\n"
    "STORING(title, body)\n"
    "OPTIONS (distance_type = 'EUCLIDEAN', index_type = 'IVF')"
)


def live(**change):
    return {
        "ddl": DDL,
        "columns": ["embedding"],
        "options": {"index_type": "IVF", "distance_type": "EUCLIDEAN"},
        "column_options": {},
        **change,
    }


def spec(**change):
    return VectorIndexSpec.from_inputs({**INPUTS, **change})


def test_every_input_has_one_cost():
    groups = [IDENTITY, DEFINITION, METADATA, SILENT]

    assert {f.name for f in fields(VectorIndexSpec)} == KIND.inputs
    assert set(VectorIndexArgs.__annotations__) | {"owner"} == KIND.inputs
    assert all(one.isdisjoint(other) for one, other in combinations(groups, 2))


@pytest.mark.parametrize(
    ("change", "rest"),
    [
        ({}, "OPTIONS (index_type = 'IVF', distance_type = 'EUCLIDEAN')"),
        (
            {
                "stored_columns": ["title", "select"],
                "distance_type": "cosine",
                "ivf_options": {"num_lists": 100.0},
                "lexical_search_columns": ["title"],
            },
            "STORING (`title`, `select`)\n"
            "OPTIONS (index_type = 'IVF', distance_type = 'COSINE', "
            """ivf_options = '{"num_lists":100}', lexical_search_columns = ['title'])""",
        ),
        (
            {
                **TREE,
                "tree_ah_options": {
                    "normalization_type": "l2",
                    "leaf_node_embedding_count": 1000.0,
                },
                "partition_by": " TIMESTAMP_TRUNC(created, DAY) ",
            },
            "PARTITION BY TIMESTAMP_TRUNC(created, DAY)\n"
            "OPTIONS (index_type = 'TREE_AH', distance_type = 'EUCLIDEAN', tree_ah_options = "
            """'{"leaf_node_embedding_count":1000,"normalization_type":"L2"}')""",
        ),
    ],
)
def test_the_statement_says_what_is_declared(change, rest):
    made = spec(**change)

    assert made.creation().sql == f"CREATE VECTOR INDEX {ON}\n{rest}"
    assert made.change().sql == f"CREATE OR REPLACE VECTOR INDEX {ON}\n{rest}"
    assert made.deletion(None).sql == (
        "DROP VECTOR INDEX IF EXISTS `near` ON `acme-prod`.`shop`.`items`"
    )


@pytest.mark.parametrize(
    ("change", "cost"),
    [
        ({"stored_columns": ["TITLE"], "index_type": "ivf", "distance_type": "euclidean"}, set()),
        ({"stored_columns": ["title", "body"]}, {"stored_columns"}),
        ({"distance_type": "COSINE"}, {"distance_type"}),
        ({"ivf_options": {"num_lists": 5}}, {"ivf_options"}),
        ({"ivf_options": {}}, set()),
        ({"adopt": True, "job_timeout_s": 60.0}, {"adopt", "job_timeout_s"}),
    ],
)
def test_what_changes_in_meaning(change, cost):
    olds = INPUTS | {"stored_columns": ["title"]}

    assert KIND.changed(olds, olds | change) == cost


def test_layout_of_an_expression_means_nothing():
    olds = INPUTS | TREE | {"partition_by": "timestamp_trunc( created , DAY) -- day"}
    news = INPUTS | TREE | {"partition_by": "TIMESTAMP_TRUNC(created, DAY)"}
    hourly = news | {"partition_by": "TIMESTAMP_TRUNC(created, HOUR)"}

    assert KIND.changed(olds, news) == frozenset()
    assert KIND.changed(olds, hourly) == {"partition_by"}
    assert VectorIndexSpec.from_inputs(news).definition != spec(**TREE).definition


def test_another_column_is_another_index_and_all_else_is_built_in_place():
    column, distance = INPUTS | {"column_name": "other"}, INPUTS | {"distance_type": "COSINE"}

    assert KIND.replaces(column, KIND.changed(INPUTS, column)) == {"column_name"}
    assert KIND.same_place(INPUTS, column)
    assert KIND.replaces(distance, KIND.changed(INPUTS, distance)) == frozenset()
    assert not KIND.same_place(INPUTS, INPUTS | {"table_id": "other"})
    assert KIND.reason(INPUTS, distance, KIND.changed(INPUTS, distance)) == (
        "builds the index anew in place, searches read the whole table until it is built: "
        'distance_type null -> "COSINE"'
    )


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"column_name": ""}, ["column_name"]),
        ({"column_name": "a.b"}, ["column_name"]),
        ({"index_type": "HNSW"}, ["index_type"]),
        ({"index_type": 3}, ["index_type"]),
        ({"distance_type": "MANHATTAN"}, ["distance_type"]),
        ({"stored_columns": "title"}, ["stored_columns"]),
        ({"stored_columns": ["title", "Title"]}, ["stored_columns"]),
        ({"stored_columns": ["a`b"]}, ["stored_columns"]),
        ({"ivf_options": {"num_list": 3}}, ["ivf_options"]),
        ({"ivf_options": {"num_lists": 0}}, ["ivf_options"]),
        ({"ivf_options": {"num_lists": 5001}}, ["ivf_options"]),
        ({"ivf_options": {"num_lists": 1.5}}, ["ivf_options"]),
        ({"ivf_options": {"num_lists": True}}, ["ivf_options"]),
        ({"ivf_options": '{"num_lists": 3}'}, ["ivf_options"]),
        ({"ivf_options": {"num_lists": 5000}}, []),
        ({"tree_ah_options": {"normalization_type": "L2"}}, ["tree_ah_options"]),
        ({**TREE, "ivf_options": {"num_lists": 5}}, ["ivf_options"]),
        ({**TREE, "tree_ah_options": {"leaf_node_embedding_count": 499}}, ["tree_ah_options"]),
        ({**TREE, "tree_ah_options": {"leaf_node_embedding_count": 500}}, []),
        ({**TREE, "tree_ah_options": {"normalization_type": "L1"}}, ["tree_ah_options"]),
        ({"lexical_search_columns": ["title"]}, ["lexical_search_columns"]),
        ({"lexical_search_columns": ["title"], "stored_columns": ["Title"]}, []),
        ({"partition_by": "created"}, ["partition_by"]),
        ({**TREE, "partition_by": "created"}, []),
        ({**TREE, "partition_by": "created)"}, ["partition_by"]),
        ({**TREE, "partition_by": "a, b"}, ["partition_by"]),
        ({**TREE, "partition_by": "created --"}, ["partition_by"]),
        ({**TREE, "partition_by": "a OPTIONS (index_type = 'IVF') #"}, ["partition_by"]),
        ({**TREE, "partition_by": "a OPTIONS (index_type = 'IVF'); DROP"}, ["partition_by"]),
        ({**TREE, "partition_by": 3}, ["partition_by"]),
        ({"table_id": None}, ["table_id"]),
        ({"index_id": "a.b"}, ["index_id"]),
        ({"stored_columns": UNKNOWN, "ivf_options": {"num_lists": UNKNOWN}}, []),
    ],
)
def test_what_cannot_be_is_said_under_its_own_name(change, names):
    inputs = {k: v for k, v in {**INPUTS, **change}.items() if v is not None}

    assert [name for name, _ in KIND.problems({}, inputs)] == names


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"column_name": "EMBEDDING"}, []),
        ({"column_name": "made"}, []),
        ({"column_name": "embeding"}, ["column_name"]),
        ({"column_name": "title"}, ["column_name"]),
        ({"stored_columns": ["titel"]}, ["stored_columns"]),
        ({"lexical_search_columns": ["id"]}, ["lexical_search_columns"]),
    ],
)
def test_columns_are_held_against_a_declared_table(change, names):
    schema = [
        {"name": "id", "type": "INTEGER"},
        {"name": "title", "type": "STRING"},
        {"name": "embedding", "type": "FLOAT", "mode": "REPEATED"},
        {
            "name": "made",
            "type": "RECORD",
            "fields": [
                {"name": "result", "type": "FLOAT64", "mode": "REPEATED"},
                {"name": "status", "type": "STRING"},
            ],
        },
    ]

    assert [name for name, _ in schema_problems(INPUTS | change, schema)] == names


@pytest.mark.parametrize(
    ("declared", "found", "drift"),
    [
        ({}, {}, {}),
        ({"ivf_options": {"num_lists": 5.0}}, {"ivf_options": '{"num_lists": 5}'}, {}),
        # BigQuery's own choices, told back, are no drift.
        ({}, {"ivf_options": '{"num_lists": 87}'}, {}),
        ({"distance_type": "COSINE"}, {}, {"distance_type": "EUCLIDEAN"}),
        ({}, {"distance_type": "DOT_PRODUCT"}, {"distance_type": "DOT_PRODUCT"}),
        ({}, {"index_type": "TREE_AH"}, {"index_type": "TREE_AH"}),
        (
            {"ivf_options": {"num_lists": 5.0}},
            {"ivf_options": '{"num_lists": 6}'},
            {"ivf_options": {"num_lists": 6}},
        ),
        ({"ivf_options": {"num_lists": 5.0}}, {"ivf_options": "not JSON"}, {"ivf_options": None}),
        (
            {},
            {"lexical_search_columns": '["title"]'},
            {"lexical_search_columns": ["title"]},
        ),
    ],
)
def test_only_what_was_said_is_compared(declared, found, drift):
    made = spec(stored_columns=["title", "body"], **declared)
    row = live(options={**live()["options"], **found})

    assert made.drift(row, {"ddl": DDL}) == drift


def test_the_column_and_what_only_the_statement_tells_are_compared():
    made = spec(stored_columns=["title", "body"])
    stored_less = DDL.replace("title, ", "")
    partitioned = DDL.replace("OPTIONS", "PARTITION BY created\nOPTIONS")

    assert made.drift(live(columns=["other"]), {"ddl": DDL}) == {"column_name": "other"}
    assert made.drift(live(ddl=stored_less), {"ddl": DDL}) == {"stored_columns": ["body"]}
    assert made.drift(live(ddl=partitioned), {"ddl": DDL}) == {"partition_by": "created"}
    assert made.drift(live(ddl="no statement"), {"ddl": DDL}) == {}


def test_a_statement_that_leaves_clauses_out_is_no_drift():
    made = spec(stored_columns=["title"])
    bare = "CREATE VECTOR INDEX near ON t(embedding)"

    assert made.drift(live(ddl=f"{bare} "), {"ddl": bare}) == {}


def test_an_index_is_taken_over_only_as_it_is_declared():
    row = live(options={"index_type": "IVF", "distance_type": "COSINE"})

    assert spec(stored_columns=["body", "title"]).adoption_problem(live()) == ""
    assert spec().adoption_problem(row) == (
        "distance_type is 'COSINE' instead of 'EUCLIDEAN', stored_columns is ['title', 'body'] "
        "instead of (); declare it as it is, or drop it first"
    )


def test_another_index_of_the_table_is_in_the_way():
    rows = [{"index_name": "other", "option_name": "index_type", "option_value": "IVF"}]

    assert spec().live(rows) is None
    assert "has the vector index other already, and BigQuery allows one" in spec().refusal(rows)
    assert spec().refusal([]) == ""


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)


@settings(deadline=None, max_examples=60)
@given(table=names, index=names, column=names, stored=st.lists(names, min_size=1, max_size=3))
def test_no_name_escapes_its_identifier(table, index, column, stored):
    made = spec(table_id=table, index_id=index, column_name=column, stored_columns=stored)

    for step in (made.creation(), made.change(), made.deletion(None)):
        statement = parse_statement(step.sql)
        assert dotted_path(statement.child("name")) == tuple(index.split("."))
        assert step.sql.count(quoted(index)) >= 1
    storing = parse_statement(made.creation().sql).child("optional_index_storing_expressions")
    assert [".".join(dotted_path(e)) for e in storing.children("expressions")] == stored


@settings(deadline=None, max_examples=150)
@given(st.text(st.sampled_from("ab1 (),'\"`;#-/*\n") | st.characters(exclude_categories=["Cs"])))
def test_no_expression_ends_its_clause(text):
    inputs = INPUTS | TREE | {"partition_by": text, "stored_columns": ["title"]}
    if list(KIND.problems({}, inputs)):
        return

    statement = parse_statement(VectorIndexSpec.from_inputs(inputs).creation().sql)

    options = statement.child("options_list").children("options_entries")
    partition = statement.child("optional_partition_by")
    parts = partition.children("partitioning_expressions") if partition else ()
    assert statement.kind == "ASTCreateIndexStatement"
    assert len(options) == 2
    assert len(parts) == bool(text.strip())
