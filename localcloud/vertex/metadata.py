"""ML Metadata, as far as experiments need it: stores, contexts, executions, artifacts, events.

Source: https://cloud.google.com/vertex-ai/docs/ml-metadata/introduction
"""

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.store import now

ID = r"[a-z0-9][a-z0-9-]{0,127}"
MOST_PARENTS = 10


class Metadata:
    """The metadata stores of every location.

    Args:
        cloud: What all services share.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.store = cloud.store

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collections."""
        functions = {"in_context": self._in_context}
        return {
            "metadataStores": Collection(
                message=f"{prefix}MetadataStore",
                noun="MetadataStore",
                id_parameter="metadataStoreId",
                id_pattern=ID,
            ),
            "contexts": Collection(
                message=f"{prefix}Context",
                noun="Context",
                id_parameter="contextId",
                id_pattern=ID,
                deleting=self._deleting_context,
            ),
            "executions": Collection(
                message=f"{prefix}Execution",
                noun="Execution",
                id_parameter="executionId",
                id_pattern=ID,
                functions=functions,
            ),
            "artifacts": Collection(
                message=f"{prefix}Artifact",
                noun="Artifact",
                id_parameter="artifactId",
                id_pattern=ID,
                functions=functions,
            ),
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {
            "contexts.addContextArtifactsAndExecutions": self._add_members,
            "contexts.addContextChildren": self._add_children,
            "contexts.removeContextChildren": self._remove_children,
            "contexts.queryContextLineageSubgraph": self._of_context,
            "executions.addExecutionEvents": self._add_events,
            "executions.queryExecutionInputsAndOutputs": self._of_execution,
        }

    # ------------------------------------------------------------ contexts
    def _in_context(self, name: str) -> Callable[[Mapping[str, Any]], bool]:
        members = set((self.store.get(name) or {}).get("localMembers", []))
        return lambda resource: resource["name"] in members

    def _add_members(self, call: Call) -> Json:
        context = call.resource()
        added = [*call.body.get("artifacts", []), *call.body.get("executions", [])]
        for name in added:
            call.resource(name)
        context["localMembers"] = list(dict.fromkeys([*context.get("localMembers", []), *added]))
        self._link(context)
        return {}

    def _add_children(self, call: Call) -> Json:
        call.resource()
        for name in call.body.get("childContexts", []):
            child = call.resource(name)
            parents = list(dict.fromkeys([*child.get("parentContexts", []), call.name]))
            if len(parents) > MOST_PARENTS:
                raise ApiError(
                    "INVALID_ARGUMENT",
                    f"The Context {name} would have {len(parents)} parents; allowed are "
                    f"{MOST_PARENTS}.",
                )
            if name in self._ancestors(call.name):
                raise ApiError(
                    "INVALID_ARGUMENT", f"The Context {name} is an ancestor of {call.name}."
                )
            self._link({**child, "parentContexts": parents})
        return {}

    def _ancestors(self, name: str) -> set[str]:
        found, left = set[str](), [name]
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left += (self.store.get(each) or {}).get("parentContexts", [])
        return found

    def _remove_children(self, call: Call) -> Json:
        call.resource()
        for name in call.body.get("childContexts", []):
            self._forget_parent(call.resource(name), call.name)
        return {}

    def _deleting_context(self, call: Call, context: Json) -> None:
        for child in self.store.under(context["name"].rsplit("/", 2)[0], "contexts"):
            if context["name"] in child.get("parentContexts", []):
                self._forget_parent(child, context["name"])

    def _forget_parent(self, child: Json, parent: str) -> None:
        left = [name for name in child.get("parentContexts", []) if name != parent]
        self._link({**child, "parentContexts": left})

    def _link(self, resource: Json) -> None:
        # Google's SDK reads a context, links it, and writes it with the etag it read.
        self.store.put(resource["name"], resource, keep_etag=True)

    # ------------------------------------------------------------ events and lineage
    def _add_events(self, call: Call) -> Json:
        execution = call.resource()
        for event in call.body.get("events", []):
            call.resource(event["artifact"])
        added = [
            {**event, "execution": call.name, "eventTime": now()}
            for event in call.body.get("events", [])
        ]
        execution["localEvents"] = [*execution.get("localEvents", []), *added]
        self._link(execution)
        return {}

    def _of_execution(self, call: Call) -> Json:
        execution = call.resource()
        artifacts = [event["artifact"] for event in execution.get("localEvents", [])]
        return self._graph(call, [call.name, *artifacts])

    def _of_context(self, call: Call) -> Json:
        return self._graph(call, call.resource().get("localMembers", []))

    def _graph(self, call: Call, names: list[str]) -> Json:
        """The resources of these names that there still are, and the events among them."""
        found = {name: row for name in names if (row := self.store.get(name))}
        graph: Json = {}
        for kind in ("artifacts", "executions"):
            message = call.plane.collections[kind].message
            rows = [row for name, row in found.items() if name.rsplit("/", 2)[1] == kind]
            if rows:
                graph[kind] = [call.plane.document.schema.render(message, row) for row in rows]
        events = [
            event
            for row in found.values()
            for event in row.get("localEvents", [])
            if event["artifact"] in found
        ]
        return {**graph, **({"events": events} if events else {})}
