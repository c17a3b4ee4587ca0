"""XGBoost models that were saved by XGBoost itself.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-xgboost
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Floats
from localcloud.bqml.column_type import NUMERIC, floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.imported import Columns

if TYPE_CHECKING:
    import xgboost

OUTPUT = "predicted_label"
"""The output's name without OUTPUT; unverified, after the example of Google's page."""
_FEATURE_TYPES = {"float": "FLOAT64", "q": "FLOAT64", "int": "INT64", "i": "INT64", "c": "INT64"}
"""BigQuery's type of each of XGBoost's; a category is an integer."""


@dataclass(frozen=True)
class XgboostFile:
    """An XGBoost model; see `ImportedFile`.

    Attributes:
        booster: XGBoost's model.
        inputs: The columns that it takes.
        outputs: The one column that it gives.
        is_list: Whether a row gets several values, such as one for each class.
    """

    booster: "xgboost.Booster"
    inputs: Columns
    outputs: Columns
    is_list: bool

    def predict(self, rows: pa.Table) -> pa.Table:
        """See `ImportedFile.predict`."""
        [(name, _)] = self.outputs
        kind = pa.list_(pa.float64()) if self.is_list else pa.float64()
        if rows.num_rows == 0:
            return pa.table({name: pa.array([], kind)})
        features = np.column_stack([floats(rows.column(column)) for column, _ in self.inputs])
        found = np.asarray(_predict(self.booster, features), np.float64)
        values = found.reshape(rows.num_rows, -1).tolist() if self.is_list else found
        return pa.table({name: pa.array(values, kind)})

    def feature_importance(self) -> pa.Table:
        """See `ImportedFile.feature_importance`."""
        names = [name for name, _ in self.inputs]
        keys = self.booster.feature_names or [f"f{place}" for place in range(len(names))]

        def scores(kind: str) -> pa.Array:
            found = self.booster.get_score(importance_type=kind)
            return pa.array([float(np.sum(found.get(key, 0.0))) for key in keys], pa.float64())

        return pa.table(
            {
                "feature": pa.array(names, pa.string()),
                "importance_weight": scores("weight"),
                "importance_gain": scores("gain"),
                "importance_cover": scores("cover"),
            }
        )


def read(path: Path, inputs: Columns | None, outputs: Columns | None) -> XgboostFile:
    """Read a file that `Booster.save_model` wrote.

    Raises:
        BqmlError: It is none, or does not go with INPUT and OUTPUT.
    """
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(path.read_bytes()))
    except xgboost.core.XGBoostError as error:
        first = str(error).strip().splitlines()[-1]
        raise BqmlError(
            f"the file is no model that xgboost {xgboost.__version__} can read; save it with "
            f"save_model as JSON or UBJ: {first}"
        ) from error
    booster.set_param({"nthread": 1})
    taken = _inputs(booster, inputs)
    given = list(outputs) if outputs is not None else [(OUTPUT, "FLOAT64")]
    if len(given) != 1 or given[0][1] not in ("FLOAT64", "ARRAY<FLOAT64>"):
        raise BqmlError("OUTPUT of an XGBoost model is one column of type FLOAT64")
    one = np.asarray(_predict(booster, np.zeros((1, len(taken)))))
    is_list = one.size > 1
    kind = "ARRAY<FLOAT64>" if is_list else "FLOAT64"
    return XgboostFile(booster, taken, [(given[0][0], kind)], is_list)


def _predict(booster: "xgboost.Booster", features: Floats) -> object:
    import xgboost

    return booster.predict(
        xgboost.DMatrix(
            features,
            feature_names=booster.feature_names,
            feature_types=booster.feature_types,
            nthread=1,
        )
    )


def _inputs(booster: "xgboost.Booster", inputs: Columns | None) -> Columns:
    names, types = booster.feature_names, booster.feature_types
    if inputs is None:
        if not names or not types:
            raise BqmlError(
                "the model file lacks feature_names or feature_types; write INPUT(...) OUTPUT(...)"
            )
        return [
            (name, _FEATURE_TYPES.get(kind, "FLOAT64"))
            for name, kind in zip(names, types, strict=True)
        ]
    if wrong := [f"{name} {kind}" for name, kind in inputs if kind not in NUMERIC]:
        raise BqmlError(f"INPUT of an XGBoost model is numbers; {wrong[0]} is not")
    given = [name for name, _ in inputs]
    if names and given != list(names):
        raise BqmlError(
            f"INPUT has {', '.join(given)}, but the model file has {', '.join(names)}: their names "
            "and order must be the same"
        )
    if booster.num_features() != len(given):
        raise BqmlError(
            f"INPUT has {len(given)} columns, but the model takes {booster.num_features()}"
        )
    return list(inputs)
