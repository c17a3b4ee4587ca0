"""A service's control plane: finds a request's method, reads the request, answers it.

The standard methods of the collections named to a plane are generated (`standard.py`); what is
special comes as handlers; every other method answers 501.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.discovery.document import Document, Method, load
from localcloud.discovery.request import body_path, read_json, read_query
from localcloud.discovery.standard import StandardMethods
from localcloud.errors import ApiError, Json


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
        absent: Ids of methods that answer 501 although another's handler has their last two parts.
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
        absent: frozenset[str] = frozenset(),
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
        self.absent = absent
        self.numbers = numbers
        self.location_pattern = location_pattern
        self.fold_locations = fold_locations
        self.standard = StandardMethods(self)

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
        self,
        method: Method,
        path: str,
        query: Sequence[tuple[str, str]],
        raw: bytes,
        host: str = "",
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
            query=read_query(self.document, method, query),
            body=self._body(method, raw),
            host=host,
        )
        with self.cloud.store.transaction():
            self.cloud.operations.settle()
        if method.short in self.unlocked:
            reply = handler(call)
        else:
            with self.cloud.store.transaction():
                reply = handler(call)
        return self.cloud.projects.outward(reply) if self.numbers else reply

    def implements(self, method: Method) -> bool:
        """Whether a method of this API has an answer other than 501."""
        return self._handler(method) != self._unimplemented

    def _handler(self, method: Method) -> Handler:
        if method.id in self.absent:
            return self._unimplemented
        for key in (method.id, method.id.split(".", 1)[1], method.short):
            if key in self.handlers:
                return self.handlers[key]
        return self.standard.handler(method) or self._unimplemented

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

    def _body(self, method: Method, raw: bytes) -> Json:
        body = read_json(method, raw)
        if not method.request or method.short in self.unparsed:
            return body
        path = body_path(method, self.prefix)
        parsed: Json = self.cloud.projects.inward(
            self.document.schema.parse(method.request, body, path)
        )
        return parsed

    # ---------------------------------------------------------------- replies
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
