"""A CREATE MODEL statement: read, checked offline, and written with whole names."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from bqvertex.specs.declared import error_at, undeclared
from bqvertex.specs.inputs import canonical_json
from bqvertex.specs.model_column import column_problems, holiday_problems
from bqvertex.specs.model_kind import ModelKind, UnknownKind, kind_of, option_problems
from bqvertex.specs.model_option_rule import OptionProblem
from bqvertex.specs.model_place import place_problems
from bqvertex.specs.model_transform import transform_problems
from bqvertex.specs.statement import Statement, StatementError, read_statement
from googlesql.create_model import CreateModel
from googlesql.module import CrashError
from googlesql.schema import Column

_BLANK: Final = 0x20


@dataclass(frozen=True)
class ModelStatement:
    """A CREATE MODEL statement that can be read.

    Attributes:
        statement: The statement as text and tree.
        parts: Its parts.
        kind: What kind of model it makes.
    """

    statement: Statement
    parts: CreateModel
    kind: ModelKind

    @property
    def model_id(self) -> str:
        """The last part of the model's name."""
        return self.parts.path[-1]

    def rendered(self, project: str, dataset_id: str, model_id: str, *, replace: bool) -> str:
        """Write the statement with whole names.

        Args:
            project: Project of bare names and of names with a dataset.
            dataset_id: Dataset of bare names.
            model_id: The model.
            replace: Whether a model of that name is replaced, or an error.
        """
        return self.statement.qualified(
            project, dataset_id, target=(project, dataset_id, model_id), replace=replace
        )


@lru_cache(maxsize=256)
def read_model_statement(text: str, file: str) -> ModelStatement:
    """Read a CREATE MODEL statement.

    Args:
        text: The statement.
        file: Where it was read from, for messages; empty for none.

    Raises:
        StatementError: It cannot be parsed, is another statement, or makes an unknown kind.
    """
    statement = read_statement(text, file)
    parts = statement.create_model
    if parts is None:
        reason = f"this is {statement.kind}; a model needs a CREATE MODEL statement"
        raise error_at(statement, reason, statement.tree.start)
    try:
        return ModelStatement(statement, parts, kind_of(parts))
    except UnknownKind as error:
        raise error_at(statement, str(error), _start(parts, error.place)) from None


def canonical_hash(statement: ModelStatement, project: str, dataset_id: str) -> str:
    """Hash what a statement means, see `Statement.definition_hash`; 64 hexadecimal digits."""
    return statement.statement.definition_hash(project, dataset_id)


def column_types(
    statement: ModelStatement,
    schemas: Mapping[str, Sequence[Mapping[str, Any]]],
    place: Mapping[str, Any],
) -> dict[str, str] | None:
    """Work out the columns that the model is trained on, before TRANSFORM.

    Args:
        statement: The statement.
        schemas: Columns of what it reads, by bare name.
        place: What is known of `project` and `dataset_id`, to know the same tables by whole names.

    Returns:
        Type by name; None where the schemas or ZetaSQL do not tell, and for a model that is not
        trained.

    Raises:
        StatementError: A table's column, a type or a function in the statement is wrong.
    """
    found = _columns(statement, schemas, place)
    return None if found is None else _by_name(found.queried)


@dataclass(frozen=True)
class _Columns:
    """The columns of a training query, what TRANSFORM makes of them, and those of holidays."""

    queried: tuple[Column, ...]
    transformed: tuple[Column, ...]
    holidays: tuple[Column, ...]


def _columns(
    statement: ModelStatement,
    schemas: Mapping[str, Sequence[Mapping[str, Any]]],
    place: Mapping[str, Any],
) -> _Columns | None:
    if statement.parts.query is None or not schemas:
        return None
    if error := undeclared(statement.statement, schemas):
        raise error
    source = statement.statement
    names = _by_every_name(schemas, place)
    return _analysed(source.sql, source.file, canonical_json(names))


def _by_every_name(
    schemas: Mapping[str, Sequence[Mapping[str, Any]]], place: Mapping[str, Any]
) -> dict[str, Sequence[Mapping[str, Any]]]:
    above = [place[name] for name in ("project", "dataset_id") if name in place]
    prefixes = [".".join((*above[start:], "")) for start in range(len(above))]
    return {f"{prefix}{name}": schemas[name] for name in schemas for prefix in ("", *prefixes)}


