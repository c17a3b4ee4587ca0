"""The values of constants in SQL text, such as the options of a model."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from googlesql.position import Text
from googlesql.tree import Node, identifiers


@dataclass(frozen=True)
class Call:
    """A call among options: `HPARAM_RANGE(0, 1)`, `HPARAM_CANDIDATES([2, 4])`.

    Attributes:
        name: The function's name in upper case.
        arguments: Its arguments.
    """

    name: str
    arguments: tuple["Constant", ...]


@dataclass(frozen=True)
class Interval:
    """An INTERVAL, such as `INTERVAL 390 MINUTE`.

    Attributes:
        value: The amount, a number or the text of a longer interval, `1-2 3`.
        unit: The date part in upper case, `MINUTE`, or `YEAR TO DAY`.
    """

    value: int | str
    unit: str


@dataclass(frozen=True)
class Expression:
    """What is no constant, such as `CONCAT('a', @b)`.

    Attributes:
        text: The expression as written.
    """

    text: str


Constant: TypeAlias = (
    str
    | int
    | float
    | bool
    | bytes
    | Decimal
    | date
    | list["Constant"]
    | tuple["Constant", ...]
    | dict[str, "Constant"]
    | Call
    | Interval
    | Expression
    | None
)


def read_constant(node: Node, text: Text) -> Constant:
    """Read a constant.

    Args:
        node: The expression.
        text: The text it was parsed from.

    Returns:
        STRING str, INT64 int, FLOAT64 float, BOOL bool, BYTES bytes, NULL None, NUMERIC and
        BIGNUMERIC Decimal, DATE date, an array list, a struct with names dict, one without tuple.
        Literals of other types and all else come back as `Expression`.
    """
    match node.kind:
        case "ASTStringLiteral":
            return node.text("string_value")
        case "ASTBytesLiteral":
            value = node.fields["bytes_value"]
            return value if isinstance(value, bytes) else str(value).encode()
        case "ASTIntLiteral":
            return int(node.text("image"), 0) if _is_hex(node) else int(node.text("image"))
        case "ASTFloatLiteral":
            return float(node.text("image"))
        case "ASTBooleanLiteral":
            return node.flag("value")
        case "ASTNullLiteral":
            return None
        case "ASTNumericLiteral" | "ASTBigNumericLiteral":
            return Decimal(_inner_string(node))
        case "ASTDateOrTimeLiteral" if node.text("type_kind") == "TYPE_DATE":
            return date.fromisoformat(_inner_string(node))
        case "ASTUnaryExpression":
            return _negated(node, text)
        case "ASTArrayConstructor":
            return [read_constant(element, text) for element in node.children("elements")]
        case "ASTStructConstructorWithParens":
            return tuple(read_constant(f, text) for f in node.children("field_expressions"))
        case "ASTStructConstructorWithKeyword":
            return _struct(node, text)
        case "ASTIntervalExpr":
            return _interval(node, text)
        case "ASTFunctionCall":
            name = ".".join(identifiers(node.child("function"))).upper()
            if name.startswith("HPARAM_"):
                arguments = node.children("arguments")
                return Call(name, tuple(read_constant(a, text) for a in arguments))
    return Expression(text.slice(node.start, node.end))


def _is_hex(node: Node) -> bool:
    return node.text("image")[:2].lower() == "0x"


def _inner_string(node: Node) -> str:
    literal = node.child("string_literal")
    return "" if literal is None else literal.text("string_value")


def _negated(node: Node, text: Text) -> Constant:
    operand = node.child("operand")
    value = None if operand is None else read_constant(operand, text)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        if node.text("op") == "MINUS":
            return -value
        if node.text("op") == "PLUS":
            return value
    return Expression(text.slice(node.start, node.end))


def _struct(node: Node, text: Text) -> Constant:
    names: list[str] = []
    values: list[Constant] = []
    for field in node.children("fields"):
        expression = field.child("expression")
        values.append(None if expression is None else read_constant(expression, text))
        names.extend(identifiers(field.child("alias")))
    return dict(zip(names, values, strict=True)) if len(names) == len(values) else tuple(values)


def _interval(node: Node, text: Text) -> Constant:
    amount = node.child("interval_value")
    value = None if amount is None else read_constant(amount, text)
    units = [
        *identifiers(node.child("date_part_name")),
        *identifiers(node.child("date_part_name_to")),
    ]
    if isinstance(value, (int, str)):
        return Interval(value, " TO ".join(units).upper())
    return Expression(text.slice(node.start, node.end))
