"""The dialect: ZetaSQL's options set as BigQuery sets them."""

from functools import cache
from typing import TYPE_CHECKING, Final

from googlesql import module

if TYPE_CHECKING:
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import LanguageOptionsProto

_PRODUCT_EXTERNAL: Final = 1
# `ErrorMessageMode`: the message ends with the place, "[at 1:8]".
ONE_LINE_MESSAGES: Final = 1


@cache
def language_options() -> "LanguageOptionsProto":
    """Return the language options. Callers must not change them."""
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import LanguageOptionsRequest
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import LanguageOptionsProto
    from zetasql.wasi._pb2.zetasql.resolved_ast.resolved_node_kind_pb2 import ResolvedNodeKind

    options = module.call(
        "GetLanguageOptions", LanguageOptionsRequest(maximum_features=True), LanguageOptionsProto
    )
    # External means BigQuery's names of types: FLOAT64, where Google's inside says DOUBLE.
    options.product_mode = _PRODUCT_EXTERNAL
    # Reserved in BigQuery: without it QUALIFY after a table reads as the table's alias.
    # https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords
    options.reserved_keywords.append("QUALIFY")
    # https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language
    options.supported_generic_entity_types.extend(("PROJECT", "ORGANIZATION", "BI_CAPACITY"))
    # None listed means queries only, and CREATE MODEL would be refused before it is read.
    options.supported_statement_kinds.extend(
        kind
        for name, kind in ResolvedNodeKind.items()
        if name.startswith("RESOLVED_") and name.endswith("_STMT")
    )
    return options
