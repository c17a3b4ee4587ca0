"""The lifecycle of a resource that is one REST resource: POST, GET, PUT or PATCH, DELETE."""

from collections.abc import Iterable
from typing import Any

from localcloud.plugin.lifecycle import HalfMade, Operation
from localcloud.plugin.property import Kind, Property, put
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.request_error import HttpError, OperationFailed
from localcloud.plugin.resource_type import ResourceType, expand

Json = dict[str, Any]


class RestResource:
    """The lifecycle that a resource type's data describes; a type that departs overrides a step."""

    def __init__(self, kind: ResourceType) -> None:
        self.kind = kind

    def create(self, operation: Operation, planned: Bag) -> tuple[str, Bag]:
        """See `Lifecycle`."""
        reply = self.call(
            operation,
            "POST",
            expand(self.kind.collection, planned),
            planned,
            query={
                key: expand(value, planned, False) for key, value in self.kind.create_query.items()
            },
            body=self.creation(planned),
        )
        id_ = self.id_of(reply, planned)
        try:
            self.finish(operation, reply, planned)
            live = self.get(operation, id_, planned)
        except (HttpError, OperationFailed) as error:
            raise HalfMade(id_, {**planned, "id": id_}, f"{id_} was made, but: {error}") from error
        return id_, self.kind.outputs(live, planned, id_)

    def read(self, operation: Operation, id_: str, state: Bag) -> Bag | None:
        """See `Lifecycle`."""
        try:
            live = self.get(operation, id_, state)
        except HttpError as error:
            if error.not_found:
                return None
            raise
        return self.kind.outputs(live, state, id_)

    def update(
        self, operation: Operation, id_: str, state: Bag, planned: Bag, changed: Iterable[str]
    ) -> Bag:
        """See `Lifecycle`."""
        names = set(changed)
        if "effectiveLabels" in names:
            names.add("labels")  # a default label of the provider changes it too
        fields = [each for each in self.kind.inputs if each.name in names and each.path]
        if fields or self.kind.update == "PUT":
            self.change(operation, id_, state, planned, fields)
        return self.kind.outputs(self.get(operation, id_, planned), planned, id_)

    def delete(self, operation: Operation, id_: str, state: Bag) -> None:
        """See `Lifecycle`."""
        values = self.values(id_, state)
        query = {key: expand(value, values, False) for key, value in self.kind.delete_query.items()}
        try:
            reply = self.call(operation, "DELETE", self.path(id_, state), values, query=query)
        except HttpError as error:
            if error.not_found:
                return
            raise
        self.finish(operation, reply, values)

    def change(
        self, operation: Operation, id_: str, state: Bag, planned: Bag, fields: list[Property]
    ) -> None:
        """Send the update.

        Args:
            operation: What is under way.
            id_: Pulumi's id.
            state: The last known properties.
            planned: What they shall be.
            fields: The properties of the REST resource that change.
        """
        query = dict(self.kind.read_query)
        changed = {each.name for each in fields}
        match self.kind.update:
            case "PUT":
                body = self.body(planned, state, changed)
            case "MERGE":
                body = merge_patch(fields, state, planned)
            case _:
                body = self.body(planned, state, changed)
                query["updateMask"] = ",".join(dict.fromkeys(each.path[0] for each in fields))
        method = "PUT" if self.kind.update == "PUT" else "PATCH"
        self.call(operation, method, self.path(id_, state), planned, query=query, body=body)

    def body(self, planned: Bag, state: Bag | None, changed: Iterable[str]) -> Json:
        """The REST resource as planned.

        Args:
            planned: The planned properties.
            state: The last known properties; None: it is about to be made.
            changed: Names of the properties that change.
        """
        body: Json = {}
        for each in self.kind.inputs:
            value = planned.get(each.name)
            if each.name == "labels":
                value = planned.get("effectiveLabels") or None
            if state is None and value is None:
                value = each.initial
            if not each.path or (
                state is not None and each.only_when_changed and each.name not in changed
            ):
                continue
            if (
                state is not None
                and each.blank_on_update
                and not value
                and state.get(each.name) == ""
            ):
                value = ""
            elif value in (None, "") or (state is not None and _says_nothing(each, value)):
                continue
            put(body, each.path, each.to_rest(value))
        return body

    def creation(self, planned: Bag) -> Json:
        """The body of the create."""
        return self.body(planned, None, ())

    def get(self, operation: Operation, id_: str, state: Bag) -> Json:
        """The REST resource."""
        query = dict(self.kind.read_query)
        return self.call(
            operation, "GET", self.path(id_, state), self.values(id_, state), query=query
        )

    def call(
        self,
        operation: Operation,
        method: str,
        path: str,
        values: Bag,
        *,
        query: dict[str, str] | None = None,
        body: Json | None = None,
    ) -> Json:
        """Send a request to the type's API, at the address of the resource's region."""
        region = values.get("region") or values.get("location")
        return operation.rest.call(
            operation, method, self.kind.service, path, query=query, body=body, region=region
        )

    def finish(self, operation: Operation, reply: Json, values: Bag) -> None:
        """Wait for what a create or delete started; most types are done with the reply."""

    def values(self, id_: str, state: Bag) -> Bag:
        """The properties that paths are made of."""
        return {**state, **(self.kind.identity(id_) or {})}

    def path(self, id_: str, state: Bag) -> str:
        """The resource's path in the API."""
        return expand(self.kind.path or self.kind.id, self.values(id_, state))

    def id_of(self, reply: Json, planned: Bag) -> str:
        """Pulumi's id of what a create has made."""
        return expand(self.kind.id, planned, quoted=False)


class LongRunning(RestResource):
    """A `RestResource` whose create and delete answer with a long-running operation."""

    def finish(self, operation: Operation, reply: Json, values: Bag) -> None:
        """Wait for the operation."""
        region = values.get("region") or values.get("location")
        operation.rest.finished(operation, self.kind.service, reply, region)


def _says_nothing(each: Property, value: Any) -> bool:
    return value == [] or (each.computed and value in (False, 0))


def merge_patch(fields: list[Property], state: Bag, planned: Bag) -> Json:
    """The JSON merge patch (RFC 7396) that turns the state's fields into the planned ones."""
    patch: Json = {}
    for each in fields:
        have: Any = state.get("effectiveLabels" if each.name == "labels" else each.name)
        want: Any = planned.get("effectiveLabels" if each.name == "labels" else each.name)
        if each.kind is Kind.MAP:
            removed = dict.fromkeys(key for key in have or {} if key not in (want or {}))
            value: Any = {**removed, **(want or {})}
        elif want is None:
            value = each.to_rest([]) if each.kind in (Kind.OBJECTS, Kind.STRINGS) else None
        else:
            value = each.to_rest(want)
        put(patch, each.path, value)
    return patch
