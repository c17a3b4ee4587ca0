"""Which columns of a training query a model learns from."""

from collections.abc import Collection

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.nested import feature_type


def feature_columns(
    rows: pa.Table, aside: Collection[str | None], *, takes_sparse: bool = True
) -> list[tuple[str, str]]:
    """Name and BigQuery type of each feature.

    Args:
        rows: The training rows.
        aside: Columns that are none, such as the label's; None stands for an option not given.
        takes_sparse: Whether the model takes arrays of STRUCT(index, number).

    Raises:
        BqmlError: No column is left, or one is no feature.
        NotImplementedError: A column's type is not taken yet.
    """
    found = []
    for field in rows.schema:
        if field.name in aside:
            continue
        try:
            found.append((field.name, feature_type(field.type, takes_sparse=takes_sparse)))
        except BqmlError as error:
            raise BqmlError(f"feature '{field.name}': {error}") from None
        except NotImplementedError as error:
            raise NotImplementedError(f"feature '{field.name}': {error}") from None
    if not found:
        others = ", ".join(sorted(name for name in aside if name))
        beside = f" beside {others}" if others else ""
        raise BqmlError(f"the query gives no column to learn from{beside}")
    return found
