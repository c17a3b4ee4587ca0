"""A rule on options of CREATE MODEL, in words."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bqvertex.specs.model_kind import ModelKind
from bqvertex.specs.model_option_rule import CLAUSES, Condition, Rule

from googlesql.literal import render

_CLAUSE_WORDS: Final = {
    **{name: f"`{words}`" for name, words in CLAUSES.items()},
    "query": "`AS SELECT`",
    "fields": "`INPUT` and `OUTPUT`",
}
_PLACES: Final = ("first", "second", "third")


def sentences(kind: ModelKind) -> Iterator[str]:
    """Yield the rules of a kind, a sentence each.

    Rules of a group of options count for kinds too that lack some of them; those that can never
    count for this one are left out.
    """
    for rule in kind.rules:
        yield from _sentences(rule, kind)


def _sentences(rule: Rule, kind: ModelKind) -> Iterator[str]:
    if not all(_may_be(name, wanted, kind) for name, wanted in rule.when.items()):
        return
    subject = " with ".join(_condition(name, w, kind) for name, w in rule.when.items())
    why = f": {rule.because}" if rule.because else ""
    for verb, conditions in (("needs", rule.needs), ("excludes", rule.refuses)):
        there = {name: w for name, w in conditions.items() if _may_be(name, w, kind)}
        if there:
            listed = ", ".join(_condition(name, w, kind) for name, w in there.items())
            yield f"{subject} {verb} {listed}{why}"
    if rule.one_of:
        yield f"exactly one of {_options(rule.one_of)} is given"
    if rule.ascending:
        low, high = rule.ascending
        words = "at most" if rule.or_equal else "less than"
        yield f"`{low}` is {words} `{high}`"
    for name, limit in rule.at_most.items():
        yield f"with {subject}, `{name}` is at most {limit:,}"
    for name, count in rule.max_items.items():
        yield f"with {subject}, `{name}` has at most {count} elements"
    for name, types in rule.column_types.items():
        yield f"with {subject}, the column of `{name}` is {_or(types)}{why}"


def _may_be(name: str, wanted: Condition, kind: ModelKind) -> bool:
    """Tell whether a condition can be met by a statement of a kind."""
    if name.startswith("["):
        return name.strip("[]") in kind.clauses
    return wanted == "absent" or name.split("[")[0] in kind.options


def _condition(name: str, wanted: Condition, kind: ModelKind) -> str:
    if name.startswith("["):
        return _CLAUSE_WORDS[name.strip("[]")]
    if wanted == "given":
        return f"`{name}`"
    if wanted == "absent":
        return f"no `{name}`"
    if wanted == "tuned":
        return f"a tuned `{name}`"
    if isinstance(wanted, str):
        return f"`{name}` that matches `{wanted[1:]}`"
    default = _default(kind, name)
    values = [f"{_code(v)}{' (the default)' if v == default else ''}" for v in wanted]
    return f"{_name(name)} = {_or(values)}"


def _name(name: str) -> str:
    option, _, place = name.partition("[")
    if not place:
        return f"`{option}`"
    return f"the {_PLACES[int(place.rstrip(']'))]} field of `{option}`"


def _code(value: Any) -> str:
    return f"`{render(value)}`"


def _default(kind: ModelKind, name: str) -> Any:
    return kind.options[name].default if name in kind.options else None


def _options(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)
