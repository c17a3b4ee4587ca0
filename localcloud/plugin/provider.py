"""The plugin's gRPC service: what the engine asks, put to the resource types.

Source: https://github.com/pulumi/pulumi/blob/v3.259.0/proto/pulumi/provider.proto
"""

import json
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto import provider_pb2 as proto
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from localcloud.plugin import check as checking
from localcloud.plugin import diff as diffing
from localcloud.plugin import property_bag, resource_types
from localcloud.plugin.configuration import Configuration, compact, problems
from localcloud.plugin.lifecycle import (
    DEFAULT_SECONDS,
    HalfMade,
    Lifecycle,
    Locks,
    Operation,
    Refused,
)
from localcloud.plugin.property_bag import DEFAULTS, Bag
from localcloud.plugin.request_error import HttpError, OperationFailed
from localcloud.plugin.unknown import UNKNOWN

if TYPE_CHECKING:
    from localcloud.plugin.resource_type import ResourceType
    from localcloud.plugin.rest import Rest

PACKAGE = "gcp"
_SECRETS = ("accessToken",)


def package_version() -> str:
    """The version of pulumi-gcp that is installed: the one whose resource types are served."""
    return version("pulumi-gcp")


class Provider(ResourceProviderServicer):
    """The service. One engine process talks to it, from many threads at once."""

    def __init__(self) -> None:
        self._configuration = Configuration()
        self._rest: Rest | None = None
        self._guard = threading.Lock()
        self._cancelled = threading.Event()
        self._locks = Locks()

    def cancel(self) -> None:
        """End every wait and retry."""
        self._cancelled.set()

    # What the plugin is.

    def Handshake(self, request: Any, context: Any) -> Any:
        """Say what this plugin can do."""
        # Secrets are not accepted, like the official plugin: then the engine itself keeps every
        # output secret whose input is.
        return proto.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        """Serve an engine that did not start this process (`PULUMI_DEBUG_PROVIDERS`)."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The version."""
        return plugin_pb2.PluginInfo(version=package_version())

    def GetSchema(self, request: Any, context: Any) -> Any:
        """The package's name and version; programs bring the types with pulumi-gcp."""
        schema = {"name": PACKAGE, "version": package_version(), "resources": {}}
        return proto.GetSchemaResponse(schema=json.dumps(schema))

    def Cancel(self, request: Any, context: Any) -> Any:
        """End every wait and retry."""
        self.cancel()
        return empty_pb2.Empty()

    # The provider resource.

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Check the provider's inputs; the access token becomes a secret."""
        news = property_bag.read(request.news)
        failures = [
            proto.CheckFailure(property=key, reason=reason)
            for key, reason in problems(news).items()
        ]
        inputs = {
            key: property_bag.secret(value) if key in _SECRETS else compact(value)
            for key, value in news.items()
        }
        return proto.CheckResponse(inputs=property_bag.write(inputs), failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Compare the provider's inputs; none of them replaces its resources."""
        olds = property_bag.read(request.old_inputs)
        news = property_bag.read(request.news)
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        some, none = proto.DiffResponse.DIFF_SOME, proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=some if changed else none, diffs=changed)

    def Configure(self, request: Any, context: Any) -> Any:
        """Take the provider's inputs."""
        bag = property_bag.read(request.args)
        if not request.HasField("args"):
            bag = {key.rpartition(":")[2]: value for key, value in request.variables.items()}
        self._configuration = Configuration.load(bag)
        return proto.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    # Resources.

    def Check(self, request: Any, context: Any) -> Any:
        """Check a resource's inputs and fill in the defaults."""
        kind = _kind(request.urn, context)
        checked = checking.check(
            kind,
            property_bag.read(request.news),
            property_bag.read(request.olds),
            property_bag.defaults(request.olds),
            _proposed_name(request),
            self._configuration,
        )
        return proto.CheckResponse(
            inputs=_inputs(checked.inputs, checked.defaults),
            failures=[
                proto.CheckFailure(property=failure.path, reason=failure.reason)
                for failure in checked.failures
            ],
        )

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the live state with the inputs."""
        kind = _kind(request.urn, context)
        state = property_bag.read(request.olds)
        planned = kind.planned(property_bag.read(request.news), state, self._configuration)
        changes = diffing.diff(kind, state, planned, request.ignoreChanges)
        replaces = [change.path for change in changes if change.replaces]
        autonamed = property_bag.defaults(request.news)
        first = kind.deletes_first and not any(
            each.autonamed and each.name in autonamed for each in kind.inputs
        )
        some, none = proto.DiffResponse.DIFF_SOME, proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(
            changes=some if changes else none,
            diffs=sorted({change.name for change in changes}),
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and first,
            stables=[
                each.name for each in kind.inputs if each.replaces and each.name not in replaces
            ],
            hasDetailedDiff=True,
            detailedDiff={
                change.path: proto.PropertyDiff(
                    kind=proto.PropertyDiff.Kind.Value(
                        f"{change.kind}_REPLACE" if change.replaces else change.kind
                    )
                )
                for change in changes
            },
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource; in a preview, say what it would be."""
        kind = _kind(request.urn, context)
        planned = kind.planned(property_bag.read(request.properties), None, self._configuration)
        if request.preview:
            preview = {**kind.previewed(planned, None), "id": UNKNOWN}
            return proto.CreateResponse(id="", properties=property_bag.write(preview))

        def create(lifecycle: Lifecycle, operation: Operation) -> Any:
            id_, properties = lifecycle.create(operation, planned)
            return proto.CreateResponse(id=id_, properties=property_bag.write(properties))

        return self._do(kind, request, context, "creating", create)

    def Read(self, request: Any, context: Any) -> Any:
        """Read a resource: to refresh it, to import it, or for `get`."""
        kind = _kind(request.urn, context)
        state = property_bag.read(request.properties)
        inputs = property_bag.read(request.inputs)
        importing = not inputs and len(state.keys() - {"id"}) == 0
        if importing:
            state = {"project": self._configuration.project} if self._configuration.project else {}

        def read(lifecycle: Lifecycle, operation: Operation) -> Any:
            if not kind.names_members and kind.identity(request.id) is None:
                spellings = ", ".join(f"'{form}'" for form in (kind.id, *kind.imports))
                raise Refused(f"'{request.id}' is no id of {kind.token}: write {spellings}")
            properties = lifecycle.read(operation, request.id, state)
            if properties is None:
                return proto.ReadResponse(id="")
            id_ = str(properties.get("id") or request.id)
            defaults = property_bag.defaults(request.inputs)
            found = kind.read_inputs(properties, None if importing else inputs)
            return proto.ReadResponse(
                id=id_, properties=property_bag.write(properties), inputs=_inputs(found, defaults)
            )

        return self._do(kind, request, context, "reading", read)

    def Update(self, request: Any, context: Any) -> Any:
        """Change a resource in place; in a preview, say what it would be."""
        kind = _kind(request.urn, context)
        state = property_bag.read(request.olds)
        planned = kind.planned(property_bag.read(request.news), state, self._configuration)
        if request.preview:
            preview = kind.previewed(planned, state)
            return proto.UpdateResponse(properties=property_bag.write(preview))
        changes = diffing.diff(kind, state, planned, request.ignoreChanges)

        def update(lifecycle: Lifecycle, operation: Operation) -> Any:
            changed = list(dict.fromkeys(change.name for change in changes))
            properties = lifecycle.update(operation, request.id, state, planned, changed)
            return proto.UpdateResponse(properties=property_bag.write(properties))

        return self._do(kind, request, context, "updating", update)

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete a resource, unless its deletion policy says otherwise."""
        kind = _kind(request.urn, context)
        state = property_bag.read(request.properties)

        def delete(lifecycle: Lifecycle, operation: Operation) -> Any:
            policy = state.get("deletionPolicy", "DELETE")
            if policy == "PREVENT":
                raise Refused(
                    "its 'deletionPolicy' is PREVENT: set it to DELETE and run `pulumi up` first"
                )
            reason = kind.forbids_delete(state)
            if reason:
                raise Refused(reason)
            if policy != "ABANDON":
                lifecycle.delete(operation, request.id, state)
            return empty_pb2.Empty()

        return self._do(kind, request, context, "deleting", delete)

    def Invoke(self, request: Any, context: Any) -> Any:
        """Functions are not served."""
        _refuse(context, grpc.StatusCode.UNIMPLEMENTED, _not_served(f"the function {request.tok}"))

    def Call(self, request: Any, context: Any) -> Any:
        """Methods are not served."""
        _refuse(context, grpc.StatusCode.UNIMPLEMENTED, _not_served(f"the method {request.tok}"))

    def Construct(self, request: Any, context: Any) -> Any:
        """Components are not served."""
        _refuse(
            context, grpc.StatusCode.UNIMPLEMENTED, _not_served(f"the component {request.type}")
        )

    def _do(
        self,
        kind: "ResourceType",
        request: Any,
        context: Any,
        doing: str,
        step: Callable[[Lifecycle, Operation], Any],
    ) -> Any:
        seconds = getattr(request, "timeout", 0) or DEFAULT_SECONDS
        operation = Operation(
            rest=self._requests(),
            configuration=self._configuration,
            cancelled=self._cancelled,
            deadline=time.monotonic() + seconds,
            locks=self._locks,
        )
        what = f"{doing} {request.urn}"
        try:
            return step(kind.lifecycle(kind), operation)
        except HalfMade as error:
            _half_made(context, error, getattr(request, "properties", None))
        except (HttpError, OperationFailed, Refused) as error:
            _refuse(context, _status(error), f"{what}: {error}")

    def _requests(self) -> "Rest":
        from localcloud.plugin.rest import Rest

        with self._guard:
            if self._rest is None:
                self._rest = Rest(self._configuration)
            return self._rest


def token(urn: str) -> str:
    """The type token in a URN, without the types of the parents."""
    return urn.split("::")[2].rpartition("$")[2]


def _kind(urn: str, context: Any) -> "ResourceType":
    try:
        return resource_types.of(token(urn))
    except KeyError:
        what = f"the resource type {token(urn)} ({urn})"
        _refuse(context, grpc.StatusCode.UNIMPLEMENTED, _not_served(what))


def _not_served(what: str) -> str:
    return (
        f"the stand-in for the gcp plugin does not serve {what}. It serves "
        f"{', '.join(resource_types.TOKENS)}. Everything is served by the official plugin: install "
        f"it with `pulumi plugin install resource {PACKAGE} {package_version()} --reinstall` where "
        "the internet is reachable."
    )


def _proposed_name(request: Any) -> str:
    options = proto.CheckRequest.AutonamingOptions
    if request.HasField("autonaming"):
        if request.autonaming.mode == options.DISABLE:
            return ""
        return str(request.autonaming.proposed_name)
    name = request.name or request.urn.rpartition("::")[2]
    # The engine gives the same seed in the preview and in the update that follows.
    return f"{name}-{bytes(request.randomSeed).hex()[:7]}"


def _inputs(bag: Bag, defaults: frozenset[str]) -> Any:
    return property_bag.write({**bag, DEFAULTS: sorted(defaults & bag.keys())})


def _status(error: Exception) -> grpc.StatusCode:
    match getattr(error, "status", None):
        case 0:
            return grpc.StatusCode.UNAVAILABLE
        case 401:
            return grpc.StatusCode.UNAUTHENTICATED
        case 403:
            return grpc.StatusCode.PERMISSION_DENIED
        case 404:
            return grpc.StatusCode.NOT_FOUND
        case _:
            return grpc.StatusCode.UNKNOWN


def _refuse(context: Any, status: grpc.StatusCode, message: str) -> NoReturn:
    context.abort(status, message)
    raise AssertionError("abort raises")


def _half_made(context: Any, error: HalfMade, inputs: Any) -> NoReturn:
    # Not pulumi's own copy of this message: beside Google's clients, its name is taken twice.
    from google.rpc import status_pb2

    # The engine keeps what such an error carries in the state, marked as unfinished; the next `up`
    # updates it. The detail goes where gRPC keeps rich errors.
    failed = proto.ErrorResourceInitFailed(
        id=error.id,
        properties=property_bag.write(error.properties),
        reasons=[error.reason],
        inputs=inputs,
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=error.reason)
    status.details.add().Pack(failed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    _refuse(context, grpc.StatusCode.UNKNOWN, error.reason)
