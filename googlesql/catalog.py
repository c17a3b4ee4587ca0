"""What a statement may name: tables, connections and functions, as ZetaSQL's catalog holds them."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from googlesql.functions import function_protos
from googlesql.language import language_options
from googlesql.schema import Column, fill_type_proto, parse_type

if TYPE_CHECKING:
    from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto

CONNECTION: str = "zt_connection"
"""The one connection of every catalog; statements are edited to name it."""


class CatalogTable(NamedTuple):
    """A table in a catalog.

    Attributes:
        token: The plain name that stands for it in the statement that ZetaSQL is given.
        columns: Its columns.
    """

    token: str
    columns: Sequence[Column]


def catalog(tables: Sequence[CatalogTable]) -> "SimpleCatalogProto":
    """Build the catalog of one statement."""
    built = type(_functions())()
    built.CopyFrom(_functions())
    for number, table in enumerate(tables, start=1):
        added = built.table.add(name=table.token, serialization_id=number)
        # BigQuery's queries may give two columns one name; they fail only when it is used.
        added.allow_duplicate_column_names = True
        for column in table.columns:
            proto = added.column.add(name=column.name, is_pseudo_column=column.pseudo)
            fill_type_proto(parse_type(column.type), proto.type)
    return built


@cache
def _functions() -> "SimpleCatalogProto":
    from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto

    built = SimpleCatalogProto(name="googlesql")
    built.builtin_function_options.language_options.CopyFrom(language_options())
    built.connection.add(name=CONNECTION)
    # A function's path is its folder's path: under a dotted name it would not be found.
    folders = {(): built}
    for function in function_protos():
        folder = tuple(function.name_path[:-1])
        if folder not in folders:
            folders[folder] = built.catalog.add(name=folder[-1])
        folders[folder].custom_function.append(function)
    return built
