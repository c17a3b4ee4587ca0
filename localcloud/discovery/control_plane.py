"""A service's control plane: the standard methods, generated; what is special, as handlers.

What https://google.aip.dev/131 to /135 say of get, list, create, update and delete holds for every
collection named to a plane. Every other method needs a handler, or answers 501.
"""

import json
import re
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.discovery import mask
from localcloud.discovery.document import Document, Method, load
from localcloud.discovery.filter import compile_filter
from localcloud.discovery.operations import Operations
from localcloud.discovery.page import order, page
from localcloud.discovery.schema import camel, snake
from localcloud.errors import ApiError, Json, Violation, invalid
from localcloud.policy import Policies
from localcloud.project import Projects
from localcloud.store import Store, now

# Parameters of every method that clients may also write with a dollar sign.
_SYSTEM = ("alt", "fields", "prettyPrint", "callback", "key", "quotaUser", "userProject", "unique")


@dataclass(frozen=True)
class Cloud:
    """What all services share."""

    store: Store
    operations: Operations
    projects: Projects
    policies: Policies


@dataclass
class Call:
    """One request that has passed validation.

    Attributes:
        plane: The service it came to.
        method: The method it asks for.
        name: The resource or collection it names, `projects/<id>/…`, without the custom verb.
        query: Query parameters in camel case.
        body: Parsed body; empty for none.
    """

    plane: "ControlPlane"
    method: Method
    name: str
    query: Mapping[str, Any]
    body: Json

    @property
    def store(self) -> Store:
        """The resources."""
        return self.plane.cloud.store

    @property
    def project(self) -> str:
        """The project id in the name."""
        return self.name.split("/")[1]

    @property
    def location(self) -> str:
        """`projects/<id>/locations/<location>`, the resource's location."""
        return "/".join(self.name.split("/")[:4])

    def resource(self, name: str = "") -> Json:
        """A stored resource.

        Args:
            name: Its name; empty for the one the request names.

        Raises:
            ApiError: NOT_FOUND.
        """
        found = self.store.get(name or self.name)
        if found is None:
            raise self.plane.not_found(name or self.name)
        return found


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Collection:
    """A collection whose standard methods are generated.

    Attributes:
        message: The resource's message, such as `GoogleCloudAiplatformV1Endpoint`.
        noun: What errors and operation metadata call it, such as `Endpoint`.
        id_parameter: Query parameter with the client's id; empty: the service always chooses.
        id_pattern: What a client's id must look like.
        new_id: The service's own ids.
        creating: Completes or refuses a new resource: call, body with its name -> body.
        updating: Completes or refuses a changed one: call, before, after -> after.
        deleting: Refuses a delete: call, resource.
        children: What a delete does to resources below: `refuse` unless `force`, or `take`.
    """

    message: str
    noun: str
    id_parameter: str = ""
    id_pattern: str = r"[a-z0-9_-]{1,63}"
    new_id: Callable[[], str] = field(default=lambda: str(secrets.randbelow(8 * 10**18) + 10**18))
    creating: Callable[[Call, Json], Json] = field(default=lambda call, body: body)
    updating: Callable[[Call, Json, Json], Json] = field(default=lambda call, before, after: after)
    deleting: Callable[[Call, Json], None] = field(default=lambda call, resource: None)
    children: str = "refuse"


def new_uuid() -> str:
    """An id of the services that choose UUIDs."""
    return str(uuid.uuid4())


