"""Messages of a Discovery document: parsing of JSON bodies as Google's front ends parse them.

Usable alone: `localcloud.discovery.document.load("bigquery.v2").schema.parse("Table", body)`.
Rules: https://protobuf.dev/programming-guides/json/ and the documents' own flags; `Required.`,
`Immutable.` and `Output only.` open a field's description (https://google.aip.dev/203).
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localcloud.discovery.enum_number import name_of_number
from localcloud.errors import Json, Violation, invalid

# "Required if image_uri isn't set." is a rule of the service.
_FLAGS = re.compile(
    r"(?:(Required(?! if)|Optional|Immutable|Output only|Input only|Identifier)\.?\s+)+"
)
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
_INTEGER = re.compile(r"-?\d+")
_SPECIAL_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})


def snake(name: str) -> str:
    """`displayName` -> `display_name`."""
    return re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), name)


def camel(name: str) -> str:
    """`display_name` -> `displayName`."""
    return re.sub(r"_([a-z0-9])", lambda m: m[1].upper(), name)


def flags(field: Mapping[str, Any]) -> frozenset[str]:
    """The behaviours a field's description opens with, such as `{"Required", "Immutable"}`."""
    found = _FLAGS.match(str(field.get("description", "")))
    words = (
        set(re.findall(r"(Required|Immutable|Output only|Input only|Identifier)\b", found[0]))
        if found
        else set()
    )
    if field.get("readOnly"):
        words.add("Output only")
    return frozenset(words)


