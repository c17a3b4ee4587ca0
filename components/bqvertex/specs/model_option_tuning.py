"""The search spaces of hyperparameter tuning among the options of CREATE MODEL.

https://docs.cloud.google.com/bigquery/docs/hp-tuning-overview
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from bqvertex.specs.model_option import ModelOption, Tuning, is_of_element, nearest
from googlesql.constant import Call, Constant, Expression
from googlesql.literal import render

RANGE: Final = "HPARAM_RANGE"
CANDIDATES: Final = "HPARAM_CANDIDATES"
TRIALS: Final = "NUM_TRIALS"


def search_space_problems(
    option: ModelOption, call: Call, options: Mapping[str, Constant]
) -> Iterator[str]:
    """Yield what is wrong with an option's search space.

    Args:
        option: The option.
        call: What it is given: `HPARAM_RANGE(0, 1)`.
        options: All options of the statement by name in upper case.
    """
    tuning = option.tuning
    if call.name not in (RANGE, CANDIDATES):
        hint = nearest(call.name, (RANGE, CANDIDATES))
        yield f"{call.name} is no search space{hint} ({RANGE}, {CANDIDATES})"
        return
    if tuning is None:
        yield f"{option.name} is not tuned: it takes {option.allowed}, not {render(call)}"
        return
    if TRIALS not in options:
        yield f"{option.name} = {render(call)} needs {TRIALS}, which turns tuning on"
    if call.name == RANGE:
        yield from _range_problems(option, tuning, call, options)
    else:
        yield from _candidate_problems(option, tuning, call)


def _range_problems(
    option: ModelOption, tuning: Tuning, call: Call, options: Mapping[str, Constant]
) -> Iterator[str]:
    if tuning.candidates_only:
        yield f"{option.name} takes {CANDIDATES}([…]), not {render(call)}"
        return
    if any(isinstance(argument, Expression) for argument in call.arguments):
        return
    sizes = [float(a) for a in call.arguments if _is_number(a) and isinstance(a, _NUMBERS)]
    if len(call.arguments) != 2 or len(sizes) != 2:
        yield f"{RANGE} takes two numbers, the least and the largest, not {render(call)}"
        return
    if sizes[0] >= sizes[1]:
        yield f"{RANGE} takes the smaller number first, not {render(call)}"
    for argument in call.arguments:
        yield from _bound_problems(option, tuning, argument)
    algorithm = options.get("HPARAM_TUNING_ALGORITHM")
    if isinstance(algorithm, str) and algorithm.upper() == "GRID_SEARCH" and _is_real(option):
        yield (
            f"{option.name} = {render(call)} has no end of values; GRID_SEARCH needs "
            f"{CANDIDATES}([…])"
        )


def _candidate_problems(option: ModelOption, tuning: Tuning, call: Call) -> Iterator[str]:
    listed = call.arguments[0] if len(call.arguments) == 1 else None
    if isinstance(listed, Expression):
        return
    if not isinstance(listed, list) or not listed:
        yield f"{CANDIDATES} takes one array of one value or more, not {render(call)}"
        return
    for item in listed:
        if not option.type.startswith("ARRAY"):
            yield from _bound_problems(option, tuning, item)
        # An array cannot hold arrays, so each stands in a struct.
        elif isinstance(item, (tuple, dict)) and len(item) == 1:
            (only,) = item.values() if isinstance(item, dict) else item
            yield from option.problems(only)
        else:
            yield f"{option.name} takes candidates such as STRUCT([8, 4]), not {render(item)}"


def _bound_problems(option: ModelOption, tuning: Tuning, value: Constant) -> Iterator[str]:
    if not is_of_element(option.type, value):
        yield f"{option.name} is tuned over {option.type} values, not {render(value)}"
    elif not tuning.limits.allow(value):
        hint = nearest(str(value).upper(), tuning.limits.values)
        yield f"{option.name} is tuned within {tuning.limits.words}, not {render(value)}{hint}"


_NUMBERS: Final = (int, float, Decimal)


def _is_number(value: Constant) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _is_real(option: ModelOption) -> bool:
    return option.type == "FLOAT64"
