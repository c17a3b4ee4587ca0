"""Bodies are read as Google's front ends read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.discovery.document import load
from localcloud.discovery.schema import Schema, camel, snake
from localcloud.errors import ApiError, Violation

SCHEMA = Schema(
    {
        "Thing": {
            "properties": {
                "displayName": {"type": "string", "description": "Required. The name."},
                "etag": {"type": "string"},
                "createTime": {"type": "string", "readOnly": True},
                "state": {"type": "string", "enum": ["STATE_UNSPECIFIED", "ON", "OFF"]},
                "count": {"type": "integer", "format": "int32"},
                "size": {"type": "string", "format": "int64"},
                "share": {"type": "number", "format": "double"},
                "on": {"type": "boolean"},
                "ttl": {"type": "string", "format": "google-duration"},
                "since": {"type": "string", "format": "google-datetime"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "parts": {"type": "array", "items": {"$ref": "Part"}},
                "kind": {"type": "string", "description": "Immutable. The kind."},
                "anything": {"type": "any"},
            }
        },
        "Part": {
            "properties": {
                "partName": {"type": "string", "description": "Required. Its name."},
                "weight": {
                    "type": "integer",
                    "format": "int32",
                    "description": "Required. Weight.",
                },
            }
        },
    }
)


def violations(body: object) -> list[Violation]:
    with pytest.raises(ApiError) as caught:
        SCHEMA.parse("Thing", body, "thing")
    assert caught.value.status == "INVALID_ARGUMENT"
    return list(caught.value.violations)


def test_camel_and_snake_case_are_the_same_field() -> None:
    assert SCHEMA.parse("Thing", {"display_name": "a"}) == SCHEMA.parse(
        "Thing", {"displayName": "a"}
    )


def test_an_unknown_name_is_refused_in_googles_words() -> None:
    assert violations({"parts": [{"nope": 1}]}) == [
        Violation(
            "thing.parts[0]",
            "Invalid JSON payload received. Unknown name \"nope\" at 'thing.parts[0]': "
            "Cannot find field.",
        )
    ]


def test_every_fault_is_listed_at_once() -> None:
    faults = violations({"count": "many", "on": 3, "nope": 1})

    assert [fault.field for fault in faults] == ["thing.count", "thing.on", "thing"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("displayName", 5),
        ("displayName", ["a"]),
        ("displayName", {"a": 1}),
        ("state", "MAYBE"),
        ("state", 3),
        ("count", 1.5),
        ("count", True),
        ("count", 2**31),
        ("size", "ten"),
        ("share", "half"),
        ("on", "yes"),
        ("ttl", "1h"),
        ("since", "2026-01-01"),
        ("labels", ["a"]),
        ("labels", {"a": 1}),
        ("parts", {"partName": "a"}),
        ("parts", ["a"]),
    ],
)
def test_a_wrong_type_is_refused(field: str, value: object) -> None:
    assert len(violations({field: value})) == 1


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("state", 1, "ON"),
        ("state", "OFF", "OFF"),
        ("count", "5", 5),
        ("count", 5.0, 5),
        ("size", 12, "12"),
        ("size", "12", "12"),
        ("share", 1, 1),
        ("share", "NaN", "NaN"),
        ("on", "true", True),
        ("ttl", "3600s", "3600s"),
        ("since", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("anything", {"x": [1, {"y": None}]}, {"x": [1, {"y": None}]}),
    ],
)
def test_what_protobuf_json_allows_is_accepted(field: str, value: object, stored: object) -> None:
    assert SCHEMA.parse("Thing", {field: value}) == {field: stored}


def test_output_only_fields_and_nulls_are_dropped() -> None:
    assert SCHEMA.parse("Thing", {"createTime": "now", "etag": None}) == {}


def test_required_fields_are_asked_for_where_their_message_is_set() -> None:
    missing = SCHEMA.missing("Thing", {"parts": [{"weight": 0}]}, "thing")

    assert [fault.field for fault in missing] == ["thing.display_name", "thing.parts[0].part_name"]


def test_immutable_fields_come_from_the_descriptions() -> None:
    assert SCHEMA.immutable("Thing") == {"kind"}


def test_a_field_that_another_version_wrote_is_not_shown() -> None:
    assert SCHEMA.render(
        "Thing", {"kind": "a", "beta": 1, "parts": [{"partName": "p", "b": 2}]}
    ) == {
        "kind": "a",
        "parts": [{"partName": "p"}],
    }


def test_the_validator_works_alone_for_bigquery() -> None:
    schema = load("bigquery.v2").schema

    with pytest.raises(ApiError, match='Unknown name "friendlyNames"'):
        schema.parse("Dataset", {"friendlyNames": "x"})


@given(st.from_regex(r"[a-z][a-z0-9]{0,5}([A-Z][a-z0-9]{0,5}){0,4}", fullmatch=True))
def test_snake_case_turns_back_into_camel_case(name: str) -> None:
    assert camel(snake(name)) == name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SCHEMA.fields("Thing"), "partName", "x"]), inner)
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_json_is_parsed_or_refused_and_parsing_again_changes_nothing(body: object) -> None:
    try:
        parsed = SCHEMA.parse("Thing", body)
    except ApiError:
        # Refused with its own error, never with another one.
        return

    assert SCHEMA.parse("Thing", parsed) == parsed
