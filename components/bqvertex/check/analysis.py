"""What is wrong with one statement, given what it reads: an answer that can be kept."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from bqvertex.check.finding import Rule
from bqvertex.check.outline import Unit
from bqvertex.specs.model_output import KnownModel, known_model
from bqvertex.specs.model_statement import (
    ModelColumns,
    model_columns,
    model_statement_of,
    statement_errors,
)
from bqvertex.specs.statement import StatementError
from googlesql.analyzer import PartialAnalysis, Tables, Unknown
from googlesql.schema import Column

Columns: TypeAlias = tuple[Column, ...]

_ANALYSED: Final = (
    "ASTQueryStatement",
    "ASTCreateTableStatement",
    "ASTCreateViewStatement",
    "ASTCreateMaterializedViewStatement",
    "ASTCreateModelStatement",
    "ASTInsertStatement",
    "ASTUpdateStatement",
    "ASTDeleteStatement",
    "ASTMergeStatement",
)
"""Statements of which ZetaSQL knows enough to tell what is wrong."""


class Problem(NamedTuple):
    """Something wrong with a statement.

    Attributes:
        line: Line, from 1; None when the whole statement is meant.
        column: Column, from 1; None when the whole statement is meant.
        rule: What it is about.
        reason: What is wrong.
    """

    line: int | None
    column: int | None
    rule: Rule
    reason: str


class Answer(NamedTuple):
    """What is known of a statement once it is analysed.

    Attributes:
        problems: What is wrong with it.
        unknown: What it names and was not given.
        columns: The columns of what it makes; None where they are not known.
        model: The model that it makes; None for another statement.
    """

    problems: tuple[Problem, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    columns: Columns | None = None
    model: KnownModel | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "problems": self.problems,
            "unknown": [[u.kind, u.name, u.reason, u.start] for u in self.unknown],
            "columns": None if self.columns is None else columns_to_json(self.columns),
            "model": None if self.model is None else self.model.to_inputs(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Answer":
        """Take what `to_json` returned."""
        columns, model = kept["columns"], kept["model"]
        return cls(
            tuple(
                Problem(line, column, Rule(rule), reason)
                for line, column, rule, reason in kept["problems"]
            ),
            tuple(Unknown(*unknown) for unknown in kept["unknown"]),
            None if columns is None else tuple(Column(*column) for column in columns),
            None if model is None else KnownModel.from_inputs(model),
        )


def columns_to_json(columns: Columns) -> list[list[str]]:
    """Return columns as plain JSON."""
    return [[column.name, column.type, column.mode] for column in columns]


def analyse(unit: Unit, tables: Tables, models: Mapping[str, KnownModel], location: str) -> Answer:
    """Check one statement.

    Args:
        unit: The statement.
        tables: The columns of what it reads, by the names that it uses.
        models: The models whose functions it calls, by the names that it uses.
        location: Where it all is; empty when that is not said.
    """
    if unit.kind not in _ANALYSED:
        return Answer()
    if unit.kind == "ASTCreateModelStatement":
        return _model(unit, tables, models, location)
    try:
        found = unit.statement.check_partially(tables, models=models)
    except StatementError as error:
        return Answer((_problem(error, Rule.STATEMENT),))
    return Answer((), found.unknown, _made_columns(found))


def _model(unit: Unit, tables: Tables, models: Mapping[str, KnownModel], location: str) -> Answer:
    try:
        statement = model_statement_of(unit.statement)
    except StatementError as error:
        return Answer((_problem(error, Rule.MODEL),))
    columns: ModelColumns | StatementError | None = None
    if statement.parts.query is not None:
        try:
            columns = model_columns(statement, tables, models)
        except StatementError as error:
            columns = error
    place = {"location": location} if location else {}
    problems = tuple(
        _problem(wrong, Rule.STATEMENT if wrong is columns else Rule.MODEL)
        for wrong in statement_errors(statement, place, columns)
    )
    if not isinstance(columns, ModelColumns):
        return Answer(problems, model=known_model(statement.kind, statement.parts, None, None))
    model = known_model(statement.kind, statement.parts, columns.queried, columns.transformed)
    return Answer(problems, columns.unknown, model=model)


def _problem(error: StatementError, rule: Rule) -> Problem:
    return Problem(error.line, error.column, rule, error.reason)


def _made_columns(found: PartialAnalysis) -> Columns | None:
    if found.analysis is not None and found.analysis.defined_columns:
        return found.analysis.defined_columns
    return found.output_columns or None
