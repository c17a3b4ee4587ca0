"""ML.CENTROIDS.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-centroids
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    model_of,
)
from localcloud.bqml.model import Model
from localcloud.bqml.unsupervised.feature_value import feature_values
from localcloud.bqml.unsupervised.kmeans import Clusters

NAME = "ML.CENTROIDS"
SCHEMA = pa.schema(
    [
        ("centroid_id", pa.int64()),
        ("feature", pa.string()),
        ("numerical_value", pa.float64()),
        (
            "categorical_value",
            pa.list_(pa.struct([("category", pa.string()), ("value", pa.string())])),
        ),
        ("geography_value", pa.string()),
    ]
)


def centroids(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """A row for each feature of each centroid; categories that no row of it has are left out."""
    given = model_of(model, NAME)
    check_settings(NAME, settings, "standardize")
    standardize = boolean(NAME, settings, "standardize")
    if not isinstance(given.fitted, Clusters):
        raise BqmlError(f"{NAME} is for models of type KMEANS, and this is {given.model_type}")
    rows = [
        {
            "centroid_id": centroid_id,
            "feature": name,
            "numerical_value": number,
            # Google's page has these values as text.
            "categorical_value": [
                {"category": category, "value": repr(value)}
                for category, value in categories
                if value
            ],
            "geography_value": None,
        }
        for centroid_id, point in zip(given.fitted.ids, given.fitted.centroids, strict=True)
        for name, number, categories in feature_values(
            given.fitted.encoding, point, standardize=standardize
        )
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


CENTROIDS = TableFunction(NAME, takes_model=True, tables=(0, 0), call=centroids)
