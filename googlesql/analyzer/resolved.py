"""What ZetaSQL's analyser is asked and what it answers."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from googlesql import module
from googlesql.analyzer.assumption import UNKNOWN_TYPE
from googlesql.catalog import BuiltCatalog
from googlesql.errors import NotImplementedHere, SqlError, UnknownFunction
from googlesql.language import ONE_LINE_MESSAGES, language_options
from googlesql.schema import Column, fill_type_proto, parse_type, type_from_proto

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto

Parameters: TypeAlias = Mapping[str, str] | Sequence[str]

_UNKNOWN_FUNCTION: Final = re.compile(r"(?:Table-valued function|Function) not found: ")
# `absl::StatusCode`.
_UNIMPLEMENTED: Final = 12
# Options of ZetaSQL's analyser, `ParameterMode`.
_POSITIONAL: Final = 1
_SYSTEM_VARIABLES: Final = {
    "project_id": "STRING",
    "dataset_id": "STRING",
    "dataset_project_id": "STRING",
    "time_zone": "STRING",
    "query_label": "STRING",
    "row_count": "INT64",
    "last_job_id": "STRING",
    "error.message": "STRING",
    "error.statement_text": "STRING",
}
# The rest turns PIVOT, UNPIVOT, pipes, QUALIFY and the like into plain SELECT.
_NOT_REWRITTEN: Final = ("INVALID", "ANONYMIZATION", "THRESHOLD", "INLINE_SQL", "TEST", "MEASURE")


def resolve(
    sql: str, catalog: BuiltCatalog, parameters: Parameters | None, *, rewritten: bool
) -> "Message":
    """Analyse one statement whose names are the catalog's.

    Raises:
        UnknownFunction: ZetaSQL does not know a function.
        NotImplementedHere: ZetaSQL cannot analyse what is written.
        SqlError: The statement is wrong.
    """
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
        AnalyzeRequest,
        AnalyzeResponse,
    )

    options = _options(parameters, rewritten=rewritten)
    request = AnalyzeRequest(sql_statement=sql, options=options)
    request.descriptor_pool_list.definitions.add().builtin.SetInParent()
    try:
        return module.call("Analyze", request, AnalyzeResponse, catalog=catalog).resolved_statement
    except module.StatusError as error:
        _refuse(error)


def build_sql(resolved: "Message", catalog: BuiltCatalog) -> str:
    """Write an analysed statement as SQL."""
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
        BuildSqlRequest,
        BuildSqlResponse,
    )

    request = BuildSqlRequest(resolved_statement=resolved)
    request.descriptor_pool_list.definitions.add().builtin.SetInParent()
    try:
        return str(module.call("BuildSql", request, BuildSqlResponse, catalog=catalog).sql)
    except module.StatusError as error:
        _refuse(error)


def unwrapped(message: Any) -> Any:
    """Return the statement inside the choices that `AnyResolvedStatementProto` nests."""
    while message.DESCRIPTOR.name.startswith("AnyResolved"):
        fields = message.ListFields()
        if len(fields) != 1:
            return message
        message = fields[0][1]
    return message


def columns(
    statement: Any, field_name: str, certain: frozenset[int] | None = None
) -> tuple[Column, ...]:
    """Return one of the lists of output columns that a statement has; empty without the list.

    Args:
        statement: An analysed statement.
        field_name: The list.
        certain: Ids of the columns whose types no guess decided on: the others get an empty type.
            None when nothing was guessed.
    """
    if field_name not in statement.DESCRIPTOR.fields_by_name:
        parent = getattr(statement, "parent", None)
        return () if parent is None else columns(parent, field_name, certain)
    return tuple(
        Column(output.name, str(type_from_proto(output.column.type)))
        if certain is None or output.column.column_id in certain
        else Column(output.name, UNKNOWN_TYPE)
        for output in getattr(statement, field_name)
    )


def defined_columns(statement: Any) -> tuple[Column, ...]:
    """Return the columns that a CREATE statement lists by name, with a query or without."""
    if "column_definition_list" not in statement.DESCRIPTOR.fields_by_name:
        parent = getattr(statement, "parent", None)
        return () if parent is None else defined_columns(parent)
    return tuple(
        Column(
            definition.name,
            str(type_from_proto(definition.type)),
            "REQUIRED" if definition.annotations.not_null else "NULLABLE",
        )
        for definition in statement.column_definition_list
    )


def name_columns(query: Any) -> None:
    """Name a query's columns without a name as BigQuery does: f0_, f1_ and so on."""
    if query.DESCRIPTOR.name != "ResolvedQueryStmtProto":
        return
    anonymous = (o for o in query.output_column_list if o.name.startswith("$"))
    for number, output in enumerate(anonymous):
        output.name = f"f{number}_"


def _options(parameters: Parameters | None, *, rewritten: bool) -> "AnalyzerOptionsProto":
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto

    options = AnalyzerOptionsProto(
        language_options=language_options(),
        error_message_mode=ONE_LINE_MESSAGES,
        default_timezone="UTC",
        preserve_column_aliases=True,
        allow_undeclared_parameters=parameters is None,
    )
    for name, type_ in _SYSTEM_VARIABLES.items():
        variable = options.system_variables.add(name_path=name.split("."))
        fill_type_proto(parse_type(type_), variable.type)
    if isinstance(parameters, Mapping):
        for name, type_ in parameters.items():
            parameter = options.query_parameters.add(name=name.lower())
            fill_type_proto(parse_type(type_), parameter.type)
    elif parameters is not None:
        options.parameter_mode = _POSITIONAL
        for type_ in parameters:
            fill_type_proto(parse_type(type_), options.positional_query_parameters.add())
    if rewritten:
        rewrites = options.DESCRIPTOR.fields_by_name["enabled_rewrites"].enum_type
        options.enabled_rewrites.extend(
            value.number
            for value in rewrites.values
            if not any(word in value.name for word in _NOT_REWRITTEN)
        )
    return options


def _refuse(refusal: module.StatusError) -> NoReturn:
    error = SqlError.from_zetasql(refusal.message)
    kind = SqlError
    if _UNKNOWN_FUNCTION.match(refusal.message):
        kind = UnknownFunction
    elif refusal.code == _UNIMPLEMENTED:
        kind = NotImplementedHere
    raise kind(error.reason, error.line, error.column) from None
