"""Which of BigQuery's types a column has, and what a model may do with it."""

import pyarrow as pa

NUMERIC = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
CATEGORICAL = ("STRING", "BOOL")


def bigquery_type(kind: pa.DataType) -> str:
    """The BigQuery type of a column that a model can take or predict.

    Args:
        kind: The column's Arrow type.

    Returns:
        One of `NUMERIC` or `CATEGORICAL`.

    Raises:
        NotImplementedError: The local cloud does not train on this type; the message says what to
            do instead.
    """
    if pa.types.is_integer(kind):
        return "INT64"
    if pa.types.is_floating(kind):
        return "FLOAT64"
    if pa.types.is_decimal(kind):
        return "NUMERIC" if kind.scale <= 9 else "BIGNUMERIC"
    if pa.types.is_boolean(kind):
        return "BOOL"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "STRING"
    raise NotImplementedError(
        f"a column of type {kind} cannot be a feature or a label on the local cloud yet: turn it "
        "into numbers or text in the query or in TRANSFORM, for example with EXTRACT or CAST"
    )


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a label or feature column.

    Args:
        name: One of `NUMERIC` or `CATEGORICAL`.
    """
    return {
        "INT64": pa.int64(),
        "FLOAT64": pa.float64(),
        "NUMERIC": pa.decimal128(38, 9),
        "BIGNUMERIC": pa.decimal128(38, 18),
        "BOOL": pa.bool_(),
        "STRING": pa.string(),
    }[name]


def text(value: object) -> str:
    """A category as text: booleans as SQL writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)
