"""An index as it is stored with its table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_bigquery.catalog import metadata, tables
from local_bigquery.models import TableFieldSchema

from localcloud.bigquery.names import Reference

SEARCHABLE = ("STRING", "INT64", "TIMESTAMP")
"""Types that a search index can hold; see `index_data_types` of CREATE SEARCH INDEX."""
_LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "RECORD": "STRUCT", "BOOLEAN": "BOOL"}


@dataclass(frozen=True)
class StoredIndex:
    """A vector or search index.

    Attributes:
        kind: `VECTOR` or `SEARCH`.
        table: Its table.
        name: Its name.
        columns: Its columns by name with their own options; those of ALL COLUMNS that have some.
        all_columns: Whether it says ALL COLUMNS.
        storing: The columns of STORING.
        partition_by: The expression of PARTITION BY; empty without one.
        options: Its options by name in lower case.
        created: When it was made, in milliseconds since 1970.
        changed: When its configuration was last changed.
    """

    kind: str
    table: Reference
    name: str
    columns: Mapping[str, Mapping[str, Any]]
    all_columns: bool = False
    storing: Sequence[str] = ()
    partition_by: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=metadata.now)
    changed: str = field(default_factory=metadata.now)

    @property
    def label(self) -> str:
        """Table and name as messages write them."""
        return f"{self.table.label}.{self.name}"

    @property
    def data_types(self) -> Sequence[str]:
        """The types that a search index holds where a column does not say."""
        found: Sequence[str] = self.options.get("data_types") or ("STRING",)
        return found

    @property
    def ddl(self) -> str:
        """The statement that makes it, as INFORMATION_SCHEMA tells it."""
        table = ".".join(self.table)
        parts = [f"CREATE {self.kind} INDEX `{self.name}` ON `{table}`({self._column_list()})"]
        if self.storing:
            parts.append(f"STORING({', '.join(self.storing)})")
        if self.partition_by:
            parts.append(f"PARTITION BY {self.partition_by}")
        if self.options:
            parts.append(f"OPTIONS ({_written(self.options)})")
        return "\n".join(parts)

    def fields(self) -> list[tuple[str, str]]:
        """Name of the column and path of each field that is indexed, in the table's order."""
        found = []
        for column in tables.columns(*self.table):
            own = next(
                (o for n, o in self.columns.items() if n.casefold() == column.name.casefold()),
                None,
            )
            if own is None and not self.all_columns:
                continue
            if self.kind == "VECTOR":
                found.append((str(column.name), str(column.name)))
                continue
            types = (own or {}).get("data_types") or self.data_types
            found += [(str(column.name), path) for path in searchable(column, types)]
        return found

    def _column_list(self) -> str:
        columns = ", ".join(
            f"{name} OPTIONS({_written(options)})" if options else name
            for name, options in self.columns.items()
        )
        if not self.all_columns:
            return columns
        return f"ALL COLUMNS WITH COLUMN OPTIONS({columns})" if columns else "ALL COLUMNS"

    def save(self) -> None:
        """Keep it; an earlier one of its name is gone."""
        kept = {
            "kind": self.kind,
            "name": self.name,
            "ddl": self.ddl,
            "creationTime": self.created,
            "lastModificationTime": self.changed,
            "columns": {name: dict(options) for name, options in self.columns.items()},
            "allColumns": self.all_columns,
            "storing": list(self.storing),
            "partitionBy": self.partition_by,
            "options": dict(self.options),
        }
        metadata.save(metadata.Index.model_validate(kept), *self.table, self.name)

    def delete(self) -> None:
        """Forget it."""
        metadata.delete(metadata.Index, *self.table, self.name)


def of_table(table: Reference) -> list[StoredIndex]:
    """The indexes of a table, at most one of each kind."""
    return [_read(table, stored.dump()) for stored in metadata.list_(metadata.Index, *table)]


def of_dataset(project_id: str, dataset_id: str) -> list[StoredIndex]:
    """The indexes of a dataset's tables, by table and name."""
    found = [
        index
        for table in tables.list_(project_id, dataset_id)
        for index in of_table(Reference(project_id, dataset_id, table.tableReference.tableId))
    ]
    return sorted(found, key=lambda index: (index.table, index.name))


def searchable(column: TableFieldSchema, types: Sequence[str], above: str = "") -> list[str]:
    """Paths of the fields of a column that a search index of some types holds.

    Args:
        column: The column, or a field in one.
        types: Names of `SEARCHABLE`.
        above: The path of what the field is in, with a dot at its end.
    """
    kind = type_name(column)
    path = f"{above}{column.name}"
    if kind == "STRUCT":
        return [
            found for part in column.fields or [] for found in searchable(part, types, f"{path}.")
        ]
    return [path] if kind in types or kind == "JSON" else []


def type_name(column: TableFieldSchema) -> str:
    """The SQL name of a column's type, without ARRAY."""
    return _LEGACY.get(str(column.type), str(column.type))


def _read(table: Reference, stored: Mapping[str, Any]) -> StoredIndex:
    return StoredIndex(
        kind=stored["kind"],
        table=table,
        name=stored["name"],
        columns=stored.get("columns") or {},
        all_columns=bool(stored.get("allColumns")),
        storing=tuple(stored.get("storing") or ()),
        partition_by=stored.get("partitionBy") or "",
        options=stored.get("options") or {},
        created=stored["creationTime"],
        changed=stored.get("lastModificationTime") or stored["creationTime"],
    )


def _written(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_literal(options[name])}" for name in sorted(options))


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
