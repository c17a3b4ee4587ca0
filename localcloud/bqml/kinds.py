"""The kinds of models that train here, and the options each takes. A new kind is a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.bqml.errors import BqmlError

Check = Callable[[Any], bool]


@dataclass(frozen=True)
class Option:
    """One option of CREATE MODEL.

    Attributes:
        default: Its value when it is left out.
        allowed: What may be given, in words.
        accepts: Tells whether a value may be given.
        supported: Values that work here; None: every accepted one.
    """

    default: Any
    allowed: str
    accepts: Check
    supported: Sequence[Any] | None = None


@dataclass(frozen=True)
class Kind:
    """One MODEL_TYPE.

    Attributes:
        model_type: Its name in the REST API.
        family: `linear` or `boosted_tree`.
        classifier: Whether it predicts classes.
        options: Its options by name.
    """

    model_type: str
    family: str
    classifier: bool
    options: Mapping[str, Option]


def _number(low: float, high: float = float("inf"), *, whole: bool = False) -> Check:
    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return False
        return low <= value <= high

    return accepts


def _choice(*names: str) -> Check:
    return lambda value: isinstance(value, str) and value.upper() in names


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _weights(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, (list, tuple, dict)) and len(pair) == 2 for pair in value
    )


def _fraction(default: float) -> Option:
    return Option(default, "a number from 0 to 1", _number(0, 1))


def _enum(default: str, *names: str, supported: Sequence[str] | None = None) -> Option:
    return Option(default, "one of " + ", ".join(names), _choice(*names), supported)


_LABEL = {
    "INPUT_LABEL_COLS": Option(["label"], "one column name in an array", _texts),
}
_SPLIT = {
    "DATA_SPLIT_METHOD": _enum("AUTO_SPLIT", "AUTO_SPLIT", "RANDOM", "CUSTOM", "SEQ", "NO_SPLIT"),
    "DATA_SPLIT_EVAL_FRACTION": _fraction(0.2),
    "DATA_SPLIT_COL": Option(None, "a column name", _text),
}
_STOP = {
    "EARLY_STOP": Option(True, "TRUE or FALSE", _flag),
    "MIN_REL_PROGRESS": Option(0.01, "a number of 0 or more", _number(0)),
    "MAX_ITERATIONS": Option(20, "a whole number of 1 or more", _number(1, whole=True)),
}
_EXPLAIN = {"ENABLE_GLOBAL_EXPLAIN": Option(False, "TRUE or FALSE", _flag)}
_WEIGHT = {
    "AUTO_CLASS_WEIGHTS": Option(False, "TRUE or FALSE", _flag),
    "CLASS_WEIGHTS": Option(None, "an array of STRUCT(label, weight)", _weights),
}
_LINEAR = {
    **_LABEL,
    **_SPLIT,
    **_STOP,
    **_EXPLAIN,
    "OPTIMIZE_STRATEGY": _enum(
        "AUTO_STRATEGY",
        "AUTO_STRATEGY",
        "BATCH_GRADIENT_DESCENT",
        "NORMAL_EQUATION",
        supported=("AUTO_STRATEGY",),
    ),
    "CATEGORY_ENCODING_METHOD": _enum("ONE_HOT_ENCODING", "ONE_HOT_ENCODING", "DUMMY_ENCODING"),
    "FIT_INTERCEPT": Option(True, "TRUE or FALSE", _flag),
    "L1_REG": Option(0.0, "a number of 0 or more", _number(0)),
    "L2_REG": Option(0.0, "a number of 0 or more", _number(0)),
    "CALCULATE_P_VALUES": Option(False, "TRUE or FALSE", _flag, supported=(False,)),
    "WARM_START": Option(False, "TRUE or FALSE", _flag, supported=(False,)),
    "LEARN_RATE_STRATEGY": _enum(
        "LINE_SEARCH", "LINE_SEARCH", "CONSTANT", supported=("LINE_SEARCH",)
    ),
}
_BOOSTED_TREE = {
    **_LABEL,
    **_SPLIT,
    **_STOP,
    **_EXPLAIN,
    "BOOSTER_TYPE": _enum("GBTREE", "GBTREE", "DART"),
    "DART_NORMALIZE_TYPE": _enum("TREE", "TREE", "FOREST"),
    "NUM_PARALLEL_TREE": Option(1, "a whole number of 1 or more", _number(1, whole=True)),
    "MAX_TREE_DEPTH": Option(6, "a whole number of 1 or more", _number(1, whole=True)),
    "DROPOUT": _fraction(0.0),
    "L1_REG": Option(0.0, "a number of 0 or more", _number(0)),
    "L2_REG": Option(1.0, "a number of 0 or more", _number(0)),
    "LEARN_RATE": Option(0.3, "a number of 0 or more", _number(0)),
    "TREE_METHOD": _enum("AUTO", "AUTO", "EXACT", "APPROX", "HIST"),
    "MIN_TREE_CHILD_WEIGHT": Option(1, "a whole number of 0 or more", _number(0, whole=True)),
    "COLSAMPLE_BYTREE": _fraction(1.0),
    "COLSAMPLE_BYLEVEL": _fraction(1.0),
    "COLSAMPLE_BYNODE": _fraction(1.0),
    "MIN_SPLIT_LOSS": Option(0.0, "a number of 0 or more", _number(0)),
    "SUBSAMPLE": _fraction(1.0),
    "INSTANCE_WEIGHT_COL": Option(None, "a column name", _text),
    "CATEGORY_ENCODING_METHOD": _enum(
        "LABEL_ENCODING",
        "LABEL_ENCODING",
        "ONE_HOT_ENCODING",
        "TARGET_ENCODING",
        supported=("LABEL_ENCODING", "ONE_HOT_ENCODING"),
    ),
    "XGBOOST_VERSION": _enum("0.9", "0.9", "1.1", "2.1"),
    "APPROX_GLOBAL_FEATURE_CONTRIB": Option(False, "TRUE or FALSE", _flag, supported=(False,)),
}

KINDS = {
    "LINEAR_REG": Kind("LINEAR_REGRESSION", "linear", False, _LINEAR),
    "LOGISTIC_REG": Kind("LOGISTIC_REGRESSION", "linear", True, {**_LINEAR, **_WEIGHT}),
    "BOOSTED_TREE_CLASSIFIER": Kind(
        "BOOSTED_TREE_CLASSIFIER", "boosted_tree", True, {**_BOOSTED_TREE, **_WEIGHT}
    ),
    "BOOSTED_TREE_REGRESSOR": Kind("BOOSTED_TREE_REGRESSOR", "boosted_tree", False, _BOOSTED_TREE),
}
"""Defaults and ranges: https://cloud.google.com/bigquery/docs/reference/standard-sql/
bigqueryml-syntax-create-glm and …-create-boosted-tree, as of 2026-08-22."""

KNOWN_TO_GOOGLE = frozenset(
    """
    AUTOML_CLASSIFIER AUTOML_REGRESSOR AUTOENCODER ARIMA_PLUS ARIMA_PLUS_XREG
    CONTRIBUTION_ANALYSIS DNN_CLASSIFIER DNN_REGRESSOR DNN_LINEAR_COMBINED_CLASSIFIER
    DNN_LINEAR_COMBINED_REGRESSOR KMEANS MATRIX_FACTORIZATION ONNX PCA RANDOM_FOREST_CLASSIFIER
    RANDOM_FOREST_REGRESSOR TENSORFLOW TENSORFLOW_LITE TRANSFORM_ONLY XGBOOST
    """.split()  # noqa: SIM905 - a table of names reads better than a list of quotes
)


def kind_of(options: Mapping[str, Any]) -> Kind:
    """Find the kind that OPTIONS asks for.

    Raises:
        BqmlError: MODEL_TYPE is missing or unknown.
        NotImplementedError: Google has it and the local cloud does not.
    """
    name = str(options.get("MODEL_TYPE") or "").upper()
    if name in KINDS:
        return KINDS[name]
    if name in KNOWN_TO_GOOGLE:
        raise NotImplementedError(
            f"models of type {name} do not train on the local cloud yet; these do: "
            f"{', '.join(sorted(KINDS))}"
        )
    if not name:
        raise BqmlError("OPTIONS lacks model_type")
    raise BqmlError(f"model_type is '{name}'; allowed are {', '.join(sorted(KINDS))}")


def settings(kind: Kind, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check options and fill in defaults.

    Args:
        kind: The kind of model.
        options: What OPTIONS gives, names in upper case.

    Returns:
        A value for each option of the kind; names of enumerations in upper case.

    Raises:
        BqmlError: An option is unknown to this kind, or its value is not allowed.
        NotImplementedError: A value that Google takes does not work here.
    """
    filled = {name: option.default for name, option in kind.options.items()}
    for name, value in options.items():
        if name == "MODEL_TYPE":
            continue
        option = kind.options.get(name)
        if option is None:
            raise BqmlError(
                f"option {name.lower()} is not one of {kind.model_type}; its options are "
                f"{', '.join(sorted(kind.options)).lower()}"
            )
        if not option.accepts(value):
            raise BqmlError(f"option {name.lower()} is {value!r}; give {option.allowed}")
        given = value.upper() if isinstance(option.default, str) else value
        if option.supported is not None and given not in option.supported:
            raise NotImplementedError(
                f"option {name.lower()} = {value!r} does not work on the local cloud yet; "
                f"{', '.join(map(str, option.supported))} does"
            )
        filled[name] = given
    if filled.get("CLASS_WEIGHTS") and filled.get("AUTO_CLASS_WEIGHTS"):
        raise BqmlError("give auto_class_weights or class_weights, not both")
    return filled
