"""What a change of a model's inputs does and why, in one sentence, in the words of cost."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bqvertex.specs.change_reason import cut, shown
from bqvertex.specs.evaluation_gate import thresholds
from bqvertex.specs.model import DEFINITION, IDENTITY, METADATA, alterable_of
from bqvertex.specs.model_kind import ModelKind, UnknownKind, kind_of
from bqvertex.specs.model_statement import read_model_statement
from bqvertex.specs.statement import StatementError
from bqvertex.specs.unknown import holds_unknown
from googlesql.canonical import canonical
from googlesql.constant import Constant
from googlesql.create_model import CreateModel
from googlesql.literal import render
from googlesql.parser import parse_statement


def reason(olds: Mapping[str, Any], news: Mapping[str, Any], names: frozenset[str]) -> str:
    """Say what a change does.

    Args:
        olds: The state.
        news: Checked inputs.
        names: The inputs that differ in meaning, see `bqvertex.specs.model.changed`.

    Returns:
        Such as `trains anew in place, the old model serves until then: TRANSFORM changed, option
        L2_REG 0.1 -> 0.2`; empty where nothing is done.
    """
    if names & IDENTITY:
        what = "replaces the model, a new one is trained"
        if not _trains(news):
            what = "replaces the model, nothing is trained"
        return f"{what}: {', '.join(_inputs(olds, news, names & IDENTITY))}"
    if names & DEFINITION:
        because = list(_definition(olds, news, names))
        return f"{_made_again(news)}: {', '.join(because)}"
    if names & METADATA:
        because = [*sorted(names & METADATA - {"alterable_options"})]
        if "alterable_options" in names:
            because += _alterable(olds, news)
        return f"changes metadata only, trains nothing: {', '.join(because)}"
    return ""


def _alterable(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[str]:
    if holds_unknown(news.get("alterable_options")):
        yield "the statement is not known before `up`"
        return
    old, new = alterable_of(olds), alterable_of(news)
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield f"option {name} {new[name]} added"
        elif name not in new:
            yield f"option {name} {old[name]} no longer said, and kept"
        elif old[name] != new[name]:
            yield f"option {name} {old[name]} -> {new[name]}"


def _made_again(news: Mapping[str, Any]) -> str:
    if not _trains(news):
        return "is made again in place, nothing is trained"
    if thresholds(news.get("evaluation")):
        return "trains a candidate, the old model serves until that passes its evaluation"
    return "trains anew in place, the old model serves until then"


def _trains(news: Mapping[str, Any]) -> bool:
    parts = _parts(news)
    kind = None if parts is None else _kind(parts)
    return kind is None or kind.is_trained


def _inputs(
    olds: Mapping[str, Any], news: Mapping[str, Any], names: frozenset[str]
) -> Iterator[str]:
    for name in sorted(names):
        if holds_unknown(news.get(name)):
            yield f"{name} is not known before `up`"
        else:
            yield f"{name} {shown(olds.get(name))} -> {shown(news.get(name))}"


def _definition(
    olds: Mapping[str, Any], news: Mapping[str, Any], names: frozenset[str]
) -> Iterator[str]:
    if holds_unknown(news.get("statement")):
        yield "the statement is not known before `up`"
    elif "definition_hash" in names:
        said = list(statement_differences(olds, news))
        # A read that found another model puts words where the hash was.
        yield from said or [f"the live model is {olds.get('definition_hash')}"]
    if "result_columns" in names:
        yield from _column_differences(
            olds.get("result_columns") or {}, news.get("result_columns") or {}
        )
    if "retrain_on" in names:
        yield from _value_differences(olds.get("retrain_on"), news.get("retrain_on"))


def statement_differences(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of two statements that differ in meaning.

    Args:
        olds: Inputs with the old `statement`, `project` and `dataset_id`.
        news: Inputs with the new ones.
    """
    old, new = _parts(olds), _parts(news)
    if old is None or new is None:
        yield "the statement changed"
        return
    if _spelt(old.query) != _spelt(new.query):
        yield "SELECT changed"
    if _spelt(old.holidays) != _spelt(new.holidays):
        yield "custom_holiday changed"
    if _transform(old) != _transform(new):
        yield "TRANSFORM changed"
    for clause, one, other in (
        ("INPUT", old.inputs, new.inputs),
        ("OUTPUT", old.outputs, new.outputs),
    ):
        types = ({f.name: f.type for f in fields or ()} for fields in (one, other))
        yield from (f"{clause} {said}" for said in _column_differences(*types))
    if old.remote != new.remote:
        yield "REMOTE added" if new.remote else "REMOTE taken away"
    if old.connection != new.connection:
        yield f"connection {_dotted(old.connection)} -> {_dotted(new.connection)}"
    yield from _option_differences(old, new)


def _parts(inputs: Mapping[str, Any]) -> CreateModel | None:
    if holds_unknown([inputs.get(name) for name in ("statement", "project", "dataset_id")]):
        return None
    try:
        read = read_model_statement(inputs["statement"], "").statement
        # Whether a name is written bare or whole makes no difference.
        whole = read.qualified(inputs["project"], inputs["dataset_id"])
        return read_model_statement(whole, "").parts
    except (KeyError, StatementError):
        return None


def _kind(parts: CreateModel) -> ModelKind | None:
    try:
        return kind_of(parts)
    except UnknownKind:
        return None


@lru_cache(maxsize=256)
def _spelt(query: str | None) -> str | None:
    return None if query is None else canonical(parse_statement(query), query)


def _transform(parts: CreateModel) -> Sequence[str] | None:
    if parts.transform is None:
        return None
    items = [f"SELECT {item.text} FROM t" for item in parts.transform]
    spelt = [_spelt(item) for item in items]
    return [f"{text} {item.alias}" for text, item in zip(spelt, parts.transform, strict=True)]


def _option_differences(old: CreateModel, new: CreateModel) -> Iterator[str]:
    kinds = [kind for kind in (_kind(new), _kind(old)) if kind is not None]

    def written(name: str, value: Constant) -> str:
        known = next((kind.options[name] for kind in kinds if name in kind.options), None)
        return cut(render(value) if known is None else known.shown(value))

    for name in sorted(old.options.keys() | new.options.keys()):
        if name not in old.options:
            yield f"option {name} {written(name, new.options[name])} added"
        elif name not in new.options:
            yield f"option {name} {written(name, old.options[name])} taken away"
        elif (was := old.options[name]) != (now := new.options[name]):
            yield f"option {name} {written(name, was)} -> {written(name, now)}"


def _column_differences(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*old, *new)):
        if name not in old:
            yield f"column {name} {new[name]} added"
        elif name not in new:
            yield f"column {name} taken away"
        elif old[name] != new[name]:
            yield f"column {name} {old[name]} -> {new[name]}"
    if list(old) != list(new) and sorted(old) == sorted(new):
        yield "columns in another order"


def _value_differences(old: Any, new: Any) -> Iterator[str]:
    if holds_unknown(new):
        yield "retrain_on is not known before `up`"
        return
    was, now = list(old or ()), list(new or ())
    if len(was) != len(now):
        yield f"retrain_on {shown(was)} -> {shown(now)}"
        return
    for one, other in zip(was, now, strict=True):
        if one != other:
            yield f"retrain_on {shown(one)} -> {shown(other)}"


def _dotted(path: tuple[str, ...] | None) -> str:
    return "none" if path is None else ".".join(path)
