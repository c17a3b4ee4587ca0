"""`output_schema`: the columns that a generative model is asked to fill.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-generate
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_bigquery.errors import BigQueryError

from googlesql import parser
from googlesql.constant import read_constant
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.tree import Node, identifiers
from localcloud.bigquery.column import arrow_type

_GEMINI = {"STRING": "STRING", "INT64": "INTEGER", "FLOAT64": "NUMBER", "BOOL": "BOOLEAN"}
_ALIASES = {"INTEGER": "INT64", "INT": "INT64", "BOOLEAN": "BOOL"}
_DUCKDB = {"STRING": "VARCHAR", "INT64": "BIGINT", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN"}


@dataclass(frozen=True)
class Kind:
    """A type that a model can be asked for.

    Attributes:
        name: STRING, INT64, FLOAT64, BOOL, ARRAY or STRUCT.
        parts: Fields of a STRUCT; the one element, without a name, of an ARRAY.
    """

    name: str
    parts: tuple["Field", ...] = ()

    @property
    def sql(self) -> str:
        """The type as GoogleSQL writes it."""
        if self.name == "ARRAY":
            return f"ARRAY<{self.parts[0].kind.sql}>"
        if self.name == "STRUCT":
            return f"STRUCT<{', '.join(f'{part.name} {part.kind.sql}' for part in self.parts)}>"
        return self.name

    @property
    def structure(self) -> Any:
        """The type as DuckDB's `from_json` takes it."""
        if self.name == "ARRAY":
            return [self.parts[0].kind.structure]
        if self.name == "STRUCT":
            return {part.name: part.kind.structure for part in self.parts}
        return _DUCKDB[self.name]

    @property
    def gemini(self) -> dict[str, Any]:
        """The type as `generationConfig.responseSchema` takes it."""
        if self.name == "ARRAY":
            return {"type": "ARRAY", "items": self.parts[0].kind.gemini}
        if self.name == "STRUCT":
            return response_schema(self.parts)
        return {"type": _GEMINI[self.name]}


@dataclass(frozen=True)
class Field:
    """A column asked for.

    Attributes:
        name: Its name.
        kind: Its type.
        description: What the model is told of it; empty for nothing.
    """

    name: str
    kind: Kind
    description: str = ""

    @property
    def arrow(self) -> Any:
        """The column's Arrow type."""
        return arrow_type(self.kind.sql)


def read(function: str, written: str) -> tuple[Field, ...]:
    """Read an output schema.

    Args:
        function: Who takes it, for messages.
        written: Such as `name STRING, age INT64 OPTIONS(description = 'in years')`.

    Raises:
        BigQueryError: It is no list of columns of the supported types.
    """
    sql = f"CREATE TABLE asked ({written})"
    try:
        table = parser.parse_statement(sql)
    except SqlError as error:
        raise _refused(function, written, error.reason) from error
    elements = table.child("table_element_list")
    columns = elements.children("elements") if elements else ()
    if not columns or any(column.kind != "ASTColumnDefinition" for column in columns):
        raise _refused(function, written, "it has no columns")
    fields = tuple(_field(column, Text(sql), function, written) for column in columns)
    names = [field.name.casefold() for field in fields]
    if twice := [name for name in names if names.count(name) > 1]:
        raise _refused(function, written, f"the column {twice[0]} is there twice")
    return fields


def response_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """An object with the fields, as `generationConfig.responseSchema` takes it."""
    return {
        "type": "OBJECT",
        "properties": {field.name: _told(field) for field in fields},
        "required": [field.name for field in fields],
        "propertyOrdering": [field.name for field in fields],
    }


def values(fields: Sequence[Field], text: str) -> Mapping[str, Any]:
    """What a model said, by field; a field that it left out is NULL.

    Raises:
        ValueError: It is no JSON object.
    """
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("the model gave no JSON object")
    return {field.name: said.get(field.name) for field in fields}


def _told(field: Field) -> dict[str, Any]:
    return field.kind.gemini | ({"description": field.description} if field.description else {})


def _field(column: Node, text: Text, function: str, written: str) -> Field:
    schema = column.child("schema")
    assert schema is not None, "the grammar gives a column its schema"
    name = "".join(identifiers(column.child("name")))
    kind = _kind(schema, text, function, written)
    return Field(name, kind, _description(schema, text))


def _kind(schema: Node, text: Text, function: str, written: str) -> Kind:
    if schema.kind == "ASTArrayColumnSchema":
        element = schema.child("element_schema")
        assert element is not None, "the grammar gives an array its element"
        return Kind("ARRAY", (Field("", _kind(element, text, function, written)),))
    if schema.kind == "ASTStructColumnSchema":
        fields = schema.children("struct_fields")
        return Kind("STRUCT", tuple(_field(f, text, function, written) for f in fields))
    name = ".".join(identifiers(schema.child("type_name"))).upper()
    name = _ALIASES.get(name, name)
    if name not in _DUCKDB:
        raise _refused(
            function,
            written,
            f"{name} is not supported; {', '.join(_DUCKDB)}, ARRAY and STRUCT are",
        )
    return Kind(name)


def _description(schema: Node, text: Text) -> str:
    options = schema.child("options_list")
    for entry in options.children("options_entries") if options else ():
        value = entry.child("value")
        if "".join(identifiers(entry.child("name"))).lower() == "description" and value:
            return str(read_constant(value, text))
    return ""


def _refused(function: str, written: str, why: str) -> BigQueryError:
    return BigQueryError("invalidQuery", f"{function}: output_schema {written!r}: {why}.")
