"""A resource of any service: its facts, what is below it, and what its kind has besides."""

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.errors import Json
from localcloud.page import endpoint, listing, monitor, registered_model, shown
from localcloud.page.missing import Missing
from localcloud.page.sources import Sources

Special = Callable[[Sources, Json], Mapping[str, Any]]

SPECIAL: Mapping[str, tuple[str, Special, tuple[str, ...]]] = {
    "models": ("registered_model.html", registered_model.values, ("versions",)),
    "endpoints": ("endpoint.html", endpoint.values, ()),
    "modelMonitors": ("monitor.html", monitor.values, ()),
}
"""Template, what it is given, and collections that it shows by itself."""
FIRST = ("displayName", "state", "description", "createTime", "updateTime")
"""Facts that come first."""


def page(sources: Sources, name: str) -> tuple[str, Mapping[str, Any]]:
    """A resource.

    Raises:
        Missing: There is none of that name.
    """
    name = str(sources.cloud.projects.inward(name))
    body = sources.cloud.store.get(name)
    collection = name.split("/")[-2]
    if body is None:
        raise Missing(
            f"The resource {name}",
            "It was deleted or never made: look at the lists of its project.",
        )
    template, special, own = SPECIAL.get(collection, ("resource.html", _nothing, ()))
    values = {
        "name": name,
        "title": body.get("displayName") or name.rsplit("/", 1)[-1],
        "kind": listing.kind(collection),
        "project": name.split("/")[1] if name.startswith("projects/") else "",
        "body": body,
        "facts": facts(body),
        "groups": listing.below(sources.cloud.store, name, without=own),
        "tried": None,
    }
    return template, {**values, **special(sources, body)}


def facts(body: Json) -> list[tuple[str, Any]]:
    """The fields of a resource that are single values, the telling ones first."""
    plain = {
        key: value
        for key, value in shown.shown(body).items()
        if isinstance(value, (str, int, float, bool)) and key not in ("name", "etag")
    }
    error = body.get("error") or body.get("jobExecutionDetail", {}).get("error")
    failed = {"error": error["message"]} if isinstance(error, dict) and "message" in error else {}
    first = {key: plain.pop(key) for key in FIRST if key in plain}
    return list((first | failed | dict(sorted(plain.items()))).items())


def _nothing(sources: Sources, body: Json) -> Mapping[str, Any]:
    return {}
