"""What CREATE MODEL's OPTIONS may hold: values, defaults and how they are refused.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-glm and
…/bigqueryml-syntax-create-boosted-tree, as of 2026-08-22.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.bqml.errors import BqmlError

Check = Callable[[Any], bool]

OF_THE_ADAPTER = frozenset(
    {
        "MODEL_TYPE",
        "MODEL_REGISTRY",
        "VERTEX_AI_MODEL_ID",
        "VERTEX_AI_MODEL_VERSION_ALIASES",
        "KMS_KEY_NAME",
    }
)
"""Options that say where a model goes, not how it is trained."""


@dataclass(frozen=True)
class Option:
    """One option of CREATE MODEL.

    Attributes:
        default: Its value when it is left out.
        allowed: What may be given, in words.
        accepts: Tells whether a value may be given.
        supported: Values that work here; None: every accepted one.
        is_name: Whether it is a name in any case, kept in upper case.
        is_list: Whether a single value stands for an array of it.
    """

    default: Any
    allowed: str
    accepts: Check
    supported: Sequence[Any] | None = None
    is_name: bool = False
    is_list: bool = False


def number(default: float | None, low: float = 0.0, high: float = float("inf")) -> Option:
    """A FLOAT64 within bounds, both included."""
    bounds = f"a number of {low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
    return Option(default, bounds, lambda value: _is_number(value) and low <= value <= high)


def share(default: float) -> Option:
    """A FLOAT64 above 0 and up to 1."""
    return Option(
        default,
        "a number above 0 and up to 1",
        lambda value: _is_number(value) and 0 < value <= 1,
    )


def positive(default: float) -> Option:
    """A FLOAT64 above 0."""
    return Option(
        default,
        "a number above 0",
        lambda value: _is_number(value) and 0 < value < float("inf"),
    )


def between(default: float | None, low: float, high: float) -> Option:
    """A FLOAT64 within bounds, both excluded."""
    return Option(
        default,
        f"a number above {low:g} and below {high:g}",
        lambda value: _is_number(value) and low < value < high,
    )


def whole(default: int | None, low: int, high: int | None = None) -> Option:
    """An INT64 within bounds, both included; without an upper one where `high` is None."""
    return Option(
        default,
        f"a whole number of {low} or more" if high is None else f"a whole number, {low} to {high}",
        lambda value: (
            isinstance(value, int)
            and not isinstance(value, bool)
            and low <= value
            and (high is None or value <= high)
        ),
    )


def flag(default: bool, supported: Sequence[bool] | None = None) -> Option:
    """A BOOL."""
    return Option(
        default, "TRUE or FALSE", lambda value: isinstance(value, bool), supported=supported
    )


def choice(default: str | None, *names: str, supported: Sequence[str] | None = None) -> Option:
    """One of some names, in any case."""
    return Option(
        default,
        "one of " + ", ".join(names),
        lambda value: isinstance(value, str) and value.upper() in names,
        supported,
        is_name=True,
    )


def names(
    default: list[str] | None,
    allowed: str,
    accepts: Callable[[str], bool] = lambda name: name != "",
) -> Option:
    """One or more names; a single one may come without its array and is kept in one.

    Args:
        default: When it is left out.
        allowed: What may be given, in words.
        accepts: Tells whether one name may be given.
    """
    return Option(
        default,
        allowed,
        lambda value: (
            (isinstance(value, str) and accepts(value))
            or (_are_texts(value) and len(value) > 0 and all(map(accepts, value)))
        ),
        is_list=True,
    )


def column(default: str | None = None) -> Option:
    """The name of a column."""
    return Option(default, "a column name", lambda value: isinstance(value, str) and value != "")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _are_weights(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(_is_weight(pair) for pair in value)


def _is_weight(pair: Any) -> bool:
    fields = list(pair.values()) if isinstance(pair, dict) else pair
    return (
        isinstance(fields, (list, tuple))
        and len(fields) == 2
        and _is_number(fields[1])
        and fields[1] >= 0
    )


LABEL: Mapping[str, Option] = {
    "INPUT_LABEL_COLS": Option(
        ["label"],
        "one column name in an array",
        lambda value: _are_texts(value) and len(value) == 1,
    )
}
SPLIT: Mapping[str, Option] = {
    "DATA_SPLIT_METHOD": choice("AUTO_SPLIT", "AUTO_SPLIT", "RANDOM", "CUSTOM", "SEQ", "NO_SPLIT"),
    "DATA_SPLIT_EVAL_FRACTION": number(None, 0, 1),
    "DATA_SPLIT_COL": column(),
}
STOP: Mapping[str, Option] = {
    "EARLY_STOP": flag(True),
    "MIN_REL_PROGRESS": number(0.01),
    "MAX_ITERATIONS": whole(20, 1),
}
EXPLAIN: Mapping[str, Option] = {"ENABLE_GLOBAL_EXPLAIN": flag(False)}
CLASS_WEIGHTS: Mapping[str, Option] = {
    "AUTO_CLASS_WEIGHTS": flag(False),
    "CLASS_WEIGHTS": Option(
        None, "an array of STRUCT(label, weight), weights of 0 or more", _are_weights
    ),
}
TUNING = frozenset(
    {
        "NUM_TRIALS",
        "MAX_PARALLEL_TRIALS",
        "HPARAM_TUNING_ALGORITHM",
        "HPARAM_TUNING_OBJECTIVES",
        "DATA_SPLIT_TEST_FRACTION",
    }
)
"""Options of hyperparameter tuning."""


def filled(
    model_type: str,
    allowed: Mapping[str, Option],
    given: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Check options one by one and fill in defaults.

    Args:
        model_type: Whose they are, for messages.
        allowed: The options there are, by name.
        given: What OPTIONS gives, names in upper case.
        before: What the training had that this one goes on from; comes before the defaults.

    Returns:
        A value for each option; names of enumerations in upper case.

    Raises:
        BqmlError: An option is unknown to this kind, or its value is not allowed.
        NotImplementedError: Google takes it, and it does not work here.
    """
    known_before = before or {}
    values = {name: known_before.get(name, option.default) for name, option in allowed.items()}
    for name, value in given.items():
        if name in OF_THE_ADAPTER:
            continue
        if name in TUNING and name not in allowed:
            raise BqmlError(
                f"option {name.lower()} is of hyperparameter tuning, which needs num_trials"
            )
        option = allowed.get(name)
        if option is None:
            raise BqmlError(
                f"option {name.lower()} is not one of {model_type}; its options are "
                f"{', '.join(sorted(allowed)).lower()}"
            )
        if not option.accepts(value):
            raise BqmlError(f"option {name.lower()} is {value!r}; give {option.allowed}")
        known = value.upper() if option.is_name else value
        if option.supported is not None and known not in option.supported:
            raise NotImplementedError(
                f"option {name.lower()} = {value!r} does not work on the local cloud yet; "
                f"{', '.join(map(str, option.supported))} does"
            )
        values[name] = [known] if option.is_list and isinstance(known, str) else known
    return values


def class_weight_pairs(value: Any) -> dict[str, float]:
    """CLASS_WEIGHTS as a weight for each label."""
    pairs = [list(pair.values()) if isinstance(pair, dict) else list(pair) for pair in value]
    return {str(label): float(weight) for label, weight in pairs}
