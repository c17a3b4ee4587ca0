"""One option of CREATE MODEL: what BigQuery takes for it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from googlesql.constant import Call, Constant, Expression, Interval
from googlesql.literal import render
from googlesql.schema import Type, parse_type

_MINUTES: Final = {"MINUTE": 1, "HOUR": 60, "DAY": 24 * 60, "WEEK": 7 * 24 * 60}


@dataclass(frozen=True, slots=True)
class Limits:
    """The values that are allowed, of all those of a type.

    Attributes:
        values: The only ones, in upper case; BigQuery takes them in any case. Empty for any.
        minimum: The smallest; None for none. Minutes, of an INTERVAL.
        maximum: The largest; None for none.
        above: A number that is too small by itself; None for none.
        below: A number that is too large by itself; None for none.
    """

    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Limits":
        """Read them as the data file has them."""
        return cls(
            tuple(data.get("values", ())),
            data.get("min"),
            data.get("max"),
            data.get("above"),
            data.get("below"),
        )

    @property
    def words(self) -> str:
        """What is allowed, for people: `2 to 100`, `EUCLIDEAN, COSINE`; empty for anything."""
        if self.values:
            return ", ".join(self.values)
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum} to {self.maximum}"
        limits = {
            "{} or more": self.minimum,
            "more than {}": self.above,
            "at most {}": self.maximum,
            "less than {}": self.below,
        }
        return " and ".join(w.format(limit) for w, limit in limits.items() if limit is not None)

    def allow(self, value: Constant) -> bool:
        """Tell whether a scalar is within; one that has no limits here always is."""
        if isinstance(value, str):
            return not self.values or value.upper() in {v.upper() for v in self.values}
        size = _size(value)
        return size is None or not (
            (self.minimum is not None and size < self.minimum)
            or (self.maximum is not None and size > self.maximum)
            or (self.above is not None and size <= self.above)
            or (self.below is not None and size >= self.below)
        )


@dataclass(frozen=True, slots=True)
class Tuning:
    """How an option is tuned.

    Attributes:
        limits: Within which HPARAM_RANGE and the HPARAM_CANDIDATES lie.
        candidates_only: Whether HPARAM_RANGE is not taken: its values are no numbers.
    """

    limits: Limits
    candidates_only: bool


@dataclass(frozen=True)
class ModelOption:
    """One option that a kind of model takes.

    Attributes:
        name: Its name in upper case.
        type: GoogleSQL type; several joined by `|`. `ENUM` is a STRING with `limits.values`.
        limits: Allowed values; of an array, of each element.
        elements: Allowed values of each field of a struct; empty for any.
        item_counts: Least and largest number of elements of an array.
        alone: Elements that stand alone in their array.
        pattern: Regular expression of the whole text; empty for any text. Its groups `number…`
            and `category…` name columns of the query.
        form: The pattern, for people.
        columns: Types of the columns that it names, empty for any type; None when it names none.
        excluded: Whether those columns are no features: TRANSFORM hands them on unchanged.
        default: What BigQuery takes without it; None where that is no constant.
        default_words: The default, for people; empty when there is none.
        required: Whether BigQuery refuses a statement without it.
        tuning: How it is tuned; None for an option that is not.
        alterable: Whether ALTER MODEL SET OPTIONS changes it, without a training.
        secret: Whether its value is not to be shown.
    """

    name: str
    type: str
    limits: Limits
    elements: tuple[Limits, ...]
    item_counts: tuple[int, int | None]
    alone: tuple[str, ...]
    pattern: str
    form: str
    columns: tuple[str, ...] | None
    excluded: bool
    default: Any
    default_words: str
    required: bool
    tuning: Tuning | None
    alterable: bool
    secret: bool

    @classmethod
    def from_data(cls, name: str, data: Mapping[str, Any]) -> "ModelOption":
        """Read an option as the data file has it."""
        tuning = data.get("tuning")
        default = data.get("default")
        written = "" if default is None else _plain(default)
        return cls(
            name=name,
            type=data["type"],
            limits=Limits.from_data(data),
            elements=tuple(Limits.from_data(field) for field in data.get("elements", ())),
            item_counts=(data.get("min_items", 0), data.get("max_items")),
            alone=tuple(data.get("alone", ())),
            pattern=data.get("pattern", ""),
            form=data.get("form", ""),
            columns=tuple(data["columns"]) if "columns" in data else None,
            excluded=data.get("excluded", False),
            default=default,
            default_words=data.get("default_note", written),
            required=data.get("required", False),
            tuning=None
            if tuning is None
            else Tuning(
                # Candidates of a word are among its values too.
                Limits.from_data({"values": data.get("values", ()), **tuning}),
                tuning.get("candidates_only", False),
            ),
            alterable=data.get("alterable", False),
            secret=data.get("secret", False),
        )

    @property
    def tunable(self) -> bool:
        """Whether it takes HPARAM_CANDIDATES."""
        return self.tuning is not None

    @property
    def allowed(self) -> str:
        """What it takes, for people: `INT64, 2 to 100`."""
        type_ = " or ".join(self.type.replace("ENUM", "STRING").split("|"))
        limits = self.form or self._limits
        return f"{type_}, {limits}" if limits else type_

    @property
    def _limits(self) -> str:
        words = self.limits.words
        return f"{words} minutes" if self.type == "INTERVAL" and words else words

    def shown(self, value: Constant) -> str:
        """Write a value for people, as SQL; a secret not at all."""
        return "a value" if self.secret else render(value)

    def problems(self, value: Constant) -> Iterator[str]:
        """Yield what is wrong with a value that is no search space.

        Args:
            value: As read from the statement. What is no constant is BigQuery's to judge.
        """
        if value is None or isinstance(value, Expression):
            return
        if not any(_is_of(type_, value) for type_ in _types(self.type)):
            yield f"{self.name} takes {self.allowed}, not {self.shown(value)}"
            return
        if isinstance(value, list):
            yield from self._list_problems(value)
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, (tuple, dict)):
                yield from self._scalar_problems(item)
                continue
            parts = item.values() if isinstance(item, dict) else item
            for part, limits in zip(parts, self.elements, strict=False):
                if not limits.allow(part):
                    yield f"{self.name} takes {limits.words} there, not {render(part)}"

    def _list_problems(self, value: Sequence[Constant]) -> Iterator[str]:
        least, most = self.item_counts
        if len(value) < least or (most is not None and len(value) > most):
            yield f"{self.name} takes {_elements(least, most)}, not {len(value)}"
        words = [item.upper() for item in value if isinstance(item, str)]
        for lone in self.alone:
            if lone in words and len(words) > 1:
                yield f"{self.name} takes {lone} alone, not with {len(words) - 1} more"
        repeated = sorted({word for word in words if words.count(word) > 1})
        if repeated:
            yield f"{self.name} names {', '.join(repeated)} more than once"

    def _scalar_problems(self, value: Constant) -> Iterator[str]:
        if not self.limits.allow(value):
            hint = nearest(str(value).upper(), self.limits.values)
            yield f"{self.name} takes {self._limits}, not {self.shown(value)}{hint}"
        elif self.pattern and isinstance(value, str) and not re.fullmatch(self.pattern, value):
            yield f"{self.name} takes {self.form}, not {self.shown(value)}"


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the question whether a known name was meant; empty when none is near."""
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


