"""A table's schema as the JSON text that the property `schema` holds.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
"""

import json
from typing import Any

Field = dict[str, Any]

_TYPES = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
}


def encode(text: str) -> dict[str, Any]:
    """The REST schema; every column without policy tags says so, which takes earlier ones away."""
    return {"fields": [_tagged(field) for field in json.loads(text)]}


def decode(schema: dict[str, Any]) -> str:
    """The text, with sorted keys."""
    return json.dumps(schema.get("fields", []), sort_keys=True, separators=(",", ":"))


def same(one: str, other: str) -> bool:
    """Whether two texts are the same schema: columns by name, types under either of their names."""
    mine, others = _fields(one), _fields(other)
    return mine is not None and mine == others


def needs_new_table(have: str, want: str) -> bool:
    """Whether a table cannot get from one schema to another in place.

    It can get new columns that may be null, lose columns, become less strict, and change
    descriptions.

    Source: https://cloud.google.com/bigquery/docs/managing-table-schemas
    """
    mine, others = _fields(have), _fields(want)
    if mine is None or others is None:
        return True
    return not (mine.keys() & others.keys()) or _incompatible(mine, others, top=True)


def dropped(have: str, want: str) -> list[str]:
    """Names of the columns that go, as the table has them."""
    wanted = _fields(want) or {}
    return [field["name"] for field in json.loads(have) if field["name"].lower() not in wanted]


def _incompatible(have: dict[str, Field], want: dict[str, Field], top: bool) -> bool:
    if not top and have.keys() - want.keys():
        return True
    for name, field in want.items():
        before = have.get(name)
        if before is None:
            if field["mode"] == "REQUIRED":
                return True
        elif (
            before["type"] != field["type"]
            or _stricter(before["mode"], field["mode"])
            or _incompatible(before.get("fields", {}), field.get("fields", {}), top=False)
        ):
            return True
    return False


def _stricter(before: str, after: str) -> bool:
    return before != after and (before, after) != ("REQUIRED", "NULLABLE")


def _fields(text: str) -> dict[str, Field] | None:
    try:
        fields = json.loads(text)
    except json.JSONDecodeError:
        return None
    return _by_name(fields) if isinstance(fields, list) else None


def _by_name(fields: list[Field]) -> dict[str, Field]:
    return {str(field.get("name", "")).lower(): _canonical(field) for field in fields}


def _canonical(field: Field) -> Field:
    said = {key: value for key, value in field.items() if value not in (None, "", [], {})}
    said.pop("name", None)
    if not (said.get("policyTags") or {}).get("names"):
        said.pop("policyTags", None)
    kind = str(said.get("type", "")).upper()
    said["type"] = _TYPES.get(kind, kind)
    said["mode"] = str(said.get("mode") or "NULLABLE").upper()
    if "fields" in said:
        said["fields"] = _by_name(said["fields"])
    return said


def _tagged(field: Field) -> Field:
    if field.get("fields"):
        return {**field, "fields": [_tagged(inner) for inner in field["fields"]]}
    return {"policyTags": {"names": []}, **field}
