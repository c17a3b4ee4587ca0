"""Places in a text: ZetaSQL counts bytes, people count lines and columns."""

from bisect import bisect_right
from functools import cached_property
from typing import Final, NamedTuple

# ZetaSQL and BigQuery advance a tab to the next multiple of eight when they count columns.
_TAB: Final = 8


class Position(NamedTuple):
    """A place in a text as BigQuery's messages name it, both numbers from 1."""

    line: int
    column: int


class Text:
    """A SQL text that is addressed by byte offsets and by lines and columns.

    Args:
        sql: The text. Lines end with a line feed, a carriage return or both.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.data = sql.encode()

    def slice(self, start: int, end: int) -> str:
        """Return the text between two byte offsets."""
        return self.data[start:end].decode()

    def position(self, byte_offset: int) -> Position:
        """Return the line and column of a byte offset."""
        line = bisect_right(self._line_starts, byte_offset)
        before = self.slice(self._line_starts[line - 1], byte_offset)
        return Position(line, _width(before) + 1)

    def byte_offset(self, line: int, column: int) -> int:
        """Return the byte offset of a line and column; past a line's end means its end."""
        index = min(line, len(self._line_starts)) - 1
        content = self.line(index + 1)
        taken = 0
        while taken < len(content) and _width(content[:taken]) + 1 < column:
            taken += 1
        return self._line_starts[index] + len(content[:taken].encode())

    def line(self, number: int) -> str:
        """Return one line without its end; an empty one for a number past the last line."""
        if number > len(self._line_starts):
            return ""
        start = self._line_starts[number - 1]
        following = self._line_starts[number : number + 1]
        end = following[0] if following else len(self.data)
        return self.slice(start, end).rstrip("\r\n")

    def excerpt(self, line: int, column: int) -> str:
        """Return the source line and, under it, a caret at the column."""
        source = self.line(line).expandtabs(_TAB)
        return f"{source}\n{' ' * (column - 1)}^"

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for offset, byte in enumerate(self.data):
            if byte == 0x0A or (byte == 0x0D and self.data[offset + 1 : offset + 2] != b"\n"):
                starts.append(offset + 1)
        return starts


def _width(text: str) -> int:
    return len(text.expandtabs(_TAB))
