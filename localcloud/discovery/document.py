"""Google's Discovery documents, as shipped in google-api-python-client, and routing by them.

Source: https://developers.google.com/discovery/v1/reference/apis
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from localcloud.discovery.schema import Schema
from localcloud.errors import Json


@dataclass(frozen=True)
class Method:
    """One method of an API.

    Attributes:
        id: Such as `aiplatform.projects.locations.endpoints.deployModel`.
        http: HTTP method.
        parameters: Path and query parameters, by name.
        request: Message of the body; empty for none.
        response: Message of the reply; empty for none.
        segments: The path's segments; None for a variable one. Without the custom verb.
        custom_verb: What follows the colon, such as `deployModel`; empty for none.
    """

    id: str
    http: str
    parameters: Mapping[str, Json]
    request: str
    response: str
    segments: tuple[str | None, ...]
    custom_verb: str

    @property
    def verb(self) -> str:
        """The last part of the id: `get`, `create`, `deployModel`, ..."""
        return self.id.rsplit(".", 1)[-1]

    @property
    def short(self) -> str:
        """The last two parts of the id: `endpoints.deployModel`."""
        return ".".join(self.id.split(".")[-2:])


@dataclass(frozen=True)
class Document:
    """One version of one API.

    Attributes:
        name: Such as `aiplatform.v1`.
        schema: Its messages.
        parameters: Query parameters that every method takes.
        methods: Every method.
        raw: The document itself.
    """

    name: str
    schema: Schema
    parameters: Mapping[str, Json]
    methods: Sequence[Method]
    raw: Json
    routes: Mapping[tuple[str, int, str], Sequence[Method]]

    def route(self, http: str, path: str) -> Method | None:
        """The method that serves `http` on a path such as `/v1/projects/p/locations/l/models`."""
        segments = path.strip("/").split("/")
        last, _, verb = segments[-1].rpartition(":")
        if verb and last:
            segments[-1] = last
        else:
            verb = ""
        for method in self.routes.get((http, len(segments), verb), ()):
            if all(
                wanted is None or wanted == got
                for wanted, got in zip(method.segments, segments, strict=True)
            ):
                return method
        return None


def path_of(name: str) -> Path:
    """The shipped document's file.

    Raises:
        LookupError: google-api-python-client is not installed or has no such document.
    """
    # find_spec instead of an import: importing googleapiclient costs seconds and nothing here
    # needs more of it than this file.
    spec = find_spec("googleapiclient")
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(
            "google-api-python-client is not installed: install the extra bqvertex[local]."
        )
    folder = Path(spec.submodule_search_locations[0]) / "discovery_cache" / "documents"
    path = folder / f"{name}.json"
    if not path.is_file():
        raise LookupError(f"no Discovery document {name} in {folder}.")
    return path


@cache
def load(name: str) -> Document:
    """Read and route one shipped document, such as `aiplatform.v1` (once a process).

    Raises:
        LookupError: There is no such document.
    """
    raw: Json = json.loads(path_of(name).read_text("utf-8"))
    methods = list(_methods(raw, raw.get("servicePath", "")))
    routes: dict[tuple[str, int, str], list[Method]] = defaultdict(list)
    for method in methods:
        routes[method.http, len(method.segments), method.custom_verb].append(method)
    for candidates in routes.values():
        candidates.sort(key=lambda m: sum(s is None for s in m.segments))
    # Only the APIs from before protocol buffers have their version in the service's path.
    schema = Schema(raw["schemas"], null_deletes=bool(raw.get("servicePath")))
    return Document(name, schema, raw.get("parameters", {}), methods, raw, dict(routes))


def _methods(resource: Json, prefix: str) -> Iterator[Method]:
    for child in resource.get("resources", {}).values():
        for entry in child.get("methods", {}).values():
            yield _method(entry, prefix)
        yield from _methods(child, prefix)


def _method(entry: Json, prefix: str) -> Method:
    path = prefix + str(entry.get("flatPath") or entry["path"])
    *_, last = path.split("/")
    verb = ""
    if found := re.fullmatch(r"(.*[^:]):([A-Za-z]+)", last):
        verb = found[2]
        path = path[: -len(verb) - 1]
    return Method(
        id=entry["id"],
        http=entry["httpMethod"],
        parameters=entry.get("parameters", {}),
        request=entry.get("request", {}).get("$ref", ""),
        response=entry.get("response", {}).get("$ref", ""),
        segments=tuple(None if "{" in part else part for part in path.split("/")),
        custom_verb=verb,
    )
