"""Python values as GoogleSQL literals.

No value can end its literal early: what is written is read back as the same value.
https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#literals
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from googlesql.constant import Call, Expression, Interval

_INT64: Final = range(-(2**63), 2**63)
# 38 digits, 9 of them after the point; BIGNUMERIC has 38 on both sides.
_NUMERIC_DIGITS: Final = (29, 9)
_BIGNUMERIC_DIGITS: Final = (38, 38)
_ESCAPES: Final = {
    ord("\\"): "\\\\",
    ord("'"): "\\'",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    # Line ends to some readers of text, though not to GoogleSQL.
    0x85: "\\u0085",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
    0x7F: "\\u007f",
    **{code: f"\\u{code:04x}" for code in range(32) if chr(code) not in "\n\r\t"},
}


def render(value: Any) -> str:
    """Write a value as a literal.

    Args:
        value: None, bool, int, float, Decimal, str, bytes, date, datetime, time, a sequence
            (ARRAY), a mapping with text keys (STRUCT with names), a tuple (STRUCT without), or
            one of `googlesql.constant`. An `Expression` is written as it is.

    Raises:
        ValueError: The value has no literal in GoogleSQL; the message says why.
    """
    # bool is an int, and datetime a date: the narrower come first.
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return _int(value)
        case float():
            return _float(value)
        case Decimal():
            return _decimal(value)
        case str():
            return string(value)
        case bytes():
            return "b'" + "".join(f"\\x{byte:02x}" for byte in value) + "'"
        case datetime() if value.tzinfo is not None:
            return f"TIMESTAMP '{value.isoformat(' ')}'"
        case datetime():
            return f"DATETIME '{value.isoformat(' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case time() if value.tzinfo is None:
            return f"TIME '{value.isoformat()}'"
        case Interval():
            return f"INTERVAL {render(value.value)} {value.unit}"
        case Call():
            return f"{value.name}({', '.join(render(argument) for argument in value.arguments)})"
        case Expression():
            return value.text
        case tuple():
            return f"STRUCT({', '.join(render(item) for item in value)})"
        case Mapping():
            fields = (f"{render(item)} AS {quoted(str(name))}" for name, item in value.items())
            return f"STRUCT({', '.join(fields)})"
        case Sequence():
            return f"[{', '.join(render(item) for item in value)}]"
    raise ValueError(
        f"{value!r} is a {type(value).__name__}, which has no literal in GoogleSQL; allowed are "
        "None, bool, int, float, Decimal, str, bytes, date, datetime, time, list, tuple and dict"
    )


def string(text: str) -> str:
    """Write a STRING literal in single quotes on one line.

    Raises:
        ValueError: The text holds half of a surrogate pair, which no STRING can.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{text!r} is not valid Unicode: {error.reason}") from error
    return f"'{text.translate(_ESCAPES)}'"


def quoted(name: str) -> str:
    """Write an identifier in backquotes.

    Raises:
        ValueError: The name is empty or not valid Unicode; no identifier can be so.
    """
    if not name:
        raise ValueError("a name is empty; GoogleSQL has no empty identifier")
    inside = string(name)[1:-1].replace("\\'", "'").replace("`", "\\`")
    return f"`{inside}`"


def _int(value: int) -> str:
    if value not in _INT64:
        raise ValueError(f"{value} is not within INT64, {_INT64.start} to {_INT64.stop - 1}")
    return str(value)


def _float(value: float) -> str:
    if not math.isfinite(value):
        name = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        return f"CAST('{name}' AS FLOAT64)"
    # repr is the shortest text that reads back as the same number: 0.2, 1e+16, 40.0.
    return repr(value)


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is no number; NUMERIC has neither infinity nor NaN")
    whole = max(value.adjusted() + 1, 0)
    exponent = value.as_tuple().exponent
    after = max(-exponent, 0) if isinstance(exponent, int) else 0
    for name, (digits, scale) in (
        ("NUMERIC", _NUMERIC_DIGITS),
        ("BIGNUMERIC", _BIGNUMERIC_DIGITS),
    ):
        if whole <= digits and after <= scale:
            return f"{name} '{value:f}'"
    raise ValueError(
        f"{value} has {whole} digits before and {after} after the point; BIGNUMERIC holds 38 each"
    )
