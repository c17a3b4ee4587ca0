"""Functions of BigQuery that this version of ZetaSQL does not know.

Each is declared by its signature, so that a statement that calls it is type-checked. What is not
here is answered with `UnknownFunction`, and BigQuery decides.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-preprocessing-functions
https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from googlesql.schema import fill_type_proto, parse_type

if TYPE_CHECKING:
    from zetasql.wasi._pb2.zetasql.proto.function_pb2 import FunctionProto

# Of `FunctionEnums.Mode`.
_MODES: Final = {"scalar": 1, "aggregate": 2, "analytic": 3}
# Of `SignatureArgumentKind`: a type named here stands for any that fits.
_PLACEHOLDERS: Final = {"T": 1, "ARRAY<T>": 3, "STRUCT": 6, "ANY": 8}
_FIXED: Final = 0
# Of `FunctionEnums.ArgumentCardinality`.
_REPEATED: Final = 1
_OPTIONAL: Final = 2
# Of `FunctionEnums.WindowOrderSupport`.
_ORDER_OPTIONAL: Final = 1
# Of `FunctionEnums.NamedArgumentKind`: may be given by name only.
_NAMED_ONLY: Final = 3

_NUMERIC: Final = ("FLOAT64", "INT64", "NUMERIC", "BIGNUMERIC")
_SPARSE_VECTOR: Final = "ARRAY<STRUCT<index INT64, value FLOAT64>>"


@dataclass(frozen=True)
class Signature:
    """One way to call a function.

    Attributes:
        name: The function's name, with its dots.
        mode: `analytic` functions are called with OVER ().
        arguments: Types as SQL. `ANY` is any type, `T` one type that recurs, `STRUCT` any struct.
            A question mark after a type means the argument may be left out; `name => TYPE` that
            it is given by name.
        returns: The type of the result, in the same words.
    """

    name: str
    mode: Literal["scalar", "aggregate", "analytic"]
    arguments: tuple[str, ...]
    returns: str


SIGNATURES: Final = (
    *(
        Signature(
            "ML.BUCKETIZE", "scalar", ("FLOAT64", f"ARRAY<{kind}>", "BOOL?", "STRING?"), "STRING"
        )
        for kind in _NUMERIC
    ),
    # The result's fields depend on the values; the argument's struct stands for them.
    Signature("ML.FEATURE_CROSS", "scalar", ("STRUCT", "INT64?"), "STRUCT"),
    Signature("ML.POLYNOMIAL_EXPAND", "scalar", ("STRUCT", "INT64?"), "STRUCT"),
    Signature("ML.HASH_BUCKETIZE", "scalar", ("STRING", "INT64"), "INT64"),
    Signature("ML.NGRAMS", "scalar", ("ARRAY<STRING>", "ARRAY<INT64>", "STRING?"), "ARRAY<STRING>"),
    Signature("ML.NGRAMS", "scalar", ("ARRAY<STRING>", "INT64", "STRING?"), "ARRAY<STRING>"),
    *(
        signature
        for kind in _NUMERIC
        for signature in (
            Signature("ML.NORMALIZER", "scalar", (f"ARRAY<{kind}>", "FLOAT64?"), "ARRAY<FLOAT64>"),
            Signature("ML.LP_NORM", "scalar", (f"ARRAY<{kind}>", "FLOAT64"), "FLOAT64"),
        )
    ),
    # Of numbers, or of structs of an identifier and a number.
    Signature("ML.DISTANCE", "scalar", ("ARRAY<T>", "ARRAY<T>", "STRING?"), "FLOAT64"),
    Signature("ML.STANDARD_SCALER", "analytic", ("FLOAT64",), "FLOAT64"),
    Signature("ML.MIN_MAX_SCALER", "analytic", ("FLOAT64",), "FLOAT64"),
    Signature("ML.MAX_ABS_SCALER", "analytic", ("FLOAT64",), "FLOAT64"),
    Signature(
        "ML.ROBUST_SCALER", "analytic", ("FLOAT64", "ARRAY<INT64>?", "BOOL?", "BOOL?"), "FLOAT64"
    ),
    Signature("ML.IMPUTER", "analytic", ("FLOAT64", "STRING"), "FLOAT64"),
    Signature("ML.IMPUTER", "analytic", ("STRING", "STRING"), "STRING"),
    Signature("ML.QUANTILE_BUCKETIZE", "analytic", ("FLOAT64", "INT64", "STRING?"), "STRING"),
    Signature("ML.LABEL_ENCODER", "analytic", ("STRING", "INT64?", "INT64?"), "INT64"),
    Signature(
        "ML.ONE_HOT_ENCODER", "analytic", ("STRING", "STRING?", "INT64?", "INT64?"), _SPARSE_VECTOR
    ),
    Signature(
        "ML.MULTI_HOT_ENCODER", "analytic", ("ARRAY<STRING>", "INT64?", "INT64?"), _SPARSE_VECTOR
    ),
    Signature("ML.TF_IDF", "analytic", ("ARRAY<STRING>", "INT64?", "INT64?"), _SPARSE_VECTOR),
    Signature("ML.BAG_OF_WORDS", "analytic", ("ARRAY<STRING>", "INT64?", "INT64?"), _SPARSE_VECTOR),
    Signature("MAX_BY", "aggregate", ("T", "ANY"), "T"),
    Signature("MIN_BY", "aggregate", ("T", "ANY"), "T"),
    Signature("CONTAINS_SUBSTR", "scalar", ("ANY", "STRING", "json_scope => STRING"), "BOOL"),
    Signature(
        "SEARCH",
        "scalar",
        (
            "ANY",
            "STRING",
            "json_scope => STRING",
            "analyzer => STRING",
            "analyzer_options => STRING",
        ),
        "BOOL",
    ),
    Signature(
        "TEXT_ANALYZE",
        "scalar",
        ("STRING", "analyzer => STRING", "analyzer_options => STRING"),
        "ARRAY<STRING>",
    ),
    Signature(
        "BAG_OF_WORDS", "scalar", ("ARRAY<STRING>",), "ARRAY<STRUCT<term STRING, count INT64>>"
    ),
    # Not functions of BigQuery, yet options of a model are written so.
    Signature("HPARAM_RANGE", "scalar", ("FLOAT64", "FLOAT64"), "FLOAT64"),
    Signature("HPARAM_CANDIDATES", "scalar", ("ARRAY<T>",), "ARRAY<T>"),
)


OPEN_RESULTS: Final[Mapping[tuple[str, ...], str]] = {
    ("ai", "generate_bool"): "STRUCT<result BOOL, full_response JSON, status STRING>",
    ("ai", "generate_int"): "STRUCT<result INT64, full_response JSON, status STRING>",
    ("ai", "generate_double"): "STRUCT<result FLOAT64, full_response JSON, status STRING>",
    ("ai", "if"): "BOOL",
    ("ai", "score"): "FLOAT64",
    ("ai", "similarity"): "FLOAT64",
    ("ai", "embed"): "STRUCT<result ARRAY<FLOAT64>, status STRING>",
    ("ai", "count_tokens"): "STRUCT<result INT64, full_response JSON>",
}
"""Functions of BigQuery whose result is known, by name in lower case.

