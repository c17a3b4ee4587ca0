"""A resource type as data: names, places in the REST API, properties."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from localcloud.plugin import labels
from localcloud.plugin.configuration import Configuration, Service
from localcloud.plugin.property import Kind, Property, get
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.unknown import UNKNOWN, has_unknown

if TYPE_CHECKING:
    from localcloud.plugin.lifecycle import Lifecycle

PROJECT = Property("project", field=None, replaces=True, computed=True)
"""The project; left out, the provider's."""

LABELS = (
    Property("labels", Kind.MAP),
    Property("pulumiLabels", Kind.MAP, field=None, output=True),
    Property("effectiveLabels", Kind.MAP, field=None, output=True),
)
"""The three properties of a labelled resource."""

DELETION_POLICY = Property("deletionPolicy", field=None, implied="DELETE")
"""What a destroy does: DELETE, ABANDON (leave it at Google), PREVENT (refuse)."""

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class ResourceType:
    """One resource type.

    Attributes:
        token: Pulumi's type token.
        service: The API that has it.
        properties: All that is served, inputs and outputs.
        id: Pulumi's id with properties in braces; also its path in the API unless `path` is given.
        lifecycle: Makes what creates, reads, updates and deletes it.
        imports: Further spellings of the id that an import may give.
        path: Path of the resource in the API, where it differs from the id.
        collection: Path that a create is POSTed to.
        create_query: Query of a create.
        read_query: Query of a read and of an update.
        delete_query: Query of a delete.
        schema_version: Version of the state's shape in the official plugin, which takes a state
            that says none for its oldest; 0: it has only one.
        update: PUT: the whole resource; PATCH: with an update mask; MERGE: a JSON merge patch of
            what changes; empty: never updated.
        deletes_first: Whether a replaced resource goes before the new one comes, as the official
            plugin has it.
        replaces_when: Further reasons to replace, given state and planned properties: the names of
            the properties at fault.
        derives: What follows from other properties, given what is known of them.
        forbids_delete: Why a resource with this state must not be deleted; empty: it may.
    """

    token: str
    service: Service
    properties: tuple[Property, ...]
    id: str
    lifecycle: "Callable[[ResourceType], Lifecycle]"
    imports: tuple[str, ...] = ()
    path: str = ""
    collection: str = ""
    create_query: Mapping[str, str] = field(default_factory=dict)
    read_query: Mapping[str, str] = field(default_factory=dict)
    delete_query: Mapping[str, str] = field(default_factory=dict)
    schema_version: int = 0
    update: str = "PATCH"
    deletes_first: bool = False
    replaces_when: Callable[[Bag, Bag], tuple[str, ...]] = lambda state, planned: ()
    derives: Callable[[Bag], Bag] = lambda bag: {}
    forbids_delete: Callable[[Bag], str] = lambda state: ""

    @property
    def inputs(self) -> tuple[Property, ...]:
        """The properties that a program may set."""
        return tuple(each for each in self.properties if not each.output)

    @property
    def names_members(self) -> bool:
        """Whether the id goes on after `id`, with a role and a member."""
        return any(each.name == "member" and not each.output for each in self.properties)

    @property
    def labelled(self) -> bool:
        """Whether it has labels."""
        return any(each.name == "effectiveLabels" for each in self.properties)

    def identity(self, id_: str) -> Bag | None:
        """The properties that an id holds; None when it is no id of this type."""
        for template in (self.id, *self.imports):
            match = re.fullmatch(_expression(template), id_)
            if match:
                return dict(match.groupdict())
        return None

    def planned(self, inputs: Bag, state: Bag | None, configuration: Configuration) -> Bag:
        """The resource as these inputs want it.

        Args:
            inputs: The checked inputs.
            state: Its properties now; None: it is about to be made.
            configuration: The provider's.

        Returns:
            What the inputs say, what leaving them out means, and, of what the server decides, what
            it has decided before; the rest is absent.
        """
        before = state or {}
        bag: Bag = {}
        for each in self.properties:
            value = None if each.output else inputs.get(each.name, each.implied)
            if value is None and each.name == "project":
                value = configuration.project
            if value is None and (each.output or each.computed):
                value = before.get(each.name)
            if value is not None:
                bag[each.name] = _filled(each, value, before.get(each.name))
        if inputs.get("deletionPolicy") is None and "deletionPolicy" in bag:
            bag["deletionPolicy"] = configuration.deletion_policy
        if self.labelled:
            wanted = labels.planned(inputs, state, configuration)
            bag.update({name: value for name, value in wanted.items() if value is not None})
        return {**bag, **self.derives(bag)}

    def previewed(self, planned: Bag, state: Bag | None) -> Bag:
        """The properties that a preview shows: what only the server knows is unknown.

        Args:
            planned: As `planned` gives it.
            state: The properties now; None: it is about to be made.
        """
        bag = dict(planned)
        for each in self.properties:
            if each.name in bag:
                if state is None:
                    bag[each.name] = _with_unknowns(each, bag[each.name])
            elif state is None and (each.computed or each.output):
                bag[each.name] = UNKNOWN
        return bag

    def outputs(self, live: Bag, planned: Bag, id_: str) -> Bag:
        """The properties of a live resource.

        Args:
            live: The REST resource.
            planned: What was planned, or the last known state: it has what the API does not tell.
            id_: Pulumi's id.
        """
        bag: Bag = {"id": id_}
        if self.schema_version:
            bag["__meta"] = json.dumps({"schema_version": str(self.schema_version)})
        for each in self.properties:
            if each.path:
                value = each.from_rest(get(live, each.path))
            else:
                value = planned.get(each.name, each.implied)
                value = each.default if value is None else value
            if value is not None:
                bag[each.name] = value
        if self.labelled:
            bag.update(labels.found(live.get("labels"), planned))
        bag.update(self.identity(id_) or {})
        return {**bag, **self.derives(bag)}

    def read_inputs(self, state: Bag, inputs: Bag | None) -> Bag:
        """The inputs that lead to a live state, for refresh and import.

        Args:
            state: The live properties.
            inputs: The program's inputs so far; None: the resource is being imported.
        """
        bag: Bag = {}
        for each in self.inputs:
            value = state.get(each.name)
            known = (inputs or {}).get(each.name)
            if known is not None:
                kept = value is not None and not differs(each, value, known)
                bag[each.name] = known if kept or each.field is None else _settable(each, value)
            elif (
                not _is_blank(value)
                and value not in (each.default, each.implied)
                and (inputs is None or not each.computed)
            ):
                bag[each.name] = _settable(each, value)
        return {name: value for name, value in bag.items() if value is not None}


