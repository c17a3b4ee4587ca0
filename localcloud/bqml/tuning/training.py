"""Training trial after trial.

https://cloud.google.com/bigquery/docs/hp-tuning-overview; trials run one after another, whatever
MAX_PARALLEL_TRIALS says.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from localcloud.bqml import kinds, options, order
from localcloud.bqml.arrays import Places
from localcloud.bqml.column_type import texts
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Model, OnIteration
from localcloud.bqml.network.optimizer import has_penalties
from localcloud.bqml.options import Option
from localcloud.bqml.supervised.split import SMALL
from localcloud.bqml.tuning.space import Candidates, Range, checked, combinations
from localcloud.bqml.tuning.tuned import Trial, Tuned

MOST_TRIALS, MOST_PARALLEL = 100, 5
EVALUATES = "__evaluates"
"""The column that tells a trial its evaluation rows."""
SHARE = 0.1
"""Of evaluation and of test rows, where nothing is said."""
LOWER_IS_BETTER = frozenset(
    {
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "log_loss",
        "davies_bouldin_index",
        "average_rank",
    }
)
SPLITS = ("DATA_SPLIT_METHOD", "DATA_SPLIT_COL", "DATA_SPLIT_EVAL_FRACTION")

OPTIONS: Mapping[str, Option] = {
    "NUM_TRIALS": options.whole(None, 1, MOST_TRIALS),
    "MAX_PARALLEL_TRIALS": options.whole(1, 1, MOST_PARALLEL),
    "HPARAM_TUNING_ALGORITHM": options.choice(
        "VIZIER_DEFAULT", "VIZIER_DEFAULT", "RANDOM_SEARCH", "GRID_SEARCH"
    ),
    "HPARAM_TUNING_OBJECTIVES": options.names(None, "one objective in an array"),
    "DATA_SPLIT_TEST_FRACTION": options.number(None, 0, 1),
}


def train(
    kind: Kind, given: Mapping[str, Any], table: pa.Table, on_iteration: OnIteration | None
) -> Model:
    """Train trials and keep them all.

    Args:
        kind: Which kind.
        given: What OPTIONS gives, with NUM_TRIALS.
        table: The training rows, after TRANSFORM.
        on_iteration: Called after each step of each trial.

    Raises:
        BqmlError: The options or the rows are not what tuning needs, or no trial succeeded.
        NotImplementedError: A value that Google takes does not work here.
    """
    own, spaces, plain, base = _settled(kind, given)
    objective = _objective(kind, own, base)
    rows, test, split_options = _split(table, plain, own, base)
    kept = {name: value for name, value in plain.items() if name not in SPLITS} | split_options
    trials: list[Trial] = []
    tried = combinations(
        spaces, kind.hyperparameters, base, algorithm=own["HPARAM_TUNING_ALGORITHM"]
    )
    for values in islice(tried, own["NUM_TRIALS"]):
        trial = _trial(len(trials) + 1, kind, kept, values, rows, test, objective, on_iteration)
        trials.append(trial)
    succeeded = [trial for trial in trials if trial.objective is not None]
    if not succeeded:
        raise BqmlError(f"no trial succeeded; the first says: {trials[0].error}")
    sign = 1 if objective in LOWER_IS_BETTER else -1
    best = min(sign * (trial.objective or 0.0) for trial in succeeded)
    optimal = [t.id for t in succeeded if sign * (t.objective or 0.0) == best]
    tuned = Tuned(trials, objective, optimal)
    default = tuned.default.model
    if default is None:
        raise BqmlError("the default trial has no model")
    return replace(default, options={**base, **own}, iterations=[], fitted=tuned, is_tuned=True)


def check(kind: Kind, given: Mapping[str, Any]) -> None:
    """Refuse options that `train` would refuse whatever the rows are.

    Args:
        kind: Which kind.
        given: What OPTIONS gives, with NUM_TRIALS.

    Raises:
        BqmlError: See `train`.
        NotImplementedError: See `train`.
    """
    own, _, _, base = _settled(kind, given)
    _objective(kind, own, base)


def _settled(
    kind: Kind, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Range | Candidates], dict[str, Any], dict[str, Any]]:
    """Return tuning's own options, the search spaces, the other options, and those filled in."""
    if not kind.hyperparameters:
        raise BqmlError(f"num_trials: models of type {kind.name} are not tuned")
    own = options.filled(kind.name, OPTIONS, {n: v for n, v in given.items() if n in OPTIONS})
    spaces, plain = _spaces(kind, given)
    if plain.get("WARM_START"):
        raise BqmlError("give num_trials or warm_start = TRUE, not both")
    return own, spaces, plain, kinds.settings(kind, plain)


