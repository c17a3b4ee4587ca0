"""ML.PRINCIPAL_COMPONENTS and ML.PRINCIPAL_COMPONENT_INFO.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-principal-components,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-principal-component-info
Ids begin at 0, which the pages leave open and results of Google's show (bigframes' system tests,
`test_pca_model_principal_components`); ML.PREDICT counts from `principal_component_1`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import TableFunction, check_settings, model_of
from localcloud.bqml.model import Model
from localcloud.bqml.unsupervised.feature_value import feature_values
from localcloud.bqml.unsupervised.pca import Components

CATEGORIES = pa.list_(pa.struct([("category", pa.string()), ("value", pa.float64())]))
SCHEMA = pa.schema(
    [
        ("principal_component_id", pa.int64()),
        ("feature", pa.string()),
        ("numerical_value", pa.float64()),
        ("categorical_value", CATEGORIES),
    ]
)


def principal_components(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """A row for each feature of each component, the component with the largest variance first."""
    fitted = _components(model, "ML.PRINCIPAL_COMPONENTS", settings)
    rows = [
        {
            "principal_component_id": place,
            "feature": name,
            "numerical_value": number,
            "categorical_value": [
                {"category": category, "value": value} for category, value in categories
            ],
        }
        for place, direction in enumerate(fitted.components)
        # A direction is not in the units of the columns: nothing is scaled back.
        for name, number, categories in feature_values(fitted.encoding, direction, standardize=True)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def principal_component_info(
    model: Model | None, _tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """Variance along each component, the largest first."""
    fitted = _components(model, "ML.PRINCIPAL_COMPONENT_INFO", settings)
    return pa.table(
        {
            "principal_component_id": pa.array(range(len(fitted.ratios)), pa.int64()),
            "eigenvalue": pa.array(fitted.variances, pa.float64()),
            "explained_variance_ratio": pa.array(fitted.ratios, pa.float64()),
            "cumulative_explained_variance_ratio": pa.array(np.cumsum(fitted.ratios), pa.float64()),
        }
    )


def _components(model: Model | None, name: str, settings: Mapping[str, Any]) -> Components:
    given = model_of(model, name)
    check_settings(name, settings)
    if not isinstance(given.fitted, Components):
        raise BqmlError(f"{name} is for models of type PCA, and this is {given.model_type}")
    return given.fitted


PRINCIPAL_COMPONENTS = TableFunction(
    "ML.PRINCIPAL_COMPONENTS", takes_model=True, tables=(0, 0), call=principal_components
)
PRINCIPAL_COMPONENT_INFO = TableFunction(
    "ML.PRINCIPAL_COMPONENT_INFO", takes_model=True, tables=(0, 0), call=principal_component_info
)
