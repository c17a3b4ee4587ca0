"""A fitted TRANSFORM clause as a TensorFlow SavedModel.

Its items are GoogleSQL with what was learnt as constants. Arithmetic, comparisons, logic, IF, CASE,
COALESCE and some functions become TensorFlow's operations; of anything else the name is refused.
https://cloud.google.com/bigquery/docs/exporting-models#export-transform-functions
A graph knows no NULL: see `localcloud.bqml.export.graph`. What BigQuery answers with an error, such
as a division by zero, is infinite or NaN there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from googlesql import parser
from googlesql.tree import Node, identifiers
from localcloud.bigquery.transform import Item, Transform

if TYPE_CHECKING:
    from localcloud.bqml.export import Files
    from localcloud.bqml.export.graph import Tensors

NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
_NOT_EXPORTED = re.compile(r"\bML\s*\.\s*(FEATURE_CROSS|POLYNOMIAL_EXPAND)\b", re.IGNORECASE)
"""What BigQuery itself does not export."""


@dataclass(frozen=True)
class Value:
    """A column.

    Attributes:
        tensor: A value each row; what stands where there is NULL means nothing.
        null: Where it is NULL; None: nowhere.
    """

    tensor: Any
    null: Any = None


Maybe = Value | None
"""A column, or the literal NULL, which is of any type."""


def files(
    transform: Transform, inputs: Sequence[tuple[str, str]], outputs: Sequence[str]
) -> "Files":
    """The files of a clause.

    Args:
        transform: The clause.
        inputs: Names and BigQuery types of the columns that it reads.
        outputs: The names of its items that are wanted.

    Raises:
        BqmlError: BigQuery does not export such a clause.
        NotImplementedError: The local cloud does not, or TensorFlow is not installed.
    """
    from localcloud.bqml.errors import BqmlError
    from localcloud.bqml.export.graph import Graph

    wanted = {name.casefold() for name in outputs}
    items = [item for item in transform.items if item.name.casefold() in wanted]
    for item in items:
        if found := _NOT_EXPORTED.search(item.written):
            raise BqmlError(
                f"Exporting a model with ML.{found[1].upper()} in TRANSFORM is not supported"
            )
    graph = Graph("Exporting a model with TRANSFORM")
    read = {column.casefold() for item in items for column in item.columns}
    columns = [(name, kind) for name, kind in inputs if name.casefold() in read]

    def apply(given: "Tensors") -> dict[str, Any]:
        return {item.name: _Expression(graph.tf, columns, given).output(item) for item in items}

    return graph.files(columns, apply)


class _Expression:
    """Turns an expression into tensors.

    Args:
        tf: TensorFlow.
        columns: Names and BigQuery types of the columns.
        given: Their tensors.
    """

    def __init__(
        self, tf: Any, columns: Sequence[tuple[str, str]], given: Mapping[str, Any]
    ) -> None:
        self._tf = tf
        self._given = {name.casefold(): (kind, given[name]) for name, kind in columns}
        self._rows = tf.shape(next(iter(given.values())))[0]
        self._item = ""

    def output(self, item: Item) -> Any:
        """The tensor of an item."""
        from localcloud.bqml.export.graph import NULL_TEXT

        tf, self._item = self._tf, item.name
        tree = parser.parse_statement(f"SELECT {item.expression} FROM t")
        node = _selected(tree)
        if node.kind == "ASTPathExpression":
            # Whatever its type, a column passes as it came.
            return self._given[identifiers(node)[-1].casefold()][1]
        value = self._value(node)
        if value is None:
            raise self._refused("NULL alone")
        if value.null is None:
            return value.tensor
        if value.tensor.dtype == tf.bool:
            raise self._refused("a BOOL that may be NULL")
        nothing = float("nan") if value.tensor.dtype == tf.float64 else NULL_TEXT
        return tf.where(value.null, tf.constant(nothing, value.tensor.dtype), value.tensor)

    def _refused(self, what: str) -> NotImplementedError:
        return NotImplementedError(
            f"Exporting {what} in TRANSFORM, in '{self._item}', is not implemented on the local "
            "cloud."
        )

    def _constant(self, value: Any) -> Value:
        kind = self._tf.float64 if isinstance(value, float) else None
        return Value(self._tf.fill([self._rows], self._tf.constant(value, kind)))

    def _value(self, node: Node) -> Maybe:
        match node.kind:
            case "ASTNullLiteral":
                return None
            case "ASTIntLiteral" | "ASTFloatLiteral":
                return self._constant(float(node.text("image")))
            case "ASTStringLiteral":
                return self._constant(node.text("string_value"))
            case "ASTBooleanLiteral":
                return self._constant(node.flag("value") or node.text("image").upper() == "TRUE")
            case "ASTPathExpression":
                return self._column(identifiers(node)[-1])
            case "ASTUnaryExpression":
                return self._unary(node)
            case "ASTBinaryExpression":
                return self._binary(node)
            case "ASTAndExpr":
                return self._all(self._values(node, "conjuncts"), is_and=True)
            case "ASTOrExpr":
                return self._all(self._values(node, "disjuncts"), is_and=False)
            case "ASTCaseNoValueExpression":
                return self._case(list(node.children("arguments")), None)
            case "ASTCaseValueExpression":
                subject, *arguments = node.children("arguments")
                return self._case(arguments, self._value(subject))
            case "ASTCastExpression":
                return self._cast(node)
            case "ASTFunctionCall":
                function = node.child("function")
                name = ".".join(identifiers(function)).upper() if function else ""
                return self._call(name, self._values(node, "arguments"))
        raise self._refused(node.kind.removeprefix("AST"))

    def _values(self, node: Node, field: str) -> list[Maybe]:
        return [self._value(child) for child in node.children(field)]

    def _column(self, name: str) -> Value:
        from localcloud.bqml.export.graph import NULL_TEXT

        tf = self._tf
        kind, tensor = self._given[name.casefold()]
        if kind in NUMBERS:
            return Value(tensor, tf.math.is_nan(tensor))
        if kind == "STRING":
            return Value(tensor, tensor == NULL_TEXT)
        if kind == "BOOL":
            return Value(tensor)
        raise self._refused(f"an expression over a column of type {kind}")

    def _unary(self, node: Node) -> Maybe:
        operand = node.child("operand")
        value = None if operand is None else self._value(operand)
        if value is None:
            return None
        match node.text("op"):
            case "MINUS":
                return Value(-value.tensor, value.null)
            case "PLUS":
                return value
            case "NOT":
                return Value(self._tf.logical_not(value.tensor), value.null)
        raise self._refused(f"the operator {node.text('op')}")

    def _binary(self, node: Node) -> Maybe:
        tf = self._tf
        left, right = node.child("lhs"), node.child("rhs")
        assert left is not None, "a binary operator has a left side"
        assert right is not None, "a binary operator has a right side"
        op, is_not = node.text("op"), node.flag("is_not")
        if op == "IS":
            return self._is(self._value(left), right, is_not=is_not)
        functions: dict[str, Callable[[Any, Any], Any]] = {
            "PLUS": lambda a, b: a + b,
            "MINUS": lambda a, b: a - b,
            "MULTIPLY": lambda a, b: a * b,
            "DIVIDE": lambda a, b: a / b,
            "EQ": lambda a, b: a == b,
            "NE": lambda a, b: a != b,
            "NE2": lambda a, b: a != b,
            "LT": lambda a, b: a < b,
            "LE": lambda a, b: a <= b,
            "GT": lambda a, b: a > b,
            "GE": lambda a, b: a >= b,
            "CONCAT_OP": lambda a, b: tf.strings.join([a, b]),
        }
        a, b = self._value(left), self._value(right)
        if op not in functions or is_not:
            raise self._refused(f"the operator {op}")
        return self._strict([a, b], lambda tensors: functions[op](*tensors), op)

    def _is(self, value: Maybe, right: Node, *, is_not: bool) -> Value:
        tf = self._tf
        if right.kind == "ASTNullLiteral":
            if value is None:
                return self._constant(not is_not)
            found = self._where_null(value)
        elif right.kind == "ASTBooleanLiteral" and value is not None:
            wanted = self._value(right)
            assert wanted is not None, "a literal is a value"
            found = (value.tensor == wanted.tensor) & ~self._where_null(value)
        else:
            raise self._refused("the operator IS")
        return Value(tf.logical_not(found) if is_not else found)

    def _where_null(self, value: Maybe) -> Any:
        tf = self._tf
        if value is None:
            return tf.fill([self._rows], True)
        return tf.fill([self._rows], False) if value.null is None else value.null

    def _strict(
        self, values: list[Maybe], function: Callable[[list[Any]], Any], name: str
    ) -> Maybe:
        """What is NULL where one of its arguments is."""
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        if len({value.tensor.dtype for value in known}) != 1:
            raise self._refused(f"{name} of unlike types")
        if known[0].tensor.dtype == self._tf.string and name in ("LT", "LE", "GT", "GE"):
            raise self._refused(f"the operator {name} of STRING")
        nulls = [value.null for value in known if value.null is not None]
        null = None
        for one in nulls:
            null = one if null is None else null | one
        return Value(function([value.tensor for value in known]), null)

    def _all(self, values: list[Maybe], *, is_and: bool) -> Value:
        """AND or OR of three values: true, false, unknown."""
        decided, unknown = None, None
        for value in values:
            missing = self._where_null(value)
            tensor = missing if value is None else value.tensor
            # AND is decided by what is false, OR by what is true.
            sure = (~tensor if is_and else tensor) & ~missing
            decided = sure if decided is None else decided | sure
            unknown = missing if unknown is None else unknown | missing
        never = all(value is not None and value.null is None for value in values)
        assert decided is not None, "AND and OR have operands"
        return Value(~decided if is_and else decided, None if never else unknown & ~decided)

    def _case(self, arguments: list[Node], subject: Maybe) -> Maybe:
        has_else = len(arguments) % 2 == 1
        result: Maybe = self._value(arguments[-1]) if has_else else None
        ends = len(arguments) - has_else
        for place in range(ends - 2, -1, -2):
            when = self._value(arguments[place])
            if subject is not None:
                when = self._strict([subject, when], lambda t: t[0] == t[1], "CASE")
            result = self._if(when, self._value(arguments[place + 1]), result)
        return result

    def _if(self, when: Maybe, then: Maybe, otherwise: Maybe) -> Maybe:
        tf = self._tf
        if when is None:
            return otherwise
        if then is None and otherwise is None:
            return None
        some = then if then is not None else otherwise
        assert some is not None, "one of both is a value"
        then = then or Value(tf.zeros_like(some.tensor), tf.fill([self._rows], True))
        otherwise = otherwise or Value(tf.zeros_like(some.tensor), tf.fill([self._rows], True))
        if then.tensor.dtype != otherwise.tensor.dtype:
            raise self._refused("a choice between unlike types")
        chosen = when.tensor if when.null is None else when.tensor & ~when.null
        null = None
        if then.null is not None or otherwise.null is not None:
            null = tf.where(chosen, self._where_null(then), self._where_null(otherwise))
        return Value(tf.where(chosen, then.tensor, otherwise.tensor), null)

    def _cast(self, node: Node) -> Maybe:
        tf = self._tf
        expression, kind = node.child("expr"), node.child("type")
        assert expression is not None, "a cast has an expression"
        assert kind is not None, "a cast has a type"
        path = kind.child("type_name")
        name = identifiers(path)[-1].upper() if path else kind.kind
        if name == "FLOAT64" and expression.kind == "ASTStringLiteral":
            return self._constant(float(expression.text("string_value")))
        value = self._value(expression)
        if value is None:
            return None
        if name == "FLOAT64" and value.tensor.dtype == tf.float64:
            return value
        if name == "STRING" and value.tensor.dtype == tf.string:
            return value
        if name == "STRING" and value.tensor.dtype == tf.bool:
            return Value(tf.where(value.tensor, "true", "false"), value.null)
        if value.tensor.dtype == tf.bool and name == "INT64":
            return Value(tf.cast(value.tensor, tf.float64), value.null)
        raise self._refused(f"CAST AS {name}")

    def _call(self, name: str, values: list[Maybe]) -> Maybe:
        tf = self._tf
        match name, len(values):
            case "IF", 3:
                return self._if(*values)
            case "COALESCE" | "IFNULL", _:
                result: Maybe = None
                for value in reversed(values):
                    if value is not None:
                        there = Value(tf.logical_not(self._where_null(value)))
                        result = value if value.null is None else self._if(there, value, result)
                return result
        functions: dict[str, Callable[[list[Any]], Any]] = {
            "ABS": lambda t: tf.abs(t[0]),
            "CONCAT": tf.strings.join,
            "EXP": lambda t: tf.exp(t[0]),
            "GREATEST": lambda t: tf.reduce_max(tf.stack(t), axis=0),
            "LEAST": lambda t: tf.reduce_min(tf.stack(t), axis=0),
            "LN": lambda t: tf.math.log(t[0]),
            "LOG10": lambda t: tf.math.log(t[0]) / tf.math.log(tf.constant(10, tf.float64)),
            "POW": lambda t: tf.pow(t[0], t[1]),
            "POWER": lambda t: tf.pow(t[0], t[1]),
            "SIGN": lambda t: tf.sign(t[0]),
            "SQRT": lambda t: tf.sqrt(t[0]),
            "LOWER": lambda t: tf.strings.lower(t[0], encoding="utf-8"),
            "UPPER": lambda t: tf.strings.upper(t[0], encoding="utf-8"),
        }
        if name not in functions:
            raise self._refused(f"the function {name}")
        return self._strict(values, functions[name], name)


def _selected(tree: Node) -> Node:
    """The one expression of a SELECT."""
    node = tree
    while node.kind != "ASTSelectColumn":
        below = [child for child in node.nodes() if child.kind != "ASTFromClause"]
        node = below[0]
    expression = node.child("expression")
    assert expression is not None, "a column is an expression"
    return expression
