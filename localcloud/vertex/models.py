"""The Model Registry: models, their versions and aliases, and models that BigQuery ML registers.

A model is one row (display name, description, labels, number of its last version) and a row a
version below it. Rules: proto comments of google.cloud.aiplatform.v1.ModelService;
https://cloud.google.com/bigquery/docs/managing-models-vertex.
"""

import re
from collections.abc import Sequence
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery import mask
from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json, invalid
from localcloud.ports import BigQueryModelVersion
from localcloud.store import now
from localcloud.vertex import model_capability

ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
MODEL_ID = r"[a-z_][a-z0-9_-]{0,62}"
SHARED = ("displayName", "description", "labels")
"""Fields of the model; the others belong to a version."""


def registry_location(location: str) -> str:
    """Where a BigQuery location's models are registered (`US` -> `us-central1`)."""
    return {"us": "us-central1", "eu": "europe-west4"}.get(location.lower(), location.lower())


class Models:
    """The models of every project and location."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.store = cloud.store

    # ------------------------------------------------------------ reading
    def versions(self, name: str) -> list[Json]:
        """A model's versions, newest first, as they are stored."""
        return sorted(
            self.store.under(name, "versions"), key=lambda v: int(v["versionId"]), reverse=True
        )

    def find(self, reference: str) -> tuple[Json, Json]:
        """The model and the version that a name such as `…/models/m@champion` means.

        Raises:
            ApiError: NOT_FOUND.
        """
        name, _, wanted = reference.partition("@")
        model = self.store.get(name)
        if model is None or name.split("/")[-2:-1] != ["models"]:
            raise ApiError("NOT_FOUND", f"The Model {name} does not exist.")
        for version in self.versions(name):
            if wanted == version["versionId"] or (wanted or "default") in version["versionAliases"]:
                return model, version
        known = ", ".join(
            "/".join([v["versionId"], *v["versionAliases"]]) for v in self.versions(name)
        )
        raise ApiError(
            "NOT_FOUND",
            f"The Model {name} has no version {wanted or 'default'!r}; it has: {known or 'none'}.",
        )

    def merged(self, model: Json, version: Json) -> Json:
        """One version as the API shows it."""
        labels = {**model.get("labels", {}), **version.get("labels", {})}
        shared = {key: model[key] for key in SHARED if key in model}
        times = {"createTime": model["createTime"], "updateTime": model["updateTime"]}
        able = model_capability.shown(version)
        shown = {**version, **able, **shared, **times, "name": model["name"], "labels": labels}
        if not labels:
            del shown["labels"]
        deployed = [
            {"endpoint": endpoint, "deployedModelId": deployed_model["id"]}
            for endpoint, deployed_model in self.deployments(model["name"], version["versionId"])
        ]
        return {**shown, "deployedModels": deployed} if deployed else shown

    def deployments(self, name: str, version_id: str = "") -> list[tuple[str, Json]]:
        """Endpoint names and deployed models of a model, or of one version of it."""
        return [
            (endpoint["name"], deployed)
            for endpoint in self.store.every("endpoints")
            for deployed in endpoint.get("deployedModels", [])
            if deployed["model"] == name and version_id in ("", deployed["modelVersionId"])
        ]

    # ------------------------------------------------------------ writing
    def add_version(self, name: str, shared: Json, version: Json, aliases: Sequence[str]) -> Json:
        """Add a version, made the default one if it is the first or asks for it.

        Args:
            name: The model's name; the model is made when there is none.
            shared: Fields of the model, used only when it is made.
            version: Fields of the version.
            aliases: Its aliases; each is taken from the version that has it.

        Returns:
            The stored version.
        """
        for alias in aliases:
            _check_alias(alias)
        created = now()
        model = self.store.get(name) or {
            **shared,
            "name": name,
            "createTime": created,
            "updateTime": created,
            "lastVersion": 0,
        }
        number = str(model["lastVersion"] + 1)
        self.store.put(name, {**model, "lastVersion": int(number), "updateTime": created})
        has_default = any("default" in v["versionAliases"] for v in self.versions(name))
        wanted = list(dict.fromkeys([*aliases, *([] if has_default else ["default"])]))
        self._take_aliases(name, wanted)
        return self.store.put(
            f"{name}/versions/{number}",
            {
                "supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"],
                "modelSourceInfo": {"sourceType": "CUSTOM"},
                **version,
                "versionId": number,
                "versionAliases": wanted,
                "versionCreateTime": created,
                "versionUpdateTime": created,
            },
        )

    def _take_aliases(self, name: str, aliases: Sequence[str]) -> None:
        for version in self.versions(name):
            kept = [a for a in version["versionAliases"] if a not in aliases]
            if kept != version["versionAliases"]:
                version["versionAliases"] = kept
                self._put_version(name, version)

    def _put_version(self, name: str, version: Json) -> Json:
        version["versionUpdateTime"] = now()
        return self.store.put(f"{name}/versions/{version['versionId']}", version)

    # ------------------------------------------------------------ BigQuery ML
    def register(self, source: BigQueryModelVersion, model_id: str, aliases: Sequence[str]) -> str:
        """See `localcloud.ports.ModelRegistry.register`."""
        if not re.fullmatch(MODEL_ID, model_id):
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Invalid vertex_ai_model_id {model_id!r}: at most 63 of a-z, 0-9, _ and -, "
                "not starting with a digit or hyphen.",
            )
        project = self.cloud.projects.id(source.project)
        path = f"{project}.{source.dataset_id}.{source.model_id}"
        name = (
            f"projects/{project}/locations/{registry_location(source.location)}/models/{model_id}"
        )
        with self.store.transaction():
            replaced = [v for v in self.versions(name) if v.get("bigqueryModel") == path]
            was_default = any("default" in v["versionAliases"] for v in replaced)
            version = self.add_version(
                name,
                {
                    "displayName": source.model_id,
                    **({"description": source.description} if source.description else {}),
                },
                {
                    "modelSourceInfo": {"sourceType": "BQML"},
                    "bigqueryModel": path,
                    "bigqueryModelType": source.model_type,
                    "localArtifactUri": source.artifact_uri,
                    **({"labels": dict(source.labels)} if source.labels else {}),
                },
                [*aliases, *(["default"] if was_default and "default" not in aliases else [])],
            )
            for old in replaced:
                self.store.delete(f"{name}/versions/{old['versionId']}")
        return str(version["versionId"])

    def unregister(self, project: str, dataset_id: str, model_id: str) -> None:
        """See `localcloud.ports.ModelRegistry.unregister`."""
        path = f"{self.cloud.projects.id(project)}.{dataset_id}.{model_id}"
        with self.store.transaction():
            self.cloud.operations.settle()
            deployed = [
                f"{endpoint['name']} (deployed model {item['id']})"
                for endpoint in self.store.every("endpoints")
                for item in endpoint.get("deployedModels", [])
                if item.get("bigqueryModel") == path
            ]
            if deployed:
                raise ApiError(
                    "FAILED_PRECONDITION",
                    f"The model {path} is deployed at {', '.join(deployed)}: undeploy it first.",
                )
            for model in self.store.every("models"):
                # Another service's collection of that name holds no versions.
                mine = [v for v in self.versions(model["name"]) if v.get("bigqueryModel") == path]
                for version in mine:
                    self._remove_version(model["name"], version)

    def _remove_version(self, name: str, version: Json) -> None:
        self.store.delete(f"{name}/versions/{version['versionId']}")
        left = self.versions(name)
        if not left:
            self.store.delete(name)
        elif "default" in version["versionAliases"]:
            left[0]["versionAliases"].append("default")
            self._put_version(name, left[0])

    def artifacts_in_use(self) -> frozenset[str]:
        """See `localcloud.ports.ModelRegistry.artifacts_in_use`."""
        with self.store.transaction():
            uses = [v.get("localArtifactUri") for v in self.store.every("versions")]
            for endpoint in self.store.every("endpoints"):
                uses += [d.get("localArtifactUri") for d in endpoint.get("deployedModels", [])]
            for job in self.store.every("batchPredictionJobs"):
                if job["state"] in ("JOB_STATE_PENDING", "JOB_STATE_RUNNING"):
                    uses.append(job["localArtifactUri"])
            for effect, arguments in self.cloud.operations.every_pending():
                if effect == "deploy":
                    uses.append(arguments["deployedModel"].get("localArtifactUri"))
        return frozenset(str(use) for use in uses if use)

    # ------------------------------------------------------------ handlers
    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {
            "models.upload": self._upload,
            "models.get": self._get,
            "models.list": self._list,
            "models.listVersions": self._list_versions,
            "models.patch": self._patch,
            "models.mergeVersionAliases": self._merge_aliases,
            "models.deleteVersion": self._delete_version,
            "models.delete": self._delete,
        }

    def _shown(self, call: Call, model: Json, version: Json) -> Json:
        message = f"{call.plane.prefix}Model"
        return call.plane.document.schema.render(
            message, {**self.merged(model, version), "etag": version["etag"]}
        )

    def _upload(self, call: Call) -> Json:
        body = call.body.get("model", {})
        schema = call.plane.document.schema
        missing = schema.missing(call.method.request, call.body)
        if missing:
            raise invalid(missing)
        name = self.target(call, call.body)
        fixed = {k: v for k, v in body.items() if k not in (*SHARED, "versionAliases", "etag")}
        shared = {k: v for k, v in body.items() if k in SHARED}
        version = self.add_version(name, shared, fixed, body.get("versionAliases", []))
        response = call.plane.any(
            f"{call.plane.prefix}UploadModelResponse",
            {"model": name, "modelVersionId": version["versionId"]},
        )
        return call.plane.operation(name, "UploadModel", "respond", response)

    def target(self, call: Call, body: Json) -> str:
        """The model that `parentModel` or `modelId` of an upload or a copy means.

        Raises:
            ApiError: INVALID_ARGUMENT, NOT_FOUND or ALREADY_EXISTS.
        """
        parent, model_id = str(body.get("parentModel", "")), str(body.get("modelId", ""))
        if parent and model_id:
            raise ApiError(
                "INVALID_ARGUMENT",
                "Give parent_model (a new version) or model_id (a new model), not both.",
            )
        if parent:
            name = str(self.find(parent)[0]["name"])
            if not name.startswith(f"{call.location}/"):
                raise ApiError(
                    "INVALID_ARGUMENT", f"parent_model {parent} is not in {call.location}."
                )
            return name
        return f"{call.location}/models/{self._new_id(call, model_id)}"

    def _new_id(self, call: Call, given: str) -> str:
        if not given:
            return call.plane.collections["models"].new_id()
        if not re.fullmatch(MODEL_ID, given):
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Invalid model_id {given!r}: at most 63 of a-z, 0-9, _ and -, "
                "not starting with a digit or hyphen.",
            )
        if self.store.get(f"{call.location}/models/{given}"):
            raise ApiError(
                "ALREADY_EXISTS",
                f"The Model {call.location}/models/{given} already exists: give parent_model to "
                "add a version.",
            )
        return given

    def _get(self, call: Call) -> Json:
        return self._shown(call, *self.find(call.name))

    def _list(self, call: Call) -> Json:
        models = self.store.under(call.location, "models")
        return call.plane.standard.listed(
            call, [self.merged(*self.find(model["name"])) for model in models], "models"
        )

    def _list_versions(self, call: Call) -> Json:
        model, _ = self.find(call.name)
        found = [self.merged(model, version) for version in self.versions(model["name"])]
        return call.plane.standard.listed(call, found, "models")

    def _patch(self, call: Call) -> Json:
        model, version = self.find(call.name.removesuffix("@-"))
        of_version = "@" in call.name and not call.name.endswith("@-")
        before = {**self.merged(model, version), "etag": version["etag"]}
        call.plane.standard.patched(call, before)
        schema, message = call.plane.document.schema, call.method.request
        wanted = mask.paths(str(call.query.get("updateMask") or ""), schema, message)
        allowed = ("versionDescription", "labels") if of_version else SHARED
        refused = [keys[0] for keys in wanted if keys[0] not in allowed]
        if refused:
            level = "version" if of_version else "model"
            raise ApiError(
                "FAILED_PRECONDITION",
                f"{refused[0]} cannot be updated on {call.name}: a {level}'s update takes "
                f"{', '.join(allowed)}; name the model to update the model, and model@version "
                "to update a version.",
            )
        target: Json = version if of_version else model
        for keys in wanted:
            mask.write(target, keys, mask.read(call.body, keys))
        if of_version:
            version = self._put_version(model["name"], version)
        else:
            model = self.store.put(model["name"], {**model, "updateTime": now()})
            version = self._put_version(model["name"], version)
        return self._shown(call, model, version)

    def _merge_aliases(self, call: Call) -> Json:
        model, version = self.find(call.name)
        asked = call.body.get("versionAliases", [])
        if not asked:
            raise ApiError("INVALID_ARGUMENT", "Required field is not set: version_aliases.")
        removed = [a[1:] for a in asked if a.startswith("-")]
        added = [a for a in asked if not a.startswith("-")]
        for alias in [*added, *removed]:
            _check_alias(alias)
        if "default" in removed:
            raise ApiError(
                "INVALID_ARGUMENT",
                "The alias default cannot be removed: give it to another version instead.",
            )
        self._take_aliases(model["name"], added)
        _, version = self.find(f"{model['name']}@{version['versionId']}")
        kept = [a for a in version["versionAliases"] if a not in removed]
        version["versionAliases"] = list(dict.fromkeys([*kept, *added]))
        return self._shown(call, model, self._put_version(model["name"], version))

    def _delete_version(self, call: Call) -> Json:
        model, version = self.find(call.name)
        if "@" not in call.name:
            raise ApiError("INVALID_ARGUMENT", "Name a version: models/<id>@<version>.")
        name = model["name"]
        self._refuse_deployed(name, version["versionId"])
        _refuse_bigquery([version], name)
        if len(self.versions(name)) == 1:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"Version {version['versionId']} is the only one of {name}: delete the model.",
            )
        if "default" in version["versionAliases"]:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"Version {version['versionId']} of {name} is the default one: give the alias "
                "default to another version first.",
            )
        self.store.delete(f"{name}/versions/{version['versionId']}")
        return call.plane.operation(
            call.location, "DeleteModelVersion", "respond", call.plane.any("Empty", {})
        )

    def _delete(self, call: Call) -> Json:
        model, _ = self.find(call.name)
        self._refuse_deployed(model["name"], "")
        _refuse_bigquery(self.versions(model["name"]), model["name"])
        self.store.delete(model["name"])
        return call.plane.operation(call.location, "Delete", "respond", call.plane.any("Empty", {}))

    def _refuse_deployed(self, name: str, version_id: str) -> None:
        deployed = self.deployments(name, version_id)
        if deployed:
            where = ", ".join(f"{endpoint} ({item['id']})" for endpoint, item in deployed)
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Model {name} is deployed or being deployed at the following Endpoint(s): "
                f"{where}.",
            )


def _refuse_bigquery(versions: Sequence[Json], name: str) -> None:
    owned = [str(v["bigqueryModel"]) for v in versions if v.get("bigqueryModel")]
    if owned:
        raise ApiError(
            "FAILED_PRECONDITION",
            f"{name} belongs to BigQuery ML: to delete it from the Model Registry, drop the "
            f"model {', '.join(owned)} in BigQuery.",
        )


def _check_alias(alias: Any) -> None:
    if not isinstance(alias, str) or not ALIAS.fullmatch(alias):
        raise ApiError(
            "INVALID_ARGUMENT",
            f"Invalid version alias {alias!r}: 2 to 128 characters, starting with a lower-case "
            "letter, letters, digits and hyphens, ending in a lower-case letter or digit.",
        )
