"""Online prediction: which deployed model answers, and what it answers."""

import base64
import binascii
import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine

LARGEST_REQUEST = 1_500_000
"""Bytes of one request to a shared public endpoint.

Source: https://cloud.google.com/vertex-ai/docs/predictions/choose-endpoint-type
"""

Saw = Callable[[Json, str, Sequence[Any], Sequence[Any]], None]
"""Told of a request that was answered: endpoint, id of the deployment, instances, predictions."""


class Predictions:
    """`:predict` and `:rawPredict` of every endpoint.

    Args:
        cloud: What all services share.
        engine: Gives the BigQuery engine; asked for at each request, as it may still be starting.
    """

    def __init__(self, cloud: Cloud, engine: Callable[[], BigQueryEngine]) -> None:
        self.cloud = cloud
        self.engine = engine
        self.saw: Saw = lambda endpoint, deployed, instances, predictions: None

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id; none holds the store while scoring."""
        return {"endpoints.predict": self._predict, "endpoints.rawPredict": self._raw_predict}

    def _predict(self, call: Call) -> Json:
        endpoint = call.resource()
        deployed = _chosen(endpoint)
        model = self.cloud.store.get(deployed["model"]) or {}
        return {
            "predictions": self._scored(endpoint, deployed, call.body.get("instances")),
            "deployedModelId": deployed["id"],
            "model": deployed["model"],
            "modelVersionId": deployed["modelVersionId"],
            "modelDisplayName": model.get("displayName") or deployed.get("displayName", ""),
        }

    def _raw_predict(self, call: Call) -> Json:
        endpoint = call.resource()
        deployed = _chosen(endpoint)
        payload: Any = call.body
        if isinstance(payload, dict) and set(payload) in ({"httpBody"}, {"http_body"}):
            payload = _payload(next(iter(payload.values())))
        if not isinstance(payload, Mapping):
            raise ApiError("INVALID_ARGUMENT", "The payload must be a JSON object with instances.")
        return {"predictions": self._scored(endpoint, deployed, payload.get("instances"))}

    def _scored(self, endpoint: Json, deployed: Json, instances: Any) -> list[Any]:
        if not isinstance(instances, list) or not instances:
            raise ApiError("INVALID_ARGUMENT", "instances must be a list of at least one instance.")
        if len(json.dumps(instances)) > LARGEST_REQUEST:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"The request is larger than {LARGEST_REQUEST} bytes: send fewer instances.",
            )
        artifact = deployed.get("localArtifactUri")
        if not artifact:
            raise ApiError(
                "UNIMPLEMENTED",
                f"The DeployedModel {deployed['id']} of {endpoint['name']} is served by a "
                "container, which the local cloud does not run: it serves BigQuery ML models.",
            )
        for index, instance in enumerate(instances):
            if not isinstance(instance, Mapping):
                raise ApiError(
                    "INVALID_ARGUMENT",
                    f"instances[{index}] must be an object with the model's features by name; "
                    f"got {json.dumps(instance)[:80]}.",
                )
        try:
            predictions = self.engine().predict(artifact, instances)
        except ValueError as error:
            raise ApiError("INVALID_ARGUMENT", str(error)) from error
        answer = [plain(prediction) for prediction in predictions]
        self.saw(endpoint, str(deployed["id"]), instances, answer)
        return answer


def _chosen(endpoint: Json) -> Json:
    split = {key: percent for key, percent in endpoint.get("trafficSplit", {}).items() if percent}
    deployed = {d["id"]: d for d in endpoint.get("deployedModels", [])}
    if not split:
        raise ApiError(
            "FAILED_PRECONDITION",
            f"The Endpoint {endpoint['name']} has no traffic: deploy a model with a "
            "traffic_split, or set the endpoint's.",
        )
    chosen = random.choices(list(split), weights=list(split.values()))[0]
    found: Json = deployed[chosen]
    return found


def _payload(body: Any) -> Any:
    # What a client sends that wraps its payload in google.api.HttpBody.
    try:
        return json.loads(base64.b64decode(body.get("data", "")))
    except (binascii.Error, ValueError, AttributeError) as error:
        raise ApiError(
            "INVALID_ARGUMENT", f"http_body.data must be JSON in base64: {error}."
        ) from error


def plain(value: Any) -> Any:
    """A value of BigQuery as JSON has it."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value
