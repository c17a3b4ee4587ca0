"""What an online store holds of a feature view: one row an entity, and its nearest neighbours."""

import base64
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from localcloud.errors import ApiError, Json

Key = tuple[str, ...]
Rows = dict[Key, dict[str, Any]]

DEFAULT_NEIGHBORS = 10
_COMPARISONS = {
    "LESS": operator.lt,
    "LESS_EQUAL": operator.le,
    "EQUAL": operator.eq,
    "GREATER_EQUAL": operator.ge,
    "GREATER": operator.gt,
    "NOT_EQUAL": operator.ne,
}


@dataclass(frozen=True)
class Source:
    """One table of a feature view.

    Attributes:
        uri: `bq://project.dataset.table`.
        keys: Columns that make the entity's id.
        features: Column by the feature's name; empty: every other column is a feature.
        timestamp: Column that tells the latest row; empty where a row an entity is expected.
        dense: Whether the latest row counts whole; else each feature's latest value that is set.
    """

    uri: str
    keys: tuple[str, ...]
    features: Mapping[str, str]
    timestamp: str
    dense: bool


def latest(source: Source, rows: Sequence[Mapping[str, Any]]) -> Rows:
    """The latest values of every entity.

    Raises:
        ValueError: A key column is not there.
    """
    stamp = source.timestamp
    if stamp:
        rows = sorted(
            (row for row in rows if row[stamp] is not None), key=lambda row: _moment(row[stamp])
        )
    found: Rows = {}
    for row in rows:
        key = tuple(str(row[name]) for name in source.keys)
        named = source.features or {
            name: name for name in row if name not in (*source.keys, source.timestamp)
        }
        values = {feature: row[column] for feature, column in named.items()}
        if not source.dense:
            before = found.get(key, {})
            values = {
                name: before.get(name) if value is None else value for name, value in values.items()
            }
        found[key] = values
    return found


def _moment(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of several tables side by side."""
    found: Rows = {}
    for part in parts:
        for key, values in part.items():
            found.setdefault(key, {}).update(values)
    return found


def key_of(data_key: Json) -> Key:
    """The entity's id in a request.

    Raises:
        ApiError: INVALID_ARGUMENT, there is none.
    """
    if parts := data_key.get("compositeKey", {}).get("parts"):
        return tuple(str(part) for part in parts)
    if data_key.get("key"):
        return (str(data_key["key"]),)
    raise ApiError("INVALID_ARGUMENT", "data_key.key or data_key.composite_key.parts must be set.")


def data_key(key: Key) -> Json:
    """An entity's id in a reply."""
    return {"key": key[0]} if len(key) == 1 else {"compositeKey": {"parts": list(key)}}


def shown(key: Key, values: Mapping[str, Any], form: str) -> Json:
    """An entity as `FetchFeatureValuesResponse`."""
    reply: Json = {"dataKey": data_key(key)}
    if form == "PROTO_STRUCT":
        return reply | {"protoStruct": {name: _plain(value) for name, value in values.items()}}
    pairs = [
        {"name": name, **({"value": feature_value(value)} if value is not None else {})}
        for name, value in values.items()
    ]
    return reply | {"keyValues": {"features": pairs}}


def feature_value(value: Any) -> Json:
    """One value as `FeatureValue`; moments are microseconds since 1970."""
    if isinstance(value, list):
        first = next((item for item in value if item is not None), 0.0)
        name = next(iter(feature_value(first))).removesuffix("Value")
        return {f"{name}ArrayValue": {"values": [_item(item) for item in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, datetime):
        return {"int64Value": str(round(value.timestamp() * 1_000_000))}
    if isinstance(value, int):
        return {"int64Value": str(value)}
    if isinstance(value, float | Decimal):
        return {"doubleValue": float(value)}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        entries = [{"name": k, "value": feature_value(v)} for k, v in value.items()]
        return {"structValue": {"values": entries}}
    return {"stringValue": str(value)}


def _item(value: Any) -> Any:
    return next(iter(feature_value(value).values()))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | Decimal):
        return float(value)
    return _item(value)


def nearest(rows: Rows, index: Json, query: Json) -> list[tuple[Key, float]]:
    """The entities whose vectors are nearest, compared one by one.

    Raises:
        ApiError: INVALID_ARGUMENT, the query has no vector or one of another length; NOT_FOUND,
            its entity is not there.
    """
    column = str(index["embeddingColumn"])
    if query.get("entityId"):
        itself = (str(query["entityId"]),)
        if itself not in rows:
            raise ApiError("NOT_FOUND", f"No entity {query['entityId']!r} in the feature view.")
        wanted = rows[itself].get(column)
    else:
        wanted = query.get("embedding", {}).get("value")
    if not wanted:
        raise ApiError("INVALID_ARGUMENT", "query.entity_id or query.embedding must be set.")
    dimension = int(index.get("embeddingDimension") or len(wanted))
    if len(wanted) != dimension:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"query.embedding has {len(wanted)} values; the index has {dimension} dimensions.",
        )
    kept = [
        key
        for key, values in rows.items()
        if len(values.get(column) or ()) == dimension and _allowed(values, query)
    ]
    if not kept:
        return []
    distances = _distances(
        [rows[key][column] for key in kept],
        wanted,
        str(index.get("distanceMeasureType") or "SQUARED_L2_DISTANCE"),
    )
    ranked = sorted(zip(kept, distances.tolist(), strict=True), key=lambda pair: (pair[1], pair[0]))
    count = int(query.get("neighborCount") or DEFAULT_NEIGHBORS)
    crowd = int(query.get("perCrowdingAttributeNeighborCount") or 0)
    attribute = str(index.get("crowdingColumn") or "")
    if not (crowd and attribute):
        return ranked[:count]
    seen: dict[Any, int] = {}
    spread = []
    for key, distance in ranked:
        group = rows[key].get(attribute)
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= crowd:
            spread.append((key, distance))
    return spread[:count]


def _distances(rows: Sequence[Sequence[float]], wanted_row: Sequence[float], measure: str) -> Any:
    import numpy as np

    vectors, wanted = np.array(rows, dtype=float), np.array(wanted_row, dtype=float)
    if measure == "DOT_PRODUCT_DISTANCE":
        return -(vectors @ wanted)
    if measure == "COSINE_DISTANCE":
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(wanted)
        return 1 - (vectors @ wanted) / np.where(lengths == 0, 1, lengths)
    return ((vectors - wanted) ** 2).sum(axis=1)


def _allowed(values: Mapping[str, Any], query: Json) -> bool:
    for wanted in query.get("stringFilters", []):
        value = values.get(wanted["name"])
        tokens = {str(item) for item in (value if isinstance(value, list) else [value])}
        if wanted.get("allowTokens") and not tokens & set(wanted["allowTokens"]):
            return False
        if tokens & set(wanted.get("denyTokens", [])):
            return False
    for wanted in query.get("numericFilters", []):
        value = values.get(wanted["name"])
        bound = next(float(wanted[k]) for k in wanted if k.startswith("value"))
        compare = _COMPARISONS.get(str(wanted.get("op", "")))
        if compare is None:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"numeric_filters.op of {wanted['name']!r} must be one of "
                f"{', '.join(_COMPARISONS)}.",
            )
        if value is None or not compare(float(value), bound):
            return False
    return True
