"""ML.* and AI.* table functions in any query.

The innermost call goes first: its queries run in the statement's own context, the function gives
rows, the rows become a temporary table, and the table's name takes the call's place in the text.
So joins, subqueries, CREATE TABLE AS, scripts and parameters need no care of their own.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from local_bigquery.errors import BigQueryError
from local_bigquery.sql.script import Interpreter
from local_bigquery.sql.translate import Context

from googlesql import analyzer, parser
from googlesql.constant import Constant, Expression
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.schema import Column
from googlesql.table_function import TableFunction
from localcloud.bigquery import (
    analysis,
    job,
    model_view,
    query,
    remote_model,
    scalar_function,
    tfdv,
    training,
    upstream,
)
from localcloud.bigquery.generative import errors
from localcloud.bigquery.generative.function import FUNCTIONS, rendered
from localcloud.bigquery.imported_model import ImportedModel
from localcloud.bigquery.names import Reference
from localcloud.bigquery.training import Loaded, RemoteEndpoint, Training

if TYPE_CHECKING:
    from localcloud import bqml

GENERATE_TEXT = ("AI.GENERATE_TEXT", "ML.GENERATE_TEXT")
GENERATE_EMBEDDING = ("AI.GENERATE_EMBEDDING", "ML.GENERATE_EMBEDDING")
OVER_REMOTE = {
    **dict.fromkeys(GENERATE_TEXT, remote_model.generate_text),
    **dict.fromkeys(GENERATE_EMBEDDING, remote_model.generate_embedding),
    "AI.GENERATE_TABLE": remote_model.generate_table,
    "ML.TRANSLATE": remote_model.translate,
    "ML.UNDERSTAND_TEXT": remote_model.understand_text,
}
"""Functions over remote models that call a model for each row."""
ROW_BY_ROW = ("ML.TRANSFORM", *OVER_REMOTE)
"""Functions that give a row a row, beside those of `bqml.FUNCTIONS` that say so of themselves."""
DRY_RUN_ROWS = 200
"""A dry run of any other function looks at this many rows to learn the columns it gives."""


@contextmanager
def spliced(interpreter: Interpreter, sql: str) -> Iterator[str]:
    """The text with each call replaced by a temporary table, which is dropped at the end.

    So is each view over such calls. ML functions in expressions become plain SQL.

    Args:
        interpreter: The statement.
        sql: Its text, or the text of a query in it.

    Raises:
        BigQueryError: A call is wrong or fails, or its function is not implemented.
    """
    names: list[str] = []
    written = sql
    edits: list[EditedText] = []
    statement = uuid.uuid4().hex
    try:
        if views := model_view.readings(
            sql, interpreter.context.project_id, interpreter.context.dataset_id
        ):
            places = []
            for view in views:
                name = query.temporary_table(interpreter, _view_rows(interpreter, view.reference))
                names.append(name)
                alias = f" AS `{view.alias}`" if view.alias else ""
                places.append(Edit(view.start, view.end, f"`{name}`{alias}"))
            edits.append(EditedText(Text(sql), places))
            sql = edits[-1].sql
        while calls := _calls(sql):
            call = calls[0]
            name = query.temporary_table(interpreter, evaluate(interpreter, call))
            names.append(name)
            # The function's name is the result's in BigQuery too when no alias is given.
            alias = "" if call.alias else f" AS `{call.name.rsplit('.', 1)[-1]}`"
            edits.append(EditedText(Text(sql), [Edit(*call.range, f"`{name}`{alias}")]))
            sql = edits[-1].sql
        sql = tfdv.validated(interpreter, sql)
        yield _without_functions(interpreter, sql, written, edits, statement)
        errors.check(statement)
    finally:
        errors.forget(statement)
        for name in names:
            query.drop(interpreter, name)


def _view_rows(interpreter: Interpreter, view: Reference) -> pa.Table:
    """The rows of a view over functions of BigQuery ML."""
    written = model_view.query_of(view)
    assert written is not None, "the view was there when the statement was read"
    context = Context(view.project, view.dataset)
    inner = Interpreter(interpreter.cursor, context, lambda tree: None, lambda statistics: None)
    with spliced(inner, written) as sql:
        rows = query.rows(inner, sql, 0 if job.is_dry_run() else None)
    interpreter.context.referenced |= context.referenced
    return rows


def _without_functions(
    interpreter: Interpreter,
    sql: str,
    written: str,
    edits: Sequence[EditedText],
    statement: str,
) -> str:
    """The text with its functions in expressions replaced.

    Args:
        interpreter: The statement.
        sql: Its text.
        written: The text before some changes, in which places of errors are told.
        edits: Those changes, in their order.
        statement: Names the statement, for what fails while it runs.
    """
    others = scalar_function.in_query(interpreter)

    def in_place(call: scalar_function.Call) -> str:
        if call.name in FUNCTIONS and call.window is None:
            return rendered(call, interpreter.context.project_id, statement)
        return others(call)

    try:
        return scalar_function.replaced(sql, in_place)
    except SqlError as error:
        for edited in reversed(edits):
            error = edited.original_error(error)
        raise analysis.refusal(error, written) from error


def evaluate(interpreter: Interpreter, call: TableFunction) -> pa.Table:
    """The rows of one call.

    Raises:
        BigQueryError: As BigQuery answers; `notImplemented` for a function that is not there yet.
    """
    from localcloud import bqml

    loaded = _model(interpreter, call)
    arguments = _arguments(interpreter, call)
    if isinstance(loaded, RemoteEndpoint):
        if call.name in OVER_REMOTE:
            return _generated(interpreter, call, loaded, _one(interpreter, call), arguments)
        if call.name != "ML.PREDICT":
            raise BigQueryError(
                "notImplemented",
                f"{call.name} of a remote model is not implemented on the local cloud.",
            )
        return remote_model.predict(loaded, _one(interpreter, call), _keep_columns(arguments))
    if isinstance(loaded, ImportedModel):
        return _imported(interpreter, call, loaded)
    if call.name == "ML.TRANSFORM" and loaded is not None:
        return _transform(interpreter, call, loaded)
    function = bqml.FUNCTIONS.get(call.name)
    if function is None:
        raise BigQueryError(
            "notImplemented",
            f"{call.name} is not implemented on the local cloud; "
            f"{', '.join(sorted([*bqml.FUNCTIONS, *GENERATE_TEXT, 'ML.TRANSFORM']))} are.",
        )
    if function.takes_model and loaded is None:
        raise BigQueryError("invalidQuery", f"{call.name} needs a MODEL as its first argument.")
    least, most = function.tables
    if not least <= len(call.tables) <= most:
        raise BigQueryError(
            "invalidQuery",
            f"{call.name} takes {least if least == most else f'{least} to {most}'} tables, but "
            f"{len(call.tables)} are given.",
        )
    tables = [_rows(interpreter, call, index) for index in range(len(call.tables))]
    if loaded is None or not tables:
        with _refusals():
            return function.call(loaded.model if loaded else None, tables, arguments)
    return _with_model(interpreter, call, loaded, tables, arguments)


def _generated(
    interpreter: Interpreter,
    call: TableFunction,
    loaded: RemoteEndpoint,
    rows: pa.Table,
    arguments: Mapping[str, Any],
) -> pa.Table:
    return OVER_REMOTE[call.name](loaded, _reference(interpreter, call), call.name, rows, arguments)


def _imported(interpreter: Interpreter, call: TableFunction, loaded: ImportedModel) -> pa.Table:
    if call.name == "ML.PREDICT":
        return loaded.predict(_one(interpreter, call))
    if call.name == "ML.FEATURE_IMPORTANCE":
        return loaded.feature_importance()
    raise BigQueryError(
        "invalidQuery",
        f"{call.name} is not supported for models of type {loaded.model_type}; ML.PREDICT is.",
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """Refusals of BigQuery ML as BigQuery's errors."""
    from localcloud import bqml

    try:
        yield
    except bqml.BqmlError as error:
        raise BigQueryError("invalidQuery", str(error)) from error
    except NotImplementedError as error:
        raise BigQueryError("notImplemented", str(error)) from error


