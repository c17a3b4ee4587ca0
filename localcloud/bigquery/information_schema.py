"""INFORMATION_SCHEMA views that local-bigquery has not, or not as BigQuery documents them.

https://cloud.google.com/bigquery/docs/information-schema-intro
"""

import json
from collections.abc import Callable
from typing import Any, cast

import sqlglot
from local_bigquery.catalog import datasets
from local_bigquery.sql import rules
from local_bigquery.sql.rules import information_schema as upstream_views
from sqlglot import exp

from localcloud.bigquery import catalog_views, jobs_view, location, project_options
from localcloud.bigquery.index import stored_index
from localcloud.bigquery.index.stored_index import StoredIndex

Rows = tuple[list[str], list[list[Any]]]
"""Columns, each with its type unless that is STRING, and rows."""

JOBS = ("JOBS", "JOBS_BY_PROJECT", "JOBS_BY_USER")
_INDEX = ["index_catalog", "index_schema", "table_name", "index_name"]
_ALTERATION = (
    "STRUCT<status STRING, message STRUCT<reason STRING, location STRING, debug_info STRING, "
    "message STRING>, new_coverage_percentage INT64, start_time TIMESTAMP, end_time TIMESTAMP, "
    "ddl STRING>"
)
_STATE = [
    "index_status",
    "creation_time TIMESTAMP",
    "last_modification_time TIMESTAMP",
    "last_refresh_time TIMESTAMP",
    "disable_time TIMESTAMP",
    "disable_reason",
    "ddl",
    "coverage_percentage INT64",
    "unindexed_row_count INT64",
    "total_logical_bytes INT64",
    "total_storage_bytes INT64",
]
_OPTION = ["option_name", "option_type", "option_value"]


def install() -> None:
    """Put the views into local-bigquery; repeating it changes nothing."""
    upstream_views.VIEWS |= catalog_views.VIEWS | {
        "VECTOR_INDEXES": vector_indexes,
        "VECTOR_INDEX_COLUMNS": _columns("VECTOR"),
        "VECTOR_INDEX_OPTIONS": _options("VECTOR"),
        "SEARCH_INDEXES": search_indexes,
        "SEARCH_INDEX_COLUMNS": _columns("SEARCH"),
        "SEARCH_INDEX_OPTIONS": _options("SEARCH"),
        "SEARCH_INDEX_COLUMN_OPTIONS": search_index_column_options,
    }
    if regional not in rules.STATEMENT_RULES:
        # Before local-bigquery's own rule, which forgets the region.
        rules.STATEMENT_RULES.insert(0, regional)


def regional(tree: exp.Expression, context: Any) -> exp.Expression:
    """Replace the views that belong to a region, not to a dataset, in a statement."""
    for table in list(tree.find_all(exp.Table)):
        found = upstream_views._view(table)
        query = _regional_query(found[0], found[1], found[2], context) if found else None
        if query is None:
            continue
        name = table.alias or table.name.rsplit(".", 1)[-1].lower()
        alias = exp.TableAlias(this=exp.to_identifier(name))
        table.replace(exp.Subquery(this=query, alias=alias))
    return tree


def _regional_query(
    view: str, project: str | None, scope: str | None, context: Any
) -> exp.Expression | None:
    project_id = project or context.project_id
    region = location.of_region(scope or "")
    if view in ("PROJECT_OPTIONS", "EFFECTIVE_PROJECT_OPTIONS"):
        place = region or location.of_running_job()
        rows = _project_options(view == "EFFECTIVE_PROJECT_OPTIONS", project_id, place)
        return _values(rows)
    if view in JOBS:
        place = region or location.of_running_job()
        number = project_options.number(project_id)
        text = jobs_view.QUERY.format(
            project=exp.Literal.string(project_id).sql(),
            number="CAST(NULL AS BIGINT)" if number is None else number,
        ).rstrip()
        of_place = exp.Literal.string(place).sql()
        text += f" AND resource ->> '$.jobReference.location' = {of_place}"
        parsed: Any = sqlglot.parse_one(text, dialect="duckdb")
        return cast(exp.Expression, parsed)
    if region is None or view not in upstream_views.VIEWS:
        return None
    rows = upstream_views.VIEWS[view](project_id, None)
    return _values(catalog_views.in_region(rows, region, project_id, location.of_dataset))


