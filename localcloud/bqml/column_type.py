"""Which of BigQuery's types a column has, and what a model may do with it.

https://cloud.google.com/bigquery/docs/input-feature-types
"""

import base64

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

NUMERIC = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
CATEGORICAL = ("STRING", "BOOL", "BYTES", "DATE", "DATETIME", "TIME")
TIMESTAMP = "TIMESTAMP"

_LABELS = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "NUMERIC": pa.decimal128(38, 9),
    "BIGNUMERIC": pa.decimal256(76, 38),
    "BOOL": pa.bool_(),
    "STRING": pa.string(),
}


def bigquery_type(kind: pa.DataType) -> str:
    """The BigQuery type of a column that a model can take or predict.

    Args:
        kind: The column's Arrow type.

    Returns:
        One of `NUMERIC`, one of `CATEGORICAL` or `TIMESTAMP`.

    Raises:
        NotImplementedError: The local cloud does not train on this type; the message says what to
            do instead.
    """
    if pa.types.is_timestamp(kind):
        return TIMESTAMP if kind.tz else "DATETIME"
    for is_of, name in (
        (pa.types.is_integer, "INT64"),
        (pa.types.is_floating, "FLOAT64"),
        (pa.types.is_boolean, "BOOL"),
        (pa.types.is_string, "STRING"),
        (pa.types.is_large_string, "STRING"),
        (pa.types.is_binary, "BYTES"),
        (pa.types.is_date, "DATE"),
        (pa.types.is_time, "TIME"),
    ):
        if is_of(kind):
            return name
    if pa.types.is_decimal(kind):
        return "NUMERIC" if kind.scale <= 9 else "BIGNUMERIC"
    raise NotImplementedError(
        f"a column of type {kind} is not taken by the local cloud yet: select its elements or "
        "fields as columns of their own, in the query or in TRANSFORM"
    )


def is_nested(kind: pa.DataType) -> bool:
    """Whether a column's values are arrays or structs."""
    return bool(pa.types.is_nested(kind))


def is_numeric(kind: pa.DataType) -> bool:
    """Whether a column's values are numbers, rather than categories.

    Raises:
        NotImplementedError: As `bigquery_type`.
    """
    return bigquery_type(kind) in NUMERIC


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a column that a model predicts.

    Args:
        name: One of INT64, FLOAT64, NUMERIC, BIGNUMERIC, BOOL and STRING.
    """
    return _LABELS[name]


def text(value: object) -> str:
    """One category as BigQuery's CAST to STRING writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # A FLOAT64 that is whole has no decimal point there.
        return repr(value).removesuffix(".0")
    return str(value)


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Categories as BigQuery's CAST to STRING writes them; NULL stays NULL."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "true", "false")
    if pa.types.is_binary(kind):
        # Bytes need not be text, and the REST API writes them in base 64.
        encoded = [None if v is None else base64.b64encode(v).decode() for v in column.to_pylist()]
        return pa.chunked_array([pa.array(encoded, pa.string())])
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        written = [None if v is None else text(float(v)) for v in column.to_pylist()]
        return pa.chunked_array([pa.array(written, pa.string())])
    if pa.types.is_temporal(kind) and not pa.types.is_date(kind):
        # Arrow writes all digits of its unit; BigQuery no fraction where there is none.
        zoneless = column.cast(pa.timestamp(kind.unit)) if pa.types.is_timestamp(kind) else column
        plain = pc.replace_substring_regex(zoneless.cast(pa.string()), r"\.0+$", "")
        return pc.binary_join_element_wise(plain, "+00", "") if getattr(kind, "tz", None) else plain
    return column.cast(pa.string())


def floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Numbers; NULL becomes NaN."""
    values: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy().astype(np.float64)
    return values