# Checking and deriving both ask, in each of the engine's checks; an analysis takes 60 ms.
@lru_cache(maxsize=256)
def _analysed(text: str, file: str, schemas: str) -> _Columns | None:
    statement = read_model_statement(text, file)
    tables = json.loads(schemas)
    try:
        analysis = statement.statement.check(tables)
        if analysis is None:
            return None
        if statement.parts.holidays is None:
            return _Columns(analysis.output_columns, analysis.transform_columns, ())
        # Of two queries ZetaSQL names no columns, so each is asked for its own.
        alone = [_query(statement, name).check(tables) for name in ("query", "holidays")]
    except CrashError:
        # A fault of ZetaSQL's, and no word on the statement: BigQuery will say.
        return None
    queried, holidays = (() if part is None else part.output_columns for part in alone)
    return _Columns(queried, analysis.transform_columns, holidays)


def _query(statement: ModelStatement, name: str) -> Statement:
    """Return one of a statement's queries at its own place, the rest of the text left blank."""
    start, end = statement.parts.ranges[name]
    data = statement.statement.sql.encode()
    before = bytes(byte if byte in b"\r\n" else _BLANK for byte in data[:start])
    return read_statement((before + data[start:end]).decode(), statement.statement.file)


def _by_name(columns: Sequence[Column]) -> dict[str, str]:
    return {column.name: column.type for column in columns}


def statement_problems(
    text: str,
    file: str,
    place: Mapping[str, str],
    schemas: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Iterator[str]:
    """Yield all that is wrong with a statement, each with file, line, column and a caret.

    Args:
        text: The statement.
        file: Where it was read from; empty for none.
        place: What is known of `project`, `location`, `dataset_id` and `model_id`.
        schemas: Columns of what it reads, by name; empty when none are declared.
    """
    try:
        statement = read_model_statement(text, file)
    except StatementError as error:
        yield str(error)
        return
    found = list(_problems(statement, place))
    columns = None
    try:
        columns = _columns(statement, schemas, place)
    except StatementError as error:
        # What ZetaSQL refuses of TRANSFORM is known already, at the same place.
        if (error.line, error.column) not in {(known.line, known.column) for known in found}:
            found.append(error)
    found.extend(_column_problems(statement, columns))
    # As a reader goes through the file; one about the whole statement comes first.
    found.sort(key=lambda error: (error.line or 0, error.column or 0))
    yield from (str(error) for error in found)


def _problems(statement: ModelStatement, place: Mapping[str, str]) -> Iterator[StatementError]:
    source, parts = statement.statement, statement.parts
    faults = [
        *_name_problems(parts, place),
        *_repeated_options(statement),
        *option_problems(statement.kind, parts),
    ]
    if "location" in place:
        faults.extend(place_problems(parts, place["location"]))
    for fault in faults:
        yield error_at(source, fault.reason, _start(parts, fault.place))
    for byte_offset, reason in transform_problems(source.tree):
        yield error_at(source, reason, byte_offset)


def _name_problems(parts: CreateModel, place: Mapping[str, str]) -> Iterator[OptionProblem]:
    names = ("project", "dataset_id", "model_id")[-len(parts.path) :]
    for name, written in zip(names, parts.path, strict=True):
        if name in place and place[name] != written:
            yield OptionProblem(
                "path", f"the statement says {name} {written!r} and the resource {place[name]!r}"
            )


def _repeated_options(statement: ModelStatement) -> Iterator[OptionProblem]:
    listed = statement.statement.tree.child("options_list")
    entries = listed.children("options_entries") if listed is not None else ()
    names = [found.text("id_string") for entry in entries if (found := entry.child("name"))]
    counts = Counter(name.upper() for name in names)
    for name, count in counts.items():
        if count > 1:
            yield OptionProblem(f"option {name}", f"{name} is given {count} times")


def _column_problems(
    statement: ModelStatement, columns: _Columns | None
) -> Iterator[StatementError]:
    source, parts = statement.statement, statement.parts
    queried = None if columns is None else _by_name(columns.queried)
    transformed = None
    if columns is not None and parts.transform is not None:
        transformed = _by_name(columns.transformed)
    faults = list(column_problems(statement.kind, parts, source.tree, queried, transformed))
    if columns is not None and parts.holidays is not None:
        faults.extend(holiday_problems(_by_name(columns.holidays)))
    for fault in faults:
        yield error_at(source, fault.reason, _start(parts, fault.place))


def _start(parts: CreateModel, place: str) -> int:
    return parts.ranges.get(place, parts.ranges["path"])[0]
