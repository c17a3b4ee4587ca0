"""Which columns of an analysed statement have a type that no guess decided on."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

ASSUMED_FUNCTION: Final = "zt_function_"
"""How the names of functions begin whose result is a guess."""


def certain_columns(statement: Any, known: Mapping[str, Iterable[str]]) -> frozenset[int]:
    """Find the columns whose types follow from what is known alone.

    Args:
        statement: An analysed statement, ZetaSQL's message.
        known: Names of the columns of known types, in lower case, by the names of tables.

    Returns:
        Their ids. A column of which this does not know where it comes from is not among them.
    """
    sources = _Sources({table: frozenset(names) for table, names in known.items()})
    for message in _messages(statement):
        sources.add(message)
    return sources.certain()


def scanned_columns(statement: Any) -> dict[str, frozenset[str]]:
    """Find the columns of each table that a statement reads.

    Args:
        statement: An analysed statement, ZetaSQL's message.

    Returns:
        Names of columns in lower case by the names of tables; no columns where rows are counted.
        Those that only pass through a star on their way to nowhere are not among them.
    """
    used: set[int] = set()
    entries: dict[str, list[int]] = {}
    reads_entry: list[tuple[str, list[int]]] = []
    scans: list[Any] = []
    for message in _messages(statement, but="ResolvedScanProto.column_list"):
        kind = message.DESCRIPTOR.name
        if kind == "ResolvedColumnProto":
            used.add(message.column_id)
        elif kind == "ResolvedTableScanProto":
            scans.append(message)
        elif kind == "ResolvedWithEntryProto":
            ids = [column.column_id for column in _column_list(message.with_subquery)]
            entries[message.with_query_name] = ids
        elif kind == "ResolvedWithRefScanProto":
            ids = [column.column_id for column in message.parent.column_list]
            reads_entry.append((message.with_query_name, ids))
    # The outermost entry that names another comes after it.
    for name, ids in reads_entry * len(entries):
        pairs = zip(ids, entries.get(name, ()), strict=False)
        used.update(entry for own, entry in pairs if own in used)
    found: dict[str, frozenset[str]] = {}
    for scan in scans:
        columns = scan.parent.column_list
        names = frozenset(c.name.lower() for c in columns if c.column_id in used)
        found[scan.table.name] = found.get(scan.table.name, frozenset()) | names
    return found


class _Sources:
    """What each column is made of."""

    def __init__(self, known: Mapping[str, frozenset[str]]) -> None:
        self._known = known
        self._certain: set[int] = set()
        self._made_of: dict[int, set[int]] = {}
        self._entries: dict[str, list[int]] = {}
        self._reads_entry: list[tuple[str, list[int]]] = []

    def add(self, message: Any) -> None:
        kind = message.DESCRIPTOR.name
        if kind == "ResolvedTableScanProto":
            names = self._known.get(message.table.name, frozenset())
            listed = message.parent.column_list
            self._certain.update(c.column_id for c in listed if c.name.lower() in names)
        elif kind == "ResolvedComputedColumnProto":
            self._make(message.column.column_id, [message.expr])
        elif kind == "ResolvedArrayScanProto":
            for number, column in enumerate(message.element_column_list):
                self._make(column.column_id, message.array_expr_list[number : number + 1])
            if message.HasField("array_offset_column"):
                # A position is INT64 whatever is in the array.
                self._certain.add(message.array_offset_column.column.column_id)
        elif kind == "ResolvedSetOperationScanProto":
            for number, column in enumerate(message.parent.column_list):
                inputs = [item.output_column_list[number] for item in message.input_item_list]
                self._made_of[column.column_id] = {c.column_id for c in inputs}
        elif kind == "ResolvedWithEntryProto":
            ids = [column.column_id for column in _column_list(message.with_subquery)]
            self._entries[message.with_query_name] = ids
        elif kind == "ResolvedWithRefScanProto":
            ids = [column.column_id for column in message.parent.column_list]
            self._reads_entry.append((message.with_query_name, ids))

    def certain(self) -> frozenset[int]:
        for name, ids in self._reads_entry:
            for own, entry in zip(ids, self._entries.get(name, ()), strict=False):
                self._made_of[own] = {entry}
        found = set(self._certain)
        pending = dict(self._made_of)
        while True:
            more = {column for column, made_of in pending.items() if made_of <= found}
            if not more:
                return frozenset(found)
            found |= more
            pending = {c: made_of for c, made_of in pending.items() if c not in more}

    def _make(self, column: int, expressions: Iterable[Any]) -> None:
        made_of: set[int] = set()
        for expression in expressions:
            for message in _messages(expression):
                kind = message.DESCRIPTOR.name
                if kind == "ResolvedColumnProto":
                    made_of.add(message.column_id)
                elif kind == "FunctionRefProto" and ASSUMED_FUNCTION in message.name:
                    return
        # Columns that the expression makes for itself come from others that it names.
        self._made_of[column] = made_of - {column}


def _column_list(scan: Any) -> list[Any]:
    """Return the columns of a scan, which its innermost parent holds."""
    message = scan
    while "column_list" not in message.DESCRIPTOR.fields_by_name:
        fields = message.ListFields()
        is_choice = message.DESCRIPTOR.name.startswith("AnyResolved")
        if is_choice:
            message = fields[0][1]
        elif "parent" in message.DESCRIPTOR.fields_by_name:
            message = message.parent
        else:
            return []
    return list(message.column_list)


def _messages(message: Any, but: str = "") -> Iterator[Any]:
    """Return a message and all below it, but for types and signatures, and for one field."""
    pending = [message]
    while pending:
        at = pending.pop()
        yield at
        for field, value in at.ListFields():
            if field.message_type is None or field.name in ("type", "signature"):
                continue
            if field.name == "value" and not field.message_type.name.startswith("AnyResolved"):
                # A literal's.
                continue
            if but and f"{at.DESCRIPTOR.name}.{field.name}" == but:
                continue
            pending.extend(value if field.is_repeated else (value,))
