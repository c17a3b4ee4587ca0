"""Changing parts of a text while keeping track of where the rest came from."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from googlesql.errors import SqlError
from googlesql.position import Position, Text


class Edit(NamedTuple):
    """One replacement.

    Attributes:
        start: Byte offset of the first byte to replace.
        end: Byte offset after the last byte to replace; `start` to insert.
        text: What to put there.
    """

    start: int
    end: int
    text: str


class EditedText:
    """A text after some replacements.

    Args:
        original: The text before.
        edits: Replacements in any order that do not overlap.

    Attributes:
        sql: The text after.
    """

    def __init__(self, original: Text, edits: Iterable[Edit]) -> None:
        self._original = original
        # Where each run of new text begins, and where it came from: (new, old, is verbatim).
        self._runs: list[tuple[int, int, bool]] = []
        parts: list[bytes] = []
        length = at = 0

        def add(data: bytes, origin: int, *, verbatim: bool) -> None:
            nonlocal length
            if data:
                self._runs.append((length, origin, verbatim))
                parts.append(data)
                length += len(data)

        for edit in sorted(edits):
            if edit.start < at:
                raise ValueError(f"edits overlap at byte {edit.start}")
            add(original.data[at : edit.start], at, verbatim=True)
            add(edit.text.encode(), edit.start, verbatim=False)
            at = edit.end
        add(original.data[at:], at, verbatim=True)
        self.sql = b"".join(parts).decode()
        self._new = Text(self.sql)
        self._end = length

    def original_offset(self, offset: int) -> int:
        """Return the place in the original of a byte of the new text.

        A byte that was put in belongs to the place where it was put; the end to the end.
        """
        if not self._runs or offset >= self._end:
            return len(self._original.data)
        index = bisect_right(self._runs, offset, key=lambda run: run[0]) - 1
        new, old, verbatim = self._runs[index]
        return old + (offset - new if verbatim else 0)

    def original_position(self, line: int, column: int) -> Position:
        """Return the line and column in the original of those in the new text."""
        offset = self._new.byte_offset(line, column)
        return self._original.position(self.original_offset(offset))

    def original_error(self, error: SqlError) -> SqlError:
        """Return an error about the new text as one about the original."""
        if error.line is None or error.column is None:
            return error
        return error.moved(*self.original_position(error.line, error.column))
