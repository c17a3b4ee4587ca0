"""The components that a TIMESTAMP column becomes.

https://cloud.google.com/bigquery/docs/auto-preprocessing#timestamp-transform
"""

import pyarrow as pa
import pyarrow.compute as pc

COMPONENTS = ("DOM", "DOW", "MOY", "HOD", "MOH", "WOY", "YEAR")
"""Day of month and of week, month, hour, minute, week of year, year: in UTC, each a category."""


def seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Seconds since 1970."""
    micros = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    return pc.divide(micros.cast(pa.float64()), 1e6)


def component(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """One component as a number in text; Sunday is day 1 and begins a week.

    Args:
        column: A TIMESTAMP column.
        name: One of `COMPONENTS`.
    """
    # Without its zone the column is in UTC, in which BigQuery takes it apart.
    utc = column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    numbers = {
        "DOM": pc.day,
        "DOW": lambda values: pc.add(pc.day_of_week(values, week_start=7), 1),
        "MOY": pc.month,
        "HOD": pc.hour,
        "MOH": pc.minute,
        "WOY": pc.us_week,
        "YEAR": pc.year,
    }[name](utc)
    return numbers.cast(pa.string())
