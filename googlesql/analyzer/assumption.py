"""What is not known of a statement's surroundings, as it might be.

A statement that reads an undeclared table or calls a function that only BigQuery knows is analysed
several times, each time with another guess. What is wrong whatever the guess is wrong.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from googlesql.reference import Reference, ReferenceKind
from googlesql.schema import Column
from googlesql.tree import Node, identifiers, walk

Path: TypeAlias = tuple[str, ...]

_WORD: Final = re.compile(r"\w+")

UNKNOWN_TYPE: Final = ""
"""The type of a column of which only the name is known."""


class OpenColumns(tuple[Column, ...]):
    """Columns of a table function that are known to be there; others may be there too."""

    __slots__ = ()


class Names(Enum):
    """Which columns an undeclared table is taken to have.

    No column is missing when there are as many as can be, and no two tables have the same one when
    there are as few as can be: an error under both is neither of the two.
    """

    LIKELY = "those that the statement names and no other table has"
    ALL = "all that the statement names"
    FEW = "those that the statement names as columns of this table"


@dataclass(frozen=True)
class Assumption:
    """One guess.

    Attributes:
        type: Type of every column and every result that is not known.
        names: Which columns tables have that are not declared.
        mode: Whether functions that are not known are aggregates.
        alike: Whether a column has the type of a known column of the same name.
    """

    type: str
    names: Names
    mode: Literal["scalar", "aggregate"]
    alike: bool = False


# Whatever type an expression needs, one of these is it, and a message about a type names it. Each
# kind of names and each mode comes with several types.
ASSUMPTIONS: Final = (
    Assumption("STRING", Names.LIKELY, "scalar", alike=True),
    Assumption("FLOAT64", Names.ALL, "aggregate"),
    Assumption("TIMESTAMP", Names.FEW, "scalar", alike=True),
    Assumption("INT64", Names.LIKELY, "aggregate"),
    Assumption("BOOL", Names.ALL, "scalar", alike=True),
    Assumption("ARRAY<STRING>", Names.FEW, "aggregate"),
    Assumption("JSON", Names.LIKELY, "scalar"),
    Assumption("STRUCT<zt_field INT64>", Names.ALL, "aggregate"),
    Assumption("DATE", Names.FEW, "scalar"),
    Assumption("BYTES", Names.ALL, "scalar"),
    Assumption("NUMERIC", Names.LIKELY, "aggregate", alike=True),
    Assumption("DATETIME", Names.ALL, "scalar"),
    Assumption("ARRAY<STRUCT<zt_field FLOAT64>>", Names.LIKELY, "scalar"),
    Assumption("TIMESTAMP", Names.ALL, "aggregate"),
    Assumption("GEOGRAPHY", Names.FEW, "aggregate", alike=True),
    Assumption("BOOL", Names.LIKELY, "aggregate"),
    Assumption("STRING", Names.FEW, "aggregate"),
    Assumption("INTERVAL", Names.ALL, "aggregate", alike=True),
)
PSEUDO_COLUMNS: Final[Mapping[str, str]] = {
    "_PARTITIONTIME": "TIMESTAMP",
    "_PARTITIONDATE": "DATE",
    "_TABLE_SUFFIX": "STRING",
    "_FILE_NAME": "STRING",
    "_CHANGE_TYPE": "STRING",
    "_CHANGE_TIMESTAMP": "TIMESTAMP",
    "_CHANGE_SEQUENCE_NUMBER": "STRING",
}
"""Columns that no schema lists: a table may have them, and `*` leaves them out.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables#query_an_ingestion-time_partitioned_table
"""
# Two kinds of names must not give a table as many columns.
_FILLERS: Final = {Names.LIKELY: 1, Names.ALL: 2, Names.FEW: 4}


@dataclass(frozen=True)
class NamedColumns:
    """The names in a statement that may be columns of a table that is not declared.

    Attributes:
        all: Every name in the statement.
        likely: Those that stand alone and that nothing else in the statement is called.
        of: Those that are written after a table's name or alias, by that in lower case.
        aliases: What each table is called, by its path: lower case.
        types: Types of known columns by their names in lower case: a column of that name in
            another table is likely to have the same.
    """

    all: tuple[str, ...]
    likely: tuple[str, ...]
    of: Mapping[str, frozenset[str]]
    aliases: Mapping[Path, frozenset[str]]
    types: Mapping[str, str]

    def columns(
        self, called: frozenset[str], assumption: Assumption, number: int
    ) -> Sequence[Column]:
        """Return the columns that a table might have.

        Args:
            called: What the statement calls it: its name and its aliases, in lower case.
            assumption: The guess.
            number: Which of the statement's unknown tables it is; no two share a filler.
        """
        own = [name for alias in sorted(called) for name in sorted(self.of.get(alias, ()))]
        match assumption.names:
            case Names.ALL:
                names = [*self.all]
            case Names.LIKELY:
                names = [*self.likely, *own]
            case Names.FEW:
                names = own
        names += [f"zt_filler_{number}_{n}" for n in range(_FILLERS[assumption.names])]
        unique = {name.lower(): name for name in names}
        return [
            Column(name, (assumption.alike and self.types.get(key)) or assumption.type)
            for key, name in unique.items()
        ]

    def pseudo_columns(
        self, path: Path, columns: Sequence[Column], assumption: Assumption
    ) -> Sequence[Column]:
        """Return the columns beside its schema's that a known table might have."""
        there = {column.name.upper() for column in columns}
        named = {name.upper() for name in self.all} - there
        if assumption.names is not Names.ALL and len(self.aliases) > 1:
            called = self.aliases.get(path, frozenset())
            named &= {name.upper() for alias in called for name in self.of.get(alias, ())}
        if assumption.names is Names.FEW and len(self.aliases) == 1:
            named = set()
        return [
            Column(name, type_, pseudo=True)
            for name, type_ in PSEUDO_COLUMNS.items()
            if name in named
        ]