def columns(interpreter: Interpreter) -> analyzer.OutputColumns:
    """What the analyser asks for the columns of a call; learnt from the function on no rows."""

    def of_call(call: TableFunction, inputs: Sequence[Sequence[Column]]) -> Sequence[Column] | None:
        loaded = _model(interpreter, call)
        if not _is_row_by_row(call.name) or len(inputs) != 1:
            return None
        try:
            empty = training.schema(tuple((c.name, c.type) for c in inputs[0])).empty_table()
        except ValueError:
            return None
        if isinstance(loaded, ImportedModel) and call.name == "ML.PREDICT":
            return analysis.columns_of(loaded.predict(empty))
        if isinstance(loaded, RemoteEndpoint) and call.name == "ML.PREDICT":
            return analysis.columns_of(
                remote_model.predict(loaded, empty, _keep_columns(call.settings))
            )
        if isinstance(loaded, RemoteEndpoint) and call.name in OVER_REMOTE:
            return analysis.columns_of(_generated(interpreter, call, loaded, empty, call.settings))
        if isinstance(loaded, Training) and call.name == "ML.PREDICT":
            return analysis.columns_of(_with_model(interpreter, call, loaded, [empty], {}))
        return None

    return of_call


def score(loaded: Training, name: str, taken: pa.Table, arguments: Mapping[str, Any]) -> pa.Table:
    """Call a function that gives a row a row; only its own columns, not the input's.

    Args:
        loaded: The training.
        name: Such as `ML.PREDICT`.
        taken: What the model takes: rows after TRANSFORM.
        arguments: The function's settings.
    """
    from localcloud import bqml

    return _own_columns(_called(bqml.FUNCTIONS[name], loaded, [taken], arguments), taken)


