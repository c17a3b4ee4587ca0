"""Which options of a CREATE MODEL statement go together, as rules in the data say."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

from bqvertex.specs.model_option import ModelOption
from googlesql.constant import Call, Constant, Expression, Interval
from googlesql.create_model import CreateModel
from googlesql.literal import render

Condition: TypeAlias = str | Sequence[Any]
"""`given`, `absent`, `tuned`, `~pattern`, or the values of which one is in effect."""

CLAUSES: Final[Mapping[str, str]] = {
    "query": "AS with a query",
    "transform": "TRANSFORM",
    "holidays": "custom_holiday",
    "fields": "INPUT and OUTPUT",
    "connection": "REMOTE WITH CONNECTION",
}
"""The clauses of a statement as the data names them, with their words."""

_NAME: Final = re.compile(r"(?P<option>\w+)(\[(?P<place>\d+)\])?|\[(?P<clause>\w+)\]")
_MISSING: Final = object()


class OptionProblem(NamedTuple):
    """What is wrong with an option or a clause.

    Attributes:
        place: Key of `googlesql.create_model.CreateModel.ranges`, where it stands.
        reason: What is wrong and what is allowed.
    """

    place: str
    reason: str


@dataclass(frozen=True)
class Stated:
    """What a statement says, as conditions see it.

    Attributes:
        options: Its options by name in upper case.
        clauses: Its clauses, of `CLAUSES`.
        known: The options of the kind, for what they are without being given.
    """

    options: Mapping[str, Constant]
    clauses: frozenset[str]
    known: Mapping[str, ModelOption]

    @classmethod
    def of(cls, parts: CreateModel, known: Mapping[str, ModelOption]) -> "Stated":
        """Take what a statement says."""
        there = {
            "query": parts.query,
            "transform": parts.transform,
            "holidays": parts.holidays,
            "fields": parts.inputs if parts.outputs is None else parts.outputs,
            "connection": parts.connection,
        }
        clauses = frozenset(name for name, part in there.items() if part is not None)
        options = {name: value for name, value in parts.options.items() if value is not None}
        return cls(options, clauses, known)

    def meets(self, conditions: Mapping[str, Condition]) -> bool | None:
        """Tell whether all conditions are met; None where only BigQuery can know."""
        found = [self.is_met(name, wanted) for name, wanted in conditions.items()]
        return False if False in found else None if None in found else True

    def is_met(self, name: str, wanted: Condition) -> bool | None:
        """Tell whether one condition is met; None where only BigQuery can know."""
        value = self.value(name)
        if wanted in ("given", "absent"):
            return (value is _MISSING) == (wanted == "absent")
        if wanted == "tuned":
            return isinstance(value, Call)
        if isinstance(value, Expression):
            return None
        if isinstance(wanted, str):
            matched = isinstance(value, str) and re.fullmatch(wanted[1:], value)
            return matched is not None and matched is not False
        if value is _MISSING:
            option = self.known.get(name)
            value = None if option is None else option.default
        return any(_is_among(word, value) for word in wanted)

    def value(self, name: str) -> Any:
        """Return what the statement gives: `NAME`, `NAME[1]` or `[clause]`; `_MISSING` if not."""
        found = _NAME.fullmatch(name)
        assert found is not None, f"the data has a name that is none: {name!r}"
        if found["clause"]:
            return True if found["clause"] in self.clauses else _MISSING
        value: Any = self.options.get(found["option"], _MISSING)
        if found["place"] is None or value is _MISSING or isinstance(value, Expression):
            return value
        parts = list(value.values()) if isinstance(value, dict) else value
        place = int(found["place"])
        return parts[place] if isinstance(parts, (list, tuple)) and place < len(parts) else _MISSING

    def in_words(self, name: str) -> str:
        """Write what is in effect: `AUTO_ARIMA = TRUE`, and whether nobody wrote it."""
        value = self.value(name)
        if value is not _MISSING:
            return f"{name} = {render(value)}"
        default = self.known[name].default_words if name in self.known else ""
        return f"{name} = {default} (the default)" if default else f"no {name}"


@dataclass(frozen=True)
class Rule:
    """Which options go together.

    Attributes:
        when: What must hold for the rule to count; empty for always.
        needs: What must hold then.
        refuses: What must not hold then.
        one_of: Options of which exactly one is given.
        ascending: Two options, the first of which is below the second.
        or_equal: Whether those two may be equal.
        at_most: Largest value by option.
        max_items: Largest number of elements by option.
        column_types: Types, by option, of the columns it names.
        because: Why; empty where the rule speaks for itself.
    """

    when: Mapping[str, Condition]
    needs: Mapping[str, Condition]
    refuses: Mapping[str, Condition]
    one_of: tuple[str, ...]
    ascending: tuple[str, ...]
    or_equal: bool
    at_most: Mapping[str, float]
    max_items: Mapping[str, int]
    column_types: Mapping[str, Sequence[str]]
    because: str

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Rule":
        """Read a rule as the data file has it."""
        return cls(
            when=data.get("when", {}),
            needs=data.get("needs", {}),
            refuses=data.get("refuses", {}),
            one_of=tuple(data.get("one_of", ())),
            ascending=tuple(data.get("ascending", ())),
            or_equal=data.get("or_equal", False),
            at_most=data.get("at_most", {}),
            max_items=data.get("max_items", {}),
            column_types=data.get("column_types", {}),
            because=data.get("because", ""),
        )

    def problems(self, stated: Stated) -> Iterator[OptionProblem]:
        """Yield how a statement breaks the rule.

        Args:
            stated: What the statement says.
        """
        if stated.meets(self.when) is not True:
            return
        why = f": {self.because}" if self.because else ""
        subject = " with ".join(_condition(name, w, stated) for name, w in self.when.items())
        for name, wanted in self.needs.items():
            if stated.is_met(name, wanted) is False:
                yield OptionProblem(
                    self._place(stated), f"{subject} needs {_wanted(name, wanted, stated)}{why}"
                )
        for name, wanted in self.refuses.items():
            if stated.is_met(name, wanted) is True:
                what = _condition(name, wanted, stated)
                yield OptionProblem(self._place(stated), f"{subject} excludes {what}{why}")
        yield from self._choice_problems(stated)
        yield from self._size_problems(stated, subject)

    def _choice_problems(self, stated: Stated) -> Iterator[OptionProblem]:
        given = [name for name in self.one_of if name in stated.options]
        if self.one_of and not given:
            yield OptionProblem("options", f"one of {', '.join(self.one_of)} is needed")
        for name in given[1:]:
            listed = ", ".join(self.one_of)
            yield OptionProblem(
                f"option {name}", f"{name} and {given[0]} exclude each other: one of {listed}"
            )

    def _size_problems(self, stated: Stated, subject: str) -> Iterator[OptionProblem]:
        if self.ascending:
            low, high = self.ascending
            least, most = _number(stated.options.get(low)), _number(stated.options.get(high))
            if (
                least is not None
                and most is not None
                and not (least < most or (least == most and self.or_equal))
            ):
                words = "at most" if self.or_equal else "less than"
                given = f"{stated.in_words(low)} with {stated.in_words(high)}"
                reason = f"{low} must be {words} {high}, not {given}"
                yield OptionProblem(f"option {low}", reason)
        for name, limit in self.at_most.items():
            size = _number(stated.options.get(name))
            if size is not None and size > limit:
                reason = f"{name} is at most {limit} with {subject}, not {size:g}"
                yield OptionProblem(f"option {name}", reason)
        for name, count in self.max_items.items():
            value = stated.options.get(name)
            if isinstance(value, list) and len(value) > count:
                yield OptionProblem(
                    f"option {name}",
                    f"{name} takes at most {count} elements with {subject}, not {len(value)}",
                )

    def _place(self, stated: Stated) -> str:
        for name in self.when:
            found = _NAME.fullmatch(name)
            if found is not None and found["option"] in stated.options:
                return f"option {found['option']}"
            if found is not None and found["clause"] in stated.clauses:
                return str(found["clause"])
        return "options"


def _condition(name: str, wanted: Condition, stated: Stated) -> str:
    found = _NAME.fullmatch(name)
    if found is not None and found["clause"]:
        return CLAUSES[found["clause"]]
    if wanted in ("given", "tuned"):
        return name
    return f"no {name}" if wanted == "absent" else stated.in_words(name)


def _wanted(name: str, wanted: Condition, stated: Stated) -> str:
    if isinstance(wanted, str):
        return _condition(name, wanted, stated)
    values = " or ".join(render(value) for value in wanted)
    return f"{name} = {values}, and has {stated.in_words(name)}"


def _is_among(word: Any, value: Any) -> bool:
    """Tell whether a word is the value, one of its elements, or within its search space."""
    if isinstance(value, Call):
        ends = [_number(argument) for argument in value.arguments]
        size = _number(word)
        if value.name == "HPARAM_RANGE" and size is not None and len(ends) == 2:
            low, high = ends
            # An end that is no number here is BigQuery's to judge.
            return low is None or high is None or low <= size <= high
        return any(_is_among(word, argument) for argument in value.arguments)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_among(word, item) for item in value)
    if isinstance(word, str) and isinstance(value, str):
        return word.upper() == value.upper()
    if isinstance(word, bool) or isinstance(value, (bool, Interval)):
        return word is value
    return bool(word == value)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return float(value) if is_number else None
