"""The options of indexes.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_vector_index_statement
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_bigquery.errors import BigQueryError

from googlesql.constant import Constant, read_constant
from googlesql.position import Text
from googlesql.tree import Node, identifiers
from localcloud.bigquery.index.stored_index import SEARCHABLE

Check = Callable[[str], str]


def _one_of(*names: str) -> Check:
    def check(value: str) -> str:
        return "" if value.upper() in names else f"allowed are {', '.join(names)}"

    return check


def _json_object(value: str) -> str:
    try:
        read = json.loads(value)
    except ValueError as error:
        return f"it must be a JSON object: {error}"
    return "" if isinstance(read, dict) else "it must be a JSON object"


def _ivf(value: str) -> str:
    if wrong := _json_object(value):
        return wrong
    given = json.loads(value)
    if unknown := sorted(set(given) - {"num_lists"}):
        return f"{unknown[0]} is unknown; num_lists is the only one"
    lists = given.get("num_lists", 1)
    if type(lists) is not int or not 1 <= lists <= 5000:
        return f"num_lists is {lists!r}; it is an integer from 1 to 5000"
    return ""


def _tree_ah(value: str) -> str:
    if wrong := _json_object(value):
        return wrong
    given = json.loads(value)
    if unknown := sorted(set(given) - {"leaf_node_embedding_count", "normalization_type"}):
        return f"{unknown[0]} is unknown; leaf_node_embedding_count and normalization_type are not"
    count = given.get("leaf_node_embedding_count", 1000)
    if type(count) is not int or count < 500:
        return f"leaf_node_embedding_count is {count!r}; it is an integer from 500"
    if given.get("normalization_type", "NONE") not in ("NONE", "L2"):
        return "normalization_type is NONE or L2"
    return ""


_GRANULARITY = _one_of("GLOBAL", "COLUMN")
TEXTS: Mapping[str, Mapping[str, Check]] = {
    "VECTOR": {
        "index_type": _one_of("IVF", "TREE_AH"),
        "distance_type": _one_of("EUCLIDEAN", "COSINE", "DOT_PRODUCT"),
        "ivf_options": _ivf,
        "tree_ah_options": _tree_ah,
    },
    "SEARCH": {
        "analyzer": _one_of("LOG_ANALYZER", "NO_OP_ANALYZER", "PATTERN_ANALYZER"),
        "analyzer_options": _json_object,
        "default_index_column_granularity": _GRANULARITY,
    },
    "SEARCH column": {"index_granularity": _GRANULARITY},
    "VECTOR column": {},
}
"""Options that are a STRING."""
LISTS: Mapping[str, Mapping[str, tuple[str, ...] | None]] = {
    "VECTOR": {"lexical_search_columns": None},
    "SEARCH": {"data_types": SEARCHABLE},
    "SEARCH column": {"data_types": SEARCHABLE},
    "VECTOR column": {},
}
"""Options that are an ARRAY<STRING>, with the values allowed; None: any."""


def read(kind: str, options: Node | None, text: Text) -> dict[str, Any]:
    """The options of a list, each checked by itself.

    Args:
        kind: `VECTOR`, `SEARCH`, or either with ` column` for the options of a column.
        options: The list; None without one.
        text: What it was parsed from.

    Returns:
        Values by name in lower case; None for NULL, which puts the default back.

    Raises:
        BigQueryError: An option is unknown, or its value is not allowed.
    """
    found: dict[str, Any] = {}
    for entry in options.children("options_entries") if options else ():
        name, value = entry.child("name"), entry.child("value")
        assert name is not None, "the grammar gives an option its name"
        assert value is not None, "the grammar gives an option its value"
        option = identifiers(name)[0].lower()
        found[option] = _checked(kind, option, read_constant(value, text))
    return found


def check_together(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together.

    Raises:
        BigQueryError: An option of one algorithm or analyzer stands beside another.
    """
    if kind == "VECTOR":
        if not options.get("index_type"):
            raise BigQueryError(
                "invalidQuery", "CREATE VECTOR INDEX needs the option index_type: IVF or TREE_AH."
            )
        for option, algorithm in (("ivf_options", "IVF"), ("tree_ah_options", "TREE_AH")):
            if options.get(option) and options["index_type"].upper() != algorithm:
                raise BigQueryError(
                    "invalidQuery",
                    f"Option {option} needs index_type = '{algorithm}', but index_type is "
                    f"'{options['index_type']}'.",
                )
    elif options.get("analyzer_options") and (options.get("analyzer") or "LOG_ANALYZER") not in (
        "LOG_ANALYZER",
        "PATTERN_ANALYZER",
    ):
        raise BigQueryError(
            "invalidQuery",
            "Option analyzer_options needs analyzer = 'LOG_ANALYZER' or 'PATTERN_ANALYZER', but "
            f"analyzer is '{options['analyzer']}'.",
        )


def _checked(kind: str, option: str, value: Constant) -> Any:
    if option in LISTS[kind]:
        allowed = LISTS[kind][option]
        if value is None or value == []:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong(kind, option, value, "it must be an ARRAY<STRING>")
        if allowed and (unknown := [item for item in value if str(item).upper() not in allowed]):
            raise _wrong(kind, option, unknown[0], f"allowed are {', '.join(allowed)}")
        return [str(item).upper() for item in value] if allowed else value
    check = TEXTS[kind].get(option)
    if check is None:
        known = ", ".join(sorted([*TEXTS[kind], *LISTS[kind]])) or "none"
        raise BigQueryError(
            "invalidQuery",
            f"Unknown option {option} of a {kind.lower()} index; there are: {known}.",
        )
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(kind, option, value, "it must be a STRING")
    if wrong := check(value):
        raise _wrong(kind, option, value, wrong)
    return value if option.endswith("_options") else value.upper()


def _wrong(kind: str, option: str, value: Any, why: str) -> BigQueryError:
    return BigQueryError(
        "invalidQuery", f"Option {option} of a {kind.lower()} index is {value!r}: {why}."
    )
