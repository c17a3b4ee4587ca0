"""Online prediction: which deployed model answers, and what it answers."""

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json
from localcloud.ports import BigQueryEngine
from localcloud.vertex import addresses
from localcloud.vertex.deployed_model import deployed_model
from localcloud.vertex.traffic import Traffic

LARGEST_REQUEST = 1_500_000
"""Bytes of one request to a shared public endpoint."""
LARGEST_DEDICATED = 10_000_000
"""Bytes of one request to a dedicated endpoint.

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
        self.saw: Sequence[Saw] = ()
        self.traffic = Traffic()

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id; none holds the store while scoring."""
        return {
            "endpoints.predict": self._predict,
            "endpoints.rawPredict": self._raw_predict,
            "endpoints.streamRawPredict": self._raw_predict,
        }

    def _predict(self, call: Call) -> Json:
        endpoint = call.resource()
        addresses.check_address(endpoint, call.host)
        deployed = self.deployed(endpoint)
        model = self.cloud.store.get(deployed["model"]) or {}
        return {
            "predictions": self._answered(endpoint, deployed, call.body.get("instances")),
            "deployedModelId": deployed["id"],
            "model": deployed["model"],
            "modelVersionId": deployed["modelVersionId"],
            "modelDisplayName": model.get("displayName") or deployed.get("displayName", ""),
        }

    def _raw_predict(self, call: Call) -> Json:
        endpoint = call.resource()
        addresses.check_address(endpoint, call.host)
        deployed = self.deployed(endpoint)
        payload: Any = call.body
        if isinstance(payload, dict) and set(payload) in ({"httpBody"}, {"http_body"}):
            payload = _payload(next(iter(payload.values())))
        if not isinstance(payload, Mapping):
            raise ApiError("INVALID_ARGUMENT", "The payload must be a JSON object with instances.")
        return {"predictions": self._answered(endpoint, deployed, payload.get("instances"))}

    def _answered(self, endpoint: Json, deployed: Json, instances: Any) -> list[Any]:
        predictions = self.scored(endpoint, deployed, instances)
        for told in self.saw:
            told(endpoint, str(deployed["id"]), instances, predictions)
        return predictions

    def scored(self, endpoint: Json, deployed: Json, instances: Any) -> list[Any]:
        """What a deployed model predicts for the instances of a request.

        Raises:
            ApiError: INVALID_ARGUMENT, they are not what the model takes; UNIMPLEMENTED, it is
                served by a container.
        """
        if not isinstance(instances, list) or not instances:
            raise ApiError("INVALID_ARGUMENT", "instances must be a list of at least one instance.")
        largest = LARGEST_DEDICATED if endpoint.get("dedicatedEndpointDns") else LARGEST_REQUEST
        if len(json.dumps(instances)) > largest:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"The request is larger than {largest} bytes: send fewer instances.",
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
        return self.answers(deployed, instances)

    def deployed(self, endpoint: Json, identifier: str = "") -> Json:
        """The deployed model that answers: the one named, or the one whose turn it is.

        Raises:
            ApiError: NOT_FOUND, it is not deployed; FAILED_PRECONDITION, none has traffic.
        """
        if not identifier:
            return self.traffic.chosen(endpoint)
        return deployed_model(endpoint, identifier)

    def features(self, deployed: Json) -> list[str]:
        """The columns an instance of a deployed model must have."""
        try:
            return self.engine().features(str(deployed["localArtifactUri"]))
        except ValueError as error:
            raise ApiError("FAILED_PRECONDITION", str(error)) from error

    def answers(self, deployed: Json, instances: Sequence[Mapping[str, Any]]) -> list[Any]:
        """What a deployed BigQuery ML model predicts.

        Raises:
            ApiError: INVALID_ARGUMENT, the instances are not what the model takes.
        """
        try:
            predictions = self.engine().predict(str(deployed["localArtifactUri"]), instances)
        except ValueError as error:
            raise ApiError("INVALID_ARGUMENT", str(error)) from error
        return [plain(prediction) for prediction in predictions]


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
