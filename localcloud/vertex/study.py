"""Which hyperparameters a tuning job tries: Optuna's samplers over a study specification.

Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/StudySpec
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localcloud.errors import ApiError, Json

if TYPE_CHECKING:
    import optuna

SEED = 0
"""The same study asks for the same values, as long as its trials end in the same order."""
Parameters = dict[str, Any]
"""Values by `parameterId`: numbers, or texts of categories."""
_VALUES = ("doubleValueSpec", "integerValueSpec", "categoricalValueSpec", "discreteValueSpec")
_CONDITIONS = ("parentDiscreteValues", "parentIntValues", "parentCategoricalValues")
_UNSUPPORTED = (
    "convexAutomatedStoppingSpec",
    "decayCurveStoppingSpec",
    "medianAutomatedStoppingSpec",
    "studyStoppingConfig",
)


def check(spec: Json) -> None:
    """Refuse a study that is malformed or asks for what is not there.

    Raises:
        ApiError: INVALID_ARGUMENT or UNIMPLEMENTED.
    """
    for key in _UNSUPPORTED:
        if key in spec:
            raise ApiError(
                "UNIMPLEMENTED", f"study_spec: {key} is not computed by the local cloud."
            )
    metrics, parameters = spec.get("metrics", []), spec.get("parameters", [])
    _check_ids("metrics", [metric["metricId"] for metric in metrics])
    _check_ids("parameters", [parameter["parameterId"] for parameter in parameters])
    for metric in metrics:
        if metric.get("goal") not in ("MAXIMIZE", "MINIMIZE"):
            raise _wrong(f"The goal of metric {metric['metricId']!r} is MAXIMIZE or MINIMIZE.")
        if "safetyConfig" in metric:
            raise ApiError(
                "UNIMPLEMENTED",
                f"Metric {metric['metricId']!r}: safe search is not there on the local cloud.",
            )
    for parameter in parameters:
        _check_parameter(parameter, spec.get("algorithm", ""))


def _check_ids(what: str, ids: Sequence[str]) -> None:
    if not ids:
        raise _wrong(f"study_spec.{what} must not be empty.")
    for identifier in ids:
        if not identifier or identifier.split() != [identifier] or ids.count(identifier) > 1:
            raise _wrong(f"study_spec.{what}: {identifier!r} must be unique and without spaces.")


def _check_parameter(parameter: Json, algorithm: str) -> None:
    name = parameter["parameterId"]
    kinds = [kind for kind in _VALUES if kind in parameter]
    if len(kinds) != 1:
        raise _wrong(
            f"Parameter {name!r} must have one of double, integer, categorical and "
            "discrete_value_spec."
        )
    values = parameter[kinds[0]]
    if kinds[0] in ("doubleValueSpec", "integerValueSpec"):
        low, high = _bounds(values)
        if low > high:
            raise _wrong(f"Parameter {name!r}: min_value {low} is more than max_value {high}.")
        if low <= 0 and "LOG" in parameter.get("scaleType", ""):
            raise _wrong(
                f"Parameter {name!r}: {parameter['scaleType']} needs a min_value above 0; "
                f"got {low}."
            )
        if kinds[0] == "doubleValueSpec" and algorithm == "GRID_SEARCH":
            raise _wrong(
                f"Parameter {name!r} is DOUBLE: GRID_SEARCH takes INTEGER, CATEGORICAL and "
                "DISCRETE parameters."
            )
    elif not values.get("values"):
        raise _wrong(f"Parameter {name!r} has no values.")
    for conditional in parameter.get("conditionalParameterSpecs", []):
        if not any(key in conditional for key in _CONDITIONS):
            raise _wrong(f"A conditional parameter of {name!r} names no values of its parent.")
        _check_parameter(conditional["parameterSpec"], algorithm)


class Study:
    """Asks for trials and learns from them.

    GRID_SEARCH tries every combination once; RANDOM_SEARCH draws; the default is Optuna's
    tree-structured Parzen estimator, where Google has Vizier's Bayesian optimisation.

    Args:
        spec: A StudySpec that passed `check`.
    """

    def __init__(self, spec: Json) -> None:
        self.spec = spec
        self._grid = grid(spec["parameters"]) if spec.get("algorithm") == "GRID_SEARCH" else None
        self._asked: dict[int, optuna.trial.Trial] = {}
        self._study: optuna.study.Study | None = None

    def ask(self, number: int) -> Parameters | None:
        """What a trial is to try; None when nothing is left.

        Args:
            number: The trial's, to `tell` of it.
        """
        if self._grid is not None:
            return next(self._grid, None)
        trial = self._asked[number] = self._opened().ask()
        return suggested(trial, self.spec["parameters"])

    def tell(self, number: int, metrics: Mapping[str, float] | None) -> None:
        """Learn what came out of a trial.

        Args:
            number: The trial's.
            metrics: The study's metrics; None: it failed.
        """
        if self._grid is not None:
            return
        import optuna

        trial = self._asked.pop(number)
        if metrics is None:
            self._opened().tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            values = [metrics[metric["metricId"]] for metric in self.spec["metrics"]]
            self._opened().tell(trial, values)

    def _opened(self) -> "optuna.study.Study":
        if self._study is None:
            # Half a second to import, for those who tune.
            import optuna

            optuna.logging.set_verbosity(optuna.logging.WARNING)
            sampler: optuna.samplers.BaseSampler
            if self.spec.get("algorithm") == "RANDOM_SEARCH":
                sampler = optuna.samplers.RandomSampler(seed=SEED)
            else:
                sampler = optuna.samplers.TPESampler(seed=SEED)
            directions = [metric["goal"].lower() for metric in self.spec["metrics"]]
            self._study = optuna.create_study(sampler=sampler, directions=directions)
        return self._study


def suggested(trial: Any, parameters: Sequence[Json], path: str = "") -> Parameters:
    """Values that Optuna suggests for parameters and those that hang on them.

    Args:
        trial: Optuna's trial.
        parameters: ParameterSpecs.
        path: Prefix of the names that Optuna knows them by: the same id may have other values
            below another parent.
    """
    found: Parameters = {}
    for parameter in parameters:
        name = f"{path}{parameter['parameterId']}"
        value = _suggested(trial, parameter, name)
        found[parameter["parameterId"]] = value
        found |= suggested(trial, active(parameter, value), f"{name}={value}/")
    return found


def _suggested(trial: Any, parameter: Json, name: str) -> Any:
    if points := _points(parameter):
        # By place, so that neighbours of a discrete value are known to be near.
        if "categoricalValueSpec" in parameter:
            return trial.suggest_categorical(name, points)
        return points[trial.suggest_int(name, 0, len(points) - 1)]
    scale = parameter.get("scaleType", "")
    whole = "integerValueSpec" in parameter
    low, high = _bounds(parameter["integerValueSpec" if whole else "doubleValueSpec"])
    suggest = trial.suggest_int if whole else trial.suggest_float
    bounds = (int(low), int(high)) if whole else (low, high)
    value = suggest(name, *bounds, log="LOG" in scale)
    return bounds[0] + bounds[1] - value if scale == "UNIT_REVERSE_LOG_SCALE" else value


def grid(parameters: Sequence[Json]) -> Iterator[Parameters]:
    """Every combination, the last parameter changing fastest."""
    if not parameters:
        yield {}
        return
    first, rest = parameters[0], parameters[1:]
    points = _points(first)
    if not points:
        low, high = _bounds(first["integerValueSpec"])
        points = list(range(int(low), int(high) + 1))
    for value in points:
        for below in grid(active(first, value)):
            for others in grid(rest):
                yield {first["parameterId"]: value, **below, **others}


def active(parameter: Json, value: Any) -> list[Json]:
    """The conditional parameters that a value of their parent makes active."""
    return [
        conditional["parameterSpec"]
        for conditional in parameter.get("conditionalParameterSpecs", [])
        for key in _CONDITIONS
        if key in conditional and _is_among(value, conditional[key].get("values", []))
    ]


def _is_among(value: Any, values: Sequence[Any]) -> bool:
    if isinstance(value, str):
        return value in values
    return any(float(value) == float(other) for other in values)


def _points(parameter: Json) -> list[Any]:
    for kind in ("categoricalValueSpec", "discreteValueSpec"):
        if kind in parameter:
            return list(parameter[kind]["values"])
    return []


def _bounds(values: Json) -> tuple[float, float]:
    return float(values.get("minValue", 0)), float(values.get("maxValue", 0))


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)
