"""One property of a resource type: its Pulumi name, its place in the REST resource, its rules."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a property holds; the value says it in a message."""

    STRING = "a string"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    STRINGS = "a list of strings"
    MAP = "a map of strings"
    OBJECT = "an object"
    OBJECTS = "a list of objects"


SAME_AS_NAME = ""


@dataclass(frozen=True)
class Property:
    """One property, top-level or inside an object.

    Attributes:
        name: Pulumi's name, camel case.
        kind: What it holds.
        field: Path of the field in the REST resource, with dots; left out, the same as `name`;
            None: not part of it (a name in the URL, or a choice of this plugin).
        required: Whether leaving it out is an error.
        output: Whether only the server sets it.
        computed: Whether the server decides when it is left out; then its absence changes nothing.
        replaces: Whether another value needs another resource.
        default: What Check fills in when it is left out.
        implied: What leaving it out means; unlike `default` it is not written into the inputs.
        initial: What a create sends when it is left out; None: nothing.
        absent: What the output is when the server sends nothing.
        blank_on_update: Whether an update sends it empty when the state has it empty.
        only_when_changed: Whether an update sends it only when it changes.
        autonamed: Whether Check makes it from the resource's name when it is left out.
        pattern: Regular expression that a string must match as a whole.
        pattern_says: The pattern in words, for the message.
        properties: What is inside an OBJECT, or inside each of OBJECTS.
        same: Whether two values mean the same to the server.
        encode: From Pulumi's value to the REST value.
        decode: From the REST value to Pulumi's.
    """

    name: str
    kind: Kind = Kind.STRING
    field: str | None = SAME_AS_NAME
    required: bool = False
    output: bool = False
    computed: bool = False
    replaces: bool = False
    default: Any = None
    implied: Any = None
    initial: Any = None
    absent: Any = None
    blank_on_update: bool = False
    only_when_changed: bool = False
    autonamed: bool = False
    pattern: str = ""
    pattern_says: str = ""
    properties: tuple["Property", ...] = ()
    same: Callable[[Any, Any], bool] = operator.eq
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """Steps to the field in the REST resource; empty when it is not part of it."""
        if self.field is None:
            return ()
        return tuple((self.field or self.name).split("."))

    def to_rest(self, value: Any) -> Any:
        """The REST value of a Pulumi value."""
        if self.encode is not None:
            return self.encode(value)
        if self.kind is Kind.OBJECT:
            return to_rest(self.properties, value)
        if self.kind is Kind.OBJECTS:
            return [to_rest(self.properties, item) for item in value]
        return value

    def from_rest(self, value: Any) -> Any:
        """The Pulumi value of a REST value; None when there is none."""
        if value is None:
            return self.absent
        if self.decode is not None:
            return self.decode(value)
        match self.kind:
            case Kind.INTEGER:
                return int(value)  # REST writes 64-bit integers as strings.
            case Kind.OBJECT:
                return from_rest(self.properties, value)
            case Kind.OBJECTS:
                return [from_rest(self.properties, item) for item in value]
            case _:
                return value


def to_rest(properties: tuple[Property, ...], values: dict[str, Any]) -> dict[str, Any]:
    """The REST object with these values; what has none is left out."""
    body: dict[str, Any] = {}
    for each in properties:
        value = values.get(each.name, each.implied)
        if each.path and not each.output and value is not None:
            put(body, each.path, each.to_rest(value))
    return body


def from_rest(properties: tuple[Property, ...], rest: dict[str, Any]) -> dict[str, Any]:
    """The values in a REST object; what it does not have is left out."""
    values = {each.name: each.from_rest(get(rest, each.path)) for each in properties if each.path}
    return {name: value for name, value in values.items() if value is not None}


def get(rest: dict[str, Any], path: tuple[str, ...]) -> Any:
    """What is at a path; None when there is nothing."""
    value: Any = rest
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def put(rest: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set what is at a path, making the objects on the way."""
    for step in path[:-1]:
        rest = rest.setdefault(step, {})
    rest[path[-1]] = value


def same_ignoring_case(one: Any, other: Any) -> bool:
    """Whether two strings differ in case only."""
    return str(one).casefold() == str(other).casefold()
