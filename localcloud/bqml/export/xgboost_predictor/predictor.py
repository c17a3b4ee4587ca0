"""Scores raw rows with an exported booster: encodes them as BigQuery ML did, then asks the trees.

Needs numpy and xgboost. The interface is that of custom prediction routines:
https://cloud.google.com/vertex-ai/docs/predictions/custom-prediction-routines
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost


class Predictor:
    """An exported model.

    Args:
        booster: The trees.
        metadata: What `assets/model_metadata.json` holds.
        vocabularies: The categories of each file in `assets`, in order.
    """

    def __init__(
        self,
        booster: xgboost.Booster,
        metadata: Mapping[str, Any],
        vocabularies: Mapping[str, Sequence[str]],
    ) -> None:
        self._booster = booster
        self._metadata = metadata
        self._places = {
            name: {category: place for place, category in enumerate(categories)}
            for name, categories in vocabularies.items()
        }

    @classmethod
    def from_path(cls, model_dir: str) -> "Predictor":
        """Read the directory that a model was exported to."""
        directory = Path(model_dir)
        metadata = json.loads((directory / "assets" / "model_metadata.json").read_text("utf-8"))
        booster = xgboost.Booster()
        booster.load_model(bytearray((directory / metadata["booster"]).read_bytes()))
        names = [part["vocabulary"] for part in metadata["features"] if "vocabulary" in part]
        return cls(booster, metadata, {name: _lines(directory / "assets" / name) for name in names})

    def predict(self, instances: Sequence[Mapping[str, Any]], **_: Any) -> list[dict[str, Any]]:
        """Predict rows.

        Args:
            instances: A mapping each, from the columns to numbers, texts, booleans or None.

        Returns:
            Of a regressor `predicted_<label>`; of a classifier also `<label>_values` and
            `<label>_probs`, the likeliest class first.
        """
        rows = [self._encoded(instance) for instance in instances]
        matrix = xgboost.DMatrix(
            np.array(rows, dtype=np.float64),
            feature_names=self._booster.feature_names,
            feature_types=self._booster.feature_types,
        )
        raw = self._booster.predict(matrix).astype(np.float64)
        label, classes = self._metadata["label"], self._metadata["classes"]
        if not classes:
            return [{f"predicted_{label}": float(value)} for value in raw]
        if raw.ndim == 1:
            raw = np.column_stack([1 - raw, raw])
        probabilities = raw / raw.sum(axis=1, keepdims=True)
        orders = np.argsort(-probabilities, axis=1, kind="stable")
        return [
            {
                f"predicted_{label}": classes[order[0]],
                f"{label}_values": [classes[place] for place in order],
                f"{label}_probs": [float(row[place]) for place in order],
            }
            for row, order in zip(probabilities, orders, strict=True)
        ]

    def _encoded(self, instance: Mapping[str, Any]) -> list[float]:
        numbers: list[float] = []
        for feature in self._metadata["features"]:
            value = instance[feature["name"]]
            if feature["kind"] == "number":
                numbers.append(feature["mean"] if value is None else float(value))
            else:
                numbers += self._category(feature, value)
        return numbers

    def _category(self, feature: Mapping[str, Any], value: Any) -> list[float]:
        places = self._places[feature["vocabulary"]]
        # One place more than there are categories is that of NULL, -1 that of what is unknown.
        null = len(places) if feature["has_null"] else -1
        place = null if value is None else places.get(_text(value), -1)
        if feature["targets"] is not None:
            return list(feature["targets"][place])
        if feature["encoding"] == "label":
            return [0.0 if place == len(places) else place + 1.0]
        return [float(place == column) for column in range(feature["width"])]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _lines(file: Path) -> list[str]:
    # Not `splitlines`, which knows more ends of lines than the one that is written.
    lines = file.read_text("utf-8").split("\n")[:-1]
    return [json.loads(f'"{line}"') for line in lines]
