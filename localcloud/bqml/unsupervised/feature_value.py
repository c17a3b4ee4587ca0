"""A point among encoded columns, written as rows of features: of a centroid, of a component."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from localcloud.bqml import nested
from localcloud.bqml.arrays import Floats
from localcloud.bqml.encoding import Encoding, Number


def feature_values(
    encoding: Encoding, point: Floats, *, standardize: bool
) -> Iterator[tuple[str, float | None, list[tuple[str, float]]]]:
    """Name, number (None of a category) and categories with their values, by processed input.

    Args:
        encoding: Of the point's columns.
        point: One number for each encoded column.
        standardize: Whether numbers stay centred and divided by their deviation.
    """
    at = 0
    for part in encoding.inputs:
        own = point[at : at + part.width]
        at += part.width
        if isinstance(part, nested.Vector):
            yield from _of_vector(part, own, standardize=standardize)
            continue
        if not isinstance(part, Number):
            yield part.name, None, list(zip(part.names, own.tolist(), strict=True))
            continue
        value = float(own[0])
        if not standardize and part.stddev is not None:
            value = value * part.stddev + part.mean
        yield part.name, value, []


def _of_vector(
    part: nested.Vector, own: Floats, *, standardize: bool
) -> Iterator[tuple[str, float | None, list[tuple[str, float]]]]:
    """A row for each place of a vector."""
    if part.stddevs is not None and not standardize:
        own = own * np.array(part.stddevs) + np.array(part.means)
    for place, value in enumerate(own.tolist()):
        yield f"{part.name}_{place}", value, []


def as_rest(name: str, number: float | None, counts: list[tuple[str, float]]) -> dict[str, Any]:
    """One `FeatureValue` of the REST API.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/models#FeatureValue
    """
    if number is not None:
        return {"featureColumn": name, "numericalValue": number}
    found = [
        {"category": category, "count": str(round(count))} for category, count in counts if count
    ]
    return {"featureColumn": name, "categoricalValue": {"categoryCounts": found}}
