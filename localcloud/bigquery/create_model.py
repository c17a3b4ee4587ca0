"""CREATE MODEL: rows in, a training directory and a model resource out.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from local_bigquery.catalog import datasets, metadata
from local_bigquery.errors import BigQueryError
from local_bigquery.models import JobStatistics2, TableReference
from local_bigquery.sql.script import Interpreter
from local_bigquery.sql.translate import Context

from googlesql.constant import Call, Constant, Expression
from googlesql.create_model import CreateModel
from localcloud.bigquery import (
    imported_model,
    job,
    model,
    query,
    remote_model,
    table_function,
    training,
    transform,
    upstream,
)
from localcloud.bigquery.column import bigquery_type, standard_sql_field
from localcloud.bigquery.names import Reference
from localcloud.bigquery.progress import IterationProgress
from localcloud.bigquery.training import Training

REGISTRY_OPTIONS = ("MODEL_REGISTRY", "VERTEX_AI_MODEL_ID", "VERTEX_AI_MODEL_VERSION_ALIASES")


def run(interpreter: Interpreter, statement: CreateModel) -> JobStatistics2:
    """Run or, in a dry run, check a CREATE MODEL statement.

    Raises:
        BigQueryError: As BigQuery answers: `duplicate`, `notFound`, `invalidQuery`, ...
    """
    context = interpreter.context
    reference = Reference.resolve(statement.path, context.project_id, context.dataset_id)
    model.check_name(reference)
    datasets.get(*reference[:2])
    store = upstream.runtime().models
    found = store.find(reference)
    operation = metadata.outcome(
        "Model",
        reference.label,
        found is not None,
        False,
        statement.if_not_exists,
        statement.replace,
    )
    statistics = JobStatistics2(statementType="CREATE_MODEL", ddlOperationPerformed=operation)
    if operation == "SKIP":
        if not job.is_dry_run():
            # BigQuery trains nothing then, yet moves the time of the last change.
            store.patch(reference, {})
        return statistics
    if statement.remote:
        remote_model.create(reference, statement, dry_run=job.is_dry_run())
        return statistics
    if imported_model.is_imported(statement):
        imported_model.create(reference, statement, dry_run=job.is_dry_run())
        return statistics
    context.referenced.clear()
    if job.is_dry_run():
        _check(interpreter, statement)
        return statistics.replace(referencedTables=_read_tables(context))
    training_runs = _train(interpreter, reference, statement, found)
    statistics = statistics.replace(referencedTables=_read_tables(context))
    iterations = [result for run in training_runs for result in run.get("results") or []]
    return statistics.replace(mlStatistics={"iterationResults": iterations})


def _read_tables(context: Context) -> list[TableReference]:
    names = ("projectId", "datasetId", "tableId")
    return [
        TableReference.model_validate(dict(zip(names, reference, strict=True)))
        for reference in sorted(context.referenced)
        # What ML functions answered, and rows before TRANSFORM.
        if reference[2] not in context.temporary
    ]


def _check(interpreter: Interpreter, statement: CreateModel) -> None:
    from localcloud import bqml

    options = _options(statement)
    with _refusals():
        bqml.check(options)
    if statement.query is None:
        raise BigQueryError("invalidQuery", "CREATE MODEL needs a training query after AS.")
    sample = _rows(interpreter, statement.query, limit=0)
    columns = sample.column_names
    if statement.transform is not None:
        source = query.temporary_table(interpreter, sample)
        try:
            fitted = transform.checked(interpreter, statement.transform, source)
            columns = [item.name for item in fitted.items]
            query.rows(interpreter, fitted.select(columns, source), limit=0)
        finally:
            query.drop(interpreter, source)
    _check_columns(options, columns)


def _check_columns(options: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Refuse an option that names a column which the training rows do not have."""
    from localcloud.bqml import kinds

    there = {column.casefold() for column in columns}
    for name, option in kinds.kind_of(options).options.items():
        if not name.endswith(("_COL", "_COLS")):
            continue
        # What a warm start leaves out is what the model that is there had.
        value = options.get(name, None if options.get("WARM_START") else option.default)
        asked = [value] if isinstance(value, str) else value or []
        if missing := [column for column in asked if str(column).casefold() not in there]:
            raise BigQueryError(
                "invalidQuery",
                f"Option {name.lower()} names the column '{missing[0]}', which the training query "
                f"does not give; it gives {', '.join(columns)}.",
            )