def differs(each: Property, have: Any, want: Any) -> bool:
    """Whether a property's value is not what the program wants.

    Of objects, only what the program sets counts, and what it leaves out that has a meaning.
    """
    if each.kind is Kind.OBJECT and isinstance(have, dict) and isinstance(want, dict):
        return any(
            differs(part, have.get(part.name), want.get(part.name, part.implied))
            for part in each.properties
            if not part.output and not (part.computed and want.get(part.name) is None)
        )
    if each.kind is Kind.OBJECTS and isinstance(have, list) and isinstance(want, list):
        return len(have) != len(want) or any(
            differs(element_of(each), one, other) for one, other in zip(have, want, strict=True)
        )
    if _is_blank(have) and _is_blank(want):
        return False
    if have is None or want is None:
        return True
    return not each.same(have, want)


def element_of(each: Property) -> Property:
    """One element of a list of objects, as a property."""
    return Property(each.name, Kind.OBJECT, properties=each.properties)


def expand(template: str, values: Mapping[str, Any], quoted: bool = True) -> str:
    """A template with each `{property}` replaced by its value, fit for a URL unless told not to."""

    def place(match: re.Match[str]) -> str:
        value = values[match[1]]
        value = str(value).lower() if isinstance(value, bool) else str(value)
        return quote(value, safe="@:") if quoted else value

    return _PLACE.sub(place, template)


def _expression(template: str) -> str:
    parts = _PLACE.split(template)
    return "".join(
        rf"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )


def _filled(each: Property, value: Any, before: Any) -> Any:
    # Inside an object too, what the server has decided stays where the program says nothing.
    if each.kind is not Kind.OBJECT or not isinstance(value, dict):
        return value
    before = before if isinstance(before, dict) else {}
    filled = dict(value)
    for part in each.properties:
        if part.name not in filled and (part.computed or part.output):
            filled[part.name] = before.get(part.name)
        elif part.name not in filled:
            filled[part.name] = part.implied
    return {name: item for name, item in filled.items() if item is not None}


def _with_unknowns(each: Property, value: Any) -> Any:
    if each.kind is not Kind.OBJECT or not isinstance(value, dict):
        return UNKNOWN if has_unknown(value) and each.kind is not Kind.STRING else value
    decided = {
        part.name: UNKNOWN
        for part in each.properties
        if part.name not in value and (part.computed or part.output)
    }
    return {**value, **decided}


def _settable(each: Property, value: Any) -> Any:
    # What a program could have written: no outputs, and nothing that goes without saying.
    if each.kind is Kind.OBJECT and isinstance(value, dict):
        return {
            part.name: _settable(part, value[part.name])
            for part in each.properties
            if not part.output and not _is_blank(value.get(part.name))
        }
    if each.kind is Kind.OBJECTS and isinstance(value, list):
        return [_settable(element_of(each), item) for item in value]
    return value


def _is_blank(value: Any) -> bool:
    return value is None or value in ("", [], {}, False, 0)