def _values(rows: Rows) -> exp.Expression:
    made: exp.Expression = upstream_views._values(*rows)
    return made


def vector_indexes(project_id: str, dataset_id: str | None) -> Rows:
    """A row a vector index."""
    columns = [
        *_INDEX,
        *_STATE,
        f"last_index_alteration_info {_ALTERATION}",
        "last_model_build_time TIMESTAMP",
    ]
    rows = [
        [*_named(index), *_state(index), None, _time(index.created)]
        for index in _indexes("VECTOR", project_id, dataset_id)
    ]
    return columns, rows


def search_indexes(project_id: str, dataset_id: str | None) -> Rows:
    """A row a search index."""
    columns = [*_INDEX, *_STATE, "analyzer", f"last_index_alteration_info {_ALTERATION}"]
    rows = [
        [*_named(index), *_state(index), index.options.get("analyzer") or "LOG_ANALYZER", None]
        for index in _indexes("SEARCH", project_id, dataset_id)
    ]
    return columns, rows


def search_index_column_options(project_id: str, dataset_id: str | None) -> Rows:
    """A row an option that a column of a search index has of its own."""
    columns = [*_INDEX, "index_column_name", *_OPTION]
    rows = [
        [*_named(index), column, *_option(name, own[name])]
        for index in _indexes("SEARCH", project_id, dataset_id)
        for column, own in index.columns.items()
        for name in sorted(own)
    ]
    return columns, rows


def _columns(kind: str) -> Callable[[str, str | None], Rows]:
    def view(project_id: str, dataset_id: str | None) -> Rows:
        rows = [
            [*_named(index), column, path]
            for index in _indexes(kind, project_id, dataset_id)
            for column, path in index.fields()
        ]
        return [*_INDEX, "index_column_name", "index_field_path"], rows

    return view


def _options(kind: str) -> Callable[[str, str | None], Rows]:
    # These two are told whether they were given or not.
    always: dict[str, Any] = (
        {"analyzer": "LOG_ANALYZER", "data_types": ["STRING"]} if kind == "SEARCH" else {}
    )

    def view(project_id: str, dataset_id: str | None) -> Rows:
        rows = [
            [*_named(index), *_option(name, value)]
            for index in _indexes(kind, project_id, dataset_id)
            for name, value in sorted({**always, **index.options}.items())
        ]
        return [*_INDEX, *_OPTION], rows

    return view


def _project_options(effective: bool, project_id: str, place: str) -> Rows:
    number = project_options.number(project_id)
    set_here = project_options.of(project_id, place)
    common = ["option_description", "option_type"]
    if effective:
        columns = ["project_id", "project_number INT64", "option_name", *common]
        columns += ["option_set_level", "option_set_on_id", "option_value"]
    else:
        columns = ["option_name", "project_id", "project_number INT64", *common, "option_value"]
    rows: list[list[Any]] = []
    for name, value in sorted(set_here.items()):
        option = project_options.OPTIONS[name]
        told = [option.description, option.type]
        shown = value if isinstance(value, str) else json.dumps(value)
        if effective:
            rows.append([project_id, number, name, *told, "PROJECTS", project_id, shown])
        else:
            rows.append([name, project_id, number, *told, shown])
    return columns, rows


def _indexes(kind: str, project_id: str, dataset_id: str | None) -> list[StoredIndex]:
    names = (
        [dataset_id]
        if dataset_id
        else [found.datasetReference.datasetId for found in datasets.list_(project_id)]
    )
    return [
        index
        for name in names
        for index in stored_index.of_dataset(project_id, name)
        if index.kind == kind
    ]


def _named(index: StoredIndex) -> list[Any]:
    return [*index.table, index.name]


def _state(index: StoredIndex) -> list[Any]:
    created, changed = _time(index.created), _time(index.changed)
    return ["ACTIVE", created, changed, created, None, None, index.ddl, 100, 0, 0, 0]


def _option(name: str, value: Any) -> list[Any]:
    if isinstance(value, list):
        return [name, "ARRAY<STRING>", json.dumps(value)]
    return [name, "STRING", value]


def _time(milliseconds: str) -> exp.Expression:
    found: exp.Expression = upstream_views._timestamp(milliseconds)
    return found