def _train(
    interpreter: Interpreter,
    reference: Reference,
    statement: CreateModel,
    found: model.StoredModel | None,
) -> Sequence[Mapping[str, Any]]:
    from localcloud import bqml

    if statement.query is None:
        raise BigQueryError("invalidQuery", "CREATE MODEL needs a training query after AS.")
    started = datetime.now(UTC)
    options = _options(statement)
    rows = _rows(interpreter, statement.query)
    holidays = None if statement.holidays is None else _rows(interpreter, statement.holidays)
    fitted, table = _transformed(interpreter, statement, rows)
    cancelled = job.cancellation()

    most = options.get("MAX_ITERATIONS")
    progress = IterationProgress(job.current(), most if isinstance(most, int) else None)

    def on_iteration(iteration: "bqml.Iteration") -> None:
        cancelled()
        progress.add(iteration.rest())

    with _refusals():
        trained = bqml.train(
            options,
            table,
            before_transform=_read(rows, fitted),
            holidays=holidays,
            previous=_previous(found) if options.get("WARM_START") else None,
            on_iteration=on_iteration,
        )
    if fitted is not None and trained.kind != "TRANSFORM_ONLY":
        trained = _before_transform(rows, fitted, trained)
    finished = Training(_inputs(rows, fitted, trained), fitted, trained)
    runs = [{"startTime": started.isoformat(), **run} for run in trained.training_runs]
    earlier = found.resource["trainingRuns"] if found is not None and trained.earlier else []
    resource = model.identity(reference) | {
        "modelType": trained.model_type,
        "featureColumns": [standard_sql_field(*column) for column in finished.inputs],
        "labelColumns": [
            standard_sql_field(f"predicted_{name}", kind) for name, kind in trained.label_columns
        ],
        "trainingRuns": [*earlier, *runs],
        **trained.resource,
    }
    if fitted is not None:
        resource["transformColumns"] = _transform_columns(fitted, table)
    store = upstream.runtime().models
    cancelled()
    name, directory = store.new_training(reference)
    try:
        finished.save(directory)
        store.publish(
            reference,
            name,
            resource,
            vertex_ai_model_id=_registration(reference, statement, found),
            aliases=_aliases(statement),
        )
    except BigQueryError:
        store.discard(reference, name)
        raise
    return runs


def _previous(found: model.StoredModel | None) -> Any:
    """What WARM_START goes on from: the model that is there, when it was trained here."""
    if found is None:
        return None
    loaded = training.load(upstream.runtime().models.training_directory(found.artifact_uri))
    return loaded.model if isinstance(loaded, Training) else None


def _rows(interpreter: Interpreter, text: str, limit: int | None = None) -> pa.Table:
    with table_function.spliced(interpreter, text) as sql:
        return query.rows(interpreter, sql, limit)


def _transformed(
    interpreter: Interpreter, statement: CreateModel, rows: pa.Table
) -> tuple[transform.Transform | None, pa.Table]:
    if statement.transform is None:
        return None, rows
    source = query.temporary_table(interpreter, rows)
    try:
        fitted = transform.fit(interpreter, statement.transform, source, rows.column_names)
        wanted = [item.name for item in fitted.items]
        return fitted, query.rows(interpreter, fitted.select(wanted, source))
    finally:
        query.drop(interpreter, source)


def _read(rows: pa.Table, fitted: transform.Transform | None) -> pa.Table | None:
    """The columns that TRANSFORM reads; None without one."""
    if fitted is None:
        return None
    return rows.select(fitted.inputs([item.name for item in fitted.items]))


