"""Whether a model that is there was made of a statement, as far as BigQuery tells.

BigQuery does not give back the SQL that trained a model, but its kind, its columns and most of its
options: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/models
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bqvertex.specs.model_statement import ModelStatement
from googlesql.constant import Call, Constant, Expression, Interval
from googlesql.literal import render

MODEL_TYPES: Final = {"LINEAR_REG": "LINEAR_REGRESSION", "LOGISTIC_REG": "LOGISTIC_REGRESSION"}
"""MODEL_TYPEs whose name in the REST API is another."""

FIELDS: Final = {
    "CLASS_WEIGHTS": "labelClassWeights",
    "DATA_SPLIT_COL": "dataSplitColumn",
    "DIMENSION_ID_COLS": "dimensionIdColumns",
    "INPUT_LABEL_COLS": "inputLabelColumns",
    "INSTANCE_WEIGHT_COL": "instanceWeightColumn",
    "IS_TEST_COL": "isTestColumn",
    "ITEM_COL": "itemColumn",
    "KMEANS_INIT_COL": "kmeansInitializationColumn",
    "KMEANS_INIT_METHOD": "kmeansInitializationMethod",
    "L1_REG": "l1Regularization",
    "L2_REG": "l2Regularization",
    "LS_INIT_LEARN_RATE": "initialLearnRate",
    "MIN_REL_PROGRESS": "minRelativeProgress",
    "MODEL_PATH": "modelUri",
    "OPTIMIZE_STRATEGY": "optimizationStrategy",
    "TIME_SERIES_DATA_COL": "timeSeriesDataColumn",
    "TIME_SERIES_TIMESTAMP_COL": "timeSeriesTimestampColumn",
    "USER_COL": "userColumn",
}
"""Fields of `TrainingOptions` by option, where they are not the option's name in camel case."""

ONE_OR_MORE: Final = {
    "HOLIDAY_REGION": ("holidayRegion", "holidayRegions"),
    "TIME_SERIES_ID_COL": ("timeSeriesIdColumn", "timeSeriesIdColumns"),
}
"""Options with one field for a single value and another for several."""

VALUES: Final = {"KMEANS++": "KMEANS_PLUS_PLUS", "SEQ": "SEQUENTIAL"}
"""Words of options whose name in the REST API is another."""

UNTOLD: Final = frozenset({"AUTO_STRATEGY"})
"""Words for which the REST API has none: what BigQuery chose comes back."""

NOT_COMPARED: Final = frozenset(
    {"MODEL_TYPE", "MODEL_REGISTRY", "VERTEX_AI_MODEL_ID", "VERTEX_AI_MODEL_VERSION_ALIASES"}
)
"""Options that make no other model, and the one that is compared by itself."""

REMOTE_FIELDS: Final = {
    "ENDPOINT": "endpoint",
    "MAX_BATCHING_ROWS": "maxBatchingRows",
    "REMOTE_SERVICE_TYPE": "remoteServiceType",
    "SPEECH_RECOGNIZER": "speechRecognizer",
}
"""Fields of `RemoteModelInfo` by option."""


PREDICTED: Final = "predicted_"
"""What precedes a label's name in that of the column which predicts it."""


@dataclass(frozen=True)
class LiveDefinition:
    """What BigQuery tells of how a model was made.

    Attributes:
        model_type: `modelType` of the REST API.
        training_options: `TrainingOptions` of the last training; empty where none are told.
        label_columns: Type by name.
        feature_columns: Type by name.
        remote_model_info: `RemoteModelInfo`; empty for a model that is not remote.
    """

    model_type: str
    training_options: Mapping[str, Any]
    label_columns: Mapping[str, str]
    feature_columns: Mapping[str, str]
    remote_model_info: Mapping[str, Any]


def differences(
    statement: ModelStatement, result_columns: Mapping[str, str] | None, live: LiveDefinition
) -> list[str]:
    """Say in what a live model differs from a statement.

    Args:
        statement: The CREATE MODEL statement.
        result_columns: Type by name of the columns of its query; None where they are not known.
        live: What BigQuery tells. What it leaves out is taken to agree: the query itself,
            TRANSFORM, and options that it has no field for.

    Returns:
        One phrase a difference, such as `MAX_ITERATIONS is 50 there and 20 here`; empty where
        nothing speaks against it.
    """
    return [
        *_type_differences(statement, live),
        *_option_differences(statement, live),
        *_remote_differences(statement, live),
        *_column_differences(statement, result_columns, live),
    ]


def _type_differences(statement: ModelStatement, live: LiveDefinition) -> Iterator[str]:
    kind = statement.kind
    if kind.is_remote != bool(live.remote_model_info):
        there, here = ("no remote model", "one") if kind.is_remote else ("a remote model", "none")
        yield f"it is {there} there and {here} here"
    elif not kind.is_remote:
        wanted = MODEL_TYPES.get(kind.name, kind.name)
        if live.model_type != wanted:
            yield f"its kind is {live.model_type} there and {wanted} here"


