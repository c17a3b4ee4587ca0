"""Types and columns, in SQL's words and in those of BigQuery's REST API.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from googlesql.lexer import Token, TokenKind, tokens

if TYPE_CHECKING:
    from zetasql.wasi._pb2.zetasql.public.type_pb2 import TypeProto

Mode = Literal["NULLABLE", "REQUIRED", "REPEATED"]

# The numbers are those of ZetaSQL's `TypeKind`.
_KINDS: Final[Mapping[str, int]] = {
    "INT64": 2,
    "BOOL": 5,
    "FLOAT64": 7,
    "STRING": 8,
    "BYTES": 9,
    "DATE": 10,
    "TIMESTAMP": 19,
    "TIME": 20,
    "DATETIME": 21,
    "GEOGRAPHY": 22,
    "NUMERIC": 23,
    "BIGNUMERIC": 24,
    "JSON": 26,
    "INTERVAL": 27,
}
_ARRAY_KIND: Final = 16
_STRUCT_KIND: Final = 17
_RANGE_KIND: Final = 29
_NAMES: Final[Mapping[int, str]] = {number: name for name, number in _KINDS.items()}
_ALIASES: Final[Mapping[str, str]] = {
    "INT": "INT64",
    "SMALLINT": "INT64",
    "INTEGER": "INT64",
    "BIGINT": "INT64",
    "TINYINT": "INT64",
    "BYTEINT": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
    "RECORD": "STRUCT",
}
# The REST API answers with the names of legacy SQL, and takes both.
_REST_NAMES: Final[Mapping[str, str]] = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
}
_BARE_NAME: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Type:
    """A type of GoogleSQL.

    Attributes:
        name: `INT64`, `STRING`, `ARRAY`, `STRUCT` and so on, never an alias such as `INTEGER`.
        fields: The fields of a STRUCT, unnamed ones with an empty name.
        element: The type of an ARRAY's or RANGE's elements.
        parameters: Length, or precision and scale: `("10", "2")` of `NUMERIC(10, 2)`.
    """

    name: str
    fields: tuple[tuple[str, "Type"], ...] = ()
    element: "Type | None" = None
    parameters: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the type as SQL."""
        if self.element is not None:
            return f"{self.name}<{self.element}>"
        if self.name == "STRUCT":
            inner = ", ".join(f"{_quoted(name)} {type_}".strip() for name, type_ in self.fields)
            return f"STRUCT<{inner}>"
        return f"{self.name}({', '.join(self.parameters)})" if self.parameters else self.name


@dataclass(frozen=True)
class Column:
    """A column of a table or of a query's result.

    Attributes:
        name: Its name.
        type: Its type as SQL: `INT64`, `ARRAY<STRUCT<a INT64>>`. An array's type says ARRAY.
        mode: `REPEATED` for an array, `REQUIRED` for NOT NULL, else `NULLABLE`.
        description: Its description; empty when it has none.
        pseudo: Whether `*` leaves it out, as it does `_PARTITIONTIME` and `_TABLE_SUFFIX`.
    """

    name: str
    type: str
    mode: Mode = "NULLABLE"
    description: str = ""
    pseudo: bool = False

    def __post_init__(self) -> None:
        if self.mode == "NULLABLE" and self.type.upper().startswith("ARRAY"):
            object.__setattr__(self, "mode", "REPEATED")

    @classmethod
    def from_rest(cls, field: Mapping[str, Any]) -> "Column":
        """Read a `TableFieldSchema` of the REST API.

        Raises:
            ValueError: The field names no type of GoogleSQL.
        """
        type_ = _type_from_rest(field)
        mode: Mode = "REQUIRED" if field.get("mode", "").upper() == "REQUIRED" else "NULLABLE"
        return cls(field["name"], str(type_), mode, field.get("description", ""))

    def to_rest(self) -> dict[str, Any]:
        """Return the column as a `TableFieldSchema`, with the type names BigQuery answers."""
        field = _type_to_rest(self.name, parse_type(self.type))
        if self.mode == "REQUIRED":
            field["mode"] = "REQUIRED"
        if self.description:
            field["description"] = self.description
        return field


def columns_from_rest(fields: Iterable[Mapping[str, Any]]) -> list[Column]:
    """Read the fields of a `TableSchema`."""
    return [Column.from_rest(field) for field in fields]


def parse_type(text: str) -> Type:
    """Read a type as written in SQL.

    Raises:
        ValueError: The text is not a type of GoogleSQL.
    """
    reader = _TypeReader(text)
    found = reader.type()
    if reader.peek() is not None:
        raise reader.error()
    return found


def type_from_proto(proto: "TypeProto") -> Type:
    """Turn ZetaSQL's type into ours."""
    kind = proto.type_kind
    if kind == _ARRAY_KIND:
        return Type("ARRAY", element=type_from_proto(proto.array_type.element_type))
    if kind == _STRUCT_KIND:
        inner = proto.struct_type.field
        return Type(
            "STRUCT",
            tuple((field.field_name, type_from_proto(field.field_type)) for field in inner),
        )
    if kind == _RANGE_KIND:
        return Type("RANGE", element=type_from_proto(proto.range_type.element_type))
    if kind in _NAMES:
        return Type(_NAMES[kind])
    raise ValueError(f"type kind {kind} of ZetaSQL is no type of BigQuery")


