"""Which columns of a training query a model learns from."""

from collections.abc import Collection

import pyarrow as pa

from localcloud.bqml.column_type import bigquery_type
from localcloud.bqml.errors import BqmlError


def feature_columns(rows: pa.Table, aside: Collection[str | None]) -> list[tuple[str, str]]:
    """Name and BigQuery type of each feature.

    Args:
        rows: The training rows.
        aside: Columns that are none, such as the label's; None stands for an option not given.

    Raises:
        BqmlError: No column is left.
        NotImplementedError: A column's type is not taken yet.
    """
    found = []
    for field in rows.schema:
        if field.name in aside:
            continue
        try:
            found.append((field.name, bigquery_type(field.type)))
        except NotImplementedError as error:
            raise NotImplementedError(f"feature '{field.name}': {error}") from None
    if not found:
        others = ", ".join(sorted(name for name in aside if name))
        beside = f" beside {others}" if others else ""
        raise BqmlError(f"the query gives no column to learn from{beside}")
    return found
