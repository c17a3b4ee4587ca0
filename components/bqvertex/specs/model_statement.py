"""A CREATE MODEL statement: read, checked offline, and written with whole names."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from bqvertex.specs.declared import error_at, undeclared
from bqvertex.specs.inputs import canonical_json
from bqvertex.specs.model_column import column_problems, holiday_problems
from bqvertex.specs.model_kind import ModelKind, UnknownKind, kind_of, option_problems
from bqvertex.specs.model_option_rule import OptionProblem
from bqvertex.specs.model_output import KnownModel
from bqvertex.specs.model_output import known_model as model_of
from bqvertex.specs.model_place import place_problems
from bqvertex.specs.model_transform import transform_problems
from bqvertex.specs.statement import Statement, StatementError, read_statement
from googlesql.analyzer import Tables, Unknown
from googlesql.create_model import CreateModel
from googlesql.schema import Column, columns_from_rest

ALTERABLE: Final = frozenset(
    {"VERTEX_AI_MODEL_ID", "MODEL_REGISTRY", "KMS_KEY_NAME", "ENDPOINT_IDLE_TTL"}
)
"""Options whose value is no part of a model's definition. That there is a key is one: only a model
that was made with a key gets another."""
Schemas: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""Columns of tables and views, each as `TableFieldSchema`, by bare name; none for a table that is
declared and whose columns are not known."""
Models: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What is known of models, as `KnownModel.to_inputs` returns it, by bare name."""

_BLANK: Final = 0x20
_NONE: Final[Models] = MappingProxyType({})


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
    return model_statement_of(read_statement(text, file))


def model_statement_of(statement: Statement) -> ModelStatement:
    """Take a statement as one that makes a model.

    Raises:
        StatementError: It is another statement, or makes an unknown kind.
    """
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
    options = statement.kind.options
    meant = statement.statement.definition_hash(
        project,
        dataset_id,
        without_options=ALTERABLE,
        caseless_options={"MODEL_TYPE", *(n for n in options if "ENUM" in options[n].type)},
    )
    # Another key is set by ALTER MODEL, a first one only by making the model again.
    if statement.parts.options.get("KMS_KEY_NAME") is None:
        return meant
    return hashlib.sha256(f"{meant} KMS_KEY_NAME".encode()).hexdigest()


@dataclass(frozen=True)
class ModelColumns:
    """The columns that a statement names, as far as they are known.

    Attributes:
        queried: Those of the training query, with an empty type where only the name is known;
            None where not even the names are.
        transformed: Those after TRANSFORM, likewise; empty without the clause.
        holidays: Those of the query of custom holidays, likewise; empty without it.
        unknown: What the statement names and nobody declared.
    """

    queried: tuple[Column, ...] | None
    transformed: tuple[Column, ...] | None
    holidays: tuple[Column, ...] | None
    unknown: tuple[Unknown, ...] = ()


def model_columns(
    statement: ModelStatement, tables: Tables, models: Mapping[str, KnownModel] | None = None
) -> ModelColumns | None:
    """Work out the columns that a statement names, as far as its upstreams are known.

    Args:
        statement: The statement.
        tables: Columns of what it reads, see `googlesql.analyzer.analyze_partially`.
        models: Models whose functions it calls, by the names it uses; left out, none is known.

    Returns:
        The columns; None for a model without a query.

    Raises:
        StatementError: BigQuery would refuse the statement, whatever is not known.
    """
    if statement.parts.query is None:
        return None
    found = statement.statement.check_partially(tables, models=models)
    if statement.parts.holidays is None:
        return ModelColumns(found.output_columns, found.transform_columns, (), found.unknown)
    # Of two queries ZetaSQL names no columns, so each is asked for its own.
    queried, holidays = (
        _query(statement, name).check_partially(tables, models=models).output_columns
        for name in ("query", "holidays")
    )
    return ModelColumns(queried, found.transform_columns, holidays, found.unknown)


def column_types(
    statement: ModelStatement, schemas: Schemas, place: Mapping[str, Any], models: Models = _NONE
) -> dict[str, str] | None:
    """Work out the columns that the model is trained on, before TRANSFORM.

    Args:
        statement: The statement.
        schemas: Columns of what it reads, by bare name.
        place: What is known of `project` and `dataset_id`, to know the same tables by whole names.
        models: Models whose functions it calls, by bare name; left out, none is known.

    Returns:
        Type by name; None where schemas, models or ZetaSQL do not tell all of them, and for a
        model that is not trained.

    Raises:
        StatementError: A table's column, a type or a function in the statement is wrong.
    """
    # Without schemas nothing that a statement reads is known, and a guess takes many analyses.
    found = _columns(statement, schemas, place, models) if schemas else None
    if found is None or found.queried is None or found.unknown:
        return None
    return _by_name(found.queried)


def known_model(
    statement: ModelStatement, schemas: Schemas, place: Mapping[str, Any], models: Models = _NONE
) -> KnownModel:
    """Work out what a statement tells of its model to other statements that call its functions.

    Args:
        statement: The statement.
        schemas: See `column_types`.
        place: See `column_types`.
        models: See `column_types`.

    Raises:
        StatementError: A table's column, a type or a function in the statement is wrong.
    """
    found = _columns(statement, schemas, place, models)
    if found is None:
        return model_of(statement.kind, statement.parts, None, None)
    return model_of(statement.kind, statement.parts, found.queried, found.transformed)


def _columns(
    statement: ModelStatement, schemas: Schemas, place: Mapping[str, Any], models: Models
) -> ModelColumns | None:
    if schemas and (error := undeclared(statement.statement, schemas)):
        raise error
    source = statement.statement
    told = {name: columns for name, columns in schemas.items() if columns}
    named = (_by_every_name(told, place), _by_every_name(models, place))
    return _analysed(source.sql, source.file, *(canonical_json(names) for names in named))


def _by_every_name(named: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    above = [place[name] for name in ("project", "dataset_id") if name in place]
    prefixes = [".".join((*above[start:], "")) for start in range(len(above))]
    return {f"{prefix}{name}": named[name] for name in named for prefix in ("", *prefixes)}


# Checking and deriving both ask, in each of the engine's checks; an analysis takes 60 ms.
@lru_cache(maxsize=256)
def _analysed(text: str, file: str, schemas: str, models: str) -> ModelColumns | None:
    tables = {
        tuple(name.split(".")): columns_from_rest(columns)
        for name, columns in json.loads(schemas).items()
    }
    known = {name: KnownModel.from_inputs(model) for name, model in json.loads(models).items()}
    return model_columns(read_model_statement(text, file), tables, known)


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
    schemas: Schemas,
    models: Models = _NONE,
) -> Iterator[str]:
    """Yield all that is wrong with a statement, each with file, line, column and a caret.

    Args:
        text: The statement.
        file: Where it was read from; empty for none.
        place: What is known of `project`, `location`, `dataset_id` and `model_id`.
        schemas: Columns of what it reads, by name; empty when none are declared.
        models: Models whose functions it calls, by bare name; left out, none is known.
    """
    try:
        statement = read_model_statement(text, file)
    except StatementError as error:
        yield str(error)
        return
    columns: ModelColumns | StatementError | None
    try:
        columns = _columns(statement, schemas, place, models)
    except StatementError as error:
        columns = error
    yield from (str(error) for error in statement_errors(statement, place, columns))


def statement_errors(
    statement: ModelStatement,
    place: Mapping[str, str],
    columns: ModelColumns | StatementError | None,
) -> list[StatementError]:
    """Return all that is wrong with a statement, in the order of its text.

    Args:
        statement: The statement.
        place: What is known of `project`, `location`, `dataset_id` and `model_id`.
        columns: What `model_columns` returned or raised; None for a model without a query.
    """
    found = list(_problems(statement, place))
    if isinstance(columns, StatementError):
        # What ZetaSQL refuses of TRANSFORM is known already, at the same place.
        if (columns.line, columns.column) not in {(known.line, known.column) for known in found}:
            found.append(columns)
        columns = None
    found.extend(_column_problems(statement, columns))
    # One about the whole statement comes first.
    return sorted(found, key=lambda error: (error.line or 0, error.column or 0))


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
    statement: ModelStatement, columns: ModelColumns | None
) -> Iterator[StatementError]:
    source, parts = statement.statement, statement.parts
    queried = transformed = None
    if columns is not None and columns.queried is not None:
        queried = _by_name(columns.queried)
    if columns is not None and columns.transformed is not None and parts.transform is not None:
        transformed = _by_name(columns.transformed)
    faults = list(column_problems(statement.kind, parts, source.tree, queried, transformed))
    if columns is not None and columns.holidays is not None and parts.holidays is not None:
        faults.extend(holiday_problems(_by_name(columns.holidays)))
    for fault in faults:
        yield error_at(source, fault.reason, _start(parts, fault.place))


def _start(parts: CreateModel, place: str) -> int:
    return parts.ranges.get(place, parts.ranges["path"])[0]