class ControlPlane:
    """One version of one API.

    Args:
        document: Name of its Discovery document, such as `aiplatform.v1`.
        cloud: What all services share.
        package: Package of its messages in `@type`, such as `google.cloud.aiplatform.v1`.
        prefix: What the document puts before every message's name.
        collections: The collections with generated methods, by name.
        handlers: Handlers by method id, or by its last two parts (`endpoints.deployModel`).
        unlocked: Those of the handlers that run long and must not hold the store.
        unparsed: Methods whose body is the caller's own JSON, passed on as it is.
        numbers: Whether names in replies carry the project's number instead of its id.
        location_pattern: What a location must look like.
        fold_locations: Whether locations may be written in capitals, as BigQuery's `US`.
    """

    def __init__(
        self,
        document: str,
        cloud: Cloud,
        *,
        package: str,
        prefix: str = "",
        collections: Mapping[str, Collection] | None = None,
        handlers: Mapping[str, Handler] | None = None,
        unlocked: frozenset[str] = frozenset(),
        unparsed: frozenset[str] = frozenset(),
        numbers: bool = True,
        location_pattern: str = r"[a-z0-9-]+",
        fold_locations: bool = False,
    ) -> None:
        self.name = document
        self.cloud = cloud
        self.package = package
        self.prefix = prefix
        self.collections = collections or {}
        self.handlers = handlers or {}
        self.unlocked = unlocked
        self.unparsed = unparsed
        self.numbers = numbers
        self.location_pattern = location_pattern
        self.fold_locations = fold_locations

    @property
    def document(self) -> Document:
        """The Discovery document, read on first use."""
        return load(self.name)

    def not_found(self, name: str) -> ApiError:
        """The 404 of one resource."""
        kind = name.split("/")[-2] if "/" in name else ""
        collection = self.collections.get(kind)
        noun = collection.noun if collection else kind or "resource"
        return ApiError("NOT_FOUND", f"The {noun} {name} does not exist.")

    # ---------------------------------------------------------------- dispatch
    def route(self, http: str, path: str) -> Method | None:
        """The method for a request, if this API has one."""
        return self.document.route(http, path)

    def handle(
        self, method: Method, path: str, query: Sequence[tuple[str, str]], raw: bytes
    ) -> Json:
        """Answer one request.

        Raises:
            ApiError: Whatever Google would refuse it with.
        """
        handler = self._handler(method)
        call = Call(
            plane=self,
            method=method,
            name=self._name(method, path),
            query=self._query(method, query),
            body=self._body(method, raw),
        )
        if method.short in self.unlocked:
            with self.cloud.store.transaction():
                self.cloud.operations.settle()
            reply = handler(call)
        else:
            with self.cloud.store.transaction():
                self.cloud.operations.settle()
                reply = handler(call)
        return self.cloud.projects.outward(reply) if self.numbers else reply

    def _handler(self, method: Method) -> Handler:
        for key in (method.id, method.id.split(".", 1)[1], method.short):
            if key in self.handlers:
                return self.handlers[key]
        collection = method.id.split(".")[-2]
        if collection == "operations":
            return {
                "get": lambda call: self.cloud.operations.get(call.name),
                "wait": lambda call: self.cloud.operations.get(call.name),
                "list": self._list_operations,
                "delete": self._delete_operation,
                "cancel": self._cancel_operation,
            }.get(method.verb, self._unimplemented)
        if collection in self.collections or method.id.split(".")[-2] == "projects":
            policy = {
                "getIamPolicy": self._get_policy,
                "setIamPolicy": self._set_policy,
                "testIamPermissions": self._test_permissions,
            }.get(method.verb)
            if policy:
                return policy
        if collection in self.collections:
            standard = {
                "create": self._create,
                "get": self._get,
                "list": self._list,
                "patch": self._patch,
                "delete": self._delete,
            }.get(method.verb)
            if standard:
                return standard
        return self._unimplemented

    def _unimplemented(self, call: Call) -> Json:
        raise ApiError(
            "UNIMPLEMENTED",
            f"{call.method.id} is not implemented by the local cloud. docs/local_cloud.md lists "
            "what is.",
        )

    def _name(self, method: Method, path: str) -> str:
        rest = path.strip("/").split("/")[1:]
        if method.custom_verb:
            rest[-1] = rest[-1].removesuffix(f":{method.custom_verb}")
        if rest[0] == "projects" and len(rest) > 1 and rest[1] != "-":
            rest[1] = self.cloud.projects.id(rest[1])
        if self.fold_locations and len(rest) > 3 and rest[2] == "locations":
            rest[3] = rest[3].lower()
        if (
            len(rest) > 3
            and rest[2] == "locations"
            and not re.fullmatch(self.location_pattern, rest[3])
        ):
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Location {rest[3]!r} is not a location of {self.name.split('.')[0]}: "
                f"expected something like {self._location_examples()}.",
            )
        return "/".join(rest)

    def _location_examples(self) -> str:
        examples = ("us-central1", "europe-west4", "us", "eu")
        return ", ".join(e for e in examples if re.fullmatch(self.location_pattern, e))

    def _query(self, method: Method, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        known = {**self.document.parameters, **method.parameters}
        query: dict[str, Any] = {}
        for key, value in pairs:
            if key.startswith("$") and camel(key[1:]) in {*_SYSTEM, *known}:
                continue
            name = key if key in known else ".".join(camel(part) for part in key.split("."))
            parameter = known.get(name)
            if parameter is None:
                description = (
                    f'Invalid JSON payload received. Unknown name "{key}": Cannot bind query '
                    f"parameter. Field '{key}' could not be found in request message."
                )
                raise invalid([Violation("", description)])
            parsed = _query_value(parameter, key, value)
            if parameter.get("repeated"):
                query.setdefault(name, []).append(parsed)
            elif name in query and name.endswith("Mask"):
                query[name] = f"{query[name]},{parsed}"
            else:
                query[name] = parsed
        for name, parameter in method.parameters.items():
            if (
                parameter.get("location") == "query"
                and str(parameter.get("description", "")).startswith("Required.")
                and name not in query
                and name != "updateMask"
            ):
                raise invalid(
                    [Violation(snake(name), f"Required parameter is not set: {snake(name)}.")]
                )
        return query

    def _body(self, method: Method, raw: bytes) -> Json:
        if not method.request:
            return {}
        try:
            body = json.loads(raw) if raw.strip() else {}
        except ValueError as error:
            raise ApiError(
                "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}."
            ) from error
        if method.short in self.unparsed:
            own: Json = body
            return own
        parsed = self.document.schema.parse(method.request, body, self._body_path(method))
        inward: Json = self.cloud.projects.inward(parsed)
        return inward

    def _body_path(self, method: Method) -> str:
        # A request message is the body itself; a resource is one field of the request.
        short = method.request.removeprefix(self.prefix)
        if short.endswith(("Request", "HttpBody")):
            return ""
        return snake(short[:1].lower() + short[1:])

    # ---------------------------------------------------------------- standard methods
    def any(self, message: str, body: Json) -> Json:
        """A message inside a google.protobuf.Any."""
        if message == "Empty":
            return {"@type": "type.googleapis.com/google.protobuf.Empty"}
        short = message.removeprefix(self.prefix)
        return {"@type": f"type.googleapis.com/{self.package}.{short}", **body}

    def metadata(self, verb: str, **more: Any) -> Json:
        """The metadata of an operation such as `CreateEndpoint`."""
        return {
            "@type": f"type.googleapis.com/{self.package}.{verb}OperationMetadata",
            **more,
        }

    def operation(self, parent: str, verb: str, effect: str, arguments: Json) -> Json:
        """Begin an operation of this service."""
        return self.cloud.operations.start(parent, self.metadata(verb), effect, arguments)

    def _shown(self, call: Call, resource: Json) -> Json:
        message = self.collections[call.method.id.split(".")[-2]].message
        return self.document.schema.render(message, resource)

    def _create(self, call: Call) -> Json:
        parent, kind = call.name.rsplit("/", 1)
        collection = self.collections[kind]
        schema = self.document.schema
        missing = schema.missing(
            collection.message, call.body, self._body_path(call.method), method=call.method.id
        )
        if missing:
            raise invalid(missing)
        if parent.count("/") > 3 and self.cloud.store.get(parent) is None:
            raise self.not_found(parent)
        name = f"{parent}/{kind}/{self._id(call, collection)}"
        if self.cloud.store.get(name):
            raise ApiError("ALREADY_EXISTS", f"The {collection.noun} {name} already exists.")
        created = now()
        body = {**call.body, "name": name, "createTime": created, "updateTime": created}
        resource = self.cloud.store.put(name, collection.creating(call, body))
        shown = self._shown(call, resource)
        if call.method.response == "GoogleLongrunningOperation":
            for absent in ("createTime", "updateTime", "etag"):
                shown.pop(absent, None)
            response = self.any(collection.message, shown)
            return self.operation(name, f"Create{collection.noun}", "respond", response)
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
        return self._masked(call, self._shown(call, call.resource()))

    def _masked(self, call: Call, shown: Json) -> Json:
        text = str(call.query.get("readMask") or "")
        if not text:
            return shown
        message = self.collections[call.method.id.split(".")[-2]].message
        return mask.select(shown, mask.paths(text, self.document.schema, message))

    def _list(self, call: Call) -> Json:
        parent, kind = call.name.rsplit("/", 1)
        if parent.count("/") > 3 and self.cloud.store.get(parent) is None:
            raise self.not_found(parent)
        return self.listed(call, self.cloud.store.under(parent, kind), kind)

    def listed(self, call: Call, items: Sequence[Json], kind: str) -> Json:
        """Filter, order, cut and show what a list method found."""
        schema, message = self.document.schema, self.collections[kind].message
        accepts = compile_filter(str(call.query.get("filter") or ""), schema, message)
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

    def _patch(self, call: Call) -> Json:
        before = call.resource()
        after = self.patched(call, before)
        kind = call.name.split("/")[-2]
        collection = self.collections[kind]
        after = collection.updating(call, before, after)
        after["updateTime"] = now()
        shown = self._shown(call, self.cloud.store.put(call.name, after))
        if call.method.response == "GoogleLongrunningOperation":
            response = self.any(collection.message, shown)
            return self.operation(call.name, f"Update{collection.noun}", "respond", response)
        return shown

    def patched(self, call: Call, before: Json) -> Json:
        """A resource with the fields of the update mask taken from the body.

        Raises:
            ApiError: ABORTED, the body's etag is not the current one; INVALID_ARGUMENT, the mask
                is missing where it is required, or names an unknown or immutable field.
        """
        schema, message = self.document.schema, call.method.request
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
        collection = self.collections[call.name.split("/")[-2]]
        if call.query.get("etag") and call.query["etag"] != resource.get("etag"):
            raise ApiError("ABORTED", f"The etag does not match the current etag of {call.name}.")
        collection.deleting(call, resource)
        below = [n for n in self.cloud.store.below(call.name) if "/iamPolicies/" not in n]
        if below and collection.children == "refuse" and not call.query.get("force"):
            hint = " or set force" if "force" in call.method.parameters else ""
            others = f" and {len(below) - 1} more" if len(below) > 1 else ""
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The {collection.noun} {call.name} is not empty: it holds {below[0]}"
                f"{others}; delete them first{hint}.",
            )
        self.cloud.store.delete(call.name)
        if call.method.response == "GoogleLongrunningOperation":
            return self.operation(call.location, "Delete", "respond", self.any("Empty", {}))
        return {}

    # ---------------------------------------------------------------- operations, policies
    def _list_operations(self, call: Call) -> Json:
        parent = call.name.removesuffix("/operations")
        asked = json.dumps([call.name, call.query.get("filter")])
        shown, token = page(self.cloud.operations.of(parent), call.query, asked=asked)
        return {
            **({"operations": list(shown)} if shown else {}),
            **({"nextPageToken": token} if token else {}),
        }

    def _delete_operation(self, call: Call) -> Json:
        self.cloud.operations.delete(call.name)
        return {}

    def _cancel_operation(self, call: Call) -> Json:
        # Google's cancel is best effort and answers Empty whether or not it had one.
        self.cloud.operations.get(call.name)
        return {}

    def _governed(self, call: Call) -> str:
        if call.method.short.startswith("projects."):
            return call.name
        call.resource()
        return call.name

    def _get_policy(self, call: Call) -> Json:
        return self.cloud.policies.get(self._governed(call))

    def _set_policy(self, call: Call) -> Json:
        if "policy" not in call.body:
            raise invalid([Violation("policy", "Required field is not set: policy.")])
        return self.cloud.policies.set(
            self._governed(call), call.body["policy"], str(call.body.get("updateMask") or "")
        )

    def _test_permissions(self, call: Call) -> Json:
        self._governed(call)
        return self.cloud.policies.test(list(call.body.get("permissions", [])))


def _query_value(parameter: Json, key: str, value: str) -> Any:
    kind = parameter.get("type")
    wrong = ""
    parsed: Any = value
    if kind == "boolean":
        wrong = "" if value.lower() in ("true", "false", "1", "0") else "TYPE_BOOL"
        parsed = value.lower() in ("true", "1")
    elif kind == "integer":
        wrong = "" if re.fullmatch(r"-?\d+", value) else "TYPE_INT32"
        parsed = value if wrong else int(value)
    elif "enum" in parameter:
        names = parameter["enum"]
        if value.isdigit() and int(value) < len(names):
            parsed = names[int(value)]
        elif value not in names:
            wrong = f"one of {', '.join(names)}"
    if wrong:
        description = f"Invalid value at '{snake(key)}' ({wrong}), \"{value}\""
        raise invalid([Violation(snake(key), description)])
    return parsed
