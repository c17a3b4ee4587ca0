"""What each statement of a file makes and reads: all that its syntax tells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from bqvertex.check.source import Source
from bqvertex.specs.statement import Statement
from googlesql.parser import parse_script, parse_statement
from googlesql.reference import Reference, ReferenceKind, read_references
from googlesql.statement_kind import statement_kind
from googlesql.tree import Node, dotted_path, walk

Path: TypeAlias = tuple[str, ...]
MadeKind: TypeAlias = Literal["table", "view", "model", "function"]

# What follows these may run or not, and may name variables.
_CONTROL: Final = (
    "ASTVariableDeclaration",
    "ASTSingleAssignment",
    "ASTAssignmentFromStruct",
    "ASTParameterAssignment",
    "ASTBeginEndBlock",
    "ASTIfStatement",
    "ASTCaseStatement",
    "ASTWhileStatement",
    "ASTLoopStatement",
    "ASTRepeatStatement",
    "ASTForInStatement",
    "ASTExecuteImmediateStatement",
)
_MADE: Final[dict[str, MadeKind]] = {
    "ASTCreateTableStatement": "table",
    "ASTCreateSnapshotTableStatement": "table",
    "ASTCreateExternalTableStatement": "table",
    "ASTCreateViewStatement": "view",
    "ASTCreateMaterializedViewStatement": "view",
    "ASTCreateModelStatement": "model",
    "ASTCreateFunctionStatement": "function",
    "ASTCreateTableFunctionStatement": "function",
}
_BLANK: Final = 0x20


@dataclass(frozen=True)
class Made:
    """Something that a statement makes.

    Attributes:
        kind: What it is.
        path: Its name in parts.
        is_temporary: Whether only statements of the same file see it.
        is_implied: Whether the file's name names it, not the statement.
        is_certain: Whether its columns are those that the statement says: it stands in no
            condition, and no other statement alters it.
    """

    kind: MadeKind
    path: Path
    is_temporary: bool = False
    is_implied: bool = False
    is_certain: bool = True


@dataclass(frozen=True, eq=False)
class Unit:
    """One statement of a file.

    Attributes:
        source: The file.
        number: Which statement of it, from 0.
        kind: Class of its syntax tree's root, `ASTQueryStatement`.
        range: Byte range in the file.
        sql: The statement at its own place in the file, the rest of the file left blank.
        made: What it makes.
        reads: The tables and models that it reads or changes, in the order of the text.
        tree: Its syntax tree, when it has been parsed.
    """

    source: Source
    number: int
    kind: str
    range: tuple[int, int]
    sql: str
    made: tuple[Made, ...]
    reads: tuple[Reference, ...]
    tree: Node | None = field(default=None, repr=False)

    @cached_property
    def statement(self) -> Statement:
        """The statement, parsed."""
        tree = self.tree or parse_statement(self.sql)
        return Statement(self.sql, self.source.path.as_posix(), tree)


@dataclass(frozen=True)
class Outline:
    """One file's statements.

    Attributes:
        source: The file.
        units: The statements that can be analysed; none of a script with variables or conditions.
        made: What those that cannot be analysed make.
        altered: The tables whose columns some statement of the file changes.
        statements: How many statements there are.
    """

    source: Source
    units: tuple[Unit, ...]
    made: tuple[Made, ...]
    altered: tuple[Path, ...]
    statements: int


def read_outline(source: Source, text: str) -> Outline:
    """Read a file.

    Raises:
        SqlError: The text is not GoogleSQL.
    """
    script = parse_script(text)
    listed = script.child("statement_list_node")
    statements = listed.children("statement_list") if listed is not None else ()
    altered = tuple(_altered(script))
    if any(statement.kind in _CONTROL for statement in statements):
        made = tuple(replace(made, is_certain=False) for made in _made(script))
        return Outline(source, (), made, altered, len(statements))
    units = tuple(
        _unit(source, text, number, statement, alone=len(statements) == 1)
        for number, statement in enumerate(statements)
    )
    return Outline(source, units, (), altered, len(statements))


def to_json(outline: Outline) -> dict[str, Any]:
    """Return an outline as plain JSON, without its file and its syntax trees."""
    return {
        "units": [
            {
                "kind": unit.kind,
                "range": unit.range,
                "made": [_made_to_json(made) for made in unit.made],
                "reads": [{**asdict(read), "kind": read.kind.value} for read in unit.reads],
            }
            for unit in outline.units
        ],
        "made": [_made_to_json(made) for made in outline.made],
        "altered": outline.altered,
        "statements": outline.statements,
    }


def from_json(source: Source, text: str, kept: Mapping[str, Any]) -> Outline:
    """Take what `to_json` returned of a file with the same text."""
    units = []
    for number, unit in enumerate(kept["units"]):
        start, end = unit["range"]
        made = [_made_from_json(made) for made in unit["made"]]
        reads = [
            Reference(**{**r, "kind": ReferenceKind(r["kind"]), "path": tuple(r["path"])})
            for r in unit["reads"]
        ]
        sql = text if kept["statements"] == 1 else _alone(text, start, end)
        # The name of the file is no part of its text.
        made = [_implied(source) if m.is_implied else m for m in made]
        units.append(
            Unit(source, number, unit["kind"], (start, end), sql, tuple(made), tuple(reads))
        )
    return Outline(
        source,
        tuple(units),
        tuple(_made_from_json(made) for made in kept["made"]),
        tuple(tuple(path) for path in kept["altered"]),
        kept["statements"],
    )


def _made_to_json(made: Made) -> dict[str, Any]:
    return asdict(made)


def _made_from_json(kept: Mapping[str, Any]) -> Made:
    return Made(**{**kept, "path": tuple(kept["path"])})


def _implied(source: Source) -> Made:
    return Made("view", tuple(source.stem.split(".")), is_implied=True)


def _unit(source: Source, text: str, number: int, tree: Node, *, alone: bool) -> Unit:
    made = tuple(_made(tree))
    if alone and statement_kind(tree) == "SELECT":
        made = (_implied(source),)
    reads = tuple(r for r in read_references(tree) if not _is_made(r, tree))
    sql = text if alone else _alone(text, tree.start, tree.end)
    return Unit(source, number, tree.kind, (tree.start, tree.end), sql, made, reads, tree)


def _alone(text: str, start: int, end: int) -> str:
    # Blanks in place of the other statements keep every place in the file what it was.
    data = text.encode()
    before, after = (
        bytes(b if b in b"\r\n\t" else _BLANK for b in part) for part in (data[:start], data[end:])
    )
    return (before + data[start:end] + after).decode()


def _is_made(reference: Reference, tree: Node) -> bool:
    return reference.is_target and tree.kind.startswith(("ASTCreate", "ASTDrop", "ASTAlter"))


def _made(tree: Node) -> Iterator[Made]:
    for node, _ in walk(tree):
        if node.kind in _MADE:
            path = dotted_path(node.child("name") or _function_name(node))
            temporary = node.text("scope") == "TEMPORARY"
            yield Made(_MADE[node.kind], path, is_temporary=temporary)


def _function_name(node: Node) -> Node | None:
    declaration = node.child("function_declaration")
    return declaration and declaration.child("name")


def _altered(tree: Node) -> Iterator[Path]:
    for node, _ in walk(tree):
        if node.kind == "ASTAlterTableStatement":
            yield dotted_path(node.child("path"))


def named_models(unit: Unit) -> Sequence[Reference]:
    """Return the models whose functions a statement calls."""
    return [r for r in unit.reads if r.kind is ReferenceKind.MODEL and not r.is_target]


def named_tables(unit: Unit) -> Sequence[Reference]:
    """Return the tables that a statement reads or changes."""
    return [r for r in unit.reads if r.kind is ReferenceKind.TABLE]
