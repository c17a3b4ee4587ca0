"""The standard methods, for every collection: https://google.aip.dev/131 to /135.

Also what every API has on top: operations (https://google.aip.dev/151) and IAM policies.
"""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from localcloud.discovery import mask
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.discovery.document import Method
from localcloud.discovery.filter import compile_filter
from localcloud.discovery.page import order, page
from localcloud.discovery.request import body_path
from localcloud.discovery.schema import snake
from localcloud.errors import ApiError, Json, Violation, invalid
from localcloud.store import now

if TYPE_CHECKING:
    from localcloud.discovery.control_plane import ControlPlane

_PLACES = ("projects", "locations", "folders", "organizations")
"""Parents that are always there."""
_NUMBER = re.compile(r"projects/(\d+)/")


class StandardMethods:
    """The generated methods of one service.

    Args:
        plane: The service.
    """

    def __init__(self, plane: "ControlPlane") -> None:
        self.plane = plane

    def handler(self, method: Method) -> Handler | None:
        """What answers a method; None when it is not a generated one."""
        parts = method.id.split(".")
        collection, parents = parts[-2], parts[1:-2]
        if not all(parent in _PLACES or parent in self.plane.collections for parent in parents):
            # A collection of the same name below one that is not there.
            return None
        operations: dict[str, Handler] = {
            "get": lambda call: self.plane.cloud.operations.get(call.name),
            "wait": lambda call: self.plane.cloud.operations.get(call.name),
            "list": self._list_operations,
            "delete": self._delete_operation,
            "cancel": self._cancel_operation,
        }
        policies: dict[str, Handler] = {
            "getIamPolicy": self._get_policy,
            "setIamPolicy": self._set_policy,
            "testIamPermissions": self._test_permissions,
        }
        standard: dict[str, Handler] = {
            "create": self.created,
            "get": self._get,
            "list": self.listing,
            "patch": self.patch,
            "delete": self._delete,
        }
        if collection == "operations":
            return operations.get(method.verb)
        if collection in self.plane.collections:
            return standard.get(method.verb) or policies.get(method.verb)
        return policies.get(method.verb) if collection == "projects" else None

    def shown(self, call: Call, resource: Json) -> Json:
        """A resource of the collection that is asked, as this version of the API shows it."""
        message = self.plane.collections[call.method.id.split(".")[-2]].message
        return self.plane.document.schema.render(message, resource)

    def created(self, call: Call) -> Json:
        """Make a resource of a collection from the body of a request."""
        parent, kind = call.name.rsplit("/", 1)
        collection = self.plane.collections[kind]
        schema = self.plane.document.schema
        missing = schema.missing(
            collection.message,
            call.body,
            body_path(call.method, self.plane.prefix),
            method=call.method.id,
        )
        if missing:
            raise invalid(missing)
        if parent.count("/") > 3 and self.plane.cloud.store.get(parent) is None:
            raise self.plane.not_found(parent)
        name = f"{parent}/{kind}/{self._id(call, collection)}"
        if self.plane.cloud.store.get(name):
            raise ApiError("ALREADY_EXISTS", f"The {collection.noun} {name} already exists.")
        created = now()
        body = {**call.body, "name": name, "createTime": created, "updateTime": created}
        resource = self.plane.cloud.store.put(name, collection.creating(call, body))
        shown = self.shown(call, resource)
        if call.method.response == "GoogleLongrunningOperation":
            for absent in ("createTime", "updateTime", "etag"):
                shown.pop(absent, None)
            response = self.plane.any(collection.message, shown)
            return self.plane.operation(
                name, f"Create{collection.noun}", collection.effect, response
            )
        return shown

    def _id(self, call: Call, collection: Collection) -> str:
        given = (
            str(call.query.get(collection.id_parameter) or "") if collection.id_parameter else ""
        )
        if given and not re.fullmatch(collection.id_pattern, given):
            field_name = snake(collection.id_parameter)
            description = f"Invalid {field_name} {given!r}: it must match {collection.id_pattern}."
            raise ApiError("INVALID_ARGUMENT", description, [Violation(field_name, description)])
        return given or collection.new_id()

    def _get(self, call: Call) -> Json:
        return self._masked(call, self.shown(call, call.resource()))

    def _masked(self, call: Call, shown: Json) -> Json:
        text = str(call.query.get("readMask") or "")
        if not text:
            return shown
        message = self.plane.collections[call.method.id.split(".")[-2]].message
        return mask.select(shown, mask.paths(text, self.plane.document.schema, message))

    def listing(self, call: Call) -> Json:
        """Answer a list method."""
        parent, kind = call.name.rsplit("/", 1)
        if parent.count("/") > 3 and self.plane.cloud.store.get(parent) is None:
            raise self.plane.not_found(parent)
        return self.listed(call, self.plane.cloud.store.under(parent, kind), kind)

    def listed(self, call: Call, items: Sequence[Json], kind: str) -> Json:
        """Filter, order, cut and show what a list method found."""
        schema, message = self.plane.document.schema, self.plane.collections[kind].message
        # Resources are kept under the ids of projects, which replies turn into numbers.
        asked_filter = _NUMBER.sub(
            lambda found: f"projects/{self.plane.cloud.projects.id(found[1])}/",
            str(call.query.get("filter") or ""),
        )
        functions = self.plane.collections[kind].functions
        accepts = compile_filter(asked_filter, schema, message, functions)
        found = order(
            [item for item in items if accepts(item)],
            str(call.query.get("orderBy") or ""),
            schema,
            message,
        )
        asked = json.dumps([call.name, call.query.get("filter"), call.query.get("orderBy")])
        shown, token = page(found, call.query, asked=asked)
        reply: Json = {}
        if shown:
            key = next(
                name
                for name, entry in schema.fields(call.method.response).items()
                if entry.get("type") == "array" and "$ref" in entry.get("items", {})
            )
            reply[key] = [self._masked(call, schema.render(message, item)) for item in shown]
        if token:
            reply["nextPageToken"] = token
        return reply

    def patch(self, call: Call) -> Json:
        """Change the fields of a resource that the update mask names."""
        before = call.resource()
        after = self.patched(call, before)
        kind = call.name.split("/")[-2]
        collection = self.plane.collections[kind]
        after = collection.updating(call, before, after)
        after["updateTime"] = now()
        shown = self.shown(call, self.plane.cloud.store.put(call.name, after))
        if call.method.response == "GoogleLongrunningOperation":
            response = self.plane.any(collection.message, shown)
            return self.plane.operation(
                call.name, f"Update{collection.noun}", collection.effect, response
            )
        return shown

    def patched(self, call: Call, before: Json) -> Json:
        """A resource with the fields of the update mask taken from the body.

        Raises:
            ApiError: ABORTED, the body's etag is not the current one; INVALID_ARGUMENT, the mask
                is missing where it is required, or names an unknown or immutable field.
        """
        schema, message = self.plane.document.schema, call.method.request
        text = str(call.query.get("updateMask") or "")
        parameter = call.method.parameters.get("updateMask", {})
        if not text and str(parameter.get("description", "")).startswith("Required."):
            description = "Required parameter is not set: update_mask."
            raise ApiError("INVALID_ARGUMENT", description, [Violation("update_mask", description)])
        wanted = mask.paths(text, schema, message) if text else [[key] for key in call.body]
        etag = call.body.get("etag")
        if etag and etag != before.get("etag"):
            raise ApiError(
                "ABORTED",
                f"The etag {etag!r} does not match the current etag {before.get('etag')!r} of "
                f"{call.name}: read it again and repeat.",
            )
        after: Json = json.loads(json.dumps(before))
        immutable, output_only = schema.immutable(message), schema.output_only(message)
        for keys in wanted:
            top = keys[0]
            if top in output_only or top in ("name", "etag", "createTime", "updateTime"):
                continue
            value = mask.read(call.body, keys)
            if top in immutable:
                if text == "*" or value == mask.read(before, keys):
                    continue
                description = f"The field {snake('.'.join(keys))} is immutable."
                raise ApiError(
                    "INVALID_ARGUMENT", description, [Violation(snake(".".join(keys)), description)]
                )
            mask.write(after, keys, value)
        return after

    def _delete(self, call: Call) -> Json:
        resource = call.resource()
        collection = self.plane.collections[call.name.split("/")[-2]]
        if call.query.get("etag") and call.query["etag"] != resource.get("etag"):
            raise ApiError("ABORTED", f"The etag does not match the current etag of {call.name}.")
        collection.deleting(call, resource)
        below = [n for n in self.plane.cloud.store.below(call.name) if "/iamPolicies/" not in n]
        if below and collection.children == "refuse" and not call.query.get("force"):
            hint = " or set force" if "force" in call.method.parameters else ""
            others = f" and {len(below) - 1} more" if len(below) > 1 else ""
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The {collection.noun} {call.name} is not empty: it holds {below[0]}"
                f"{others}; delete them first{hint}.",
            )
        self.plane.cloud.store.delete(call.name)
        if call.method.response == "GoogleLongrunningOperation":
            return self.plane.operation(
                call.location, "Delete", "respond", self.plane.any("Empty", {})
            )
        return {}

    # ---------------------------------------------------------------- operations, policies
    def _list_operations(self, call: Call) -> Json:
        parent = call.name.removesuffix("/operations")
        asked = json.dumps([call.name, call.query.get("filter")])
        shown, token = page(self.plane.cloud.operations.of(parent), call.query, asked=asked)
        return {
            **({"operations": list(shown)} if shown else {}),
            **({"nextPageToken": token} if token else {}),
        }

    def _delete_operation(self, call: Call) -> Json:
        self.plane.cloud.operations.delete(call.name)
        return {}

    def _cancel_operation(self, call: Call) -> Json:
        # Google's cancel is best effort and answers Empty whether or not it had one.
        self.plane.cloud.operations.get(call.name)
        return {}

    def _governed(self, call: Call) -> str:
        if call.method.short.startswith("projects."):
            return call.name
        call.resource()
        return call.name

    def _get_policy(self, call: Call) -> Json:
        return self.plane.cloud.policies.get(self._governed(call))

    def _set_policy(self, call: Call) -> Json:
        if "policy" not in call.body:
            raise invalid([Violation("policy", "Required field is not set: policy.")])
        return self.plane.cloud.policies.set(
            self._governed(call), call.body["policy"], str(call.body.get("updateMask") or "")
        )

    def _test_permissions(self, call: Call) -> Json:
        self._governed(call)
        return self.plane.cloud.policies.test(list(call.body.get("permissions", [])))