Their arguments are not: Google adds to them often, and a new one must not be refused.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-if and the page
of each function beside it.
"""


@dataclass(frozen=True)
class AssumedFunction:
    """A function of which nothing is known but its name, as it might be.

    Attributes:
        token: The plain name that stands for it.
        mode: What it might be; it may be called with OVER, DISTINCT, ORDER BY and LIMIT whenever
            that is not `scalar`.
        returns: The type it might return.
    """

    token: str
    mode: Literal["scalar", "aggregate", "analytic"]
    returns: str


def assumed_function_proto(assumed: AssumedFunction) -> "FunctionProto":
    """Return a function that takes any arguments, as ZetaSQL's catalog takes it."""
    from zetasql.wasi._pb2.zetasql.proto.function_pb2 import FunctionProto

    function = FunctionProto(group="assumed", mode=_MODES[assumed.mode])
    function.name_path.append(assumed.token)
    if assumed.mode != "scalar":
        function.options.supports_over_clause = True
        function.options.supports_window_framing = True
        function.options.supports_order_by = True
        function.options.supports_limit = True
        function.options.supports_null_handling_modifier = True
        function.options.window_ordering_support = _ORDER_OPTIONAL
    signature = function.signature.add()
    argument = signature.argument.add(kind=_PLACEHOLDERS["ANY"], num_occurrences=-1)
    argument.options.cardinality = _REPEATED
    _fill_argument(assumed.returns, signature.return_type)
    return function


def function_protos() -> "Iterator[FunctionProto]":
    """Return the declared functions as ZetaSQL's catalog takes them."""
    from zetasql.wasi._pb2.zetasql.proto.function_pb2 import FunctionProto

    declared: dict[str, FunctionProto] = {}
    for signature in SIGNATURES:
        if signature.name not in declared:
            function = FunctionProto(group="ZetaSQL", mode=_MODES[signature.mode])
            function.name_path.extend(signature.name.split("."))
            function.options.supports_over_clause = signature.mode == "analytic"
            declared[signature.name] = function
        proto = declared[signature.name].signature.add()
        for argument in signature.arguments:
            _fill_argument(argument, proto.argument.add())
        _fill_argument(signature.returns, proto.return_type)
    return iter(declared.values())


def _fill_argument(written: str, argument: Any) -> None:
    name, arrow, type_ = written.rpartition(" => ")
    if arrow:
        argument.options.argument_name = name
        argument.options.named_argument_kind = _NAMED_ONLY
    if arrow or type_.endswith("?"):
        argument.options.cardinality = _OPTIONAL
    type_ = type_.removesuffix("?")
    argument.num_occurrences = -1
    argument.kind = _PLACEHOLDERS.get(type_, _FIXED)
    if argument.kind == _FIXED:
        fill_type_proto(parse_type(type_), argument.type)