def fill_type_proto(type_: Type, proto: "TypeProto") -> None:
    """Write a type into ZetaSQL's message."""
    if type_.name == "ARRAY" and type_.element is not None:
        proto.type_kind = _ARRAY_KIND
        fill_type_proto(type_.element, proto.array_type.element_type)
    elif type_.name == "RANGE" and type_.element is not None:
        proto.type_kind = _RANGE_KIND
        fill_type_proto(type_.element, proto.range_type.element_type)
    elif type_.name == "STRUCT":
        proto.type_kind = _STRUCT_KIND
        proto.struct_type.SetInParent()
        for name, inner in type_.fields:
            field = proto.struct_type.field.add(field_name=name)
            fill_type_proto(inner, field.field_type)
    else:
        proto.type_kind = _KINDS[type_.name]


def _type_from_rest(field: Mapping[str, Any]) -> Type:
    written = str(field.get("type", "")).upper()
    name = _ALIASES.get(written, written)
    if name == "STRUCT":
        inner = tuple((f["name"], _type_from_rest(f)) for f in field.get("fields", ()))
        found = Type("STRUCT", inner)
    elif name == "RANGE":
        found = Type("RANGE", element=_type_from_rest(field["rangeElementType"]))
    elif name in _KINDS:
        keys = ("maxLength",) if "maxLength" in field else ("precision", "scale")
        found = Type(name, parameters=tuple(str(field[key]) for key in keys if key in field))
    else:
        raise ValueError(
            f"column {field.get('name')!r} has type {field.get('type')!r}; "
            f"allowed are {', '.join((*_KINDS, 'STRUCT', 'RANGE'))}"
        )
    repeated = str(field.get("mode", "")).upper() == "REPEATED"
    return Type("ARRAY", element=found) if repeated else found


def _type_to_rest(name: str, type_: Type) -> dict[str, Any]:
    if type_.name == "ARRAY" and type_.element is not None:
        return {**_type_to_rest(name, type_.element), "mode": "REPEATED"}
    field: dict[str, Any] = {
        "name": name,
        "type": _REST_NAMES.get(type_.name, type_.name),
        "mode": "NULLABLE",
    }
    if type_.name == "STRUCT":
        field["fields"] = [_type_to_rest(inner, inner_type) for inner, inner_type in type_.fields]
    if type_.name == "RANGE":
        field["rangeElementType"] = {"type": str(type_.element)}
    if type_.parameters:
        keys = ("maxLength",) if type_.name in ("STRING", "BYTES") else ("precision", "scale")
        field.update(zip(keys, type_.parameters, strict=False))
    return field


def _quoted(name: str) -> str:
    return name if not name or _BARE_NAME.fullmatch(name) else f"`{name}`"


class _TypeReader:
    """Reads a type token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[Token] = []
        for token in tokens(text):
            if token.kind is TokenKind.SYMBOL and token.text in (">>", "<>"):
                # Brackets of types, no shift and no comparison.
                self._tokens += [token._replace(text=bracket) for bracket in token.text]
            elif token.kind not in (TokenKind.SPACE, TokenKind.COMMENT):
                self._tokens.append(token)
        self._at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else None

    def error(self) -> ValueError:
        return ValueError(
            f"{self._text!r} is no type of GoogleSQL; allowed are {', '.join(_KINDS)}, "
            "ARRAY<type>, STRUCT<name type, …> and RANGE<type>"
        )

    def type(self) -> Type:
        written = self._take(TokenKind.WORD).upper()
        name = _ALIASES.get(written, written)
        if name in ("ARRAY", "RANGE"):
            self._symbol("<")
            found = Type(name, element=self.type())
            self._symbol(">")
            return found
        if name == "STRUCT":
            return self._struct()
        if name not in _KINDS:
            raise self.error()
        return Type(name, parameters=self._parameters())

    def _struct(self) -> Type:
        self._symbol("<")
        fields: list[tuple[str, Type]] = []
        while not self._is(">"):
            if fields:
                self._symbol(",")
            fields.append(self._field())
        self._symbol(">")
        return Type("STRUCT", tuple(fields))

    def _field(self) -> tuple[str, Type]:
        following = self.peek(1)
        first = self.peek()
        if first is not None and first.kind is TokenKind.QUOTED_NAME:
            return self._take(TokenKind.QUOTED_NAME).strip("`"), self.type()
        if following is not None and following.kind is TokenKind.WORD:
            return self._take(TokenKind.WORD), self.type()
        return "", self.type()

    def _parameters(self) -> tuple[str, ...]:
        if not self._is("("):
            return ()
        self._symbol("(")
        found = [self._take(TokenKind.NUMBER)]
        while self._is(","):
            self._symbol(",")
            found.append(self._take(TokenKind.NUMBER))
        self._symbol(")")
        return tuple(found)

    def _is(self, symbol: str) -> bool:
        token = self.peek()
        return token is not None and token.text == symbol

    def _symbol(self, symbol: str) -> None:
        if not self._is(symbol):
            raise self.error()
        self._at += 1

    def _take(self, kind: TokenKind) -> str:
        token = self.peek()
        if token is None or token.kind is not kind:
            raise self.error()
        self._at += 1
        return token.text