def _own_columns(result: pa.Table, taken: pa.Table) -> pa.Table:
    kept = {column.casefold() for column in taken.column_names}
    return result.select([c for c in result.column_names if c.casefold() not in kept])


def _is_row_by_row(name: str) -> bool:
    from localcloud import bqml

    function = bqml.FUNCTIONS.get(name)
    return name in ROW_BY_ROW or (function is not None and function.row_by_row)


def _with_model(
    interpreter: Interpreter,
    call: TableFunction,
    loaded: Training,
    tables: list[pa.Table],
    arguments: Mapping[str, Any],
) -> pa.Table:
    from localcloud import bqml

    function = bqml.FUNCTIONS[call.name]
    if function.takes_features:
        _require(loaded, tables[0])
    taken = tables[0]
    if not function.before_transform:
        taken = loaded.transformed(interpreter, tables[0])
    with _refusals():
        whole = _called(function, loaded, [taken, *tables[1:]], arguments)
    if not function.row_by_row or loaded.transform is None:
        return whole
    result = _own_columns(whole, taken)
    if result.num_columns == whole.num_columns:
        # The function leaves out the features it was given.
        return _with_others(result, tables[0], loaded)
    for field in tables[0].schema:
        if field.name not in result.column_names:
            result = result.append_column(field, tables[0][field.name])
    return result


def _called(
    function: "bqml.TableFunction",
    loaded: Training,
    tables: list[pa.Table],
    arguments: Mapping[str, Any],
) -> pa.Table:
    if tables[0].num_rows or not function.row_by_row:
        return function.call(loaded.model, tables, dict(arguments))
    # The mathematics needs a row; of none, the columns of one without values are the answer.
    schema = tables[0].schema
    one = pa.table([pa.nulls(1, field.type) for field in schema], schema=schema)
    return function.call(loaded.model, [one, *tables[1:]], dict(arguments)).slice(0, 0)


def _transform(interpreter: Interpreter, call: TableFunction, loaded: Training) -> pa.Table:
    if loaded.transform is None:
        raise BigQueryError("invalidQuery", "ML.TRANSFORM needs a model with a TRANSFORM clause.")
    rows = _one(interpreter, call)
    _require(loaded, rows)
    return _with_others(flattened(loaded.transformed(interpreter, rows)), rows, loaded)