def _option_differences(statement: ModelStatement, live: LiveDefinition) -> Iterator[str]:
    stated = statement.parts.options
    for name, option in statement.kind.options.items():
        if name in NOT_COMPARED or (statement.kind.is_remote and name in REMOTE_FIELDS):
            continue
        there = _told(name, live.training_options)
        if there is None:
            continue
        here, whence = stated.get(name), ""
        if here is None and option.type in ("BOOL", "INT64", "FLOAT64"):
            # A word or a list that nobody wrote may have been chosen by BigQuery.
            here, whence = option.default, ", by default"
        if _is_untold(here) or option.secret:
            continue
        if not _is_same(here, there):
            yield f"{name} is {_shown(there)} there and {render(here)} here{whence}"


def _remote_differences(statement: ModelStatement, live: LiveDefinition) -> Iterator[str]:
    if not (statement.kind.is_remote and live.remote_model_info):
        return
    for name, field in REMOTE_FIELDS.items():
        there, here = live.remote_model_info.get(field), statement.parts.options.get(name)
        if there is None or here is None:
            continue
        if isinstance(here, str) and name == "ENDPOINT" and str(there).endswith(f"/{here}"):
            # A bare name, `gemini-2.5-flash`, comes back as the URL that it stands for.
            continue
        if not _is_same(here, there):
            yield f"{name} is {_shown(there)} there and {render(here)} here"
    path, there = statement.parts.connection, live.remote_model_info.get("connection")
    if path and there and path[0] != "DEFAULT" and str(there).rpartition(".")[2] != path[-1]:
        yield f"its connection is {there} there and {'.'.join(path)} here"


def _column_differences(
    statement: ModelStatement, result_columns: Mapping[str, str] | None, live: LiveDefinition
) -> Iterator[str]:
    labels = _label_names(statement)
    # Google's page says the columns that were trained on, and its API has been seen to answer
    # those that the model predicts.
    there = [name.removeprefix(PREDICTED) for name in live.label_columns]
    if labels and there and {*labels} not in ({*there}, {*live.label_columns}):
        yield f"its label column is {', '.join(there)} there and {', '.join(labels)} here"
    if result_columns is None or not statement.kind.is_trained:
        return
    here = {name.lower(): (name, type_) for name, type_ in result_columns.items()}
    for name, type_ in live.feature_columns.items():
        if name.lower() not in here:
            yield f"it takes the column {name} there and the query has none here"
        elif here[name.lower()][1] != type_:
            yield f"the column {name} is {type_} there and {here[name.lower()][1]} here"
    if statement.parts.transform is not None or not live.feature_columns:
        # A model with TRANSFORM takes the columns that TRANSFORM reads, and no others.
        return
    told = {name.lower() for name in (*live.feature_columns, *live.label_columns, *labels)}
    told |= {name.lower() for name in _named_columns(statement)}
    for lowered, (name, _) in here.items():
        if lowered not in told:
            yield f"the query has the column {name} here and the model takes none there"


def _label_names(statement: ModelStatement) -> list[str]:
    if not statement.kind.has_label:
        return []
    named = statement.parts.options.get("INPUT_LABEL_COLS") or ["label"]
    return [str(name) for name in named] if isinstance(named, list) else []


def _named_columns(statement: ModelStatement) -> Collection[str]:
    found: list[str] = []
    for name, option in statement.kind.options.items():
        value = statement.parts.options.get(name, option.default)
        if option.columns is not None and value is not None:
            found += [str(item) for item in (value if isinstance(value, list) else [value])]
    return found


def _told(name: str, training_options: Mapping[str, Any]) -> Any:
    if name in ONE_OR_MORE:
        one, several = ONE_OR_MORE[name]
        return training_options.get(several) or training_options.get(one)
    return training_options.get(FIELDS.get(name) or _camel_case(name))


def _camel_case(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def _is_untold(value: Constant) -> bool:
    # A tuned option comes back as the value that was chosen.
    if value is None or isinstance(value, (Call, Expression, Interval)):
        return True
    return isinstance(value, str) and value.upper() in UNTOLD


def _is_same(here: Constant, there: Any) -> bool:
    match here, there:
        case bool(), _:
            return str(there).lower() == str(here).lower()
        case int() | float() | Decimal(), _:
            try:
                return float(there) == float(here)
            except (TypeError, ValueError):
                return False
        case list(), Mapping():
            # CLASS_WEIGHTS is an array of structs here and a map there.
            return _weights(here) == {str(key): float(value) for key, value in there.items()}
        case list() | tuple(), _:
            if isinstance(there, Mapping):
                # NON_SEASONAL_ORDER is (p, d, q) here and a message there.
                there = [there.get(letter, 0) for letter in "pdq"]
            items = (
                list(there)
                if isinstance(there, Sequence) and not isinstance(there, str)
                else [there]
            )
            return len(items) == len(here) and all(
                _is_same(one, other) for one, other in zip(here, items, strict=True)
            )
        case str(), list() if len(there) == 1:
            return _is_same(here, there[0])
        case str(), _:
            return VALUES.get(here.upper(), here.upper()) == str(there).upper()
    return bool(here == there)


def _weights(pairs: Sequence[Constant]) -> dict[str, float] | None:
    found: dict[str, float] = {}
    for pair in pairs:
        parts = list(pair.values()) if isinstance(pair, dict) else pair
        if not isinstance(parts, (list, tuple)) or len(parts) != 2:
            return None
        found[str(parts[0])] = float(str(parts[1]))
    return found


def _shown(there: Any) -> str:
    return ", ".join(str(item) for item in there) if isinstance(there, list) else str(there)
