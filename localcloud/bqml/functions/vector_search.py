"""VECTOR_SEARCH.

https://cloud.google.com/bigquery/docs/reference/standard-sql/search_functions#vector_search
Every search is exact, as Google's is without an index.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.arrays import Floats
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions.table_function import (
    TableFunction,
    check_settings,
    choice,
    column_of,
)
from localcloud.bqml.model import Model

NAME = "VECTOR_SEARCH"
TOP_K = 10
BLOCK = 16_000_000
"""How many distances are kept at a time."""
EUCLIDEAN, COSINE, DOT_PRODUCT = "EUCLIDEAN", "COSINE", "DOT_PRODUCT"
LEXICAL = ("lexical_search_columns", "lexical_search_query_value")


def vector_search(
    _model: Model | None, tables: Sequence[pa.Table], settings: Mapping[str, Any]
) -> pa.Table:
    """For each row searched for the nearest rows, the nearest first."""
    check_settings(
        NAME,
        settings,
        "column_to_search",
        "query_column_to_search",
        "query_value",
        *LEXICAL,
        "top_k",
        "distance_type",
        "options",
    )
    if any(settings.get(key) for key in LEXICAL):
        raise NotImplementedError(
            f"{NAME} with {LEXICAL[0]}, a hybrid search, is not implemented on the local cloud: "
            "search by vectors, or by SEARCH in a query of its own"
        )
    _check_options(settings.get("options"))
    metric = choice(NAME, settings, "distance_type", EUCLIDEAN, EUCLIDEAN, COSINE, DOT_PRODUCT)
    base = tables[0]
    column = column_of(NAME, settings, "column_to_search", base)
    base = base.filter(pc.is_valid(base.column(column)))
    vectors = _vectors("column_to_search", column, base)
    query = tables[1] if len(tables) > 1 else None
    targets = _targets(query, column, settings)
    if len(vectors) and len(targets) and vectors.shape[1] != targets.shape[1]:
        raise BqmlError(
            f"{NAME}: vectors of {targets.shape[1]} numbers are searched for in '{column}', whose "
            f"vectors have {vectors.shape[1]}"
        )
    searched, found, distances = _nearest(vectors, targets, _top_k(settings, len(vectors)), metric)
    columns: dict[str, pa.Array] = {}
    if query is not None:
        columns["query"] = _structs(query.take(pa.array(searched)))
    columns["base"] = _structs(base.take(pa.array(found)))
    columns["distance"] = pa.array(distances, pa.float64())
    return pa.table(columns)


def _targets(query: pa.Table | None, column: str, settings: Mapping[str, Any]) -> Floats:
    value = settings.get("query_value")
    if query is None:
        if "query_column_to_search" in settings:
            raise BqmlError(f"{NAME}: query_column_to_search needs a table or a query to search by")
        if isinstance(value, str):
            raise NotImplementedError(
                f"{NAME} by a text needs autonomous embedding generation, which the local cloud "
                "does not have: give an embedding, ARRAY<FLOAT64>"
            )
        if not isinstance(value, list) or not value:
            raise BqmlError(f"{NAME} needs a table to search by, or query_value, ARRAY<FLOAT64>")
        return np.array([value], dtype=np.float64)
    if value is not None:
        raise BqmlError(f"{NAME}: give a table to search by or query_value, not both")
    if settings.get("query_column_to_search") is not None:
        name = column_of(NAME, settings, "query_column_to_search", query)
    else:
        by_case = {other.casefold(): other for other in query.column_names}
        vectors = [f.name for f in query.schema if _is_vector(f.type)]
        name = by_case.get(column.casefold()) or next(iter(vectors), "")
        if not name:
            raise BqmlError(
                f"{NAME}: the rows to search by have no column of ARRAY<FLOAT64>; they have "
                f"{', '.join(query.column_names)}"
            )
    if query.column(name).null_count:
        raise BqmlError(f"{NAME}: query_column_to_search '{name}' has NULLs")
    return _vectors("query_column_to_search", name, query)


def _is_vector(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_floating(kind.value_type))


def _vectors(key: str, name: str, rows: pa.Table) -> Floats:
    column = rows.column(name).combine_chunks()
    if pa.types.is_string(column.type):
        raise NotImplementedError(
            f"{NAME}: {key} '{name}' is STRING, which needs autonomous embedding generation; the "
            "local cloud does not have it: give a column of embeddings, ARRAY<FLOAT64>"
        )
    if not _is_vector(column.type):
        raise BqmlError(f"{NAME}: {key} '{name}' is {column.type}; it must be ARRAY<FLOAT64>")
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) > 1:
        raise BqmlError(
            f"{NAME}: the arrays of {key} '{name}' have {len(lengths)} different lengths, such as "
            f"{lengths[0]} and {lengths[1]}; all must have one"
        )
    numbers = pc.list_flatten(column)
    if numbers.null_count:
        raise BqmlError(f"{NAME}: arrays of {key} '{name}' have NULL among their elements")
    values: Floats = numbers.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return values.reshape(len(column), -1) if len(column) else values.reshape(0, 0)


def _top_k(settings: Mapping[str, Any], rows: int) -> int:
    value = settings.get("top_k", TOP_K)
    if isinstance(value, bool) or not isinstance(value, int) or value == 0:
        raise BqmlError(f"{NAME}: top_k is {value!r}; give a whole number but 0")
    # A negative one asks for all.
    return rows if value < 0 else min(value, rows)


def _check_options(text: Any) -> None:
    allowed = "give JSON such as '{\"use_brute_force\": true}'"
    if text is None:
        return
    try:
        given = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise BqmlError(f"{NAME}: options is {text!r}; {allowed}")
    strange = sorted(set(given) - {"fraction_lists_to_search", "use_brute_force"})
    if strange:
        raise BqmlError(
            f"{NAME}: options has {strange[0]}; it takes fraction_lists_to_search and "
            "use_brute_force"
        )
    share, brute = given.get("fraction_lists_to_search"), given.get("use_brute_force", False)
    if not isinstance(brute, bool):
        raise BqmlError(f"{NAME}: use_brute_force is {brute!r}; give true or false")
    if share is None:
        return
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise BqmlError(
            f"{NAME}: fraction_lists_to_search is {share!r}; give a number above 0 and below 1"
        )
    if brute:
        raise BqmlError(f"{NAME}: fraction_lists_to_search does not go with use_brute_force = true")


def _nearest(vectors: Floats, targets: Floats, most: int, metric: str) -> tuple[Any, Any, Floats]:
    """Places of what is searched for, places of what is found, and their distances."""
    if not len(targets) or not most:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, np.zeros(0)
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    step = max(1, BLOCK // max(1, len(vectors)))
    found = np.empty((len(targets), most), np.int64)
    for start in range(0, len(targets), step):
        part = targets[start : start + step]
        rough = _rough(vectors, part, lengths, metric)
        if most < len(vectors):
            found[start : start + step] = np.argpartition(rough, most - 1, axis=1)[:, :most]
        else:
            found[start : start + step] = np.arange(len(vectors))
    searched = np.repeat(np.arange(len(targets)), most)
    places = found.ravel()
    distances = _exact(targets, vectors, searched, places, metric)
    order = np.lexsort((places, distances, searched))
    return searched, places[order], distances[order]


def _rough(vectors: Floats, targets: Floats, lengths: Floats, metric: str) -> Floats:
    """What orders rows as their distance does."""
    products: Floats = targets @ vectors.T
    if metric == EUCLIDEAN:
        return lengths - 2 * products
    if metric == COSINE:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num(-products / np.sqrt(lengths), nan=np.inf)
    return -products


def _exact(targets: Floats, vectors: Floats, first: Any, second: Any, metric: str) -> Floats:
    distances = np.empty(len(first))
    step = max(1, BLOCK // max(1, vectors.shape[1]))
    for start in range(0, len(first), step):
        one, other = targets[first[start : start + step]], vectors[second[start : start + step]]
        if metric == EUCLIDEAN:
            found = np.sqrt(((one - other) ** 2).sum(axis=1))
        else:
            found = -np.einsum("ij,ij->i", one, other)
        if metric == COSINE:
            scale = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                found = np.maximum(1 + found / scale, 0)
        distances[start : start + step] = found
    return distances


def _structs(rows: pa.Table) -> pa.Array:
    return rows.combine_chunks().to_struct_array().combine_chunks()


VECTOR_SEARCH = TableFunction(
    NAME,
    takes_model=False,
    tables=(1, 2),
    call=vector_search,
    positional=("column_to_search", "query_column_to_search"),
)