def _spaces(
    kind: Kind, given: Mapping[str, Any]
) -> tuple[dict[str, Range | Candidates], dict[str, Any]]:
    spaces: dict[str, Range | Candidates] = {}
    plain: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Range | Candidates):
            if name not in kind.hyperparameters:
                option = kind.options.get(name)
                if option is not None and option.supported is not None:
                    raise NotImplementedError(
                        f"option {name.lower()} cannot be tuned on the local cloud, where it is "
                        f"{' or '.join(str(value) for value in option.supported)}"
                    )
                raise BqmlError(
                    f"option {name.lower()} cannot be tuned; of {kind.name} can "
                    f"{', '.join(sorted(kind.hyperparameters)).lower()}"
                )
            spaces[name] = checked(name, value, kind.hyperparameters[name])
        elif name not in OPTIONS:
            plain[name] = value
    if not spaces:
        for name, hyperparameter in kind.hyperparameters.items():
            usual = hyperparameter.usual_space
            if usual is not None and name not in plain and _applies(kind, name, plain):
                spaces[name] = usual
    boosters = spaces.get("BOOSTER_TYPE")
    of_dart = {"DROPOUT", "DART_NORMALIZE_TYPE"} & set(spaces)
    if of_dart and str(plain.get("BOOSTER_TYPE", "")).upper() != "DART":
        dart = isinstance(boosters, Candidates) and "DART" in {
            str(value).upper() for value in boosters.values
        }
        if not dart and "BOOSTER_TYPE" in kind.options:
            raise BqmlError(
                f"{', '.join(sorted(of_dart)).lower()} needs 'DART' among the candidates of "
                "booster_type"
            )
    return spaces, plain


def _applies(kind: Kind, name: str, plain: Mapping[str, Any]) -> bool:
    """Whether a hyperparameter is one of this feedback type, or of this optimizer."""
    if name in ("L1_REG", "L2_REG") and "OPTIMIZER" in kind.options:
        return has_penalties(plain.get("OPTIMIZER", kind.options["OPTIMIZER"].default))
    is_implicit = str(plain.get("FEEDBACK_TYPE", "")).upper() == "IMPLICIT"
    return name != "WALS_ALPHA" or is_implicit


