"""Feature Store: online stores, views over BigQuery, their syncs and what they serve.

Source: https://cloud.google.com/vertex-ai/docs/featurestore/latest/overview
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.store import now
from localcloud.vertex import cron, feature_values
from localcloud.vertex.feature_values import Key, Rows, Source

TIMESTAMP = "feature_timestamp"
"""The column that tells the latest row, where a group names none."""
ID = r"[a-z_][a-z0-9_]{0,59}"
_KEYS = "__key"


class FeatureStore:
    """Online stores and their views.

    A sync reads BigQuery when it is asked for and serves what it read once it has lasted as long
    as operations last.

    Args:
        cloud: What all services share.
        engine: Gives BigQuery, which holds the features.
    """

    def __init__(self, cloud: Cloud, engine: Callable[[], BigQueryEngine]) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.engine = engine
        self.folder = cloud.store.folder / "feature_views"
        self.wake: Callable[[], None] = lambda: None
        self._held: dict[str, tuple[int, Rows]] = {}
        cloud.operations.effect("serve_feature_view", self._serve)

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The generated collections."""
        return {
            "featureGroups": Collection(
                message=f"{prefix}FeatureGroup",
                noun="FeatureGroup",
                id_parameter="featureGroupId",
                id_pattern=ID,
            ),
            "features": Collection(
                message=f"{prefix}Feature",
                noun="Feature",
                id_parameter="featureId",
                id_pattern=ID,
            ),
            "featureOnlineStores": Collection(
                message=f"{prefix}FeatureOnlineStore",
                noun="FeatureOnlineStore",
                id_parameter="featureOnlineStoreId",
                id_pattern=ID,
                creating=_creating_store,
            ),
            "featureViews": Collection(
                message=f"{prefix}FeatureView",
                noun="FeatureView",
                id_parameter="featureViewId",
                id_pattern=ID,
                creating=self._creating_view,
                updating=self._updating_view,
                deleting=self._deleting_view,
                children="take",
            ),
            "featureViewSyncs": Collection(
                message=f"{prefix}FeatureViewSync", noun="FeatureViewSync"
            ),
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {
            "featureViews.sync": self._sync,
            "featureViews.fetchFeatureValues": self._fetch,
            "featureViews.searchNearestEntities": self._search,
        }

    # ------------------------------------------------------------ rules
    def _creating_view(self, call: Call, body: Json) -> Json:
        self._check(call, body)
        return self._planned(body)

    def _updating_view(self, call: Call, before: Json, after: Json) -> Json:
        self._check(call, after)
        return self._planned(after)

    def _check(self, call: Call, view: Json) -> None:
        if "vertexRagSource" in view:
            raise ApiError(
                "UNIMPLEMENTED",
                "vertex_rag_source is not served by the local cloud: use big_query_source or "
                "feature_registry_source.",
            )
        store = call.resource("/".join(view["name"].split("/")[:-2]))
        if view.get("indexConfig") and "optimized" not in store:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"index_config needs an optimized online store; {store['name']} is of Bigtable.",
            )
        self._sources(view)

    def _planned(self, view: Json) -> Json:
        """A view with the time of its next sync, if it has a schedule."""
        view = {key: value for key, value in view.items() if key != "localNextSync"}
        text = str(view.get("syncConfig", {}).get("cron") or "")
        if not text:
            return view
        try:
            due = cron.parse(text).after(self.cloud.clock())
        except ValueError as error:
            raise ApiError("INVALID_ARGUMENT", f"sync_config: {error}.") from error
        self.wake()
        return {**view, "localNextSync": due.isoformat()}

    def tick(self) -> datetime | None:
        """Sync the views that are due; tells when the next one is."""
        present = self.cloud.clock()
        times = []
        for view in self.store.every("featureViews"):
            if "localNextSync" not in view:
                continue
            if datetime.fromisoformat(view["localNextSync"]) <= present:
                self.begin(view)
                with self.store.transaction():
                    live = self.store.get(view["name"])
                    if live is None:
                        continue
                    view = self.store.put(view["name"], self._planned(live))
            if "localNextSync" in view:
                times.append(datetime.fromisoformat(view["localNextSync"]))
        return min(times, default=None)

    def _deleting_view(self, call: Call, resource: Json) -> None:
        self._file(resource["name"]).unlink(missing_ok=True)
        self._held.pop(resource["name"], None)

    def _sources(self, view: Json) -> list[Source]:
        registry, table = view.get("featureRegistrySource"), view.get("bigQuerySource")
        if bool(registry) == bool(table):
            raise ApiError(
                "INVALID_ARGUMENT",
                "Give one of feature_view.big_query_source and "
                "feature_view.feature_registry_source.",
            )
        if table:
            keys = tuple(table.get("entityIdColumns", []))
            if not keys:
                raise ApiError(
                    "INVALID_ARGUMENT", "big_query_source.entity_id_columns must not be empty."
                )
            return [Source(str(table["uri"]), keys, {}, TIMESTAMP, dense=True)]
        location = "/".join(view["name"].split("/")[:4])
        owner = str((registry or {}).get("projectNumber") or "")
        if owner:
            parts = location.split("/")
            location = "/".join([parts[0], self.cloud.projects.id(owner), *parts[2:]])
        return [
            self._group(f"{location}/featureGroups/{asked['featureGroupId']}", asked)
            for asked in (registry or {}).get("featureGroups", [])
        ]

    def _group(self, name: str, asked: Json) -> Source:
        group = self.store.get(name)
        if group is None:
            raise ApiError("NOT_FOUND", f"The FeatureGroup {name} does not exist.")
        columns = {}
        for feature_id in asked.get("featureIds", []):
            feature = self.store.get(f"{name}/features/{feature_id}")
            if feature is None:
                raise ApiError("NOT_FOUND", f"The Feature {name}/features/{feature_id} is not.")
            columns[feature_id] = str(feature.get("versionColumnName") or feature_id)
        source = group.get("bigQuery", {})
        stamp = str(source.get("timeSeries", {}).get("timestampColumn") or TIMESTAMP)
        return Source(
            uri=str(source.get("bigQuerySource", {}).get("inputUri", "")),
            keys=tuple(source.get("entityIdColumns") or ["entity_id"]),
            features=columns,
            timestamp="" if source.get("staticDataSource") else stamp,
            dense=bool(source.get("dense")),
        )

    # ------------------------------------------------------------ sync
    def _sync(self, call: Call) -> Json:
        view = call.resource()
        return {"featureViewSync": self.begin(view)["name"]}

    def begin(self, view: Json) -> Json:
        """Read a view's tables and begin to serve them; the sync, as it is then."""
        name = f"{view['name']}/featureViewSyncs/{os.urandom(6).hex()}"
        started = now()
        sync: Json = {"name": name, "createTime": started, "runTime": {"startTime": started}}
        arguments: Json = {"view": view["name"], "sync": name}
        try:
            rows = self._read(view)
        except ApiError as error:
            arguments["error"] = error.operation_error()
        except (ValueError, LookupError) as error:
            arguments["error"] = {"code": 3, "message": str(error)}
        else:
            arguments |= {"file": self._write(name, rows), "rows": len(rows)}
        self.store.put(name, sync)
        self.cloud.operations.start(view["name"], {}, "serve_feature_view", arguments)
        return sync

    def _read(self, view: Json) -> Rows:
        project = view["name"].split("/")[1]
        return feature_values.joined(self._parts(project, self._sources(view)))

    def snapshot(self, group: str, features: Sequence[str]) -> Rows:
        """The latest values of some features of a group, by entity.

        Raises:
            ApiError: NOT_FOUND, there is no such group or feature.
            ValueError: Its table cannot be read, or a column is missing.
        """
        source = self._group(group, {"featureIds": list(features)})
        return feature_values.joined(self._parts(group.split("/")[1], [source]))

    def _parts(self, project: str, sources: Sequence[Source]) -> list[Rows]:
        from localcloud.vertex.monitoring_input import bigquery_table

        parts = []
        for source in sources:
            table = bigquery_table("feature view", source.uri, project)
            found = self.engine().query(project, f"SELECT * FROM {table}")
            missing = [
                column
                for column in (*source.keys, *source.features.values())
                if column not in found.column_names
            ]
            if missing:
                raise ValueError(
                    f"{source.uri} has no column {', '.join(missing)}; it has "
                    f"{', '.join(found.column_names)}."
                )
            stamp = source.timestamp if source.timestamp in found.column_names else ""
            read = Source(source.uri, source.keys, source.features, stamp, source.dense)
            parts.append(feature_values.latest(read, found.to_pylist()))
        return parts

    def _write(self, sync: str, rows: Rows) -> str:
        from pyarrow import parquet

        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{sync.rsplit('/', 1)[1]}.waiting"
        names = list(dict.fromkeys(name for values in rows.values() for name in values))
        columns = {name: [values.get(name) for values in rows.values()] for name in names}
        keys = pa.array([list(key) for key in rows], pa.list_(pa.string()))
        parquet.write_table(pa.table({_KEYS: keys, **columns}), file)
        return file.name

    def _serve(self, arguments: Json) -> Json:
        sync = self.store.get(arguments["sync"])
        waiting = arguments.get("file")
        if sync is None:
            if waiting:
                (self.folder / waiting).unlink(missing_ok=True)
            return {}
        ended = now()
        if waiting:
            (self.folder / waiting).replace(self._file(arguments["view"]))
        sync["runTime"]["endTime"] = ended
        sync["finalStatus"] = arguments.get("error") or {"code": 0}
        if waiting:
            sync["syncSummary"] = {
                "rowSynced": str(arguments["rows"]),
                "systemWatermarkTime": sync["runTime"]["startTime"],
            }
        self.store.put(sync["name"], sync)
        return {}

    def _file(self, view: str) -> Path:
        return self.folder / f"{hashlib.sha256(view.encode()).hexdigest()[:32]}.parquet"

    # ------------------------------------------------------------ serving
    def _rows(self, view: str) -> Rows:
        file = self._file(view)
        if not file.exists():
            return {}
        written = file.stat().st_mtime_ns
        held = self._held.get(view)
        if held is None or held[0] != written:
            from pyarrow import parquet

            rows: Rows = {}
            for row in parquet.read_table(file).to_pylist():
                rows[tuple(row.pop(_KEYS))] = row
            held = self._held[view] = (written, rows)
        return held[1]

    def _fetch(self, call: Call) -> Json:
        view = call.resource()
        key = feature_values.key_of(call.body.get("dataKey", {}))
        rows = self._rows(view["name"])
        if key not in rows:
            raise ApiError(
                "NOT_FOUND",
                f"No entity {'/'.join(key)!r} in {view['name']}, which has {len(rows)} entities "
                "since its last sync.",
            )
        return feature_values.shown(key, rows[key], str(call.body.get("dataFormat") or ""))

    def _search(self, call: Call) -> Json:
        view = call.resource()
        index = view.get("indexConfig")
        if not index:
            raise ApiError(
                "FAILED_PRECONDITION", f"{view['name']} has no index_config: nothing to search."
            )
        rows = self._rows(view["name"])
        found = feature_values.nearest(rows, index, call.body.get("query", {}))
        whole = bool(call.body.get("returnFullEntity"))
        neighbors = [_neighbor(key, distance, rows if whole else {}) for key, distance in found]
        return {"nearestNeighbors": {"neighbors": neighbors}}


def _neighbor(key: Key, distance: float, rows: Rows) -> Json:
    entity = {"entityKeyValues": feature_values.shown(key, rows[key], "")} if rows else {}
    return {"entityId": ":".join(key), "distance": distance, **entity}


def _creating_store(call: Call, body: Json) -> Json:
    kinds: Sequence[str] = [kind for kind in ("bigtable", "optimized") if kind in body]
    if len(kinds) != 1:
        raise ApiError(
            "INVALID_ARGUMENT",
            "Give one of feature_online_store.bigtable and feature_online_store.optimized.",
        )
    if kinds == ["optimized"]:
        serving = dict(body.get("dedicatedServingEndpoint", {}))
        if not serving.get("privateServiceConnectConfig", {}).get("enablePrivateServiceConnect"):
            # With its scheme, so that Google's client goes there without TLS.
            serving["publicEndpointDomainName"] = call.plane.cloud.base_url()
        body = {**body, "dedicatedServingEndpoint": serving}
    return {**body, "state": "STABLE"}