def names_pseudo_columns(statement: Node) -> bool:
    """Tell whether a statement names a column that no schema lists."""
    return any(
        node.text("id_string").upper() in PSEUDO_COLUMNS
        for node, _ in walk(statement)
        if node.kind == "ASTIdentifier"
    )


def read_named_columns(
    statement: Node, references: Sequence[Reference], known: Iterable[Column]
) -> NamedColumns:
    """Find the names in a statement that may be columns.

    Args:
        statement: The statement.
        references: The tables that it names.
        known: The columns of the tables that are known.
    """
    everything: dict[str, None] = {}
    alone: dict[str, None] = {}
    types = {column.name.lower(): column.type for column in known}
    # The fields of structs too: a path may end in one.
    taken = {word.lower() for column in known for word in _WORD.findall(column.type)} | {*types}
    of: dict[str, set[str]] = {}
    for node, above in walk(statement):
        match node.kind:
            case "ASTIdentifier":
                everything[node.text("id_string")] = None
                if above and above[-1].kind not in ("ASTPathExpression", "ASTUsingClause"):
                    taken.add(node.text("id_string").lower())
            case "ASTPathExpression":
                first, *rest = identifiers(node)
                if rest:
                    of.setdefault(first.lower(), set()).add(rest[0])
                    taken.update(name.lower() for name in rest)
                alone[first] = None
            case "ASTUsingClause":
                alone.update(dict.fromkeys(identifiers(node)))
    tables = [r for r in references if r.kind is ReferenceKind.TABLE]
    taken.update(name.lower() for r in tables for name in (*r.path, r.alias or r.path[-1]))
    aliases: dict[Path, frozenset[str]] = {}
    for reference in tables:
        called = (reference.alias or reference.path[-1]).lower()
        aliases[reference.path] = aliases.get(reference.path, frozenset()) | {called}
    return NamedColumns(
        tuple(everything),
        tuple(name for name in alone if name.lower() not in taken),
        {alias: frozenset(names) for alias, names in of.items()},
        aliases,
        types,
    )