def _objective(kind: Kind, own: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    allowed = kind.objectives
    if base.get("FEEDBACK_TYPE") == "EXPLICIT":
        allowed = tuple(name for name in allowed if name == "MEAN_SQUARED_ERROR")
    asked = own["HPARAM_TUNING_OBJECTIVES"]
    if asked is None:
        return allowed[0].lower()
    names = [str(name).upper() for name in asked]
    if len(names) != 1 or names[0] not in allowed:
        raise BqmlError(
            f"hparam_tuning_objectives is {list(asked)}; give one of {', '.join(allowed)}"
        )
    return names[0].lower()


def _split(
    table: pa.Table, plain: Mapping[str, Any], own: Mapping[str, Any], base: Mapping[str, Any]
) -> tuple[pa.Table, pa.Table | None, dict[str, Any]]:
    """Rows that trials see, rows that they are tested on, and how trials divide theirs."""
    method = base.get("DATA_SPLIT_METHOD")
    if method is None:
        return table, None, {}
    if method == "NO_SPLIT" or (method == "AUTO_SPLIT" and table.num_rows < SMALL):
        return table, None, {"DATA_SPLIT_METHOD": "NO_SPLIT"}
    column = base["DATA_SPLIT_COL"]
    if method == "CUSTOM":
        evaluates, tests = _by_name(table, column)
    else:
        ranked = order.shuffled(table) if column is None else _ranked(table, column)
        evaluates, tests = _last(ranked, plain, own)
    rows = table if column is None else table.drop_columns([column])
    is_test = np.zeros(table.num_rows, dtype=bool)
    is_test[tests] = True
    is_evaluation = np.zeros(table.num_rows, dtype=bool)
    is_evaluation[evaluates] = True
    marked = rows.append_column(EVALUATES, pa.array(is_evaluation)).filter(pa.array(~is_test))
    test = rows.filter(pa.array(is_test)) if is_test.any() else None
    if not is_evaluation.any():
        return marked.drop_columns([EVALUATES]), test, {"DATA_SPLIT_METHOD": "NO_SPLIT"}
    return marked, test, {"DATA_SPLIT_METHOD": "CUSTOM", "DATA_SPLIT_COL": EVALUATES}


def _by_name(table: pa.Table, name: str) -> tuple[Places, Places]:
    if name not in table.column_names:
        raise BqmlError(f"data_split_col is '{name}', which the query does not have")
    if not pa.types.is_string(table.schema.field(name).type):
        raise BqmlError(
            f"data_split_col '{name}' is {table.schema.field(name).type}; with num_trials it must "
            "be STRING: TRAIN, EVAL or TEST"
        )
    written = np.array(texts(table.column(name)).to_pylist(), dtype=object)
    return np.flatnonzero(written == "EVAL"), np.flatnonzero(written == "TEST")


def _ranked(table: pa.Table, name: str) -> Places:
    import pyarrow.compute as pc

    if name not in table.column_names:
        raise BqmlError(f"data_split_col is '{name}', which the query does not have")
    # The largest come first, as the rows that are held out do in a shuffled order.
    places: Places = (
        pc.array_sort_indices(
            table.column(name).combine_chunks(), order="descending", null_placement="at_end"
        )
        .to_numpy()
        .astype(np.intp)
    )
    return places


def _last(
    ranked: Places, plain: Mapping[str, Any], own: Mapping[str, Any]
) -> tuple[Places, Places]:
    asked = (plain.get("DATA_SPLIT_EVAL_FRACTION"), own["DATA_SPLIT_TEST_FRACTION"])
    if asked[1] is not None and asked[0] is None:
        raise BqmlError("data_split_test_fraction needs data_split_eval_fraction")
    evaluation, test = (SHARE, SHARE) if asked[0] is None else (asked[0], asked[1] or 0.0)
    if evaluation + test >= 1:
        raise BqmlError(
            f"data_split_eval_fraction and data_split_test_fraction are {evaluation} and {test}; "
            "they leave no rows to train on"
        )
    tests = int(len(ranked) * test)
    evaluates = int(len(ranked) * evaluation)
    return ranked[tests : tests + evaluates], ranked[:tests]


def _trial(
    number: int,
    kind: Kind,
    plain: Mapping[str, Any],
    values: Mapping[str, Any],
    rows: pa.Table,
    test: pa.Table | None,
    objective: str,
    on_iteration: OnIteration | None,
) -> Trial:
    started = int(time.time() * 1000)
    used = _conditional(plain, values)

    def ended(status: str, error: str) -> Trial:
        now = int(time.time() * 1000)
        return Trial(number, used, None, None, None, {}, status, error, started, now, None)

    try:
        settings = kinds.settings(kind, {**plain, **used})
    except BqmlError as error:
        return ended("INFEASIBLE", str(error))
    try:
        model = kind.train(kind, settings, rows, on_iteration)
        scores = model.fitted.evaluate(None, {})
        metrics = scores if test is None else model.fitted.evaluate(test, {})
    except BqmlError as error:
        return ended("FAILED", str(error))
    value = scores[objective]
    last = model.iterations[-1] if model.iterations else None
    return Trial(
        id=number,
        hyperparameters=used,
        objective=None if math.isnan(value) else value,
        training_loss=None if last is None else last.loss,
        eval_loss=None if last is None else last.eval_loss,
        metrics=metrics,
        status="SUCCEEDED",
        error="",
        start_ms=started,
        end_ms=int(time.time() * 1000),
        model=model,
    )


def _conditional(plain: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only DART has, where the booster is another."""
    booster = str(values.get("BOOSTER_TYPE", plain.get("BOOSTER_TYPE", "GBTREE"))).upper()
    return {
        name: value
        for name, value in values.items()
        if booster == "DART" or name != "DART_NORMALIZE_TYPE"
        if booster == "DART" or name != "DROPOUT" or "BOOSTER_TYPE" not in {**plain, **values}
    }
