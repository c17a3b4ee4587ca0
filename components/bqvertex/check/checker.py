"""Checking the statements of many files against one another."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from bqvertex.check.analysis import Answer, Columns, analyse, columns_to_json
from bqvertex.check.cache import Cache, key
from bqvertex.check.declarations import Circle, Declaration, Declarations, Meaning, levels
from bqvertex.check.finding import CheckResult, Finding, Rule, Severity
from bqvertex.check.outline import (
    Outline,
    Unit,
    from_json,
    named_models,
    named_tables,
    read_outline,
    to_json,
)
from bqvertex.check.source import Source
from bqvertex.specs.model_output import KnownModel
from bqvertex.specs.seed_table import schema_problems
from googlesql import module, suggestion
from googlesql.catalog import TableSet
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.schema import columns_from_rest

Path: TypeAlias = tuple[str, ...]
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

# An instance of ZetaSQL takes 0.1 s to start, as long as five statements take.
_STATEMENTS_FOR_AN_INSTANCE: Final = 10
_INSTANCES_AT_MOST: Final = 4
_NOTHING: Final = Answer()


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
    kept: Cache,
    on_progress: Callable[[str], None] | None = None,
) -> CheckResult:
    """Check files.

    Args:
        sources: The files. Those that are not to be checked say what the others may read.
        settings: How to check.
        kept: Answers of earlier checks.
        on_progress: Told what takes long: compiling ZetaSQL, once for a user. Left out, nothing
            is said.

    Raises:
        ModuleError: ZetaSQL cannot be loaded.
    """
    return _Check(sources, settings, kept, on_progress).run()


class _Check:
    """One run."""

    def __init__(
        self,
        sources: Sequence[Source],
        settings: Settings,
        kept: Cache,
        on_progress: Callable[[str], None] | None,
    ) -> None:
        self._sources = sources
        self._settings = settings
        self._cache = kept
        self._on_progress = on_progress
        self._findings: list[Finding] = []
        self._answers: dict[Unit, Answer] = {}
        self._doubtful = Severity.ERROR if settings.is_strict else Severity.WARNING

    def run(self) -> CheckResult:
        start = time.monotonic()
        files = [source for source in self._sources if not source.is_schema]
        outlines = self._outlines(files)
        schemas = {s: self._schema(s) for s in self._sources if s.is_schema}
        self._declared = Declarations(
            outlines, schemas, self._settings.project, self._settings.dataset_id
        )
        self._functions = {
            made.path[-1].lower()
            for outline in outlines
            for made in (*outline.made, *(m for unit in outline.units for m in unit.made))
            if made.kind == "function"
        }
        order, circles = levels(
            self._needs([unit for outline in outlines for unit in outline.units])
        )
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

    def _each(self, ask: Callable[[_Item], _Answer], items: Sequence[_Item]) -> Sequence[_Answer]:
        """Ask ZetaSQL the same of many, on as many cores as are worth it."""
        module.ensure(self._on_progress)
        wanted = len(items) // _STATEMENTS_FOR_AN_INSTANCE
        workers = min(wanted, os.cpu_count() or 1, _INSTANCES_AT_MOST)
        if workers <= 1:
            return [ask(item) for item in items]
        module.run_in_parallel(workers)
        with ThreadPoolExecutor(workers) as threads:
            return list(threads.map(ask, items))

    def _outlines(self, files: Sequence[Source]) -> list[Outline]:
        texts = {source: source.text for source in files if source.text is not None}
        for source in files:
            if source.text is None:
                self._find(source, 1, 1, Rule.FILE, source.problem)
        read: dict[Source, Outline] = {}

        def outline(source: Source) -> dict[str, Any]:
            try:
                read[source] = read_outline(source, texts[source])
            except SqlError as error:
                hinted = suggestion.of_syntax(error, texts[source])
                return {"error": [hinted.line, hinted.column, hinted.reason]}
            return to_json(read[source])

        sources = list(texts)
        answers = self._cache.answers(
            [key("outline", texts[source]) for source in sources],
            lambda numbers: self._each(outline, [sources[number] for number in numbers]),
        )
        outlines = []
        for source, answer in zip(sources, answers, strict=True):
            if "error" in answer:
                line, column, reason = answer["error"]
                self._find(source, line, column, Rule.SYNTAX, reason)
            else:
                outlines.append(read.get(source) or from_json(source, texts[source], answer))
        return outlines

    def _schema(self, source: Source) -> Columns | None:
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
        if any(made.kind != "view" for unit in circle.units for made in unit.made):
            # A table may be made anew of what was made of it.
            return
        files = [unit.source.path.as_posix() for unit in circle.units]
        reason = f"views read one another in a circle: {' reads '.join((*files, files[0]))}"
        for unit, read in zip(circle.units, (*circle.units[1:], circle.units[0]), strict=True):
            starts = (
                reference.start
                for reference in unit.reads
                if (meant := self._declared.meaning(reference.path, unit).declaration)
                and meant.unit is read
            )
            self._find_at(unit, next(starts), Rule.CIRCLE, reason)

    def _level(self, units: Sequence[Unit]) -> None:
        """Check statements that do not read one another, with one catalog for them all."""
        tables = {unit: self._tables(unit) for unit in units}
        models = {unit: self._models(unit) for unit in units}
        shared: dict[Path, Columns] = {}
        for known in tables.values():
            for path, columns in known.items():
                shared.setdefault(path, columns)
        together = TableSet(shared)

        def ask(unit: Unit) -> dict[str, Any]:
            known = tables[unit]
            # What one does not know another must not tell it.
            alike = all(shared.get(r.path) == known.get(r.path) for r in named_tables(unit))
            location = self._settings.location
            return analyse(unit, together if alike else known, models[unit], location).to_json()

        answers = self._cache.answers(
            [self._key(unit, tables[unit], models[unit]) for unit in units],
            lambda numbers: self._each(ask, [units[number] for number in numbers]),
        )
        for unit, answer in zip(units, answers, strict=True):
            self._answers[unit] = Answer.from_json(answer)
            self._report(unit, self._answers[unit], models[unit])

    def _key(
        self, unit: Unit, tables: Mapping[Path, Columns], models: Mapping[str, KnownModel]
    ) -> str:
        columns = {".".join(path): columns_to_json(known) for path, known in tables.items()}
        called = {name: model.to_inputs() for name, model in models.items()}
        return key("statement", unit.sql, columns, called, self._settings.location)

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
        return self._answers.get(declaration.unit, _NOTHING).columns

    def _models(self, unit: Unit) -> dict[str, KnownModel]:
        found: dict[str, KnownModel] = {}
        for named in named_models(unit):
            meaning = self._declared.meaning(named.path, unit)
            declaration = meaning.declaration
            if declaration is None or declaration.made.kind != "model":
                self._undeclared(unit, named.start, "model", named.path, meaning)
            elif declaration.unit is not None:
                model = self._answers.get(declaration.unit, _NOTHING).model
                if model is not None:
                    found[".".join(named.path)] = model
        return found

    def _undeclared(self, unit: Unit, start: int, noun: str, path: Path, meaning: Meaning) -> None:
        name = ".".join(path)
        if meaning.others:
            files = ", ".join(source.path.as_posix() for source in meaning.others)
            reason = f"not checked: {noun} {name} is declared in {files}, and none is nearer"
        else:
            hint = self._declared.nearest(path).replace("Did", "did")
            reason = f"not checked: {noun} {name} is not declared{hint}"
        self._find_at(unit, start, Rule.NOT_CHECKED, reason, self._doubtful)

    def _report(self, unit: Unit, answer: Answer, models: Mapping[str, KnownModel]) -> None:
        for line, column, rule, reason in answer.problems:
            self._find(unit.source, line, column, rule, reason)
        unknown_models = {".".join(named.path) for named in named_models(unit)} - models.keys()
        for found in answer.unknown:
            # Of tables and models it has been said that nobody declares them.
            is_called = found.reason.startswith("Table-valued function")
            if found.kind == "table" or (is_called and unknown_models):
                continue
            if found.name.split(".")[-1].lower() in self._functions:
                continue
            said = f"the columns of {found.name} are not known here"
            reason = f"not checked: {said if is_called else found.reason}"
            self._find_at(unit, found.start, Rule.NOT_CHECKED, reason, self._doubtful)

    def _find_at(
        self,
        unit: Unit,
        byte_offset: int,
        rule: Rule,
        reason: str,
        severity: Severity = Severity.ERROR,
    ) -> None:
        line, column = Text(unit.sql).position(byte_offset)
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