class Schema:
    """The messages of one API.

    Args:
        schemas: The `schemas` member of a Discovery document.
        null_deletes: Whether a null in a map is kept, as the older JSON APIs do: in a PATCH it
            takes the entry away. Elsewhere it is a wrong type.
    """

    def __init__(self, schemas: Mapping[str, Json], *, null_deletes: bool = False) -> None:
        self.schemas = schemas
        self.null_deletes = null_deletes
        self._names: dict[str, dict[str, str]] = {}

    def fields(self, message: str) -> dict[str, Json]:
        """Field name (camel case) -> its description in the document."""
        found: dict[str, Json] = self.schemas[message].get("properties", {})
        return found

    def parse(self, message: str, body: object, path: str = "") -> Json:
        """A body as the service sees it: camel case, output-only fields dropped.

        Args:
            message: Name of a message of this API, such as `Table`.
            body: Decoded JSON. Field names in camel or snake case; nulls count as absent.
            path: Prefix of the paths in violations, such as `endpoint`; empty for none.

        Raises:
            ApiError: INVALID_ARGUMENT listing every unknown name and wrong type.
        """
        violations: list[Violation] = []
        parsed = self._message(self._properties(message), body, path, violations)
        if violations:
            raise invalid(violations)
        return parsed

    def missing(
        self, message: str, body: Mapping[str, Any], path: str = "", *, method: str = ""
    ) -> list[Violation]:
        """The required fields that a parsed body lacks, in the messages it does set.

        Numbers and booleans are not looked at: absent and zero are the same in proto3.

        Args:
            message: Name of the body's message.
            body: A body from `parse`.
            path: Prefix of the paths in violations.
            method: Method id; also asks for the fields that the older documents annotate as
                required by it (`bigquery.tables.insert`).
        """
        return self._missing(self.fields(message), body, path, method)

    def immutable(self, message: str) -> frozenset[str]:
        """Top-level fields that cannot change once the resource exists."""
        return frozenset(
            name for name, field in self.fields(message).items() if "Immutable" in flags(field)
        )

    def output_only(self, message: str) -> frozenset[str]:
        """Top-level fields that only the service writes."""
        return frozenset(
            name for name, field in self.fields(message).items() if "Output only" in flags(field)
        )

    def render(self, message: str, body: Mapping[str, Any]) -> Json:
        """A stored resource as this version of the API shows it: what it does not know is left."""
        return self._render(self._properties(message), body)

    def resolve(self, message: str, path: str) -> tuple[list[str], Json] | None:
        """A dotted path in either case -> (keys in stored form, the last field's description).

        None when the message has no such field. Keys of maps are taken as they are.
        """
        keys: list[str] = []
        field: Json = {"$ref": message}
        parts = path.split(".")
        for index, part in enumerate(parts):
            if "$ref" in field or "properties" in field:
                properties = (
                    self._properties(field["$ref"]) if "$ref" in field else field["properties"]
                )
                name = self._known_names(properties).get(part)
                if name is None:
                    return None
                keys.append(name)
                field = properties[name]
            elif field.get("type") == "object" and "additionalProperties" in field:
                key = ".".join(parts[index:])
                return [*keys, key], field["additionalProperties"]
            elif field.get("type") == "any" or (
                field.get("type") == "object" and "properties" not in field
            ):
                return [*keys, *parts[index:]], {"type": "any"}
            else:
                return None
        return keys, field

    # ---------------------------------------------------------------- parsing
    def _properties(self, message: str) -> Json:
        schema = self.schemas[message]
        if "properties" not in schema and schema.get("type") == "object":
            return {"*": schema.get("additionalProperties", {"type": "any"})}
        properties: Json = schema.get("properties", {})
        return properties

    def _known_names(self, properties: Mapping[str, Json]) -> dict[str, str]:
        return {**{snake(name): name for name in properties}, **{name: name for name in properties}}

    def _message(
        self, properties: Json, value: object, path: str, violations: list[Violation]
    ) -> Json:
        if not isinstance(value, dict):
            where = path or "body"
            violations.append(
                Violation(path, f"Invalid value at '{where}' (an object), {_shown(value)}")
            )
            return {}
        if set(properties) == {"*"}:
            return {k: self._value(properties["*"], v, path, violations) for k, v in value.items()}
        known = self._known_names(properties)
        parsed: Json = {}
        for key, item in value.items():
            name = known.get(key)
            if name is None:
                at = f" at '{path}'" if path else ""
                violations.append(
                    Violation(
                        path,
                        f'Invalid JSON payload received. Unknown name "{key}"{at}: '
                        "Cannot find field.",
                    )
                )
                continue
            field = properties[name]
            if item is None or "Output only" in flags(field):
                continue
            below = f"{path}.{snake(name)}" if path else snake(name)
            parsed[name] = self._value(field, item, below, violations)
        return parsed

    def _value(self, field: Json, value: Any, path: str, violations: list[Violation]) -> Any:
        kind = field.get("type")
        if kind == "any" or (not kind and "$ref" not in field):
            return value
        if kind == "array":
            if not isinstance(value, list):
                violations.append(
                    Violation(path, f"Invalid value at '{path}' (repeated), {_shown(value)}")
                )
                return value
            return [
                self._value(field["items"], item, f"{path}[{index}]", violations)
                for index, item in enumerate(value)
            ]
        if isinstance(value, list) and kind != "any":
            violations.append(
                Violation(
                    path,
                    f'Invalid JSON payload received. Unknown name "{path.rsplit(".", 1)[-1]}" '
                    f"at '{path}': Proto field is not repeating, cannot start list.",
                )
            )
            return value
        if "$ref" in field:
            return self._message(self._properties(field["$ref"]), value, path, violations)
        if kind == "object":
            return self._object(field, value, path, violations)
        parsed, expected = _scalar(field, value)
        if expected:
            violations.append(
                Violation(path, f"Invalid value at '{path}' ({expected}), {_shown(value)}")
            )
        return parsed

    def _object(self, field: Json, value: Any, path: str, violations: list[Violation]) -> Any:
        if "properties" in field:
            return self._message(field["properties"], value, path, violations)
        if not isinstance(value, dict):
            violations.append(Violation(path, f"Invalid value at '{path}' (map), {_shown(value)}"))
            return value
        items = field.get("additionalProperties")
        if not items:
            return value
        return {
            key: None
            if item is None and self.null_deletes
            else self._value(items, item, f"{path}[{key}]", violations)
            for key, item in value.items()
        }

    def _missing(
        self, properties: Json, body: Mapping[str, Any], path: str, method: str
    ) -> list[Violation]:
        found = []
        for name, field in properties.items():
            below = f"{path}.{snake(name)}" if path else snake(name)
            marks = flags(field)
            required = (
                "Required" in marks
                and "Output only" not in marks
                and "Identifier" not in marks
                and not field.get("deprecated")
                and field.get("type") not in ("boolean", "integer", "number")
            ) or bool(method and method in field.get("annotations", {}).get("required", ()))
            value = body.get(name)
            if required and value in (None, "", [], {}) and not (name in body and "$ref" in field):
                found.append(Violation(below, f"Required field is not set: {below}."))
                continue
            inner = field
            values: list[tuple[str, Any]] = [(below, value)]
            if field.get("type") == "array" and isinstance(value, list):
                inner = field["items"]
                values = [(f"{below}[{i}]", v) for i, v in enumerate(value)]
            nested = self._properties(inner["$ref"]) if "$ref" in inner else inner.get("properties")
            if nested:
                for where, item in values:
                    if isinstance(item, dict):
                        found += self._missing(nested, item, where, method)
        return found

    def _render(self, properties: Json, body: Mapping[str, Any]) -> Json:
        if set(properties) == {"*"}:
            return dict(body)
        return {
            name: self._rendered(properties[name], value)
            for name, value in body.items()
            if name in properties and value is not None
        }

    def _rendered(self, field: Json, value: Any) -> Any:
        if isinstance(value, list):
            return [self._rendered(field.get("items", {}), item) for item in value]
        if isinstance(value, dict):
            if "$ref" in field:
                return self._render(self._properties(field["$ref"]), value)
            if "properties" in field:
                return self._render(field["properties"], value)
            if "additionalProperties" in field:
                return {
                    k: self._rendered(field["additionalProperties"], v) for k, v in value.items()
                }
        return value


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 100 else text[:97] + "..."


