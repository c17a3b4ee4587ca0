"""List filters (https://google.aip.dev/160) over stored resources.

`display_name="m1" AND labels.env:prod`, `create_time > "2026-01-01T00:00:00Z"`, `NOT (a=1 OR b=2)`.
OR binds tighter than AND, as the rule says. A field the message lacks is refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from localcloud.discovery.schema import Schema
from localcloud.errors import ApiError

Predicate = Callable[[Mapping[str, Any]], bool]
FilterFunction = Callable[[str], Predicate]
"""A function in a filter: its argument -> the test."""

_TOKEN = re.compile(
    r"\s*(?:(?P<op><=|>=|!=|=|<|>|:)|(?P<open>\()|(?P<close>\))"
    r"|\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>(?:[^'\\]|\\.)*)'"
    r"|(?P<word>[^\s()=!<>:\"']+))"
)


def compile_filter(
    text: str,
    schema: Schema,
    message: str,
    functions: Mapping[str, FilterFunction] | None = None,
) -> Predicate:
    """A filter's test.

    Args:
        text: The `filter` parameter; empty accepts everything.
        schema: The API's messages.
        message: Message of the listed resources.
        functions: What may be called with one text, by name.

    Raises:
        ApiError: INVALID_ARGUMENT; the filter cannot be read or names an unknown field.
    """
    tokens = list(_tokens(text))
    if not tokens:
        return lambda resource: True
    parser = _Parser(text, tokens, schema, message, functions or {})
    predicate = parser.conjunction()
    if parser.position < len(tokens):
        raise parser.refused(f"unexpected {tokens[parser.position][1]!r}")
    return predicate


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.end() == position:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Invalid filter {text!r}: cannot read it from position {position}.",
            )
        position = found.end()
        kind = str(found.lastgroup)
        value = found[kind]
        if kind in ("double", "single"):
            yield "string", re.sub(r"\\(.)", r"\1", value)
        else:
            yield kind, value


class _Parser:
    def __init__(
        self,
        text: str,
        tokens: list[tuple[str, str]],
        schema: Schema,
        message: str,
        functions: Mapping[str, FilterFunction],
    ) -> None:
        self.text, self.tokens, self.schema, self.message = text, tokens, schema, message
        self.functions = functions
        self.position = 0

    def refused(self, why: str) -> ApiError:
        return ApiError("INVALID_ARGUMENT", f"Invalid filter {self.text!r}: {why}.")

    def peek(self) -> tuple[str, str]:
        if self.position < len(self.tokens):
            return self.tokens[self.position]
        return "end", "the end"

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.position += 1
        return token

    def conjunction(self) -> Predicate:
        parts = [self.disjunction()]
        while self.peek()[0] not in ("end", "close"):
            # Terms that only stand side by side are a conjunction as well.
            if self.peek() == ("word", "AND"):
                self.take()
            parts.append(self.disjunction())
        return parts[0] if len(parts) == 1 else lambda r: all(part(r) for part in parts)

    def disjunction(self) -> Predicate:
        parts = [self.term()]
        while self.peek() == ("word", "OR"):
            self.take()
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else lambda r: any(part(r) for part in parts)

    def term(self) -> Predicate:
        kind, value = self.peek()
        if (kind, value) == ("word", "NOT"):
            self.take()
            inner = self.term()
            return lambda r: not inner(r)
        if kind == "open":
            self.take()
            inner = self.conjunction()
            if self.take()[0] != "close":
                raise self.refused("a closing parenthesis is missing")
            return inner
        return self.restriction()

    def restriction(self) -> Predicate:
        kind, path = self.take()
        if kind != "word":
            raise self.refused(f"a field name is expected, not {path!r}")
        if path in self.functions and self.peek()[0] == "open":
            self.take()
            argument, closing = self.take(), self.take()
            if argument[0] != "string" or closing[0] != "close":
                raise self.refused(f"{path} takes one text in quotation marks")
            return self.functions[path](argument[1])
        kind, operator = self.take()
        if kind != "op":
            raise self.refused(f"a comparison is expected after {path!r}")
        kind, value = self.take()
        if kind not in ("word", "string"):
            raise self.refused(f"a value is expected after {path}{operator}")
        found = self.schema.resolve(self.message, path)
        if found is None:
            raise self.refused(f"unknown field {path!r}")
        keys, field = found
        return _comparison(keys, field, operator, value)


def _comparison(keys: list[str], field: Mapping[str, Any], operator: str, value: str) -> Predicate:
    def test(resource: Mapping[str, Any]) -> bool:
        actual: Any = resource
        for key in keys:
            actual = actual.get(key) if isinstance(actual, Mapping) else None
        if operator == ":":
            return _has(actual, value)
        if operator in ("=", "!="):
            return _equal(actual, value) == (operator == "=")
        return _ordered(actual, value, operator)

    return test


def _has(actual: Any, value: str) -> bool:
    if value == "*":
        return actual not in (None, "", [], {})
    if isinstance(actual, Mapping):
        return value in actual
    if isinstance(actual, list):
        return any(_equal(item, value) for item in actual)
    return actual is not None and value.lower() in str(actual).lower()


def _equal(actual: Any, value: str) -> bool:
    if isinstance(actual, bool):
        return value.lower() == str(actual).lower()
    if isinstance(actual, (int, float)):
        try:
            return float(value) == actual
        except ValueError:
            return False
    text = "" if actual is None else str(actual)
    return text == value or ("*" in value and fnmatchcase(text, value))


def _ordered(actual: Any, value: str, operator: str) -> bool:
    if actual is None:
        return False
    left, right = _comparable(actual, value)
    return bool(
        {
            "<": left < right,
            ">": left > right,
            "<=": left <= right,
            ">=": left >= right,
        }[operator]
    )


def _comparable(actual: Any, value: str) -> tuple[Any, Any]:
    try:
        return float(actual), float(value)
    except (TypeError, ValueError):
        pass
    try:
        left, right = datetime.fromisoformat(str(actual)), datetime.fromisoformat(value)
        if (left.tzinfo is None) == (right.tzinfo is None):
            return left, right
    except ValueError:
        pass
    return str(actual), value
