"""Syntax trees: what ZetaSQL's parser reads in a statement, before any name is looked up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

FieldValue: TypeAlias = "Node | tuple[Node, ...] | str | int | bool | float | bytes"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of ZetaSQL's syntax tree.

    Attributes:
        kind: The node's class in ZetaSQL, such as `ASTCreateModelStatement`.
        start: Byte offset of its first byte in the parsed text.
        end: Byte offset after its last byte.
        fields: Its fields by ZetaSQL's names (`parse_tree.proto`), those of its parent classes
            among them; a field that is not set is left out.
    """

    kind: str
    start: int
    end: int
    fields: Mapping[str, FieldValue]

    def child(self, name: str) -> "Node | None":
        """Return a field that is one node, or None when it is not set."""
        value = self.fields.get(name)
        return value if isinstance(value, Node) else None

    def children(self, name: str) -> "tuple[Node, ...]":
        """Return a field that is a list of nodes; empty when it is not set."""
        value = self.fields.get(name)
        return value if isinstance(value, tuple) else ()

    def text(self, name: str) -> str:
        """Return a field that is a text or an enum's name; empty when it is not set."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        """Return a field that is a boolean; False when it is not set."""
        return self.fields.get(name) is True

    def nodes(self) -> "Iterator[Node]":
        """Return the nodes directly below, field by field."""
        for value in self.fields.values():
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from value


def from_message(message: "Message") -> Node:
    """Turn one of ZetaSQL's messages into a node.

    The choices of `Any…Proto` are unwrapped and the fields of parent classes folded in.
    """
    fields: list[tuple[FieldDescriptor, Any]] = message.ListFields()
    name = message.DESCRIPTOR.name
    while _is_choice(name, fields):
        message = fields[0][1]
        name, fields = message.DESCRIPTOR.name, message.ListFields()
    folded: dict[str, FieldValue] = {}
    start = end = 0
    pending = [fields]
    while pending:
        for field, value in pending.pop():
            if field.name == "parent":
                pending.append(value.ListFields())
            elif field.name == "parse_location_range":
                start, end = value.start, value.end
            else:
                folded[field.name] = _value(field, value)
    return Node(name.removesuffix("Proto"), start, end, folded)


def walk(node: Node) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Return a node and all below it, each with its ancestors, the outermost first."""
    stack: list[tuple[Node, tuple[Node, ...]]] = [(node, ())]
    while stack:
        at, above = stack.pop()
        yield at, above
        inside = (*above, at)
        stack.extend((below, inside) for below in reversed(list(at.nodes())))


def byte_range(node: Node) -> tuple[int, int]:
    """Return where a node lies in the parsed text: first byte and the byte after the last."""
    return node.start, node.end


def identifiers(node: Node | None) -> tuple[str, ...]:
    """Return the parts of a path, unquoted; empty for None.

    A part quoted as a whole keeps its dots: `` `p.d`.t `` has the parts `p.d` and `t`.
    """
    if node is None:
        return ()
    return tuple(n.text("id_string") for n, _ in walk(node) if n.kind == "ASTIdentifier")


def dotted_path(node: Node | None) -> tuple[str, ...]:
    """Return the parts of a table's or model's path; dots inside quotes part it too."""
    return tuple(part for name in identifiers(node) for part in name.split("."))


def _is_choice(name: str, fields: "list[tuple[FieldDescriptor, Any]]") -> bool:
    # `AnyAST…Proto` holds exactly one member, and an abstract class holds `ast_…_node` likewise.
    return name.startswith("AnyAST") and len(fields) == 1


def _value(field: "FieldDescriptor", value: Any) -> FieldValue:
    if field.message_type is not None:
        if field.is_repeated:
            return tuple(from_message(item) for item in value)
        return from_message(value)
    if field.enum_type is not None and not field.is_repeated:
        return str(field.enum_type.values_by_number[value].name)
    if field.is_repeated:
        return ",".join(str(item) for item in value)
    scalar: str | int | bool | float | bytes = value
    return scalar
