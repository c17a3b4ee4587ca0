"""ML.FEATURES_AT_TIME and ML.ENTITY_FEATURES_AT_TIME.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-feature-time,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-entity-feature-time
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    boolean,
    check_settings,
    instant,
    whole_number,
)
from localcloud.bqml.model import Model

ENTITY, MOMENT, TIME = "entity_id", "feature_timestamp", "time"
TIMESTAMP = pa.timestamp("us", "UTC")


def features_at_time(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The last rows of each entity at one point in time."""
    name = "ML.FEATURES_AT_TIME"
    check_settings(name, settings, "time", "num_rows", "ignore_feature_nulls")
    time = instant(name, settings, "time") or datetime.datetime.now(datetime.UTC)
    history = _History(name, tables[0], settings)
    wanted = [(entity, time) for entity in history.entities]
    return history.at(wanted)


def entity_features_at_time(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """The last rows of entities, each at points in time of its own."""
    name = "ML.ENTITY_FEATURES_AT_TIME"
    check_settings(name, settings, "num_rows", "ignore_feature_nulls")
    history = _History(name, tables[0], settings)
    entities = tables[1].column(_column(name, tables[1], ENTITY, pa.types.is_string))
    times = tables[1].column(_column(name, tables[1], TIME, pa.types.is_timestamp))
    pairs = zip(entities.to_pylist(), times.to_pylist(), strict=True)
    return history.at([pair for pair in pairs if None not in pair])


class _History:
    """The rows of each entity in time."""

    def __init__(self, name: str, rows: pa.Table, settings: Mapping[str, Any]) -> None:
        self._most = whole_number(name, settings, "num_rows", 1)
        self._entity = _column(name, rows, ENTITY, pa.types.is_string)
        self._moment = _column(name, rows, MOMENT, pa.types.is_timestamp)
        if rows.num_columns < 3:
            raise BqmlError(f"{name}: there is no feature beside {ENTITY} and {MOMENT}")
        for column in (self._entity, self._moment):
            rows = rows.filter(pc.is_valid(rows.column(column)))
        by_time = [(self._entity, "ascending"), (self._moment, "ascending")]
        self._rows = rows.take(pc.sort_indices(rows, sort_keys=by_time)).combine_chunks()
        if boolean(name, settings, "ignore_feature_nulls"):
            self._fill()
        self._moments = self._rows.column(self._moment).cast(TIMESTAMP).cast(pa.int64()).to_numpy()
        self._ranges = dict(self._read_ranges())

    @property
    def entities(self) -> list[str]:
        """All of them, in order."""
        return list(self._ranges)

    def at(self, wanted: Sequence[tuple[str, datetime.datetime]]) -> pa.Table:
        """The last rows of an entity up to a point in time, which they then say."""
        places: list[int] = []
        times: list[datetime.datetime] = []
        for entity, time in wanted:
            start, end = self._ranges.get(entity, (0, 0))
            micros = pa.scalar(time, TIMESTAMP).cast(pa.int64()).as_py()
            end = start + int(np.searchsorted(self._moments[start:end], micros, side="right"))
            found = range(end - 1, max(end - self._most, start) - 1, -1)
            places += found
            times += [time] * len(found)
        rows = self._rows.take(pa.array(places, pa.int64()))
        place = rows.schema.get_field_index(self._moment)
        return rows.set_column(place, self._moment, pa.array(times, TIMESTAMP))

    def _read_ranges(self) -> Iterator[tuple[str, tuple[int, int]]]:
        entities = self._rows.column(self._entity).to_pylist()
        start = 0
        for place in range(1, len(entities) + 1):
            if place == len(entities) or entities[place] != entities[start]:
                yield entities[start], (start, place)
                start = place

    def _fill(self) -> None:
        """Give a feature without a value that of the entity's last row with one."""
        count = self._rows.num_rows
        starts = np.zeros(count, np.int64)
        for start, end in (places for _, places in self._read_ranges()):
            starts[start:end] = start
        for place, field in enumerate(self._rows.schema):
            if field.name in (self._entity, self._moment):
                continue
            column = self._rows.column(place)
            valid = column.is_valid().to_numpy()
            last = np.maximum.accumulate(np.where(valid, np.arange(count), -1)) if count else starts
            from_row = pa.array(last, pa.int64(), mask=last < starts)
            self._rows = self._rows.set_column(place, field, column.take(from_row))


def _column(name: str, rows: pa.Table, wanted: str, is_of: Any) -> str:
    for field in rows.schema:
        if field.name.casefold() == wanted:
            if not is_of(field.type):
                kind = "STRING" if wanted == ENTITY else "TIMESTAMP"
                raise BqmlError(f"{name}: '{field.name}' is {field.type}; it must be {kind}")
            return str(field.name)
    raise BqmlError(f"{name} needs a column {wanted}; there are {', '.join(rows.column_names)}")


FEATURES_AT_TIME = TableFunction(
    "ML.FEATURES_AT_TIME", takes_model=False, tables=(1, 1), call=features_at_time
)
ENTITY_FEATURES_AT_TIME = TableFunction(
    "ML.ENTITY_FEATURES_AT_TIME", takes_model=False, tables=(2, 2), call=entity_features_at_time
)
