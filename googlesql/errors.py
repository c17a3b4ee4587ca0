"""What a wrong statement is answered with."""

import re
from typing import Final, Self

# ZetaSQL writes the place as "[at 1:8]"; BigQuery, whose words users know, as "at [1:8]".
_PLACE: Final = re.compile(r"\s*\[at (\d+):(\d+)\]")


_SIGNATURE: Final = "  Signature: "
_SIGNATURES_SHOWN: Final = 4


def condensed(reason: str) -> str:
    """Shorten what ZetaSQL says of arguments that fit no signature of a function.

    ZetaSQL lists all signatures with what is wrong with each: 26 lines for `1 + 'a'`.

    Args:
        reason: ZetaSQL's words. Others than these stay as they are.
    """
    head, *lines = reason.split("\n")
    types = [line.strip() for line in lines if line.startswith("  Argument types: ")]
    if not head.startswith("No matching signature") or not types:
        return reason
    first = f"{head}; a{types[0][1:]}"
    signatures = [line.removeprefix(_SIGNATURE) for line in lines if line.startswith(_SIGNATURE)]
    if len(signatures) <= _SIGNATURES_SHOWN:
        return "\n".join([first, *(line for line in lines if types[0] not in line)])
    shown = "; ".join(signatures[:_SIGNATURES_SHOWN])
    return f"{first}\n  Signatures: {shown} and {len(signatures) - _SIGNATURES_SHOWN} more"


class SqlError(ValueError):
    """A statement that BigQuery would refuse, in BigQuery's words.

    Attributes:
        message: Google's text with the place, `Unrecognized name: nope at [1:8]`.
        reason: The text without the place, `Unrecognized name: nope`.
        line: Line, from 1; None when the whole statement is meant.
        column: Column, from 1, as BigQuery counts: in characters, a tab reaching to the next
            multiple of eight. None when the whole statement is meant.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        self.reason = message
        self.line = line
        self.column = column
        self.message = message if line is None else f"{message} at [{line}:{column}]"
        super().__init__(self.message)

    @classmethod
    def from_zetasql(cls, text: str) -> Self:
        """Build the error from ZetaSQL's one-line text, `Unrecognized name: nope [at 1:8]`."""
        place = _PLACE.search(text)
        if place is None:
            return cls(text.strip())
        reason = text[: place.start()] + text[place.end() :]
        return cls(reason.strip(), int(place[1]), int(place[2]))

    def moved(self, line: int, column: int) -> "SqlError":
        """Return the same error at another place."""
        return type(self)(self.reason, line, column)


class TableNotFound(SqlError):
    """The statement names a table that is not declared."""


class UnknownFunction(SqlError):
    """The statement calls a function that ZetaSQL does not know; BigQuery may know it."""


class NotImplementedHere(SqlError):
    """The statement has something that this version of ZetaSQL cannot analyse; BigQuery may."""


class UnknownType(SqlError):
    """The statement reads a column of which only the name is known."""
