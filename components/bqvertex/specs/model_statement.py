"""A CREATE MODEL statement: read, checked offline, and written with whole names."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from bqvertex.specs.declared import error_at, undeclared
from bqvertex.specs.inputs import canonical_json
from bqvertex.specs.model_kind import REMOTE, ModelKind, kinds, option_problems
from bqvertex.specs.statement import Statement, StatementError, read_statement
from googlesql.create_model import CreateModel
from googlesql.module import CrashError

_DEFAULT_LABEL: Final = ["label"]


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
    model_type = parts.options.get("MODEL_TYPE")
    name = REMOTE if parts.remote else str(model_type or "").upper()
    if name not in kinds():
        given = None if model_type is None else str(model_type)
        (_, reason), *_ = option_problems(given, remote=parts.remote, options=())
        place = parts.ranges.get("option MODEL_TYPE", parts.ranges["path"])[0]
        raise error_at(statement, reason, place)
    return ModelStatement(statement, parts, kinds()[name])


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
    if statement.parts.query is None or not schemas:
        return None
    if error := undeclared(statement.statement, schemas):
        raise error
    source = statement.statement
    names = _by_every_name(schemas, place)
    found = _analysed(source.sql, source.file, canonical_json(names))
    return None if found is None else dict(found)


def _by_every_name(
    schemas: Mapping[str, Sequence[Mapping[str, Any]]], place: Mapping[str, Any]
) -> dict[str, Sequence[Mapping[str, Any]]]:
    above = [place[name] for name in ("project", "dataset_id") if name in place]
    prefixes = [".".join((*above[start:], "")) for start in range(len(above))]
    return {f"{prefix}{name}": schemas[name] for name in schemas for prefix in ("", *prefixes)}


# Checking and deriving both ask, in each of the engine's checks; an analysis takes 60 ms.
@lru_cache(maxsize=256)
def _analysed(text: str, file: str, schemas: str) -> tuple[tuple[str, str], ...] | None:
    try:
        analysis = read_model_statement(text, file).statement.check(json.loads(schemas))
    except CrashError:
        # A fault of ZetaSQL's, and no word on the statement: BigQuery will say.
        return None
    if analysis is None:
        return None
    return tuple((column.name, column.type) for column in analysis.output_columns)


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
        place: What is known of `project`, `dataset_id` and `model_id`.
        schemas: Columns of what it reads, by name; empty when none are declared.
    """
    try:
        statement = read_model_statement(text, file)
    except StatementError as error:
        yield str(error)
        return
    source, parts = statement.statement, statement.parts
    yield from _name_problems(statement, place)
    model_type = parts.options.get("MODEL_TYPE")
    for name, reason in option_problems(
        None if model_type is None else str(model_type), remote=parts.remote, options=parts.options
    ):
        yield str(error_at(source, reason, parts.ranges[f"option {name}"][0]))
    try:
        columns = column_types(statement, schemas, place)
    except StatementError as error:
        yield str(error)
        return
    yield from _label_problems(statement, columns)


def _name_problems(statement: ModelStatement, place: Mapping[str, str]) -> Iterator[str]:
    parts = statement.parts
    names = ("project", "dataset_id", "model_id")[-len(parts.path) :]
    for name, written in zip(names, parts.path, strict=True):
        if name in place and place[name] != written:
            yield str(
                error_at(
                    statement.statement,
                    f"the statement says {name} {written!r} and the resource {place[name]!r}",
                    parts.ranges["path"][0],
                )
            )


def _label_problems(statement: ModelStatement, columns: Mapping[str, str] | None) -> Iterator[str]:
    parts = statement.parts
    if not statement.kind.has_label or parts.query is None:
        return
    available = _trained_on(statement, columns)
    if available is None:
        return
    wanted = parts.options.get("INPUT_LABEL_COLS", _DEFAULT_LABEL)
    for name in wanted if isinstance(wanted, list) else [wanted]:
        if str(name).lower() not in {column.lower() for column in available}:
            where = "TRANSFORM clause" if parts.transform is not None else "query"
            yield str(
                error_at(
                    statement.statement,
                    f"label column {name!r} is not in the {where}, which has "
                    f"{', '.join(available)}; name it with INPUT_LABEL_COLS = ['column']",
                    parts.ranges.get("option INPUT_LABEL_COLS", parts.ranges["path"])[0],
                )
            )


def _trained_on(
    statement: ModelStatement, columns: Mapping[str, str] | None
) -> Sequence[str] | None:
    parts = statement.parts
    if parts.transform is None:
        return None if columns is None else list(columns)
    if any(item.alias is None for item in parts.transform):
        return None
    return [item.alias for item in parts.transform if item.alias is not None]
