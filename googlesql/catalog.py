"""What a statement may name: tables, connections and functions, as ZetaSQL's catalog holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

from googlesql.functions import AssumedFunction, assumed_function_proto, function_protos
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


@dataclass(frozen=True)
class BuiltCatalog:
    """A catalog that ZetaSQL can be given.

    Attributes:
        proto: The catalog itself; it must not be changed.
    """

    proto: "SimpleCatalogProto"

    @cached_property
    def key(self) -> bytes:
        """What tells it from every other catalog."""
        key: bytes = self.proto.SerializeToString(deterministic=True)
        return key


class TableSet:
    """Tables that many statements are analysed against.

    ZetaSQL takes 20 ms to build a catalog, whatever is in it. Statements that are given the same
    set share one; given a mapping, each set of tables that a statement names gets its own.

    Args:
        tables: The columns of each table by the parts of its name.

    Attributes:
        tables: The same, not to be changed.
        tokens: The plain name of each table in the catalog, which has no table with a column of
            unknown type.
    """

    def __init__(self, tables: Mapping[tuple[str, ...], Sequence[Column]]) -> None:
        self.tables = tables
        self.tokens = {
            path: f"zt_shared_{number}"
            for number, (path, columns) in enumerate(tables.items(), start=1)
            if all(column.type for column in columns)
        }

    @cached_property
    def catalog(self) -> BuiltCatalog:
        """The catalog of all the tables."""
        return catalog(
            [CatalogTable(token, self.tables[path]) for path, token in self.tokens.items()]
        )


def catalog(
    tables: Sequence[CatalogTable], functions: Sequence[AssumedFunction] = ()
) -> BuiltCatalog:
    """Build a catalog.

    Args:
        tables: Its tables.
        functions: Functions beside those of BigQuery.
    """
    built = type(_functions())()
    built.CopyFrom(_functions())
    for number, table in enumerate(tables, start=1):
        added = built.table.add(name=table.token, serialization_id=number)
        # BigQuery's queries may give two columns one name; they fail only when it is used.
        added.allow_duplicate_column_names = True
        for column in table.columns:
            proto = added.column.add(name=column.name, is_pseudo_column=column.pseudo)
            fill_type_proto(parse_type(column.type), proto.type)
    built.custom_function.extend(assumed_function_proto(function) for function in functions)
    return BuiltCatalog(built)


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