def is_of_element(option_type: str, value: Constant) -> bool:
    """Tell whether a value is of the type of an array option's elements, or of a scalar option."""
    return any(
        _is_of(type_.element if type_.element is not None else type_, value)
        for type_ in _types(option_type)
    )


@cache
def _types(text: str) -> tuple[Type, ...]:
    return tuple(parse_type("STRING" if part == "ENUM" else part) for part in text.split("|"))


def _is_of(type_: Type, value: Constant) -> bool:
    # A literal of INT64 or NUMERIC is taken as FLOAT64, and bool is a kind of int in Python alone.
    match type_.name, value:
        case _, None | Expression():
            return True
        case "BOOL", bool():
            return True
        case _, bool() | Call():
            return False
        case ("STRING", str()) | ("INT64", int()) | ("INTERVAL", Interval()):
            return True
        case "FLOAT64", int() | float() | Decimal():
            return True
        case "ARRAY", list() if type_.element is not None:
            return all(_is_of(type_.element, item) for item in value)
        case "STRUCT", tuple() | dict():
            parts = list(value.values() if isinstance(value, dict) else value)
            return len(parts) == len(type_.fields) and all(
                _is_of(field, part) for (_, field), part in zip(type_.fields, parts, strict=True)
            )
    return False


def _size(value: Constant) -> float | None:
    if isinstance(value, Interval):
        minutes = _MINUTES.get(value.unit)
        # Longer units have no fixed length, and a text holds several.
        return value.value * minutes if minutes and isinstance(value.value, int) else None
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return float(value)
    return None


def _plain(default: Any) -> str:
    if isinstance(default, list):
        return ", ".join(_plain(item) for item in default)
    return default if isinstance(default, str) else render(default)


def _elements(least: int, most: int | None) -> str:
    if most == 1:
        return "one element"
    return f"{least} elements or more" if most is None else f"at most {most} elements"
