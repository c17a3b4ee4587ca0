"""A model of the Model Registry: its versions, aliases, and where they are deployed."""

from collections.abc import Mapping
from typing import Any

from localcloud.errors import Json
from localcloud.page import address
from localcloud.page.sources import Sources


def values(sources: Sources, body: Json) -> Mapping[str, Any]:
    """What the template of a registered model is given."""
    name = str(body["name"])
    return {
        "versions": [
            {
                "body": version,
                "source": source(version),
                "deployments": [
                    (endpoint, deployed["id"])
                    for endpoint, deployed in sources.models.deployments(
                        name, str(version["versionId"])
                    )
                ],
            }
            for version in sources.models.versions(name)
        ]
    }


def source(version: Json) -> tuple[str, str]:
    """The model of BigQuery ML that a version or deployed model is, and its page; else empty."""
    path = str(version.get("bigqueryModel") or "")
    parts = path.rsplit(".", 2)
    return (path, address.of_model(*parts)) if len(parts) == 3 else ("", "")
