"""Checking the statements of many files against one another."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeAlias, TypeVar

from bqvertex.check.declarations import Circle, Declaration, Declarations, Meaning, levels
from bqvertex.check.finding import CheckResult, Finding, Rule, Severity
from bqvertex.check.outline import Outline, Unit, named_models, named_tables, read_outline
from bqvertex.check.source import Source
from bqvertex.specs.model_output import KnownModel, known_model
from bqvertex.specs.model_statement import (
    ModelColumns,
    model_columns,
    model_statement_of,
    statement_errors,
)
from bqvertex.specs.seed_table import schema_problems
from bqvertex.specs.statement import StatementError
from googlesql import module
from googlesql.analyzer import PartialAnalysis, Tables, Unknown
from googlesql.catalog import TableSet
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.schema import Column, columns_from_rest

Path: TypeAlias = tuple[str, ...]
Columns: TypeAlias = tuple[Column, ...]
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

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
# An instance of ZetaSQL takes 0.1 s to start, as long as five statements take.
_STATEMENTS_FOR_AN_INSTANCE: Final = 10
_INSTANCES_AT_MOST: Final = 4


class Settings(NamedTuple):
    """How to check.

    Attributes:
        project: Project of names without one; empty for none.
        dataset_id: Dataset of names without one; empty for none.
        location: Where it all is; empty when that is not said.
        is_strict: Whether what cannot be checked is an error.
    """

    project: str = ""
    dataset_id: str = ""
    location: str = ""
    is_strict: bool = False


def check(
    sources: Sequence[Source],
    settings: Settings,
    on_progress: Callable[[str], None] | None = None,
) -> CheckResult:
    """Check files.

    Args:
        sources: The files. Those that are not to be checked say what the others may read.
        settings: How to check.
        on_progress: Told what takes long: compiling ZetaSQL, once for a user. Left out, nothing
            is said.

    Raises:
        ModuleError: ZetaSQL cannot be loaded.
    """
    return _Check(sources, settings).run(on_progress)


class _Known(NamedTuple):
    """What is known of a statement once it is analysed.

    Attributes:
        columns: The columns of what it makes; None where they are not known.
        model: The model that it makes; None for another statement.
    """

    columns: Columns | None
    model: KnownModel | None = None


_NOTHING: Final = _Known(None)


class _Check:
    """One run."""

    def __init__(self, sources: Sequence[Source], settings: Settings) -> None:
        self._sources = sources
        self._settings = settings
        self._findings: list[Finding] = []
        self._known: dict[Unit, _Known] = {}
        self._doubtful = Severity.ERROR if settings.is_strict else Severity.WARNING

    def run(self, on_progress: Callable[[str], None] | None) -> CheckResult:
        start = time.monotonic()
        module.ensure(on_progress)
        files = [s for s in self._sources if not s.is_schema]
        outlines = [found for found in self._each(self._outline, files) if found is not None]
        schemas = {s: c for s in self._sources if (c := self._schema(s)) is not None}
        self._declared = Declarations(
            outlines, schemas, self._settings.project, self._settings.dataset_id
        )
        self._functions = {
            made.path[-1].lower()
            for outline in outlines
            for made in (*outline.made, *(m for unit in outline.units for m in unit.made))
            if made.kind == "function"
        }
        needs = self._needs([unit for outline in outlines for unit in outline.units])
        order, circles = levels(needs)
        for circle in circles:
            self._circle(circle)
        for level in order:
            self._level(level)
        checked = [source for source in files if source.is_checked]
        return CheckResult(
            findings=sorted(
                dict.fromkeys(self._findings), key=lambda f: (f.file, f.line, f.column, f.reason)
            ),
            files=[source.path.as_posix() for source in checked],
            statements=sum(o.statements for o in outlines if o.source.is_checked),
            seconds=time.monotonic() - start,
        )

    def _each(self, ask: Callable[[_Item], _Answer], items: Sequence[_Item]) -> Iterable[_Answer]:
        """Ask the same of many, on as many cores as are worth it."""
        wanted = len(items) // _STATEMENTS_FOR_AN_INSTANCE
        workers = min(wanted, os.cpu_count() or 1, _INSTANCES_AT_MOST)
        if workers <= 1:
            return [ask(item) for item in items]
        module.run_in_parallel(workers)
        with ThreadPoolExecutor(workers) as threads:
            return list(threads.map(ask, items))

    def _outline(self, source: Source) -> Outline | None:
        if source.text is None:
            self._find(source, 1, 1, Rule.FILE, source.problem)
            return None
        try:
            return read_outline(source, source.text)
        except SqlError as error:
            self._find(source, error.line, error.column, Rule.SYNTAX, error.reason)
            return None

    def _schema(self, source: Source) -> Columns | None:
        if not source.is_schema:
            return None
        if source.text is None:
            self._find(source, 1, 1, Rule.FILE, source.problem)
            return None
        try:
            listed = json.loads(source.text)
        except json.JSONDecodeError as error:
            self._find(source, error.lineno, error.colno, Rule.SCHEMA, error.msg)
            return None
        reasons = list(schema_problems(listed))
        for reason in reasons:
            self._find(source, 1, 1, Rule.SCHEMA, reason)
        return None if reasons else tuple(columns_from_rest(listed))

    def _needs(self, units: Sequence[Unit]) -> dict[Unit, list[Unit]]:
        """Say which statements each one reads, for those to check and all that they read."""
        needs: dict[Unit, list[Unit]] = {}
        pending = [unit for unit in units if unit.source.is_checked]
        while pending:
            unit = pending.pop()
            if unit in needs:
                continue
            meant = (self._declared.meaning(read.path, unit).declaration for read in unit.reads)
            read = [d.unit for d in meant if d is not None and d.unit not in (None, unit)]
            needs[unit] = list(dict.fromkeys(other for other in read if other is not None))
            pending.extend(needs[unit])
        return needs

    def _circle(self, circle: Circle) -> None:
        views = all(made.kind == "view" for unit in circle.units for made in unit.made)
        if not views:
            # A table may be made anew of what was made of it.
            return
        files = [unit.source.path.as_posix() for unit in circle.units]
        for unit, read in zip(circle.units, (*circle.units[1:], circle.units[0]), strict=True):
            names = {made.path[-1] for made in read.made}
            place = next(
                (r.start for r in unit.reads if r.path[-1] in names), unit.statement.tree.start
            )
            self._find_at(
                unit,
                place,
                Rule.CIRCLE,
                f"views read one another in a circle: {' reads '.join((*files, files[0]))}",
            )

    def _level(self, units: Sequence[Unit]) -> None:
        """Check statements that do not read one another, with one catalog for them all."""
        shared: dict[Path, Columns] = {}
        own: dict[Unit, dict[Path, Columns]] = {}
        for unit in units:
            own[unit] = tables = self._tables(unit)
            for path, columns in tables.items():
                shared.setdefault(path, columns)
        together = TableSet(shared)
        # What one does not know another must not tell it.
        alike = {
            unit: all(shared[path] == columns for path, columns in tables.items())
            and not any(r.path in shared and r.path not in tables for r in unit.reads)
            for unit, tables in own.items()
        }

        def analyse(unit: Unit) -> _Known:
            return self._unit(unit, together if alike[unit] else own[unit])

        for unit, known in zip(units, self._each(analyse, units), strict=True):
            self._known[unit] = known

    def _tables(self, unit: Unit) -> dict[Path, Columns]:
        found: dict[Path, Columns] = {}
        for read in named_tables(unit):
            meaning = self._declared.meaning(read.path, unit)
            declaration = meaning.declaration
            columns = None if declaration is None else self._columns(declaration)
            if columns is not None:
                found[read.path] = columns
            elif declaration is None and not meaning.is_outside:
                self._undeclared(unit, read.start, "table", read.path, meaning)
        return found

    def _columns(self, declaration: Declaration) -> Columns | None:
        if self._declared.is_altered(declaration) or not declaration.made.is_certain:
            return None
        if declaration.unit is None:
            return declaration.columns
        return self._known.get(declaration.unit, _NOTHING).columns

    def _models(self, unit: Unit) -> dict[str, KnownModel]:
        found: dict[str, KnownModel] = {}
        for named in named_models(unit):
            meaning = self._declared.meaning(named.path, unit)
            declaration = meaning.declaration
            if declaration is None or declaration.made.kind != "model":
                self._undeclared(unit, named.start, "model", named.path, meaning)
            elif declaration.unit is not None:
                model = self._known.get(declaration.unit, _NOTHING).model
                if model is not None:
                    found[".".join(named.path)] = model
        return found

    def _undeclared(self, unit: Unit, start: int, noun: str, path: Path, meaning: Meaning) -> None:
        name = ".".join(path)
        if meaning.others:
            files = ", ".join(source.path.as_posix() for source in meaning.others)
            reason = f"not checked: {noun} {name} is declared in {files}, and none is nearer"
        else:
            reason = f"not checked: {noun} {name} is not declared"
        self._find_at(unit, start, Rule.NOT_CHECKED, reason, self._doubtful)

    def _unit(self, unit: Unit, tables: Tables) -> _Known:
        models = self._models(unit)
        if unit.statement.tree.kind not in _ANALYSED:
            return _NOTHING
        if unit.statement.create_model is not None:
            return self._model(unit, tables, models)
        try:
            found = unit.statement.check_partially(tables, models=models)
        except StatementError as error:
            self._find(unit.source, error.line, error.column, Rule.STATEMENT, error.reason)
            return _NOTHING
        self._not_known(unit, found.unknown, models)
        return _Known(_made_columns(found))

    def _model(self, unit: Unit, tables: Tables, models: Mapping[str, KnownModel]) -> _Known:
        try:
            statement = model_statement_of(unit.statement)
        except StatementError as error:
            self._find(unit.source, error.line, error.column, Rule.MODEL, error.reason)
            return _NOTHING
        columns: ModelColumns | StatementError | None = None
        known: ModelColumns | None = None
        if statement.parts.query is not None or statement.parts.transform is not None:
            try:
                known = model_columns(statement, tables, models)
                columns = known
                self._not_known(unit, known.unknown, models)
            except StatementError as error:
                columns = error
        place = {"location": self._settings.location} if self._settings.location else {}
        for wrong in statement_errors(statement, place, columns):
            rule = Rule.STATEMENT if wrong is columns else Rule.MODEL
            self._find(unit.source, wrong.line, wrong.column, rule, wrong.reason)
        queried = None if known is None else known.queried
        transformed = None if known is None else known.transformed
        return _Known(None, known_model(statement.kind, statement.parts, queried, transformed))

    def _not_known(
        self, unit: Unit, unknown: Iterable[Unknown], models: Mapping[str, KnownModel]
    ) -> None:
        """Tell of what only BigQuery knows; tables and models have been told of already."""
        called = {".".join(named.path) for named in named_models(unit)}
        for found in unknown:
            if found.kind == "table" or found.name.split(".")[-1].lower() in self._functions:
                continue
            if found.kind == "function" and found.reason.startswith("Table-valued"):
                if called - models.keys():
                    continue
                reason = f"the columns of {found.name} are not known here"
            else:
                reason = found.reason
            self._find_at(
                unit, found.start, Rule.NOT_CHECKED, f"not checked: {reason}", self._doubtful
            )

    def _find_at(
        self,
        unit: Unit,
        byte_offset: int,
        rule: Rule,
        reason: str,
        severity: Severity = Severity.ERROR,
    ) -> None:
        line, column = Text(unit.statement.sql).position(byte_offset)
        self._find(unit.source, line, column, rule, reason, severity)

    def _find(
        self,
        source: Source,
        line: int | None,
        column: int | None,
        rule: Rule,
        reason: str,
        severity: Severity = Severity.ERROR,
    ) -> None:
        if not source.is_checked:
            return
        text = Text(source.text or "")
        at = line or 1
        self._findings.append(
            Finding(source.path.as_posix(), at, column or 1, severity, rule, reason, text.line(at))
        )


def _made_columns(found: PartialAnalysis) -> Columns | None:
    if found.analysis is not None and found.analysis.defined_columns:
        return found.analysis.defined_columns
    return found.output_columns or None