def flattened(table: pa.Table) -> pa.Table:
    """The fields of a STRUCT as columns, `<struct>_<field>`, as a model would be given them."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        names = [
            f"{field.name}_{part.name}" if part is not field else field.name
            for field in table.schema
            for part in (field.type if pa.types.is_struct(field.type) else [field])
        ]
        table = table.flatten().rename_columns(names)
    return table


def _with_others(result: pa.Table, rows: pa.Table, loaded: Training) -> pa.Table:
    """A result with the columns that the model was not trained on, such as an id or an index."""
    known = {name.casefold() for name, _ in loaded.inputs}
    known |= {name.casefold() for name in result.column_names}
    for field in rows.schema:
        if field.name.casefold() not in known:
            result = result.append_column(field, rows[field.name])
    return result


def _require(loaded: Training, table: pa.Table) -> None:
    there = {name.casefold() for name in table.column_names}
    for name, _ in loaded.inputs:
        if name.casefold() not in there:
            raise BigQueryError("invalidQuery", f"Required column '{name}' is missing from input.")


def _model(interpreter: Interpreter, call: TableFunction) -> Loaded | None:
    if call.model is None:
        return None
    from localcloud import bqml

    reference = _reference(interpreter, call)
    try:
        try:
            return _training(reference)
        except FileNotFoundError:
            # Another training took its place after this one was looked up.
            return _training(reference)
    except bqml.BqmlError as error:
        # A training that an earlier version wrote in another format.
        raise BigQueryError("invalidQuery", str(error)) from error


def _training(reference: Reference) -> Loaded:
    store = upstream.runtime().models
    return training.load(store.training_directory(store.get(reference).artifact_uri))


def _reference(interpreter: Interpreter, call: TableFunction) -> Reference:
    context = interpreter.context
    return Reference.resolve(call.model or (), context.project_id, context.dataset_id)


def _one(interpreter: Interpreter, call: TableFunction) -> pa.Table:
    if len(call.tables) != 1:
        raise BigQueryError(
            "invalidQuery", f"{call.name} takes one table, but {len(call.tables)} are given."
        )
    return _rows(interpreter, call, 0)


def _rows(interpreter: Interpreter, call: TableFunction, index: int) -> pa.Table:
    limit = None
    if job.is_dry_run():
        limit = 0 if _is_row_by_row(call.name) else DRY_RUN_ROWS
    written = call.with_clause() + call.tables[index].query
    return query.rows(interpreter, _without_functions(interpreter, written, written, (), ""), limit)


def _arguments(interpreter: Interpreter, call: TableFunction) -> dict[str, Any]:
    settings: dict[str, Any] = dict(call.settings)
    if any(_is_expression(value) for value in call.settings.values()):
        [row] = query.rows(interpreter, f"SELECT {call.settings_text} AS settings").to_pylist()
        settings = {name.lower(): value for name, value in row["settings"].items()}
    by_name = {**_positional(call), **call.named}
    return {**settings, **{name: _value(interpreter, value) for name, value in by_name.items()}}


def _positional(call: TableFunction) -> dict[str, Constant]:
    """Arguments without a name, by the names they stand for."""
    from localcloud import bqml

    function = bqml.FUNCTIONS.get(call.name)
    if function is None:
        # Said to be missing, or another part's to read.
        return {}
    names = function.positional
    if len(call.positional) > len(names):
        takes = f"takes {', '.join(names)} without a name" if names else "takes none without a name"
        raise BigQueryError(
            "invalidQuery",
            f"{call.name}: {len(call.positional)} arguments have no name; it {takes}.",
        )
    given = dict(zip(names, call.positional, strict=False))
    twice = sorted(given.keys() & call.named.keys())
    if twice:
        raise BigQueryError("invalidQuery", f"{call.name}: {twice[0]} is given twice.")
    return given


def _value(interpreter: Interpreter, value: Constant) -> Any:
    if not _is_expression(value):
        return value
    if not isinstance(value, Expression):
        raise BigQueryError("invalidQuery", f"{value!r} has parts that are no constants.")
    written = f"SELECT {value.text} AS value"
    sql = _without_functions(interpreter, written, written, (), "")
    [row] = query.rows(interpreter, sql).to_pylist()
    return row["value"]


def _is_expression(value: Constant) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_is_expression(part) for part in value)
    return isinstance(value, Expression)


def _keep_columns(arguments: Mapping[str, Any]) -> bool:
    return arguments.get("keep_original_columns", True) is not False


def _calls(sql: str) -> list[TableFunction]:
    try:
        return parser.table_functions(sql)
    except SqlError as error:
        raise analysis.refusal(error, sql) from error
