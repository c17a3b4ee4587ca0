"""ML.RECONSTRUCTION_LOSS.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-reconstruction-loss
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    followed_by,
    model_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.unsupervised.autoencoder import Autoencoder

NAME = "ML.RECONSTRUCTION_LOSS"


def reconstruction_loss(
    model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """How far each row is from what an autoencoder makes of it; then the input columns."""
    given = model_of(model, NAME)
    check_settings(NAME, settings, "trial_id")
    if not isinstance(given.fitted, Autoencoder):
        raise BqmlError(f"{NAME} is for models of type AUTOENCODER, and this is {given.model_type}")
    losses = given.fitted.losses(tables[0])
    columns = {name: pa.array(values, pa.float64()) for name, values in losses.items()}
    return followed_by(columns, tables[0])


RECONSTRUCTION_LOSS = TableFunction(
    NAME, takes_model=True, tables=(1, 1), call=reconstruction_loss, row_by_row=True
)
