"""Columns between Arrow, the REST API and JSON."""

import datetime
import decimal
import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

ARROW: dict[str, pa.DataType] = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "STRING": pa.string(),
    "BOOL": pa.bool_(),
    "BYTES": pa.binary(),
    "DATE": pa.date32(),
    "DATETIME": pa.timestamp("us"),
    "TIME": pa.time64("us"),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "NUMERIC": pa.decimal128(38, 9),
    "BIGNUMERIC": pa.decimal128(38, 18),
    "JSON": pa.string(),
}
"""The Arrow type of each BigQuery type that has no parts."""


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type of a BigQuery type.

    Args:
        kind: A type as SQL writes it: a name of `ARROW`, or `ARRAY<...>` or `STRUCT<...>` of some.

    Raises:
        ValueError: Another type.
    """
    name = kind.strip().upper()
    if name.startswith("ARRAY<") and name.endswith(">"):
        return pa.list_(arrow_type(kind.strip()[6:-1]))
    if name.startswith("STRUCT<") and name.endswith(">"):
        fields = _fields(kind.strip())
        return pa.struct([(field, arrow_type(own)) for field, own in fields])
    if name not in ARROW:
        raise ValueError(
            f"type {kind} is not one of {', '.join(ARROW)}, nor an ARRAY or a STRUCT of them"
        )
    return ARROW[name]


def bigquery_type(kind: pa.DataType) -> str:
    """The BigQuery type, as SQL writes it, of an Arrow type that the engine gives."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"ARRAY<{bigquery_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = ", ".join(f"{field.name} {bigquery_type(field.type)}" for field in kind)
        return f"STRUCT<{fields}>"
    if pa.types.is_integer(kind):
        return "INT64"
    if pa.types.is_floating(kind):
        return "FLOAT64"
    if pa.types.is_boolean(kind):
        return "BOOL"
    if pa.types.is_decimal(kind):
        return "NUMERIC" if kind.scale <= 9 else "BIGNUMERIC"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "DATETIME"
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_time(kind):
        return "TIME"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "BYTES"
    return "STRING"


def standard_sql_field(name: str, kind: str) -> dict[str, Any]:
    """A column as the REST model resource writes it (`StandardSqlField`)."""
    return {"name": name, "type": _data_type(kind)}


def _data_type(kind: str) -> dict[str, Any]:
    if kind.startswith("ARRAY<"):
        return {"typeKind": "ARRAY", "arrayElementType": _data_type(kind[6:-1])}
    if kind.startswith("STRUCT<"):
        return {
            "typeKind": "STRUCT",
            "structType": {"fields": [standard_sql_field(*field) for field in _fields(kind)]},
        }
    return {"typeKind": kind}


def _fields(kind: str) -> list[tuple[str, str]]:
    """Names and types of a `STRUCT<...>`."""
    parts = (part.split(" ", 1) for part in _parts(kind[7:-1]))
    return [(name, own) for name, own in parts]


def _parts(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def coerce(name: str, kind: str, value: Any) -> Any:
    """One JSON value as a BigQuery type, as online prediction takes it.

    Args:
        name: The column, for the error.
        kind: Its BigQuery type; INT64 also takes its digits as a string, as JSON clients send it.
        value: What the request has; None stays None.

    Raises:
        ValueError: The value is not of that type.
    """
    if value is None:
        return None
    if kind.startswith("ARRAY<"):
        if not isinstance(value, list):
            raise _mistyped(name, kind, value)
        return [coerce(name, kind[6:-1], part) for part in value]
    if kind.startswith("STRUCT<"):
        fields = _fields(kind)
        if not isinstance(value, Mapping) or not set(value) <= {field for field, _ in fields}:
            raise _mistyped(name, kind, value)
        return {field: coerce(f"{name}.{field}", own, value.get(field)) for field, own in fields}
    try:
        return _COERCIONS.get(kind, _unchanged)(value)
    except (TypeError, ValueError, ArithmeticError):
        raise _mistyped(name, kind, value) from None


def _mistyped(name: str, kind: str, value: Any) -> ValueError:
    return ValueError(f"feature {name} is {kind}, but the instance has {value!r} for it")


def _unchanged(value: Any) -> Any:
    return value


def _int64(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    if isinstance(value, (int, float, str)):
        number = int(value)
        if -(2**63) <= number < 2**63:
            return number
    raise ValueError


def _float64(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    return float(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError


def _timestamp(value: Any) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(_string(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


_COERCIONS: Mapping[str, Any] = {
    "INT64": _int64,
    "FLOAT64": _float64,
    "STRING": _string,
    "BOOL": _bool,
    "NUMERIC": lambda value: decimal.Decimal(str(_float_or_text(value))),
    "BIGNUMERIC": lambda value: decimal.Decimal(str(_float_or_text(value))),
    "DATE": lambda value: datetime.date.fromisoformat(_string(value)),
    "DATETIME": lambda value: datetime.datetime.fromisoformat(_string(value)).replace(tzinfo=None),
    "TIME": lambda value: datetime.time.fromisoformat(_string(value)),
    "TIMESTAMP": _timestamp,
}


def _float_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    return value


def json_value(value: Any) -> Any:
    """A value of a row as JSON holds it: numbers as numbers, moments and decimals as text."""
    if isinstance(value, Mapping):
        return {key: json_value(part) for key, part in value.items()}
    if isinstance(value, list):
        return [json_value(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (datetime.date, datetime.time, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value
