"""The parts of a CREATE MODEL statement.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from googlesql.constant import Constant, read_constant
from googlesql.position import Text
from googlesql.tree import Node, byte_range, dotted_path, identifiers


class Transformed(NamedTuple):
    """One item of a TRANSFORM clause.

    Attributes:
        text: The expression without its alias, as written; `*` or `* EXCEPT (…)` for a star.
        alias: The name given with AS, or the column's own name; None for a star and for an
            expression without a name.
    """

    text: str
    alias: str | None


class ModelField(NamedTuple):
    """One field of an INPUT or OUTPUT clause.

    Attributes:
        name: The field's name.
        type: Its type as written, in upper case: `ARRAY<FLOAT64>`.
    """

    name: str
    type: str


@dataclass(frozen=True)
class CreateModel:
    """A CREATE MODEL statement.

    Attributes:
        path: The model's name in parts: `("p", "d", "m")`, or fewer when it is not qualified.
        replace: Whether it says OR REPLACE.
        if_not_exists: Whether it says IF NOT EXISTS.
        transform: The items of TRANSFORM; None without that clause.
        inputs: The fields of INPUT; None without that clause.
        outputs: The fields of OUTPUT; None without that clause.
        remote: Whether it says REMOTE.
        connection: The connection's name in parts, `("p", "us", "c")`, or `("DEFAULT",)`;
            None without REMOTE WITH CONNECTION.
        options: The options by their names in upper case.
        query: The training query as written; None when the model has none.
        holidays: The query of `custom_holiday AS (…)` of a time series model; None without it.
        ranges: Byte ranges, first byte and the byte after the last, of the parts that are there:
            `statement`, `path`, `transform`, `inputs`, `outputs`, `connection` (its path),
            `options`, `query`, `holidays`, and `option NAME` for each option.
    """

    path: tuple[str, ...]
    replace: bool
    if_not_exists: bool
    transform: list[Transformed] | None
    inputs: list[ModelField] | None
    outputs: list[ModelField] | None
    remote: bool
    connection: tuple[str, ...] | None
    options: Mapping[str, Constant]
    query: str | None
    holidays: str | None
    ranges: Mapping[str, tuple[int, int]]


def read_create_model(statement: Node, text: Text) -> CreateModel:
    """Read the parts of an `ASTCreateModelStatement`."""
    in_out = statement.child("input_output_clause")
    parts = {
        "path": statement.child("name"),
        "transform": statement.child("transform_clause"),
        "inputs": in_out and in_out.child("input"),
        "outputs": in_out and in_out.child("output"),
        "connection": _connection(statement),
        "options": statement.child("options_list"),
        **_queries(statement),
    }
    ranges = {name: byte_range(node) for name, node in parts.items() if node is not None}
    options: dict[str, Constant] = {}
    for entry in parts["options"].children("options_entries") if parts["options"] else ():
        name, value = entry.child("name"), entry.child("value")
        assert name is not None, "the grammar gives an option its name"
        assert value is not None, "the grammar gives an option its value"
        key = name.text("id_string").upper()
        options[key] = read_constant(value, text)
        ranges[f"option {key}"] = byte_range(entry)
    return CreateModel(
        path=dotted_path(parts["path"]),
        replace=statement.flag("is_or_replace"),
        if_not_exists=statement.flag("is_if_not_exists"),
        transform=_transform(parts["transform"], text),
        inputs=_fields(parts["inputs"], text),
        outputs=_fields(parts["outputs"], text),
        remote=statement.flag("is_remote"),
        connection=_connection_path(parts["connection"]),
        options=options,
        query=_text(parts.get("query"), text),
        holidays=_text(parts.get("holidays"), text),
        ranges={"statement": byte_range(statement), **ranges},
    )


def _queries(statement: Node) -> dict[str, Node | None]:
    listed = statement.child("aliased_query_list")
    if listed is None:
        return {"query": statement.child("query"), "holidays": None}
    # AS (training_data AS (…), custom_holiday AS (…))
    found: dict[str, Node | None] = {"query": None, "holidays": None}
    for aliased in listed.children("aliased_query_list"):
        alias = "".join(identifiers(aliased.child("alias"))).lower()
        found["holidays" if alias == "custom_holiday" else "query"] = aliased.child("query")
    return found


def _connection(statement: Node) -> Node | None:
    clause = statement.child("with_connection_clause")
    inner = clause and clause.child("connection_clause")
    return inner and inner.child("connection_path")


def _connection_path(path: Node | None) -> tuple[str, ...] | None:
    if path is None:
        return None
    return dotted_path(path) if path.kind == "ASTPathExpression" else ("DEFAULT",)


def _transform(clause: Node | None, text: Text) -> list[Transformed] | None:
    if clause is None:
        return None
    listed = clause.child("select_list")
    return [_transformed(c, text) for c in listed.children("columns")] if listed else []


def _transformed(column: Node, text: Text) -> Transformed:
    expression = column.child("expression")
    assert expression is not None, "the grammar gives a column its expression"
    start, end = _outer_range(column, expression)
    alias = identifiers(column.child("alias"))
    if not alias and expression.kind in ("ASTPathExpression", "ASTDotIdentifier"):
        alias = identifiers(expression)[-1:]
    return Transformed(text.slice(start, end).strip(), alias[-1] if alias else None)


def _outer_range(column: Node, expression: Node) -> tuple[int, int]:
    # The expression's own range leaves out parentheses around it; the alias follows them.
    alias = column.child("alias")
    if alias is None:
        return column.start, max(column.end, expression.end)
    return column.start, alias.start


def _fields(listed: Node | None, text: Text) -> list[ModelField] | None:
    if listed is None:
        return None
    found = []
    for element in listed.children("elements"):
        schema = element.child("schema")
        name = "".join(identifiers(element.child("name")))
        found.append(ModelField(name, (_text(schema, text) or "").upper()))
    return found


def _text(node: Node | None, text: Text) -> str | None:
    return None if node is None else text.slice(node.start, node.end)
