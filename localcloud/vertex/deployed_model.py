"""One deployed model of an endpoint, as the store keeps it and as the API shows it."""

from localcloud.errors import ApiError, Json

_HIDDEN = ("localArtifactUri", "bigqueryModel")


def deployed_model(endpoint: Json, identifier: str) -> Json:
    """The deployed model of an id.

    Raises:
        ApiError: NOT_FOUND.
    """
    for deployed in endpoint.get("deployedModels", []):
        if deployed["id"] == identifier:
            found: Json = deployed
            return found
    raise ApiError(
        "NOT_FOUND", f"The DeployedModel {identifier} is not deployed on {endpoint['name']}."
    )


def public(deployed: Json) -> Json:
    """What the API shows of a deployed model."""
    return {key: value for key, value in deployed.items() if key not in _HIDDEN}
