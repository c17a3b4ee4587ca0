"""Conditions of pipeline tasks: the part of the Common Expression Language that kfp compiles to.

`inputs.parameter_values['x'] == 'heads' && !(int(inputs.parameter_values['n']) > 3)`
Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<op>&&|\|\||!(?!=))")
_PYTHON = {"&&": " and ", "||": " or ", "!": " not "}
_NAMES = {"true": True, "false": False, "null": None}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda value, values: value in values,
}
_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "int": lambda value: int(float(value)),
    "double": float,
    "string": lambda value: value if isinstance(value, str) else _text(value),
    "bool": lambda value: value if isinstance(value, bool) else str(value).lower() == "true",
}


def parse(text: str) -> ast.expr:
    """Read a condition.

    Raises:
        ValueError: It is beyond what is known here; the message says what.
    """

    def python(found: re.Match[str]) -> str:
        return found[0] if found["text"] else _PYTHON[found["op"]]

    try:
        tree = ast.parse(_TOKEN.sub(python, text).strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{text!r} cannot be read: {error.msg}") from error
    _check(tree)
    return tree


def _check(node: ast.expr) -> None:
    if isinstance(node, ast.BoolOp):
        parts = node.values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        parts = [node.operand]
    elif isinstance(node, ast.Compare):
        if len(node.ops) > 1 or type(node.ops[0]) not in _COMPARISONS:
            raise ValueError(f"{ast.unparse(node)!r} is no single comparison")
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.Call) and _called(node) in _CONVERSIONS and len(node.args) == 1:
        parts = node.args
    elif isinstance(node, ast.List):
        parts = node.elts
    elif isinstance(node, ast.Constant) or _parameter(node) or _name(node) in _NAMES:
        return
    else:
        raise ValueError(f"{ast.unparse(node)!r} is not known")
    for part in parts:
        _check(part)


def holds(text: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a condition is true.

    Args:
        text: The condition.
        parameters: The task's input parameters.

    Raises:
        ValueError: It names a parameter that has no value, or compares what cannot be.
    """
    try:
        return bool(_value(parse(text), parameters))
    except (KeyError, TypeError) as error:
        raise ValueError(f"The condition {text!r} cannot be decided: {error}") from error


def _value(node: ast.expr, parameters: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.BoolOp):
        decide = all if isinstance(node.op, ast.And) else any
        return decide(_value(part, parameters) for part in node.values)
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, parameters)
        return not value if isinstance(node.op, ast.Not) else -value
    if isinstance(node, ast.Compare):
        left, right = (_value(part, parameters) for part in (node.left, node.comparators[0]))
        return _COMPARISONS[type(node.ops[0])](left, right)
    if isinstance(node, ast.Call):
        return _CONVERSIONS[_called(node)](_value(node.args[0], parameters))
    if isinstance(node, ast.List):
        return [_value(part, parameters) for part in node.elts]
    if isinstance(node, ast.Constant):
        return node.value
    if name := _parameter(node):
        return parameters[name]
    return _NAMES[_name(node)]


def _called(node: ast.Call) -> str:
    return _name(node.func)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _parameter(node: ast.expr) -> str:
    if (
        isinstance(node, ast.Subscript)
        and ast.unparse(node.value) == "inputs.parameter_values"
        and isinstance(node.slice, ast.Constant)
    ):
        return str(node.slice.value)
    return ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
