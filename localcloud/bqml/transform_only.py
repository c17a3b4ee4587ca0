"""Models that are nothing but their TRANSFORM clause, which whoever calls the training fits.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-transform
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from localcloud.bqml import statistics
from localcloud.bqml.column_type import bigquery_type, is_nested
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Model, OnIteration
from localcloud.bqml.options import Option

OPTIONS: Mapping[str, Option] = {}


@dataclass(frozen=True)
class Nothing:
    """What is fitted beside the TRANSFORM clause."""

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`."""
        raise BqmlError("ML.PREDICT is not for models of type TRANSFORM_ONLY; use ML.TRANSFORM")

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`."""
        raise BqmlError("ML.EVALUATE is not for models of type TRANSFORM_ONLY; use ML.TRANSFORM")

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        return {}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        return {}

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Nothing":
        """Read what `save` returned."""
        return cls()


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """There are no options."""
    return settings


def train(
    kind: Kind, settings: Mapping[str, Any], table: pa.Table, on_iteration: OnIteration | None
) -> Model:
    """Remember what the columns before TRANSFORM are like, for ML.FEATURE_INFO.

    Args:
        kind: TRANSFORM_ONLY.
        settings: Empty.
        table: The rows before TRANSFORM, which takes columns of any type.
        on_iteration: Never called.
    """
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options=settings,
        feature_columns=[
            (field.name, "ARRAY" if is_nested(field.type) else bigquery_type(field.type))
            for field in table.schema
        ],
        label_columns=[],
        iterations=[],
        feature_statistics=statistics.before_transform(table),
        fitted=Nothing(),
    )