def _before_transform(rows: pa.Table, fitted: transform.Transform, trained: Any) -> Any:
    """The model, which tells of the columns before TRANSFORM."""
    from localcloud.bqml import statistics

    features = [name for name, _ in trained.feature_columns]
    return replace(
        trained,
        feature_statistics=statistics.before_transform(rows.select(fitted.inputs(features))),
        origins={name: fitted.inputs([name]) for name in features},
    )


def _inputs(
    rows: pa.Table, fitted: transform.Transform | None, trained: Any
) -> tuple[tuple[str, str], ...]:
    features = [name for name, _ in trained.feature_columns]
    is_transform = trained.kind == "TRANSFORM_ONLY"
    names = features if fitted is None or is_transform else fitted.inputs(features)
    return tuple((name, bigquery_type(rows.schema.field(name).type)) for name in names)


def _transform_columns(fitted: transform.Transform, table: pa.Table) -> list[dict[str, Any]]:
    """The columns that TRANSFORM gives; of a STRUCT one for each field, as ML.TRANSFORM has them.

    bigframes takes what a transformer gives by these names.
    """
    return [
        standard_sql_field(part.name, bigquery_type(part.type)) | {"transformSql": item.written}
        for item in fitted.items
        for part in table_function.flattened(table.select([item.name])).schema
    ]


@contextmanager
def _refusals() -> Iterator[None]:
    """Answer what BigQuery ML refuses as BigQuery does."""
    from localcloud import bqml

    try:
        yield
    except bqml.BqmlError as error:
        raise BigQueryError("invalidQuery", str(error)) from error
    except NotImplementedError as error:
        raise BigQueryError("notImplemented", str(error)) from error


def _options(statement: CreateModel) -> dict[str, Constant]:
    return {
        name: _known(name, value)
        for name, value in statement.options.items()
        if name not in REGISTRY_OPTIONS
    }


def _known(name: str, value: Constant) -> Any:
    if isinstance(value, Call):
        return _space(name, value)
    if isinstance(value, Expression):
        raise BigQueryError(
            "invalidQuery", f"Option {name} must be a constant, but it is {value.text}."
        )
    return value


def _space(name: str, call: Call) -> Any:
    """HPARAM_RANGE and HPARAM_CANDIDATES as BigQuery ML takes them."""
    from localcloud.bqml.tuning.space import Candidates, Range

    arguments = [_known(name, argument) for argument in call.arguments]
    if call.name == "HPARAM_RANGE" and len(arguments) == 2:
        return Range(arguments[0], arguments[1])
    if call.name == "HPARAM_CANDIDATES" and len(arguments) == 1:
        # HIDDEN_UNITS has each candidate's array in a STRUCT of its own.
        values = [item[0] if isinstance(item, tuple) else item for item in arguments[0]]
        return Candidates(values)
    raise BigQueryError(
        "invalidQuery",
        f"Option {name} is HPARAM_RANGE(low, high) or HPARAM_CANDIDATES([...]), not {call.name} "
        f"of {len(arguments)} arguments.",
    )


def _registration(
    reference: Reference, statement: CreateModel, found: model.StoredModel | None
) -> str | None:
    """The registry id: as the options say, else the one it had, else none."""
    registry = statement.options.get("MODEL_REGISTRY")
    asked = statement.options.get("VERTEX_AI_MODEL_ID")
    if registry is not None and str(registry).upper() != "VERTEX_AI":
        raise BigQueryError(
            "invalidQuery", f"Option MODEL_REGISTRY is {registry!r}; allowed is 'VERTEX_AI'."
        )
    if registry is None and asked is not None:
        raise BigQueryError(
            "invalidQuery", "Option VERTEX_AI_MODEL_ID needs MODEL_REGISTRY = 'VERTEX_AI'."
        )
    if registry is not None:
        return str(asked) if asked is not None else reference.name
    return found.vertex_ai_model_id if found is not None else None


def _aliases(statement: CreateModel) -> list[str]:
    aliases = statement.options.get("VERTEX_AI_MODEL_VERSION_ALIASES") or []
    if not isinstance(aliases, list):
        raise BigQueryError(
            "invalidQuery", "Option VERTEX_AI_MODEL_VERSION_ALIASES is an array of strings."
        )
    return [str(alias) for alias in aliases]
