"""ZetaSQL's reference evaluator: Google's own implementation of GoogleSQL's meaning."""

import datetime
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from googlesql import module
from googlesql.catalog import catalog
from googlesql.language import language_options

EPOCH = datetime.date(1970, 1, 1)
UTC_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Refused(Exception):
    """The evaluator refused a query, or failed to compute it."""


def rows(sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query without tables.

    Raises:
        Refused: The query is wrong or fails.
    """
    from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import (
        EvaluateQueryRequest,
        EvaluateQueryResponse,
    )
    from zetasql.wasi._pb2.zetasql.proto.options_pb2 import AnalyzerOptionsProto

    options = AnalyzerOptionsProto(language_options=language_options(), default_timezone="UTC")
    request = EvaluateQueryRequest(sql=sql, options=options)
    try:
        answer = module.call("EvaluateQuery", request, EvaluateQueryResponse, catalog=catalog([]))
    except (module.StatusError, module.CrashError) as error:
        raise Refused(str(error)) from error
    return [tuple(_value(cell) for cell in row.cell) for row in answer.content.table_data.row]


Compare = Callable[..., None]


def comparison(client: bigquery.Client, table: str) -> Compare:
    """Runs a query here and in the evaluator; what they say must be the same.

    Args:
        client: Of the local cloud.
        table: A WITH clause to put before each query.
    """

    def both(query: str, *, in_order: bool = False) -> None:
        sql = f"{table}{query}"
        expected: Any
        found: Any
        try:
            expected = comparable(rows(sql), in_order=in_order)
        except Refused:
            expected = "refused"
        try:
            job = client.query(sql, job_retry=None)
            found = [tuple(row.values()) for row in job.result(retry=None)]
            found = comparable(found, in_order=in_order)
        except (GoogleAPICallError, ValueError):
            # Python has no dates beyond the year 9999, which are an error in GoogleSQL too.
            found = "refused"
        assert found == expected, query

    return both


def comparable(found: Iterable[tuple[Any, ...]], *, in_order: bool) -> list[tuple[Any, ...]]:
    """Rows that are equal where they say the same: floats to 11 digits, NaN equal to itself."""
    normal = [tuple(_normal(value) for value in row) for row in found]
    return normal if in_order else sorted(normal, key=repr)


def _normal(value: Any) -> Any:
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        # The last digits depend on the order in which numbers are added.
        return float(f"{value:.11g}") + 0.0
    if isinstance(value, Decimal):
        return value.normalize() + 0
    if isinstance(value, (list, tuple)):
        # A NULL array reads as an empty one from any result.
        return [_normal(part) for part in value] or None
    if isinstance(value, dict):
        return [_normal(part) for part in value.values()]
    return value


def _value(cell: Any) -> Any:
    kind = cell.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(cell, kind)
    match kind:
        case "array_value":
            return [_value(part) for part in value.element]
        case "struct_value":
            return [_value(part) for part in value.field]
        case "date_value":
            return EPOCH + datetime.timedelta(days=value)
        case "timestamp_value":
            micros = value.seconds * 1_000_000 + value.nanos // 1000
            return UTC_EPOCH + datetime.timedelta(microseconds=micros)
        case "datetime_value":
            fields = value.bit_field_datetime_seconds
            year, month, day = fields >> 26, fields >> 22 & 15, fields >> 17 & 31
            clock = (fields >> 12 & 31, fields >> 6 & 63, fields & 63)
            return datetime.datetime(year, month, day, *clock, value.nanos // 1000)
        case "time_value":
            clock, nanos = divmod(value, 1 << 30)
            return datetime.time(clock >> 12, clock >> 6 & 63, clock & 63, nanos // 1000)
        case "numeric_value":
            return Decimal(int.from_bytes(value, "little", signed=True)).scaleb(-9)
    return value