def _scalar(field: Json, value: Any) -> tuple[Any, str]:
    """(the value in stored form, "" or the type that was expected)."""
    kind, form = field["type"], field.get("format", "")
    if isinstance(value, dict):
        return value, f"TYPE_{kind.upper()}; starting an object on a scalar field"
    if kind == "boolean":
        if value in ("true", "false"):
            return value == "true", ""
        return value, "" if isinstance(value, bool) else "TYPE_BOOL"
    if kind == "integer":
        return _integer(value, form or "int32")
    if kind == "number":
        return _number(value, form or "double")
    if form in ("int64", "uint64"):
        number, expected = _integer(value, form)
        return (value if expected else str(number)), expected
    if "enum" in field:
        names = field["enum"]
        # Clients that ask for `enum-encoding=int` also send numbers.
        if isinstance(value, int) and not isinstance(value, bool):
            name = name_of_number(names, value)
            return name or value, "" if name else "TYPE_ENUM"
        return value, "" if value in names else f"TYPE_ENUM, one of {', '.join(names[:12])}"
    if not isinstance(value, str):
        return value, "TYPE_STRING"
    return value, _malformed(form, value)


def _integer(value: Any, form: str) -> tuple[Any, str]:
    expected = f"TYPE_{form.upper()}"
    if isinstance(value, bool):
        return value, expected
    whole = isinstance(value, float) and value.is_integer()
    if whole or (isinstance(value, str) and _INTEGER.fullmatch(value)):
        value = int(value)
    if not isinstance(value, int):
        return value, expected
    bits = 64 if "64" in form else 32
    low, high = (0, 2**bits) if form.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return value, "" if low <= value < high else expected


def _number(value: Any, form: str) -> tuple[Any, str]:
    if isinstance(value, str):
        if value in _SPECIAL_NUMBERS:
            return value, ""
        try:
            return float(value), ""
        except ValueError:
            return value, f"TYPE_{form.upper()}"
    ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value, "" if ok else f"TYPE_{form.upper()}"


def _malformed(form: str, value: str) -> str:
    if form == "google-duration" and not _DURATION.fullmatch(value):
        return "type.googleapis.com/google.protobuf.Duration, seconds such as 3600s"
    if form == "google-datetime":
        try:
            aware = datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            return "type.googleapis.com/google.protobuf.Timestamp, such as 2026-01-31T00:00:00Z"
    if form == "byte":
        try:
            base64.b64decode(value.replace("-", "+").replace("_", "/") + "==", validate=False)
        except (binascii.Error, ValueError):
            return "TYPE_BYTES, base64"
    return ""
