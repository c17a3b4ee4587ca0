"""Which AI.* functions there are, what they take, and the SQL that each call becomes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_bigquery.errors import BigQueryError

from googlesql.constant import Constant, Expression, read_constant
from googlesql.tree import Node, identifiers
from localcloud.bigquery import connection, location
from localcloud.bigquery.generative import output_schema
from localcloud.bigquery.scalar_function import Call

NATIVE = "local_ai"
"""The DuckDB function that every call becomes: settings as JSON, then arguments as JSON."""
MOST_ERRORS = "max_error_ratio"
GENERATIVE = ("AI.GENERATE", "AI.GENERATE_BOOL", "AI.GENERATE_INT", "AI.GENERATE_DOUBLE")
REQUEST_TYPES = ("DEDICATED", "SHARED", "UNSPECIFIED")
_GENERATED = ("endpoint", "model_params", "connection_id", "request_type")
_JUDGED = ("connection_id", "endpoint", MOST_ERRORS)
_OPTIMISED = ("examples", "embeddings", "optimization_mode")
_EMBEDDED = ("endpoint", "model", "model_params", "connection_id")


@dataclass(frozen=True)
class Parameters:
    """What a function takes.

    Attributes:
        positional: Names that arguments without a name have, in order; all are needed.
        named: Names that may be given.
    """

    positional: tuple[str, ...]
    named: tuple[str, ...]


FUNCTIONS: Mapping[str, Parameters] = {
    "AI.GENERATE": Parameters(("prompt",), (*_GENERATED, "output_schema")),
    "AI.GENERATE_BOOL": Parameters(("prompt",), _GENERATED),
    "AI.GENERATE_INT": Parameters(("prompt",), _GENERATED),
    "AI.GENERATE_DOUBLE": Parameters(("prompt",), _GENERATED),
    "AI.IF": Parameters(("prompt",), (*_JUDGED, *_OPTIMISED)),
    "AI.SCORE": Parameters(("prompt",), _JUDGED),
    "AI.CLASSIFY": Parameters(("input", "categories"), (*_JUDGED, *_OPTIMISED, "output_mode")),
    "AI.AGG": Parameters(("input", "instruction"), ("connection_id", "endpoint")),
    "AI.EMBED": Parameters(("content",), (*_EMBEDDED, "task_type", "title")),
    "AI.SIMILARITY": Parameters(("content1", "content2"), _EMBEDDED),
    "AI.COUNT_TOKENS": Parameters(("input",), ("endpoint",)),
}
"""The pages are https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-ai-*
"""
_STRUCTS: Mapping[str, Mapping[str, Any]] = {
    "AI.GENERATE": {"result": "VARCHAR", "full_response": "JSON", "status": "VARCHAR"},
    "AI.GENERATE_BOOL": {"result": "BOOLEAN", "full_response": "JSON", "status": "VARCHAR"},
    "AI.GENERATE_INT": {"result": "BIGINT", "full_response": "JSON", "status": "VARCHAR"},
    "AI.GENERATE_DOUBLE": {"result": "DOUBLE", "full_response": "JSON", "status": "VARCHAR"},
    "AI.EMBED": {"result": ["DOUBLE"], "status": "VARCHAR"},
    "AI.COUNT_TOKENS": {"result": "BIGINT", "full_response": "JSON"},
}
_CASTS = {"AI.IF": "BOOL", "AI.SCORE": "FLOAT64", "AI.SIMILARITY": "FLOAT64"}


def rendered(call: Call, project: str, statement: str) -> str:
    """The GoogleSQL that takes a call's place.

    Args:
        call: A call of one of `FUNCTIONS`.
        project: Who asks.
        statement: Names the statement that asks, under which failures are counted.

    Raises:
        BigQueryError: An argument is unknown, missing, given twice or wrong.
    """
    given = _arguments(call)
    constants = {name: read_constant(node, call.text) for name, node in given.items()}
    settings: dict[str, Any] = {
        "function": call.name,
        "project": project,
        "location": location.of_running_job(),
        "statement": statement,
    }
    _check(call.name, constants, project)
    written = {name: call.text.slice(node.start, node.end) for name, node in given.items()}
    if call.name == "AI.AGG":
        distinct = "DISTINCT " if call.distinct else ""
        written["input"] = f"ARRAY_AGG({distinct}{written['input']} IGNORE NULLS)"
    elif call.distinct:
        raise BigQueryError("invalidQuery", f"{call.name} is no aggregate function: DISTINCT.")
    structure: Any = _STRUCTS.get(call.name)
    if "output_schema" in constants:
        text = str(constants["output_schema"])
        settings["output_schema"] = text
        fields = output_schema.read(call.name, text)
        structure = {f.name: f.kind.structure for f in fields} | {
            "full_response": "JSON",
            "status": "VARCHAR",
        }
    if "output_mode" in constants:
        structure = ["VARCHAR"]
    # What is embedded beforehand changes nothing here: no model is distilled.
    passed = [name for name in written if name not in ("output_schema", "embeddings")]
    arguments = ", ".join(f"{written[name]} AS {name}" for name in passed)
    native = f"{NATIVE}({_literal(settings)}, TO_JSON_STRING(STRUCT({arguments})))"
    if structure is not None:
        return f"FROM_JSON({native}, {_literal(structure)})"
    return f"CAST({native} AS {_CASTS[call.name]})" if call.name in _CASTS else native


def _arguments(call: Call) -> dict[str, Node]:
    parameters = FUNCTIONS[call.name]
    allowed = (*parameters.positional, *parameters.named)
    given: dict[str, Node] = {}
    for place, argument in enumerate(call.arguments):
        value: Node | None = argument
        if argument.kind == "ASTNamedArgument":
            name = "".join(identifiers(argument.child("name"))).lower()
            value = argument.child("expr")
        elif place < len(parameters.positional):
            name = parameters.positional[place]
        else:
            raise BigQueryError(
                "invalidQuery",
                f"{call.name} takes {len(parameters.positional)} arguments without a name; "
                f"others are {', '.join(parameters.named)}, given as name => value.",
            )
        if name not in allowed:
            raise BigQueryError(
                "invalidQuery",
                f"{call.name} has no argument {name}; allowed are {', '.join(allowed)}.",
            )
        if name in given:
            raise BigQueryError("invalidQuery", f"{call.name}: {name} is given twice.")
        assert value is not None, "the grammar gives a named argument its value"
        given[name] = value
    if missing := [name for name in parameters.positional if name not in given]:
        raise BigQueryError("invalidQuery", f"{call.name} needs the argument {missing[0]}.")
    return given


def _check(function: str, given: Mapping[str, Constant], project: str) -> None:
    _one_of(function, given, "request_type", REQUEST_TYPES)
    _one_of(function, given, "output_mode", ("single", "multi"))
    _one_of(function, given, "optimization_mode", ("MINIMIZE_COST", "MAXIMIZE_QUALITY"))
    _one_of(function, given, "model", ("embeddinggemma-300m",))
    if given.get("request_type") == "DEDICATED":
        raise BigQueryError(
            "invalidQuery", "Provisioned throughput is not purchased or is not active"
        )
    for name in ("output_schema", "output_mode"):
        if isinstance(given.get(name), Expression) or given.get(name, "") is None:
            raise BigQueryError("invalidQuery", f"{function}: {name} must be a STRING literal.")
    ratio = given.get(MOST_ERRORS, 1.0)
    if not isinstance(ratio, Expression) and not (
        isinstance(ratio, int | float) and 0 <= ratio <= 1
    ):
        raise BigQueryError(
            "invalidQuery", f"{function}: {MOST_ERRORS} is {ratio!r}; it is from 0.0 to 1.0."
        )
    if "model" in given and (beside := given.keys() & {"endpoint", "title", "model_params"}):
        raise BigQueryError(
            "invalidQuery", f"{function}: {sorted(beside)[0]} cannot be given beside model."
        )
    if function == "AI.EMBED" and not given.keys() & {"model", "endpoint"}:
        raise BigQueryError("invalidQuery", f"{function} needs endpoint or model.")
    named = given.get("connection_id")
    if isinstance(named, str):
        connection.resolve_for_query(project, named.split("."), location.of_running_job())


def _one_of(
    function: str, given: Mapping[str, Constant], name: str, allowed: tuple[str, ...]
) -> None:
    value = given.get(name, allowed[0])
    if not isinstance(value, Expression) and value not in allowed:
        raise BigQueryError(
            "invalidQuery",
            f"{function}: {name} is {value!r}; allowed are {', '.join(allowed)}.",
        )


def _literal(value: Any) -> str:
    """JSON as a STRING literal of GoogleSQL."""
    return json.dumps(json.dumps(value))
