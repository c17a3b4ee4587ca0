"""What a statement may name: tables, connections and functions, as ZetaSQL's catalog holds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from googlesql.functions import function_protos
from googlesql.language import language_options
from googlesql.schema import Column, fill_type_proto, parse_type

if TYPE_CHECKING:
    from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class CatalogTable:
    """A table under the name a statement uses for it.

    Attributes:
        written: The parts of the name as the statement writes them; a quoted part keeps its dots.
        path: The name's parts, all dots parted.
        columns: Its columns.
        token: A plain name that stands for the table in SQL that ZetaSQL writes.
    """

    written: Path
    path: Path
    columns: Sequence[Column]
    token: str


def catalog_as_written(
    tables: Sequence[CatalogTable], connections: Sequence[Path]
) -> "SimpleCatalogProto":
    """Build the catalog in which a statement's own names are found."""
    catalog = _empty_catalog()
    folders: dict[Path, SimpleCatalogProto] = {(): catalog}
    folders.update({(folder.name,): folder for folder in catalog.catalog})
    for number, table in enumerate(tables, start=1):
        folder = _folder(folders, table.written[:-1])
        _add_table(folder, table, number, name_in_catalog=table.written[-1])
    for connection in connections:
        _folder(folders, connection[:-1]).connection.add(name=connection[-1])
    return catalog


def catalog_of_tokens(
    tables: Sequence[CatalogTable], connections: Sequence[Path]
) -> "SimpleCatalogProto":
    """Build the catalog in which the tables' tokens are found; ZetaSQL writes SQL against it."""
    catalog = _empty_catalog()
    for number, table in enumerate(tables, start=1):
        _add_table(catalog, table, number, name_in_catalog=table.token)
    for connection in connections:
        catalog.connection.add(name=connection[-1])
    return catalog


def _empty_catalog() -> "SimpleCatalogProto":
    catalog = type(_functions())()
    catalog.CopyFrom(_functions())
    return catalog


@cache
def _functions() -> "SimpleCatalogProto":
    from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto

    catalog = SimpleCatalogProto(name="googlesql")
    catalog.builtin_function_options.language_options.CopyFrom(language_options())
    # A function's path is its folder's path: under a dotted name it would not be found.
    folders: dict[Path, SimpleCatalogProto] = {(): catalog}
    for function in function_protos():
        _folder(folders, tuple(function.name_path[:-1])).custom_function.append(function)
    return catalog


def _folder(folders: dict[Path, "SimpleCatalogProto"], path: Path) -> "SimpleCatalogProto":
    if path not in folders:
        folders[path] = _folder(folders, path[:-1]).catalog.add(name=path[-1])
    return folders[path]


def _add_table(
    folder: "SimpleCatalogProto", table: CatalogTable, number: int, name_in_catalog: str
) -> None:
    proto = folder.table.add(
        name=table.token, serialization_id=number, name_in_catalog=name_in_catalog
    )
    for column in table.columns:
        added = proto.column.add(name=column.name)
        fill_type_proto(parse_type(column.type), added.type)
