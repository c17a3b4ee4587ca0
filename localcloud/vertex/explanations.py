"""`:explain`: predictions and which features they come from.

Source: proto comments of google.cloud.aiplatform.v1.PredictionService.Explain and explanation.proto
"""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.discovery.call import Call, Handler
from localcloud.errors import ApiError, Json
from localcloud.vertex import addresses
from localcloud.vertex.predictions import Predictions
from localcloud.vertex.shapley import Shapley, shapley

MOST_PATHS = 50


class Explanations:
    """Explains what deployed BigQuery ML models predict, by sampled Shapley values.

    Args:
        predictions: Score the instances.
    """

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions
        self.store = predictions.cloud.store

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last two parts of the method id."""
        return {"endpoints.explain": self._explain}

    def _explain(self, call: Call) -> Json:
        endpoint = call.resource()
        if endpoint.get("dedicatedEndpointDns") or endpoint.get("privateServiceConnectConfig"):
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The Endpoint {endpoint['name']} is dedicated: only shared public endpoints "
                "explain.",
            )
        addresses.check_address(endpoint, call.host)
        deployed = self.predictions.deployed(endpoint, str(call.body.get("deployedModelId", "")))
        spec = overridden(self._spec(endpoint, deployed), call.body)
        paths = path_count(spec)
        instances = call.body.get("instances") or []
        predictions = self.predictions.scored(endpoint, deployed, instances)
        explanations = [
            {"attributions": self._attributions(deployed, spec, paths, instance, prediction)}
            for instance, prediction in zip(instances, predictions, strict=True)
        ]
        return {
            "explanations": explanations,
            "deployedModelId": deployed["id"],
            "predictions": predictions,
        }

    def _spec(self, endpoint: Json, deployed: Json) -> Json:
        version = self.store.get(f"{deployed['model']}/versions/{deployed['modelVersionId']}") or {}
        spec: Json = deployed.get("explanationSpec") or version.get("explanationSpec") or {}
        if not spec or deployed.get("disableExplanations"):
            raise ApiError(
                "FAILED_PRECONDITION",
                f"The DeployedModel {deployed['id']} of {endpoint['name']} does not explain: "
                "deploy it with an explanation_spec, and without disable_explanations.",
            )
        return spec

    def _attributions(
        self, deployed: Json, spec: Json, paths: int, instance: Json, prediction: Any
    ) -> list[Json]:
        """One attribution an explained output, the likeliest class first."""
        inputs = spec.get("metadata", {}).get("inputs", {})
        outputs = list(spec.get("metadata", {}).get("outputs", {}))
        features = list(inputs) or self.predictions.features(deployed)
        baseline = {name: _baseline(inputs.get(name, {})) for name in features}
        found: list[Json] = []
        for output in explained(prediction, int(spec["parameters"].get("topK", 1)), deployed):

            def score(steps: Sequence[Mapping[str, Any]], output: Json = output) -> list[float]:
                answers = self.predictions.answers(deployed, steps)
                return [_value(answer, output) for answer in answers]

            found.append(
                _shown(shapley(instance, baseline, score, path_count=paths), output, outputs)
            )
        return sorted(found, key=lambda one: -one["instanceOutputValue"])


def overridden(spec: Json, body: Json) -> Json:
    """A specification with what one request wants otherwise."""
    override = body.get("explanationSpecOverride", {})
    parameters = {**spec.get("parameters", {}), **override.get("parameters", {})}
    return {**spec, "parameters": parameters}


def path_count(spec: Json) -> int:
    """How many paths a specification asks for.

    Raises:
        ApiError: INVALID_ARGUMENT, it is out of range; UNIMPLEMENTED, another method is asked for.
    """
    parameters = spec.get("parameters", {})
    method = parameters.get("sampledShapleyAttribution")
    others = [
        key
        for key in ("integratedGradientsAttribution", "xraiAttribution", "examples")
        if key in parameters
    ]
    if others or "outputIndices" in parameters:
        raise ApiError(
            "UNIMPLEMENTED",
            f"The local cloud does not implement {', '.join(others) or 'outputIndices'}: use "
            "sampled_shapley_attribution, and top_k for several outputs.",
        )
    paths = int((method or {}).get("pathCount", 0))
    if not 1 <= paths <= MOST_PATHS:
        raise ApiError(
            "INVALID_ARGUMENT",
            "explanation_spec.parameters.sampled_shapley_attribution.path_count must be 1 to "
            f"{MOST_PATHS}; got {paths}.",
        )
    return paths


def explained(prediction: Any, top_k: int, deployed: Json) -> list[Json]:
    """The outputs of a prediction that are explained.

    Args:
        prediction: A classifier's has `<label>_values` and `<label>_probs`, a regressor's
            `predicted_<label>` alone.
        top_k: How many classes; -1 for all.
        deployed: Whose prediction.

    Returns:
        For each: the output's field, and of a class its name and index.

    Raises:
        ApiError: FAILED_PRECONDITION, the prediction has no numbers to explain.
    """
    fields = list(prediction) if isinstance(prediction, Mapping) else []
    classes = next((name for name in fields if name.endswith("_probs")), "")
    if classes:
        names = prediction[classes.removesuffix("_probs") + "_values"]
        ranked = sorted(range(len(names)), key=lambda i: -prediction[classes][i])
        wanted = ranked if top_k == -1 else ranked[:top_k]
        return [{"field": classes, "class": names[place], "index": place} for place in wanted]
    numbers = [
        name
        for name in fields
        if name.startswith("predicted_") and isinstance(prediction[name], (int, float))
    ]
    if len(numbers) != 1:
        raise ApiError(
            "FAILED_PRECONDITION",
            f"The DeployedModel {deployed['id']} predicts {', '.join(fields)}: only classifiers "
            "and regressors are explained.",
        )
    return [{"field": numbers[0]}]


def _value(answer: Mapping[str, Any], output: Json) -> float:
    if "class" not in output:
        return float(answer[output["field"]])
    names = answer[output["field"].removesuffix("_probs") + "_values"]
    return float(answer[output["field"]][names.index(output["class"])])


def _baseline(metadata: Json) -> Any:
    """A feature's first baseline; without one NULL, for which BigQuery ML takes the mean."""
    baselines = metadata.get("inputBaselines") or [None]
    return baselines[0]


def _shown(found: Shapley, output: Json, outputs: Sequence[str]) -> Json:
    of_class = (
        {"outputIndex": [output["index"]], "outputDisplayName": output["class"]}
        if "class" in output
        else {}
    )
    return {
        "baselineOutputValue": found.baseline,
        "instanceOutputValue": found.output,
        "featureAttributions": dict(found.features),
        "approximationError": found.approximation_error,
        "outputName": outputs[0] if outputs else output["field"],
        **of_class,
    }
