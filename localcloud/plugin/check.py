"""Check: what is wrong with a program's inputs, and what they mean."""

import difflib
import re
from dataclasses import dataclass
from typing import Any

from localcloud.plugin.configuration import Configuration
from localcloud.plugin.property import Kind, Property
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.resource_type import ResourceType, element_of
from localcloud.plugin.unknown import is_unknown

DELETION_POLICIES = ("DELETE", "ABANDON", "PREVENT")


@dataclass(frozen=True)
class Failure:
    """One input that is not allowed.

    Attributes:
        path: The input, such as `view.query`.
        reason: What was given, what is allowed, what to do.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """The outcome.

    Attributes:
        inputs: The inputs with the defaults and of the right kinds.
        defaults: Which of them were filled in.
        failures: What is wrong with them.
    """

    inputs: Bag
    defaults: frozenset[str]
    failures: tuple[Failure, ...]


def check(
    kind: ResourceType,
    news: Bag,
    olds: Bag,
    old_defaults: frozenset[str],
    proposed_name: str,
    configuration: Configuration,
) -> Checked:
    """Check the inputs of a resource.

    Args:
        kind: The resource's type.
        news: The inputs that the program gives.
        olds: The inputs of the last deployment; empty when there was none.
        old_defaults: Which of those had been filled in.
        proposed_name: The name to give where the program gives none; empty: it must give one.
        configuration: The provider's.
    """
    inputs, failures = _checked(kind.inputs, news, "", kind.token)
    filled = set()
    for each in kind.inputs:
        if each.name in inputs:
            continue
        if each.autonamed and (each.name in old_defaults or proposed_name):
            # A name once given stays: another one would replace the resource.
            kept = olds.get(each.name) if each.name in old_defaults else None
            inputs[each.name] = kept or proposed_name
        elif each.default is not None:
            inputs[each.name] = each.default
        else:
            continue
        filled.add(each.name)
    if (
        any(each.name == "project" for each in kind.inputs)
        and not inputs.get("project")
        and not configuration.project
    ):
        reason = "no project: set 'project' on the resource or on the provider, or gcp:project"
        failures = [*failures, Failure("project", reason)]
    policy = inputs.get("deletionPolicy")
    if policy is not None and not is_unknown(policy) and policy not in DELETION_POLICIES:
        reason = f"'deletionPolicy' is '{policy}'; allowed: {', '.join(DELETION_POLICIES)}"
        failures = [*failures, Failure("deletionPolicy", reason)]
    return Checked(inputs, frozenset(filled), tuple(failures))


def _checked(
    properties: tuple[Property, ...], given: Bag, prefix: str, where: str
) -> tuple[Bag, list[Failure]]:
    known = {each.name: each for each in properties}
    inputs: Bag = {}
    failures: list[Failure] = []
    for name, value in given.items():
        if name not in known:
            failures.append(_unserved(prefix + name, name, sorted(known), where))
            continue
        inputs[name], wrong = _value(known[name], value, prefix + name, where)
        failures += wrong
    for each in properties:
        if each.required and given.get(each.name) is None:
            path = prefix + each.name
            failures.append(Failure(path, f"missing required property '{path}' of {where}"))
    return inputs, failures


def _unserved(path: str, name: str, known: list[str], where: str) -> Failure:
    near = difflib.get_close_matches(name, known, 1)
    return Failure(
        path,
        f"{where} has no property '{path}' that the stand-in for the gcp plugin serves"
        + (f"; did you mean '{near[0]}'?" if near else "")
        + f" It serves {', '.join(known)}.",
    )


def _value(each: Property, value: Any, path: str, where: str) -> tuple[Any, list[Failure]]:
    if is_unknown(value):
        return value, []
    converted = _converted(each.kind, value)
    if converted is None:
        got = _described(value)
        return value, [Failure(path, f"'{path}' of {where} must be {each.kind}; got {got}")]
    failures: list[Failure] = []
    match each.kind:
        case Kind.OBJECT:
            converted, failures = _checked(each.properties, converted, f"{path}.", where)
        case Kind.OBJECTS:
            items = []
            for index, item in enumerate(converted):
                element = element_of(each)
                item, wrong = _value(element, item, f"{path}[{index}]", where)
                items.append(item)
                failures += wrong
            converted = items
        case _ if each.pattern and not re.fullmatch(each.pattern, converted):
            failures = [
                Failure(path, f"'{path}' of {where} is '{converted}': use {each.pattern_says}")
            ]
        case _:
            pass
    return converted, failures


def _converted(kind: Kind, value: Any) -> Any:
    """The value as the kind, where the official plugin converts it too; None: it is none."""
    match kind:
        case Kind.STRING:
            if isinstance(value, bool):
                return str(value).lower()
            return str(value) if isinstance(value, str | int | float) else None
        case Kind.BOOLEAN:
            return {"true": True, "false": False}.get(str(value).lower())
        case Kind.INTEGER:
            try:
                whole = int(value) if not isinstance(value, bool | list | dict) else None
            except ValueError:
                return None
            return whole if whole == _number(value) else None
        case Kind.NUMBER:
            return _number(value)
        case Kind.STRINGS:
            items = value if isinstance(value, list) else [value]
            return items if all(isinstance(item, str) for item in items) else None
        case Kind.MAP:
            if not isinstance(value, dict) or any(
                isinstance(v, dict | list) for v in value.values()
            ):
                return None
            return {key: _converted(Kind.STRING, item) for key, item in value.items()}
        case Kind.OBJECT:
            return value if isinstance(value, dict) else None
        case Kind.OBJECTS:
            return value if isinstance(value, list) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _described(value: Any) -> str:
    # The value itself may be a secret: only scalars that cannot well be one are shown.
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"
