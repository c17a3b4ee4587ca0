"""The gRPC methods of Google's client libraries: messages and the REST request each stands for.

Nothing is written down here: a library's own gRPC transport tells a method's messages, its own REST
transport the method's path. A service is read when it is first called, since its library takes a
second to import.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_args, get_type_hints

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from localcloud.errors import ApiError

LIBRARIES = {
    "google.cloud.aiplatform.v1": ("google.cloud.aiplatform_v1", "google-cloud-aiplatform"),
    "google.cloud.aiplatform.v1beta1": (
        "google.cloud.aiplatform_v1beta1",
        "google-cloud-aiplatform",
    ),
    "google.cloud.bigquery.connection.v1": (
        "google.cloud.bigquery_connection_v1",
        "google-cloud-bigquery-connection",
    ),
    "google.cloud.bigquery.datatransfer.v1": (
        "google.cloud.bigquery_datatransfer_v1",
        "google-cloud-bigquery-datatransfer",
    ),
    "google.cloud.resourcemanager.v3": (
        "google.cloud.resourcemanager_v3",
        "google-cloud-resource-manager",
    ),
}
"""Proto package -> Python package that has its messages, and the distribution it comes in."""

SHARED = {
    "google.longrunning.Operations": "google.cloud.aiplatform.v1.EndpointService",
    "google.cloud.location.Locations": "google.cloud.aiplatform.v1.EndpointService",
    "google.iam.v1.IAMPolicy": "google.cloud.aiplatform.v1.EndpointService",
}
"""Services that many APIs have; the paths are the same in all, so one's transport tells them."""


@dataclass(frozen=True)
class Method:
    """One method of a gRPC service.

    Attributes:
        path: Such as `/google.cloud.aiplatform.v1.EndpointService/GetEndpoint`.
        request: Class of the request's message.
        response: Class of the reply's.
        rules: The REST requests it stands for, as `path_template.transcode` takes them; empty when
            REST does not have it.
        streams: Whether it answers with a stream.
    """

    path: str
    request: type[Message]
    response: type[Message]
    rules: Sequence[Mapping[str, str]]
    streams: bool


class _Recorder:
    """Stands for a channel, and writes down the methods that are asked of it."""

    def __init__(self) -> None:
        self.asked: tuple[str, str] | None = None

    def __getattr__(self, kind: str) -> Any:
        def ask(path: str, *_: object, **__: object) -> None:
            self.asked = (kind, path)

        return ask


def find(path: str) -> Method:
    """The method of a gRPC path.

    Raises:
        ApiError: UNIMPLEMENTED; the local cloud or the installed library does not have it.
    """
    service, _, name = path.strip("/").rpartition("/")
    found = _service(SHARED.get(service, service)).get(f"/{service}/{name}")
    if found is None:
        raise ApiError("UNIMPLEMENTED", f"{service} has no method {name}.")
    return found


def register_messages(full_name: str) -> None:
    """Import the library that has a message, so that an Any of it can be read.

    Raises:
        ApiError: UNIMPLEMENTED; it is not installed.
    """
    package, _, _ = full_name.rpartition(".")
    if package in LIBRARIES:
        _import(package)


def _import(package: str, module: str = "") -> Any:
    name, distribution = LIBRARIES[package]
    try:
        return import_module(f"{name}{module}")
    except ModuleNotFoundError as error:
        raise ApiError(
            "UNIMPLEMENTED",
            f"gRPC of {package} needs {distribution} installed beside the local cloud "
            f"({error.name} is missing); its REST needs nothing.",
        ) from error


@cache
def _service(full_name: str) -> Mapping[str, Method]:
    package, _, service = full_name.rpartition(".")
    if package not in LIBRARIES:
        raise ApiError(
            "UNIMPLEMENTED",
            f"The local cloud has no gRPC service {full_name}; it has those of "
            f"{', '.join(LIBRARIES)} and google.cloud.bigquery.storage.v1.",
        )
    folder = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", service).lower()
    transports = f".services.{folder}.transports"
    grpc_class = getattr(_import(package, f"{transports}.grpc"), f"{service}GrpcTransport")
    rest_class = getattr(
        _import(package, f"{transports}.rest_base"), f"_Base{service}RestTransport"
    )
    recorder = _Recorder()
    transport = grpc_class.__new__(grpc_class)
    transport._stubs = {}
    transport._logged_channel = recorder
    methods: dict[str, Method] = {}
    for name, attribute in vars(grpc_class).items():
        recorder.asked = None
        if not isinstance(attribute, property) or name in ("grpc_channel", "operations_client"):
            continue
        getattr(transport, name)
        if recorder.asked is None:
            continue
        kind, path = recorder.asked
        asked, answered = _messages(attribute)
        methods[path] = Method(
            path, asked, answered, _rules(rest_class, path), kind.endswith("_stream")
        )
    return methods


def _messages(attribute: property) -> tuple[type[Message], type[Message]]:
    callback = get_type_hints(attribute.fget)["return"]
    (request,), response = get_args(callback)
    return _protocol(request), _protocol(response)


def _protocol(message: Any) -> Any:
    """The protocol buffers class below one of the proto-plus library; none is an empty one."""
    if message is type(None):
        return Empty
    return message if issubclass(message, Message) else message.pb()


def _rules(rest_class: type, path: str) -> Sequence[Mapping[str, str]]:
    described: Any = getattr(rest_class, f"_Base{path.rpartition('/')[2]}", None)
    if not hasattr(described, "_get_http_options"):
        return ()
    rules: Sequence[Mapping[str, str]] = described._get_http_options()
    return rules
